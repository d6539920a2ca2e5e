//! What changed between two releases: both tiles.csv side by side, as they are sorted.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use csv::StringRecord;

use crate::domain::release::Changes;
use crate::services::Error;

/// The columns that are compared; state, class, and the two ends of the window.
const COMPARED: [&str; 4] = ["state", "class", "date_before", "date_after"];

/// Writes changes.csv, a row for each tile that changed, and returns how many did and how.
pub fn compare(before: &Path, now: &Path, since: u32, out: &mut dyn Write) -> Result<Changes, Error> {
    let mut sides = [Side::open(before)?, Side::open(now)?];
    let mut lines = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    let names = COMPARED.iter().flat_map(|name| [format!("{name}_was"), (*name).to_owned()]);
    write(&mut lines, ["tile_id".to_owned(), "change".to_owned()].into_iter().chain(names))?;
    let mut changes = Changes { since: Some(since), ..Changes::default() };
    loop {
        let [was, is] = &mut sides;
        let (change, was, is) = match (was.row.take(), is.row.take()) {
            (None, None) => break,
            (Some(left), Some(right)) if left.id < right.id => {
                is.row = Some(right);
                ("removed", Some(left), None)
            }
            (Some(left), Some(right)) if left.id > right.id => {
                was.row = Some(left);
                ("added", None, Some(right))
            }
            (Some(left), Some(right)) => ("changed", Some(left), Some(right)),
            (left, right) => (if left.is_some() { "removed" } else { "added" }, left, right),
        };
        if count(&mut changes, was.as_ref(), is.as_ref()) {
            changes.tiles += 1;
            let blank = Row::default();
            let (left, right) = (was.as_ref().unwrap_or(&blank), is.as_ref().unwrap_or(&blank));
            let cells = left.compared.iter().zip(&right.compared).flat_map(|(was, is)| [was.clone(), is.clone()]);
            let name = if is.is_some() { &right.printed } else { &left.printed };
            write(&mut lines, [name.clone(), change.to_owned()].into_iter().chain(cells))?;
        }
        let [left, right] = &mut sides;
        if was.is_some() {
            left.advance()?;
        }
        if is.is_some() {
            right.advance()?;
        }
    }
    lines.flush().map_err(fault)?;
    Ok(changes)
}

/// Counts what differs; whether anything does.
fn count(changes: &mut Changes, was: Option<&Row>, is: Option<&Row>) -> bool {
    let (Some(was), Some(is)) = (was, is) else {
        *(if is.is_some() { &mut changes.added } else { &mut changes.removed }) += 1;
        return true;
    };
    let differs = |at: usize| was.compared[at] != is.compared[at];
    let (state, class, window) = (differs(0), differs(1), differs(2) || differs(3));
    changes.state += u64::from(state);
    changes.class += u64::from(class);
    changes.window += u64::from(window);
    state || class || window
}

/// One tile of one file.
#[derive(Default)]
struct Row {
    /// The id by which the files are sorted.
    id: String,
    /// The id as it stands in the file.
    printed: String,
    compared: [String; 4],
}

/// One of the two files, at the row that comes next.
struct Side {
    rows: csv::StringRecordsIntoIter<File>,
    tile_id: usize,
    places: [usize; 4],
    row: Option<Row>,
}

impl Side {
    fn open(path: &Path) -> Result<Side, Error> {
        let mut reader = csv::Reader::from_path(path).map_err(|error| fault(io::Error::from(error)))?;
        let headers = reader.headers().map_err(|error| fault(io::Error::from(error)))?.clone();
        let column = |name: &str| {
            let found = headers.iter().position(|header| header == name);
            found.ok_or_else(|| Error::Internal(format!("{} has no column {name}", path.display())))
        };
        let mut places = [0; 4];
        for (place, name) in places.iter_mut().zip(COMPARED) {
            *place = column(name)?;
        }
        let mut side = Side { tile_id: column("tile_id")?, places, rows: reader.into_records(), row: None };
        side.advance()?;
        Ok(side)
    }

    fn advance(&mut self) -> Result<(), Error> {
        let next = self.rows.next().transpose().map_err(|error| fault(io::Error::from(error)))?;
        self.row = next.map(|record: StringRecord| {
            let cell = |at: usize| record.get(at).unwrap_or_default().to_owned();
            let printed = cell(self.tile_id);
            // The guard against formulas stands before the id and is no part of it.
            let id = printed.strip_prefix('\'').unwrap_or(&printed).to_owned();
            Row { id, printed, compared: self.places.map(cell) }
        });
        Ok(())
    }
}

fn write<W: Write>(lines: &mut csv::Writer<W>, cells: impl Iterator<Item = String>) -> Result<(), Error> {
    lines.write_record(cells.collect::<Vec<_>>()).map_err(|error| fault(io::Error::from(error)))
}

fn fault(error: io::Error) -> Error {
    Error::Internal(format!("two releases could not be compared: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_added_and_removed_tiles_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let [before, now] = ["before.csv", "now.csv"].map(|name| folder.path().join(name));
        let head = "tile_id,state,class,date_before,date_after\n";
        std::fs::write(
            &before,
            format!("{head}'=1,open,,,\na,settled,damaged,2025-01-01,2025-02-01\nb,open,,,\nd,open,,,\n"),
        )
        .unwrap();
        std::fs::write(
            &now,
            format!("{head}'=1,settled,destroyed,,\na,settled,damaged,2025-01-05,2025-02-01\nc,open,,,\nd,open,,,\n"),
        )
        .unwrap();
        let mut out = Vec::new();
        let changes = compare(&before, &now, 4, &mut out).unwrap();
        assert_eq!(changes, Changes { since: Some(4), added: 1, removed: 1, state: 1, class: 1, window: 1, tiles: 4 });
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "tile_id,change,state_was,state,class_was,class,date_before_was,date_before,date_after_was,date_after"
        );
        assert_eq!(lines[1], "'=1,changed,open,settled,,destroyed,,,,");
        assert_eq!(lines[3], "b,removed,open,,,,,,,");
        assert_eq!((lines[4], lines.len()), ("c,added,,open,,,,,,", 5));
    }
}
