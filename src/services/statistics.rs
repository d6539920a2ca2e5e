//! How a campaign stands: exact numbers for its coordinator, and the progress that everybody may know.

use std::collections::BTreeMap;

use super::Error;
use crate::domain::campaign::Campaign;
use crate::domain::consensus::TileState;
use crate::storage::statistics as counts;
use crate::storage::{Conn, QueryError};

/// Somebody who did something this recently is active.
const ACTIVE_MS: i64 = 3_600_000;
/// A skipped tile stays away from that volunteer for this long.
const SKIP_MS: i64 = 86_400_000;
/// Points of the timeline at most.
const POINTS: i64 = 60;
/// Lengths of a timeline's intervals, seconds: what people read clocks and calendars in.
const INTERVALS: [i64; 16] = [
    60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_419_200,
];

/// How a campaign stands, for its coordinator.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// When it was counted; milliseconds since 1970, UTC.
    pub as_of: i64,
    /// Tiles in each state, all states in the order of [`TileState::ALL`]. Gold counts as reviewed.
    pub tiles: Vec<(TileState, u64)>,
    /// Answers that stand: one for each volunteer and tile, however often it was revised.
    pub labels: u64,
    /// Of these, the ones in their tiles' consensus.
    pub labels_counted: u64,
    /// Of these, the ones that wait outside for a free place.
    pub labels_surplus: u64,
    /// Of these, the ones on gold, which measure their authors and are outside the consensus.
    pub labels_gold: u64,
    /// Counted labels for each closed tile, gold aside; `None` while none is closed.
    pub labels_per_closed_tile: Option<f64>,
    /// People who ever asked for tiles.
    pub volunteers: u64,
    /// People who asked for tiles or labelled within the last hour.
    pub volunteers_active: u64,
    /// Tiles in somebody's hands.
    pub open_leases: u64,
    /// Open tiles in nobody's hands that every active volunteer has already labelled or lately skipped; 0 while nobody
    /// is active.
    pub waiting_for_new_eyes: u64,
    /// Number of the model in use.
    pub model: u32,
    /// When it was made; `None` for model 0.
    pub fitted_at: Option<i64>,
    /// Counted labels for each answer of the scale, in its order.
    pub answers: Vec<(String, u64)>,
    /// Share of agreeing pairs among all pairs of counted labels on the same tile; `None` while there is no pair.
    pub agreement: Option<f64>,
    /// Labels and closings over time, oldest first, at most 60 intervals; those without either are there too.
    pub timeline: Vec<Point>,
    /// Length of an interval, seconds.
    pub interval_seconds: u64,
}

/// One interval of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Its start; milliseconds since 1970, UTC.
    pub from: i64,
    /// Answers that first arrived in it and still stand, gold included: over all points they sum up to `labels`.
    pub labels: u64,
    /// Tiles that closed in it and are closed still, gold aside.
    pub tiles_closed: u64,
}

/// How far a campaign is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// All tiles.
    pub tiles: u64,
    /// Those that ask for labels.
    pub open: u64,
    /// Those that do not.
    pub closed: u64,
    /// `closed / tiles`, not rounded; 0 without tiles.
    pub share: f64,
}

/// Counts everything that a coordinator watches. One read-only transaction.
pub fn statistics(conn: &mut Conn, campaign: &Campaign, now: i64) -> Result<Statistics, Error> {
    let id = campaign.id;
    let (start, end) = timespan(conn, campaign, now)?;
    let interval_seconds = interval(start, end);
    let interval_ms = interval_seconds * 1_000;
    let tiles = counts::tiles(conn, id, interval_ms)?;
    let labels = counts::labels_by_answer(conn, id, interval_ms)?;
    let of = |wanted: &dyn Fn(&counts::LabelCount) -> bool| -> u64 {
        labels.iter().filter(|group| wanted(group)).map(|group| number(group.labels)).sum()
    };
    let in_state = |state| tiles.iter().filter(|group| group.state == state).map(|group| number(group.tiles)).sum();
    let (agreeing, pairs) = counts::pairs(conn, id)?;
    Ok(Statistics {
        as_of: now,
        tiles: TileState::ALL.iter().map(|&state| (state, in_state(state))).collect(),
        labels: of(&|_| true),
        labels_counted: of(&|group| group.counted),
        labels_surplus: of(&|group| !group.counted && !group.excluded && !group.gold),
        labels_gold: of(&|group| group.gold && !group.excluded),
        labels_per_closed_tile: labels_per_closed_tile(&tiles),
        volunteers: number(counts::volunteers(conn, id)?),
        volunteers_active: number(counts::active(conn, id, now - ACTIVE_MS)?),
        open_leases: number(counts::open_leases(conn, id, now)?),
        waiting_for_new_eyes: number(counts::waiting_for_new_eyes(conn, id, now - ACTIVE_MS, now - SKIP_MS)?),
        model: campaign.model,
        fitted_at: counts::fitted_at(conn, id, campaign.model)?,
        answers: answers(campaign, &labels),
        agreement: (pairs > 0).then(|| agreeing as f64 / pairs as f64),
        timeline: timeline((start, end), interval_ms, &tiles, &labels),
        interval_seconds: number(interval_seconds),
    })
}

/// How far a campaign is. To those who may not know which tiles are gold (`knows_gold` is false), check gold in use
/// counts as open until the campaign is over.
pub fn progress(conn: &mut Conn, campaign: &Campaign, knows_gold: bool) -> Result<Progress, QueryError> {
    let (tiles, closed) = counts::tiles_and_closed(conn, campaign.id)?;
    let over = campaign.state.is_over();
    let secret = if over || knows_gold { 0 } else { counts::secret_gold(conn, campaign.id)? };
    let (tiles, closed) = (number(tiles), number(closed - secret));
    let share = if tiles == 0 { 0.0 } else { closed as f64 / tiles as f64 };
    Ok(Progress { tiles, open: tiles - closed, closed, share })
}

/// Counts are never negative.
fn number(count: i64) -> u64 {
    count.max(0).unsigned_abs()
}

/// From the first thing that happened to now, or to the end of a campaign that is over.
fn timespan(conn: &mut Conn, campaign: &Campaign, now: i64) -> Result<(i64, i64), Error> {
    let first_label = counts::first_label_at(conn, campaign.id)?;
    let start = [campaign.opened_at, first_label].into_iter().flatten().min().unwrap_or(now);
    Ok((start, now.max(start)))
}

/// The shortest interval, seconds, that cuts the time into at most [`POINTS`] pieces, each beginning at a round time.
fn interval(start: i64, end: i64) -> i64 {
    let pieces = |seconds: i64| end / (seconds * 1_000) - start / (seconds * 1_000) + 1;
    let longest = INTERVALS[INTERVALS.len() - 1];
    // Beyond four and a half years: as many of the longest as it takes, with room for a piece cut at either end.
    let beyond = longest * (pieces(longest) / (POINTS - 2) + 1);
    INTERVALS.into_iter().find(|&seconds| pieces(seconds) <= POINTS).unwrap_or(beyond)
}

fn labels_per_closed_tile(tiles: &[counts::TileCount]) -> Option<f64> {
    let closed = tiles.iter().filter(|group| group.state.is_closed() && !group.gold);
    let (tiles, counted) =
        closed.fold((0, 0), |(tiles, counted), group| (tiles + group.tiles, counted + group.counted));
    (tiles > 0).then(|| counted as f64 / tiles as f64)
}

fn answers(campaign: &Campaign, labels: &[counts::LabelCount]) -> Vec<(String, u64)> {
    let of = |place: usize| {
        let counted = labels.iter().filter(|group| group.counted && usize::try_from(group.answer) == Ok(place));
        counted.map(|group| number(group.labels)).sum()
    };
    campaign.scale.answers.iter().enumerate().map(|(place, answer)| (answer.key.clone(), of(place))).collect()
}

fn timeline(
    (start, end): (i64, i64),
    interval_ms: i64,
    tiles: &[counts::TileCount],
    labels: &[counts::LabelCount],
) -> Vec<Point> {
    let (first, last) = (start / interval_ms, end / interval_ms);
    let empty = |interval: i64| (interval, Point { from: interval * interval_ms, labels: 0, tiles_closed: 0 });
    let mut points: BTreeMap<i64, Point> = (first..=last).map(empty).collect();
    for group in labels {
        if let Some(point) = points.get_mut(&group.interval.clamp(first, last)) {
            point.labels += number(group.labels);
        }
    }
    for group in tiles.iter().filter(|group| !group.gold) {
        if let Some(point) = group.interval.and_then(|interval| points.get_mut(&interval.clamp(first, last))) {
            point.tiles_closed += number(group.tiles);
        }
    }
    points.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_never_has_more_than_sixty_points() {
        let start = 1_749_976_200_000;
        for hours in [0, 1, 2, 7, 24, 100, 1_000, 10_000, 100_000, 1_000_000] {
            let end = start + hours * 3_600_000;
            let interval_ms = interval(start, end) * 1_000;
            let points = timeline((start, end), interval_ms, &[], &[]);
            assert!((1..=60).contains(&points.len()), "{hours} hours: {} points", points.len());
            assert!(points[0].from <= start && points[points.len() - 1].from + interval_ms > end);
        }
        assert_eq!(interval(0, 59 * 60_000), 60);
        assert_eq!(interval(0, 60 * 60_000), 120);
    }
}
