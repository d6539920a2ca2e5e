//! When a campaign will be done, as an interval that says what it assumes, or that it cannot be said yet.
//!
//! What is left: open tiles may turn out like the easier half of the closed ones, or like the harder half. How fast: as
//! in the slowest or the fastest of the stretches of time just behind us, each widened by what chance alone may do.

use super::words::words;

/// One hour, milliseconds.
const HOUR_MS: i64 = 3_600_000;
/// The stretches of time whose pace is looked at.
pub const STRETCHES_MS: [i64; 5] = [HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS, 72 * HOUR_MS, 168 * HOUR_MS];
/// Before a campaign has run for so long nothing is said.
const SHORTEST_MS: i64 = 600_000;
/// Closed tiles from which it is told what a tile takes.
const LEAST_CLOSED: u64 = 20;
/// A stretch with fewer than these says more about chance than about the crowd.
const LEAST_DONE: u64 = 20;
/// Beyond this nothing is said.
const FARTHEST_MS: f64 = 5.0 * 365.25 * 86_400_000.0;
/// The standard normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

words! {
    /// Why it cannot be said when a campaign will be done.
    Unknown {
        /// It hands nothing out now.
        NotOpen = "not_open",
        /// It has not run for long enough, or too few tiles are closed.
        TooEarly = "too_early",
        /// Too little came in lately.
        Quiet = "quiet",
        /// At this pace it would take more than five years.
        TooFar = "too_far",
    }
}

/// When a campaign will be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// No tile asks for labels any more.
    Done,
    /// It cannot be said.
    Unknown(Unknown),
    /// Between these two times; milliseconds since 1970, UTC.
    Between {
        /// If all goes well.
        earliest: i64,
        /// If it does not.
        latest: i64,
    },
}

/// Tiles, gold aside, that are alike in what they have and need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Whether they ask for labels.
    pub open: bool,
    /// Counted labels on each.
    pub counted: u32,
    /// Labels that each wants as things stand.
    pub needed: u32,
    /// Labels that each may get.
    pub maximum: u32,
    /// How many there are.
    pub tiles: u64,
}

/// Work that is left, in labels or in tiles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Left {
    /// If all goes well.
    pub least: f64,
    /// If it does not.
    pub most: f64,
}

/// How much of that work was done in a stretch of time that ends now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Its length, milliseconds.
    pub ms: i64,
    /// What was done in it.
    pub done: u64,
}

impl Pace {
    /// What is done in a millisecond, widened by what chance alone may do; `sign` says to which side.
    fn bound(&self, sign: f64) -> f64 {
        let done = self.done as f64;
        (done + sign * Z * done.sqrt()) / self.ms as f64
    }
}

/// The two stretches of time on which an interval stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Basis {
    /// Whose pace gives the latest end.
    pub slowest: Pace,
    /// Whose pace gives the earliest end.
    pub fastest: Pace,
}

/// The stretches on which [`finish`] stands, of those in which enough was done to tell; `None` where there is none.
pub fn basis(paces: &[Pace]) -> Option<Basis> {
    let telling = || paces.iter().copied().filter(|pace| pace.done >= LEAST_DONE && pace.ms > 0);
    let slowest = telling().min_by(|a, b| a.bound(-1.0).total_cmp(&b.bound(-1.0)))?;
    let fastest = telling().max_by(|a, b| a.bound(1.0).total_cmp(&b.bound(1.0)))?;
    Some(Basis { slowest, fastest })
}

/// Labels that are left: each open tile takes as many as the easier or the harder half of the closed tiles took on
/// average, at least what it already asks for and at most what it may get. `None` while too few are closed.
pub fn labels_left(groups: &[Group]) -> Option<Left> {
    let mut closed: Vec<&Group> = groups.iter().filter(|group| !group.open).collect();
    closed.sort_by_key(|group| group.counted);
    let all: u64 = closed.iter().map(|group| group.tiles).sum();
    if all < LEAST_CLOSED {
        return None;
    }
    let (easy, hard) = (mean_of_first(closed.iter(), all), mean_of_first(closed.iter().rev(), all));
    let left = |like: f64| -> f64 {
        let open = groups.iter().filter(|group| group.open);
        open.map(|group| {
            let total = like.clamp(f64::from(group.needed.min(group.maximum)), f64::from(group.maximum));
            (total - f64::from(group.counted)).max(0.0) * group.tiles as f64
        })
        .sum()
    };
    Some(Left { least: left(easy), most: left(hard) })
}

/// Mean labels of the first half of the tiles, in the order given.
fn mean_of_first<'a>(groups: impl Iterator<Item = &'a &'a Group>, all: u64) -> f64 {
    let half = all as f64 / 2.0;
    let (mut tiles, mut labels) = (0.0, 0.0);
    for group in groups {
        let taken = (group.tiles as f64).min(half - tiles);
        tiles += taken;
        labels += taken * f64::from(group.counted);
    }
    labels / half
}

/// When the work that is left will be done. `now` in milliseconds since 1970; `running_ms` is how long the campaign has
/// run; `paces` of stretches that are not longer than that.
pub fn finish(left: Option<Left>, paces: &[Pace], (now, running_ms): (i64, i64)) -> Finish {
    let Some(left) = left.filter(|_| running_ms >= SHORTEST_MS) else { return Finish::Unknown(Unknown::TooEarly) };
    if left.most <= 0.0 {
        return Finish::Done;
    }
    let Some(Basis { slowest, fastest }) = basis(paces) else {
        let long_enough = paces.iter().any(|pace| pace.ms >= HOUR_MS);
        return Finish::Unknown(if long_enough { Unknown::Quiet } else { Unknown::TooEarly });
    };
    let (shortest, longest) = (left.least / fastest.bound(1.0), left.most / slowest.bound(-1.0));
    if longest > FARTHEST_MS {
        return Finish::Unknown(Unknown::TooFar);
    }
    Finish::Between { earliest: now + shortest as i64, latest: now + longest.ceil() as i64 }
}

/// The stretches whose pace is to be looked at: those that the campaign has run for, and all its time where that is
/// less than the longest.
pub fn stretches(running_ms: i64) -> Vec<i64> {
    let longest = STRETCHES_MS[STRETCHES_MS.len() - 1];
    let whole = (running_ms < longest && running_ms > 0).then_some(running_ms);
    STRETCHES_MS.into_iter().filter(|&ms| ms <= running_ms).chain(whole).collect()
}

#[cfg(test)]
#[path = "finish_tests.rs"]
mod tests;
