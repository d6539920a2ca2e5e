//! A later scene for a timeline campaign that is paused: it joins, and the tiles follow.
//!
//! First the scene is stored, in one transaction. Then tile after tile is shown it, a few in each transaction: the tile gets
//! its frame, leases on it end, and labels that say nothing about the new scene are set aside
//! ([`crate::consensus::later_scene`]). How far that is stands in the scene's row, so a run that was killed is gone on with by
//! repeating it; until it is done the campaign cannot open.
//!
//! Whoever labelled a tile may be given it again: their answer was about a shorter timeline, it is one voice still, and a
//! small group would otherwise have no eyes left for the new scene.

mod follow;
pub(in crate::services) mod view;

use std::sync::Arc;

use super::derive_tiles::shared;
use crate::domain::campaign::{Campaign, CampaignKind, CampaignState};
use crate::domain::scene::{Captured, Scene};
use crate::imagery::Archives;
use crate::services::campaigns::change_state;
use crate::services::{Error, clock};
use crate::storage::oversight::audit_log::{self, Act};
use crate::storage::scenes::later_scenes::{self, Joining};
use crate::storage::{Conn, Store, campaigns, notify, scenes};

/// What came of a later scene.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// The scene, new or as it was.
    pub scene: Scene,
    /// What became of the tiles; `None` where the scene was there already and nothing had to be done.
    pub joining: Option<Joining>,
}

/// Whether a scene of that time may join the campaign as it is now; `known` are its scenes by date.
///
/// # Errors
/// [`Error::Conflict`] with what to do instead.
pub fn check(campaign: &Campaign, known: &[Scene], captured: Captured) -> Result<(), Error> {
    let slug = &campaign.slug;
    if campaign.state != CampaignState::Paused {
        let reason = "scenes are added to a draft, and to a timeline while it is paused";
        return Err(Error::Conflict(format!("campaign `{slug}` is {}: {reason}", campaign.state)));
    }
    if campaign.kind != CampaignKind::Timeline {
        let reason = "compares two scenes, and its answers are about those: make a new campaign with the later scene";
        return Err(Error::Conflict(format!("campaign `{slug}` {reason}")));
    }
    let Some(last) = known.last() else { return Ok(()) };
    if captured.from <= last.captured_to {
        return Err(Error::Conflict(format!(
            "a scene that joins a campaign under way has to be later than its last one, `{}`, which was taken until {}; \
             this one was taken from {} on",
            last.title,
            clock::rfc3339(last.captured_to),
            clock::rfc3339(captured.from)
        )));
    }
    Ok(())
}

/// Lets a scene join whose archive is there, and its tiles follow. Repeating changes nothing; a run that was killed is gone
/// on with.
pub async fn join(
    store: &Store,
    archives: &Archives,
    slug: &str,
    scene: Scene,
    actor: Option<i64>,
) -> Result<Joined, Error> {
    let (name, new) = (slug.to_owned(), Arc::new(scene));
    let scene = store.write(move |conn| begin(conn, &name, &new, actor, clock::now_ms())).await?;
    let name = slug.to_owned();
    let campaign = store.read(move |conn| Ok::<_, Error>(change_state::find(conn, &name)?.id)).await?;
    let joining = go_on(store, archives, campaign, scene.id, actor).await?;
    Ok(Joined { scene, joining })
}

/// Lets the tiles that are left follow a scene that joins; what became of all of them, or `None` where nothing is left.
pub async fn go_on(
    store: &Store,
    archives: &Archives,
    campaign: i64,
    scene: i64,
    actor: Option<i64>,
) -> Result<Option<Joining>, Error> {
    let mut done = None;
    while let Some(under_way) = store.read(move |conn| Ok::<_, Error>(later_scenes::under_way(conn, campaign)?)).await?
    {
        if under_way.id != scene {
            break;
        }
        done = Some(follow::some(store, archives, campaign, under_way, actor).await?);
    }
    Ok(done)
}

/// A scene that was withdrawn before all tiles had followed it comes back: it joins anew, all tiles from the first on, since
/// people labelled without it meanwhile. The caller holds the campaign, and lets the tiles follow ([`go_on`]).
pub(in crate::services) fn join_anew(conn: &mut Conn, campaign: &Campaign, scene: i64, now: i64) -> Result<(), Error> {
    if campaign.state != CampaignState::Paused {
        let reason =
            "this scene was withdrawn while it joined, and goes on where it comes back: pause the campaign first";
        return Err(Error::Conflict(format!("campaign `{}` is {}: {reason}", campaign.slug, campaign.state)));
    }
    if let Some(other) = later_scenes::under_way(conn, campaign.id)? {
        return Err(Error::Conflict(still_joining(&campaign.slug, &other.title)));
    }
    Ok(later_scenes::begin(conn, scene, now)?)
}

/// Stores the scene, unless it is there; returns it as it stands.
fn begin(conn: &mut Conn, slug: &str, new: &Scene, actor: Option<i64>, now: i64) -> Result<Scene, Error> {
    let id = change_state::find(conn, slug)?.id;
    campaigns::lock(conn, id)?;
    let campaign = change_state::find(conn, slug)?;
    let known = scenes::of_campaign(conn, id)?;
    if let Some(there) = known.iter().find(|scene| scene.archive == new.archive) {
        if (there.captured_from, there.captured_to) != (new.captured_from, new.captured_to) {
            let reason = format!("as `{}` with another date", there.title);
            return Err(Error::Conflict(format!("this picture is in campaign `{slug}` already, {reason}")));
        }
        return Ok(there.clone());
    }
    let captured = Captured { from: new.captured_from, to: new.captured_to };
    check(&campaign, &known, captured)?;
    if let Some(other) = later_scenes::under_way(conn, id)? {
        return Err(Error::Conflict(still_joining(slug, &other.title)));
    }
    let place = campaign.bounds.or(known.last().map(|last| last.bounds));
    if place.is_some_and(|bounds| shared(bounds, new.bounds).is_none()) {
        let reason = "shows none of its tiles: check that it shows the same place";
        return Err(Error::Conflict(format!("`{}` cannot join campaign `{slug}`: it {reason}", new.title)));
    }
    scenes::insert(conn, id, new, now)?;
    later_scenes::begin(conn, new.id, now)?;
    notify::tell(conn, &[id])?;
    note(conn, &campaign, ("add_later_scene", new), serde_json::json!({}), (actor, now))?;
    Ok(new.clone())
}

/// Notes an act about a joining scene, with what tiles are judged by. The scene stands in it by number: names of files may
/// name people, and the log only grows.
fn note(
    conn: &mut Conn,
    campaign: &Campaign,
    (act, scene): (&str, &Scene),
    mut detail: serde_json::Value,
    (actor, now): (Option<i64>, i64),
) -> Result<(), Error> {
    detail["policy_version"] = campaigns::policy_version(conn, campaign.id)?.into();
    detail["model"] = campaign.model.into();
    let detail = detail.to_string();
    let subject = scene.id.to_string();
    let act = Act { act, subject: &subject, reason: "", detail: &detail };
    Ok(audit_log::note_in_full(conn, actor, Some(campaign.id), &act, now)?)
}

/// Refuses to open, close or archive a campaign whose tiles follow a later scene.
pub fn check_none_joins(conn: &mut Conn, campaign: &Campaign) -> Result<(), Error> {
    match later_scenes::under_way(conn, campaign.id)? {
        Some(scene) => Err(Error::Conflict(still_joining(&campaign.slug, &scene.title))),
        None => Ok(()),
    }
}

fn still_joining(slug: &str, title: &str) -> String {
    format!(
        "campaign `{slug}` still takes in the scene `{title}`: wait for its job to end, or bring the same file again if that \
         failed"
    )
}
