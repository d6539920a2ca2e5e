//! The two cookies of a browser: the access token for every request, the refresh token for the session's address only.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use crate::services::people::sign_in::{SESSION_MS, Tokens};

/// The names over an encrypted line, and over a plain one. With these prefixes (RFC 6265bis) browsers keep and send a cookie
/// only where it came encrypted, and the first only where this very host set it: no neighbour in the domain can plant one.
const ACCESS: [&str; 2] = ["__Host-aftermap_access", "aftermap_access"];
const REFRESH: [&str; 2] = ["__Secure-aftermap_refresh", "aftermap_refresh"];
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
/// The refresh token is sent here only.
const REFRESH_PATH: &str = "/api/v1/session";

/// The access token that a request brought.
pub fn access(request: &HttpRequest, https: bool) -> Option<String> {
    request.cookie(named(ACCESS, https)).map(|cookie| cookie.value().to_owned())
}

/// The refresh token that a request brought.
pub fn refresh(request: &HttpRequest, https: bool) -> Option<String> {
    request.cookie(named(REFRESH, https)).map(|cookie| cookie.value().to_owned())
}

fn named([encrypted, plain]: [&'static str; 2], https: bool) -> &'static str {
    if https { encrypted } else { plain }
}

/// Both cookies of an open session. They outlive the token inside the first, so that a browser that comes back after a
/// while is told to refresh instead of being taken for nobody.
pub fn of_session(tokens: &Tokens, https: bool) -> [Cookie<'static>; 2] {
    let age = Duration::milliseconds(SESSION_MS);
    [
        cookie(named(ACCESS, https), tokens.access.clone(), "/", SameSite::Lax, age, https),
        cookie(named(REFRESH, https), tokens.refresh.clone(), REFRESH_PATH, SameSite::Strict, age, https),
    ]
}

/// Makes the browser forget both, and all replies that it kept. What the page keeps it clears itself, since answers that
/// wait to be sent stay.
pub fn forget(mut reply: HttpResponse, https: bool) -> HttpResponse {
    reply.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\""));
    let gone = [
        cookie(named(ACCESS, https), String::new(), "/", SameSite::Lax, Duration::ZERO, https),
        cookie(named(REFRESH, https), String::new(), REFRESH_PATH, SameSite::Strict, Duration::ZERO, https),
    ];
    for cookie in &gone {
        // Only a cookie that cannot be written as a header is refused, and these can.
        let _ = reply.add_cookie(cookie);
    }
    reply
}

fn cookie(
    name: &'static str,
    value: String,
    path: &'static str,
    same_site: SameSite,
    age: Duration,
    https: bool,
) -> Cookie<'static> {
    Cookie::build(name, value).path(path).http_only(true).secure(https).same_site(same_site).max_age(age).finish()
}
