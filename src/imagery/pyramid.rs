//! The pyramid, cut depth first: a few tiles in memory at a time, however large the scene.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::domain::cell::{CELL_PIXELS, Cell};

use super::cut::{CutPlan, cells_covering, corners};
use super::encode::encode;
use super::error::ImageryError;
use super::reproject::{CoordGrid, Patch, TILE_BYTES, render};
use super::scene::Progress;
use super::source::RasterSource;

/// The source is read in blocks of 2^3 x 2^3 native tiles: about 2048 x 2048 pixels.
const BLOCK_LEVELS: u8 = 3;
/// Largest block of source pixels held by one thread; a larger one is read in smaller pieces.
const MAX_BLOCK_PIXELS: u64 = 24 << 20;

/// Takes encoded tiles in any order.
pub type Sink<'a> = Mutex<&'a mut (dyn FnMut(Cell, &Bytes) -> Result<(), ImageryError> + Send)>;

/// One cut of one scene.
pub struct Pyramid<'a> {
    /// The picture.
    pub source: &'a dyn RasterSource,
    /// Cells and zooms.
    pub plan: CutPlan,
    /// The deepest zoom that is stored; at most the native zoom.
    pub max_zoom: u8,
    /// Where tiles go.
    pub sink: Sink<'a>,
    /// Who watches.
    pub progress: &'a dyn Progress,
    /// For messages about an unusable picture.
    pub file: &'a std::path::Path,
    /// Set at the first error, so that the other threads stop too.
    pub failed: AtomicBool,
}

impl Pyramid<'_> {
    /// Cuts everything from the top cells down. The number of cells looked at is announced first.
    pub fn cut(&self) -> Result<(), ImageryError> {
        let top = self.plan.min_zoom.min(self.max_zoom);
        let zooms = top..=self.plan.native_zoom;
        self.progress.total(zooms.map(|z| cells_covering(z, self.plan.area)).sum());
        for cell in Cell::covering(top, self.plan.area) {
            self.build(cell, None)?;
        }
        Ok(())
    }

    /// Draws a cell and everything below it; `None` where it has no picture.
    fn build(&self, cell: Cell, patch: Option<&Patch>) -> Result<Option<Vec<u8>>, ImageryError> {
        if !self.touches(cell) || self.failed.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let drawn = self.draw(cell, patch).inspect_err(|_| self.failed.store(true, Ordering::Relaxed))?;
        if let Some(pixels) = &drawn
            && cell.z <= self.max_zoom
        {
            let encoded = encode(pixels).map_err(|reason| ImageryError::unusable(self.file, reason))?;
            let mut sink = self.sink.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            (*sink)(cell, &encoded)?;
        }
        self.progress.advance(1);
        Ok(drawn)
    }

    fn draw(&self, cell: Cell, patch: Option<&Patch>) -> Result<Option<Vec<u8>>, ImageryError> {
        let native = self.plan.native_zoom;
        let loaded = match patch {
            None if cell.z + BLOCK_LEVELS >= native => self.load(cell)?,
            _ => Loaded::Later,
        };
        match (&loaded, patch) {
            (Loaded::Empty, _) => {
                self.skip_below(cell);
                Ok(None)
            }
            (Loaded::Patch(patch), _) | (Loaded::Later, Some(patch)) if cell.z == native => {
                Ok(render(self.source.georef(), patch, cell))
            }
            (Loaded::Patch(patch), _) => self.merge_children(cell, Some(patch)),
            (Loaded::Later, patch) => self.merge_children(cell, patch),
        }
    }

    /// Reads the part of the source that a cell needs, unless it is too large to be read at once.
    fn load(&self, cell: Cell) -> Result<Loaded, ImageryError> {
        let (width, height) = self.source.size();
        let Some(window) = CoordGrid::new(self.source.georef(), cell.mercator(), 32).window(width, height) else {
            return Ok(Loaded::Empty);
        };
        if window.pixels() > MAX_BLOCK_PIXELS {
            return match cell.z == self.plan.native_zoom {
                false => Ok(Loaded::Later),
                true => Err(ImageryError::unusable(
                    self.file,
                    "its pixels are far longer than wide; resample it: gdalwarp -t_srs EPSG:3857 in.tif out.tif",
                )),
            };
        }
        let image = self.source.read(window)?;
        Ok(Loaded::Patch(Patch { window, image, full: (width, height) }))
    }

    fn merge_children(&self, cell: Cell, patch: Option<&Patch>) -> Result<Option<Vec<u8>>, ImageryError> {
        let child = |dx: u32, dy: u32| Cell { z: cell.z + 1, x: cell.x * 2 + dx, y: cell.y * 2 + dy };
        let row = |dy: u32| rayon::join(|| self.build(child(0, dy), patch), || self.build(child(1, dy), patch));
        let ((a, b), (c, d)) = rayon::join(|| row(0), || row(1));
        Ok(shrink([a?, b?, c?, d?]))
    }

    fn touches(&self, cell: Cell) -> bool {
        let (first, last) = corners(cell.z, self.plan.area);
        (first.x..=last.x).contains(&cell.x) && (first.y..=last.y).contains(&cell.y)
    }

    /// Counts the cells below an empty one as done.
    fn skip_below(&self, cell: Cell) {
        let mut skipped = 0;
        for z in cell.z + 1..=self.plan.native_zoom {
            let (first, last) = corners(z, self.plan.area);
            let shift = z - cell.z;
            let overlap = |low: u32, high: u32, at: u32| {
                let (from, to) = (at << shift, ((at + 1) << shift) - 1);
                u64::from((to.min(high) + 1).saturating_sub(from.max(low)))
            };
            skipped += overlap(first.x, last.x, cell.x) * overlap(first.y, last.y, cell.y);
        }
        self.progress.advance(skipped);
    }
}

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
fn shrink(children: [Option<Vec<u8>>; 4]) -> Option<Vec<u8>> {
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
        let parent = shrink([Some(striped), None, None, solid([10, 20, 30, 255])]).unwrap();
        assert_eq!(parent[..4], [200, 80, 40, 128]);
        assert_eq!(parent[128 * 4..128 * 4 + 4], [0, 0, 0, 0]);
        assert_eq!(parent[TILE_BYTES - 4..], [10, 20, 30, 255]);
        assert!(shrink([None, None, None, None]).is_none());
    }
}
