//! All archives of a folder behind one handle for the server.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

use crate::domain::cell::Cell;

use super::bucket::Bucket;
use super::error::ImageryError;
use super::serve::SceneArchive;

/// Open archives kept by one handle.
const ARCHIVES_KEPT: usize = 512;

/// All scene archives of one place: a folder, or S3-compatible storage with a folder for work and copies beside it.
/// Cheap to clone; clones share the open files.
#[derive(Debug, Clone)]
pub struct Archives {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tiles_dir: PathBuf,
    bucket: Option<Bucket>,
    open: RwLock<HashMap<String, Arc<SceneArchive>>>,
}

impl Archives {
    /// The archives of a folder, which need not exist yet.
    pub fn new(tiles_dir: impl Into<PathBuf>) -> Archives {
        Archives { shared: Arc::new(Shared { tiles_dir: tiles_dir.into(), bucket: None, open: RwLock::default() }) }
    }

    /// The archives of an address like `s3://bucket/folder`. They are cut in `tiles_dir`, which also keeps copies of those
    /// that were cut on this machine, up to some gigabytes. Credentials come from the environment.
    ///
    /// # Errors
    /// Where the address is none.
    pub fn in_bucket(address: &str, tiles_dir: impl Into<PathBuf>) -> Result<Archives, ImageryError> {
        let bucket = Some(Bucket::at(address)?);
        Ok(Archives { shared: Arc::new(Shared { tiles_dir: tiles_dir.into(), bucket, open: RwLock::default() }) })
    }

    /// The folder: of the archives, or of work and copies.
    pub fn tiles_dir(&self) -> &Path {
        &self.shared.tiles_dir
    }

    /// The storage, where the archives are not in the folder.
    pub(super) fn bucket(&self) -> Option<&Bucket> {
        self.shared.bucket.as_ref()
    }

    /// The file of an archive, where it is on this machine.
    pub fn local_file(&self, archive: &str) -> Option<PathBuf> {
        let path = self.shared.tiles_dir.join(archive);
        (is_archive_name(archive) && path.is_file()).then_some(path)
    }

    /// An archive by its file name, opened at most once. Where archives are far away the thread waits: a server asks for
    /// [`Archives::opened`].
    ///
    /// # Errors
    /// [`ImageryError::ArchiveName`] for anything but `<64 hex digits>.pmtiles`; [`ImageryError::Archive`] where the
    /// file is missing or damaged; [`ImageryError::Away`] where the storage does not answer.
    pub fn open(&self, archive: &str) -> Result<Arc<SceneArchive>, ImageryError> {
        if let Some(known) = self.known(archive) {
            return Ok(known);
        }
        let path = self.shared.tiles_dir.join(checked(archive)?);
        match &self.shared.bucket {
            Some(bucket) if !path.is_file() => {
                Ok(self.keep_open(archive, bucket.wait(SceneArchive::open_in(bucket, archive))?))
            }
            _ => Ok(self.keep_open(archive, SceneArchive::open(&path)?)),
        }
    }

    /// The same for callers that may not wait; in a local folder it is there at once.
    ///
    /// # Errors
    /// As [`Archives::open`].
    pub async fn opened(&self, archive: &str) -> Result<Arc<SceneArchive>, ImageryError> {
        match &self.shared.bucket {
            Some(bucket) if self.known(archive).is_none() && self.local_file(checked(archive)?).is_none() => {
                Ok(self.keep_open(archive, SceneArchive::open_in(bucket, archive).await?))
            }
            _ => self.open(archive),
        }
    }

    fn known(&self, archive: &str) -> Option<Arc<SceneArchive>> {
        self.shared.open.read().unwrap_or_else(PoisonError::into_inner).get(archive).cloned()
    }

    fn keep_open(&self, archive: &str, opened: SceneArchive) -> Arc<SceneArchive> {
        let mut open = self.shared.open.write().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= ARCHIVES_KEPT {
            open.clear();
        }
        Arc::clone(open.entry(archive.to_owned()).or_insert_with(|| Arc::new(opened)))
    }

    /// The encoded WebP of a cell; `None` where the scene has no picture there (answer 204).
    ///
    /// # Errors
    /// As [`Archives::open`].
    pub async fn tile(&self, archive: &str, cell: Cell) -> Result<Option<Bytes>, ImageryError> {
        self.opened(archive).await?.picture(cell).await
    }
}

pub(super) fn checked(archive: &str) -> Result<&str, ImageryError> {
    if is_archive_name(archive) { Ok(archive) } else { Err(ImageryError::ArchiveName(archive.to_owned())) }
}

pub(super) fn missing(archive: &str) -> ImageryError {
    ImageryError::Archive { archive: archive.to_owned(), reason: "is missing".into() }
}

/// Whether a text is an archive's file name and nothing else, above all no path.
pub(super) fn is_archive_name(name: &str) -> bool {
    let digits = name.strip_suffix(".pmtiles").unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_archive_names_are_opened() {
        let name = format!("{}.pmtiles", "0a".repeat(32));
        assert!(is_archive_name(&name));
        for bad in ["", ".pmtiles", "../etc/passwd", &name[1..], &name.to_uppercase(), &format!("a/{name}")] {
            assert!(!is_archive_name(bad), "{bad}");
        }
        assert!(matches!(Archives::new("nowhere").open("../x"), Err(ImageryError::ArchiveName(_))));
        assert!(matches!(Archives::new("nowhere").open(&name), Err(ImageryError::Archive { .. })));
    }
}
