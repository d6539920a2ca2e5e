//! Opens, pauses, closes and archives a campaign.

use super::checklist::checklist;
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::checklist::ItemState;
use crate::domain::job::JobKind;
use crate::services::Error;
use crate::services::oversight::exclude;
use crate::services::scenes::later_scene;
use crate::storage::campaigns::{imports, policy_versions};
use crate::storage::oversight::audit_log::{self, Act};
use crate::storage::{Conn, campaigns, gold, jobs, notify};

/// Moves a campaign to another state, without a word of why: see [`change_state_why`].
pub fn change_state(
    conn: &mut Conn,
    slug: &str,
    next: CampaignState,
    actor: Option<i64>,
    now: i64,
) -> Result<Campaign, Error> {
    change_state_why(conn, slug, (next, ""), actor, now)
}

/// Moves a campaign to another state, for a reason that stands in its log and may be empty; the same state again changes
/// nothing.
///
/// A draft opens when nothing on its check list blocks. A closed campaign that opens again hands out none of its check gold
/// any more. Without an actor it was the operator, at the command line.
pub fn change_state_why(
    conn: &mut Conn,
    slug: &str,
    (next, reason): (CampaignState, &str),
    actor: Option<i64>,
    now: i64,
) -> Result<Campaign, Error> {
    let reason = exclude::plain(reason)?;
    let campaign = find(conn, slug)?;
    campaigns::lock(conn, campaign.id)?;
    let campaign = find(conn, slug)?;
    if campaign.state == next {
        return Ok(campaign);
    }
    if !campaign.state.may_become(next) {
        return Err(Error::Conflict(format!(
            "campaign `{slug}` is {} and cannot become {next} from there",
            campaign.state
        )));
    }
    // Pausing is always allowed: a scene joins while its campaign is paused.
    if next != CampaignState::Paused {
        later_scene::check_none_joins(conn, &campaign)?;
    }
    if campaign.state == CampaignState::Paused && next == CampaignState::Open {
        check_none_comes(conn, &campaign)?;
    }
    if next == CampaignState::Archived {
        check_all_followed(conn, &campaign)?;
    }
    if campaign.state == CampaignState::Draft {
        check_ready(conn, &campaign, now)?;
    }
    if next == CampaignState::Open && imports::find(conn, campaign.id)?.is_some() {
        let reason = "was brought in from another system: it has no pictures to label";
        return Err(Error::Conflict(format!("campaign `{slug}` {reason}")));
    }
    campaigns::set_state(conn, &campaign, next, now)?;
    notify::tell(conn, &[campaign.id])?;
    let detail = match (campaign.state, next) {
        // While it was closed everybody could read the answers: what is handed out again must not be among them.
        (CampaignState::Closed, CampaignState::Open) => {
            serde_json::json!({"gold_worn_out": gold::wear_out(conn, campaign.id, now)?}).to_string()
        }
        _ => "{}".to_owned(),
    };
    let act = Act { act: "change_state", subject: next.key(), reason, detail: &detail };
    audit_log::note_in_full(conn, actor, Some(campaign.id), &act, now)?;
    find(conn, slug)
}

/// The campaign of that name, or an error that names it.
pub fn find(conn: &mut Conn, slug: &str) -> Result<Campaign, Error> {
    campaigns::find(conn, slug)?
        .ok_or_else(|| Error::NotFound(format!("there is no campaign `{slug}`: `aftermap campaign list` shows all")))
}

/// Refuses to open a campaign to which a later picture is on its way: it could not be added any more.
fn check_none_comes(conn: &mut Conn, campaign: &Campaign) -> Result<(), Error> {
    if jobs::unfinished(conn, campaign.id)?.iter().all(|job| job.kind != JobKind::Ingest) {
        return Ok(());
    }
    let reason =
        "a later picture is on its way, and is added only while the campaign is paused: wait for it, or stop it";
    Err(Error::Conflict(format!("campaign `{}` cannot open yet: {reason}", campaign.slug)))
}

/// Refuses to archive a campaign whose tiles have yet to follow what was decided: nothing changes in an archived one.
fn check_all_followed(conn: &mut Conn, campaign: &Campaign) -> Result<(), Error> {
    let behind = if policy_versions::unfinished(conn, campaign.id)?.is_some() {
        "a change of the policy"
    } else if exclude::recomputation(conn, campaign)?.running {
        "an exclusion, or the newest model of its volunteers"
    } else {
        return Ok(());
    };
    let reason = format!("its tiles still follow {behind}: try again in a few minutes");
    Err(Error::Conflict(format!("campaign `{}` cannot be archived yet: {reason}", campaign.slug)))
}

fn check_ready(conn: &mut Conn, campaign: &Campaign, now: i64) -> Result<(), Error> {
    let mut blocking = checklist(conn, campaign, now)?;
    blocking.retain(|item| item.state == ItemState::Blocking);
    if blocking.is_empty() {
        return Ok(());
    }
    let reasons: Vec<&str> = blocking.iter().map(|item| item.detail.as_str()).collect();
    let reason = format!("campaign `{}` cannot open yet: {}", campaign.slug, reasons.join("; "));
    Err(Error::NotReady(reason, blocking))
}
