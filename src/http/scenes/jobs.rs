//! Jobs: pictures, footprints, gold and tiles that are worked on in the background.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::gold::GoldKind;
use crate::domain::job::{JobKind, JobState, pace};
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{App, Coordinator, InCampaign};
use crate::http::wire::{id_in_address, rfc3339};
use crate::services::jobs::{
    FileRef, FootprintsInput, GoldInput, IngestInput, JobInput, RemoteInput, about, ask, cancel, find, list,
};
use crate::services::scenes::upload;
use crate::services::{self, clock};
use crate::storage::{Conn, jobs};

/// Work in the background.
#[derive(Serialize, ToSchema)]
pub struct Job {
    id: String,
    kind: JobKind,
    /// The name of its file, or a few words.
    about: String,
    state: JobState,
    /// 0 to 1.
    progress: f64,
    /// Image tiles done so far.
    done: i64,
    /// Image tiles that there are; 0 while nobody knows.
    total: i64,
    #[schema(required)]
    per_second: Option<f64>,
    #[schema(required)]
    seconds_left: Option<f64>,
    /// Its outcome, or why it failed.
    message: String,
    /// What is odd about the file.
    report: Vec<String>,
    /// How often it was begun.
    attempts: i32,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime, required)]
    started_at: Option<String>,
    #[schema(format = DateTime, required)]
    finished_at: Option<String>,
}

/// The newest jobs of a campaign, newest first.
#[derive(Serialize, ToSchema)]
pub struct Jobs {
    jobs: Vec<Job>,
}

/// What is to be done.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobWanted {
    /// Cut a picture into a scene.
    Ingest(Box<IngestWanted>),
    /// Read building footprints: GeoJSON, GeoPackage or FlatGeobuf.
    Footprints(FootprintsWanted),
    /// Read tiles whose answers experts fixed: CSV with the columns tile_id, answer, explanation, or GeoJSON with these properties.
    Gold(GoldWanted),
}

/// Tiles of another server, whose host the operator allows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteWanted {
    /// Scheme, host and path with `{z}`, `{x}` and `{y}`, as in `tiles.example.org/{z}/{x}/{y}.jpg?key={key}`; `{-y}` counts
    /// rows from the south. The operator's key for that host is put in for `{key}`.
    template: String,
    /// West, south, east, north, degrees; the campaign's area without it, or that of its first scene.
    area: Option<[f64; 4]>,
    /// The deepest zoom to fetch; that of the first scene without it.
    zoom: Option<u8>,
}

/// A picture and what is known about it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IngestWanted {
    /// The upload of the GeoTIFF; or `file`, or `remote`.
    upload: Option<String>,
    /// Its name in the inbox of the campaign.
    file: Option<String>,
    /// Tiles to be fetched.
    remote: Option<RemoteWanted>,
    /// When it was taken: `2025-06-15` or `2025-06-15T08:30:00Z`.
    captured: Option<String>,
    /// Start of the interval of a composite.
    captured_from: Option<String>,
    /// Its end.
    captured_to: Option<String>,
    /// Name on screen; the file's without one.
    title: Option<String>,
    /// Satellite or aircraft.
    sensor: Option<String>,
    /// Licence of the imagery.
    licence: Option<String>,
    /// Credit line.
    attribution: Option<String>,
    /// Bands to show, counted from 1: one for grey, three for red, green, blue.
    bands: Option<Vec<u16>>,
    /// Numbers that become black and white.
    stretch: Option<[f64; 2]>,
    /// Number that means "no picture".
    nodata: Option<f64>,
    /// System that the file lies in, where the file does not say it, as `EPSG:32637`. A file that says another one is refused.
    crs: Option<String>,
    /// The scene of a draft that goes when this one is there: the same picture with another look, or a better one.
    replaces: Option<String>,
}

/// A file of footprints.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FootprintsWanted {
    /// The upload; or `file`.
    upload: Option<String>,
    /// Its name in the inbox of the campaign.
    file: Option<String>,
}

/// A file of gold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GoldWanted {
    /// The upload; or `file`.
    upload: Option<String>,
    /// Its name in the inbox of the campaign.
    file: Option<String>,
    /// `practice` or `check`.
    gold: GoldKind,
}

impl Job {
    /// How it stands now.
    pub fn new(job: jobs::Job, now: i64) -> Job {
        let end = job.finished_at.unwrap_or(now);
        let pace = job.started_at.and_then(|start| pace(job.units_done, job.units_total, end - start));
        let goes_on = pace.filter(|_| job.state == JobState::Running);
        let share = job.units_done as f64 / job.units_total.max(1) as f64;
        Job {
            id: job.id.to_string(),
            kind: job.kind,
            about: about(&job),
            state: job.state,
            progress: if job.state == JobState::Done { 1.0 } else { share.min(1.0) },
            done: job.units_done,
            total: job.units_total,
            per_second: pace.map(|pace| pace.per_second),
            seconds_left: goes_on.map(|pace| pace.seconds_left),
            message: job.message,
            report: job.report.lines().map(str::to_owned).collect(),
            attempts: job.attempts,
            created_at: rfc3339(job.created_at),
            started_at: job.started_at.map(rfc3339),
            finished_at: job.finished_at.map(rfc3339),
        }
    }
}

impl From<JobWanted> for JobInput {
    fn from(wanted: JobWanted) -> JobInput {
        let file = |upload, file| FileRef { upload, file, called: String::new() };
        match wanted {
            JobWanted::Ingest(one) => JobInput::Ingest(Box::new(IngestInput {
                file: file(one.upload, one.file),
                remote: one
                    .remote
                    .map(|RemoteWanted { template, area, zoom }| Box::new(RemoteInput { template, area, zoom })),
                captured: one.captured,
                captured_from: one.captured_from,
                captured_to: one.captured_to,
                title: one.title.filter(|title| !title.trim().is_empty()),
                sensor: one.sensor,
                licence: one.licence,
                attribution: one.attribution,
                bands: one.bands,
                stretch: one.stretch.map(|[low, high]| (low, high)),
                nodata: one.nodata,
                crs: one.crs,
                replaces: one.replaces,
            })),
            JobWanted::Footprints(one) => JobInput::Footprints(FootprintsInput { file: file(one.upload, one.file) }),
            JobWanted::Gold(one) => JobInput::Gold(GoldInput { file: file(one.upload, one.file), gold: one.gold }),
        }
    }
}

/// Ask for work on an uploaded file, or one in the inbox
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/jobs", operation_id = "ask_for_job",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = JobWanted,
    responses((status = 202, body = Job)))]
pub async fn ask_for_job(
    app: Data<App>,
    door: InCampaign<Coordinator>,
    body: Body<JobWanted>,
) -> Result<HttpResponse, Error> {
    let (intake, input) = (app.intake.clone(), JobInput::from(body.0));
    let asked = door.write(move |conn, visit| {
        let mut input = input.clone();
        let by = visit.viewer.volunteer_id();
        if let Some(file) = input.file_mut() {
            file.called = called(conn, visit.campaign.id, file)?;
        }
        Ok(Job::new(ask(conn, &intake, &visit.campaign, &input, by, visit.now)?, visit.now))
    });
    Ok(HttpResponse::Accepted().json(asked.await?))
}

/// What a file is called by whoever brought it.
fn called(conn: &mut Conn, campaign: i64, file: &FileRef) -> Result<String, services::Error> {
    let id = file.upload.as_deref().and_then(|id| id.parse::<i64>().ok());
    let upload = id.map(|id| upload::name_of(conn, campaign, id)).transpose()?.flatten();
    let in_inbox = || file.file.as_deref().and_then(|name| name.rsplit('/').next()).map(str::to_owned);
    Ok(upload.or_else(in_inbox).unwrap_or_default())
}

/// The jobs of a campaign
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/jobs", operation_id = "list_jobs",
    params(("slug" = String, Path, description = "Name of the campaign")), responses((status = 200, body = Jobs)))]
pub async fn list_jobs(door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let listed = door.read(|conn, visit| list(conn, &visit.campaign)).await?;
    let now = clock::now_ms();
    Ok(HttpResponse::Ok().json(Jobs { jobs: listed.into_iter().map(|job| Job::new(job, now)).collect() }))
}

/// One job
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/jobs/{id}", operation_id = "get_job",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The job")),
    responses((status = 200, body = Job)))]
pub async fn get_job(door: InCampaign<Coordinator>, path: Path<(String, String)>) -> Result<HttpResponse, Error> {
    let id = id_in_address(&path.1, "job")?;
    let job = door.read(move |conn, visit| Ok(Job::new(find(conn, &visit.campaign, id)?, visit.now)));
    Ok(HttpResponse::Ok().json(job.await?))
}

/// Cancel a job, or ask it to stop
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/jobs/{id}/cancel", operation_id = "cancel_job",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The job")),
    responses((status = 200, body = Job)))]
pub async fn cancel_job(door: InCampaign<Coordinator>, path: Path<(String, String)>) -> Result<HttpResponse, Error> {
    let id = id_in_address(&path.1, "job")?;
    let job = door.write(move |conn, visit| {
        let by = visit.viewer.volunteer_id();
        Ok(Job::new(cancel(conn, &visit.campaign, id, by, visit.now)?, visit.now))
    });
    Ok(HttpResponse::Ok().json(job.await?))
}
