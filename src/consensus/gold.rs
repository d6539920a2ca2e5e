//! What check gold says of each volunteer, how it starts a fit, and who is set aside for now.

use rayon::prelude::*;

use super::columns::Columns;
use super::em::{self, Problem};
use super::model::Quarantine;
use super::tile;
use crate::domain::scale::Scale;

/// Gold answers from which a volunteer can be set aside by them.
const GOLD_ANSWERS: u32 = 4;
/// How far above chance even a lucky guesser's record must reach.
const ABOVE_CHANCE: f64 = 0.15;
/// Same answer nearly always: entropy below the first while that of the others' calls on the same tiles is above the
/// second, nats, over this many tiles. Where damage is rare, honest people answer "none" nearly always: at .6 the rule
/// set them aside, and gold, stratified by class, tells them from clickers better.
const CONSTANT: (f64, f64, usize) = (0.2, 1.0, 30);
/// Median time below this share of the crowd's, over this many answers.
const HASTY: (f32, usize) = (0.25, 20);

/// The gold record of each volunteer.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Answers on gold tiles.
    pub labels: Vec<u32>,
    /// Right ones among them.
    pub correct: Vec<u32>,
    /// Share of right answers over the crowd; `None` without gold.
    pub mean: Option<f64>,
}

impl Record {
    /// Reads the record off the labels.
    pub fn new(problem: &Problem<'_>) -> Record {
        let side = &problem.votes.by_volunteer;
        let pairs: Vec<(u32, u32)> = (0..side.rows())
            .into_par_iter()
            .with_min_len(1024)
            .map(|volunteer| {
                side.row(volunteer).fold((0, 0), |(labels, correct), (tile, answer)| match problem.gold(tile) {
                    Some(class) => (labels + 1, correct + u32::from(class == answer)),
                    None => (labels, correct),
                })
            })
            .collect();
        let (labels, correct): (Vec<u32>, Vec<u32>) = pairs.into_iter().unzip();
        let sum = |counts: &[u32]| counts.iter().map(|&count| f64::from(count)).sum::<f64>();
        let mean = (sum(&labels) > 0.0).then(|| sum(&correct) / sum(&labels));
        Record { labels, correct, mean }
    }

    /// Share of right answers, two of the crowd's mean added, `a = (hits + 2 m) / (n + 2)`.
    pub fn smoothed(&self, volunteer: usize, mean: f64) -> f64 {
        (f64::from(self.correct[volunteer]) + 2.0 * mean) / (f64::from(self.labels[volunteer]) + 2.0)
    }

    /// The weight of each volunteer before anything else is known, ln odds of a right answer against one wrong one,
    /// never below 0; `None` without gold.
    pub fn start_weights(&self, classes: usize) -> Option<Vec<f64>> {
        let mean = self.mean?;
        let weight = |volunteer| {
            let a = self.smoothed(volunteer, mean).clamp(0.01, 0.99);
            (a * (classes as f64 - 1.0) / (1.0 - a)).ln().max(0.0)
        };
        Some((0..self.labels.len()).map(weight).collect())
    }

    /// Whether gold says that a volunteer does no better than guessing.
    fn is_guessing(&self, volunteer: usize, classes: usize) -> bool {
        let Some(mean) = self.mean else { return false };
        let a = self.smoothed(volunteer, mean);
        let width = (a * (1.0 - a) / (f64::from(self.labels[volunteer]) + 2.0)).sqrt();
        self.labels[volunteer] >= GOLD_ANSWERS && a + width < 1.0 / classes as f64 + ABOVE_CHANCE
    }
}

/// First posteriors: softmax of the gold weights of the votes where there is gold, else smoothed shares of the votes.
pub fn first_guess(scale: &Scale, problem: &Problem<'_>, weights: Option<&[f64]>) -> Vec<f32> {
    let classes = problem.shape.classes;
    let side = &problem.votes.by_tile;
    let spreads: Vec<_> = (0..problem.shape.telling).map(|answer| tile::spread(scale, answer as u8)).collect();
    let mut q = vec![1.0 / classes as f32; side.rows() * classes];
    em::split(&mut q, &side.pieces(), classes).into_par_iter().for_each(|(rows, q)| {
        let mut sum = vec![0.0; classes];
        for (tile, row) in rows.zip(q.chunks_mut(classes)) {
            sum.fill(0.1);
            for (place, (volunteer, answer)) in side.range(tile).zip(side.row(tile)) {
                let weight = problem.share(place) * weights.map_or(1.0, |weights| weights[volunteer] + 0.1);
                spreads[answer].iter().for_each(|&(class, part)| sum[class] += part * weight);
            }
            if weights.is_some() {
                em::softmax(&mut sum);
            }
            let all: f64 = sum.iter().sum();
            row.iter_mut().zip(&sum).for_each(|(out, &sum)| *out = (sum / all) as f32);
        }
    });
    problem.clamp(&mut q);
    q
}

/// Who is set aside for now, and why.
pub fn quarantine(problem: &Problem<'_>, columns: &Columns, record: &Record) -> Vec<Option<Quarantine>> {
    let constant = constant(problem);
    let hasty = hasty(columns);
    (0..record.labels.len())
        .map(|volunteer| {
            if record.is_guessing(volunteer, problem.shape.classes) {
                Some(Quarantine::Gold)
            } else if constant[volunteer] {
                Some(Quarantine::Constant)
            } else if hasty[volunteer] {
                Some(Quarantine::Hasty)
            } else {
                None
            }
        })
        .collect()
}

/// Who gives nearly always the same answer on tiles where the crowd's answers vary.
fn constant(problem: &Problem<'_>) -> Vec<bool> {
    let (by_volunteer, by_tile) = (&problem.votes.by_volunteer, &problem.votes.by_tile);
    let telling = problem.shape.telling;
    let judge = |volunteer: usize| {
        let mut own = vec![0.0; telling];
        by_volunteer.row(volunteer).for_each(|(_, answer)| own[answer] += 1.0);
        if by_volunteer.len(volunteer) < CONSTANT.2 || entropy_of(&own) >= CONSTANT.0 {
            return false;
        }
        let mut crowd = vec![0.0; telling];
        let mut counts = vec![0u32; telling];
        for (tile, _) in by_volunteer.row(volunteer) {
            counts.fill(0);
            by_tile.row(tile).filter(|&(other, _)| other != volunteer).for_each(|(_, answer)| counts[answer] += 1);
            let most = counts.iter().copied().max().unwrap_or(0);
            let leaders = counts.iter().filter(|&&count| count == most).count() as f64;
            let call = counts.iter().zip(&mut crowd).filter(|(count, _)| most > 0 && **count == most);
            call.for_each(|(_, sum)| *sum += 1.0 / leaders);
        }
        entropy_of(&crowd) > CONSTANT.1
    };
    (0..by_volunteer.rows()).into_par_iter().with_min_len(64).map(judge).collect()
}

fn entropy_of(counts: &[f64]) -> f64 {
    let all: f64 = counts.iter().sum();
    let shares: Vec<f64> = counts.iter().map(|count| if all > 0.0 { count / all } else { 0.0 }).collect();
    tile::entropy(&shares)
}

/// Who answers far faster than the crowd.
fn hasty(columns: &Columns) -> Vec<bool> {
    let mut of: Vec<Vec<f32>> = vec![Vec::new(); columns.volunteer_count()];
    for (&volunteer, &seconds) in columns.volunteers().iter().zip(columns.seconds()) {
        if seconds.is_finite() && seconds > 0.0 {
            of[volunteer as usize].push(seconds);
        }
    }
    let mut all: Vec<f32> = of.concat();
    let Some(crowd) = median(&mut all) else { return vec![false; of.len()] };
    of.iter_mut().map(|own| own.len() >= HASTY.1 && median(own).is_some_and(|own| own < HASTY.0 * crowd)).collect()
}

fn median(values: &mut [f32]) -> Option<f32> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    Some(*values.select_nth_unstable_by(middle, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::super::{Pool, VotingRule};
    use super::*;

    /// Eight volunteers label 60 tiles of 4 ordered classes; the last answers as `odd` says, after `seconds`.
    fn crowd(odd: impl Fn(u32) -> u8, seconds: f32, gold: bool) -> Vec<Option<Quarantine>> {
        let scale = Scale::built_in("jds4").unwrap();
        let (mut tiles, mut volunteers, mut answers, mut times) = (vec![], vec![], vec![], vec![]);
        for tile in 0..60u32 {
            for volunteer in 0..8u32 {
                let errs = (tile * 5 + volunteer * 3) % 8 == 0;
                tiles.push(tile);
                volunteers.push(volunteer);
                answers.push(if volunteer == 7 { odd(tile) } else { ((tile + u32::from(errs)) % 4) as u8 });
                times.push(if volunteer == 7 { seconds } else { 8.0 + (tile % 5) as f32 });
            }
        }
        let gold = (0..60).map(|tile| (gold && tile % 5 == 0).then_some((tile % 4) as u8)).collect();
        let columns = Columns::new(tiles, volunteers, answers, gold, 8).unwrap().with_seconds(times).unwrap();
        Pool.fit(&scale, &columns, 1).skills.iter().map(|skill| skill.quarantine).collect()
    }

    fn last(reasons: &[Option<Quarantine>]) -> Option<Quarantine> {
        assert!(reasons[..7].iter().all(Option::is_none), "honest people are left alone: {reasons:?}");
        reasons[7]
    }

    #[test]
    fn guessing_on_gold_sets_an_account_aside() {
        // Right on one gold tile in twelve.
        let guess = |tile: u32| ((tile + 2 + 2 * u32::from(tile == 20)) % 4) as u8;
        assert_eq!(last(&crowd(guess, 9.0, true)), Some(Quarantine::Gold));
        assert_eq!(last(&crowd(guess, 9.0, false)), None);
        assert_eq!(last(&crowd(|tile| (tile % 4) as u8, 9.0, true)), None);
    }

    #[test]
    fn the_same_answer_everywhere_sets_an_account_aside() {
        assert_eq!(last(&crowd(|_| 2, 9.0, false)), Some(Quarantine::Constant));
    }

    #[test]
    fn haste_sets_an_account_aside() {
        assert_eq!(last(&crowd(|tile| (tile % 4) as u8, 1.0, false)), Some(Quarantine::Hasty));
        assert_eq!(last(&crowd(|tile| (tile % 4) as u8, 4.0, false)), None);
    }
}
