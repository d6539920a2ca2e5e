//! The sessions table: who is signed in from a browser, and with which refresh token.

use diesel::prelude::*;

use crate::storage::schema::{roles, second_factors, sessions, volunteers};
use crate::storage::{Conn, each_backend};

/// A person found through a session or a token: id, name, admin, creator, since when they have a second factor, and one of
/// their roles; one row for each role, one if there is none.
pub type PersonRow = (i64, Option<String>, bool, bool, Option<i64>, Option<(i64, String)>);

/// The moments of a session: opened, refreshed, password last given. Milliseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Moments {
    /// When it was opened.
    pub created_at: i64,
    /// When its refresh token was last replaced: at most a quarter of an hour before it was last used.
    pub refreshed_at: i64,
    /// When a password or a code was last given in it.
    pub proven_at: i64,
}

impl Moments {
    /// Those of a session that is opened now, by somebody who just proved who they are.
    pub fn at(now: i64) -> Moments {
        Moments { created_at: now, refreshed_at: now, proven_at: now }
    }
}

/// The part of a session that refreshing looks at.
#[derive(Debug, Clone, Queryable)]
pub struct Session {
    /// Database id.
    pub id: i64,
    /// Whose it is.
    pub volunteer_id: i64,
    /// SHA-256 of the refresh token in use.
    pub refresh_hash: Vec<u8>,
    /// SHA-256 of the one before it.
    pub previous_hash: Option<Vec<u8>>,
    /// When the token in use was issued. Milliseconds since 1970, UTC.
    pub refreshed_at: i64,
    /// When the session was opened, likewise.
    pub created_at: i64,
}

/// Adds a session.
pub fn insert(
    conn: &mut Conn,
    id: i64,
    volunteer: i64,
    refresh_hash: &[u8],
    moments: Moments,
    expires_at: i64,
) -> QueryResult<()> {
    let row = (
        sessions::id.eq(id),
        sessions::volunteer_id.eq(volunteer),
        sessions::refresh_hash.eq(refresh_hash),
        sessions::created_at.eq(moments.created_at),
        sessions::refreshed_at.eq(moments.refreshed_at),
        sessions::expires_at.eq(expires_at),
        sessions::proven_at.eq(moments.proven_at),
    );
    diesel::insert_into(sessions::table).values(row).execute(conn).map(drop)
}

/// Whoever is signed in by this session, with their roles; empty where the session has ended or the person may not
/// sign in.
pub fn person(conn: &mut Conn, session: i64, now: i64) -> QueryResult<Vec<(Moments, PersonRow)>> {
    let query = sessions::table
        .inner_join(volunteers::table.on(volunteers::id.eq(sessions::volunteer_id)))
        .left_join(second_factors::table.on(second_factors::volunteer_id.eq(volunteers::id)))
        .left_join(roles::table.on(roles::volunteer_id.eq(volunteers::id)))
        .filter(sessions::id.eq(session))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(volunteers::disabled_at.is_null())
        .filter(volunteers::deleted_at.is_null())
        .select((
            (sessions::created_at, sessions::refreshed_at, sessions::proven_at),
            (
                volunteers::id,
                volunteers::name,
                volunteers::admin,
                volunteers::creator,
                second_factors::confirmed_at.nullable(),
                (roles::campaign_id, roles::role).nullable(),
            ),
        ));
    each_backend!(conn, inner => query.load(inner))
}

/// A session that has not ended, locked against another refresh until the transaction is over.
pub fn lock_open(conn: &mut Conn, id: i64, now: i64) -> QueryResult<Option<Session>> {
    // An update that changes nothing takes the row's lock on PostgreSQL; SQLite writes one transaction at a time anyway.
    let open = sessions::table
        .filter(sessions::id.eq(id))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now));
    if diesel::update(open).set(sessions::id.eq(id)).execute(conn)? == 0 {
        return Ok(None);
    }
    sessions::table
        .find(id)
        .select((
            sessions::id,
            sessions::volunteer_id,
            sessions::refresh_hash,
            sessions::previous_hash,
            sessions::refreshed_at,
            sessions::created_at,
        ))
        .first(conn)
        .optional()
}

/// Replaces the refresh token; the old one is kept as the previous one.
pub fn rotate(conn: &mut Conn, session: &Session, next_hash: &[u8], now: i64, expires_at: i64) -> QueryResult<()> {
    let changes = (
        sessions::previous_hash.eq(&session.refresh_hash),
        sessions::refresh_hash.eq(next_hash),
        sessions::refreshed_at.eq(now),
        sessions::expires_at.eq(expires_at),
    );
    diesel::update(sessions::table.find(session.id)).set(changes).execute(conn).map(drop)
}

/// The guest whose session that is; `None` where it is nobody's, or an account's.
pub fn guest_of(conn: &mut Conn, session: i64) -> QueryResult<Option<i64>> {
    sessions::table
        .inner_join(volunteers::table.on(volunteers::id.eq(sessions::volunteer_id)))
        .filter(sessions::id.eq(session))
        .filter(volunteers::name.is_null())
        .select(volunteers::id)
        .first(conn)
        .optional()
}

/// Ends one session.
pub fn revoke(conn: &mut Conn, id: i64, now: i64) -> QueryResult<()> {
    let open = sessions::table.filter(sessions::id.eq(id)).filter(sessions::revoked_at.is_null());
    diesel::update(open).set(sessions::revoked_at.eq(now)).execute(conn).map(drop)
}

/// Ends all sessions of a person.
pub fn revoke_all(conn: &mut Conn, volunteer: i64, now: i64) -> QueryResult<()> {
    let open = sessions::table.filter(sessions::volunteer_id.eq(volunteer)).filter(sessions::revoked_at.is_null());
    diesel::update(open).set(sessions::revoked_at.eq(now)).execute(conn).map(drop)
}

/// Ends all sessions of a person but this one.
pub fn revoke_others(conn: &mut Conn, volunteer: i64, session: i64, now: i64) -> QueryResult<()> {
    let others = sessions::table
        .filter(sessions::volunteer_id.eq(volunteer))
        .filter(sessions::id.ne(session))
        .filter(sessions::revoked_at.is_null());
    diesel::update(others).set(sessions::revoked_at.eq(now)).execute(conn).map(drop)
}

/// A session that has not ended, as its owner sees it.
#[derive(Debug, Clone, Queryable)]
pub struct OpenSession {
    /// Database id.
    pub id: i64,
    /// When it was opened, refreshed, and proven.
    pub moments: Moments,
    /// When it ends if nobody refreshes it. Milliseconds since 1970, UTC.
    pub expires_at: i64,
}

/// The sessions of a person that have not ended, the one used last first.
pub fn open_of(conn: &mut Conn, volunteer: i64, now: i64) -> QueryResult<Vec<OpenSession>> {
    sessions::table
        .filter(sessions::volunteer_id.eq(volunteer))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .order((sessions::refreshed_at.desc(), sessions::id.desc()))
        .select((
            sessions::id,
            (sessions::created_at, sessions::refreshed_at, sessions::proven_at),
            sessions::expires_at,
        ))
        .load(conn)
}

/// Ends an open session of this person; `false` where they have none of that id.
pub fn revoke_of(conn: &mut Conn, volunteer: i64, id: i64, now: i64) -> QueryResult<bool> {
    let theirs = sessions::table
        .filter(sessions::id.eq(id))
        .filter(sessions::volunteer_id.eq(volunteer))
        .filter(sessions::revoked_at.is_null());
    Ok(diesel::update(theirs).set(sessions::revoked_at.eq(now)).execute(conn)? > 0)
}

/// The moments of this session.
pub fn moments(conn: &mut Conn, id: i64) -> QueryResult<Moments> {
    sessions::table.find(id).select((sessions::created_at, sessions::refreshed_at, sessions::proven_at)).first(conn)
}

/// Notes that the password was given once more in this session.
pub fn prove(conn: &mut Conn, id: i64, now: i64) -> QueryResult<()> {
    diesel::update(sessions::table.find(id)).set(sessions::proven_at.eq(now)).execute(conn).map(drop)
}

/// Ends all sessions of everybody; returns how many were open.
pub fn revoke_everybodys(conn: &mut Conn, now: i64) -> QueryResult<usize> {
    let open = sessions::table.filter(sessions::revoked_at.is_null()).filter(sessions::expires_at.gt(now));
    diesel::update(open).set(sessions::revoked_at.eq(now)).execute(conn)
}

/// Removes sessions that ended before this moment.
pub fn sweep(conn: &mut Conn, before: i64) -> QueryResult<usize> {
    let over = sessions::expires_at.lt(before).or(sessions::revoked_at.lt(before).assume_not_null());
    diesel::delete(sessions::table.filter(over)).execute(conn)
}
