//! The scenes of a campaign, for its coordinators: what is said about them, and taking one away.

pub mod images;
pub mod jobs;
pub mod tile_hosts;
pub mod uploads;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::scene;
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{App, Coordinator, InCampaign};
use crate::http::wire::{id_in_address, rfc3339};
use crate::imagery::{SceneArchive, SceneMetadata};
use crate::services::scenes::edit_scene::{SceneWords, edit_scene, remove_scene as remove};
use crate::storage::scenes;
use jobs::Job;

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
    /// How its numbers became colours; `null` where its archive cannot be read now.
    #[schema(required)]
    shown: Option<SceneLook>,
    /// Coordinate reference system of the file.
    crs: String,
    /// Size of a pixel of the file on the ground.
    pixel_size_m: f64,
    min_zoom: u8,
    max_zoom: u8,
    /// West, south, east, north in degrees.
    bounds: [f64; 4],
}

/// How a picture is shown.
#[derive(Serialize, ToSchema)]
pub struct SceneLook {
    /// Bands counted from 1: one for grey, three for red, green, blue; none where its tiles were made elsewhere.
    bands: Vec<u16>,
    /// For each band the numbers that became black and white; none where bytes were taken as they are.
    stretch: Vec<[f32; 2]>,
    /// The same in words, and how "no picture" was known.
    note: String,
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

impl OwnScene {
    /// A scene with what its archive says of it.
    async fn of(app: &App, scene: scene::Scene) -> OwnScene {
        let archive = app.archives.opened(&scene.archive).await.ok();
        let look = |archive: &SceneArchive| {
            let SceneMetadata { shown, note, .. } = archive.metadata();
            SceneLook { bands: shown.bands.clone(), stretch: shown.stretch.clone(), note: note.clone() }
        };
        OwnScene {
            shown: archive.as_deref().map(look),
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
pub async fn list_scenes(app: Data<App>, door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let listed = door.read(|conn, visit| Ok(scenes::of_campaign(conn, visit.campaign.id)?)).await?;
    let mut scenes = Vec::with_capacity(listed.len());
    for scene in listed {
        scenes.push(OwnScene::of(&app, scene).await);
    }
    Ok(HttpResponse::Ok().json(OwnScenes { scenes }))
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
        Ok((scene, job.map(|job| Job::new(job, visit.now))))
    });
    let (scene, job) = changed.await?;
    Ok(HttpResponse::Ok().json(ChangedScene { scene: OwnScene::of(&app, scene).await, job }))
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
