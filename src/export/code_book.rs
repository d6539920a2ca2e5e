//! The code book: what every column of every file holds, from the same declarations that the files are written by.

use std::fmt::Write as _;

use super::{Column, Sheet, history, labels, scenes, tiles, volunteers};
use crate::domain::crosswalk;
use crate::domain::damage_map::DamageMap;

/// The sheets that a campaign's files are made of.
fn sheets(map: &DamageMap) -> [Sheet<'_>; 5] {
    [tiles::sheet(map), scenes::sheet(map), labels::sheet(map), volunteers::sheet(map), history::sheet(map)]
}

/// One row a column: file, column, type, unit, meaning, what a blank means.
pub fn csv(map: &DamageMap) -> Vec<u8> {
    let mut lines = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = lines.write_record(["file", "column", "type", "unit", "meaning", "blank_means"]);
    for sheet in sheets(map) {
        for column in &sheet.columns {
            let blank = if column.blank.is_empty() { "never blank" } else { column.blank };
            let row = [sheet.name, &column.name, column.kind.key(), column.unit, &column.meaning, blank];
            let _ = lines.write_record(row);
        }
    }
    lines.into_inner().unwrap_or_default()
}

/// The same for reading, with the classes and what others call them.
pub fn markdown(map: &DamageMap) -> String {
    let mut text = format!("# Code book of {}\n\n", line(&map.title));
    text.push_str("Names and order are the same in every format. Times are UTC. Formats with places of their own (all but CSV) leave the column `geometry` out or make it their geometry.\n");
    push_classes(&mut text, map);
    for sheet in sheets(map) {
        let _ = write!(text, "\n## {}\n\n{}\n\n", sheet.name, sheet.about);
        text.push_str("| column | type | unit | meaning | blank means |\n|---|---|---|---|---|\n");
        sheet.columns.iter().for_each(|column| push_column(&mut text, column));
    }
    text
}

fn push_column(text: &mut String, column: &Column) {
    let blank = if column.blank.is_empty() { "never blank" } else { column.blank };
    let _ = writeln!(
        text,
        "| `{}` | {} | {} | {} | {} |",
        column.name,
        column.kind.key(),
        column.unit,
        cell(&column.meaning),
        cell(blank)
    );
}

fn push_classes(text: &mut String, map: &DamageMap) {
    let _ = write!(text, "\n## Classes of the scale {}\n\n", map.scale.key);
    text.push_str(
        "What others call about the same is a mapping of names by their meaning, not an equal measurement.\n\n",
    );
    text.push_str("| class | code | Copernicus EMS | UNOSAT | FEMA |\n|---|---|---|---|---|\n");
    for class in map.scale.classes() {
        let (copernicus, unosat, fema) = match crosswalk::names(&map.scale.key, &class.key) {
            Some(names) => (names.copernicus, names.unosat, names.fema),
            None => ("", "", ""),
        };
        let _ = writeln!(text, "| `{}` | {} | {copernicus} | {unosat} | {fema} |", class.key, class.code);
    }
    push_names(text, map);
}

/// What volunteers read on the buttons, where that is more than the keys.
fn push_names(text: &mut String, map: &DamageMap) {
    if map.scale.answers.iter().all(|answer| answer.names.is_empty()) {
        return;
    }
    text.push_str(
        "\n## What volunteers read\n\nThe names of the answers on screen. Where there is none, the key in words.\n\n",
    );
    text.push_str("| answer | code | language | name |\n|---|---|---|---|\n");
    for answer in &map.scale.answers {
        for (language, name) in &answer.names {
            let _ = writeln!(text, "| `{}` | {} | {language} | {} |", answer.key, answer.code, cell(name));
        }
    }
}

/// Text on one line.
pub(super) fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text that does not end a cell of a table.
fn cell(text: &str) -> String {
    line(text).replace('|', "\\|")
}
