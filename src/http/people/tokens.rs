//! Personal tokens for scripts: mine, made and revoked by myself.

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::token::{Scope, TokenRequest};
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{By, Myself, ProvenMyself, volunteer_id};
use crate::http::wire::{id_in_address, rfc3339};
use crate::services;
use crate::services::people::tokens;

/// A token that I want.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for, in my own words.
    #[schema(max_length = 60)]
    name: String,
    /// What it may be used for.
    scopes: Vec<Scope>,
    /// Days until it stops working.
    #[schema(minimum = 1, maximum = 366, default = 90)]
    days: Option<u32>,
}

/// A personal token, without its secret.
#[derive(Serialize, ToSchema)]
pub struct Token {
    id: String,
    name: String,
    scopes: Vec<Scope>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it stops working.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Whether its time is over.
    expired: bool,
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
pub struct MadeToken {
    /// The secret, shown this once: `Authorization: Bearer …`.
    token: String,
    #[serde(flatten)]
    about: Token,
}

/// My tokens, newest first; revoked ones are left out.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    tokens: Vec<Token>,
}

impl Token {
    fn at(token: tokens::Token, now: i64) -> Token {
        Token {
            id: token.id.to_string(),
            name: token.name,
            scopes: token.scopes,
            created_at: rfc3339(token.created_at),
            expires_at: rfc3339(token.expires_at),
            expired: token.expires_at <= now,
        }
    }
}

/// My tokens for scripts
#[utoipa::path(get, path = "/api/v1/me/tokens", operation_id = "list_tokens",
    responses((status = 200, body = Tokens)))]
pub async fn list_tokens(by: By<Myself>) -> Result<HttpResponse, Error> {
    let list = by.read(|conn, visit| {
        let mine = tokens::list(conn, volunteer_id(&visit.viewer)?)?;
        Ok(mine.into_iter().map(|token| Token::at(token, visit.now)).collect())
    });
    Ok(HttpResponse::Ok().json(Tokens { tokens: list.await? }))
}

/// Make a token for a script; a token cannot make another
#[utoipa::path(post, path = "/api/v1/me/tokens", operation_id = "create_token", request_body = NewToken,
    responses((status = 201, body = MadeToken)))]
pub async fn create_token(by: By<ProvenMyself>, body: Body<NewToken>) -> Result<HttpResponse, Error> {
    let NewToken { name, scopes, days } = body.0;
    let request = TokenRequest::new(&name, &scopes, days).map_err(services::Error::from)?;
    let secret = tokens::new_secret();
    let stored = secret.clone();
    let made = by.write(move |conn, visit| {
        let me = volunteer_id(&visit.viewer)?;
        let made = tokens::make(conn, Some(me), me, &request, &stored, visit.now)?;
        Ok(Token::at(made, visit.now))
    });
    Ok(HttpResponse::Created().json(MadeToken { token: secret, about: made.await? }))
}

/// Revoke a token; it stops working at once
#[utoipa::path(delete, path = "/api/v1/me/tokens/{id}", operation_id = "revoke_token",
    params(("id" = String, Path, description = "The token's id, not its secret")),
    responses((status = 204)))]
pub async fn revoke_token(by: By<Myself>, id: Path<String>) -> Result<HttpResponse, Error> {
    let id = id_in_address(&id, "token")?;
    by.write(move |conn, visit| {
        let me = volunteer_id(&visit.viewer)?;
        tokens::revoke(conn, Some(me), me, id, visit.now)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
