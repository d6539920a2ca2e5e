//! How much the structure of a place changed between two scenes: 1 - SSIM, after the histograms were matched.
//!
//! Structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004) of blocks of 8 x 8 pixels, per colour. Before, the
//! second scene's values are turned into the first one's by matching the histograms of the whole scene (Gonzalez and
//! Woods), so that season, sun and sensor count for little, while a place that changed against its surroundings does not
//! lose that to the matching.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use crate::domain::cell::{CELL_PIXELS, Cell, MERCATOR_HALF, MercatorBox};

use super::align::Pictures;
use super::error::ImageryError;

/// Pixels along the side of a block.
const BLOCK: usize = 8;
/// Blocks begin so many pixels apart.
const STEP: usize = 4;
/// Places whose pixels go into the histograms, at most.
const SAMPLE: usize = 300;
/// Pixels along the longer side of a place, at most.
const MOST_SIDE: usize = 192;
/// Share of a place that must be seen in both scenes.
const LEAST_SEEN: f64 = 0.3;
/// Cells kept in memory (256 kB each) while neighbours need them.
const CELLS_KEPT: usize = 192;

/// For each area (web mercator) how much its structure changed, 0 to 1; `None` where too little is seen of it in both.
///
/// # Errors
/// Where one of the two is damaged.
pub fn change_scores(
    first: &dyn Pictures,
    second: &dyn Pictures,
    areas: &[MercatorBox],
) -> Result<Vec<Option<f64>>, ImageryError> {
    let z = first.native_zoom().min(second.native_zoom());
    let (first, second) = (Kept::new(first, z), Kept::new(second, z));
    let every = areas.len().div_ceil(SAMPLE).max(1);
    let sampled: Vec<MercatorBox> = areas.iter().copied().step_by(every).collect();
    let patches = sampled.par_iter().map(|area| Ok((first.patch(*area)?, second.patch(*area)?)));
    let matching = Matching::of(&patches.collect::<Result<Vec<_>, ImageryError>>()?);
    let score = |area: &MercatorBox| Ok(score(&first.patch(*area)?, &second.patch(*area)?, &matching));
    areas.par_iter().map(score).collect()
}

/// The pixels of a place, red, green, blue and whether there is a picture.
struct Patch {
    width: usize,
    pixels: Vec<[u8; 4]>,
}

/// Pictures at one zoom, whose cells are drawn once for all places near them.
struct Kept<'a> {
    pictures: &'a dyn Pictures,
    z: u8,
    cells: Mutex<HashMap<Cell, Arc<Option<Vec<u8>>>>>,
}

impl<'a> Kept<'a> {
    fn new(pictures: &'a dyn Pictures, z: u8) -> Kept<'a> {
        Kept { pictures, z, cells: Mutex::default() }
    }

    fn cell(&self, cell: Cell) -> Result<Arc<Option<Vec<u8>>>, ImageryError> {
        let lock = || self.cells.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = lock().get(&cell) {
            return Ok(Arc::clone(known));
        }
        let drawn = Arc::new(self.pictures.pixels(cell)?);
        let mut cells = lock();
        if cells.len() >= CELLS_KEPT {
            cells.clear();
        }
        cells.insert(cell, Arc::clone(&drawn));
        Ok(drawn)
    }

    /// The pixels of an area, as they are stored, thinned out where it is large.
    fn patch(&self, area: MercatorBox) -> Result<Patch, ImageryError> {
        let pixel = Cell::side(self.z) / f64::from(CELL_PIXELS);
        let (across, down) = ((area.right - area.left) / pixel, (area.top - area.bottom) / pixel);
        let thin = (across.max(down) / MOST_SIDE as f64).max(1.0);
        let size = |length: f64| (length / thin).round().clamp(1.0, MOST_SIDE as f64) as usize;
        let (width, height) = (size(across), size(down));
        let mut pixels = Vec::with_capacity(width * height);
        let mut held: Option<(Cell, Arc<Option<Vec<u8>>>)> = None;
        for row in 0..height {
            let y = area.top - (row as f64 + 0.5) / height as f64 * (area.top - area.bottom);
            for col in 0..width {
                let x = area.left + (col as f64 + 0.5) / width as f64 * (area.right - area.left);
                let x = (x + MERCATOR_HALF).rem_euclid(2.0 * MERCATOR_HALF) - MERCATOR_HALF;
                let cell = Cell::at(self.z, x, y);
                let drawn = match &held {
                    Some((known, drawn)) if *known == cell => Arc::clone(drawn),
                    _ => self.cell(cell)?,
                };
                pixels.push(
                    drawn.as_ref().as_ref().map_or([0; 4], |drawn| pixel_at(drawn, cell.mercator(), pixel, (x, y))),
                );
                held = Some((cell, drawn));
            }
        }
        Ok(Patch { width, pixels })
    }
}

fn pixel_at(drawn: &[u8], area: MercatorBox, pixel: f64, (x, y): (f64, f64)) -> [u8; 4] {
    let place = |offset: f64| ((offset / pixel) as usize).min(CELL_PIXELS as usize - 1);
    let at = (place(area.top - y) * CELL_PIXELS as usize + place(x - area.left)) * 4;
    drawn.get(at..at + 4).and_then(|four| four.try_into().ok()).unwrap_or([0; 4])
}

/// Turns the second scene's values into the first one's, for each colour.
struct Matching([[f64; 256]; 3]);

impl Matching {
    fn of(pairs: &[(Patch, Patch)]) -> Matching {
        let mut counts = [[[0u64; 256]; 2]; 3];
        for (a, b) in pairs {
            for (a, b) in a.pixels.iter().zip(&b.pixels).filter(|(a, b)| a[3] > 127 && b[3] > 127) {
                for colour in 0..3 {
                    counts[colour][0][usize::from(a[colour])] += 1;
                    counts[colour][1][usize::from(b[colour])] += 1;
                }
            }
        }
        Matching(counts.map(|[first, second]| matched(&first, &second)))
    }
}

/// For each value of the second histogram the value of the first with the same share of pixels below it.
fn matched(first: &[u64; 256], second: &[u64; 256]) -> [f64; 256] {
    let total: u64 = first.iter().sum();
    let mut table = [0.0; 256];
    if total == 0 {
        return table;
    }
    let (mut below, mut value, mut under) = (0u64, 0usize, 0u64);
    for (level, count) in second.iter().enumerate() {
        let middle = below + count / 2;
        while value < 255 && under + first[value] <= middle {
            under += first[value];
            value += 1;
        }
        table[level] = value as f64;
        below += count;
    }
    table
}

/// The mean of 1 - SSIM over the blocks that both see, halved to lie between 0 and 1.
fn score(first: &Patch, second: &Patch, matching: &Matching) -> Option<f64> {
    let width = first.width;
    let height = first.pixels.len() / width.max(1);
    let (side_x, side_y) = (BLOCK.min(width), BLOCK.min(height));
    let (mut sum, mut blocks, mut tried) = (0.0, 0u32, 0u32);
    for top in (0..=height - side_y).step_by(STEP) {
        for left in (0..=width - side_x).step_by(STEP) {
            tried += 1;
            let places = (top..top + side_y).flat_map(|row| (left..left + side_x).map(move |col| row * width + col));
            if let Some(change) = block(first, second, matching, places) {
                sum += change;
                blocks += 1;
            }
        }
    }
    let seen = f64::from(blocks) >= LEAST_SEEN * f64::from(tried) && blocks > 0;
    seen.then(|| sum / f64::from(blocks))
}

/// (1 - SSIM) / 2 of one block, mean over the colours; `None` where not all of it is seen.
fn block(first: &Patch, second: &Patch, matching: &Matching, places: impl Iterator<Item = usize>) -> Option<f64> {
    let (mut count, mut sums) = (0.0, [[0.0f64; 5]; 3]);
    for place in places {
        let (a, b) = (first.pixels[place], second.pixels[place]);
        if a[3] < 128 || b[3] < 128 {
            return None;
        }
        count += 1.0;
        for (colour, sums) in sums.iter_mut().enumerate() {
            let (x, y) = (f64::from(a[colour]), matching.0[colour][usize::from(b[colour])]);
            for (sum, value) in sums.iter_mut().zip([x, y, x * x, y * y, x * y]) {
                *sum += value;
            }
        }
    }
    // The constants of the paper, for values up to 255.
    const C1: f64 = 6.5025;
    const C2: f64 = 58.5225;
    let similarity = |sums: &[f64; 5]| {
        let [x, y, xx, yy, xy] = sums.map(|sum| sum / count);
        let (of_x, of_y, both) = (xx - x * x, yy - y * y, xy - x * y);
        (2.0 * x * y + C1) * (2.0 * both + C2) / ((x * x + y * y + C1) * (of_x + of_y + C2))
    };
    Some((1.0 - sums.iter().map(similarity).sum::<f64>() / 3.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(value: impl Fn(usize, usize) -> u8) -> Patch {
        let pixel = |at: usize| [value(at % 32, at / 32), value(at % 32, at / 32), 90, 255];
        Patch { width: 32, pixels: (0..32 * 32).map(pixel).collect() }
    }

    fn grain(col: usize, row: usize) -> u8 {
        ((col * 7919 + row * 104_729 + col * row * 31) % 150) as u8
    }

    #[test]
    fn other_light_is_no_change_and_other_structure_is() {
        let before = patch(|col, row| 50 + grain(col, row));
        let darker = patch(|col, row| (20.0 + f64::from(grain(col, row)) * 0.6) as u8);
        let rubble = patch(|col, row| 50 + grain(col + 5, row * 3 + 1));
        let matching = Matching::of(&[(
            patch(|col, row| 50 + grain(col, row)),
            patch(|col, row| (20.0 + f64::from(grain(col, row)) * 0.6) as u8),
        )]);
        let same = score(&before, &darker, &matching).unwrap();
        let other = score(
            &before,
            &rubble,
            &Matching::of(&[(patch(|c, r| 50 + grain(c, r)), patch(|c, r| 50 + grain(c + 5, r * 3 + 1)))]),
        )
        .unwrap();
        assert!(same < 0.02 && other > 0.25, "{same} {other}");
    }

    #[test]
    fn what_is_not_seen_has_no_score() {
        let mut hidden = patch(grain);
        hidden.pixels.iter_mut().for_each(|pixel| pixel[3] = 0);
        assert_eq!(score(&patch(grain), &hidden, &Matching::of(&[])), None);
    }
}
