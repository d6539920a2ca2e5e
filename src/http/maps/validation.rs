//! Validation: drawing a sample, grading it blind, and the report.

use actix_web::HttpResponse;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::campaign::Campaign;
use crate::domain::validation::report::{GradingProgress, Report};
use crate::domain::validation::{Settings, note};
use crate::export::validation::{GradedLine, StratumLine, figures, tiles};
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{ActingResearcher, ActingReviewer, InCampaign, Researcher, Reviewer, volunteer_id};
use crate::http::labelling::training::ShownTile;
use crate::services::maps::draw_sample::draw_sample;
use crate::services::maps::grade_tile::{self, Grade};
use crate::services::maps::validation_report::{self, GradedTile};
use crate::services::{self};

/// Tiles that a page may hold at a time.
const MOST_AT_ONCE: usize = 10;

/// What sample to draw.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSample {
    /// Tiles to draw.
    #[schema(minimum = 2, maximum = 20_000)]
    size: u64,
    /// At least so many from each stratum; 20 if not given, or as many as fit.
    floor: Option<u64>,
    /// The agreement from which a tile belongs to the band `agreed`; 0.75 if not given.
    agreed_from: Option<f64>,
    /// The same seed on the same map draws the same tiles; made up if not given.
    seed: Option<String>,
}

/// That a sample was drawn.
#[derive(Serialize, ToSchema)]
pub struct DrawnSample {
    number: u32,
}

/// A sample, as those see it who grade.
#[derive(Serialize, ToSchema)]
pub struct Sample {
    number: u32,
    #[schema(format = DateTime)]
    drawn_at: String,
    progress: GradingProgress,
    /// Tiles that I graded.
    mine: usize,
    /// Tiles that I may grade still.
    left: usize,
}

/// The samples of a campaign, newest first.
#[derive(Serialize, ToSchema)]
pub struct Samples {
    samples: Vec<Sample>,
}

/// How many tiles.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeskWanted {
    /// 1 to 10, 3 if not given.
    count: Option<usize>,
}

/// What a grader has before them.
#[derive(Serialize, ToSchema)]
pub struct Desk {
    /// Tiles to grade: their places and pictures, nothing else.
    tiles: Vec<ShownTile>,
    /// Tiles that I graded.
    mine: usize,
    /// Tiles that I may grade still.
    left: usize,
    /// Tiles that I labelled as a volunteer, so that others must grade them.
    barred: usize,
}

/// A grade.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrade {
    /// Public id of the tile.
    tile: String,
    /// Key of a class, or of an answer that says that it cannot be graded.
    answer: String,
    /// Time spent, by the client's clock.
    seconds: Option<f64>,
}

/// What became of a grade.
#[derive(Serialize, ToSchema)]
pub struct GradeReceipt {
    /// False where the tile was decided before it came: it is kept and not used.
    counted: bool,
}

/// Draw a sample of tiles for experts to check
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/validation", operation_id = "draw_sample",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = NewSample,
    responses((status = 201, body = DrawnSample)))]
pub async fn draw(door: InCampaign<ActingResearcher>, body: Body<NewSample>) -> Result<HttpResponse, Error> {
    let NewSample { size, floor, agreed_from, seed } = body.0;
    let settings = Settings {
        size,
        floor: floor.unwrap_or(20.min(size)),
        agreed_from: agreed_from.unwrap_or(0.75),
        seed: seed.unwrap_or_else(services::maps::draw_sample::new_seed),
    };
    let drawn = door.serve(|store, visit| async move {
        draw_sample(&store, visit.campaign, settings, visit.viewer.volunteer_id(), visit.now).await
    });
    Ok(HttpResponse::Created().json(DrawnSample { number: drawn.await?.number }))
}

/// The samples of a campaign, for those who grade
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/validation", operation_id = "list_samples",
    params(("slug" = String, Path, description = "Name of the campaign")), responses((status = 200, body = Samples)))]
pub async fn list(door: InCampaign<Reviewer>) -> Result<HttpResponse, Error> {
    let samples = door.read(|conn, visit| {
        let grader = volunteer_id(&visit.viewer)?;
        let reports = validation_report::reports(conn, &visit.campaign)?;
        let mut samples = Vec::new();
        for Report { number, drawn_at, progress, .. } in reports {
            let desk = grade_tile::desk(conn, &visit.campaign, number, grader, 0)?;
            samples.push(Sample { number, drawn_at, progress, mine: desk.mine, left: desk.left });
        }
        Ok(Samples { samples })
    });
    Ok(HttpResponse::Ok().json(samples.await?))
}

/// The next tiles to grade, blind
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/validation/{number}/desk", operation_id = "get_grading_desk",
    params(("slug" = String, Path, description = "Name of the campaign"), ("number" = u32, Path, description = "Number of the sample"), DeskWanted),
    responses((status = 200, body = Desk)))]
pub async fn desk(
    door: InCampaign<Reviewer>,
    path: Path<(String, u32)>,
    query: Query<DeskWanted>,
) -> Result<HttpResponse, Error> {
    let count = query.count.unwrap_or(3);
    if !(1..=MOST_AT_ONCE).contains(&count) {
        return Err(services::Error::invalid("count", format!("ask for 1 to {MOST_AT_ONCE} tiles at a time")).into());
    }
    let desk = door
        .read(move |conn, visit| grade_tile::desk(conn, &visit.campaign, path.1, volunteer_id(&visit.viewer)?, count));
    let grade_tile::Desk { tiles, mine, left, barred } = desk.await?;
    let tiles = tiles.into_iter().map(ShownTile::from).collect();
    Ok(HttpResponse::Ok().json(Desk { tiles, mine, left, barred }))
}

/// Grade a tile of a sample
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/validation/{number}/grades", operation_id = "grade_tile",
    params(("slug" = String, Path, description = "Name of the campaign"), ("number" = u32, Path, description = "Number of the sample")),
    request_body = NewGrade, responses((status = 200, body = GradeReceipt)))]
pub async fn grade(
    door: InCampaign<ActingReviewer>,
    path: Path<(String, u32)>,
    body: Body<NewGrade>,
) -> Result<HttpResponse, Error> {
    let NewGrade { tile, answer, seconds } = body.0;
    let grade = Grade { tile_id: tile, answer, seconds };
    let counted = door.write(move |conn, visit| {
        grade_tile::grade(conn, &visit.campaign, path.1, volunteer_id(&visit.viewer)?, &grade, visit.now)
    });
    Ok(HttpResponse::Ok().json(GradeReceipt { counted: counted.await? }))
}

/// How right the map is: the report of a sample
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/validation/{number}", operation_id = "get_validation_report",
    params(("slug" = String, Path, description = "Name of the campaign"), ("number" = u32, Path, description = "Number of the sample")),
    responses((status = 200, body = Report)))]
pub async fn report(door: InCampaign<Researcher>, path: Path<(String, u32)>) -> Result<HttpResponse, Error> {
    let report = door.read(move |conn, visit| validation_report::report(conn, &visit.campaign, path.1)).await?;
    Ok(HttpResponse::Ok().json(report))
}

/// The report or the graded tiles of a sample as a file
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/validation/{number}/{file}", operation_id = "download_validation",
    params(("slug" = String, Path, description = "Name of the campaign"), ("number" = u32, Path, description = "Number of the sample"),
        ("file" = String, Path, description = "report.json, report.csv, report.md or tiles.csv")),
    responses((status = 200, description = "The file", content_type = "*/*")))]
pub async fn download(door: InCampaign<Researcher>, path: Path<(String, u32, String)>) -> Result<HttpResponse, Error> {
    let (slug, number, file) = path.into_inner();
    let name = format!("attachment; filename=\"{slug}-validation-{number}-{file}\"");
    let written = door.read(move |conn, visit| {
        let mut report = || validation_report::report(conn, &visit.campaign, number);
        Ok(match file.as_str() {
            "report.json" => ("application/json", serde_json::to_string_pretty(&report()?).unwrap_or_default()),
            "report.csv" => ("text/csv; charset=utf-8", figures(&report()?)),
            "report.md" => ("text/markdown; charset=utf-8", note::markdown(&report()?)),
            "tiles.csv" => {
                let complete = report()?.complete;
                let graded = validation_report::graded_tiles(conn, &visit.campaign, number)?;
                ("text/csv; charset=utf-8", tiles(&lines(&visit.campaign, &graded, complete)))
            }
            _ => return Err(services::Error::NotFound(format!("there is no `{file}` of a sample"))),
        })
    });
    let (media_type, text) = written.await?;
    Ok(HttpResponse::Ok().insert_header(("Content-Disposition", name)).content_type(media_type).body(text))
}

/// Graded tiles in words. Of those that are not decided only their names: who reads this may grade them yet, blind.
fn lines<'a>(campaign: &'a Campaign, graded: &'a [GradedTile], complete: bool) -> Vec<GradedLine<'a>> {
    let key = |place: u8| campaign.scale.answer(place).map_or("", |answer| answer.key.as_str());
    let line = |one: &'a GradedTile| {
        let decided = complete || one.reference.is_some();
        let stratum = StratumLine {
            map_class: key(one.stratum.class),
            band: one.stratum.band.key(),
            tiles: one.stratum.tiles,
            drawn: one.stratum.drawn,
        };
        let grades = one.grades.iter().filter(|_| decided);
        GradedLine {
            tile_id: &one.tile_id,
            stratum: decided.then_some(stratum),
            grades: grades.map(|(name, answer)| (name.as_str(), key(*answer))).collect(),
            reference: one.reference.map_or("", key),
        }
    };
    graded.iter().map(line).collect()
}
