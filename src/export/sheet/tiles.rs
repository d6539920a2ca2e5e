//! tiles.csv: the damage map, one row for each tile.

use super::super::geometry::round;
use super::super::{Geometry, Record, Value};
use super::{Sheet, push_dates};
use crate::domain::consensus::TileState;
use crate::domain::damage_map::{Crowd, DamageMap, TileRow};
use crate::domain::scale::Answer;
use crate::domain::scene::Scene;

/// The columns of tiles.csv; `p_…`, `labels_…` and `share_…` follow the scale, `damaged` stands there when asked for.
pub fn sheet(map: &DamageMap) -> Sheet<'_> {
    let mut columns: Vec<String> = Vec::new();
    let mut add = |names: &str| columns.extend(names.split_whitespace().map(str::to_owned));
    let each = |prefix: &str, answers: &[Answer]| -> String {
        answers.iter().map(|answer| format!("{prefix}_{} ", answer.key)).collect()
    };
    add("campaign tile_id quadkey z x y lon lat footprint_id geometry state class class_code probability");
    add(&each("p", map.scale.classes()));
    add("damaged_probability");
    if map.cuts.damaged_if.is_some() {
        add("damaged");
    }
    add("date_before date_after mindate maxdate window_probability labels");
    add(&each("labels", &map.scale.answers));
    add(&each("share", &map.scale.answers));
    add("agreement entropy effective_redundancy surplus_labels closed_reason closed_at reviewed_by_expert");
    add("before_scene before_captured_from before_captured_to after_scene after_captured_from after_captured_to");
    add("method method_version");
    Sheet::new("tiles", map, columns)
}

/// One tile under these columns.
pub fn record(map: &DamageMap, row: &TileRow) -> Record {
    let mut values = Vec::with_capacity(64);
    push_place(&mut values, map, row);
    match &row.crowd {
        Some(crowd) => push_crowd(&mut values, map, row, crowd),
        None => {
            let (classes, answers) = (map.scale.classes().len(), map.scale.answers.len());
            let cut = usize::from(map.cuts.damaged_if.is_some());
            // class to probability, p_*, damaged_probability, five of the window and `labels`, counts, shares, the rest.
            values.extend(std::iter::repeat_n(Value::Blank, 3 + classes + 1 + cut + 6 + 2 * answers + 7));
        }
    }
    let (first, last) = row.scenes.unzip();
    push_scene(&mut values, map.scene(first));
    push_scene(&mut values, map.scene(last));
    let method = row.crowd.as_ref().and_then(|crowd| crowd.method.as_ref());
    values.push(Value::text(method.map(|(name, _)| name.as_str())));
    values.push(Value::text(method.map(|(_, version)| version.as_str())));
    Record { id: row.tile.tile_id.clone(), geometry: Some(Geometry::of_tile(&row.tile)), values }
}

fn push_place(values: &mut Vec<Value>, map: &DamageMap, row: &TileRow) {
    let tile = &row.tile;
    let (lon, lat) = tile.bbox.centre();
    let number = |value: Option<u32>| value.map_or(Value::Blank, |value| Value::Int(value.into()));
    values.extend([
        Value::Text(map.campaign.clone()),
        Value::Text(tile.tile_id.clone()),
        tile.cell.map_or(Value::Blank, |cell| Value::Text(cell.quadkey())),
        number(tile.cell.map(|cell| cell.z.into())),
        number(tile.cell.map(|cell| cell.x)),
        number(tile.cell.map(|cell| cell.y)),
        Value::Number(round(lon)),
        Value::Number(round(lat)),
        if tile.footprint.is_some() { Value::Text(tile.tile_id.clone()) } else { Value::Blank },
        Value::Outline,
        Value::Text(row.state.key().to_owned()),
    ]);
}

fn push_crowd(values: &mut Vec<Value>, map: &DamageMap, row: &TileRow, crowd: &Crowd) {
    let consensus = crowd.consensus.as_ref();
    let probability = consensus.and_then(|consensus| consensus.probability);
    let class = consensus.and_then(|consensus| consensus.class).filter(|_| match map.cuts.min_probability {
        Some(least) => probability.is_some_and(|probability| probability >= least),
        None => true,
    });
    push_class(values, map, class, probability, crowd);
    push_window(values, map, class, row, crowd);
    push_counts(values, map, crowd);
    values.extend([
        Value::number(consensus.and_then(|consensus| consensus.agreement)),
        Value::number(consensus.map(|consensus| consensus.entropy)),
        Value::number(consensus.map(|consensus| consensus.effective_redundancy)),
        Value::Int(crowd.surplus.into()),
        Value::text(crowd.closed_reason.as_deref()),
        row.closed_at.map_or(Value::Blank, Value::Instant),
        Value::Bool(row.state == TileState::Reviewed),
    ]);
}

fn push_class(values: &mut Vec<Value>, map: &DamageMap, class: Option<u8>, probability: Option<f64>, crowd: &Crowd) {
    let answer = class.and_then(|class| map.scale.answer(class));
    values.push(Value::text(answer.map(|answer| answer.key.as_str())));
    values.push(answer.map_or(Value::Blank, |answer| Value::Int(answer.code.into())));
    values.push(Value::number(probability));
    let probabilities = crowd.consensus.as_ref().map_or(&[][..], |consensus| &consensus.probabilities);
    for place in 0..map.scale.classes().len() {
        values.push(Value::number(probabilities.get(place).copied()));
    }
    let damaged = crowd.damaged_probability();
    values.push(Value::number(damaged));
    if let Some(least) = map.cuts.damaged_if {
        values.push(damaged.map_or(Value::Blank, |damaged| Value::Bool(damaged >= least)));
    }
}

/// The window of the damage, once as days and once as the earliest and the latest moment at which it can have happened.
fn push_window(values: &mut Vec<Value>, map: &DamageMap, class: Option<u8>, row: &TileRow, crowd: &Crowd) {
    let (before, after) = map.window(row, class);
    push_dates(values, before, after);
    values.push(before.map_or(Value::Blank, |scene| Value::Instant(scene.captured_from)));
    values.push(after.map_or(Value::Blank, |scene| Value::Instant(scene.captured_to)));
    values.push(Value::number(crowd.window_probability));
}

fn push_counts(values: &mut Vec<Value>, map: &DamageMap, crowd: &Crowd) {
    let labels = crowd.consensus.as_ref().map_or(0, |consensus| consensus.labels);
    let answers = crowd.consensus.as_ref().map_or(&[][..], |consensus| &consensus.answers);
    let count = |place: usize| answers.get(place).copied().unwrap_or(0);
    values.push(Value::Int(labels.into()));
    let places = 0..map.scale.answers.len();
    values.extend(places.clone().map(|place| Value::Int(count(place).into())));
    values.extend(places.map(|place| Value::number((labels > 0).then(|| f64::from(count(place)) / f64::from(labels)))));
}

fn push_scene(values: &mut Vec<Value>, scene: Option<&Scene>) {
    values.push(scene.map_or(Value::Blank, |scene| Value::Text(scene.id.to_string())));
    values.push(scene.map_or(Value::Blank, |scene| Value::Instant(scene.captured_from)));
    values.push(scene.map_or(Value::Blank, |scene| Value::Instant(scene.captured_to)));
}
