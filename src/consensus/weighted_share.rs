//! Weighted voting: one smoothed, gold-informed weight a volunteer, and the weighted share of each class.
//!
//! Worker agreement with aggregate (Wawa, Appen) with shrinkage and a correction for chance (consensus.md, D):
//!
//! - accuracy `a_w = (h_w + 4 a) / (n_w + 4)`: `h_w` sums the share of the answer given over the volunteer's labels,
//!   1 or 0 on check gold; `a` is the mean over the crowd, so that newcomers act like the crowd;
//! - weight `w_w = max(.02, (K a_w - 1) / (K - 1))`, never above 1;
//! - share `s(z) = (sum of w over votes for z + .5 / K) / (sum of w + .5)`.
//!
//! Ten passes of the three, or fewer once no weight moves by 1e-4. Bounded weights make it robust and easy to
//! explain: "your label counted .83".

use rayon::prelude::*;

use super::columns::Columns;
use super::em::{self, Problem};
use super::gold::Record;
use super::model::{Model, Skill};
use super::tile::{self, Shape, Weighed};
use super::{About, Fitted, VotingRule};
use crate::domain::scale::Scale;

/// Passes of the fit, and the largest change of a weight at which it stops earlier.
const PASSES: usize = 10;
const SETTLED: f64 = 1e-4;
/// Labels that the crowd's mean is worth against a volunteer's own.
const SMOOTHING: f64 = 4.0;
/// Lowest weight of somebody who is not in quarantine.
const LEAST_WEIGHT: f64 = 0.02;
/// Votes spread evenly over the classes.
pub const EVEN: f64 = 0.5;
/// Check gold tiles below which a fit does not judge whether the campaign is identifiable.
const GOLD_TO_JUDGE: u32 = 10;
/// Share of check gold tiles that labels alone must call rightly.
const IDENTIFIABLE: f64 = 0.6;

/// The weighted share; see the page.
#[derive(Debug, Clone, Copy)]
pub struct WeightedShare;

impl VotingRule for WeightedShare {
    fn about(&self) -> About {
        About { method: "weighted-share", version: 1, published: false }
    }

    fn learn(&self, scale: &Scale, _columns: &Columns, problem: &Problem<'_>) -> Fitted {
        let classes = problem.shape.classes;
        let record = Record::new(problem);
        let weights = fit(scale, problem, &record, vec![1.0; problem.votes.by_volunteer.rows()]);
        let q = weights.tile_shares(scale, problem, true);
        let blind = weights.tile_shares(scale, problem, false);
        let (gold_tiles, gold_accuracy) = judged_by_gold(scale.ordered, problem, &blind);
        let model = Model {
            identifiable: is_identifiable(gold_tiles, gold_accuracy),
            gold_tiles,
            gold_accuracy,
            prior: problem.class_shares(&q, classes as f64),
            average: Skill::blank(weight(weights.mean, classes), weights.mean),
            ..Model::zero(scale)
        };
        Fitted { model, skills: weights.skills(scale, problem, &record, &q) }
    }

    fn probabilities(&self, scale: &Scale, _model: &Model, votes: &[Weighed<'_>]) -> Vec<f64> {
        shares(scale, votes)
    }
}

/// The smoothed weighted share of each class.
pub fn shares(scale: &Scale, votes: &[Weighed<'_>]) -> Vec<f64> {
    let classes = Shape::of(scale).classes;
    let mut shares = vec![EVEN / classes as f64; classes];
    for w in votes {
        for (class, part) in tile::spread(scale, w.vote.answer) {
            shares[class] += part * w.weight;
        }
    }
    let all: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= all);
    shares
}

/// Fitted weights of all volunteers.
pub struct Weights {
    /// Weight per volunteer.
    pub of: Vec<f64>,
    /// Smoothed accuracy per volunteer.
    pub accuracies: Vec<f64>,
    /// Mean accuracy over all labels.
    pub mean: f64,
}

/// Fits the weights from these on. A weight of 0 at the start stays 0: quarantine.
pub fn fit(scale: &Scale, problem: &Problem<'_>, record: &Record, start: Vec<f64>) -> Weights {
    let muted: Vec<bool> = start.iter().map(|&weight| weight == 0.0).collect();
    let mut weights = Weights { accuracies: vec![1.0; start.len()], of: start, mean: 1.0 };
    if let Some(mean) = record.mean {
        weights.start_from_gold(problem.shape.classes, record, mean);
    }
    for _ in 0..PASSES {
        if weights.pass(scale, problem, &muted) < SETTLED {
            break;
        }
    }
    weights
}

impl Weights {
    /// With gold the first weights are what gold says, so that no ring of accounts sets the direction.
    fn start_from_gold(&mut self, classes: usize, record: &Record, mean: f64) {
        for (volunteer, weight) in self.of.iter_mut().enumerate().filter(|(_, weight)| **weight > 0.0) {
            *weight = self::weight(record.smoothed(volunteer, mean), classes);
        }
    }

    /// Weighted share per tile and class, `[tile][class]`; gold tiles have their class when `clamp`.
    pub fn tile_shares(&self, scale: &Scale, problem: &Problem<'_>, clamp: bool) -> Vec<f32> {
        let classes = problem.shape.classes;
        let side = &problem.votes.by_tile;
        let spreads = spreads(scale, problem.shape);
        let mut shares = vec![0.0f32; side.rows() * classes];
        em::split(&mut shares, &side.pieces(), classes).into_par_iter().for_each(|(rows, shares)| {
            let mut sum = vec![0.0; classes];
            for (tile, row) in rows.zip(shares.chunks_mut(classes)) {
                sum.fill(1e-9);
                for (place, (volunteer, answer)) in side.range(tile).zip(side.row(tile)) {
                    let weight = self.of[volunteer] * problem.share(place);
                    spreads[answer].iter().for_each(|&(class, part)| sum[class] += part * weight);
                }
                let all: f64 = sum.iter().sum();
                row.iter_mut().zip(&sum).for_each(|(share, sum)| *share = (sum / all) as f32);
            }
        });
        if clamp {
            problem.clamp(&mut shares);
        }
        shares
    }

    /// One pass; the largest change of a weight.
    fn pass(&mut self, scale: &Scale, problem: &Problem<'_>, muted: &[bool]) -> f64 {
        let classes = problem.shape.classes;
        let shares = self.tile_shares(scale, problem, true);
        let side = &problem.votes.by_volunteer;
        let spreads = spreads(scale, problem.shape);
        let agreement = |volunteer: usize| {
            side.row(volunteer)
                .map(|(tile, answer)| {
                    let row = &shares[tile * classes..][..classes];
                    spreads[answer].iter().map(|&(class, part)| part * f64::from(row[class])).sum::<f64>()
                })
                .sum::<f64>()
        };
        let mut hits = vec![0.0; side.rows()];
        em::split(&mut hits, &side.pieces(), 1).into_par_iter().for_each(|(rows, hits)| {
            rows.zip(hits).for_each(|(volunteer, hits)| *hits = agreement(volunteer));
        });
        let all = problem.votes.len() as f64;
        self.mean = if all > 0.0 { (hits.iter().sum::<f64>() / all).min(1.0) } else { 1.0 };
        let mut change = 0.0f64;
        for (volunteer, hits) in hits.into_iter().enumerate() {
            let labels = side.len(volunteer) as f64;
            self.accuracies[volunteer] = ((hits + SMOOTHING * self.mean) / (labels + SMOOTHING)).min(1.0);
            let next = if muted[volunteer] { 0.0 } else { weight(self.accuracies[volunteer], classes) };
            change = change.max((next - self.of[volunteer]).abs());
            self.of[volunteer] = next;
        }
        change
    }

    /// The volunteers' skills; `q` holds the class probabilities of the tiles.
    pub fn skills(&self, scale: &Scale, problem: &Problem<'_>, record: &Record, q: &[f32]) -> Vec<Skill> {
        let classes = problem.shape.classes;
        let side = &problem.votes.by_volunteer;
        let places: Vec<f64> = (spreads(scale, problem.shape).iter())
            .map(|spread| spread.iter().map(|&(class, part)| class as f64 * part).sum())
            .collect();
        let bias = |volunteer: usize| {
            let error = |(tile, answer): (usize, usize)| {
                let row = &q[tile * classes..][..classes];
                places[answer] - row.iter().enumerate().map(|(class, &p)| class as f64 * f64::from(p)).sum::<f64>()
            };
            side.row(volunteer).map(error).sum::<f64>() / side.len(volunteer).max(1) as f64
        };
        (0..side.rows())
            .into_par_iter()
            .with_min_len(256)
            .map(|volunteer| Skill {
                labels: side.len(volunteer) as u32,
                gold_labels: record.labels[volunteer],
                gold_correct: record.correct[volunteer],
                bias: bias(volunteer),
                ..Skill::blank(weight(self.accuracies[volunteer], classes), self.accuracies[volunteer])
            })
            .collect()
    }
}

/// What each answer that speaks about damage says for the classes.
pub fn spreads(scale: &Scale, shape: Shape) -> Vec<[(usize, f64); 2]> {
    (0..shape.telling).map(|answer| tile::spread(scale, answer as u8)).collect()
}

/// The chance-corrected weight of an accuracy.
pub fn weight(accuracy: f64, classes: usize) -> f64 {
    let classes = classes as f64;
    ((classes * accuracy - 1.0) / (classes - 1.0)).clamp(LEAST_WEIGHT, 1.0)
}

/// Labelled gold tiles, and the share of them that these blind probabilities call rightly.
pub fn judged_by_gold(ordered: bool, problem: &Problem<'_>, blind: &[f32]) -> (u32, Option<f64>) {
    let (mut tiles, mut right) = (0u32, 0u32);
    for (tile, row) in blind.chunks(problem.shape.classes).enumerate() {
        if let (Some(gold), false) = (problem.gold(tile), problem.votes.by_tile.is_empty(tile)) {
            let row: Vec<f64> = row.iter().map(|&p| f64::from(p)).collect();
            tiles += 1;
            right += u32::from(usize::from(tile::call(ordered, &row)) == gold);
        }
    }
    (tiles, (tiles > 0).then(|| f64::from(right) / f64::from(tiles)))
}

/// Whether gold lets the consensus be published.
pub fn is_identifiable(gold_tiles: u32, accuracy: Option<f64>) -> bool {
    gold_tiles < GOLD_TO_JUDGE || accuracy.is_none_or(|share| share >= IDENTIFIABLE)
}

#[cfg(test)]
#[path = "weighted_share_tests.rs"]
mod tests;
