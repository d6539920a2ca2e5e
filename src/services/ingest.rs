//! Adds a scene to a draft: cuts the file into an archive, then stores the scene and derives the tiles anew.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::change_state::find;
use super::derive_tiles::{Derived, Source, derive_tiles};
use super::{Error, clock};
use crate::domain::campaign::{Campaign, CampaignKind, CampaignState, TileSource};
use crate::domain::scene::{Captured, Scene};
use crate::imagery::{Archives, CutRequest, CutScene, Look, Progress, cut_scene, hash_file, read_footprints};
use crate::storage::footprints::FootprintRow;
use crate::storage::{Conn, Store, audit_log, campaigns, footprints, new_id, scenes, tiles};

/// A file to be ingested and what is known about it.
#[derive(Debug, Clone)]
pub struct NewScene {
    /// The GeoTIFF.
    pub file: PathBuf,
    /// When it was taken.
    pub captured: Captured,
    /// Name on screen; the file's name without one.
    pub title: Option<String>,
    /// Satellite or aircraft.
    pub sensor: Option<String>,
    /// Licence of the imagery.
    pub licence: Option<String>,
    /// Credit line.
    pub attribution: Option<String>,
    /// How the picture is to be shown, where the file's own word is not wanted.
    pub look: Look,
    /// Zoom of the campaign's tiles; what it was before, or what fits, without one.
    pub zoom: Option<u8>,
    /// GeoJSON file of building footprints: one tile for each.
    pub footprints: Option<PathBuf>,
}

/// What an ingest did.
#[derive(Debug, Clone, PartialEq)]
pub struct Ingested {
    /// The scene, new or as it was.
    pub scene: Scene,
    /// Whether anything in the database changed.
    pub changed: bool,
    /// Tiles of the campaign now.
    pub tiles: usize,
    /// Cells or footprints left out for want of a picture.
    pub left_out: usize,
    /// Zoom of grid cells.
    pub zoom: Option<u8>,
    /// How bands became colours and how "no picture" was known.
    pub note: String,
}

/// Ingests one scene. Repeating it changes nothing; a run that was killed can be repeated.
pub async fn ingest(
    store: &Store,
    archives: &Archives,
    slug: &str,
    new: NewScene,
    progress: Arc<dyn Progress + Send>,
) -> Result<Ingested, Error> {
    let name = slug.to_owned();
    let campaign = store.read(move |conn| find(conn, &name)).await?;
    refuse_new_pictures(store, &campaign, new.file.clone()).await?;
    let request = CutRequest { look: new.look.clone(), ..CutRequest::new(&new.file, archives.tiles_dir()) };
    let (cut, outlines) = blocking({
        let path = new.footprints.clone();
        move || {
            // First the file that is read in a second: its faults must not show after an hour of cutting.
            let outlines = path.map(|path| read_footprints(&path)).transpose()?;
            Ok((cut_scene(&request, &*progress)?, outlines))
        }
    })
    .await?;
    let outlines = outlines.map(|list| {
        list.into_iter().map(|one| FootprintRow { id: one.id, geometry: one.geometry, bbox: one.bbox }).collect()
    });
    let note = cut.note.clone();
    let plan = plan(store, archives, campaign, scene(&new, cut), outlines, new.zoom).await?;
    let (scene, tiles, left_out, zoom) =
        (plan.scene.clone(), plan.derived.tiles.len(), plan.derived.left_out, plan.derived.zoom);
    let plan = Arc::new(plan);
    let changed = store.write(move |conn| keep(conn, &plan, clock::now_ms())).await?;
    Ok(Ingested { scene, changed, tiles, left_out, zoom, note })
}

/// Outside a draft only a picture that is there already may pass, which changes nothing: any other is refused before
/// minutes are spent on cutting it, and before an archive that nobody wants is left behind.
async fn refuse_new_pictures(store: &Store, campaign: &Campaign, file: PathBuf) -> Result<(), Error> {
    if campaign.state == CampaignState::Draft {
        return Ok(());
    }
    let id = campaign.id;
    let known = store.read(move |conn| Ok::<_, Error>(scenes::of_campaign(conn, id)?)).await?;
    let sha256 = blocking(move || Ok(hash_file(&file)?)).await?;
    match known.iter().any(|scene| scene.source_sha256 == sha256) {
        true => Ok(()),
        false => Err(no_draft(campaign)),
    }
}

fn no_draft(campaign: &Campaign) -> Error {
    Error::Conflict(format!(
        "campaign `{}` is {}: its scenes and tiles can only change while it is a draft",
        campaign.slug, campaign.state
    ))
}

/// Everything that the transaction of an ingest will write.
struct IngestPlan {
    campaign: Campaign,
    scene: Scene,
    known: bool,
    scenes: Vec<Scene>,
    footprints: Option<Vec<FootprintRow>>,
    derived: Derived,
}

/// Reads what is there and derives the tiles, outside any transaction: it may take minutes.
async fn plan(
    store: &Store,
    archives: &Archives,
    campaign: Campaign,
    mut scene: Scene,
    outlines: Option<Vec<FootprintRow>>,
    zoom: Option<u8>,
) -> Result<IngestPlan, Error> {
    let id = campaign.id;
    let (mut all, stored) = store
        .read(move |conn| Ok::<_, Error>((scenes::of_campaign(conn, id)?, footprints::of_campaign(conn, id)?)))
        .await?;
    let known = match all.iter().find(|other| other.archive == scene.archive) {
        Some(other) if (other.captured_from, other.captured_to) == (scene.captured_from, scene.captured_to) => {
            scene = other.clone();
            true
        }
        Some(other) => {
            return Err(Error::Conflict(format!(
                "this picture is in campaign `{}` already, as `{}` with another date",
                campaign.slug, other.title
            )));
        }
        None => false,
    };
    if !known {
        all.push(scene.clone());
        all.sort_by_key(|scene| (scene.captured_from, scene.captured_to, scene.id));
    }
    let outlines = outlines.map(sorted).filter(|rows| *rows != stored);
    let outlines_after = outlines.clone().unwrap_or(stored);
    let (slug, archives, scenes) = (campaign.slug.clone(), archives.clone(), all.clone());
    let cells = zoom.or(campaign.labelling_zoom);
    let derived = blocking(move || {
        let source = match outlines_after.as_slice() {
            [] => Source::Cells(cells),
            rows => Source::Footprints(rows),
        };
        derive_tiles(&slug, &scenes, &archives, &source)
    })
    .await?;
    Ok(IngestPlan { campaign, scene, known, scenes: all, footprints: outlines, derived })
}

/// The one transaction: scene, footprints, tiles and frames, and what follows for the campaign. Returns whether
/// anything changed.
fn keep(conn: &mut Conn, plan: &IngestPlan, now: i64) -> Result<bool, Error> {
    let id = plan.campaign.id;
    campaigns::lock(conn, id)?;
    let mut campaign = find(conn, &plan.campaign.slug)?;
    let before = scenes::of_campaign(conn, id)?;
    let unchanged = plan.known && plan.footprints.is_none() && plan.derived.zoom == campaign.labelling_zoom;
    if unchanged && before.len() == plan.scenes.len() {
        return Ok(false);
    }
    if campaign.state != CampaignState::Draft {
        return Err(no_draft(&campaign));
    }
    let expected = plan.scenes.len() - usize::from(!plan.known);
    if before.len() != expected {
        return Err(Error::Conflict("another ingest changed this campaign meanwhile: run this one again".into()));
    }
    if plan.scenes.len() > 1 && plan.derived.tiles.is_empty() {
        return Err(Error::Conflict(format!(
            "no tile has a picture in both `{}` and `{}`: check that both show the same place",
            plan.scenes[0].title,
            plan.scenes[plan.scenes.len() - 1].title
        )));
    }
    if !plan.known {
        scenes::insert(conn, id, &plan.scene, now)?;
    }
    if let Some(rows) = &plan.footprints {
        footprints::replace(conn, id, rows)?;
    }
    replace_tiles(conn, &campaign, plan)?;
    campaign.kind = if plan.scenes.len() > 2 { CampaignKind::Timeline } else { CampaignKind::Pair };
    campaign.labelling_zoom = plan.derived.zoom;
    campaign.tile_source = if plan.derived.zoom.is_some() { TileSource::Cells } else { TileSource::Footprints };
    campaign.bounds = plan.derived.tiles.iter().map(|new| new.tile.bbox).reduce(|a, b| a.union(b));
    campaigns::set_tiling(conn, &campaign)?;
    audit_log::note(conn, None, Some(id), ("ingest", &plan.scene.source_name), now)?;
    Ok(true)
}

/// Removes tiles that are no longer derived, adds the new ones, and gives the others their frames. Those keep their id.
fn replace_tiles(conn: &mut Conn, campaign: &Campaign, plan: &IngestPlan) -> Result<(), Error> {
    let before = tiles::ids_of_campaign(conn, campaign.id)?;
    let after: HashSet<&str> = plan.derived.tiles.iter().map(|new| new.tile.tile_id.as_str()).collect();
    let gone: Vec<i64> = before.iter().filter(|(name, _)| !after.contains(name.as_str())).map(|(_, id)| *id).collect();
    tiles::remove(conn, &gone)?;
    for new in &plan.derived.tiles {
        match before.get(&new.tile.tile_id) {
            Some(id) => tiles::set_frames(conn, *id, &new.frames)?,
            None => {
                let tile = crate::domain::tile::Tile { id: new_id(), ..new.tile.clone() };
                let new = tiles::NewTile { tile, frames: new.frames.clone(), shuffle_key: new.shuffle_key };
                tiles::insert(conn, campaign.id, &new, &campaign.policy)?;
            }
        }
    }
    Ok(())
}

fn scene(new: &NewScene, cut: CutScene) -> Scene {
    let name =
        |part: Option<&std::ffi::OsStr>| part.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Scene {
        id: new_id(),
        title: new.title.clone().unwrap_or_else(|| name(new.file.file_stem())),
        captured_from: new.captured.from,
        captured_to: new.captured.to,
        sensor: new.sensor.clone(),
        licence: new.licence.clone(),
        attribution: new.attribution.clone(),
        source_name: name(new.file.file_name()),
        source_sha256: cut.source_sha256,
        archive: cut.archive,
        archive_sha256: cut.archive_sha256,
        crs: cut.crs,
        pixel_size_m: cut.pixel_size_m,
        min_zoom: cut.min_zoom,
        max_zoom: cut.max_zoom,
        bounds: cut.bounds,
    }
}

fn sorted(mut rows: Vec<FootprintRow>) -> Vec<FootprintRow> {
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    rows
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(format!("an ingest ended early: {error}")))?
}
