//! What lies in the folder of archives, for checks and for tidying up.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, futimens};

use super::archive::{Temporary, unfinished};
use super::archives::is_archive_name;
use super::error::ImageryError;
use super::stored::QUARANTINE;

/// An archive in the folder.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredArchive {
    /// Its file name.
    pub name: String,
    /// Its size, bytes.
    pub bytes: u64,
    /// Time since it was written or last asked for by an ingest.
    pub age: Duration,
}

/// All archives of a folder, by name; none where the folder does not exist.
///
/// # Errors
/// [`ImageryError::Io`] where the folder cannot be read.
pub fn local_archives(tiles_dir: &Path) -> Result<Vec<StoredArchive>, ImageryError> {
    if !tiles_dir.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(tiles_dir).map_err(ImageryError::io(tiles_dir, "reading"))? {
        let entry = entry.map_err(ImageryError::io(tiles_dir, "reading"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // What vanishes meanwhile is not there.
        if let (true, Ok(about)) = (is_archive_name(&name), entry.metadata()) {
            let age = about.modified().map(age_of).unwrap_or_default();
            found.push(StoredArchive { name, bytes: about.len(), age });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The time since then; none where the clock was set back since.
pub(super) fn age_of(at: SystemTime) -> Duration {
    at.elapsed().unwrap_or_default()
}

/// Removes what killed cuts left, if nobody works on it and it is older than this; returns the names. What is younger
/// is kept: the next cut of the same picture goes on from it.
pub fn remove_unfinished(tiles_dir: &Path, older: Duration) -> Vec<String> {
    let is_old = |path: &Path| {
        let modified = std::fs::metadata(path).and_then(|about| about.modified()).ok();
        modified.and_then(|at| at.elapsed().ok()).is_some_and(|age| age >= older)
    };
    let mut removed = Vec::new();
    for path in unfinished(tiles_dir, None).into_iter().filter(|path| is_old(path)) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // Dropping an adopted file removes it.
        if Temporary::adopt(path).is_some() {
            removed.push(name);
        }
    }
    removed
}

/// Removes what was set aside longer ago than this; returns the names.
pub fn empty_quarantine(tiles_dir: &Path, older: Duration) -> Vec<String> {
    let folder = tiles_dir.join(QUARANTINE);
    let Ok(all) = local_archives(&folder) else { return Vec::new() };
    let old = all.into_iter().filter(|one| one.age >= older);
    old.filter(|one| std::fs::remove_file(folder.join(&one.name)).is_ok()).map(|one| one.name).collect()
}

/// How many unfinished files lie in the folder.
pub fn count_unfinished(tiles_dir: &Path) -> usize {
    unfinished(tiles_dir, None).len()
}

/// Marks an archive as wanted now, so that nobody tidies it away between its cut and the transaction that names it.
pub fn touch(archive: &Path) {
    // Where it fails the archive merely looks as old as it is.
    let Ok(file) = std::fs::File::open(archive) else { return };
    let at = |word| Timespec { tv_sec: 0, tv_nsec: word };
    let _ = futimens(&file, &Timestamps { last_access: at(UTIME_OMIT), last_modification: at(UTIME_NOW) });
}
