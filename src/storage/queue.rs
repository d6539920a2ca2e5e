//! The queue: one narrow, hot row for each tile, which hand-out and submit look at and lock.

use diesel::prelude::*;

use super::Conn;
use super::campaigns::word;
use super::schema::queue;
use crate::domain::consensus::TileState;

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
    /// Value of the next label for it: 0 is handed out first.
    pub bucket: u8,
    /// Counted labels when it would first settle; a tile chosen for a second look wants one more.
    pub first_settled_at: Option<u32>,
    /// Its place on the ring; also the lot that decides on a second look.
    pub shuffle_key: i64,
    /// When it closed; milliseconds since 1970, UTC.
    pub closed_at: Option<i64>,
}

impl QueueRow {
    /// Whether one more lease may be granted: invariant 3.
    pub fn has_place(&self) -> bool {
        self.state == TileState::Open && !self.gold && self.leased + self.counted < self.needed
    }
}

/// A group of the ring: tiles of one priority and one value.
pub type Group = (i16, i16);

type Columns = (i64, i64, String, Option<String>, i16, i16, i16, i16, i16, i16, Option<i16>, i64, Option<i64>);

macro_rules! columns {
    () => {
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
        )
    };
}

fn row(columns: Columns) -> QueryResult<QueueRow> {
    let (
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
    diesel::update(queue::table.find(row.tile))
        .set((
            queue::state.eq(row.state.key()),
            queue::counted.eq(row.counted as i16),
            queue::leased.eq(row.leased as i16),
            queue::needed.eq(row.needed as i16),
            queue::skips.eq(row.skips as i16),
            queue::bucket.eq(i16::from(row.bucket)),
            queue::first_settled_at.eq(row.first_settled_at.map(|count| count as i16)),
            queue::available.eq(row.has_place()),
            queue::closed_at.eq(row.closed_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// The group after `last` in the order of the ring (highest priority first, then lowest bucket); the first one for `None`.
pub fn next_group(conn: &mut Conn, campaign_id: i64, last: Option<Group>) -> QueryResult<Option<Group>> {
    let mut query = queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::available)
        .order((queue::priority.desc(), queue::bucket.asc()))
        .select((queue::priority, queue::bucket))
        .into_boxed();
    if let Some((priority, bucket)) = last {
        let same = queue::priority.eq(priority).and(queue::bucket.gt(bucket));
        query = query.filter(queue::priority.lt(priority).or(same));
    }
    query.first(conn).optional()
}

/// A stretch of the ring: up to `limit` available tiles of a group with `from < shuffle key <= to`, in order.
pub fn stretch(
    conn: &mut Conn,
    campaign_id: i64,
    (priority, bucket): Group,
    (from, to): (i64, i64),
    limit: i64,
) -> QueryResult<Vec<(i64, i64)>> {
    queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::available)
        .filter(queue::priority.eq(priority))
        .filter(queue::bucket.eq(bucket))
        .filter(queue::shuffle_key.gt(from))
        .filter(queue::shuffle_key.le(to))
        .order(queue::shuffle_key)
        .limit(limit)
        .select((queue::tile, queue::shuffle_key))
        .load(conn)
}

/// Locks those of the tiles that still have a place and adds a lease to each. Returns the ones that were given.
///
/// A tile that somebody else holds right now is left out, or waited for where the caller is `patient`.
pub fn take_places(conn: &mut Conn, tiles: &[i64], patient: bool) -> QueryResult<Vec<i64>> {
    let free = queue::table
        .filter(queue::tile.eq_any(tiles.to_vec()))
        .filter(queue::available)
        .order(queue::tile)
        .select(columns!());
    let rows = match conn {
        Conn::Postgres(conn) if patient => free.for_update().load::<Columns>(conn)?,
        Conn::Postgres(conn) => free.for_update().skip_locked().load::<Columns>(conn)?,
        Conn::Sqlite(conn) => free.load::<Columns>(conn)?,
    };
    let mut given = Vec::with_capacity(rows.len());
    for columns in rows {
        let mut row = row(columns)?;
        row.leased += 1;
        save(conn, &row)?;
        given.push(row.tile);
    }
    Ok(given)
}

/// Tiles of a campaign whose consensus stands on an older model than this one, in order of their id.
pub fn behind_model(conn: &mut Conn, campaign_id: i64, model: u32, after: i64, limit: i64) -> QueryResult<Vec<i64>> {
    use super::schema::consensus;
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

/// Turns an unlabelled tile into gold: outside the counters, reviewed from the start.
pub fn make_gold(conn: &mut Conn, tile: i64, kind: &str, now: i64) -> QueryResult<()> {
    diesel::update(queue::table.find(tile))
        .set((
            queue::gold.eq(kind),
            queue::state.eq("reviewed"),
            queue::available.eq(false),
            queue::counted.eq(0),
            queue::closed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
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
    queue::table.filter(queue::campaign_id.eq(campaign_id)).filter(queue::state.eq("open")).count().get_result(conn)
}
