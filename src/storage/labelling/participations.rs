//! What one volunteer has done in one campaign: counters, and the positions on the rings of the hand-out.

use diesel::prelude::*;

use super::queue::Group;
use crate::storage::schema::{exclusions, participations, ring_positions};
use crate::storage::{Conn, each_backend};

/// What to add to a volunteer's counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// First answers given.
    pub labels: i32,
    /// Tiles handed out.
    pub tiles_served: i32,
    /// Tiles skipped.
    pub skips: i32,
}

/// A volunteer's turn in a campaign: while the transaction lasts nobody else acts for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Tiles served so far.
    pub served: u32,
    /// The exclusion in force: `paused` or `excluded`.
    pub exclusion: Option<String>,
}

impl Turn {
    /// Whether what they send is kept outside the consensus.
    pub fn is_excluded(&self) -> bool {
        self.exclusion.as_deref() == Some("excluded")
    }
}

/// Adds to the counters of a volunteer; the first time makes the row.
pub fn add(conn: &mut Conn, campaign_id: i64, volunteer_id: i64, done: Done, now: i64) -> QueryResult<()> {
    let update = diesel::update(participations::table.find((campaign_id, volunteer_id))).set((
        participations::labels.eq(participations::labels + done.labels),
        participations::tiles_served.eq(participations::tiles_served + done.tiles_served),
        participations::skips.eq(participations::skips + done.skips),
        participations::last_at.eq(now),
    ));
    if each_backend!(conn, inner => update.execute(inner))? == 0 {
        diesel::insert_into(participations::table)
            .values((
                participations::campaign_id.eq(campaign_id),
                participations::volunteer_id.eq(volunteer_id),
                participations::labels.eq(done.labels),
                participations::tiles_served.eq(done.tiles_served),
                participations::skips.eq(done.skips),
                participations::first_at.eq(now),
                participations::last_at.eq(now),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Makes sure that the row is there and locks it until the transaction ends: one volunteer's requests take turns, so
/// that two tabs together get no more than one tab could.
pub fn take_turn(conn: &mut Conn, campaign_id: i64, volunteer_id: i64, now: i64) -> QueryResult<Turn> {
    if let Some(turn) = turn(conn, campaign_id, volunteer_id)? {
        return Ok(turn);
    }
    // Whoever asks is there, even if nothing could be given: they may be shown what others skip.
    let row = (
        participations::campaign_id.eq(campaign_id),
        participations::volunteer_id.eq(volunteer_id),
        participations::first_at.eq(now),
        participations::last_at.eq(now),
    );
    // Two first requests at once: the second waits here for the first one's row.
    each_backend!(conn, inner => {
        diesel::insert_into(participations::table).values(row).on_conflict_do_nothing().execute(inner)
    })?;
    turn(conn, campaign_id, volunteer_id)?.ok_or(diesel::result::Error::NotFound)
}

fn turn(conn: &mut Conn, campaign_id: i64, volunteer_id: i64) -> QueryResult<Option<Turn>> {
    let in_force = exclusions::table
        .filter(exclusions::campaign_id.eq(campaign_id))
        .filter(exclusions::volunteer_id.eq(volunteer_id))
        .filter(exclusions::lifted_at.is_null())
        .select(exclusions::kind);
    let row = participations::table
        .find((campaign_id, volunteer_id))
        .select((participations::tiles_served, in_force.single_value()));
    let row: Option<(i32, Option<String>)> = match conn {
        Conn::Postgres(conn) => row.for_update().first(conn).optional()?,
        // SQLite's one writer holds the whole database already.
        Conn::Sqlite(conn) => row.first(conn).optional()?,
    };
    Ok(row.map(|(served, exclusion)| Turn { served: served.unsigned_abs(), exclusion }))
}

/// Why a volunteer is paused or excluded; `None` where they are not.
pub fn exclusion_reason(conn: &mut Conn, campaign_id: i64, volunteer_id: i64) -> QueryResult<Option<String>> {
    exclusions::table
        .filter(exclusions::campaign_id.eq(campaign_id))
        .filter(exclusions::volunteer_id.eq(volunteer_id))
        .filter(exclusions::lifted_at.is_null())
        .select(exclusions::reason)
        .first(conn)
        .optional()
}

/// Everybody who ever asked for tiles of a campaign, in the order of their ids.
pub fn volunteers(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<i64>> {
    participations::table
        .filter(participations::campaign_id.eq(campaign_id))
        .order(participations::volunteer_id)
        .select(participations::volunteer_id)
        .load(conn)
}

/// First answers that a volunteer has given in a campaign.
pub fn labels_of(conn: &mut Conn, campaign_id: i64, volunteer_id: i64) -> QueryResult<u64> {
    let labels = participations::table
        .find((campaign_id, volunteer_id))
        .select(participations::labels)
        .first::<i32>(conn)
        .optional()?;
    Ok(u64::from(labels.unwrap_or(0).unsigned_abs()))
}

/// Moves a volunteer forward on the ring of one group.
pub fn set_position(
    conn: &mut Conn,
    volunteer_id: i64,
    campaign_id: i64,
    group: Group,
    position: i64,
) -> QueryResult<()> {
    let key = ring_positions::table.find((volunteer_id, campaign_id, group.0, group.1));
    let update = diesel::update(key).set(ring_positions::position.eq(position));
    if each_backend!(conn, inner => update.execute(inner))? == 0 {
        diesel::insert_into(ring_positions::table)
            .values((
                ring_positions::volunteer_id.eq(volunteer_id),
                ring_positions::campaign_id.eq(campaign_id),
                ring_positions::priority.eq(group.0),
                ring_positions::bucket.eq(group.1),
                ring_positions::position.eq(position),
            ))
            .execute(conn)?;
    }
    Ok(())
}
