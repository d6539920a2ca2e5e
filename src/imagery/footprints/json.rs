//! Outlines out of GeoJSON.

use std::io::BufRead;

use geojson::feature::Id;
use geojson::{Feature, GeometryValue, Position};
use serde_json::{Map, Value};

use super::budget::Budget;
use super::{Outline, Polygons, stream};

/// The outlines and the EPSG code of their system: 4326 (RFC 7946), or what the older `crs` member names. The
/// features' other properties are kept only where they are wanted.
pub(super) fn read(input: impl BufRead, properties: bool) -> Result<(Vec<Outline>, u32), String> {
    let (mut outlines, mut budget) = (Vec::new(), Budget::new());
    let mut take = |feature| {
        let mut outline = outline(feature, properties)?;
        budget.take(&outline.polygons)?;
        outline.polygons.shrink_to_fit();
        outlines.push(outline);
        Ok(())
    };
    let mut number = 0;
    let mut numbered = |feature| {
        number += 1;
        take(feature).map_err(|reason: String| format!("feature {number}: {reason}"))
    };
    let (listed, members) = stream::each(input, &mut numbered)?;
    if !listed {
        numbered(alone(&members)?)?;
    }
    let name = members.get("crs").and_then(|crs| crs.pointer("/properties/name")?.as_str());
    Ok((outlines, name.map_or(Ok(4326), epsg)?))
}

/// A file that is one feature and no list.
fn alone(members: &Map<String, Value>) -> Result<Feature, String> {
    match members.get("type").and_then(Value::as_str) {
        Some("Feature") => {
            serde_json::from_value(Value::Object(members.clone())).map_err(|error| format!("is not GeoJSON: {error}"))
        }
        Some("FeatureCollection") => Err("is not GeoJSON: it has no list `features`".into()),
        Some(_) if members.contains_key("coordinates") => {
            Err("holds a bare geometry; a FeatureCollection of buildings is needed".into())
        }
        _ => Err("is not GeoJSON: it has no list `features`".into()),
    }
}

/// The code in `EPSG:32637` or `urn:ogc:def:crs:EPSG::32637`; CRS84 is degrees.
fn epsg(name: &str) -> Result<u32, String> {
    if name.ends_with("CRS84") {
        return Ok(4326);
    }
    let code = name.to_ascii_uppercase().contains("EPSG").then(|| name.rsplit(':').next()).flatten();
    code.and_then(|code| code.parse().ok()).ok_or_else(|| {
        format!("names the system `{name}`, which is not known: ogr2ogr -t_srs EPSG:4326 out.geojson in")
    })
}

fn outline(feature: Feature, keep: bool) -> Result<Outline, String> {
    let id = id_of(&feature)?;
    let geometry = feature.geometry.ok_or("has no geometry")?;
    let polygons = match geometry.value {
        GeometryValue::Polygon { coordinates } => flat(vec![coordinates])?,
        GeometryValue::MultiPolygon { coordinates } => flat(coordinates)?,
        other => return Err(format!("is a {}; footprints are Polygon or MultiPolygon", other.type_name())),
    };
    let properties = feature.properties.filter(|_| keep).unwrap_or_default();
    Ok(Outline { id, polygons, properties: properties.into_iter().collect() })
}

/// Positions without their heights.
fn flat(polygons: Vec<Vec<Vec<Position>>>) -> Result<Polygons, String> {
    let position = |position: &Position| match position.as_slice() {
        &[x, y, ..] => Ok([x, y]),
        _ => Err("has a position without two numbers".to_owned()),
    };
    let ring = |ring: &Vec<Position>| ring.iter().map(position).collect::<Result<Vec<_>, _>>();
    polygons.iter().map(|polygon| polygon.iter().map(ring).collect()).collect()
}

/// The feature's id, else its property `id`.
fn id_of(feature: &Feature) -> Result<Option<String>, String> {
    match (&feature.id, feature.properties.as_ref().and_then(|properties| properties.get("id"))) {
        (Some(Id::String(text)), _) => Ok(Some(text.clone())),
        (Some(Id::Number(number)), _) => Ok(Some(number.to_string())),
        (None, Some(serde_json::Value::String(text))) => Ok(Some(text.clone())),
        (None, Some(serde_json::Value::Number(number))) => Ok(Some(number.to_string())),
        (None, None | Some(serde_json::Value::Null)) => Ok(None),
        (None, Some(other)) => Err(format!("property `id` is {other}; it must be a text or a number")),
    }
}
