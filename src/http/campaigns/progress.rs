//! How far a campaign is, for everybody: a small JSON that other sites may read and caches may keep.

use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, ETAG, VARY};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::Progress;
use crate::domain::access::Viewer;
use crate::domain::campaign::CampaignState;
use crate::domain::finish;
use crate::http::error::Error;
use crate::http::gate::{Anyone, App, InCampaign};
use crate::http::language::{Language, Languages};
use crate::http::scenes::images::is_known;
use crate::http::wire::rfc3339;
use crate::services::campaigns::texts;

/// When no tile will ask for labels any more.
#[derive(Serialize, ToSchema)]
pub struct Finish {
    /// What can be said.
    kind: FinishKind,
    /// Why nothing can be said.
    #[schema(required)]
    reason: Option<finish::Unknown>,
    /// If all goes well.
    #[schema(required, format = DateTime)]
    earliest: Option<String>,
    /// If it does not.
    #[schema(required, format = DateTime)]
    latest: Option<String>,
}

/// What can be said of the finish.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FinishKind {
    /// No tile asks for labels.
    Done,
    /// Nothing can be said yet.
    Unknown,
    /// It lies between two times.
    Between,
}

/// How far a campaign is, as everybody may know it.
#[derive(Serialize, ToSchema)]
pub struct CampaignProgress {
    slug: String,
    title: String,
    /// What it is for.
    purpose: String,
    /// Language of the texts (BCP 47).
    language: String,
    state: CampaignState,
    /// The minute in which it was counted.
    #[schema(format = DateTime)]
    as_of: String,
    /// A tile is closed 10 minutes after it closed; check gold reads as open until the campaign is over.
    progress: Progress,
    /// Answers given: one for each volunteer and tile.
    labels: u64,
    /// Those of the last 24 hours.
    labels_last_day: u64,
    /// Who ever asked for tiles.
    volunteers: u64,
    /// Within the last hour.
    volunteers_active: u64,
    /// In whole days, UTC.
    finish: Finish,
}

/// How far the campaign is, for everybody
///
/// May be kept for 15 seconds and asked for again with its `ETag`. Of a public campaign, pages of other sites may read it
/// too. Figures are at most 15 seconds old; in a very large campaign at most twenty times as old as counting took.
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/progress", operation_id = "get_progress",
    params(("slug" = String, Path, description = "Name of the campaign"), Language),
    responses((status = 200, body = CampaignProgress), (status = 304, description = "As it was")))]
pub async fn get_progress(
    app: Data<App>,
    door: InCampaign<Anyone>,
    languages: Languages,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let boards = app.boards.clone();
    let counted = door.serve(|store, visit| async move {
        let of = visit.campaign.clone();
        let reading = store.read(move |conn| texts::read(conn, &of, &languages.0)).await?;
        let counted = boards.public_of(&store, &visit.campaign).await?;
        Ok((visit.campaign, reading, counted))
    });
    let (campaign, reading, counted) = counted.await?;
    let is_public = Viewer::Nobody.may_see(&campaign);
    let told = CampaignProgress {
        slug: campaign.slug,
        title: reading.texts.title,
        purpose: reading.texts.purpose,
        language: reading.language,
        state: campaign.state,
        as_of: rfc3339(counted.as_of),
        progress: counted.progress.into(),
        labels: counted.labels,
        labels_last_day: counted.labels_last_day,
        volunteers: counted.volunteers,
        volunteers_active: counted.volunteers_active,
        finish: counted.finish.into(),
    };
    let body = serde_json::to_string(&told).map_err(|error| Error::internal(error.to_string()))?;
    Ok(reply(&request, is_public, body))
}

fn reply(request: &HttpRequest, is_public: bool, body: String) -> HttpResponse {
    let tag = tag_of(&body);
    let mut reply = HttpResponse::Ok();
    reply.insert_header((ETAG, tag.as_str()));
    if is_public {
        // What everybody may see may be read from any page; nothing here depends on a cookie.
        reply.insert_header((CACHE_CONTROL, "public, max-age=15")).insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
        reply.insert_header((VARY, "Accept-Language"));
    } else {
        reply.insert_header((CACHE_CONTROL, "private, no-cache"));
        reply.insert_header((VARY, "Accept-Language, Cookie, Authorization"));
    }
    if is_known(request, &tag) {
        return reply.status(actix_web::http::StatusCode::NOT_MODIFIED).finish();
    }
    reply.content_type("application/json").body(body)
}

/// A tag of these very words. Weak: they may be sent compressed.
pub(crate) fn tag_of(body: &str) -> String {
    let hash: String = Sha256::digest(body).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{hash}\"")
}

impl From<finish::Finish> for Finish {
    fn from(finish: finish::Finish) -> Finish {
        let none = |kind| Finish { kind, reason: None, earliest: None, latest: None };
        match finish {
            finish::Finish::Done => none(FinishKind::Done),
            finish::Finish::Unknown(reason) => Finish { reason: Some(reason), ..none(FinishKind::Unknown) },
            finish::Finish::Between { earliest, latest } => {
                Finish { earliest: Some(rfc3339(earliest)), latest: Some(rfc3339(latest)), ..none(FinishKind::Between) }
            }
        }
    }
}
