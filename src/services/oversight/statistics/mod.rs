//! How a campaign stands: exact numbers for its coordinator, and the progress that everybody may know.

mod boards;
mod calibration;
mod progress;
mod public;
mod quality;
mod tally;
mod timeline;
mod waits;

pub use boards::Boards;
pub use calibration::{Bin, Calibration};
pub use progress::{Progress, progress};
pub use public::{PublicProgress, public_progress};
pub use quality::{Alpha, GoldAccuracy};
pub use tally::Tally;
pub use timeline::Point;
pub use waits::Waits;

use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::consensus::TileState;
use crate::domain::finish::{self, Basis, Finish, Group, Left, Pace};
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::oversight::statistics::{self as counts, TileGroup};
use crate::storage::oversight::{delays, quality as answers};

/// Somebody who did something this recently is active.
const ACTIVE_MS: i64 = 3_600_000;
/// A skipped tile stays away from that volunteer for this long.
const SKIP_MS: i64 = 86_400_000;

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
    /// Of these, the ones whose authors are excluded.
    pub labels_excluded: u64,
    /// Of these, the ones that a later scene set aside.
    pub labels_set_aside: u64,
    /// Answers that first arrived in the last 60 minutes of the clock, the one under way included.
    pub labels_last_hour: u64,
    /// Those of the 60 minutes before.
    pub labels_hour_before: u64,
    /// Counted labels for each closed tile, gold aside; `None` while none is closed.
    pub labels_per_closed_tile: Option<f64>,
    /// What the closed tiles would have taken with as many labels as each may get; `None` while none is closed.
    pub saved: Option<Saved>,
    /// People who ever asked for tiles.
    pub volunteers: u64,
    /// People who asked for tiles or labelled within the last hour.
    pub volunteers_active: u64,
    /// Tiles in somebody's hands.
    pub open_leases: u64,
    /// Number of the model in use.
    pub model: u32,
    /// When it was made; `None` for model 0.
    pub fitted_at: Option<i64>,
    /// Entries of the log since the newest model, and the number at which the next is due.
    pub refit: (u64, u64),
    /// Counted labels for each answer of the scale, in its order.
    pub answers: Vec<(String, u64)>,
    /// Share of agreeing pairs among all pairs of counted labels on the same tile; `None` while there is no pair.
    pub agreement: Option<f64>,
    /// Krippendorff's alpha.
    pub alpha: Alpha,
    /// How often answers on check gold are right.
    pub gold: GoldAccuracy,
    /// What probabilities of the model in use have meant on check gold; `None` while too few labels tell.
    pub calibration: Option<Calibration>,
    /// Calls on check gold that there are for it so far, and how many it takes.
    pub calibration_calls: (u64, u64),
    /// When no tile will ask for labels any more.
    pub finish: Finish,
    /// The stretches of time whose pace that stands on, with the labels that went into a consensus in them; `None` where
    /// no interval is told.
    pub basis: Option<Basis>,
    /// Labels that are left until then; `None` while it cannot be said.
    pub labels_left: Option<Left>,
    /// What waits, and what waits too long.
    pub waits: Waits,
    /// Labels and closings over time, oldest first, at most 60 intervals; those without either are there too.
    pub timeline: Vec<Point>,
    /// Length of an interval, seconds.
    pub interval_seconds: u64,
}

/// Labels that adaptive redundancy has saved on the closed tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// Closed tiles, gold aside.
    pub tiles: u64,
    /// Counted labels on them.
    pub labels: u64,
    /// Labels that they could have got: the most that the policy gives a tile, on each.
    pub most: u64,
}

/// Counts everything that a coordinator watches. One read-only transaction.
///
/// # Errors
/// Where the database fails, or holds a model that cannot be read.
pub fn statistics(conn: &mut Conn, campaign: &Campaign, now: i64) -> Result<Statistics, Error> {
    count(conn, campaign, &mut Tally::default(), now)
}

/// The same; `tally` remembers the past of the log from one count of this campaign to the next.
pub fn count(conn: &mut Conn, campaign: &Campaign, tally: &mut Tally, now: i64) -> Result<Statistics, Error> {
    let id = campaign.id;
    let all = counts::tile_groups(conn, id)?;
    tally.bring_up(conn, campaign, now)?;
    let of_answers = answers::answer_groups(conn, id)?;
    let labels_counted: u64 = all.iter().map(|group| u64::from(group.counted) * group.tiles).sum();
    let gold = answers::gold_answers(conn, id, "check")?;
    let on_practice = answers::gold_answers(conn, id, "practice")?;
    let labels_gold: u64 = gold.iter().chain(&on_practice).map(|group| number(group.labels)).sum();
    let (excluded_gold, excluded) = answers::excluded_labels(conn, id)?;
    let (labels, labels_excluded) = (tally.total(), number(excluded_gold + excluded));
    // What was withdrawn keeps its labels, and is neither done nor to do.
    let groups: Vec<TileGroup> = all.into_iter().filter(|group| !group.withdrawn).collect();
    let saved = saved(&groups);
    let left = finish::labels_left(&grouped(&groups));
    let labels_set_aside = number(answers::set_aside_labels(conn, id)?);
    let share = useful(labels, labels_counted);
    let paces = paces_of(campaign, &|ms| tally.since(now, ms) as f64 * share, now);
    let finish = finish_of(campaign, left, &paces, now);
    let (timeline, interval_ms) = timeline::timeline(conn, campaign, tally, now)?;
    let (newest, fresh) = refit_state(conn, campaign)?;
    let (calibration, calls) = calibration::calibration(conn, campaign, saved)?;
    let lacks_pictures = groups.iter().filter(|group| cannot_be_compared(group)).map(|group| group.tiles).sum();
    let waits = waits::waits(conn, campaign, (fresh, newest, lacks_pictures), now)?;
    Ok(Statistics {
        as_of: now,
        tiles: tiles_by_state(conn, id)?,
        labels,
        labels_counted,
        labels_surplus: labels.saturating_sub(labels_counted + labels_gold + labels_excluded + labels_set_aside),
        labels_gold,
        labels_excluded,
        labels_set_aside,
        labels_last_hour: tally.last_minutes(now, 60, 0),
        labels_hour_before: tally.last_minutes(now, 60, 60),
        labels_per_closed_tile: saved.map(|saved| saved.labels as f64 / saved.tiles as f64),
        saved,
        volunteers: number(counts::volunteers(conn, id)?),
        volunteers_active: number(counts::active(conn, id, now - ACTIVE_MS)?),
        open_leases: number(counts::open_leases(conn, id, now)?),
        model: campaign.model,
        fitted_at: counts::fitted_at(conn, id, campaign.model)?,
        refit: (fresh, newest.due),
        answers: quality::answers(campaign, &of_answers),
        agreement: quality::agreement(&of_answers),
        alpha: quality::alpha(campaign, &of_answers),
        gold: quality::gold_accuracy(campaign, &gold),
        calibration,
        calibration_calls: (calls, calibration::LEAST_CALLS as u64),
        finish,
        basis: finish::basis(&paces).filter(|_| matches!(finish, Finish::Between { .. })),
        labels_left: left,
        waits,
        timeline,
        interval_seconds: number(interval_ms / 1_000),
    })
}

/// Counts are never negative.
fn number(count: i64) -> u64 {
    count.max(0).unsigned_abs()
}

fn tiles_by_state(conn: &mut Conn, campaign: i64) -> Result<Vec<(TileState, u64)>, Error> {
    let counted = counts::tiles_by_state(conn, campaign)?;
    let of = |state| counted.iter().filter(|(other, _)| *other == state).map(|(_, tiles)| number(*tiles)).sum();
    Ok(TileState::ALL.iter().map(|&state| (state, of(state))).collect())
}

fn saved(groups: &[TileGroup]) -> Option<Saved> {
    let closed = groups.iter().filter(|group| group.state.is_closed());
    let saved = closed.fold(Saved { tiles: 0, labels: 0, most: 0 }, |sum, group| Saved {
        tiles: sum.tiles + group.tiles,
        labels: sum.labels + group.tiles * u64::from(group.counted),
        most: sum.most + group.tiles * u64::from(group.maximum),
    });
    (saved.tiles > 0).then_some(saved)
}

fn grouped(groups: &[TileGroup]) -> Vec<Group> {
    let group = |group: &TileGroup| {
        let TileGroup { state, counted, needed, maximum, tiles, .. } = *group;
        Group { open: !state.is_closed(), counted, needed, maximum, tiles }
    };
    groups.iter().filter(|group| !cannot_be_compared(group)).map(group).collect()
}

/// Whether they are open and would be for ever: nobody is given them while a scene of theirs is withdrawn.
fn cannot_be_compared(group: &TileGroup) -> bool {
    group.lacks_pictures && !group.state.is_closed()
}

/// The share of the labels that go into a consensus: some are on gold, some surplus.
fn useful(labels: u64, counted: u64) -> f64 {
    if labels > 0 { counted as f64 / labels as f64 } else { 1.0 }
}

/// The paces of the stretches of time behind us, from what was done in the last so many milliseconds.
fn paces_of(campaign: &Campaign, done: &dyn Fn(i64) -> f64, now: i64) -> Vec<Pace> {
    let pace = |ms: i64| Pace { ms, done: done(ms).max(0.0) as u64 };
    finish::stretches(running(campaign, now)).into_iter().map(pace).collect()
}

/// For how long a campaign has been open, milliseconds.
fn running(campaign: &Campaign, now: i64) -> i64 {
    campaign.opened_at.map_or(0, |opened| (now - opened).max(0))
}

/// When a campaign will be done, from what is left and from the paces behind us.
fn finish_of(campaign: &Campaign, left: Option<Left>, paces: &[Pace], now: i64) -> Finish {
    if left.is_some_and(|left| left.most <= 0.0) {
        return Finish::Done;
    }
    if campaign.state != CampaignState::Open {
        return Finish::Unknown(finish::Unknown::NotOpen);
    }
    finish::finish(left, paces, (now, running(campaign, now)))
}

/// The newest model, as far as the next one depends on it.
#[derive(Debug, Clone, Copy)]
struct Newest {
    /// New entries of the log at which the next is due.
    due: u64,
}

fn refit_state(conn: &mut Conn, campaign: &Campaign) -> Result<(Newest, u64), Error> {
    use crate::storage::labelling::models;
    let last = models::newest(conn, campaign.id)?;
    let fresh = models::labels_since(conn, campaign.id, last.labels_until, i64::MAX)?;
    Ok((Newest { due: campaign.policy.refit_due(last.labels) }, fresh))
}

/// Open tiles that no active volunteer could be given.
fn waiting_for_new_eyes(conn: &mut Conn, campaign: i64, now: i64) -> Result<u64, Error> {
    Ok(number(delays::waiting_for_new_eyes(conn, campaign, now - ACTIVE_MS, now - SKIP_MS)?))
}
