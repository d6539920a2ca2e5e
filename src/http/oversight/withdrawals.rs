//! Taking a scene or a tile out of view, and bringing it back.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{Admin, App, CampaignVisit, Coordinator, InCampaign};
use crate::http::scenes::images::Lookups;
use crate::http::wire::{id_in_address, rfc3339};
use crate::imagery::Archives;
use crate::services;
use crate::services::oversight::steer::withdraw::{self, Target};
use crate::services::scenes::later_scene;
use crate::storage::oversight::withdrawals as stored;

/// Something that is to be taken out of view: a scene or a tile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWithdrawal {
    /// The scene.
    scene_id: Option<String>,
    /// The tile, by its public id.
    tile_id: Option<String>,
    /// Why; kept, and seen by coordinators only.
    #[schema(max_length = 1000)]
    reason: String,
}

/// Why something comes back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BringBack {
    #[schema(max_length = 1000)]
    reason: String,
}

/// A withdrawal, in force or over.
#[derive(Serialize, ToSchema)]
pub struct Withdrawal {
    id: String,
    /// Title of the scene; `null`: it is a tile.
    #[schema(required)]
    scene: Option<String>,
    /// The tile's public id; `null`: it is a scene.
    #[schema(required)]
    tile_id: Option<String>,
    reason: String,
    /// Name of who did it; `null`: the operator.
    #[schema(required)]
    by: Option<String>,
    #[schema(format = DateTime)]
    at: String,
    /// When it came back; `null`: it is out of view.
    #[schema(required, format = DateTime)]
    lifted_at: Option<String>,
    lift_reason: String,
}

/// What a withdrawal did.
#[derive(Serialize, ToSchema)]
pub struct Withdrawn {
    id: String,
    /// Tiles that came back from volunteers' hands.
    leases_ended: usize,
}

impl Withdrawal {
    pub(crate) fn shown(one: stored::Withdrawal, names: &HashMap<i64, String>) -> Withdrawal {
        Withdrawal {
            id: one.id.to_string(),
            scene: one.scene,
            tile_id: one.tile_id,
            reason: one.reason,
            by: one.created_by.and_then(|id| names.get(&id).cloned()),
            at: rfc3339(one.created_at),
            lifted_at: one.lifted_at.map(rfc3339),
            lift_reason: one.lift_reason,
        }
    }
}

/// Take a scene or a tile out of view at once
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/withdrawals", operation_id = "withdraw",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = NewWithdrawal,
    responses((status = 201, body = Withdrawn)))]
pub async fn withdraw(
    app: Data<App>,
    lookups: Data<Lookups>,
    door: InCampaign<Coordinator>,
    body: Body<NewWithdrawal>,
) -> Result<HttpResponse, Error> {
    let NewWithdrawal { scene_id, tile_id, reason } = body.0;
    let withdraw = door.write(move |conn, visit| {
        let target = target(scene_id.as_deref(), tile_id.as_deref())?;
        let actor = visit.viewer.volunteer_id();
        let done = withdraw::withdraw(conn, &visit.campaign, &target, &reason, actor, visit.now)?;
        Ok((visit.campaign.id, done))
    });
    let (campaign, done) = withdraw.await?;
    lookups.forget();
    app.events.mark(&[campaign]);
    Ok(HttpResponse::Created().json(Withdrawn { id: done.id.to_string(), leases_ended: done.leases_ended }))
}

fn target(scene: Option<&str>, tile: Option<&str>) -> Result<Target, services::Error> {
    match (scene, tile) {
        (Some(scene), None) => {
            let reason = format!("`{scene}` is not an id that this server gave out");
            Ok(Target::Scene(scene.parse().map_err(|_| services::Error::invalid("scene_id", reason))?))
        }
        (None, Some(tile)) => Ok(Target::Tile(tile.to_owned())),
        _ => Err(services::Error::invalid("scene_id", "name either a scene or a tile")),
    }
}

/// Bring back what was withdrawn; for admins
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/withdrawals/{id}/lift", operation_id = "bring_back",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The withdrawal")),
    request_body = BringBack, responses((status = 204)))]
pub async fn bring_back(
    app: Data<App>,
    lookups: Data<Lookups>,
    door: InCampaign<Admin>,
    path: Path<(String, String)>,
    body: Body<BringBack>,
) -> Result<HttpResponse, Error> {
    let id = id_in_address(&path.1, "withdrawal")?;
    let reason = body.0.reason;
    let lift = door.write(move |conn, visit| {
        let joins = withdraw::bring_back(conn, &visit.campaign, id, &reason, visit.viewer.volunteer_id(), visit.now)?;
        Ok((visit.campaign.id, joins))
    });
    let (campaign, joins) = lift.await?;
    lookups.forget();
    app.events.mark(&[campaign]);
    if let Some(scene) = joins {
        go_on(&door, app.archives.clone(), scene).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

/// Lets the tiles follow a scene while the answer is on its way. Where that ends early, the campaign says so when it is to
/// open.
async fn go_on(door: &InCampaign<Admin>, archives: Archives, scene: i64) -> Result<(), Error> {
    door.serve(|store, CampaignVisit { campaign, viewer, .. }| async move {
        tokio::spawn(async move {
            let actor = viewer.volunteer_id();
            if let Err(error) = later_scene::go_on(&store, &archives, campaign.id, scene, actor).await {
                tracing::warn!(campaign = campaign.slug, %error, "a scene that came back has not joined all tiles");
            }
        });
        Ok(())
    })
    .await
}
