//! What the figures of volunteers are made of: one pass over each table, row by row.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, SmallInt};

use super::schema::{current_labels, labels, participations, skills};
use super::{Conn, each_backend, each_row};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// What one volunteer has done: id, labels, skips, first and last time.
pub type Done = (i64, i32, i32, i64, i64);

/// Everybody who asked for tiles of a campaign, in the order of their ids.
pub fn participations(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Done>> {
    participations::table
        .filter(participations::campaign_id.eq(campaign_id))
        .order(participations::volunteer_id)
        .select((
            participations::volunteer_id,
            participations::labels,
            participations::skips,
            participations::first_at,
            participations::last_at,
        ))
        .load(conn)
}

/// One entry of the log: author, when it arrived (milliseconds since 1970, UTC), and the seconds that it took by the
/// client's clock.
pub type Timed = (i64, i64, Option<f64>);

/// Hands over every entry of a campaign's log in the order of time, one after the other: nothing is kept, and one index is
/// read from end to end.
pub fn each_answer(conn: &mut Conn, campaign_id: i64, mut take: impl FnMut(Timed)) -> QueryResult<()> {
    let log = labels::table.filter(labels::campaign_id.eq(campaign_id)).order(labels::received_at).select((
        labels::volunteer_id,
        labels::received_at,
        labels::seconds,
    ));
    each_row!(conn, log, Timed, |row| take(row))
}

/// What one volunteer says of a tile: tile, author, place of the answer on the scale.
pub type Said = (i64, i64, i16);

/// Hands over every current answer of a campaign in the order of tiles; those left out that were given before a later
/// scene came. One index is read from end to end.
pub fn each_current_answer(conn: &mut Conn, campaign_id: i64, mut take: impl FnMut(Said)) -> QueryResult<()> {
    let current = current_labels::table
        .filter(current_labels::campaign_id.eq(campaign_id))
        .filter(current_labels::censored.is_null())
        .order(current_labels::tile)
        .select((current_labels::tile, current_labels::volunteer_id, current_labels::answer));
    each_row!(conn, current, Said, |row| take(row))
}

/// The outcome of a closed tile: its id, its class, and whether experts fixed that.
pub type Outcome = (i64, i16, bool);

/// The classes of all settled and reviewed tiles of a campaign that have one, in the order of their ids; check gold by the
/// experts' class.
pub fn outcomes(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Outcome>> {
    use super::schema::{consensus, gold, queue};
    let expert = gold::tile.eq(queue::tile).and(gold::kind.eq("check"));
    let closed = queue::table
        .left_join(gold::table.on(expert))
        .left_join(consensus::table.on(consensus::tile.eq(queue::tile)))
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::state.eq_any(["settled", "reviewed"]))
        .select((queue::tile, gold::answer.nullable(), consensus::class.nullable()));
    let mut all = Vec::new();
    each_row!(conn, closed, (i64, Option<i16>, Option<i16>), |(tile, expert, crowd): (_, Option<i16>, _)| {
        all.extend(expert.or(crowd).map(|class| (tile, class, expert.is_some())));
    })?;
    all.sort_unstable();
    Ok(all)
}

/// Answers of one kind on closed tiles of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Confusion {
    /// The volunteer.
    #[diesel(sql_type = BigInt)]
    pub volunteer_id: i64,
    /// The tile's class.
    #[diesel(sql_type = SmallInt)]
    pub class: i16,
    /// What the volunteer said.
    #[diesel(sql_type = SmallInt)]
    pub answer: i16,
    /// Whether experts fixed the class of these tiles.
    #[diesel(sql_type = Bool)]
    pub gold: bool,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub labels: i64,
}

/// What one volunteer said of closed tiles of each class; check gold by the experts' class.
pub fn confusions(conn: &mut Conn, campaign_id: i64, volunteer: i64) -> QueryResult<Vec<Confusion>> {
    each_backend!(conn, inner => diesel::sql_query(format!(
        "SELECT c.volunteer_id AS volunteer_id, CAST(COALESCE(g.answer, k.class) AS SMALLINT) AS class,
                c.answer AS answer, g.tile IS NOT NULL AS gold, COUNT(*) AS labels
         FROM current_labels c
         JOIN queue q ON q.tile = c.tile
         LEFT JOIN gold g ON g.tile = c.tile AND g.kind = 'check'
         LEFT JOIN consensus k ON k.tile = c.tile
         WHERE c.campaign_id = {campaign_id} AND c.volunteer_id = {volunteer} AND c.censored IS NULL AND q.state IN ('settled', 'reviewed')
           AND COALESCE(g.answer, k.class) IS NOT NULL
         GROUP BY 1, 2, 3, 4"
    )).load(inner))
}

/// The encoded skills of everybody whom a model knows.
pub fn skills(conn: &mut Conn, campaign_id: i64, model: u32) -> QueryResult<Vec<(i64, Vec<u8>)>> {
    skills::table
        .filter(skills::campaign_id.eq(campaign_id))
        .filter(skills::model.eq(model as i32))
        .order(skills::volunteer_id)
        .select((skills::volunteer_id, skills::tables))
        .load(conn)
}

/// Answers of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Day {
    /// Days since 1970-01-01, UTC.
    #[diesel(sql_type = BigInt)]
    pub day: i64,
    /// First answers for a tile.
    #[diesel(sql_type = BigInt)]
    pub labels: i64,
}

/// On which days somebody labelled, and how much.
pub fn activity(conn: &mut Conn, campaign_id: i64, volunteer: i64) -> QueryResult<Vec<Day>> {
    each_backend!(conn, inner => diesel::sql_query(format!(
        "SELECT first_received_at / {DAY_MS} AS day, COUNT(*) AS labels
         FROM current_labels WHERE campaign_id = {campaign_id} AND volunteer_id = {volunteer} GROUP BY 1 ORDER BY 1"
    )).load(inner))
}

/// One volunteer's answer for a tile that has a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnTile {
    /// Database id.
    pub tile: i64,
    /// Public id.
    pub tile_id: String,
    /// The author.
    pub volunteer_id: i64,
    /// What they said.
    pub answer: i16,
    /// The tile's class: by experts on check gold, else by consensus.
    pub class: i16,
    /// Where the tile stands.
    pub state: String,
    /// Whether the answer counts.
    pub counted: bool,
    /// When the first answer came.
    pub at: i64,
}

/// The answers of these volunteers for tiles that have a class, in the order of tile and volunteer; left out or not.
pub fn answers_of(conn: &mut Conn, campaign_id: i64, volunteers: &[i64]) -> QueryResult<Vec<OnTile>> {
    use super::schema::{consensus, gold, queue, tiles};
    type Mine = (i64, String, i64, i16, Option<i16>, Option<i16>, String, bool, i64);
    let expert = gold::tile.eq(current_labels::tile).and(gold::kind.eq("check"));
    let rows: Vec<Mine> = current_labels::table
        .inner_join(queue::table.on(queue::tile.eq(current_labels::tile)))
        .inner_join(tiles::table.on(tiles::id.eq(current_labels::tile)))
        .left_join(gold::table.on(expert))
        .left_join(consensus::table.on(consensus::tile.eq(current_labels::tile)))
        .filter(current_labels::campaign_id.eq(campaign_id))
        .filter(current_labels::volunteer_id.eq_any(volunteers.to_vec()))
        // Of a shorter timeline nobody can say whether it was right.
        .filter(current_labels::censored.is_null())
        .order((current_labels::tile, current_labels::volunteer_id))
        .select((
            current_labels::tile,
            tiles::tile_id,
            current_labels::volunteer_id,
            current_labels::answer,
            gold::answer.nullable(),
            consensus::class.nullable(),
            queue::state,
            current_labels::counted,
            current_labels::first_received_at,
        ))
        .load(conn)?;
    let row = |(tile, tile_id, volunteer_id, answer, expert, crowd, state, counted, at): Mine| {
        let class = expert.or(crowd)?;
        Some(OnTile { tile, tile_id, volunteer_id, answer, class, state, counted, at })
    };
    Ok(rows.into_iter().filter_map(row).collect())
}
