//! Invitations to a campaign: made by coordinators, accepted by whoever holds the secret of one.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::volunteer::Role;
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{Anyone, App, By, Coordinator, InCampaign, Myself, must_be_proven};
use crate::http::wire::{id_in_address, rfc3339};
use crate::services::people::invite::{self, Standing, Wish};
use crate::services::people::secrets;
use crate::storage::people::{invitations, members};

/// An invitation that a coordinator wants.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// The role that it gives; no higher than one's own.
    role: Role,
    /// Whether people without an account may use it; for volunteers only.
    #[serde(default)]
    guests: bool,
    /// How many people may use it.
    #[schema(minimum = 1, maximum = 10000)]
    uses: u32,
    /// Days for which it is good.
    #[schema(minimum = 1, maximum = 366)]
    days: u32,
    /// Whom it is for; seen by coordinators only.
    #[serde(default)]
    #[schema(max_length = 200)]
    note: String,
}

/// How an invitation stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// It lets people in.
    Good,
    /// All its uses are taken.
    UsedUp,
    /// Its time is over.
    Expired,
    /// A coordinator ended it.
    Revoked,
}

/// An invitation without its secret.
#[derive(Serialize, ToSchema)]
pub struct Invitation {
    id: String,
    role: Role,
    guests: bool,
    note: String,
    uses: i32,
    uses_left: i32,
    state: InvitationState,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    /// Name of whoever made it; `null`: the operator.
    #[schema(required)]
    made_by: Option<String>,
}

/// An invitation that was just made.
#[derive(Serialize, ToSchema)]
pub struct MadeInvitation {
    /// The secret, shown this once. The page's address for it is `#/invite/SECRET`.
    secret: String,
    #[serde(flatten)]
    about: Invitation,
}

/// The invitations of a campaign, newest first.
#[derive(Serialize, ToSchema)]
pub struct Invitations {
    invitations: Vec<Invitation>,
}

/// The secret of an invitation; in the body, so that no log of addresses holds it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationSecret {
    #[schema(max_length = 200)]
    secret: String,
}

/// What whoever holds the secret may know.
#[derive(Serialize, ToSchema)]
pub struct InvitationLook {
    /// Whether it may be used without an account.
    guests: bool,
    /// What it leads to; `null` for whoever could not accept it as they are.
    #[schema(required)]
    campaign: Option<InvitedTo>,
}

/// Where an invitation leads.
#[derive(Serialize, ToSchema)]
pub struct InvitedTo {
    slug: String,
    title: String,
    role: Role,
}

/// What an invitation gave.
#[derive(Serialize, ToSchema)]
pub struct Accepted {
    /// The campaign.
    slug: String,
    /// My highest role in it.
    role: Role,
}

fn shown(one: invitations::Invitation, made_by: Option<String>, now: i64) -> Invitation {
    let state = match invite::standing(&one, now) {
        Standing::Good => InvitationState::Good,
        Standing::UsedUp => InvitationState::UsedUp,
        Standing::Expired => InvitationState::Expired,
        Standing::Revoked => InvitationState::Revoked,
    };
    Invitation {
        id: one.id.to_string(),
        role: one.role,
        guests: one.guests,
        note: one.note,
        uses: one.uses,
        uses_left: one.uses_left,
        state,
        created_at: rfc3339(one.created_at),
        expires_at: rfc3339(one.expires_at),
        made_by,
    }
}

/// The invitations of a campaign
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/invitations", operation_id = "list_invitations",
    params(("slug" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = Invitations)))]
pub async fn list_invitations(door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let list = door.read(|conn, visit| {
        let all = invitations::of_campaign(conn, visit.campaign.id)?;
        let makers: Vec<i64> = all.iter().filter_map(|one| one.created_by).collect();
        let names = members::names_of_staff(conn, visit.campaign.id, &makers)?;
        let show = |one: invitations::Invitation| {
            let maker = one.created_by.and_then(|id| names.get(&id).cloned());
            shown(one, maker, visit.now)
        };
        Ok(all.into_iter().map(show).collect())
    });
    Ok(HttpResponse::Ok().json(Invitations { invitations: list.await? }))
}

/// Make an invitation; its secret is shown this once
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/invitations", operation_id = "make_invitation",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = NewInvitation,
    responses((status = 201, body = MadeInvitation)))]
pub async fn make_invitation(door: InCampaign<Coordinator>, body: Body<NewInvitation>) -> Result<HttpResponse, Error> {
    let NewInvitation { role, guests, uses, days, note } = body.0;
    let wish = Wish { role, guests, uses, days, note };
    let secret = secrets::token();
    let stored = secret.clone();
    let made = door.write(move |conn, visit| {
        if wish.role > Role::Volunteer {
            must_be_proven(&visit.viewer, visit.now)?;
        }
        let made = invite::make(conn, &visit.viewer, &visit.campaign, &wish, &stored, visit.now)?;
        let name = visit.viewer.person().and_then(|person| person.volunteer.name.clone());
        Ok(shown(made, name, visit.now))
    });
    Ok(HttpResponse::Created().json(MadeInvitation { about: made.await?, secret }))
}

/// Revoke an invitation; who came in by it stays
#[utoipa::path(delete, path = "/api/v1/campaigns/{slug}/invitations/{id}", operation_id = "revoke_invitation",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The invitation's id, not its secret")),
    responses((status = 204)))]
pub async fn revoke_invitation(
    door: InCampaign<Coordinator>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Error> {
    let id = id_in_address(&path.1, "invitation")?;
    let revoke = door
        .write(move |conn, visit| invite::revoke(conn, visit.viewer.volunteer_id(), &visit.campaign, id, visit.now));
    revoke.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Look at an invitation before accepting it
#[utoipa::path(post, path = "/api/v1/invitations/look", operation_id = "look_at_invitation", request_body = InvitationSecret,
    responses((status = 200, body = InvitationLook)))]
pub async fn look_at_invitation(
    app: Data<App>,
    by: By<Anyone>,
    body: Body<InvitationSecret>,
) -> Result<HttpResponse, Error> {
    let secret = body.0.secret;
    let rule = app.sign_in.rule();
    let look = by.read(move |conn, visit| invite::look(conn, &visit.viewer, &secret, rule, visit.now)).await?;
    let campaign = look.campaign.map(|(slug, title, role)| InvitedTo { slug, title, role });
    Ok(HttpResponse::Ok().json(InvitationLook { guests: look.guests, campaign }))
}

/// Accept an invitation
#[utoipa::path(post, path = "/api/v1/invitations/accept", operation_id = "accept_invitation", request_body = InvitationSecret,
    responses((status = 200, body = Accepted)))]
pub async fn accept_invitation(
    app: Data<App>,
    by: By<Myself>,
    body: Body<InvitationSecret>,
) -> Result<HttpResponse, Error> {
    let secret = body.0.secret;
    let rule = app.sign_in.rule();
    let accept = by.write(move |conn, visit| invite::accept(conn, &visit.viewer, &secret, rule, visit.now));
    let (slug, role) = accept.await?;
    Ok(HttpResponse::Ok().json(Accepted { slug, role }))
}
