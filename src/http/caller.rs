//! Who says to be there: what a request brought to show who sends it, and by which rule that is looked at.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;

use super::error::Error;
use super::gate::App;
use crate::domain::access::Viewer;
use crate::domain::second_factor::SecondFactorRule;
use crate::http::people::cookies;
use crate::http::server::refusals::Seen;
use crate::services;
use crate::services::people::sign_in::{self, Credentials};
use crate::storage::Conn;

/// The sender of a request, not looked up yet.
#[derive(Clone)]
pub(super) struct Caller {
    /// What they brought, unchecked by the database.
    pub credentials: Credentials,
    rule: SecondFactorRule,
    /// Where to write down what is found out about them.
    pub seen: Arc<Seen>,
}

impl Caller {
    /// The sender of this request.
    ///
    /// # Errors
    /// Where the header for tokens cannot be read.
    pub fn of(request: &HttpRequest, app: &App) -> Result<Caller, Error> {
        let credentials = credentials(request, app)?;
        Ok(Caller { credentials, rule: app.sign_in.rule(), seen: Seen::of(request) })
    }

    /// Who it is, found out in the transaction that does the work.
    pub fn viewer(&self, conn: &mut Conn, now: i64) -> Result<Viewer, services::Error> {
        let viewer = sign_in::viewer(conn, &self.credentials, self.rule, now)?;
        self.seen.note(&viewer);
        Ok(viewer)
    }
}

/// A bearer token, else the access cookie, else nothing.
fn credentials(request: &HttpRequest, app: &App) -> Result<Credentials, Error> {
    if let Some(header) = request.headers().get(AUTHORIZATION) {
        let token = header.to_str().ok().and_then(|text| text.split_once(' '));
        return match token {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
                Ok(Credentials::from_bearer(token.trim()))
            }
            _ => Err(services::Error::Unauthorized("write the header as `Authorization: Bearer TOKEN`".into()).into()),
        };
    }
    Ok(cookies::access(request, app.is_encrypted(request))
        .map_or(Credentials::None, |token| app.sign_in.browser(&token)))
}
