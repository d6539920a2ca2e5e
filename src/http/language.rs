//! In which language somebody wants the texts: `?lang=` first, then what the browser asks for.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::ACCEPT_LANGUAGE;
use actix_web::web::Query;
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::Error;
use crate::domain::language::{accepted, check_language};

/// The language of the texts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Language {
    /// Language of the texts (BCP 47), e.g. `fr`; without it the browser's `Accept-Language` decides. Where a campaign
    /// has no such texts, its own language is given.
    lang: Option<String>,
}

/// The languages somebody wants, most wanted first.
pub struct Languages(pub Vec<String>);

impl FromRequest for Languages {
    type Error = Error;
    type Future = Ready<Result<Languages, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(languages(request))
    }
}

fn languages(request: &HttpRequest) -> Result<Languages, Error> {
    let query = Query::<Language>::from_query(request.query_string());
    let asked = query.map_err(|error| Error::unreadable(error.to_string()))?.into_inner().lang;
    let asked = asked
        .map(|tag| check_language(&tag))
        .transpose()
        .map_err(|wrong| Error::from(crate::services::Error::invalid("lang", wrong.reason)))?;
    let header = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(Languages(asked.into_iter().chain(accepted(header)).collect()))
}
