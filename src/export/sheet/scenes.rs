//! scenes.csv: the images that were compared.

use super::super::{Geometry, Record, Value};
use super::{Column, Kind, Outlines, Sheet};
use crate::domain::bbox::Bbox;
use crate::domain::damage_map::DamageMap;
use crate::domain::scene::Scene;

/// The columns of scenes.csv.
pub fn sheet(map: &DamageMap) -> Sheet<'_> {
    let columns = vec![
        Column::new("scene", Kind::Text, "Id of the scene, as in the tiles"),
        Column::new("captured_from", Kind::Instant, "When it was taken; of a composite the beginning"),
        Column::new("captured_to", Kind::Instant, "The same moment; of a composite the end"),
        Column::new("sensor", Kind::Text, "Satellite or aircraft").blank("nobody said"),
        Column::new("pixel_size_m", Kind::Number, "Size of a pixel of the source on the ground").unit("m"),
        Column::new("crs", Kind::Text, "Coordinate reference system of the source"),
        Column::new("sha256", Kind::Text, "SHA-256 of the source file"),
        Column::new("source", Kind::Text, "Name of the source file"),
        Column::new("licence", Kind::Text, "Licence of the imagery").blank("nobody said"),
        Column::new("attribution", Kind::Text, "Credit line of the imagery").blank("nobody said"),
    ];
    let outlines = match map.scenes.iter().any(|scene| scene.bounds.crosses_date_line()) {
        true => Outlines::MultiPolygons,
        false => Outlines::Polygons,
    };
    let bounds = map.scenes.iter().map(|scene| scene.bounds).reduce(Bbox::union);
    Sheet { name: "scenes", about: "The images that were compared.", map, columns, outlines, bounds }
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
    Record { id: scene.id.to_string(), geometry: Some(Geometry::rectangle(scene.bounds).cut_at_date_line()), values }
}
