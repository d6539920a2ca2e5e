//! The outline of a tile as polygons in degrees, spelled as WKT or as GeoJSON.

use std::fmt::Write;

use serde_json::Value as Json;

use crate::domain::bbox::Bbox;
use crate::domain::tile::Tile;

/// A closed line of (longitude, latitude) in degrees.
type Ring = Vec<[f64; 2]>;

/// One or more polygons in degrees (WGS 84). Outer rings run counter-clockwise, holes clockwise, as RFC 7946 wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct Geometry {
    /// Each polygon: the outer ring, then its holes.
    polygons: Vec<Vec<Ring>>,
}

/// Decimals of a degree in files: 1e-8 degrees is about a millimetre.
const SCALE: f64 = 1e8;

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

    /// Appends it as WKT (OGC Simple Features): `POLYGON ((30 10, …))`.
    pub fn push_wkt(&self, to: &mut String) {
        let one = self.polygons.len() == 1;
        to.push_str(if one { "POLYGON " } else { "MULTIPOLYGON (" });
        list(to, ", ", &self.polygons, |to, polygon| {
            to.push('(');
            list(to, ", ", polygon, |to, ring| {
                to.push('(');
                list(to, ", ", ring, |to, &[lon, lat]| {
                    let _ = write!(to, "{} {}", round(lon), round(lat));
                });
                to.push(')');
            });
            to.push(')');
        });
        if !one {
            to.push(')');
        }
    }

    /// Appends it as a GeoJSON geometry.
    pub fn push_geojson(&self, to: &mut String) {
        let one = self.polygons.len() == 1;
        let kind = if one { "Polygon" } else { "MultiPolygon" };
        let _ = write!(to, r#"{{"type":"{kind}","coordinates":{}"#, if one { "" } else { "[" });
        list(to, ",", &self.polygons, |to, polygon| {
            to.push('[');
            list(to, ",", polygon, |to, ring| {
                to.push('[');
                list(to, ",", ring, |to, &[lon, lat]| {
                    let _ = write!(to, "[{},{}]", round(lon), round(lat));
                });
                to.push(']');
            });
            to.push(']');
        });
        to.push_str(if one { "}" } else { "]}" });
    }
}

/// A coordinate as it is printed, degrees.
pub fn round(degrees: f64) -> f64 {
    // Adding zero turns -0 into 0, which has one spelling.
    (degrees * SCALE).round() / SCALE + 0.0
}

fn list<T>(to: &mut String, between: &str, items: &[T], mut each: impl FnMut(&mut String, &T)) {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            to.push_str(between);
        }
        each(to, item);
    }
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

    fn both(text: &str) -> Option<(String, String)> {
        let geometry = Geometry::from_geojson(text)?;
        let (mut wkt, mut json) = (String::new(), String::new());
        geometry.push_wkt(&mut wkt);
        geometry.push_geojson(&mut json);
        Some((wkt, json))
    }

    #[test]
    fn a_clockwise_footprint_is_turned_round() {
        let (wkt, json) = both(r#"{"type":"Polygon","coordinates":[[[0,0],[0,1],[1,1],[0,0]]]}"#).unwrap();
        assert_eq!(wkt, "POLYGON ((0 0, 1 1, 0 1, 0 0))");
        assert_eq!(json, r#"{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,1],[0,0]]]}"#);
    }

    #[test]
    fn several_polygons_stay_several() {
        let text = r#"{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]],[[[2,2],[3,2],[3,3],[2,2]]]]}"#;
        let (wkt, json) = both(text).unwrap();
        assert_eq!(wkt, "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((2 2, 3 2, 3 3, 2 2)))");
        assert_eq!(json, text);
    }

    #[test]
    fn what_is_no_polygon_gives_the_square() {
        for bad in
            ["", "{}", r#"{"type":"Point","coordinates":[1,2]}"#, r#"{"type":"Polygon","coordinates":[[[0,0]]]}"#]
        {
            assert_eq!(both(bad), None, "{bad}");
        }
        let bbox = Bbox { west: -1e-12, south: 0.0, east: 1.0, north: 0.123_456_789_123 };
        let tile = Tile { id: 1, tile_id: "a".into(), cell: None, bbox, footprint: Some("broken".into()) };
        let mut wkt = String::new();
        Geometry::of_tile(&tile).push_wkt(&mut wkt);
        assert_eq!(wkt, "POLYGON ((0 0, 1 0, 1 0.12345679, 0 0.12345679, 0 0))");
    }
}
