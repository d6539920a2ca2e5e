//! Groups that err together, on generated crowds in which each tile is seen by few.

use super::super::{Columns, Pool, VotingRule};
use crate::domain::scale::Scale;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Labels of `honest` people and of a ring that shares one wrong answer on a share of the tiles: six a tile. Returns the
/// ring of each account in the fitted model, the honest first.
fn rings(honest: u32, ring: u32, tiles: u32, share: f64, seed: u64) -> Vec<u32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut people: Vec<u32> = (0..honest + ring).collect();
    let skill: Vec<f64> = people.iter().map(|_| rng.random_range(0.75..0.95)).collect();
    let (mut at, mut by, mut said) = (vec![], vec![], vec![]);
    for tile in 0..tiles {
        let truth = rng.random_range(0..3u8);
        // One tile in five is hard for everybody.
        let hard = if rng.random_bool(0.2) { 0.25 } else { 0.0 };
        let target = rng.random_bool(share);
        let (drawn, _) = people.partial_shuffle(&mut rng, 6);
        for person in drawn.iter().copied() {
            let wrong = (truth + 1) % 3;
            let answer = match rng.random_bool(skill[person as usize] - hard) {
                _ if person >= honest && target => wrong,
                true => truth,
                false => (truth + 1 + u8::from(rng.random_bool(0.2))) % 3,
            };
            at.push(tile);
            by.push(person);
            said.push(answer);
        }
    }
    let columns = Columns::new(at, by, said, vec![None; tiles as usize], honest + ring).unwrap();
    Pool.fit(&Scale::built_in("conflict3").unwrap(), &columns, 1).skills.iter().map(|skill| skill.ring).collect()
}

#[test]
fn a_ring_is_found_although_no_pair_of_it_shares_many_tiles() {
    // Two accounts share 1,200 (6 / 60)^2 = 12 tiles. Where the ring acts on a third of the tiles only, its members' own
    // errors hide it.
    let found = rings(40, 20, 1_200, 0.5, 1);
    let caught = found[40..].iter().filter(|&&ring| ring == 1).count();
    assert!(caught >= 18, "{caught} of 20");
    assert!(found[..40].iter().all(|&ring| ring == 0), "no honest person is in it");
}

#[test]
fn hard_tiles_make_no_ring_of_honest_people() {
    for seed in 1..=4 {
        assert_eq!(rings(60, 0, 1_500, 0.0, seed), vec![0; 60], "seed {seed}");
    }
}
