//! Where to look: windows that both scenes show, those with most texture first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use crate::domain::cell::{CELL_PIXELS, Cell, MERCATOR_HALF, MercatorBox};

use super::super::error::ImageryError;
use super::Pictures;
use super::correlate::Grey;

/// Sides of a window that are tried, pixels: the largest of which the shared area holds a few.
const SIDES: [usize; 3] = [256, 128, 64];
/// Places whose texture is compared, at most along each direction.
const MOST_ALONG: i64 = 6;
/// So much of a window must have a picture in both scenes.
const LEAST_VALID: f64 = 0.7;
/// Standard deviation of the grey values below which a window shows nothing, levels of 255.
const LEAST_TEXTURE: f64 = 2.0;

/// The windows to be compared.
pub struct Chosen {
    /// Zoom of the pixels.
    pub z: u8,
    /// Northing of the middle of what both show, web mercator.
    pub middle: f64,
    /// Upper left corners, pixels of the whole world at that zoom.
    pub places: Vec<(i64, i64)>,
    side: usize,
}

/// Chooses up to `most` windows; `None` where the scenes share too little.
pub fn choose(first: &Seen<'_>, second: &Seen<'_>, most: usize) -> Result<Option<Chosen>, ImageryError> {
    let Some(shared) = shared(first.pictures.area(), second.pictures.area()) else { return Ok(None) };
    let z = first.pictures.native_zoom().min(second.pictures.native_zoom());
    let pixel = Cell::side(z) / f64::from(CELL_PIXELS);
    let (left, top) = (((shared.left + MERCATOR_HALF) / pixel) as i64, ((MERCATOR_HALF - shared.top) / pixel) as i64);
    let (width, height) = ((shared.right - shared.left) / pixel, (shared.top - shared.bottom) / pixel);
    let fits = |side: &&usize| width.min(height) >= **side as f64 * 1.9;
    let Some(&side) = SIDES.iter().find(fits) else { return Ok(None) };
    let starts = |from: i64, length: f64| {
        let room = length as i64 - side as i64;
        let count = (room / (side as i64 / 2) + 1).clamp(1, MOST_ALONG);
        (0..count).map(move |step| from + if count > 1 { room * step / (count - 1) } else { room / 2 })
    };
    let corners: Vec<(i64, i64)> =
        starts(top, height).flat_map(|row| starts(left, width).map(move |col| (col, row))).collect();
    let mut chosen = Chosen { z, middle: (shared.top + shared.bottom) / 2.0, places: Vec::new(), side };
    // First the texture of the one, then of the other at the best places only.
    let mut found = textures(&chosen, first, corners)?;
    found.truncate(2 * most);
    let also = textures(&chosen, second, found.into_iter().map(|(_, place)| place).collect())?;
    chosen.places = apart(also.into_iter().map(|(_, place)| place), side as i64, most);
    Ok((!chosen.places.is_empty()).then_some(chosen))
}

/// Those of the places that show something, the one with most texture first.
fn textures(chosen: &Chosen, pictures: &Seen<'_>, places: Vec<(i64, i64)>) -> Result<Vec<Textured>, ImageryError> {
    let texture = |place: &(i64, i64)| Ok(chosen.grey(pictures, *place)?.map(|grey| (deviation(&grey), *place)));
    let found = places.par_iter().map(texture).collect::<Result<Vec<_>, ImageryError>>()?;
    let mut found: Vec<Textured> = found.into_iter().flatten().collect();
    found.retain(|(texture, _)| *texture >= LEAST_TEXTURE);
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    Ok(found)
}

/// How much a place shows, and the place.
type Textured = (f64, (i64, i64));

/// Pictures whose cells are drawn once: windows overlap.
pub struct Seen<'a> {
    pictures: &'a dyn Pictures,
    cells: Mutex<HashMap<Cell, Arc<Vec<u8>>>>,
}

impl<'a> Seen<'a> {
    /// Nothing is drawn yet.
    pub fn new(pictures: &'a dyn Pictures) -> Seen<'a> {
        Seen { pictures, cells: Mutex::default() }
    }

    /// The grey values of a cell, 0 without picture; empty where there is none at all.
    fn cell(&self, cell: Cell) -> Result<Arc<Vec<u8>>, ImageryError> {
        let lock = || self.cells.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = lock().get(&cell) {
            return Ok(Arc::clone(known));
        }
        let drawn = self.pictures.pixels(cell)?;
        let grey = Arc::new(drawn.map_or_else(Vec::new, |pixels| pixels.chunks_exact(4).map(luminance).collect()));
        lock().insert(cell, Arc::clone(&grey));
        Ok(grey)
    }
}

/// The first of these that overlap none before them by more than half, so that each says something of its own.
fn apart(places: impl Iterator<Item = (i64, i64)>, side: i64, most: usize) -> Vec<(i64, i64)> {
    let mut kept: Vec<(i64, i64)> = Vec::new();
    for place in places {
        let near = |other: &(i64, i64)| (place.0 - other.0).abs().max((place.1 - other.1).abs()) < side / 2;
        if kept.len() < most && !kept.iter().any(near) {
            kept.push(place);
        }
    }
    kept
}

/// What two areas share; beyond the date line one may be a turn away.
fn shared(first: MercatorBox, second: MercatorBox) -> Option<MercatorBox> {
    [0.0, 1.0, -1.0].iter().find_map(|turns| {
        let turn = turns * 2.0 * MERCATOR_HALF;
        let area = MercatorBox {
            left: first.left.max(second.left + turn),
            bottom: first.bottom.max(second.bottom),
            right: first.right.min(second.right + turn),
            top: first.top.min(second.top),
        };
        (area.right > area.left && area.top > area.bottom).then_some(area)
    })
}

impl Chosen {
    /// The grey values of a window with their mean taken off; `None` where too little of it has a picture.
    pub fn grey(&self, pictures: &Seen<'_>, (col, row): (i64, i64)) -> Result<Option<Grey>, ImageryError> {
        let (side, cell_side) = (self.side as i64, i64::from(CELL_PIXELS));
        let mut values = vec![0u8; self.side * self.side];
        for y in row.div_euclid(cell_side)..=(row + side - 1).div_euclid(cell_side) {
            for x in col.div_euclid(cell_side)..=(col + side - 1).div_euclid(cell_side) {
                let wrapped = x.rem_euclid(1 << self.z) as u32;
                let Some(cell) = u32::try_from(y).ok().and_then(|y| Cell::new(self.z, wrapped, y)) else { continue };
                let grey = pictures.cell(cell)?;
                if !grey.is_empty() {
                    paste(&grey, (x * cell_side - col, y * cell_side - row), &mut values, side);
                }
            }
        }
        Ok(centred(self.side, &values))
    }
}

/// Copies the part of a cell that lies in a window; the cell begins at `(left, top)` of the window.
fn paste(grey: &[u8], (left, top): (i64, i64), values: &mut [u8], side: i64) {
    let cell_side = i64::from(CELL_PIXELS);
    let (from, to) = (left.max(0), (left + cell_side).min(side));
    for row in top.max(0)..(top + cell_side).min(side) {
        let line = &grey[((row - top) * cell_side + from - left) as usize..][..(to - from) as usize];
        values[(row * side + from) as usize..(row * side + to) as usize].copy_from_slice(line);
    }
}

/// Luminance (Rec. 601) of a pixel, 1 to 255; 0 where it is mostly transparent.
fn luminance(pixel: &[u8]) -> u8 {
    let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
    if pixel[3] < 128 { 0 } else { ((299 * r + 587 * g + 114 * b + 500) / 1000).max(1) as u8 }
}

fn centred(side: usize, values: &[u8]) -> Option<Grey> {
    let count = values.iter().filter(|value| **value > 0).count();
    if (count as f64) < LEAST_VALID * values.len() as f64 {
        return None;
    }
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count as f64;
    let centre = |value: &u8| if *value > 0 { f64::from(*value) - mean } else { 0.0 };
    Some(Grey { side, values: values.iter().map(centre).collect() })
}

fn deviation(window: &Grey) -> f64 {
    (window.values.iter().map(|value| value * value).sum::<f64>() / window.values.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_keep_apart_and_areas_meet_across_the_date_line() {
        let places = [(0, 0), (10, 0), (70, 0), (0, 300)];
        assert_eq!(apart(places.into_iter(), 128, 9), [(0, 0), (70, 0), (0, 300)]);
        let half = MERCATOR_HALF;
        let west = MercatorBox { left: half - 10.0, bottom: 0.0, right: half + 10.0, top: 5.0 };
        let east = MercatorBox { left: -half - 10.0, bottom: 1.0, right: -half + 4.0, top: 9.0 };
        let area = shared(west, east).unwrap();
        assert!((area.right - area.left - 14.0).abs() < 1e-6 && (area.top, area.bottom) == (5.0, 1.0), "{area:?}");
    }
}
