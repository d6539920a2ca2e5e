//! Jobs: work in the background. A row is claimed by one run at a time, which shows by its heartbeat that it lives.

use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use super::campaigns::word;
use super::schema::{jobs, volunteers};
use super::{Conn, each_backend, new_id};
use crate::domain::job::{JobKind, JobState};

/// A job as it is stored. Times are milliseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Database id.
    pub id: i64,
    /// The campaign it works on.
    pub campaign_id: Option<i64>,
    /// What it does.
    pub kind: JobKind,
    /// What exactly, JSON.
    pub input: String,
    /// Where it stands.
    pub state: JobState,
    /// Units done in this attempt.
    pub units_done: i64,
    /// Units that there are; 0 while nobody knows.
    pub units_total: i64,
    /// Its outcome, or why it failed.
    pub message: String,
    /// What is odd, in lines.
    pub report: String,
    /// How often it was begun.
    pub attempts: i32,
    /// Whether somebody wants it to stop.
    pub cancel_asked: bool,
    /// Who wanted it.
    pub created_by: Option<i64>,
    /// When it was asked for.
    pub created_at: i64,
    /// When this attempt was begun.
    pub started_at: Option<i64>,
    /// When it was over.
    pub finished_at: Option<i64>,
}

type Row = (
    (i64, Option<i64>, String, String, String, i64, i64),
    (String, String, i32, bool, Option<i64>, i64, Option<i64>, Option<i64>),
);

macro_rules! columns {
    () => {
        (
            (jobs::id, jobs::campaign_id, jobs::kind, jobs::input, jobs::state, jobs::units_done, jobs::units_total),
            (
                jobs::message,
                jobs::report,
                jobs::attempts,
                jobs::cancel_asked,
                jobs::created_by,
                jobs::created_at,
                jobs::started_at,
                jobs::finished_at,
            ),
        )
    };
}

fn job(row: Row) -> QueryResult<Job> {
    let ((id, campaign_id, kind, input, state, units_done, units_total), rest) = row;
    let (message, report, attempts, cancel_asked, created_by, created_at, started_at, finished_at) = rest;
    let (kind, state) = (word(&kind)?, word(&state)?);
    Ok(Job {
        id,
        campaign_id,
        kind,
        input,
        state,
        units_done,
        units_total,
        message,
        report,
        attempts,
        cancel_asked,
        created_by,
        created_at,
        started_at,
        finished_at,
    })
}

/// Adds a job that waits to be begun.
pub fn add(
    conn: &mut Conn,
    campaign_id: i64,
    (kind, input): (JobKind, &str),
    by: Option<i64>,
    now: i64,
) -> QueryResult<i64> {
    let id = new_id();
    diesel::insert_into(jobs::table)
        .values((
            jobs::id.eq(id),
            jobs::campaign_id.eq(campaign_id),
            jobs::kind.eq(kind.key()),
            jobs::input.eq(input),
            jobs::state.eq("waiting"),
            jobs::created_by.eq(by),
            jobs::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(id)
}

/// How the work on a campaign stands, in a few numbers: whoever sees them change looks at the jobs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pulse {
    /// Jobs that wait or run.
    pub under_way: i64,
    /// Units that they have done.
    pub units_done: i64,
    /// When the last one was over; milliseconds since 1970, UTC.
    pub ended_at: Option<i64>,
}

/// How the work on a campaign stands.
pub fn pulse(conn: &mut Conn, campaign_id: i64) -> QueryResult<Pulse> {
    let of_campaign = || jobs::table.filter(jobs::campaign_id.eq(campaign_id));
    let ended_at = of_campaign().select(max(jobs::finished_at)).first(conn)?;
    let units: Vec<i64> =
        of_campaign().filter(jobs::state.eq_any(["waiting", "running"])).select(jobs::units_done).load(conn)?;
    Ok(Pulse { under_way: units.len() as i64, units_done: units.iter().sum(), ended_at })
}

/// The job of that id.
pub fn find(conn: &mut Conn, id: i64) -> QueryResult<Option<Job>> {
    jobs::table.find(id).select(columns!()).first::<Row>(conn).optional()?.map(job).transpose()
}

/// The newest jobs of a campaign, newest first.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64, most: i64) -> QueryResult<Vec<Job>> {
    let rows = jobs::table
        .filter(jobs::campaign_id.eq(campaign_id))
        .order(jobs::id.desc())
        .limit(most)
        .select(columns!())
        .load::<Row>(conn)?;
    rows.into_iter().map(job).collect()
}

/// The jobs of a campaign that wait or run, oldest first.
pub fn unfinished(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Job>> {
    let rows = jobs::table
        .filter(jobs::campaign_id.eq(campaign_id))
        .filter(jobs::state.eq_any(["waiting", "running"]))
        .order(jobs::id)
        .select(columns!())
        .load::<Row>(conn)?;
    rows.into_iter().map(job).collect()
}

/// Of each campaign the job that may be begun next: one whose run gave no sign of life since `silent_since`, else the
/// oldest that waits. Campaigns take turns, or one with a hundred jobs would hold up all others: first comes the one whose
/// last job was begun longest ago.
pub fn to_do(conn: &mut Conn, silent_since: i64) -> QueryResult<Vec<(i64, Option<i64>)>> {
    // A number of our own, so it can stand in the text.
    let statement = format!(
        "SELECT next.id, next.campaign_id FROM (
             SELECT campaign_id, COALESCE(MIN(CASE WHEN state = 'running' THEN id END), MIN(id)) AS id FROM jobs
             WHERE state = 'waiting' OR (state = 'running' AND heartbeat_at < {silent_since})
             GROUP BY campaign_id) next
         ORDER BY COALESCE((SELECT MAX(begun.started_at) FROM jobs begun
                            WHERE begun.campaign_id = next.campaign_id), 0), next.id
         LIMIT 50"
    );
    let rows: Vec<Next> = each_backend!(conn, inner => diesel::sql_query(statement).load(inner))?;
    Ok(rows.into_iter().map(|next| (next.id, next.campaign_id)).collect())
}

#[derive(QueryableByName)]
struct Next {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    campaign_id: Option<i64>,
}

/// Whether an older job of the campaign is to be done first, or another one runs.
pub fn must_wait(conn: &mut Conn, id: i64, campaign_id: i64) -> QueryResult<bool> {
    let before = jobs::state.eq("running").or(jobs::state.eq("waiting").and(jobs::id.lt(id)));
    let others = jobs::table.filter(jobs::campaign_id.eq(campaign_id)).filter(jobs::id.ne(id)).filter(before);
    Ok(others.count().get_result::<i64>(conn)? > 0)
}

/// Takes a job for this run; false where somebody else has it.
pub fn claim(conn: &mut Conn, id: i64, holder: &str, silent_since: i64, now: i64) -> QueryResult<bool> {
    let abandoned = jobs::state.eq("running").and(jobs::heartbeat_at.lt(silent_since));
    let free = jobs::table.find(id).filter(jobs::state.eq("waiting").or(abandoned.assume_not_null()));
    let changes = (
        jobs::state.eq("running"),
        jobs::holder.eq(holder),
        jobs::attempts.eq(jobs::attempts + 1),
        jobs::units_done.eq(0),
        jobs::units_total.eq(0),
        jobs::started_at.eq(now),
        jobs::heartbeat_at.eq(now),
    );
    Ok(diesel::update(free).set(changes).execute(conn)? == 1)
}

/// Says that the run lives and how far it is; `None` where it lost the job, else whether it is to stop.
pub fn beat(conn: &mut Conn, id: i64, holder: &str, (done, total): (i64, i64), now: i64) -> QueryResult<Option<bool>> {
    let mine = jobs::table.find(id).filter(jobs::holder.eq(holder)).filter(jobs::state.eq("running"));
    let changes = (jobs::heartbeat_at.eq(now), jobs::units_done.eq(done), jobs::units_total.eq(total));
    if diesel::update(mine).set(changes).execute(conn)? == 0 {
        return Ok(None);
    }
    jobs::table.find(id).select(jobs::cancel_asked).first(conn).map(Some)
}

/// Ends a job that this run holds. One whose author was deleted meanwhile is removed: it names their file.
pub fn finish(
    conn: &mut Conn,
    id: i64,
    holder: &str,
    (state, message, report): (JobState, &str, &str),
    now: i64,
) -> QueryResult<bool> {
    lock_author(conn, id)?;
    let mine = jobs::table.find(id).filter(jobs::holder.eq(holder)).filter(jobs::state.eq("running"));
    let over = (
        jobs::state.eq(state.key()),
        jobs::message.eq(message),
        jobs::report.eq(report),
        jobs::holder.eq(None::<String>),
        jobs::finished_at.eq(now),
    );
    let ended = diesel::update(mine).set(over).execute(conn)? == 1;
    forget_if_deleted(conn, id)?;
    Ok(ended)
}

/// Waits for a deletion of whoever asked for the job, so that either it or the end of the job sees the other.
fn lock_author(conn: &mut Conn, id: i64) -> QueryResult<()> {
    let author = jobs::table.find(id).select(jobs::created_by).first::<Option<i64>>(conn).optional()?.flatten();
    author.map_or(Ok(()), |author| crate::storage::people::volunteers::lock(conn, author))
}

/// Removes a job that is over where whoever asked for it is deleted.
fn forget_if_deleted(conn: &mut Conn, id: i64) -> QueryResult<()> {
    let deleted = volunteers::table.filter(volunteers::deleted_at.is_not_null()).select(volunteers::id.nullable());
    let over = jobs::table.find(id).filter(jobs::finished_at.is_not_null()).filter(jobs::created_by.eq_any(deleted));
    diesel::delete(over).execute(conn).map(drop)
}

/// Gives a job back, to be begun again at once by whoever comes first.
pub fn give_back(conn: &mut Conn, id: i64, holder: &str) -> QueryResult<()> {
    let mine = jobs::table.find(id).filter(jobs::holder.eq(holder)).filter(jobs::state.eq("running"));
    let again = (jobs::state.eq("waiting"), jobs::holder.eq(None::<String>), jobs::attempts.eq(jobs::attempts - 1));
    diesel::update(mine).set(again).execute(conn).map(drop)
}

/// Cancels a job that waits, and asks one that runs to stop; false where it is over.
pub fn cancel(conn: &mut Conn, id: i64, now: i64) -> QueryResult<bool> {
    lock_author(conn, id)?;
    let waiting = jobs::table.find(id).filter(jobs::state.eq("waiting"));
    let over = (jobs::state.eq("cancelled"), jobs::finished_at.eq(now), jobs::message.eq("cancelled before it began"));
    if diesel::update(waiting).set(over).execute(conn)? == 1 {
        forget_if_deleted(conn, id)?;
        return Ok(true);
    }
    let running = jobs::table.find(id).filter(jobs::state.eq("running"));
    Ok(diesel::update(running).set(jobs::cancel_asked.eq(true)).execute(conn)? == 1)
}
