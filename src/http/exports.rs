//! Downloads: written to a nameless file first, then sent, so that a slow line never holds the database's snapshot.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, ETAG};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use bytes::{Bytes, BytesMut};
use futures::Stream;
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;

use super::error::Error;
use super::gate::{App, CampaignVisit, InCampaign, MapReader, refusal};
use super::images::is_known;
use super::map_query::MapQuery;
use crate::domain::damage_map::{Sight, What};
use crate::domain::volunteer::Role;
use crate::services::export_map::{Request, Spooled, spool};
use crate::services::{self, clock};
use crate::storage::Store;

/// Exports that are written at the same time; one more is told to come back. Labels come first.
const AT_ONCE: usize = 2;
/// Bytes read from the file at a time.
const CHUNK: usize = 64 * 1024;

/// Where exports are written before they are sent, and how many at a time. Cheap to clone.
#[derive(Clone)]
pub struct Spool {
    pub(super) folder: PathBuf,
    pub(super) turns: Arc<Semaphore>,
}

impl Spool {
    /// In this folder, which is made when it is needed.
    pub fn new(folder: PathBuf) -> Spool {
        Spool { folder, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

/// Damage map, labels or scenes as a file
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/exports/{file}", operation_id = "download_export",
    params(("slug" = String, Path, description = "Name of the campaign"),
        ("file" = String, Path, description = "tiles.csv, tiles.geojson, scenes.csv, scenes.geojson; for researchers also labels.csv, volunteers.csv, history.csv"),
        ("compat" = Option<String>, Query, description = "mapswipe or zooniverse: the files of that system under its own names, \
            whole and in its own columns (see docs/import.md)"),
        MapQuery),
    responses((status = 200, description = "The file", content_type = "application/octet-stream")))]
pub async fn download_export(
    app: Data<App>,
    door: InCampaign<MapReader>,
    path: Path<(String, String)>,
    asked: Query<MapQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let (slug, file) = path.into_inner();
    let named = file.rsplit_once('.').and_then(|(what, format)| Some((What::from_key(what)?, format.to_owned())));
    let (what, format) = named.ok_or_else(|| Error::not_found(format!("there is no download `{file}`")))?;
    let Ok(_turn) = app.spool.turns.clone().try_acquire_owned() else {
        return Err(Error::unavailable("other downloads are being made: try again in a moment"));
    };
    let folder = app.spool.folder.clone();
    let made = door.serve(|store, visit| write(store, visit, what, format, asked.into_inner(), folder)).await?;
    let tag = format!("W/\"{}\"", &made.spooled.sha256[..32]);
    let mut reply = HttpResponse::Ok();
    reply.insert_header((ETAG, tag.as_str())).insert_header((CACHE_CONTROL, "private, no-cache"));
    if is_known(&request, &tag) {
        return Ok(reply.status(StatusCode::NOT_MODIFIED).finish());
    }
    reply.insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{slug}-{file}\"")));
    let body = SizedStream::new(made.spooled.bytes, chunks(made.spooled.file));
    Ok(reply.content_type(made.media_type).body(body))
}

struct Made {
    spooled: Spooled,
    media_type: &'static str,
}

async fn write(
    store: Store,
    visit: CampaignVisit,
    what: What,
    format: String,
    asked: MapQuery,
    folder: PathBuf,
) -> Result<Made, services::Error> {
    let everybody = matches!(what, What::Tiles | What::Scenes);
    if !everybody && !visit.viewer.may_download_labels(&visit.campaign) {
        return Err(refusal(&visit.viewer));
    }
    let sight = match visit.viewer.is_at_least(Role::Researcher, &visit.campaign) {
        true => Sight::Researcher,
        false => Sight::Everybody,
    };
    let filter = asked.filter(&visit.campaign.scale)?;
    let request = Request::new(what, &format, asked.cuts(), sight)?.filtered(filter)?;
    let media_type = request.format.media_type();
    let work = move || spool(&store, &visit.campaign, &request, clock::now_ms(), &folder);
    let spooled = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| services::Error::Internal(format!("an export ended early: {error}")))??;
    Ok(Made { spooled, media_type })
}

/// The file, piece by piece.
pub(super) fn chunks(file: std::fs::File) -> impl Stream<Item = io::Result<Bytes>> {
    futures::stream::try_unfold(tokio::fs::File::from_std(file), |mut file| async move {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        let read = file.read_buf(&mut chunk).await?;
        Ok((read > 0).then(|| (chunk.freeze(), file)))
    })
}
