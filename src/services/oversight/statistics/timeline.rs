//! Labels and closings over time, in intervals that people read clocks and calendars in.

use std::collections::BTreeMap;

use super::{Tally, number};
use crate::domain::campaign::Campaign;
use crate::storage::oversight::statistics::closings_by_minute;
use crate::storage::{Conn, QueryError};

/// Points at most.
const POINTS: i64 = 60;
/// Lengths of intervals, seconds.
const INTERVALS: [i64; 16] = [
    60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_419_200,
];

const WEEK_MS: i64 = 604_800_000;
/// 1970-01-05.
const FIRST_MONDAY_MS: i64 = 4 * 86_400_000;

/// One interval of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Its start; milliseconds since 1970, UTC.
    pub from: i64,
    /// Answers that first arrived in it, gold included: over all points they sum up to all labels.
    pub labels: u64,
    /// Tiles that closed in it and are closed still, gold aside.
    pub tiles_closed: u64,
}

/// The timeline of a campaign, and the length of its intervals in milliseconds.
pub(super) fn timeline(
    conn: &mut Conn,
    campaign: &Campaign,
    tally: &Tally,
    now: i64,
) -> Result<(Vec<Point>, i64), QueryError> {
    let (start, end) = timespan(campaign, tally, now);
    let interval_ms = interval(start, end) * 1_000;
    let closings = closings_by_minute(conn, campaign.id, i64::MIN / 2)?;
    let closings = closings.into_iter().map(|count| (count.minute, number(count.number)));
    Ok((points((start, end), interval_ms, tally.minutes(), closings), interval_ms))
}

/// From the first thing that happened to now; of a campaign that is over, to its last label.
fn timespan(campaign: &Campaign, tally: &Tally, now: i64) -> (i64, i64) {
    let labels = tally.span();
    let start = [campaign.opened_at, labels.map(|(first, _)| first)].into_iter().flatten().min().unwrap_or(now);
    let last = labels.filter(|_| campaign.state.is_over()).map(|(_, last)| last);
    (start, last.unwrap_or(now).max(start))
}

/// The shortest interval, seconds, that cuts the time into at most [`POINTS`] pieces, each beginning at a round time.
fn interval(start: i64, end: i64) -> i64 {
    let pieces = |seconds: i64| place(end, seconds * 1_000) - place(start, seconds * 1_000) + 1;
    let longest = INTERVALS[INTERVALS.len() - 1];
    // Beyond four and a half years: as many of the longest as it takes, with room for a piece cut at either end.
    let beyond = longest * (pieces(longest) / (POINTS - 2) + 1);
    INTERVALS.into_iter().find(|&seconds| pieces(seconds) <= POINTS).unwrap_or(beyond)
}

/// The number of the interval of this length in which a moment lies.
fn place(moment: i64, interval_ms: i64) -> i64 {
    (moment - shift(interval_ms)).div_euclid(interval_ms)
}

/// When interval 0 begins: 1970 began on a Thursday, and weeks begin on a Monday.
fn shift(interval_ms: i64) -> i64 {
    if interval_ms % WEEK_MS == 0 { FIRST_MONDAY_MS } else { 0 }
}

/// What lies before the first point or after the last is counted there.
fn points(
    (start, end): (i64, i64),
    interval_ms: i64,
    labels: impl Iterator<Item = (i64, u64)>,
    closings: impl Iterator<Item = (i64, u64)>,
) -> Vec<Point> {
    let (first, last) = (place(start, interval_ms), place(end, interval_ms));
    let begins = |interval: i64| interval * interval_ms + shift(interval_ms);
    let empty = |interval: i64| (interval, Point { from: begins(interval), labels: 0, tiles_closed: 0 });
    let mut points: BTreeMap<i64, Point> = (first..=last).map(empty).collect();
    let place = |minute: i64| place(minute * 60_000, interval_ms).clamp(first, last);
    for (minute, number) in labels {
        if let Some(point) = points.get_mut(&place(minute)) {
            point.labels += number;
        }
    }
    for (minute, number) in closings {
        if let Some(point) = points.get_mut(&place(minute)) {
            point.tiles_closed += number;
        }
    }
    points.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_a_monday_and_days_at_midnight() {
        // A Sunday and the Monday after it: 2025-06-15 and 2025-06-16.
        let (sunday, monday) = (1_749_945_600_000, 1_750_032_000_000);
        let none = || std::iter::empty();
        let labels = [(sunday / 60_000, 2), (monday / 60_000, 3)];
        let weeks = points((sunday, monday), WEEK_MS, labels.into_iter(), none());
        let told: Vec<_> = weeks.iter().map(|week| (week.from, week.labels)).collect();
        assert_eq!(told, [(monday - WEEK_MS, 2), (monday, 3)]);
        let days = points((sunday + 1, monday + 1), 86_400_000, none(), none());
        assert_eq!(days.iter().map(|day| day.from).collect::<Vec<_>>(), [sunday, monday]);
    }

    #[test]
    fn a_timeline_never_has_more_than_sixty_points() {
        let start = 1_749_976_200_000;
        for hours in [0, 1, 2, 7, 24, 100, 1_000, 10_000, 100_000, 1_000_000] {
            let end = start + hours * 3_600_000;
            let interval_ms = interval(start, end) * 1_000;
            let none = || std::iter::empty();
            let points = points((start, end), interval_ms, none(), none());
            assert!((1..=60).contains(&points.len()), "{hours} hours: {} points", points.len());
            assert!(points[0].from <= start && points[points.len() - 1].from + interval_ms > end);
        }
        assert_eq!(interval(0, 59 * 60_000), 60);
        assert_eq!(interval(0, 60 * 60_000), 120);
    }
}
