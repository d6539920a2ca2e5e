//! The scenes of a campaign, for its coordinators: what is said about them, and taking one away.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::error::Error;
use super::gate::{App, Coordinator, InCampaign};
use super::jobs::Job;
use super::wire::{id_in_address, rfc3339};
use crate::domain::scene;
use crate::services::scenes::edit_scene::{SceneWords, edit_scene, remove_scene as remove};
use crate::storage::scenes;

/// A scene as its coordinators see it.
#[derive(Serialize, ToSchema)]
pub struct OwnScene {
    id: String,
    title: String,
    #[schema(format = DateTime)]
    captured_from: String,
    #[schema(format = DateTime)]
    captured_to: String,
    sensor: String,
    licence: String,
    attribution: String,
    /// What its file was called.
    source_name: String,
    /// Coordinate reference system of the file.
    crs: String,
    /// Size of a pixel of the file on the ground.
    pixel_size_m: f64,
    min_zoom: u8,
    max_zoom: u8,
    /// West, south, east, north in degrees.
    bounds: [f64; 4],
}

/// The scenes of a campaign, by date.
#[derive(Serialize, ToSchema)]
pub struct OwnScenes {
    scenes: Vec<OwnScene>,
}

/// What is to be said about a scene; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SceneChange {
    title: Option<String>,
    sensor: Option<String>,
    licence: Option<String>,
    attribution: Option<String>,
    /// When it was taken: a day or an instant.
    captured: Option<String>,
    /// Start of the interval of a composite.
    captured_from: Option<String>,
    /// Its end.
    captured_to: Option<String>,
}

/// A scene that was changed.
#[derive(Serialize, ToSchema)]
pub struct ChangedScene {
    scene: OwnScene,
    /// The job that derives the tiles anew for another date, which counts when it is done.
    #[schema(required)]
    job: Option<Job>,
}

impl From<scene::Scene> for OwnScene {
    fn from(scene: scene::Scene) -> OwnScene {
        OwnScene {
            id: scene.id.to_string(),
            title: scene.title,
            captured_from: rfc3339(scene.captured_from),
            captured_to: rfc3339(scene.captured_to),
            sensor: scene.sensor.unwrap_or_default(),
            licence: scene.licence.unwrap_or_default(),
            attribution: scene.attribution.unwrap_or_default(),
            source_name: scene.source_name,
            crs: scene.crs,
            pixel_size_m: scene.pixel_size_m,
            min_zoom: scene.min_zoom,
            max_zoom: scene.max_zoom,
            bounds: scene.bounds.to_array(),
        }
    }
}

/// The scenes of a campaign
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/scenes", operation_id = "list_scenes",
    params(("slug" = String, Path, description = "Name of the campaign")), responses((status = 200, body = OwnScenes)))]
pub async fn list_scenes(door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let listed = door.read(|conn, visit| Ok(scenes::of_campaign(conn, visit.campaign.id)?)).await?;
    Ok(HttpResponse::Ok().json(OwnScenes { scenes: listed.into_iter().map(OwnScene::from).collect() }))
}

/// Change what is said about a scene
#[utoipa::path(patch, path = "/api/v1/campaigns/{slug}/scenes/{id}", operation_id = "change_scene",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The scene")),
    request_body = SceneChange, responses((status = 200, body = ChangedScene)))]
pub async fn change_scene(
    app: Data<App>,
    door: InCampaign<Coordinator>,
    path: Path<(String, String)>,
    body: Body<SceneChange>,
) -> Result<HttpResponse, Error> {
    let id = id_in_address(&path.1, "scene")?;
    let SceneChange { title, sensor, licence, attribution, captured, captured_from, captured_to } = body.0;
    let words = SceneWords { title, sensor, licence, attribution, captured, captured_from, captured_to };
    let intake = app.intake.clone();
    let changed = door.write(move |conn, visit| {
        let by = visit.viewer.volunteer_id();
        let (scene, job) = edit_scene(conn, &intake, &visit.campaign, id, &words, by, visit.now)?;
        Ok(ChangedScene { scene: scene.into(), job: job.map(|job| Job::new(job, visit.now)) })
    });
    Ok(HttpResponse::Ok().json(changed.await?))
}

/// Take a scene out of a draft
#[utoipa::path(delete, path = "/api/v1/campaigns/{slug}/scenes/{id}", operation_id = "remove_scene",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The scene")),
    responses((status = 202, body = Job)))]
pub async fn remove_scene(
    app: Data<App>,
    door: InCampaign<Coordinator>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Error> {
    let id = id_in_address(&path.1, "scene")?;
    let intake = app.intake.clone();
    let asked = door.write(move |conn, visit| {
        let by = visit.viewer.volunteer_id();
        Ok(Job::new(remove(conn, &intake, &visit.campaign, id, by, visit.now)?, visit.now))
    });
    Ok(HttpResponse::Accepted().json(asked.await?))
}
