//! The personal_tokens table: what scripts and guests' tools sign in with. Only hashes are kept.

use diesel::prelude::*;

use super::sessions::PersonRow;
use crate::storage::Conn;
use crate::storage::schema::{personal_tokens, roles, second_factors, volunteers};

/// A new token as it is stored.
pub struct NewToken<'a> {
    /// Whose it is.
    pub volunteer_id: i64,
    /// SHA-256 of the token.
    pub hash: &'a [u8],
    /// What its owner calls it.
    pub name: &'a str,
    /// What it may be used for: words separated by blanks.
    pub scopes: &'a str,
    /// When it stops working. Milliseconds since 1970, UTC.
    pub expires_at: i64,
}

/// Adds a token.
pub fn insert(conn: &mut Conn, id: i64, new: &NewToken<'_>, now: i64) -> QueryResult<()> {
    let row = (
        personal_tokens::id.eq(id),
        personal_tokens::volunteer_id.eq(new.volunteer_id),
        personal_tokens::token_hash.eq(new.hash),
        personal_tokens::name.eq(new.name),
        personal_tokens::scopes.eq(new.scopes),
        personal_tokens::created_at.eq(now),
        personal_tokens::expires_at.eq(new.expires_at),
    );
    diesel::insert_into(personal_tokens::table).values(row).execute(conn).map(drop)
}

/// Whoever owns a token that is valid now, with the token's scopes and their roles; empty where there is none.
pub fn person(conn: &mut Conn, hash: &[u8], now: i64) -> QueryResult<Vec<(String, PersonRow)>> {
    personal_tokens::table
        .inner_join(volunteers::table.on(volunteers::id.eq(personal_tokens::volunteer_id)))
        .left_join(second_factors::table.on(second_factors::volunteer_id.eq(volunteers::id)))
        .left_join(roles::table.on(roles::volunteer_id.eq(volunteers::id)))
        .filter(personal_tokens::token_hash.eq(hash))
        .filter(personal_tokens::revoked_at.is_null())
        .filter(personal_tokens::expires_at.gt(now))
        .filter(volunteers::disabled_at.is_null())
        .filter(volunteers::deleted_at.is_null())
        .select((
            personal_tokens::scopes,
            (
                volunteers::id,
                volunteers::name,
                volunteers::admin,
                volunteers::creator,
                second_factors::confirmed_at.nullable(),
                (roles::campaign_id, roles::role).nullable(),
            ),
        ))
        .load(conn)
}

/// Ends all tokens of a person.
pub fn revoke_all(conn: &mut Conn, volunteer: i64, now: i64) -> QueryResult<()> {
    let open = personal_tokens::table
        .filter(personal_tokens::volunteer_id.eq(volunteer))
        .filter(personal_tokens::revoked_at.is_null());
    diesel::update(open).set(personal_tokens::revoked_at.eq(now)).execute(conn).map(drop)
}

/// A token as its owner sees it.
#[derive(Debug, Queryable)]
pub struct TokenRow {
    /// Database id.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// What it may be used for: words separated by blanks.
    pub scopes: String,
    /// When it was made. Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When it stops working, likewise.
    pub expires_at: i64,
}

/// The tokens of a person that were not revoked, also those whose time is over, newest first.
pub fn of_volunteer(conn: &mut Conn, volunteer: i64) -> QueryResult<Vec<TokenRow>> {
    personal_tokens::table
        .filter(personal_tokens::volunteer_id.eq(volunteer))
        .filter(personal_tokens::revoked_at.is_null())
        .order(personal_tokens::id.desc())
        .select((
            personal_tokens::id,
            personal_tokens::name,
            personal_tokens::scopes,
            personal_tokens::created_at,
            personal_tokens::expires_at,
        ))
        .load(conn)
}

/// Ends a token of this person; `false` where they have none of that id.
pub fn revoke(conn: &mut Conn, volunteer: i64, id: i64, now: i64) -> QueryResult<bool> {
    let theirs = personal_tokens::table
        .filter(personal_tokens::id.eq(id))
        .filter(personal_tokens::volunteer_id.eq(volunteer))
        .filter(personal_tokens::revoked_at.is_null());
    Ok(diesel::update(theirs).set(personal_tokens::revoked_at.eq(now)).execute(conn)? > 0)
}

/// Removes tokens that ended before this moment.
pub fn sweep(conn: &mut Conn, before: i64) -> QueryResult<usize> {
    let over = personal_tokens::expires_at.lt(before).or(personal_tokens::revoked_at.lt(before).assume_not_null());
    diesel::delete(personal_tokens::table.filter(over)).execute(conn)
}
