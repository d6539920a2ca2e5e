//! Hands tiles to a volunteer: mine again, else the most valuable ones I have not seen, with check gold mixed in.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::release_lease::{give_back, reclaim_expired};
use super::{Error, clock};
use crate::dispatch::{LOOK_AT_MOST, Plan, Walk, mix, plan, unseen};
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::tile::Lease;
use crate::storage::leases::LeaseRow;
use crate::storage::participations::Done;
use crate::storage::queue::Group;
use crate::storage::{Conn, Store, gold, leases, participations, queue, tiles};

/// Rows of the ring read by one query.
const STRETCH: usize = 32;
/// Transactions that one request may spend looking before it says that there is nothing.
const ROUNDS: usize = 400;
/// A tile that was skipped stays away from that person for a day.
const SKIP_MS: i64 = 86_400_000;
/// Check gold tiles to draw from.
const GOLD_CHOICE: i64 = 64;

/// Who asks for how many tiles.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// The volunteer.
    pub volunteer: i64,
    /// Tiles wanted.
    pub count: usize,
    /// Whether the tiles already in the volunteer's hands are part of the answer (a reload) or not (the next ones).
    pub again: bool,
    /// Makes a run repeatable.
    pub seed: u64,
}

/// How far the search for a volunteer has come; carried from one transaction to the next.
#[derive(Debug, Clone, Copy, Default)]
pub struct Search {
    group: Option<Group>,
    walk: Option<Walk>,
    ended: bool,
}

impl Search {
    /// Whether there is nothing more to look at: it went once around, or the volunteer's hands are full.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

/// Gives leases to a volunteer, in as many short transactions as it takes to find them or to go once around.
pub async fn hand_out(store: &Store, campaign: &Campaign, request: Request) -> Result<Vec<Lease>, Error> {
    let mut search = Search::default();
    for _ in 0..ROUNDS {
        let campaign = campaign.clone();
        let step = move |conn: &mut Conn| give(conn, &campaign, request, search, clock::now_ms());
        let (given, next) = store.write(step).await?;
        if !given.is_empty() || next.ended {
            return Ok(given);
        }
        search = next;
    }
    Ok(Vec::new())
}

/// One transaction of a hand-out: looks at a bounded number of rows and gives what it finds.
pub fn give(
    conn: &mut Conn,
    campaign: &Campaign,
    request: Request,
    mut search: Search,
    now: i64,
) -> Result<(Vec<Lease>, Search), Error> {
    let (id, policy) = (campaign.id, &campaign.policy);
    let served = participations::take_turn(conn, id, request.volunteer, now)?;
    reclaim_expired(conn, id, now)?;
    let mut mine = leases::open_of(conn, request.volunteer, id, now)?;
    let room = (policy.leases_open as usize).saturating_sub(mine.len());
    let wanted = request.count.min(policy.leases_at_once as usize);
    if request.again {
        mine.truncate(wanted);
    } else {
        mine.clear();
    }
    let want = wanted.saturating_sub(mine.len()).min(room);
    if campaign.state != CampaignState::Open || want == 0 {
        search.ended = true;
        return Ok((lend(conn, mine)?, search));
    }
    let mut rng = ChaCha8Rng::seed_from_u64(request.seed);
    let fresh = choose(conn, campaign, &request, plan(want, served, policy, &mut rng), &mut search, now, &mut rng)?;
    if !fresh.is_empty() {
        let until = now + i64::from(policy.lease_seconds) * 1000;
        mine.extend(leases::grant(conn, id, request.volunteer, &fresh, (now, until))?);
        let done = Done { tiles_served: fresh.len() as i32, ..Done::default() };
        participations::add(conn, id, request.volunteer, done, now)?;
    }
    Ok((lend(conn, mine)?, search))
}

/// Chooses tiles as planned and takes a place on each. Gold has no places: everybody may label it.
fn choose(
    conn: &mut Conn,
    campaign: &Campaign,
    request: &Request,
    plan: Plan,
    search: &mut Search,
    now: i64,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<i64>, Error> {
    let want = plan.by_value + plan.at_random + plan.gold;
    let skipped_since = now - SKIP_MS;
    let mut ordinary = Vec::new();
    for _ in 0..plan.at_random {
        let one = draw(conn, campaign.id, request.volunteer, skipped_since, &ordinary, rng)?;
        ordinary.extend(one);
    }
    look(conn, campaign.id, request.volunteer, want, skipped_since, search, &mut ordinary, rng)?;
    let golden = if plan.gold > 0 && !ordinary.is_empty() {
        draw_gold(conn, campaign, request.volunteer, plan.gold, now, rng)?
    } else {
        Vec::new()
    };
    let chosen = mix(ordinary.clone(), golden.clone(), want, rng);
    for tile in golden.iter().filter(|tile| chosen.contains(tile)) {
        gold::count_use(conn, *tile, campaign.policy.gold_uses, now)?;
    }
    for tile in ordinary.into_iter().filter(|tile| !chosen.contains(tile)) {
        give_back(conn, tile)?;
    }
    Ok(chosen)
}

/// Walks the ring, most valuable group first, until `want` tiles are taken, the bound on rows is reached, or it has been
/// all around.
#[allow(clippy::too_many_arguments)]
fn look(
    conn: &mut Conn,
    campaign: i64,
    volunteer: i64,
    want: usize,
    skipped_since: i64,
    search: &mut Search,
    taken: &mut Vec<i64>,
    rng: &mut ChaCha8Rng,
) -> Result<(), Error> {
    let mut looked = 0;
    while taken.len() < want && looked < LOOK_AT_MOST {
        let Some((group, mut walk)) = next_walk(conn, campaign, volunteer, search, rng)? else {
            search.ended = true;
            return Ok(());
        };
        let Some(stretch) = walk.stretch() else {
            search.walk = None;
            continue;
        };
        let rows = queue::stretch(conn, campaign, group, stretch, STRETCH as i64)?;
        looked += rows.len().max(1);
        let candidates: Vec<i64> = rows.iter().map(|(tile, _)| *tile).collect();
        let mut seen = leases::seen(conn, volunteer, &candidates, skipped_since)?;
        seen.extend(&*taken);
        let found = unseen(&candidates, &seen, want - taken.len());
        let given = queue::take_places(conn, &found)?;
        let last = if taken.len() + given.len() >= want {
            rows.iter().filter(|(tile, _)| given.contains(tile)).map(|(_, key)| *key).max()
        } else {
            rows.last().map(|(_, key)| *key)
        };
        walk.advance(last, rows.len() == STRETCH);
        search.walk = Some(walk);
        if let Some(position) = last {
            participations::set_position(conn, volunteer, campaign, group, position)?;
        }
        taken.extend(given);
    }
    Ok(())
}

/// The walk under way, or the one around the next group; `None` when all groups have been walked.
fn next_walk(
    conn: &mut Conn,
    campaign: i64,
    volunteer: i64,
    search: &mut Search,
    rng: &mut ChaCha8Rng,
) -> Result<Option<(Group, Walk)>, Error> {
    if let (Some(group), Some(walk)) = (search.group, search.walk) {
        return Ok(Some((group, walk)));
    }
    let Some(group) = queue::next_group(conn, campaign, search.group)? else { return Ok(None) };
    let start = participations::position(conn, volunteer, campaign, group)?.unwrap_or_else(|| rng.random());
    let walk = Walk::from(start);
    search.group = Some(group);
    search.walk = Some(walk);
    Ok(Some((group, walk)))
}

/// Draws one tile at random among all that are open, whatever its value; `None` where the first try meets none unseen
/// and not yet `taken`.
fn draw(
    conn: &mut Conn,
    campaign: i64,
    volunteer: i64,
    skipped_since: i64,
    taken: &[i64],
    rng: &mut ChaCha8Rng,
) -> Result<Option<i64>, Error> {
    let mut groups = Vec::new();
    while groups.len() < 16
        && let Some(group) = queue::next_group(conn, campaign, groups.last().copied())?
    {
        groups.push(group);
    }
    let Some(group) = groups.choose(rng).copied() else { return Ok(None) };
    let rows = queue::stretch(conn, campaign, group, (rng.random(), i64::MAX), STRETCH as i64)?;
    let candidates: Vec<i64> = rows.into_iter().map(|(tile, _)| tile).collect();
    let mut seen = leases::seen(conn, volunteer, &candidates, skipped_since)?;
    seen.extend(taken);
    Ok(queue::take_places(conn, &unseen(&candidates, &seen, 1))?.first().copied())
}

/// Draws check gold that this volunteer has not seen.
fn draw_gold(
    conn: &mut Conn,
    campaign: &Campaign,
    volunteer: i64,
    count: usize,
    now: i64,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<i64>, Error> {
    let candidates = gold::to_serve(conn, campaign.id, GOLD_CHOICE)?;
    let seen = leases::seen(conn, volunteer, &candidates, now - SKIP_MS)?;
    let unseen = unseen(&candidates, &seen, candidates.len());
    let mut drawn: Vec<i64> = unseen.sample(rng, count).copied().collect();
    // Everybody counts uses in one order, so that two hand-outs never wait for each other.
    drawn.sort_unstable();
    Ok(drawn)
}

/// Completes leases with the tile and its frames, in the order they were granted.
fn lend(conn: &mut Conn, rows: Vec<LeaseRow>) -> Result<Vec<Lease>, Error> {
    let ids: Vec<i64> = rows.iter().map(|lease| lease.tile).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = tiles::by_ids(conn, &ids)?;
    let mut frames = tiles::frames_of(conn, &ids)?;
    let lent = rows.into_iter().filter_map(|row| {
        let tile = found.iter().find(|tile| tile.id == row.tile)?.clone();
        let frames = frames.remove(&row.tile).unwrap_or_default();
        Some(Lease { id: row.id, tile, frames, expires_at: row.expires_at })
    });
    Ok(lent.collect())
}
