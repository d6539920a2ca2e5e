//! The pyramid, cut block row by block row: a few blocks in memory at a time, however large the scene.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use rayon::prelude::*;

use crate::domain::cell::{CELL_PIXELS, Cell};

use super::climb::Climb;
use super::cut::{CellRange, CutPlan};
use super::encode::encode;
use super::error::ImageryError;
use super::reproject::{CoordGrid, Patch, TILE_BYTES, render};
use super::scene::Progress;
use super::source::RasterSource;

/// The source is read in blocks of at most 2^3 x 2^3 native tiles: about 2048 x 2048 pixels.
const BLOCK_LEVELS: u8 = 3;
/// Largest block of source pixels that is read at once, bytes; a larger one is read in smaller pieces.
const MAX_BLOCK_BYTES: u64 = 96 << 20;
/// Blocks in memory at the same time take about this much, bytes, twice: while some are cut the next are read.
const BLOCKS_BYTES: u64 = 48 << 20;
/// Strips that a row of blocks needs must stay in the decoder's cache, or they are decoded for each block anew.
const STRIPS_BYTES: f64 = 75e6;

/// Takes encoded tiles in any order.
pub trait Sink: Sync {
    /// Whether a tile is there already, from a run that was interrupted.
    fn has(&self, cell: Cell) -> bool;
    /// Takes a tile.
    fn put(&self, cell: Cell, tile: &Bytes) -> Result<(), ImageryError>;
}

/// One cut of one scene.
pub struct Pyramid<'a> {
    source: &'a dyn RasterSource,
    plan: CutPlan,
    max_zoom: u8,
    sink: &'a dyn Sink,
    progress: &'a dyn Progress,
    file: &'a std::path::Path,
    ranges: Vec<CellRange>,
    failed: AtomicBool,
}

impl<'a> Pyramid<'a> {
    /// A cut down to `max_zoom`, at most the native zoom; `file` is for messages about an unusable picture.
    pub fn new(
        source: &'a dyn RasterSource,
        plan: CutPlan,
        max_zoom: u8,
        sink: &'a dyn Sink,
        progress: &'a dyn Progress,
        file: &'a std::path::Path,
    ) -> Pyramid<'a> {
        let ranges = (0..=plan.native_zoom).map(|z| CellRange::of(z, plan.area)).collect();
        Pyramid { source, plan, max_zoom, sink, progress, file, ranges, failed: AtomicBool::new(false) }
    }

    /// Cuts everything. The number of cells looked at is announced first.
    pub fn cut(&self) -> Result<(), ImageryError> {
        let top = self.plan.min_zoom.min(self.max_zoom);
        self.progress.total(self.ranges[usize::from(top)..].iter().map(CellRange::count).sum());
        let (level, group) = self.blocks(top);
        let range = self.ranges[usize::from(level)];
        let mut cells = range.rows().flat_map(|y| range.row(y));
        let mut next = || cells.by_ref().take(group).collect::<Vec<Cell>>();
        let mut climb = Climb::new(top, &self.ranges);
        let mut ready = self.load_all(&next())?;
        let mut drawn = Vec::new();
        loop {
            if self.progress.is_stopped() {
                return Err(ImageryError::Stopped);
            }
            let following = next();
            // Three things at once: parents of what is drawn, the blocks that are read, and the next ones from the file.
            let finish = || climb.take(std::mem::take(&mut drawn), &|cell, pixels| self.store(cell, pixels));
            let work = || rayon::join(|| self.load_all(&following), || self.build_all(ready));
            let (finished, (loaded, built)) = rayon::join(finish, work);
            finished?;
            drawn = built?;
            ready = loaded?;
            if ready.is_empty() {
                return climb.take(drawn, &|cell, pixels| self.store(cell, pixels));
            }
        }
    }

    /// The zoom of the blocks, and how many of them are read at once.
    fn blocks(&self, top: u8) -> (u8, usize) {
        let native = self.plan.native_zoom;
        let (width, height) = self.source.size();
        let (across, down) = self.plan.spans;
        let side = |z: u8| {
            let side = Cell::side(z);
            ((side / across).min(width.into()), (side / down).min(height.into()))
        };
        let bytes = |z: u8| (side(z).0 * side(z).1 * self.source.pixel_bytes() as f64) as u64;
        let strips = |z: u8| self.source.strip_row_bytes().map_or(0.0, |row| row as f64 * (side(z).1 + 16.0));
        let coarsest = native.saturating_sub(BLOCK_LEVELS).max(top);
        let fits = |z: &u8| bytes(*z) <= MAX_BLOCK_BYTES / 2 && strips(*z) <= STRIPS_BYTES;
        let level = (coarsest..=native).find(fits).unwrap_or(native);
        let room = (BLOCKS_BYTES / bytes(level).max(1)).max(1);
        (level, (room as usize).min(rayon::current_num_threads() * 4))
    }

    fn load_all(&self, cells: &[Cell]) -> Result<Vec<(Cell, Loaded)>, ImageryError> {
        cells.par_iter().map(|cell| Ok((*cell, self.load(*cell)?))).collect()
    }

    fn build_all(&self, blocks: Vec<(Cell, Loaded)>) -> Result<Vec<Drawn>, ImageryError> {
        blocks.into_par_iter().map(|(cell, loaded)| Ok((cell, self.build_block(cell, loaded)?))).collect()
    }

    fn build_block(&self, cell: Cell, loaded: Loaded) -> Result<Option<Vec<u8>>, ImageryError> {
        let drawn = match loaded {
            Loaded::Empty => {
                self.skip_below(cell);
                None
            }
            Loaded::Later => self.merge_children(cell, None)?,
            Loaded::Patch(patch) if cell.z == self.plan.native_zoom => render(self.source.georef(), &patch, cell),
            Loaded::Patch(patch) => self.merge_children(cell, Some(&patch))?,
        };
        self.store(cell, drawn.as_deref())?;
        Ok(drawn)
    }

    /// Draws a cell below a block and everything below it; `None` where it has no picture.
    fn build(&self, cell: Cell, patch: Option<&Patch>) -> Result<Option<Vec<u8>>, ImageryError> {
        if !self.ranges[usize::from(cell.z)].contains(cell) || self.failed.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let stop = |_: &ImageryError| self.failed.store(true, Ordering::Relaxed);
        let Some(patch) = patch else {
            let loaded = self.load(cell).inspect_err(stop)?;
            return self.build_block(cell, loaded).inspect_err(stop);
        };
        let drawn = match cell.z == self.plan.native_zoom {
            true => render(self.source.georef(), patch, cell),
            false => self.merge_children(cell, Some(patch))?,
        };
        self.store(cell, drawn.as_deref()).inspect_err(stop)?;
        Ok(drawn)
    }

    /// Encodes a cell and gives it away, unless it is there already, empty, or deeper than wanted.
    fn store(&self, cell: Cell, pixels: Option<&[u8]>) -> Result<(), ImageryError> {
        if let Some(pixels) = pixels
            && cell.z <= self.max_zoom
            && !self.sink.has(cell)
        {
            let encoded = encode(pixels).map_err(|reason| ImageryError::unusable(self.file, reason))?;
            self.sink.put(cell, &encoded)?;
        }
        self.progress.advance(1);
        Ok(())
    }

    /// Reads the part of the source that a cell needs, unless it is too large to be read at once.
    fn load(&self, cell: Cell) -> Result<Loaded, ImageryError> {
        let (width, height) = self.source.size();
        let Some(window) = CoordGrid::new(self.source.georef(), cell.mercator(), 32).window(width, height) else {
            return Ok(Loaded::Empty);
        };
        if window.pixels() * self.source.pixel_bytes() as u64 > MAX_BLOCK_BYTES {
            return match cell.z == self.plan.native_zoom {
                false => Ok(Loaded::Later),
                true => Err(ImageryError::unusable(
                    self.file,
                    "its pixels are far longer than wide; resample it: gdalwarp -t_srs EPSG:3857 in.tif out.tif",
                )),
            };
        }
        let pixels = self.source.read_pixels(window)?;
        Ok(Loaded::Patch(Patch { window, pixels, full: (width, height) }))
    }

    fn merge_children(&self, cell: Cell, patch: Option<&Patch>) -> Result<Option<Vec<u8>>, ImageryError> {
        let child = |dx: u32, dy: u32| Cell { z: cell.z + 1, x: cell.x * 2 + dx, y: cell.y * 2 + dy };
        let row = |dy: u32| rayon::join(|| self.build(child(0, dy), patch), || self.build(child(1, dy), patch));
        let ((a, b), (c, d)) = rayon::join(|| row(0), || row(1));
        Ok(shrink(&[a?, b?, c?, d?]))
    }

    /// Counts the cells below an empty one as done.
    fn skip_below(&self, cell: Cell) {
        let below = &self.ranges[usize::from(cell.z) + 1..];
        self.progress.advance(below.iter().map(|range| range.below(cell)).sum());
    }
}

/// One cell straight from the source, not encoded: red, green, blue and straight alpha; `None` without picture there.
///
/// # Errors
/// As for a cut: where the source is damaged.
pub fn draw_cell(source: &dyn RasterSource, cell: Cell) -> Result<Option<Vec<u8>>, ImageryError> {
    let full = source.size();
    let Some(window) = CoordGrid::new(source.georef(), cell.mercator(), 32).window(full.0, full.1) else {
        return Ok(None);
    };
    let patch = Patch { window, pixels: source.read_pixels(window)?, full };
    Ok(render(source.georef(), &patch, cell))
}

/// A cell and its encoded tile; `None` where nothing was to be seen.
type Drawn = (Cell, Option<Vec<u8>>);

enum Loaded {
    /// The source has nothing here.
    Empty,
    /// To be read further down.
    Later,
    /// The pixels.
    Patch(Patch),
}

/// Four children (north-west, north-east, south-west, south-east) to their parent: the mean of 2 x 2 pixels, where
/// each colour counts by its alpha, so that "no picture" lends no black.
pub fn shrink(children: &[Option<Vec<u8>>; 4]) -> Option<Vec<u8>> {
    if children.iter().all(Option::is_none) {
        return None;
    }
    const HALF: usize = CELL_PIXELS as usize / 2;
    const ROW: usize = CELL_PIXELS as usize * 4;
    let mut parent = vec![0u8; TILE_BYTES];
    for (place, child) in children.iter().enumerate() {
        let Some(child) = child else { continue };
        let (left, top) = (place % 2 * HALF, place / 2 * HALF);
        for y in 0..HALF {
            let rows = &child[2 * y * ROW..(2 * y + 2) * ROW];
            for x in 0..HALF {
                let at = (top + y) * ROW + (left + x) * 4;
                parent[at..at + 4].copy_from_slice(&mean(rows, x * 8, ROW));
            }
        }
    }
    Some(parent)
}

#[inline]
fn mean(rows: &[u8], at: usize, row: usize) -> [u8; 4] {
    let pixel = |from: usize| <[u8; 4]>::try_from(&rows[from..from + 4]).unwrap_or([0; 4]).map(u32::from);
    let (a, b, c, d) = (pixel(at), pixel(at + 4), pixel(at + row), pixel(at + row + 4));
    if a[3] + b[3] + c[3] + d[3] == 1020 {
        // The usual case: everything valid.
        let plain = |i: usize| ((a[i] + b[i] + c[i] + d[i] + 2) / 4) as u8;
        return [plain(0), plain(1), plain(2), 255];
    }
    let weighed = |i: usize| a[i] * a[3] + b[i] * b[3] + c[i] * c[3] + d[i] * d[3];
    let sum = [weighed(0), weighed(1), weighed(2), a[3] + b[3] + c[3] + d[3]];
    let alpha = (sum[3] + 2) / 4;
    if alpha == 0 {
        return [0; 4];
    }
    let colour = |v: u32| ((v + sum[3] / 2) / sum[3]) as u8;
    [colour(sum[0]), colour(sum[1]), colour(sum[2]), alpha as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overview_keeps_the_colour_of_what_is_there() {
        let solid = |pixel: [u8; 4]| Some(pixel.repeat(TILE_BYTES / 4));
        let mut striped = solid([200, 80, 40, 255]).unwrap();
        for pixel in striped.chunks_exact_mut(8) {
            pixel[4..8].copy_from_slice(&[0, 0, 0, 0]);
        }
        let parent = shrink(&[Some(striped), None, None, solid([10, 20, 30, 255])]).unwrap();
        assert_eq!(parent[..4], [200, 80, 40, 128]);
        assert_eq!(parent[128 * 4..128 * 4 + 4], [0, 0, 0, 0]);
        assert_eq!(parent[TILE_BYTES - 4..], [10, 20, 30, 255]);
        assert!(shrink(&[None, None, None, None]).is_none());
    }
}
