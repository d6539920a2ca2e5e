//! Accounts that share their errors: copies, rings, or one person twice.
//!
//! Two honest volunteers agree on right answers often and on wrong ones rarely. For each pair with at least 40 shared
//! tiles, `k` counts the tiles on which both gave the same answer against the consensus, and `e` is what their own
//! confusion tables lead one to expect if they erred independently. (The crowd's table would suspect all who err much.)
//! Accounts that meet too seldom for that are found as a group ([`super::accomplices`]).
//! A pair whose Poisson probability of `k` or more is below 1e-6 is linked; linked accounts form a ring, whose votes on
//! a tile together weigh as one. The consensus used here is the bounded weighted share, which no ring below half can
//! own.

use rayon::prelude::*;

use super::accomplices;
use super::em::Problem;
use super::votes::Side;

/// Shared tiles from which a pair is judged. (Between 20 and 60 nothing changes on generated crowds.)
const SHARED: usize = 40;
/// Shared errors below which a pair is never linked.
const ERRORS: u32 = 3;
/// ln of the probability below which shared errors are no accident.
const ACCIDENT: f64 = -13.815_510_557_964_274; // ln 1e-6
/// How far the coarse estimate by chance is trusted before a pair is looked at in detail.
const CAUTION: f64 = 0.7;
/// Tiles with more votes are left out: pairs grow with the square of the votes.
const VOTES_AT_MOST: usize = 200;
/// Pairs judged in detail at most, those with most shared errors first.
const PAIRS_AT_MOST: usize = 20_000;

/// Ring of each volunteer, numbered from 1; 0 for none. `calls` is the class of each tile and `tables` the
/// volunteers' ln P(answer | class) against these calls.
pub fn find(problem: &Problem<'_>, calls: &[u8], tables: &[f32]) -> Vec<u32> {
    let volunteers = problem.votes.by_volunteer.rows();
    let mut parent: Vec<u32> = (0..volunteers as u32).collect();
    let mut links = linked(problem, calls, tables);
    for group in accomplices::find(problem, calls, tables) {
        links.extend(group.windows(2).map(|pair| (pair[0], pair[1])));
    }
    for (a, b) in links {
        let (a, b) = (root(&mut parent, a), root(&mut parent, b));
        parent[a.max(b) as usize] = a.min(b);
    }
    number(&mut parent)
}

fn root(parent: &mut [u32], mut at: u32) -> u32 {
    while parent[at as usize] != at {
        parent[at as usize] = parent[parent[at as usize] as usize];
        at = parent[at as usize];
    }
    at
}

fn number(parent: &mut [u32]) -> Vec<u32> {
    let mut sizes = vec![0u32; parent.len()];
    let roots: Vec<u32> = (0..parent.len() as u32).map(|at| root(parent, at)).collect();
    roots.iter().for_each(|&root| sizes[root as usize] += 1);
    let mut next = 0;
    // 0: not named yet.
    let mut names = vec![0u32; parent.len()];
    let name = |&root: &u32| {
        let root = root as usize;
        if sizes[root] > 1 && names[root] == 0 {
            next += 1;
            names[root] = next;
        }
        names[root]
    };
    roots.iter().map(name).collect()
}

fn linked(problem: &Problem<'_>, calls: &[u8], tables: &[f32]) -> Vec<(u32, u32)> {
    let errors = own_errors(problem, calls);
    let tiles = problem.votes.by_tile.rows().max(1) as f64;
    let (mut pairs, both_wrong) = shared_errors(&problem.votes.by_tile, calls);
    let same: f64 = pairs.iter().map(|pair| f64::from(pair.2)).sum::<f64>() / both_wrong.max(1.0);
    // If tiles were dealt at random, chance alone would explain this many; a pair that chance explains is out.
    pairs.retain(|&(a, b, k)| {
        let both = f64::from(errors[a as usize]) * f64::from(errors[b as usize]) / tiles;
        k >= ERRORS && log_tail(k, CAUTION * same * both) < ACCIDENT
    });
    pairs.sort_unstable_by_key(|&(a, b, k)| (u32::MAX - k, a, b));
    pairs.truncate(PAIRS_AT_MOST);
    pairs
        .into_par_iter()
        .filter(|&(a, b, k)| {
            let (shared, expected) = expected(problem, calls, tables, a as usize, b as usize);
            shared >= SHARED && log_tail(k, expected.max(1e-3)) < ACCIDENT
        })
        .map(|(a, b, _)| (a, b))
        .collect()
}

fn own_errors(problem: &Problem<'_>, calls: &[u8]) -> Vec<u32> {
    let side = &problem.votes.by_volunteer;
    let errors = |volunteer| side.row(volunteer).filter(|&(tile, answer)| answer != usize::from(calls[tile])).count();
    (0..side.rows()).into_par_iter().with_min_len(1024).map(|volunteer| errors(volunteer) as u32).collect()
}

/// Pairs and the number of tiles on which they gave the same answer against the call; and on how many pairs of votes
/// both were against it.
fn shared_errors(side: &Side, calls: &[u8]) -> (Vec<(u32, u32, u32)>, f64) {
    let wrong_votes = |tile: usize| side.row(tile).filter(|&(_, answer)| answer != usize::from(calls[tile])).count();
    let both_wrong: usize = (0..side.rows())
        .into_par_iter()
        .with_min_len(4096)
        .filter(|&tile| side.len(tile) <= VOTES_AT_MOST)
        .map(|tile| wrong_votes(tile) * wrong_votes(tile).saturating_sub(1) / 2)
        .sum();
    let mut events: Vec<(u32, u32)> = (side.pieces().into_par_iter())
        .flat_map_iter(|rows| rows.filter(|&tile| side.len(tile) <= VOTES_AT_MOST))
        .flat_map_iter(|tile| {
            let wrong: Vec<(usize, usize)> =
                side.row(tile).filter(|&(_, answer)| answer != usize::from(calls[tile])).collect();
            let mut pairs = Vec::new();
            for (place, &(a, answer)) in wrong.iter().enumerate() {
                let same = wrong[place + 1..].iter().filter(|&&(b, other)| other == answer && b != a);
                pairs.extend(same.map(|&(b, _)| (a.min(b) as u32, a.max(b) as u32)));
            }
            pairs
        })
        .collect();
    events.par_sort_unstable();
    let runs = events.chunk_by(|a, b| a == b);
    (runs.map(|run| (run[0].0, run[0].1, run.len() as u32)).collect(), both_wrong as f64)
}

/// Number of shared tiles, and of equal wrong answers to expect on them by the two tables alone.
fn expected(problem: &Problem<'_>, calls: &[u8], tables: &[f32], a: usize, b: usize) -> (usize, f64) {
    let side = &problem.votes.by_volunteer;
    let (short, long) = if side.len(a) <= side.len(b) { (a, b) } else { (b, a) };
    let tiles = &side.other[side.range(long)];
    // Chance of the same wrong answer, per class of the tile.
    let same: Vec<f64> = (0..problem.shape.classes).map(|class| same_error(problem, tables, a, b, class)).collect();
    let mut shared = 0;
    let mut sum = 0.0;
    for (tile, _) in side.row(short) {
        if tiles.binary_search(&(tile as u32)).is_ok() {
            shared += 1;
            sum += same[usize::from(calls[tile])];
        }
    }
    (shared, sum)
}

fn same_error(problem: &Problem<'_>, tables: &[f32], a: usize, b: usize, class: usize) -> f64 {
    let (classes, cells) = (problem.shape.classes, problem.cells());
    let log = |volunteer: usize, answer: usize| f64::from(tables[volunteer * cells + answer * classes + class]);
    (0..problem.shape.telling).filter(|&y| y != class).map(|y| (log(a, y) + log(b, y)).exp()).sum()
}

/// ln P(X >= k) for a Poisson variable of this mean.
pub(super) fn log_tail(k: u32, mean: f64) -> f64 {
    if mean <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if f64::from(k) <= mean {
        return 0.0;
    }
    let factorial: f64 = (1..=k).map(|i| f64::from(i).ln()).sum();
    let first = f64::from(k) * mean.ln() - mean - factorial;
    // The terms fall at least geometrically beyond k > mean.
    let (mut sum, mut term, mut i) = (1.0, 1.0, f64::from(k));
    while term > 1e-12 * sum {
        i += 1.0;
        term *= mean / i;
        sum += term;
    }
    (first + sum.ln()).min(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_poisson_tail_is_right() {
        // Tables: P(X >= 3 | 1) = 0.080301, P(X >= 10 | 2) = 4.6498e-5.
        assert!((log_tail(3, 1.0) - 0.080_301_4f64.ln()).abs() < 1e-5);
        assert!((log_tail(10, 2.0) - 4.649_81e-5f64.ln()).abs() < 1e-4);
        assert_eq!((log_tail(2, 5.0), log_tail(1, 0.0)), (0.0, f64::NEG_INFINITY));
        assert!(log_tail(100_000, 3.0).is_finite());
    }
}
