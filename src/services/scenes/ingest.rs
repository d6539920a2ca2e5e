//! Adds a scene to a draft: cuts the file into an archive, then stores the scene and derives the tiles anew.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::align_scene::{align_scene, remember_alignment};
use super::bring_remote::RemoteScene;
use super::bring_tiles::{cannot_be_moved, holds_tiles, make_archive, source_sha256};
use super::later_scene;
use super::retile::{Change, Retiled, no_draft, retile};
use crate::domain::alignment::{Align, Alignment};
use crate::domain::campaign::{Campaign, CampaignState, TileSource};
use crate::domain::scene::{Captured, Scene};
use crate::domain::tiling_change::TilingChange;
use crate::imagery::tileset::fetch_tiles;
use crate::imagery::{
    Archives, CutRequest, CutScene, Footprint, FootprintReport, ImageryError, Look, Progress, check_length,
    finish_footprints, outlines_of_geopackage, read_footprints, report,
};
use crate::services::Error;
use crate::services::campaigns::change_state::find;
use crate::storage::scenes::footprints::FootprintRow;
use crate::storage::scenes::later_scenes::Joining;
use crate::storage::scenes::{geopackage, tiles};
use crate::storage::{Store, new_id, scenes};

/// A file to be ingested and what is known about it.
#[derive(Debug, Clone)]
pub struct NewScene {
    /// The GeoTIFF; or a folder of tiles, PMTiles or MBTiles.
    pub file: PathBuf,
    /// Tiles of another server, instead of a file.
    pub remote: Option<RemoteScene>,
    /// Whether the rows of a folder of tiles count from the south.
    pub tms: Option<bool>,
    /// When it was taken.
    pub captured: Captured,
    /// Name on screen; the file's name without one.
    pub title: Option<String>,
    /// What the file is called by whoever brought it, if it lies here under another name.
    pub file_name: Option<String>,
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
    /// File of building footprints: one tile for each.
    pub footprints: Option<PathBuf>,
    /// The scene of that id goes when this one is there: the same picture with another look, or a better one.
    pub replaces: Option<i64>,
    /// Who brings it; `None`: the operator, at the command line.
    pub actor: Option<i64>,
}

impl NewScene {
    /// A file of that date, shown as it says itself; nothing else is known about it.
    pub fn new(file: &Path, captured: Captured) -> NewScene {
        NewScene {
            file: file.to_owned(),
            remote: None,
            tms: None,
            captured,
            title: None,
            file_name: None,
            sensor: None,
            licence: None,
            attribution: None,
            look: Look::default(),
            align: Align::default(),
            zoom: None,
            footprints: None,
            replaces: None,
            actor: None,
        }
    }

    /// Tiles of another server, of that date.
    pub fn fetched(remote: RemoteScene, captured: Captured) -> NewScene {
        NewScene {
            title: Some(remote.title().to_owned()),
            remote: Some(remote.clone()),
            ..NewScene::new(Path::new(remote.called()), captured)
        }
    }

    /// Whether it is made of tiles that exist already.
    pub(super) fn brings_tiles(&self) -> bool {
        self.remote.is_some() || holds_tiles(&self.file)
    }

    /// The same with the credit line that its pictures must have.
    fn credited(mut self) -> Result<NewScene, Error> {
        if let Some(remote) = &self.remote {
            self.attribution = Some(remote.credit(self.attribution.as_deref())?);
        }
        Ok(self)
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
    /// What became of the tiles of a campaign under way.
    pub joining: Option<Joining>,
}

/// Ingests one scene. Repeating it changes nothing; a run that was killed can be repeated.
pub async fn ingest(
    store: &Store,
    archives: &Archives,
    slug: &str,
    new: NewScene,
    progress: Arc<dyn Progress + Send>,
) -> Result<Ingested, Error> {
    let (new, name) = (new.credited()?, slug.to_owned());
    let campaign = store.read(move |conn| find(conn, &name)).await?;
    refuse_new_pictures(store, &campaign, &new).await?;
    let aligned = align_scene(store, archives, campaign.id, &new).await?;
    let request = CutRequest { look: aligned.look, ..CutRequest::new(&new.file, archives.tiles_dir()) };
    // First the file that is read in a second: its faults must not show after an hour of cutting.
    let path = new.footprints.clone();
    let outlines = blocking(move || path.map(|path| outlines_of(&path)).transpose()).await?;
    let cut = match &new.remote {
        Some(_) if new.align == Align::Apply => return Err(cannot_be_moved()),
        Some(remote) => fetch_tiles(archives.tiles_dir(), &remote.tiles(store, &campaign).await?, progress).await?,
        None => {
            let new = new.clone();
            blocking(move || make_archive(&new, &request, &*progress)).await?
        }
    };
    let fresh = Fresh::new(archives.tiles_dir(), &cut);
    let report = outlines.as_deref().map(report).unwrap_or_default();
    let outlines = outlines.map(rows_of);
    let note = cut.note.clone();
    let tiling = TilingChange {
        source: outlines.is_some().then_some(TileSource::Footprints),
        zoom: new.zoom.map(Some),
        ..TilingChange::default()
    };
    let added = scene(&new, cut);
    // Before any scene names it: what is not stored yet can be sent again by repeating the ingest.
    archives.keep(&added.archive, &added.archive_sha256).await?;
    let (done, joining) = match campaign.state {
        CampaignState::Draft => {
            let change =
                Change { add: Some(added), remove: new.replaces, footprints: outlines, tiling, ..Change::default() };
            (fresh.unless(store, retile(store, archives, slug, change, new.actor).await).await?, None)
        }
        _ => {
            let joined = later_scene::join(store, archives, slug, added, new.actor).await;
            let later_scene::Joined { scene, joining } = fresh.unless(store, joined).await?;
            (as_retiled(store, &campaign, scene, joining).await?, joining)
        }
    };
    let Retiled { scene, changed, tiles, left_out, zoom } = done;
    let scene = scene.ok_or_else(|| Error::Internal("an ingest ended without its scene".into()))?;
    let alignment = remember_alignment(store, archives, &new, &scene, aligned.alignment).await?;
    Ok(Ingested { scene, changed, tiles, left_out, zoom, note, alignment, report, joining })
}

/// What came of a scene that joined, in the words of one that was added to a draft.
async fn as_retiled(
    store: &Store,
    campaign: &Campaign,
    scene: Scene,
    joining: Option<Joining>,
) -> Result<Retiled, Error> {
    let id = campaign.id;
    let tiles = store.read(move |conn| Ok::<_, Error>(tiles::count(conn, id)?)).await?;
    Ok(Retiled {
        scene: Some(scene),
        changed: joining.is_some(),
        tiles: usize::try_from(tiles).unwrap_or(usize::MAX),
        left_out: joining.map_or(0, |joining| joining.not_shown as usize),
        zoom: campaign.labelling_zoom,
    })
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
    check_length(path)?;
    let layer = geopackage::read(path).map_err(unusable)?;
    let epsg = layer
        .epsg
        .ok_or_else(|| unusable("its system has no EPSG code; ogr2ogr -t_srs EPSG:4326 out.gpkg in.gpkg".into()))?;
    let outlines = outlines_of_geopackage(layer.rows).map_err(unusable)?;
    Ok(finish_footprints(outlines, epsg).map_err(unusable)?)
}

/// Reads a file of footprints: as they are stored, and what is odd about them.
pub async fn bring_footprints(path: PathBuf) -> Result<(Vec<FootprintRow>, FootprintReport), Error> {
    blocking(move || {
        let outlines = outlines_of(&path)?;
        let oddities = report(&outlines);
        Ok((rows_of(outlines), oddities))
    })
    .await
}

/// Outlines as they are stored.
fn rows_of(outlines: Vec<Footprint>) -> Vec<FootprintRow> {
    outlines.into_iter().map(|one| FootprintRow { id: one.id, geometry: one.geometry, bbox: one.bbox }).collect()
}

/// Outside a draft a picture that is there already may pass, and one that may join a paused timeline: any other is refused
/// before minutes are spent on cutting it, and before an archive that nobody wants is left behind.
async fn refuse_new_pictures(store: &Store, campaign: &Campaign, new: &NewScene) -> Result<(), Error> {
    if campaign.state == CampaignState::Draft {
        return Ok(());
    }
    // What another server has now, nobody knows before it was fetched.
    if new.remote.is_some() {
        return Err(no_draft(campaign));
    }
    let id = campaign.id;
    let known = store.read(move |conn| Ok::<_, Error>(scenes::of_campaign(conn, id)?)).await?;
    let (file, tms) = (new.file.clone(), new.tms);
    let sha256 = blocking(move || source_sha256(&file, tms)).await?;
    if known.iter().any(|scene| scene.source_sha256 == sha256) {
        return Ok(());
    }
    later_scene::check(campaign, &known, new.captured)?;
    match new.footprints.is_some() || new.zoom.is_some_and(|zoom| Some(zoom) != campaign.labelling_zoom) {
        true => Err(Error::Conflict(
            "a scene that joins a campaign under way brings no footprints and no zoom: tiles stay".into(),
        )),
        false => Ok(()),
    }
}

fn scene(new: &NewScene, cut: CutScene) -> Scene {
    let file = new.file_name.as_ref().map_or_else(|| new.file.clone(), PathBuf::from);
    let name =
        |part: Option<&std::ffi::OsStr>| part.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Scene {
        id: new_id(),
        title: new.title.clone().unwrap_or_else(|| name(file.file_stem())),
        captured_from: new.captured.from,
        captured_to: new.captured.to,
        sensor: new.sensor.clone(),
        licence: new.licence.clone(),
        attribution: new.attribution.clone(),
        source_name: new.remote.as_ref().map_or_else(|| name(file.file_name()), |remote| remote.called().to_owned()),
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

pub(in crate::services) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(format!("an ingest ended early: {error}")))?
}
