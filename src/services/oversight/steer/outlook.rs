//! What pausing, closing or archiving a campaign would mean for those at work.

use crate::services::Error;
use crate::storage::Conn;
use crate::storage::labelling::leases::in_hands;
use crate::storage::labelling::queue;

/// What is under way in a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// Tiles that are open and no gold.
    pub open_tiles: i64,
    /// Tiles in volunteers' hands that have not run out.
    pub leases: i64,
    /// Volunteers who hold them.
    pub volunteers: i64,
}

/// What is under way in a campaign now.
pub fn outlook(conn: &mut Conn, campaign_id: i64, now: i64) -> Result<Outlook, Error> {
    let (leases, volunteers) = in_hands(conn, campaign_id, now)?;
    Ok(Outlook { open_tiles: queue::open_tiles(conn, campaign_id)?, leases, volunteers })
}
