//! What the figures of volunteers are made of: one pass over each table.

use std::collections::HashMap;

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Double, Nullable, SmallInt};

use crate::storage::schema::{current_labels, labels, participations, skills};
use crate::storage::{Conn, each_backend};

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

/// When one volunteer answered, and how fast.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Times {
    /// The volunteer.
    #[diesel(sql_type = BigInt)]
    pub volunteer_id: i64,
    /// Days with an answer, UTC.
    #[diesel(sql_type = BigInt)]
    pub days: i64,
    /// Answers whose time is known, by the clients' clocks.
    #[diesel(sql_type = BigInt)]
    pub timed: i64,
    /// Of these, the ones that took less than was asked for, to a tenth of a second.
    #[diesel(sql_type = BigInt)]
    pub too_fast: i64,
    /// The lower median of the known times, seconds.
    #[diesel(sql_type = Nullable<Double>)]
    pub median: Option<f64>,
}

/// Days and durations of everybody who answered; `possible`: seconds. One index is read from end to end.
pub fn times(conn: &mut Conn, campaign_id: i64, possible: f64) -> QueryResult<Vec<Times>> {
    match conn {
        Conn::Sqlite(conn) => times_row_by_row(conn, campaign_id, possible),
        // Each row would have to come through a socket.
        Conn::Postgres(conn) => diesel::sql_query(format!(
            "SELECT volunteer_id, COUNT(DISTINCT received_at / {DAY_MS}) AS days, COUNT(seconds) AS timed,
                    COUNT(*) FILTER (WHERE seconds * 10 < {possible}::float8 * 10 - 0.5) AS too_fast,
                    percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) AS median
             FROM labels WHERE campaign_id = {campaign_id} GROUP BY 1"
        ))
        .load(conn),
    }
}

/// The same without a sort of the log: SQLite steps through the rows anyway.
fn times_row_by_row(conn: &mut SqliteConnection, campaign_id: i64, possible: f64) -> QueryResult<Vec<Times>> {
    type Entry = (i64, i64, Option<f64>);
    let log = labels::table.filter(labels::campaign_id.eq(campaign_id)).order(labels::received_at).select((
        labels::volunteer_id,
        labels::received_at,
        labels::seconds,
    ));
    let mut of: HashMap<i64, Tally> = HashMap::new();
    for entry in log.load_iter::<Entry, DefaultLoadingMode>(conn)? {
        let (volunteer, at, seconds) = entry?;
        of.entry(volunteer).or_default().add(at.div_euclid(DAY_MS), seconds);
    }
    Ok(of.into_iter().map(|(volunteer, tally)| tally.sum_up(volunteer, possible)).collect())
}

/// The entries of one volunteer, in the order of time.
#[derive(Default)]
struct Tally {
    days: i64,
    last_day: Option<i64>,
    seconds: Vec<f32>,
}

impl Tally {
    fn add(&mut self, day: i64, seconds: Option<f64>) {
        if self.last_day != Some(day) {
            (self.days, self.last_day) = (self.days + 1, Some(day));
        }
        // To a tenth of a second, as they are shown.
        self.seconds.extend(seconds.map(|seconds| (seconds * 10.0).round() as f32));
    }

    fn sum_up(mut self, volunteer_id: i64, possible: f64) -> Times {
        let count = |of: usize| i64::try_from(of).unwrap_or(i64::MAX);
        let timed = self.seconds.len();
        let too_fast = self.seconds.iter().filter(|tenths| f64::from(**tenths) < possible * 10.0).count();
        let median = (timed > 0).then(|| {
            let (_, tenths, _) = self.seconds.select_nth_unstable_by((timed - 1) / 2, f32::total_cmp);
            f64::from(*tenths) / 10.0
        });
        Times { volunteer_id, days: self.days, timed: count(timed), too_fast: count(too_fast), median }
    }
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

/// What volunteers said of closed tiles of each class: the experts' on check gold, the reviewer's whose decision is in force,
/// else the crowd's. Of all, or of one.
pub fn confusions(conn: &mut Conn, campaign_id: i64, volunteer: Option<i64>) -> QueryResult<Vec<Confusion>> {
    let one = match (conn, volunteer) {
        (Conn::Sqlite(conn), None) => return confusions_tile_by_tile(conn, campaign_id),
        (conn, volunteer) => (conn, volunteer.map_or_else(String::new, |id| format!("AND c.volunteer_id = {id}"))),
    };
    let (conn, one) = one;
    each_backend!(conn, inner => diesel::sql_query(format!(
        "SELECT c.volunteer_id AS volunteer_id, CAST(COALESCE(g.answer, r.answer, k.class) AS SMALLINT) AS class,
                c.answer AS answer, g.tile IS NOT NULL AS gold, COUNT(*) AS labels
         FROM current_labels c
         JOIN queue q ON q.tile = c.tile
         LEFT JOIN gold g ON g.tile = c.tile AND g.kind = 'check'
         LEFT JOIN reviews r ON r.tile = c.tile AND r.in_force
         LEFT JOIN consensus k ON k.tile = c.tile
         WHERE c.campaign_id = {campaign_id} {one} AND c.censored IS NULL AND q.state IN ('settled', 'reviewed')
           AND COALESCE(g.answer, r.answer, k.class) IS NOT NULL
         GROUP BY 1, 2, 3, 4"
    )).load(inner))
}

/// The same of all on SQLite: answers and outcomes side by side, both in the order of tiles, and nothing sorted.
fn confusions_tile_by_tile(conn: &mut SqliteConnection, campaign_id: i64) -> QueryResult<Vec<Confusion>> {
    let outcomes = outcomes(conn, campaign_id)?;
    let current = current_labels::table
        .filter(current_labels::campaign_id.eq(campaign_id))
        .filter(current_labels::censored.is_null())
        .order(current_labels::tile)
        .select((current_labels::tile, current_labels::volunteer_id, current_labels::answer));
    let mut next = outcomes.iter().peekable();
    let mut counted: HashMap<(i64, i16, i16, bool), i64> = HashMap::new();
    for said in current.load_iter::<(i64, i64, i16), DefaultLoadingMode>(conn)? {
        let (tile, volunteer, answer) = said?;
        while next.next_if(|outcome| outcome.0 < tile).is_some() {}
        if let Some((_, class, gold)) = next.peek().filter(|outcome| outcome.0 == tile) {
            *counted.entry((volunteer, *class, answer, *gold)).or_default() += 1;
        }
    }
    let row = |((volunteer_id, class, answer, gold), labels)| Confusion { volunteer_id, class, answer, gold, labels };
    Ok(counted.into_iter().map(row).collect())
}

/// Id, class, and whether experts fixed that, of all settled and reviewed tiles that have a class, in the order of ids.
fn outcomes(conn: &mut SqliteConnection, campaign_id: i64) -> QueryResult<Vec<(i64, i16, bool)>> {
    use crate::storage::schema::{consensus, gold, queue, reviews};
    let expert = gold::tile.eq(queue::tile).and(gold::kind.eq("check"));
    let closed = queue::table
        .left_join(gold::table.on(expert))
        .left_join(reviews::table.on(reviews::tile.eq(queue::tile).and(reviews::in_force)))
        .left_join(consensus::table.on(consensus::tile.eq(queue::tile)))
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::state.eq_any(["settled", "reviewed"]))
        .select((queue::tile, gold::answer.nullable(), reviews::answer.nullable(), consensus::class.nullable()));
    let mut all = Vec::new();
    for row in closed.load_iter::<(i64, Option<i16>, Option<i16>, Option<i16>), DefaultLoadingMode>(conn)? {
        let (tile, expert, reviewer, crowd) = row?;
        all.extend(expert.or(reviewer).or(crowd).map(|class| (tile, class, expert.is_some())));
    }
    all.sort_unstable();
    Ok(all)
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
    /// The tile's class: by experts on check gold, by the reviewer whose decision is in force, else by consensus.
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
    use crate::storage::schema::{consensus, gold, queue, reviews, tiles};
    type Class = Option<i16>;
    type Mine = (i64, String, i64, i16, (Class, Class, Class), String, bool, i64);
    let expert = gold::tile.eq(current_labels::tile).and(gold::kind.eq("check"));
    let rows: Vec<Mine> = current_labels::table
        .inner_join(queue::table.on(queue::tile.eq(current_labels::tile)))
        .inner_join(tiles::table.on(tiles::id.eq(current_labels::tile)))
        .left_join(gold::table.on(expert))
        .left_join(reviews::table.on(reviews::tile.eq(current_labels::tile).and(reviews::in_force)))
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
            (gold::answer.nullable(), reviews::answer.nullable(), consensus::class.nullable()),
            queue::state,
            current_labels::counted,
            current_labels::first_received_at,
        ))
        .load(conn)?;
    let row = |(tile, tile_id, volunteer_id, answer, (expert, reviewer, crowd), state, counted, at): Mine| {
        let class = expert.or(reviewer).or(crowd)?;
        Some(OnTile { tile, tile_id, volunteer_id, answer, class, state, counted, at })
    };
    Ok(rows.into_iter().filter_map(row).collect())
}
