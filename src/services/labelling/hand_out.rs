//! Hands tiles to a volunteer: mine again, else the most valuable ones I have not seen, with check gold mixed in.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::release_lease::{give_back, reclaim_expired};
use super::training::must_practise;
use crate::dispatch::{LOOK_AT_MOST, Plan, Walk, first_behind, mix, plan, unseen};
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::tile::Lease;
use crate::services::{Error, clock};
use crate::storage::labelling::leases::LeaseRow;
use crate::storage::labelling::participations::{Done, Turn};
use crate::storage::labelling::queue::{Candidate, Eyes, Group};
use crate::storage::labelling::{leases, participations, queue, ring};
use crate::storage::people::volunteers;
use crate::storage::scenes::tiles;
use crate::storage::{Conn, Store, campaigns, gold};

/// Rows of the ring read by the first query and by the later ones: nearly always the first tile will do.
const STRETCHES: [usize; 3] = [4, 16, 64];
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
    /// A tile was left out because somebody else held its row at that moment.
    passed_over: bool,
    /// Waits for such tiles instead: the second time around, when the first found nothing else.
    patient: bool,
    ended: bool,
    /// The volunteer has to pass the practice first.
    must_practise: bool,
    /// The volunteer is paused or excluded.
    is_excluded: bool,
}

impl Search {
    /// Whether there is nothing more to look at: it went once around, or the volunteer's hands are full.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

/// Gives leases to a volunteer, in as many short transactions as it takes to find them or to go once around.
pub async fn hand_out(store: &Store, campaign: &Campaign, request: Request) -> Result<Vec<Lease>, Error> {
    let (id, mut search) = (campaign.id, Search::default());
    for _ in 0..ROUNDS {
        let campaign = campaign.clone();
        let step = move |conn: &mut Conn| give(conn, &campaign, request, search, clock::now_ms());
        let (given, next) = store.write(step).await?;
        if next.must_practise {
            return Err(Error::PracticeRequired);
        }
        if next.is_excluded {
            let (campaign, volunteer) = (id, request.volunteer);
            let why = move |conn: &mut Conn| Ok(participations::exclusion_reason(conn, campaign, volunteer)?);
            return Err(Error::Excluded(store.read::<_, Error, _>(why).await?.unwrap_or_default()));
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
    search: Search,
    now: i64,
) -> Result<(Vec<Lease>, Search), Error> {
    // Who was deleted since the request was let in gets nothing: nobody could give it back.
    if !volunteers::hold_here(conn, request.volunteer)? {
        return Ok((Vec::new(), Search { ended: true, ..search }));
    }
    let state = campaigns::hold_state(conn, campaign.id)?;
    let turn = participations::take_turn(conn, campaign.id, request.volunteer, now)?;
    let (given, search, fresh) = give_in_turn(conn, campaign, state, &turn, request, search, now)?;
    if fresh > 0 {
        let done = Done { tiles_served: fresh as i32, ..Done::default() };
        participations::add(conn, campaign.id, request.volunteer, done, now)?;
    }
    Ok((given, search))
}

/// The same in a transaction that holds the campaign's state and the volunteer's turn. Also returns how many tiles are
/// newly given, for the caller to add to the volunteer's counters.
pub fn give_in_turn(
    conn: &mut Conn,
    campaign: &Campaign,
    state: CampaignState,
    turn: &Turn,
    request: Request,
    mut search: Search,
    now: i64,
) -> Result<(Vec<Lease>, Search, usize), Error> {
    let (id, policy) = (campaign.id, &campaign.policy);
    if turn.exclusion.is_some() {
        return Ok((Vec::new(), Search { is_excluded: true, ended: true, ..search }, 0));
    }
    if must_practise(conn, campaign, request.volunteer)? {
        return Ok((Vec::new(), Search { must_practise: true, ended: true, ..search }, 0));
    }
    reclaim_expired(conn, id, now)?;
    let wanted = request.count.min(policy.leases_at_once as usize);
    let (held, mut mine) = in_hand(conn, id, &request, wanted, now)?;
    let room = (policy.leases_open as usize).saturating_sub(held);
    let want = wanted.saturating_sub(mine.len()).min(room);
    if state != CampaignState::Open || want == 0 {
        search.ended = true;
        return Ok((lend(conn, mine)?, search, 0));
    }
    let mut seeker = Seeker::new(campaign, &request, now);
    let kinds = plan(want, turn.served, policy, &mut seeker.rng);
    let fresh = seeker.choose(conn, kinds, &mut search)?;
    if fresh.is_empty() && mine.is_empty() && search.ended && search.passed_over && !search.patient {
        // Nobody is told that there is nothing while the last tiles are only busy.
        search = Search { patient: true, ..Search::default() };
    }
    if !fresh.is_empty() {
        let until = now + i64::from(policy.lease_seconds) * 1000;
        mine.extend(leases::grant(conn, id, request.volunteer, &fresh, (now, until))?);
    }
    Ok((lend(conn, mine)?, search, fresh.len()))
}

/// How many tiles the volunteer holds, and those of them that are part of the answer.
fn in_hand(
    conn: &mut Conn,
    campaign: i64,
    request: &Request,
    wanted: usize,
    now: i64,
) -> Result<(usize, Vec<LeaseRow>), Error> {
    if !request.again {
        return Ok((leases::count_open(conn, request.volunteer, campaign, now)?, Vec::new()));
    }
    let mut mine = leases::open_of(conn, request.volunteer, campaign, now)?;
    let held = mine.len();
    mine.truncate(wanted);
    Ok((held, mine))
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
            self.use_gold(conn, *tile)?;
        }
        for tile in ordinary.into_iter().filter(|tile| !chosen.contains(tile)) {
            give_back(conn, tile)?;
        }
        Ok(chosen)
    }

    /// Counts one more use of a gold tile. One that is worn out by it is readable only when all who hold it are done.
    fn use_gold(&self, conn: &mut Conn, tile: i64) -> Result<(), Error> {
        let policy = &self.campaign.policy;
        if gold::count_use(conn, tile, policy.gold_uses, self.now)? {
            queue::close_gold(conn, tile, self.now + i64::from(policy.lease_seconds) * 1000)?;
        }
        Ok(())
    }

    /// Walks the ring, most valuable group first, until `want` tiles are taken, the bound on rows is reached, or it has
    /// been all around.
    fn look(&mut self, conn: &mut Conn, want: usize, search: &mut Search, taken: &mut Vec<i64>) -> Result<(), Error> {
        let (mut looked, mut looks) = (0, 0);
        while taken.len() < want && looked < LOOK_AT_MOST {
            let Some((group, mut walk)) = self.next_walk(conn, search)? else {
                search.ended = true;
                return Ok(());
            };
            let Some(stretch) = walk.stretch() else {
                search.walk = None;
                continue;
            };
            let limit = STRETCHES[looks.min(STRETCHES.len() - 1)].min(LOOK_AT_MOST - looked);
            let rows = queue::stretch(conn, self.campaign.id, group, stretch, limit as i64, self.eyes())?;
            (looked, looks) = (looked + rows.len().max(1), looks + 1);
            let unseen = unseen_of(&rows, taken, want - taken.len());
            let given = queue::take_places(conn, &unseen, search.patient)?;
            search.passed_over |= given.len() < unseen.len();
            taken.extend(&given);
            let reached = |row: &&Candidate| taken.len() < want || given.contains(&row.tile);
            let last = rows.iter().filter(reached).map(|row| row.key).max();
            walk.advance(last, rows.len() == limit);
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
        let Some((group, position)) = queue::next_group(conn, self.campaign.id, self.volunteer, search.group)? else {
            return Ok(None);
        };
        let walk = Walk::from(position.unwrap_or_else(|| self.rng.random()));
        search.group = Some(group);
        search.walk = Some(walk);
        Ok(Some((group, walk)))
    }

    /// Draws one tile whatever its level and its value, each open one being as likely as the next: the first behind a
    /// random place on the ring of all groups together. `None` where the few behind it in its group are all seen or `taken`.
    fn draw(&mut self, conn: &mut Conn, taken: &[i64]) -> Result<Option<i64>, Error> {
        let place: i64 = self.rng.random();
        for stretch in [(place, i64::MAX), (i64::MIN, place)] {
            let Some(group) = first_behind(&ring::heads(conn, self.campaign.id, stretch)?) else { continue };
            let rows = queue::stretch(conn, self.campaign.id, group, stretch, STRETCHES[0] as i64, self.eyes())?;
            let unseen = unseen_of(&rows, taken, 1);
            return Ok(queue::take_places(conn, &unseen, false)?.first().copied());
        }
        Ok(None)
    }

    fn eyes(&self) -> Eyes {
        Eyes { volunteer: self.volunteer, skipped_since: self.now - SKIP_MS }
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

/// Up to `count` of these tiles that the volunteer has not seen and that are not yet `taken`.
fn unseen_of(rows: &[Candidate], taken: &[i64], count: usize) -> Vec<i64> {
    let candidates: Vec<i64> = rows.iter().filter(|row| !row.seen).map(|row| row.tile).collect();
    unseen(&candidates, taken, count)
}

/// Completes leases with the tile and its frames, in the order they were granted.
fn lend(conn: &mut Conn, rows: Vec<LeaseRow>) -> Result<Vec<Lease>, Error> {
    let mut lent = Vec::with_capacity(rows.len());
    for row in rows {
        let (tile, frames) = match tiles::with_frames(conn, row.tile)? {
            Some(found) => found,
            // All its scenes were withdrawn.
            None => match tiles::by_ids(conn, &[row.tile])?.pop() {
                Some(tile) => (tile, Vec::new()),
                None => continue,
            },
        };
        lent.push(Lease { id: row.id, tile, frames, expires_at: row.expires_at });
    }
    Ok(lent)
}
