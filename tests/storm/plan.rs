//! A storm's plan: its size, the habits of its volunteers, and everything else that follows from its seed.

use aftermap::domain::policy::Policy;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The seed where none is given: the year of Strike Tracker.
const SEED: u64 = 2018;
/// Leases run out while we watch. The server's own check asks for at least 30 seconds; a storm has no time for that.
pub const LEASE_SECONDS: u32 = 2;

/// What a storm is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The test that runs it, by the name that `cargo test` knows.
    pub test: &'static str,
    /// Where all its dice come from.
    pub seed: u64,
    /// Volunteers at work.
    pub volunteers: u32,
    /// Share of them that walk away for good with tiles in their hands.
    pub away: f64,
    /// Share of the answers given after the lease ran out.
    pub late: f64,
    /// Longest time between two tiles, milliseconds.
    pub think_ms: u64,
    /// Tiles of the campaign.
    pub tiles: usize,
    /// New labels after which skills are fitted anew.
    pub refit_after: u32,
    /// Server processes on PostgreSQL; SQLite has one.
    pub servers: usize,
}

/// What a volunteer does with one tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Answers it.
    Answer,
    /// Answers when the lease has run out.
    Late,
    /// Answers it differently in two tabs at once.
    TwoTabs,
    /// Sends the same answer several times at once.
    Copies,
    /// Answers, then changes the answer.
    Revise,
    /// Answers, then uses the same id for another answer.
    Reuse,
    /// Skips it.
    Skip,
    /// Gives it back.
    Release,
}

impl Plan {
    /// A storm of usual people: 30 % walk away, 10 % answer late.
    pub fn new(test: &'static str, volunteers: u32, tiles: usize) -> Plan {
        Plan { test, seed: seed(), volunteers, away: 0.3, late: 0.1, think_ms: 40, tiles, refit_after: 400, servers: 2 }
    }

    /// The policy of its campaign.
    pub fn policy(&self) -> Policy {
        Policy { lease_seconds: LEASE_SECONDS, refit_after: self.refit_after, ..Policy::default() }
    }

    /// Dice of their own for each purpose.
    pub fn dice(&self, purpose: &str, number: u64) -> ChaCha8Rng {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(purpose.as_bytes());
        hash.update(number.to_le_bytes());
        ChaCha8Rng::from_seed(hash.finalize().into())
    }

    /// After how many tiles a volunteer walks away for good; `None`: stays.
    pub fn leaves_after(&self, volunteer: u64) -> Option<u32> {
        let mut dice = self.dice("habits", volunteer);
        dice.random_bool(self.away).then(|| dice.random_range(2..12))
    }

    /// What a volunteer does with a tile: the same whenever and from whichever server it comes.
    pub fn act(&self, volunteer: u64, tile: &str) -> Act {
        let mut dice = self.dice(&format!("act {tile}"), volunteer);
        let shares = [
            (Act::Late, self.late),
            (Act::TwoTabs, 0.04),
            (Act::Copies, 0.05),
            (Act::Revise, 0.05),
            (Act::Reuse, 0.03),
            (Act::Skip, 0.02),
            (Act::Release, 0.03),
        ];
        let mut left: f64 = dice.random();
        for (act, share) in shares {
            if left < share {
                return act;
            }
            left -= share;
        }
        Act::Answer
    }

    /// What a volunteer answers for a tile: mostly what is there, else anything.
    pub fn answer(&self, volunteer: u64, tile: &str) -> &'static str {
        const ANSWERS: [&str; 5] = ["no_visible_damage", "damaged", "destroyed", "unsure", "bad_imagery"];
        let there = ANSWERS[self.dice(&format!("truth {tile}"), 0).random_range(0..3)];
        let mut dice = self.dice(&format!("answer {tile}"), volunteer);
        if dice.random_bool(0.8) { there } else { ANSWERS[dice.random_range(0..ANSWERS.len())] }
    }

    /// Another answer than that one.
    pub fn other(answer: &str) -> &'static str {
        if answer == "damaged" { "destroyed" } else { "damaged" }
    }

    /// The id of a volunteer's n-th label.
    pub fn label_id(&self, volunteer: u64, n: u64) -> Uuid {
        let bytes: [u8; 16] = self.dice(&format!("label {n}"), volunteer).random();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// The command that runs this storm again.
    pub fn replay(&self) -> String {
        let length = if long() { "AFTERMAP_STORM=long " } else { "" };
        format!(
            "{length}AFTERMAP_STORM_SEED={} scripts/with-postgres.sh cargo test --test storm {} -- --exact --nocapture",
            self.seed, self.test
        )
    }
}

/// Whether the full counts of docs/guarantees.md are wanted.
pub fn long() -> bool {
    std::env::var("AFTERMAP_STORM").is_ok_and(|value| value == "long")
}

/// The larger number in a long storm, the smaller one else.
pub fn size<T>(short: T, full: T) -> T {
    if long() { full } else { short }
}

fn seed() -> u64 {
    match std::env::var("AFTERMAP_STORM_SEED") {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("AFTERMAP_STORM_SEED is `{text}`, which is no number")),
        Err(_) => SEED,
    }
}

#[test]
fn the_same_seed_gives_the_same_volunteers() {
    let (one, same) = (Plan::new("x", 50, 100), Plan::new("x", 50, 100));
    let other = Plan { seed: one.seed + 1, ..one.clone() };
    let deeds = |plan: &Plan| -> Vec<_> {
        let tiles = (0..200).map(|n| format!("b{n}"));
        tiles.map(|tile| (plan.act(7, &tile), plan.answer(7, &tile), plan.label_id(7, 1))).collect()
    };
    assert_eq!(deeds(&one), deeds(&same));
    assert_ne!(deeds(&one), deeds(&other));
    let acts: Vec<Act> = deeds(&one).into_iter().map(|deed| deed.0).collect();
    for act in [Act::Answer, Act::Late, Act::TwoTabs, Act::Copies, Act::Revise, Act::Reuse, Act::Skip, Act::Release] {
        assert!(acts.contains(&act), "nobody ever does {act:?}");
    }
    let away = (0..200).filter(|n| one.leaves_after(*n).is_some()).count();
    assert!((40..80).contains(&away), "{away} of 200 walk away");
}
