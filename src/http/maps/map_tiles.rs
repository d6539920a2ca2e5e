//! The damage map for maps: vector tiles, and how many tiles there are of what.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, VARY};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::map_query::MapQuery;
use crate::domain::cell::Cell;
use crate::domain::consensus::TileState;
use crate::domain::damage_map::Sight;
use crate::domain::volunteer::Role;
use crate::http::error::Error;
use crate::http::gate::{App, CampaignVisit, InCampaign, MapReader};
use crate::http::scenes::images::is_known;
use crate::http::wire::rfc3339;
use crate::services;
use crate::services::maps::map_tiles::{Asked, Counted};
use crate::storage::Store;

/// How much of the map the person who asks may see.
pub fn sight(visit: &CampaignVisit) -> Sight {
    match visit.viewer.is_at_least(Role::Researcher, &visit.campaign) {
        true => Sight::Researcher,
        false => Sight::Everybody,
    }
}

/// What is asked of the map, and by whom.
pub(crate) fn asked(query: &MapQuery, visit: &CampaignVisit) -> Result<Asked, services::Error> {
    let (filter, cuts) = (query.filter(&visit.campaign.scale)?, query.cuts());
    cuts.check()?;
    if cuts.min_probability.is_some() {
        return Err(services::Error::invalid("min_probability", "is for downloads: ask for probability_at_least here"));
    }
    Ok(Asked { sight: sight(visit), filter, damaged_if: cuts.damaged_if })
}

/// Tiles of a state.
#[derive(Serialize, ToSchema)]
pub struct StateCount {
    state: TileState,
    tiles: u64,
}

/// Tiles of a class.
#[derive(Serialize, ToSchema)]
pub struct ClassCount {
    class: String,
    tiles: u64,
}

/// Tiles that were damaged between the same two scenes.
#[derive(Serialize, ToSchema)]
pub struct WindowCount {
    /// The last scene in which they stand; `null`: already damaged in the first.
    #[schema(required)]
    last_intact: Option<String>,
    /// The first scene in which they are damaged.
    #[schema(required)]
    first_damaged: Option<String>,
    tiles: u64,
}

/// How many tiles there are of what, under a filter. Each list leaves its own part of the filter out, so that it says how
/// many there would be.
#[derive(Serialize, ToSchema)]
pub struct MapStatistics {
    /// When it was counted; a large map is counted every few minutes.
    #[schema(format = DateTime)]
    as_of: String,
    /// From this zoom on vector tiles hold single tiles, below it squares with counts.
    detail_zoom: u8,
    /// All tiles of the campaign.
    tiles: u64,
    /// Those that pass the filter.
    shown: u64,
    /// Under the filter without its states.
    states: Vec<StateCount>,
    /// Under the filter without its classes.
    classes: Vec<ClassCount>,
    /// Likewise, those without a class.
    without_class: u64,
    /// Likewise, those that are contested: they wait for experts and are in no class here.
    contested: u64,
    /// Likewise, those whose images show nothing usable: in no class either.
    unusable: u64,
    /// Under the filter without its probability: tiles with a class whose probability is at least 0, 0.01, … 1.
    probability_at_least: Vec<u64>,
    /// Under the filter: tiles whose probability of any damage is at least 0, 0.01, … 1.
    damaged_at_least: Vec<u64>,
    /// Under the filter without its dates: by window, earliest first.
    windows: Vec<WindowCount>,
    /// West, south, east, north around those that pass the filter; `null` where none does.
    #[schema(required)]
    bounds: Option<[f64; 4]>,
}

/// One vector tile of the damage map
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/map/{z}/{x}/{y}.mvt", operation_id = "get_map_tile",
    params(("slug" = String, Path, description = "Name of the campaign"), ("z" = u8, Path, description = "Zoom"),
        ("x" = u32, Path, description = "Column"), ("y" = u32, Path, description = "Row, from the north"), MapQuery),
    responses((status = 200, description = "Mapbox Vector Tile 2.1: layer `tiles`, the columns of tiles.csv; where these are too many, layer `squares` with counts",
            content_type = "application/vnd.mapbox-vector-tile"),
        (status = 204, description = "No tile there")))]
pub async fn get_map_tile(
    app: Data<App>,
    door: InCampaign<MapReader>,
    path: Path<(String, u8, u32, u32)>,
    query: Query<MapQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let (_, z, x, y) = path.into_inner();
    let cell = Cell::new(z, x, y).ok_or_else(|| Error::not_found(format!("there is no map tile {z}/{x}/{y}")))?;
    let maps = app.map_tiles.clone();
    let made = door.serve(|store: Store, visit| async move {
        let asked = asked(&query, &visit)?;
        maps.tile(&store, &visit.campaign, asked, cell).await
    });
    let tile = made.await?;
    let tag = format!("W/\"{}\"", tile.tag);
    let mut reply = HttpResponse::Ok();
    reply.insert_header((ETAG, tag.as_str())).insert_header((CACHE_CONTROL, "private, no-cache"));
    reply.insert_header((VARY, "Cookie, Authorization"));
    if is_known(&request, &tag) {
        return Ok(reply.status(StatusCode::NOT_MODIFIED).finish());
    }
    Ok(match tile.bytes.is_empty() {
        true => reply.status(StatusCode::NO_CONTENT).finish(),
        false => reply.content_type("application/vnd.mapbox-vector-tile").body(tile.bytes),
    })
}

/// How many tiles there are of what
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/map/statistics", operation_id = "get_map_statistics",
    params(("slug" = String, Path, description = "Name of the campaign"), MapQuery),
    responses((status = 200, body = MapStatistics)))]
pub async fn get_map_statistics(
    app: Data<App>,
    door: InCampaign<MapReader>,
    query: Query<MapQuery>,
) -> Result<HttpResponse, Error> {
    let maps = app.map_tiles.clone();
    let counted = door.serve(|store: Store, visit| async move {
        let asked = asked(&query, &visit)?;
        let keys: Vec<String> = visit.campaign.scale.classes().iter().map(|class| class.key.clone()).collect();
        Ok((maps.count(&store, &visit.campaign, asked).await?, keys))
    });
    let (counted, keys) = counted.await?;
    Ok(HttpResponse::Ok().json(statistics(counted, keys)))
}

fn statistics(Counted { as_of, detail_zoom, counts }: Counted, keys: Vec<String>) -> MapStatistics {
    let id = |scene: Option<i64>| scene.map(|scene| scene.to_string());
    let window = |((before, after), tiles)| WindowCount { last_intact: id(before), first_damaged: id(after), tiles };
    let of_state = |state: &TileState| counts.states.get(state).copied().unwrap_or(0);
    MapStatistics {
        as_of: rfc3339(as_of),
        detail_zoom,
        tiles: counts.tiles,
        shown: counts.shown,
        states: TileState::ALL.iter().map(|state| StateCount { state: *state, tiles: of_state(state) }).collect(),
        classes: keys.into_iter().zip(counts.classes).map(|(class, tiles)| ClassCount { class, tiles }).collect(),
        without_class: counts.without_class,
        contested: counts.contested,
        unusable: counts.unusable,
        probability_at_least: counts.probability_at_least,
        damaged_at_least: counts.damaged_at_least,
        windows: counts.windows.into_iter().map(window).collect(),
        bounds: counts.bounds.map(|bounds| bounds.to_array()),
    }
}
