//! More or fewer labels for each tile while a campaign runs: what it would mean, and doing it.
//!
//! A change is a new version of the policy. Open tiles follow it at once, in small batches; closed tiles stay as they were
//! decided, unless the coordinator asks. What decided a tile is the version that was in force when it closed.

use serde_json::{Map, Value};

use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::consensus::TileState;
use crate::domain::policy::Policy;
use crate::services::labelling::tile_consensus::{self, Rules};
use crate::services::{Error, clock};
use crate::storage::campaigns::imports;
use crate::storage::campaigns::policy_versions::{self as stored, PolicyVersion};
use crate::storage::labelling::queue::{self, QueueRow};
use crate::storage::oversight::audit_log::{self, Act};
use crate::storage::oversight::reviews;
use crate::storage::{Conn, Store, campaigns, notify};

/// Tiles that one transaction brings in line.
const BATCH: i64 = 64;
/// Batches that the request itself waits for; the rest follows in the background.
const AT_ONCE: usize = 50;
/// Labelled tiles that a preview looks at; of more it reckons.
const LOOKED_AT: usize = 5_000;

/// A change that a coordinator thinks of.
#[derive(Debug, Clone)]
pub struct Change {
    /// Settings of the policy that differ.
    pub settings: Map<String, Value>,
    /// Whether tiles that the crowd closed are decided anew too.
    pub closed_too: bool,
}

/// What a change would do to the tiles of a campaign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effect {
    /// Open tiles now.
    pub open: u64,
    /// Open tiles that would settle at once.
    pub would_settle: u64,
    /// Open tiles that would be contested at once.
    pub would_be_contested: u64,
    /// Closed tiles that would open again; 0 where those are left alone.
    pub would_reopen: u64,
    /// Labels that open tiles ask for now, at least.
    pub labels_wanted: u64,
    /// The same after the change.
    pub labels_wanted_then: u64,
    /// Whether the numbers were reckoned from a part of the tiles.
    pub estimated: bool,
}

/// The policy with these settings in place of its own.
pub fn changed(policy: &Policy, settings: &Map<String, Value>) -> Result<Policy, Error> {
    let unreadable = |error: serde_json::Error| Error::invalid("policy", error.to_string());
    let mut all = serde_json::to_value(policy).map_err(unreadable)?;
    if let Value::Object(fields) = &mut all {
        fields.extend(settings.clone());
    }
    let policy: Policy = serde_json::from_value(all).map_err(unreadable)?;
    policy.check()?;
    Ok(policy)
}

/// What a change would do; nothing is written.
pub fn preview(conn: &mut Conn, campaign: &Campaign, change: &Change) -> Result<Effect, Error> {
    reckon(conn, campaign, change, LOOKED_AT)
}

/// The same from a look at no more than so many labelled tiles.
pub fn reckon(conn: &mut Conn, campaign: &Campaign, change: &Change, look_at: usize) -> Result<Effect, Error> {
    let policy = changed(&campaign.policy, &change.settings)?;
    let first = policy.first_needed().min(policy.maximum);
    let rules = Rules::load(conn, campaign.id)?.under(policy);
    let mut effect = Effect::default();
    let (mut labelled, mut untouched) = (0u64, 0u64);
    for (counted, needed, tiles) in stored::open_by_count(conn, campaign.id)? {
        let tiles = tiles.unsigned_abs();
        effect.open += tiles;
        effect.labels_wanted += tiles * u64::from((needed - counted).max(0).unsigned_abs());
        if counted == 0 { untouched += tiles } else { labelled += tiles }
    }
    let tiles = stored::labelled(conn, campaign.id, change.closed_too, look_at as i64)?;
    let (mut open, mut closed) = (Found::default(), Found::default());
    for tile in &tiles {
        let before = queue::look(conn, *tile)?;
        let found = if before.state.is_closed() { &mut closed } else { &mut open };
        found.looked_at += 1;
        if waits_for_reviewers(conn, &before)? {
            continue;
        }
        let after = tile_consensus::foresee(conn, &rules, before, change.closed_too)?;
        match after.state {
            TileState::Open => found.open += 1,
            TileState::Contested => found.contested += 1,
            _ => found.settled += 1,
        }
        if after.state == TileState::Open {
            found.wanted += u64::from(after.needed.saturating_sub(after.counted));
        }
    }
    effect.estimated = tiles.len() == look_at;
    if effect.estimated {
        open = open.of(labelled);
        closed = closed.of(stored::labelled_and_closed(conn, campaign.id)?.unsigned_abs());
    }
    effect.would_settle = open.settled;
    effect.would_be_contested = open.contested;
    effect.would_reopen = closed.open;
    effect.labels_wanted_then = open.wanted + closed.wanted + untouched * u64::from(first);
    Ok(effect)
}

/// What would become of tiles that are alike: all open, or all closed.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    looked_at: u64,
    open: u64,
    settled: u64,
    contested: u64,
    /// Labels that those would ask for that are open then.
    wanted: u64,
}

impl Found {
    /// The same of so many tiles, of which these are a part drawn by lot.
    fn of(self, all: u64) -> Found {
        let share = if self.looked_at > 0 { all as f64 / self.looked_at as f64 } else { 0.0 };
        let scaled = |number: u64| (number as f64 * share).round() as u64;
        Found {
            looked_at: all,
            open: scaled(self.open),
            settled: scaled(self.settled),
            contested: scaled(self.contested),
            wanted: scaled(self.wanted),
        }
    }
}

/// Whether reviewers differ about a tile: it waits for the third of them, not for the crowd.
fn waits_for_reviewers(conn: &mut Conn, row: &QueueRow) -> Result<bool, Error> {
    Ok(row.state == TileState::Contested && reviews::is_disputed(conn, row.tile)?)
}

/// Puts a change in force and brings the tiles in line: some now, the rest in the background. Returns the number of the
/// version, which is the one before where nothing decides otherwise, and whether all tiles follow it.
pub async fn change(
    store: &Store,
    campaign: &Campaign,
    change: Change,
    reason: String,
    actor: Option<i64>,
) -> Result<(u32, bool), Error> {
    let id = campaign.id;
    let put = move |conn: &mut Conn| put_in_force(conn, id, &change, &reason, actor, clock::now_ms());
    let version = store.write(put).await?;
    let mut done = false;
    for _ in 0..AT_ONCE {
        done = follow_some(store, id).await?;
        if done {
            break;
        }
    }
    Ok((version, done))
}

/// The policies of a campaign so far, the one in force last; also where it never changed.
pub fn history(conn: &mut Conn, campaign: &Campaign) -> Result<Vec<PolicyVersion>, Error> {
    let mut all = stored::of_campaign(conn, campaign.id)?;
    if all.is_empty() {
        all.push(first_version(campaign));
    }
    Ok(all)
}

fn first_version(campaign: &Campaign) -> PolicyVersion {
    let from = campaign.opened_at.unwrap_or(campaign.created_at);
    PolicyVersion {
        version: 1,
        policy: campaign.policy.clone(),
        reason: String::new(),
        changed_by: None,
        in_force_from: from,
        closed_too: false,
        applied_at: Some(from),
    }
}

fn put_in_force(
    conn: &mut Conn,
    campaign_id: i64,
    change: &Change,
    reason: &str,
    actor: Option<i64>,
    now: i64,
) -> Result<u32, Error> {
    let reason = super::check_reason(reason)?;
    // Whoever labels holds the campaign: they are before the change or behind it.
    campaigns::lock(conn, campaign_id)?;
    let missing = || Error::NotFound("the campaign is gone".into());
    let campaign = campaigns::by_id(conn, campaign_id)?.ok_or_else(missing)?;
    if !matches!(campaign.state, CampaignState::Open | CampaignState::Paused) {
        let reason = "how tiles are decided changes here while a campaign is open or paused";
        return Err(Error::Conflict(format!("campaign `{}` is {}: {reason}", campaign.slug, campaign.state)));
    }
    if imports::find(conn, campaign_id)?.is_some() {
        return Err(Error::Conflict(format!("campaign `{}` was brought in: it asks for no labels", campaign.slug)));
    }
    let policy = changed(&campaign.policy, &change.settings)?;
    let before = campaigns::policy_version(conn, campaign_id)?;
    if policy == campaign.policy && !change.closed_too {
        return Ok(before);
    }
    if stored::of_campaign(conn, campaign_id)?.is_empty() {
        stored::insert(conn, campaign_id, &first_version(&campaign))?;
    }
    let version = before + 1;
    // Closed tiles that an earlier change has not come to yet must not be forgotten over this one.
    let overtaken = stored::unfinished(conn, campaign_id)?;
    let closed_too = change.closed_too || overtaken.is_some_and(|one| one.closed_too);
    let new = PolicyVersion {
        version,
        policy: policy.clone(),
        reason: reason.clone(),
        changed_by: actor,
        in_force_from: now,
        closed_too,
        applied_at: None,
    };
    stored::insert(conn, campaign_id, &new)?;
    campaigns::set_policy(conn, campaign_id, &policy)?;
    campaigns::set_policy_version(conn, campaign_id, version)?;
    let detail = serde_json::json!({
        "version": version, "settings": change.settings, "closed_too": closed_too,
    });
    let (subject, detail) = (format!("version {version}"), detail.to_string());
    let act = Act { act: "change_policy", subject: &subject, reason: &reason, detail: &detail };
    audit_log::note_in_full(conn, actor, Some(campaign_id), &act, now)?;
    Ok(version)
}

/// Brings the next few tiles of a campaign in line with its newest policy; true where all are.
pub async fn follow_some(store: &Store, campaign_id: i64) -> Result<bool, Error> {
    if store.read(move |conn| Ok::<_, Error>(stored::unfinished(conn, campaign_id)?)).await?.is_none() {
        return Ok(true);
    }
    store.write(move |conn| follow_batch(conn, campaign_id, clock::now_ms())).await
}

fn follow_batch(conn: &mut Conn, campaign_id: i64, now: i64) -> Result<bool, Error> {
    let rules = Rules::load(conn, campaign_id)?;
    let Some(version) = stored::unfinished(conn, campaign_id)? else { return Ok(true) };
    let tiles = stored::tiles_to_follow(conn, campaign_id, version.closed_too, version.tiles_after, BATCH)?;
    for tile in &tiles {
        follow_one(conn, &rules, *tile, version.closed_too, now)?;
    }
    let last = (tiles.len() as i64) < BATCH;
    let after = tiles.last().copied().unwrap_or(version.tiles_after);
    stored::advance(conn, campaign_id, version.version, (after, last.then_some(now)))?;
    if last {
        notify::tell(conn, &[campaign_id])?;
    }
    Ok(last)
}

/// Brings one tile in line, under its lock. A closed tile that closes again keeps its time.
fn follow_one(conn: &mut Conn, rules: &Rules, tile: i64, anew: bool, now: i64) -> Result<(), Error> {
    let mut row = queue::lock(conn, tile)?;
    if row.gold || row.state == TileState::Reviewed || (row.state.is_closed() && !anew) {
        return Ok(());
    }
    if waits_for_reviewers(conn, &row)? {
        return Ok(());
    }
    let (state, closed_at) = (row.state, row.closed_at);
    let running = matches!(rules.campaign.state, CampaignState::Open | CampaignState::Paused);
    row.maximum = rules.campaign.policy.maximum.max(row.counted);
    row.needed = row.needed.min(row.maximum);
    tile_consensus::open_anew(rules, &mut row);
    let mut row = tile_consensus::follow(conn, rules, row, None, now)?;
    if row.state == TileState::Open && state.is_closed() && !running {
        // A campaign that is over asks nobody any more: an expert has to look.
        (row.state, row.closed_at) = (TileState::Contested, closed_at);
        queue::save(conn, &row)?;
    } else if row.state == state && row.closed_at != closed_at {
        row.closed_at = closed_at;
        queue::save(conn, &row)?;
    }
    Ok(())
}
