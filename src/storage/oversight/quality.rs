//! What tells how well a crowd does: how often its answers meet on a tile, and what it says of tiles whose answer is known.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, SmallInt, Text};

use crate::storage::campaigns::broken;
use crate::storage::schema::{current_labels, gold};
use crate::storage::{Conn, each_backend};

/// Tiles on which the crowd answered alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerGroup {
    /// Counted labels of each answer of the scale, in its order.
    pub answers: Vec<u32>,
    /// How many such tiles there are.
    pub tiles: u64,
}

/// Tiles by the counted labels they have of each answer. As many groups as there are ways to answer, however many tiles.
pub fn answer_groups(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<AnswerGroup>> {
    let rows: Vec<AnswerRow> = each_backend!(conn, inner => diesel::sql_query(format!(
        "SELECT answers, COUNT(*) AS tiles FROM consensus WHERE campaign_id = {campaign_id} GROUP BY answers ORDER BY answers"
    )).load(inner))?;
    rows.into_iter()
        .map(|row| {
            let answers = serde_json::from_str(&row.answers).map_err(|error| broken(error.to_string()))?;
            Ok(AnswerGroup { answers, tiles: row.tiles.unsigned_abs() })
        })
        .collect()
}

#[derive(QueryableByName)]
struct AnswerRow {
    #[diesel(sql_type = Text)]
    answers: String,
    #[diesel(sql_type = BigInt)]
    tiles: i64,
}

/// Current labels whose author is excluded: on gold, and elsewhere.
pub fn excluded_labels(conn: &mut Conn, campaign_id: i64) -> QueryResult<(i64, i64)> {
    let of = |gold: &str| {
        format!(
            "SELECT COUNT(*) AS number FROM current_labels c JOIN queue q ON q.tile = c.tile
             WHERE c.campaign_id = {campaign_id} AND c.excluded AND q.gold {gold}"
        )
    };
    let mut number = |gold| {
        let row: QueryResult<Number> = each_backend!(conn, inner => diesel::sql_query(of(gold)).get_result(inner));
        row.map(|row| row.number)
    };
    Ok((number("IS NOT NULL")?, number("IS NULL")?))
}

/// Current labels that a later scene set aside: outside the consensus, and not waiting for a place in it. Without those on
/// gold and those of excluded authors.
pub fn set_aside_labels(conn: &mut Conn, campaign_id: i64) -> QueryResult<i64> {
    let statement = format!(
        "SELECT COUNT(*) AS number FROM current_labels c JOIN queue q ON q.tile = c.tile
         WHERE c.campaign_id = {campaign_id} AND c.censored IS NOT NULL AND NOT c.counted AND NOT c.excluded
           AND q.gold IS NULL"
    );
    let row: Number = each_backend!(conn, inner => diesel::sql_query(statement).get_result(inner))?;
    Ok(row.number)
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// How often an answer was given on gold, its authors not excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct GoldAnswers {
    /// Place of the right answer on the scale.
    #[diesel(sql_type = SmallInt)]
    pub right: i16,
    /// Place of the answer given.
    #[diesel(sql_type = SmallInt)]
    pub given: i16,
    /// Labels.
    #[diesel(sql_type = BigInt)]
    pub labels: i64,
}

/// Current labels on gold of that kind (`check` or `practice`), excluded authors left out, by what is right and what was
/// said.
pub fn gold_answers(conn: &mut Conn, campaign_id: i64, kind: &str) -> QueryResult<Vec<GoldAnswers>> {
    let statement = format!(
        "SELECT g.answer AS \"right\", c.answer AS given, COUNT(*) AS labels
         FROM gold g JOIN current_labels c ON c.tile = g.tile
         WHERE g.campaign_id = {campaign_id} AND g.kind = ? AND NOT c.excluded GROUP BY 1, 2 ORDER BY 1, 2"
    );
    match conn {
        Conn::Sqlite(inner) => diesel::sql_query(statement).bind::<Text, _>(kind).load(inner),
        Conn::Postgres(inner) => diesel::sql_query(statement.replace('?', "$1")).bind::<Text, _>(kind).load(inner),
    }
}

/// One label on check gold: tile, right answer, author, answer.
pub type GoldLabel = (i64, i16, i64, i16);

/// Current labels on the check gold of a campaign that has most of them, at most so many tiles; excluded authors left
/// out; tile by tile in the order in which they first arrived.
pub fn gold_labels(conn: &mut Conn, campaign_id: i64, most_tiles: i64) -> QueryResult<Vec<GoldLabel>> {
    let tiles: Vec<i64> = gold::table
        .filter(gold::campaign_id.eq(campaign_id))
        .filter(gold::kind.eq("check"))
        .order((gold::uses.desc(), gold::tile))
        .limit(most_tiles)
        .select(gold::tile)
        .load(conn)?;
    let query = current_labels::table
        .inner_join(gold::table.on(gold::tile.eq(current_labels::tile)))
        .filter(current_labels::tile.eq_any(tiles))
        .filter(diesel::dsl::not(current_labels::excluded))
        .order((current_labels::tile, current_labels::first_received_at, current_labels::label_id))
        .select((current_labels::tile, gold::answer, current_labels::volunteer_id, current_labels::answer));
    each_backend!(conn, inner => query.load(inner))
}
