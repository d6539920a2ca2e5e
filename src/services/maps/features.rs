//! The damage map as features: pages of its tiles, its scenes and its area, for programs that ask place by place.

use super::read_map::{self, Question};
use crate::domain::Invalid;
use crate::domain::bbox::Bbox;
use crate::domain::campaign::Campaign;
use crate::domain::damage_map::{Cuts, DamageMap, Sight};
use crate::domain::geometry::Geometry;
use crate::domain::layer::Layer;
use crate::domain::map_filter::MapFilter;
use crate::domain::scene::{Captured, Scene};
use crate::export::{self, Kind, Record, Sheet, Value};
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::scenes::tiles;

/// A property and the value that it must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Name of the column.
    pub property: String,
    /// Its value, as it is spelled in files; a day stands for all instants of that day.
    pub value: String,
}

/// Which features are asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Which tiles; of scenes and the area only the box counts.
    pub filter: MapFilter,
    /// Only what was going on between these two; milliseconds since 1970, UTC. Of tiles: damage that may have happened.
    pub between: (Option<i64>, Option<i64>),
    /// Properties that must have a value.
    pub conditions: Vec<Condition>,
    /// Thresholds of columns.
    pub cuts: Cuts,
    /// Where the page before ended; empty: from the start.
    pub after: String,
    /// Features at most.
    pub limit: usize,
}

/// One page of features.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// Names of the values of each record.
    pub columns: Vec<String>,
    /// The features, in the order of their ids.
    pub records: Vec<Record>,
    /// Where the next page begins; `None`: there is none.
    pub next: Option<String>,
    /// How many there are in all, where that is known without a search.
    pub matched: Option<u64>,
}

/// Tiles that one page looks at before it is given out with fewer features than asked for.
const LOOKED_AT: usize = 100_000;
/// So many were looked at where a page of the map came short.
const SHORT: usize = 20_000;
/// Tiles read at once where only some of them may fit.
const AT_ONCE: usize = 1_000;

/// The properties of a layer's features, and what their values are.
pub fn properties(layer: Layer, campaign: &Campaign, cuts: Cuts) -> Vec<(String, Kind)> {
    let map = DamageMap::new(campaign, Vec::new(), None, cuts);
    let columns = match layer {
        Layer::Tiles => export::tiles::sheet(&map).columns,
        Layer::Scenes => export::scenes::sheet(&map).columns,
        Layer::Area => return AREA.map(|(name, kind)| (name.to_owned(), kind)).into(),
    };
    let named = columns.into_iter().map(|column| (column.name, column.kind));
    named.filter(|(_, kind)| *kind != Kind::Outline).collect()
}

/// The names of the properties of a layer's features.
pub fn property_names(layer: Layer, campaign: &Campaign, cuts: Cuts) -> Vec<String> {
    properties(layer, campaign, cuts).into_iter().map(|(name, _)| name).collect()
}

fn columns(layer: Layer, map: &DamageMap) -> Vec<String> {
    let names = |sheet: Sheet<'_>| sheet.columns.into_iter().map(|column| column.name).collect();
    match layer {
        Layer::Tiles => names(export::tiles::sheet(map)),
        Layer::Scenes => names(export::scenes::sheet(map)),
        Layer::Area => AREA.iter().map(|(name, _)| (*name).to_owned()).collect(),
    }
}

/// One page of a layer, as somebody may see it. `wanted.after` of another layer or campaign does no harm.
pub fn page(
    conn: &mut Conn,
    campaign: &Campaign,
    layer: Layer,
    wanted: &Wanted,
    (sight, now): (Sight, i64),
) -> Result<Features, Error> {
    wanted.cuts.check()?;
    let map = read_map::header(conn, campaign, wanted.cuts)?;
    let columns = columns(layer, &map);
    let conditions = conditions(&columns, &wanted.conditions)?;
    match layer {
        Layer::Tiles => {
            let filter = during(&wanted.filter, wanted.between);
            let question = Question { campaign, map: &map, filter: &filter, sight, now };
            tile_page(conn, question, wanted, (columns, conditions))
        }
        Layer::Scenes => {
            let times = |scene: &Scene| (scene.captured_from, scene.captured_to);
            let scenes = map.scenes.iter().filter(|scene| overlaps(times(scene), wanted.between));
            let records = scenes.map(export::scenes::record).collect();
            Ok(few(records, wanted, columns, &conditions))
        }
        Layer::Area => {
            let records = area(conn, &map, campaign)?.filter(|_| overlaps(span(&map), wanted.between));
            Ok(few(records.into_iter().collect(), wanted, columns, &conditions))
        }
    }
}

/// One feature by its id, as somebody may see it; `None`: there is none.
pub fn one(
    conn: &mut Conn,
    campaign: &Campaign,
    layer: Layer,
    id: &str,
    cuts: Cuts,
    as_seen: (Sight, i64),
) -> Result<Option<(Vec<String>, Record)>, Error> {
    let after = if layer == Layer::Tiles { just_before(id) } else { String::new() };
    let limit = if layer == Layer::Tiles { 1 } else { usize::MAX };
    let found = page(conn, campaign, layer, &Wanted { cuts, after, limit, ..Wanted::default() }, as_seen)?;
    let record = found.records.into_iter().find(|record| record.id == id);
    Ok(record.map(|record| (found.columns, record)))
}

/// A text that sorts right before `id`: no id of ours lies between.
fn just_before(id: &str) -> String {
    let mut chars = id.chars();
    let last = chars.next_back().map_or(0, u32::from);
    let before = (0..last).rev().find_map(char::from_u32);
    let start = chars.as_str().to_owned();
    before.map_or(start.clone(), |before| format!("{start}{before}{}", char::MAX))
}

fn tile_page(
    conn: &mut Conn,
    question: Question<'_>,
    wanted: &Wanted,
    (columns, conditions): (Vec<String>, Vec<(usize, String)>),
) -> Result<Features, Error> {
    let everything = question.filter.is_everything() && conditions.is_empty();
    let limit = wanted.limit.max(1);
    let at_once = if conditions.is_empty() { limit } else { AT_ONCE };
    let (mut records, mut after, mut looked_at) = (Vec::new(), wanted.after.clone(), 0);
    let next = 'pages: loop {
        let read = read_map::page(conn, question, &after, at_once)?;
        let last = read.rows.len();
        looked_at += if last < at_once { SHORT } else { last };
        for (place, row) in read.rows.iter().enumerate() {
            let record = export::tiles::record(question.map, row);
            if meets(&record, &conditions) {
                records.push(record);
            }
            let more = place + 1 < last || read.next.is_some();
            if records.len() == limit && more {
                break 'pages Some(row.tile.tile_id.clone());
            }
        }
        match read.next {
            None => break None,
            // A page that holds something may be short; one that holds nothing would look like the end.
            Some(next) if looked_at >= LOOKED_AT || (conditions.is_empty() && !records.is_empty()) => break Some(next),
            Some(next) => after = next,
        }
    };
    let matched = match next {
        _ if !wanted.after.is_empty() => None,
        None => Some(records.len() as u64),
        Some(_) if everything => Some(tiles::count(conn, question.campaign.id)?),
        Some(_) => None,
    };
    Ok(Features { columns, records, next, matched })
}

/// The filter with a time beside its own: both must hold.
fn during(filter: &MapFilter, (from, to): (Option<i64>, Option<i64>)) -> MapFilter {
    let earlier = |a: Option<i64>, b: Option<i64>| a.into_iter().chain(b).min();
    MapFilter {
        damaged_from: filter.damaged_from.max(from),
        damaged_to: earlier(filter.damaged_to, to),
        ..filter.clone()
    }
}

/// A page out of a handful of records.
fn few(mut records: Vec<Record>, wanted: &Wanted, columns: Vec<String>, conditions: &[(usize, String)]) -> Features {
    let within = |record: &Record| match (wanted.filter.bbox, &record.geometry) {
        (None, _) => true,
        (Some(bbox), Some(geometry)) => reaches(geometry, bbox),
        (Some(_), None) => false,
    };
    records.retain(|record| within(record) && meets(record, conditions));
    records.sort_by(|a, b| a.id.cmp(&b.id));
    let matched = wanted.after.is_empty().then_some(records.len() as u64);
    records.retain(|record| wanted.after.is_empty() || record.id > wanted.after);
    let limit = wanted.limit.max(1);
    let next = (records.len() > limit).then(|| records[limit - 1].id.clone());
    records.truncate(limit);
    Features { columns, records, next, matched }
}

/// Whether an outline meets a box, also from the other side of the date line.
fn reaches(geometry: &Geometry, bbox: Bbox) -> bool {
    [0.0, 360.0, -360.0].into_iter().any(|turn| geometry.meets(bbox.turned(turn)))
}

fn overlaps((begins, ends): (i64, i64), (from, to): (Option<i64>, Option<i64>)) -> bool {
    from.is_none_or(|from| ends >= from) && to.is_none_or(|to| begins <= to)
}

/// From the first image of a map to its last one.
pub fn span(map: &DamageMap) -> (i64, i64) {
    let first = map.scenes.iter().map(|scene| scene.captured_from).min();
    let last = map.scenes.iter().map(|scene| scene.captured_to).max();
    (first.unwrap_or(i64::MIN), last.unwrap_or(i64::MAX))
}

const AREA: [(&str, Kind); 12] = [
    ("campaign", Kind::Text),
    ("title", Kind::Text),
    ("purpose", Kind::Text),
    ("state", Kind::Text),
    ("kind", Kind::Text),
    ("scale", Kind::Text),
    ("licence", Kind::Text),
    ("attribution", Kind::Text),
    ("synthetic", Kind::Bool),
    ("tiles", Kind::Int),
    ("first_captured", Kind::Day),
    ("last_captured", Kind::Day),
];

fn area(conn: &mut Conn, map: &DamageMap, campaign: &Campaign) -> Result<Option<Record>, Error> {
    let Some(bounds) = campaign.bounds else { return Ok(None) };
    let words = |text: &str| if text.is_empty() { Value::Blank } else { Value::Text(text.to_owned()) };
    let day = |at: Option<i64>| at.map_or(Value::Blank, Value::Day);
    let values = vec![
        words(&map.campaign),
        words(&map.title),
        words(&campaign.texts.purpose),
        words(campaign.state.key()),
        words(map.kind.key()),
        words(&map.scale.key),
        words(map.licence.as_deref().unwrap_or_default()),
        words(&map.attributions().join("; ")),
        Value::Bool(map.synthetic),
        Value::Int(i64::try_from(tiles::count(conn, campaign.id)?).unwrap_or(i64::MAX)),
        day(map.scenes.iter().map(|scene| scene.captured_from).min()),
        day(map.scenes.iter().map(|scene| scene.captured_to).max()),
    ];
    Ok(Some(Record { id: campaign.slug.clone(), geometry: Some(outline(bounds)), values }))
}

/// A box as one polygon, or as two where it crosses the date line (RFC 7946, section 3.1.9).
fn outline(bounds: Bbox) -> Geometry {
    let whole = Geometry::rectangle(bounds);
    if bounds.east <= 180.0 {
        return whole;
    }
    let halves = [Bbox { east: 180.0, ..bounds }, Bbox { west: -180.0, east: bounds.east - 360.0, ..bounds }];
    let rings: Vec<String> = halves.iter().map(|half| format!("[[{}]]", corners(*half))).collect();
    let text = format!("{{\"type\":\"MultiPolygon\",\"coordinates\":[{}]}}", rings.join(","));
    Geometry::from_geojson(&text).unwrap_or(whole)
}

fn corners(bbox: Bbox) -> String {
    bbox.ring().map(|[lon, lat]| format!("[{lon},{lat}]")).join(",")
}

/// Each condition with the place of its column.
fn conditions(columns: &[String], asked: &[Condition]) -> Result<Vec<(usize, String)>, Error> {
    let place = |condition: &Condition| {
        let place = columns.iter().position(|column| *column == condition.property && column != "geometry");
        let unknown = || Invalid::new(&condition.property, "is no property of these features");
        Ok((place.ok_or_else(unknown)?, condition.value.clone()))
    };
    asked.iter().map(place).collect()
}

fn meets(record: &Record, conditions: &[(usize, String)]) -> bool {
    conditions.iter().all(|(place, value)| is(&record.values[*place], value))
}

/// Whether a cell holds this value.
fn is(cell: &Value, value: &str) -> bool {
    let number = || value.parse::<f64>().ok();
    match cell {
        Value::Blank | Value::Outline => false,
        Value::Int(held) => number().is_some_and(|number| number == *held as f64),
        Value::Number(held) => number() == Some(*held),
        Value::Day(at) | Value::Instant(at) => {
            Captured::parse("value", value).is_ok_and(|time| (time.from..=time.to).contains(at))
        }
        Value::Bool(_) | Value::Text(_) => cell.spelled() == value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_lies_between_an_id_and_the_text_before_it() {
        for id in ["13-5000-3200", "a", "å", "-", "\u{E000}", "ab\u{1}"] {
            let before = just_before(id);
            assert!(before.as_str() < id, "{id:?}: {before:?}");
        }
        assert!(just_before("13-5000-3200").as_str() > "13-5000-320");
        assert_eq!(just_before(""), "");
    }

    #[test]
    fn a_cell_is_compared_as_what_it_is() {
        assert!(is(&Value::Int(3), "3") && is(&Value::Int(3), "3.0") && !is(&Value::Int(3), "three"));
        assert!(is(&Value::Number(0.25), "0.250") && is(&Value::Bool(true), "true"));
        assert!(is(&Value::Text("0123".into()), "0123") && !is(&Value::Text("0123".into()), "123"));
        let day = Captured::parse("x", "2025-06-15").unwrap();
        assert!(is(&Value::Instant(day.from + 5), "2025-06-15") && !is(&Value::Instant(day.to + 1), "2025-06-15"));
        assert!(is(&Value::Instant(day.from), "2025-06-15T00:00:00Z"));
        assert!(!is(&Value::Blank, "") && !is(&Value::Number(0.5), "NaN"));
    }

    #[test]
    fn an_area_across_the_date_line_is_two() {
        let bounds = Bbox { west: 179.0, south: -1.0, east: 182.0, north: 1.0 };
        let across = outline(bounds);
        assert_eq!(across.polygons().len(), 2);
        assert!(across.contains((179.5, 0.0)) && across.contains((-178.5, 0.0)) && !across.contains((0.0, 0.0)));
        assert_eq!(outline(Bbox { east: 180.0, ..bounds }).polygons().len(), 1);
    }

    #[test]
    fn two_times_must_both_hold() {
        let filter = MapFilter { damaged_from: Some(5), damaged_to: None, ..MapFilter::default() };
        let both = during(&filter, (Some(3), Some(9)));
        assert_eq!((both.damaged_from, both.damaged_to), (Some(5), Some(9)));
    }
}
