//! What waits for too long in a campaign. Each count is to be 0 in one that runs as it should.

use diesel::dsl::{exists, min, not};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::domain::job::JobKind;
use crate::storage::campaigns::word;
use crate::storage::labelling::notes::by_excluded;
use crate::storage::schema::{exclusions, jobs, leases, notes, queue};
use crate::storage::{Conn, each_backend};

/// Open tiles that nobody has in hand and that none of the volunteers active since `active_since` could be given: each of
/// them labelled it or skipped it after `skipped_since`. 0 while nobody is active.
///
/// Only tiles that the least busy of the active volunteers has seen are looked at, however many there are.
pub fn waiting_for_new_eyes(
    conn: &mut Conn,
    campaign_id: i64,
    active_since: i64,
    skipped_since: i64,
) -> QueryResult<i64> {
    // Numbers of our own, so they can stand in the text; both databases read the same statement.
    let statement = format!(
        "WITH active AS MATERIALIZED (
             SELECT volunteer_id, labels + skips AS seen FROM participations p
             WHERE p.campaign_id = {campaign_id} AND p.last_at >= {active_since} AND NOT EXISTS (
                 SELECT 1 FROM exclusions e
                 WHERE e.campaign_id = {campaign_id} AND e.volunteer_id = p.volunteer_id AND e.lifted_at IS NULL)),
         fresh AS MATERIALIZED (SELECT volunteer_id FROM active ORDER BY seen, volunteer_id LIMIT 1),
         seen AS MATERIALIZED (
             SELECT c.tile FROM fresh f JOIN current_labels c ON c.volunteer_id = f.volunteer_id
             WHERE c.campaign_id = {campaign_id}
             UNION
             SELECT l.tile FROM fresh f JOIN leases l ON l.volunteer_id = f.volunteer_id
             WHERE l.campaign_id = {campaign_id} AND l.outcome = 'skipped' AND l.ended_at > {skipped_since})
         SELECT COUNT(*) AS number FROM seen s JOIN queue q ON q.tile = s.tile
         WHERE q.state = 'open' AND q.leased = 0 AND NOT q.withdrawn AND NOT q.lacks_pictures
           AND NOT EXISTS (
               SELECT 1 FROM active a
               WHERE NOT EXISTS (
                         SELECT 1 FROM current_labels c WHERE c.tile = q.tile AND c.volunteer_id = a.volunteer_id
                           AND c.censored IS NULL)
                 AND NOT EXISTS (
                         SELECT 1 FROM leases l
                         WHERE l.tile = q.tile AND l.volunteer_id = a.volunteer_id AND l.outcome = 'skipped'
                           AND l.ended_at > {skipped_since}))"
    );
    let row: Number = each_backend!(conn, inner => diesel::sql_query(statement).get_result(inner))?;
    Ok(row.number)
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Leases that ran out before that time and were not taken back.
pub fn expired_leases(conn: &mut Conn, campaign_id: i64, before: i64) -> QueryResult<i64> {
    leases::table
        .filter(leases::campaign_id.eq(campaign_id))
        .filter(leases::ended_at.is_null())
        .filter(leases::expires_at.lt(before))
        .count()
        .get_result(conn)
}

/// Tiles that have labels, want more, are free to be handed out, and have not changed since then.
pub fn half_done_tiles(conn: &mut Conn, campaign_id: i64, before: i64) -> QueryResult<i64> {
    // In numbers of the text, not of parameters, so that the index of begun tiles is known to hold them all.
    let statement = format!(
        "SELECT COUNT(*) AS number FROM queue q JOIN consensus k ON k.tile = q.tile
         WHERE q.campaign_id = {campaign_id} AND q.state = 'open' AND q.counted > 0 AND q.available
           AND k.changed_at < {before}"
    );
    let row: Number = each_backend!(conn, inner => diesel::sql_query(statement).get_result(inner))?;
    Ok(row.number)
}

/// Tiles that were contested before that time and are so still, withdrawn ones left out: no reviewer sees those.
pub fn contested_tiles(conn: &mut Conn, campaign_id: i64, before: i64) -> QueryResult<i64> {
    queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::state.eq("contested"))
        .filter(not(queue::withdrawn))
        .filter(queue::closed_at.lt(before))
        .count()
        .get_result(conn)
}

/// Flagged notes that nobody saw to, those of excluded people left out as everywhere, and when the oldest was left; milliseconds since 1970, UTC.
pub fn open_flags(conn: &mut Conn, campaign_id: i64) -> QueryResult<(i64, Option<i64>)> {
    let open = || {
        notes::table
            .filter(notes::campaign_id.eq(campaign_id))
            .filter(notes::flagged)
            .filter(notes::resolved_at.is_null())
            .filter(not(exists(by_excluded!())))
    };
    let oldest = open().select(min(notes::created_at)).first(conn)?;
    Ok((open().count().get_result(conn)?, oldest))
}

/// The kinds of the jobs from that time on that ended in failure and were not done again since, one for each job, newest
/// first.
pub fn failed_jobs(conn: &mut Conn, campaign_id: i64, since: i64) -> QueryResult<Vec<JobKind>> {
    let again = diesel::alias!(jobs as again);
    let repaired = again
        .filter(again.field(jobs::campaign_id).eq(jobs::campaign_id))
        .filter(again.field(jobs::kind).eq(jobs::kind))
        .filter(again.field(jobs::input).eq(jobs::input))
        .filter(again.field(jobs::created_at).gt(jobs::created_at))
        .filter(again.field(jobs::state).ne("failed"));
    let query = jobs::table
        .filter(jobs::campaign_id.eq(campaign_id))
        .filter(jobs::state.eq("failed"))
        .filter(jobs::created_at.ge(since))
        .filter(not(exists(repaired)))
        .order((jobs::created_at.desc(), jobs::id.desc()))
        .select(jobs::kind);
    let kinds: Vec<String> = each_backend!(conn, inner => query.load(inner))?;
    kinds.iter().map(|kind| word(kind)).collect()
}

/// Jobs that nobody began before that time, or whose worker gave no sign of life since.
pub fn stuck_jobs(conn: &mut Conn, campaign_id: i64, before: i64) -> QueryResult<i64> {
    let waiting = jobs::state.eq("waiting").and(jobs::created_at.lt(before));
    let silent = jobs::state.eq("running").and(jobs::heartbeat_at.is_null().or(jobs::heartbeat_at.lt(before)));
    // A list of jobs is short, and NULL says nothing either way.
    let of_campaign = jobs::table.filter(jobs::campaign_id.eq(campaign_id));
    of_campaign.filter(waiting.nullable().or(silent.nullable())).count().get_result(conn)
}
