//! An archive in the making: a spool of tiles in the order in which threads finish them, then the file itself.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use pmtiles::{Compression, PmTilesWriter, TileCoord, TileId, TileType};
use sha2::{Digest, Sha256};

use crate::domain::cell::Cell;

use super::archive::{Temporary, hash_file, unfinished};
use super::error::ImageryError;
use super::pyramid::Sink;
use super::serve::SceneMetadata;

/// Ends the name of a spool, before `.part`.
const SPOOL: &str = ".tiles";
/// Bytes before each tile of a spool: zoom, column, row, length, and the start of a SHA-256 of those and the tile.
const HEAD: usize = 1 + 4 + 4 + 4 + CHECK;
const CHECK: usize = 8;
/// No tile is larger: its pixels take 256 kB.
const MAX_TILE: u32 = 1 << 20;

/// An archive in the making. Its files have unique names, are locked while in use, and vanish when the cut fails; when
/// the process is killed, the next one takes the tiles over.
pub struct Draft {
    spool: Temporary,
    state: Mutex<State>,
}

struct State {
    writer: BufWriter<File>,
    index: Places,
    length: u64,
}

impl Draft {
    /// Starts a draft, with the tiles that a killed run for the same archive has left.
    pub fn begin(tiles_dir: &Path, archive: &str) -> Result<Draft, ImageryError> {
        fs::create_dir_all(tiles_dir).map_err(ImageryError::io(tiles_dir, "creating the folder"))?;
        let spool = match take_over(tiles_dir, archive) {
            Some(spool) => spool,
            None => Temporary::create(tiles_dir, archive, SPOOL)?,
        };
        let failed = |doing| ImageryError::io(&spool.path, doing);
        let (index, length) = read_spool(&spool.file).map_err(failed("reading"))?;
        spool.file.set_len(length).map_err(failed("shortening"))?;
        let mut handle = spool.file.try_clone().map_err(failed("opening"))?;
        handle.seek(SeekFrom::Start(length)).map_err(failed("opening"))?;
        let state = State { writer: BufWriter::with_capacity(1 << 20, handle), index, length };
        Ok(Draft { spool, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// How many tiles there are.
    pub fn tiles(&self) -> u64 {
        self.state().index.len() as u64
    }

    /// Gives all tiles, in the order of their cells.
    pub fn each(&self, visit: &mut dyn FnMut(Cell, &[u8])) -> Result<(), ImageryError> {
        let mut state = self.state();
        state.writer.flush().map_err(ImageryError::io(&self.spool.path, "writing"))?;
        let mut order: Vec<(Cell, (u64, u32))> = state.index.iter().map(|(cell, place)| (*cell, *place)).collect();
        order.sort();
        let mut tile = Vec::new();
        for (cell, (offset, length)) in order {
            tile.resize(length as usize, 0);
            self.spool.file.read_exact_at(&mut tile, offset).map_err(ImageryError::io(&self.spool.path, "reading"))?;
            visit(cell, &tile);
        }
        Ok(())
    }

    /// Hands what was put so far to the system, so that it is there for the next run even if this one is killed. Tiles that
    /// are quickly made anew go there a megabyte at a time instead.
    pub fn hand_over(&self) -> Result<(), ImageryError> {
        self.state().writer.flush().map_err(ImageryError::io(&self.spool.path, "writing"))
    }

    /// Leaves what there is to the next run for the same archive.
    pub fn leave(self) {
        // What cannot be written now is missing then, and made again.
        let _ = self.state().writer.flush();
        if self.tiles() > 0 {
            self.spool.leave();
        }
    }

    /// Writes the archive in the order of PMTiles (so that it is "clustered" and the bytes do not depend on threads)
    /// and puts it in place: sync, rename, sync the folder. Returns its SHA-256.
    pub fn finish(self, tiles_dir: &Path, archive: &str, about: &SceneMetadata) -> Result<String, ImageryError> {
        let mut state = self.state();
        state.writer.flush().map_err(ImageryError::io(&self.spool.path, "writing"))?;
        let target = Temporary::create(tiles_dir, archive, "")?;
        let out = target.file.try_clone().map_err(ImageryError::io(&target.path, "opening"))?;
        copy(&self.spool.file, &state.index, out, about).map_err(|error| match error {
            pmtiles::PmtError::Reading(source) => ImageryError::io(&target.path, "writing")(source),
            other => ImageryError::archive(&target.path, other),
        })?;
        target.file.sync_all().map_err(ImageryError::io(&target.path, "syncing"))?;
        let sha256 = hash_file(&target.path)?;
        target.rename(&tiles_dir.join(archive))?;
        let folder = File::open(tiles_dir).map_err(ImageryError::io(tiles_dir, "opening"))?;
        folder.sync_all().map_err(ImageryError::io(tiles_dir, "syncing"))?;
        Ok(sha256)
    }
}

impl Sink for Draft {
    fn has(&self, cell: Cell) -> bool {
        self.state().index.contains_key(&cell)
    }

    fn put(&self, cell: Cell, tile: &Bytes) -> Result<(), ImageryError> {
        let length = u32::try_from(tile.len()).ok().filter(|length| *length <= MAX_TILE);
        let length = length.ok_or_else(|| ImageryError::archive(&self.spool.path, "a tile is too large"))?;
        let head = head(cell, tile, length);
        let mut state = self.state();
        let written = state.writer.write_all(&head).and_then(|()| state.writer.write_all(tile));
        written.map_err(ImageryError::io(&self.spool.path, "writing"))?;
        let offset = state.length + HEAD as u64;
        state.index.insert(cell, (offset, length));
        state.length = offset + u64::from(length);
        Ok(())
    }
}

fn head(cell: Cell, tile: &[u8], length: u32) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[0] = cell.z;
    for (place, number) in [cell.x, cell.y, length].into_iter().enumerate() {
        head[1 + place * 4..5 + place * 4].copy_from_slice(&number.to_le_bytes());
    }
    let check = Sha256::new().chain_update(&head[..HEAD - CHECK]).chain_update(tile).finalize();
    head[HEAD - CHECK..].copy_from_slice(&check[..CHECK]);
    head
}

/// Where each tile stands in a spool, and how long it is, in bytes.
type Places = HashMap<Cell, (u64, u32)>;

/// The tiles of a spool, up to the first that is not whole, and where that one begins.
fn read_spool(file: &File) -> io::Result<(Places, u64)> {
    let mut reader = BufReader::with_capacity(1 << 20, file);
    reader.seek(SeekFrom::Start(0))?;
    let (mut index, mut at, mut tile) = (HashMap::new(), 0u64, Vec::new());
    let mut found = [0; HEAD];
    while reader.read_exact(&mut found).is_ok() {
        let number = |place: usize| found[1 + place * 4..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let length = number(2);
        let Some(cell) = Cell::new(found[0].min(29), number(0), number(1)).filter(|_| length <= MAX_TILE) else {
            break;
        };
        tile.resize(length as usize, 0);
        if reader.read_exact(&mut tile).is_err() || head(cell, &tile, length) != found {
            break;
        }
        index.insert(cell, (at + HEAD as u64, length));
        at += HEAD as u64 + u64::from(length);
    }
    Ok((index, at))
}

/// The largest spool that killed runs left for this archive; whatever else they left is removed.
fn take_over(tiles_dir: &Path, archive: &str) -> Option<Temporary> {
    let mut best: Option<(u64, Temporary)> = None;
    for path in unfinished(tiles_dir, Some(archive)) {
        let is_spool = path.to_str().is_some_and(|name| name.ends_with(&format!("{SPOOL}.part")));
        let Some(left) = Temporary::adopt(path) else { continue };
        let length = left.file.metadata().map_or(0, |about| about.len());
        if is_spool && best.as_ref().is_none_or(|(most, _)| length > *most) {
            best = Some((length, left));
        }
    }
    best.map(|(_, spool)| spool)
}

fn copy(mut spool: &File, index: &Places, out: File, about: &SceneMetadata) -> Result<(), pmtiles::PmtError> {
    let mut order = Vec::with_capacity(index.len());
    for (cell, place) in index {
        order.push((TileId::from(TileCoord::new(cell.z, cell.x, cell.y)?), *place));
    }
    order.sort_by_key(|entry| entry.0.value());
    // Beyond the date line our longitudes go on; the header of PMTiles knows only the world.
    let bounds = match about.bounds {
        bounds if bounds.east <= 180.0 && bounds.west >= -180.0 => bounds,
        bounds => crate::domain::bbox::Bbox { west: -180.0, east: 180.0, ..bounds },
    };
    let (lon, lat) = bounds.centre();
    let kind = match about.format.as_deref() {
        None | Some("webp") => TileType::Webp,
        Some("png") => TileType::Png,
        Some("jpeg") => TileType::Jpeg,
        Some(_) => TileType::Unknown,
    };
    let mut writer = PmTilesWriter::new(kind)
        .tile_compression(Compression::None)
        .min_zoom(about.min_zoom)
        .max_zoom(about.max_zoom)
        .bounds(bounds.west, bounds.south, bounds.east, bounds.north)
        .center(lon, lat)
        .center_zoom(about.min_zoom)
        .metadata(about.to_json())
        .create(out)?;
    let mut tile = Vec::new();
    for (id, (offset, length)) in order {
        tile.resize(length as usize, 0);
        spool.seek(SeekFrom::Start(offset))?;
        spool.read_exact(&mut tile)?;
        writer.add_tile(TileCoord::from(id), &tile)?;
    }
    writer.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(draft: &Draft, x: u32, tile: &[u8]) {
        draft.put(Cell { z: 9, x, y: 7 }, &Bytes::copy_from_slice(tile)).unwrap();
    }

    /// What a kill leaves: the file, unlocked, under its name.
    fn abandon(draft: Draft, damage: impl FnOnce(&mut Vec<u8>)) {
        draft.state().writer.flush().unwrap();
        let path = draft.spool.path.clone();
        let mut bytes = fs::read(&path).unwrap();
        drop(draft);
        damage(&mut bytes);
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn a_killed_run_leaves_its_whole_tiles_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let draft = Draft::begin(folder.path(), "a.pmtiles").unwrap();
        (0..3).for_each(|x| put(&draft, x, &[x as u8; 100]));
        abandon(draft, |bytes| bytes.truncate(3 * 100 + 3 * HEAD - 10));
        let next = Draft::begin(folder.path(), "a.pmtiles").unwrap();
        let has = |draft: &Draft, x: u32| draft.has(Cell { z: 9, x, y: 7 });
        assert!(has(&next, 0) && has(&next, 1) && !has(&next, 2));
        put(&next, 2, b"again");
        assert_eq!(next.tiles(), 3);
        let (index, length) = {
            next.state().writer.flush().unwrap();
            read_spool(&next.spool.file).unwrap()
        };
        assert_eq!((index.len(), length), (3, next.state().length));
        abandon(next, |bytes| bytes[HEAD + 3] ^= 1);
        assert_eq!(Draft::begin(folder.path(), "a.pmtiles").unwrap().tiles(), 0, "a changed tile is not trusted");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "a draft that is dropped leaves nothing");
    }

    #[test]
    fn what_another_run_works_on_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Draft::begin(folder.path(), "a.pmtiles").unwrap();
        put(&first, 1, b"mine");
        first.state().writer.flush().unwrap();
        let second = Draft::begin(folder.path(), "a.pmtiles").unwrap();
        assert_eq!((second.tiles(), fs::read_dir(folder.path()).unwrap().count()), (0, 2));
        drop(second);
        assert!(first.spool.path.exists());
    }
}
