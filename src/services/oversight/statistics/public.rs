//! What everybody may know of a public campaign: how far, how fast, how many. No tile is named, and nothing moves with a
//! tile before its outcome is public.

use super::{ACTIVE_MS, Progress, finish_of, number, paces_of, progress};
use crate::domain::campaign::Campaign;
use crate::domain::damage_map::QUIET_MS;
use crate::domain::finish::{Finish, Left, STRETCHES_MS};
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::oversight::statistics as counts;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// What everybody may know.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PublicProgress {
    /// The minute in which it was counted; milliseconds since 1970, UTC.
    pub as_of: i64,
    /// Tiles.
    pub progress: Progress,
    /// Answers given: one for each volunteer and tile.
    pub labels: u64,
    /// Those of the last 24 hours.
    pub labels_last_day: u64,
    /// People who ever asked for tiles.
    pub volunteers: u64,
    /// Those who were there within the last hour.
    pub volunteers_active: u64,
    /// When no tile will ask for labels any more, in whole days.
    pub finish: Finish,
}

/// Counts what everybody may know.
pub fn public_progress(conn: &mut Conn, campaign: &Campaign, now: i64) -> Result<PublicProgress, Error> {
    let id = campaign.id;
    let progress = progress(conn, campaign, false, now)?;
    // Minutes that ended ten minutes ago: tiles that closed later are not to be felt in the pace either.
    let until = (now - QUIET_MS).div_euclid(MINUTE_MS);
    let longest = STRETCHES_MS.iter().max().copied().unwrap_or(0);
    let closings = counts::closings_by_minute(conn, id, (until * MINUTE_MS) - longest)?;
    let done = |ms: i64| {
        let within = until - ms / MINUTE_MS..until;
        closings.iter().filter(|count| within.contains(&count.minute)).map(|count| count.number).sum::<i64>() as f64
    };
    let secret = if campaign.state.is_over() { 0 } else { counts::secret_gold(conn, id)? };
    let open = number(i64::try_from(progress.open).unwrap_or(i64::MAX) - secret) as f64;
    let told = progress.closed >= 1;
    let paces = paces_of(campaign, &done, now);
    let finish = finish_of(campaign, told.then_some(Left { least: open, most: open }), &paces, now);
    Ok(PublicProgress {
        as_of: now - now.rem_euclid(MINUTE_MS),
        progress,
        labels: number(counts::first_answers(conn, id, i64::MIN / 2)?),
        labels_last_day: number(counts::first_answers(conn, id, now - DAY_MS)?),
        volunteers: number(counts::volunteers(conn, id)?),
        volunteers_active: number(counts::active(conn, id, now - ACTIVE_MS)?),
        finish: in_days(finish),
    })
}

/// An interval widened to whole days, UTC: it does not move with each tile.
fn in_days(finish: Finish) -> Finish {
    match finish {
        Finish::Between { earliest, latest } => {
            let day = |at: i64| at.div_euclid(DAY_MS) * DAY_MS;
            Finish::Between { earliest: day(earliest), latest: day(latest) }
        }
        other => other,
    }
}
