//! A rectangle on the earth, in degrees of longitude and latitude (WGS 84).

use serde::{Deserialize, Serialize};

/// A rectangle in degrees (EPSG:4326). `west <= east`: the box of a tile never crosses the date line; that of a scene or a
/// campaign may, and then its longitudes go on beyond 180.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bbox {
    /// Smallest longitude, degrees.
    pub west: f64,
    /// Smallest latitude, degrees.
    pub south: f64,
    /// Largest longitude, degrees.
    pub east: f64,
    /// Largest latitude, degrees.
    pub north: f64,
}

impl Bbox {
    /// The corners in the order that GeoJSON (RFC 7946, section 5) uses.
    pub fn to_array(self) -> [f64; 4] {
        [self.west, self.south, self.east, self.north]
    }

    /// The middle as (longitude, latitude).
    pub fn centre(self) -> (f64, f64) {
        ((self.west + self.east) / 2.0, (self.south + self.north) / 2.0)
    }

    /// The smallest box around both.
    pub fn union(self, other: Bbox) -> Bbox {
        Bbox {
            west: self.west.min(other.west),
            south: self.south.min(other.south),
            east: self.east.max(other.east),
            north: self.north.max(other.north),
        }
    }

    /// What both share; `None` where they do not overlap (a common edge is no overlap).
    pub fn intersection(self, other: Bbox) -> Option<Bbox> {
        let shared = Bbox {
            west: self.west.max(other.west),
            south: self.south.max(other.south),
            east: self.east.min(other.east),
            north: self.north.min(other.north),
        };
        (shared.west < shared.east && shared.south < shared.north).then_some(shared)
    }

    /// Whether both share a place; a common edge is enough.
    pub fn touches(self, other: Bbox) -> bool {
        self.west <= other.east && other.west <= self.east && self.south <= other.north && other.south <= self.north
    }

    /// The same box a turn of the earth further east or west.
    pub fn turned(self, degrees: f64) -> Bbox {
        Bbox { west: self.west + degrees, east: self.east + degrees, ..self }
    }

    /// The closed ring of the rectangle, counter-clockwise as RFC 7946 wants it.
    pub fn ring(self) -> [[f64; 2]; 5] {
        [
            [self.west, self.south],
            [self.east, self.south],
            [self.east, self.north],
            [self.west, self.north],
            [self.west, self.south],
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_that_touch_do_not_overlap() {
        let left = Bbox { west: 0.0, south: 0.0, east: 1.0, north: 1.0 };
        let right = Bbox { west: 1.0, south: 0.0, east: 2.0, north: 1.0 };
        assert_eq!(left.intersection(right), None);
        assert_eq!(left.union(right).to_array(), [0.0, 0.0, 2.0, 1.0]);
    }
}
