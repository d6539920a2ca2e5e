//! One PMTiles file per scene: named before it is cut, written beside, synced, renamed into place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use pmtiles::{Compression, PmTilesWriter, TileCoord, TileId, TileType};
use sha2::{Digest, Sha256};

use crate::domain::cell::Cell;

use super::encode::ENCODER_VERSION;
use super::error::ImageryError;
use super::serve::SceneMetadata;

/// The file name of the archive of a source (its SHA-256 in hex) cut down to a zoom: a hash of both and of the encoder.
pub fn archive_name(source_sha256: &str, max_zoom: Option<u8>) -> String {
    let zoom = max_zoom.map_or_else(|| "native".to_owned(), |zoom| zoom.to_string());
    let parameters = format!("{source_sha256}\nmax_zoom {zoom}\n{ENCODER_VERSION}\n");
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

/// An archive in the making: a spool of tiles in the order in which threads finish them, then the file itself.
/// Both have unique names, are locked while in use, and vanish when the cut fails.
pub struct Draft {
    spool: Temporary,
    writer: BufWriter<File>,
    index: Vec<(TileId, u64, u32)>,
    length: u64,
}

impl Draft {
    /// Starts a draft; first removes what killed runs for the same archive left behind.
    pub fn begin(tiles_dir: &Path, archive: &str) -> Result<Draft, ImageryError> {
        fs::create_dir_all(tiles_dir).map_err(ImageryError::io(tiles_dir, "creating the folder"))?;
        remove_leftovers(tiles_dir, archive);
        let spool = Temporary::create(tiles_dir, archive)?;
        let handle = spool.file.try_clone().map_err(ImageryError::io(&spool.path, "opening"))?;
        Ok(Draft { writer: BufWriter::with_capacity(1 << 20, handle), spool, index: Vec::new(), length: 0 })
    }

    /// Adds one encoded tile.
    pub fn add(&mut self, cell: Cell, tile: &Bytes) -> Result<(), ImageryError> {
        let refuse = |error: String| ImageryError::archive(&self.spool.path, error);
        let place = TileCoord::new(cell.z, cell.x, cell.y).map_err(|error| refuse(error.to_string()))?;
        let length = u32::try_from(tile.len()).map_err(|error| refuse(error.to_string()))?;
        self.writer.write_all(tile).map_err(ImageryError::io(&self.spool.path, "writing"))?;
        self.index.push((TileId::from(place), self.length, length));
        self.length += u64::from(length);
        Ok(())
    }

    /// Whether any tile was added.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Writes the archive in the order of PMTiles (so that it is "clustered" and the bytes do not depend on threads)
    /// and puts it in place: sync, rename, sync the folder. Returns its SHA-256.
    pub fn finish(mut self, tiles_dir: &Path, archive: &str, about: &SceneMetadata) -> Result<String, ImageryError> {
        self.writer.flush().map_err(ImageryError::io(&self.spool.path, "writing"))?;
        self.index.sort_by_key(|entry| entry.0.value());
        let target = Temporary::create(tiles_dir, archive)?;
        let out = target.file.try_clone().map_err(ImageryError::io(&target.path, "opening"))?;
        self.copy_into(out, about).map_err(|error| match error {
            pmtiles::PmtError::Reading(source) => ImageryError::io(&target.path, "writing")(source),
            other => ImageryError::archive(&target.path, other),
        })?;
        target.file.sync_all().map_err(ImageryError::io(&target.path, "syncing"))?;
        let sha256 = hash_file(&target.path)?;
        let place = tiles_dir.join(archive);
        target.rename(&place)?;
        let folder = File::open(tiles_dir).map_err(ImageryError::io(tiles_dir, "opening"))?;
        folder.sync_all().map_err(ImageryError::io(tiles_dir, "syncing"))?;
        Ok(sha256)
    }

    fn copy_into(&mut self, out: File, about: &SceneMetadata) -> Result<(), pmtiles::PmtError> {
        let bounds = about.bounds;
        let (lon, lat) = bounds.centre();
        let mut writer = PmTilesWriter::new(TileType::Webp)
            .tile_compression(Compression::None)
            .min_zoom(about.min_zoom)
            .max_zoom(about.max_zoom)
            .bounds(bounds.west, bounds.south, bounds.east, bounds.north)
            .center(lon, lat)
            .center_zoom(about.min_zoom)
            .metadata(about.to_json())
            .create(out)?;
        let mut tile = Vec::new();
        for &(id, offset, length) in &self.index {
            tile.resize(length as usize, 0);
            self.spool.file.seek(SeekFrom::Start(offset))?;
            self.spool.file.read_exact(&mut tile)?;
            writer.add_tile(TileCoord::from(id), &tile)?;
        }
        writer.finalize()
    }
}

/// A locked file with a unique name that is removed unless it is renamed.
struct Temporary {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl Temporary {
    fn create(tiles_dir: &Path, archive: &str) -> Result<Temporary, ImageryError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        for _ in 0..10_000 {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = tiles_dir.join(format!("{archive}.{}-{number}.part", std::process::id()));
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

    fn rename(mut self, place: &Path) -> Result<(), ImageryError> {
        fs::rename(&self.path, place).map_err(ImageryError::io(place, "renaming"))?;
        self.kept = true;
        Ok(())
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

/// Removes what killed runs left for this archive: files that nobody holds a lock on.
fn remove_leftovers(tiles_dir: &Path, archive: &str) {
    let Ok(entries) = fs::read_dir(tiles_dir) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let ours = name.strip_prefix(archive).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".part"));
        if !ours {
            continue;
        }
        let Ok(file) = File::open(&path) else { continue };
        let begun = file.metadata().is_ok_and(|about| about.len() > 0);
        if begun && file.try_lock().is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
}
