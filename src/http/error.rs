//! What goes wrong, as an answer: the only place with status codes. Everything is a problem document (RFC 9457).

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Invalid;
use crate::domain::checklist::Item;
use crate::http::server::envelope::HEADERS;
use crate::imagery::ImageryError;
use crate::services;
use crate::storage::meter::METER;
use crate::storage::{self, StoreError};

/// How much of an upload is there, as tus calls it.
pub const UPLOAD_OFFSET: &str = "Upload-Offset";

/// The media type of all refusals.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was refused or failed (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `about:blank`: the code says it all.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What a program looks at: `invalid`, `unauthorized`, `session_expired`, `wrong_credentials`,
    /// `second_factor_required`, `wrong_second_factor`, `too_many_attempts`, `forbidden`, `password_needed`, `excluded`,
    /// `practice_required`, `not_found`, `method_not_allowed`, `conflict`, `name_taken`, `changed_meanwhile`,
    /// `wrong_offset`, `not_ready`, `too_large`, `no_space`, `unavailable`, `internal`.
    pub code: &'static str,
    /// What a person reads: the thing, the reason, and what to do.
    pub detail: String,
    /// The field that is wrong, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// `wrong_offset`: where the upload goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// `no_space`: how much is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_bytes: Option<u64>,
    /// `not_ready`: what keeps a campaign from opening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checklist: Option<Vec<Item>>,
}

/// A refusal or failure on its way out.
#[derive(Debug)]
pub struct Error {
    status: StatusCode,
    code: &'static str,
    detail: String,
    field: Option<String>,
    retry_after_seconds: Option<u64>,
    allow: Option<String>,
    // Behind a pointer, because every result of a handler has room for it.
    more: Box<More>,
}

/// What some refusals say beside their reason.
#[derive(Debug, Default)]
struct More {
    offset: Option<i64>,
    missing_bytes: Option<u64>,
    checklist: Option<Vec<Item>>,
}

impl Error {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Error {
        let (field, retry_after_seconds, allow) = (None, None, None);
        Error { status, code, detail: detail.into(), field, retry_after_seconds, allow, more: Box::default() }
    }

    /// The request cannot be read.
    pub fn unreadable(detail: impl Into<String>) -> Error {
        Error::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    /// A parameter of the address is wrong, where a standard says that this is a bad request (OGC API Features, 7.5).
    pub fn bad_parameter(invalid: Invalid) -> Error {
        let refusal = Error::new(StatusCode::BAD_REQUEST, "invalid", invalid.to_string());
        Error { field: Some(invalid.field), ..refusal }
    }

    /// The body is not of the type it must be.
    pub fn not_json() -> Error {
        let detail = "the body must be JSON, with the header `Content-Type: application/json`";
        Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid", detail)
    }

    /// The body is not sent as the type that it must be.
    pub fn not_bytes(kind: &str) -> Error {
        let detail = format!("send the bytes with the header `Content-Type: {kind}`");
        Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid", detail)
    }

    /// The body is longer than `limit` bytes.
    pub fn too_large(limit: usize) -> Error {
        let detail = format!("the body is longer than {} kB: send it in smaller parts", limit / 1024);
        Error::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// The body did not arrive in time.
    pub fn too_slow() -> Error {
        Error::new(StatusCode::REQUEST_TIMEOUT, "unavailable", "the body did not arrive in time: send it again")
    }

    /// There is nothing at this address.
    pub fn not_found(detail: impl Into<String>) -> Error {
        Error::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// There is something at this address, but not for this method.
    pub fn method_not_allowed(allowed: &str) -> Error {
        let detail = format!("this address answers to {allowed} only");
        let refusal = Error::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
        Error { allow: Some(allowed.to_owned()), ..refusal }
    }

    /// A page of another site tried to act in this person's name.
    pub fn foreign_origin() -> Error {
        Error::new(StatusCode::FORBIDDEN, "forbidden", "this request was sent by a page of another site")
    }

    /// Not now, but soon.
    pub fn unavailable(detail: impl Into<String>) -> Error {
        let refusal = Error::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        Error { retry_after_seconds: Some(1), ..refusal }
    }

    /// More is asked at the moment than can be done: come back after so many seconds.
    pub fn busy(seconds: u64) -> Error {
        let detail = "the server has more to do than it can: try again in a moment; nothing of this request was done";
        let refusal = Error::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        Error { retry_after_seconds: Some(seconds), ..refusal }
    }

    /// One address asks for more than its share: come back after so many seconds.
    pub fn too_many(seconds: u64) -> Error {
        let detail =
            format!("too many people at your internet address want this at once: try again in {seconds} seconds");
        let refusal = Error::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail);
        Error { retry_after_seconds: Some(seconds), ..refusal }
    }

    /// Our fault. The cause goes to the log, not to the client.
    pub fn internal(cause: impl fmt::Display) -> Error {
        tracing::error!(%cause, "a request failed");
        let detail = "something went wrong on the server; its log says more under this answer's X-Request-Id";
        Error::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// Whether something went wrong that is neither the client's doing nor soon over.
    pub fn is_fault(&self) -> bool {
        self.status == StatusCode::INTERNAL_SERVER_ERROR
    }

    /// What a program looks at.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Whether nobody is signed in.
    pub fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// For an answer that some library gave: keeps its status and says the least.
    pub fn of_status(status: StatusCode) -> Error {
        let code = match status.as_u16() {
            401 => "unauthorized",
            403 => "forbidden",
            404 => "not_found",
            405 => "method_not_allowed",
            413 => "too_large",
            503 => "unavailable",
            500..600 => "internal",
            _ => "invalid",
        };
        Error::new(status, code, status.canonical_reason().unwrap_or("refused"))
    }
}

impl From<services::Error> for Error {
    fn from(error: services::Error) -> Error {
        use services::Error as Cause;
        let detail = error.to_string();
        match error {
            Cause::NotFound(_) => Error::not_found(detail),
            Cause::Conflict(_) => Error::new(StatusCode::CONFLICT, "conflict", detail),
            Cause::ChangedMeanwhile(_) => Error::new(StatusCode::PRECONDITION_FAILED, "changed_meanwhile", detail),
            Cause::NameTaken(_) => {
                let refusal = Error::new(StatusCode::CONFLICT, "name_taken", detail);
                Error { field: Some("name".into()), ..refusal }
            }
            Cause::PasswordNeeded => Error::new(StatusCode::FORBIDDEN, "password_needed", detail),
            Cause::Unauthorized(_) => Error::new(StatusCode::UNAUTHORIZED, "unauthorized", detail),
            Cause::SessionExpired => Error::new(StatusCode::UNAUTHORIZED, "session_expired", detail),
            Cause::WrongCredentials(_) => Error::new(StatusCode::UNAUTHORIZED, "wrong_credentials", detail),
            Cause::SecondFactorRequired => Error::new(StatusCode::UNAUTHORIZED, "second_factor_required", detail),
            Cause::WrongSecondFactor => {
                let refusal = Error::new(StatusCode::UNAUTHORIZED, "wrong_second_factor", detail);
                Error { field: Some("code".into()), ..refusal }
            }
            Cause::TooManyAttempts(seconds) => {
                let refusal = Error::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", detail);
                Error { retry_after_seconds: Some(seconds), ..refusal }
            }
            Cause::Forbidden(_) => Error::new(StatusCode::FORBIDDEN, "forbidden", detail),
            Cause::Excluded(_) => Error::new(StatusCode::FORBIDDEN, "excluded", detail),
            Cause::PracticeRequired => Error::new(StatusCode::FORBIDDEN, "practice_required", detail),
            Cause::WrongOffset(offset) => {
                let more = Box::new(More { offset: Some(offset), ..More::default() });
                Error { more, ..Error::new(StatusCode::CONFLICT, "wrong_offset", detail) }
            }
            Cause::WrongFile(_) => Error::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong_file", detail),
            Cause::TooLarge(_) => Error::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail),
            Cause::NoSpace { missing, .. } => {
                let more = Box::new(More { missing_bytes: Some(missing), ..More::default() });
                Error { more, ..Error::new(StatusCode::INSUFFICIENT_STORAGE, "no_space", detail) }
            }
            Cause::NotReady(_, items) => {
                let more = Box::new(More { checklist: Some(items), ..More::default() });
                Error { more, ..Error::new(StatusCode::CONFLICT, "not_ready", detail) }
            }
            Cause::Invalid(invalid) => {
                let refusal = Error::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", invalid.reason);
                Error { field: Some(invalid.field), ..refusal }
            }
            Cause::Store(StoreError::Busy) => Error::unavailable("the server is busy: try again in a moment"),
            Cause::Store(StoreError::Unavailable(cause)) => database_away(&cause),
            Cause::Query(cause) if storage::is_away(&cause) => database_away(&cause.to_string()),
            Cause::Imagery(away @ ImageryError::Away { .. }) => away.into(),
            other => Error::internal(other),
        }
    }
}

fn database_away(cause: &str) -> Error {
    tracing::warn!(cause, "the database is away");
    Error::unavailable("the database does not answer at the moment: try again")
}

impl From<ImageryError> for Error {
    fn from(error: ImageryError) -> Error {
        match error {
            ImageryError::Away { place, reason } => {
                METER.storage_errors.add(1);
                tracing::warn!(place, reason, "the storage of the scene archives is away");
                Error::unavailable("the storage of the pictures does not answer at the moment: try again")
            }
            other => Error::internal(other),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Error {}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut reply = HttpResponse::build(self.status);
        // Those of a server that is full do not pass the envelope, which adds these to everything else.
        for header in HEADERS {
            reply.insert_header(header);
        }
        reply.insert_header((CACHE_CONTROL, "no-store")).content_type(PROBLEM_JSON);
        if let Some(seconds) = self.retry_after_seconds {
            reply.insert_header((RETRY_AFTER, seconds));
        }
        if let Some(allow) = &self.allow {
            reply.insert_header((ALLOW, allow.as_str()));
        }
        let problem = Problem {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Refused").to_owned(),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail.clone(),
            field: self.field.clone(),
            offset: self.more.offset,
            missing_bytes: self.more.missing_bytes,
            checklist: self.more.checklist.clone(),
        };
        if let Some(offset) = self.more.offset {
            reply.insert_header((UPLOAD_OFFSET, offset));
        }
        reply.body(serde_json::to_vec(&problem).unwrap_or_default())
    }
}
