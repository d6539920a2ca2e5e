//! Reading a JSON body: bounded in size and time, and clear about where it is wrong.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use super::error::Error;

/// The longest body that is read, bytes.
pub const LIMIT: usize = 256 * 1024;
/// How long a body may take to arrive: fifty labels with long notes over a very slow line. That it makes progress at all
/// is the entrance's business.
const TIME: Duration = Duration::from_secs(120);

/// A body of JSON.
pub struct Body<T>(pub T);

/// A body of JSON that may be left out.
pub struct MaybeBody<T>(pub T);

/// A body of JSON that a page may send while it is closed: `navigator.sendBeacon` calls its text `text/plain`.
pub struct Beacon<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Body<T>, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parsed = parse(request, payload, &["application/json"]);
        Box::pin(async move { parsed.await.map(Body) })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Beacon<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Beacon<T>, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parsed = parse(request, payload, &["application/json", "text/plain"]);
        Box::pin(async move { parsed.await.map(Beacon) })
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for MaybeBody<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<MaybeBody<T>, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(CONTENT_TYPE) {
            return Box::pin(async { Ok(MaybeBody(T::default())) });
        }
        let parsed = parse(request, payload, &["application/json"]);
        Box::pin(async move { parsed.await.map(MaybeBody) })
    }
}

/// A body of JSON or, as `application/toml`, of text.
pub enum JsonOrToml {
    /// JSON of whatever kind.
    Json(serde_json::Value),
    /// A TOML file, unread.
    Toml(String),
}

impl FromRequest for JsonOrToml {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<JsonOrToml, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let said = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !said.to_ascii_lowercase().starts_with("application/toml") {
            let parsed = parse(request, payload, &["application/json"]);
            return Box::pin(async move { parsed.await.map(JsonOrToml::Json) });
        }
        let payload = payload.take();
        Box::pin(async move {
            let bytes = tokio::time::timeout(TIME, collect(payload)).await.map_err(|_| Error::too_slow())??;
            let text = String::from_utf8(bytes.into()).map_err(|_| Error::unreadable("the file is not UTF-8"))?;
            Ok(JsonOrToml::Toml(text))
        })
    }
}

/// Reads the body of a request that says it is of one of these types.
fn parse<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: &mut Payload,
    types: &[&str],
) -> impl Future<Output = Result<T, Error>> + use<T> {
    let said = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let said = said.split(';').next().unwrap_or_default().trim();
    let is_json = types.iter().any(|kind| said.eq_ignore_ascii_case(kind));
    let payload = payload.take();
    async move {
        if !is_json {
            return Err(Error::not_json());
        }
        let bytes = tokio::time::timeout(TIME, collect(payload)).await.map_err(|_| Error::too_slow())??;
        serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))
    }
}

async fn collect(mut payload: Payload) -> Result<Bytes, Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(broken_off)?;
        if body.len() + chunk.len() > LIMIT {
            return Err(Error::too_large(LIMIT));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn broken_off(error: PayloadError) -> Error {
    match error {
        PayloadError::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => Error::too_slow(),
        error => Error::unreadable(format!("the body broke off: {error}")),
    }
}

/// The parser's message, which ends with the place, and the field where it names one.
fn unreadable(error: &serde_json::Error) -> Error {
    let message = error.to_string();
    if !error.is_data() {
        return Error::unreadable(format!("the body is not JSON: {message}"));
    }
    match named_field(&message) {
        Some(field) => crate::services::Error::invalid(&field, message).into(),
        None => Error::unreadable(format!("the body is not what is asked for here: {message}")),
    }
}

/// The field in a message of serde's such as "unknown field `x`, expected …".
pub fn named_field(message: &str) -> Option<String> {
    let about_a_field = ["unknown field `", "missing field `", "duplicate field `"];
    let start = about_a_field.iter().find_map(|start| message.strip_prefix(start))?;
    start.split_once('`').map(|(field, _)| field.to_owned())
}
