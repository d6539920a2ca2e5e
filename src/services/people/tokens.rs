//! Personal tokens for scripts: made, listed, revoked by their owner. Shown once; only a hash is kept.

use super::secrets;
use crate::domain::token::{MAX_TOKENS, Scope, TokenRequest, scopes_of};
use crate::services::Error;
use crate::storage::oversight::audit_log;
use crate::storage::people::personal_tokens::{self, NewToken, TokenRow};
use crate::storage::people::{person, volunteers};
use crate::storage::{Conn, new_id};

/// What every personal token begins with, so that one that leaked into a file can be recognised.
const PREFIX: &str = "aftermap_";
/// A day, milliseconds.
const DAY_MS: i64 = 86_400_000;

/// A personal token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Database id.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was made. Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When it stops working, likewise.
    pub expires_at: i64,
}

impl From<TokenRow> for Token {
    fn from(row: TokenRow) -> Token {
        let TokenRow { id, name, scopes, created_at, expires_at } = row;
        Token { id, name, scopes: scopes_of(&scopes), created_at, expires_at }
    }
}

/// A new secret. Made before the transaction, which may be repeated.
pub fn new_secret() -> String {
    format!("{PREFIX}{}", secrets::token())
}

/// Makes a token of this secret for the owner of an account. `actor` is who asks; `None`: the operator.
pub fn make(
    conn: &mut Conn,
    actor: Option<i64>,
    owner: i64,
    request: &TokenRequest,
    secret: &str,
    now: i64,
) -> Result<Token, Error> {
    // One at a time for each person, or two requests at once could both be the last that fits.
    volunteers::lock(conn, owner)?;
    let account = person::account(conn, owner)?.ok_or_else(|| Error::NotFound("there is nobody of that id".into()))?;
    if account.name.is_none() || account.closed {
        return Err(Error::Forbidden("tokens belong to accounts: make an account first".into()));
    }
    let good = personal_tokens::of_volunteer(conn, owner)?.iter().filter(|token| token.expires_at > now).count();
    if good >= MAX_TOKENS {
        let reason = format!("you have {MAX_TOKENS} tokens that are good: revoke one that you no longer need");
        return Err(Error::Conflict(reason));
    }
    let (id, expires_at) = (new_id(), now + i64::from(request.days) * DAY_MS);
    let (hash, scopes) = (secrets::hash(secret), request.words());
    let new = NewToken { volunteer_id: owner, hash: &hash, name: &request.name, scopes: &scopes, expires_at };
    personal_tokens::insert(conn, id, &new, now)?;
    audit_log::note(conn, actor, None, ("make_token", &format!("{owner} {id} {scopes}")), now)?;
    let (name, scopes) = (request.name.clone(), request.scopes.clone());
    Ok(Token { id, name, scopes, created_at: now, expires_at })
}

/// The tokens of a person that were not revoked, newest first; also those whose time is over. That which a guest came
/// with is none of them.
pub fn list(conn: &mut Conn, owner: i64) -> Result<Vec<Token>, Error> {
    let tokens = personal_tokens::of_volunteer(conn, owner)?.into_iter().map(Token::from);
    Ok(match person::account(conn, owner)?.and_then(|account| account.name) {
        Some(_) => tokens.collect(),
        None => Vec::new(),
    })
}

/// Ends a token at once, on all servers.
pub fn revoke(conn: &mut Conn, actor: Option<i64>, owner: i64, id: i64, now: i64) -> Result<(), Error> {
    let is_account = person::account(conn, owner)?.is_some_and(|account| account.name.is_some());
    if !is_account || !personal_tokens::revoke(conn, owner, id, now)? {
        return Err(Error::NotFound(format!("you have no token `{id}`, or it was revoked before")));
    }
    Ok(audit_log::note(conn, actor, None, ("revoke_token", &format!("{owner} {id}")), now)?)
}
