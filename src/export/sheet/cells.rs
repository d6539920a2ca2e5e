//! cells.csv: what everybody sees of a coarsened campaign, one row for each area cell.

use super::super::geometry::round;
use super::super::{Geometry, Record, Value};
use super::{Column, Kind, Outlines, Sheet};
use crate::domain::coarse::CoarseCell;
use crate::domain::damage_map::DamageMap;

/// The columns of cells.csv; `share_…` follow the classes of the scale.
pub fn sheet(map: &DamageMap) -> Sheet<'_> {
    const NONE_CLOSED: &str = "no tile of the cell is closed";
    let mut columns = vec![
        Column::new("campaign", Kind::Text, "Name of the campaign in addresses"),
        Column::new("release", Kind::Int, "Version of the release"),
        Column::new("cell", Kind::Text, "The area cell, z-x-y"),
        Column::new("quadkey", Kind::Text, "The cell as a quadkey (Bing Maps Tile System); never a number"),
        Column::new("z", Kind::Int, "Zoom of the cell (XYZ tiles, EPSG:3857)"),
        Column::new("x", Kind::Int, "Column of the cell"),
        Column::new("y", Kind::Int, "Row of the cell, from the north"),
        Column::new("lon", Kind::Number, "Longitude of the cell's centre (EPSG:4326)").unit("degrees"),
        Column::new("lat", Kind::Number, "Latitude of the cell's centre").unit("degrees"),
        Column::new("geometry", Kind::Outline, "The cell"),
        Column::new("tiles", Kind::Int, "Tiles in the cell"),
        Column::new("closed_tiles", Kind::Int, "Closed tiles among them"),
        Column::new("closed_share", Kind::Number, "closed_tiles / tiles").blank("the cell has no tiles"),
    ];
    columns.extend(map.scale.classes().iter().map(|class| {
        let meaning = format!("Share of the closed tiles that are {}", class.key);
        Column::new(format!("share_{}", class.key), Kind::Number, meaning).blank(NONE_CLOSED)
    }));
    columns.push(
        Column::new("damaged_share", Kind::Number, "Share of the closed tiles that are damaged").blank(NONE_CLOSED),
    );
    columns.push(Column::new("labels", Kind::Text, "How many labels there are, as a band"));
    let about = "The coarsened damage map: one row for each area cell.";
    Sheet { name: "cells", about, map, columns, outlines: Outlines::Polygons, bounds: map.bounds }
}

/// One cell of a release under these columns. Shares are of the closed tiles; of the labels only the band is told.
pub fn record(map: &DamageMap, release: u32, one: &CoarseCell) -> Record {
    let bbox = one.cell.bbox();
    let (lon, lat) = bbox.centre();
    let mut values = vec![
        Value::Text(map.campaign.clone()),
        Value::Int(release.into()),
        Value::Text(one.cell.to_string()),
        Value::Text(one.cell.quadkey()),
        Value::Int(one.cell.z.into()),
        Value::Int(one.cell.x.into()),
        Value::Int(one.cell.y.into()),
        Value::Number(round(lon)),
        Value::Number(round(lat)),
        Value::Outline,
        Value::Int(one.tiles as i64),
        Value::Int(one.closed as i64),
        Value::number((one.tiles > 0).then(|| one.closed as f64 / one.tiles as f64)),
    ];
    values.extend((0..map.scale.classes().len()).map(|class| Value::number(one.share(class))));
    values.push(Value::number(one.damaged_share()));
    values.push(Value::Text(one.labels_band().to_owned()));
    Record { id: one.cell.to_string(), geometry: Some(Geometry::rectangle(bbox)), values }
}
