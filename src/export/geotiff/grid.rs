//! The pixels of a raster: cells of one zoom of the web mercator pyramid.

use std::io;

use crate::domain::bbox::Bbox;
use crate::domain::cell::{Cell, MERCATOR_HALF, MercatorBox};

/// Most pixels of a raster; they lie on disk while it is made, twelve bytes each.
const MOST_PIXELS: i64 = 1 << 26;
/// The zoom whose cells are pixels of buildings, where there is room: 2.4 m at the equator.
const FINE: u8 = 24;

/// A rectangle of cells of one zoom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// The zoom whose cells are the pixels.
    pub zoom: u8,
    /// Column of the pyramid at the left edge; beyond the last one east of the date line.
    pub left: i64,
    /// Row of the pyramid at the upper edge.
    pub top: i64,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// What a drawing has to show: the zoom of its cells if all are cells, and the boxes around everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extent {
    zoom: Option<u8>,
    outlines: bool,
    /// As longitudes are.
    plain: Option<Bbox>,
    /// With those of the western hemisphere a turn further east: narrower for what lies on both sides of the date line.
    turned: Option<Bbox>,
}

impl Extent {
    /// Adds a cell, or the box around an outline.
    pub fn add(&mut self, cell: Option<Cell>, bbox: Bbox) {
        match cell {
            Some(cell) => self.zoom = self.zoom.max(Some(cell.z)),
            None => self.outlines = true,
        }
        let around = |all: Option<Bbox>, one: Bbox| Some(all.map_or(one, |all| all.union(one)));
        self.plain = around(self.plain, bbox);
        let turned = if bbox.centre().0 < 0.0 { bbox.turned(360.0) } else { bbox };
        self.turned = around(self.turned, turned);
    }

    /// The grid that shows all of it; a single pixel where there is nothing.
    ///
    /// # Errors
    /// Where cells lie so far apart that the raster would be too large.
    pub fn grid(&self) -> io::Result<Grid> {
        let narrow = |bbox: &Bbox| bbox.east - bbox.west;
        let (Some(plain), Some(turned)) = (self.plain, self.turned) else {
            return Ok(Grid { zoom: 0, left: 0, top: 0, width: 1, height: 1 });
        };
        let bbox = if narrow(&turned) < narrow(&plain) { turned } else { plain };
        let finest = match (self.zoom, self.outlines) {
            (Some(zoom), false) => zoom..=zoom,
            _ => 0..=FINE,
        };
        let mut grids = finest.rev().map(|zoom| Grid::around(bbox, zoom));
        let fits = |grid: &Grid| i64::from(grid.width) * i64::from(grid.height) <= MOST_PIXELS;
        grids.find(fits).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "these tiles lie too far apart for one raster: ask for a part of them with bbox, or for another format",
            )
        })
    }
}

impl Grid {
    fn around(bbox: Bbox, zoom: u8) -> Grid {
        let area = MercatorBox::from_degrees(bbox);
        let side = Cell::side(zoom);
        let hair = 1e-6;
        let column = |metres: f64, by: f64| ((metres + MERCATOR_HALF) / side + by).floor() as i64;
        let row = |metres: f64, by: f64| ((MERCATOR_HALF - metres) / side + by).floor() as i64;
        let (left, right) = (column(area.left, hair), column(area.right, -hair));
        let (top, bottom) = (row(area.top, hair), row(area.bottom, -hair));
        let count = |from: i64, to: i64| u32::try_from((to - from + 1).max(1)).unwrap_or(u32::MAX);
        Grid { zoom, left, top, width: count(left, right), height: count(top, bottom) }
    }

    /// The pixel of a cell of the grid's zoom, as (column, row); a turn further east where the grid lies there.
    pub fn pixel(&self, cell: Cell) -> Option<(u32, u32)> {
        let around = 1i64 << self.zoom;
        let mut columns = [0, around, -around].into_iter().map(|turn| i64::from(cell.x) + turn - self.left);
        let column = columns.find(|column| (0..i64::from(self.width)).contains(column))?;
        let row = i64::from(cell.y) - self.top;
        (0..i64::from(self.height)).contains(&row).then_some((column as u32, row as u32))
    }

    /// A place in degrees as (column, row) with the fraction inside the pixel.
    pub fn place(&self, [lon, lat]: [f64; 2]) -> (f64, f64) {
        let (x, y) = crate::domain::cell::to_mercator(lon, lat);
        let side = Cell::side(self.zoom);
        ((x + MERCATOR_HALF) / side - self.left as f64, (MERCATOR_HALF - y) / side - self.top as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(cells: &[Cell]) -> Extent {
        let mut extent = Extent::default();
        cells.iter().for_each(|cell| extent.add(Some(*cell), cell.bbox()));
        extent
    }

    #[test]
    fn cells_are_pixels() {
        let cells = [Cell { z: 14, x: 5, y: 9 }, Cell { z: 14, x: 7, y: 8 }];
        let grid = extent(&cells).grid().unwrap();
        assert_eq!(grid, Grid { zoom: 14, left: 5, top: 8, width: 3, height: 2 });
        assert_eq!((grid.pixel(cells[0]), grid.pixel(cells[1])), (Some((0, 1)), Some((2, 0))));
    }

    #[test]
    fn a_map_across_the_date_line_is_narrow() {
        let cells = [Cell { z: 12, x: 4_095, y: 9 }, Cell { z: 12, x: 0, y: 9 }];
        let grid = extent(&cells).grid().unwrap();
        assert_eq!((grid.left, grid.width), (4_095, 2));
        assert_eq!((grid.pixel(cells[0]), grid.pixel(cells[1])), (Some((0, 0)), Some((1, 0))));
    }

    #[test]
    fn what_lies_too_far_apart_is_refused_and_nothing_is_a_pixel() {
        let far = [Cell { z: 20, x: 1, y: 1 }, Cell { z: 20, x: 500_000, y: 900_000 }];
        assert_eq!(extent(&far).grid().unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(extent(&[]).grid().unwrap().width, 1);
    }

    #[test]
    fn buildings_far_apart_get_coarser_pixels() {
        let mut extent = Extent::default();
        for (lon, lat) in [(10.0, 50.0), (12.0, 50.2)] {
            extent.add(None, Bbox { west: lon, south: lat, east: lon + 1e-4, north: lat + 1e-4 });
        }
        let grid = extent.grid().unwrap();
        assert!((20..FINE).contains(&grid.zoom), "{grid:?}");
    }
}
