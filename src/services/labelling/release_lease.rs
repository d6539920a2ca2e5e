//! Gives a tile back: because its volunteer says so, skips it, or let the time run out.

use super::tile_consensus::{self, Rules};
use crate::services::Error;
use crate::storage::labelling::leases::LeaseRow;
use crate::storage::labelling::participations::Done;
use crate::storage::labelling::{labels, leases, participations, queue};
use crate::storage::meter::METER;
use crate::storage::{Conn, campaigns};

/// Expired leases that one hand-out takes back.
const RECLAIM: i64 = 16;
/// A volunteer counts as active for an hour after the last answer: only such people can still be asked.
const ACTIVE_MS: i64 = 3_600_000;

/// Ends a volunteer's lease without an answer. `skip` keeps the tile away from them for a day.
///
/// A lease that ended before is left as it is; one of somebody else, or none, is not found.
pub fn release(conn: &mut Conn, volunteer: i64, lease_id: i64, skip: bool, now: i64) -> Result<(), Error> {
    let mine = leases::find(conn, lease_id)?.filter(|lease| lease.volunteer_id == volunteer);
    let Some(lease) = mine else {
        return Err(Error::NotFound("there is no such lease of yours".into()));
    };
    // The order in which everybody locks: the campaign's state, the volunteer's turn, the tile, the lease.
    campaigns::hold(conn, lease.campaign_id)?;
    participations::take_turn(conn, lease.campaign_id, volunteer, now)?;
    queue::lock(conn, lease.tile)?;
    let skipped_before = leases::has_skipped(conn, lease.tile, volunteer)?;
    let ended = end(conn, &lease, if skip { "skipped" } else { "released" }, now)?;
    // Who skips a tile after the time ran out does not want it back either.
    let skipped = skip && (ended || leases::end_as_skipped(conn, lease.id, now)?);
    if !skipped {
        return Ok(());
    }
    let done = Done { skips: 1, ..Done::default() };
    participations::add(conn, lease.campaign_id, volunteer, done, now)?;
    let mut row = queue::lock(conn, lease.tile)?;
    row.skips += u32::from(!skipped_before);
    if row.gold {
        queue::save(conn, &row)?;
        return Ok(());
    }
    let rules = Rules::load(conn, lease.campaign_id)?;
    let unseen = leases::unseen_by(conn, lease.tile, lease.campaign_id, now - ACTIVE_MS)?;
    tile_consensus::follow(conn, &rules, row, Some(unseen), now)?;
    Ok(())
}

/// Ends a volunteer's leases without an answer, as the page does when it is closed. Those that ended before, are
/// somebody else's or never were are passed over.
pub fn release_all(conn: &mut Conn, volunteer: i64, lease_ids: &[i64], now: i64) -> Result<(), Error> {
    let mut mine = leases::held(conn, volunteer, lease_ids)?;
    // The order in which everybody locks: in each campaign its state, the volunteer's turn, then its tiles.
    mine.sort_by_key(|lease| (lease.campaign_id, lease.tile));
    for of_campaign in mine.chunk_by(|a, b| a.campaign_id == b.campaign_id) {
        campaigns::hold(conn, of_campaign[0].campaign_id)?;
        participations::take_turn(conn, of_campaign[0].campaign_id, volunteer, now)?;
        for lease in of_campaign {
            queue::lock(conn, lease.tile)?;
            end(conn, lease, "released", now)?;
        }
    }
    Ok(())
}

/// Takes back a few leases that ran out, so that a hand-out never waits for a sweeper. The caller holds the campaign's
/// state.
pub fn reclaim_expired(conn: &mut Conn, campaign: i64, now: i64) -> Result<usize, Error> {
    let mut expired = leases::expired(conn, campaign, now, RECLAIM)?;
    // A fixed order keeps two hand-outs from waiting for each other. Everybody locks queue rows in the order of tiles.
    expired.sort_by_key(|lease| lease.tile);
    let mut reclaimed = 0;
    for lease in &expired {
        // A tile that somebody is busy with right now can wait for the next hand-out.
        if queue::try_lock(conn, lease.tile)?.is_some() && end(conn, lease, "expired", now)? {
            METER.leases_expired.add(1);
            reclaimed += 1;
        }
    }
    Ok(reclaimed)
}

/// Ends a lease and frees its place; a surplus label that waits for one takes it. Returns false where it had ended before.
pub fn end(conn: &mut Conn, lease: &LeaseRow, outcome: &str, now: i64) -> Result<bool, Error> {
    if !leases::end(conn, lease.id, outcome, now)? {
        return Ok(false);
    }
    give_back(conn, lease.tile)?;
    let row = queue::lock(conn, lease.tile)?;
    if row.has_place() && labels::any_surplus(conn, lease.tile)? {
        let rules = Rules::load(conn, lease.campaign_id)?;
        tile_consensus::follow(conn, &rules, row, None, now)?;
    }
    Ok(true)
}

/// Frees one place of a tile. Gold has none.
pub fn give_back(conn: &mut Conn, tile: i64) -> Result<(), Error> {
    let mut row = queue::lock(conn, tile)?;
    if !row.gold {
        row.leased = row.leased.saturating_sub(1);
        queue::save(conn, &row)?;
    }
    Ok(())
}
