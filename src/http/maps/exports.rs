//! Downloads: written to a nameless file first, then sent, so that a slow line never holds the database's snapshot; in
//! ranges, so that a line that broke goes on where it was.

use std::path::PathBuf;
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::map_query::MapQuery;
use crate::domain::damage_map::{Sight, What};
use crate::domain::volunteer::Role;
use crate::http::error::Error;
use crate::http::gate::{App, CampaignVisit, InCampaign, MapReader, refusal};
use crate::http::ranges::{self, Version};
use crate::http::server::presence::{Place, Presence};
use crate::http::server::visitors::subscriber;
use crate::services::maps::export_map::{Cancel, Request, Written};
use crate::services::maps::spool::{Finished, Spool};
use crate::services::maps::{describe_map, read_map};
use crate::services::{self, clock};
use crate::storage::{Store, StoreError};

/// Exports that are written at the same time; one more is told to come back. Labels come first.
const AT_ONCE: usize = 3;
/// Of these, exports of people without a role in the campaign: whoever has one finds a place whatever strangers do.
const OF_STRANGERS: usize = 2;
/// Exports under way for one person or, of those without a role, one address.
const OF_EACH: u32 = 1;
/// Finished files are kept up to this many bytes.
const KEPT_BYTES: u64 = 2 << 30;

/// Finished downloads, and how many are made at a time. Cheap to clone.
#[derive(Clone)]
pub struct Downloads {
    pub(crate) spool: Spool,
    turns: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    askers: Presence,
    address: Option<u64>,
}

/// One export that is written: its place among all, among those of strangers, and as the one of whoever asked.
pub(crate) struct Turn {
    _one: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>, Place),
}

/// Whose export it is.
#[derive(Hash)]
enum Asker {
    Person(i64),
    Address(Option<u64>),
}

impl Downloads {
    /// In this folder, which is made when it is needed.
    pub fn new(folder: PathBuf) -> Downloads {
        let places = |many| Arc::new(Semaphore::new(many));
        Downloads {
            spool: Spool::new(folder, KEPT_BYTES),
            turns: places(AT_ONCE),
            strangers: places(OF_STRANGERS),
            askers: Presence::new(OF_EACH),
            address: None,
        }
    }

    /// The same for whoever sent this request.
    pub(crate) fn asked_by(app: &App, request: &HttpRequest) -> Downloads {
        let address = app.origin(request.head()).address.map(subscriber);
        Downloads { address, ..app.downloads.clone() }
    }

    /// A turn to write an export, unless too many are written already.
    pub(crate) fn turn(&self, visit: &CampaignVisit) -> Result<Turn, services::Error> {
        let with_role = visit.viewer.is_at_least(Role::Reviewer, &visit.campaign);
        let asker =
            visit.viewer.volunteer_id().filter(|_| with_role).map_or(Asker::Address(self.address), Asker::Person);
        let find = || {
            let place = self.askers.enter(asker)?;
            let stranger = match with_role {
                true => None,
                false => Some(self.strangers.clone().try_acquire_owned().ok()?),
            };
            Some(Turn { _one: (self.turns.clone().try_acquire_owned().ok()?, stranger, place) })
        };
        find().ok_or(services::Error::Store(StoreError::Busy))
    }
}

/// Damage map, labels or scenes as a file
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/exports/{file}", operation_id = "download_export",
    params(("slug" = String, Path, description = "Name of the campaign"),
        ("file" = String, Path, description = "tiles or scenes with .csv, .geojson, .geojsons, .gpkg, .fgb, .parquet, .csv.gz, .geojson.gz or .geojsons.gz; tiles.tif, tiles.class.tif; for researchers also labels, volunteers and history with .csv, .csv.gz or .parquet; manifest.json (of tiles.csv), codebook.csv, codebook.md and method.md"),
        ("compat" = Option<String>, Query, description = "mapswipe or zooniverse: the files of that system under its own names, \
            whole and in its own columns (see docs/import.md)"),
        MapQuery),
    responses((status = 200, description = "The file", content_type = "*/*"),
        (status = 206, description = "The part of the file that was asked for by `Range`", content_type = "*/*"),
        (status = 416, description = "The file does not have that part")))]
pub async fn download_export(
    app: Data<App>,
    door: InCampaign<MapReader>,
    path: Path<(String, String)>,
    asked: Query<MapQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let (slug, file) = path.into_inner();
    let asked = asked.into_inner();
    if let Some(media_type) = described(&file) {
        let downloads = Downloads::asked_by(&app, &request);
        let about = file.clone();
        let text = door.serve(|store, visit| describe(store, visit, downloads, about, asked)).await?;
        return Ok(attachment(&mut HttpResponse::Ok(), &slug, &file).content_type(media_type).body(text));
    }
    let named = file.split_once('.').and_then(|(what, format)| Some((What::from_key(what)?, format.to_owned())));
    let named = named.ok_or_else(|| Error::not_found(format!("there is no download `{file}`")))?;
    let (downloads, known) = (Downloads::asked_by(&app, &request), ranges::version(&request));
    let (finished, media_type) =
        door.serve(|store, visit| finished(store, visit, downloads, named, asked, known)).await?;
    Ok(reply(&request, finished, media_type, (&slug, &file)))
}

/// The media type of what is said about a map, by its file name.
fn described(file: &str) -> Option<&'static str> {
    match file {
        "manifest.json" => Some("application/json"),
        "codebook.csv" => Some("text/csv; charset=utf-8"),
        "codebook.md" | "method.md" => Some("text/markdown; charset=utf-8"),
        _ => None,
    }
}

fn attachment<'a>(
    reply: &'a mut actix_web::HttpResponseBuilder,
    slug: &str,
    file: &str,
) -> &'a mut actix_web::HttpResponseBuilder {
    reply.insert_header((CACHE_CONTROL, "private, no-cache"));
    reply.insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{slug}-{file}\"")))
}

/// The file, the part of it that is asked for, or that the client has it already.
fn reply(
    request: &HttpRequest,
    finished: Arc<Finished>,
    media_type: &'static str,
    (slug, file): (&str, &str),
) -> HttpResponse {
    let tag = format!("\"{}\"", finished.sha256);
    let mut reply = HttpResponse::Ok();
    reply.insert_header((CACHE_CONTROL, "private, no-cache"));
    attachment(&mut reply, slug, file).content_type(media_type);
    ranges::send(request, reply, finished.file.clone(), (&tag, finished.bytes))
}

/// What was asked for, as far as this person may see it.
fn request_of(visit: &CampaignVisit, what: What, format: &str, asked: &MapQuery) -> Result<Request, services::Error> {
    let everybody = matches!(what, What::Tiles | What::Scenes);
    if !everybody && !visit.viewer.may_download_labels(&visit.campaign) {
        return Err(refusal(&visit.viewer));
    }
    let filter = asked.filter(&visit.campaign.scale)?;
    Request::new(what, format, asked.cuts(), sight(visit))?.filtered(filter)
}

fn sight(visit: &CampaignVisit) -> Sight {
    match visit.viewer.is_at_least(Role::Researcher, &visit.campaign) {
        true => Sight::Researcher,
        false => Sight::Everybody,
    }
}

async fn finished(
    store: Store,
    visit: CampaignVisit,
    downloads: Downloads,
    (what, format): (What, String),
    asked: MapQuery,
    part_of: Option<Version>,
) -> Result<(Arc<Finished>, &'static str), services::Error> {
    let request = request_of(&visit, what, &format, &asked)?;
    let media_type = request.format.media_type();
    let kept = match part_of {
        Some(Version::Tagged(tag)) => downloads.spool.resume(&visit.campaign, &request, &tag, visit.now),
        Some(Version::Any) => downloads.spool.recent(&visit.campaign, &request, visit.now),
        None => None,
    };
    if let Some(finished) = kept {
        return Ok((finished, media_type));
    }
    Ok((make(store, visit, downloads, request).await?, media_type))
}

/// Finds the file in the spool or writes it. Whoever goes away while it is written ends that.
async fn make(
    store: Store,
    visit: CampaignVisit,
    downloads: Downloads,
    request: Request,
) -> Result<Arc<Finished>, services::Error> {
    let watch = Watch(request.cancel.clone());
    let work = move || {
        let now = clock::now_ms();
        if let Some(finished) = downloads.spool.find(&store, &visit.campaign, &request, now)? {
            return Ok(finished);
        }
        let _turn = downloads.turn(&visit)?;
        downloads.spool.write(&store, &visit.campaign, &request, now)
    };
    let finished = tokio::task::spawn_blocking(work).await;
    drop(watch);
    finished.map_err(|error| services::Error::Internal(format!("an export ended early: {error}")))?
}

/// Ends an export when it is dropped; one that is finished by then does not mind.
struct Watch(Cancel);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

async fn describe(
    store: Store,
    visit: CampaignVisit,
    downloads: Downloads,
    file: String,
    asked: MapQuery,
) -> Result<Vec<u8>, services::Error> {
    if file == "manifest.json" {
        return manifest(store, visit, downloads, asked).await;
    }
    let (cuts, sight) = (asked.cuts(), sight(&visit));
    cuts.check()?;
    let work = move |conn: &mut crate::storage::Conn| -> Result<Vec<u8>, services::Error> {
        let campaign = &visit.campaign;
        Ok(match file.as_str() {
            "codebook.csv" => describe_map::code_book_csv(conn, campaign, cuts)?,
            "codebook.md" => describe_map::code_book_markdown(conn, campaign, cuts)?.into_bytes(),
            _ => describe_map::method_note(conn, campaign, sight)?.into_bytes(),
        })
    };
    store.read(work).await
}

/// The manifest of the map as CSV, asked for in the same way.
async fn manifest(
    store: Store,
    visit: CampaignVisit,
    downloads: Downloads,
    asked: MapQuery,
) -> Result<Vec<u8>, services::Error> {
    let request = request_of(&visit, What::Tiles, "csv", &asked)?;
    let finished = make(store.clone(), visit.clone(), downloads, request.clone()).await?;
    let file = Written {
        name: request.file_name(),
        rows: finished.rows,
        bytes: finished.bytes,
        sha256: finished.sha256.clone(),
        media_type: request.format.media_type(),
    };
    let work = move |conn: &mut crate::storage::Conn| -> Result<Vec<u8>, services::Error> {
        let map = read_map::header(conn, &visit.campaign, request.cuts)?;
        let text = describe_map::manifest(&visit.campaign, &map, &request, finished.as_of, &[file])?;
        Ok(text.into_bytes())
    };
    store.read(work).await
}
