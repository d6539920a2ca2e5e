//! Is the process alive, and is it ready for work?

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::error::Error;
use super::gate::App;
use crate::storage;

/// Alive: never touches the database.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("alive\n")
}

/// Ready: the database answers, and the server is neither starting nor shutting down.
pub async fn readyz(app: Data<App>) -> Result<HttpResponse, Error> {
    if !app.is_ready() {
        return Err(Error::unavailable("the server is starting or shutting down"));
    }
    app.read_unguarded(|conn| Ok(storage::ping(conn)?)).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"))
}
