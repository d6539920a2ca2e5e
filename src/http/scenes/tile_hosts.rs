//! The hosts from which a coordinator may have ready tiles fetched: those that the operator allows, without their keys.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::remote_tiles::AllowedHost;
use crate::http::error::Error;
use crate::http::gate::{App, Coordinator, InCampaign};

/// A host that the operator allows.
#[derive(Serialize, ToSchema)]
pub struct TileHost {
    /// As it stands in an address, with its port where that is not the usual one.
    host: String,
    /// The credit line that every picture of it gets; `null`: whoever asks has to say whose the pictures are.
    #[schema(required)]
    attribution: Option<String>,
    /// Whether the operator has a key for it: then `{key}` in an address is filled.
    has_key: bool,
    /// Whether connections that are not encrypted will do.
    http: bool,
    /// Most tiles of one scene.
    most_tiles: u64,
}

/// The hosts that the operator allows; none where nothing may be fetched.
#[derive(Serialize, ToSchema)]
pub struct TileHosts {
    hosts: Vec<TileHost>,
}

impl From<&AllowedHost> for TileHost {
    fn from(allowed: &AllowedHost) -> TileHost {
        TileHost {
            host: allowed.host.clone(),
            attribution: allowed.attribution.clone(),
            has_key: allowed.key.is_some(),
            http: allowed.http,
            most_tiles: allowed.most_tiles,
        }
    }
}

/// The hosts from which ready tiles may be fetched
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/tile-hosts", operation_id = "list_tile_hosts",
    params(("slug" = String, Path, description = "Name of the campaign")), responses((status = 200, body = TileHosts)))]
pub async fn list_tile_hosts(app: Data<App>, door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let hosts = app.intake.remote_hosts.all().iter().map(TileHost::from).collect();
    door.read(|_, _| Ok(())).await?;
    Ok(HttpResponse::Ok().json(TileHosts { hosts }))
}
