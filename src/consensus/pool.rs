//! The default: a pool of the confusion posterior and the weighted share, guarded by gold and by the watch on rings.
//!
//! `c(z) = a q'(z) + (1 - a) s(z)`: `q'` is the posterior of the confusion model ([`super::confusion`]) flattened to
//! `q^(1 / (1 + (n - 1) r)) / norm`, `s` the weighted share ([`super::weighted_share`]), a linear opinion pool (Stone,
//! 1961). Confusion tables win where errors have structure, bounded weights on skewed or correlated crowds; neither
//! can carry the pool away alone.
//!
//! - `n` votes whose errors are alike to the degree `r` say as much as `n / (1 + (n - 1) r)` independent ones (the
//!   design effect: Kish, 1965). `r` is chosen by held-out votes: which value predicts each vote best from the other
//!   votes of its tile, with tables fitted without that tile? Half-way back to .1, the common value.
//! - `a` is one half; with 50 gold tiles, both are what gives the least Brier score on them.

use rayon::prelude::*;

use super::columns::Columns;
use super::confusion::{self, Crowd, Fit};
use super::dawid_skene::log_posterior;
use super::em::{self, Problem};
use super::gold::{self, Record};
use super::model::{Model, Quarantine, Skill};
use super::tile::{self, Shape, Vote, Weighed};
use super::votes::Votes;
use super::weighted_share::{self, Weights};
use super::{Fitted, VotingRule, rings};
use crate::domain::consensus::Consensus;
use crate::domain::scale::Scale;

/// Weight of the confusion posterior without gold.
const POSTERIOR_SHARE: f64 = 0.5;
/// Correlations to choose from, and the common one.
const CORRELATIONS: [f64; 6] = [0.0, 0.05, 0.1, 0.2, 0.3, 0.5];
const COMMON_CORRELATION: f64 = 0.1;
/// Tiles on which correlations are compared, at most.
const HELD_OUT_TILES: usize = 20_000;
/// Highest share of the crowd's table from one account.
const INFLUENCE: f64 = 0.30;

/// The default method; see the page.
#[derive(Debug, Clone, Copy)]
pub struct Pool;

impl VotingRule for Pool {
    fn method(&self) -> &'static str {
        "default"
    }

    fn version(&self) -> u32 {
        1
    }

    fn fit(&self, scale: &Scale, columns: &Columns, number: u32) -> Fitted {
        let shape = Shape::of(scale);
        let votes = Votes::new(columns, shape.telling, false);
        fit(scale, columns, &votes, number, self.version())
    }

    fn consensus(&self, scale: &Scale, model: &Model, votes: &[Vote<'_>]) -> Consensus {
        let votes = tile::weigh(scale, model, votes);
        let probabilities = pooled(scale, model, &votes);
        let class = tile::has_voice(scale, &votes).then(|| tile::call(scale.ordered, &probabilities));
        tile::describe(scale, probabilities, class, &votes)
    }
}

/// Probabilities of one tile.
fn pooled(scale: &Scale, model: &Model, votes: &[Weighed<'_>]) -> Vec<f64> {
    let mut pooled = weighted_share::shares(scale, votes);
    if model.average.table.is_empty() {
        return pooled;
    }
    let posterior = posterior(scale, model, votes);
    let a = model.posterior_share;
    pooled.iter_mut().zip(&posterior).for_each(|(share, q)| *share = a * q + (1.0 - a) * *share);
    let all: f64 = pooled.iter().sum();
    pooled.iter_mut().for_each(|share| *share /= all);
    pooled
}

/// The flattened posterior of the confusion model.
fn posterior(scale: &Scale, model: &Model, votes: &[Weighed<'_>]) -> Vec<f64> {
    let telling = Shape::of(scale).telling;
    let mut logs = log_posterior(scale, model, votes);
    let count: f64 = votes.iter().filter(|w| usize::from(w.vote.answer) < telling).map(|w| w.share).sum();
    let worth = worth(count, model.correlation);
    logs.iter_mut().for_each(|log| *log *= worth);
    em::softmax(&mut logs);
    logs
}

/// How much of the evidence of `count` votes remains.
fn worth(count: f64, correlation: f64) -> f64 {
    1.0 / (1.0 + (count - 1.0).max(0.0) * correlation)
}

fn fit(scale: &Scale, columns: &Columns, votes: &Votes, number: u32, version: u32) -> Fitted {
    let shape = Shape::of(scale);
    let plain = Problem { shape, votes, gold: columns.gold(), shares: &[], influence: &[] };
    let record = Record::new(&plain);
    let quarantine = gold::quarantine(&plain, columns, &record);
    let start = || quarantine.iter().map(|reason| if reason.is_some() { 0.0 } else { 1.0 }).collect::<Vec<f64>>();
    let influence = influence(votes, &quarantine);
    let plain = Problem { influence: &influence, ..plain };
    let mut weights = weighted_share::fit(scale, &plain, &record, start());
    let rings = find_rings(scale, &plain, &weights);
    let shares = shares(&plain, &quarantine, &rings, &weights);
    let problem = Problem { shares: &shares, influence: &influence, ..plain };
    if rings.iter().any(|&ring| ring > 0) {
        weights = weighted_share::fit(scale, &problem, &record, start());
    }
    let first = gold::first_guess(scale, &problem, record.start_weights(shape.classes).as_deref());
    let confusion = confusion::fit(scale, &problem, first, em::PASSES, true);
    let mut skills = weights.skills(scale, &problem, &record, &confusion.q);
    let cells = problem.cells();
    for (volunteer, skill) in skills.iter_mut().enumerate() {
        skill.ring = rings[volunteer];
        skill.quarantine = quarantine[volunteer];
        skill.table = confusion.tables[volunteer * cells..][..cells].to_vec();
    }
    let mut model = model(scale, &problem, &weights, &confusion);
    model.number = number;
    model.version = version;
    Fitted { model, skills }
}

fn model(scale: &Scale, problem: &Problem<'_>, weights: &Weights, confusion: &Fit) -> Model {
    let classes = problem.shape.classes;
    let average = Skill::blank(weighted_share::weight(weights.mean, classes), weights.mean);
    let table = confusion.crowd.table.iter().map(|p| p.max(1e-9).ln() as f32).collect();
    Model {
        prior: confusion.prior.clone(),
        posterior_share: POSTERIOR_SHARE,
        correlation: (held_out_correlation(problem, confusion) + COMMON_CORRELATION) / 2.0,
        average: Skill { table, ..average },
        ..Model::zero(scale)
    }
}

/// How much of each account enters the crowd's table.
fn influence(votes: &Votes, quarantine: &[Option<Quarantine>]) -> Vec<f64> {
    let side = &votes.by_volunteer;
    let most = INFLUENCE * votes.len() as f64;
    let of = |(volunteer, reason): (usize, &Option<Quarantine>)| match reason {
        Some(_) => 0.0,
        None => (most / side.len(volunteer).max(1) as f64).min(1.0),
    };
    quarantine.iter().enumerate().map(of).collect()
}

/// Rings by the calls of the weighted share.
fn find_rings(scale: &Scale, problem: &Problem<'_>, weights: &Weights) -> Vec<u32> {
    let classes = problem.shape.classes;
    let mut calls = weights.tile_shares(scale, problem, true);
    let mut classes_called = Vec::with_capacity(calls.len() / classes);
    for row in calls.chunks_mut(classes) {
        let best = (1..classes).fold(0, |best, class| if row[class] > row[best] { class } else { best });
        row.fill(0.0);
        row[best] = 1.0;
        classes_called.push(best as u8);
    }
    let mut counts = vec![0.0; problem.votes.by_volunteer.rows() * problem.cells()];
    let totals = problem.count(&calls, &mut counts);
    let crowd = Crowd::new(scale, &totals);
    let mut tables = counts.clone();
    confusion::write_tables(&crowd, problem.votes, &counts, &mut tables);
    rings::find(problem, &classes_called, &tables)
}

/// How much of each label counts on its tile: the same rules as at submit, [`tile::weigh`].
fn shares(problem: &Problem<'_>, quarantine: &[Option<Quarantine>], rings: &[u32], weights: &Weights) -> Vec<f32> {
    let side = &problem.votes.by_tile;
    let labels = &problem.votes.by_volunteer;
    let skills: Vec<Skill> = (0..labels.rows())
        .map(|volunteer| Skill {
            ring: rings[volunteer],
            quarantine: quarantine[volunteer],
            labels: labels.len(volunteer) as u32,
            ..Skill::blank(weights.of[volunteer], 1.0)
        })
        .collect();
    let mut shares = vec![1.0f32; problem.votes.len()];
    let pieces: Vec<(std::ops::Range<usize>, &mut [f32])> = {
        let ranges = side.pieces();
        let places: Vec<_> =
            ranges.iter().map(|rows| side.range(rows.start).start..side.range(rows.end - 1).end).collect();
        let parts = em::split(&mut shares, &places, 1);
        ranges.into_iter().zip(parts.into_iter().map(|(_, part)| part)).collect()
    };
    pieces.into_par_iter().for_each(|(rows, out)| {
        let mut start = 0;
        for tile in rows {
            let own: Vec<&Skill> = side.row(tile).map(|(volunteer, _)| &skills[volunteer]).collect();
            tile::shares_of(&own, &mut out[start..start + own.len()]);
            start += own.len();
        }
    });
    shares
}

/// The correlation that predicts held-out votes best.
fn held_out_correlation(problem: &Problem<'_>, confusion: &Fit) -> f64 {
    let side = &problem.votes.by_tile;
    let usable: Vec<usize> =
        (0..side.rows()).filter(|&tile| side.len(tile) > 1 && problem.gold(tile).is_none()).collect();
    let step = usable.len().div_ceil(HELD_OUT_TILES).max(1);
    let sample: Vec<usize> = usable.into_iter().step_by(step).collect();
    let sums: Vec<Vec<f64>> = (sample.par_chunks(64))
        .map(|tiles| {
            let mut sum = vec![0.0; CORRELATIONS.len()];
            tiles.iter().for_each(|&tile| add_held_out(problem, confusion, tile, &mut sum));
            sum
        })
        .collect();
    let sums = em::add_up(sums, CORRELATIONS.len());
    let best = (1..sums.len()).fold(0, |best, at| if sums[at] > sums[best] { at } else { best });
    if sample.is_empty() { COMMON_CORRELATION } else { CORRELATIONS[best] }
}

/// Adds ln P(vote | the tile's other votes) for each vote of the tile, per correlation.
fn add_held_out(problem: &Problem<'_>, confusion: &Fit, tile: usize, sums: &mut [f64]) {
    let (classes, cells) = (problem.shape.classes, problem.cells());
    let side = &problem.votes.by_tile;
    let q = &confusion.q[tile * classes..][..classes];
    // Each vote's evidence from a table that has not seen this tile.
    let mut rows: Vec<(f64, Vec<f64>)> = Vec::with_capacity(side.len(tile));
    let (mut own, mut table) = (vec![0.0; cells], vec![0.0; cells]);
    for (place, (volunteer, answer)) in side.range(tile).zip(side.row(tile)) {
        let counts = &confusion.counts[volunteer * cells..][..cells];
        own.iter_mut().zip(counts).for_each(|(own, &n)| *own = f64::from(n));
        let row = &mut own[answer * classes..][..classes];
        row.iter_mut().zip(q).for_each(|(n, &p)| *n = (*n - f64::from(p)).max(0.0));
        confusion.crowd.own_table(&own, &mut table);
        rows.push((problem.share(place), table[answer * classes..][..classes].to_vec()));
    }
    let mut all: Vec<f64> = confusion.prior.iter().map(|p| p.ln()).collect();
    for (share, row) in &rows {
        all.iter_mut().zip(row).for_each(|(sum, log)| *sum += share * log);
    }
    let count: f64 = rows.iter().map(|(share, _)| share).sum();
    for (share, row) in rows.iter().filter(|(share, _)| *share > 0.0) {
        for (&correlation, sum) in CORRELATIONS.iter().zip(sums.iter_mut()) {
            let worth = worth(count - share, correlation);
            let mut others: Vec<f64> = all.iter().zip(row).map(|(all, log)| worth * (all - share * log)).collect();
            em::softmax(&mut others);
            *sum += others.iter().zip(row).map(|(p, log)| p * log.exp()).sum::<f64>().max(1e-12).ln();
        }
    }
}
