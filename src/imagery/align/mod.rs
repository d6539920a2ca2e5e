//! Do two scenes line up? The shift of one against the other, from a handful of well-textured windows.
//!
//! ```text
//! pictures -> windows (where both have a picture, most texture first) -> correlate (one shift each) -> median
//! ```

mod correlate;
mod fft;
mod windows;

use rayon::prelude::*;

use crate::domain::cell::{CELL_PIXELS, Cell, MercatorBox};

use super::error::ImageryError;
use super::georef::Georef;
use super::geotiff::GeoTiffSource;
use super::pyramid::draw_cell;
use super::serve::SceneArchive;
use super::source::RasterSource;
use correlate::{Shift, correlate};
use windows::Seen;

/// Windows that are compared, at most.
const MOST_WINDOWS: usize = 12;
/// A window's peak must be so much higher than any accident.
const LEAST_STRENGTH: f64 = 1.25;
/// Windows agree within this distance of the median, pixels.
const AGREE: f64 = 0.6;

/// Something that can be looked at cell by cell.
pub trait Pictures: Sync {
    /// What it covers, web mercator.
    fn area(&self) -> MercatorBox;
    /// The deepest zoom with detail of its own.
    fn native_zoom(&self) -> u8;
    /// 256 x 256 pixels of red, green, blue and straight alpha; `None` without picture there.
    fn pixels(&self, cell: Cell) -> Result<Option<Vec<u8>>, ImageryError>;
}

impl Pictures for SceneArchive {
    fn area(&self) -> MercatorBox {
        MercatorBox::from_degrees(self.metadata().bounds)
    }

    fn native_zoom(&self) -> u8 {
        self.metadata().max_zoom
    }

    fn pixels(&self, cell: Cell) -> Result<Option<Vec<u8>>, ImageryError> {
        let Some(tile) = self.tile(cell)? else { return Ok(None) };
        super::picture::decode(&tile).map(Some).map_err(|reason| self.fault(format!("tile {cell} {reason}")))
    }
}

/// A file that is not cut yet.
pub struct Uncut<'a> {
    source: &'a GeoTiffSource,
    plan: super::cut::CutPlan,
}

impl<'a> Uncut<'a> {
    /// Looks at a file before it is cut; a reason where it cannot be.
    pub fn new(source: &'a GeoTiffSource) -> Result<Uncut<'a>, String> {
        let (width, height) = source.size();
        Ok(Uncut { source, plan: super::cut::plan(source.georef(), width, height)? })
    }
}

impl Pictures for Uncut<'_> {
    fn area(&self) -> MercatorBox {
        self.plan.area
    }

    fn native_zoom(&self) -> u8 {
        self.plan.native_zoom
    }

    fn pixels(&self, cell: Cell) -> Result<Option<Vec<u8>>, ImageryError> {
        draw_cell(self.source, cell)
    }
}

/// A shift of one scene against another, from many windows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShiftEstimate {
    /// What the second scene shows lies so far east of where the first shows it, web mercator metres.
    pub east: f64,
    /// The same towards north.
    pub north: f64,
    /// Metres on the ground for a metre of web mercator there.
    pub ground_scale: f64,
    /// Length of the shift, pixels of the zoom that was looked at.
    pub pixels: f64,
    /// Windows that agree within 0.6 pixels.
    pub agreeing: usize,
    /// Windows looked at: those with most texture among those that both scenes show.
    pub windows: usize,
}

/// Estimates the shift of the second scene against the first; `None` where they share too little picture or texture.
///
/// # Errors
/// Where one of the two is damaged.
pub fn estimate_shift(first: &dyn Pictures, second: &dyn Pictures) -> Result<Option<ShiftEstimate>, ImageryError> {
    let (first, second) = (&Seen::new(first), &Seen::new(second));
    let Some(chosen) = windows::choose(first, second, MOST_WINDOWS)? else { return Ok(None) };
    let shifts: Vec<Option<Shift>> = chosen
        .places
        .par_iter()
        .map(|place| {
            let (a, b) = (chosen.grey(first, *place)?, chosen.grey(second, *place)?);
            Ok(a.zip(b).map(|(a, b)| correlate(&a, &b)))
        })
        .collect::<Result<_, ImageryError>>()?;
    let looked: Vec<Shift> = shifts.into_iter().flatten().collect();
    let pixel = Cell::side(chosen.z) / f64::from(CELL_PIXELS);
    Ok(combine(&looked).map(|(right, down, agreeing)| ShiftEstimate {
        east: right * pixel,
        north: -down * pixel,
        ground_scale: Georef::ground_scale(chosen.middle),
        pixels: right.hypot(down),
        agreeing,
        windows: looked.len(),
    }))
}

/// The mean of the windows that agree with the median of the strong ones, and how many they are.
fn combine(looked: &[Shift]) -> Option<(f64, f64, usize)> {
    let strong: Vec<&Shift> = looked.iter().filter(|shift| shift.strength >= LEAST_STRENGTH).collect();
    let right = median(strong.iter().map(|shift| shift.right))?;
    let down = median(strong.iter().map(|shift| shift.down))?;
    let agree = |shift: &&&Shift| (shift.right - right).hypot(shift.down - down) <= AGREE;
    let agreeing: Vec<&&Shift> = strong.iter().filter(agree).collect();
    let mean = |value: fn(&Shift) -> f64| {
        agreeing.iter().map(|shift| value(shift)).sum::<f64>() / agreeing.len().max(1) as f64
    };
    match agreeing.len() {
        0 => Some((right, down, 0)),
        count => Some((mean(|shift| shift.right), mean(|shift| shift.down), count)),
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_errs_moves_nothing() {
        let shift = |right: f64, strength: f64| Shift { right, down: -1.0, strength };
        let looked = [shift(2.1, 3.0), shift(1.9, 2.0), shift(2.0, 2.5), shift(-40.0, 9.0), shift(7.0, 1.01)];
        let (right, down, agreeing) = combine(&looked).unwrap();
        assert!((right - 2.0).abs() < 1e-9 && down == -1.0 && agreeing == 3);
        assert_eq!(combine(&[shift(1.0, 1.0)]), None);
    }
}
