//! The second factor of my account: begun, confirmed, removed; and taken away by an admin where the device is lost.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::second_factor::Code;
use crate::http::base::Base;
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{App, By, ProvenAdmin, ProvenMyself, volunteer_id};
use crate::http::server::visitors::Errand;
use crate::services;
use crate::services::people::second_factor;

/// A second factor that was begun. Nobody is asked for its code before it is confirmed.
#[derive(Serialize, ToSchema)]
pub struct BegunSecondFactor {
    /// In base 32, for apps into which it is typed. Shown this once.
    secret: String,
    /// The same as an address (`otpauth:`), for apps that read it from a picture.
    uri: String,
}

/// A code that my app shows now.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeOfApp {
    /// Six digits; each code works once.
    code: String,
}

/// Whose device is lost. In the body, because addresses stand in the logs of proxies.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LostDevice {
    /// Sign-in name.
    name: String,
}

/// A code as it was sent, where one was.
pub(super) fn read_code(typed: Option<String>) -> Result<Option<Code>, Error> {
    Ok(typed.as_deref().map(Code::parse).transpose().map_err(services::Error::from)?)
}

/// The code with which somebody confirms or removes, looked at only where the visitor's share and the proof allow it.
async fn code_after_proof(
    app: &App,
    by: &By<ProvenMyself>,
    request: &HttpRequest,
    sent: &CodeOfApp,
) -> Result<Code, Error> {
    app.admit(request, Errand::Proof)?;
    by.read(|_, _| Ok(())).await?;
    Ok(Code::parse(&sent.code).map_err(services::Error::from)?)
}

/// Begin a second factor, in place of one that was not confirmed
#[utoipa::path(post, path = "/api/v1/me/second-factor", operation_id = "begin_second_factor",
    responses((status = 201, body = BegunSecondFactor)))]
pub async fn begin_second_factor(
    app: Data<App>,
    by: By<ProvenMyself>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let issuer = format!("aftermap {}", Base::of(&app, &request).host());
    let secret = second_factor::new_secret();
    let begun = by.write(move |conn, visit| {
        second_factor::begin(conn, volunteer_id(&visit.viewer)?, issuer.trim_end(), &secret, visit.now)
    });
    let second_factor::Begun { secret, uri } = begun.await?;
    Ok(HttpResponse::Created().json(BegunSecondFactor { secret, uri }))
}

/// Confirm it with a code of my app; all my other sessions end
#[utoipa::path(post, path = "/api/v1/me/second-factor/confirm", operation_id = "confirm_second_factor",
    request_body = CodeOfApp, responses((status = 204)))]
pub async fn confirm_second_factor(
    app: Data<App>,
    by: By<ProvenMyself>,
    request: HttpRequest,
    body: Body<CodeOfApp>,
) -> Result<HttpResponse, Error> {
    let code = code_after_proof(&app, &by, &request, &body.0).await?;
    second_factor::confirm(&app.sign_in, by.credentials(), code).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Remove it, with one more code; all my other sessions end
#[utoipa::path(delete, path = "/api/v1/me/second-factor", operation_id = "remove_second_factor",
    request_body = CodeOfApp, responses((status = 204)))]
pub async fn remove_second_factor(
    app: Data<App>,
    by: By<ProvenMyself>,
    request: HttpRequest,
    body: Body<CodeOfApp>,
) -> Result<HttpResponse, Error> {
    let code = code_after_proof(&app, &by, &request, &body.0).await?;
    second_factor::remove(&app.sign_in, by.credentials(), code).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Remove the second factor of somebody who lost the device; all their sessions end; for admins
#[utoipa::path(delete, path = "/api/v1/accounts/second-factor", operation_id = "remove_second_factor_of",
    request_body = LostDevice, responses((status = 204)))]
pub async fn remove_second_factor_of(
    app: Data<App>,
    by: By<ProvenAdmin>,
    body: Body<LostDevice>,
) -> Result<HttpResponse, Error> {
    let name = body.0.name;
    let whom = name.clone();
    by.write(move |conn, visit| second_factor::remove_of(conn, visit.viewer.volunteer_id(), &name, visit.now)).await?;
    // Wrong codes before must not keep the owner from signing in without one.
    app.sign_in.forget_attempts(&whom);
    Ok(HttpResponse::NoContent().finish())
}
