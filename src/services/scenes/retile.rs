//! Changes what a draft's tiles are made of (scenes, footprints, zoom, area), and derives the tiles anew: the one road to
//! a campaign's tiles. All of it happens or nothing.

use std::collections::HashSet;
use std::sync::Arc;

use super::derive_tiles::{Derived, derive_tiles};
use super::ingest::blocking;
use crate::domain::bbox::Bbox;
use crate::domain::campaign::{Campaign, CampaignKind, CampaignState, TileSource};
use crate::domain::scene::{Captured, Scene};
use crate::domain::tile::Tile;
use crate::domain::tiling_change::TilingChange;
use crate::imagery::Archives;
use crate::services::campaigns::change_state::find;
use crate::services::{Error, clock};
use crate::storage::oversight::audit_log;
use crate::storage::scenes::footprints::FootprintRow;
use crate::storage::scenes::{footprints, tiles};
use crate::storage::{Conn, Store, campaigns, gold, new_id, scenes};

/// What is to be otherwise; what is not named stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// A scene that is new.
    pub add: Option<Scene>,
    /// The scene of that id goes.
    pub remove: Option<i64>,
    /// The scene of that id was taken at another time.
    pub redate: Option<(i64, Captured)>,
    /// Footprints in the place of whatever the campaign had.
    pub footprints: Option<Vec<FootprintRow>>,
    /// How tiles are made.
    pub tiling: TilingChange,
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Retiled {
    /// The scene that was added, or that was there already.
    pub scene: Option<Scene>,
    /// Whether anything in the database changed.
    pub changed: bool,
    /// Tiles of the campaign now.
    pub tiles: usize,
    /// Cells or footprints left out for want of a picture.
    pub left_out: usize,
    /// Zoom of grid cells.
    pub zoom: Option<u8>,
}

/// Makes the change. Repeating it changes nothing; a run that was killed left the old state and can be repeated.
///
/// # Errors
/// [`Error::Conflict`] outside a draft, where scenes do not overlap, where no tile would be left, and where something
/// else changed the campaign meanwhile.
pub async fn retile(
    store: &Store,
    archives: &Archives,
    slug: &str,
    change: Change,
    actor: Option<i64>,
) -> Result<Retiled, Error> {
    let name = slug.to_owned();
    let before = store.read(move |conn| Before::read(conn, &name)).await?;
    let plan = plan(archives, before, change).await?;
    let mut done = Retiled {
        scene: plan.scene.clone(),
        changed: false,
        tiles: plan.unchanged.unwrap_or(plan.derived.tiles.len()),
        left_out: plan.derived.left_out,
        zoom: plan.derived.zoom,
    };
    let plan = Arc::new(plan);
    done.changed = store.write(move |conn| keep(conn, &plan, actor, clock::now_ms())).await?;
    Ok(done)
}

/// What there is before a change.
struct Before {
    campaign: Campaign,
    scenes: Vec<Scene>,
    footprints: Vec<FootprintRow>,
    tiles: usize,
}

impl Before {
    fn read(conn: &mut Conn, slug: &str) -> Result<Before, Error> {
        let campaign = find(conn, slug)?;
        Ok(Before {
            scenes: scenes::of_campaign(conn, campaign.id)?,
            footprints: footprints::of_campaign(conn, campaign.id)?,
            tiles: tiles::ids_of_campaign(conn, campaign.id)?.len(),
            campaign,
        })
    }
}

/// Everything that the transaction will write.
struct Plan {
    /// The campaign as it was when the tiles were derived, and as it is to be.
    before: Campaign,
    after: Campaign,
    scenes_before: Vec<Scene>,
    scenes: Vec<Scene>,
    scene: Option<Scene>,
    change: Change,
    derived: Derived,
    /// Nothing is to be written; the campaign has so many tiles.
    unchanged: Option<usize>,
}

/// Derives the tiles, outside any transaction: it may take minutes.
async fn plan(archives: &Archives, before: Before, mut change: Change) -> Result<Plan, Error> {
    let Before { campaign, scenes: scenes_before, footprints: stored, tiles } = before;
    let (scenes, scene) = scenes_after(&campaign, &scenes_before, &mut change)?;
    change.footprints = change.footprints.map(sorted).filter(|rows| *rows != stored);
    let tiling = change.tiling.applied_to(&campaign.tiling())?;
    let outlines = change.footprints.clone().unwrap_or(stored);
    if tiling.source == TileSource::Footprints && outlines.is_empty() {
        return Err(Error::invalid("tiles.source", "this campaign has no footprints yet: bring them first"));
    }
    let mut after = campaign.clone();
    after.set_tiling(tiling.clone());
    let same = scenes == scenes_before && change.footprints.is_none() && tiling == campaign.tiling();
    if same {
        // Nothing to derive; the archives of other scenes may even be missing, and brought back one after the other.
        let derived = Derived { tiles: Vec::new(), zoom: campaign.labelling_zoom, left_out: 0 };
        let unchanged = Some(tiles);
        return Ok(Plan { before: campaign, after, scenes_before, scenes, scene, change, derived, unchanged });
    }
    let (slug, archives, all) = (campaign.slug.clone(), archives.clone(), scenes.clone());
    let derived = blocking(move || derive_tiles(&slug, &all, &archives, &tiling, &outlines)).await?;
    after.kind = if scenes.len() > 2 { CampaignKind::Timeline } else { CampaignKind::Pair };
    after.labelling_zoom = derived.zoom;
    after.bounds = bounds(&scenes, &derived);
    Ok(Plan { before: campaign, after, scenes_before, scenes, scene, change, derived, unchanged: None })
}

/// The scenes after the change by date, and the one that is added. One that is there already is not added again.
fn scenes_after(
    campaign: &Campaign,
    before: &[Scene],
    change: &mut Change,
) -> Result<(Vec<Scene>, Option<Scene>), Error> {
    let mut all = before.to_vec();
    if let (Some(new), Some(old)) = (&change.add, change.remove) {
        // What replaces a scene and turns out to be the same leaves it as it is.
        let same = before.iter().any(|scene| scene.id == old && scene.archive == new.archive);
        change.remove = Some(old).filter(|_| !same);
    }
    if let Some(id) = change.remove {
        all.retain(|scene| scene.id != id);
    }
    if let Some((id, captured)) = change.redate {
        let unknown = || Error::NotFound(format!("campaign `{}` has no scene `{id}` any more", campaign.slug));
        let scene = all.iter_mut().find(|scene| scene.id == id).ok_or_else(unknown)?;
        (scene.captured_from, scene.captured_to) = (captured.from, captured.to);
    }
    let mut added = change.add.clone();
    if let Some(scene) = &mut added {
        match all.iter().find(|other| other.archive == scene.archive) {
            Some(other) if (other.captured_from, other.captured_to) == (scene.captured_from, scene.captured_to) => {
                *scene = other.clone();
                change.add = None;
            }
            Some(other) => {
                return Err(Error::Conflict(format!(
                    "this picture is in campaign `{}` already, as `{}` with another date",
                    campaign.slug, other.title
                )));
            }
            None => all.push(scene.clone()),
        }
    }
    all.sort_by_key(|scene| (scene.captured_from, scene.captured_to, scene.id));
    Ok((all, added))
}

/// The one transaction. Returns whether anything changed.
fn keep(conn: &mut Conn, plan: &Plan, actor: Option<i64>, now: i64) -> Result<bool, Error> {
    if plan.unchanged.is_some() {
        return Ok(false);
    }
    let id = plan.before.id;
    campaigns::lock(conn, id)?;
    let campaign = find(conn, &plan.before.slug)?;
    if campaign.state != CampaignState::Draft {
        return Err(no_draft(&campaign));
    }
    let same_scenes = scenes::of_campaign(conn, id)? == plan.scenes_before;
    let same_tiling = (campaign.tiling(), campaign.bounds) == (plan.before.tiling(), plan.before.bounds);
    if !same_scenes || !same_tiling {
        return Err(Error::Conflict("something else changed this campaign's scenes meanwhile: run this again".into()));
    }
    check_some_tile(plan)?;
    if let Some(scene) = &plan.change.add {
        scenes::insert(conn, id, scene, now)?;
    }
    if let Some((scene, captured)) = plan.change.redate {
        scenes::set_captured(conn, scene, captured)?;
    }
    if let Some(rows) = &plan.change.footprints {
        footprints::replace(conn, id, rows)?;
    }
    replace_tiles(conn, &campaign, &plan.derived)?;
    if let Some(scene) = plan.change.remove {
        remove_scene(conn, id, scene)?;
    }
    campaigns::set_tiling(conn, &plan.after)?;
    let (act, subject) = noted(plan);
    audit_log::note(conn, actor, Some(id), (act, &subject), now)?;
    Ok(true)
}

/// Refuses a change after which there would be nothing to label.
fn check_some_tile(plan: &Plan) -> Result<(), Error> {
    let [first, .., last] = plan.scenes.as_slice() else { return Ok(()) };
    if !plan.derived.tiles.is_empty() {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "no tile has a picture in both `{}` and `{}`: check that both show the same place",
        first.title, last.title
    )))
}

fn remove_scene(conn: &mut Conn, campaign: i64, scene: i64) -> Result<(), Error> {
    if gold::names_scene(conn, campaign, scene)? {
        let reason = "gold answers name this scene as last intact or first damaged: take that gold away first";
        return Err(Error::Conflict(reason.into()));
    }
    Ok(scenes::remove(conn, scene)?)
}

/// What the audit log says of a change. Scenes stand in it by number: names of files may name people, and it only grows.
fn noted(plan: &Plan) -> (&'static str, String) {
    let change = &plan.change;
    match (&change.add, change.remove, change.redate, &change.footprints) {
        (Some(scene), ..) => ("ingest", scene.id.to_string()),
        (None, Some(scene), ..) => ("remove_scene", scene.to_string()),
        (None, None, Some((scene, _)), _) => ("redate_scene", scene.to_string()),
        (None, None, None, Some(rows)) => ("bring_footprints", rows.len().to_string()),
        _ => ("retile", TilingChange::names(&plan.before.tiling(), &plan.after.tiling()).join(" ")),
    }
}

/// The box around all tiles. Beyond the date line longitudes go on, as they do in the bounds of a scene.
fn bounds(scenes: &[Scene], derived: &Derived) -> Option<Bbox> {
    let crosses = scenes.iter().any(|scene| scene.bounds.east > 180.0);
    let unrolled = |new: &tiles::NewTile| match new.tile.bbox {
        bbox if crosses && bbox.east <= 0.0 => Bbox { west: bbox.west + 360.0, east: bbox.east + 360.0, ..bbox },
        bbox => bbox,
    };
    derived.tiles.iter().map(unrolled).reduce(|a, b| a.union(b))
}

/// Removes tiles that are no longer derived, adds the new ones, and gives the others their frames and squares. Those
/// keep their id.
fn replace_tiles(conn: &mut Conn, campaign: &Campaign, derived: &Derived) -> Result<(), Error> {
    let before = tiles::ids_of_campaign(conn, campaign.id)?;
    let after: HashSet<&str> = derived.tiles.iter().map(|new| new.tile.tile_id.as_str()).collect();
    let gone: Vec<i64> = before.iter().filter(|(name, _)| !after.contains(name.as_str())).map(|(_, id)| *id).collect();
    tiles::remove(conn, &gone)?;
    for new in &derived.tiles {
        match before.get(&new.tile.tile_id) {
            Some(id) => {
                tiles::set_frames(conn, *id, &new.frames)?;
                if new.tile.cell.is_none() {
                    tiles::reshape(conn, *id, &new.tile)?;
                }
            }
            None => {
                let tile = Tile { id: new_id(), ..new.tile.clone() };
                let new = tiles::NewTile { tile, frames: new.frames.clone(), shuffle_key: new.shuffle_key };
                tiles::insert(conn, campaign.id, &new, &campaign.policy)?;
            }
        }
    }
    Ok(())
}

/// Scenes and tiles change in drafts only.
pub(in crate::services) fn no_draft(campaign: &Campaign) -> Error {
    Error::Conflict(format!(
        "campaign `{}` is {}: its scenes and tiles can only change while it is a draft",
        campaign.slug, campaign.state
    ))
}

fn sorted(mut rows: Vec<FootprintRow>) -> Vec<FootprintRow> {
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    rows
}
