//! More tiles for a campaign that runs: places of an area that its scenes show and that were not among its tiles. What is
//! there already stays as it is.

use std::collections::HashSet;

use super::priorities::{level_of, outline};
use crate::domain::campaign::{Campaign, CampaignState, Tiling};
use crate::domain::scene::Scene;
use crate::domain::tile::Tile;
use crate::imagery::Archives;
use crate::services::scenes::derive_tiles::derive_tiles;
use crate::services::{Error, clock};
use crate::storage::campaigns::priority_areas;
use crate::storage::oversight::audit_log::{self, Act};
use crate::storage::scenes::footprints;
use crate::storage::scenes::tiles::{self, NewTile};
use crate::storage::{Conn, Store, campaigns, new_id, notify, scenes};

/// Most tiles that one act adds.
const MAX_NEW: usize = 100_000;

/// Adds the tiles of an area (a GeoJSON geometry) and returns how many there are; with `preview` it only counts them.
pub async fn extend(
    store: &Store,
    archives: &Archives,
    campaign: &Campaign,
    area: String,
    preview: bool,
    actor: Option<i64>,
) -> Result<usize, Error> {
    check_running(campaign)?;
    outline(&area).map_err(|reason| Error::invalid("area", reason))?;
    let id = campaign.id;
    let (shown, outlines) = store
        .read(move |conn| Ok::<_, Error>((scenes::of_campaign(conn, id)?, footprints::of_campaign(conn, id)?)))
        .await?;
    if shown.len() < 2 {
        let reason = "has fewer than two scenes in view: bring back what was withdrawn, or nobody could compare";
        return Err(Error::Conflict(format!("campaign `{}` {reason}", campaign.slug)));
    }
    let (archives, slug, seen) = (archives.clone(), campaign.slug.clone(), shown.clone());
    let tiling = Tiling { area: Some(area), ..campaign.tiling() };
    let derive = move || Ok::<_, Error>(derive_tiles(&slug, &seen, &archives, &tiling, &outlines)?.tiles);
    let derived = crate::services::scenes::ingest::blocking(derive).await?;
    if preview {
        let count = move |conn: &mut Conn| Ok::<_, Error>(fresh(conn, id, &derived)?.len());
        return store.read(count).await;
    }
    store.write(move |conn| keep(conn, id, (&shown, &derived), actor, clock::now_ms())).await
}

fn check_running(campaign: &Campaign) -> Result<(), Error> {
    if matches!(campaign.state, CampaignState::Open | CampaignState::Paused) {
        return Ok(());
    }
    let reason = "an area is extended while a campaign is open or paused";
    Err(Error::Conflict(format!("campaign `{}` is {}: {reason}", campaign.slug, campaign.state)))
}

/// Those that are no tile of the campaign yet.
fn fresh<'a>(conn: &mut Conn, campaign_id: i64, derived: &'a [NewTile]) -> Result<Vec<&'a NewTile>, Error> {
    let known: HashSet<String> = tiles::ids_of_campaign(conn, campaign_id)?.into_keys().collect();
    Ok(derived.iter().filter(|new| !known.contains(&new.tile.tile_id)).collect())
}

/// The one transaction. Deriving takes long: what the tiles were derived from has to be there still.
fn keep(
    conn: &mut Conn,
    campaign_id: i64,
    (shown, derived): (&[Scene], &[NewTile]),
    actor: Option<i64>,
    now: i64,
) -> Result<usize, Error> {
    campaigns::lock(conn, campaign_id)?;
    let gone = || Error::NotFound("the campaign is gone".into());
    let campaign = campaigns::by_id(conn, campaign_id)?.ok_or_else(gone)?;
    check_running(&campaign)?;
    if scenes::of_campaign(conn, campaign_id)? != shown {
        let reason = "a scene came or went meanwhile: look at the area again".into();
        return Err(Error::Conflict(reason));
    }
    let new = fresh(conn, campaign.id, derived)?;
    if new.len() > MAX_NEW {
        let reason = format!("this area has {} new tiles; at most {MAX_NEW} are added at a time", new.len());
        return Err(Error::invalid("area", reason));
    }
    let areas = priority_areas::of_campaign(conn, campaign.id)?;
    let mut bounds = campaign.bounds;
    for one in &new {
        let tile = Tile { id: new_id(), ..one.tile.clone() };
        let (id, bbox) = (tile.id, tile.bbox);
        let with_id = NewTile { tile, frames: one.frames.clone(), shuffle_key: one.shuffle_key };
        tiles::insert(conn, campaign.id, &with_id, &campaign.policy)?;
        let level = level_of(&areas, bbox);
        if level > 0 {
            priority_areas::set(conn, &[id], level)?;
        }
        bounds = Some(bounds.map_or(bbox, |bounds| bounds.union(bbox)));
    }
    if new.is_empty() {
        return Ok(0);
    }
    campaigns::set_tiling(conn, &Campaign { bounds, ..campaign.clone() })?;
    notify::tell(conn, &[campaign.id])?;
    let subject = format!("{} tiles", new.len());
    let act = Act { act: "extend_area", subject: &subject, reason: "", detail: "{}" };
    audit_log::note_in_full(conn, actor, Some(campaign.id), &act, now)?;
    Ok(new.len())
}
