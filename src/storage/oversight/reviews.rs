//! Reviews: what reviewers decided, and which tile each has before them.

use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

pub use super::review_queue::{Candidate, candidates};
use crate::domain::label::Window;
use crate::domain::review::Opinion;
use crate::storage::campaigns::broken;
use crate::storage::schema::{queue, review_holds, reviews, tiles};
use crate::storage::{Conn, each_backend};

/// A decision to be stored: it becomes its author's present one for the tile.
pub struct NewReview<'a> {
    /// The client's id.
    pub id: Uuid,
    /// SHA-256 of what was sent.
    pub body_hash: &'a [u8],
    /// Database id of the tile.
    pub tile: i64,
    /// Its campaign.
    pub campaign_id: i64,
    /// The author.
    pub reviewer_id: i64,
    /// What they say.
    pub opinion: Opinion,
    /// A comment; may be empty.
    pub note: &'a str,
}

/// A decision as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// The client's id.
    pub id: Uuid,
    /// SHA-256 of what was sent.
    pub body_hash: Vec<u8>,
    /// Database id of the tile.
    pub tile: i64,
    /// Public id of the tile.
    pub tile_id: String,
    /// The author.
    pub reviewer_id: i64,
    /// What they say.
    pub opinion: Opinion,
    /// A comment; may be empty.
    pub note: String,
    /// Milliseconds since 1970, UTC.
    pub decided_at: i64,
    /// Whether it is its author's newest decision for the tile.
    pub is_current: bool,
    /// Whether it is what the map shows.
    pub in_force: bool,
    /// Whether its author took it back.
    pub withdrawn: bool,
}

type Columns = ((Vec<u8>, Vec<u8>, i64, String, i64), Said);
type Said = (i16, Option<i64>, Option<i64>, String, i64, bool, bool, Option<i64>);

macro_rules! columns {
    () => {
        (
            (reviews::id, reviews::body_hash, reviews::tile, tiles::tile_id, reviews::reviewer_id),
            (
                reviews::answer,
                reviews::last_intact,
                reviews::first_damaged,
                reviews::note,
                reviews::decided_at,
                reviews::is_current,
                reviews::in_force,
                reviews::withdrawn_at,
            ),
        )
    };
}

fn review(row: Columns) -> QueryResult<Review> {
    let ((id, body_hash, tile, tile_id, reviewer_id), rest) = row;
    let (answer, last_intact, first_damaged, note, decided_at, is_current, in_force, withdrawn_at) = rest;
    let id = Uuid::from_slice(&id).map_err(|error| broken(error.to_string()))?;
    let opinion = opinion(answer, last_intact, first_damaged)?;
    let withdrawn = withdrawn_at.is_some();
    Ok(Review { id, body_hash, tile, tile_id, reviewer_id, opinion, note, decided_at, is_current, in_force, withdrawn })
}

fn opinion(answer: i16, last_intact: Option<i64>, first_damaged: Option<i64>) -> QueryResult<Opinion> {
    let answer = u8::try_from(answer).map_err(|_| broken(format!("answer {answer}")))?;
    let window = (last_intact.is_some() || first_damaged.is_some()).then_some(Window { last_intact, first_damaged });
    Ok(Opinion { answer, window })
}

/// The decision of that id.
pub fn find(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Review>> {
    let row = reviews::table
        .inner_join(tiles::table)
        .filter(reviews::id.eq(id.as_bytes().to_vec()))
        .select(columns!())
        .first::<Columns>(conn)
        .optional()?;
    row.map(review).transpose()
}

/// Stores a decision, which takes the place of its author's earlier one. Nothing is in force until [`put_in_force`]; the
/// tile's queue row must be locked.
pub fn add(conn: &mut Conn, new: &NewReview<'_>, now: i64) -> QueryResult<()> {
    let of_tile = reviews::table.filter(reviews::tile.eq(new.tile));
    diesel::update(of_tile).set(reviews::in_force.eq(false)).execute(conn)?;
    let mine = reviews::table.filter(reviews::tile.eq(new.tile)).filter(reviews::reviewer_id.eq(new.reviewer_id));
    diesel::update(mine).set(reviews::is_current.eq(false)).execute(conn)?;
    diesel::insert_into(reviews::table)
        .values((
            reviews::id.eq(new.id.as_bytes().to_vec()),
            reviews::body_hash.eq(new.body_hash),
            reviews::tile.eq(new.tile),
            reviews::campaign_id.eq(new.campaign_id),
            reviews::reviewer_id.eq(new.reviewer_id),
            reviews::answer.eq(i16::from(new.opinion.answer)),
            reviews::last_intact.eq(new.opinion.window.and_then(|window| window.last_intact)),
            reviews::first_damaged.eq(new.opinion.window.and_then(|window| window.first_damaged)),
            reviews::note.eq(new.note),
            reviews::decided_at.eq(now),
            reviews::is_current.eq(true),
            reviews::in_force.eq(false),
        ))
        .execute(conn)?;
    Ok(())
}

/// Marks a decision as taken back by its author. Nothing of the tile is in force until [`put_in_force`]; the tile's queue
/// row must be locked.
pub fn withdraw(conn: &mut Conn, review: &Review, now: i64) -> QueryResult<()> {
    let of_tile = reviews::table.filter(reviews::tile.eq(review.tile));
    diesel::update(of_tile).set(reviews::in_force.eq(false)).execute(conn)?;
    let one = reviews::table.find(review.id.as_bytes().to_vec());
    diesel::update(one).set((reviews::is_current.eq(false), reviews::withdrawn_at.eq(now))).execute(conn).map(drop)
}

/// Puts one decision of a tile in force, after [`add`] took all others out of it.
pub fn put_in_force(conn: &mut Conn, id: Uuid) -> QueryResult<()> {
    let one = reviews::table.find(id.as_bytes().to_vec());
    diesel::update(one).set(reviews::in_force.eq(true)).execute(conn).map(drop)
}

/// All decisions for a tile, earlier ones of the same reviewers too, in the order in which they came.
pub fn of_tile(conn: &mut Conn, tile: i64) -> QueryResult<Vec<Review>> {
    let rows = reviews::table
        .inner_join(tiles::table)
        .filter(reviews::tile.eq(tile))
        .order((reviews::decided_at, reviews::id))
        .select(columns!())
        .load::<Columns>(conn)?;
    rows.into_iter().map(review).collect()
}

/// Decisions in a campaign, newest first: those that stand, of one reviewer or of all.
pub fn newest(conn: &mut Conn, campaign_id: i64, of: Option<i64>, limit: i64) -> QueryResult<Vec<Review>> {
    let mut query = reviews::table
        .inner_join(tiles::table)
        .filter(reviews::campaign_id.eq(campaign_id))
        .filter(reviews::is_current)
        .order((reviews::decided_at.desc(), reviews::id.desc()))
        .limit(limit)
        .select(columns!())
        .into_boxed();
    if let Some(reviewer) = of {
        query = query.filter(reviews::reviewer_id.eq(reviewer));
    }
    query.load::<Columns>(conn)?.into_iter().map(review).collect()
}

/// Whether reviewers decided about a tile and none of their opinions is in force.
pub fn is_disputed(conn: &mut Conn, tile: i64) -> QueryResult<bool> {
    let query = reviews::table.filter(reviews::tile.eq(tile)).filter(reviews::is_current).select(reviews::in_force);
    let found: Vec<bool> = each_backend!(conn, inner => query.load(inner))?;
    Ok(!found.is_empty() && !found.contains(&true))
}

/// The contested tiles of a campaign about which this reviewer has spoken already.
pub fn disputed_of(conn: &mut Conn, campaign_id: i64, reviewer_id: i64) -> QueryResult<Vec<i64>> {
    reviews::table
        .inner_join(queue::table.on(queue::tile.eq(reviews::tile)))
        .filter(reviews::campaign_id.eq(campaign_id))
        .filter(reviews::reviewer_id.eq(reviewer_id))
        .filter(reviews::is_current)
        .filter(queue::state.eq("contested"))
        .select(reviews::tile)
        .load(conn)
}

/// The opinions in force on those of the tiles that have one.
pub fn in_force_on(conn: &mut Conn, tiles: &[i64]) -> QueryResult<HashMap<i64, Opinion>> {
    if tiles.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = reviews::table
        .filter(reviews::tile.eq_any(tiles.to_vec()))
        .filter(reviews::in_force)
        .select((reviews::tile, reviews::answer, reviews::last_intact, reviews::first_damaged))
        .load::<(i64, i16, Option<i64>, Option<i64>)>(conn)?;
    rows.into_iter().map(|(tile, answer, from, to)| Ok((tile, opinion(answer, from, to)?))).collect()
}

/// Which tiles of a campaign reviewers have before them at that time, and who.
pub fn holds(conn: &mut Conn, campaign_id: i64, now: i64) -> QueryResult<HashMap<i64, i64>> {
    let rows = review_holds::table
        .filter(review_holds::campaign_id.eq(campaign_id))
        .filter(review_holds::expires_at.gt(now))
        .select((review_holds::tile, review_holds::reviewer_id))
        .load::<(i64, i64)>(conn)?;
    Ok(rows.into_iter().collect())
}

/// Takes a tile before a reviewer and lets go of whatever they had in the campaign. False where somebody else has it.
pub fn hold(
    conn: &mut Conn,
    (tile, campaign_id, reviewer_id): (i64, i64, i64),
    (now, until): (i64, i64),
) -> QueryResult<bool> {
    let mine = review_holds::table
        .filter(review_holds::campaign_id.eq(campaign_id))
        .filter(review_holds::reviewer_id.eq(reviewer_id));
    diesel::delete(mine).execute(conn)?;
    let over = review_holds::table.find(tile).filter(review_holds::expires_at.le(now));
    diesel::delete(over).execute(conn)?;
    let row = (
        review_holds::tile.eq(tile),
        review_holds::campaign_id.eq(campaign_id),
        review_holds::reviewer_id.eq(reviewer_id),
        review_holds::expires_at.eq(until),
    );
    let taken = each_backend!(conn, inner => {
        diesel::insert_into(review_holds::table).values(row).on_conflict_do_nothing().execute(inner)
    })?;
    Ok(taken == 1)
}

/// Lets go of a tile that was decided, whoever held it.
pub fn let_go(conn: &mut Conn, tile: i64) -> QueryResult<()> {
    diesel::delete(review_holds::table.find(tile)).execute(conn).map(drop)
}
