//! How a campaign is doing, for its coordinator.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::Error;
use super::gate::{Coordinator, InCampaign};
use super::wire::rfc3339;
use crate::domain::consensus::TileState;
use crate::services::statistics;

/// Tiles by state. Gold counts as reviewed.
#[derive(Default, Serialize, ToSchema)]
pub struct TileCounts {
    open: u64,
    settled: u64,
    contested: u64,
    reviewed: u64,
    unusable: u64,
}

/// The model in use.
#[derive(Serialize, ToSchema)]
pub struct ModelNote {
    /// 0 before the first refit.
    number: u32,
    #[schema(format = DateTime, required)]
    fitted_at: Option<String>,
}

/// How often an answer was counted.
#[derive(Serialize, ToSchema)]
pub struct AnswerCount {
    key: String,
    count: u64,
}

/// One interval of the timeline.
#[derive(Serialize, ToSchema)]
pub struct Interval {
    /// Its start.
    #[schema(format = DateTime)]
    from: String,
    labels: u64,
    tiles_closed: u64,
}

/// How a campaign is doing.
#[derive(Serialize, ToSchema)]
pub struct Statistics {
    /// When it was counted.
    #[schema(format = DateTime)]
    as_of: String,
    tiles: TileCounts,
    /// Answers that stand: one for each volunteer and tile.
    labels: u64,
    /// Of these, the ones in their tiles' consensus.
    labels_counted: u64,
    /// Of these, the ones that wait for a free place.
    labels_surplus: u64,
    /// Of these, the ones on gold, which measure their authors.
    labels_gold: u64,
    /// `null` while no tile is closed.
    #[schema(required)]
    labels_per_closed_tile: Option<f64>,
    /// Who ever asked for tiles.
    volunteers: u64,
    /// Within the last hour.
    volunteers_active: u64,
    open_leases: u64,
    /// Open tiles that every active volunteer has seen.
    waiting_for_new_eyes: u64,
    model: ModelNote,
    answers: Vec<AnswerCount>,
    /// Share of agreeing pairs of labels; `null` while there is no pair.
    #[schema(required)]
    agreement: Option<f64>,
    /// Oldest first.
    timeline: Vec<Interval>,
    interval_seconds: u64,
}

/// How the campaign is doing
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/statistics", operation_id = "get_statistics",
    params(("slug" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = Statistics)))]
pub async fn get_statistics(door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let counted = door.read(|conn, visit| statistics::statistics(conn, &visit.campaign, visit.now)).await?;
    Ok(HttpResponse::Ok().json(Statistics::from(counted)))
}

impl From<statistics::Statistics> for Statistics {
    fn from(counted: statistics::Statistics) -> Statistics {
        let point = |point: statistics::Point| Interval {
            from: rfc3339(point.from),
            labels: point.labels,
            tiles_closed: point.tiles_closed,
        };
        Statistics {
            as_of: rfc3339(counted.as_of),
            tiles: tile_counts(&counted.tiles),
            labels: counted.labels,
            labels_counted: counted.labels_counted,
            labels_surplus: counted.labels_surplus,
            labels_gold: counted.labels_gold,
            labels_per_closed_tile: counted.labels_per_closed_tile,
            volunteers: counted.volunteers,
            volunteers_active: counted.volunteers_active,
            open_leases: counted.open_leases,
            waiting_for_new_eyes: counted.waiting_for_new_eyes,
            model: ModelNote { number: counted.model, fitted_at: counted.fitted_at.map(rfc3339) },
            answers: counted.answers.into_iter().map(|(key, count)| AnswerCount { key, count }).collect(),
            agreement: counted.agreement,
            timeline: counted.timeline.into_iter().map(point).collect(),
            interval_seconds: counted.interval_seconds,
        }
    }
}

fn tile_counts(tiles: &[(TileState, u64)]) -> TileCounts {
    let mut counts = TileCounts::default();
    for (state, tiles) in tiles {
        *match state {
            TileState::Open => &mut counts.open,
            TileState::Settled => &mut counts.settled,
            TileState::Contested => &mut counts.contested,
            TileState::Reviewed => &mut counts.reviewed,
            TileState::Unusable => &mut counts.unusable,
        } = *tiles;
    }
    counts
}
