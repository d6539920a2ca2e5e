//! What a scene is made of: a GeoTIFF that is cut, or tiles that exist already (a folder, PMTiles, MBTiles).

use std::path::{Path, PathBuf};

use super::ingest::NewScene;
use crate::domain::alignment::Align;
use crate::imagery::tileset::{MOST_BYTES, MOST_TILES, PmTilesFile, TileFolder, Tileset, Visit, cell_of, import_tiles};
use crate::imagery::{CutRequest, CutScene, ImageryError, Progress, cut_scene, hash_file};
use crate::services::Error;
use crate::storage::scenes::mbtiles;

/// What lies at a path, by looking at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Picture,
    Folder,
    PmTiles,
    MbTiles,
}

fn kind(path: &Path) -> Kind {
    match path {
        path if path.is_dir() => Kind::Folder,
        path if PmTilesFile::is_one(path) => Kind::PmTiles,
        path if mbtiles::is_database(path) => Kind::MbTiles,
        _ => Kind::Picture,
    }
}

/// Whether a path holds tiles instead of a picture.
pub(super) fn holds_tiles(path: &Path) -> bool {
    kind(path) != Kind::Picture
}

fn tiles(path: &Path, tms: Option<bool>) -> Result<Option<Box<dyn Tileset>>, ImageryError> {
    Ok(match kind(path) {
        Kind::Picture => None,
        Kind::Folder => Some(Box::new(TileFolder::open(path, tms)?)),
        Kind::PmTiles => Some(Box::new(PmTilesFile::open(path)?)),
        Kind::MbTiles => Some(Box::new(MbTiles { path: path.to_owned() })),
    })
}

/// Makes the archive of a scene, whatever it is made of.
pub(super) fn make_archive(new: &NewScene, request: &CutRequest, progress: &dyn Progress) -> Result<CutScene, Error> {
    match tiles(&new.file, new.tms)? {
        None => Ok(cut_scene(request, progress)?),
        Some(_) if new.align == Align::Apply => Err(cannot_be_moved()),
        Some(set) => Ok(import_tiles(&request.tiles_dir, &*set, progress)?),
    }
}

/// Why tiles stay where they are.
pub(super) fn cannot_be_moved() -> Error {
    let reason = "tiles that exist are taken as they are and cannot be moved; bring the GeoTIFF, or use --align report";
    Error::invalid("align", reason)
}

/// SHA-256 of what a scene is made of, hex.
pub(super) fn source_sha256(path: &Path, tms: Option<bool>) -> Result<String, Error> {
    match tiles(path, tms)? {
        None => Ok(hash_file(path)?),
        Some(set) => Ok(set.sha256()?),
    }
}

/// A database of tiles; rows count from the south.
struct MbTiles {
    path: PathBuf,
}

impl Tileset for MbTiles {
    fn path(&self) -> &Path {
        &self.path
    }

    fn sha256(&self) -> Result<String, ImageryError> {
        hash_file(&self.path)
    }

    fn count(&self) -> u64 {
        // Counting the rows of a view may take as long as reading them.
        0
    }

    fn each(&self, visit: &mut Visit<'_>) -> Result<(), ImageryError> {
        let file = self.path.display().to_string();
        let unusable = |reason: String| ImageryError::Unusable { file: file.clone(), reason };
        let mut failed = None;
        let outcome = mbtiles::each(&self.path, MOST_TILES, MOST_BYTES, &mut |z, x, y, tile| {
            let [z, x, y] = [z, x, y].map(u64::try_from).map(|number| number.unwrap_or(u64::MAX));
            let cell = cell_of(z, x, y, true).ok_or_else(|| "has a tile outside of the grid of tiles".to_owned())?;
            visit(cell, tile).map_err(|error| {
                failed = Some(error);
                String::new()
            })
        });
        match failed {
            Some(error) => Err(error),
            None => outcome.map_err(unusable),
        }
    }
}
