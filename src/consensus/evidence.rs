//! What the data say on how to pool: held-out votes without gold, the Brier score with gold.

use rayon::prelude::*;

use super::calibration;
use super::confusion::Fit;
use super::em::{self, Problem};
use super::model::Model;
use super::pool::{mix, worth};
use super::tile;
use super::weighted_share::{self, Weights};
use crate::domain::scale::Scale;

/// Weight of the confusion posterior without gold, and the weights to choose from with it.
const POSTERIOR_SHARE: f64 = 0.5;
const POSTERIOR_SHARES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Correlations to weigh against each other.
const CORRELATIONS: [f64; 6] = [0.0, 0.05, 0.1, 0.2, 0.3, 0.5];
/// Tiles on which correlations are compared, at most.
const HELD_OUT_TILES: usize = 20_000;
/// Labelled gold tiles from which gold chooses, and from which it also calibrates.
const GOLD_TO_CHOOSE: usize = 50;
const GOLD_TO_CALIBRATE: usize = 200;
/// Passes in which gold tiles are treated as unknown, before they judge.
const BLIND_PASSES: usize = 2;

/// Sets how the model pools, how it is calibrated, and whether gold lets it be published.
pub fn choose(scale: &Scale, problem: &Problem<'_>, weights: &Weights, confusion: Fit, model: &mut Model) {
    model.posterior_share = POSTERIOR_SHARE;
    model.correlation = held_out_correlation(problem, &confusion);
    let cases = cases(scale, problem, weights, confusion);
    if cases.len() >= GOLD_TO_CHOOSE {
        (model.correlation, model.posterior_share) = least_brier(&cases, (model.correlation, model.posterior_share));
    }
    let calls: Vec<(f64, bool)> = cases.iter().map(|case| case.call(scale, model)).collect();
    let right = calls.iter().filter(|call| call.1).count();
    model.gold_tiles = calls.len() as u32;
    model.gold_accuracy = (!calls.is_empty()).then(|| right as f64 / calls.len() as f64);
    model.identifiable = weighted_share::is_identifiable(model.gold_tiles, model.gold_accuracy);
    if calls.len() >= GOLD_TO_CALIBRATE {
        model.calibration = calibration::fit(calls);
    }
}

/// What the labels alone say of one gold tile.
struct Case {
    logs: Vec<f64>,
    count: f64,
    shares: Vec<f64>,
    gold: usize,
}

impl Case {
    fn pooled(&self, correlation: f64, posterior_share: f64) -> Vec<f64> {
        mix(&self.logs, self.count, &self.shares, correlation, posterior_share)
    }

    fn brier(&self, correlation: f64, posterior_share: f64) -> f64 {
        let error = |(class, p): (usize, &f64)| (p - f64::from(u8::from(class == self.gold))).powi(2);
        self.pooled(correlation, posterior_share).iter().enumerate().map(error).sum()
    }

    fn call(&self, scale: &Scale, model: &Model) -> (f64, bool) {
        let pooled = self.pooled(model.correlation, model.posterior_share);
        let class = usize::from(tile::call(scale.ordered, &pooled));
        (pooled[class], class == self.gold)
    }
}

/// The gold tiles with labels, judged by tables that were learnt as if gold were unknown.
fn cases(scale: &Scale, problem: &Problem<'_>, weights: &Weights, mut blind: Fit) -> Vec<Case> {
    let side = &problem.votes.by_tile;
    let tiles: Vec<(usize, usize)> = (0..side.rows())
        .filter(|&tile| !side.is_empty(tile))
        .filter_map(|tile| problem.gold(tile).map(|gold| (tile, gold)))
        .collect();
    if tiles.is_empty() {
        return Vec::new();
    }
    for _ in 0..BLIND_PASSES {
        problem.judge(&blind.tables, &blind.prior, &mut blind.q, false);
        blind.learn(scale, problem);
    }
    let spreads = weighted_share::spreads(scale, problem.shape);
    let (classes, cells) = (problem.shape.classes, problem.cells());
    let case = |(tile, gold): (usize, usize)| {
        let mut logs: Vec<f64> = blind.prior.iter().map(|p| p.ln()).collect();
        let mut shares = vec![weighted_share::EVEN / classes as f64; classes];
        let mut count = 0.0;
        for (place, (volunteer, answer)) in side.range(tile).zip(side.row(tile)) {
            let share = problem.share(place);
            let row = &blind.tables[volunteer * cells + answer * classes..][..classes];
            logs.iter_mut().zip(row).for_each(|(log, &cell)| *log += share * f64::from(cell));
            spreads[answer].iter().for_each(|&(class, part)| shares[class] += part * share * weights.of[volunteer]);
            count += share;
        }
        let all: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= all);
        Case { logs, count, shares, gold }
    };
    tiles.into_iter().map(case).collect()
}

/// The correlation and the weight of the posterior with the least Brier score; of equals the first, `start` before
/// all. Nothing else is fitted to these tiles here, so the mean over any folds is the mean over all.
fn least_brier(cases: &[Case], start: (f64, f64)) -> (f64, f64) {
    let score = |(r, a): (f64, f64)| cases.iter().map(|case| case.brier(r, a)).sum::<f64>();
    let choices = CORRELATIONS.iter().flat_map(|&r| POSTERIOR_SHARES.iter().map(move |&a| (r, a)));
    let better = |best: ((f64, f64), f64), choice| {
        let score = score(choice);
        if score < best.1 { (choice, score) } else { best }
    };
    choices.fold((start, score(start)), better).0
}

/// The correlation by held-out votes: the mean of all values, each weighing as much as it makes the votes likely. Where
/// nothing is held out all weigh the same.
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
    let mut weights = em::add_up(sums, CORRELATIONS.len());
    em::softmax(&mut weights);
    weights.iter().zip(CORRELATIONS).map(|(weight, correlation)| weight * correlation).sum()
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
