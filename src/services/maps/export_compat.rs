//! Downloads in the columns of other systems: which files there are, who may have them, and what is read for each.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use super::export_map;
use super::export_map::days;
use super::read_map::{self, Question};
use super::spool::{Finished, Spool};
use crate::domain::campaign::Campaign;
use crate::domain::damage_map::{Cuts, DamageMap, Sight, TileRow};
use crate::domain::map_filter::MapFilter;
use crate::domain::pseudonym::pseudonym;
use crate::domain::words::words;
use crate::export::compat::mapswipe::User;
use crate::export::compat::{CountedLabel, code_of, group_of, gzip, mapswipe, zooniverse};
use crate::services::Error;
use crate::storage::labelling::counted_labels::{self, CountedRow, CountedRows};
use crate::storage::oversight::statistics;
use crate::storage::{Conn, QueryError, Store, new_id};

words! {
    /// A system whose columns are wanted.
    System {
        /// MapSwipe, new back end.
        Mapswipe = "mapswipe",
        /// Zooniverse, and its aggregation program.
        Zooniverse = "zooniverse",
    }
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Results,
    Tasks,
    Groups,
    Counts,
    CountFeatures,
    Users,
    History,
    YesMaybe,
    HotTm,
    Classifications,
    Subjects,
    Workflows,
    Extractions,
    Reductions,
}

/// The files of MapSwipe, with what comes before and after the project in their names.
const MAPSWIPE: [(Holds, &str, &str); 9] = [
    (Holds::Counts, "agg_results_by_task_", ".csv.gz"),
    (Holds::CountFeatures, "agg_results_by_task_", "_geom.geojson.gz"),
    (Holds::Results, "results_", ".csv.gz"),
    (Holds::Tasks, "tasks_", ".csv.gz"),
    (Holds::Groups, "groups_", ".csv.gz"),
    (Holds::Users, "users_", ".csv.gz"),
    (Holds::History, "history_", ".csv"),
    (Holds::YesMaybe, "yes_maybe_", ".geojson"),
    (Holds::HotTm, "hot_tm_", ".geojson"),
];

/// The files of Zooniverse.
const ZOONIVERSE: [(Holds, &str); 5] = [
    (Holds::Classifications, "classifications.csv"),
    (Holds::Subjects, "subjects.csv"),
    (Holds::Workflows, "workflows.csv"),
    (Holds::Extractions, "question_extractor_extractions.csv"),
    (Holds::Reductions, "question_reducer_reductions.csv"),
];

/// A file that is asked for, by somebody who may have it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its name.
    pub file: String,
    holds: Holds,
    sight: Sight,
}

/// The names of all files of a system.
pub fn names(system: System, slug: &str) -> Vec<String> {
    match system {
        System::Mapswipe => MAPSWIPE.iter().map(|(_, before, after)| format!("{before}{slug}{after}")).collect(),
        System::Zooniverse => ZOONIVERSE.iter().map(|(_, name)| (*name).to_owned()).collect(),
    }
}

impl Request {
    /// Finds the file of that name; only researchers may have labels, people and the history.
    pub fn new(system: System, slug: &str, file: &str, sight: Sight) -> Result<Request, Error> {
        let holds = match system {
            System::Mapswipe => {
                let named = |(_, before, after): &&(Holds, &str, &str)| {
                    file.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) == Some(slug)
                };
                MAPSWIPE.iter().find(named).map(|(holds, ..)| *holds)
            }
            System::Zooniverse => ZOONIVERSE.iter().find(|(_, name)| *name == file).map(|(holds, _)| *holds),
        };
        let holds = holds.ok_or_else(|| {
            let known = names(system, slug).join(", ");
            Error::NotFound(format!("{system} has no file `{file}`; there are {known}"))
        })?;
        let request = Request { file: file.to_owned(), holds, sight };
        if sight == Sight::Everybody && request.is_of_people() {
            return Err(Error::Forbidden(format!("only researchers of the campaign may download {file}")));
        }
        Ok(request)
    }

    /// Whether it says who answered what and when.
    pub fn is_of_people(&self) -> bool {
        let of_people = [Holds::Results, Holds::Users, Holds::History, Holds::Classifications, Holds::Extractions];
        of_people.contains(&self.holds)
    }

    /// What it is called in HTTP.
    pub fn media_type(&self) -> &'static str {
        match (self.file.ends_with(".gz"), self.file.contains(".geojson")) {
            (true, _) => "application/gzip",
            (false, true) => "application/geo+json",
            (false, false) => "text/csv; charset=utf-8",
        }
    }
}

/// Writes a file and returns the number of its rows. Blocks; memory grows with groups and people, never with tiles.
///
/// The same database gives the same bytes: `now` only decides which tiles closed long enough ago to be shown.
pub fn write(
    store: &Store,
    campaign: &Campaign,
    request: &Request,
    now: i64,
    out: &mut dyn Write,
) -> Result<u64, Error> {
    store.read_snapshot(|conn| write_from(conn, campaign, request, now, out))
}

/// Writes a file to a nameless one in the spool, which does not keep it. Blocks.
pub fn spool(
    store: &Store,
    campaign: &Campaign,
    request: &Request,
    now: i64,
    spool: &Spool,
) -> Result<Arc<Finished>, Error> {
    let asked = format!("{} {request:?}", campaign.id);
    spool.find_or_write(store, campaign, (asked, now), |out| write(store, campaign, request, now, out))
}

/// Writes all files of a system, as a researcher may have them, into a folder (made if need be), from one snapshot: each
/// complete or not at all. Returns their names with the number of rows. Blocks.
pub fn write_folder(
    store: &Store,
    campaign: &Campaign,
    system: System,
    now: i64,
    folder: &Path,
) -> Result<Vec<(String, u64)>, Error> {
    let fault = |error: io::Error| Error::Internal(format!("cannot write to {}: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(fault)?;
    store.read_snapshot(|conn| {
        let mut written = Vec::new();
        for name in names(system, &campaign.slug) {
            let request = Request::new(system, &campaign.slug, &name, Sight::Researcher)?;
            let part = folder.join(format!(".{name}.{}.part", new_id()));
            let mut finish = || -> Result<u64, Error> {
                let mut out = BufWriter::with_capacity(1 << 16, File::create_new(&part).map_err(fault)?);
                let rows = write_from(conn, campaign, &request, now, &mut out)?;
                out.into_inner().map_err(|error| fault(error.into_error()))?.sync_all().map_err(fault)?;
                fs::rename(&part, folder.join(&name)).map_err(fault)?;
                Ok(rows)
            };
            let rows = finish().inspect_err(|_| {
                // Gone already where the last step failed, or never made.
                let _ = fs::remove_file(&part);
            })?;
            written.push((name, rows));
        }
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault)?;
        Ok(written)
    })
}

fn write_from(
    conn: &mut Conn,
    campaign: &Campaign,
    request: &Request,
    now: i64,
    out: &mut dyn Write,
) -> Result<u64, Error> {
    let map = read_map::header(conn, campaign, Cuts::default())?;
    let everything = &MapFilter::default();
    let mut source = Source { conn, campaign, map: &map, request, everything, now };
    gzip(out, request.file.ends_with(".gz"), &mut |out| source.write(out)).map_err(export_map::failure)
}

struct Source<'a> {
    conn: &'a mut Conn,
    campaign: &'a Campaign,
    map: &'a DamageMap,
    request: &'a Request,
    everything: &'a MapFilter,
    now: i64,
}

impl Source<'_> {
    fn write(&mut self, out: &mut dyn Write) -> io::Result<u64> {
        let (map, campaign) = (self.map, self.campaign);
        match self.request.holds {
            Holds::Results => mapswipe::results(map, &mut self.labels(), out),
            Holds::Classifications => zooniverse::classifications(map, &mut self.labels(), out),
            Holds::Extractions => zooniverse::extractions(map, &mut self.labels(), out),
            Holds::Tasks => mapswipe::tasks(map, &mut self.tiles()?, out),
            Holds::Groups => mapswipe::groups(map, campaign, &mut self.tiles()?, out),
            Holds::Counts => mapswipe::agg_results(map, &mut self.tiles()?, out),
            Holds::CountFeatures => mapswipe::agg_geometries(map, &mut self.tiles()?, out),
            Holds::YesMaybe => mapswipe::yes_maybe(map, &mut self.tiles()?, out),
            Holds::HotTm => mapswipe::hot_tm(map, &mut self.tiles()?, out),
            Holds::Subjects => zooniverse::subjects(map, campaign, &mut self.tiles()?, out),
            Holds::Reductions => zooniverse::reductions(map, &mut self.tiles()?, out),
            Holds::Workflows => {
                let counts = (self.request.sight == Sight::Researcher).then(|| self.counts()).transpose();
                zooniverse::workflows(map, campaign, counts.map_err(io::Error::other)?, out)
            }
            Holds::Users => {
                let users = self.users().map_err(io::Error::other)?;
                mapswipe::users(map, &users, out)
            }
            Holds::History => {
                let days = days(self.conn, campaign.id).map_err(io::Error::other)?;
                let (tiles, _) = statistics::tiles_and_closed(self.conn, campaign.id).map_err(io::Error::other)?;
                mapswipe::history(map, &days, tiles.unsigned_abs(), out)
            }
        }
    }

    fn tiles(&mut self) -> io::Result<impl Iterator<Item = io::Result<TileRow>>> {
        let question = Question {
            campaign: self.campaign,
            map: self.map,
            filter: self.everything,
            sight: self.request.sight,
            now: self.now,
        };
        let rows = read_map::rows(self.conn, question).map_err(io::Error::other)?;
        Ok(rows.map(|row| row.map_err(io::Error::other)))
    }

    fn labels(&mut self) -> impl Iterator<Item = io::Result<CountedLabel>> {
        let key = &self.campaign.pseudonym_key;
        let rows = CountedRows::new(self.conn, self.campaign.id);
        rows.map(move |row| row.map(|row| label(key, row)).map_err(io::Error::other))
    }

    /// Counted labels and closed tiles.
    fn counts(&mut self) -> Result<(u64, u64), QueryError> {
        let groups = statistics::tiles(self.conn, self.campaign.id, i64::MAX)?;
        let labels = groups.iter().map(|group| group.counted.unsigned_abs()).sum();
        let closed = groups.iter().filter(|group| group.state.is_closed()).map(|group| group.tiles.unsigned_abs());
        Ok((labels, closed.sum()))
    }

    /// What each person did, by pseudonym.
    fn users(&mut self) -> Result<BTreeMap<String, User>, QueryError> {
        let mut of_group: BTreeMap<String, u64> = BTreeMap::new();
        for row in self.tiles().map_err(|error| QueryError::DeserializationError(error.into()))? {
            let row = row.map_err(|error| QueryError::DeserializationError(error.into()))?;
            *of_group.entry(group_of(&row.tile)).or_default() += 1;
        }
        let mut found: BTreeMap<i64, User> = BTreeMap::new();
        let mut done: BTreeMap<(i64, String), u64> = BTreeMap::new();
        let scale = &self.campaign.scale;
        counted_labels::of_each_tile(self.conn, self.campaign.id, |tile, answers| {
            let group = group_of(tile);
            let codes: Vec<usize> = answers.iter().map(|(_, answer)| code_of(scale, usize::from(*answer))).collect();
            for ((volunteer, _), code) in answers.iter().zip(&codes) {
                let same = codes.iter().filter(|other| *other == code).count() as u64;
                let user = found.entry(*volunteer).or_default();
                user.total += 1;
                user.agreeing += same - 1;
                user.disagreeing += codes.len() as u64 - same;
                *done.entry((*volunteer, group.clone())).or_default() += 1;
            }
        })?;
        for ((volunteer, group), count) in done {
            if let Some(user) = found.get_mut(&volunteer).filter(|_| of_group.get(&group) == Some(&count)) {
                user.groups_completed += 1;
            }
        }
        let key = &self.campaign.pseudonym_key;
        Ok(found.into_iter().map(|(volunteer, user)| (pseudonym(key, volunteer), user)).collect())
    }
}

fn label(key: &[u8], row: CountedRow) -> CountedLabel {
    CountedLabel {
        id: row.id,
        tile: row.tile,
        person: pseudonym(key, row.volunteer_id),
        guest: !row.had_account,
        answer: row.answer,
        leased_at: row.leased_at,
        received_at: row.received_at,
        client: row.client,
        state: row.state,
        closed_at: row.closed_at,
    }
}
