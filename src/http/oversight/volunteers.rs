//! The volunteers of a campaign for those who run it: figures under pseudonyms, suspected rings, pausing and excluding.

use actix_web::HttpResponse;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::volunteer_figures::{Rings, VolunteerInDetail, Volunteers};
use crate::domain::volunteer_quality::{ExclusionKind, Flag, SortBy};
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{CampaignVisit, Coordinator, InCampaign, volunteer_id};
use crate::services::oversight::exclude::{self, Order};
use crate::services::oversight::watch_rings;
use crate::services::oversight::watch_volunteers::{self, Wanted};
use crate::services::{self};

/// Most volunteers on a page.
const MAX_PAGE: usize = 100;
/// Closed tiles shown of one volunteer.
const TILES: usize = 200;

/// Which volunteers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VolunteersWanted {
    /// What to sort by; labels if not given.
    sort: Option<SortBy>,
    /// The largest first; so if not given.
    descending: Option<bool>,
    /// Only the paused, or the excluded.
    standing: Option<ExclusionKind>,
    /// Only those with this flag.
    flag: Option<Flag>,
    /// Only those of this suspected ring.
    ring: Option<u32>,
    /// Only those whose pseudonym begins so.
    name: Option<String>,
    /// Only those with at least so many labels.
    least_labels: Option<u32>,
    /// How many to leave out in front.
    offset: Option<usize>,
    /// 1 to 100, 50 if not given.
    limit: Option<usize>,
}

/// To pause or exclude volunteers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExclusion {
    /// Pseudonyms, 500 at most.
    volunteers: Vec<String>,
    /// `paused`: no tiles for now, labels count. `excluded`: no tiles, and all labels are left out of the maps.
    kind: ExclusionKind,
    /// Why, in words that the person may read; 500 characters at most.
    reason: String,
}

/// To lift what is in force.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifting {
    /// Pseudonyms, 500 at most.
    volunteers: Vec<String>,
    /// Why, for the audit log.
    reason: String,
}

/// What an act changed. The maps follow in the background.
#[derive(Serialize, ToSchema)]
pub struct Changed {
    /// Pseudonyms of those for whom anything changed.
    changed: Vec<String>,
}

/// Volunteers in figures, under pseudonyms
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/volunteers", operation_id = "list_volunteers",
    params(("slug" = String, Path, description = "Name of the campaign"), VolunteersWanted),
    responses((status = 200, body = Volunteers)))]
pub async fn list_volunteers(
    door: InCampaign<Coordinator>,
    query: Query<VolunteersWanted>,
) -> Result<HttpResponse, Error> {
    let wanted = wanted(query.into_inner())?;
    let page = door.serve(|store, visit| async move {
        let crowd = watch_volunteers::crowd(&store, &visit.campaign).await?;
        let campaign = visit.campaign.clone();
        let now = store.read(move |conn| {
            let in_force = watch_volunteers::in_force(conn, &campaign)?;
            Ok::<_, services::Error>((in_force, exclude::recomputation(conn, &campaign)?))
        });
        let (in_force, recomputation) = now.await?;
        Ok(Volunteers::page(&visit.campaign, &crowd, in_force, recomputation, &wanted))
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// One volunteer in detail, under the pseudonym
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/volunteers/{name}", operation_id = "get_volunteer",
    params(("slug" = String, Path, description = "Name of the campaign"), ("name" = String, Path, description = "Pseudonym")),
    responses((status = 200, body = VolunteerInDetail)))]
pub async fn get_volunteer(door: InCampaign<Coordinator>, path: Path<(String, String)>) -> Result<HttpResponse, Error> {
    let name = path.into_inner().1;
    let one = door.serve(|store, visit| async move {
        let crowd = watch_volunteers::crowd(&store, &visit.campaign).await?;
        let found = crowd.people.iter().find(|(other, _)| *other == name);
        let (name, quality) = found.cloned().ok_or_else(|| exclude::unknown(&name))?;
        let (campaign, volunteer) = (visit.campaign.clone(), quality.volunteer_id);
        let portrait = store.read(move |conn| watch_volunteers::portrait(conn, &campaign, volunteer, TILES)).await?;
        Ok(VolunteerInDetail::of(&visit.campaign, name, quality, portrait))
    });
    Ok(HttpResponse::Ok().json(one.await?))
}

/// Rings of accounts that the model in use suspects, with the evidence
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/rings", operation_id = "list_rings",
    params(("slug" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = Rings)))]
pub async fn list_rings(door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let found = door.serve(|store, visit| async move {
        let crowd = watch_volunteers::crowd(&store, &visit.campaign).await?;
        let (campaign, of) = (visit.campaign, crowd.clone());
        let rings = store.read(move |conn| watch_rings::rings(conn, &campaign, &of)).await?;
        Ok(Rings::of(rings, &crowd))
    });
    Ok(HttpResponse::Ok().json(found.await?))
}

/// Pause or exclude volunteers in a campaign; the maps follow at once, in the background
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/exclusions", operation_id = "exclude_volunteers",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = NewExclusion,
    responses((status = 200, body = Changed)))]
pub async fn exclude_volunteers(
    door: InCampaign<Coordinator>,
    body: Body<NewExclusion>,
) -> Result<HttpResponse, Error> {
    let NewExclusion { volunteers, kind, reason } = body.0;
    let act = door.write(move |conn, visit| {
        let order = Order { volunteers: &volunteers, actor: volunteer_id(&visit.viewer)?, reason: &reason };
        exclude::impose(conn, &visit.campaign, kind, &order, visit.now)
    });
    let changed = act.await?;
    follow_up(&door).await?;
    Ok(HttpResponse::Ok().json(Changed { changed }))
}

/// Lift pauses and exclusions; the maps follow at once, in the background
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/exclusions/lift", operation_id = "lift_exclusions",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = Lifting,
    responses((status = 200, body = Changed)))]
pub async fn lift_exclusions(door: InCampaign<Coordinator>, body: Body<Lifting>) -> Result<HttpResponse, Error> {
    let Lifting { volunteers, reason } = body.0;
    let act = door.write(move |conn, visit| {
        let order = Order { volunteers: &volunteers, actor: volunteer_id(&visit.viewer)?, reason: &reason };
        exclude::lift(conn, &visit.campaign, &order, visit.now)
    });
    let changed = act.await?;
    follow_up(&door).await?;
    Ok(HttpResponse::Ok().json(Changed { changed }))
}

/// Lets the maps follow while the answer is on its way; what fails here the housekeeping does a few seconds later.
async fn follow_up(door: &InCampaign<Coordinator>) -> Result<(), Error> {
    door.serve(|store, CampaignVisit { campaign, .. }| async move {
        tokio::spawn(async move {
            if let Err(error) = exclude::follow_up(&store, &campaign).await {
                tracing::warn!(campaign = campaign.slug, %error, "an exclusion was not followed yet; trying again");
            }
        });
        Ok(())
    })
    .await
}

fn wanted(query: VolunteersWanted) -> Result<Wanted, Error> {
    let limit = query.limit.unwrap_or(50);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(services::Error::invalid("limit", format!("ask for 1 to {MAX_PAGE} volunteers at a time")).into());
    }
    Ok(Wanted {
        sort: query.sort.unwrap_or(SortBy::Labels),
        descending: query.descending.unwrap_or(true),
        standing: query.standing,
        flag: query.flag,
        ring: query.ring,
        name: query.name,
        least_labels: query.least_labels.unwrap_or(0),
        offset: query.offset.unwrap_or(0),
        limit,
    })
}
