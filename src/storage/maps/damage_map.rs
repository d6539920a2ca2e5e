//! The rows of the damage map, read page by page in the order of the tiles' public ids: a constant number of queries
//! for a thousand tiles, and never more than these in memory.

use std::collections::HashMap;

use diesel::dsl::{count_star, not};
use diesel::prelude::*;

pub use super::map_search::FEW;
use super::map_search::{Next, Search};
use crate::domain::bbox::Bbox;
use crate::domain::cell::Cell;
use crate::domain::consensus::Consensus;
use crate::domain::damage_map::{Crowd, Gold, TileRow};
use crate::domain::review::Opinion;
use crate::domain::tile::Tile;
use crate::storage::Conn;
use crate::storage::campaigns::word;
use crate::storage::labelling::consensus::list;
use crate::storage::oversight::reviews;
use crate::storage::schema::{consensus, current_labels, frames, gold, models, queue, scenes, tiles};

/// Tiles read at once.
const PAGE: usize = 1_000;

#[derive(Queryable)]
struct Row {
    id: i64,
    tile_id: String,
    z: Option<i16>,
    x: Option<i32>,
    y: Option<i32>,
    west: f64,
    south: f64,
    east: f64,
    north: f64,
    footprint: Option<String>,
    state: String,
    closed_at: Option<i64>,
    gold: Option<String>,
    worn_out_at: Option<i64>,
    expert_answer: Option<i16>,
    expert_window: (Option<i64>, Option<i64>),
    crowd: Option<CrowdRow>,
}

#[derive(Queryable)]
struct CrowdRow {
    class: Option<i16>,
    probability: Option<f64>,
    probabilities: String,
    labels: i16,
    answers: String,
    agreement: Option<f64>,
    entropy: f64,
    evidence: f64,
    effective_redundancy: f64,
    unusable_share: f64,
    date_before: Option<i64>,
    date_after: Option<i64>,
    window_probability: Option<f64>,
    closed_reason: Option<String>,
    method: String,
    method_version: String,
}

/// Reads the tiles of a campaign one after the other, by public id. Must run inside one snapshot.
pub struct TileRows<'c> {
    conn: &'c mut Conn,
    campaign_id: i64,
    classes: u8,
    /// The scenes of every tile, where there are at most two of them.
    same_scenes: Option<Option<(i64, i64)>>,
    search: Search,
    /// Tiles read at once.
    at_once: usize,
    /// Whether surplus labels are counted.
    with_surplus: bool,
    page: std::vec::IntoIter<TileRow>,
    finished: bool,
}

impl<'c> TileRows<'c> {
    /// `scenes` are the ids of the campaign's scenes, by date; `classes` is the number of damage classes.
    pub fn new(conn: &'c mut Conn, campaign_id: i64, scenes: &[i64], classes: u8) -> TileRows<'c> {
        let same_scenes = match scenes {
            [] => Some(None),
            [only] => Some(Some((*only, *only))),
            [first, last] => Some(Some((*first, *last))),
            _ => None,
        };
        let (search, page) = (Search::all(campaign_id), Vec::new().into_iter());
        let (at_once, with_surplus) = (PAGE, true);
        TileRows { conn, campaign_id, classes, same_scenes, search, at_once, with_surplus, page, finished: false }
    }

    /// Only tiles whose square touches this box, which may cross the date line: its longitudes then go on beyond 180.
    /// A box with more than `most` tiles is walked through in order, one with fewer is looked up ([`FEW`] is a good
    /// border).
    pub fn within(mut self, bbox: Option<Bbox>, most: usize) -> QueryResult<TileRows<'c>> {
        if let Some(bbox) = bbox {
            self.search = Search::within(self.conn, self.campaign_id, bbox, most)?;
        }
        Ok(self)
    }

    /// Only the tile of that public id.
    pub fn only(mut self, tile_id: &str) -> QueryResult<TileRows<'c>> {
        self.search = Search::only(self.conn, self.campaign_id, tile_id)?;
        Ok(self)
    }

    /// Only tiles after this public id. Comes after [`TileRows::within`].
    pub fn after(mut self, tile_id: &str) -> TileRows<'c> {
        self.search.go_on_after(tile_id);
        self
    }

    /// Reads so many tiles at once, at most a thousand: for whoever wants only a few.
    pub fn at_once(mut self, tiles: usize) -> TileRows<'c> {
        self.at_once = tiles.clamp(1, PAGE);
        self
    }

    /// For whoever only counts: surplus labels read as none, and of a timeline, whose windows name their scenes, tiles have
    /// no first and last scene.
    pub fn bare(mut self, is_timeline: bool) -> TileRows<'c> {
        self.with_surplus = false;
        if is_timeline {
            self.same_scenes = Some(None);
        }
        self
    }

    fn next_page(&mut self) -> QueryResult<()> {
        let next = self.search.next(self.conn, self.at_once)?;
        let rows = page(self.conn, self.campaign_id, next, self.at_once)?;
        self.finished = rows.len() < self.at_once;
        let Some(newest) = rows.last() else { return Ok(()) };
        self.search.go_on_after(&newest.tile_id);
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut surplus = if self.with_surplus { surplus(self.conn, &ids)? } else { HashMap::new() };
        let scenes = match self.same_scenes {
            Some(_) => HashMap::new(),
            None => first_and_last_scene(self.conn, &ids)?,
        };
        let reviewed = rows.iter().filter(|row| row.state == "reviewed" && row.gold.is_none()).map(|row| row.id);
        let mut opinions = reviews::in_force_on(self.conn, &reviewed.collect::<Vec<_>>())?;
        let (same_scenes, classes) = (self.same_scenes, self.classes);
        let complete = |row: Row| {
            let of_tile = same_scenes.unwrap_or_else(|| scenes.get(&row.id).copied());
            let surplus = surplus.remove(&row.id).unwrap_or(0);
            let opinion = opinions.remove(&row.id);
            let row = tile_row(row, of_tile, surplus, classes)?;
            Ok(match opinion {
                Some(opinion) => TileRow { crowd: row.crowd.map(|crowd| as_decided(crowd, opinion, classes)), ..row },
                None => row,
            })
        };
        self.page = rows.into_iter().map(complete).collect::<QueryResult<Vec<_>>>()?.into_iter();
        Ok(())
    }
}

impl Iterator for TileRows<'_> {
    type Item = QueryResult<TileRow>;

    fn next(&mut self) -> Option<QueryResult<TileRow>> {
        if self.page.len() == 0
            && !self.finished
            && let Err(error) = self.next_page()
        {
            self.finished = true;
            return Some(Err(error));
        }
        self.page.next().map(Ok)
    }
}

/// The next tiles of a search, by public id.
fn page(conn: &mut Conn, campaign_id: i64, next: Next, at_once: usize) -> QueryResult<Vec<Row>> {
    let rows = tiles::table
        .inner_join(queue::table.on(queue::tile.eq(tiles::id)))
        .left_join(gold::table.on(gold::tile.eq(tiles::id)))
        .left_join(consensus::table.on(consensus::tile.eq(tiles::id)))
        .order(tiles::tile_id)
        .select((
            tiles::id,
            tiles::tile_id,
            tiles::z,
            tiles::x,
            tiles::y,
            tiles::west,
            tiles::south,
            tiles::east,
            tiles::north,
            tiles::footprint,
            queue::state,
            queue::closed_at,
            queue::gold,
            gold::worn_out_at.nullable(),
            gold::answer.nullable(),
            (gold::last_intact.nullable(), gold::first_damaged.nullable()),
            (
                consensus::class,
                consensus::probability,
                consensus::probabilities,
                consensus::labels,
                consensus::answers,
                consensus::agreement,
                consensus::entropy,
                consensus::evidence,
                consensus::effective_redundancy,
                consensus::unusable_share,
                consensus::date_before,
                consensus::date_after,
                consensus::window_probability,
                consensus::closed_reason,
                consensus::method,
                consensus::method_version,
            )
                .nullable(),
        ))
        .into_boxed();
    match next {
        Next::Ids(ids) if ids.is_empty() => Ok(Vec::new()),
        Next::Ids(ids) => rows.filter(tiles::id.eq_any(ids)).load(conn),
        Next::After(tile_id) => rows
            .filter(tiles::campaign_id.eq(campaign_id))
            .filter(tiles::tile_id.gt(tile_id))
            .filter(tiles::withdrawn_at.is_null())
            .limit(at_once as i64)
            .load(conn),
    }
}

/// Labels of each tile that stand but wait outside its consensus. Gold has no places to wait for.
fn surplus(conn: &mut Conn, ids: &[i64]) -> QueryResult<HashMap<i64, u32>> {
    let rows = current_labels::table
        .inner_join(queue::table.on(queue::tile.eq(current_labels::tile)))
        .filter(current_labels::tile.eq_any(ids.to_vec()))
        .filter(queue::gold.is_null())
        .filter(not(current_labels::counted).and(not(current_labels::excluded)))
        .filter(current_labels::censored.is_null())
        .group_by(current_labels::tile)
        .select((current_labels::tile, count_star()))
        .load::<(i64, i64)>(conn)?;
    Ok(rows.into_iter().map(|(tile, count)| (tile, u32::try_from(count).unwrap_or(u32::MAX))).collect())
}

/// The earliest and the latest scene of each tile.
fn first_and_last_scene(conn: &mut Conn, ids: &[i64]) -> QueryResult<HashMap<i64, (i64, i64)>> {
    let rows = frames::table
        .inner_join(scenes::table.on(scenes::id.eq(frames::scene_id)))
        .filter(frames::tile.eq_any(ids.to_vec()))
        .filter(scenes::withdrawn_at.is_null())
        .order((scenes::captured_from, scenes::captured_to, scenes::id))
        .select((frames::tile, scenes::id))
        .load::<(i64, i64)>(conn)?;
    let mut found: HashMap<i64, (i64, i64)> = HashMap::new();
    for (tile, scene) in rows {
        found.entry(tile).and_modify(|(_, last)| *last = scene).or_insert((scene, scene));
    }
    Ok(found)
}

fn tile_row(row: Row, scenes: Option<(i64, i64)>, surplus: u32, classes: u8) -> QueryResult<TileRow> {
    let cell = match (row.z, row.x, row.y) {
        (Some(z), Some(x), Some(y)) => Some(Cell { z: z as u8, x: x as u32, y: y as u32 }),
        _ => None,
    };
    let gold = Gold::of(row.gold.as_deref(), row.worn_out_at.is_some());
    let bbox = Bbox { west: row.west, south: row.south, east: row.east, north: row.north };
    Ok(TileRow {
        tile: Tile { id: row.id, tile_id: row.tile_id, cell, bbox, footprint: row.footprint },
        state: word(&row.state)?,
        closed_at: row.closed_at,
        gold,
        scenes,
        crowd: Some(match row.crowd {
            Some(crowd) => self::crowd(crowd, surplus)?,
            None => Crowd { surplus, ..without_labels((row.expert_answer, row.expert_window), classes) },
        }),
    })
}

fn crowd(row: CrowdRow, surplus: u32) -> QueryResult<Crowd> {
    let consensus = Consensus {
        probabilities: list(&row.probabilities)?,
        class: row.class.and_then(|class| u8::try_from(class).ok()),
        probability: row.probability,
        labels: u32::from(row.labels.unsigned_abs()),
        answers: list(&row.answers)?,
        agreement: row.agreement,
        entropy: row.entropy,
        evidence: row.evidence,
        effective_redundancy: row.effective_redundancy,
        unusable_share: row.unusable_share,
    };
    Ok(Crowd {
        consensus: Some(consensus),
        last_intact: row.date_before,
        first_damaged: row.date_after,
        window_probability: row.window_probability,
        surplus,
        closed_reason: row.closed_reason,
        method: Some((row.method, row.method_version)),
    })
}

/// A tile without labels of its own: nothing is known, or what experts fixed beforehand (gold).
fn without_labels(
    (answer, (last_intact, first_damaged)): (Option<i16>, (Option<i64>, Option<i64>)),
    classes: u8,
) -> Crowd {
    let Some(class) = answer.and_then(|answer| u8::try_from(answer).ok()).filter(|&class| class < classes) else {
        return Crowd::default();
    };
    let consensus = Consensus {
        probabilities: certain(class, classes),
        class: Some(class),
        probability: Some(1.0),
        labels: 0,
        answers: Vec::new(),
        agreement: None,
        entropy: 0.0,
        evidence: 0.0,
        effective_redundancy: 0.0,
        unusable_share: 0.0,
    };
    let consensus = Some(consensus);
    let closed_reason = Some("gold".into());
    Crowd { consensus, last_intact, first_damaged, closed_reason, method: experts(), ..Crowd::default() }
}

fn certain(class: u8, classes: u8) -> Vec<f64> {
    (0..classes).map(|place| f64::from(u8::from(place == class))).collect()
}

/// Name and version of the method where people who know decided.
fn experts() -> Option<(String, String)> {
    Some(("expert".into(), "1".into()))
}

/// What the map says where a reviewer's opinion is in force: their class, as sure as can be, or none where they could not
/// tell either. What the labels were stays.
fn as_decided(crowd: Crowd, opinion: Opinion, classes: u8) -> Crowd {
    let class = Some(opinion.answer).filter(|&class| class < classes);
    let consensus = crowd.consensus.map(|labels| match class {
        Some(place) => Consensus {
            class,
            probability: Some(1.0),
            probabilities: certain(place, classes),
            entropy: 0.0,
            evidence: 0.0,
            ..labels
        },
        None => Consensus { class, probability: None, ..labels },
    });
    let (last_intact, first_damaged) =
        opinion.window.map_or((None, None), |window| (window.last_intact, window.first_damaged));
    Crowd { consensus, last_intact, first_damaged, window_probability: None, method: experts(), ..crowd }
}

/// Name and version of a model's method; `None` for model 0.
pub fn method(conn: &mut Conn, campaign_id: i64, model: u32) -> QueryResult<Option<(String, String)>> {
    models::table
        .find((campaign_id, model as i32))
        .select((models::method, models::method_version))
        .first(conn)
        .optional()
}
