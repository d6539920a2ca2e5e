//! The queue: one narrow, hot row for each tile, which hand-out and submit look at and lock.

use diesel::dsl::exists;
use diesel::prelude::*;

use crate::domain::consensus::TileState;
use crate::domain::policy::Policy;
use crate::storage::campaigns::word;
use crate::storage::schema::{current_labels, leases, queue, ring_positions};
use crate::storage::{Conn, each_backend};

/// The queue row of a tile, as read under its lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRow {
    /// Database id of the tile.
    pub tile: i64,
    /// Its campaign.
    pub campaign_id: i64,
    /// Where it stands.
    pub state: TileState,
    /// Whether its answer was fixed by experts beforehand.
    pub gold: bool,
    /// Counted labels.
    pub counted: u32,
    /// Open leases.
    pub leased: u32,
    /// Counted labels wanted so far.
    pub needed: u32,
    /// Counted labels that it may get at all.
    pub maximum: u32,
    /// Different volunteers who skipped it.
    pub skips: u32,
    /// Bucket of the ring: the value of the next label, then the change hint; 0 is handed out first.
    pub bucket: u8,
    /// Counted labels when it would first settle; a tile chosen for a second look wants one more.
    pub first_settled_at: Option<u32>,
    /// Its place on the ring; also the lot that decides on a second look.
    pub shuffle_key: i64,
    /// When it closed; milliseconds since 1970, UTC.
    pub closed_at: Option<i64>,
    /// Whether it was taken out of view: what comes in is kept and counts for nothing.
    pub withdrawn: bool,
    /// Whether so many of its scenes were withdrawn that nobody can compare.
    pub lacks_pictures: bool,
}

impl QueueRow {
    /// Whether one more lease may be granted: invariant 3.
    pub fn has_place(&self) -> bool {
        let asked = self.state == TileState::Open && !self.gold && self.leased + self.counted < self.needed;
        asked && !self.withdrawn && !self.lacks_pictures
    }
}

/// A group of the ring: tiles of one priority and one value.
pub type Group = (i16, i16);

type Columns =
    ((i64, i64, String, Option<String>, i16, i16, i16, i16, i16, i16, Option<i16>, i64, Option<i64>), (bool, bool));

macro_rules! columns {
    () => {
        (
            (
                queue::tile,
                queue::campaign_id,
                queue::state,
                queue::gold,
                queue::counted,
                queue::leased,
                queue::needed,
                queue::maximum,
                queue::skips,
                queue::bucket,
                queue::first_settled_at,
                queue::shuffle_key,
                queue::closed_at,
            ),
            (queue::withdrawn, queue::lacks_pictures),
        )
    };
}

fn row(columns: Columns) -> QueryResult<QueueRow> {
    let (
        (
            tile,
            campaign_id,
            state,
            gold,
            counted,
            leased,
            needed,
            maximum,
            skips,
            bucket,
            first_settled_at,
            shuffle_key,
            closed_at,
        ),
        (withdrawn, lacks_pictures),
    ) = columns;
    let count = |value: i16| u32::from(value.unsigned_abs());
    Ok(QueueRow {
        tile,
        campaign_id,
        state: word(&state)?,
        gold: gold.is_some(),
        counted: count(counted),
        leased: count(leased),
        needed: count(needed),
        maximum: count(maximum),
        skips: count(skips),
        bucket: bucket as u8,
        first_settled_at: first_settled_at.map(count),
        shuffle_key,
        closed_at,
        withdrawn,
        lacks_pictures,
    })
}

/// Reads the row of a tile and locks it until the transaction ends.
pub fn lock(conn: &mut Conn, tile: i64) -> QueryResult<QueueRow> {
    let query = queue::table.find(tile).select(columns!());
    let columns = match conn {
        Conn::Postgres(conn) => query.for_update().first::<Columns>(conn)?,
        // SQLite's one writer holds the whole database already.
        Conn::Sqlite(conn) => query.first::<Columns>(conn)?,
    };
    row(columns)
}

/// Reads the row of a tile and locks nothing.
pub fn look(conn: &mut Conn, tile: i64) -> QueryResult<QueueRow> {
    let query = queue::table.find(tile).select(columns!());
    row(each_backend!(conn, inner => query.first::<Columns>(inner))?)
}

/// Reads and locks the row of a tile, unless somebody else holds it right now.
pub fn try_lock(conn: &mut Conn, tile: i64) -> QueryResult<Option<QueueRow>> {
    let query = queue::table.find(tile).select(columns!());
    let columns = match conn {
        Conn::Postgres(conn) => query.for_update().skip_locked().first::<Columns>(conn).optional()?,
        Conn::Sqlite(conn) => query.first::<Columns>(conn).optional()?,
    };
    columns.map(row).transpose()
}

/// Writes the row back; whether the tile is available follows from the rest.
pub fn save(conn: &mut Conn, row: &QueueRow) -> QueryResult<()> {
    let update = diesel::update(queue::table.find(row.tile)).set((
        queue::state.eq(row.state.key()),
        queue::counted.eq(row.counted as i16),
        queue::leased.eq(row.leased as i16),
        queue::needed.eq(row.needed as i16),
        queue::maximum.eq(row.maximum as i16),
        queue::skips.eq(row.skips as i16),
        queue::bucket.eq(i16::from(row.bucket)),
        queue::first_settled_at.eq(row.first_settled_at.map(|count| count as i16)),
        queue::available.eq(row.has_place()),
        queue::closed_at.eq(row.closed_at),
    ));
    each_backend!(conn, inner => update.execute(inner))?;
    Ok(())
}

/// The group after `last` in the order of the ring (highest priority first, then lowest bucket), the first one for
/// `None`; with where the volunteer stands in it, or `None` before the first hand-out from it.
pub fn next_group(
    conn: &mut Conn,
    campaign_id: i64,
    volunteer_id: i64,
    last: Option<Group>,
) -> QueryResult<Option<(Group, Option<i64>)>> {
    let mine = ring_positions::volunteer_id
        .eq(volunteer_id)
        .and(ring_positions::campaign_id.eq(queue::campaign_id))
        .and(ring_positions::priority.eq(queue::priority))
        .and(ring_positions::bucket.eq(queue::bucket));
    let available = queue::table
        .left_join(ring_positions::table.on(mine))
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::available)
        .select(((queue::priority, queue::bucket), ring_positions::position.nullable()));
    let Some((priority, bucket)) = last else {
        let first = available.order((queue::priority.desc(), queue::bucket.asc()));
        return each_backend!(conn, inner => first.first(inner)).optional();
    };
    // Two questions: one with OR in it would look at every row of the group before.
    let same = available.filter(queue::priority.eq(priority)).filter(queue::bucket.gt(bucket));
    if let Some(found) = same.order(queue::bucket.asc()).first(conn).optional()? {
        return Ok(Some(found));
    }
    let lower = available.filter(queue::priority.lt(priority));
    lower.order((queue::priority.desc(), queue::bucket.asc())).first(conn).optional()
}

/// A tile on the ring, as one volunteer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Database id of the tile.
    pub tile: i64,
    /// Its place on the ring.
    pub key: i64,
    /// Whether it should not be given to this volunteer now: labelled by them since its last scene came, in their hands, or
    /// skipped of late.
    pub seen: bool,
}

/// Who looks at the ring, and since when a skip keeps a tile away from them.
#[derive(Debug, Clone, Copy)]
pub struct Eyes {
    /// The volunteer.
    pub volunteer: i64,
    /// Milliseconds since 1970, UTC.
    pub skipped_since: i64,
}

/// A stretch of the ring: up to `limit` available tiles of a group with `from < shuffle key <= to`, in order.
///
/// Whether a tile was seen is looked up for these rows alone, by two keys each: it costs the same however many labels
/// there are, the volunteer's own included. `OFFSET 0` holds PostgreSQL to that: without it, expecting many rows, it
/// reads all that the volunteer ever had into a hash first, and searches through all leases for it.
pub fn stretch(
    conn: &mut Conn,
    campaign_id: i64,
    (priority, bucket): Group,
    (from, to): (i64, i64),
    limit: i64,
    eyes: Eyes,
) -> QueryResult<Vec<Candidate>> {
    let labelled = current_labels::table
        .filter(current_labels::tile.eq(queue::tile))
        .filter(current_labels::volunteer_id.eq(eyes.volunteer))
        .filter(current_labels::censored.is_null())
        .limit(1)
        .offset(0);
    let skipped = leases::outcome.eq("skipped").and(leases::ended_at.gt(eyes.skipped_since)).assume_not_null();
    let held = leases::table
        .filter(leases::tile.eq(queue::tile))
        .filter(leases::volunteer_id.eq(eyes.volunteer))
        .filter(leases::ended_at.is_null().or(skipped))
        .limit(1)
        .offset(0);
    let query = queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::available)
        .filter(queue::priority.eq(priority))
        .filter(queue::bucket.eq(bucket))
        .filter(queue::shuffle_key.gt(from))
        .filter(queue::shuffle_key.le(to))
        .order(queue::shuffle_key)
        .limit(limit)
        .select((queue::tile, queue::shuffle_key, exists(labelled), exists(held)));
    let rows: Vec<(i64, i64, bool, bool)> = each_backend!(conn, inner => query.load(inner))?;
    let candidate = |(tile, key, labelled, held)| Candidate { tile, key, seen: labelled || held };
    Ok(rows.into_iter().map(candidate).collect())
}

/// Locks those of the tiles that still have a place and adds a lease to each. Returns the ones that were given.
///
/// A tile that somebody else holds right now is left out, or waited for where the caller is `patient`.
pub fn take_places(conn: &mut Conn, tiles: &[i64], patient: bool) -> QueryResult<Vec<i64>> {
    let conn = match conn {
        Conn::Postgres(conn) => conn,
        Conn::Sqlite(conn) => return take_on_sqlite(conn, tiles),
    };
    let free = queue::table
        .filter(queue::tile.eq_any(tiles.to_vec()))
        .filter(queue::available)
        .order(queue::tile)
        .select(columns!());
    let rows = match patient {
        true => free.for_update().load::<Columns>(conn)?,
        false => free.for_update().skip_locked().load::<Columns>(conn)?,
    };
    let mut given = Vec::with_capacity(rows.len());
    for columns in rows {
        let row = row(columns)?;
        let places =
            (queue::leased.eq(row.leased as i16 + 1), queue::available.eq(row.leased + row.counted + 1 < row.needed));
        diesel::update(queue::table.find(row.tile)).set(places).execute(conn)?;
        given.push(row.tile);
    }
    Ok(given)
}

/// SQLite's one writer holds the whole database already: one statement a tile is enough.
fn take_on_sqlite(conn: &mut SqliteConnection, tiles: &[i64]) -> QueryResult<Vec<i64>> {
    let mut given = Vec::with_capacity(tiles.len());
    for &tile in tiles {
        let taken = diesel::update(queue::table.find(tile).filter(queue::available))
            .set((
                queue::leased.eq(queue::leased + 1),
                queue::available.eq((queue::leased + queue::counted + 1).lt(queue::needed)),
            ))
            .execute(conn)?;
        if taken == 1 {
            given.push(tile);
        }
    }
    Ok(given)
}

/// Tiles of a campaign whose consensus stands on an older model than this one, in order of their id.
pub fn behind_model(conn: &mut Conn, campaign_id: i64, model: u32, after: i64, limit: i64) -> QueryResult<Vec<i64>> {
    use crate::storage::schema::consensus;
    consensus::table
        .filter(consensus::campaign_id.eq(campaign_id))
        .filter(consensus::model.lt(model as i32))
        // Without a label there is nothing that a model could see otherwise.
        .filter(consensus::labels.gt(0))
        .filter(consensus::tile.gt(after))
        .order(consensus::tile)
        .limit(limit)
        .select(consensus::tile)
        .load(conn)
}

/// Turns a tile into gold: outside the counters, reviewed from the start.
pub fn make_gold(conn: &mut Conn, tile: i64, kind: &str, now: i64) -> QueryResult<()> {
    diesel::update(queue::table.find(tile))
        .set((
            queue::gold.eq(kind),
            queue::state.eq("reviewed"),
            queue::available.eq(false),
            queue::counted.eq(0),
            queue::leased.eq(0),
            queue::closed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes when a gold tile that is handed out no more may be read: once nobody holds it from before.
pub fn close_gold(conn: &mut Conn, tile: i64, at: i64) -> QueryResult<()> {
    diesel::update(queue::table.find(tile)).set(queue::closed_at.eq(at)).execute(conn).map(drop)
}

/// Makes an ordinary tile of gold: open, with the leases that are out on it, and with the labels that the policy in force
/// asks for and allows. Returns the row; what follows from its labels is the caller's to find out.
pub fn unmake_gold(conn: &mut Conn, tile: i64, policy: &Policy) -> QueryResult<QueueRow> {
    let open = leases::table.filter(leases::tile.eq(tile)).filter(leases::ended_at.is_null());
    let leased = open.count().get_result::<i64>(conn)?;
    diesel::update(queue::table.find(tile))
        .set((
            queue::gold.eq(None::<String>),
            queue::state.eq("open"),
            queue::leased.eq(leased as i16),
            queue::needed.eq(policy.first_needed() as i16),
            queue::maximum.eq(policy.maximum as i16),
            queue::closed_at.eq(None::<i64>),
        ))
        .execute(conn)?;
    lock(conn, tile)
}

/// Notes that a tile has pictures to compare (again).
pub fn has_pictures(conn: &mut Conn, tile: i64) -> QueryResult<()> {
    diesel::update(queue::table.find(tile)).set(queue::lacks_pictures.eq(false)).execute(conn).map(drop)
}

/// Changes what a gold tile is for.
pub fn set_gold_kind(conn: &mut Conn, tile: i64, kind: &str) -> QueryResult<()> {
    diesel::update(queue::table.find(tile)).set(queue::gold.eq(kind)).execute(conn).map(drop)
}

/// Sets how many labels the tiles of a draft ask for, and get at most.
pub fn set_needs(conn: &mut Conn, campaign_id: i64, needed: u32, maximum: u32) -> QueryResult<()> {
    diesel::update(queue::table.filter(queue::campaign_id.eq(campaign_id)))
        .set((queue::needed.eq(needed as i16), queue::maximum.eq(maximum as i16)))
        .execute(conn)
        .map(drop)
}

/// How many tiles of a campaign are open and no gold.
pub fn open_tiles(conn: &mut Conn, campaign_id: i64) -> QueryResult<i64> {
    queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::state.eq("open"))
        .filter(diesel::dsl::not(queue::withdrawn))
        .count()
        .get_result(conn)
}
