//! Signing in, refreshing, signing out.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cookies;
use super::second_factor::read_code;
use crate::domain::second_factor::SecondFactor;
use crate::domain::volunteer::Role;
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{Anyone, App, By};
use crate::http::server::visitors::Errand;
use crate::services::people::sign_in::{SessionInfo, Tokens, session_info};

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub struct Session {
    signed_in: bool,
    #[schema(required)]
    volunteer_id: Option<String>,
    /// `null` for a guest.
    #[schema(required)]
    name: Option<String>,
    guest: bool,
    /// May do everything on this server.
    admin: bool,
    /// May make campaigns.
    may_create_campaigns: bool,
    roles: Vec<CampaignRole>,
    /// `missing`: what I was given on this server holds only once I have set one up.
    second_factor: SecondFactor,
}

/// What an account is opened with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    name: String,
    password: String,
    /// Six digits that the app shows, where the account has a second factor: without them the answer is
    /// `second_factor_required`.
    code: Option<String>,
}

/// A role in one campaign.
#[derive(Serialize, ToSchema)]
pub struct CampaignRole {
    /// The campaign's slug.
    campaign: String,
    role: Role,
}

impl From<SessionInfo> for Session {
    fn from(info: SessionInfo) -> Session {
        let SessionInfo { volunteer, roles, second_factor, .. } = info;
        let roles = roles.into_iter().filter(|(_, role)| *role > Role::Volunteer);
        Session {
            signed_in: volunteer.is_some(),
            volunteer_id: volunteer.as_ref().map(|volunteer| volunteer.id.to_string()),
            guest: volunteer.as_ref().is_some_and(|volunteer| volunteer.name.is_none()),
            admin: volunteer.as_ref().is_some_and(|volunteer| volunteer.admin),
            may_create_campaigns: volunteer.as_ref().is_some_and(|volunteer| volunteer.admin || volunteer.creator),
            name: volunteer.and_then(|volunteer| volunteer.name),
            roles: roles.map(|(campaign, role)| CampaignRole { campaign, role }).collect(),
            second_factor,
        }
    }
}

/// Who I am
#[utoipa::path(get, path = "/api/v1/session", operation_id = "get_session",
    responses((status = 200, body = Session)))]
pub async fn get_session(by: By<Anyone>) -> Result<HttpResponse, Error> {
    let info = by.read(|conn, visit| session_info(conn, &visit.viewer)).await?;
    Ok(HttpResponse::Ok().json(Session::from(info)))
}

/// Sign in
#[utoipa::path(post, path = "/api/v1/session", operation_id = "sign_in", request_body = SignIn,
    responses((status = 200, body = Session)))]
pub async fn sign_in(
    app: Data<App>,
    by: By<Anyone>,
    request: HttpRequest,
    body: Body<SignIn>,
) -> Result<HttpResponse, Error> {
    let visitor = app.admit(&request, Errand::Proof)?;
    let Body(SignIn { name, password, code }) = body;
    let code = read_code(code)?;
    let refresh = cookies::refresh(&request, app.is_encrypted(&request));
    let (info, tokens) =
        app.sign_in.sign_in(by.credentials(), refresh.as_deref(), visitor, &name, password, code).await?;
    tell_of(&info);
    Ok(welcome(app.is_encrypted(&request), info, &tokens))
}

/// New cookies for a session
#[utoipa::path(post, path = "/api/v1/session/refresh", operation_id = "refresh_session",
    responses((status = 200, body = Session)))]
pub async fn refresh_session(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let token = cookies::refresh(&request, app.is_encrypted(&request)).unwrap_or_default();
    match app.sign_in.refresh(&token).await.map_err(Error::from) {
        Ok((info, tokens)) => welcome(app.is_encrypted(&request), info, &tokens),
        // A browser whose session is over forgets it, and is nobody from then on.
        Err(error) if error.is_unauthorized() => cookies::forget(error.error_response(), app.is_encrypted(&request)),
        Err(error) => error.error_response(),
    }
}

/// Sign out
#[utoipa::path(delete, path = "/api/v1/session", operation_id = "sign_out",
    responses((status = 204)))]
pub async fn sign_out(app: Data<App>, by: By<Anyone>, request: HttpRequest) -> Result<HttpResponse, Error> {
    app.sign_in.sign_out(by.credentials(), cookies::refresh(&request, app.is_encrypted(&request)).as_deref()).await?;
    Ok(cookies::forget(HttpResponse::NoContent().finish(), app.is_encrypted(&request)))
}

/// An event where somebody with power signs in, as a number: they are whom a thief of passwords wants to be. When volunteers
/// come and go is nobody's business.
fn tell_of(info: &SessionInfo) {
    let Some(volunteer) = info.volunteer.as_ref().filter(|_| info.has_power) else { return };
    tracing::info!(person = volunteer.id, second_factor = info.second_factor.key(), "signed in");
}

fn welcome(https: bool, info: SessionInfo, tokens: &Tokens) -> HttpResponse {
    let mut reply = HttpResponse::Ok();
    for cookie in cookies::of_session(tokens, https) {
        reply.cookie(cookie);
    }
    reply.json(Session::from(info))
}
