//! Building footprints from GeoJSON, FlatGeobuf and GeoPackage in any system: one tile is cut around each.

mod budget;
mod flatgeobuf;
mod json;
mod report;
mod stream;
mod wkb;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::domain::bbox::Bbox;
use crate::domain::cell::{MercatorBox, from_mercator};

use super::error::ImageryError;
use super::georef::{Crs, Georef};

pub use report::{Finding, FootprintReport, report};
pub use wkb::{from_geopackage, outlines_of_geopackage};

/// Polygons of one outline: each a list of rings, each a list of positions.
pub type Polygons = Vec<Vec<Vec<[f64; 2]>>>;

/// The largest accepted file, bytes: a million buildings with all that may be written about each.
pub const MOST_FILE_BYTES: u64 = 2 << 30;
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
    /// The same polygons as numbers.
    pub polygons: Polygons,
}

/// One outline as a file has it: in the file's own system, not yet looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// Its id in the file.
    pub id: Option<String>,
    /// Its polygons.
    pub polygons: Polygons,
    /// The feature's other properties.
    pub properties: BTreeMap<String, serde_json::Value>,
}

/// Reads footprints from a file, in its order: GeoJSON (RFC 7946, or with the older `crs` member) or FlatGeobuf. The
/// file is read piece by piece, and its other properties are left out. GeoPackages are databases: see
/// [`outlines_of_geopackage`].
///
/// # Errors
/// [`ImageryError::Unusable`], naming the feature, for a file that is neither, another geometry than Polygon or
/// MultiPolygon, coordinates outside their system, an id used twice, no feature at all, or more than a file may hold.
pub fn read_footprints(path: &Path) -> Result<Vec<Footprint>, ImageryError> {
    let refuse = |reason: String| ImageryError::unusable(path, reason);
    check_length(path)?;
    let mut input = BufReader::with_capacity(1 << 16, File::open(path).map_err(ImageryError::io(path, "opening"))?);
    let head = input.fill_buf().map_err(ImageryError::io(path, "reading"))?;
    if head.starts_with(b"fgb") {
        let (outlines, epsg) = flatgeobuf::read(&mut input).map_err(refuse)?;
        return finish_footprints(outlines, epsg.unwrap_or(4326)).map_err(refuse);
    }
    if head.iter().take(1 << 10).any(|byte| matches!(byte, 0..=8)) {
        return Err(refuse("is neither GeoJSON nor FlatGeobuf nor GeoPackage; turn it into one with ogr2ogr".into()));
    }
    let (outlines, epsg) = json::read(input, false).map_err(refuse)?;
    finish_footprints(outlines, epsg).map_err(refuse)
}

/// Refuses a file of outlines that is too long to be read, before anything of it is.
pub fn check_length(path: &Path) -> Result<(), ImageryError> {
    let about = std::fs::metadata(path).map_err(ImageryError::io(path, "opening"))?;
    match about.len() > MOST_FILE_BYTES {
        true => Err(ImageryError::unusable(path, "is larger than 2 GiB; split it")),
        false => Ok(()),
    }
}

/// The same from a GeoJSON text, with the features' other properties; the error says what is wrong, without a file name.
pub fn parse_footprints(text: &str) -> Result<Vec<Footprint>, String> {
    let (outlines, epsg) = json::read(text.as_bytes(), true)?;
    finish_footprints(outlines, epsg)
}

/// Turns outlines in the system of an EPSG code into footprints in degrees, after a look at each of them.
pub fn finish_footprints(outlines: Vec<Outline>, epsg: u32) -> Result<Vec<Footprint>, String> {
    if outlines.is_empty() {
        return Err("holds no feature".into());
    }
    let crs = Crs::from_epsg(epsg).map_err(|reason| format!("{reason}; ogr2ogr -t_srs EPSG:4326 out.geojson in"))?;
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(outlines.len());
    let mut footprints = Vec::with_capacity(outlines.len());
    for (place, outline) in outlines.into_iter().enumerate() {
        let number = place + 1;
        let id = outline.id.clone().unwrap_or_else(|| number.to_string());
        let footprint =
            finish(outline, &id, &crs).map_err(|reason| format!("feature {number} (id `{id}`): {reason}"))?;
        if let Some(first) = seen.insert(id, number) {
            return Err(format!("features {first} and {number} have the same id `{}`; ids must differ", footprint.id));
        }
        footprints.push(footprint);
    }
    Ok(footprints)
}

fn finish(outline: Outline, id: &str, crs: &Crs) -> Result<Footprint, String> {
    if id.is_empty() || id.len() > MAX_ID_BYTES || id.chars().any(char::is_control) {
        return Err(format!("its id must have 1 to {MAX_ID_BYTES} bytes and no control characters"));
    }
    let mut polygons = outline.polygons;
    if !matches!(crs, Crs::Degrees) {
        for position in polygons.iter_mut().flatten().flatten() {
            let (x, y) = crs.forward(position[0], position[1]).ok_or_else(|| {
                format!("position {}, {} lies outside the area of {}", position[0], position[1], crs.name())
            })?;
            let (lon, lat) = from_mercator(x, y);
            // A hundredth of a millimetre: what is left of the computation means nothing.
            *position = [(lon * 1e10).round() / 1e10, (lat * 1e10).round() / 1e10];
        }
    }
    let bbox = bounds(&polygons)?;
    // Written anew from its parts: extra members of the geometry (a bbox, heights) do not come along.
    let geometry = match polygons.as_slice() {
        [polygon] => serde_json::json!({"type": "Polygon", "coordinates": polygon}),
        _ => serde_json::json!({"type": "MultiPolygon", "coordinates": polygons}),
    };
    let id = id.to_owned();
    Ok(Footprint { id, geometry: geometry.to_string(), bbox, properties: outline.properties, polygons })
}

/// The latitude at which web mercator ends, degrees, rounded up: cells of its last rows are outlines too.
const EDGE: f64 = 85.051_129;

/// The rectangle around polygons, after a look at every ring.
fn bounds(polygons: &Polygons) -> Result<Bbox, String> {
    let mut bbox: Option<Bbox> = None;
    if polygons.is_empty() || polygons.iter().any(Vec::is_empty) {
        return Err("has a polygon without rings".into());
    }
    for ring in polygons.iter().flatten() {
        if ring.len() < 4 || ring.first() != ring.last() {
            return Err("has a ring that is not closed or has fewer than four positions".into());
        }
        for [lon, lat] in ring {
            if !(-180.0..=180.0).contains(lon) || !(-EDGE..=EDGE).contains(lat) {
                return Err(format!(
                    "position {lon}, {lat} is not in degrees; if the file does not name its system, say it: \
                     ogr2ogr -s_srs EPSG:<code> -t_srs EPSG:4326 out.geojson in"
                ));
            }
            let here = Bbox { west: *lon, south: *lat, east: *lon, north: *lat };
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
            (collection(&[point.to_owned()]), "feature 1: is a Point"),
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
    fn metres_of_a_named_system_become_degrees() {
        let crs = r#""crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::32637"}},"#;
        let ring = "[[500000,5538000],[500020,5538000],[500020,5538010],[500000,5538000]]";
        let text =
            format!(r#"{{"type":"FeatureCollection",{crs}"features":[{}]}}"#, feature(r#""properties":{},"#, ring));
        let footprint = &parse_footprints(&text).unwrap()[0];
        assert!(
            (footprint.bbox.west - 39.0).abs() < 1e-9 && (footprint.bbox.south - 50.0).abs() < 0.01,
            "{footprint:?}"
        );
        let unknown = text.replace("32637", "99999");
        assert!(parse_footprints(&unknown).unwrap_err().contains("EPSG:99999"));
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
