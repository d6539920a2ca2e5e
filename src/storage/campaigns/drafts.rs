//! Removing a campaign that never opened, with all that was prepared for it.

use diesel::prelude::*;

use crate::storage::Conn;
use crate::storage::schema::{
    announcement_readers, announcements, campaign_texts, campaigns, change_hints, exclusions, footprints, frames, gold,
    gold_texts, guide_texts, imports, invitation_uses, invitations, jobs, labels, participations, policies,
    policy_versions, practice_answers, priority_areas, queue, releases, ring_positions, roles, scenes, tiles, uploads,
    withdrawals,
};

/// Deletes the rows of a campaign from tables that name it.
macro_rules! clear {
    ($conn:expr, $id:expr, $($table:ident),+ $(,)?) => {
        $(diesel::delete($table::table.filter($table::campaign_id.eq($id))).execute($conn)?;)+
    };
}

/// Whether anything happened in a campaign that has to stay: it was open once, has labels, or was published.
pub fn has_history(conn: &mut Conn, id: i64) -> QueryResult<bool> {
    let opened = campaigns::table.find(id).select(campaigns::opened_at).first::<Option<i64>>(conn)?;
    let labelled = labels::table.filter(labels::campaign_id.eq(id)).select(labels::campaign_id);
    let released = releases::table.filter(releases::campaign_id.eq(id)).select(releases::campaign_id);
    let labelled: Option<i64> = labelled.first(conn).optional()?;
    let released: Option<i64> = released.first(conn).optional()?;
    Ok(opened.is_some() || labelled.is_some() || released.is_some())
}

/// Deletes a campaign without history and everything that belongs to it; the audit log keeps what it says. What only a
/// campaign that was open can have is not looked for: should there be any, nothing is deleted.
pub fn delete(conn: &mut Conn, id: i64) -> QueryResult<()> {
    let its_tiles = || tiles::table.filter(tiles::campaign_id.eq(id)).select(tiles::id);
    diesel::delete(frames::table.filter(frames::tile.eq_any(its_tiles()))).execute(conn)?;
    diesel::delete(gold_texts::table.filter(gold_texts::tile.eq_any(its_tiles()))).execute(conn)?;
    let its_invitations = invitations::table.filter(invitations::campaign_id.eq(id)).select(invitations::id);
    let used = invitation_uses::table.filter(invitation_uses::invitation_id.eq_any(its_invitations));
    diesel::delete(used).execute(conn)?;
    let its_messages = announcements::table.filter(announcements::campaign_id.eq(id)).select(announcements::id);
    let read = announcement_readers::table.filter(announcement_readers::announcement_id.eq_any(its_messages));
    diesel::delete(read).execute(conn)?;
    clear!(
        conn,
        id,
        practice_answers,
        gold,
        queue,
        withdrawals,
        ring_positions,
        change_hints,
        tiles,
        scenes,
        footprints
    );
    clear!(conn, id, jobs, uploads, announcements, invitations, priority_areas, policy_versions, participations);
    clear!(conn, id, exclusions, imports, policies, roles, guide_texts, campaign_texts);
    diesel::delete(campaigns::table.find(id)).execute(conn).map(drop)
}
