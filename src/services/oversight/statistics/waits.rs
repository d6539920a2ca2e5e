//! What waits for somebody, and what waits for too long: each of the latter is to be 0.

use super::{Newest, number, waiting_for_new_eyes};
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::job::JobKind;
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::oversight::delays;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// Leases that ran out are taken back within seconds.
const LEASES_MS: i64 = 2 * MINUTE_MS;
/// A tile with labels that wants more is handed out before a fresh one.
const HALF_DONE_MS: i64 = 7 * DAY_MS;
/// A contested tile should find a reviewer, and a flag a reader, within this.
const EXPERTS_MS: i64 = 7 * DAY_MS;
/// A job gives signs of life far more often.
const JOBS_MS: i64 = 10 * MINUTE_MS;
/// The next model is late when so many times the labels have come in that it takes.
const REFIT_LATE: u64 = 3;

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// Open tiles in nobody's hands that every active volunteer has already labelled or lately skipped; 0 while nobody
    /// is active.
    pub for_new_eyes: u64,
    /// Open tiles of which so many scenes were withdrawn that nobody can compare: they are handed to nobody.
    pub lacks_pictures: u64,
    /// Flagged notes that nobody saw to.
    pub flags: u64,
    /// Leases that ran out minutes ago and were not taken back.
    pub expired_leases: u64,
    /// Tiles that have labels, want more, and were not touched for a week.
    pub half_done_tiles: u64,
    /// Tiles that have waited for a reviewer for more than a week.
    pub old_contested_tiles: u64,
    /// Whether somebody has waited for an answer to a flag for more than a week.
    pub old_flags: bool,
    /// Whether far more labels have come in than the next model was to be made after.
    pub refit_overdue: bool,
    /// Jobs in the background that failed and were not done again: the kind of each, newest first.
    pub failed_jobs: Vec<JobKind>,
    /// Jobs that do not begin, or give no sign of life.
    pub stuck_jobs: u64,
}

/// Counts what waits; `fresh` log entries came in since the newest model, and so many open tiles lack pictures.
pub(super) fn waits(
    conn: &mut Conn,
    campaign: &Campaign,
    (fresh, newest, lacks_pictures): (u64, Newest, u64),
    now: i64,
) -> Result<Waits, Error> {
    let id = campaign.id;
    let is_running = matches!(campaign.state, CampaignState::Open | CampaignState::Paused);
    let is_open = campaign.state == CampaignState::Open;
    let (flags, oldest_flag) = delays::open_flags(conn, id)?;
    let if_so = |asked: bool, count: &mut dyn FnMut() -> Result<i64, Error>| match asked {
        true => count().map(number),
        false => Ok(0),
    };
    Ok(Waits {
        for_new_eyes: if is_open { waiting_for_new_eyes(conn, id, now)? } else { 0 },
        lacks_pictures: if is_running { lacks_pictures } else { 0 },
        flags: number(flags),
        expired_leases: if_so(is_running, &mut || Ok(delays::expired_leases(conn, id, now - LEASES_MS)?))?,
        half_done_tiles: if_so(is_open, &mut || Ok(delays::half_done_tiles(conn, id, now - HALF_DONE_MS)?))?,
        old_contested_tiles: if_so(is_running, &mut || Ok(delays::contested_tiles(conn, id, now - EXPERTS_MS)?))?,
        old_flags: oldest_flag.is_some_and(|at| at < now - EXPERTS_MS),
        refit_overdue: is_running && fresh >= REFIT_LATE * newest.due,
        failed_jobs: delays::failed_jobs(conn, id, campaign.opened_at.unwrap_or(0))?,
        stuck_jobs: number(delays::stuck_jobs(conn, id, now - JOBS_MS)?),
    })
}
