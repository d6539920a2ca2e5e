//! Leases: tiles to label, and giving them back.

use actix_web::HttpResponse;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::tile;
use crate::http::body::{Beacon, Body};
use crate::http::error::Error;
use crate::http::gate::{By, InCampaign, Volunteer, volunteer_id};
use crate::http::wire::{id_in_address, rfc3339};
use crate::services;
use crate::services::labelling::hand_out::{self, Request};
use crate::services::labelling::{release_lease, renew_lease};

/// Most tiles that may be asked for at a time.
const MAX_COUNT: usize = 5;
/// Most leases in one list of ids: as many as a policy may let one person hold.
const MAX_IDS: usize = 200;

/// How many tiles.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseRequest {
    #[schema(minimum = 1, maximum = 5)]
    count: usize,
}

/// One place to label.
#[derive(Serialize, ToSchema)]
pub struct LeasedTile {
    /// Public id: `z-x-y`, or the footprint's.
    id: String,
    /// West, south, east, north in degrees.
    bbox: [f64; 4],
    /// GeoJSON geometry of the building; `null` for a grid cell.
    #[schema(value_type = Option<Object>, required)]
    footprint: Option<serde_json::Value>,
}

/// One tile seen in one scene.
#[derive(Serialize, ToSchema)]
pub struct Frame {
    scene_id: String,
    #[schema(format = DateTime)]
    captured_from: String,
    #[schema(format = DateTime)]
    captured_to: String,
}

/// A tile handed to a volunteer for a limited time.
#[derive(Serialize, ToSchema)]
pub struct Lease {
    lease_id: String,
    tile: LeasedTile,
    /// By date.
    frames: Vec<Frame>,
    /// After this the place may be given to somebody else; an answer is taken all the same.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Leases; none when nothing can be given now.
#[derive(Serialize, ToSchema)]
pub struct Leases {
    leases: Vec<Lease>,
}

/// Leases in the caller's hands.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseIds {
    #[schema(max_items = 200)]
    lease_ids: Vec<String>,
}

/// A lease that goes on.
#[derive(Serialize, ToSchema)]
pub struct RenewedLease {
    lease_id: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// The leases that go on; those that ended, are somebody else's or never were are left out.
#[derive(Serialize, ToSchema)]
pub struct RenewedLeases {
    leases: Vec<RenewedLease>,
}

/// How a lease ends.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Ending {
    /// Keep the tile away from me for a day.
    #[serde(default)]
    skip: bool,
}

/// Tiles to label
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/leases", operation_id = "take_leases",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = LeaseRequest,
    responses((status = 200, body = Leases)))]
pub async fn take_leases(door: InCampaign<Volunteer>, body: Body<LeaseRequest>) -> Result<HttpResponse, Error> {
    let count = body.0.count;
    if !(1..=MAX_COUNT).contains(&count) {
        return Err(services::Error::invalid("count", format!("ask for 1 to {MAX_COUNT} tiles at a time")).into());
    }
    let leases = door.serve(|store, visit| async move {
        let request = Request { volunteer: volunteer_id(&visit.viewer)?, count, again: true, seed: rand::random() };
        hand_out::hand_out(&store, &visit.campaign, request).await
    });
    Ok(HttpResponse::Ok().json(Leases { leases: leases.await?.into_iter().map(Lease::from).collect() }))
}

/// Keep tiles a while longer: a page sends it while somebody still looks at them
#[utoipa::path(post, path = "/api/v1/leases/renew", operation_id = "renew_leases", request_body = LeaseIds,
    responses((status = 200, body = RenewedLeases)))]
pub async fn renew_leases(by: By<Volunteer>, body: Body<LeaseIds>) -> Result<HttpResponse, Error> {
    let ids = body.0.read()?;
    let renewed =
        by.write(move |conn, visit| renew_lease::renew(conn, volunteer_id(&visit.viewer)?, &ids, visit.now)).await?;
    let of = |(id, expires_at): (i64, i64)| RenewedLease { lease_id: id.to_string(), expires_at: rfc3339(expires_at) };
    Ok(HttpResponse::Ok().json(RenewedLeases { leases: renewed.into_iter().map(of).collect() }))
}

/// Give tiles back when the page is closed; may be sent as `text/plain`, by `navigator.sendBeacon`
#[utoipa::path(post, path = "/api/v1/leases/release", operation_id = "release_leases", request_body = LeaseIds,
    responses((status = 204)))]
pub async fn release_leases(by: By<Volunteer>, body: Beacon<LeaseIds>) -> Result<HttpResponse, Error> {
    let ids = body.0.read()?;
    by.write(move |conn, visit| release_lease::release_all(conn, volunteer_id(&visit.viewer)?, &ids, visit.now))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Give a tile back, or skip it
#[utoipa::path(delete, path = "/api/v1/leases/{id}", operation_id = "release_lease",
    params(("id" = String, Path, description = "The lease"), Ending),
    responses((status = 204)))]
pub async fn release_lease(by: By<Volunteer>, id: Path<String>, ending: Query<Ending>) -> Result<HttpResponse, Error> {
    let (lease, skip) = (id_in_address(&id, "lease")?, ending.skip);
    by.write(move |conn, visit| release_lease::release(conn, volunteer_id(&visit.viewer)?, lease, skip, visit.now))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

impl LeaseIds {
    fn read(&self) -> Result<Vec<i64>, services::Error> {
        if !(1..=MAX_IDS).contains(&self.lease_ids.len()) {
            return Err(services::Error::invalid("lease_ids", format!("name 1 to {MAX_IDS} leases at a time")));
        }
        let number = |id: &String| {
            let reason = || format!("`{id}` is not an id that this server gave out");
            id.parse().map_err(|_| services::Error::invalid("lease_ids", reason()))
        };
        self.lease_ids.iter().map(number).collect()
    }
}

impl From<tile::Lease> for Lease {
    fn from(lease: tile::Lease) -> Lease {
        Lease {
            lease_id: lease.id.to_string(),
            tile: lease.tile.into(),
            frames: lease.frames.into_iter().map(Frame::from).collect(),
            expires_at: rfc3339(lease.expires_at),
        }
    }
}

impl From<tile::Tile> for LeasedTile {
    fn from(tile: tile::Tile) -> LeasedTile {
        LeasedTile {
            id: tile.tile_id,
            bbox: tile.bbox.to_array(),
            footprint: tile.footprint.and_then(|text| serde_json::from_str(&text).ok()),
        }
    }
}

impl From<tile::Frame> for Frame {
    fn from(frame: tile::Frame) -> Frame {
        Frame {
            scene_id: frame.scene_id.to_string(),
            captured_from: rfc3339(frame.captured_from),
            captured_to: rfc3339(frame.captured_to),
        }
    }
}
