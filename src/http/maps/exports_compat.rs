//! Downloads in the columns of other systems: the same addresses as our own, with `?compat=`.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::guard::GuardContext;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING};
use actix_web::web::{Data, Path, Query};
use serde::Deserialize;

use super::exports::Downloads;
use crate::domain::damage_map::Sight;
use crate::domain::volunteer::Role;
use crate::http::error::Error;
use crate::http::gate::{App, CampaignVisit, InCampaign, MapReader, refusal};
use crate::http::ranges;
use crate::services::maps::export_compat::{Request, System, spool};
use crate::services::maps::spool::Finished;
use crate::services::{self, clock};
use crate::storage::Store;

/// Which system. Its files come whole: filters and thresholds are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    compat: System,
}

/// Whether an address asks for the columns of another system.
pub fn is_asked(context: &GuardContext<'_>) -> bool {
    let query = context.head().uri.query().unwrap_or_default();
    query.split('&').any(|part| part.split('=').next() == Some("compat"))
}

/// A file of another system; described with [`super::exports::download_export`].
pub async fn download_compat(
    app: Data<App>,
    door: InCampaign<MapReader>,
    path: Path<(String, String)>,
    asked: Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let (_, file) = path.into_inner();
    let (downloads, system, name) = (Downloads::asked_by(&app, &request), asked.compat, file.clone());
    let (spooled, media_type) = door.serve(|store, visit| write(store, visit, system, name, downloads)).await?;
    let mut reply = HttpResponse::Ok();
    reply.insert_header((CACHE_CONTROL, "private, no-cache"));
    if file.ends_with(".gz") {
        // Packed already: the file itself is what is asked for.
        reply.insert_header((CONTENT_ENCODING, "identity"));
    }
    reply.insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")));
    reply.content_type(media_type);
    let tag = format!("\"{}\"", spooled.sha256);
    Ok(ranges::send(&request, reply, spooled.file.clone(), (&tag, spooled.bytes)))
}

async fn write(
    store: Store,
    visit: CampaignVisit,
    system: System,
    file: String,
    downloads: Downloads,
) -> Result<(Arc<Finished>, &'static str), services::Error> {
    let sight = match visit.viewer.is_at_least(Role::Researcher, &visit.campaign) {
        true => Sight::Researcher,
        false => Sight::Everybody,
    };
    let slug = &visit.campaign.slug;
    let request = match Request::new(system, slug, &file, sight) {
        // Whether somebody is signed in decides between the two ways of refusing.
        Err(services::Error::Forbidden(_)) => return Err(refusal(&visit.viewer)),
        request => request?,
    };
    if request.is_of_people() && !visit.viewer.may_download_labels(&visit.campaign) {
        return Err(refusal(&visit.viewer));
    }
    let media_type = request.media_type();
    let work = move || {
        // Held as long as the work takes, not as long as somebody waits for it.
        let _turn = downloads.turn(&visit)?;
        spool(&store, &visit.campaign, &request, clock::now_ms(), &downloads.spool)
    };
    let spooled = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| services::Error::Internal(format!("an export ended early: {error}")))??;
    Ok((spooled, media_type))
}
