//! Scenes that join a timeline campaign under way: how far its tiles have followed, and what volunteers were shown.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::bbox::Bbox;
use crate::domain::label::Censored;
use crate::storage::campaigns::broken;
use crate::storage::schema::{current_labels, frames, leases, reviews, scenes, tiles};
use crate::storage::{Conn, each_backend};

/// How far the tiles of a campaign have followed a scene that joined, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joining {
    /// Tiles up to this database id have followed.
    pub after: i64,
    /// Tiles that show the scene.
    pub shown: u64,
    /// Tiles of which it shows too little; they stay as they were.
    pub not_shown: u64,
    /// Closed tiles that are open again.
    pub reopened: u64,
    /// Tiles that stay closed as damaged.
    pub still_damaged: u64,
    /// Tiles that are no check gold any more: experts had fixed "no damage" for a shorter timeline.
    pub no_longer_gold: u64,
    /// Labels that were set aside: they say nothing about the scene.
    pub set_aside: u64,
}

impl Default for Joining {
    fn default() -> Joining {
        let none = 0;
        Joining {
            after: i64::MIN,
            shown: none,
            not_shown: none,
            reopened: none,
            still_damaged: none,
            no_longer_gold: none,
            set_aside: none,
        }
    }
}

/// A scene whose joining is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoiningScene {
    /// Database id.
    pub id: i64,
    /// Name on screen.
    pub title: String,
    /// File name of its archive.
    pub archive: String,
    /// How far the tiles are.
    pub joining: Joining,
}

/// Notes that a scene joins its campaign now; its tiles follow.
pub fn begin(conn: &mut Conn, scene: i64, now: i64) -> QueryResult<()> {
    diesel::update(scenes::table.find(scene)).set(scenes::joined_at.eq(now)).execute(conn)?;
    advance(conn, scene, &Joining::default())
}

/// Notes how far the tiles are.
pub fn advance(conn: &mut Conn, scene: i64, joining: &Joining) -> QueryResult<()> {
    let text = serde_json::to_string(joining).map_err(|error| broken(error.to_string()))?;
    diesel::update(scenes::table.find(scene)).set(scenes::joining.eq(text)).execute(conn).map(drop)
}

/// Notes that all tiles have followed.
pub fn end(conn: &mut Conn, scene: i64) -> QueryResult<()> {
    diesel::update(scenes::table.find(scene)).set(scenes::joining.eq(None::<String>)).execute(conn).map(drop)
}

/// The scene that joins a campaign and that not all tiles have followed. One that was withdrawn meanwhile is none.
pub fn under_way(conn: &mut Conn, campaign_id: i64) -> QueryResult<Option<JoiningScene>> {
    let found = scenes::table
        .filter(scenes::campaign_id.eq(campaign_id))
        .filter(scenes::withdrawn_at.is_null())
        .filter(scenes::joining.is_not_null())
        .order(scenes::id)
        .select((scenes::id, scenes::title, scenes::archive, scenes::joining.assume_not_null()))
        .first::<(i64, String, String, String)>(conn)
        .optional()?;
    let read = |(id, title, archive, text): (i64, String, String, String)| {
        let joining = serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
        Ok(JoiningScene { id, title, archive, joining })
    };
    found.map(read).transpose()
}

/// Whether a scene, in view or not, has begun to join its campaign and not all tiles have followed.
pub fn is_unfinished(conn: &mut Conn, scene: i64) -> QueryResult<bool> {
    scenes::table.find(scene).select(scenes::joining.is_not_null()).first(conn)
}

/// Whether a scene joined a campaign since that time, so that a model from then does not know it.
pub fn joined_since(conn: &mut Conn, campaign_id: i64, since: i64) -> QueryResult<bool> {
    let joined = scenes::table
        .filter(scenes::campaign_id.eq(campaign_id))
        .filter(scenes::joining.is_null())
        .filter(scenes::joined_at.ge(since))
        .count()
        .get_result::<i64>(conn)?;
    Ok(joined > 0)
}

/// The next tiles of a campaign by their ids, withdrawn ones too, with their squares.
pub fn tiles_after(conn: &mut Conn, campaign_id: i64, after: i64, limit: i64) -> QueryResult<Vec<(i64, Bbox)>> {
    let rows = tiles::table
        .filter(tiles::campaign_id.eq(campaign_id))
        .filter(tiles::id.gt(after))
        .order(tiles::id)
        .limit(limit)
        .select((tiles::id, tiles::west, tiles::south, tiles::east, tiles::north))
        .load::<(i64, f64, f64, f64, f64)>(conn)?;
    Ok(rows.into_iter().map(|(id, west, south, east, north)| (id, Bbox { west, south, east, north })).collect())
}

/// Lets a tile be seen in a scene too.
pub fn add_frame(conn: &mut Conn, tile: i64, scene: i64, share: f64) -> QueryResult<()> {
    let row = (frames::tile.eq(tile), frames::scene_id.eq(scene), frames::valid_share.eq(share));
    each_backend!(conn, inner => {
        diesel::insert_into(frames::table).values(row).on_conflict_do_nothing().execute(inner)
    })?;
    Ok(())
}

/// Ends the open leases on a tile: who holds one was shown the tile as it was. The caller holds the queue's row.
pub fn end_leases(conn: &mut Conn, tile: i64, now: i64) -> QueryResult<usize> {
    let open = leases::table.filter(leases::tile.eq(tile)).filter(leases::ended_at.is_null());
    diesel::update(open).set((leases::ended_at.eq(now), leases::outcome.eq("released"))).execute(conn)
}

/// Sets a label aside: its author was not shown the tile's last scene. The caller holds the queue's row.
pub fn censor(conn: &mut Conn, (tile, volunteer): (i64, i64), was: Censored) -> QueryResult<()> {
    diesel::update(current_labels::table.find((tile, volunteer)))
        .set((current_labels::counted.eq(false), current_labels::censored.eq(was.key())))
        .execute(conn)
        .map(drop)
}

/// Takes all decisions about a tile out of force: they stay, as what reviewers said of a shorter timeline.
pub fn lapse_reviews(conn: &mut Conn, tile: i64) -> QueryResult<()> {
    let present = reviews::table.filter(reviews::tile.eq(tile)).filter(reviews::is_current);
    diesel::update(present).set((reviews::in_force.eq(false), reviews::is_current.eq(false))).execute(conn).map(drop)
}

/// What somebody was shown of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The last scene by date; `None` where there was none.
    pub last: Option<i64>,
    /// Whether a scene joined the tile afterwards.
    pub is_outdated: bool,
}

/// What somebody was shown of a tile who was handed it at that time.
pub fn shown(conn: &mut Conn, tile: i64, leased_at: i64) -> QueryResult<Shown> {
    let query = frames::table
        .inner_join(scenes::table)
        .filter(frames::tile.eq(tile))
        .filter(scenes::withdrawn_at.is_null())
        .order((scenes::captured_from, scenes::captured_to, scenes::id))
        .select((scenes::id, scenes::joined_at));
    let all: Vec<(i64, Option<i64>)> = each_backend!(conn, inner => query.load(inner))?;
    let was_there = |joined: Option<i64>| joined.is_none_or(|at| at <= leased_at);
    Ok(Shown {
        last: all.iter().rev().find(|(_, joined)| was_there(*joined)).map(|(scene, _)| *scene),
        is_outdated: all.iter().any(|(_, joined)| !was_there(*joined)),
    })
}
