//! How far a campaign is, for everybody.

use super::number;
use crate::domain::campaign::Campaign;
use crate::domain::damage_map::QUIET_MS;
use crate::storage::oversight::statistics as counts;
use crate::storage::{Conn, QueryError};

/// How far a campaign is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// All tiles.
    pub tiles: u64,
    /// Those that ask for labels.
    pub open: u64,
    /// Those that do not.
    pub closed: u64,
    /// Those of the closed ones that the crowd could not decide: they wait for experts.
    pub contested: u64,
    /// `closed / tiles`, not rounded; 0 without tiles.
    pub share: f64,
}

/// How far a campaign is. Those who may see open tiles (`sees_all`) are told of every tile at once. To everybody else a
/// tile is closed when the map says so: ten minutes after it closed, when its authors can no longer change their
/// answers, so that nobody learns from the count what the others said; and check gold in use reads as open until the
/// campaign is over.
pub fn progress(conn: &mut Conn, campaign: &Campaign, sees_all: bool, now: i64) -> Result<Progress, QueryError> {
    let (tiles, mut closed) = counts::tiles_and_closed(conn, campaign.id)?;
    if !sees_all {
        closed -= counts::closed_since(conn, campaign.id, now - QUIET_MS)?;
        if !campaign.state.is_over() {
            closed -= counts::secret_gold(conn, campaign.id)?;
        }
    }
    let until = if sees_all { i64::MAX } else { now - QUIET_MS };
    let contested = number(counts::contested_until(conn, campaign.id, until)?);
    let (tiles, closed) = (number(tiles), number(closed));
    let share = if tiles == 0 { 0.0 } else { closed as f64 / tiles as f64 };
    Ok(Progress { tiles, open: tiles - closed, closed, contested, share })
}
