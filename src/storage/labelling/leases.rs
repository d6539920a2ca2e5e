//! Leases: tiles handed to a volunteer for a limited time. Ended ones are remembered for 30 days.

use diesel::prelude::*;

use crate::storage::ids::least_id_at;
use crate::storage::meter::METER;
use crate::storage::schema::{current_labels, leases, participations};
use crate::storage::{Conn, each_backend, new_id};

/// A lease as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct LeaseRow {
    /// Its id.
    pub id: i64,
    /// Database id of the tile.
    pub tile: i64,
    /// The campaign.
    pub campaign_id: i64,
    /// Who holds it.
    pub volunteer_id: i64,
    /// Milliseconds since 1970, UTC.
    pub granted_at: i64,
    /// When its place may be given to somebody else, likewise.
    pub expires_at: i64,
    /// When it ended; `None`: it still holds a place.
    pub ended_at: Option<i64>,
    /// How it ended: `labelled`, `released`, `skipped` or `expired`.
    pub outcome: Option<String>,
}

/// The lease of that id.
pub fn find(conn: &mut Conn, id: i64) -> QueryResult<Option<LeaseRow>> {
    each_backend!(conn, inner => leases::table.find(id).first(inner)).optional()
}

/// The open leases of a volunteer in a campaign that have not run out, oldest first.
///
/// Those that have are left out here and not by the database: asked for the time too, SQLite would look through the
/// open leases of everybody, which lie in the order of their time.
pub fn open_of(conn: &mut Conn, volunteer_id: i64, campaign_id: i64, now: i64) -> QueryResult<Vec<LeaseRow>> {
    let mut open: Vec<LeaseRow> = leases::table
        .filter(leases::volunteer_id.eq(volunteer_id))
        .filter(leases::campaign_id.eq(campaign_id))
        .filter(leases::ended_at.is_null())
        .order(leases::id)
        .load(conn)?;
    open.retain(|lease| lease.expires_at > now);
    Ok(open)
}

/// How many such leases there are.
pub fn count_open(conn: &mut Conn, volunteer_id: i64, campaign_id: i64, now: i64) -> QueryResult<usize> {
    let open = leases::table
        .filter(leases::volunteer_id.eq(volunteer_id))
        .filter(leases::campaign_id.eq(campaign_id))
        .filter(leases::ended_at.is_null())
        .select(leases::expires_at);
    let open: Vec<i64> = each_backend!(conn, inner => open.load(inner))?;
    Ok(open.into_iter().filter(|expires_at| *expires_at > now).count())
}

/// Those of the leases that are a volunteer's and have not ended, in no particular order.
pub fn held(conn: &mut Conn, volunteer_id: i64, ids: &[i64]) -> QueryResult<Vec<LeaseRow>> {
    leases::table
        .filter(leases::id.eq_any(ids.to_vec()))
        .filter(leases::volunteer_id.eq(volunteer_id))
        .filter(leases::ended_at.is_null())
        .load(conn)
}

/// Lets an open lease run until a later time. Returns false where it has ended meanwhile.
pub fn extend(conn: &mut Conn, id: i64, expires_at: i64) -> QueryResult<bool> {
    let open = leases::table.find(id).filter(leases::ended_at.is_null());
    Ok(diesel::update(open).set(leases::expires_at.eq(expires_at)).execute(conn)? == 1)
}

/// The open lease of a volunteer on a tile.
pub fn open_on(conn: &mut Conn, tile: i64, volunteer_id: i64) -> QueryResult<Option<LeaseRow>> {
    leases::table
        .filter(leases::tile.eq(tile))
        .filter(leases::volunteer_id.eq(volunteer_id))
        .filter(leases::ended_at.is_null())
        .first(conn)
        .optional()
}

/// Volunteers active in the campaign since that time who have neither labelled nor skipped the tile.
pub fn unseen_by(conn: &mut Conn, tile: i64, campaign_id: i64, active_since: i64) -> QueryResult<u32> {
    // Whoever has not seen its last scene may be asked again.
    let of_tile = current_labels::table.filter(current_labels::tile.eq(tile));
    let labelled = of_tile.filter(current_labels::censored.is_null()).select(current_labels::volunteer_id);
    let skipped = leases::table
        .filter(leases::tile.eq(tile))
        .filter(leases::outcome.assume_not_null().eq("skipped"))
        .select(leases::volunteer_id);
    let unseen = participations::table
        .filter(participations::campaign_id.eq(campaign_id))
        .filter(participations::last_at.gt(active_since))
        .filter(participations::volunteer_id.ne_all(labelled))
        .filter(participations::volunteer_id.ne_all(skipped))
        .count()
        .get_result::<i64>(conn)?;
    Ok(u32::try_from(unseen).unwrap_or(u32::MAX))
}

/// Open leases of a campaign that have not run out, and the volunteers who hold them.
pub fn in_hands(conn: &mut Conn, campaign_id: i64, now: i64) -> QueryResult<(i64, i64)> {
    let held = leases::table
        .filter(leases::campaign_id.eq(campaign_id))
        .filter(leases::ended_at.is_null())
        .filter(leases::expires_at.gt(now))
        .select((diesel::dsl::count_star(), diesel::dsl::count(leases::volunteer_id).aggregate_distinct()));
    held.first(conn)
}

/// Grants leases on tiles whose places were taken for them.
pub fn grant(
    conn: &mut Conn,
    campaign_id: i64,
    volunteer_id: i64,
    tiles: &[i64],
    (now, expires_at): (i64, i64),
) -> QueryResult<Vec<LeaseRow>> {
    METER.leases_granted.add(tiles.len() as u64);
    let granted: Vec<LeaseRow> = tiles
        .iter()
        .map(|&tile| LeaseRow {
            id: new_id(),
            tile,
            campaign_id,
            volunteer_id,
            granted_at: now,
            expires_at,
            ended_at: None,
            outcome: None,
        })
        .collect();
    // One by one: a list has no fixed text that could be kept prepared.
    for lease in &granted {
        let row = (
            leases::id.eq(lease.id),
            leases::tile.eq(lease.tile),
            leases::campaign_id.eq(lease.campaign_id),
            leases::volunteer_id.eq(lease.volunteer_id),
            leases::granted_at.eq(lease.granted_at),
            leases::expires_at.eq(lease.expires_at),
        );
        each_backend!(conn, inner => diesel::insert_into(leases::table).values(row).execute(inner))?;
    }
    Ok(granted)
}

/// Ends an open lease. Returns false where somebody ended it before.
pub fn end(conn: &mut Conn, id: i64, outcome: &str, now: i64) -> QueryResult<bool> {
    let open = leases::table.find(id).filter(leases::ended_at.is_null());
    let ended = diesel::update(open).set((leases::ended_at.eq(now), leases::outcome.eq(outcome)));
    Ok(each_backend!(conn, inner => ended.execute(inner))? == 1)
}

/// Makes a skip of a lease that ended without an answer before. Returns false where it did not.
pub fn end_as_skipped(conn: &mut Conn, id: i64, now: i64) -> QueryResult<bool> {
    let unanswered = leases::outcome.assume_not_null().eq_any(["released", "expired"]);
    let ended = leases::table.find(id).filter(leases::ended_at.is_not_null()).filter(unanswered);
    let changed = diesel::update(ended).set((leases::ended_at.eq(now), leases::outcome.eq("skipped"))).execute(conn)?;
    Ok(changed == 1)
}

/// Whether this volunteer has skipped the tile before.
pub fn has_skipped(conn: &mut Conn, tile: i64, volunteer_id: i64) -> QueryResult<bool> {
    let skips = leases::table
        .filter(leases::tile.eq(tile))
        .filter(leases::volunteer_id.eq(volunteer_id))
        .filter(leases::outcome.assume_not_null().eq("skipped"))
        .count()
        .get_result::<i64>(conn)?;
    Ok(skips > 0)
}

/// A few leases that ran out, oldest first; on PostgreSQL only those that nobody else is ending right now.
pub fn expired(conn: &mut Conn, campaign_id: i64, now: i64, limit: i64) -> QueryResult<Vec<LeaseRow>> {
    let query = leases::table
        .filter(leases::campaign_id.eq(campaign_id))
        .filter(leases::ended_at.is_null())
        .filter(leases::expires_at.le(now))
        .order((leases::expires_at, leases::id))
        .limit(limit);
    match conn {
        Conn::Postgres(conn) => query.for_update().skip_locked().load(conn),
        Conn::Sqlite(conn) => query.load(conn),
    }
}

/// Whether any lease of a campaign has run out and still holds its place.
pub fn any_expired(conn: &mut Conn, campaign_id: i64, now: i64) -> QueryResult<bool> {
    let one = leases::table
        .filter(leases::campaign_id.eq(campaign_id))
        .filter(leases::ended_at.is_null())
        .filter(leases::expires_at.le(now))
        .select(leases::id)
        .first::<i64>(conn)
        .optional()?;
    Ok(one.is_some())
}

/// Whether any open lease of a campaign ends later than that time.
pub fn any_beyond(conn: &mut Conn, campaign_id: i64, latest: i64) -> QueryResult<bool> {
    let one = leases::table
        .filter(leases::campaign_id.eq(campaign_id))
        .filter(leases::ended_at.is_null())
        .filter(leases::expires_at.gt(latest))
        .select(leases::id)
        .first::<i64>(conn)
        .optional()?;
    Ok(one.is_some())
}

/// Lets no open lease of a campaign end later than that time. Returns how many did.
pub fn shorten(conn: &mut Conn, campaign_id: i64, latest: i64) -> QueryResult<usize> {
    let beyond = leases::table
        .filter(leases::campaign_id.eq(campaign_id))
        .filter(leases::ended_at.is_null())
        .filter(leases::expires_at.gt(latest));
    diesel::update(beyond).set(leases::expires_at.eq(latest)).execute(conn)
}

/// Those of the tiles that should not be given to this volunteer now: labelled by them, in their hands, or skipped
/// after `skipped_since`.
pub fn seen(conn: &mut Conn, volunteer_id: i64, tiles: &[i64], skipped_since: i64) -> QueryResult<Vec<i64>> {
    let mut seen = current_labels::table
        .filter(current_labels::tile.eq_any(tiles.to_vec()))
        .filter(current_labels::volunteer_id.eq(volunteer_id))
        .filter(current_labels::censored.is_null())
        .select(current_labels::tile)
        .load::<i64>(conn)?;
    let mine = leases::table.filter(leases::tile.eq_any(tiles.to_vec())).filter(leases::volunteer_id.eq(volunteer_id));
    let skipped = leases::outcome.eq("skipped").and(leases::ended_at.gt(skipped_since));
    let held =
        mine.filter(leases::ended_at.is_null().or(skipped.assume_not_null())).select(leases::tile).load::<i64>(conn)?;
    seen.extend(held);
    Ok(seen)
}

/// Forgets leases that ended before `before`; their labels stay. Returns how many.
///
/// What ended before that time was granted before it, and ids grow with time: so only old rows are looked at, and a
/// round with nothing to forget costs nothing, however many leases there are.
pub fn forget(conn: &mut Conn, before: i64) -> QueryResult<usize> {
    let old = leases::table.filter(leases::id.lt(least_id_at(before)));
    diesel::delete(old.filter(leases::ended_at.lt(before))).execute(conn)
}
