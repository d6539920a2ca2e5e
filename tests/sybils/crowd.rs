//! Honest people with realistic errors, and accounts that only pretend to be: what each answers follows from the seed.

use aftermap::domain::policy::Policy;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// Classes of the scale: undamaged first.
pub const CLASSES: [&str; 3] = ["no_visible_damage", "damaged", "destroyed"];
/// Share of the tiles of each class.
const SHARES: [f64; 3] = [0.7, 0.15, 0.15];
/// Share of the tiles that are hard to see, and by how much accuracy falls there.
const HARD: (f64, f64) = (0.2, 0.25);
/// From the worst to the best honest person: share right on an easy tile.
const SKILL: std::ops::Range<f64> = 0.78..0.95;
/// Share of honest errors that miss by one class where there are two.
const NEAR: f64 = 0.85;

/// What the dishonest do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attack {
    /// Nothing: everybody is honest. What the others are compared with.
    None,
    /// Honest but on the targets, where all say "no visible damage".
    Disguised,
    /// "No visible damage" on every tile.
    AlwaysUndamaged,
}

/// A campaign with its truth and its people.
#[derive(Debug, Clone)]
pub struct World {
    /// Seed of everything.
    pub seed: u64,
    /// What the dishonest do.
    pub attack: Attack,
    /// Honest people.
    pub honest: u32,
    /// The others.
    pub sybils: u32,
    /// Class of each tile.
    pub truth: Vec<usize>,
    /// Tiles that the dishonest want called undamaged; each is damaged.
    pub targets: Vec<bool>,
    /// Labels that settle a tile at the earliest.
    pub minimum: u32,
}

impl World {
    /// A world of so many tiles, a twentieth of them targets.
    pub fn new(seed: u64, attack: Attack, (honest, sybils): (u32, u32), tiles: usize) -> World {
        let truth: Vec<usize> = (0..tiles).map(|tile| class(seed, tile)).collect();
        let mut targets = vec![false; tiles];
        let damaged = truth.iter().enumerate().filter(|(_, class)| **class > 0).map(|(tile, _)| tile);
        let mut order: Vec<(u64, usize)> = damaged.map(|tile| (dice(seed, "target", 0, tile).random(), tile)).collect();
        order.sort_unstable();
        order.iter().take(tiles / 20).for_each(|(_, tile)| targets[*tile] = true);
        World { seed, attack, honest, sybils, truth, targets, minimum: Policy::default().minimum }
    }

    /// How many people there are.
    pub fn people(&self) -> u32 {
        self.honest + self.sybils
    }

    /// Whether somebody is one of the dishonest; the honest come first.
    pub fn is_sybil(&self, person: u32) -> bool {
        person >= self.honest
    }

    /// What a person answers for a tile, as a place on the scale.
    pub fn answer(&self, person: u32, tile: usize) -> usize {
        match self.attack {
            Attack::Disguised if self.is_sybil(person) && self.targets[tile] => 0,
            Attack::AlwaysUndamaged if self.is_sybil(person) => 0,
            _ => self.honest_answer(person, tile),
        }
    }

    fn honest_answer(&self, person: u32, tile: usize) -> usize {
        let truth = self.truth[tile];
        let hard = dice(self.seed, "hard", 0, tile).random_bool(HARD.0);
        let skill = dice(self.seed, "skill", person, 0).random_range(SKILL) - if hard { HARD.1 } else { 0.0 };
        let mut dice = dice(self.seed, "answer", person, tile);
        if dice.random_bool(skill) {
            return truth;
        }
        match truth {
            1 => 2 * usize::from(dice.random_bool(0.5)),
            _ if dice.random_bool(NEAR) => 1,
            ends => 2 - ends,
        }
    }

    /// For each target, the share of the honest who call it undamaged by mistake; on hard ones they miss it together.
    pub fn mistakes(&self) -> Vec<f64> {
        let targets = (0..self.truth.len()).filter(|tile| self.targets[*tile]);
        let missed = |tile| (0..self.honest).filter(|&person| self.honest_answer(person, tile) == 0).count();
        targets.map(|tile| missed(tile) as f64 / f64::from(self.honest)).collect()
    }

    /// The policy that the campaign has: the built-in one but for `minimum`.
    pub fn policy(&self) -> Policy {
        Policy { minimum: self.minimum, ..Policy::default() }
    }
}

fn class(seed: u64, tile: usize) -> usize {
    let roll: f64 = dice(seed, "class", 0, tile).random();
    if roll < SHARES[0] { 0 } else { 1 + usize::from(roll >= SHARES[0] + SHARES[1]) }
}

/// Dice of their own for each question, so that no answer depends on who was served first.
pub fn dice(seed: u64, what: &str, person: u32, tile: usize) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(what.as_bytes());
    hash.update(person.to_le_bytes());
    hash.update((tile as u64).to_le_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

#[test]
fn honest_people_err_about_as_often_as_real_ones() {
    let world = World::new(3, Attack::Disguised, (60, 15), 2_000);
    assert_eq!(world.targets.iter().filter(|one| **one).count(), 100);
    let right = |person| (0..2_000).filter(|&tile| world.honest_answer(person, tile) == world.truth[tile]).count();
    let share = (0..60).map(right).sum::<usize>() as f64 / 120_000.0;
    assert!((0.78..0.86).contains(&share), "{share}");
    assert!(world.targets.iter().zip(&world.truth).all(|(target, class)| !target || *class > 0));
    let lie = |person: u32| (0..2_000).filter(|&tile| world.targets[tile]).all(|tile| world.answer(person, tile) == 0);
    assert!((60..75).all(lie) && !(0..60).any(lie));
}
