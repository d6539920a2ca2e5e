//! Practice: the tiles that give feedback, and what volunteers first answered on them. Nothing here measures anybody.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use crate::domain::label::Window;
use crate::domain::practice::ExpertAnswer;
use crate::storage::Conn;
use crate::storage::schema::{gold, participations, practice_answers, queue, tiles};

/// A practice tile with the answer that experts fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PracticeTile {
    /// Database id.
    pub tile: i64,
    /// Public id.
    pub tile_id: String,
    /// The right answer.
    pub expert: ExpertAnswer,
    /// Why it is right.
    pub explanation: String,
}

/// The queue's row of a gold tile, if the tile and two of its pictures may be seen.
#[diesel::dsl::auto_type]
fn to_be_seen() -> _ {
    let withheld: diesel::dsl::Or<queue::withdrawn, queue::lacks_pictures> = queue::withdrawn.or(queue::lacks_pictures);
    queue::table.filter(queue::tile.eq(gold::tile)).filter(not(withheld))
}

/// The practice gold of a campaign, in the order of public ids.
pub fn tiles_of(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<PracticeTile>> {
    type Columns = (i64, String, i16, Option<i64>, Option<i64>, String);
    let rows = gold::table
        .inner_join(tiles::table)
        .filter(gold::campaign_id.eq(campaign_id))
        .filter(gold::kind.eq("practice"))
        .filter(exists(to_be_seen()))
        .order(tiles::tile_id)
        .select((gold::tile, tiles::tile_id, gold::answer, gold::last_intact, gold::first_damaged, gold::explanation))
        .load::<Columns>(conn)?;
    let tile = |(tile, tile_id, answer, last_intact, first_damaged, explanation): Columns| {
        let window =
            (last_intact.is_some() || first_damaged.is_some()).then_some(Window { last_intact, first_damaged });
        PracticeTile { tile, tile_id, expert: ExpertAnswer { answer: answer as u8, window }, explanation }
    };
    Ok(rows.into_iter().map(tile).collect())
}

/// Whether a campaign has practice gold at all.
pub fn any_tile(conn: &mut Conn, campaign_id: i64) -> QueryResult<bool> {
    let one = gold::table
        .filter(gold::campaign_id.eq(campaign_id))
        .filter(gold::kind.eq("practice"))
        .filter(exists(to_be_seen()))
        .select(gold::tile)
        .first::<i64>(conn)
        .optional()?;
    Ok(one.is_some())
}

/// What a volunteer answered in the round under way: (tile, whether it was right).
pub fn answers_of(conn: &mut Conn, campaign_id: i64, volunteer_id: i64) -> QueryResult<Vec<(i64, bool)>> {
    practice_answers::table
        .filter(practice_answers::campaign_id.eq(campaign_id))
        .filter(practice_answers::volunteer_id.eq(volunteer_id))
        .order(practice_answers::tile)
        .select((practice_answers::tile, practice_answers::correct))
        .load(conn)
}

/// Keeps a volunteer's first answer for a practice tile.
pub fn insert(
    conn: &mut Conn,
    (tile, campaign_id, volunteer_id): (i64, i64, i64),
    (answer, correct): (u8, bool),
    now: i64,
) -> QueryResult<()> {
    diesel::insert_into(practice_answers::table)
        .values((
            practice_answers::tile.eq(tile),
            practice_answers::campaign_id.eq(campaign_id),
            practice_answers::volunteer_id.eq(volunteer_id),
            practice_answers::answer.eq(i16::from(answer)),
            practice_answers::correct.eq(correct),
            practice_answers::answered_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Begins a new round: forgets a volunteer's answers in a campaign.
pub fn start_over(conn: &mut Conn, campaign_id: i64, volunteer_id: i64) -> QueryResult<()> {
    let round = practice_answers::table
        .filter(practice_answers::campaign_id.eq(campaign_id))
        .filter(practice_answers::volunteer_id.eq(volunteer_id));
    diesel::delete(round).execute(conn).map(drop)
}

/// When a volunteer passed the practice of a campaign; `None`: not yet.
pub fn passed_at(conn: &mut Conn, campaign_id: i64, volunteer_id: i64) -> QueryResult<Option<i64>> {
    let passed = participations::table
        .find((campaign_id, volunteer_id))
        .select(participations::practice_passed_at)
        .first::<Option<i64>>(conn)
        .optional()?;
    Ok(passed.flatten())
}

/// Notes that a volunteer passed; the participation must be there.
pub fn pass(conn: &mut Conn, campaign_id: i64, volunteer_id: i64, now: i64) -> QueryResult<()> {
    let mine = participations::table.find((campaign_id, volunteer_id));
    diesel::update(mine).set(participations::practice_passed_at.eq(now)).execute(conn).map(drop)
}
