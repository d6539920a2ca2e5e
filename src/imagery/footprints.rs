//! Building footprints from GeoJSON: one tile is cut around each.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use geojson::feature::Id;
use geojson::{Feature, GeoJson, GeometryValue, Position};

use crate::domain::bbox::Bbox;
use crate::domain::cell::MercatorBox;

use super::error::ImageryError;
use super::georef::Georef;

/// The largest accepted file, bytes: some million buildings.
const MAX_FILE_BYTES: u64 = 2 << 30;
/// The longest accepted id, bytes.
const MAX_ID_BYTES: usize = 200;

/// The outline of one building.
#[derive(Debug, Clone, PartialEq)]
pub struct Footprint {
    /// The feature's id, else its property `id`, else its running number from 1.
    pub id: String,
    /// A GeoJSON geometry (Polygon or MultiPolygon, EPSG:4326) as text.
    pub geometry: String,
    /// The rectangle around it, degrees.
    pub bbox: Bbox,
    /// The feature's other properties.
    pub properties: BTreeMap<String, serde_json::Value>,
}

/// Reads footprints from a GeoJSON file (RFC 7946: degrees of EPSG:4326, Polygon or MultiPolygon), in its order.
///
/// # Errors
/// [`ImageryError::Unusable`], naming the feature, for a file that is no GeoJSON, another geometry, coordinates that
/// are no degrees, an id used twice, or no feature at all.
pub fn read_footprints(path: &Path) -> Result<Vec<Footprint>, ImageryError> {
    let refuse = |reason: String| ImageryError::unusable(path, reason);
    let about = std::fs::metadata(path).map_err(ImageryError::io(path, "opening"))?;
    if about.len() > MAX_FILE_BYTES {
        return Err(refuse("is larger than 2 GiB; split it".into()));
    }
    let text = std::fs::read_to_string(path).map_err(ImageryError::io(path, "reading"))?;
    parse_footprints(&text).map_err(refuse)
}

/// The same from a text; the error says what is wrong, without a file name.
pub fn parse_footprints(text: &str) -> Result<Vec<Footprint>, String> {
    let json: GeoJson = text.parse().map_err(|error| format!("is not GeoJSON: {error}"))?;
    let features = match json {
        GeoJson::FeatureCollection(collection) => collection.features,
        GeoJson::Feature(feature) => vec![feature],
        GeoJson::Geometry(_) => return Err("holds a bare geometry; a FeatureCollection of buildings is needed".into()),
    };
    if features.is_empty() {
        return Err("holds no feature".into());
    }
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(features.len());
    let mut footprints = Vec::with_capacity(features.len());
    for (place, feature) in features.into_iter().enumerate() {
        let number = place + 1;
        let footprint = footprint(feature, number).map_err(|reason| format!("feature {number}{reason}"))?;
        if let Some(first) = seen.insert(footprint.id.clone(), number) {
            return Err(format!("features {first} and {number} have the same id `{}`; ids must differ", footprint.id));
        }
        footprints.push(footprint);
    }
    Ok(footprints)
}

/// One feature; an error begins with its id, where it has one.
fn footprint(feature: Feature, number: usize) -> Result<Footprint, String> {
    let id = id_of(&feature, number).map_err(|reason| format!(": {reason}"))?;
    let wrong = |reason: String| format!(" (id `{id}`): {reason}");
    let geometry = feature.geometry.ok_or_else(|| wrong("has no geometry".into()))?;
    let bbox = match &geometry.value {
        GeometryValue::Polygon { coordinates } => bounds(std::slice::from_ref(coordinates)),
        GeometryValue::MultiPolygon { coordinates } => bounds(coordinates),
        other => Err(format!("is a {}; footprints are Polygon or MultiPolygon", other.type_name())),
    };
    let bbox = bbox.map_err(wrong)?;
    // Written anew from its parts: extra members of the geometry (a bbox, foreign names) do not come along.
    let geometry = geojson::Geometry::new(geometry.value).to_string();
    Ok(Footprint { id, geometry, bbox, properties: feature.properties.unwrap_or_default().into_iter().collect() })
}

fn id_of(feature: &Feature, number: usize) -> Result<String, String> {
    let id = match (&feature.id, feature.properties.as_ref().and_then(|properties| properties.get("id"))) {
        (Some(Id::String(text)), _) => text.clone(),
        (Some(Id::Number(number)), _) => number.to_string(),
        (None, Some(serde_json::Value::String(text))) => text.clone(),
        (None, Some(serde_json::Value::Number(number))) => number.to_string(),
        (None, None | Some(serde_json::Value::Null)) => number.to_string(),
        (None, Some(other)) => return Err(format!("property `id` is {other}; it must be a text or a number")),
    };
    if id.is_empty() || id.len() > MAX_ID_BYTES || id.chars().any(char::is_control) {
        return Err(format!("its id must have 1 to {MAX_ID_BYTES} bytes and no control characters"));
    }
    Ok(id)
}

/// The rectangle around polygons, after a look at every ring.
fn bounds(polygons: &[Vec<Vec<Position>>]) -> Result<Bbox, String> {
    let mut bbox: Option<Bbox> = None;
    if polygons.is_empty() || polygons.iter().any(Vec::is_empty) {
        return Err("has a polygon without rings".into());
    }
    for ring in polygons.iter().flatten() {
        let ends_meet = matches!((ring.first(), ring.last()), (Some(a), Some(b)) if a == b);
        if ring.len() < 4 || !ends_meet {
            return Err("has a ring that is not closed or has fewer than four positions".into());
        }
        for position in ring {
            let here = point_box(position.as_slice())?;
            bbox = Some(bbox.map_or(here, |bbox| bbox.union(here)));
        }
    }
    let bbox = bbox.ok_or("has no positions")?;
    if bbox.west >= bbox.east || bbox.south >= bbox.north {
        return Err("has no area".into());
    }
    if bbox.east - bbox.west > 1.0 || bbox.north - bbox.south > 1.0 {
        return Err("is larger than a degree, which no building is".into());
    }
    Ok(bbox)
}

fn point_box(position: &[f64]) -> Result<Bbox, String> {
    let &[lon, lat, ..] = position else { return Err("has a position without two numbers".into()) };
    // Web mercator ends at 85.05 degrees.
    if !(-180.0..=180.0).contains(&lon) || !(-85.0..=85.0).contains(&lat) {
        return Err(format!(
            "position {lon}, {lat} is not in degrees; GeoJSON is EPSG:4326: ogr2ogr -t_srs EPSG:4326 out.geojson in"
        ));
    }
    Ok(Bbox { west: lon, south: lat, east: lon, north: lat })
}

/// The square to look at around a footprint, web mercator: centred on it, larger than its longer side by a margin
/// (0.6 is 60 %: 30 % on either side), and with a side of at least `least_m` metres on the ground.
pub fn square_around(bbox: Bbox, margin: f64, least_m: f64) -> MercatorBox {
    let area = MercatorBox::from_degrees(bbox);
    let (x, y) = ((area.left + area.right) / 2.0, (area.bottom + area.top) / 2.0);
    let longer = (area.right - area.left).max(area.top - area.bottom);
    let half = (longer * (1.0 + margin)).max(least_m / Georef::ground_scale(y)) / 2.0;
    MercatorBox { left: x - half, bottom: y - half, right: x + half, top: y + half }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(head: &str, ring: &str) -> String {
        format!(r#"{{"type":"Feature",{head}"geometry":{{"type":"Polygon","coordinates":[{ring}]}}}}"#)
    }

    fn collection(features: &[String]) -> String {
        format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
    }

    const RING: &str = "[[10,50],[10.001,50],[10.001,50.002],[10,50]]";

    #[test]
    fn the_id_comes_from_the_feature_the_property_or_the_count() {
        let features = [
            feature(r#""id":"a","properties":{"id":"x","height":3},"#, RING),
            feature(r#""id":7,"properties":null,"#, RING),
            feature(r#""properties":{"id":"p"},"#, RING),
            feature(r#""properties":{},"#, RING),
        ];
        let footprints = parse_footprints(&collection(&features)).unwrap();
        let ids: Vec<&str> = footprints.iter().map(|f| f.id.as_str()).collect();
        assert_eq!(ids, ["a", "7", "p", "4"]);
        assert_eq!(footprints[0].bbox.to_array(), [10.0, 50.0, 10.001, 50.002]);
        assert_eq!(footprints[0].properties["height"], 3);
        let again: serde_json::Value = serde_json::from_str(&footprints[0].geometry).unwrap();
        assert_eq!(again["type"], "Polygon");
    }

    #[test]
    fn what_cannot_be_a_footprint_is_refused_by_name() {
        let point = r#"{"type":"Feature","id":"well","properties":{},"geometry":{"type":"Point","coordinates":[1,2]}}"#;
        for (text, wanted) in [
            (
                collection(&[
                    feature(r#""id":"a","properties":{},"#, RING),
                    feature(r#""id":"a","properties":{},"#, RING),
                ]),
                "features 1 and 2 have the same id `a`",
            ),
            (collection(&[point.to_owned()]), "feature 1 (id `well`): is a Point"),
            (collection(&[feature(r#""properties":{},"#, "[[10,50],[11,50],[10,51]]")]), "not closed"),
            (
                collection(&[feature(r#""properties":{},"#, "[[500000,50],[500010,50],[500010,60],[500000,50]]")]),
                "not in degrees",
            ),
            (collection(&[feature(r#""properties":{},"#, "[[1,5],[1,5],[1,5],[1,5]]")]), "no area"),
            (collection(&[feature(r#""properties":{"id":[1]},"#, RING)]), "must be a text or a number"),
            (collection(&[]), "no feature"),
            ("{}".to_owned(), "not GeoJSON"),
        ] {
            let message = parse_footprints(&text).unwrap_err();
            assert!(message.contains(wanted), "{message} / {wanted}");
        }
    }

    #[test]
    fn the_square_is_a_square_on_the_map_and_large_enough_on_the_ground() {
        let bbox = Bbox { west: 36.0, south: 50.0, east: 36.0001, north: 50.0001 };
        let small = square_around(bbox, 0.6, 30.0);
        assert!(((small.right - small.left) - (small.top - small.bottom)).abs() < 1e-6);
        // At 50 degrees a metre on the ground is 1 / cos 50 = 1.556 m on the map.
        assert!((small.right - small.left - 30.0 * 1.5557).abs() < 0.05);
        let large = square_around(Bbox { east: 36.001, ..bbox }, 0.6, 30.0);
        assert!((large.right - large.left - 111.3195 * 1.6).abs() < 0.01);
    }
}
