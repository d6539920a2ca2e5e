//! Cutting one scene: from a GeoTIFF to an archive of tiles, once.

use std::path::{Path, PathBuf};

use crate::domain::bbox::Bbox;

use super::archive::{archive_name, hash_file};
use super::bands::Look;
use super::cut::{CutPlan, plan};
use super::draft::Draft;
use super::error::ImageryError;
use super::geotiff::GeoTiffSource;
use super::pyramid::Pyramid;
use super::serve::{SceneArchive, SceneMetadata};
use super::source::RasterSource;
use super::upkeep::touch;

/// What to cut and where to.
#[derive(Debug, Clone)]
pub struct CutRequest {
    /// The GeoTIFF.
    pub file: PathBuf,
    /// The folder of scene archives; made if it is missing.
    pub tiles_dir: PathBuf,
    /// The deepest zoom to store. Never deeper than the native zoom; `None` means the native zoom.
    pub max_zoom: Option<u8>,
    /// How it is to be shown, where the file's own word is not wanted.
    pub look: Look,
}

impl CutRequest {
    /// A cut down to the native zoom, shown as the file says.
    pub fn new(file: impl Into<PathBuf>, tiles_dir: impl Into<PathBuf>) -> CutRequest {
        CutRequest { file: file.into(), tiles_dir: tiles_dir.into(), max_zoom: None, look: Look::default() }
    }
}

/// A scene that stands ready in its archive.
#[derive(Debug, Clone, PartialEq)]
pub struct CutScene {
    /// File name of the archive inside the folder: `<64 hex digits>.pmtiles`.
    pub archive: String,
    /// SHA-256 of the archive's bytes, hex.
    pub archive_sha256: String,
    /// SHA-256 of the source file's bytes, hex.
    pub source_sha256: String,
    /// What the picture covers, degrees (EPSG:4326).
    pub bounds: Bbox,
    /// The coarsest zoom in the archive.
    pub min_zoom: u8,
    /// The deepest zoom in the archive.
    pub max_zoom: u8,
    /// Coordinate system of the source, e.g. `EPSG:32638`.
    pub crs: String,
    /// Side of a source pixel on the ground at the scene's centre, metres, along the coarser axis.
    pub pixel_size_m: f64,
    /// How bands became colours and how "no picture" was known.
    pub note: String,
    /// Number of tiles in the archive.
    pub tiles: u64,
    /// The archive was there already; nothing was written.
    pub reused: bool,
}

/// Watches a cut. Called from several threads.
pub trait Progress: Sync {
    /// So many tiles will be looked at. Called once, and not at all when the archive is reused.
    fn total(&self, tiles: u64);
    /// So many more are done.
    fn advance(&self, tiles: u64);
    /// Whether nobody wants the scene any more: the cut ends with [`ImageryError::Stopped`] soon.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// Nobody watches.
impl Progress for () {
    fn total(&self, _: u64) {}
    fn advance(&self, _: u64) {}
}

/// Cuts a GeoTIFF into an archive of WebP tiles, or finds that this was done before.
///
/// The archive's name is a hash of the source's bytes and of how it is cut, so a repeat costs one read of the file.
/// The bytes of the archive depend on the same and nothing else. A run that is killed leaves only a temporary file,
/// whose tiles the next run takes over instead of encoding them again; a run that fails leaves nothing.
///
/// # Errors
/// [`ImageryError::Unusable`] for a file that cannot be cut (no coordinate system, damaged, nothing but nodata …) with what mends it; [`ImageryError::Io`] where the disk fails.
pub fn cut_scene(request: &CutRequest, progress: &dyn Progress) -> Result<CutScene, ImageryError> {
    let source_sha256 = hash_file(&request.file)?;
    let archive = archive_name(&source_sha256, request.max_zoom, &request.look);
    let place = request.tiles_dir.join(&archive);
    if let Some(known) = reuse(&place, &source_sha256) {
        touch(&place);
        let archive_sha256 = hash_file(&place)?;
        return Ok(scene(archive, archive_sha256, known, true));
    }
    let source = GeoTiffSource::open_with(&request.file, &request.look)?;
    let (width, height) = source.size();
    let refuse = |reason: String| ImageryError::unusable(&request.file, reason);
    let plan = plan(source.georef(), width, height).map_err(refuse)?;
    let mut about = describe(&source, plan, request.max_zoom, source_sha256);
    let draft = Draft::begin(&request.tiles_dir, &archive)?;
    Pyramid::new(&source, plan, about.max_zoom, &draft, progress, &request.file).cut()?;
    about.tiles = draft.tiles();
    if about.tiles == 0 {
        return Err(refuse("it holds no picture: every pixel is marked as no data".into()));
    }
    let archive_sha256 = draft.finish(&request.tiles_dir, &archive, &about)?;
    Ok(scene(archive, archive_sha256, about, false))
}

/// What a finished archive says about itself; `None` where there is none or it cannot be read (then it is cut anew).
pub(super) fn reuse(place: &Path, source_sha256: &str) -> Option<SceneMetadata> {
    if !place.is_file() {
        return None;
    }
    let known = SceneArchive::open(place).ok()?.metadata().clone();
    (known.source_sha256 == source_sha256).then_some(known)
}

fn describe(source: &dyn RasterSource, plan: CutPlan, max_zoom: Option<u8>, source_sha256: String) -> SceneMetadata {
    let max_zoom = max_zoom.map_or(plan.native_zoom, |zoom| zoom.min(plan.native_zoom));
    SceneMetadata {
        source_sha256,
        crs: source.georef().crs().name(),
        // Rounded far below what matters, so that the numbers read back from the archive are the very same.
        pixel_size_m: round(plan.pixel_size_m, 1e6),
        bounds: Bbox {
            west: round(plan.bounds.west, 1e10),
            south: round(plan.bounds.south, 1e10),
            east: round(plan.bounds.east, 1e10),
            north: round(plan.bounds.north, 1e10),
        },
        min_zoom: plan.min_zoom.min(max_zoom),
        max_zoom,
        note: source.note().to_owned(),
        shown: source.shown(),
        format: None,
        tiles: 0,
    }
}

fn round(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

pub(super) fn scene(archive: String, archive_sha256: String, about: SceneMetadata, reused: bool) -> CutScene {
    CutScene {
        archive,
        archive_sha256,
        source_sha256: about.source_sha256,
        bounds: about.bounds,
        min_zoom: about.min_zoom,
        max_zoom: about.max_zoom,
        crs: about.crs,
        pixel_size_m: about.pixel_size_m,
        note: about.note,
        tiles: about.tiles,
        reused,
    }
}
