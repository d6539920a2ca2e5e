//! Which tiles are drawn: so many from each stratum, and of these the ones with the smallest hashes.

use sha2::{Digest, Sha256};

use super::super::Invalid;

/// How many tiles to draw from strata of these sizes: in proportion to them, but at least `floor` from each, or all of
/// it where it has fewer (Olofsson et al., 2014, section 5.1.2: a rare class needs more than its share).
///
/// Shares are rounded by largest remainders, so that the sum is `size`, or all tiles where there are fewer. Refused
/// where the floors alone are more than `size`.
pub fn allocate(tiles: &[u64], size: u64, floor: u64) -> Result<Vec<u64>, Invalid> {
    let all: u64 = tiles.iter().sum();
    if all <= size {
        return Ok(tiles.to_vec());
    }
    let least: Vec<u64> = tiles.iter().map(|&tiles| tiles.min(floor)).collect();
    let least_sum: u64 = least.iter().sum();
    if least_sum > size {
        let many = tiles.iter().filter(|&&tiles| tiles > 0).count();
        let reason =
            format!("{size} is too few: {many} strata with a floor of {floor} take {least_sum}; lower the floor");
        return Err(Invalid::new("size", reason));
    }
    // A stratum whose share is below its floor gets the floor; the others share what is left. That leaves less for
    // them, so one more may fall below its own: at most once for each stratum.
    let mut fixed = vec![false; tiles.len()];
    for _ in tiles {
        let (left, among) = rest(tiles, &least, &fixed, size);
        let below = |at: usize| {
            !fixed[at] && u128::from(left) * u128::from(tiles[at]) < u128::from(least[at]) * u128::from(among)
        };
        let Some(at) = (0..tiles.len()).find(|&at| below(at)) else { break };
        fixed[at] = true;
    }
    let (left, among) = rest(tiles, &least, &fixed, size);
    Ok(share_out(tiles, &least, &fixed, (left, among)))
}

/// What is left to share out, and among how many tiles.
fn rest(tiles: &[u64], least: &[u64], fixed: &[bool], size: u64) -> (u64, u64) {
    let sum = |of: &[u64], wanted: bool| -> u64 {
        of.iter().zip(fixed).filter(|(_, fixed)| **fixed == wanted).map(|(value, _)| value).sum()
    };
    (size - sum(least, true), sum(tiles, false))
}

fn share_out(tiles: &[u64], least: &[u64], fixed: &[bool], (left, among): (u64, u64)) -> Vec<u64> {
    let among = u128::from(among.max(1));
    let product = |at: usize| u128::from(left) * u128::from(tiles[at]);
    let mut drawn: Vec<u64> =
        (0..tiles.len()).map(|at| if fixed[at] { least[at] } else { (product(at) / among) as u64 }).collect();
    let shared: u64 = (0..tiles.len()).filter(|&at| !fixed[at]).map(|at| drawn[at]).sum();
    let mut free: Vec<usize> = (0..tiles.len()).filter(|&at| !fixed[at]).collect();
    free.sort_by_key(|&at| (std::cmp::Reverse(product(at) % among), at));
    for at in free.into_iter().take((left - shared) as usize) {
        drawn[at] += 1;
    }
    drawn
}

/// The lot of a tile: the first 128 bits of SHA-256 of `seed/purpose/tile_id`. Of each stratum the tiles with the
/// smallest lots are drawn, so whoever has the map and the seed can draw the same sample with any program.
pub fn lot(seed: &str, purpose: Purpose, tile_id: &str) -> u128 {
    let word = match purpose {
        Purpose::Draw => "draw",
        Purpose::Order => "order",
    };
    let hash = Sha256::digest(format!("{seed}/{word}/{tile_id}"));
    hash[..16].iter().fold(0, |lot, &byte| lot << 8 | u128::from(byte))
}

/// What a lot decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Whether a tile is drawn.
    Draw,
    /// When it is graded: strata are mixed, so that what is graded first says nothing about the stratum.
    Order,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rare_strata_get_the_floor_and_the_rest_is_in_proportion() {
        assert_eq!(allocate(&[8_000, 1_500, 450, 50], 400, 50).unwrap(), [250, 50, 50, 50]);
        assert_eq!(allocate(&[600, 300, 100], 100, 2).unwrap(), [60, 30, 10]);
        assert_eq!(allocate(&[3, 9_000, 0], 100, 20).unwrap(), [3, 97, 0], "all of a stratum that is smaller");
        assert_eq!(allocate(&[5, 5], 100, 20).unwrap(), [5, 5], "a small map is checked whole");
    }

    #[test]
    fn floors_that_do_not_fit_are_refused_with_the_number_it_takes() {
        let refusal = allocate(&[1_000, 1_000, 1_000], 50, 20).unwrap_err();
        assert_eq!(refusal.field, "size");
        assert!(refusal.reason.contains("60"), "{refusal}");
    }

    #[test]
    fn a_lot_follows_from_seed_and_tile_alone() {
        // printf 'a/draw/13-1-2' | sha256sum
        assert_eq!(format!("{:032x}", lot("a", Purpose::Draw, "13-1-2")), "cb2a8d9ba67cbccb5dce548da0b16b19");
        assert_ne!(lot("a", Purpose::Draw, "13-1-2"), lot("a", Purpose::Order, "13-1-2"));
        assert_ne!(lot("a", Purpose::Draw, "13-1-2"), lot("b", Purpose::Draw, "13-1-2"));
    }

    proptest! {
        #[test]
        fn an_allocation_adds_up_and_stays_between_floor_and_stratum(
            tiles in proptest::collection::vec(0u64..5_000, 1..12), size in 2u64..800, floor in 2u64..40,
        ) {
            match allocate(&tiles, size, floor) {
                Ok(drawn) => {
                    prop_assert_eq!(drawn.iter().sum::<u64>(), size.min(tiles.iter().sum()));
                    for (drawn, &tiles) in drawn.iter().zip(&tiles) {
                        prop_assert!(*drawn <= tiles && *drawn >= tiles.min(floor));
                    }
                }
                Err(_) => prop_assert!(tiles.iter().map(|&tiles| tiles.min(floor)).sum::<u64>() > size),
            }
        }
    }
}
