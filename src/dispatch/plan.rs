//! What kinds of tiles one hand-out brings, and how they are put in order.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

use crate::domain::policy::Policy;

/// How many tiles of each kind one hand-out brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plan {
    /// Those whose next label is worth most.
    pub by_value: usize,
    /// Drawn at random among all that are open, so that no area waits for its turn for ever.
    pub at_random: usize,
    /// Check gold, which nobody can tell from the others.
    pub gold: usize,
}

/// Draws the kind of each of `count` tiles for a volunteer who was served `served` tiles before.
pub fn plan(count: usize, served: u32, policy: &Policy, rng: &mut impl Rng) -> Plan {
    let mut plan = Plan::default();
    for place in 0..count {
        let first = served.saturating_add(place as u32) < policy.gold_first_tiles;
        let gold_share = if first { policy.gold_share_first } else { policy.gold_share };
        if rng.random_bool(gold_share) {
            plan.gold += 1;
        } else if rng.random_bool(policy.random_share) {
            plan.at_random += 1;
        } else {
            plan.by_value += 1;
        }
    }
    plan
}

/// Puts check gold in random places among the ordinary tiles. Without an ordinary tile there is no gold either: what
/// still comes when nothing is left would be known for gold. Of several tiles one at least is ordinary; a single one may
/// be gold, since most people get their tiles one at a time.
pub fn mix(ordinary: Vec<i64>, gold: Vec<i64>, count: usize, rng: &mut impl Rng) -> Vec<i64> {
    if ordinary.is_empty() {
        return ordinary;
    }
    let golden = gold.len().min(if count > 1 { count - 1 } else { count });
    let mut tiles: Vec<i64> = ordinary.into_iter().take(count - golden).chain(gold.into_iter().take(golden)).collect();
    tiles.shuffle(rng);
    tiles
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn gold_is_twice_as_frequent_at_first() {
        let policy = Policy::default();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let share = |served: u32, rng: &mut ChaCha8Rng| {
            (0..20_000).map(|_| plan(1, served, &policy, rng).gold).sum::<usize>() as f64 / 20_000.0
        };
        assert!((share(0, &mut rng) - 0.10).abs() < 0.01);
        assert!((share(40, &mut rng) - 0.05).abs() < 0.01);
    }

    #[test]
    fn gold_never_comes_alone() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(mix(vec![], vec![8, 9], 2, &mut rng), [0i64; 0]);
        let mut mixed = mix(vec![1, 2, 3], vec![9], 3, &mut rng);
        mixed.sort_unstable();
        assert_eq!(mixed, [1, 2, 9]);
        assert!(mix(vec![1, 2], vec![8, 9], 2, &mut rng).contains(&1));
    }

    #[test]
    fn a_single_tile_may_be_gold() {
        assert_eq!(mix(vec![1], vec![9], 1, &mut ChaCha8Rng::seed_from_u64(1)), [9]);
    }

    #[test]
    fn the_same_seed_gives_the_same_plan() {
        let draw = || plan(5, 3, &Policy::default(), &mut ChaCha8Rng::seed_from_u64(7));
        assert_eq!(draw(), draw());
        assert_eq!(draw().by_value + draw().at_random + draw().gold, 5);
    }
}
