//! The default: a pool of the confusion posterior and the weighted share, guarded by gold and by the watch on rings.
//!
//! `c(z) = a q'(z) + (1 - a) s(z)`: `q'` is the posterior of the confusion model ([`super::confusion`]) flattened to
//! `q^(1 / (1 + (n - 1) r)) / norm`, `s` the weighted share ([`super::weighted_share`]), a linear opinion pool (Stone,
//! 1961). Confusion tables win where errors have structure, bounded weights on skewed or correlated crowds; neither
//! can carry the pool away alone.
//!
//! - `n` votes whose errors are alike to the degree `r` say as much as `n / (1 + (n - 1) r)` independent ones (the
//!   design effect: Kish, 1965). Held-out votes give `r`: how well does each value predict each vote from the other
//!   votes of its tile, with tables fitted without that tile?
//! - `a` is one half; with 50 gold tiles, both are what gives the least Brier score on them ([`super::evidence`]).

use super::columns::Columns;
use super::dawid_skene::log_posterior;
use super::model::Model;
use super::tile::{Shape, Weighed};
use super::{About, Fitted, Problem, VotingRule, calibration, em, pool_fit, weighted_share};
use crate::domain::scale::Scale;

/// The default method; see the page.
#[derive(Debug, Clone, Copy)]
pub struct Pool;

impl VotingRule for Pool {
    fn about(&self) -> About {
        About { method: "default", version: 3, published: false }
    }

    fn learn(&self, scale: &Scale, columns: &Columns, problem: &Problem<'_>) -> Fitted {
        pool_fit::fit(scale, columns, problem)
    }

    fn probabilities(&self, scale: &Scale, model: &Model, votes: &[Weighed<'_>]) -> Vec<f64> {
        pooled(scale, model, votes)
    }

    fn calibrate(&self, model: &Model, class: u8, probabilities: &mut [f64]) {
        calibration::apply(&model.calibration, usize::from(class), probabilities);
    }
}

/// Probabilities of one tile before calibration.
fn pooled(scale: &Scale, model: &Model, votes: &[Weighed<'_>]) -> Vec<f64> {
    let shares = weighted_share::shares(scale, votes);
    if model.average.table.is_empty() {
        return shares;
    }
    let telling = Shape::of(scale).telling;
    let count: f64 = votes.iter().filter(|w| usize::from(w.vote.answer) < telling).map(|w| w.share).sum();
    mix(&log_posterior(scale, model, votes), count, &shares, model.correlation, model.posterior_share)
}

/// The pool of a posterior (logarithms, from `count` votes) and a share.
pub fn mix(logs: &[f64], count: f64, shares: &[f64], correlation: f64, posterior_share: f64) -> Vec<f64> {
    let worth = worth(count, correlation);
    let mut q: Vec<f64> = logs.iter().map(|log| worth * log).collect();
    em::softmax(&mut q);
    let a = posterior_share;
    q.iter_mut().zip(shares).for_each(|(q, share)| *q = a * *q + (1.0 - a) * share);
    let all: f64 = q.iter().sum();
    q.iter_mut().for_each(|p| *p /= all);
    q
}

/// How much of the evidence of `count` votes remains when their errors are alike to this degree.
pub fn worth(count: f64, correlation: f64) -> f64 {
    1.0 / (1.0 + (count - 1.0).max(0.0) * correlation)
}
