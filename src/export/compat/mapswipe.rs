//! MapSwipe's files in the columns of its new back end. Documented in docs/import.md, with what differs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value as Json};

use super::table::{Features, Table};
use super::{CODES, CountedLabel, clusters, code_of, group_of, middle, multipolygon, number_of, safe, url_of};
use crate::domain::campaign::Campaign;
use crate::domain::cell::Cell;
use crate::domain::damage_map::{DamageMap, DayRow, TileRow};
use crate::domain::geometry::Geometry;
use crate::export::text::push_instant;

/// Share of the answers from which a tile counts as damaged in `yes_maybe` and `hot_tm`; a "maybe" is half an answer.
const YES_MAYBE: f64 = 0.35;
/// Zoom of the cells by which tiles that are no cells are put together in `hot_tm`.
const OUTLINE_ZOOM: u8 = 18;
/// Texts that stay texts where MapSwipe turns everything else into numbers.
const TEXTS: [&str; 4] = ["task_id", "quadkey", "url", "url_b"];

/// Names of columns, in one line each; a leading blank stands for the nameless index of pandas.
const RESULTS: &str = " project_internal_id group_internal_id task_internal_id user_internal_id project_id group_id task_id \
     user_id timestamp start_time end_time app_version client_type result username";
const TASKS: &str = " project_internal_id group_internal_id task_internal_id project_id group_id task_id geom tile_z \
     tile_x tile_y url url_b";
const GROUPS: &str = " group_internal_id project_internal_id group_id project_id number_of_tasks required_count \
     finished_count progress total_area time_spent_max_allowed number_of_users_required x_max x_min y_max y_min";
const COUNTS: &str = "idx task_id 0_count 1_count 2_count 3_count total_count 0_share 1_share 2_share 3_share agreement \
     quadkey project_internal_id group_internal_id task_internal_id geom tile_z tile_x tile_y url url_b";
const USERS: &str = "idx project_id user_id username groups_completed total_contributions agreeing_contributions \
     disagreeing_contributions simple_agreement_score";
const HISTORY: &str = "day number_of_results number_of_results_progress cum_number_of_results \
     cum_number_of_results_progress progress cum_progress number_of_users number_of_new_users cum_number_of_users project_id";

fn columns(names: &'static str) -> Vec<&'static str> {
    names.split(' ').collect()
}

/// A MapSwipe answer that stands, one row each: `results_….csv.gz`.
pub fn results(
    map: &DamageMap,
    labels: &mut dyn Iterator<Item = io::Result<CountedLabel>>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut table = Table::new(out, &columns(RESULTS))?;
    for label in labels {
        let label = label?;
        let (group, task) = (group_of(&label.tile), &label.tile.tile_id);
        let client = label.client.as_deref().unwrap_or_default();
        let (program, version) = client.split_once('/').unwrap_or((client, ""));
        let program = if ["android", "ios", "web"].contains(&program) { program } else { "unknown" };
        let (began, ended) = (instant(label.leased_at), instant(label.received_at));
        table.row(&[
            table.rows().to_string(),
            number_of(&map.campaign).to_string(),
            number_of(&group).to_string(),
            number_of(task).to_string(),
            number_of(&label.person).to_string(),
            map.campaign.clone(),
            group,
            safe(task),
            label.person,
            began.clone(),
            began,
            ended,
            version.to_owned(),
            program.to_owned(),
            code_of(&map.scale, usize::from(label.answer)).to_string(),
            "unknown".to_owned(),
        ])?;
    }
    table.finish()
}

/// Every tile: `tasks_….csv.gz`.
pub fn tasks(
    map: &DamageMap,
    rows: &mut dyn Iterator<Item = io::Result<TileRow>>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut table = Table::new(out, &columns(TASKS))?;
    for row in rows {
        let row = row?;
        let (group, task) = (group_of(&row.tile), row.tile.tile_id.clone());
        let mut cells = vec![table.rows().to_string()];
        cells.extend([&map.campaign, &group, &task].map(|name| number_of(name).to_string()));
        cells.extend([map.campaign.clone(), group, safe(&task)]);
        push_place(&mut cells, &row);
        table.row(&cells)?;
    }
    table.finish()
}

/// geom, tile_z, tile_x, tile_y, url and url_b.
fn push_place(cells: &mut Vec<String>, row: &TileRow) {
    cells.push(multipolygon(&row.tile));
    let cell = row.tile.cell;
    let numbers = cell.map(|Cell { z, x, y }| [u32::from(z), x, y].map(|number| number.to_string()));
    cells.extend(numbers.unwrap_or_default());
    let (before, after) = row.scenes.unzip();
    cells.extend([url_of(&row.tile, before), url_of(&row.tile, after)]);
}

/// Counts of MapSwipe's four answers; `None` where nothing is to be seen.
fn counts(map: &DamageMap, row: &TileRow) -> Option<[u32; CODES]> {
    let consensus = row.crowd.as_ref()?.consensus.as_ref().filter(|consensus| consensus.labels > 0)?;
    let mut counts = [0; CODES];
    for (place, count) in consensus.answers.iter().enumerate() {
        counts[code_of(&map.scale, place)] += count;
    }
    Some(counts)
}

/// Share of the pairs of answers that agree; `None` for fewer than two answers.
fn agreement(counts: [u32; CODES]) -> Option<f64> {
    let n = f64::from(counts.iter().sum::<u32>());
    let squares: f64 = counts.iter().map(|&count| f64::from(count).powi(2)).sum();
    (n > 1.0).then(|| (squares - n) / (n * (n - 1.0)))
}

/// The cells of one row of counts, in the order of their columns.
fn count_cells(map: &DamageMap, row: &TileRow, counts: [u32; CODES], number: u64) -> Vec<String> {
    let total: u32 = counts.iter().sum();
    let task = &row.tile.tile_id;
    let mut cells = vec![number.to_string(), safe(task)];
    cells.extend(counts.map(|count| count.to_string()));
    cells.push(total.to_string());
    cells.extend(counts.map(|count| (f64::from(count) / f64::from(total)).to_string()));
    cells.push(agreement(counts).map_or(String::new(), |share| share.to_string()));
    cells.push(row.tile.cell.map_or(String::new(), Cell::quadkey));
    cells.extend([&map.campaign, &group_of(&row.tile), task].map(|name| number_of(name).to_string()));
    push_place(&mut cells, row);
    cells
}

/// Counts of every tile with an answer: `agg_results_by_task_….csv.gz`.
pub fn agg_results(
    map: &DamageMap,
    rows: &mut dyn Iterator<Item = io::Result<TileRow>>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut table = Table::new(out, &columns(COUNTS))?;
    for row in rows {
        let row = row?;
        if let Some(counts) = counts(map, &row) {
            let cells = count_cells(map, &row, counts, table.rows());
            table.row(&cells)?;
        }
    }
    table.finish()
}

/// The same as features: `agg_results_by_task_…_geom.geojson.gz`. Numbers are floats, empty values are left out.
pub fn agg_geometries(
    map: &DamageMap,
    rows: &mut dyn Iterator<Item = io::Result<TileRow>>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut features = Features::new(out, &format!("agg_results_by_task_{}_geom", map.campaign))?;
    let mut number = 0;
    for row in rows {
        let row = row?;
        let Some(counts) = counts(map, &row) else { continue };
        let cells = count_cells(map, &row, counts, number);
        let mut properties = Map::new();
        for (name, cell) in
            columns(COUNTS).into_iter().zip(cells).filter(|(name, cell)| *name != "geom" && !cell.is_empty())
        {
            // MapSwipe casts quadkeys too, and loses their last digits: here they stay text.
            let value = match cell.parse::<f64>() {
                Ok(value) if !TEXTS.contains(&name) => Json::from(value),
                _ => Json::String(cell),
            };
            properties.insert(name.to_owned(), value);
        }
        features.feature(properties, &geojson(&Geometry::of_tile(&row.tile)))?;
        number += 1;
    }
    features.finish()
}

fn geojson(geometry: &Geometry) -> String {
    let mut text = String::new();
    geometry.push_geojson(&mut text);
    text
}

fn is_yes_maybe(counts: [u32; CODES]) -> bool {
    let total: u32 = counts.iter().sum();
    f64::from(counts[1]) + 0.5 * f64::from(counts[2]) >= YES_MAYBE * f64::from(total)
}

/// Tiles that look damaged: `yes_maybe_….geojson`.
pub fn yes_maybe(
    map: &DamageMap,
    rows: &mut dyn Iterator<Item = io::Result<TileRow>>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut features = Features::new(out, &format!("yes_maybe_{}", map.campaign))?;
    let mut number = 0;
    for row in rows {
        let row = row?;
        if counts(map, &row).is_some_and(is_yes_maybe) {
            number += 1;
            let properties = Map::from_iter([("id".to_owned(), Json::from(number))]);
            features.feature(properties, &geojson(&Geometry::of_tile(&row.tile)))?;
        }
    }
    features.finish()
}

/// Boxes of such tiles for mappers: `hot_tm_….geojson`.
pub fn hot_tm(
    map: &DamageMap,
    rows: &mut dyn Iterator<Item = io::Result<TileRow>>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut cells = Vec::new();
    for row in rows {
        let row = row?;
        if counts(map, &row).is_some_and(is_yes_maybe) {
            cells.push(row.tile.cell.unwrap_or_else(|| middle(&row.tile, OUTLINE_ZOOM)));
        }
    }
    let mut features = Features::new(out, &format!("hot_tm_{}", map.campaign))?;
    for (number, bbox) in (1..).zip(clusters::boxes_of_all(cells.into_iter())) {
        let properties = Map::from_iter([("group_id".to_owned(), Json::from(number))]);
        features.feature(properties, &geojson(&Geometry::rectangle(bbox)))?;
    }
    features.finish()
}

/// What is known of a group so far.
struct Group {
    tasks: u64,
    closed: u64,
    /// People who answered its least answered tile.
    finished: u32,
    area_km2: f64,
    x: Option<(u32, u32)>,
    y: Option<(u32, u32)>,
}

/// Groups of tiles: `groups_….csv.gz`.
pub fn groups(
    map: &DamageMap,
    campaign: &Campaign,
    rows: &mut dyn Iterator<Item = io::Result<TileRow>>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut found: BTreeMap<String, Group> = BTreeMap::new();
    for row in rows {
        let row = row?;
        let empty = Group { tasks: 0, closed: 0, finished: u32::MAX, area_km2: 0.0, x: None, y: None };
        let group = found.entry(group_of(&row.tile)).or_insert(empty);
        group.tasks += 1;
        group.closed += u64::from(row.state.is_closed());
        group.finished = group.finished.min(counts(map, &row).map_or(0, |counts| counts.iter().sum()));
        group.area_km2 += area_km2(&row);
        if let Some(cell) = row.tile.cell {
            let wider = |range: Option<(u32, u32)>, at: u32| range.map_or((at, at), |(a, b)| (a.min(at), b.max(at)));
            (group.x, group.y) = (Some(wider(group.x, cell.x)), Some(wider(group.y, cell.y)));
        }
    }
    let mut table = Table::new(out, &columns(GROUPS))?;
    let required = campaign.policy.first_needed();
    for (name, group) in found {
        let end = |range: Option<(u32, u32)>, of: fn((u32, u32)) -> u32| {
            range.map_or(String::new(), |range| of(range).to_string())
        };
        table.row(&[
            table.rows().to_string(),
            number_of(&name).to_string(),
            number_of(&map.campaign).to_string(),
            name,
            map.campaign.clone(),
            group.tasks.to_string(),
            required.saturating_sub(group.finished).to_string(),
            group.finished.to_string(),
            (100 * group.closed / group.tasks.max(1)).to_string(),
            group.area_km2.to_string(),
            campaign.policy.lease_seconds.to_string(),
            required.to_string(),
            end(group.x, |range| range.1),
            end(group.x, |range| range.0),
            end(group.y, |range| range.1),
            end(group.y, |range| range.0),
        ])?;
    }
    table.finish()
}

/// Area of a tile's square on the ground, square kilometres.
fn area_km2(row: &TileRow) -> f64 {
    /// Length of one degree of latitude, kilometres (WGS 84, mean).
    const DEGREE_KM: f64 = 111.195;
    let bbox = row.tile.bbox;
    let (_, lat) = bbox.centre();
    (bbox.east - bbox.west) * lat.to_radians().cos() * DEGREE_KM * (bbox.north - bbox.south) * DEGREE_KM
}

/// What one person did, as MapSwipe counts it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// Groups in which they answered every tile.
    pub groups_completed: u64,
    /// Tiles answered.
    pub total: u64,
    /// Other people's answers for the same tiles that are the same.
    pub agreeing: u64,
    /// Those that are not.
    pub disagreeing: u64,
}

/// People by their pseudonyms: `users_….csv.gz`.
pub fn users(map: &DamageMap, users: &BTreeMap<String, User>, out: &mut dyn Write) -> io::Result<u64> {
    let mut table = Table::new(out, &columns(USERS))?;
    for (person, user) in users {
        let pairs = user.agreeing + user.disagreeing;
        let score = (pairs > 0).then(|| user.agreeing as f64 / pairs as f64);
        table.row(&[
            table.rows().to_string(),
            map.campaign.clone(),
            person.clone(),
            "unknown".to_owned(),
            user.groups_completed.to_string(),
            user.total.to_string(),
            user.agreeing.to_string(),
            user.disagreeing.to_string(),
            score.map_or(String::new(), |score| score.to_string()),
        ])?;
    }
    table.finish()
}

/// The campaign day by day: `history_….csv`. What counts for progress are closed tiles, of so many.
pub fn history(map: &DamageMap, days: &[DayRow], tiles: u64, out: &mut dyn Write) -> io::Result<u64> {
    let mut table = Table::new(out, &columns(HISTORY))?;
    let (mut labels, mut closed, mut people) = (0, 0, 0);
    let share = |part: u64| part as f64 / tiles.max(1) as f64;
    for day in days {
        (labels, closed, people) = (labels + day.labels, closed + day.tiles_closed, people + day.new_volunteers);
        let mut date = instant(day.day * 86_400_000);
        date.truncate(10);
        table.row(&[
            date,
            day.labels.to_string(),
            day.tiles_closed.to_string(),
            labels.to_string(),
            closed.to_string(),
            share(day.tiles_closed).to_string(),
            share(closed).to_string(),
            day.active_volunteers.to_string(),
            day.new_volunteers.to_string(),
            people.to_string(),
            map.campaign.clone(),
        ])?;
    }
    table.finish()
}

/// `2021-09-08 09:10:22.266`, UTC.
fn instant(ms: i64) -> String {
    let mut text = String::new();
    push_instant(&mut text, ms);
    text.replace('T', " ").trim_end_matches('Z').to_owned()
}
