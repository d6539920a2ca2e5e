//! Withdrawals: scenes and tiles that were taken out of view. Their rows and labels stay; nobody is shown them.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;

use crate::domain::bbox::Bbox;
use crate::storage::schema::{current_labels, frames, queue, scenes, tiles, withdrawals};
use crate::storage::{Conn, each_backend, new_id};

/// What is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// Every picture of this scene.
    Scene(i64),
    /// This tile, by its database id: the place and what was found there.
    Tile(i64),
}

/// One withdrawal, in force or lifted.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Withdrawal {
    /// Database id.
    pub id: i64,
    /// Title of the scene, if it is one.
    pub scene: Option<String>,
    /// Its id.
    pub scene_id: Option<i64>,
    /// Public id of the tile, if it is one.
    pub tile_id: Option<String>,
    /// Why, in the words of who did it.
    pub reason: String,
    /// Who; `None`: the operator.
    pub created_by: Option<i64>,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// Who brought it back.
    pub lifted_by: Option<i64>,
    /// When it came back, likewise; `None`: it is in force.
    pub lifted_at: Option<i64>,
    /// Why it came back.
    pub lift_reason: String,
}

/// Marks a scene or tile as withdrawn; false where it was before.
pub fn mark(conn: &mut Conn, what: Withdrawn, now: Option<i64>) -> QueryResult<bool> {
    let was = now.is_none();
    let changed = match what {
        Withdrawn::Scene(id) => {
            let scene = scenes::table.find(id).filter(scenes::withdrawn_at.is_not_null().eq(was));
            diesel::update(scene).set(scenes::withdrawn_at.eq(now)).execute(conn)?
        }
        Withdrawn::Tile(id) => {
            let tile = tiles::table.find(id).filter(tiles::withdrawn_at.is_not_null().eq(was));
            diesel::update(tile).set(tiles::withdrawn_at.eq(now)).execute(conn)?
        }
    };
    Ok(changed == 1)
}

/// Stores why something is withdrawn.
pub fn insert(
    conn: &mut Conn,
    campaign_id: i64,
    what: Withdrawn,
    reason: &str,
    (actor, now): (Option<i64>, i64),
) -> QueryResult<i64> {
    let id = new_id();
    let (scene, tile) = match what {
        Withdrawn::Scene(scene) => (Some(scene), None),
        Withdrawn::Tile(tile) => (None, Some(tile)),
    };
    diesel::insert_into(withdrawals::table)
        .values((
            withdrawals::id.eq(id),
            withdrawals::campaign_id.eq(campaign_id),
            withdrawals::scene_id.eq(scene),
            withdrawals::tile.eq(tile),
            withdrawals::reason.eq(reason),
            withdrawals::created_by.eq(actor),
            withdrawals::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(id)
}

/// What a withdrawal that is in force took out of view.
pub fn in_force(conn: &mut Conn, campaign_id: i64, id: i64) -> QueryResult<Option<Withdrawn>> {
    let found = withdrawals::table
        .find(id)
        .filter(withdrawals::campaign_id.eq(campaign_id))
        .filter(withdrawals::lifted_at.is_null())
        .select((withdrawals::scene_id, withdrawals::tile))
        .first::<(Option<i64>, Option<i64>)>(conn)
        .optional()?;
    Ok(found.and_then(|(scene, tile)| scene.map(Withdrawn::Scene).or(tile.map(Withdrawn::Tile))))
}

/// Notes that a withdrawal is over.
pub fn lift(conn: &mut Conn, id: i64, reason: &str, (actor, now): (Option<i64>, i64)) -> QueryResult<()> {
    diesel::update(withdrawals::table.find(id))
        .set((withdrawals::lifted_by.eq(actor), withdrawals::lifted_at.eq(now), withdrawals::lift_reason.eq(reason)))
        .execute(conn)
        .map(drop)
}

/// All withdrawals of a campaign, newest first.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Withdrawal>> {
    withdrawals::table
        .left_join(scenes::table)
        .left_join(tiles::table)
        .filter(withdrawals::campaign_id.eq(campaign_id))
        .order((withdrawals::created_at.desc(), withdrawals::id.desc()))
        .select((
            withdrawals::id,
            scenes::title.nullable(),
            withdrawals::scene_id,
            tiles::tile_id.nullable(),
            withdrawals::reason,
            withdrawals::created_by,
            withdrawals::created_at,
            withdrawals::lifted_by,
            withdrawals::lifted_at,
            withdrawals::lift_reason,
        ))
        .load(conn)
}

/// Times and kinds (`scene`, `tile`) of what is withdrawn now and was in view at a time: what a release of that time
/// still shows.
pub fn since(conn: &mut Conn, campaign_id: i64, as_of: i64) -> QueryResult<Vec<(i64, &'static str)>> {
    let rows = withdrawals::table
        .filter(withdrawals::campaign_id.eq(campaign_id))
        .filter(withdrawals::lifted_at.is_null())
        .filter(withdrawals::created_at.ge(as_of))
        .order(withdrawals::created_at)
        .select((withdrawals::created_at, withdrawals::scene_id.is_not_null()))
        .load::<(i64, bool)>(conn)?;
    Ok(rows.into_iter().map(|(at, is_scene)| (at, if is_scene { "scene" } else { "tile" })).collect())
}

/// When anything of a campaign last went out of view or came back; 0 where nothing ever did. What was drawn before that
/// must not be shown any more.
pub fn last_change(conn: &mut Conn, campaign_id: i64) -> QueryResult<i64> {
    use diesel::dsl::max;
    let of = withdrawals::table.filter(withdrawals::campaign_id.eq(campaign_id));
    let (made, lifted): (Option<i64>, Option<i64>) =
        of.select((max(withdrawals::created_at), max(withdrawals::lifted_at))).first(conn)?;
    Ok(made.max(lifted).unwrap_or(0))
}

/// The squares of a campaign's withdrawn tiles.
pub fn squares(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Bbox>> {
    let rows = tiles::table
        .filter(tiles::campaign_id.eq(campaign_id))
        .filter(tiles::withdrawn_at.is_not_null())
        .select((tiles::west, tiles::south, tiles::east, tiles::north))
        .load::<(f64, f64, f64, f64)>(conn)?;
    Ok(rows.into_iter().map(|(west, south, east, north)| Bbox { west, south, east, north }).collect())
}

/// The tiles that came back with this, on which a label waits outside the consensus for a place; in the order in which
/// everybody locks them.
pub fn with_surplus(conn: &mut Conn, what: Withdrawn) -> QueryResult<Vec<i64>> {
    let waits = || {
        current_labels::table
            .filter(current_labels::tile.eq(queue::tile))
            .filter(not(current_labels::counted))
            .filter(not(current_labels::excluded))
            .filter(current_labels::censored.is_null())
    };
    let open = queue::table.filter(queue::available).filter(exists(waits())).order(queue::tile).select(queue::tile);
    match what {
        Withdrawn::Tile(tile) => open.filter(queue::tile.eq(tile)).load(conn),
        Withdrawn::Scene(scene) => {
            let shown = frames::table.filter(frames::scene_id.eq(scene)).select(frames::tile);
            open.filter(queue::tile.eq_any(shown)).load(conn)
        }
    }
}

/// Brings the queue in line with what is withdrawn: what nobody may see is not handed out, and what is in people's hands
/// comes back. Returns how many leases ended. The caller holds the campaign.
pub fn follow(conn: &mut Conn, campaign_id: i64, what: Withdrawn, now: i64) -> QueryResult<usize> {
    let (tiles, id) = match what {
        Withdrawn::Scene(id) => ("SELECT tile FROM frames WHERE scene_id = $1", id),
        Withdrawn::Tile(id) => ("SELECT id FROM tiles WHERE id = $1", id),
    };
    // In the order in which everybody locks: the rows of the queue before the leases.
    if let Conn::Postgres(_) = conn {
        let lock = format!("SELECT tile FROM queue WHERE tile IN ({tiles}) ORDER BY tile FOR UPDATE");
        each_backend!(conn, inner => sql_query(lock).bind::<BigInt, _>(id).execute(inner))?;
    }
    let pictures = "SELECT COUNT(*) FROM frames JOIN scenes ON scenes.id = frames.scene_id \
                    WHERE frames.tile = queue.tile AND scenes.withdrawn_at IS NULL";
    let steps = [
        format!("UPDATE queue SET available = FALSE WHERE tile IN ({tiles})"),
        format!(
            "UPDATE queue SET lacks_pictures = ({pictures}) < 2, withdrawn = EXISTS (SELECT 1 FROM tiles \
             WHERE tiles.id = queue.tile AND tiles.withdrawn_at IS NOT NULL) WHERE tile IN ({tiles})"
        ),
    ];
    for step in steps {
        each_backend!(conn, inner => sql_query(step).bind::<BigInt, _>(id).execute(inner))?;
    }
    let hidden = "SELECT tile FROM queue WHERE campaign_id = $2 AND (withdrawn OR lacks_pictures)";
    let ended = format!(
        "UPDATE leases SET ended_at = $1, outcome = 'released' WHERE ended_at IS NULL AND campaign_id = $2 \
         AND tile IN ({hidden})"
    );
    let ended = each_backend!(conn, inner => {
        sql_query(ended).bind::<BigInt, _>(now).bind::<BigInt, _>(campaign_id).execute(inner)
    })?;
    let places = format!(
        "UPDATE queue SET leased = CASE WHEN withdrawn OR lacks_pictures THEN 0 ELSE leased END, \
         available = state = 'open' AND gold IS NULL AND counted + leased < needed AND NOT withdrawn \
         AND NOT lacks_pictures WHERE tile IN ({tiles})"
    );
    each_backend!(conn, inner => sql_query(places).bind::<BigInt, _>(id).execute(inner))?;
    Ok(ended)
}
