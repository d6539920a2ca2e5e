//! Marks tiles of a draft or open campaign as gold: their answers were fixed by experts.

use super::Error;
use super::change_state::find;
use crate::domain::campaign::CampaignState;
use crate::domain::consensus::TileState;
use crate::storage::gold::NewGold;
use crate::storage::{Conn, audit_log, gold, queue, tiles};

/// One tile and its right answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldAnswer {
    /// Public id of the tile.
    pub tile_id: String,
    /// Key of the answer.
    pub answer: String,
    /// Why it is right, for the volunteer who reads it later.
    pub explanation: String,
}

/// Marks these tiles as check gold; all of them or, where one is wrong, none. Returns how many were new.
///
/// A tile with labels cannot become gold here, since its labels were given without knowing; the same answer again
/// changes nothing.
pub fn import_gold(conn: &mut Conn, slug: &str, answers: &[GoldAnswer], now: i64) -> Result<usize, Error> {
    let campaign = find(conn, slug)?;
    if matches!(campaign.state, CampaignState::Closed | CampaignState::Archived) {
        return Err(Error::Conflict(format!("campaign `{slug}` is {}: its answers are in", campaign.state)));
    }
    let mut added = 0;
    for one in answers {
        let wrong = |reason: String| Error::invalid("gold", format!("tile `{}`: {reason}", one.tile_id));
        let answer = campaign
            .scale
            .place_of(&one.answer)
            .ok_or_else(|| wrong(format!("`{}` is not an answer of this campaign", one.answer)))?;
        let tile = tiles::id_of(conn, campaign.id, &one.tile_id)?
            .ok_or_else(|| wrong("this campaign has no such tile".into()))?;
        let row = queue::lock(conn, tile)?;
        match gold::of_tile(conn, tile)? {
            Some((_, before)) if before == answer => continue,
            Some(_) => return Err(wrong("it is gold already, with another answer".into())),
            None if row.counted > 0 || row.leased > 0 || row.state != TileState::Open => {
                return Err(wrong("volunteers are at work on it already".into()));
            }
            None => {}
        }
        queue::make_gold(conn, tile, "check", now)?;
        let new = NewGold { tile, campaign_id: campaign.id, kind: "check", answer, explanation: &one.explanation };
        gold::insert(conn, &new, now)?;
        added += 1;
    }
    audit_log::note(conn, None, Some(campaign.id), ("import_gold", &format!("{added} tiles")), now)?;
    Ok(added)
}
