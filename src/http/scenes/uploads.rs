//! Uploads: files of gigabytes in parts, resumed where they broke off. After the tus protocol in its main lines.

use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::body::Body;
use crate::http::error::{Error, UPLOAD_OFFSET};
use crate::http::gate::{App, Coordinator, InCampaign, volunteer_id};
use crate::http::wire::{id_in_address, rfc3339};
use crate::services;
use crate::services::scenes::upload::{self, Announced, Receiver, files};
use crate::storage::scenes::uploads;

/// What the bytes of an upload are sent as.
const BYTES: &str = "application/offset+octet-stream";
/// How long a whole file is, as tus calls it.
const UPLOAD_LENGTH: &str = "Upload-Length";

/// A file on its way.
#[derive(Serialize, ToSchema)]
pub struct Upload {
    id: String,
    file_name: String,
    /// Its length.
    bytes: i64,
    /// So much of it is on the server's disk for good.
    received: i64,
    /// The checksum that it must have.
    #[schema(required)]
    sha256: Option<String>,
    state: UploadState,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    changed_at: String,
}

/// How far an upload is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UploadState {
    /// Something is still to come.
    Receiving,
    /// All is there, and is what it should be.
    Complete,
}

/// The uploads of a campaign, newest first.
#[derive(Serialize, ToSchema)]
pub struct Uploads {
    uploads: Vec<Upload>,
}

/// A file that will be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadWanted {
    /// Its name, without folders.
    file_name: String,
    /// Its length.
    #[schema(minimum = 1)]
    bytes: u64,
    /// SHA-256, hex; compared when all is there.
    sha256: Option<String>,
}

/// A file that the operator laid into the inbox of the campaign.
#[derive(Serialize, ToSchema)]
pub struct InboxFile {
    /// Its path below the inbox.
    name: String,
    bytes: u64,
    #[schema(format = DateTime)]
    modified_at: String,
}

/// The inbox of the campaign.
#[derive(Serialize, ToSchema)]
pub struct Inbox {
    /// Its place in the server's data folder.
    folder: String,
    files: Vec<InboxFile>,
}

impl From<uploads::Upload> for Upload {
    fn from(upload: uploads::Upload) -> Upload {
        Upload {
            id: upload.id.to_string(),
            state: if upload.is_complete() { UploadState::Complete } else { UploadState::Receiving },
            file_name: upload.file_name,
            bytes: upload.bytes_total,
            received: upload.bytes_received,
            sha256: upload.sha256,
            created_at: rfc3339(upload.created_at),
            changed_at: rfc3339(upload.changed_at),
        }
    }
}

fn reply(mut builder: HttpResponseBuilder, upload: uploads::Upload) -> HttpResponse {
    builder.insert_header((UPLOAD_OFFSET, upload.bytes_received));
    builder.insert_header((UPLOAD_LENGTH, upload.bytes_total));
    builder.json(Upload::from(upload))
}

/// Begin to upload a file
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/uploads", operation_id = "begin_upload",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = UploadWanted,
    responses((status = 201, body = Upload)))]
pub async fn begin_upload(
    app: Data<App>,
    door: InCampaign<Coordinator>,
    body: Body<UploadWanted>,
) -> Result<HttpResponse, Error> {
    let UploadWanted { file_name, bytes, sha256 } = body.0;
    let (intake, announced) = (app.intake.clone(), Announced { file_name, bytes, sha256 });
    let begun = door.write(move |conn, visit| {
        upload::begin(conn, &intake, &visit.campaign, &announced, volunteer_id(&visit.viewer)?, visit.now)
    });
    Ok(reply(HttpResponse::Created(), begun.await?))
}

/// The uploads of a campaign
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/uploads", operation_id = "list_uploads",
    params(("slug" = String, Path, description = "Name of the campaign")), responses((status = 200, body = Uploads)))]
pub async fn list_uploads(door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let listed = door.read(|conn, visit| Ok(uploads::of_campaign(conn, visit.campaign.id)?)).await?;
    Ok(HttpResponse::Ok().json(Uploads { uploads: listed.into_iter().map(Upload::from).collect() }))
}

/// How far an upload is
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/uploads/{id}", operation_id = "get_upload",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The upload")),
    responses((status = 200, body = Upload)))]
pub async fn get_upload(door: InCampaign<Coordinator>, path: Path<(String, String)>) -> Result<HttpResponse, Error> {
    let id = id_in_address(&path.1, "upload")?;
    let found = door.read(move |conn, visit| upload::find(conn, &visit.campaign, id));
    Ok(reply(HttpResponse::Ok(), found.await?))
}

/// Send the next bytes of an upload
///
/// With the header `Upload-Offset`, where they begin, and the content type `application/offset+octet-stream`. The answer
/// comes when they are on the disk for good. If it does not come, ask how far the upload is, and go on from there.
#[utoipa::path(patch, path = "/api/v1/campaigns/{slug}/uploads/{id}", operation_id = "continue_upload",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The upload"),
        ("Upload-Offset" = i64, Header, description = "Where the bytes begin")),
    request_body(content = String, content_type = "application/offset+octet-stream"),
    responses((status = 200, body = Upload)))]
pub async fn continue_upload(
    app: Data<App>,
    door: InCampaign<Coordinator>,
    path: Path<(String, String)>,
    request: HttpRequest,
    mut payload: Payload,
) -> Result<HttpResponse, Error> {
    let id = id_in_address(&path.1, "upload")?;
    let found = door.serve_change(|store, visit| async move {
        let campaign = visit.campaign;
        let reads = store.clone();
        Ok((store, reads.read(move |conn| upload::find(conn, &campaign, id)).await?))
    });
    let (store, found) = found.await?;
    let part = (offset(&request)?, length(&request)?);
    let begun = Receiver::begin(store, app.intake.clone(), found, part);
    let mut receiver = begun.await?;
    while let Some(chunk) = payload.next().await {
        match chunk {
            Ok(bytes) => receiver.take(bytes).await?,
            Err(error) => {
                // What arrived is kept: over a slow line every part counts.
                receiver.sync().await?;
                return Err(Error::unreadable(format!("the body broke off: {error}")));
            }
        }
    }
    Ok(reply(HttpResponse::Ok(), receiver.finish().await?))
}

/// Remove an upload
#[utoipa::path(delete, path = "/api/v1/campaigns/{slug}/uploads/{id}", operation_id = "remove_upload",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The upload")),
    responses((status = 204)))]
pub async fn remove_upload(
    app: Data<App>,
    door: InCampaign<Coordinator>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Error> {
    let id = id_in_address(&path.1, "upload")?;
    let forget = door
        .write(move |conn, visit| upload::forget(conn, &visit.campaign, id, volunteer_id(&visit.viewer)?, visit.now));
    forget.await?;
    upload::remove_file(&app.intake, id);
    Ok(HttpResponse::NoContent().finish())
}

/// Files that the operator laid into the inbox of the campaign
///
/// They lie in the folder `inbox/SLUG` of the data folder. Nobody sees what lies there for another campaign.
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/files", operation_id = "list_files",
    params(("slug" = String, Path, description = "Name of the campaign")), responses((status = 200, body = Inbox)))]
pub async fn list_files(app: Data<App>, door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let intake = app.intake.clone();
    let found = door.serve(|_, visit| async move {
        let (slug, inbox) = (visit.campaign.slug.clone(), intake.inbox_of(&visit.campaign.slug));
        let ended = |error| services::Error::Internal(format!("the inbox cannot be read: {error}"));
        Ok((slug, tokio::task::spawn_blocking(move || files(&inbox)).await.map_err(ended)?))
    });
    let (slug, found) = found.await?;
    let listed = found.into_iter().map(|file| InboxFile {
        name: file.name,
        bytes: file.bytes,
        modified_at: rfc3339(file.modified_at),
    });
    Ok(HttpResponse::Ok().json(Inbox { folder: format!("inbox/{slug}"), files: listed.collect() }))
}

/// Where the bytes of a request begin.
fn offset(request: &HttpRequest) -> Result<i64, Error> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if header(CONTENT_TYPE.as_str()).is_none_or(|kind| !kind.eq_ignore_ascii_case(BYTES)) {
        return Err(Error::not_bytes(BYTES));
    }
    let digits = header(UPLOAD_OFFSET).filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    let wrong = || services::Error::invalid(UPLOAD_OFFSET, "say in this header at which byte the body begins");
    Ok(digits.and_then(|text| text.parse().ok()).ok_or_else(wrong)?)
}

/// How many bytes a request brings, if it says so.
fn length(request: &HttpRequest) -> Result<Option<u64>, Error> {
    let Some(value) = request.headers().get(CONTENT_LENGTH) else { return Ok(None) };
    let read = value.to_str().ok().and_then(|text| text.parse().ok());
    read.map(Some).ok_or_else(|| Error::unreadable("the header Content-Length is no number"))
}
