//! XYZ cells of the web mercator pyramid (EPSG:3857): the grid that archives are cut on and that cell tiles stand on.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

use super::bbox::Bbox;

/// Half the side of the web mercator square, metres.
pub const MERCATOR_HALF: f64 = 20_037_508.342_789_244;
/// The deepest zoom that is accepted anywhere: 0.6 mm per pixel at the equator.
pub const MAX_ZOOM: u8 = 28;
/// Pixels along one side of an image of the pyramid.
pub const CELL_PIXELS: u32 = 256;

/// One cell of the XYZ pyramid: `x` grows to the east, `y` to the south, both from 0 to 2^z - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    /// Zoom level, 0 is the whole world.
    pub z: u8,
    /// Column.
    pub x: u32,
    /// Row, from the north.
    pub y: u32,
}

/// A rectangle in web mercator metres (EPSG:3857).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MercatorBox {
    /// Smallest easting, metres.
    pub left: f64,
    /// Smallest northing, metres.
    pub bottom: f64,
    /// Largest easting, metres.
    pub right: f64,
    /// Largest northing, metres.
    pub top: f64,
}

/// Web mercator metres of a place in degrees; latitudes beyond the square are clamped to its edge.
pub fn to_mercator(lon: f64, lat: f64) -> (f64, f64) {
    let lat = lat.clamp(-85.051_128_779_806_6, 85.051_128_779_806_6).to_radians();
    (lon / 180.0 * MERCATOR_HALF, (PI / 4.0 + lat / 2.0).tan().ln() / PI * MERCATOR_HALF)
}

/// Degrees (longitude, latitude) of a place in web mercator metres.
pub fn from_mercator(x: f64, y: f64) -> (f64, f64) {
    let lat = 2.0 * (y / MERCATOR_HALF * PI).exp().atan() - PI / 2.0;
    (x / MERCATOR_HALF * 180.0, lat.to_degrees())
}

impl MercatorBox {
    /// The same rectangle in degrees.
    pub fn to_degrees(self) -> Bbox {
        let (west, south) = from_mercator(self.left, self.bottom);
        let (east, north) = from_mercator(self.right, self.top);
        Bbox { west, south, east, north }
    }

    /// The rectangle of a box in degrees.
    pub fn from_degrees(bbox: Bbox) -> MercatorBox {
        let (left, bottom) = to_mercator(bbox.west, bbox.south);
        let (right, top) = to_mercator(bbox.east, bbox.north);
        MercatorBox { left, bottom, right, top }
    }
}

impl Cell {
    /// A cell, or `None` where the numbers lie outside the pyramid.
    pub fn new(z: u8, x: u32, y: u32) -> Option<Cell> {
        (z <= MAX_ZOOM && x < (1 << z) && y < (1 << z)).then_some(Cell { z, x, y })
    }

    /// The cell of zoom `z` that holds a place given in web mercator metres.
    pub fn at(z: u8, x: f64, y: f64) -> Cell {
        let cells = f64::from(1u32 << z);
        let clamp = |v: f64| v.floor().clamp(0.0, cells - 1.0) as u32;
        Cell {
            z,
            x: clamp((x + MERCATOR_HALF) / (2.0 * MERCATOR_HALF) * cells),
            y: clamp((MERCATOR_HALF - y) / (2.0 * MERCATOR_HALF) * cells),
        }
    }

    /// Side of the cell, web mercator metres.
    pub fn side(z: u8) -> f64 {
        2.0 * MERCATOR_HALF / f64::from(1u32 << z)
    }

    /// The cell's rectangle in web mercator metres.
    pub fn mercator(self) -> MercatorBox {
        let side = Cell::side(self.z);
        let left = f64::from(self.x) * side - MERCATOR_HALF;
        let top = MERCATOR_HALF - f64::from(self.y) * side;
        MercatorBox { left, bottom: top - side, right: left + side, top }
    }

    /// The cell's rectangle in degrees.
    pub fn bbox(self) -> Bbox {
        self.mercator().to_degrees()
    }

    /// The cell one zoom up that holds this one; `None` for the whole world.
    pub fn parent(self) -> Option<Cell> {
        (self.z > 0).then(|| Cell { z: self.z - 1, x: self.x / 2, y: self.y / 2 })
    }

    /// The quadkey (Bing Maps Tile System, 2009): one digit 0 to 3 per zoom level. Text, never a number.
    pub fn quadkey(self) -> String {
        (0..self.z)
            .rev()
            .map(|bit| {
                let digit = ((self.x >> bit) & 1) + 2 * ((self.y >> bit) & 1);
                char::from(b'0' + digit as u8)
            })
            .collect()
    }

    /// All cells of zoom `z` that a rectangle touches, row by row from the north-west.
    pub fn covering(z: u8, area: MercatorBox) -> impl Iterator<Item = Cell> {
        // A hair inside, so that a rectangle that ends on a grid line does not claim the cells beyond it.
        let hair = Cell::side(z) * 1e-9;
        let first = Cell::at(z, area.left + hair, area.top - hair);
        let last = Cell::at(z, area.right - hair, area.bottom + hair);
        (first.y..=last.y).flat_map(move |y| (first.x..=last.x).map(move |x| Cell { z, x, y }))
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.z, self.x, self.y)
    }
}

impl FromStr for Cell {
    type Err = String;

    fn from_str(text: &str) -> Result<Cell, String> {
        let wrong = || format!("`{text}` is not a tile id like 17-65536-43690");
        let mut parts = text.split('-').map(|part| part.parse::<u32>());
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(z)), Some(Ok(x)), Some(Ok(y)), None) => {
                u8::try_from(z).ok().and_then(|z| Cell::new(z, x, y)).ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quadkey_names_the_path_from_the_whole_world_down() {
        assert_eq!(Cell { z: 3, x: 3, y: 5 }.quadkey(), "213");
        assert_eq!(Cell { z: 0, x: 0, y: 0 }.quadkey(), "");
    }

    #[test]
    fn a_place_lies_in_the_cell_that_is_found_for_it() {
        let (x, y) = to_mercator(39.0, 35.95);
        let cell = Cell::at(17, x, y);
        let bbox = cell.bbox();
        assert!(bbox.west <= 39.0 && 39.0 < bbox.east && bbox.south <= 35.95 && 35.95 < bbox.north);
        assert_eq!(cell.to_string().parse::<Cell>(), Ok(cell));
    }

    #[test]
    fn a_cell_covers_itself_and_nothing_beyond() {
        let cell = Cell { z: 13, x: 1345, y: 3210 };
        assert_eq!(Cell::covering(13, cell.mercator()).collect::<Vec<_>>(), [cell]);
        assert_eq!(Cell::covering(14, cell.mercator()).count(), 4);
    }

    #[test]
    fn numbers_outside_the_pyramid_are_refused() {
        assert!("3-8-0".parse::<Cell>().is_err());
        assert!("3-1".parse::<Cell>().is_err());
        assert!("99-1-1".parse::<Cell>().is_err());
    }
}
