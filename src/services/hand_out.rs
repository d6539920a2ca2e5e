//! Hands tiles to a volunteer: mine again, else the most valuable ones I have not seen, with check gold mixed in.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::release_lease::{give_back, reclaim_expired};
use super::training::must_practise;
use super::{Error, clock};
use crate::dispatch::{LOOK_AT_MOST, Plan, Walk, mix, plan, unseen};
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::tile::Lease;
use crate::storage::leases::LeaseRow;
use crate::storage::participations::Done;
use crate::storage::queue::Group;
use crate::storage::{Conn, Store, campaigns, gold, leases, participations, queue, tiles};

/// Rows of the ring read by one query.
const STRETCH: usize = 32;
/// Transactions that one request may spend looking before it says that there is nothing.
const ROUNDS: usize = 400;
/// A tile that was skipped stays away from that person for a day.
const SKIP_MS: i64 = 86_400_000;
/// Check gold tiles to draw from.
const GOLD_CHOICE: i64 = 64;
/// Groups of equal value to draw from.
const GROUP_CHOICE: usize = 16;

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
    /// A tile was left out because somebody else held its row at that moment.
    passed_over: bool,
    /// Waits for such tiles instead: the second time around, when the first found nothing else.
    patient: bool,
    ended: bool,
    /// The volunteer has to pass the practice first.
    must_practise: bool,
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
        if next.must_practise {
            return Err(Error::PracticeRequired);
        }
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
    let state = campaigns::hold_state(conn, id)?;
    let served = participations::take_turn(conn, id, request.volunteer, now)?;
    if must_practise(conn, campaign, request.volunteer)? {
        return Ok((Vec::new(), Search { must_practise: true, ended: true, ..search }));
    }
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
    if state != CampaignState::Open || want == 0 {
        search.ended = true;
        return Ok((lend(conn, mine)?, search));
    }
    let mut seeker = Seeker::new(campaign, &request, now);
    let kinds = plan(want, served, policy, &mut seeker.rng);
    let fresh = seeker.choose(conn, kinds, &mut search)?;
    if fresh.is_empty() && mine.is_empty() && search.ended && search.passed_over && !search.patient {
        // Nobody is told that there is nothing while the last tiles are only busy.
        search = Search { patient: true, ..Search::default() };
    }
    if !fresh.is_empty() {
        let until = now + i64::from(policy.lease_seconds) * 1000;
        mine.extend(leases::grant(conn, id, request.volunteer, &fresh, (now, until))?);
        let done = Done { tiles_served: fresh.len() as i32, ..Done::default() };
        participations::add(conn, id, request.volunteer, done, now)?;
    }
    Ok((lend(conn, mine)?, search))
}

/// One volunteer's search in one campaign.
struct Seeker<'a> {
    campaign: &'a Campaign,
    volunteer: i64,
    now: i64,
    rng: ChaCha8Rng,
}

impl Seeker<'_> {
    fn new<'a>(campaign: &'a Campaign, request: &Request, now: i64) -> Seeker<'a> {
        Seeker { campaign, volunteer: request.volunteer, now, rng: ChaCha8Rng::seed_from_u64(request.seed) }
    }

    /// Chooses tiles as planned and takes a place on each. Gold has no places: everybody may label it.
    fn choose(&mut self, conn: &mut Conn, plan: Plan, search: &mut Search) -> Result<Vec<i64>, Error> {
        let want = plan.by_value + plan.at_random + plan.gold;
        let mut ordinary = Vec::new();
        for _ in 0..plan.at_random {
            let one = self.draw(conn, &ordinary)?;
            ordinary.extend(one);
        }
        self.look(conn, want, search, &mut ordinary)?;
        let golden = if ordinary.is_empty() { Vec::new() } else { self.draw_gold(conn, plan.gold)? };
        let chosen = mix(ordinary.clone(), golden.clone(), want, &mut self.rng);
        for tile in golden.iter().filter(|tile| chosen.contains(tile)) {
            gold::count_use(conn, *tile, self.campaign.policy.gold_uses, self.now)?;
        }
        for tile in ordinary.into_iter().filter(|tile| !chosen.contains(tile)) {
            give_back(conn, tile)?;
        }
        Ok(chosen)
    }

    /// Walks the ring, most valuable group first, until `want` tiles are taken, the bound on rows is reached, or it has
    /// been all around.
    fn look(&mut self, conn: &mut Conn, want: usize, search: &mut Search, taken: &mut Vec<i64>) -> Result<(), Error> {
        let mut looked = 0;
        while taken.len() < want && looked < LOOK_AT_MOST {
            let Some((group, mut walk)) = self.next_walk(conn, search)? else {
                search.ended = true;
                return Ok(());
            };
            let Some(stretch) = walk.stretch() else {
                search.walk = None;
                continue;
            };
            let rows = queue::stretch(conn, self.campaign.id, group, stretch, STRETCH as i64)?;
            looked += rows.len().max(1);
            let unseen = self.unseen(conn, &rows, taken, want - taken.len())?;
            let given = queue::take_places(conn, &unseen, search.patient)?;
            search.passed_over |= given.len() < unseen.len();
            taken.extend(&given);
            let reached = |(tile, _): &&(i64, i64)| taken.len() < want || given.contains(tile);
            let last = rows.iter().filter(reached).map(|(_, key)| *key).max();
            walk.advance(last, rows.len() == STRETCH);
            search.walk = Some(walk);
            if let Some(position) = last {
                participations::set_position(conn, self.volunteer, self.campaign.id, group, position)?;
            }
        }
        Ok(())
    }

    /// The walk under way, or the one around the next group; `None` when all groups have been walked.
    fn next_walk(&mut self, conn: &mut Conn, search: &mut Search) -> Result<Option<(Group, Walk)>, Error> {
        if let (Some(group), Some(walk)) = (search.group, search.walk) {
            return Ok(Some((group, walk)));
        }
        let Some(group) = queue::next_group(conn, self.campaign.id, search.group)? else { return Ok(None) };
        let position = participations::position(conn, self.volunteer, self.campaign.id, group)?;
        let walk = Walk::from(position.unwrap_or_else(|| self.rng.random()));
        search.group = Some(group);
        search.walk = Some(walk);
        Ok(Some((group, walk)))
    }

    /// Draws one tile whatever its value: a group drawn evenly, then the next tiles behind a random place in it. `None`
    /// where none of these is unseen and not yet `taken`.
    fn draw(&mut self, conn: &mut Conn, taken: &[i64]) -> Result<Option<i64>, Error> {
        let mut groups = Vec::new();
        while groups.len() < GROUP_CHOICE
            && let Some(group) = queue::next_group(conn, self.campaign.id, groups.last().copied())?
        {
            groups.push(group);
        }
        let Some(group) = groups.choose(&mut self.rng).copied() else { return Ok(None) };
        let stretch = (self.rng.random(), i64::MAX);
        let rows = queue::stretch(conn, self.campaign.id, group, stretch, STRETCH as i64)?;
        let unseen = self.unseen(conn, &rows, taken, 1)?;
        Ok(queue::take_places(conn, &unseen, false)?.first().copied())
    }

    /// Up to `count` of these tiles that the volunteer has not seen and that are not yet `taken`.
    fn unseen(&self, conn: &mut Conn, rows: &[(i64, i64)], taken: &[i64], count: usize) -> Result<Vec<i64>, Error> {
        let candidates: Vec<i64> = rows.iter().map(|(tile, _)| *tile).collect();
        let mut seen = leases::seen(conn, self.volunteer, &candidates, self.now - SKIP_MS)?;
        seen.extend(taken);
        Ok(unseen(&candidates, &seen, count))
    }

    /// Draws check gold that this volunteer has not seen.
    fn draw_gold(&mut self, conn: &mut Conn, count: usize) -> Result<Vec<i64>, Error> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let candidates = gold::to_serve(conn, self.campaign.id, GOLD_CHOICE)?;
        let seen = leases::seen(conn, self.volunteer, &candidates, self.now - SKIP_MS)?;
        let unseen = unseen(&candidates, &seen, candidates.len());
        let mut drawn: Vec<i64> = unseen.sample(&mut self.rng, count).copied().collect();
        // Everybody counts uses in one order, so that two hand-outs never wait for each other.
        drawn.sort_unstable();
        Ok(drawn)
    }
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
