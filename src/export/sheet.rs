//! The columns of every file, and how a row becomes the values under them. Names and order are those of the code book.

use super::geometry::round;
use super::{Geometry, Record, Value};
use crate::domain::bbox::Bbox;
use crate::domain::campaign::CampaignKind;
use crate::domain::consensus::TileState;
use crate::domain::damage_map::{Crowd, DamageMap, DayRow, LabelRow, TileRow, VolunteerRow};
use crate::domain::scale::Answer;
use crate::domain::scene::Scene;

/// What a file says about itself, and its columns.
pub struct Sheet<'a> {
    /// What it holds: `tiles`, `labels`, …
    pub name: &'static str,
    /// The map it is a part of.
    pub map: &'a DamageMap,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The box around all its rows.
    pub bounds: Option<Bbox>,
}

impl<'a> Sheet<'a> {
    fn new(name: &'static str, map: &'a DamageMap, columns: impl IntoIterator<Item = impl Into<String>>) -> Sheet<'a> {
        Sheet { name, map, columns: columns.into_iter().map(Into::into).collect(), bounds: map.bounds }
    }
}

/// The damage map.
pub mod tiles {
    use super::*;

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

    fn push_class(
        values: &mut Vec<Value>,
        map: &DamageMap,
        class: Option<u8>,
        probability: Option<f64>,
        crowd: &Crowd,
    ) {
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

    /// The window of the damage. A pair has only one: between its two images, where the class is damage.
    fn push_window(values: &mut Vec<Value>, map: &DamageMap, class: Option<u8>, row: &TileRow, crowd: &Crowd) {
        let (last_intact, first_damaged) = match map.kind {
            CampaignKind::Pair if class.is_some_and(|class| class >= 1) => row.scenes.unzip(),
            CampaignKind::Pair => (None, None),
            CampaignKind::Timeline => (crowd.last_intact, crowd.first_damaged),
        };
        push_dates(values, map.scene(last_intact), map.scene(first_damaged));
        // The earliest and the latest moment at which the damage can have happened.
        values.push(map.scene(last_intact).map_or(Value::Blank, |scene| Value::Instant(scene.captured_from)));
        values.push(map.scene(first_damaged).map_or(Value::Blank, |scene| Value::Instant(scene.captured_to)));
        values.push(Value::number(crowd.window_probability));
    }

    fn push_counts(values: &mut Vec<Value>, map: &DamageMap, crowd: &Crowd) {
        let labels = crowd.consensus.as_ref().map_or(0, |consensus| consensus.labels);
        let answers = crowd.consensus.as_ref().map_or(&[][..], |consensus| &consensus.answers);
        let count = |place: usize| answers.get(place).copied().unwrap_or(0);
        values.push(Value::Int(labels.into()));
        let places = 0..map.scale.answers.len();
        values.extend(places.clone().map(|place| Value::Int(count(place).into())));
        values.extend(
            places.map(|place| Value::number((labels > 0).then(|| f64::from(count(place)) / f64::from(labels)))),
        );
    }

    fn push_scene(values: &mut Vec<Value>, scene: Option<&Scene>) {
        values.push(scene.map_or(Value::Blank, |scene| Value::Text(scene.id.to_string())));
        values.push(scene.map_or(Value::Blank, |scene| Value::Instant(scene.captured_from)));
        values.push(scene.map_or(Value::Blank, |scene| Value::Instant(scene.captured_to)));
    }
}

/// Days of the last intact and the first damaged scene; of a composite the days that make the window the widest.
fn push_dates(values: &mut Vec<Value>, before: Option<&Scene>, after: Option<&Scene>) {
    values.push(before.map_or(Value::Blank, |scene| Value::Day(scene.captured_from)));
    values.push(after.map_or(Value::Blank, |scene| Value::Day(scene.captured_to)));
}

/// The label log.
pub mod labels {
    use super::*;

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
}

/// The volunteers.
pub mod volunteers {
    use super::*;

    /// The columns of volunteers.csv. `accuracy` is the share of check gold answered as the experts did.
    pub fn sheet(map: &DamageMap) -> Sheet<'_> {
        let columns = "volunteer labels gold_labels gold_correct accuracy accuracy_low accuracy_high weight excluded";
        Sheet::new("volunteers", map, columns.split_whitespace())
    }

    /// One volunteer under their pseudonym.
    pub fn record(volunteer: &str, row: &VolunteerRow) -> Record {
        let interval = wilson(row.gold_correct, row.gold_labels);
        let values = vec![
            Value::Text(volunteer.to_owned()),
            Value::Int(row.labels.into()),
            Value::Int(row.gold_labels.into()),
            Value::Int(row.gold_correct.into()),
            Value::number((row.gold_labels > 0).then(|| f64::from(row.gold_correct) / f64::from(row.gold_labels))),
            Value::number(interval.map(|(low, _)| low)),
            Value::number(interval.map(|(_, high)| high)),
            Value::number(row.weight),
            Value::Bool(row.excluded),
        ];
        Record { id: volunteer.to_owned(), geometry: None, values }
    }

    /// The 95 % interval of a share (Wilson, 1927); `None` for no trials.
    fn wilson(successes: u32, trials: u32) -> Option<(f64, f64)> {
        const Z: f64 = 1.959_963_984_540_054;
        let (hits, n) = (f64::from(successes), f64::from(trials));
        let middle = (hits + Z * Z / 2.0) / (n + Z * Z);
        let half = Z / (n + Z * Z) * (hits * (n - hits) / n + Z * Z / 4.0).sqrt();
        (trials > 0).then(|| ((middle - half).max(0.0), (middle + half).min(1.0)))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_interval_is_wilsons() {
            assert_eq!(wilson(0, 0), None);
            let (low, high) = wilson(8, 10).unwrap();
            assert!((low - 0.490_2).abs() < 1e-4 && (high - 0.943_3).abs() < 1e-4, "{low} {high}");
            assert_eq!(wilson(10, 10).unwrap().1, 1.0);
        }
    }
}

/// The campaign day by day.
pub mod history {
    use super::*;

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
}

/// The images that were compared.
pub mod scenes {
    use super::*;

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
}
