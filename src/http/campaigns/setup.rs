//! Setting a campaign up: making one, and its settings, which are the campaign file as JSON.

use actix_web::http::header::{ETAG, IF_MATCH};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{Campaign, in_full};
use crate::http::body::{Body, JsonOrToml};
use crate::http::error::Error;
use crate::http::gate::{App, By, CampaignVisit, Coordinator, Creator, InCampaign, ProvenCoordinator};
use crate::http::language::{Language, Languages};
use crate::http::scenes::images::Lookups;
use crate::http::scenes::jobs::Job;
use crate::services;
use crate::services::campaigns::apply_campaign::apply_campaign;
use crate::services::campaigns::campaign_file::CampaignFile;
use crate::services::campaigns::create_campaign::{NewCampaign, create_campaign as create};
use crate::services::campaigns::delete_draft::delete_draft;
use crate::services::campaigns::scale_file::read_scale;
use crate::services::campaigns::settings::{Settings, settings};
use crate::services::jobs::{JobInput, TilesInput, ask};
use crate::storage::campaigns;

/// A campaign to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignWanted {
    /// Its name in addresses: 2 to 60 of a-z, 0-9 and `-`.
    slug: String,
    /// Its name on the list, in its own language.
    title: String,
    /// Its own language (BCP 47); `en` if not given.
    language: Option<String>,
    /// Key of a built-in scale (`change2`, `conflict3`, `jds4`, `unosat5`) or a scale in full, as in the settings;
    /// `conflict3` if not given.
    #[schema(value_type = Option<Object>)]
    scale: Option<Value>,
}

/// What came of changed settings.
#[derive(Serialize, ToSchema)]
pub struct ChangedSettings {
    /// The names of what changed, e.g. `texts.en.title`.
    changed: Vec<String>,
    /// The job that derives the tiles anew, where that is needed; the new tiling counts when it is done.
    #[schema(required)]
    job: Option<Job>,
    /// The settings as they are now.
    settings: Settings,
}

/// Make a campaign, as a draft
#[utoipa::path(post, path = "/api/v1/campaigns", operation_id = "create_campaign",
    params(Language), request_body = CampaignWanted, responses((status = 201, body = Campaign)))]
pub async fn create_campaign(
    by: By<Creator>,
    languages: Languages,
    body: Body<CampaignWanted>,
) -> Result<HttpResponse, Error> {
    let CampaignWanted { slug, title, language, scale } = body.0;
    let mut new = NewCampaign::new(&slug, title.trim());
    new.language = language.unwrap_or(new.language);
    if let Some(scale) = scale {
        new.scale = read_scale(&scale)?;
    }
    let made = by.write(move |conn, visit| {
        let campaign = create(conn, &new, visit.viewer.volunteer_id(), visit.now)?;
        // Whoever made it sees it as its coordinator from now on.
        let viewer = services::people::sign_in::with_roles(conn, visit.viewer.clone())?;
        in_full(conn, &CampaignVisit { viewer, campaign, now: visit.now }, &languages.0)
    });
    Ok(HttpResponse::Created().json(made.await?))
}

/// The settings: the campaign file as JSON
///
/// The header `ETag` names this version of them, for `If-Match` of a change.
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/settings", operation_id = "get_settings",
    params(("slug" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = Settings)))]
pub async fn get_settings(door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let settings = door.read(|conn, visit| settings(conn, &visit.campaign)).await?;
    Ok(HttpResponse::Ok().insert_header((ETAG, tag_of(&settings))).json(settings))
}

/// The name of a version of settings or areas: another one after every change.
pub(crate) fn tag_of(settings: &impl Serialize) -> String {
    // Words, numbers and maps in order can always be written.
    let digest = Sha256::digest(serde_json::to_vec(settings).unwrap_or_default());
    let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

/// The versions that a change may be made to, as its client names them; `None` where any will do (RFC 9110, 13.1.1).
pub(crate) fn expected(request: &HttpRequest) -> Option<Vec<String>> {
    let header = request.headers().get(IF_MATCH)?;
    // A proxy that compresses calls the tag weak; it names the same settings.
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tags = header.to_str().unwrap_or_default().split(',').map(plain);
    Some(tags.collect::<Vec<_>>()).filter(|tags| !tags.iter().any(|tag| tag == "*"))
}

/// Refuses a change to settings that are not any more what the client saw.
fn check_expected(expected: Option<&[String]>, now: &Settings) -> Result<(), services::Error> {
    let tag = tag_of(now);
    match expected {
        Some(tags) if !tags.contains(&tag) => Err(services::Error::ChangedMeanwhile(format!(
            "somebody else changed the settings of `{}` since you read them: read them again, then make your change",
            now.slug
        ))),
        _ => Ok(()),
    }
}

/// Change settings; what is left out stays
///
/// The body has the shape of the settings, any part of it; or it is a campaign file, as `application/toml`. With the header
/// `If-Match` and the `ETag` that was read, nothing changes where somebody else changed the settings since: 412,
/// `changed_meanwhile`.
#[utoipa::path(put, path = "/api/v1/campaigns/{slug}/settings", operation_id = "change_settings",
    params(("slug" = String, Path, description = "Name of the campaign"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the settings that this changes")),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, body = ChangedSettings)))]
pub async fn change_settings(
    app: Data<App>,
    request: HttpRequest,
    door: InCampaign<Coordinator>,
    body: JsonOrToml,
) -> Result<HttpResponse, Error> {
    let expected = expected(&request);
    let file = match body {
        JsonOrToml::Json(json) => CampaignFile::from_json(&json)?,
        JsonOrToml::Toml(text) => CampaignFile::parse(&text)?.without_files()?,
    };
    let intake = app.intake.clone();
    let changed = door.write(move |conn, visit| {
        let (campaign, by) = (&visit.campaign, visit.viewer.volunteer_id());
        if !file.slug.is_empty() && file.slug != campaign.slug {
            let reason = format!("these are the settings of `{}`, at the address of `{}`", file.slug, campaign.slug);
            return Err(services::Error::invalid("slug", reason));
        }
        if expected.is_some() {
            // Two tabs take turns: the later one finds what the earlier one wrote.
            campaigns::lock(conn, campaign.id)?;
            let now = services::campaigns::change_state::find(conn, &campaign.slug)?;
            check_expected(expected.as_deref(), &settings(conn, &now)?)?;
        }
        let mut file = file.clone();
        file.slug.clone_from(&campaign.slug);
        let done = apply_campaign(conn, &file, by, visit.now)?;
        let input = done.tiling.map(|tiling| JobInput::Tiles(TilesInput { tiling, ..TilesInput::default() }));
        let job = input.map(|input| ask(conn, &intake, campaign, &input, by, visit.now)).transpose()?;
        let after = services::campaigns::change_state::find(conn, &campaign.slug)?;
        let job = job.map(|job| Job::new(job, visit.now));
        Ok((after.id, ChangedSettings { changed: done.changed, job, settings: settings(conn, &after)? }))
    });
    let (id, changed) = changed.await?;
    app.events.mark(&[id]);
    Ok(HttpResponse::Ok().insert_header((ETAG, tag_of(&changed.settings))).json(changed))
}

/// Delete a draft, with all that was prepared for it
///
/// Wants the password of the last quarter of an hour. A campaign that was ever opened, has labels or a release stays: close and
/// archive it.
#[utoipa::path(delete, path = "/api/v1/campaigns/{slug}", operation_id = "delete_campaign",
    params(("slug" = String, Path, description = "Name of the campaign")), responses((status = 204)))]
pub async fn delete_campaign(
    app: Data<App>,
    lookups: Data<Lookups>,
    door: InCampaign<ProvenCoordinator>,
) -> Result<HttpResponse, Error> {
    let deleted = door.write(|conn, visit| delete_draft(conn, &visit.campaign, visit.viewer.volunteer_id(), visit.now));
    let (leftovers, intake) = (deleted.await?, app.intake.clone());
    lookups.forget();
    let tidied = tokio::task::spawn_blocking(move || leftovers.tidy(&intake)).await;
    tidied.map_err(|error| services::Error::Internal(format!("tidying up after a draft ended early: {error}")))?;
    Ok(HttpResponse::NoContent().finish())
}
