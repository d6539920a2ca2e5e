//! The area of a campaign: polygons inside which tiles are made, read from GeoJSON of whatever kind.

use serde_json::{Value, json};

use super::Invalid;
use super::bbox::Bbox;
use super::geometry::Geometry;

/// Most positions of an area: more is a coastline, which nobody needs to say where to look.
const MOST_POSITIONS: usize = 20_000;

/// The geometry (GeoJSON text) of a Polygon, MultiPolygon, Feature or FeatureCollection of such.
///
/// # Errors
/// Names the field `area` where it is none of these, empty, too long, or not in degrees.
pub fn area_of(json: &Value) -> Result<String, Invalid> {
    let wrong = |reason: &str| Invalid::new("area", reason.to_owned());
    let mut polygons = Vec::new();
    collect(json, &mut polygons).ok_or_else(|| wrong("must be a GeoJSON Polygon or MultiPolygon in degrees"))?;
    let geometry = match polygons.as_slice() {
        [] => return Err(wrong("holds no polygon")),
        [one] => json!({"type": "Polygon", "coordinates": one}),
        all => json!({"type": "MultiPolygon", "coordinates": all}),
    };
    let text = geometry.to_string();
    let read =
        Geometry::from_geojson(&text).ok_or_else(|| wrong("has a ring that is not closed or no list of places"))?;
    let rings = || read.polygons().iter().flatten();
    if rings().map(Vec::len).sum::<usize>() > MOST_POSITIONS {
        return Err(wrong("has more than 20,000 corners: simplify it, or use a rectangle around it"));
    }
    let in_degrees = |&[lon, lat]: &[f64; 2]| (-360.0..=360.0).contains(&lon) && (-90.0..=90.0).contains(&lat);
    match rings().flatten().all(in_degrees) {
        true => Ok(text),
        false => Err(wrong("has corners that are no degrees: write longitude and latitude (EPSG:4326)")),
    }
}

/// Collects the polygons of a GeoJSON object; `None` where it is something else.
fn collect<'a>(json: &'a Value, polygons: &mut Vec<&'a Value>) -> Option<()> {
    match json.get("type")?.as_str()? {
        "Polygon" => polygons.push(json.get("coordinates")?),
        "MultiPolygon" => polygons.extend(json.get("coordinates")?.as_array()?),
        "Feature" => collect_plain(json.get("geometry")?, polygons)?,
        "FeatureCollection" => {
            for feature in json.get("features")?.as_array()? {
                collect_plain(feature.get("geometry")?, polygons)?;
            }
        }
        _ => return None,
    }
    Some(())
}

/// Only a geometry, so that nothing nests deeper than GeoJSON allows.
fn collect_plain<'a>(json: &'a Value, polygons: &mut Vec<&'a Value>) -> Option<()> {
    matches!(json.get("type")?.as_str()?, "Polygon" | "MultiPolygon").then(|| collect(json, polygons))?
}

/// An area, ready to be asked.
#[derive(Debug, Clone)]
pub struct Area {
    /// One polygon each: where two overlap, a place lies inside both.
    parts: Vec<Geometry>,
}

impl Area {
    /// Reads what [`area_of`] wrote.
    pub fn read(text: &str) -> Option<Area> {
        let json: Value = serde_json::from_str(text).ok()?;
        let mut polygons = Vec::new();
        collect(&json, &mut polygons)?;
        let one = |coordinates: &Value| json!({"type": "Polygon", "coordinates": coordinates}).to_string();
        let parts = polygons.into_iter().map(|polygon| Geometry::from_geojson(&one(polygon)));
        Some(Area { parts: parts.collect::<Option<_>>()? })
    }

    /// The box around it.
    pub fn bbox(&self) -> Option<Bbox> {
        self.parts.iter().map(Geometry::bbox).reduce(Bbox::union)
    }

    /// Whether a place lies inside. Longitudes may go on beyond the date line.
    pub fn holds(&self, (lon, lat): (f64, f64)) -> bool {
        let turns = [0.0, 360.0, -360.0];
        self.parts.iter().any(|part| turns.iter().any(|turn| part.contains((lon + turn, lat))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(west: f64) -> Value {
        let east = west + 1.0;
        json!({"type": "Polygon", "coordinates": [[[west, 0], [east, 0], [east, 1], [west, 1], [west, 0]]]})
    }

    #[test]
    fn a_feature_collection_is_the_sum_of_its_polygons() {
        let feature = |west| json!({"type": "Feature", "properties": {"a": 1}, "geometry": square(west)});
        let text = area_of(&json!({"type": "FeatureCollection", "features": [feature(0.0), feature(5.0)]})).unwrap();
        let area = Area::read(&text).unwrap();
        assert!(area.holds((0.5, 0.5)) && area.holds((5.5, 0.5)) && !area.holds((3.0, 0.5)));
        assert!(area.holds((360.5, 0.5)), "a turn away it is the same place");
        assert_eq!(area.bbox().unwrap().to_array(), [0.0, 0.0, 6.0, 1.0]);
    }

    #[test]
    fn where_two_polygons_overlap_a_place_is_inside() {
        let both = [square(0.0), square(0.5)].map(|one| one["coordinates"].clone());
        let text = area_of(&json!({"type": "MultiPolygon", "coordinates": both})).unwrap();
        assert!(Area::read(&text).unwrap().holds((0.75, 0.5)));
    }

    #[test]
    fn what_is_no_polygon_in_degrees_is_refused() {
        for bad in [
            json!(null),
            json!([]),
            json!({"type": "Point", "coordinates": [0, 0]}),
            json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0]]]}),
            json!({"type": "MultiPolygon", "coordinates": []}),
            json!({"type": "Polygon", "coordinates": [[[5e5, 4e6], [6e5, 4e6], [6e5, 5e6], [5e5, 4e6]]]}),
            json!({"type": "Feature", "geometry": {"type": "Feature", "geometry": null}}),
        ] {
            assert_eq!(area_of(&bad).unwrap_err().field, "area", "{bad}");
        }
    }
}
