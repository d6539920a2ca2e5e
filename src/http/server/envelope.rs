//! What every request gets: a look at where it comes from, an id, headers, a problem document if it failed, a log line.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpResponse, ResponseError};
use tracing::Instrument;

use super::origin::secure_cookies;
use super::refusals;
use crate::http::error::{Error, PROBLEM_JSON};
use crate::http::gate::App;
use crate::http::pages;

/// Nothing from elsewhere, nothing inline, nobody frames us; but see [`let_frame`].
const CONTENT_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What every answer carries, those too that come before any route.
pub(crate) const HEADERS: [(&str, &str); 7] = [
    ("content-security-policy", CONTENT_POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
];

/// The middleware around all routes.
///
/// The log line names method, route, status, time and request id: no address, no user agent, no query, no name.
pub async fn envelope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let start = Instant::now();
    let id = format!("{:016x}", rand::random::<u64>());
    let method = request.method().clone();
    let app = request.app_data::<Data<App>>().cloned();
    let https = app.as_ref().is_some_and(|app| app.origin(request.head()).https);
    let foreign = is_foreign(&request, app.as_ref());
    let mut reply = if foreign {
        request.into_response(Error::foreign_origin().error_response()).map_into_boxed_body()
    } else {
        // Whatever is told while it is answered stands under its id, which the client is told too.
        let span = tracing::info_span!("request", id);
        next.call(request).instrument(span).await?.map_into_boxed_body()
    };
    let route = reply.request().match_pattern().unwrap_or_else(|| "-".into());
    refusals::note(&reply, &id, &route, foreign);
    let status = reply.status();
    if (status.is_client_error() || status.is_server_error()) && !is_ours(reply.headers()) {
        reply = reply.into_response(plain_problem(status)).map_into_boxed_body();
    }
    add_headers(reply.headers_mut(), &id, https);
    if route == pages::embed::ADDRESS {
        let_frame(reply.headers_mut());
    }
    // Tenths: finer than that is noise.
    let ms = (start.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
    tracing::info!(%method, route, status = status.as_u16(), ms, request = id, "answered");
    Ok(reply)
}

fn plain_problem(status: actix_web::http::StatusCode) -> HttpResponse {
    Error::of_status(status).error_response()
}

/// A refusal of ours, or the page that says that the page was not built.
fn is_ours(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind == PROBLEM_JSON || kind.starts_with("text/html")
}

fn add_headers(headers: &mut HeaderMap, id: &str, https: bool) {
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if https {
        secure_cookies(headers);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Lets other sites show this one page in a frame: it has nothing to press that does something, and knows nobody.
fn let_frame(headers: &mut HeaderMap) {
    let policy = CONTENT_POLICY.replace("frame-ancestors 'none'", "frame-ancestors *");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        headers.remove(header::X_FRAME_OPTIONS);
        headers
            .insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    }
}

/// Whether a page of another site sends a request that changes something, in the name of whoever sits there.
///
/// Browsers say where a request comes from and pages cannot change that (Fetch standard, `Sec-Fetch-Site`, `Origin`).
/// Scripts say nothing and have no cookies that somebody could abuse; a bearer token cannot be sent by accident.
fn is_foreign(request: &ServiceRequest, app: Option<&Data<App>>) -> bool {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    if request.method().is_safe() || header("authorization").is_some() {
        return false;
    }
    if let Some(site) = header("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = header("origin") else { return false };
    let ours = app.and_then(|app| app.public_url.as_deref()).is_some_and(|url| url.trim_end_matches('/') == origin);
    let same_host = origin.split_once("://").is_some_and(|(_, host)| header("host") == Some(host));
    !ours && !same_host
}
