//! Adds a scene to a draft: cuts the file into an archive, then stores the scene and derives the tiles anew.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::align_scene::{align_scene, remember_alignment};
use super::bring_tiles::{make_archive, source_sha256};
use super::change_state::find;
use super::derive_tiles::{Derived, Source, derive_tiles};
use super::{Error, clock};
use crate::domain::alignment::{Align, Alignment};
use crate::domain::bbox::Bbox;
use crate::domain::campaign::{Campaign, CampaignKind, CampaignState, TileSource};
use crate::domain::scene::{Captured, Scene};
use crate::imagery::{
    Archives, CutRequest, CutScene, Footprint, FootprintReport, ImageryError, Look, Outline, Progress,
    finish_footprints, from_geopackage, read_footprints, report,
};
use crate::storage::footprints::FootprintRow;
use crate::storage::{Conn, Store, audit_log, campaigns, footprints, geopackage, new_id, scenes, tiles};

/// A file to be ingested and what is known about it.
#[derive(Debug, Clone)]
pub struct NewScene {
    /// The GeoTIFF; or a folder of tiles, PMTiles or MBTiles.
    pub file: PathBuf,
    /// Whether the rows of a folder of tiles count from the south.
    pub tms: Option<bool>,
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
    /// What to do when it does not line up with the campaign's first scene.
    pub align: Align,
    /// Zoom of the campaign's tiles; what it was before, or what fits, without one.
    pub zoom: Option<u8>,
    /// GeoJSON file of building footprints: one tile for each.
    pub footprints: Option<PathBuf>,
}

impl NewScene {
    /// A file of that date, shown as it says itself; nothing else is known about it.
    pub fn new(file: &Path, captured: Captured) -> NewScene {
        NewScene {
            file: file.to_owned(),
            tms: None,
            captured,
            title: None,
            sensor: None,
            licence: None,
            attribution: None,
            look: Look::default(),
            align: Align::default(),
            zoom: None,
            footprints: None,
        }
    }
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
    /// How it lies on the campaign's first scene, where that was estimated.
    pub alignment: Option<Alignment>,
    /// What is odd about the footprints that were brought.
    pub report: FootprintReport,
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
    refuse_new_pictures(store, &campaign, &new).await?;
    let aligned = align_scene(store, archives, campaign.id, &new).await?;
    let request = CutRequest { look: aligned.look, ..CutRequest::new(&new.file, archives.tiles_dir()) };
    let (cut, outlines, fresh) = blocking({
        let path = new.footprints.clone();
        let new = new.clone();
        let tiles_dir = archives.tiles_dir().to_owned();
        move || {
            // First the file that is read in a second: its faults must not show after an hour of cutting.
            let outlines = path.map(|path| outlines_of(&path)).transpose()?;
            let cut = make_archive(&new, &request, &*progress)?;
            let fresh = Fresh::new(&tiles_dir, &cut);
            Ok((cut, outlines, fresh))
        }
    })
    .await?;
    let report = outlines.as_deref().map(report).unwrap_or_default();
    let outlines = outlines.map(|list: Vec<Footprint>| {
        list.into_iter().map(|one| FootprintRow { id: one.id, geometry: one.geometry, bbox: one.bbox }).collect()
    });
    let note = cut.note.clone();
    let planned = plan(store, archives, campaign, scene(&new, cut), outlines, new.zoom).await;
    let plan = fresh.unless(store, planned).await?;
    let (scene, tiles, left_out, zoom) =
        (plan.scene.clone(), plan.derived.tiles.len(), plan.derived.left_out, plan.derived.zoom);
    let tiles = plan.unchanged.unwrap_or(tiles);
    let plan = Arc::new(plan);
    let kept = store.write(move |conn| keep(conn, &plan, clock::now_ms())).await;
    let changed = fresh.unless(store, kept).await?;
    let alignment = remember_alignment(store, archives, &new, &scene, aligned.alignment).await?;
    Ok(Ingested { scene, changed, tiles, left_out, zoom, note, alignment, report })
}

/// The archive of an ingest that is under way: when the ingest is refused and nobody else wants it, it goes again.
struct Fresh(Option<(PathBuf, std::time::SystemTime)>);

impl Fresh {
    fn new(tiles_dir: &Path, cut: &CutScene) -> Fresh {
        let path = tiles_dir.join(&cut.archive);
        let written = std::fs::metadata(&path).and_then(|about| about.modified()).ok();
        Fresh(written.filter(|_| !cut.reused).map(|written| (path, written)))
    }

    /// Hands a result on. After a failure the archive is removed, unless a scene has it or another ingest has asked for
    /// it meanwhile (which changes its time).
    async fn unless<T>(&self, store: &Store, result: Result<T, Error>) -> Result<T, Error> {
        if let (Err(_), Some((path, written))) = (&result, &self.0) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let wanted = store.read(|conn| Ok::<_, Error>(scenes::archives(conn)?)).await;
            let alone = wanted.is_ok_and(|wanted| wanted.iter().all(|one| one.archive != name));
            let untouched = std::fs::metadata(path).and_then(|about| about.modified()).is_ok_and(|at| at == *written);
            if alone && untouched {
                // What cannot be removed now is found by `check_archives`.
                let _ = std::fs::remove_file(path);
            }
        }
        result
    }
}

/// Footprints from a file of any kind: a GeoPackage is a database, the others are read by themselves.
fn outlines_of(path: &Path) -> Result<Vec<Footprint>, Error> {
    let unusable = |reason: String| ImageryError::Unusable { file: path.display().to_string(), reason };
    let mut head = [0; 15];
    let is_database = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok();
    if !is_database || &head != b"SQLite format 3" {
        return Ok(read_footprints(path)?);
    }
    let layer = geopackage::read(path).map_err(unusable)?;
    let mut outlines = Vec::with_capacity(layer.rows.len());
    for (id, blob) in layer.rows {
        let polygons = blob.as_deref().ok_or_else(|| "has no geometry".to_owned()).and_then(from_geopackage);
        let polygons = polygons.map_err(|reason| unusable(format!("feature `{id}`: {reason}")))?;
        outlines.push(Outline { id: Some(id), polygons, properties: Default::default() });
    }
    let epsg = layer
        .epsg
        .ok_or_else(|| unusable("its system has no EPSG code; ogr2ogr -t_srs EPSG:4326 out.gpkg in.gpkg".into()))?;
    Ok(finish_footprints(outlines, epsg).map_err(unusable)?)
}

/// Outside a draft only a picture that is there already may pass, which changes nothing: any other is refused before
/// minutes are spent on cutting it, and before an archive that nobody wants is left behind.
async fn refuse_new_pictures(store: &Store, campaign: &Campaign, new: &NewScene) -> Result<(), Error> {
    if campaign.state == CampaignState::Draft {
        return Ok(());
    }
    let id = campaign.id;
    let known = store.read(move |conn| Ok::<_, Error>(scenes::of_campaign(conn, id)?)).await?;
    let (file, tms) = (new.file.clone(), new.tms);
    let sha256 = blocking(move || source_sha256(&file, tms)).await?;
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
    /// Nothing is to be written; the campaign has so many tiles.
    unchanged: Option<usize>,
    scenes: Vec<Scene>,
    /// Ids of the scenes that were there when the tiles were derived.
    before: Vec<i64>,
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
    let (mut all, stored, tiles_now) = store
        .read(move |conn| {
            let tiles_now = tiles::ids_of_campaign(conn, id)?.len();
            Ok::<_, Error>((scenes::of_campaign(conn, id)?, footprints::of_campaign(conn, id)?, tiles_now))
        })
        .await?;
    let before: Vec<i64> = all.iter().map(|scene| scene.id).collect();
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
    let same_zoom = zoom.is_none() || zoom == campaign.labelling_zoom;
    if known && outlines.is_none() && same_zoom {
        // Nothing to derive; the archives of the other scenes may even be missing, and brought back one after the other.
        let derived = Derived { tiles: Vec::new(), zoom: campaign.labelling_zoom, left_out: 0 };
        let unchanged = Some(tiles_now);
        return Ok(IngestPlan { campaign, scene, known, unchanged, scenes: all, before, footprints: None, derived });
    }
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
    Ok(IngestPlan { campaign, scene, known, unchanged: None, scenes: all, before, footprints: outlines, derived })
}

/// The one transaction: scene, footprints, tiles and frames, and what follows for the campaign. Returns whether
/// anything changed.
fn keep(conn: &mut Conn, plan: &IngestPlan, now: i64) -> Result<bool, Error> {
    if plan.unchanged.is_some() {
        return Ok(false);
    }
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
    let same_scenes = before.iter().map(|scene| scene.id).eq(plan.before.iter().copied());
    let same_tiling = (campaign.labelling_zoom, campaign.tile_source, campaign.bounds)
        == (plan.campaign.labelling_zoom, plan.campaign.tile_source, plan.campaign.bounds);
    if !same_scenes || !same_tiling {
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
    campaign.bounds = bounds(plan);
    campaigns::set_tiling(conn, &campaign)?;
    audit_log::note(conn, None, Some(id), ("ingest", &plan.scene.source_name), now)?;
    Ok(true)
}

/// The box around all tiles. Beyond the date line longitudes go on, as they do in the bounds of a scene.
fn bounds(plan: &IngestPlan) -> Option<Bbox> {
    let crosses = plan.scenes.iter().any(|scene| scene.bounds.east > 180.0);
    let unrolled = |new: &tiles::NewTile| match new.tile.bbox {
        bbox if crosses && bbox.east <= 0.0 => Bbox { west: bbox.west + 360.0, east: bbox.east + 360.0, ..bbox },
        bbox => bbox,
    };
    plan.derived.tiles.iter().map(unrolled).reduce(|a, b| a.union(b))
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

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(format!("an ingest ended early: {error}")))?
}
