//! What a file says about itself, in formats that have a place for it.

use serde_json::{Map, Value as Json, json};

use super::Sheet;

/// Campaign, licence, credits and method, under the names that GeoJSON prints first.
pub fn about(sheet: &Sheet<'_>) -> Map<String, Json> {
    let map = sheet.map;
    let method = map.method.as_ref().map(|(name, version)| format!("{name} {version}"));
    let words = json!({
        "name": sheet.name,
        "campaign": map.campaign,
        "title": map.title,
        "licence": map.licence,
        "attribution": map.attributions(),
        "synthetic": map.synthetic,
        "scale": map.scale.key,
        "method": method,
        "model": map.model,
    });
    match words {
        Json::Object(words) => words,
        _ => Map::new(),
    }
}
