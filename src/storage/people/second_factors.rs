//! The second_factors table: the secrets that people share with an app, one each at most.

use diesel::prelude::*;

use crate::storage::Conn;
use crate::storage::schema::second_factors;

/// A second factor as it is stored. It is not printed anywhere, so it cannot be formatted.
#[derive(Clone, Queryable)]
pub struct Stored {
    /// What codes are made from.
    pub secret: Vec<u8>,
    /// When it was begun. Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When the first right code came; `None`: not yet. Milliseconds since 1970, UTC.
    pub confirmed_at: Option<i64>,
    /// The last step that was used: half minutes since 1970.
    pub last_step: i64,
}

/// The second factor of a person, confirmed or not.
pub fn find(conn: &mut Conn, volunteer: i64) -> QueryResult<Option<Stored>> {
    second_factors::table
        .find(volunteer)
        .select((
            second_factors::secret,
            second_factors::created_at,
            second_factors::confirmed_at,
            second_factors::last_step,
        ))
        .first(conn)
        .optional()
}

/// Since when a person has a second factor. Milliseconds since 1970, UTC.
pub fn confirmed_at(conn: &mut Conn, volunteer: i64) -> QueryResult<Option<i64>> {
    Ok(find(conn, volunteer)?.and_then(|stored| stored.confirmed_at))
}

/// Puts a new secret, not confirmed yet, in the place of another that never was. The caller holds the volunteer's row and
/// has seen that none is confirmed.
pub fn begin(conn: &mut Conn, volunteer: i64, secret: &[u8], now: i64) -> QueryResult<()> {
    let begun = second_factors::table.find(volunteer).filter(second_factors::confirmed_at.is_null());
    diesel::delete(begun).execute(conn)?;
    let row = (
        second_factors::volunteer_id.eq(volunteer),
        second_factors::secret.eq(secret),
        second_factors::created_at.eq(now),
        second_factors::last_step.eq(0),
    );
    diesel::insert_into(second_factors::table).values(row).execute(conn).map(drop)
}

/// Confirms the factor that was begun with this secret, by the code of that step; `false` where it is another by now.
pub fn confirm(conn: &mut Conn, volunteer: i64, begun: &Stored, step: i64, now: i64) -> QueryResult<bool> {
    let same = second_factors::table
        .find(volunteer)
        .filter(second_factors::confirmed_at.is_null())
        .filter(second_factors::secret.eq(&begun.secret));
    let changes = (second_factors::confirmed_at.eq(now), second_factors::last_step.eq(step));
    Ok(diesel::update(same).set(changes).execute(conn)? == 1)
}

/// Uses a step of this factor up; `false` where it, or a later one, was used before. Who tries at the same moment waits here
/// for the row, and finds it used.
pub fn use_step(conn: &mut Conn, volunteer: i64, stored: &Stored, step: i64) -> QueryResult<bool> {
    let unused = second_factors::table
        .find(volunteer)
        .filter(second_factors::confirmed_at.is_not_null())
        .filter(second_factors::secret.eq(&stored.secret))
        .filter(second_factors::last_step.lt(step));
    Ok(diesel::update(unused).set(second_factors::last_step.eq(step)).execute(conn)? == 1)
}

/// Removes those that were begun before this moment and never confirmed.
pub fn sweep(conn: &mut Conn, before: i64) -> QueryResult<usize> {
    let begun = second_factors::table.filter(second_factors::confirmed_at.is_null());
    diesel::delete(begun.filter(second_factors::created_at.lt(before))).execute(conn)
}

/// Removes the second factor of a person, confirmed or not; `false` where there is none.
pub fn remove(conn: &mut Conn, volunteer: i64) -> QueryResult<bool> {
    Ok(diesel::delete(second_factors::table.find(volunteer)).execute(conn)? == 1)
}
