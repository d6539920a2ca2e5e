//! Gold: tiles whose answer experts fixed.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::Conn;
use super::schema::{current_labels, gold, gold_texts, practice_answers, queue, tiles};
use crate::domain::gold::GoldKind;
use crate::domain::label::Window;
use std::collections::{BTreeMap, HashMap};

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
    /// Why it is right, in the campaign's own language.
    pub explanation: &'a str,
    /// Who says so; `None`: the operator, at the command line.
    pub created_by: Option<i64>,
}

/// A gold tile as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldRow {
    /// Database id of the tile.
    pub tile: i64,
    /// Its public id.
    pub tile_id: String,
    /// `practice` or `check`.
    pub kind: String,
    /// Place of the right answer on the scale.
    pub answer: u8,
    /// When it was damaged, where the experts say so.
    pub window: Option<Window>,
    /// Why it is right, in the campaign's own language.
    pub explanation: String,
    /// How often it was handed out.
    pub uses: u32,
    /// When it was worn out; milliseconds since 1970, UTC.
    pub worn_out_at: Option<i64>,
    /// When it became gold, likewise.
    pub created_at: i64,
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
            gold::created_by.eq(new.created_by),
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

/// Counts one hand-out of a gold tile; at `uses_at_most` it is worn out. Whether it was this one that wore it out.
pub fn count_use(conn: &mut Conn, tile: i64, uses_at_most: u32, now: i64) -> QueryResult<bool> {
    diesel::update(gold::table.find(tile)).set(gold::uses.eq(gold::uses + 1)).execute(conn)?;
    let enough = gold::table.find(tile).filter(gold::uses.ge(uses_at_most as i32)).filter(gold::worn_out_at.is_null());
    Ok(diesel::update(enough).set(gold::worn_out_at.eq(now)).execute(conn)? == 1)
}

/// Wears out all check gold of a campaign that is still in use; how many tiles that was.
pub fn wear_out(conn: &mut Conn, campaign_id: i64, now: i64) -> QueryResult<usize> {
    let in_use = gold::table
        .filter(gold::campaign_id.eq(campaign_id))
        .filter(gold::kind.eq("check"))
        .filter(gold::worn_out_at.is_null());
    diesel::update(in_use).set(gold::worn_out_at.eq(now)).execute(conn)
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

/// All gold of a campaign, or one tile of it, in the order of public ids.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64, only: Option<i64>) -> QueryResult<Vec<GoldRow>> {
    type What = (i64, String, String, i16, Option<i64>, Option<i64>);
    let mut query = gold::table
        .inner_join(tiles::table)
        .filter(gold::campaign_id.eq(campaign_id))
        .order(tiles::tile_id)
        .select((
            (gold::tile, tiles::tile_id, gold::kind, gold::answer, gold::last_intact, gold::first_damaged),
            (gold::explanation, gold::uses, gold::worn_out_at, gold::created_at),
        ))
        .into_boxed();
    if let Some(tile) = only {
        query = query.filter(gold::tile.eq(tile));
    }
    let rows = query.load::<(What, (String, i32, Option<i64>, i64))>(conn)?;
    let row = |(what, (explanation, uses, worn_out_at, created_at)): (What, (String, i32, Option<i64>, i64))| {
        let (tile, tile_id, kind, answer, last_intact, first_damaged) = what;
        let window =
            (last_intact.is_some() || first_damaged.is_some()).then_some(Window { last_intact, first_damaged });
        let uses = uses.unsigned_abs();
        GoldRow { tile, tile_id, kind, answer: answer as u8, window, explanation, uses, worn_out_at, created_at }
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Replaces what a gold tile is for, its answer, window and explanation. Practice is not worn out.
pub fn change(conn: &mut Conn, new: &NewGold<'_>) -> QueryResult<()> {
    let answer = (gold::kind.eq(new.kind.key()), gold::answer.eq(i16::from(new.answer)));
    diesel::update(gold::table.find(new.tile)).set(answer).execute(conn)?;
    if new.kind == GoldKind::Practice {
        diesel::update(gold::table.find(new.tile)).set(gold::worn_out_at.eq(None::<i64>)).execute(conn)?;
    }
    explain(conn, new)
}

/// Forgets that a tile is gold.
pub fn remove(conn: &mut Conn, tile: i64) -> QueryResult<()> {
    diesel::delete(gold_texts::table.filter(gold_texts::tile.eq(tile))).execute(conn)?;
    diesel::delete(practice_answers::table.filter(practice_answers::tile.eq(tile))).execute(conn)?;
    diesel::delete(gold::table.find(tile)).execute(conn).map(drop)
}

/// Replaces the explanations of a gold tile in languages beside the campaign's own.
pub fn set_texts(conn: &mut Conn, tile: i64, texts: &BTreeMap<String, String>) -> QueryResult<()> {
    diesel::delete(gold_texts::table.filter(gold_texts::tile.eq(tile))).execute(conn)?;
    for (language, explanation) in texts {
        diesel::insert_into(gold_texts::table)
            .values((
                gold_texts::tile.eq(tile),
                gold_texts::language.eq(language),
                gold_texts::explanation.eq(explanation),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// The explanations of gold tiles in languages beside the campaign's own.
pub fn texts_of(conn: &mut Conn, campaign_id: i64) -> QueryResult<HashMap<i64, BTreeMap<String, String>>> {
    let rows = gold_texts::table
        .inner_join(gold::table)
        .filter(gold::campaign_id.eq(campaign_id))
        .select((gold_texts::tile, gold_texts::language, gold_texts::explanation))
        .load::<(i64, String, String)>(conn)?;
    let mut of: HashMap<i64, BTreeMap<String, String>> = HashMap::new();
    for (tile, language, text) in rows {
        of.entry(tile).or_default().insert(language, text);
    }
    Ok(of)
}

/// The explanation of a gold tile in one language; `None` where there is none in it.
pub fn text_in(conn: &mut Conn, tile: i64, language: &str) -> QueryResult<Option<String>> {
    gold_texts::table.find((tile, language)).select(gold_texts::explanation).first(conn).optional()
}

/// An answer to check gold: tile, volunteer, place of the answer on the scale.
pub type Answered = (i64, i64, i16);

/// The answers of all volunteers, excluded ones left out, to the check gold of a campaign.
pub fn answered(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Answered>> {
    current_labels::table
        .inner_join(queue::table.on(queue::tile.eq(current_labels::tile)))
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::gold.assume_not_null().eq("check"))
        .filter(diesel::dsl::not(current_labels::excluded))
        .order((current_labels::tile, current_labels::volunteer_id))
        .select((current_labels::tile, current_labels::volunteer_id, current_labels::answer))
        .load(conn)
}

/// First answers to each practice tile of a campaign: all, and right ones.
pub fn practised(conn: &mut Conn, campaign_id: i64) -> QueryResult<HashMap<i64, (u32, u32)>> {
    let rows = practice_answers::table
        .filter(practice_answers::campaign_id.eq(campaign_id))
        .group_by((practice_answers::tile, practice_answers::correct))
        .select((practice_answers::tile, practice_answers::correct, diesel::dsl::count_star()))
        .load::<(i64, bool, i64)>(conn)?;
    let mut of: HashMap<i64, (u32, u32)> = HashMap::new();
    for (tile, right, count) in rows {
        let (all, correct) = of.entry(tile).or_default();
        *all += u32::try_from(count).unwrap_or(u32::MAX);
        *correct += if right { u32::try_from(count).unwrap_or(u32::MAX) } else { 0 };
    }
    Ok(of)
}

/// The answers of a campaign's gold of one kind, as places on the scale.
pub fn answers_of(conn: &mut Conn, campaign_id: i64, kind: &str) -> QueryResult<Vec<u8>> {
    let rows = gold::table.filter(gold::campaign_id.eq(campaign_id)).filter(gold::kind.eq(kind));
    let answers: Vec<i16> = rows.select(gold::answer).load(conn)?;
    Ok(answers.into_iter().map(|answer| answer as u8).collect())
}
