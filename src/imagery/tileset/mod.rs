//! Tiles that exist already become a scene archive: checked one by one, their bytes passed on as they are.
//!
//! ```text
//! folder | PMTiles (here) | MBTiles (storage) | another server (here)
//!        ->  check (kind, size, decodes)  ->  draft -> archive (PMTiles on disk)
//! ```

mod asking;
mod folder;
mod pmtiles;
mod remote;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::domain::bbox::Bbox;
use crate::domain::cell::{CELL_PIXELS, Cell};

use super::draft::Draft;
use super::error::ImageryError;
use super::georef::Georef;
use super::picture::{PictureKind, look};
use super::pyramid::Sink;
use super::scene::{CutScene, Progress, reuse, scene};
use super::serve::SceneMetadata;
use super::source::Shown;
use super::upkeep::touch;
pub use folder::TileFolder;
pub use pmtiles::PmTilesFile;
pub use remote::{RemoteTiles, fetch_tiles};

/// Changes whenever the same tiles would give another archive.
const VERSION: &str = "tiles as they are, layout 1";
/// Most tiles of one set.
pub const MOST_TILES: u64 = 4_000_000;
/// Largest accepted tile, bytes: four times the pixels of one of ours.
pub const MOST_BYTES: u64 = 1 << 20;
/// Tiles that are checked at the same time.
const BATCH: usize = 128;

/// Takes one tile after the other.
pub type Visit<'a> = dyn FnMut(Cell, Vec<u8>) -> Result<(), ImageryError> + 'a;

/// A set of tiles of the web mercator grid.
pub trait Tileset: Sync {
    /// The file or folder.
    fn path(&self) -> &Path;
    /// SHA-256 of all that it holds, hex.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn sha256(&self) -> Result<String, ImageryError>;
    /// Number of tiles, as far as it is known beforehand.
    fn count(&self) -> u64;
    /// Gives every tile once, each no larger than [`MOST_BYTES`].
    ///
    /// # Errors
    /// Where a tile cannot be read, or `visit` wants no more.
    fn each(&self, visit: &mut Visit<'_>) -> Result<(), ImageryError>;
}

/// Makes a scene archive of a set of tiles, or finds that this was done before.
///
/// Each tile is decoded once, so that what is stored can be shown: WebP, PNG or JPEG of 256, 512 or 1024 pixels. Its
/// bytes are kept. Tiles without a visible pixel are left out.
///
/// # Errors
/// [`ImageryError::Unusable`] naming the first tile that cannot be used, and why.
pub fn import_tiles(tiles_dir: &Path, set: &dyn Tileset, progress: &dyn Progress) -> Result<CutScene, ImageryError> {
    let source_sha256 = set.sha256()?;
    let digest = Sha256::digest(format!("{source_sha256}\n{VERSION}\n"));
    let name = format!("{}.pmtiles", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let place: PathBuf = tiles_dir.join(&name);
    if let Some(known) = reuse(&place, &source_sha256) {
        touch(&place);
        let archive_sha256 = super::hash_file(&place)?;
        return Ok(scene(name, archive_sha256, known, true));
    }
    let draft = Draft::begin(tiles_dir, &name)?;
    progress.total(set.count());
    let mut seen = Seen::default();
    let mut batch: Vec<(Cell, Vec<u8>)> = Vec::with_capacity(BATCH);
    set.each(&mut |cell, bytes| {
        batch.push((cell, bytes));
        match batch.len() < BATCH {
            true => Ok(()),
            false => keep(set, &draft, std::mem::take(&mut batch), &mut seen, progress),
        }
    })?;
    keep(set, &draft, batch, &mut seen, progress)?;
    let about = seen.describe(source_sha256, draft.tiles()).map_err(|why| ImageryError::unusable(set.path(), why))?;
    let archive_sha256 = draft.finish(tiles_dir, &name, &about)?;
    Ok(scene(name, archive_sha256, about, false))
}

/// Checks some tiles on all cores and puts them into the draft.
fn keep(
    set: &dyn Tileset,
    draft: &Draft,
    batch: Vec<(Cell, Vec<u8>)>,
    seen: &mut Seen,
    progress: &dyn Progress,
) -> Result<(), ImageryError> {
    let check = |(cell, bytes): (Cell, Vec<u8>)| {
        let wrong = |why: String| ImageryError::unusable(set.path(), format!("tile {cell} {why}"));
        let (kind, side, pixels) = look(&bytes).map_err(wrong)?;
        let visible = pixels.chunks_exact(4).any(|pixel| pixel[3] > 0);
        Ok(visible.then(|| (cell, kind, side, Bytes::from(bytes))))
    };
    let count = batch.len() as u64;
    let checked = batch.into_par_iter().map(check).collect::<Result<Vec<_>, ImageryError>>()?;
    for (cell, kind, side, bytes) in checked.into_iter().flatten() {
        seen.add(cell, kind, side);
        if !draft.has(cell) {
            draft.put(cell, &bytes)?;
        }
    }
    progress.advance(count);
    Ok(())
}

/// What was seen of a set.
#[derive(Default)]
struct Seen {
    /// For each zoom the columns and rows from and to.
    zooms: BTreeMap<u8, [u32; 4]>,
    kinds: BTreeMap<&'static str, u64>,
    /// Pixels along the side of the tiles.
    side: u32,
}

impl Seen {
    fn add(&mut self, cell: Cell, kind: PictureKind, side: u32) {
        let range = self.zooms.entry(cell.z).or_insert([cell.x, cell.x, cell.y, cell.y]);
        *range = [range[0].min(cell.x), range[1].max(cell.x), range[2].min(cell.y), range[3].max(cell.y)];
        *self.kinds.entry(kind.name()).or_default() += 1;
        self.side = self.side.max(side);
    }

    /// What the archive will say about itself; a reason where the set makes no scene.
    fn describe(&self, source_sha256: String, tiles: u64) -> Result<SceneMetadata, String> {
        let (Some((&min_zoom, _)), Some((&max_zoom, range))) =
            (self.zooms.first_key_value(), self.zooms.last_key_value())
        else {
            return Err("it holds no tile with a picture in it".into());
        };
        if let Some(gap) = (min_zoom..max_zoom).find(|zoom| !self.zooms.contains_key(zoom)) {
            return Err(format!(
                "it has tiles of zoom {min_zoom} and {max_zoom} but none of zoom {gap}; make all zooms between, or bring the \
                 deepest zoom alone"
            ));
        }
        let corner = |x: u32, y: u32| Cell { z: max_zoom, x, y }.bbox();
        let (first, last) = (corner(range[0], range[2]), corner(range[1], range[3]));
        let bounds = Bbox { west: first.west, south: last.south, east: last.east, north: first.north };
        let middle = Cell { z: max_zoom, x: range[0], y: (range[2] + range[3]) / 2 }.mercator();
        let pixel = Cell::side(max_zoom) / f64::from(self.side.max(CELL_PIXELS));
        let kinds: Vec<String> = self.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        Ok(SceneMetadata {
            source_sha256,
            crs: "EPSG:3857".into(),
            pixel_size_m: (pixel * Georef::ground_scale(middle.top) * 1e6).round() / 1e6,
            bounds,
            min_zoom,
            max_zoom,
            note: format!("tiles as they were brought ({}), {} pixels wide", kinds.join(", "), self.side),
            shown: Shown::default(),
            format: Some(
                if self.kinds.len() == 1 { self.kinds.keys().next().copied().unwrap_or_default() } else { "mixed" }
                    .into(),
            ),
            tiles,
        })
    }
}

/// A cell from the numbers that others use; TMS counts rows from the south.
pub fn cell_of(z: u64, x: u64, y: u64, tms: bool) -> Option<Cell> {
    let cell = Cell::new(u8::try_from(z).ok()?, u32::try_from(x).ok()?, u32::try_from(y).ok()?)?;
    Some(if tms { Cell { y: (1u32 << cell.z) - 1 - cell.y, ..cell } } else { cell })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_from_the_south_are_turned_round_and_wild_numbers_refused() {
        assert_eq!(cell_of(3, 1, 0, true), Some(Cell { z: 3, x: 1, y: 7 }));
        assert_eq!(cell_of(3, 1, 0, false), Some(Cell { z: 3, x: 1, y: 0 }));
        for (z, x, y) in [(3, 8, 0), (29, 0, 0), (u64::MAX, 0, 0), (3, 0, u64::MAX)] {
            assert_eq!(cell_of(z, x, y, true), None);
        }
    }

    #[test]
    fn a_set_says_where_it_lies_and_gaps_are_named() {
        let mut seen = Seen::default();
        assert!(seen.describe(String::new(), 0).unwrap_err().contains("no tile"));
        for (z, x) in [(14, 8000), (14, 8001), (13, 4000)] {
            seen.add(Cell { z, x, y: 5000 }, PictureKind::Png, 512);
        }
        let about = seen.describe(String::new(), 3).unwrap();
        assert_eq!((about.min_zoom, about.max_zoom, about.format.as_deref()), (13, 14, Some("png")));
        assert_eq!(about.bounds.west, Cell { z: 14, x: 8000, y: 5000 }.bbox().west);
        seen.add(Cell { z: 10, x: 500, y: 300 }, PictureKind::Jpeg, 256);
        assert!(seen.describe(String::new(), 4).unwrap_err().contains("none of zoom 11"));
    }
}
