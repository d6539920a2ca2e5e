//! PMTiles (version 3) of others, read with a bound on everything: it is a file that somebody brought.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use pmtiles::{TileCoord, TileId};

use crate::domain::cell::Cell;

use super::super::archive::hash_file;
use super::super::error::ImageryError;
use super::{MOST_BYTES, MOST_TILES, Tileset, Visit};

/// Bytes of the header.
const HEADER: usize = 127;
/// Largest directory, packed and unpacked, bytes.
const MOST_DIRECTORY: u64 = 64 << 20;
/// Directories below directories; the format recommends one level.
const MOST_LEVELS: u8 = 3;
/// What the header calls no compression.
const NONE: u8 = 1;
/// What it calls gzip.
const GZIP: u8 = 2;

/// One line of a directory.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry {
    id: u64,
    run: u64,
    length: u64,
    offset: u64,
}

/// A PMTiles file, its directories read.
pub struct PmTilesFile {
    path: PathBuf,
    file: File,
    /// Offset and length of the tiles' section.
    data: (u64, u64),
    packed: bool,
    entries: Vec<Entry>,
    count: u64,
}

impl PmTilesFile {
    /// Whether a file begins as PMTiles do.
    pub fn is_one(path: &Path) -> bool {
        let mut head = [0; 7];
        File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && &head == b"PMTiles"
    }

    /// Reads header and directories.
    ///
    /// # Errors
    /// Where it is no such file, is damaged, or holds vector tiles.
    pub fn open(path: &Path) -> Result<PmTilesFile, ImageryError> {
        let refuse = |why: &str| ImageryError::unusable(path, why);
        let file = File::open(path).map_err(ImageryError::io(path, "opening"))?;
        let size = file.metadata().map_err(ImageryError::io(path, "reading"))?.len();
        let mut head = [0; HEADER];
        file.read_exact_at(&mut head, 0).map_err(|_| refuse("is too short for a PMTiles file"))?;
        let number = |at: usize| head[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        if &head[..7] != b"PMTiles" || head[7] != 3 {
            return Err(refuse("is not PMTiles version 3; convert it: pmtiles convert in.pmtiles out.pmtiles"));
        }
        if head[99] == 1 {
            return Err(refuse("holds vector tiles; pictures are wanted (WebP, PNG or JPEG)"));
        }
        let (inside, tiles) = (head[97], head[98]);
        if ![NONE, GZIP].contains(&inside) || ![0, NONE, GZIP].contains(&tiles) {
            return Err(refuse(
                "is packed in a way that is not known; write it again with gzip directories and plain tiles",
            ));
        }
        let walk = Walk { file: &file, size, packed: inside == GZIP, leaves: (number(40), number(48)) };
        let mut entries = Vec::new();
        walk.directory(number(8), number(16), MOST_LEVELS, &mut entries)
            .map_err(|why| ImageryError::unusable(path, format!("its directory cannot be read: {why}")))?;
        let data = (number(56), number(64));
        let count = entries.iter().map(|entry| entry.run).sum();
        Ok(PmTilesFile { path: path.to_owned(), file, data, packed: tiles == GZIP, entries, count })
    }

    fn tile(&self, entry: &Entry) -> Result<Vec<u8>, ImageryError> {
        let refuse =
            |why: &str| ImageryError::unusable(&self.path, format!("the tile with the number {} {why}", entry.id));
        let inside = entry.offset.checked_add(entry.length).is_some_and(|end| end <= self.data.1);
        let start = self.data.0.checked_add(entry.offset).filter(|_| inside && entry.length <= MOST_BYTES);
        let start = start.ok_or_else(|| refuse("lies outside of the file or is larger than 1 MB"))?;
        let mut bytes = vec![0; entry.length as usize];
        self.file.read_exact_at(&mut bytes, start).map_err(|_| refuse("lies beyond the end of the file"))?;
        match self.packed {
            false => Ok(bytes),
            true => unpack(&bytes, MOST_BYTES).map_err(|why| refuse(&why)),
        }
    }
}

/// Unpacks gzip up to so many bytes.
fn unpack(packed: &[u8], most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = GzDecoder::new(packed).take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error: io::Error| format!("cannot be unpacked ({error})"))?;
    if bytes.len() as u64 > most { Err(format!("unpacks to more than {} MB", most >> 20)) } else { Ok(bytes) }
}

/// The way through the directories of a file.
struct Walk<'a> {
    file: &'a File,
    size: u64,
    packed: bool,
    /// Offset and length of the section of leaves.
    leaves: (u64, u64),
}

impl Walk<'_> {
    fn directory(&self, offset: u64, length: u64, levels: u8, all: &mut Vec<Entry>) -> Result<(), String> {
        let inside = offset.checked_add(length).is_some_and(|end| end <= self.size);
        if !inside || length > MOST_DIRECTORY {
            return Err("a part of it lies outside of the file".into());
        }
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, offset).map_err(|error| error.to_string())?;
        let bytes = if self.packed { unpack(&bytes, MOST_DIRECTORY)? } else { bytes };
        for entry in parse(&bytes)? {
            if entry.run > 0 {
                all.push(entry);
            } else if levels > 0 && entry.offset <= self.leaves.1 {
                let start = self.leaves.0.checked_add(entry.offset).ok_or("a leaf lies outside of the file")?;
                self.directory(start, entry.length, levels - 1, all)?;
            } else {
                return Err("its leaves lie too deep or outside of their section".into());
            }
            if all.len() as u64 > MOST_TILES {
                return Err(format!("it has more than {MOST_TILES} entries"));
            }
        }
        // Numbers only rise, over all leaves together: a leaf that comes twice cannot multiply the work.
        let rises = all.windows(2).all(|pair| pair[0].id.checked_add(pair[0].run).is_some_and(|end| end <= pair[1].id));
        rises.then_some(()).ok_or_else(|| "its tiles are not in order".into())
    }
}

/// The lines of one directory: counts and numbers as variable-length integers, column by column.
fn parse(bytes: &[u8]) -> Result<Vec<Entry>, String> {
    let mut rest = bytes;
    let count = varint(&mut rest)?;
    // Each line takes four bytes at least.
    if count > bytes.len() as u64 / 4 {
        return Err("it promises more entries than it holds".into());
    }
    let mut column = || (0..count).map(|_| varint(&mut rest)).collect::<Result<Vec<u64>, String>>();
    let (ids, runs, lengths, offsets) = (column()?, column()?, column()?, column()?);
    let mut entries: Vec<Entry> = Vec::with_capacity(count as usize);
    let mut id = 0u64;
    for (at, step) in ids.into_iter().enumerate() {
        id = id.checked_add(step).ok_or("its numbers are too large")?;
        let offset = match (offsets[at], entries.last()) {
            (0, Some(last)) => last.offset.checked_add(last.length).ok_or("its numbers are too large")?,
            (0, None) => return Err("its first entry has no place".into()),
            (place, _) => place - 1,
        };
        entries.push(Entry { id, run: runs[at], length: lengths[at], offset });
    }
    Ok(entries)
}

fn varint(rest: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first().ok_or("it ends early")?;
        *rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("a number in it has no end".into())
}

impl Tileset for PmTilesFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn sha256(&self) -> Result<String, ImageryError> {
        hash_file(&self.path)
    }

    fn count(&self) -> u64 {
        self.count
    }

    fn each(&self, visit: &mut Visit<'_>) -> Result<(), ImageryError> {
        if self.count > MOST_TILES {
            return Err(ImageryError::unusable(&self.path, format!("holds more than {MOST_TILES} tiles")));
        }
        for entry in &self.entries {
            let tile = self.tile(entry)?;
            for id in entry.id..entry.id + entry.run {
                let outside =
                    || ImageryError::unusable(&self.path, format!("the tile with the number {id} lies too deep"));
                let coord = TileCoord::from(TileId::new(id).map_err(|_| outside())?);
                visit(Cell::new(coord.z(), coord.x(), coord.y()).ok_or_else(outside)?, tile.clone())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_read_and_a_lying_one_refused() {
        // Two entries: tile 5 twice in a row, then tile 9 right behind it in the file.
        let bytes = [2, 5, 4, 2, 1, 100, 50, 1, 0];
        let entries = parse(&bytes).unwrap();
        assert_eq!(entries[1], Entry { id: 9, run: 1, length: 50, offset: 100 });
        assert!(parse(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1]).unwrap_err().contains("promises"));
        assert!(parse(&bytes[..6]).is_err() && parse(&[0x80; 20]).is_err() && parse(&[]).is_err());
        assert!(parse(&[1, 5, 1, 9, 0]).unwrap_err().contains("no place"));
    }

    #[test]
    fn what_unpacks_without_end_is_stopped() {
        use std::io::Write;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&vec![0; 3 << 20]).unwrap();
        let packed = packer.finish().unwrap();
        assert!(packed.len() < 10_000 && unpack(&packed, 1 << 20).unwrap_err().contains("more than 1 MB"));
        assert_eq!(unpack(&packed, 4 << 20).unwrap().len(), 3 << 20);
    }
}
