//! history.csv: the campaign day by day.

use super::super::{Record, Value};
use super::{Column, Kind, Sheet};
use crate::domain::damage_map::{DamageMap, DayRow};

const DAY_MS: i64 = 86_400_000;

/// The columns of history.csv.
pub fn sheet(map: &DamageMap) -> Sheet<'_> {
    let columns = [
        Column::new("day", Kind::Day, "The day, UTC"),
        Column::new("labels", Kind::Int, "Tiles labelled for the first time by somebody on this day"),
        Column::new("labels_cumulative", Kind::Int, "The same, up to and with this day"),
        Column::new("tiles_closed", Kind::Int, "Tiles that closed on this day and are closed still"),
        Column::new("active_volunteers", Kind::Int, "Volunteers who labelled on this day"),
        Column::new("new_volunteers", Kind::Int, "Volunteers who labelled for the first time"),
        Column::new("progress", Kind::Number, "Share of all tiles that closed up to this day, 0 to 1")
            .blank("the campaign has no tiles"),
    ];
    Sheet::without_places("history", "The campaign day by day.", map, columns)
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
