//! cells.csv: what everybody sees of a coarsened campaign, one row for each area cell.

use super::super::geometry::round;
use super::super::{Geometry, Record, Value};
use super::Sheet;
use crate::domain::coarse::CoarseCell;
use crate::domain::damage_map::DamageMap;

/// The columns of cells.csv; `share_…` follow the classes of the scale.
pub fn sheet(map: &DamageMap) -> Sheet<'_> {
    let mut columns: Vec<String> = Vec::new();
    let mut add = |names: &str| columns.extend(names.split_whitespace().map(str::to_owned));
    add("campaign release cell quadkey z x y lon lat geometry tiles closed_tiles closed_share");
    map.scale.classes().iter().for_each(|class| add(&format!("share_{}", class.key)));
    add("damaged_share labels");
    Sheet::new("cells", map, columns)
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
