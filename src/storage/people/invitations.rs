//! Invitations: links by which people get a role in a campaign. Only the hash of the secret is stored.

use diesel::prelude::*;

use crate::domain::volunteer::Role;
use crate::storage::Conn;
use crate::storage::campaigns::word;
use crate::storage::schema::{campaign_texts, campaigns, invitation_uses, invitations};

/// An invitation as it is stored, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Database id.
    pub id: i64,
    /// The campaign that it leads to.
    pub campaign_id: i64,
    /// The role that it gives.
    pub role: Role,
    /// Whether people without an account may use it.
    pub guests: bool,
    /// Whom it is for, in its maker's words.
    pub note: String,
    /// How many people may use it.
    pub uses: i32,
    /// How many still may.
    pub uses_left: i32,
    /// Who made it; `None`: the operator.
    pub created_by: Option<i64>,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// Until when it is good, likewise.
    pub expires_at: i64,
    /// When it was revoked, likewise.
    pub revoked_at: Option<i64>,
}

type Columns = (i64, i64, String, bool, String, i32, i32, Option<i64>, i64, i64, Option<i64>);

macro_rules! columns {
    () => {
        (
            invitations::id,
            invitations::campaign_id,
            invitations::role,
            invitations::guests,
            invitations::note,
            invitations::uses,
            invitations::uses_left,
            invitations::created_by,
            invitations::created_at,
            invitations::expires_at,
            invitations::revoked_at,
        )
    };
}

fn invitation(columns: Columns) -> QueryResult<Invitation> {
    let (id, campaign_id, role, guests, note, uses, uses_left, created_by, created_at, expires_at, revoked_at) =
        columns;
    let role = word(&role)?;
    Ok(Invitation {
        id,
        campaign_id,
        role,
        guests,
        note,
        uses,
        uses_left,
        created_by,
        created_at,
        expires_at,
        revoked_at,
    })
}

/// Stores an invitation under the hash of its secret.
pub fn insert(conn: &mut Conn, new: &Invitation, code_hash: &[u8]) -> QueryResult<()> {
    diesel::insert_into(invitations::table)
        .values((
            invitations::id.eq(new.id),
            invitations::campaign_id.eq(new.campaign_id),
            invitations::code_hash.eq(code_hash),
            invitations::role.eq(new.role.key()),
            invitations::guests.eq(new.guests),
            invitations::note.eq(&new.note),
            invitations::uses.eq(new.uses),
            invitations::uses_left.eq(new.uses_left),
            invitations::created_by.eq(new.created_by),
            invitations::created_at.eq(new.created_at),
            invitations::expires_at.eq(new.expires_at),
        ))
        .execute(conn)
        .map(drop)
}

/// The invitation with this hash of a secret.
pub fn by_hash(conn: &mut Conn, code_hash: &[u8]) -> QueryResult<Option<Invitation>> {
    let found = invitations::table
        .filter(invitations::code_hash.eq(code_hash))
        .select(columns!())
        .first::<Columns>(conn)
        .optional()?;
    found.map(invitation).transpose()
}

/// All invitations of a campaign, newest first; those that are no longer good too.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Invitation>> {
    let rows = invitations::table
        .filter(invitations::campaign_id.eq(campaign_id))
        .order((invitations::created_at.desc(), invitations::id.desc()))
        .select(columns!())
        .load::<Columns>(conn)?;
    rows.into_iter().map(invitation).collect()
}

/// Takes one use of an invitation that is good now; false where it is not (any more). Two who come for the last use take
/// turns at its row.
pub fn take_use(conn: &mut Conn, id: i64, now: i64) -> QueryResult<bool> {
    let good = invitations::table
        .find(id)
        .filter(invitations::uses_left.gt(0))
        .filter(invitations::revoked_at.is_null())
        .filter(invitations::expires_at.gt(now));
    Ok(diesel::update(good).set(invitations::uses_left.eq(invitations::uses_left - 1)).execute(conn)? == 1)
}

/// Notes that somebody used an invitation.
pub fn add_use(conn: &mut Conn, id: i64, volunteer: i64, now: i64) -> QueryResult<()> {
    let row = (
        invitation_uses::invitation_id.eq(id),
        invitation_uses::volunteer_id.eq(volunteer),
        invitation_uses::used_at.eq(now),
    );
    diesel::insert_into(invitation_uses::table).values(row).execute(conn).map(drop)
}

/// Whether somebody used this invitation before.
pub fn was_used_by(conn: &mut Conn, id: i64, volunteer: i64) -> QueryResult<bool> {
    let uses: i64 = invitation_uses::table.find((id, volunteer)).count().get_result(conn)?;
    Ok(uses > 0)
}

/// Revokes an invitation of a campaign; false where there is none, or it was revoked before.
pub fn revoke(conn: &mut Conn, campaign_id: i64, id: i64, now: i64) -> QueryResult<bool> {
    let there = invitations::table
        .find(id)
        .filter(invitations::campaign_id.eq(campaign_id))
        .filter(invitations::revoked_at.is_null());
    Ok(diesel::update(there).set(invitations::revoked_at.eq(now)).execute(conn)? == 1)
}

/// Slug and title, in its own language, of the campaign that an invitation leads to.
pub fn campaign_of(conn: &mut Conn, campaign_id: i64) -> QueryResult<(String, String)> {
    let own = campaign_texts::campaign_id.eq(campaigns::id).and(campaign_texts::language.eq(campaigns::language));
    campaigns::table
        .inner_join(campaign_texts::table.on(own))
        .filter(campaigns::id.eq(campaign_id))
        .select((campaigns::slug, campaign_texts::title))
        .first(conn)
}
