//! The spool: finished downloads, kept for a while so that they can be sent in ranges, resumed and asked for again.
//!
//! Files have no name once they are made: nothing is left behind, however the server ends. What is kept is bounded; the
//! one that was asked for the longest time ago goes first. A file is found again by what was asked and by the state of the
//! campaign, so nobody is given an old map as a new one.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::export_map::{self, Hashing, Request};
use crate::domain::campaign::Campaign;
use crate::services::Error;
use crate::storage::maps::map_state;
use crate::storage::{Store, new_id};

/// Files that are kept at most; each is an open file.
const MOST_FILES: usize = 64;
/// A file is given out in ranges for so long though the campaign goes on; milliseconds.
const RECENT_MS: i64 = 120_000;
/// For so long a file can be resumed although the campaign went on; milliseconds.
const RESUMABLE_MS: i64 = 3_600_000;

/// A finished download.
#[derive(Debug)]
pub struct Finished {
    /// The file; read it by position, it is shared.
    pub file: Arc<File>,
    /// Its length, bytes.
    pub bytes: u64,
    /// Rows of its first sheet.
    pub rows: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// The moment whose state it shows; milliseconds since 1970, UTC.
    pub as_of: i64,
}

/// Finished downloads. Cheap to clone.
#[derive(Clone)]
pub struct Spool {
    folder: PathBuf,
    most_bytes: u64,
    /// The one asked for last stands last.
    kept: Arc<Mutex<Vec<Kept>>>,
}

struct Kept {
    asked: String,
    state: String,
    finished: Arc<Finished>,
}

impl Spool {
    /// In this folder, which is made when it is needed; keeps at most so many bytes.
    pub fn new(folder: PathBuf, most_bytes: u64) -> Spool {
        let spool = Spool { folder, most_bytes, kept: Arc::default() };
        spool.sweep();
        spool
    }

    /// Takes away what a process that was killed left behind. A day old it is nobody's any more.
    fn sweep(&self) {
        const DAY: Duration = Duration::from_secs(86_400);
        for entry in fs::read_dir(&self.folder).into_iter().flatten().filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_ours = name.starts_with("gpkg-") || name.starts_with("export-");
            let age = entry.metadata().and_then(|about| about.modified()).ok().and_then(|at| at.elapsed().ok());
            if is_ours && age.is_some_and(|age| age > DAY) {
                let path = entry.path();
                let gone = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                if let Err(error) = gone {
                    tracing::warn!(path = %path.display(), %error, "an unfinished export cannot be removed");
                }
            }
        }
    }

    /// Where formats may keep what they have to see twice.
    pub fn folder(&self) -> Result<&PathBuf, Error> {
        fs::create_dir_all(&self.folder).map_err(|error| self.unusable(&error))?;
        Ok(&self.folder)
    }

    /// The file that was asked for, if it is here and the campaign is as it was. Blocks.
    pub fn find(
        &self,
        store: &Store,
        campaign: &Campaign,
        request: &Request,
        now: i64,
    ) -> Result<Option<Arc<Finished>>, Error> {
        let asked = asked(campaign, request);
        if !self.kept().iter().any(|kept| kept.asked == asked) {
            return Ok(None);
        }
        let state = store.read_snapshot(|conn| Ok::<_, Error>(map_state::fingerprint(conn, campaign, now)?))?;
        Ok(self.take_out(|kept| kept.asked == asked && kept.state == state))
    }

    /// The file with that hash, whatever happened to the campaign since: for whoever has a part of it already.
    pub fn resume(&self, campaign: &Campaign, request: &Request, sha256: &str, now: i64) -> Option<Arc<Finished>> {
        let asked = asked(campaign, request);
        self.take_out(|kept| {
            let young = now.saturating_sub(kept.finished.as_of) < RESUMABLE_MS;
            young && kept.asked == asked && kept.finished.sha256 == sha256
        })
    }

    /// The file that was asked for lately, whatever happened to the campaign since: for whoever reads a file in many small
    /// ranges and does not say of which version, as GDAL does.
    pub fn recent(&self, campaign: &Campaign, request: &Request, now: i64) -> Option<Arc<Finished>> {
        let asked = asked(campaign, request);
        self.take_out(|kept| kept.asked == asked && now.saturating_sub(kept.finished.as_of) < RECENT_MS)
    }

    /// A file of another kind, known by `asked`: found where the campaign is as it was, else written and kept. Blocks.
    pub fn find_or_write(
        &self,
        store: &Store,
        campaign: &Campaign,
        (asked, now): (String, i64),
        run: impl FnOnce(&mut (dyn Write + Send)) -> Result<u64, Error>,
    ) -> Result<Arc<Finished>, Error> {
        let state = || store.read_snapshot(|conn| Ok::<_, Error>(map_state::fingerprint(conn, campaign, now)?));
        let before = state()?;
        if let Some(finished) = self.take_out(|kept| kept.asked == asked && kept.state == before) {
            return Ok(finished);
        }
        let finished = self.write_once(now, run)?;
        // Where labels came in meanwhile it is not known which state the file shows.
        if state()? == before {
            self.keep(Kept { asked, state: before, finished: finished.clone() });
        }
        Ok(finished)
    }

    /// Writes a file that is asked for once and not kept; `run` returns the number of its rows. Blocks.
    pub fn write_once(
        &self,
        as_of: i64,
        run: impl FnOnce(&mut (dyn Write + Send)) -> Result<u64, Error>,
    ) -> Result<Arc<Finished>, Error> {
        let mut out = Hashing::new(self.nameless()?);
        let rows = run(&mut out)?;
        let (file, bytes, sha256) = out.finish().map_err(|error| self.unusable(&error))?;
        Ok(Arc::new(Finished { file: Arc::new(file), bytes, rows, sha256, as_of }))
    }

    /// Writes the file and keeps it. Blocks.
    pub fn write(
        &self,
        store: &Store,
        campaign: &Campaign,
        request: &Request,
        now: i64,
    ) -> Result<Arc<Finished>, Error> {
        let request = request.clone().with_scratch(self.folder()?.clone());
        let mut state = String::new();
        let finished = self.write_once(now, |out| {
            store.read_snapshot(|conn| {
                state = map_state::fingerprint(conn, campaign, now)?;
                export_map::write_from(conn, campaign, &request, now, out)
            })
        })?;
        self.keep(Kept { asked: asked(campaign, &request), state, finished: finished.clone() });
        Ok(finished)
    }

    fn nameless(&self) -> Result<File, Error> {
        let path = self.folder()?.join(format!("export-{}.part", new_id()));
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(|error| self.unusable(&error))?;
        fs::remove_file(&path).map_err(|error| self.unusable(&error))?;
        Ok(file)
    }

    fn unusable(&self, error: &std::io::Error) -> Error {
        let folder = self.folder.display();
        Error::Internal(format!("the export needs room in {folder}, which cannot be used: {error}"))
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn take_out(&self, is_it: impl Fn(&Kept) -> bool) -> Option<Arc<Finished>> {
        let mut all = self.kept();
        let place = all.iter().rposition(is_it)?;
        let found = all.remove(place);
        let finished = found.finished.clone();
        all.push(found);
        Some(finished)
    }

    fn keep(&self, new: Kept) {
        let mut all = self.kept();
        all.retain(|kept| (&kept.asked, &kept.finished.sha256) != (&new.asked, &new.finished.sha256));
        all.push(new);
        let bytes = |all: &[Kept]| all.iter().map(|kept| kept.finished.bytes).sum::<u64>();
        while all.len() > MOST_FILES || bytes(&all) > self.most_bytes {
            all.remove(0);
        }
    }
}

/// All that decides what is in a file, apart from the campaign's state.
fn asked(campaign: &Campaign, request: &Request) -> String {
    let Request { filter, cuts, sight, .. } = request;
    let words = format!("{} {} {filter:?} {cuts:?} {sight:?}", campaign.id, request.file_name());
    Sha256::digest(words).iter().map(|byte| format!("{byte:02x}")).collect()
}
