//! MapSwipe's tables without a header: sessions (who answered which group, and when) and groups (the range of tiles).

use std::collections::HashMap;
use std::path::Path;

use super::files::{tab_rows, wrong_cell, wrong_row};
use crate::domain::cell::Cell;
use crate::services::Error;

/// More cells than this are a wrong range rather than a project.
const MOST_CELLS: u64 = 2_000_000;

/// One volunteer's work on one group.
#[derive(Debug)]
pub struct Session {
    /// The project.
    pub project: String,
    /// The volunteer.
    pub person: String,
    /// When they began.
    pub began: String,
    /// When they sent it.
    pub ended: String,
}

/// The columns and rows of a group's tiles.
#[derive(Debug)]
struct Range {
    x: (u32, u32),
    y: (u32, u32),
}

/// What the tables hold.
#[derive(Debug, Default)]
pub struct Sessions {
    of: HashMap<String, Session>,
    ranges: Vec<Range>,
}

impl Sessions {
    /// Reads project, group, volunteer, session, start, end and number of tiles.
    pub fn read_sessions(&mut self, path: &Path) -> Result<u64, Error> {
        let mut count = 0;
        for record in tab_rows(path)?.records() {
            let record = record.map_err(|error| wrong_row(path, &error))?;
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |place: usize| record[place].trim().to_owned();
            let session = Session { project: cell(0), person: cell(2), began: cell(4), ended: cell(5) };
            if self.of.insert(cell(3), session).is_some() {
                return Err(wrong_cell(path, line, "4", format!("session `{}` is there twice", cell(3))));
            }
            count += 1;
        }
        Ok(count)
    }

    /// Reads project, group, three counts, progress and a JSON object with the range of the tiles.
    pub fn read_groups(&mut self, path: &Path) -> Result<u64, Error> {
        let mut count = 0;
        for record in tab_rows(path)?.records() {
            let record = record.map_err(|error| wrong_row(path, &error))?;
            let line = record.position().map_or(0, csv::Position::line);
            let range = range(&record[6]).ok_or_else(|| {
                wrong_cell(path, line, "7", "is no JSON object with xMin, xMax, yMin and yMax in their order")
            })?;
            self.ranges.push(range);
            count += 1;
        }
        Ok(count)
    }

    /// The session of that number; otherwise what is missing.
    pub fn of(&self, number: &str) -> Result<&Session, String> {
        self.of.get(number).ok_or_else(|| {
            format!("there is no session `{number}`: give the file of mapping_sessions beside that of their results")
        })
    }

    /// All cells of the groups at a zoom.
    pub fn cells(&self, z: u8) -> Result<Vec<Cell>, Error> {
        let size = |range: &Range| u64::from(range.x.1 - range.x.0 + 1) * u64::from(range.y.1 - range.y.0 + 1);
        if self.ranges.iter().map(size).sum::<u64>() > MOST_CELLS {
            return Err(Error::Conflict(format!("the groups span more than {MOST_CELLS} tiles: leave their file out")));
        }
        let of = |range: &Range| {
            let (x, y) = (range.x, range.y);
            (x.0..=x.1).flat_map(move |x| (y.0..=y.1).filter_map(move |y| Cell::new(z, x, y)))
        };
        Ok(self.ranges.iter().flat_map(of).collect())
    }
}

fn range(text: &str) -> Option<Range> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let number = |name: &str| match json.get(name)? {
        serde_json::Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    let range = Range { x: (number("xMin")?, number("xMax")?), y: (number("yMin")?, number("yMax")?) };
    (range.x.0 <= range.x.1 && range.y.0 <= range.y.1).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_from_texts_or_numbers_and_never_upside_down() {
        let given = range(r#"{"xMax": "12", "xMin": "10", "yMax": 7, "yMin": 6}"#).unwrap();
        assert_eq!((given.x, given.y), ((10, 12), (6, 7)));
        let sessions = Sessions { ranges: vec![given], ..Sessions::default() };
        assert_eq!(sessions.cells(18).unwrap().len(), 6);
        assert!(range(r#"{"xMax": 9, "xMin": 10, "yMax": 7, "yMin": 6}"#).is_none() && range("[]").is_none());
    }
}
