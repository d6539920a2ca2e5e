//! My open sessions: seen and ended one by one, and the password given once more for what needs it.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::second_factor::read_code;
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{App, By, Myself};
use crate::http::server::visitors::Errand;
use crate::http::wire::{id_in_address, rfc3339};
use crate::services::people::sign_in::Credentials;
use crate::services::people::{prove, sessions};

/// My password, once more, and a code where I have a second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    password: String,
    /// Six digits that the app shows.
    code: Option<String>,
}

/// A browser in which I am signed in. Nothing is known of it but these moments.
#[derive(Serialize, ToSchema)]
pub struct OpenSession {
    id: String,
    /// When I signed in there.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last used, give or take a quarter of an hour.
    #[schema(format = DateTime)]
    used_at: String,
    /// When it ends if it is not used again.
    #[schema(format = DateTime)]
    ends_at: String,
    /// Whether it is the one that asks.
    this_one: bool,
}

/// My open sessions, the one used last first.
#[derive(Serialize, ToSchema)]
pub struct OpenSessions {
    sessions: Vec<OpenSession>,
}

/// Give my password once more; for a quarter of an hour I may then do what needs it
#[utoipa::path(post, path = "/api/v1/session/proof", operation_id = "prove_password", request_body = Proof,
    responses((status = 204)))]
pub async fn prove(
    app: Data<App>,
    by: By<Myself>,
    request: HttpRequest,
    body: Body<Proof>,
) -> Result<HttpResponse, Error> {
    app.admit(&request, Errand::Proof)?;
    by.read(|_, _| Ok(())).await?;
    let Proof { password, code } = body.0;
    prove::prove(&app.sign_in, by.credentials(), password, read_code(code)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The browsers in which I am signed in
#[utoipa::path(get, path = "/api/v1/me/sessions", operation_id = "list_sessions",
    responses((status = 200, body = OpenSessions)))]
pub async fn list_sessions(by: By<Myself>) -> Result<HttpResponse, Error> {
    let this = match by.credentials() {
        Credentials::Session { session, .. } => Some(session),
        _ => None,
    };
    let list = by.read(move |conn, visit| {
        let mine = sessions::list(conn, &visit.viewer, visit.now)?;
        let shown = |one: sessions::Open| OpenSession {
            id: one.id.to_string(),
            created_at: rfc3339(one.created_at),
            used_at: rfc3339(one.used_at),
            ends_at: rfc3339(one.ends_at),
            this_one: this == Some(one.id),
        };
        Ok(mine.into_iter().map(shown).collect())
    });
    Ok(HttpResponse::Ok().json(OpenSessions { sessions: list.await? }))
}

/// Sign out another browser of mine, at once
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", operation_id = "end_session",
    params(("id" = String, Path, description = "The session's id")),
    responses((status = 204)))]
pub async fn end_session(by: By<Myself>, id: Path<String>) -> Result<HttpResponse, Error> {
    let id = id_in_address(&id, "session")?;
    by.write(move |conn, visit| sessions::end(conn, &visit.viewer, id, visit.now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
