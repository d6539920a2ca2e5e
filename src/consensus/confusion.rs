//! The confusion model with two levels of shrinkage ("hds"): a volunteer's table leans on the volunteer's ability,
//! and the ability on the crowd.
//!
//! Dawid and Skene's model (Applied Statistics 28, 1979) with hierarchical priors in place of maximum likelihood,
//! in the spirit of Paun et al. (Comparing Bayesian Models of Annotation, TACL 2018). With `n_wzy` the expected
//! count of answer `y` on tiles of class `z`:
//!
//! - crowd `C_zy = (sum_w n_wzy + .5 [z = y] + .05 + start_zy) / row sum`;
//! - ability against an average volunteer on the same tiles, in log-odds:
//!   `d_w = logit((h_w + s a) / (n_w + s)) - logit((e_w + s a) / (n_w + s))`, with `h_w = sum_z n_wzz`,
//!   `e_w = sum_z n_wz C_zz` and `a` the crowd's accuracy;
//! - prior row: diagonal `sigma(logit C_zz + d_w)`, the rest in proportion to `C_zy`;
//! - estimate `pi_wzy = (n_wzy + s prior_wzy) / (n_wz + s)`.
//!
//! A newcomer has the crowd's table exactly. Neighbouring classes share errors because `C` says so.

use rayon::prelude::*;

use super::em::{self, Problem};
use super::tile::{self, Shape};
use super::votes::Votes;
use crate::domain::scale::Scale;

/// Pseudo-votes behind a table's row and behind an ability.
const ROW: f64 = 4.0;
const ABILITY: f64 = 4.0;
/// Pseudo-votes of the crowd's table before any label.
const START: f64 = 20.0;

/// What the model says of the average volunteer.
#[derive(Debug, Clone, PartialEq)]
pub struct Crowd {
    shape: Shape,
    /// P(answer | class), `[answer][class]`.
    pub table: Vec<f64>,
    /// Share of class answers that name the tile's class.
    pub accuracy: f64,
}

impl Crowd {
    /// The crowd's table from its summed counts.
    pub fn new(scale: &Scale, counts: &[f64]) -> Crowd {
        let shape = Shape::of(scale);
        let Shape { classes, telling, .. } = shape;
        let start = start(scale);
        let at = |answer: usize, class: usize| answer * classes + class;
        let mut table: Vec<f64> = counts.iter().zip(&start).map(|(n, start)| n + 0.05 + start).collect();
        for class in 0..classes {
            table[at(class, class)] += 0.5;
            let all: f64 = (0..telling).map(|answer| table[at(answer, class)]).sum();
            (0..telling).for_each(|answer| table[at(answer, class)] /= all);
        }
        let hits: f64 = (0..classes).map(|class| counts[at(class, class)]).sum();
        let all: f64 = counts.iter().sum();
        let accuracy = if all > 0.0 { hits / all } else { start_accuracy(&table, classes) };
        Crowd { shape, table, accuracy }
    }

    /// A volunteer's table, ln P(answer | class) as `[answer][class]`, from the volunteer's counts.
    pub fn own_table(&self, counts: &[f64], out: &mut [f64]) {
        let Shape { classes, telling, .. } = self.shape;
        let ability = self.ability(counts);
        for class in 0..classes {
            let column = |answer: usize| answer * classes + class;
            let crowd_hit = clip(self.table[column(class)]);
            let hit = sigmoid(logit(crowd_hit) + ability);
            let others: f64 = (0..telling).filter(|&y| y != class).map(|y| self.table[column(y)]).sum();
            let seen: f64 = (0..telling).map(|y| counts[column(y)]).sum();
            for answer in 0..telling {
                let prior =
                    if answer == class { hit } else { (1.0 - hit) * self.table[column(answer)] / others.max(1e-12) };
                out[column(answer)] = ((counts[column(answer)] + ROW * prior) / (seen + ROW)).max(1e-9).ln();
            }
        }
    }

    /// Log-odds of being right, against an average volunteer on the same tiles.
    fn ability(&self, counts: &[f64]) -> f64 {
        let Shape { classes, telling, .. } = self.shape;
        let (mut hits, mut expected, mut all) = (0.0, 0.0, 0.0);
        for class in 0..classes {
            let seen: f64 = (0..telling).map(|answer| counts[answer * classes + class]).sum();
            hits += counts[class * classes + class];
            expected += seen * self.table[class * classes + class];
            all += seen;
        }
        let smooth = |n: f64| clip((n + ABILITY * self.accuracy) / (all + ABILITY));
        logit(smooth(hits)) - logit(smooth(expected))
    }
}

/// The crowd's counts before any label: neighbours are confused first where classes are ordered.
fn start(scale: &Scale) -> Vec<f64> {
    let Shape { classes, telling, .. } = Shape::of(scale);
    let near = |class: usize, answer: usize| match (scale.ordered, class == answer) {
        (true, _) => (-(class as f64 - answer as f64).abs() / 0.7).exp(),
        (false, true) => 0.75,
        (false, false) => 0.25 / (classes - 1) as f64,
    };
    let mut table = vec![0.0; classes * telling];
    for class in 0..classes {
        for answer in 0..telling {
            // An answer between two classes begins at a quarter of what its classes get.
            let between = if answer < classes { 1.0 } else { 0.25 };
            let spread = tile::spread(scale, answer as u8);
            table[answer * classes + class] = spread.iter().map(|&(at, part)| between * part * near(class, at)).sum();
        }
    }
    for class in 0..classes {
        let all: f64 = (0..telling).map(|answer| table[answer * classes + class]).sum();
        (0..telling).for_each(|answer| table[answer * classes + class] *= START / (classes as f64 * all));
    }
    table
}

fn start_accuracy(table: &[f64], classes: usize) -> f64 {
    (0..classes).map(|class| table[class * classes + class]).sum::<f64>() / classes as f64
}

fn clip(p: f64) -> f64 {
    p.clamp(1e-3, 1.0 - 1e-3)
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// A fitted confusion model.
pub struct Fit {
    /// Posterior of each tile, `[tile][class]`.
    pub q: Vec<f32>,
    /// Expected counts per volunteer, `[volunteer][answer][class]`.
    pub counts: Vec<f32>,
    /// ln P(answer | class) per volunteer, in the same layout.
    pub tables: Vec<f32>,
    /// The average volunteer.
    pub crowd: Crowd,
    /// Share of each class.
    pub prior: Vec<f64>,
}

/// Fits from these posteriors on; gold tiles keep their class when `clamp`.
pub fn fit(scale: &Scale, problem: &Problem<'_>, q: Vec<f32>, passes: usize, clamp: bool) -> Fit {
    let cells = problem.cells();
    let volunteers = problem.votes.by_volunteer.rows();
    let zero = vec![0.0f32; volunteers * cells];
    let crowd = Crowd::new(scale, &vec![0.0; cells]);
    let mut fit = Fit { q, counts: zero.clone(), tables: zero, crowd, prior: Vec::new() };
    for _ in 0..passes.max(1) {
        fit.learn(scale, problem);
        if problem.judge(&fit.tables, &fit.prior, &mut fit.q, clamp) < em::SETTLED {
            break;
        }
    }
    fit
}

impl Fit {
    /// The M step: counts, crowd, class shares and tables from the posteriors.
    pub fn learn(&mut self, scale: &Scale, problem: &Problem<'_>) {
        let totals = problem.count(&self.q, &mut self.counts);
        self.crowd = Crowd::new(scale, &totals);
        self.prior = problem.class_shares(&self.q, problem.shape.classes as f64);
        write_tables(&self.crowd, problem.votes, &self.counts, &mut self.tables);
    }
}

/// Writes each volunteer's table from the counts.
pub fn write_tables(crowd: &Crowd, votes: &Votes, counts: &[f32], tables: &mut [f32]) {
    let cells = crowd.table.len();
    em::split(tables, &votes.by_volunteer.pieces(), cells).into_par_iter().for_each(|(rows, tables)| {
        let (mut own, mut logs) = (vec![0.0; cells], vec![0.0; cells]);
        for (volunteer, out) in rows.zip(tables.chunks_mut(cells)) {
            let from = &counts[volunteer * cells..][..cells];
            own.iter_mut().zip(from).for_each(|(own, &n)| *own = f64::from(n));
            crowd.own_table(&own, &mut logs);
            out.iter_mut().zip(&logs).for_each(|(out, &log)| *out = log as f32);
        }
    });
}
