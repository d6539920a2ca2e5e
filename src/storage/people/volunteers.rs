//! The volunteers table: people with or without an account.

use diesel::prelude::*;

use crate::storage::Conn;
use crate::storage::schema::{
    announcement_readers, audit_log, exclusions, invitation_uses, labels, leases, notes, participations,
    personal_tokens, practice_answers, ring_positions, roles, sessions, skills, volunteers,
};

/// What a new account is made of.
pub struct NewAccount<'a> {
    /// Sign-in name as it is shown.
    pub name: &'a str,
    /// The form in which names are compared.
    pub name_key: &'a str,
    /// PHC string of the password.
    pub password_hash: &'a str,
    /// Hash of the recovery code.
    pub recovery_hash: &'a str,
}

/// An account with the secrets by which its owner proves to be its owner.
#[derive(Debug, Clone, Queryable)]
pub struct Account {
    /// Database id.
    pub id: i64,
    /// Sign-in name; `None` for a guest.
    pub name: Option<String>,
    /// PHC string of the password.
    pub password_hash: Option<String>,
    /// Hash of the recovery code.
    pub recovery_hash: Option<String>,
    /// When that code stops working; `None`: never. Milliseconds since 1970, UTC.
    pub recovery_until: Option<i64>,
    /// May do everything on this server.
    pub admin: bool,
    /// May make campaigns.
    pub creator: bool,
    /// Disabled or deleted: may not sign in.
    pub closed: bool,
}

/// Whether a person is neither deleted nor disabled; they stay so until the transaction ends. Many hold it at a time.
pub fn hold_here(conn: &mut Conn, id: i64) -> QueryResult<bool> {
    let here = volunteers::table
        .find(id)
        .filter(volunteers::deleted_at.is_null())
        .filter(volunteers::disabled_at.is_null())
        .select(volunteers::id);
    let found = match conn {
        Conn::Postgres(conn) => here.for_share().first::<i64>(conn).optional()?,
        Conn::Sqlite(conn) => here.first::<i64>(conn).optional()?,
    };
    Ok(found.is_some())
}

/// Waits until nobody holds the person, and keeps others from it until the transaction ends.
pub fn lock(conn: &mut Conn, id: i64) -> QueryResult<()> {
    if let Conn::Postgres(conn) = conn {
        volunteers::table.find(id).select(volunteers::id).for_update().first::<i64>(conn).optional()?;
    }
    Ok(())
}

/// The account of that name, its row held until the end of the transaction and read only then: whoever waited for it sees
/// what the one before them left.
pub fn lock_by_name(conn: &mut Conn, name_key: &str) -> QueryResult<Option<Account>> {
    if let Some(account) = by_name(conn, name_key)? {
        lock(conn, account.id)?;
    }
    by_name(conn, name_key)
}

/// Adds a guest and returns the id.
pub fn insert_guest(conn: &mut Conn, id: i64, now: i64) -> QueryResult<()> {
    let row = (volunteers::id.eq(id), volunteers::admin.eq(false), volunteers::created_at.eq(now));
    diesel::insert_into(volunteers::table).values(row).execute(conn).map(drop)
}

/// Adds an account. A name that is taken is a `UniqueViolation`.
pub fn insert_account(conn: &mut Conn, id: i64, new: &NewAccount<'_>, now: i64) -> QueryResult<()> {
    let row = (
        volunteers::id.eq(id),
        volunteers::name.eq(new.name),
        volunteers::name_key.eq(new.name_key),
        volunteers::password_hash.eq(new.password_hash),
        volunteers::recovery_hash.eq(new.recovery_hash),
        volunteers::admin.eq(false),
        volunteers::had_account.eq(true),
        volunteers::created_at.eq(now),
    );
    diesel::insert_into(volunteers::table).values(row).execute(conn).map(drop)
}

/// Turns a guest into an account; false where the volunteer is no guest (any more).
pub fn claim_guest(conn: &mut Conn, id: i64, new: &NewAccount<'_>) -> QueryResult<bool> {
    let guest = volunteers::table
        .filter(volunteers::id.eq(id))
        .filter(volunteers::name.is_null())
        .filter(diesel::dsl::not(volunteers::imported))
        .filter(volunteers::deleted_at.is_null());
    let changes = (
        volunteers::name.eq(new.name),
        volunteers::name_key.eq(new.name_key),
        volunteers::password_hash.eq(new.password_hash),
        volunteers::recovery_hash.eq(new.recovery_hash),
        volunteers::had_account.eq(true),
    );
    Ok(diesel::update(guest).set(changes).execute(conn)? == 1)
}

/// The account of that name, in the form in which names are compared.
pub fn by_name(conn: &mut Conn, name_key: &str) -> QueryResult<Option<Account>> {
    let closed = volunteers::disabled_at.is_not_null().or(volunteers::deleted_at.is_not_null());
    volunteers::table
        .filter(volunteers::name_key.eq(name_key))
        .select((
            volunteers::id,
            volunteers::name,
            volunteers::password_hash,
            volunteers::recovery_hash,
            volunteers::recovery_until,
            volunteers::admin,
            volunteers::creator,
            closed,
        ))
        .first(conn)
        .optional()
}

/// All accounts by name; guests are left out.
pub fn accounts(conn: &mut Conn) -> QueryResult<Vec<Account>> {
    let closed = volunteers::disabled_at.is_not_null().or(volunteers::deleted_at.is_not_null());
    volunteers::table
        .filter(volunteers::name_key.is_not_null())
        .order(volunteers::name_key)
        .select((
            volunteers::id,
            volunteers::name,
            volunteers::password_hash,
            volunteers::recovery_hash,
            volunteers::recovery_until,
            volunteers::admin,
            volunteers::creator,
            closed,
        ))
        .load(conn)
}

/// Sets a new password and a new recovery code, which works until it is used.
pub fn set_secrets(conn: &mut Conn, id: i64, password_hash: &str, recovery_hash: &str) -> QueryResult<()> {
    let never: Option<i64> = None;
    let changes = (
        volunteers::password_hash.eq(password_hash),
        volunteers::recovery_hash.eq(recovery_hash),
        volunteers::recovery_until.eq(never),
    );
    // One that was deleted meanwhile stays without.
    let there = volunteers::table.find(id).filter(volunteers::deleted_at.is_null());
    diesel::update(there).set(changes).execute(conn).map(drop)
}

/// Sets a new password; the recovery code stays.
pub fn set_password(conn: &mut Conn, id: i64, password_hash: &str) -> QueryResult<()> {
    let there = volunteers::table.find(id).filter(volunteers::deleted_at.is_null());
    diesel::update(there).set(volunteers::password_hash.eq(password_hash)).execute(conn).map(drop)
}

/// Replaces the hash of a password by another one of the same password; nothing happens where it was changed meanwhile.
pub fn renew_password_hash(conn: &mut Conn, id: i64, before: &str, after: &str) -> QueryResult<()> {
    let same = volunteers::table.find(id).filter(volunteers::password_hash.eq(before));
    diesel::update(same).set(volunteers::password_hash.eq(after)).execute(conn).map(drop)
}

/// Takes the password of an account away and puts another recovery code, which works until that moment, in place of the old
/// one.
pub fn set_recovery(conn: &mut Conn, id: i64, recovery_hash: &str, until: i64) -> QueryResult<()> {
    let nothing: Option<&str> = None;
    let changes = (
        volunteers::password_hash.eq(nothing),
        volunteers::recovery_hash.eq(recovery_hash),
        volunteers::recovery_until.eq(until),
    );
    let there = volunteers::table.find(id).filter(volunteers::deleted_at.is_null());
    diesel::update(there).set(changes).execute(conn).map(drop)
}

/// Makes somebody an admin of the server.
pub fn set_admin(conn: &mut Conn, id: i64) -> QueryResult<()> {
    diesel::update(volunteers::table.find(id)).set(volunteers::admin.eq(true)).execute(conn).map(drop)
}

/// Lets somebody make campaigns.
pub fn set_creator(conn: &mut Conn, id: i64) -> QueryResult<()> {
    diesel::update(volunteers::table.find(id)).set(volunteers::creator.eq(true)).execute(conn).map(drop)
}

/// Closes an account: nobody signs in with it, and open sessions end.
pub fn disable(conn: &mut Conn, id: i64, now: i64) -> QueryResult<()> {
    diesel::update(volunteers::table.find(id)).set(volunteers::disabled_at.eq(now)).execute(conn).map(drop)
}

/// Removes guests who came before this moment, handed in nothing, and cannot come back: no session or token of theirs is
/// left, and nothing that names them. At most so many at a time; returns how many went.
pub fn sweep_guests(conn: &mut Conn, before: i64, most: i64) -> QueryResult<usize> {
    use diesel::dsl::{exists, not};
    let id = volunteers::id;
    let labelled = participations::table
        .filter(participations::volunteer_id.eq(id))
        .filter(participations::labels.gt(0).or(participations::skips.gt(0)));
    let idle: Vec<i64> = volunteers::table
        .filter(volunteers::name.is_null())
        .filter(not(volunteers::imported))
        .filter(not(volunteers::had_account))
        .filter(volunteers::deleted_at.is_null())
        .filter(volunteers::created_at.lt(before))
        .filter(not(exists(sessions::table.filter(sessions::volunteer_id.eq(id)))))
        .filter(not(exists(personal_tokens::table.filter(personal_tokens::volunteer_id.eq(id)))))
        .filter(not(exists(roles::table.filter(roles::volunteer_id.eq(id)))))
        .filter(not(exists(invitation_uses::table.filter(invitation_uses::volunteer_id.eq(id)))))
        .filter(not(exists(exclusions::table.filter(exclusions::volunteer_id.eq(id)))))
        .filter(not(exists(leases::table.filter(leases::volunteer_id.eq(id)))))
        .filter(not(exists(labels::table.filter(labels::volunteer_id.eq(id)))))
        .filter(not(exists(notes::table.filter(notes::volunteer_id.eq(id)))))
        .filter(not(exists(skills::table.filter(skills::volunteer_id.eq(id)))))
        .filter(not(exists(audit_log::table.filter(audit_log::actor_id.eq(id.nullable())))))
        .filter(not(exists(labelled)))
        .order(volunteers::id)
        .limit(most)
        .select(volunteers::id)
        .load(conn)?;
    diesel::delete(participations::table.filter(participations::volunteer_id.eq_any(&idle))).execute(conn)?;
    diesel::delete(ring_positions::table.filter(ring_positions::volunteer_id.eq_any(&idle))).execute(conn)?;
    diesel::delete(practice_answers::table.filter(practice_answers::volunteer_id.eq_any(&idle))).execute(conn)?;
    let readers = announcement_readers::table.filter(announcement_readers::volunteer_id.eq_any(&idle));
    diesel::delete(readers).execute(conn)?;
    diesel::delete(volunteers::table.filter(volunteers::id.eq_any(&idle))).execute(conn)
}
