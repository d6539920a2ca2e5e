//! Keeps leases alive while somebody still looks at the tiles: the page's heartbeat.

use super::Error;
use crate::storage::{Conn, campaigns, leases};

/// However often it is renewed, a lease ends two hours after it was granted: a forgotten tab must not keep a tile.
const LONGEST_MS: i64 = 2 * 3_600_000;

/// Gives a volunteer's leases the campaign's lease time from now on, at most up to two hours after the grant.
///
/// Returns (lease, when it ends) of those that go on, in the order of their ids. Leases that have ended or run out for
/// good, are somebody else's or never were are left out.
pub fn renew(conn: &mut Conn, volunteer: i64, ids: &[i64], now: i64) -> Result<Vec<(i64, i64)>, Error> {
    let mut mine = leases::held(conn, volunteer, ids)?;
    mine.sort_by_key(|lease| lease.id);
    let mut lease_time = None;
    let mut renewed = Vec::with_capacity(mine.len());
    for lease in mine {
        let time = match lease_time {
            Some((campaign, time)) if campaign == lease.campaign_id => time,
            _ => campaigns::by_id(conn, lease.campaign_id)?
                .map_or(0, |campaign| i64::from(campaign.policy.lease_seconds) * 1000),
        };
        lease_time = Some((lease.campaign_id, time));
        // Never earlier than it was promised.
        let until = (now + time).min(lease.granted_at + LONGEST_MS).max(lease.expires_at);
        if until > now && (until == lease.expires_at || leases::extend(conn, lease.id, until)?) {
            renewed.push((lease.id, until));
        }
    }
    Ok(renewed)
}
