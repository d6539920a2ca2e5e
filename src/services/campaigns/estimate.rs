//! How much work a draft will be, with what is known of it.

use crate::domain::campaign::Campaign;
use crate::domain::estimate::{Estimate, estimate as made_of};
use crate::domain::policy::Policy;
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::labelling::{labels, queue};

/// Fewer labels than this are no measure of how long one takes.
const ENOUGH_LABELS: usize = 200;
/// Labels that are looked at, the newest ones.
const SAMPLE: i64 = 2_000;

/// Estimates the work of a campaign, under another policy or with so many tiles where that is asked.
pub fn estimate(
    conn: &mut Conn,
    campaign: &Campaign,
    policy: Option<Policy>,
    tiles: Option<u64>,
) -> Result<Estimate, Error> {
    let policy = policy.unwrap_or_else(|| campaign.policy.clone());
    policy.check()?;
    let counted = queue::open_tiles(conn, campaign.id)?.unsigned_abs();
    let mut seconds = labels::newest_seconds(conn, SAMPLE)?;
    seconds.sort_by(f64::total_cmp);
    let median = seconds.get(seconds.len() / 2).copied().filter(|_| seconds.len() >= ENOUGH_LABELS);
    let measured = median.map(|median| (median, seconds.len()));
    Ok(made_of(&policy, tiles.unwrap_or(counted), tiles.is_none(), measured))
}
