//! Where the real pictures lie, and small conveniences.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aftermap::domain::cell::{Cell, to_mercator};
use aftermap::imagery::{CutRequest, CutScene, ImageryError, SceneArchive, cut_scene};

/// A file or folder of the real test data, or `None` (said plainly) where the data is not on this machine.
pub fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("AFTERMAP_TEST_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let path = root.join("imagery").join(name);
    if !path.exists() {
        eprintln!("SKIPPED: no {} (set AFTERMAP_TEST_DATA)", path.display());
        return None;
    }
    Some(path)
}

/// Cuts a file down to its native zoom.
pub fn cut(file: &Path, tiles_dir: &Path) -> Result<CutScene, ImageryError> {
    cut_scene(&CutRequest::new(file, tiles_dir), &())
}

/// The names of all files in a folder; none where it does not exist.
pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Decoded tiles of the deepest zoom of an archive.
pub struct Tiles<'a> {
    /// The archive.
    pub archive: &'a SceneArchive,
    /// What was decoded already.
    pub decoded: BTreeMap<Cell, Option<image::RgbaImage>>,
}

impl Tiles<'_> {
    /// The pixel some tile pixels away from a place in degrees; `None` without a tile there.
    pub fn pixel(&mut self, lon: f64, lat: f64, right: i32, down: i32) -> Option<[u8; 4]> {
        let z = self.archive.metadata().max_zoom;
        let pixel = Cell::side(z) / 256.0;
        let (x, y) = to_mercator(lon, lat);
        let (x, y) = (x + f64::from(right) * pixel, y - f64::from(down) * pixel);
        let cell = Cell::at(z, x, y);
        let decode = || {
            let tile = self.archive.tile(cell).unwrap()?;
            Some(image::load_from_memory(&tile).unwrap().to_rgba8())
        };
        let tile = self.decoded.entry(cell).or_insert_with(decode).as_ref()?;
        let area = cell.mercator();
        Some(tile.get_pixel(((x - area.left) / pixel) as u32, ((area.top - y) / pixel) as u32).0)
    }
}
