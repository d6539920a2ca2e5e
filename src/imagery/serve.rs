//! Reading one scene archive: a tile by its cell, and how much of an area has a picture.

use std::collections::HashMap;
use std::fs::File;
use std::future::{Future, ready};
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

/// Reads by position from a plain file. Not memory-mapped: a file cut short gives an error instead of a signal.
struct Disk(File);

impl AsyncBackend for Disk {
    fn read(&self, offset: u64, length: usize) -> impl Future<Output = PmtResult<BackendResponse>> + Send {
        let mut buffer = vec![0; length];
        let mut done = 0;
        let result = loop {
            match self.0.read_at(&mut buffer[done..], offset + done as u64) {
                Ok(0) => break Ok(()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(PmtError::Reading(error)),
            }
        };
        buffer.truncate(done);
        ready(result.map(|()| BackendResponse::new(Bytes::from(buffer))))
    }
}

type Reader = AsyncPmTilesReader<Disk, HashMapCache>;

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
    metadata: SceneMetadata,
    masks: Mutex<HashMap<Cell, Arc<Mask>>>,
}

impl std::fmt::Debug for SceneArchive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SceneArchive").field("path", &self.path).field("metadata", &self.metadata).finish()
    }
}

/// The outcome of a future that only reads a local file and therefore never waits.
fn at_once<T>(future: impl Future<Output = PmtResult<T>>) -> PmtResult<T> {
    future.now_or_never().unwrap_or_else(|| Err(PmtError::Reading(io::Error::from(io::ErrorKind::WouldBlock))))
}

impl SceneArchive {
    /// Opens an archive made by [`super::cut_scene`].
    ///
    /// # Errors
    /// [`ImageryError::Archive`] where the file is missing or not such an archive.
    pub fn open(path: &Path) -> Result<SceneArchive, ImageryError> {
        let wrong = |reason: String| ImageryError::archive(path, reason);
        let file = File::open(path).map_err(|error| wrong(format!("cannot be opened: {error}")))?;
        let reader = at_once(AsyncPmTilesReader::try_from_cached_source(Disk(file), HashMapCache::default()))
            .map_err(|error| wrong(format!("is not a PMTiles archive: {error}")))?;
        let text = at_once(reader.get_metadata()).map_err(|error| wrong(format!("has no metadata: {error}")))?;
        let document: Document =
            serde_json::from_str(&text).map_err(|error| wrong(format!("was not cut by aftermap: {error}")))?;
        Ok(SceneArchive { path: path.to_owned(), reader, metadata: document.aftermap, masks: Mutex::default() })
    }

    /// What the archive says about its scene.
    pub fn metadata(&self) -> &SceneMetadata {
        &self.metadata
    }

    /// An error about this archive.
    pub(super) fn fault(&self, reason: impl ToString) -> ImageryError {
        ImageryError::archive(&self.path, reason)
    }

    /// The encoded picture of a cell; `None` where there is no picture (answer 204).
    pub fn tile(&self, cell: Cell) -> Result<Option<Bytes>, ImageryError> {
        if cell.z < self.metadata.min_zoom || cell.z > self.metadata.max_zoom {
            return Ok(None);
        }
        let wrong = |error: PmtError| ImageryError::archive(&self.path, error);
        let place = TileCoord::new(cell.z, cell.x, cell.y).map_err(wrong)?;
        at_once(self.reader.get_tile(place)).map_err(wrong)
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
