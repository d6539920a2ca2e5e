//! Setting a campaign up: making one, and its settings, which are the campaign file as JSON.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::body::{Body, JsonOrToml};
use super::campaigns::{Campaign, in_full};
use super::error::Error;
use super::gate::{App, By, CampaignVisit, Coordinator, Creator, InCampaign};
use super::jobs::Job;
use super::language::{Language, Languages};
use crate::services;
use crate::services::apply_campaign::apply_campaign;
use crate::services::campaign_file::CampaignFile;
use crate::services::create_campaign::{NewCampaign, create_campaign as create};
use crate::services::jobs::{JobInput, TilesInput, ask};
use crate::services::scale_file::read_scale;
use crate::services::settings::{Settings, settings};

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
        let viewer = services::sign_in::with_roles(conn, visit.viewer.clone())?;
        in_full(conn, &CampaignVisit { viewer, campaign, now: visit.now }, &languages.0)
    });
    Ok(HttpResponse::Created().json(made.await?))
}

/// The settings: the campaign file as JSON
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/settings", operation_id = "get_settings",
    params(("slug" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = Settings)))]
pub async fn get_settings(door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    Ok(HttpResponse::Ok().json(door.read(|conn, visit| settings(conn, &visit.campaign)).await?))
}

/// Change settings; what is left out stays
///
/// The body has the shape of the settings, any part of it; or it is a campaign file, as `application/toml`.
#[utoipa::path(put, path = "/api/v1/campaigns/{slug}/settings", operation_id = "change_settings",
    params(("slug" = String, Path, description = "Name of the campaign")),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, body = ChangedSettings)))]
pub async fn change_settings(
    app: Data<App>,
    door: InCampaign<Coordinator>,
    body: JsonOrToml,
) -> Result<HttpResponse, Error> {
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
        let mut file = file.clone();
        file.slug.clone_from(&campaign.slug);
        let done = apply_campaign(conn, &file, by, visit.now)?;
        let input = done.tiling.map(|tiling| JobInput::Tiles(TilesInput { tiling, ..TilesInput::default() }));
        let job = input.map(|input| ask(conn, &intake, campaign, &input, by, visit.now)).transpose()?;
        let after = services::change_state::find(conn, &campaign.slug)?;
        let job = job.map(|job| Job::new(job, visit.now));
        Ok((after.id, ChangedSettings { changed: done.changed, job, settings: settings(conn, &after)? }))
    });
    let (id, changed) = changed.await?;
    app.events.mark(&[id]);
    Ok(HttpResponse::Ok().json(changed))
}
