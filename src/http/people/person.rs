//! My data: a download of everything stored about me, and its deletion.

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::cookies;
use super::second_factor::read_code;
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{Anyone, App, By, Myself, volunteer_id};
use crate::http::server::visitors::Errand;
use crate::services::people::delete_person::delete_person;
use crate::services::people::my_data::my_data;

/// That I mean it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Farewell {
    /// My password; guests have none.
    password: Option<String>,
    /// Six digits that the app shows, where my account has a second factor.
    code: Option<String>,
}

/// Everything stored about me, as a download
#[utoipa::path(get, path = "/api/v1/me/data", operation_id = "get_my_data",
    responses((status = 200, description = "One JSON document, table by table", body = serde_json::Value)))]
pub async fn get_my_data(by: By<Myself>) -> Result<HttpResponse, Error> {
    let data = by.read(|conn, visit| my_data(conn, volunteer_id(&visit.viewer)?, visit.now)).await?;
    let mut reply = HttpResponse::Ok();
    reply.insert_header((CONTENT_DISPOSITION, "attachment; filename=\"aftermap-my-data.json\""));
    Ok(reply.json(data))
}

/// Delete me for good; my labels stay under a pseudonym
#[utoipa::path(delete, path = "/api/v1/me", operation_id = "delete_me", request_body = Farewell,
    responses((status = 204)))]
pub async fn delete_me(
    app: Data<App>,
    by: By<Anyone>,
    request: HttpRequest,
    body: Body<Farewell>,
) -> Result<HttpResponse, Error> {
    app.admit(&request, Errand::Proof)?;
    let Farewell { password, code } = body.0;
    delete_person(&app.sign_in, by.credentials(), password, read_code(code)?).await?;
    Ok(cookies::forget(HttpResponse::NoContent().finish(), app.is_encrypted(&request)))
}
