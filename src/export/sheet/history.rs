//! history.csv: the campaign day by day.

use super::super::{Record, Value};
use super::Sheet;
use crate::domain::damage_map::{DamageMap, DayRow};

const DAY_MS: i64 = 86_400_000;

/// The columns of history.csv.
pub fn sheet(map: &DamageMap) -> Sheet<'_> {
    let columns = "day labels labels_cumulative tiles_closed active_volunteers new_volunteers progress";
    Sheet::new("history", map, columns.split_whitespace())
}

/// Turns days in order into records with running sums; `tiles` is the number of tiles there are.
pub fn records(days: Vec<DayRow>, tiles: u64) -> impl Iterator<Item = Record> {
    let (mut labels, mut closed) = (0, 0);
    days.into_iter().map(move |row| {
        labels += row.labels;
        closed += row.tiles_closed;
        let count = |number: u64| Value::Int(number as i64);
        let values = vec![
            Value::Day(row.day * DAY_MS),
            count(row.labels),
            count(labels),
            count(row.tiles_closed),
            count(row.active_volunteers),
            count(row.new_volunteers),
            Value::number((tiles > 0).then(|| closed as f64 / tiles as f64)),
        ];
        Record { id: row.day.to_string(), geometry: None, values }
    })
}
