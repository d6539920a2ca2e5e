//! How outlines are spelled: WKT and GeoJSON.

use std::fmt::Write;

use crate::domain::geometry::Geometry;

/// Decimals of a degree in files: 1e-8 degrees is about a millimetre.
const SCALE: f64 = 1e8;

impl Geometry {
    /// Appends it as WKT (OGC Simple Features): `POLYGON ((30 10, …))`.
    pub fn push_wkt(&self, to: &mut String) {
        let one = self.polygons().len() == 1;
        to.push_str(if one { "POLYGON " } else { "MULTIPOLYGON (" });
        list(to, ", ", self.polygons(), |to, polygon| {
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
        let one = self.polygons().len() == 1;
        let kind = if one { "Polygon" } else { "MultiPolygon" };
        let _ = write!(to, r#"{{"type":"{kind}","coordinates":{}"#, if one { "" } else { "[" });
        list(to, ",", self.polygons(), |to, polygon| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::bbox::Bbox;
    use crate::domain::tile::Tile;

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
