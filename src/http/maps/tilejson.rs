//! TileJSON 3.0: where the tiles of a scene's images and of the damage map are, for web maps and QGIS.

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::map_query::MapQuery;
use super::map_tiles;
use crate::domain::bbox::Bbox;
use crate::http::base::Base;
use crate::http::error::Error;
use crate::http::gate::{Anyone, App, By, InCampaign, MapReader};
use crate::http::wire::id_in_address;

use crate::services::maps::map_tiles::{TILE_FIELDS, square_fields};
use crate::services::maps::read_map;
use crate::storage::{campaigns, scenes};

/// The deepest zoom that is named for the damage map; programs magnify beyond it.
const DEEPEST: u8 = 18;

/// A layer of vector tiles.
#[derive(Serialize, ToSchema)]
pub struct VectorLayer {
    id: String,
    description: String,
    /// Names of the values, each with a word about it.
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
}

/// Where tiles are (TileJSON 3.0.0).
#[derive(Serialize, ToSchema)]
pub struct TileJson {
    tilejson: &'static str,
    name: String,
    description: String,
    /// Credit line, to be shown with the picture.
    attribution: String,
    scheme: &'static str,
    /// One address, with `{z}`, `{x}` and `{y}` in it.
    tiles: Vec<String>,
    minzoom: u8,
    maxzoom: u8,
    /// West, south, east, north in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    bounds: Option<[f64; 4]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vector_layers: Vec<VectorLayer>,
}

/// TileJSON knows no box across the date line: such a one goes all around.
fn bounds(bbox: Bbox) -> [f64; 4] {
    match bbox.east > 180.0 {
        true => [-180.0, bbox.south, 180.0, bbox.north],
        false => bbox.to_array(),
    }
}

/// Where the images of a scene are (TileJSON)
#[utoipa::path(get, path = "/api/v1/scenes/{id}/tiles.json", operation_id = "get_scene_tiles",
    params(("id" = String, Path, description = "The scene")),
    responses((status = 200, body = TileJson)))]
pub async fn get_scene_tiles(
    app: Data<App>,
    by: By<Anyone>,
    id: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let id = id_in_address(&id, "scene")?;
    let unknown = move || Error::not_found(format!("there is no scene `{id}` that you may see"));
    let found = by.read(move |conn, visit| {
        let Some((campaign_id, _)) = scenes::archive(conn, id)? else { return Ok(None) };
        let campaign = campaigns::by_id(conn, campaign_id)?.filter(|campaign| visit.viewer.may_see(campaign));
        let Some(campaign) = campaign else { return Ok(None) };
        Ok(scenes::of_campaign(conn, campaign.id)?.into_iter().find(|scene| scene.id == id))
    });
    let scene = found.await?.ok_or_else(unknown)?;
    Ok(HttpResponse::Ok().json(TileJson {
        tilejson: "3.0.0",
        name: scene.title,
        description: "Satellite images, 256 pixels wide, WebP".into(),
        attribution: scene.attribution.unwrap_or_default(),
        scheme: "xyz",
        tiles: vec![Base::of(&app, &request).address(&format!("/tiles/{id}/{{z}}/{{x}}/{{y}}"))],
        minzoom: scene.min_zoom,
        maxzoom: scene.max_zoom,
        bounds: Some(bounds(scene.bounds)),
        vector_layers: Vec::new(),
    }))
}

/// Where the vector tiles of the damage map are (TileJSON); filters go along into their address
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/map.json", operation_id = "get_map_tiles",
    params(("slug" = String, Path, description = "Name of the campaign"), MapQuery),
    responses((status = 200, body = TileJson)))]
pub async fn get_map_tiles(
    app: Data<App>,
    door: InCampaign<MapReader>,
    query: Query<MapQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let told = door.read(move |conn, visit| {
        // An address that every tile would refuse is refused here.
        map_tiles::asked(&query, visit)?;
        Ok(read_map::header(conn, &visit.campaign, query.cuts())?)
    });
    let map = told.await?;
    let filters = match request.query_string() {
        "" => String::new(),
        words => format!("?{words}"),
    };
    let tiles = format!("/api/v1/campaigns/{}/map/{{z}}/{{x}}/{{y}}.mvt{filters}", map.campaign);
    let word = |name: &str| (name.to_owned(), Value::from("as in tiles.csv"));
    let count = |name: String| (name, Value::from("of the tiles in the square"));
    Ok(HttpResponse::Ok().json(TileJson {
        tilejson: "3.0.0",
        name: if map.title.is_empty() { map.campaign.clone() } else { map.title.clone() },
        description: "The damage map as vector tiles".into(),
        attribution: map.attributions().join("; "),
        scheme: "xyz",
        tiles: vec![Base::of(&app, &request).address(&tiles)],
        minzoom: 0,
        maxzoom: DEEPEST,
        bounds: map.bounds.map(bounds),
        vector_layers: vec![
            VectorLayer {
                id: "tiles".into(),
                description: "The tiles of the damage map".into(),
                fields: TILE_FIELDS.into_iter().map(word).collect(),
            },
            VectorLayer {
                id: "squares".into(),
                description: "How many tiles there are in each square, where single ones would be too many".into(),
                fields: square_fields(&map.scale).into_iter().map(count).collect(),
            },
        ],
    }))
}
