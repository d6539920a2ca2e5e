//! Reading one scene archive: a tile by its cell, and how much of an area has a picture.

use std::collections::HashMap;
use std::fs::File;
use std::future::Future;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::FutureExt;
use pmtiles::{AsyncBackend, AsyncPmTilesReader, BackendResponse, HashMapCache, PmtError, PmtResult, TileCoord};
use serde::{Deserialize, Serialize};

use crate::domain::bbox::Bbox;
use crate::domain::cell::{CELL_PIXELS, Cell, MERCATOR_HALF, MercatorBox};

use super::bucket::Bucket;
use super::encode::{ENCODER_VERSION, decode_alpha, is_full};
use super::error::ImageryError;
use super::source::Shown;

/// Pixels along the side of an area at which its valid share is measured, at least, where the archive has them.
const MEASURE_PIXELS: f64 = 64.0;
/// Decoded alpha planes kept per archive (64 kB each).
const MASKS_KEPT: usize = 256;

/// What an archive says about its scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SceneMetadata {
    /// SHA-256 of the source file, hex.
    pub source_sha256: String,
    /// Coordinate system of the source.
    pub crs: String,
    /// Side of a source pixel on the ground, metres.
    pub pixel_size_m: f64,
    /// What the picture covers, degrees.
    pub bounds: Bbox,
    /// The coarsest zoom.
    pub min_zoom: u8,
    /// The deepest zoom.
    pub max_zoom: u8,
    /// How bands became colours and how "no picture" was known.
    pub note: String,
    /// The same in numbers: bands and stretch.
    #[serde(default)]
    pub shown: Shown,
    /// What the tiles are, where others encoded them: `png`, `jpeg`, `webp` or `mixed`; ours are WebP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Number of tiles.
    pub tiles: u64,
}

/// The metadata document of a PMTiles archive: what any reader understands, and ours under one key.
#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(default)]
    name: String,
    #[serde(default)]
    format: String,
    #[serde(default)]
    generator: String,
    aftermap: SceneMetadata,
}

impl SceneMetadata {
    /// The JSON that is stored in the archive: no clock, no path, so that the bytes repeat.
    pub(crate) fn to_json(&self) -> String {
        let document = Document {
            name: format!("scene {}", &self.source_sha256.get(..12).unwrap_or_default()),
            format: self.format.clone().unwrap_or_else(|| "webp".into()),
            generator: format!("aftermap ({ENCODER_VERSION})"),
            aftermap: self.clone(),
        };
        // Plain numbers and texts always serialise.
        serde_json::to_string(&document).unwrap_or_default()
    }
}

/// Where the bytes of an archive are.
enum Backing {
    /// A plain file, read by position. Not memory-mapped: a file cut short gives an error instead of a signal.
    Disk(File),
    /// An object of that name in S3-compatible storage.
    Bucket(Bucket, String),
}

impl AsyncBackend for Backing {
    async fn read(&self, offset: u64, length: usize) -> PmtResult<BackendResponse> {
        let bytes = match self {
            // One read of some 10 kB that the system mostly has in memory: handing it to another thread costs more.
            Backing::Disk(file) => read_at(file, offset, length).map_err(PmtError::Reading)?,
            Backing::Bucket(bucket, archive) => {
                let found = bucket.range(archive, offset..offset + length as u64).await;
                found.map_err(|error| PmtError::Reading(io::Error::other(error)))?
            }
        };
        Ok(BackendResponse::new(bytes))
    }
}

fn read_at(file: &File, offset: u64, length: usize) -> io::Result<Bytes> {
    let mut buffer = vec![0; length];
    let mut done = 0;
    loop {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(done);
    Ok(Bytes::from(buffer))
}

type Reader = AsyncPmTilesReader<Backing, HashMapCache>;

/// The alpha of one tile.
enum Mask {
    Missing,
    Full,
    Alpha(Vec<u8>),
}

/// One open archive. All reads are by position: any number of threads may share it.
pub struct SceneArchive {
    path: PathBuf,
    reader: Reader,
    bucket: Option<Bucket>,
    metadata: SceneMetadata,
    masks: Mutex<HashMap<Cell, Arc<Mask>>>,
}

impl std::fmt::Debug for SceneArchive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SceneArchive").field("path", &self.path).field("metadata", &self.metadata).finish()
    }
}

/// The outcome of a future that only reads a local file and therefore never waits.
fn at_once<T>(future: impl Future<Output = Result<T, ImageryError>>) -> Result<T, ImageryError> {
    let waits = || ImageryError::Away { place: "a local file".into(), reason: "reading it waits".into() };
    future.now_or_never().unwrap_or_else(|| Err(waits()))
}

/// What went wrong, in words; what the storage said stays what it was.
fn explain(path: &Path, error: PmtError, what: &str) -> ImageryError {
    match error {
        PmtError::Reading(error) => match error.downcast::<ImageryError>() {
            Ok(known) => known,
            Err(error) => ImageryError::archive(path, format!("{what}{error}")),
        },
        other => ImageryError::archive(path, format!("{what}{other}")),
    }
}

impl SceneArchive {
    /// Opens an archive made by [`super::cut_scene`].
    ///
    /// # Errors
    /// [`ImageryError::Archive`] where the file is missing or not such an archive.
    pub fn open(path: &Path) -> Result<SceneArchive, ImageryError> {
        let file =
            File::open(path).map_err(|error| ImageryError::archive(path, format!("cannot be opened: {error}")))?;
        at_once(SceneArchive::read(path.to_owned(), Backing::Disk(file)))
    }

    /// Opens an archive in S3-compatible storage.
    ///
    /// # Errors
    /// As [`SceneArchive::open`], and [`ImageryError::Away`] where the storage does not answer.
    pub(super) async fn open_in(bucket: &Bucket, archive: &str) -> Result<SceneArchive, ImageryError> {
        SceneArchive::read(archive.into(), Backing::Bucket(bucket.clone(), archive.to_owned())).await
    }

    async fn read(path: PathBuf, backing: Backing) -> Result<SceneArchive, ImageryError> {
        let bucket = match &backing {
            Backing::Disk(_) => None,
            Backing::Bucket(bucket, _) => Some(bucket.clone()),
        };
        let reader = AsyncPmTilesReader::try_from_cached_source(backing, HashMapCache::default()).await;
        let reader = reader.map_err(|error| explain(&path, error, "is not a PMTiles archive: "))?;
        let text = reader.get_metadata().await.map_err(|error| explain(&path, error, "has no metadata: "))?;
        let document: Document = serde_json::from_str(&text)
            .map_err(|error| ImageryError::archive(&path, format!("was not cut by aftermap: {error}")))?;
        Ok(SceneArchive { path, reader, bucket, metadata: document.aftermap, masks: Mutex::default() })
    }

    /// What the archive says about its scene.
    pub fn metadata(&self) -> &SceneMetadata {
        &self.metadata
    }

    /// An error about this archive.
    pub(super) fn fault(&self, reason: impl ToString) -> ImageryError {
        ImageryError::archive(&self.path, reason)
    }

    /// The encoded picture of a cell; `None` where there is no picture (answer 204). Where the archive is far away the
    /// thread waits: not for the threads of a server, which ask for [`SceneArchive::picture`].
    pub fn tile(&self, cell: Cell) -> Result<Option<Bytes>, ImageryError> {
        match &self.bucket {
            None => at_once(self.picture(cell)),
            Some(bucket) => bucket.wait(self.picture(cell)),
        }
    }

    /// The same for callers that may not wait; from a local file the answer is there at once.
    pub async fn picture(&self, cell: Cell) -> Result<Option<Bytes>, ImageryError> {
        if cell.z < self.metadata.min_zoom || cell.z > self.metadata.max_zoom {
            return Ok(None);
        }
        let wrong = |error: PmtError| explain(&self.path, error, "");
        let place = TileCoord::new(cell.z, cell.x, cell.y).map_err(wrong)?;
        self.reader.get_tile(place).await.map_err(wrong)
    }

    /// The share of an area (web mercator) that has a picture, 0 to 1, measured on the pyramid level that gives the
    /// area at least 64 pixels along its shorter side, where the archive is that deep.
    pub fn valid_share(&self, area: MercatorBox) -> Result<f64, ImageryError> {
        let (width, height) = (area.right - area.left, area.top - area.bottom);
        if !(width > 0.0 && height > 0.0) {
            return Ok(0.0);
        }
        let fitting = (Cell::side(0) / f64::from(CELL_PIXELS) * MEASURE_PIXELS / width.min(height)).log2().ceil();
        let z = fitting.clamp(f64::from(self.metadata.min_zoom), f64::from(self.metadata.max_zoom)) as u8;
        let scene = unrolled(MercatorBox::from_degrees(self.metadata.bounds), area);
        let pixel = Cell::side(z) / f64::from(CELL_PIXELS);
        // Outside the scene there is nothing to count; a pixel more because edges of tiles may stand over.
        let part = MercatorBox {
            left: area.left.max(scene.left - pixel),
            bottom: area.bottom.max(scene.bottom - pixel),
            right: area.right.min(scene.right + pixel),
            top: area.top.min(scene.top + pixel),
        };
        if part.left >= part.right || part.bottom >= part.top {
            return Ok(0.0);
        }
        let mut valid = 0.0;
        for cell in Cell::covering(z, part) {
            valid += match &*self.mask(cell)? {
                Mask::Missing => 0.0,
                Mask::Full => overlap(cell.mercator(), part, |_, _| 1.0),
                Mask::Alpha(alpha) => overlap(cell.mercator(), part, |col, row| {
                    f64::from(alpha[row * CELL_PIXELS as usize + col]) / 255.0
                }),
            };
        }
        let whole = width * height / (pixel * pixel);
        Ok((valid / whole).clamp(0.0, 1.0))
    }

    fn mask(&self, cell: Cell) -> Result<Arc<Mask>, ImageryError> {
        let lock = || self.masks.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(mask) = lock().get(&cell) {
            return Ok(Arc::clone(mask));
        }
        let mask = Arc::new(match self.tile(cell)? {
            None => Mask::Missing,
            Some(tile) if is_full(&tile) => Mask::Full,
            Some(tile) => Mask::Alpha(decode_alpha(&tile).ok_or_else(|| {
                ImageryError::archive(&self.path, format!("tile {cell} is damaged; cut the scene again"))
            })?),
        });
        let mut masks = lock();
        if masks.len() >= MASKS_KEPT {
            masks.clear();
        }
        masks.insert(cell, Arc::clone(&mask));
        Ok(mask)
    }
}

/// A scene across the date line seen from an area on its far side: a turn to the west.
fn unrolled(scene: MercatorBox, area: MercatorBox) -> MercatorBox {
    let turn = 2.0 * MERCATOR_HALF;
    match scene.right > MERCATOR_HALF && area.right < scene.left {
        true => MercatorBox { left: scene.left - turn, right: scene.right - turn, ..scene },
        false => scene,
    }
}

/// The sum of `value(col, row)` over the pixels of a cell inside an area, pixels on its border by their part.
fn overlap(cell: MercatorBox, area: MercatorBox, value: impl Fn(usize, usize) -> f64) -> f64 {
    let pixel = (cell.right - cell.left) / f64::from(CELL_PIXELS);
    let span = |low: f64, high: f64| {
        let limit = f64::from(CELL_PIXELS);
        ((low / pixel).clamp(0.0, limit), (high / pixel).clamp(0.0, limit))
    };
    let (left, right) = span(area.left - cell.left, area.right - cell.left);
    let (top, bottom) = span(cell.top - area.top, cell.top - area.bottom);
    let part = |at: usize, low: f64, high: f64| (high.min(at as f64 + 1.0) - low.max(at as f64)).max(0.0);
    let mut sum = 0.0;
    for row in top as usize..bottom.ceil() as usize {
        let down = part(row, top, bottom);
        let line = (left as usize..right.ceil() as usize).map(|col| part(col, left, right) * value(col, row));
        sum += down * line.sum::<f64>();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_on_the_border_count_by_their_part() {
        let cell = MercatorBox { left: 0.0, bottom: 0.0, right: 256.0, top: 256.0 };
        let area = MercatorBox { left: 10.25, bottom: 100.0, right: 12.75, top: 101.5 };
        assert!((overlap(cell, area, |_, _| 1.0) - 3.75).abs() < 1e-9);
        let column = overlap(cell, area, |col, _| f64::from(u8::from(col == 10)));
        assert!((column - 0.75 * 1.5).abs() < 1e-9);
    }
}
