//! Outlines on the earth as polygons in degrees: reading GeoJSON, and whether an outline holds a place or meets a box.

use serde_json::Value as Json;

use super::bbox::Bbox;
use super::tile::Tile;

/// A closed line of (longitude, latitude) in degrees: the last place is the first.
pub type Ring = Vec<[f64; 2]>;

/// One or more polygons in degrees (WGS 84). Outer rings run counter-clockwise, holes clockwise, as RFC 7946 wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct Geometry {
    /// Each polygon: the outer ring, then its holes.
    polygons: Vec<Vec<Ring>>,
}

impl Geometry {
    /// A rectangle.
    pub fn rectangle(bbox: Bbox) -> Geometry {
        Geometry { polygons: vec![vec![bbox.ring().to_vec()]] }
    }

    /// The footprint of a tile; its square where it has none, or one that is no polygon.
    pub fn of_tile(tile: &Tile) -> Geometry {
        let footprint = tile.footprint.as_deref().and_then(Geometry::from_geojson);
        footprint.unwrap_or_else(|| Geometry::rectangle(tile.bbox))
    }

    /// Reads a GeoJSON Polygon or MultiPolygon; `None` for anything else.
    pub fn from_geojson(text: &str) -> Option<Geometry> {
        let json: Json = serde_json::from_str(text).ok()?;
        let coordinates = json.get("coordinates")?;
        let polygons = match json.get("type")?.as_str()? {
            "Polygon" => vec![polygon(coordinates)?],
            "MultiPolygon" => coordinates.as_array()?.iter().map(polygon).collect::<Option<_>>()?,
            _ => return None,
        };
        (!polygons.is_empty()).then_some(Geometry { polygons })
    }

    /// Each polygon: the outer ring, then its holes.
    pub fn polygons(&self) -> &[Vec<Ring>] {
        &self.polygons
    }

    /// The smallest box around it.
    pub fn bbox(&self) -> Bbox {
        let point = |&[lon, lat]: &[f64; 2]| Bbox { west: lon, south: lat, east: lon, north: lat };
        let points = self.polygons.iter().filter_map(|rings| rings.first()).flatten().map(point);
        points.reduce(Bbox::union).unwrap_or(Bbox { west: 0.0, south: 0.0, east: 0.0, north: 0.0 })
    }

    /// Whether a place (longitude, latitude) lies inside, by the even-odd rule; a place on the edge may be either.
    pub fn contains(&self, (lon, lat): (f64, f64)) -> bool {
        let crossings = self.polygons.iter().flatten().flat_map(|ring| ring.windows(2)).filter(|side| {
            let ([x0, y0], [x1, y1]) = (side[0], side[1]);
            (y0 > lat) != (y1 > lat) && lon < x0 + (lat - y0) / (y1 - y0) * (x1 - x0)
        });
        crossings.count() % 2 == 1
    }

    /// Whether it shares a place with a box; a common edge is enough.
    pub fn meets(&self, bbox: Bbox) -> bool {
        let mut sides = self.polygons.iter().flatten().flat_map(|ring| ring.windows(2));
        self.bbox().touches(bbox)
            && (sides.any(|side| crosses(side[0], side[1], bbox)) || self.contains((bbox.west, bbox.south)))
    }
}

/// Whether a line shares a place with a box (Liang and Barsky, 1984: what is left of the line between the four edges).
fn crosses([x0, y0]: [f64; 2], [x1, y1]: [f64; 2], bbox: Bbox) -> bool {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let edges = [(-dx, x0 - bbox.west), (dx, bbox.east - x0), (-dy, y0 - bbox.south), (dy, bbox.north - y0)];
    let (mut from, mut to) = (0.0f64, 1.0f64);
    for (direction, room) in edges {
        if direction == 0.0 {
            if room < 0.0 {
                return false;
            }
        } else if direction < 0.0 {
            from = from.max(room / direction);
        } else {
            to = to.min(room / direction);
        }
    }
    from <= to
}

fn polygon(coordinates: &Json) -> Option<Vec<Ring>> {
    let rings: Vec<Ring> = coordinates.as_array()?.iter().map(ring).collect::<Option<_>>()?;
    if rings.is_empty() {
        return None;
    }
    let turned = rings.into_iter().enumerate().map(|(place, mut ring)| {
        let outer = place == 0;
        if (doubled_area(&ring) > 0.0) != outer {
            ring.reverse();
        }
        ring
    });
    Some(turned.collect())
}

fn ring(positions: &Json) -> Option<Ring> {
    let position = |at: &Json| {
        let (lon, lat) = (at.get(0)?.as_f64()?, at.get(1)?.as_f64()?);
        (lon.is_finite() && lat.is_finite()).then_some([lon, lat])
    };
    let ring: Ring = positions.as_array()?.iter().map(position).collect::<Option<_>>()?;
    (ring.len() >= 4 && ring.first() == ring.last()).then_some(ring)
}

/// Twice the signed area (shoelace formula), square degrees: positive when counter-clockwise.
fn doubled_area(ring: &[[f64; 2]]) -> f64 {
    ring.windows(2).map(|side| side[0][0] * side[1][1] - side[1][0] * side[0][1]).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bbox(west: f64, south: f64, east: f64, north: f64) -> Bbox {
        Bbox { west, south, east, north }
    }

    /// A square from 0 to 4 with a hole from 1 to 3.
    fn frame() -> Geometry {
        let text =
            r#"{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,4],[0,0]],[[1,1],[1,3],[3,3],[3,1],[1,1]]]}"#;
        Geometry::from_geojson(text).unwrap()
    }

    #[test]
    fn a_place_in_a_hole_is_outside() {
        assert!(frame().contains((0.5, 0.5)) && frame().contains((3.5, 2.0)));
        assert!(!frame().contains((2.0, 2.0)) && !frame().contains((5.0, 2.0)));
        assert_eq!(frame().bbox(), bbox(0.0, 0.0, 4.0, 4.0));
    }

    #[test]
    fn a_box_is_met_inside_around_across_and_at_the_edge_but_not_in_the_hole() {
        for met in [
            bbox(0.2, 0.2, 0.3, 0.3),
            bbox(-1.0, -1.0, 9.0, 9.0),
            bbox(0.5, -1.0, 0.6, 9.0),
            bbox(4.0, 4.0, 5.0, 5.0),
            bbox(0.5, 0.5, 2.0, 2.0),
            bbox(2.0, 0.5, 2.0, 0.5),
        ] {
            assert!(frame().meets(met), "{met:?}");
        }
        for missed in [bbox(1.5, 1.5, 2.5, 2.5), bbox(4.1, 0.0, 5.0, 4.0), bbox(0.0, -2.0, 4.0, -0.1)] {
            assert!(!frame().meets(missed), "{missed:?}");
        }
    }
}
