//! The policies under which a campaign's tiles were decided, one after the other, and how far the last one has come.

use diesel::dsl::{count_star, not};
use diesel::prelude::*;

use super::broken;
use crate::domain::policy::Policy;
use crate::storage::Conn;
use crate::storage::schema::{policy_versions, queue};

/// One policy of a campaign, and when it came into force.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyVersion {
    /// 1 for the one under which the campaign opened.
    pub version: u32,
    /// The policy.
    pub policy: Policy,
    /// Why it was changed, in the words of who changed it.
    pub reason: String,
    /// Who; `None`: the operator.
    pub changed_by: Option<i64>,
    /// Milliseconds since 1970, UTC.
    pub in_force_from: i64,
    /// Whether it decided closed tiles anew.
    pub closed_too: bool,
    /// When all tiles followed it, likewise; `None`: not yet.
    pub applied_at: Option<i64>,
}

/// All policies of a campaign, in the order of their time; none where it never changed.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<PolicyVersion>> {
    type Row = (i32, String, String, Option<i64>, i64, bool, Option<i64>);
    let rows = policy_versions::table
        .filter(policy_versions::campaign_id.eq(campaign_id))
        .order(policy_versions::version)
        .select((
            policy_versions::version,
            policy_versions::settings,
            policy_versions::reason,
            policy_versions::changed_by,
            policy_versions::in_force_from,
            policy_versions::closed_too,
            policy_versions::applied_at,
        ))
        .load::<Row>(conn)?;
    let version = |(version, settings, reason, changed_by, in_force_from, closed_too, applied_at): Row| {
        let policy = serde_json::from_str(&settings).map_err(|error| broken(error.to_string()))?;
        let version = version.unsigned_abs();
        Ok(PolicyVersion { version, policy, reason, changed_by, in_force_from, closed_too, applied_at })
    };
    rows.into_iter().map(version).collect()
}

/// Adds a version. One that has not been applied begins with the first tile.
pub fn insert(conn: &mut Conn, campaign_id: i64, new: &PolicyVersion) -> QueryResult<()> {
    let settings = serde_json::to_string(&new.policy).map_err(|error| broken(error.to_string()))?;
    diesel::insert_into(policy_versions::table)
        .values((
            policy_versions::campaign_id.eq(campaign_id),
            policy_versions::version.eq(new.version as i32),
            policy_versions::settings.eq(settings),
            policy_versions::reason.eq(&new.reason),
            policy_versions::changed_by.eq(new.changed_by),
            policy_versions::in_force_from.eq(new.in_force_from),
            policy_versions::closed_too.eq(new.closed_too),
            policy_versions::tiles_after.eq(i64::MIN),
            policy_versions::applied_at.eq(new.applied_at),
        ))
        .execute(conn)
        .map(drop)
}

/// A version that tiles are still being brought in line with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Unfinished {
    /// The version.
    pub version: i32,
    /// Whether it decides closed tiles anew.
    pub closed_too: bool,
    /// Tiles up to this id follow it.
    pub tiles_after: i64,
}

/// The newest version of a campaign, if tiles do not all follow it yet. An older one that was overtaken ends with it: the
/// newer one goes to all tiles that the older one had to go to.
pub fn unfinished(conn: &mut Conn, campaign_id: i64) -> QueryResult<Option<Unfinished>> {
    let newest = policy_versions::table
        .filter(policy_versions::campaign_id.eq(campaign_id))
        .order(policy_versions::version.desc())
        .select((
            (policy_versions::version, policy_versions::closed_too, policy_versions::tiles_after),
            policy_versions::applied_at,
        ))
        .first::<(Unfinished, Option<i64>)>(conn)
        .optional()?;
    Ok(newest.filter(|(_, applied_at)| applied_at.is_none()).map(|(unfinished, _)| unfinished))
}

/// Notes how far a version has come; with a time it is applied everywhere, and so is what it overtook.
pub fn advance(
    conn: &mut Conn,
    campaign_id: i64,
    version: i32,
    (tiles_after, applied_at): (i64, Option<i64>),
) -> QueryResult<()> {
    diesel::update(policy_versions::table.find((campaign_id, version)))
        .set(policy_versions::tiles_after.eq(tiles_after))
        .execute(conn)?;
    let Some(applied_at) = applied_at else { return Ok(()) };
    let so_far = policy_versions::table
        .filter(policy_versions::campaign_id.eq(campaign_id))
        .filter(policy_versions::version.le(version))
        .filter(policy_versions::applied_at.is_null());
    diesel::update(so_far).set(policy_versions::applied_at.eq(applied_at)).execute(conn).map(drop)
}

/// The next tiles that have to follow a new policy, in the order of their ids: the open ones, or the closed ones too
/// that no expert decided. Gold follows none.
pub fn tiles_to_follow(
    conn: &mut Conn,
    campaign_id: i64,
    closed_too: bool,
    after: i64,
    limit: i64,
) -> QueryResult<Vec<i64>> {
    let states: &[&str] = if closed_too { &["open", "settled", "contested", "unusable"] } else { &["open"] };
    queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::gold.is_null())
        .filter(queue::state.eq_any(states))
        .filter(queue::tile.gt(after))
        .order(queue::tile)
        .limit(limit)
        .select(queue::tile)
        .load(conn)
}

/// Tiles with a counted label that a new policy would look at, withdrawn ones left out; a part of them where there are more than `limit`.
pub fn labelled(conn: &mut Conn, campaign_id: i64, closed_too: bool, limit: i64) -> QueryResult<Vec<i64>> {
    let states: &[&str] = if closed_too { &["open", "settled", "contested", "unusable"] } else { &["open"] };
    queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::gold.is_null())
        .filter(not(queue::withdrawn))
        .filter(queue::state.eq_any(states))
        .filter(queue::counted.gt(0))
        .order(queue::shuffle_key)
        .limit(limit)
        .select(queue::tile)
        .load(conn)
}

/// Closed tiles with a counted label that no expert decided; withdrawn ones left out.
pub fn labelled_and_closed(conn: &mut Conn, campaign_id: i64) -> QueryResult<i64> {
    queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::gold.is_null())
        .filter(not(queue::withdrawn))
        .filter(queue::state.eq_any(["settled", "contested", "unusable"]))
        .filter(queue::counted.gt(0))
        .count()
        .get_result(conn)
}

/// What one label costs is known before it is asked for: (labels counted, labels wanted, tiles) of all open tiles that
/// can be seen.
pub fn open_by_count(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<(i16, i16, i64)>> {
    queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::state.eq("open"))
        .filter(queue::gold.is_null())
        .filter(not(queue::withdrawn))
        .group_by((queue::counted, queue::needed))
        .select((queue::counted, queue::needed, count_star()))
        .load(conn)
}
