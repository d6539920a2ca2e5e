//! scenes.csv: the images that were compared.

use super::super::{Geometry, Record, Value};
use super::Sheet;
use crate::domain::bbox::Bbox;
use crate::domain::damage_map::DamageMap;
use crate::domain::scene::Scene;

/// The columns of scenes.csv.
pub fn sheet(map: &DamageMap) -> Sheet<'_> {
    let columns = "scene captured_from captured_to sensor pixel_size_m crs sha256 source licence attribution";
    let bounds = map.scenes.iter().map(|scene| scene.bounds).reduce(Bbox::union);
    Sheet { bounds, ..Sheet::new("scenes", map, columns.split_whitespace()) }
}

/// One image.
pub fn record(scene: &Scene) -> Record {
    let values = vec![
        Value::Text(scene.id.to_string()),
        Value::Instant(scene.captured_from),
        Value::Instant(scene.captured_to),
        Value::text(scene.sensor.as_deref()),
        Value::Number(scene.pixel_size_m),
        Value::Text(scene.crs.clone()),
        Value::Text(scene.source_sha256.clone()),
        Value::Text(scene.source_name.clone()),
        Value::text(scene.licence.as_deref()),
        Value::text(scene.attribution.as_deref()),
    ];
    Record { id: scene.id.to_string(), geometry: Some(Geometry::rectangle(scene.bounds)), values }
}
