//! Files of other systems: plain or gzip, which of them a folder holds, and sentences that name file, line and column.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use super::SourceFile;
use crate::export::compat::safe;
use crate::imagery::hash_file;
use crate::services::Error;

/// The first bytes of a gzip file (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Bytes read at a time.
const BUFFER: usize = 1 << 18;

/// What a file of MapSwipe holds, by how it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Sessions: who answered which group, and when.
    Sessions,
    /// Groups with the range of their tiles.
    Groups,
    /// All tasks, those without an answer too.
    Tasks,
    /// Counts per task, as CSV.
    Counts,
    /// Features: counts or outlines per task.
    Features,
    /// Answers, one a row.
    Results,
    /// Answers by session.
    SessionResults,
}

impl Kind {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Sessions => "sessions",
            Kind::Groups => "groups",
            Kind::Tasks => "tasks",
            Kind::Counts => "counts",
            Kind::Features => "features",
            Kind::Results | Kind::SessionResults => "answers",
        }
    }
}

/// A sentence about a file.
pub fn wrong(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::Conflict(format!("{}: {reason}", path.display()))
}

/// A sentence about a cell of a file.
pub fn wrong_cell(path: &Path, line: u64, column: &str, reason: impl std::fmt::Display) -> Error {
    wrong(path, format!("line {line}, column `{column}`: {reason}"))
}

/// The first columns of a file for a sentence: short, and with nothing that a terminal would obey.
pub fn named(header: &csv::StringRecord) -> String {
    const SHOWN: usize = 12;
    let name = |column: &str| column.chars().take(40).flat_map(char::escape_debug).collect::<String>();
    let names: Vec<String> = header.iter().take(SHOWN).map(name).collect();
    let more = if header.len() > SHOWN { format!(" and {} more", header.len() - SHOWN) } else { String::new() };
    names.join(",") + &more
}

/// A sentence about a row that cannot be read.
pub fn wrong_row(path: &Path, error: &csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => wrong(path, format!("line {line}: not UTF-8; save the file as UTF-8")),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            wrong(path, format!("line {line}: {len} cells where the header has {expected_len}"))
        }
        csv::ErrorKind::Io(error) => wrong(path, format!("cannot be read to its end: {error}")),
        _ => wrong(path, error),
    }
}

/// Opens a file, plain or gzip.
pub fn open(path: &Path) -> Result<Box<dyn BufRead>, Error> {
    let mut file = File::open(path).map_err(|error| wrong(path, format!("cannot be opened: {error}")))?;
    let mut start = [0; 2];
    let read = file.read(&mut start).map_err(|error| wrong(path, format!("cannot be read: {error}")))?;
    file.rewind().map_err(|error| wrong(path, format!("cannot be read: {error}")))?;
    if read == 2 && start == GZIP {
        let unpacked = flate2::read::MultiGzDecoder::new(BufReader::with_capacity(BUFFER, file));
        return Ok(Box::new(BufReader::with_capacity(BUFFER, unpacked)));
    }
    Ok(Box::new(BufReader::with_capacity(BUFFER, file)))
}

/// A reader of rows below a header; a last line that begins with `#` is a notice, not a row.
pub fn rows(path: &Path) -> Result<csv::Reader<Box<dyn BufRead>>, Error> {
    Ok(csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(open(path)?))
}

/// A reader of rows separated by tabs, without a header and without quotes.
pub fn tab_rows(path: &Path) -> Result<csv::Reader<Box<dyn BufRead>>, Error> {
    let mut builder = csv::ReaderBuilder::new();
    Ok(builder.delimiter(b'\t').quoting(false).has_headers(false).from_reader(open(path)?))
}

/// What is to be said about a file that was read.
pub fn source_file(path: &Path, holds: Kind, rows: u64) -> Result<SourceFile, Error> {
    Ok(SourceFile { name: name(path), sha256: hash_file(path)?, holds: holds.words(), rows })
}

/// A file's name, without the folder.
pub fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// A name without the apostrophe that our exports put before what a spreadsheet would run as a formula.
pub fn unguarded(name: &str) -> &str {
    match name.strip_prefix('\'') {
        Some(rest) if safe(rest) == name => rest,
        _ => name,
    }
}

/// The files to be read, each with what it holds, in the order in which they must be read. Of a folder those that are
/// known; a file that was named must be known.
pub fn find(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Kind)>, Error> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push((path.clone(), kind(path)?.ok_or_else(|| unknown(path))?));
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(|error| wrong(path, format!("cannot be listed: {error}")))?;
        let entries = entries.collect::<Result<Vec<_>, _>>();
        let entries = entries.map_err(|error| wrong(path, format!("cannot be listed: {error}")))?;
        let files = entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_file() && has_ending(path));
        for file in files {
            // A folder may hold other features: buildings, a reference.
            let known = kind(&file)?.filter(|kind| *kind != Kind::Features || name(&file).starts_with("agg_results"));
            found.extend(known.map(|kind| (file, kind)));
        }
    }
    found.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    Ok(found)
}

fn has_ending(path: &Path) -> bool {
    let name = name(path).to_ascii_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    [".csv", ".tsv", ".geojson", ".json"].iter().any(|ending| plain.ends_with(ending))
}

fn unknown(path: &Path) -> Error {
    wrong(path, "is no file of MapSwipe that is known here: give results, agg_results, tasks or mapping_sessions")
}

/// What a file holds, by its first line.
fn kind(path: &Path) -> Result<Option<Kind>, Error> {
    let mut first = Vec::new();
    let mut start = open(path)?.take(1 << 16);
    start.read_until(b'\n', &mut first).map_err(|error| wrong(path, format!("cannot be read: {error}")))?;
    let first = String::from_utf8_lossy(&first);
    let first = first.trim_start_matches('\u{feff}').trim_end();
    if first.trim_start().starts_with(['{', '[']) {
        return Ok(Some(Kind::Features));
    }
    let cells: Vec<&str> = first.split('\t').collect();
    match cells.len() {
        3 => return Ok(Some(Kind::SessionResults)),
        7 if cells[6].starts_with('{') => return Ok(Some(Kind::Groups)),
        7 => return Ok(Some(Kind::Sessions)),
        _ => {}
    }
    let columns: Vec<&str> = first.split(',').map(|column| column.trim_matches('"')).collect();
    let has = |name: &str| columns.contains(&name);
    Ok(match has("task_id") {
        true if has("result") && has("user_id") => Some(Kind::Results),
        true if has("0_count") => Some(Kind::Counts),
        true if has("geom") || has("tile_x") => Some(Kind::Tasks),
        _ => None,
    })
}
