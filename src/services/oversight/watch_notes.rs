//! Volunteers' notes as those read them who run a campaign, and marking one as seen to.

use uuid::Uuid;

use crate::domain::campaign::Campaign;
use crate::services::Error;
use crate::services::labelling::training::{SeenTile, see};
use crate::storage::Conn;
use crate::storage::labelling::notes::{self, Note, Wanted};
use crate::storage::oversight::audit_log;

/// A page of notes, newest first, each with its tile.
pub fn list(conn: &mut Conn, campaign: &Campaign, wanted: Wanted) -> Result<Vec<(Note, SeenTile)>, Error> {
    let found = notes::of_campaign(conn, campaign.id, wanted)?;
    let mut ids: Vec<i64> = found.iter().map(|note| note.tile).collect();
    ids.sort_unstable();
    ids.dedup();
    let tiles = see(conn, &ids)?;
    Ok(found.into_iter().filter_map(|note| Some((note.clone(), tiles.get(&note.tile)?.clone()))).collect())
}

/// Marks a note of this campaign as seen to; whoever was first stays.
pub fn resolve(conn: &mut Conn, campaign: &Campaign, id: Uuid, actor: Option<i64>, now: i64) -> Result<(), Error> {
    let note = notes::find(conn, id)?.filter(|note| note.campaign_id == campaign.id);
    let note = note.ok_or_else(|| Error::NotFound("this campaign has no such note".into()))?;
    if note.resolved_at.is_some() {
        return Ok(());
    }
    notes::resolve(conn, id, actor, now)?;
    Ok(audit_log::note(conn, actor, Some(campaign.id), ("resolve_note", &id.to_string()), now)?)
}
