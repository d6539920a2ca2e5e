//! Gold: tiles whose answer experts fixed.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::Conn;
use super::schema::{gold, queue};
use crate::domain::gold::GoldKind;
use crate::domain::label::Window;

/// A gold tile to be stored.
pub struct NewGold<'a> {
    /// Database id of the tile.
    pub tile: i64,
    /// Its campaign.
    pub campaign_id: i64,
    /// Practice or check.
    pub kind: GoldKind,
    /// Place of the right answer on the scale.
    pub answer: u8,
    /// When it was damaged, where the experts say so.
    pub window: Option<Window>,
    /// Why it is right.
    pub explanation: &'a str,
}

/// Stores the answer of a tile.
pub fn insert(conn: &mut Conn, new: &NewGold<'_>, now: i64) -> QueryResult<()> {
    diesel::insert_into(gold::table)
        .values((
            gold::tile.eq(new.tile),
            gold::campaign_id.eq(new.campaign_id),
            gold::kind.eq(new.kind.key()),
            gold::answer.eq(i16::from(new.answer)),
            gold::last_intact.eq(new.window.and_then(|window| window.last_intact)),
            gold::first_damaged.eq(new.window.and_then(|window| window.first_damaged)),
            gold::explanation.eq(new.explanation),
            gold::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Replaces the explanation and the window of a gold tile.
pub fn explain(conn: &mut Conn, new: &NewGold<'_>) -> QueryResult<()> {
    diesel::update(gold::table.find(new.tile))
        .set((
            gold::last_intact.eq(new.window.and_then(|window| window.last_intact)),
            gold::first_damaged.eq(new.window.and_then(|window| window.first_damaged)),
            gold::explanation.eq(new.explanation),
        ))
        .execute(conn)
        .map(drop)
}

/// The fixed answer of a tile, and how; `None` for an ordinary tile.
pub fn of_tile(conn: &mut Conn, tile: i64) -> QueryResult<Option<(String, u8)>> {
    let row = gold::table.find(tile).select((gold::kind, gold::answer)).first::<(String, i16)>(conn).optional()?;
    Ok(row.map(|(kind, answer)| (kind, answer as u8)))
}

/// Check gold that is not worn out, the least used first.
pub fn to_serve(conn: &mut Conn, campaign_id: i64, limit: i64) -> QueryResult<Vec<i64>> {
    let withheld = queue::withdrawn.or(queue::lacks_pictures);
    let to_be_seen = queue::table.filter(queue::tile.eq(gold::tile)).filter(not(withheld));
    gold::table
        .filter(gold::campaign_id.eq(campaign_id))
        .filter(gold::kind.eq("check"))
        .filter(gold::worn_out_at.is_null())
        .filter(exists(to_be_seen))
        .order((gold::uses, gold::tile))
        .limit(limit)
        .select(gold::tile)
        .load(conn)
}

/// Counts one hand-out of a gold tile; at `uses_at_most` it is worn out.
pub fn count_use(conn: &mut Conn, tile: i64, uses_at_most: u32, now: i64) -> QueryResult<()> {
    diesel::update(gold::table.find(tile)).set(gold::uses.eq(gold::uses + 1)).execute(conn)?;
    diesel::update(gold::table.find(tile).filter(gold::uses.ge(uses_at_most as i32)))
        .set(gold::worn_out_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// Whether a campaign has any gold.
pub fn any(conn: &mut Conn, campaign_id: i64) -> QueryResult<bool> {
    let rows = gold::table.filter(gold::campaign_id.eq(campaign_id));
    Ok(rows.count().get_result::<i64>(conn)? > 0)
}

/// Whether an answer of a campaign's gold names this scene.
pub fn names_scene(conn: &mut Conn, campaign_id: i64, scene: i64) -> QueryResult<bool> {
    let named = gold::last_intact.eq(scene).or(gold::first_damaged.eq(scene));
    let rows = gold::table.filter(gold::campaign_id.eq(campaign_id)).filter(named);
    Ok(rows.count().get_result::<i64>(conn)? > 0)
}

/// The answers of a campaign's gold of one kind, as places on the scale.
pub fn answers_of(conn: &mut Conn, campaign_id: i64, kind: &str) -> QueryResult<Vec<u8>> {
    let rows = gold::table.filter(gold::campaign_id.eq(campaign_id)).filter(gold::kind.eq(kind));
    let answers: Vec<i16> = rows.select(gold::answer).load(conn)?;
    Ok(answers.into_iter().map(|answer| answer as u8).collect())
}
