//! Brings tiles in line with exclusions: labels are left out or brought back, and each tile is formed anew.
//!
//! A tile remembers how it stood before the first label was set aside. When the last of them is back and nobody answered
//! meanwhile, it stands so again, to the byte: which labels counted, its state, and when it closed.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::review;
use crate::domain::campaign::CampaignState;
use crate::domain::consensus::TileState;
use crate::services::Error;
use crate::services::labelling::release_lease;
use crate::services::labelling::tile_consensus::{self, Rules};
use crate::storage::Conn;
use crate::storage::labelling::labels::{self, CurrentLabel};
use crate::storage::labelling::queue::QueueRow;
use crate::storage::labelling::{leases, queue};
use crate::storage::oversight::exclusions::{self, Before};

/// Lets one tile follow the exclusions in force; one that has followed already is left as it is.
pub fn follow_exclusions(conn: &mut Conn, rules: &Rules, tile: i64, now: i64) -> Result<(), Error> {
    let row = queue::lock(conn, tile)?;
    let current = labels::all_of_tile(conn, tile)?;
    let authors: Vec<i64> = current.iter().map(|label| label.volunteer_id).collect();
    let excluded = exclusions::excluded_among(conn, row.campaign_id, &authors)?;
    let moves = |label: &&CurrentLabel| label.excluded != excluded.contains(&label.volunteer_id);
    if !current.iter().any(|label| moves(&label)) {
        return Ok(());
    }
    if row.gold {
        for label in current.iter().filter(moves) {
            exclusions::set_label(conn, (tile, label.volunteer_id), !label.excluded, false)?;
        }
        return Ok(());
    }
    let standing = standing(&current);
    if current.iter().any(|label| label.counted && excluded.contains(&label.volunteer_id)) {
        exclusions::remember(conn, &row, &standing)?;
    }
    let mut restored = None;
    if let Some(before) = exclusions::before(conn, tile)?
        && !before.labels.iter().any(|(author, ..)| excluded.contains(author))
    {
        exclusions::forget(conn, tile)?;
        let ids = |labels: &[(i64, Uuid, bool)]| labels.iter().map(|(_, id, _)| *id).collect::<Vec<_>>();
        let untouched = ids(&standing) == ids(&before.labels);
        restored = Some((before, untouched));
    }
    let counts = now_counted(&row, &current, &excluded, restored.as_ref());
    for label in &current {
        let (out, counted) = (excluded.contains(&label.volunteer_id), counts.contains(&label.volunteer_id));
        if (label.excluded, label.counted) != (out, counted) {
            exclusions::set_label(conn, (tile, label.volunteer_id), out, counted)?;
        }
    }
    match restored {
        Some((before, true)) => restore(conn, rules, row, &before, now),
        _ => form_anew(conn, rules, row, now),
    }
}

/// Whose labels count from now on.
fn now_counted(
    row: &QueueRow,
    current: &[CurrentLabel],
    excluded: &BTreeSet<i64>,
    restored: Option<&(Before, bool)>,
) -> BTreeSet<i64> {
    let stays = |label: &&CurrentLabel| label.counted && !excluded.contains(&label.volunteer_id);
    let mut counts: BTreeSet<i64> = current.iter().filter(stays).map(|label| label.volunteer_id).collect();
    let Some((before, untouched)) = restored else { return counts };
    let counted_then = || before.labels.iter().filter(|(.., counted)| *counted).map(|(author, ..)| *author);
    if *untouched {
        return counted_then().collect();
    }
    let then: BTreeSet<i64> = counted_then().collect();
    // Others answered in the meantime: what comes back counts beside them, as far as there is room.
    for label in current.iter().filter(|label| then.contains(&label.volunteer_id)) {
        if (counts.len() as u32) < row.maximum {
            counts.insert(label.volunteer_id);
        }
    }
    counts
}

/// The current labels of a tile: author, log entry, whether it counts.
fn standing(current: &[CurrentLabel]) -> Vec<(i64, Uuid, bool)> {
    let mut all: Vec<_> = current.iter().map(|label| (label.volunteer_id, label.label_id, label.counted)).collect();
    all.sort_unstable();
    all
}

/// The tile stands as it stood. The model in use was made without the labels that are back, so it may not judge: the next
/// one will, which is made as soon as all labels have followed.
///
/// What reviewers say meanwhile stays, and what they took back meanwhile does not come back.
fn restore(conn: &mut Conn, rules: &Rules, row: QueueRow, before: &Before, now: i64) -> Result<(), Error> {
    let is_experts = !review::current(conn, row.tile)?.is_empty();
    if !is_experts && before.state == TileState::Reviewed {
        return form_anew(conn, rules, row, now);
    }
    let (state, closed_at) = if is_experts { (row.state, row.closed_at) } else { (before.state, before.closed_at) };
    let counted = before.labels.iter().filter(|(.., counted)| *counted).count() as u32;
    // The policy may give fewer places than it did then: what counted does so again.
    let maximum = row.maximum.max(counted);
    let (needed, first_settled_at) = (before.needed.min(maximum), before.first_settled_at);
    let row = QueueRow { state, closed_at, needed, first_settled_at, counted, maximum, ..row };
    if rules.model.number == 0 {
        return tile_consensus::follow(conn, rules, row, None, now).map(drop);
    }
    queue::save(conn, &row)?;
    tile_consensus::describe(conn, rules, &row, now)
}

/// The tile has to earn its state with the labels that it has now. One that was closed and closes again the same way has
/// been closed all along.
fn form_anew(conn: &mut Conn, rules: &Rules, row: QueueRow, now: i64) -> Result<(), Error> {
    // What experts said, and what they differ about, is not for the crowd to decide.
    if !review::current(conn, row.tile)?.is_empty() {
        return tile_consensus::follow(conn, rules, row, None, now).map(drop);
    }
    let was = (row.state, row.closed_at);
    let mut opened = QueueRow { state: TileState::Open, closed_at: None, ..row };
    tile_consensus::give_places(rules, &mut opened);
    let mut formed = tile_consensus::follow(conn, rules, opened, None, now)?;
    let running = matches!(rules.campaign.state, CampaignState::Open | CampaignState::Paused);
    if formed.state == TileState::Open && was.0.is_closed() && !running {
        // A campaign that is over asks nobody any more: an expert has to look.
        (formed.state, formed.closed_at) = (TileState::Contested, was.1);
        queue::save(conn, &formed)?;
    } else if formed.state == was.0 && formed.closed_at != was.1 {
        formed.closed_at = was.1;
        queue::save(conn, &formed)?;
    }
    Ok(())
}

/// Takes back what an excluded volunteer holds, so that others may have it.
pub fn take_back(conn: &mut Conn, campaign_id: i64, volunteer: i64, now: i64) -> Result<(), Error> {
    // Those too whose time has run out: nobody took them back yet.
    let mut held = leases::open_of(conn, volunteer, campaign_id, i64::MIN)?;
    held.sort_by_key(|lease| lease.tile);
    for lease in &held {
        queue::lock(conn, lease.tile)?;
        release_lease::end(conn, lease, "released", now)?;
    }
    Ok(())
}
