//! Counts of one campaign, each in a single pass over one table.

use diesel::dsl::{count_star, max, min, not};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use crate::domain::consensus::TileState;
use crate::storage::campaigns::word;
use crate::storage::schema::{gold, labels, leases, models, participations, queue};
use crate::storage::{Conn, each_backend};

/// Tiles that have the same state, are or are no gold, and closed in the same interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileCount {
    /// Where they stand.
    pub state: TileState,
    /// Whether their answer was fixed beforehand.
    pub gold: bool,
    /// Number of the interval since 1970 in which they closed.
    pub interval: Option<i64>,
    /// How many.
    pub tiles: i64,
    /// Counted labels on them.
    pub counted: i64,
}

/// Counts tiles by state, gold and closing interval; `interval_ms` in milliseconds.
pub fn tiles(conn: &mut Conn, campaign_id: i64, interval_ms: i64) -> QueryResult<Vec<TileCount>> {
    let interval = format!("queue.closed_at / {}", interval_ms.max(1));
    let rows = each_backend!(conn, inner => diesel::sql_query(format!(
        "SELECT queue.state AS state, queue.gold IS NOT NULL AS gold, {interval} AS closed_in, COUNT(*) AS tiles,
                CAST(SUM(queue.counted) AS BIGINT) AS counted
         FROM queue WHERE queue.campaign_id = {campaign_id} AND NOT queue.withdrawn GROUP BY 1, 2, 3"
    )).load::<TileCountRow>(inner))?;
    rows.into_iter()
        .map(|row| {
            let TileCountRow { state, gold, closed_in, tiles, counted } = row;
            Ok(TileCount { state: word(&state)?, gold, interval: closed_in, tiles, counted })
        })
        .collect()
}

#[derive(QueryableByName)]
struct TileCountRow {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Bool)]
    gold: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    closed_in: Option<i64>,
    #[diesel(sql_type = BigInt)]
    tiles: i64,
    #[diesel(sql_type = BigInt)]
    counted: i64,
}

/// Tiles, gold aside, that have the same state, counted labels and needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileGroup {
    /// Where they stand.
    pub state: TileState,
    /// Counted labels on each.
    pub counted: u32,
    /// Labels that each wants.
    pub needed: u32,
    /// Labels that each may get.
    pub maximum: u32,
    /// Whether they were taken out of view.
    pub withdrawn: bool,
    /// Whether so many of their scenes were withdrawn that nobody can compare.
    pub lacks_pictures: bool,
    /// How many.
    pub tiles: u64,
}

/// Counts tiles, gold aside, by state, by what they have and need, and by whether they can be seen.
pub fn tile_groups(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<TileGroup>> {
    let by = ((queue::state, queue::counted, queue::needed, queue::maximum), (queue::withdrawn, queue::lacks_pictures));
    let rows = queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::gold.is_null())
        .group_by(by)
        .select((by, count_star()))
        .load::<(((String, i16, i16, i16), (bool, bool)), i64)>(conn)?;
    let whole = |number: i16| u32::from(number.unsigned_abs());
    rows.into_iter()
        .map(|(((state, counted, needed, maximum), (withdrawn, lacks_pictures)), tiles)| {
            let (counted, needed, maximum) = (whole(counted), whole(needed), whole(maximum));
            let (state, tiles) = (word(&state)?, tiles.unsigned_abs());
            Ok(TileGroup { state, counted, needed, maximum, withdrawn, lacks_pictures, tiles })
        })
        .collect()
}

/// How much of something there is at each place, in milliseconds or minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct MinuteCount {
    /// Minutes since 1970.
    #[diesel(sql_type = BigInt)]
    pub minute: i64,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub number: i64,
}

/// First answers of a volunteer for a tile, by the minute in which they arrived, from `since` on (milliseconds since
/// 1970, UTC). Reads an index, never the log itself.
pub fn labels_by_minute(conn: &mut Conn, campaign_id: i64, since: i64) -> QueryResult<Vec<MinuteCount>> {
    each_backend!(conn, inner => diesel::sql_query(format!(
        "SELECT received_at / 60000 AS minute, COUNT(*) AS number FROM labels
         WHERE campaign_id = {campaign_id} AND received_at >= {since} AND revision = 1 GROUP BY 1"
    )).load(inner))
}

/// Tiles that closed and are closed still, gold aside, by the minute in which they closed, from `since` on. Reads an
/// index.
pub fn closings_by_minute(conn: &mut Conn, campaign_id: i64, since: i64) -> QueryResult<Vec<MinuteCount>> {
    each_backend!(conn, inner => diesel::sql_query(format!(
        "SELECT closed_at / 60000 AS minute, COUNT(*) AS number FROM queue
         WHERE campaign_id = {campaign_id} AND closed_at >= {since} AND closed_at IS NOT NULL AND gold IS NULL GROUP BY 1"
    )).load(inner))
}

/// When the first label arrived; milliseconds since 1970, UTC.
pub fn first_label_at(conn: &mut Conn, campaign_id: i64) -> QueryResult<Option<i64>> {
    labels::table.filter(labels::campaign_id.eq(campaign_id)).select(min(labels::received_at)).first(conn)
}

/// Volunteers who ever asked for tiles.
pub fn volunteers(conn: &mut Conn, campaign_id: i64) -> QueryResult<i64> {
    participations::table.filter(participations::campaign_id.eq(campaign_id)).count().get_result(conn)
}

/// Volunteers who asked for tiles or answered since then.
pub fn active(conn: &mut Conn, campaign_id: i64, since: i64) -> QueryResult<i64> {
    let mine = participations::table.filter(participations::campaign_id.eq(campaign_id));
    mine.filter(participations::last_at.ge(since)).count().get_result(conn)
}

/// Leases that neither ended nor ran out.
pub fn open_leases(conn: &mut Conn, campaign_id: i64, now: i64) -> QueryResult<i64> {
    leases::table
        .filter(leases::campaign_id.eq(campaign_id))
        .filter(leases::ended_at.is_null())
        .filter(leases::expires_at.gt(now))
        .count()
        .get_result(conn)
}

/// Agreeing and all ordered pairs of counted labels on the same tile, over all tiles. Taken from the stored agreement
/// of each tile, which is a ratio of small whole numbers, so rounding gives the exact count back.
pub fn pairs(conn: &mut Conn, campaign_id: i64) -> QueryResult<(i64, i64)> {
    let statement = format!(
        "SELECT CAST(COALESCE(SUM(CAST(ROUND(agreement * labels * (labels - 1)) AS BIGINT)), 0) AS BIGINT) AS agreeing,
                CAST(COALESCE(SUM(labels * (labels - 1)), 0) AS BIGINT) AS pairs
         FROM consensus WHERE campaign_id = {campaign_id} AND agreement IS NOT NULL"
    );
    let row: Pairs = each_backend!(conn, inner => diesel::sql_query(statement).get_result(inner))?;
    Ok((row.agreeing, row.pairs))
}

#[derive(QueryableByName)]
struct Pairs {
    #[diesel(sql_type = BigInt)]
    agreeing: i64,
    #[diesel(sql_type = BigInt)]
    pairs: i64,
}

/// When a model was made; `None` for model 0.
pub fn fitted_at(conn: &mut Conn, campaign_id: i64, model: u32) -> QueryResult<Option<i64>> {
    models::table.find((campaign_id, model as i32)).select(models::fitted_at).first(conn).optional()
}

/// Check gold still in use: what reads as open to everybody although it is closed.
pub fn secret_gold(conn: &mut Conn, campaign_id: i64) -> QueryResult<i64> {
    gold::table
        .inner_join(queue::table.on(queue::tile.eq(gold::tile)))
        .filter(not(queue::withdrawn))
        .filter(gold::campaign_id.eq(campaign_id))
        .filter(gold::kind.eq("check"))
        .filter(gold::worn_out_at.is_null())
        .count()
        .get_result(conn)
}

/// Tiles in each state that occurs, gold included. Reads an index.
pub fn tiles_by_state(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<(TileState, i64)>> {
    let states = queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(not(queue::withdrawn))
        .group_by(queue::state)
        .select((queue::state, count_star()))
        .load::<(String, i64)>(conn)?;
    states.into_iter().map(|(state, tiles)| Ok((word(&state)?, tiles))).collect()
}

/// All tiles and those that are closed, gold included.
pub fn tiles_and_closed(conn: &mut Conn, campaign_id: i64) -> QueryResult<(i64, i64)> {
    let states = tiles_by_state(conn, campaign_id)?;
    let tiles = states.iter().map(|(_, count)| count).sum();
    let closed = states.iter().filter(|(state, _)| state.is_closed()).map(|(_, count)| count).sum();
    Ok((tiles, closed))
}

/// First answers of a volunteer for a tile since then; milliseconds since 1970, UTC. Reads an index.
pub fn first_answers(conn: &mut Conn, campaign_id: i64, since: i64) -> QueryResult<i64> {
    labels::table
        .filter(labels::campaign_id.eq(campaign_id))
        .filter(labels::received_at.ge(since))
        .filter(labels::revision.eq(1))
        .count()
        .get_result(conn)
}

/// Tiles that closed after that moment (milliseconds since 1970, UTC), gold left out.
pub fn closed_since(conn: &mut Conn, campaign_id: i64, since: i64) -> QueryResult<i64> {
    queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(not(queue::withdrawn))
        .filter(queue::gold.is_null())
        .filter(queue::closed_at.gt(since))
        .count()
        .get_result(conn)
}

/// Contested tiles that became so until that moment (milliseconds since 1970, UTC): they wait for experts.
pub fn contested_until(conn: &mut Conn, campaign_id: i64, until: i64) -> QueryResult<i64> {
    queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(not(queue::withdrawn))
        .filter(queue::gold.is_null())
        .filter(queue::state.eq("contested"))
        .filter(queue::closed_at.le(until))
        .count()
        .get_result(conn)
}

/// When the last tile closed, gold left out; milliseconds since 1970, UTC.
pub fn last_closed_at(conn: &mut Conn, campaign_id: i64) -> QueryResult<Option<i64>> {
    queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(not(queue::withdrawn))
        .filter(queue::gold.is_null())
        .select(max(queue::closed_at))
        .first(conn)
}

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// What arrived on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct DayCount {
    /// Days since 1970-01-01, UTC.
    #[diesel(sql_type = BigInt)]
    pub day: i64,
    /// First answers of a volunteer for a tile.
    #[diesel(sql_type = BigInt)]
    pub labels: i64,
    /// Volunteers who answered, or revised an answer.
    #[diesel(sql_type = BigInt)]
    pub volunteers: i64,
}

/// The days on which labels arrived.
pub fn labels_by_day(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<DayCount>> {
    each_backend!(conn, inner => diesel::sql_query(format!(
        "SELECT received_at / {DAY_MS} AS day, COUNT(CASE WHEN revision = 1 THEN 1 END) AS labels,
                COUNT(DISTINCT volunteer_id) AS volunteers
         FROM labels WHERE campaign_id = {campaign_id} GROUP BY 1"
    )).load(inner))
}

/// For each volunteer who labelled: the time of the first label.
pub fn first_labels(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Option<i64>>> {
    labels::table
        .filter(labels::campaign_id.eq(campaign_id))
        .group_by(labels::volunteer_id)
        .select(min(labels::received_at))
        .load(conn)
}

/// When somebody last answered; milliseconds since 1970, UTC. One look at an index.
pub fn last_label_at(conn: &mut Conn, campaign_id: i64) -> QueryResult<Option<i64>> {
    labels::table.filter(labels::campaign_id.eq(campaign_id)).select(max(labels::received_at)).first(conn)
}
