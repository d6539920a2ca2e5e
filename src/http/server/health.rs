//! Is the process alive, and is it ready for work?

use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::web::Data;
use tokio::sync::Mutex;

use crate::http::error::Error;
use crate::http::gate::App;

/// How long an answer of the database is good for: however often somebody asks, the database is asked once.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// What was found out last.
#[derive(Default)]
pub struct Readiness {
    last: Mutex<Option<(Instant, Result<(), String>)>>,
}

impl Readiness {
    /// Why the database cannot be used, if so. Whoever asks while somebody looks waits for what is found.
    async fn database(&self, app: &App) -> Result<(), String> {
        let mut last = self.last.lock().await;
        if let Some((at, found)) = &*last
            && at.elapsed() < GOOD_FOR
        {
            return found.clone();
        }
        let found = match tokio::time::timeout(PATIENCE, app.look()).await {
            Ok(found) => found.map_err(|error| error.to_string()),
            Err(_) => Err("the database does not answer in time".into()),
        };
        *last = Some((Instant::now(), found.clone()));
        found
    }
}

/// Alive: never touches the database.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("alive\n")
}

/// Ready: the database takes what is written, has our schema, and the server is neither starting nor shutting down.
pub async fn readyz(app: Data<App>, readiness: Data<Readiness>) -> Result<HttpResponse, Error> {
    if !app.is_ready() {
        return Err(Error::unavailable("the server is starting or shutting down"));
    }
    if let Err(reason) = readiness.database(&app).await {
        tracing::warn!(reason, "not ready");
        return Err(Error::unavailable("the database cannot be used at the moment; the server's log says why"));
    }
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"))
}
