//! The whole map as a few squares: how many tiles stand where, and where the crowd does not agree.

use std::collections::BTreeMap;

use super::{CURVE_ZOOM, Picture, Spot};
use crate::domain::bbox::Bbox;
use crate::domain::cell::{Cell, to_mercator};
use crate::domain::consensus::TileState;

/// Squares along the longer side at most.
const MOST: u32 = 32;

/// A map in short.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overview {
    /// The box around all squares; `None` without tiles.
    pub bounds: Option<Bbox>,
    /// Squares from west to east.
    pub columns: u32,
    /// Squares from north to south.
    pub rows: u32,
    /// Those that hold a tile, from the north-west on.
    pub squares: Vec<OverviewSquare>,
}

/// The tiles that have their centre in one square.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OverviewSquare {
    /// Its place from the west.
    pub column: u32,
    /// Its place from the north.
    pub row: u32,
    /// Tiles by state, in the order of [`TileState::ALL`].
    pub states: [u64; TileState::ALL.len()],
    /// Tiles with at least two counted labels.
    pub compared: u64,
    /// Of these, the mean share of pairs of labels that do not agree; `None` where there is none.
    pub disagreement: Option<f64>,
}

impl Picture {
    /// The whole map in squares, as those see it who may see all.
    pub fn overview(&self) -> Overview {
        let cells: Vec<(u32, u32)> = self.spots.iter().map(place).collect();
        let range = |part: fn(&(u32, u32)) -> u32| Some((cells.iter().map(part).min()?, cells.iter().map(part).max()?));
        let (Some((west, east)), Some((north, south))) = (range(|cell| cell.0), range(|cell| cell.1)) else {
            return Overview::default();
        };
        let fits = |shift: &u8| {
            let across = |from: u32, to: u32| (to >> shift) - (from >> shift) < MOST;
            across(west, east) && across(north, south)
        };
        let shift = (self.tile_shift()..=CURVE_ZOOM).find(fits).unwrap_or(CURVE_ZOOM);
        let (first, last) = ((west >> shift, north >> shift), (east >> shift, south >> shift));
        let mut squares: BTreeMap<(u32, u32), OverviewSquare> = BTreeMap::new();
        for (spot, cell) in self.spots.iter().zip(&cells) {
            let (column, row) = ((cell.0 >> shift) - first.0, (cell.1 >> shift) - first.1);
            let square = squares.entry((row, column)).or_default();
            (square.column, square.row) = (column, row);
            square.add(spot);
        }
        let corner = |(x, y)| Cell { z: CURVE_ZOOM - shift, x, y }.bbox();
        let (start, end) = (corner(first), corner(last));
        Overview {
            bounds: Some(Bbox { west: start.west, south: end.south, east: end.east, north: start.north }),
            columns: last.0 - first.0 + 1,
            rows: last.1 - first.1 + 1,
            squares: squares.into_values().map(OverviewSquare::finish).collect(),
        }
    }

    /// The finest squares that are no smaller than the tiles: smaller ones would leave gaps where the district has none.
    fn tile_shift(&self) -> u8 {
        let column = |lon: f64, lat: f64| {
            let (x, y) = to_mercator(lon, lat);
            Cell::at(CURVE_ZOOM, x, y).x
        };
        let width =
            |spot: &Spot| column(spot.bbox.east, spot.bbox.north).abs_diff(column(spot.bbox.west, spot.bbox.north));
        let mut widths: Vec<u32> = self.spots.iter().map(width).collect();
        let middle = widths.len() / 2;
        if middle >= widths.len() {
            return 0;
        }
        let (_, &mut half, _) = widths.select_nth_unstable(middle);
        // A cell of the map is as wide as a square of its zoom, but for rounding.
        let exact = (f64::from(half.max(1)) * 0.99).log2().ceil().max(0.0);
        (exact as u8).min(CURVE_ZOOM)
    }
}

impl OverviewSquare {
    fn add(&mut self, spot: &Spot) {
        if let Some(place) = TileState::ALL.iter().position(|state| *state == spot.state) {
            self.states[place] += 1;
        }
        if let Some(agreement) = spot.agreement {
            self.compared += 1;
            self.disagreement = Some(self.disagreement.unwrap_or(0.0) + 1.0 - f64::from(agreement));
        }
    }

    /// The sum becomes a mean.
    fn finish(self) -> OverviewSquare {
        OverviewSquare { disagreement: self.disagreement.map(|sum| sum / self.compared as f64), ..self }
    }
}

/// The finest cell that holds the centre of a tile.
fn place(spot: &Spot) -> (u32, u32) {
    let (lon, lat) = spot.bbox.centre();
    let (x, y) = to_mercator(lon, lat);
    let cell = Cell::at(CURVE_ZOOM, x, y);
    (cell.x, cell.y)
}
