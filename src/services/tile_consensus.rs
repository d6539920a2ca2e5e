//! Brings one tile in line with its labels: consensus, state, places. The one road by which a tile changes.

use crate::consensus::window::WindowSkill;
use crate::consensus::{self, Model, Skill, Vote, policy};
use crate::domain::campaign::{Campaign, CampaignKind, CampaignState};
use crate::domain::consensus::{Consensus, TileState};
use crate::storage::consensus::{Dates, Provenance};
use crate::storage::labels::CurrentLabel;
use crate::storage::queue::QueueRow;
use crate::storage::{Conn, campaigns, consensus as stored, labels, models, queue, scenes};

use super::Error;
use super::date_windows::Timeline;

/// Why a tile stays closed that a later model would have opened again.
const CAMPAIGN_CLOSED: &str = "campaign_closed";

/// What a tile's consensus depends on beside its labels: the campaign's scale and policy, and one frozen model.
pub struct Rules {
    /// The campaign.
    pub campaign: Campaign,
    /// The model in use.
    pub model: Model,
    /// In a timeline campaign, its scenes and the model of its date windows.
    pub timeline: Option<Timeline>,
}

impl Rules {
    /// Reads the rules of a campaign as they stand in this transaction.
    pub fn load(conn: &mut Conn, campaign_id: i64) -> Result<Rules, Error> {
        let campaign = campaigns::by_id(conn, campaign_id)?
            .ok_or_else(|| Error::Internal(format!("campaign {campaign_id} is missing")))?;
        let (model, windows) = match campaign.model {
            0 => (Model::zero(&campaign.scale), None),
            number => {
                let (tables, windows) = models::tables(conn, campaign_id, number)?;
                let unreadable = |_| Error::Internal(format!("model {number} of `{}` cannot be read", campaign.slug));
                (Model::from_bytes(&tables).map_err(unreadable)?, windows)
            }
        };
        let timeline = match campaign.kind {
            CampaignKind::Pair => None,
            CampaignKind::Timeline => Some(Timeline::new(scenes::ids_by_date(conn, campaign_id)?, windows)),
        };
        Ok(Rules { campaign, model, timeline })
    }
}

/// Forms the consensus of a locked tile from its current labels and writes what follows: state, labels needed, value.
///
/// Surplus labels fill places that are free again, in the order they came. `unseen` is the number of active volunteers
/// who could still be asked, where it is known. Gold stays as it is. Returns the row as written.
pub fn follow(
    conn: &mut Conn,
    rules: &Rules,
    mut row: QueueRow,
    unseen: Option<u32>,
    now: i64,
) -> Result<QueueRow, Error> {
    if row.gold {
        return Ok(row);
    }
    let mut current = labels::current_of_tile(conn, row.tile)?;
    let skills = skills(conn, rules, &current)?;
    // What comes in after the end of a campaign is kept beside its result.
    let running = is_running(&rules.campaign);
    loop {
        let (result, reason) = judge(rules, &mut row, &current, &skills, unseen, now);
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

/// The consensus of the counted labels; the row takes over what it means for the tile.
fn judge(
    rules: &Rules,
    row: &mut QueueRow,
    current: &[CurrentLabel],
    skills: &[Known],
    unseen: Option<u32>,
    now: i64,
) -> (Consensus, Option<&'static str>) {
    let scale = &rules.campaign.scale;
    let votes: Vec<Vote<'_>> = current
        .iter()
        .filter(|label| label.counted)
        .map(|label| Vote { answer: label.answer, skill: skill_of(skills, label.volunteer_id) })
        .collect();
    let result = consensus::default_rule().consensus(scale, &rules.model, &votes);
    let settings = &rules.campaign.policy;
    let facts = policy::TileFacts {
        state: Some(row.state),
        proven: policy::proven(scale, &votes),
        second_look: policy::second_look(row.shuffle_key as u64, settings.second_look_share),
        first_settled_at: row.first_settled_at,
        skips: row.skips,
        unseen,
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
fn dates(rules: &Rules, current: &[CurrentLabel], skills: &[Known]) -> Option<Dates> {
    let votes: Vec<_> = current
        .iter()
        .filter(|label| label.counted)
        .filter_map(|label| {
            let known = skills.iter().find(|(id, ..)| *id == label.volunteer_id);
            Some((label.window?, known.and_then(|(_, _, window)| *window)))
        })
        .collect();
    rules.timeline.as_ref()?.consensus(&votes)
}

/// What the model knows of a volunteer: with classes, and with date windows.
type Known = (i64, Skill, Option<WindowSkill>);

fn skills(conn: &mut Conn, rules: &Rules, current: &[CurrentLabel]) -> Result<Vec<Known>, Error> {
    if rules.model.number == 0 {
        return Ok(Vec::new());
    }
    let authors: Vec<i64> = current.iter().map(|label| label.volunteer_id).collect();
    let rows = labels::skills_of(conn, rules.campaign.id, rules.model.number, &authors)?;
    rows.into_iter()
        .map(|(volunteer, bytes, wrong, late)| {
            let skill = Skill::from_bytes(&bytes)
                .map_err(|_| Error::Internal(format!("the skill of volunteer {volunteer} cannot be read")))?;
            let window = wrong.zip(late).map(|(wrong, late)| WindowSkill { wrong, late });
            Ok((volunteer, skill, window))
        })
        .collect()
}

fn skill_of(skills: &[Known], volunteer: i64) -> Option<&Skill> {
    skills.iter().find(|(id, ..)| *id == volunteer).map(|(_, skill, _)| skill)
}
