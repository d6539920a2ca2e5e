//! Keeps leases alive while somebody still looks at the tiles: the page's heartbeat.

use crate::services::Error;
use crate::storage::labelling::{leases, participations};
use crate::storage::{Conn, campaigns};

/// However often it is renewed, a lease ends two hours after it was granted: a forgotten tab must not keep a tile.
const LONGEST_MS: i64 = 2 * 3_600_000;

/// Gives a volunteer's leases the campaign's lease time from now on, at most up to two hours after the grant.
///
/// Returns (lease, when it ends) of those that go on, in the order of their ids. Leases that have ended or run out for
/// good, are somebody else's or never were are left out; so are those of people who are paused or excluded.
pub fn renew(conn: &mut Conn, volunteer: i64, ids: &[i64], now: i64) -> Result<Vec<(i64, i64)>, Error> {
    let mut mine = leases::held(conn, volunteer, ids)?;
    // The order in which everybody locks: the volunteer's turn in each campaign, then its tiles.
    mine.sort_by_key(|lease| (lease.campaign_id, lease.tile));
    let mut renewed = Vec::with_capacity(mine.len());
    for of_campaign in mine.chunk_by(|a, b| a.campaign_id == b.campaign_id) {
        let id = of_campaign[0].campaign_id;
        let turn = participations::take_turn(conn, id, volunteer, now)?;
        let campaign = campaigns::by_id(conn, id)?.filter(|_| turn.exclusion.is_none());
        let Some(campaign) = campaign else { continue };
        for lease in of_campaign {
            let wanted = (now + i64::from(campaign.policy.lease_seconds) * 1000).min(lease.granted_at + LONGEST_MS);
            // Never earlier than it was promised.
            let until = wanted.max(lease.expires_at);
            if until > now && (until == lease.expires_at || leases::extend(conn, lease.id, until)?) {
                renewed.push((lease.id, until));
            }
        }
    }
    renewed.sort_unstable();
    Ok(renewed)
}
