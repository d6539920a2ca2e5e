//! Brings one tile in line with its labels: consensus, state, places. The one road by which a tile changes.

use crate::consensus::{self, Vote, policy};
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::consensus::{Consensus, TileState};
use crate::domain::hint;
use crate::domain::policy::Policy;
use crate::storage::Conn;
use crate::storage::labelling::consensus::{Dates, Provenance};
use crate::storage::labelling::labels::CurrentLabel;
use crate::storage::labelling::queue::QueueRow;
use crate::storage::labelling::{consensus as stored, labels, queue};
use crate::storage::oversight::reviews;

use super::rules::Known;
pub use super::rules::Rules;
use crate::services::Error;

/// Why a tile stays closed that a later model would have opened again.
const CAMPAIGN_CLOSED: &str = "campaign_closed";

/// Forms the consensus of a locked tile from its current labels and writes what follows: state, labels needed, value.
///
/// Surplus labels fill places that are free again, in the order they came. `unseen` is the number of active volunteers
/// who could still be asked, where it is known. Gold stays as it is. Returns the row as written.
pub fn follow(conn: &mut Conn, rules: &Rules, row: QueueRow, unseen: Option<u32>, now: i64) -> Result<QueueRow, Error> {
    if row.gold {
        return Ok(row);
    }
    let current = labels::current_of_tile(conn, row.tile)?;
    follow_labels(conn, rules, row, current, unseen, now)
}

/// The same for a tile whose current labels, in the order of [`labels::current_of_tile`], are known.
pub fn follow_labels(
    conn: &mut Conn,
    rules: &Rules,
    mut row: QueueRow,
    mut current: Vec<CurrentLabel>,
    unseen: Option<u32>,
    now: i64,
) -> Result<QueueRow, Error> {
    if row.gold {
        return Ok(row);
    }
    let authors: Vec<i64> = current.iter().map(|label| label.volunteer_id).collect();
    let skills = rules.skills_of(conn, &authors)?;
    // What comes in after the end of a campaign is kept beside its result.
    let running = is_running(&rules.campaign);
    let disputed = row.state == TileState::Contested && reviews::is_disputed(conn, row.tile)?;
    let beside = Beside { unseen, disputed };
    loop {
        let (result, reason) = judge(rules, &mut row, &current, &skills, beside, now);
        let waiting = current.iter_mut().find(|label| label.waits());
        if let Some(label) = waiting.filter(|_| running && row.has_place()) {
            labels::count(conn, row.tile, label.volunteer_id)?;
            label.counted = true;
            continue;
        }
        queue::save(conn, &row)?;
        if result.labels > 0 || row.state.is_closed() {
            keep(conn, rules, &row, &result, dates(rules, &current, &skills).as_ref(), (reason, now))?;
        } else {
            // All its labels were left out: it is as new.
            stored::remove(conn, row.tile)?;
        }
        return Ok(row);
    }
}

/// Forms the consensus of a locked tile for readers and leaves its state, its places and its labels as they are.
pub fn describe(conn: &mut Conn, rules: &Rules, row: &QueueRow, now: i64) -> Result<(), Error> {
    let current = labels::current_of_tile(conn, row.tile)?;
    let authors: Vec<i64> = current.iter().map(|label| label.volunteer_id).collect();
    let skills = rules.skills_of(conn, &authors)?;
    let disputed = row.state == TileState::Contested && reviews::is_disputed(conn, row.tile)?;
    let beside = Beside { unseen: None, disputed };
    let (result, reason) = judge(rules, &mut row.clone(), &current, &skills, beside, now);
    keep(conn, rules, row, &result, dates(rules, &current, &skills).as_ref(), (reason, now))
}

/// Stores a consensus with what it was formed with.
fn keep(
    conn: &mut Conn,
    rules: &Rules,
    row: &QueueRow,
    result: &Consensus,
    dates: Option<&Dates>,
    (closed_reason, changed_at): (Option<&'static str>, i64),
) -> Result<(), Error> {
    let rule = consensus::default_rule();
    let from = Provenance {
        model: rules.model.number,
        method: rule.method(),
        method_version: rule.version(),
        closed_reason,
        changed_at,
    };
    Ok(stored::replace(conn, (row.tile, row.campaign_id), result, dates, &from)?)
}

/// What is known of a tile beside its row and its labels.
#[derive(Clone, Copy)]
struct Beside {
    /// Active volunteers who could still be asked, where it is known.
    unseen: Option<u32>,
    /// Whether reviewers differ about it.
    disputed: bool,
}

/// The consensus of the counted labels; the row takes over what it means for the tile.
fn judge(
    rules: &Rules,
    row: &mut QueueRow,
    current: &[CurrentLabel],
    skills: &[Option<Known>],
    beside: Beside,
    now: i64,
) -> (Consensus, Option<&'static str>) {
    let scale = &rules.campaign.scale;
    let votes: Vec<Vote<'_>> = current
        .iter()
        .zip(skills)
        .filter(|(label, _)| label.counted)
        .map(|(label, known)| Vote { answer: label.answer, skill: known.as_ref().map(|known| &*known.skill) })
        .collect();
    let result = consensus::default_rule().consensus(scale, &rules.model, &votes);
    // What closed under an earlier policy stays as that decided it; once it opens again, it follows the one in force.
    let verdict = match decide(rules, row, &votes, &result, beside, row.closed_at) {
        opened if opened.state == TileState::Open && row.state.is_closed() => {
            give_places(rules, row);
            decide(rules, row, &votes, &result, beside, None)
        }
        verdict => verdict,
    };
    row.counted = result.labels;
    row.maximum = row.maximum.max(row.counted);
    // The hint only orders what is worth the same; it is handed on, never looked at.
    row.bucket = hint::ring_bucket(policy::bucket(&result), hint::hint_of(row.bucket));
    // A campaign that is over asks nobody any more: its tiles stay closed, whatever a later model thinks of them.
    if row.state.is_closed() && verdict.state == TileState::Open && !is_running(&rules.campaign) {
        return (result, Some(CAMPAIGN_CLOSED));
    }
    row.needed = verdict.needed.min(row.maximum);
    row.first_settled_at = verdict.first_settled_at;
    if row.state != verdict.state {
        row.closed_at = verdict.state.is_closed().then_some(now);
        row.state = verdict.state;
    }
    (result, verdict.reason.map(|reason| reason.key()))
}

/// What a policy says of a tile: of one that closed at that time, or of an open one.
fn decide(
    rules: &Rules,
    row: &QueueRow,
    votes: &[Vote<'_>],
    result: &Consensus,
    beside: Beside,
    closed_at: Option<i64>,
) -> policy::Verdict {
    let (scale, settings) = (&rules.campaign.scale, rules.policy_of(closed_at));
    // An imported tile gets no more labels than it has: what they do not settle is contested.
    let settings = &Policy { maximum: settings.maximum.min(row.maximum), ..settings.clone() };
    let facts = policy::TileFacts {
        state: Some(row.state),
        proven: policy::proven(scale, votes),
        voices: Some(policy::voices(scale, votes)),
        sides: Some(policy::sides(scale, votes)),
        second_look: policy::second_look(row.shuffle_key as u64, settings.second_look_share),
        first_settled_at: row.first_settled_at,
        skips: row.skips,
        unseen: beside.unseen,
        disputed: beside.disputed,
    };
    policy::decide(scale, settings, &rules.model, result, &facts)
}

/// What would become of a tile under these rules; nothing is written. `anew`: as if it had never closed.
pub fn foresee(conn: &mut Conn, rules: &Rules, mut row: QueueRow, anew: bool) -> Result<QueueRow, Error> {
    let current = labels::current_of_tile(conn, row.tile)?;
    let authors: Vec<i64> = current.iter().map(|label| label.volunteer_id).collect();
    let skills = rules.skills_of(conn, &authors)?;
    if anew {
        open_anew(rules, &mut row);
    }
    row.maximum = rules.campaign.policy.maximum.max(row.counted);
    judge(rules, &mut row, &current, &skills, Beside { unseen: None, disputed: false }, 0);
    Ok(row)
}

/// Forgets that a tile closed, so that the policy in force decides it from its labels alone.
pub fn open_anew(rules: &Rules, row: &mut QueueRow) {
    if row.state.is_closed() {
        (row.state, row.closed_at, row.first_settled_at) = (TileState::Open, None, None);
        give_places(rules, row);
    }
}

/// A tile that opens again may have as many labels as the policy in force gives, whatever held when it closed. In a
/// campaign that is over nobody is asked for any.
pub fn give_places(rules: &Rules, row: &mut QueueRow) {
    if is_running(&rules.campaign) {
        row.maximum = rules.campaign.policy.maximum.max(row.counted);
        row.needed = row.needed.min(row.maximum);
    }
}

fn is_running(campaign: &Campaign) -> bool {
    matches!(campaign.state, CampaignState::Open | CampaignState::Paused)
}

/// When the damage happened, by the counted labels that name a window, and by those that counted until a later scene came.
fn dates(rules: &Rules, current: &[CurrentLabel], skills: &[Option<Known>]) -> Option<Dates> {
    let votes: Vec<_> = current
        .iter()
        .zip(skills)
        .filter(|(label, _)| label.dates())
        .filter_map(|(label, known)| Some((label.window?, known.as_ref().and_then(|known| known.window))))
        .collect();
    rules.timeline.as_ref()?.consensus(&votes)
}
