//! Steering a campaign that runs: what is under way, areas that come first, how many labels, more tiles.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::withdrawals::Withdrawal;
use crate::domain::campaign::CampaignState;
use crate::http::body::Body;
use crate::http::campaigns::setup::{expected, tag_of};
use crate::http::error::Error;
use crate::http::gate::{App, Coordinator, InCampaign};
use crate::http::wire::rfc3339;
use crate::services::oversight::steer::{self, outlook, policy, priorities};
use crate::services::{self};
use crate::storage::campaigns::priority_areas::{self, PriorityArea};
use crate::storage::oversight::withdrawals;
use crate::storage::people::members;
use crate::storage::{Conn, campaigns};

/// An area whose tiles come first.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewArea {
    #[schema(max_length = 100)]
    name: String,
    /// 1 to 3; 3 comes first.
    #[schema(minimum = 1, maximum = 3)]
    level: u8,
    /// GeoJSON Polygon or MultiPolygon, in degrees.
    #[schema(value_type = Object)]
    geometry: Value,
}

/// The areas that a campaign is to have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAreas {
    #[schema(max_items = 20)]
    areas: Vec<NewArea>,
    /// Only count: nothing is changed.
    #[serde(default)]
    preview: bool,
}

/// An area with its tiles.
#[derive(Serialize, ToSchema)]
pub struct Area {
    name: String,
    level: u8,
    #[schema(value_type = Object)]
    geometry: Value,
    /// Tiles that have this level because of it.
    tiles: usize,
    /// How many of them are open.
    open_tiles: usize,
}

/// Areas, those that come first in front.
#[derive(Serialize, ToSchema)]
pub struct Areas {
    areas: Vec<Area>,
    /// Names the areas that the campaign has now, for `If-Match` of a change.
    areas_version: String,
}

/// A policy that decided tiles for a while.
#[derive(Serialize, ToSchema)]
pub struct PolicyVersion {
    /// 1 for the one that the campaign opened with.
    version: u32,
    #[schema(format = DateTime)]
    in_force_from: String,
    /// Its settings, as in a campaign file.
    #[schema(value_type = Object)]
    settings: Value,
    reason: String,
    /// Name of who changed it; `null`: nobody did, or the operator.
    #[schema(required)]
    changed_by: Option<String>,
    /// Whether it decided closed tiles anew.
    closed_too: bool,
    /// Whether all tiles follow it already.
    applied: bool,
}

/// A campaign as its coordinator steers it.
#[derive(Serialize, ToSchema)]
pub struct Steering {
    state: CampaignState,
    open_tiles: i64,
    /// Tiles in volunteers' hands.
    leases: i64,
    /// Volunteers who hold them.
    volunteers: i64,
    areas: Vec<Area>,
    /// Names these areas, for `If-Match` of a change.
    areas_version: String,
    /// In the order of their time; the last is in force.
    policies: Vec<PolicyVersion>,
    /// Newest first.
    withdrawals: Vec<Withdrawal>,
    /// Whether you may bring back what was withdrawn.
    may_bring_back: bool,
}

/// Settings of the policy that are to differ.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// As in a campaign file: `minimum`, `maximum`, `settle_at`, `kind` and so on.
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    /// Whether tiles that the crowd closed are decided anew too.
    #[serde(default)]
    closed_too: bool,
    /// Why; needed where it is not only a preview.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

/// What a change of the policy would do.
#[derive(Serialize, ToSchema)]
pub struct PolicyEffect {
    open_tiles: u64,
    /// Open tiles that would settle at once.
    would_settle: u64,
    /// Open tiles that would be contested at once.
    would_be_contested: u64,
    /// Closed tiles that would open again.
    would_reopen: u64,
    /// Labels that open tiles ask for now, at least.
    labels_wanted: u64,
    /// The same after the change.
    labels_wanted_then: u64,
    /// Whether the numbers were reckoned from a part of the tiles.
    estimated: bool,
}

/// What became of a change.
#[derive(Serialize, ToSchema)]
pub struct PolicyChanged {
    version: u32,
    /// Whether all tiles follow it; if not, the rest does within minutes.
    applied: bool,
}

/// An area from which a campaign is to have more tiles.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// GeoJSON Polygon or MultiPolygon, in degrees.
    #[schema(value_type = Object)]
    area: Value,
    /// Only count: nothing is changed.
    #[serde(default)]
    preview: bool,
}

/// Tiles that are new.
#[derive(Serialize, ToSchema)]
pub struct Extended {
    tiles: usize,
}

fn shown(counted: priorities::Counted) -> Result<Area, services::Error> {
    let PriorityArea { name, level, geometry } = counted.area;
    let geometry = serde_json::from_str(&geometry).map_err(|error| services::Error::Internal(error.to_string()))?;
    Ok(Area { name, level, geometry, tiles: counted.tiles, open_tiles: counted.open })
}

fn all_shown(counted: Vec<priorities::Counted>) -> Result<Vec<Area>, services::Error> {
    counted.into_iter().map(shown).collect()
}

/// How a campaign is steered
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/steering", operation_id = "get_steering",
    params(("slug" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = Steering)))]
pub async fn get_steering(door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let read = door.read(|conn, visit| {
        let campaign = &visit.campaign;
        let now = outlook::outlook(conn, campaign.id, visit.now)?;
        let history = policy::history(conn, campaign)?;
        let gone = withdrawals::of_campaign(conn, campaign.id)?;
        let people = history.iter().filter_map(|one| one.changed_by);
        let people: Vec<i64> = people.chain(gone.iter().filter_map(|one| one.created_by)).collect();
        let names = members::names_of_staff(conn, campaign.id, &people)?;
        let version = |one: crate::storage::campaigns::policy_versions::PolicyVersion| {
            let settings = serde_json::to_value(&one.policy);
            Ok(PolicyVersion {
                version: one.version,
                in_force_from: rfc3339(one.in_force_from),
                settings: settings.map_err(|error| services::Error::Internal(error.to_string()))?,
                reason: one.reason,
                changed_by: one.changed_by.and_then(|id| names.get(&id).cloned()),
                closed_too: one.closed_too,
                applied: one.applied_at.is_some(),
            })
        };
        Ok(Steering {
            state: campaign.state,
            open_tiles: now.open_tiles,
            leases: now.leases,
            volunteers: now.volunteers,
            areas: all_shown(priorities::list(conn, campaign)?)?,
            areas_version: version_of_areas(conn, campaign.id)?,
            policies: history.into_iter().map(version).collect::<Result<_, services::Error>>()?,
            withdrawals: gone.into_iter().map(|one| Withdrawal::shown(one, &names)).collect(),
            may_bring_back: visit.viewer.is_admin(),
        })
    });
    Ok(HttpResponse::Ok().json(read.await?))
}

/// The name of the areas that a campaign has: another one after every change.
fn version_of_areas(conn: &mut Conn, campaign: i64) -> Result<String, services::Error> {
    let areas = priority_areas::of_campaign(conn, campaign)?;
    Ok(tag_of(&areas.iter().map(|one| (&one.name, one.level, &one.geometry)).collect::<Vec<_>>()))
}

/// Refuses a change to areas that are not any more what the client saw.
fn check_areas(conn: &mut Conn, campaign: i64, expected: Option<&[String]>) -> Result<(), services::Error> {
    let now = version_of_areas(conn, campaign)?;
    match expected {
        Some(tags) if !tags.contains(&now) => Err(services::Error::ChangedMeanwhile(
            "somebody else changed the areas since you read them: read them again, then make your change".into(),
        )),
        _ => Ok(()),
    }
}

/// Say which areas come first, in place of all areas before
///
/// With the header `If-Match` and the `areas_version` that was read, nothing changes where somebody else changed the areas
/// since: 412, `changed_meanwhile`.
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/steering/areas", operation_id = "set_priority_areas",
    params(("slug" = String, Path, description = "Name of the campaign"),
        ("If-Match" = Option<String>, Header, description = "`areas_version` of the areas that this changes")),
    request_body = NewAreas, responses((status = 200, body = Areas)))]
pub async fn set_areas(
    request: HttpRequest,
    door: InCampaign<Coordinator>,
    body: Body<NewAreas>,
) -> Result<HttpResponse, Error> {
    let expected = expected(&request);
    let NewAreas { areas, preview } = body.0;
    let area = |one: NewArea| PriorityArea {
        name: one.name.trim().to_owned(),
        level: one.level,
        geometry: one.geometry.to_string(),
    };
    let areas: Vec<PriorityArea> = areas.into_iter().map(area).collect();
    let done = match preview {
        true => {
            let look = door.read(move |conn, visit| {
                let areas = all_shown(priorities::preview(conn, &visit.campaign, areas)?)?;
                Ok(Areas { areas, areas_version: version_of_areas(conn, visit.campaign.id)? })
            });
            look.await?
        }
        false => {
            let set = door.write(move |conn, visit| {
                let id = visit.campaign.id;
                // Two who save at once take turns: the later one finds what the earlier one wrote.
                campaigns::lock(conn, id)?;
                check_areas(conn, id, expected.as_deref())?;
                let areas =
                    priorities::set(conn, &visit.campaign, areas.clone(), visit.viewer.volunteer_id(), visit.now)?;
                Ok(Areas { areas: all_shown(areas)?, areas_version: version_of_areas(conn, id)? })
            });
            set.await?
        }
    };
    Ok(HttpResponse::Ok().json(done))
}

/// What a change of the policy would do; nothing is changed
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/steering/policy/preview", operation_id = "preview_policy",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = PolicyChange,
    responses((status = 200, body = PolicyEffect)))]
pub async fn preview_policy(door: InCampaign<Coordinator>, body: Body<PolicyChange>) -> Result<HttpResponse, Error> {
    let PolicyChange { settings, closed_too, .. } = body.0;
    let change = policy::Change { settings, closed_too };
    let effect = door.read(move |conn, visit| policy::preview(conn, &visit.campaign, &change)).await?;
    Ok(HttpResponse::Ok().json(PolicyEffect {
        open_tiles: effect.open,
        would_settle: effect.would_settle,
        would_be_contested: effect.would_be_contested,
        would_reopen: effect.would_reopen,
        labels_wanted: effect.labels_wanted,
        labels_wanted_then: effect.labels_wanted_then,
        estimated: effect.estimated,
    }))
}

/// Change how tiles are decided; closed tiles stay as they are unless they are to be decided anew
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/steering/policy", operation_id = "change_policy",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = PolicyChange,
    responses((status = 200, body = PolicyChanged)))]
pub async fn change_policy(
    app: Data<App>,
    door: InCampaign<Coordinator>,
    body: Body<PolicyChange>,
) -> Result<HttpResponse, Error> {
    let PolicyChange { settings, closed_too, reason } = body.0;
    let change = policy::Change { settings, closed_too };
    let changed = door.serve(|store, visit| async move {
        let actor = visit.viewer.volunteer_id();
        let (version, applied) = policy::change(&store, &visit.campaign, change, reason, actor).await?;
        Ok((visit.campaign.id, PolicyChanged { version, applied }))
    });
    let (id, changed) = changed.await?;
    app.events.mark(&[id]);
    Ok(HttpResponse::Ok().json(changed))
}

/// Add tiles of an area; those that are there stay as they are
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/steering/extension", operation_id = "extend_area",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = Extension,
    responses((status = 200, body = Extended)))]
pub async fn extend(
    app: Data<App>,
    door: InCampaign<Coordinator>,
    body: Body<Extension>,
) -> Result<HttpResponse, Error> {
    let Extension { area, preview } = body.0;
    let archives = app.archives.clone();
    let extended = door.serve(|store, visit| async move {
        let (campaign, actor) = (visit.campaign, visit.viewer.volunteer_id());
        let tiles = steer::extend::extend(&store, &archives, &campaign, area.to_string(), preview, actor).await?;
        Ok((campaign.id, tiles))
    });
    let (id, tiles) = extended.await?;
    app.events.mark(&[id]);
    Ok(HttpResponse::Ok().json(Extended { tiles }))
}
