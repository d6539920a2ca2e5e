//! Pauses and excludes volunteers in a campaign, lifts it again, and lets all maps follow.
//!
//! The act itself is one short transaction: from then on nobody named in it gets a tile. The labels follow in the
//! background, a few tiles at a time, and then a new model, however many labels there are; an interruption is taken up
//! again by the next round of the housekeeping. The log of labels is never touched.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::refollow::{follow_exclusions, take_back};
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::pseudonym::pseudonym;
use crate::domain::volunteer_quality::ExclusionKind;
use crate::services::labelling::tile_consensus::Rules;
use crate::services::refit::refit;
use crate::services::{Error, clock};
use crate::storage::labelling::{models, participations, queue};
use crate::storage::oversight::audit_log::{self, Act};
use crate::storage::oversight::exclusions::{self, Exclusion};
use crate::storage::{Conn, Store, campaigns, notify};

/// Tiles that follow in one transaction: few, so that submits never wait long for it.
const BATCH: i64 = 64;
/// Longest reason, in characters.
const LONGEST: usize = 500;
/// People of one act.
pub const AT_ONCE: usize = 500;

/// Who does something to whom, and why.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// Pseudonyms of those it is about.
    pub volunteers: &'a [String],
    /// The coordinator.
    pub actor: i64,
    /// In words; those it is about read it too.
    pub reason: &'a str,
}

/// Pauses or excludes volunteers; who is so already stays as they are. Returns the pseudonyms of those for whom anything
/// changed. [`follow_up`] does the rest.
pub fn impose(
    conn: &mut Conn,
    campaign: &Campaign,
    kind: ExclusionKind,
    order: &Order<'_>,
    now: i64,
) -> Result<Vec<String>, Error> {
    let reason = checked(order.reason)?;
    hold_unarchived(conn, campaign)?;
    let people = people(conn, campaign, order)?;
    let mut changed = Vec::new();
    for (name, volunteer) in &people {
        // The volunteer's turn: an answer under way is either in before, or knows of it.
        participations::take_turn(conn, campaign.id, *volunteer, now)?;
        match standing(conn, campaign, *volunteer)? {
            Some(one) if one.kind == kind => continue,
            Some(one) => exclusions::lift(conn, &one, order.actor, now)?,
            None => {}
        }
        exclusions::impose(conn, (campaign.id, *volunteer), (kind, reason), order.actor, now)?;
        changed.push(name.clone());
    }
    let verb = match kind {
        ExclusionKind::Paused => "pause_volunteers",
        ExclusionKind::Excluded => "exclude_volunteers",
    };
    note(conn, campaign, verb, &changed, order, now)?;
    Ok(changed)
}

/// Lifts what is in force on these volunteers. Returns the pseudonyms of those for whom anything changed.
pub fn lift(conn: &mut Conn, campaign: &Campaign, order: &Order<'_>, now: i64) -> Result<Vec<String>, Error> {
    checked(order.reason)?;
    hold_unarchived(conn, campaign)?;
    let mut changed = Vec::new();
    for (name, volunteer) in &people(conn, campaign, order)? {
        participations::take_turn(conn, campaign.id, *volunteer, now)?;
        if let Some(one) = standing(conn, campaign, *volunteer)? {
            exclusions::lift(conn, &one, order.actor, now)?;
            changed.push(name.clone());
        }
    }
    note(conn, campaign, "lift_exclusions", &changed, order, now)?;
    Ok(changed)
}

/// Holds the campaign's state, and refuses in an archived one: its labels follow nothing any more. Whoever archives it
/// waits for us, and finds that labels are still to follow.
fn hold_unarchived(conn: &mut Conn, campaign: &Campaign) -> Result<(), Error> {
    if campaigns::hold_state(conn, campaign.id)? != CampaignState::Archived {
        return Ok(());
    }
    let reason = "nobody is paused, excluded or let back in any more";
    Err(Error::Conflict(format!("campaign `{}` is archived: {reason}", campaign.slug)))
}

fn standing(conn: &mut Conn, campaign: &Campaign, volunteer: i64) -> Result<Option<Exclusion>, Error> {
    let all = exclusions::of_volunteer(conn, campaign.id, volunteer)?;
    Ok(all.into_iter().find(|one| one.lifted_at.is_none()))
}

fn checked(reason: &str) -> Result<&str, Error> {
    match plain(reason)? {
        "" => Err(Error::invalid("reason", "say why, in words that the person may read")),
        reason => Ok(reason),
    }
}

/// A reason for the log without blanks around it, which may be empty: short plain text.
pub fn plain(reason: &str) -> Result<&str, Error> {
    let reason = reason.trim();
    if reason.chars().count() > LONGEST || reason.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Error::invalid("reason", format!("a reason is plain text of at most {LONGEST} characters")));
    }
    Ok(reason)
}

/// The volunteers by their pseudonyms, in the order of their ids, in which everybody locks.
fn people(conn: &mut Conn, campaign: &Campaign, order: &Order<'_>) -> Result<Vec<(String, i64)>, Error> {
    if order.volunteers.is_empty() || order.volunteers.len() > AT_ONCE {
        return Err(Error::invalid("volunteers", format!("name 1 to {AT_ONCE} volunteers")));
    }
    let known = by_pseudonym(conn, campaign)?;
    let mut found = Vec::new();
    for name in order.volunteers {
        let id = known.get(name).ok_or_else(|| unknown(name))?;
        found.push((name.clone(), *id));
    }
    found.sort_unstable_by_key(|(_, id)| *id);
    found.dedup();
    Ok(found)
}

/// Everybody who ever asked for tiles of a campaign, by pseudonym.
pub fn by_pseudonym(conn: &mut Conn, campaign: &Campaign) -> Result<BTreeMap<String, i64>, Error> {
    let ids = participations::volunteers(conn, campaign.id)?;
    Ok(ids.into_iter().map(|id| (pseudonym(&campaign.pseudonym_key, id), id)).collect())
}

/// That nobody has such a pseudonym.
pub fn unknown(name: &str) -> Error {
    Error::NotFound(format!("this campaign has no volunteer `{name}`: take the pseudonym from the list"))
}

fn note(
    conn: &mut Conn,
    campaign: &Campaign,
    verb: &str,
    changed: &[String],
    order: &Order<'_>,
    now: i64,
) -> Result<(), Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let subject = match changed {
        [one] => one.clone(),
        many => format!("{} volunteers", many.len()),
    };
    let detail = json!({ "volunteers": changed }).to_string();
    let act = Act { act: verb, subject: &subject, reason: order.reason.trim(), detail: &detail };
    audit_log::note_in_full(conn, Some(order.actor), Some(campaign.id), &act, now)?;
    Ok(notify::tell(conn, &[campaign.id])?)
}

/// How far the maps have followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recomputation {
    /// Whether anything is still to be done.
    pub running: bool,
    /// Labels that are still to be left out or brought back.
    pub labels: u64,
    /// Whether a new model is still to be made.
    pub model: bool,
    /// Whether tiles still stand on an older model.
    pub tiles: bool,
}

/// How far the maps have followed all acts.
pub fn recomputation(conn: &mut Conn, campaign: &Campaign) -> Result<Recomputation, Error> {
    let labels = exclusions::labels_behind(conn, campaign.id)?.unsigned_abs();
    let unapplied = exclusions::any_unapplied(conn, campaign.id)?;
    let newest = models::newest(conn, campaign.id)?;
    let stale = exclusions::changed_since(conn, campaign.id, newest.labels_until)?;
    let model = newest.number > 0 && (unapplied || stale);
    // By the newest model, not by the campaign as it was read: a model may have come in between.
    let tiles = !queue::behind_model(conn, campaign.id, newest.number, i64::MIN, 1)?.is_empty();
    Ok(Recomputation { running: labels > 0 || unapplied || model || tiles, labels, model, tiles })
}

/// Longer than the clock's smallest step.
const A_MOMENT: Duration = Duration::from_millis(2);

/// Lets labels, model and maps follow, until they have.
pub async fn follow_up(store: &Store, campaign: &Campaign) -> Result<(), Error> {
    apply(store, campaign).await?;
    // In the millisecond in which the labels followed, nobody could tell whether the model knows of it.
    tokio::time::sleep(A_MOMENT).await;
    refit(store, campaign, false).await.map(drop)
}

/// Leaves labels out and brings them back, a few tiles at a time, each under its own lock.
pub async fn apply(store: &Store, campaign: &Campaign) -> Result<(), Error> {
    let id = campaign.id;
    let due = move |conn: &mut Conn| {
        Ok::<_, Error>(exclusions::any_unapplied(conn, id)? || !exclusions::tiles_behind(conn, id, 1)?.is_empty())
    };
    if !store.read(due).await? {
        return Ok(());
    }
    let began = clock::now_ms();
    store.write(move |conn| take_back_all(conn, id)).await?;
    while store.write(move |conn| step(conn, id)).await? {}
    let done = move |conn: &mut Conn| {
        campaigns::hold_state(conn, id)?;
        exclusions::set_applied(conn, id, began, clock::now_ms())?;
        Ok::<_, Error>(notify::tell(conn, &[id])?)
    };
    store.write(done).await
}

fn step(conn: &mut Conn, campaign_id: i64) -> Result<bool, Error> {
    let rules = Rules::load(conn, campaign_id)?;
    let tiles = exclusions::tiles_behind(conn, campaign_id, BATCH)?;
    for tile in &tiles {
        follow_exclusions(conn, &rules, *tile, clock::now_ms())?;
    }
    Ok(!tiles.is_empty())
}

fn take_back_all(conn: &mut Conn, campaign_id: i64) -> Result<(), Error> {
    let now = clock::now_ms();
    campaigns::hold(conn, campaign_id)?;
    let rows = exclusions::in_force(conn, campaign_id)?;
    let mut held: Vec<i64> =
        (rows.iter()).filter(|one| one.kind == ExclusionKind::Excluded).map(|one| one.volunteer_id).collect();
    held.sort_unstable();
    for volunteer in held {
        participations::take_turn(conn, campaign_id, volunteer, now)?;
        take_back(conn, campaign_id, volunteer, now)?;
    }
    Ok(())
}
