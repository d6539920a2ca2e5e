//! All archives of a folder behind one handle for the server.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use bytes::Bytes;

use crate::domain::cell::Cell;

use super::error::ImageryError;
use super::serve::SceneArchive;

/// Open archives kept by one handle.
const ARCHIVES_KEPT: usize = 512;

/// All scene archives of one folder. Cheap to clone; clones share the open files.
#[derive(Debug, Clone)]
pub struct Archives {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tiles_dir: PathBuf,
    open: RwLock<HashMap<String, Arc<SceneArchive>>>,
}

impl Archives {
    /// The archives of a folder, which need not exist yet.
    pub fn new(tiles_dir: impl Into<PathBuf>) -> Archives {
        Archives { shared: Arc::new(Shared { tiles_dir: tiles_dir.into(), open: RwLock::default() }) }
    }

    /// The folder.
    pub fn tiles_dir(&self) -> &Path {
        &self.shared.tiles_dir
    }

    /// An archive by its file name, opened at most once.
    ///
    /// # Errors
    /// [`ImageryError::ArchiveName`] for anything but `<64 hex digits>.pmtiles`; [`ImageryError::Archive`] where the
    /// file is missing or damaged.
    pub fn open(&self, archive: &str) -> Result<Arc<SceneArchive>, ImageryError> {
        let open = &self.shared.open;
        if let Some(known) = open.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(archive) {
            return Ok(Arc::clone(known));
        }
        if !is_archive_name(archive) {
            return Err(ImageryError::ArchiveName(archive.to_owned()));
        }
        let opened = Arc::new(SceneArchive::open(&self.shared.tiles_dir.join(archive))?);
        let mut open = open.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if open.len() >= ARCHIVES_KEPT {
            open.clear();
        }
        Ok(Arc::clone(open.entry(archive.to_owned()).or_insert(opened)))
    }

    /// The encoded WebP of a cell; `None` where the scene has no picture there (answer 204).
    ///
    /// # Errors
    /// As [`Archives::open`].
    pub async fn tile(&self, archive: &str, cell: Cell) -> Result<Option<Bytes>, ImageryError> {
        // One read of some 10 kB that the system mostly has in memory: handing it to another thread costs more.
        self.open(archive)?.tile(cell)
    }
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
