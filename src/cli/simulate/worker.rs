//! One simulated volunteer at work, and what all of them share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::{Campaign, Client, Guest, Lease, Progress, Receipts};
use super::summary::{Acknowledged, Done};
use super::truth::{Truth, dice};
use super::volunteer::{Act, Volunteer};
use super::{SimulateError, SimulateOptions};

/// Who was told that nothing is left asks again after this.
const PAUSE: Duration = Duration::from_millis(500);
/// When everybody has been told that nothing is left, and nothing has moved for so long, nothing will come: a few times
/// the pause in which they ask again.
const NOTHING_LEFT: Duration = Duration::from_secs(2);
/// Between two looks at the campaign's progress.
const LOOK: Duration = Duration::from_millis(250);
/// Tiles asked for at a time.
const HAND: u32 = 5;
/// Who took a break comes back when nothing has moved for this long.
const BREAK: Duration = Duration::from_secs(1);
/// Share of the answers that their author changes at once.
const SECOND_THOUGHTS: f64 = 0.02;
/// Share of the submissions that bring everything in hand, as after a while without network.
const TOGETHER: f64 = 0.1;

/// What all volunteers of a simulation share.
pub struct Shared {
    pub client: Client,
    pub options: SimulateOptions,
    pub campaign: Campaign,
    pub truth: Truth,
    pub begun: Instant,
    /// Milliseconds from the beginning to the last progress.
    moved: AtomicU64,
    /// Volunteers at work: neither done nor failed.
    working: AtomicU32,
    /// Of these, volunteers with nothing in hand who were told that nothing is left.
    waiting: AtomicU32,
    /// Volunteers who walked away for good with tiles in hand, which come back when their leases run out.
    gone: AtomicU32,
    stop: AtomicBool,
}

impl Shared {
    pub fn new(client: Client, options: SimulateOptions, campaign: Campaign, truth: Truth) -> Shared {
        let working = AtomicU32::new(options.volunteers);
        let (moved, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let (waiting, gone) = (AtomicU32::new(0), AtomicU32::new(0));
        Shared { client, options, campaign, truth, begun: Instant::now(), moved, working, waiting, gone, stop }
    }

    /// Watches until no tile is open, there is nothing left for anybody, nobody is at work, or nothing has moved for too
    /// long; then tells everybody to stop. Returns the progress as last seen: volunteers learn that a tile closed ten
    /// minutes later.
    pub async fn watch(&self) -> Progress {
        let mut last = Progress::default();
        loop {
            tokio::time::sleep(LOOK).await;
            let working = self.working.load(Ordering::Relaxed);
            let all_wait = self.waiting.load(Ordering::Relaxed) >= working && self.gone.load(Ordering::Relaxed) == 0;
            let idle = working == 0
                || self.still() > self.options.patience
                || (all_wait && self.still() > NOTHING_LEFT.min(self.options.patience));
            // A server that is away for a moment may come back.
            if let Ok(progress) = self.client.progress(&self.options.campaign).await {
                last = progress;
            }
            if idle || (last.tiles > 0 && last.open == 0) {
                self.stop.store(true, Ordering::Relaxed);
                return last;
            }
        }
    }

    fn moved(&self) {
        self.moved.store(self.begun.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// Somebody was told that nothing is left, or got a tile again.
    fn waits(&self, waits: bool) {
        match waits {
            true => self.waiting.fetch_add(1, Ordering::Relaxed),
            false => self.waiting.fetch_sub(1, Ordering::Relaxed),
        };
    }

    /// How long nothing has moved.
    fn still(&self) -> Duration {
        self.begun.elapsed().saturating_sub(Duration::from_millis(self.moved.load(Ordering::Relaxed)))
    }

    /// How long from the beginning to the last progress.
    pub fn worked(&self) -> Duration {
        Duration::from_millis(self.moved.load(Ordering::Relaxed))
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// One volunteer at work.
pub struct Worker {
    shared: Arc<Shared>,
    person: Volunteer,
    gone: bool,
    rng: ChaCha8Rng,
    hand: VecDeque<Lease>,
    answered: u32,
    done: Done,
}

impl Worker {
    pub fn new(number: u32, shared: Arc<Shared>) -> Worker {
        let options = &shared.options;
        let mut person = Volunteer::draw(options.seed, number, options.crowd);
        let mut rng = dice(&[&options.seed.to_le_bytes(), b"habits", &number.to_le_bytes()]);
        let gone = rng.random_bool(options.gone);
        if number >= options.volunteers - options.ring {
            person = person.in_ring();
        }
        if gone {
            person.leaves_after.get_or_insert(rng.random_range(3..20));
        }
        Worker { shared, person, gone, rng, hand: VecDeque::new(), answered: 0, done: Done::default() }
    }

    /// Labels until told to stop, or until the server refuses or is away for too long.
    pub async fn run(mut self) -> Done {
        self.done.failed = self.label().await.err();
        self.shared.working.fetch_sub(1, Ordering::Relaxed);
        self.done
    }

    async fn label(&mut self) -> Result<(), SimulateError> {
        let shared = self.shared.clone();
        let guest = shared.client.guest().await?;
        shared.moved();
        let mut waits = false;
        while !shared.stopped() {
            if self.hand.is_empty() {
                self.hand.extend(shared.client.leases(&guest.token, &shared.options.campaign, HAND).await?);
            }
            if waits != self.hand.is_empty() {
                waits = self.hand.is_empty();
                shared.waits(waits);
            }
            if waits {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            if self.person.leaves_after.is_some_and(|tiles| self.answered >= tiles) && !self.take_a_break().await {
                return Ok(());
            }
            self.work(&guest).await?;
        }
        Ok(())
    }

    /// Walks away with tiles in hand. Returns false where it is for good; who comes back finds the same tiles again.
    async fn take_a_break(&mut self) -> bool {
        self.person.leaves_after = None;
        self.done.breaks += 1;
        while !self.gone && !self.shared.stopped() && self.shared.still() < BREAK {
            tokio::time::sleep(PAUSE).await;
        }
        self.shared.gone.fetch_add(u32::from(self.gone), Ordering::Relaxed);
        self.hand.clear();
        !self.gone
    }

    /// Looks at the next tile, or at all in hand, and sends what comes of it.
    async fn work(&mut self, guest: &Guest) -> Result<(), SimulateError> {
        let shared = self.shared.clone();
        let looked_at = if self.rng.random_bool(TOGETHER) { self.hand.len() } else { 1 };
        let mut answers = Vec::new();
        for lease in self.hand.drain(..looked_at.min(self.hand.len())).collect::<Vec<_>>() {
            let tile = &lease.tile.id;
            match self.person.act(&shared.campaign, tile, shared.truth.of(tile)) {
                Act::Answer(place) => answers.push((lease, place)),
                Act::Skip => {
                    shared.client.skip(&guest.token, &lease.lease_id).await?;
                    self.done.skips += 1;
                    shared.moved();
                }
            }
        }
        if answers.is_empty() {
            return Ok(());
        }
        self.answered += answers.len() as u32;
        self.submit(guest, &answers).await?;
        if self.rng.random_bool(SECOND_THOUGHTS) {
            let (lease, place) = answers.swap_remove(0);
            let other = (place + 1) % shared.campaign.classes;
            self.submit(guest, &[(lease, other)]).await?;
        }
        Ok(())
    }

    async fn submit(&mut self, guest: &Guest, answers: &[(Lease, usize)]) -> Result<(), SimulateError> {
        let items: Vec<Value> = answers
            .iter()
            .map(|(lease, place)| {
                let seconds = f64::from(self.rng.random_range(20..200u32)) / 10.0;
                let (id, answer) = (self.id(), &self.shared.campaign.answers[*place]);
                json!({ "id": id, "lease_id": lease.lease_id, "answer": answer, "seconds": seconds })
            })
            .collect();
        let sent = Instant::now();
        let Receipts { results, leases } = self.shared.client.submit(&guest.token, &items).await?;
        self.done.submits.push(sent.elapsed());
        for ((lease, place), result) in answers.iter().zip(results) {
            if result.status == "refused" {
                *self.done.refused.entry(result.code.unwrap_or_default()).or_default() += 1;
                continue;
            }
            self.done.acknowledged.push(Acknowledged {
                id: result.id,
                volunteer_id: guest.volunteer_id.clone(),
                tile_id: lease.tile.id.clone(),
                answer: self.shared.campaign.answers[*place].clone(),
                status: result.status,
                tile_state: result.tile_state.unwrap_or_default(),
                order: self.shared.begun.elapsed(),
            });
            self.shared.moved();
        }
        self.hand.extend(leases);
        Ok(())
    }

    /// A random UUID: another run with the same seed sends other ids, or the server would take them for repeats.
    fn id(&self) -> Uuid {
        let mut bytes = [0; 16];
        rand::rng().fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
