//! One PMTiles file per scene: named before it is cut, written beside, synced, renamed into place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::bands::Look;
use super::encode::ENCODER_VERSION;
use super::error::ImageryError;

/// An empty unfinished file that is older than this belongs to nobody: its maker was killed before locking it.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// The file name of the archive of a source (its SHA-256 in hex) cut down to a zoom and shown so: a hash of all three
/// and of the encoder.
pub fn archive_name(source_sha256: &str, max_zoom: Option<u8>, look: &Look) -> String {
    let zoom = max_zoom.map_or_else(|| "native".to_owned(), |zoom| zoom.to_string());
    let parameters = format!("{source_sha256}\nmax_zoom {zoom}\n{}{ENCODER_VERSION}\n", look.signature());
    format!("{}.pmtiles", hex(&Sha256::digest(parameters)))
}

/// The SHA-256 of a file's content in hex.
///
/// # Errors
/// [`ImageryError::Io`] where the file cannot be read.
pub fn hash_file(path: &Path) -> Result<String, ImageryError> {
    let mut file = File::open(path).map_err(ImageryError::io(path, "opening"))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ImageryError::io(path, "reading")(error)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A locked file with a unique name that is removed unless it is renamed.
pub struct Temporary {
    /// Where it lies.
    pub path: PathBuf,
    /// Open for reading and writing.
    pub file: File,
    kept: bool,
}

impl Temporary {
    /// Makes a new one for an archive; `kind` tells the unfinished files of an archive apart.
    pub fn create(tiles_dir: &Path, archive: &str, kind: &str) -> Result<Temporary, ImageryError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        for _ in 0..10_000 {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = tiles_dir.join(format!("{archive}.{}-{number}{kind}.part", std::process::id()));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => {
                    // Locked before anything is written: whoever cleans up leaves empty and locked files alone. Where
                    // the file system knows no locks, nobody gets one, so nobody cleans up: untidy, not dangerous.
                    let _ = file.lock();
                    return Ok(Temporary { path, file, kept: false });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(ImageryError::io(&path, "creating")(error)),
            }
        }
        let full = io::Error::other("too many unfinished files; remove the files that end in .part");
        Err(ImageryError::io(tiles_dir, "creating a temporary file")(full))
    }

    /// Takes over a file that a killed run left behind; `None` where somebody still works on it.
    pub fn adopt(path: PathBuf) -> Option<Temporary> {
        let file = OpenOptions::new().read(true).write(true).open(&path).ok()?;
        if !is_abandoned(&file) {
            return None;
        }
        // Between opening and locking its owner may have finished and removed it.
        let same = fs::metadata(&path).ok()?.ino() == file.metadata().ok()?.ino();
        same.then_some(Temporary { path, file, kept: false })
    }

    /// Puts the file in its place.
    pub fn rename(mut self, place: &Path) -> Result<(), ImageryError> {
        fs::rename(&self.path, place).map_err(ImageryError::io(place, "renaming"))?;
        self.kept = true;
        Ok(())
    }

    /// Leaves it where it lies, for the next run to take over.
    pub fn leave(mut self) {
        self.kept = true;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing can be done about a file that will not go; the next run tries again.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether nobody holds a file's lock. It is locked by us then, until it is closed.
fn is_abandoned(file: &File) -> bool {
    let Ok(about) = file.metadata() else { return false };
    let old = about.modified().ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age > FORGOTTEN);
    (about.len() > 0 || old) && file.try_lock().is_ok()
}

/// The unfinished files of an archive, or of all archives, by name.
pub fn unfinished(tiles_dir: &Path, archive: Option<&str>) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(tiles_dir) else { return Vec::new() };
    let ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let known = archive.map_or_else(|| name.contains(".pmtiles."), |archive| name.starts_with(archive));
        known && name.ends_with(".part")
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(ours).collect();
    found.sort();
    found
}
