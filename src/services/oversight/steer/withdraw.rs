//! Takes a scene or a tile out of view, after a legal demand or because it endangers somebody, and brings it back.
//!
//! From the moment this is stored nobody is given it, no image of it is served, and it stands in no map or download. Its
//! labels stay in the log. Releases made before never change; they are marked instead.

use super::priorities;
use crate::domain::campaign::Campaign;
use crate::services::Error;
use crate::services::labelling::tile_consensus::{self, Rules};
use crate::services::scenes::later_scene;
use crate::storage::labelling::queue;
use crate::storage::oversight::audit_log::{self, Act};
use crate::storage::oversight::withdrawals::{self, Withdrawn};
use crate::storage::scenes::{later_scenes, tiles};
use crate::storage::{Conn, campaigns, notify, scenes};

/// What is to be withdrawn, as the outside names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The scene of this id.
    Scene(i64),
    /// The tile of this public id.
    Tile(String),
}

/// What a withdrawal did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Id of the withdrawal.
    pub id: i64,
    /// Tiles that came back from volunteers' hands.
    pub leases_ended: usize,
}

/// Withdraws a scene or tile of the campaign.
pub fn withdraw(
    conn: &mut Conn,
    campaign: &Campaign,
    target: &Target,
    reason: &str,
    actor: Option<i64>,
    now: i64,
) -> Result<Outcome, Error> {
    let reason = super::check_reason(reason)?;
    // Whoever takes or answers tiles holds the campaign: they are before this or behind it.
    campaigns::lock(conn, campaign.id)?;
    let (what, act, name) = find(conn, campaign, target)?;
    if !withdrawals::mark(conn, what, Some(now))? {
        return Err(Error::Conflict(format!("`{name}` is withdrawn already")));
    }
    let id = withdrawals::insert(conn, campaign.id, what, &reason, (actor, now))?;
    let leases_ended = withdrawals::follow(conn, campaign.id, what, now)?;
    notify::tell(conn, &[campaign.id])?;
    let detail = serde_json::json!({ "withdrawal": id.to_string(), "leases_ended": leases_ended }).to_string();
    let act = Act { act, subject: &name, reason: &reason, detail: &detail };
    audit_log::note_in_full(conn, actor, Some(campaign.id), &act, now)?;
    Ok(Outcome { id, leases_ended })
}

/// Brings back what a withdrawal took out of view. Surplus labels that came in meanwhile take free places.
///
/// Returns the scene, if it is one that was withdrawn before all tiles had followed it: its tiles follow now
/// ([`later_scene::go_on`]).
pub fn bring_back(
    conn: &mut Conn,
    campaign: &Campaign,
    id: i64,
    reason: &str,
    actor: Option<i64>,
    now: i64,
) -> Result<Option<i64>, Error> {
    let reason = super::check_reason(reason)?;
    campaigns::lock(conn, campaign.id)?;
    let missing = || Error::NotFound(format!("there is no withdrawal `{id}` in force here"));
    let what = withdrawals::in_force(conn, campaign.id, id)?.ok_or_else(missing)?;
    let joins = joining_scene(conn, campaign, what, now)?;
    withdrawals::mark(conn, what, None)?;
    withdrawals::lift(conn, id, &reason, (actor, now))?;
    withdrawals::follow(conn, campaign.id, what, now)?;
    if let Withdrawn::Tile(tile) = what {
        // Areas that were drawn meanwhile passed it over.
        priorities::follow_one(conn, campaign.id, tile)?;
    }
    let rules = Rules::load(conn, campaign.id)?;
    for tile in withdrawals::with_surplus(conn, what)? {
        let row = queue::lock(conn, tile)?;
        tile_consensus::follow(conn, &rules, row, None, now)?;
    }
    notify::tell(conn, &[campaign.id])?;
    let subject = id.to_string();
    let act = Act { act: "bring_back", subject: &subject, reason: &reason, detail: "{}" };
    audit_log::note_in_full(conn, actor, Some(campaign.id), &act, now)?;
    Ok(joins)
}

/// The scene that comes back, where it was withdrawn while it joined.
fn joining_scene(conn: &mut Conn, campaign: &Campaign, what: Withdrawn, now: i64) -> Result<Option<i64>, Error> {
    let Withdrawn::Scene(scene) = what else { return Ok(None) };
    if !later_scenes::is_unfinished(conn, scene)? {
        return Ok(None);
    }
    let gone = || Error::NotFound("the campaign is gone".into());
    let campaign = campaigns::by_id(conn, campaign.id)?.ok_or_else(gone)?;
    later_scene::join_anew(conn, &campaign, scene, now)?;
    Ok(Some(scene))
}

fn find(conn: &mut Conn, campaign: &Campaign, target: &Target) -> Result<(Withdrawn, &'static str, String), Error> {
    match target {
        Target::Scene(id) => {
            let title = scenes::title_of(conn, campaign.id, *id)?;
            let title = title.ok_or_else(|| Error::NotFound(format!("there is no scene `{id}` in this campaign")))?;
            Ok((Withdrawn::Scene(*id), "withdraw_scene", title))
        }
        Target::Tile(tile_id) => {
            let missing = || Error::NotFound(format!("there is no tile `{tile_id}` in this campaign"));
            let known = !tile_id.contains('\0');
            let tile = if known { tiles::id_of(conn, campaign.id, tile_id)? } else { None };
            Ok((Withdrawn::Tile(tile.ok_or_else(missing)?), "withdraw_tile", tile_id.clone()))
        }
    }
}
