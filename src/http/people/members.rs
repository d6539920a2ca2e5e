//! Who holds a role in a campaign, as its coordinators see them.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::campaign::Campaign;
use crate::domain::pseudonym::pseudonym;
use crate::domain::volunteer::Role;
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{App, By, Coordinator, InCampaign, ProvenAdmin, ProvenCoordinator};
use crate::http::wire::rfc3339;
use crate::services::people::{members, reset_password, secrets};
use crate::storage::people::members::Member as MemberRow;

/// Somebody with a role in the campaign.
#[derive(Serialize, ToSchema)]
pub struct Member {
    /// Their pseudonym in this campaign, as in exports.
    id: String,
    /// Sign-in name of those with a role above volunteer; `null` for all others.
    #[schema(required)]
    name: Option<String>,
    role: Role,
    /// Since when they have it.
    #[schema(format = DateTime)]
    since: String,
    /// Whether it is me.
    me: bool,
}

/// The members of a campaign, the highest role first.
#[derive(Serialize, ToSchema)]
pub struct Members {
    members: Vec<Member>,
}

/// An account that is to have a role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// Sign-in name.
    name: String,
    role: Role,
}

/// The role that a member is to have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    role: Role,
}

/// A recovery code that an admin made.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCode {
    name: String,
    /// Shown this once; works once. Any older code and the password no longer work.
    recovery_code: String,
    /// When the code stops working.
    #[schema(format = DateTime)]
    until: String,
}

/// Whose password is lost. In the body, because addresses stand in the logs of proxies.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LostPassword {
    /// Sign-in name.
    name: String,
}

fn shown(campaign: &Campaign, me: Option<i64>, member: MemberRow) -> Member {
    Member {
        id: pseudonym(&campaign.pseudonym_key, member.volunteer),
        name: member.name.filter(|_| member.role > Role::Volunteer),
        role: member.role,
        since: rfc3339(member.since),
        me: me == Some(member.volunteer),
    }
}

/// Who holds a role in a campaign
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/members", operation_id = "list_members",
    params(("slug" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = Members)))]
pub async fn list_members(door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let list = door.read(|conn, visit| {
        let me = visit.viewer.volunteer_id();
        let all = members::list(conn, &visit.campaign)?;
        Ok(all.into_iter().map(|member| shown(&visit.campaign, me, member)).collect())
    });
    Ok(HttpResponse::Ok().json(Members { members: list.await? }))
}

/// Give an account a role in a campaign, in place of any other
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/members", operation_id = "add_member",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = NewMember,
    responses((status = 200, body = Member)))]
pub async fn add_member(door: InCampaign<ProvenCoordinator>, body: Body<NewMember>) -> Result<HttpResponse, Error> {
    let NewMember { name, role } = body.0;
    let add = door.write(move |conn, visit| {
        let member = members::add(conn, &visit.viewer, &visit.campaign, &name, role, visit.now)?;
        Ok(shown(&visit.campaign, visit.viewer.volunteer_id(), member))
    });
    Ok(HttpResponse::Ok().json(add.await?))
}

/// Give a member another role
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/members/{id}", operation_id = "change_member",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The member's pseudonym")),
    request_body = NewRole, responses((status = 200, body = Member)))]
pub async fn change_member(
    door: InCampaign<ProvenCoordinator>,
    path: Path<(String, String)>,
    body: Body<NewRole>,
) -> Result<HttpResponse, Error> {
    let (id, role) = (path.into_inner().1, body.0.role);
    let change = door.write(move |conn, visit| {
        let member = members::change(conn, &visit.viewer, &visit.campaign, &id, role, visit.now)?;
        Ok(shown(&visit.campaign, visit.viewer.volunteer_id(), member))
    });
    Ok(HttpResponse::Ok().json(change.await?))
}

/// Take every role in a campaign from a member
#[utoipa::path(delete, path = "/api/v1/campaigns/{slug}/members/{id}", operation_id = "remove_member",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The member's pseudonym")),
    responses((status = 204)))]
pub async fn remove_member(door: InCampaign<Coordinator>, path: Path<(String, String)>) -> Result<HttpResponse, Error> {
    let id = path.into_inner().1;
    let remove = door.write(move |conn, visit| members::remove(conn, &visit.viewer, &visit.campaign, &id, visit.now));
    remove.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Take the password of an account away and make a recovery code that works once, within a week; for admins
#[utoipa::path(post, path = "/api/v1/accounts/recovery", operation_id = "reset_password", request_body = LostPassword,
    responses((status = 201, body = RecoveryCode)))]
pub async fn reset_password(
    app: Data<App>,
    by: By<ProvenAdmin>,
    body: Body<LostPassword>,
) -> Result<HttpResponse, Error> {
    let (code, name) = (secrets::recovery_code(), body.0.name);
    let stored = code.clone();
    let reset = by
        .write(move |conn, visit| reset_password::reset(conn, visit.viewer.volunteer_id(), &name, &stored, visit.now));
    let reset = reset.await?;
    // Wrong passwords before must not keep the owner from the new code.
    app.sign_in.forget_attempts(&reset.name);
    let until = rfc3339(reset.until);
    Ok(HttpResponse::Created().json(RecoveryCode { name: reset.name, recovery_code: code, until }))
}
