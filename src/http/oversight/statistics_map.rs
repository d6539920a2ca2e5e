//! Where a campaign's tiles stand and where its crowd does not agree, in a few squares, for its coordinator.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use super::statistics::{TileCounts, tile_counts};
use crate::domain::consensus::TileState;
use crate::domain::map_picture::OverviewSquare;
use crate::http::error::Error;
use crate::http::gate::{App, Coordinator, InCampaign};

/// The campaign's map in a few squares.
#[derive(Serialize, ToSchema)]
pub struct MapOverview {
    /// West, south, east, north in degrees; `null` without tiles.
    #[schema(required)]
    bounds: Option<[f64; 4]>,
    /// Squares from west to east.
    columns: u32,
    /// Squares from north to south.
    rows: u32,
    /// Those that hold a tile.
    squares: Vec<MapSquare>,
}

/// One square of it.
#[derive(Serialize, ToSchema)]
pub struct MapSquare {
    /// From the west.
    column: u32,
    /// From the north.
    row: u32,
    tiles: TileCounts,
    /// Mean share of pairs of labels on the same tile that do not agree; `null` where there is no pair.
    #[schema(required)]
    disagreement: Option<f64>,
}

/// Where tiles stand and where the crowd does not agree
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/statistics/map", operation_id = "get_statistics_map", tag = "statistics",
    params(("slug" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = MapOverview)))]
pub async fn get_statistics_map(app: Data<App>, door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let maps = app.map_tiles.clone();
    let overview = door.serve(|store, visit| async move { maps.overview(&store, &visit.campaign).await }).await?;
    let square = |square: OverviewSquare| MapSquare {
        column: square.column,
        row: square.row,
        tiles: tile_counts(&TileState::ALL.iter().copied().zip(square.states).collect::<Vec<_>>()),
        disagreement: square.disagreement,
    };
    Ok(HttpResponse::Ok().json(MapOverview {
        bounds: overview.bounds.map(|bounds| bounds.to_array()),
        columns: overview.columns,
        rows: overview.rows,
        squares: overview.squares.into_iter().map(square).collect(),
    }))
}
