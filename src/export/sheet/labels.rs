//! labels.csv: the label log, one row for each revision.

use super::super::{Record, Value};
use super::{Column, Kind, Sheet, dates, push_dates};
use crate::domain::damage_map::{DamageMap, LabelRow};
use crate::domain::scene::Scene;

/// The columns of labels.csv.
pub fn sheet(map: &DamageMap) -> Sheet<'_> {
    let before = [
        Column::new("campaign", Kind::Text, "Name of the campaign in addresses"),
        Column::new("tile_id", Kind::Text, "The tile, as in the tiles"),
        Column::new(
            "volunteer",
            Kind::Text,
            "Who answered: a pseudonym, stable in this campaign and unlinkable to others",
        ),
        Column::new("label_id", Kind::Text, "Id of the answer (UUID)"),
        Column::new(
            "revision",
            Kind::Int,
            "1 for the first answer of that person for that tile, 2 for its first change, …",
        ),
        Column::new("is_current", Kind::Bool, "Whether it is the person's answer as it stands"),
        Column::new("answer", Kind::Text, "What was answered, in the words of the scale")
            .blank("the scale does not know it"),
        Column::new("answer_code", Kind::Int, "The same as the scale's number").blank("the scale does not know it"),
    ];
    let after = [
        Column::new("leased_at", Kind::Instant, "When the tile was handed out"),
        Column::new("received_at", Kind::Instant, "When the answer arrived"),
        Column::new("seconds", Kind::Number, "Time spent on it, by the clock of the person's device")
            .unit("s")
            .blank("the device did not say"),
        Column::new("is_gold", Kind::Bool, "Whether experts had fixed the answer of that tile"),
        Column::new("counted", Kind::Bool, "Whether it is in the tile's consensus"),
        Column::new("surplus", Kind::Bool, "Whether it stands, but waits outside the consensus for a free place"),
        Column::new(
            "censored",
            Kind::Bool,
            "Whether it stands, but was given before a later scene of the tile came, about which it says nothing",
        ),
        Column::new(
            "last_scene",
            Kind::Text,
            "Id of the last scene, by date, that the person was shown of the tile, as in the scenes",
        )
        .blank("the scene was withdrawn, or the answer was brought in"),
        Column::new("flags", Kind::Text, "Kept for remarks on an answer").blank("no remark"),
        Column::new("weight", Kind::Number, "Weight of the person in the model in use; the crowd's mean is 1")
            .blank("the model does not know the person"),
        Column::new("guest", Kind::Bool, "Whether the person labelled without an account"),
        Column::new("client", Kind::Text, "The program that sent it").blank("it did not say"),
        Column::new("app_version", Kind::Text, "Version of that program").blank("it did not say"),
    ];
    let columns = before.into_iter().chain(dates("no date was given")).chain(after);
    Sheet::without_places("labels", "The label log: one row for each revision of an answer.", map, columns)
}

/// The last scene that the author was shown: in a pair that is the second one.
fn last_scene<'a>(map: &'a DamageMap, row: &LabelRow) -> Option<&'a Scene> {
    match map.scenes.as_slice() {
        [_, second] if row.last_scene.is_none() => Some(second),
        _ => map.scene(row.last_scene),
    }
}

/// One entry of the log; `volunteer` is the author's pseudonym.
pub fn record(map: &DamageMap, volunteer: &str, row: &LabelRow) -> Record {
    let answer = map.scale.answer(row.answer);
    let mut values = vec![
        Value::Text(map.campaign.clone()),
        Value::Text(row.tile_id.clone()),
        Value::Text(volunteer.to_owned()),
        Value::Text(row.id.to_string()),
        Value::Int(row.revision.into()),
        Value::Bool(row.is_current),
        Value::text(answer.map(|answer| answer.key.as_str())),
        answer.map_or(Value::Blank, |answer| Value::Int(answer.code.into())),
    ];
    push_dates(&mut values, map.scene(row.last_intact), map.scene(row.first_damaged));
    let client = row.client.as_deref().map(|client| client.split_once('/').unwrap_or((client, "")));
    values.extend([
        Value::Instant(row.leased_at),
        Value::Instant(row.received_at),
        Value::number(row.seconds),
        Value::Bool(row.is_gold),
        Value::Bool(row.counted),
        Value::Bool(row.surplus),
        Value::Bool(row.censored),
        last_scene(map, row).map_or(Value::Blank, |scene| Value::Text(scene.id.to_string())),
        Value::Blank,
        Value::number(row.weight),
        Value::Bool(row.guest),
        Value::text(client.map(|(name, _)| name)),
        Value::text(client.map(|(_, version)| version).filter(|version| !version.is_empty())),
    ]);
    Record { id: row.id.to_string(), geometry: None, values }
}
