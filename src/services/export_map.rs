//! Exporting: one snapshot of the database, one sheet, one format, in constant memory.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::Error;
use super::read_map::{self, Question};
use crate::domain::campaign::Campaign;
use crate::domain::damage_map::{Cuts, DamageMap, DayRow, LabelRow, Sight, VolunteerRow, What};
use crate::domain::map_filter::MapFilter;
use crate::domain::pseudonym::pseudonym;
use crate::export::{self, Format, Record, Records, Sheet};
use crate::storage::label_log::LabelRows;
use crate::storage::{Conn, QueryError, Store, label_log, new_id, statistics};

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
}

impl Request {
    /// Checks a request: the format must be known and able to hold the rows, thresholds must be probabilities, and only
    /// researchers may have the log, the volunteers and the history.
    pub fn new(what: What, format: &str, cuts: Cuts, sight: Sight) -> Result<Request, Error> {
        let Some(known) = export::format(format) else {
            let names: Vec<&str> = export::FORMATS.iter().map(|format| format.extension()).collect();
            return Err(Error::invalid("format", format!("`{format}` is none of {}", names.join(", "))));
        };
        let has_places = matches!(what, What::Tiles | What::Scenes);
        if known.needs_places() && !has_places {
            return Err(Error::invalid("format", format!("{what} have no place on the map: ask for csv")));
        }
        if sight == Sight::Everybody && !has_places {
            return Err(Error::Forbidden(format!("only researchers of the campaign may download its {what}")));
        }
        cuts.check()?;
        Ok(Request { what, format: known, filter: MapFilter::default(), cuts, sight })
    }

    /// Only the tiles that this filter admits; everything else comes as a whole.
    pub fn filtered(self, filter: MapFilter) -> Result<Request, Error> {
        if self.what != What::Tiles && !filter.is_everything() {
            return Err(Error::invalid("filter", format!("filters choose tiles; {} come as a whole", self.what)));
        }
        Ok(Request { filter, ..self })
    }

    /// The file's name: `tiles.csv`.
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.what, self.format.extension())
    }
}

/// Writes an export and returns the number of rows. Blocks; memory does not grow with the campaign.
///
/// The same database gives the same bytes, whenever it is asked: `now` only decides which tiles closed long enough ago
/// to be shown, and does not enter the file.
pub fn write(
    store: &Store,
    campaign: &Campaign,
    request: &Request,
    now: i64,
    out: &mut dyn Write,
) -> Result<u64, Error> {
    store.read_snapshot(|conn| write_from(conn, campaign, request, now, out))
}

pub(super) fn write_from(
    conn: &mut Conn,
    campaign: &Campaign,
    request: &Request,
    now: i64,
    out: &mut dyn Write,
) -> Result<u64, Error> {
    let map = read_map::header(conn, campaign, request.cuts)?;
    let mut written =
        |sheet: Sheet<'_>, records: &mut Records<'_>| request.format.write(&sheet, records, out).map_err(failure);
    match request.what {
        What::Tiles => {
            let question = Question { campaign, map: &map, filter: &request.filter, sight: request.sight, now };
            let rows = read_map::rows(conn, question)?;
            let record = |row: Result<_, QueryError>| row.map(|row| export::tiles::record(&map, &row));
            written(export::tiles::sheet(&map), &mut rows.map(|row| record(row).map_err(io::Error::other)))
        }
        What::Labels => {
            let rows = LabelRows::new(conn, campaign.id, campaign.model);
            written(export::labels::sheet(&map), &mut rows.map(|row| label(&map, campaign, row)))
        }
        What::Volunteers => {
            let records = volunteers(conn, campaign)?;
            written(export::volunteers::sheet(&map), &mut records.into_iter().map(Ok))
        }
        What::History => {
            let (tiles, _) = statistics::tiles_and_closed(conn, campaign.id)?;
            let days = days(conn, campaign.id)?;
            written(export::history::sheet(&map), &mut export::history::records(days, tiles.unsigned_abs()).map(Ok))
        }
        What::Scenes => {
            let records = map.scenes.iter().map(export::scenes::record);
            written(export::scenes::sheet(&map), &mut records.map(Ok))
        }
    }
}

fn label(map: &DamageMap, campaign: &Campaign, row: Result<LabelRow, QueryError>) -> io::Result<Record> {
    let row = row.map_err(io::Error::other)?;
    Ok(export::labels::record(map, &pseudonym(&campaign.pseudonym_key, row.volunteer_id), &row))
}

/// By pseudonym: the order of the ids would tell who came first.
fn volunteers(conn: &mut Conn, campaign: &Campaign) -> Result<Vec<Record>, Error> {
    let rows = label_log::volunteers(conn, campaign.id, campaign.model)?;
    let record =
        |row: VolunteerRow| export::volunteers::record(&pseudonym(&campaign.pseudonym_key, row.volunteer_id), &row);
    let mut records: Vec<Record> = rows.into_iter().map(record).collect();
    records.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(records)
}

const DAY_MS: i64 = 86_400_000;

/// Every day from the first thing that happened to the last, also those on which nothing did.
pub(super) fn days(conn: &mut Conn, campaign_id: i64) -> Result<Vec<DayRow>, Error> {
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

/// Whose fault it was that writing stopped: the database's, or that of the place the file went to.
pub(super) fn failure(error: io::Error) -> Error {
    match error.downcast::<QueryError>() {
        Ok(error) => Error::Query(error),
        Err(error) => Error::Internal(format!("the export could not be written: {error}")),
    }
}

/// A finished export, ready to be sent in whole or in ranges.
pub struct Spooled {
    /// The file, at its beginning. It has no name any more and is gone when this is closed.
    pub file: File,
    /// Its length, bytes.
    pub bytes: u64,
    /// Rows in it.
    pub rows: u64,
    /// SHA-256 of its bytes, hex: the same content has the same ETag.
    pub sha256: String,
}

/// Writes an export to a nameless file in `folder` (made if need be). Blocks.
pub fn spool(store: &Store, campaign: &Campaign, request: &Request, now: i64, folder: &Path) -> Result<Spooled, Error> {
    spool_as(folder, |out| write(store, campaign, request, now, out))
}

/// The same for whatever `write` writes; it returns the number of rows.
pub(super) fn spool_as(
    folder: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<u64, Error>,
) -> Result<Spooled, Error> {
    let fault = |error: io::Error| {
        Error::Internal(format!("the export needs room in {}, which cannot be used: {error}", folder.display()))
    };
    fs::create_dir_all(folder).map_err(fault)?;
    let path = folder.join(format!("export-{}.part", new_id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path).map_err(fault)?;
    // An open file needs no name, and without one nothing is left behind, however the server ends.
    fs::remove_file(&path).map_err(fault)?;
    let mut out = BufWriter::with_capacity(1 << 16, Hashing { file, hash: Sha256::new(), bytes: 0 });
    let rows = write(&mut out)?;
    let Hashing { mut file, hash, bytes } = out.into_inner().map_err(|error| fault(error.into_error()))?;
    file.rewind().map_err(fault)?;
    Ok(Spooled { file, bytes, rows, sha256: hex(&hash.finalize()) })
}

/// Writes an export to a file of that name: complete or not at all. Blocks.
pub fn write_file(store: &Store, campaign: &Campaign, request: &Request, now: i64, path: &Path) -> Result<u64, Error> {
    let fault = |error: io::Error| Error::Internal(format!("cannot write {}: {error}", path.display()));
    let name = path.file_name().ok_or_else(|| Error::invalid("out", "must name a file"))?;
    let part = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), new_id()));
    let finish = || -> Result<u64, Error> {
        let mut out = BufWriter::with_capacity(1 << 16, File::create_new(&part).map_err(fault)?);
        let rows = write(store, campaign, request, now, &mut out)?;
        let file = out.into_inner().map_err(|error| fault(error.into_error()))?;
        file.sync_all().map_err(fault)?;
        fs::rename(&part, path).map_err(fault)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault)?;
        Ok(rows)
    };
    finish().inspect_err(|_| {
        // Gone already where the last step failed, or never made.
        let _ = fs::remove_file(&part);
    })
}

struct Hashing {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashing {
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

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
