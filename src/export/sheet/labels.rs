//! labels.csv: the label log, one row for each revision.

use super::super::{Record, Value};
use super::{Sheet, push_dates};
use crate::domain::damage_map::{DamageMap, LabelRow};

/// The columns of labels.csv.
pub fn sheet(map: &DamageMap) -> Sheet<'_> {
    let columns = "campaign tile_id volunteer label_id revision is_current answer answer_code date_before date_after \
         leased_at received_at seconds is_gold counted surplus flags weight guest client app_version";
    Sheet::new("labels", map, columns.split_whitespace())
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
        Value::Blank,
        Value::number(row.weight),
        Value::Bool(row.guest),
        Value::text(client.map(|(name, _)| name)),
        Value::text(client.map(|(_, version)| version).filter(|version| !version.is_empty())),
    ]);
    Record { id: row.id.to_string(), geometry: None, values }
}
