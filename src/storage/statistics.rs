//! Counts of one campaign, each in a single pass over one table.

use diesel::dsl::{count_star, min, not};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, SmallInt, Text};

use super::campaigns::word;
use super::schema::{gold, labels, leases, models, participations, queue};
use super::{Conn, each_backend};
use crate::domain::consensus::TileState;

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

/// Current labels that have the same answer and standing, and first arrived in the same interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct LabelCount {
    /// Place of the answer on the scale.
    #[diesel(sql_type = SmallInt)]
    pub answer: i16,
    /// Whether they are in their tiles' consensus.
    #[diesel(sql_type = Bool)]
    pub counted: bool,
    /// Whether their author is excluded.
    #[diesel(sql_type = Bool)]
    pub excluded: bool,
    /// Whether they are on gold.
    #[diesel(sql_type = Bool)]
    pub gold: bool,
    /// Number of the interval since 1970 of the first answer.
    #[diesel(sql_type = BigInt, column_name = interval_number)]
    pub interval: i64,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub labels: i64,
}

/// Counts tiles by state, gold and closing interval; `interval_ms` in milliseconds.
pub fn tiles(conn: &mut Conn, campaign_id: i64, interval_ms: i64) -> QueryResult<Vec<TileCount>> {
    let interval = format!("queue.closed_at / {}", interval_ms.max(1));
    let rows = each_backend!(conn, inner => diesel::sql_query(format!(
        "SELECT queue.state AS state, queue.gold IS NOT NULL AS gold, {interval} AS closed_in, COUNT(*) AS tiles,
                CAST(SUM(queue.counted) AS BIGINT) AS counted
         FROM queue WHERE queue.campaign_id = {campaign_id} GROUP BY 1, 2, 3"
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

/// Counts current labels by answer, standing and interval; `interval_ms` in milliseconds.
pub fn labels_by_answer(conn: &mut Conn, campaign_id: i64, interval_ms: i64) -> QueryResult<Vec<LabelCount>> {
    let interval = interval_ms.max(1);
    each_backend!(conn, inner => diesel::sql_query(format!(
        "SELECT c.answer AS answer, c.counted AS counted, c.excluded AS excluded, q.gold IS NOT NULL AS gold,
                c.first_received_at / {interval} AS interval_number, COUNT(*) AS labels
         FROM current_labels c JOIN queue q ON q.tile = c.tile
         WHERE c.campaign_id = {campaign_id} GROUP BY 1, 2, 3, 4, 5"
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

/// Open tiles that nobody has in hand and that none of the volunteers active since `active_since` could be given: each of
/// them labelled it or skipped it after `skipped_since`. 0 while nobody is active.
///
/// For most tiles the first active volunteer settles the question, so it costs about one look-up for each open tile.
pub fn waiting_for_new_eyes(
    conn: &mut Conn,
    campaign_id: i64,
    active_since: i64,
    skipped_since: i64,
) -> QueryResult<i64> {
    // Numbers of our own, so they can stand in the text; both databases read the same statement.
    let statement = format!(
        "WITH active AS MATERIALIZED (
             SELECT volunteer_id FROM participations p
             WHERE p.campaign_id = {campaign_id} AND p.last_at >= {active_since} AND NOT EXISTS (
                 SELECT 1 FROM exclusions e
                 WHERE e.campaign_id = {campaign_id} AND e.volunteer_id = p.volunteer_id AND e.lifted_at IS NULL))
         SELECT COUNT(*) AS number FROM queue q
         WHERE q.campaign_id = {campaign_id} AND q.state = 'open' AND q.leased = 0
           AND NOT q.withdrawn AND NOT q.lacks_pictures
           AND EXISTS (SELECT 1 FROM active)
           AND NOT EXISTS (
               SELECT 1 FROM active a
               WHERE NOT EXISTS (
                         SELECT 1 FROM current_labels c WHERE c.tile = q.tile AND c.volunteer_id = a.volunteer_id)
                 AND NOT EXISTS (
                         SELECT 1 FROM leases l
                         WHERE l.tile = q.tile AND l.volunteer_id = a.volunteer_id AND l.outcome = 'skipped'
                           AND l.ended_at > {skipped_since}))"
    );
    let row: Number = each_backend!(conn, inner => diesel::sql_query(statement).get_result(inner))?;
    Ok(row.number)
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
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

/// All tiles and those that are closed, gold included.
pub fn tiles_and_closed(conn: &mut Conn, campaign_id: i64) -> QueryResult<(i64, i64)> {
    let states = queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(not(queue::withdrawn))
        .group_by(queue::state)
        .select((queue::state, count_star()))
        .load::<(String, i64)>(conn)?;
    let tiles = states.iter().map(|(_, count)| count).sum();
    let closed = states.iter().filter(|(state, _)| state != TileState::Open.key()).map(|(_, count)| count).sum();
    Ok((tiles, closed))
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
