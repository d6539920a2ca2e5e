//! What one volunteer has done in one campaign: counters, and the positions on the rings of the hand-out.

use diesel::prelude::*;

use super::Conn;
use super::queue::Group;
use super::schema::{participations, ring_positions};

/// What to add to a volunteer's counters.
#[derive(Debug, Clone, Copy, Default)]
pub struct Done {
    /// First answers given.
    pub labels: i32,
    /// Tiles handed out.
    pub tiles_served: i32,
    /// Tiles skipped.
    pub skips: i32,
}

/// Adds to the counters of a volunteer; the first time makes the row.
pub fn add(conn: &mut Conn, campaign_id: i64, volunteer_id: i64, done: Done, now: i64) -> QueryResult<()> {
    let updated = diesel::update(participations::table.find((campaign_id, volunteer_id)))
        .set((
            participations::labels.eq(participations::labels + done.labels),
            participations::tiles_served.eq(participations::tiles_served + done.tiles_served),
            participations::skips.eq(participations::skips + done.skips),
            participations::last_at.eq(now),
        ))
        .execute(conn)?;
    if updated == 0 {
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
/// that two tabs together get no more than one tab could. Returns the tiles served so far.
pub fn take_turn(conn: &mut Conn, campaign_id: i64, volunteer_id: i64, now: i64) -> QueryResult<u32> {
    if let Conn::Postgres(conn) = conn {
        // Two first requests at once: the second waits here for the first one's row.
        diesel::insert_into(participations::table)
            .values((
                participations::campaign_id.eq(campaign_id),
                participations::volunteer_id.eq(volunteer_id),
                participations::first_at.eq(now),
                participations::last_at.eq(now),
            ))
            .on_conflict_do_nothing()
            .execute(conn)?;
        let served = participations::table
            .find((campaign_id, volunteer_id))
            .select(participations::tiles_served)
            .for_update()
            .first::<i32>(conn)?;
        return Ok(served.unsigned_abs());
    }
    let served = participations::table
        .find((campaign_id, volunteer_id))
        .select(participations::tiles_served)
        .first::<i32>(conn)
        .optional()?;
    if served.is_none() {
        // Whoever asks is there, even if nothing could be given: they may be shown what others skip.
        add(conn, campaign_id, volunteer_id, Done::default(), now)?;
    }
    Ok(served.unwrap_or(0).unsigned_abs())
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

/// Where a volunteer stands on the ring of one group; `None` before the first hand-out from it.
pub fn position(conn: &mut Conn, volunteer_id: i64, campaign_id: i64, group: Group) -> QueryResult<Option<i64>> {
    ring_positions::table
        .find((volunteer_id, campaign_id, group.0, group.1))
        .select(ring_positions::position)
        .first(conn)
        .optional()
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
    let moved = diesel::update(key).set(ring_positions::position.eq(position)).execute(conn)?;
    if moved == 0 {
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
