//! Brings one tile in line with its labels: consensus, state, places. The one road by which a tile changes.

use crate::consensus::{self, Vote, policy};
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::consensus::{Consensus, TileState};
use crate::domain::policy::Policy;
use crate::storage::consensus::{Dates, Provenance};
use crate::storage::labels::CurrentLabel;
use crate::storage::queue::QueueRow;
use crate::storage::{Conn, consensus as stored, labels, queue, reviews};

use super::Error;
use super::rules::Known;
pub use super::rules::Rules;

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
        let waiting = current.iter_mut().find(|label| !label.counted);
        if let Some(label) = waiting.filter(|_| running && row.has_place()) {
            labels::count(conn, row.tile, label.volunteer_id)?;
            label.counted = true;
            continue;
        }
        queue::save(conn, &row)?;
        if result.labels > 0 || row.state.is_closed() {
            let rule = consensus::default_rule();
            let from = Provenance {
                model: rules.model.number,
                method: rule.method(),
                method_version: rule.version(),
                closed_reason: reason,
                changed_at: now,
            };
            let dates = dates(rules, &current, &skills);
            stored::replace(conn, (row.tile, row.campaign_id), &result, dates.as_ref(), &from)?;
        }
        return Ok(row);
    }
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
    // An imported tile gets no more labels than it has: what they do not settle is contested.
    let settings = &Policy { maximum: rules.campaign.policy.maximum.min(row.maximum), ..rules.campaign.policy.clone() };
    let facts = policy::TileFacts {
        state: Some(row.state),
        proven: policy::proven(scale, &votes),
        second_look: policy::second_look(row.shuffle_key as u64, settings.second_look_share),
        first_settled_at: row.first_settled_at,
        skips: row.skips,
        unseen: beside.unseen,
        disputed: beside.disputed,
    };
    let verdict = policy::decide(scale, settings, &rules.model, &result, &facts);
    row.counted = result.labels;
    row.bucket = policy::bucket(&result);
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

fn is_running(campaign: &Campaign) -> bool {
    matches!(campaign.state, CampaignState::Open | CampaignState::Paused)
}

/// When the damage happened, by the counted labels that name a window.
fn dates(rules: &Rules, current: &[CurrentLabel], skills: &[Option<Known>]) -> Option<Dates> {
    let votes: Vec<_> = current
        .iter()
        .zip(skills)
        .filter(|(label, _)| label.counted)
        .filter_map(|(label, known)| Some((label.window?, known.as_ref().and_then(|known| known.window))))
        .collect();
    rules.timeline.as_ref()?.consensus(&votes)
}
