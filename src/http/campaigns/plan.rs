//! What a coordinator wants to know before a campaign opens: how much work it will be, what is missing, how tiles look.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::campaign::TileSource;
use crate::domain::checklist::{Item, is_ready};
use crate::domain::estimate::Estimate;
use crate::domain::policy::{Policy, PolicyKind};
use crate::domain::tiling_change::TilingChange;
use crate::http::error::Error;
use crate::http::gate::{App, Coordinator, InCampaign};
use crate::http::labelling::training::ShownTile;
use crate::services;
use crate::services::campaigns::checklist::checklist;
use crate::services::campaigns::estimate::estimate;
use crate::services::labelling::training::SeenTile;
use crate::services::scenes::preview::preview;
use crate::storage::scenes::{self, footprints};

/// Most tiles of a preview.
const MOST_TILES: usize = 24;

/// What to estimate, where it is not what is saved.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EstimateWanted {
    /// `adaptive` or `fixed`.
    kind: Option<KindWanted>,
    /// Labels for each tile under fixed redundancy.
    redundancy: Option<u32>,
    /// So many tiles.
    tiles: Option<u64>,
}

/// A kind of policy.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KindWanted {
    /// Few labels where the crowd is sure, more where it is not.
    Adaptive,
    /// The same number for every tile.
    Fixed,
}

/// What should be there before a campaign opens.
#[derive(Serialize, ToSchema)]
pub struct Checklist {
    /// Whether nothing blocks.
    ready: bool,
    items: Vec<Item>,
}

/// How tiles are to be, where that is not what is saved, and which to show.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PreviewWanted {
    /// `cells` or `footprints`.
    source: Option<TileSource>,
    /// Zoom of grid cells.
    zoom: Option<u8>,
    /// Margin around a footprint, as a share of its longer side.
    margin: Option<f64>,
    /// The smallest square around a footprint, metres.
    least_m: Option<f64>,
    /// 1 to 24; 6 if not given.
    count: Option<usize>,
    /// The same seed shows the same tiles.
    seed: Option<u64>,
}

/// Some tiles as they would be.
#[derive(Serialize, ToSchema)]
pub struct Preview {
    source: TileSource,
    #[schema(required)]
    zoom: Option<u8>,
    /// Places at which there may be a tile; those without a picture would be left out.
    places: usize,
    tiles: Vec<ShownTile>,
}

/// How much work a campaign will be, and where each number comes from
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/estimate", operation_id = "get_estimate",
    params(("slug" = String, Path, description = "Name of the campaign"), EstimateWanted),
    responses((status = 200, body = Estimate)))]
pub async fn get_estimate(door: InCampaign<Coordinator>, wanted: Query<EstimateWanted>) -> Result<HttpResponse, Error> {
    let EstimateWanted { kind, redundancy, tiles } = wanted.into_inner();
    let made = door.read(move |conn, visit| {
        let policy = other_policy(&visit.campaign.policy, kind, redundancy)?;
        estimate(conn, &visit.campaign, policy, tiles)
    });
    Ok(HttpResponse::Ok().json(made.await?))
}

/// The policy that is asked for; `None`: the one that is saved.
fn other_policy(
    saved: &Policy,
    kind: Option<KindWanted>,
    redundancy: Option<u32>,
) -> Result<Option<Policy>, services::Error> {
    Ok(match (kind, redundancy) {
        (None, None) => None,
        (Some(KindWanted::Adaptive), None) => Some(Policy { kind: PolicyKind::Adaptive, ..saved.clone() }),
        (Some(KindWanted::Fixed) | None, Some(redundancy)) => {
            Some(Policy { gold_share: saved.gold_share, ..Policy::fixed(redundancy) })
        }
        (Some(KindWanted::Fixed), None) => {
            return Err(services::Error::invalid("redundancy", "say how many labels each tile is to have"));
        }
        (Some(KindWanted::Adaptive), Some(_)) => {
            return Err(services::Error::invalid("redundancy", "the adaptive policy has no fixed redundancy"));
        }
    })
}

/// What should be there before a campaign opens
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/checklist", operation_id = "get_checklist",
    params(("slug" = String, Path, description = "Name of the campaign")), responses((status = 200, body = Checklist)))]
pub async fn get_checklist(door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let items = door.read(|conn, visit| checklist(conn, &visit.campaign, visit.now)).await?;
    Ok(HttpResponse::Ok().json(Checklist { ready: is_ready(&items), items }))
}

/// Some tiles as they would be with another zoom or margin; nothing is stored
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/preview", operation_id = "get_preview",
    params(("slug" = String, Path, description = "Name of the campaign"), PreviewWanted),
    responses((status = 200, body = Preview)))]
pub async fn get_preview(
    app: Data<App>,
    door: InCampaign<Coordinator>,
    wanted: Query<PreviewWanted>,
) -> Result<HttpResponse, Error> {
    let PreviewWanted { source, zoom, margin, least_m, count, seed } = wanted.into_inner();
    let count = count.unwrap_or(6);
    let archives = app.archives.clone();
    let made = door.serve(|store, visit| async move {
        if !(1..=MOST_TILES).contains(&count) {
            return Err(services::Error::invalid("count", format!("ask for 1 to {MOST_TILES} tiles")));
        }
        let id = visit.campaign.id;
        let read = move |conn: &mut crate::storage::Conn| {
            Ok::<_, services::Error>((scenes::of_campaign(conn, id)?, footprints::of_campaign(conn, id)?))
        };
        let (scenes, outlines) = store.read(read).await?;
        let change = TilingChange { source, zoom: zoom.map(Some), margin, least_m, area: None };
        let tiling = change.applied_to(&visit.campaign.tiling())?;
        let work = move || {
            preview(&archives, &scenes, &outlines, &tiling, (count, seed.unwrap_or(1)))
                .map(|made| (tiling.source, made))
        };
        let ended = |error| services::Error::Internal(format!("a preview ended early: {error}"));
        tokio::task::spawn_blocking(work).await.map_err(ended)?
    });
    let (source, made) = made.await?;
    let shown = made.tiles.into_iter().map(|(tile, frames)| ShownTile::from(SeenTile { tile, frames }));
    Ok(HttpResponse::Ok().json(Preview { source, zoom: made.zoom, places: made.places, tiles: shown.collect() }))
}
