//! Exporting: one snapshot of the database, one sheet (or several layers), one format, in constant memory.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use super::read_map::{self, Question};
use crate::domain::campaign::Campaign;
use crate::domain::damage_map::{Cuts, DamageMap, DayRow, LabelRow, Sight, VolunteerRow, What};
use crate::domain::map_filter::MapFilter;
use crate::domain::pseudonym::pseudonym;
use crate::domain::volunteer_quality::Quality;
use crate::export::{self, Format, Record, Take};
use crate::services::oversight::watch_volunteers;
use crate::services::{Error, clock};
use crate::storage::maps::label_log::{self, LabelRows};
use crate::storage::oversight::statistics;
use crate::storage::{Conn, QueryError, Store, new_id};

/// Tells an export under way that nobody waits for it any more.
#[derive(Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// The export stops at its next row.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "nobody waits for this export any more")),
            false => Ok(()),
        }
    }
}

/// What is asked for.
#[derive(Clone)]
pub struct Request {
    /// Which rows.
    pub what: What,
    /// How they are written.
    pub format: &'static dyn Format,
    /// Which of the tiles.
    pub filter: MapFilter,
    /// Thresholds.
    pub cuts: Cuts,
    /// How much the person who asks may see.
    pub sight: Sight,
    /// A folder for what has to be seen twice; it must be there.
    pub scratch: PathBuf,
    /// Ends it early.
    pub cancel: Cancel,
}

impl Request {
    /// Checks a request: the format must be known and able to hold the rows, thresholds must be probabilities, and only
    /// researchers may have the log, the volunteers and the history.
    pub fn new(what: What, format: &str, cuts: Cuts, sight: Sight) -> Result<Request, Error> {
        let names = |holds: &dyn Fn(&dyn Format) -> bool| {
            let names = export::FORMATS.iter().filter(|format| holds(**format)).map(|format| format.extension());
            names.collect::<Vec<_>>().join(", ")
        };
        let Some(known) = export::format(format) else {
            return Err(Error::invalid("format", format!("`{format}` is none of {}", names(&|_| true))));
        };
        if !known.holds(what) {
            let others = names(&|format| format.holds(what));
            return Err(Error::invalid("format", format!("`{format}` cannot hold {what}: ask for {others}")));
        }
        if sight == Sight::Everybody && !matches!(what, What::Tiles | What::Scenes) {
            return Err(Error::Forbidden(format!("only researchers of the campaign may download its {what}")));
        }
        cuts.check()?;
        let (filter, scratch, cancel) = (MapFilter::default(), std::env::temp_dir(), Cancel::default());
        Ok(Request { what, format: known, filter, cuts, sight, scratch, cancel })
    }

    /// Only the tiles that this filter admits; everything else comes as a whole.
    pub fn filtered(self, filter: MapFilter) -> Result<Request, Error> {
        if self.what != What::Tiles && !filter.is_everything() {
            return Err(Error::invalid("filter", format!("filters choose tiles; {} come as a whole", self.what)));
        }
        Ok(Request { filter, ..self })
    }

    /// With this folder for what has to be seen twice.
    pub fn with_scratch(self, scratch: PathBuf) -> Request {
        Request { scratch, ..self }
    }

    /// The file's name: `tiles.csv`.
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.what, self.format.extension())
    }

    /// The sheets of the file. One with layers holds the scenes too, and the labels for whoever may see them, unless the
    /// tiles were chosen by a filter: then the labels of all would not fit to it.
    fn sheets(&self) -> Vec<What> {
        let mut sheets = vec![self.what];
        if self.format.has_layers() && self.what == What::Tiles {
            sheets.push(What::Scenes);
            if self.sight == Sight::Researcher && self.filter.is_everything() {
                sheets.push(What::Labels);
            }
        }
        sheets
    }
}

/// Writes an export and returns the number of rows of its first sheet. Blocks; memory does not grow with the campaign.
///
/// The same database gives the same bytes, whenever it is asked: `now` only decides which tiles closed long enough ago
/// to be shown, and does not enter the file.
pub fn write(
    store: &Store,
    campaign: &Campaign,
    request: &Request,
    now: i64,
    out: &mut (dyn Write + Send),
) -> Result<u64, Error> {
    store.read_snapshot(|conn| write_from(conn, campaign, request, now, out))
}

/// The same from a snapshot that is open.
pub fn write_from(
    conn: &mut Conn,
    campaign: &Campaign,
    request: &Request,
    now: i64,
    out: &mut (dyn Write + Send),
) -> Result<u64, Error> {
    let map = read_map::header(conn, campaign, request.cuts)?;
    let question = Question { campaign, map: &map, filter: &request.filter, sight: request.sight, now };
    let mut sheets = |take: &mut Take<'_>| {
        request.sheets().into_iter().try_for_each(|what| sheet(conn, what, question, &request.cancel, take))
    };
    request.format.write(&mut sheets, out, &request.scratch).map_err(failure)
}

/// Hands one sheet with its records to the format.
fn sheet(conn: &mut Conn, what: What, question: Question<'_>, cancel: &Cancel, take: &mut Take<'_>) -> io::Result<()> {
    let Question { campaign, map, .. } = question;
    match what {
        What::Tiles => {
            let rows = read_map::rows(conn, question).map_err(io::Error::other)?;
            let record = |row| Ok(export::tiles::record(map, &row));
            take(&export::tiles::sheet(map), &mut rows.map(|row| checked(row, cancel).and_then(record)))
        }
        What::Labels => {
            let rows = LabelRows::new(conn, campaign.id, campaign.model);
            let record = |row| Ok(label(map, campaign, &row));
            take(&export::labels::sheet(map), &mut rows.map(|row| checked(row, cancel).and_then(record)))
        }
        What::Volunteers => {
            let records = volunteers(conn, campaign).map_err(io::Error::other)?;
            take(&export::volunteers::sheet(map), &mut records.into_iter().map(Ok))
        }
        What::History => {
            let (tiles, _) = statistics::tiles_and_closed(conn, campaign.id).map_err(io::Error::other)?;
            let days = days(conn, campaign.id).map_err(io::Error::other)?;
            take(&export::history::sheet(map), &mut export::history::records(days, tiles.unsigned_abs()).map(Ok))
        }
        What::Scenes => {
            let records = map.scenes.iter().map(export::scenes::record);
            take(&export::scenes::sheet(map), &mut records.map(Ok))
        }
    }
}

fn checked<T>(row: Result<T, QueryError>, cancel: &Cancel) -> io::Result<T> {
    cancel.check()?;
    row.map_err(io::Error::other)
}

fn label(map: &DamageMap, campaign: &Campaign, row: &LabelRow) -> Record {
    export::labels::record(map, &pseudonym(&campaign.pseudonym_key, row.volunteer_id), row)
}

/// By pseudonym: the order of the ids would tell who came first.
fn volunteers(conn: &mut Conn, campaign: &Campaign) -> Result<Vec<Record>, Error> {
    let rows = label_log::volunteers(conn, campaign.id, campaign.model)?;
    // Of the same snapshot as all else, so not from what is kept for those who look at the list.
    let crowd = watch_volunteers::take(conn, campaign, clock::now_ms())?;
    let quality: HashMap<i64, Quality> = crowd.people.into_iter().map(|(_, one)| (one.volunteer_id, one)).collect();
    let record = |row: VolunteerRow| {
        let name = pseudonym(&campaign.pseudonym_key, row.volunteer_id);
        export::volunteers::record(&name, &row, quality.get(&row.volunteer_id).unwrap_or(&Quality::default()))
    };
    let mut records: Vec<Record> = rows.into_iter().map(record).collect();
    records.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(records)
}

const DAY_MS: i64 = 86_400_000;

/// Every day from the first thing that happened to the last, also those on which nothing did.
pub(super) fn days(conn: &mut Conn, campaign_id: i64) -> Result<Vec<DayRow>, QueryError> {
    let mut days = std::collections::BTreeMap::<i64, DayRow>::new();
    for count in statistics::labels_by_day(conn, campaign_id)? {
        let row = days.entry(count.day).or_default();
        (row.labels, row.active_volunteers) = (count.labels.unsigned_abs(), count.volunteers.unsigned_abs());
    }
    for first in statistics::first_labels(conn, campaign_id)?.into_iter().flatten() {
        days.entry(first / DAY_MS).or_default().new_volunteers += 1;
    }
    for group in statistics::tiles(conn, campaign_id, DAY_MS)? {
        if let Some(day) = group.interval {
            days.entry(day).or_default().tiles_closed += group.tiles.unsigned_abs();
        }
    }
    let (Some(&first), Some(&last)) = (days.keys().next(), days.keys().next_back()) else { return Ok(Vec::new()) };
    Ok((first..=last).map(|day| DayRow { day, ..days.get(&day).copied().unwrap_or_default() }).collect())
}

/// Whose fault it was that writing stopped: the database's, that of whoever asked, or that of the place it went to.
pub(super) fn failure(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::InvalidInput {
        return Error::invalid("format", error.to_string());
    }
    match error.downcast::<QueryError>() {
        Ok(error) => Error::Query(error),
        Err(error) => Error::Internal(format!("the export could not be written: {error}")),
    }
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its name.
    pub name: String,
    /// Rows of its first sheet.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// What it is called in HTTP.
    pub media_type: &'static str,
}

/// Writes an export to a file of that name: complete or not at all. Blocks.
pub fn write_file(
    store: &Store,
    campaign: &Campaign,
    request: &Request,
    now: i64,
    path: &Path,
) -> Result<Written, Error> {
    store.read_snapshot(|conn| write_named(conn, campaign, request, now, path))
}

fn write_named(
    conn: &mut Conn,
    campaign: &Campaign,
    request: &Request,
    now: i64,
    path: &Path,
) -> Result<Written, Error> {
    let fault = |error: io::Error| Error::Internal(format!("cannot write {}: {error}", path.display()));
    let name = path.file_name().ok_or_else(|| Error::invalid("out", "must name a file"))?.to_string_lossy();
    let part = path.with_file_name(format!(".{name}.{}.part", new_id()));
    let mut finish = || -> Result<Written, Error> {
        let mut out = Hashing::new(File::create_new(&part).map_err(fault)?);
        let rows = write_from(conn, campaign, request, now, &mut out)?;
        let (file, bytes, sha256) = out.finish().map_err(fault)?;
        file.sync_all().map_err(fault)?;
        fs::rename(&part, path).map_err(fault)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault)?;
        Ok(Written { name: name.to_string(), rows, bytes, sha256, media_type: request.format.media_type() })
    };
    finish().inspect_err(|_| {
        // Gone already where the last step failed, or never made.
        let _ = fs::remove_file(&part);
    })
}

/// A file that knows its length and its hash when it is written.
pub(super) struct Hashing(BufWriter<Sums>);

struct Sums {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Hashing {
    /// An empty file.
    pub fn new(file: File) -> Hashing {
        Hashing(BufWriter::with_capacity(1 << 16, Sums { file, hash: Sha256::new(), bytes: 0 }))
    }

    /// The file, its length and its SHA-256, hex.
    pub fn finish(self) -> io::Result<(File, u64, String)> {
        let Sums { file, hash, bytes } = self.0.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((file, bytes, hex(&hash.finalize())))
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Write for Sums {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

pub(in crate::services) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
