//! A folder of tiles: `z/x/y.png`, rows from the north (XYZ) or from the south (TMS).

use std::fs::{self, DirEntry, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::domain::cell::Cell;

use super::super::error::ImageryError;
use super::{MOST_BYTES, MOST_TILES, Tileset, Visit, cell_of};

/// Ends of the names of tiles; what is inside is found by looking.
const ENDS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// A folder of tiles, listed.
pub struct TileFolder {
    path: PathBuf,
    tiles: Vec<(Cell, PathBuf)>,
}

impl TileFolder {
    /// Lists a folder. Only plain files with numbers for names count: links are not followed, everything else is left
    /// alone. `tms` as the person says; without a word, a folder that calls itself TMS is refused.
    ///
    /// # Errors
    /// Where it cannot be read, holds no tile, too many, or two for one place.
    pub fn open(path: &Path, tms: Option<bool>) -> Result<TileFolder, ImageryError> {
        let refuse = |why: String| ImageryError::unusable(path, why);
        if tms.is_none() && path.join("tilemapresource.xml").exists() {
            let why = "it holds a tilemapresource.xml, so its rows may count from the south; say --scheme tms or --scheme xyz";
            return Err(refuse(why.into()));
        }
        let mut tiles = Vec::new();
        for (z, zoom) in numbered(path)? {
            for (x, column) in numbered(&zoom)? {
                for (y, file) in files(&column)? {
                    let cell = cell_of(z, x, y, tms.unwrap_or(false))
                        .ok_or_else(|| refuse(format!("{z}/{x}/{y} lies outside of the grid of tiles")))?;
                    tiles.push((cell, file));
                    if tiles.len() as u64 > MOST_TILES {
                        return Err(refuse(format!("it holds more than {MOST_TILES} tiles; bring it in parts")));
                    }
                }
            }
        }
        tiles.sort();
        if let Some(pair) = tiles.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(refuse(format!(
                "it has two tiles for {}: {} and {}",
                pair[0].0,
                pair[0].1.display(),
                pair[1].1.display()
            )));
        }
        match tiles.is_empty() {
            true => Err(refuse("it holds no tiles named like 14/8000/5000.png".into())),
            false => Ok(TileFolder { path: path.to_owned(), tiles }),
        }
    }
}

/// The plain entries of a folder whose names are numbers, `folders` or files.
fn entries(folder: &Path) -> Result<Vec<DirEntry>, ImageryError> {
    let list = fs::read_dir(folder).map_err(ImageryError::io(folder, "listing"))?;
    list.collect::<Result<_, _>>().map_err(ImageryError::io(folder, "listing"))
}

/// A number written as a person would: digits only, no sign, no leading zero.
fn number(name: &str) -> Option<u64> {
    let plain =
        name.bytes().all(|byte| byte.is_ascii_digit()) && name.len() <= 10 && (name == "0" || !name.starts_with('0'));
    plain.then(|| name.parse().ok()).flatten()
}

fn numbered(folder: &Path) -> Result<Vec<(u64, PathBuf)>, ImageryError> {
    let folders = entries(folder)?.into_iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(folders.filter_map(|entry| Some((number(entry.file_name().to_str()?)?, entry.path()))).collect())
}

fn files(folder: &Path) -> Result<Vec<(u64, PathBuf)>, ImageryError> {
    let files = entries(folder)?.into_iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let tile = |entry: DirEntry| {
        let name = entry.file_name();
        let (stem, end) = name.to_str()?.split_once('.')?;
        ENDS.contains(&end.to_ascii_lowercase().as_str()).then_some((number(stem)?, entry.path()))
    };
    Ok(files.filter_map(tile).collect())
}

/// Reads a file of at most so many bytes.
fn read(path: &Path) -> Result<Vec<u8>, ImageryError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(ImageryError::io(path, "opening"))?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(ImageryError::io(path, "reading"))?;
    match bytes.len() as u64 <= MOST_BYTES {
        true => Ok(bytes),
        false => Err(ImageryError::unusable(path, "is larger than 1 MB; no tile of at most 1024 pixels needs that")),
    }
}

impl Tileset for TileFolder {
    fn path(&self) -> &Path {
        &self.path
    }

    fn sha256(&self) -> Result<String, ImageryError> {
        let mut hasher = Sha256::new();
        for (cell, file) in &self.tiles {
            hasher.update(format!("{cell}\n"));
            hasher.update(Sha256::digest(read(file)?));
        }
        Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn count(&self) -> u64 {
        self.tiles.len() as u64
    }

    fn each(&self, visit: &mut Visit<'_>) -> Result<(), ImageryError> {
        self.tiles.iter().try_for_each(|(cell, file)| visit(*cell, read(file)?))
    }
}
