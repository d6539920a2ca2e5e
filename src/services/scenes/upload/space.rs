//! Whether there is room for a file: on the disk, and within the operator's budgets.

use std::path::Path;

use super::{Intake, KEPT_FREE};
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::scenes::uploads;

/// Refuses what does not fit into the budgets. Counted is what uploads will take when all of it is there.
pub(super) fn check_budgets(conn: &mut Conn, intake: &Intake, campaign: i64, bytes: u64) -> Result<(), Error> {
    let budgets = [
        (Some(campaign), intake.campaign_bytes, " in this campaign's budget for uploads"),
        (None, intake.total_bytes, " in the server's budget for uploads"),
    ];
    for (of, budget, what) in budgets {
        let wanted = uploads::promised(conn, of)?.unsigned_abs().saturating_add(bytes);
        if wanted > budget {
            return Err(Error::NoSpace { missing: wanted - budget, what });
        }
    }
    Ok(())
}

/// Refuses what would not leave some room on the disk. Where the system does not say, writing will.
pub(super) fn check_disk(intake: &Intake, bytes: u64) -> Result<(), Error> {
    let wanted = bytes.saturating_add(KEPT_FREE);
    match free_bytes(&intake.uploads) {
        Some(free) if free < wanted => Err(Error::NoSpace { missing: wanted - free, what: " on the server's disk" }),
        _ => Ok(()),
    }
}

/// Bytes that are free where a folder lies, or will.
fn free_bytes(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|folder| folder.is_dir())?;
    let room = rustix::fs::statvfs(there).ok()?;
    Some(room.f_bavail.saturating_mul(room.f_frsize))
}
