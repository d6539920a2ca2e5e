//! Releases: making one, listing them, and their files, which never change.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::domain::campaign::{Campaign, ReleaseLevel};
use crate::domain::citation;
use crate::domain::coarse::CoarseCell;
use crate::domain::release::{self as domain, Changes, ReleaseFile};
use crate::domain::scale::Scale;
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::frozen::{Frozen, send};
use crate::http::gate::{Anyone, App, CampaignVisit, CellReader, Coordinator, InCampaign, refusal};
use crate::http::wire::rfc3339;
use crate::services::maps::release::{NewRelease, check, outlook, published_cells, release};
use crate::services::{self};
use crate::storage::Conn;
use crate::storage::maps::{releases, validation};
use crate::storage::oversight::withdrawals;

/// Where the files of releases are. Cheap to clone.
#[derive(Clone)]
pub struct Shelf {
    home: PathBuf,
    /// One release is made at a time.
    turn: Arc<Semaphore>,
    /// Files whose checksum this process has compared.
    verified: Arc<Mutex<HashSet<(i64, String)>>>,
}

impl Shelf {
    /// In this folder, which is made when it is needed.
    pub fn new(home: PathBuf) -> Shelf {
        Shelf { home, turn: Arc::new(Semaphore::new(1)), verified: Arc::default() }
    }

    /// Opens a file; the first time in the life of this process its checksum is compared. Blocks.
    fn open(&self, release: &domain::Release, file: &ReleaseFile) -> Result<std::fs::File, services::Error> {
        let opened = check::open(&self.home, release, file)?;
        let key = (release.id, file.name.clone());
        let known =
            |set: &Mutex<HashSet<_>>| set.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).contains(&key);
        if !known(&self.verified) {
            check::verify(&self.home, release.id, file).map_err(|reason| {
                let (name, version) = (&file.name, release.version);
                services::Error::Internal(format!("{name} of release {version} {reason}: restore it from a backup"))
            })?;
            self.verified.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(key);
        }
        Ok(opened)
    }
}

/// What a new release is to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseWanted {
    /// Words about it.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    notes: String,
    /// Organisations or people that are named as its authors; those of the release before if none is given, so the
    /// first release needs one.
    #[serde(default)]
    authors: Vec<String>,
    /// The version that it must become, so that the same request sent twice makes one release.
    version: Option<u32>,
    /// Make it though tiles that closed in the last ten minutes read as open in what everybody gets; refused otherwise.
    #[serde(default)]
    incomplete: bool,
}

/// What a release made now would and would not hold.
#[derive(Serialize, ToSchema)]
pub struct ReleaseOutlook {
    /// Tiles that closed less than ten minutes ago: what everybody gets would show them as open.
    not_yet_shown: u64,
    /// When the last of them would be in it; `null` where there are none.
    #[schema(required, format = DateTime)]
    complete_at: Option<String>,
    /// Tiles that the crowd could not decide and no expert has.
    contested: u64,
    /// Tiles that ask for labels.
    open: u64,
    /// Whether a sample for validation was ever drawn.
    validated: bool,
}

/// How a release is cited.
#[derive(Serialize, ToSchema)]
pub struct ReleaseCitation {
    #[serde(flatten)]
    fields: citation::Citation,
    /// The citation in one line.
    text: String,
}

/// A file of a release.
#[derive(Serialize, ToSchema)]
pub struct ReleasedFile {
    #[serde(flatten)]
    file: ReleaseFile,
    /// Its address, which never changes.
    path: String,
}

/// A frozen, numbered, checksummed state of a campaign's map.
#[derive(Serialize, ToSchema)]
pub struct Release {
    /// 1 for the first.
    version: u32,
    /// The moment whose state it holds.
    #[schema(format = DateTime)]
    as_of: String,
    /// For whom its tiles were made.
    level: ReleaseLevel,
    /// Number of the model in use then.
    model: u32,
    notes: String,
    citation: ReleaseCitation,
    /// What changed since the release before; `null` where that may not be told.
    #[schema(required)]
    changes: Option<Changes>,
    /// What it still shows and was taken out of view since: read the campaign's later releases instead.
    withdrawn: Vec<WithdrawnSince>,
    /// The files that you may have.
    files: Vec<ReleasedFile>,
}

/// Something that was withdrawn after a release was made.
#[derive(Serialize, ToSchema)]
pub struct WithdrawnSince {
    #[schema(format = DateTime)]
    at: String,
    /// `scene` or `tile`.
    what: &'static str,
}

/// The releases of a campaign, newest first.
#[derive(Serialize, ToSchema)]
pub struct Releases {
    releases: Vec<Release>,
    /// The version that the next one becomes.
    next_version: u32,
    /// Whether you may make it.
    may_release: bool,
    /// For whom a release made now would be.
    level: ReleaseLevel,
    /// What it would hold; `null` for those who may not make it.
    #[schema(required)]
    outlook: Option<ReleaseOutlook>,
}

/// Share of one class among the closed tiles of a cell.
#[derive(Serialize, ToSchema)]
pub struct ClassShare {
    class: String,
    share: f64,
}

/// An area cell of a coarsened map.
#[derive(Serialize, ToSchema)]
pub struct AreaCell {
    /// Its name, `z-x-y`.
    cell: String,
    /// West, south, east, north; degrees.
    bbox: [f64; 4],
    tiles: u64,
    closed_tiles: u64,
    /// One for each class of the scale, in its order.
    shares: Vec<ClassShare>,
    damaged_share: f64,
    /// How many labels it holds, roughly: `5-9`, `10-19`, … `1000+`.
    labels: &'static str,
}

/// The map of a coarsened campaign, as everybody sees it: the cells of its newest release.
#[derive(Serialize, ToSchema)]
pub struct AreaCells {
    /// The release they are of; `null` before the first one.
    #[schema(required)]
    release: Option<u32>,
    cells: Vec<AreaCell>,
}

/// The releases of a campaign
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/releases", operation_id = "list_releases",
    params(("slug" = String, Path, description = "Name of the campaign")), responses((status = 200, body = Releases)))]
pub async fn list(door: InCampaign<Anyone>) -> Result<HttpResponse, Error> {
    let listed = door.read(|conn, visit| {
        let all = releases::of_campaign(conn, visit.campaign.id)?;
        let gone = withdrawals::since(conn, visit.campaign.id, i64::MIN)?;
        let may_release = visit.viewer.may_coordinate(&visit.campaign);
        Ok(Releases {
            outlook: if may_release { Some(looked_ahead(conn, visit)?) } else { None },
            next_version: all.first().map_or(0, |newest| newest.version) + 1,
            releases: all.into_iter().filter_map(|one| shown(visit, &gone, one)).collect(),
            may_release,
            level: visit.campaign.release_level,
        })
    });
    Ok(HttpResponse::Ok().json(listed.await?))
}

/// Freeze the map as it is now as the next version
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/releases", operation_id = "make_release",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = ReleaseWanted,
    responses((status = 201, body = Release)))]
pub async fn make(
    app: Data<App>,
    door: InCampaign<Coordinator>,
    body: Body<ReleaseWanted>,
) -> Result<HttpResponse, Error> {
    let ReleaseWanted { notes, authors, version, incomplete } = body.0;
    let public_url = app.public_url.as_ref().map(|url| url.to_string());
    let new = NewRelease { notes, authors, version, incomplete, public_url };
    let shelf = app.shelf.clone();
    let made = door.serve(|store, visit| async move {
        let busy = || services::Error::Conflict("another release is being made: wait until it is there".into());
        let turn = shelf.turn.clone().try_acquire_owned().map_err(|_| busy())?;
        let (campaign, by) = (visit.campaign.id, visit.viewer.volunteer_id());
        // Goes on though the client hangs up: half a release is nothing, and the list shows it when it is there.
        let work = tokio::spawn(async move {
            let made = release(&store, &shelf.home, campaign, new, by).await;
            drop(turn);
            made
        });
        let ended = |error| services::Error::Internal(format!("a release ended early: {error}"));
        let made = work.await.map_err(ended)??;
        shown(&visit, &[], made).ok_or_else(|| refusal(&visit.viewer))
    });
    Ok(HttpResponse::Created().json(made.await?))
}

/// One release
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/releases/{version}", operation_id = "get_release",
    params(("slug" = String, Path, description = "Name of the campaign"), ("version" = u32, Path, description = "Its version")),
    responses((status = 200, body = Release)))]
pub async fn one(door: InCampaign<Anyone>, path: Path<(String, u32)>) -> Result<HttpResponse, Error> {
    let found = door.read(move |conn, visit| {
        let release = releases::find(conn, visit.campaign.id, path.1)?;
        let gone = withdrawals::since(conn, visit.campaign.id, i64::MIN)?;
        release.and_then(|release| shown(visit, &gone, release)).ok_or_else(|| unknown(path.1))
    });
    Ok(HttpResponse::Ok().json(found.await?))
}

/// A file of a release; it never changes
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/releases/{version}/{file}", operation_id = "download_released",
    params(("slug" = String, Path, description = "Name of the campaign"), ("version" = u32, Path, description = "Version of the release"),
        ("file" = String, Path, description = "Name of the file, as the release lists it")),
    responses((status = 200, description = "The file", content_type = "*/*"),
        (status = 206, description = "The part of it that was asked for")))]
pub async fn download(
    app: Data<App>,
    door: InCampaign<Anyone>,
    path: Path<(String, u32, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let (slug, version, name) = path.into_inner();
    let shelf = app.shelf.clone();
    let download_name = format!("{slug}-v{version}-{name}");
    let frozen = door.serve(|store, visit| async move {
        let campaign = visit.campaign.id;
        let found = store.read(move |conn| Ok::<_, services::Error>(releases::find(conn, campaign, version)?)).await?;
        let release = found.ok_or_else(|| unknown(version))?;
        let file = release.manifest.files.iter().find(|file| file.name == name).cloned();
        // What one may not have reads like what is not there, once one is known.
        let file = file.ok_or_else(|| services::Error::NotFound(format!("release {version} has no file `{name}`")))?;
        if !visit.viewer.may_have_released(&visit.campaign, release.level, file.audience) {
            return Err(refusal(&visit.viewer));
        }
        let nobody = crate::domain::access::Viewer::Nobody;
        let is_public = nobody.may_have_released(&visit.campaign, release.level, file.audience);
        let ended = |error| services::Error::Internal(format!("opening a file ended early: {error}"));
        let (sought, wanted) = (file.clone(), shelf);
        let opened = tokio::task::spawn_blocking(move || wanted.open(&release, &sought)).await.map_err(ended)??;
        Ok((opened, file, is_public))
    });
    let (file, entry, is_public) = frozen.await?;
    let ReleaseFile { bytes, sha256, media_type, .. } = entry;
    Ok(send(&request, Frozen { file, bytes, sha256, media_type, name: download_name, is_public }))
}

/// The coarsened map: area cells of the newest release
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/cells", operation_id = "list_cells",
    params(("slug" = String, Path, description = "Name of the campaign")), responses((status = 200, body = AreaCells)))]
pub async fn cells(door: InCampaign<CellReader>) -> Result<HttpResponse, Error> {
    let listed = door.read(|conn, visit| {
        let campaign = &visit.campaign;
        if campaign.release_level != ReleaseLevel::Coarsened {
            let reason = format!("campaign `{}` is not released in area cells", campaign.slug);
            return Err(services::Error::NotFound(reason));
        }
        let (release, cells) = published_cells(conn, campaign)?.unzip();
        let cells = cells.unwrap_or_default().iter().map(|one| area_cell(&campaign.scale, one)).collect();
        Ok(AreaCells { release, cells })
    });
    Ok(HttpResponse::Ok().json(listed.await?))
}

fn area_cell(scale: &Scale, one: &CoarseCell) -> AreaCell {
    let share = |(place, class): (usize, &crate::domain::scale::Answer)| ClassShare {
        class: class.key.clone(),
        share: one.share(place).unwrap_or(0.0),
    };
    AreaCell {
        cell: one.cell.to_string(),
        bbox: one.cell.bbox().to_array(),
        tiles: one.tiles,
        closed_tiles: one.closed,
        shares: scale.classes().iter().enumerate().map(share).collect(),
        damaged_share: one.damaged_share().unwrap_or(0.0),
        labels: one.labels_band(),
    }
}

fn looked_ahead(conn: &mut Conn, visit: &CampaignVisit) -> Result<ReleaseOutlook, services::Error> {
    let ahead = outlook(conn, &visit.campaign, visit.now)?;
    Ok(ReleaseOutlook {
        not_yet_shown: ahead.not_yet_shown,
        complete_at: ahead.complete_at.map(rfc3339),
        contested: ahead.contested,
        open: ahead.open,
        validated: !validation::of_campaign(conn, visit.campaign.id)?.is_empty(),
    })
}

fn unknown(version: u32) -> services::Error {
    services::Error::NotFound(format!("there is no release {version} that you may see"))
}

/// A release with the files that this person may have; `None` where there is none of them.
/// `withdrawn` are times and kinds of what is out of view now.
fn shown(visit: &CampaignVisit, withdrawn: &[(i64, &'static str)], release: domain::Release) -> Option<Release> {
    let as_of = release.as_of;
    let since = withdrawn.iter().filter(move |(at, _)| *at >= as_of);
    let campaign: &Campaign = &visit.campaign;
    let base = format!("/api/v1/campaigns/{}/releases/{}", campaign.slug, release.version);
    let may = |file: &ReleaseFile| visit.viewer.may_have_released(campaign, release.level, file.audience);
    let mut files: Vec<ReleaseFile> = release.manifest.files.iter().filter(|file| may(file)).cloned().collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    if files.is_empty() {
        return None;
    }
    // Exact counts of changed tiles are for those who see tiles.
    let changes = files.iter().any(|file| file.name == "changes.csv").then_some(release.changes);
    let released = |file: ReleaseFile| ReleasedFile { path: format!("{base}/{}", file.name), file };
    Some(Release {
        version: release.version,
        as_of: rfc3339(release.as_of),
        level: release.level,
        model: release.manifest.model,
        notes: release.notes,
        citation: ReleaseCitation { text: release.citation.text(), fields: release.citation },
        changes,
        withdrawn: since.map(|(at, what)| WithdrawnSince { at: rfc3339(*at), what }).collect(),
        files: files.into_iter().map(released).collect(),
    })
}
