//! Rings of accounts that meet too seldom to be found pair by pair: one group, found on half of the tiles and confirmed on
//! the other half.
//!
//! Where few people label each tile, two accounts of a ring share a handful of tiles, and no pair of them is ever
//! conspicuous ([`super::rings`]). Together they are:
//!
//! 1. Of a tile with `n` votes of which `m` give the same wrong answer, chance puts account `a` among the `m` with
//!    `p_a = m o_a / (sum of o)`, `o` the odds of that answer in each account's own table: so hard tiles and poor
//!    eyesight explain themselves. What two accounts share beyond `p_a p_b` is their excess.
//! 2. The leading eigenvector of the excess over one half of the tiles names candidates.
//! 3. On each tile where one of a pair errs, an accomplice gives the same wrong answer nearly always, an honest person
//!    seldom: on the real crowds of docs/consensus.md the most alike group of honest people does so in .21 of the cases.
//!    Who agrees with the candidates' errors in less than half of them is dropped.
//! 4. What remains must do the same on the other half of the tiles, beyond any accident.

use super::em::Problem;
use super::rings::log_tail;

/// Share of the errors of one that the other makes too, from which a pair of a group acts together.
const CONCORDANT: f64 = 0.5;
/// Shared errors on the half that confirms, at least.
const ERRORS: f64 = 12.0;
/// ln of the probability below which they are no accident.
const ACCIDENT: f64 = -13.815_510_557_964_274; // ln 1e-6
/// Accounts of the smallest group.
const SMALLEST: usize = 3;
/// Candidates that are compared with each other.
const CANDIDATES: usize = 64;
/// Share of the leading candidate's entry from which others are candidates.
const CANDIDATE: f64 = 0.1;
/// Groups at most.
const GROUPS: usize = 4;
/// Passes of the power iteration.
const PASSES: usize = 40;
/// Tiles with more votes are left out.
const VOTES_AT_MOST: usize = 200;

/// One wrong answer that several gave for one tile: everybody who voted there, and who gave it.
struct Event {
    voters: Vec<(u32, bool, f64)>,
    correction: f64,
}

/// Groups of accounts that err together, each in the order of the volunteers; largest evidence first.
pub fn find(problem: &Problem<'_>, calls: &[u8], tables: &[f32]) -> Vec<Vec<u32>> {
    let volunteers = problem.votes.by_volunteer.rows();
    let halves = [events(problem, calls, tables, 0), events(problem, calls, tables, 1)];
    let mut muted = vec![false; volunteers];
    let mut groups = Vec::new();
    while groups.len() < GROUPS {
        let search = Search { problem, calls, halves: &halves, muted: &muted };
        let Some(group) = (0..2).find_map(|half| search.group(half)) else { break };
        group.iter().for_each(|&member| muted[member as usize] = true);
        groups.push(group);
    }
    groups
}

/// Which half of the tiles a tile is in.
fn half(tile: usize) -> usize {
    // Fibonacci hashing: neighbours fall apart.
    ((tile as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 63) as usize
}

fn events(problem: &Problem<'_>, calls: &[u8], tables: &[f32], wanted: usize) -> Vec<Event> {
    let side = &problem.votes.by_tile;
    let (classes, cells) = (problem.shape.classes, problem.cells());
    let mut found = Vec::new();
    for tile in (0..side.rows()).filter(|&tile| half(tile) == wanted && (3..=VOTES_AT_MOST).contains(&side.len(tile))) {
        let call = usize::from(calls[tile]);
        for answer in (0..problem.shape.telling).filter(|&answer| answer != call) {
            let together = side.row(tile).filter(|&(_, given)| given == answer).count();
            if together < 2 {
                continue;
            }
            let odds = |volunteer: usize| {
                let p = f64::from(tables[volunteer * cells + answer * classes + call]).exp().clamp(1e-6, 1.0 - 1e-6);
                p / (1.0 - p)
            };
            let all: f64 = side.row(tile).map(|(volunteer, _)| odds(volunteer)).sum();
            let (m, n) = (together as f64, side.len(tile) as f64);
            let chance = |volunteer| (m * odds(volunteer) / all).min(0.95);
            let voter = |(volunteer, given): (usize, usize)| (volunteer as u32, given == answer, chance(volunteer));
            let correction = (m - 1.0) / m * n / (n - 1.0);
            found.push(Event { voters: side.row(tile).map(voter).collect(), correction });
        }
    }
    found
}

struct Search<'a> {
    problem: &'a Problem<'a>,
    calls: &'a [u8],
    halves: &'a [Vec<Event>; 2],
    muted: &'a [bool],
}

/// For each pair of some accounts: errors of either, and errors of both alike.
struct Pairs {
    size: usize,
    either: Vec<f64>,
    alike: Vec<f64>,
}

impl Search<'_> {
    /// A group found on one half and confirmed on the other.
    fn group(&self, train: usize) -> Option<Vec<u32>> {
        let candidates = self.candidates(&self.halves[train]);
        if candidates.len() < SMALLEST {
            return None;
        }
        let kept = self.pairs(&candidates, train).trimmed();
        let core: Vec<u32> = kept.iter().map(|&place| candidates[place]).collect();
        if core.len() < SMALLEST || !self.confirmed(&core, 1 - train) {
            return None;
        }
        Some(self.completed(&core))
    }

    /// Accounts that lead the excess of shared errors.
    fn candidates(&self, events: &[Event]) -> Vec<u32> {
        let leading = self.leading(events);
        let top = leading.iter().copied().fold(0.0, f64::max);
        let mut order: Vec<u32> =
            (0..leading.len() as u32).filter(|&v| top > 0.0 && leading[v as usize] >= CANDIDATE * top).collect();
        order.sort_by(|&a, &b| leading[b as usize].total_cmp(&leading[a as usize]).then(a.cmp(&b)));
        order.truncate(CANDIDATES);
        order
    }

    /// The leading eigenvector of the excess, each account scaled by what chance would give it; never below 0.
    fn leading(&self, events: &[Event]) -> Vec<f64> {
        let volunteers = self.muted.len();
        let mut expected = vec![1.0; volunteers];
        for event in events {
            let all: f64 = event.voters.iter().map(|voter| voter.2).sum();
            event.voters.iter().for_each(|&(v, _, p)| expected[v as usize] += event.correction * p * (all - p));
        }
        let scale: Vec<f64> = expected.iter().map(|e| 1.0 / e.sqrt()).collect();
        let mut vector: Vec<f64> = scale.clone();
        for _ in 0..PASSES {
            let mut next = vec![0.0; volunteers];
            for event in events {
                let at = |v: u32| vector[v as usize] * scale[v as usize];
                let wrong: f64 = event.voters.iter().filter(|voter| voter.1).map(|voter| at(voter.0)).sum();
                let chance: f64 = event.voters.iter().map(|&(v, _, p)| p * at(v)).sum();
                for &(v, is_wrong, p) in &event.voters {
                    let seen = if is_wrong { wrong - at(v) } else { 0.0 };
                    next[v as usize] += seen - event.correction * p * (chance - p * at(v));
                }
            }
            for (v, value) in next.iter_mut().enumerate() {
                // Of -0 and 0 either may be the greater; adding 0 leaves 0 of both.
                *value = if self.muted[v] { 0.0 } else { (*value * scale[v]).max(0.0) + 0.0 };
            }
            let length = next.iter().map(|value| value * value).sum::<f64>().sqrt();
            if length <= 0.0 {
                return next;
            }
            next.iter_mut().for_each(|value| *value /= length);
            let moved = next.iter().zip(&vector).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            vector = next;
            if moved < 1e-6 {
                break;
            }
        }
        vector
    }

    /// The errors of these accounts on one half of the tiles, pair by pair.
    fn pairs(&self, accounts: &[u32], wanted: usize) -> Pairs {
        let size = accounts.len();
        let mut place = vec![usize::MAX; self.muted.len()];
        accounts.iter().enumerate().for_each(|(at, &account)| place[account as usize] = at);
        let mut pairs = Pairs { size, either: vec![0.0; size * size], alike: vec![0.0; size * size] };
        let side = &self.problem.votes.by_tile;
        for tile in (0..side.rows()).filter(|&tile| half(tile) == wanted) {
            let call = usize::from(self.calls[tile]);
            let here: Vec<(usize, usize)> =
                side.row(tile).map(|(v, answer)| (place[v], answer)).filter(|(at, _)| *at < size).collect();
            for (turn, &(a, given)) in here.iter().enumerate() {
                for &(b, other) in here[turn + 1..].iter().filter(|(_, other)| given != call || *other != call) {
                    let alike = f64::from(u8::from(given == other));
                    for cell in [a * size + b, b * size + a] {
                        pairs.either[cell] += 1.0;
                        pairs.alike[cell] += alike;
                    }
                }
            }
        }
        pairs
    }

    /// Whether a group errs together on this half too, as one and beyond any accident.
    fn confirmed(&self, group: &[u32], wanted: usize) -> bool {
        let pairs = self.pairs(group, wanted);
        let (alike, either) = (pairs.alike.iter().sum::<f64>() / 2.0, pairs.either.iter().sum::<f64>() / 2.0);
        if alike < ERRORS || alike < CONCORDANT * either {
            return false;
        }
        let is_member = |v: u32| group.contains(&v);
        let (mut shared, mut expected) = (0.0, 0.0);
        for event in &self.halves[wanted] {
            let wrong = event.voters.iter().filter(|voter| voter.1 && is_member(voter.0)).count() as f64;
            let (mut sum, mut squares) = (0.0, 0.0);
            event.voters.iter().filter(|voter| is_member(voter.0)).for_each(|&(_, _, p)| {
                sum += p;
                squares += p * p;
            });
            shared += wrong * (wrong - 1.0) / 2.0;
            expected += event.correction * (sum * sum - squares) / 2.0;
        }
        log_tail(shared as u32, f64::max(expected, 1e-3)) < ACCIDENT
    }

    /// The group with everybody else who errs with it, over all tiles.
    fn completed(&self, core: &[u32]) -> Vec<u32> {
        let mut is_member = vec![false; self.muted.len()];
        core.iter().for_each(|&member| is_member[member as usize] = true);
        let (mut either, mut alike) = (vec![0.0; self.muted.len()], vec![0.0; self.muted.len()]);
        let side = &self.problem.votes.by_tile;
        for tile in 0..side.rows() {
            let call = usize::from(self.calls[tile]);
            for (member, given) in side.row(tile).filter(|&(v, _)| is_member[v]) {
                for (v, other) in side.row(tile).filter(|&(v, other)| v != member && (given != call || other != call)) {
                    either[v] += 1.0;
                    alike[v] += f64::from(u8::from(given == other));
                }
            }
        }
        let joins = |v: usize| either[v] >= ERRORS / 2.0 && alike[v] >= CONCORDANT * either[v] && !self.muted[v];
        (0..self.muted.len()).filter(|&v| is_member[v] || joins(v)).map(|v| v as u32).collect()
    }
}

impl Pairs {
    /// The places of those who err alike with the rest: whoever does so least is dropped, until all do.
    fn trimmed(&self) -> Vec<usize> {
        let mut kept: Vec<usize> = (0..self.size).collect();
        while kept.len() >= SMALLEST {
            let worst = (kept.iter().map(|&a| (self.concordance(a, &kept), a)))
                .min_by(|(x, a), (y, b)| x.total_cmp(y).then(b.cmp(a)));
            match worst {
                Some((share, account)) if share < CONCORDANT => kept.retain(|&other| other != account),
                _ => break,
            }
        }
        kept
    }

    fn concordance(&self, account: usize, group: &[usize]) -> f64 {
        let sum = |cells: &[f64]| group.iter().map(|other| cells[account * self.size + other]).sum::<f64>();
        let either = sum(&self.either);
        if either > 0.0 { sum(&self.alike) / either } else { 0.0 }
    }
}

#[cfg(test)]
#[path = "accomplices_tests.rs"]
mod tests;
