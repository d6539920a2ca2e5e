//! Pauses and exclusions: who they hold, and which tiles have yet to follow them.

use std::collections::BTreeSet;

use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::consensus::TileState;
use crate::domain::volunteer_quality::ExclusionKind;
use crate::storage::campaigns::{broken, word};
use crate::storage::labelling::queue::QueueRow;
use crate::storage::schema::{before_exclusion, current_labels, exclusions};
use crate::storage::{Conn, new_id};

/// A pause or an exclusion, in force or lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// Database id.
    pub id: i64,
    /// Whom it holds.
    pub volunteer_id: i64,
    /// What it means.
    pub kind: ExclusionKind,
    /// Why, in the words that the person reads too.
    pub reason: String,
    /// Who did it.
    pub created_by: i64,
    /// When; milliseconds since 1970, UTC.
    pub created_at: i64,
    /// Who ended it.
    pub lifted_by: Option<i64>,
    /// When it ended.
    pub lifted_at: Option<i64>,
}

type Columns = (i64, i64, String, String, i64, i64, Option<i64>, Option<i64>);

macro_rules! columns {
    () => {
        (
            exclusions::id,
            exclusions::volunteer_id,
            exclusions::kind,
            exclusions::reason,
            exclusions::created_by,
            exclusions::created_at,
            exclusions::lifted_by,
            exclusions::lifted_at,
        )
    };
}

fn exclusion(row: Columns) -> QueryResult<Exclusion> {
    let (id, volunteer_id, kind, reason, created_by, created_at, lifted_by, lifted_at) = row;
    let kind = word(&kind)?;
    Ok(Exclusion { id, volunteer_id, kind, reason, created_by, created_at, lifted_by, lifted_at })
}

/// The pauses and exclusions in force in a campaign, oldest first.
pub fn in_force(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Exclusion>> {
    let rows = exclusions::table
        .filter(exclusions::campaign_id.eq(campaign_id))
        .filter(exclusions::lifted_at.is_null())
        .order((exclusions::created_at, exclusions::id))
        .select(columns!())
        .load::<Columns>(conn)?;
    rows.into_iter().map(exclusion).collect()
}

/// All that was ever imposed on somebody in a campaign, newest first.
pub fn of_volunteer(conn: &mut Conn, campaign_id: i64, volunteer_id: i64) -> QueryResult<Vec<Exclusion>> {
    let rows = exclusions::table
        .filter(exclusions::campaign_id.eq(campaign_id))
        .filter(exclusions::volunteer_id.eq(volunteer_id))
        .order((exclusions::created_at.desc(), exclusions::id.desc()))
        .select(columns!())
        .load::<Columns>(conn)?;
    rows.into_iter().map(exclusion).collect()
}

/// Imposes a pause or an exclusion. `(campaign, volunteer)` must have none in force.
pub fn impose(
    conn: &mut Conn,
    (campaign_id, volunteer_id): (i64, i64),
    (kind, reason): (ExclusionKind, &str),
    by: i64,
    now: i64,
) -> QueryResult<()> {
    // A pause leaves the labels as they are: nothing has to follow.
    let applied_at = (kind == ExclusionKind::Paused).then_some(now);
    diesel::insert_into(exclusions::table)
        .values((
            exclusions::id.eq(new_id()),
            exclusions::campaign_id.eq(campaign_id),
            exclusions::volunteer_id.eq(volunteer_id),
            exclusions::kind.eq(kind.key()),
            exclusions::reason.eq(reason),
            exclusions::created_by.eq(by),
            exclusions::created_at.eq(now),
            exclusions::applied_at.eq(applied_at),
        ))
        .execute(conn)
        .map(drop)
}

/// Ends what is in force; the labels have yet to follow where it was an exclusion.
pub fn lift(conn: &mut Conn, one: &Exclusion, by: i64, now: i64) -> QueryResult<()> {
    let applied_at = (one.kind == ExclusionKind::Paused).then_some(now);
    let row = exclusions::table.find(one.id).filter(exclusions::lifted_at.is_null());
    diesel::update(row)
        .set((
            exclusions::lifted_by.eq(by),
            exclusions::lifted_at.eq(now),
            // A pause never moved a label, so its ending is no news for the model either.
            exclusions::applied_at.eq(applied_at),
        ))
        .execute(conn)
        .map(drop)
}

/// Volunteers whose labels are left out.
fn excluded_now(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<i64>> {
    exclusions::table
        .filter(exclusions::campaign_id.eq(campaign_id))
        .filter(exclusions::kind.eq(ExclusionKind::Excluded.key()))
        .filter(exclusions::lifted_at.is_null())
        .order(exclusions::volunteer_id)
        .select(exclusions::volunteer_id)
        .load(conn)
}

/// A few tiles that have yet to follow: with a label of somebody excluded that still counts as anybody's, or with one left
/// out whose author is excluded no longer. In the order of their ids.
pub fn tiles_behind(conn: &mut Conn, campaign_id: i64, limit: i64) -> QueryResult<Vec<i64>> {
    let excluded = excluded_now(conn, campaign_id)?;
    let mut tiles = BTreeSet::new();
    // A few hundred ids at a time: SQLite takes no more than some thousand in one statement.
    for some in excluded.chunks(500) {
        let found: Vec<i64> = current_labels::table
            .filter(current_labels::campaign_id.eq(campaign_id))
            .filter(current_labels::volunteer_id.eq_any(some.to_vec()))
            .filter(diesel::dsl::not(current_labels::excluded))
            .order(current_labels::tile)
            .limit(limit)
            .select(current_labels::tile)
            .load(conn)?;
        tiles.extend(found);
    }
    let free = exclusions::table
        .filter(exclusions::campaign_id.eq(campaign_id))
        .filter(exclusions::kind.eq(ExclusionKind::Excluded.key()))
        .filter(exclusions::lifted_at.is_null())
        .select(exclusions::volunteer_id);
    let back: Vec<i64> = current_labels::table
        .filter(current_labels::campaign_id.eq(campaign_id))
        .filter(current_labels::excluded)
        .filter(diesel::dsl::not(current_labels::volunteer_id.eq_any(free)))
        .order(current_labels::tile)
        .limit(limit)
        .select(current_labels::tile)
        .load(conn)?;
    tiles.extend(back);
    Ok(tiles.into_iter().take(limit as usize).collect())
}

/// How many labels have yet to follow.
pub fn labels_behind(conn: &mut Conn, campaign_id: i64) -> QueryResult<i64> {
    let excluded = || {
        exclusions::table
            .filter(exclusions::campaign_id.eq(campaign_id))
            .filter(exclusions::kind.eq(ExclusionKind::Excluded.key()))
            .filter(exclusions::lifted_at.is_null())
            .select(exclusions::volunteer_id)
    };
    let mine = || current_labels::table.filter(current_labels::campaign_id.eq(campaign_id));
    let aside: i64 = mine()
        .filter(current_labels::volunteer_id.eq_any(excluded()))
        .filter(diesel::dsl::not(current_labels::excluded))
        .count()
        .get_result(conn)?;
    let back: i64 = mine()
        .filter(current_labels::excluded)
        .filter(diesel::dsl::not(current_labels::volunteer_id.eq_any(excluded())))
        .count()
        .get_result(conn)?;
    Ok(aside + back)
}

/// Those of the authors whose labels are left out.
pub fn excluded_among(conn: &mut Conn, campaign_id: i64, authors: &[i64]) -> QueryResult<BTreeSet<i64>> {
    let found: Vec<i64> = exclusions::table
        .filter(exclusions::campaign_id.eq(campaign_id))
        .filter(exclusions::kind.eq(ExclusionKind::Excluded.key()))
        .filter(exclusions::lifted_at.is_null())
        .filter(exclusions::volunteer_id.eq_any(authors.to_vec()))
        .select(exclusions::volunteer_id)
        .load(conn)?;
    Ok(found.into_iter().collect())
}

/// Whether any act has yet to be followed by labels.
pub fn any_unapplied(conn: &mut Conn, campaign_id: i64) -> QueryResult<bool> {
    let waiting = exclusions::table
        .filter(exclusions::campaign_id.eq(campaign_id))
        .filter(exclusions::applied_at.is_null())
        .count()
        .get_result::<i64>(conn)?;
    Ok(waiting > 0)
}

/// Notes that all labels have followed all acts made up to `until`.
pub fn set_applied(conn: &mut Conn, campaign_id: i64, until: i64, now: i64) -> QueryResult<usize> {
    let followed = exclusions::table
        .filter(exclusions::campaign_id.eq(campaign_id))
        .filter(exclusions::applied_at.is_null())
        .filter(exclusions::created_at.le(until))
        .filter(exclusions::lifted_at.is_null().or(exclusions::lifted_at.le(until)));
    diesel::update(followed).set(exclusions::applied_at.eq(now)).execute(conn)
}

/// Whether labels were left out or brought back since that time, so that a model from then does not know it.
pub fn changed_since(conn: &mut Conn, campaign_id: i64, since: i64) -> QueryResult<bool> {
    let changed = exclusions::table
        .filter(exclusions::campaign_id.eq(campaign_id))
        .filter(exclusions::kind.eq(ExclusionKind::Excluded.key()))
        .filter(exclusions::applied_at.ge(since))
        .count()
        .get_result::<i64>(conn)?;
    Ok(changed > 0)
}

/// Leaves a label out, or lets it be one again; `counted` says whether it takes part in the consensus from now on.
pub fn set_label(conn: &mut Conn, (tile, volunteer): (i64, i64), excluded: bool, counted: bool) -> QueryResult<()> {
    diesel::update(current_labels::table.find((tile, volunteer)))
        .set((current_labels::excluded.eq(excluded), current_labels::counted.eq(counted)))
        .execute(conn)
        .map(drop)
}

/// How a tile stood before its first label was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Its state.
    pub state: TileState,
    /// Counted labels that it wanted.
    pub needed: u32,
    /// Counted labels when it would first have settled.
    pub first_settled_at: Option<u32>,
    /// When it closed.
    pub closed_at: Option<i64>,
    /// Its current labels: author, log entry, whether it counted; in the order of authors.
    pub labels: Vec<(i64, Uuid, bool)>,
}

/// Remembers how a tile stands, unless that is remembered already.
pub fn remember(conn: &mut Conn, row: &QueueRow, labels: &[(i64, Uuid, bool)]) -> QueryResult<()> {
    if before(conn, row.tile)?.is_some() {
        return Ok(());
    }
    let labels = serde_json::to_string(labels).map_err(|error| broken(error.to_string()))?;
    diesel::insert_into(before_exclusion::table)
        .values((
            before_exclusion::tile.eq(row.tile),
            before_exclusion::campaign_id.eq(row.campaign_id),
            before_exclusion::state.eq(row.state.key()),
            before_exclusion::needed.eq(row.needed as i16),
            before_exclusion::first_settled_at.eq(row.first_settled_at.map(|count| count as i16)),
            before_exclusion::closed_at.eq(row.closed_at),
            before_exclusion::labels.eq(labels),
        ))
        .execute(conn)
        .map(drop)
}

/// How a tile stood before its first label was set aside.
pub fn before(conn: &mut Conn, tile: i64) -> QueryResult<Option<Before>> {
    type Row = (String, i16, Option<i16>, Option<i64>, String);
    let row: Option<Row> = before_exclusion::table
        .find(tile)
        .select((
            before_exclusion::state,
            before_exclusion::needed,
            before_exclusion::first_settled_at,
            before_exclusion::closed_at,
            before_exclusion::labels,
        ))
        .first(conn)
        .optional()?;
    let count = |value: i16| u32::from(value.unsigned_abs());
    let read = |(state, needed, first, closed_at, labels): Row| {
        let labels = serde_json::from_str(&labels).map_err(|error| broken(error.to_string()))?;
        let (state, needed, first_settled_at) = (word(&state)?, count(needed), first.map(count));
        Ok(Before { state, needed, first_settled_at, closed_at, labels })
    };
    row.map(read).transpose()
}

/// Forgets it: nothing of the tile is left out any more.
pub fn forget(conn: &mut Conn, tile: i64) -> QueryResult<()> {
    diesel::delete(before_exclusion::table.find(tile)).execute(conn).map(drop)
}
