//! Plain answers: a CSV with task, worker and label, and perhaps a time.

use std::path::Path;

use csv::StringRecord;

use super::files::{Kind, named, rows, source_file, wrong, wrong_row};
use super::mapswipe::{Cells, Reading};
use super::{Meaning, Project};
use crate::services::Error;

/// What each column may be called.
const TASK: [&str; 4] = ["task", "tile_id", "task_id", "tile"];
const WORKER: [&str; 4] = ["worker", "volunteer", "user_id", "user"];
const LABEL: [&str; 3] = ["label", "answer", "result"];
const TIME: [&str; 5] = ["timestamp", "received_at", "end_time", "created_at", "time"];
const BEGAN: [&str; 2] = ["leased_at", "start_time"];

/// Reads a CSV of answers and checks all of it. Tasks are cells, or have their outlines in `tiles`, whose features become
/// tiles even without an answer. No answer may be later than `latest` (milliseconds since 1970, UTC).
///
/// # Errors
/// A sentence that names the file, the line and the column.
pub fn read_labels(path: &Path, tiles: Option<&Path>, meaning: &Meaning, latest: i64) -> Result<Project, Error> {
    let mut reading = Reading::new("labels", meaning, None, latest);
    if let Some(tiles) = tiles {
        reading.read_tiles(tiles)?;
    }
    let mut reader = rows(path)?;
    let header = reader.headers().map_err(|error| wrong_row(path, &error))?.clone();
    let column = |names: &[&'static str]| {
        names.iter().find_map(|name| Some((*name, header.iter().position(|column| column.trim() == *name)?)))
    };
    let (Some(task), Some(worker), Some(label)) = (column(&TASK), column(&WORKER), column(&LABEL)) else {
        let has = named(&header);
        return Err(wrong(path, format!("line 1: the columns task, worker and label are needed; there are {has}")));
    };
    let (at, began_at, client) = (column(&TIME), column(&BEGAN), column(&["client"]));
    reading.project.timed = at.is_some();
    let (mut record, mut count) = (StringRecord::new(), 0);
    while reader.read_record(&mut record).map_err(|error| wrong_row(path, &error))? {
        let cell = |(name, place): (&'static str, usize)| (name, record[place].trim());
        reading.add(&Cells {
            path,
            line: record.position().map_or(0, csv::Position::line),
            project: None,
            task: cell(task),
            person: cell(worker),
            answer: cell(label),
            at: at.map(cell),
            began_at: began_at.filter(|_| at.is_some()).map(cell),
            client: client.map_or("", |place| cell(place).1),
        })?;
        count += 1;
    }
    reading.project.files.push(source_file(path, Kind::Results, count)?);
    reading.finish()
}
