//! The browsers in which somebody is signed in: listed for themself, ended one by one, and all of all people at once.

use super::sign_in::{self, ends_at};
use crate::domain::access::Viewer;
use crate::domain::volunteer::check_name;
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::oversight::audit_log;
use crate::storage::people::{sessions, volunteers};

/// A session that has not ended. Moments are milliseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its id.
    pub id: i64,
    /// When its owner signed in.
    pub created_at: i64,
    /// When it was last used, give or take the life of an access token.
    pub used_at: i64,
    /// When it ends if it is not used again.
    pub ends_at: i64,
}

/// The open sessions of whoever asks, the one used last first.
pub fn list(conn: &mut Conn, viewer: &Viewer, now: i64) -> Result<Vec<Open>, Error> {
    let Some(person) = viewer.person() else { return Ok(Vec::new()) };
    let has_power = person.has_power();
    let open = sessions::open_of(conn, person.volunteer.id, now)?.into_iter().map(|one| Open {
        id: one.id,
        created_at: one.moments.created_at,
        used_at: one.moments.refreshed_at,
        ends_at: ends_at(has_power, &one),
    });
    Ok(open.filter(|one| one.ends_at > now).collect())
}

/// Ends a session of whoever asks, on all servers at once.
pub fn end(conn: &mut Conn, viewer: &Viewer, id: i64, now: i64) -> Result<(), Error> {
    let unknown = || Error::NotFound(format!("you have no open session `{id}`"));
    let me = viewer.volunteer_id().ok_or_else(unknown)?;
    match sessions::open_of(conn, me, now)?.iter().any(|one| one.id == id) {
        true => sign_in::end_session(conn, id, now),
        false => Err(unknown()),
    }
}

/// Ends every session of the account of that name, for the operator. Its tokens stay.
pub fn end_of(conn: &mut Conn, name: &str, now: i64) -> Result<(), Error> {
    let account = volunteers::by_name(conn, &check_name(name)?)?
        .ok_or_else(|| Error::NotFound(format!("there is no account `{name}`")))?;
    sessions::revoke_all(conn, account.id, now)?;
    Ok(audit_log::note(conn, None, None, ("sign_out", &account.id.to_string()), now)?)
}

/// Ends every session of everybody, guests too, for the operator whose signing key leaked; returns how many were open.
/// Tokens stay: they have nothing to do with that key.
pub fn end_all(conn: &mut Conn, now: i64) -> Result<usize, Error> {
    let ended = sessions::revoke_everybodys(conn, now)?;
    audit_log::note(conn, None, None, ("sign_out_everybody", &ended.to_string()), now)?;
    Ok(ended)
}
