//! Outlines out of GeoJSON.

use geojson::feature::Id;
use geojson::{Feature, GeoJson, GeometryValue, Position};

use super::{Outline, Polygons};

/// The outlines and the EPSG code of their system: 4326 (RFC 7946), or what the older `crs` member names.
pub fn read(text: &str) -> Result<(Vec<Outline>, u32), String> {
    let json: GeoJson = text.parse().map_err(|error| format!("is not GeoJSON: {error}"))?;
    let (features, foreign) = match json {
        GeoJson::FeatureCollection(collection) => (collection.features, collection.foreign_members),
        GeoJson::Feature(feature) => (vec![feature], None),
        GeoJson::Geometry(_) => return Err("holds a bare geometry; a FeatureCollection of buildings is needed".into()),
    };
    let name = foreign.as_ref().and_then(|members| members.get("crs")?.pointer("/properties/name")?.as_str());
    let epsg = name.map_or(Ok(4326), epsg)?;
    let outline = |(place, feature)| outline(feature).map_err(|reason| format!("feature {}: {reason}", place + 1));
    Ok((features.into_iter().enumerate().map(outline).collect::<Result<_, _>>()?, epsg))
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

fn outline(feature: Feature) -> Result<Outline, String> {
    let id = id_of(&feature)?;
    let geometry = feature.geometry.ok_or("has no geometry")?;
    let polygons = match geometry.value {
        GeometryValue::Polygon { coordinates } => flat(vec![coordinates])?,
        GeometryValue::MultiPolygon { coordinates } => flat(coordinates)?,
        other => return Err(format!("is a {}; footprints are Polygon or MultiPolygon", other.type_name())),
    };
    Ok(Outline { id, polygons, properties: feature.properties.unwrap_or_default().into_iter().collect() })
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
