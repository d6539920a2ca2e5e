//! Guests and accounts.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cookies;
use super::second_factor::read_code;
use crate::http::body::{Body, MaybeBody};
use crate::http::error::Error;
use crate::http::gate::{Anyone, App, By, Myself};
use crate::http::server::visitors::Errand;
use crate::services::people::accounts;

/// A guest who has just come.
#[derive(Serialize, ToSchema)]
pub struct Guest {
    volunteer_id: String,
    /// For tools without cookies: `Authorization: Bearer …`, good for 90 days or until the guest signs out, for labelling
    /// only. `null` where nobody asked for it.
    #[schema(required)]
    token: Option<String>,
}

/// How a guest wants to come in.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Arrival {
    /// Whether a token for a tool without cookies is wanted too; a browser needs none.
    #[serde(default)]
    token: bool,
}

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// 2 to 40 letters, digits, dots, dashes or underscores.
    pub name: String,
    /// 10 to 128 characters.
    pub password: String,
}

/// What opens an account whose password is lost.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    name: String,
    /// As it was shown when the account was made; blanks, dashes and case do not matter.
    recovery_code: String,
    /// The new password.
    password: String,
    /// Six digits that the app shows, where the account has a second factor: it stays as it is.
    code: Option<String>,
}

/// A change of password. The same password again only ends the other sessions.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The one that is in force.
    password: String,
    /// The new one: 10 to 128 characters.
    new_password: String,
}

/// An account that was just made or recovered.
#[derive(Serialize, ToSchema)]
pub struct Account {
    volunteer_id: String,
    name: String,
    /// Shown this once. Any older code no longer works.
    recovery_code: String,
}

/// Start as a guest
#[utoipa::path(post, path = "/api/v1/guests", operation_id = "create_guest", request_body = Option<Arrival>,
    responses((status = 201, body = Guest)))]
pub async fn create_guest(
    app: Data<App>,
    request: HttpRequest,
    body: MaybeBody<Arrival>,
) -> Result<HttpResponse, Error> {
    app.admit(&request, Errand::Guest)?;
    let guest = accounts::guest(&app.sign_in, body.0.token).await?;
    let mut reply = HttpResponse::Created();
    for cookie in cookies::of_session(&guest.tokens, app.is_encrypted(&request)) {
        reply.cookie(cookie);
    }
    Ok(reply.json(Guest { volunteer_id: guest.volunteer.to_string(), token: guest.token }))
}

/// Make an account; a guest keeps the work
#[utoipa::path(post, path = "/api/v1/accounts", operation_id = "create_account", request_body = Credentials,
    responses((status = 201, body = Account)))]
pub async fn create_account(
    app: Data<App>,
    by: By<Anyone>,
    request: HttpRequest,
    body: Body<Credentials>,
) -> Result<HttpResponse, Error> {
    app.admit(&request, Errand::Proof)?;
    let Body(Credentials { name, password }) = body;
    let account = accounts::create(&app.sign_in, by.credentials(), name, password).await?;
    Ok(welcome(HttpResponse::Created(), app.is_encrypted(&request), account))
}

/// A new password by recovery code
#[utoipa::path(post, path = "/api/v1/session/recovery", operation_id = "recover_account", request_body = Recovery,
    responses((status = 200, body = Account)))]
pub async fn recover_account(
    app: Data<App>,
    request: HttpRequest,
    body: Body<Recovery>,
) -> Result<HttpResponse, Error> {
    let visitor = app.admit(&request, Errand::Proof)?;
    let Body(Recovery { name, recovery_code, password, code }) = body;
    let code = read_code(code)?;
    let account = accounts::recover(&app.sign_in, visitor, &name, &recovery_code, password, code).await?;
    if account.has_power {
        tracing::info!(person = account.volunteer, "recovered");
    }
    Ok(welcome(HttpResponse::Ok(), app.is_encrypted(&request), account))
}

/// A new password; every other session and every token ends
#[utoipa::path(post, path = "/api/v1/me/password", operation_id = "change_password", request_body = PasswordChange,
    responses((status = 204)))]
pub async fn change_password(
    app: Data<App>,
    by: By<Myself>,
    request: HttpRequest,
    body: Body<PasswordChange>,
) -> Result<HttpResponse, Error> {
    app.admit(&request, Errand::Proof)?;
    let Body(PasswordChange { password, new_password }) = body;
    by.read(|_, _| Ok(())).await?;
    let tokens = accounts::change_password(&app.sign_in, by.credentials(), password, new_password).await?;
    let mut reply = HttpResponse::NoContent();
    for cookie in cookies::of_session(&tokens, app.is_encrypted(&request)) {
        reply.cookie(cookie);
    }
    Ok(reply.finish())
}

fn welcome(mut reply: actix_web::HttpResponseBuilder, https: bool, account: accounts::Account) -> HttpResponse {
    for cookie in cookies::of_session(&account.tokens, https) {
        reply.cookie(cookie);
    }
    reply.json(Account {
        volunteer_id: account.volunteer.to_string(),
        name: account.name,
        recovery_code: account.recovery_code,
    })
}
