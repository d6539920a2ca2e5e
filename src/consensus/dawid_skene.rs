//! Dawid and Skene's model: one confusion table a volunteer and one share a class, by maximum likelihood.
//!
//! Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm (Applied Statistics 28, 1979).
//! `pi_wzy = n_wzy / n_wz`, `p_z` the mean of the posteriors, `q_i(z)` in proportion to `p_z prod pi_wzy`, from the
//! plain shares, every row of a repeated label counted, no prior: the model as others publish it. It stops after a
//! hundred passes, or as soon as crowd-kit's bound (the expected log-likelihood, in which the class share counts once
//! a label, plus the entropy) gains less than 1e-5 a label. On some crowds that is the second pass, and what makes
//! its figures there.

use rayon::prelude::*;

use super::columns::Columns;
use super::em::{self, Problem};
use super::model::{Model, Skill};
use super::tile::{self, Shape, Vote, Weighed};
use super::{About, Fitted, VotingRule};
use crate::domain::scale::Scale;

/// Passes of the fit.
const PASSES: usize = 100;
/// Gain of the bound, a label, below which the fit stops.
const GAIN: f64 = 1e-5;
/// Lowest entry of a table, so that its logarithm stays finite.
const FLOOR: f64 = 1e-10;

/// The plain model, for comparison with others' figures.
#[derive(Debug, Clone, Copy)]
pub struct DawidSkene;

impl VotingRule for DawidSkene {
    fn about(&self) -> About {
        About { method: "dawid-skene", version: 1, published: true }
    }

    fn learn(&self, scale: &Scale, _columns: &Columns, problem: &Problem<'_>) -> Fitted {
        let problem = &Problem { gold: &[], ..*problem }; // The model as published knows no gold.
        let mut q = start(scale, problem);
        let mut step = Step::new(problem, &q);
        let mut bound = f64::NEG_INFINITY;
        for _ in 0..PASSES {
            problem.judge(&step.tables, &step.prior, &mut q, false);
            let next = Step::new(problem, &q);
            let reached = next.bound(problem, &q) / problem.votes.len().max(1) as f64;
            if reached - bound < GAIN {
                break;
            }
            (bound, step) = (reached, next);
        }
        let Step { tables, totals, prior } = step;
        let mut average: Vec<f32> = totals.iter().map(|&n| n as f32).collect();
        logs(problem.shape, &mut average);
        let skill = |volunteer: usize| Skill {
            labels: problem.votes.by_volunteer.len(volunteer) as u32,
            table: tables[volunteer * problem.cells()..][..problem.cells()].to_vec(),
            ..Skill::blank(1.0, 1.0)
        };
        let average = Skill { table: average, ..Skill::blank(1.0, 1.0) };
        let model = Model { prior, average, ..Model::zero(scale) };
        Fitted { model, skills: (0..problem.votes.by_volunteer.rows()).map(skill).collect() }
    }

    fn weigh<'a>(&self, scale: &Scale, model: &'a Model, votes: &[Vote<'a>]) -> Vec<Weighed<'a>> {
        tile::weigh_plainly(scale, model, votes)
    }

    fn probabilities(&self, scale: &Scale, model: &Model, votes: &[Weighed<'_>]) -> Vec<f64> {
        posterior(scale, model, votes)
    }

    fn call(&self, _scale: &Scale, _model: &Model, probabilities: &[f64]) -> u8 {
        tile::call(false, probabilities)
    }
}

/// The outcome of an M step.
struct Step {
    tables: Vec<f32>,
    totals: Vec<f64>,
    prior: Vec<f64>,
}

impl Step {
    fn new(problem: &Problem<'_>, q: &[f32]) -> Step {
        let mut tables = vec![0.0; problem.votes.by_volunteer.rows() * problem.cells()];
        let totals = problem.count(q, &mut tables);
        tables.par_chunks_mut(problem.cells()).with_min_len(256).for_each(|table| logs(problem.shape, table));
        let prior = problem.class_shares(q, 0.0).into_iter().map(|share| share.max(FLOOR)).collect();
        Step { tables, totals, prior }
    }

    /// crowd-kit's evidence bound.
    fn bound(&self, problem: &Problem<'_>, q: &[f32]) -> f64 {
        let (classes, cells) = (problem.shape.classes, problem.cells());
        let side = &problem.votes.by_tile;
        let log_prior: Vec<f64> = self.prior.iter().map(|p| p.ln()).collect();
        let of = |tile: usize| {
            let q = &q[tile * classes..][..classes];
            let mut sum = 0.0;
            for (volunteer, answer) in side.row(tile) {
                let row = &self.tables[volunteer * cells + answer * classes..][..classes];
                sum += (0..classes).map(|z| f64::from(q[z]) * (f64::from(row[z]) + log_prior[z])).sum::<f64>();
            }
            sum - q.iter().map(|&p| f64::from(p).max(FLOOR)).map(|p| p * p.ln()).sum::<f64>()
        };
        let pieces: Vec<Vec<f64>> = (side.pieces().into_par_iter())
            .map(|rows| vec![rows.filter(|&tile| !side.is_empty(tile)).map(of).sum::<f64>()])
            .collect();
        em::add_up(pieces, 1)[0]
    }
}

/// `q(z)` in proportion to `p_z prod pi_wzy ^ share`, from the model's tables.
pub fn posterior(scale: &Scale, model: &Model, votes: &[Weighed<'_>]) -> Vec<f64> {
    let mut logs = log_posterior(scale, model, votes);
    em::softmax(&mut logs);
    logs
}

/// The same before it is normalised, in logarithms.
pub fn log_posterior(scale: &Scale, model: &Model, votes: &[Weighed<'_>]) -> Vec<f64> {
    let Shape { classes, telling, .. } = Shape::of(scale);
    let mut logs: Vec<f64> = model.prior.iter().map(|p| p.max(1e-12).ln()).collect();
    for w in votes.iter().filter(|w| usize::from(w.vote.answer) < telling) {
        let row = table_row(model, w, classes);
        logs.iter_mut().zip(row).for_each(|(log, &cell)| *log += w.share * f64::from(cell));
    }
    logs
}

/// ln P(the answer given | class) of a vote's author, the average volunteer's where nothing is known.
pub fn table_row<'a>(model: &'a Model, w: &Weighed<'a>, classes: usize) -> &'a [f32] {
    let table = w.vote.skill.map(|skill| &skill.table).filter(|table| table.len() == model.average.table.len());
    let table = table.unwrap_or(&model.average.table);
    let start = usize::from(w.vote.answer) * classes;
    table.get(start..start + classes).unwrap_or(&[])
}

fn start(scale: &Scale, problem: &Problem<'_>) -> Vec<f32> {
    let classes = problem.shape.classes;
    let side = &problem.votes.by_tile;
    let mut q = vec![1.0 / classes as f32; side.rows() * classes];
    for (tile, row) in q.chunks_mut(classes).enumerate().filter(|(tile, _)| !side.is_empty(*tile)) {
        row.fill(0.0);
        for (_, answer) in side.row(tile) {
            tile::spread(scale, answer as u8).iter().for_each(|&(class, part)| row[class] += part as f32);
        }
        let all: f32 = row.iter().sum();
        row.iter_mut().for_each(|share| *share /= all);
    }
    q
}

/// Counts to ln P(answer | class) in place, as `[answer][class]`.
fn logs(shape: Shape, table: &mut [f32]) {
    for class in 0..shape.classes {
        let cells = || (0..shape.telling).map(|answer| answer * shape.classes + class);
        let all: f64 = cells().map(|cell| f64::from(table[cell]).max(FLOOR)).sum();
        cells().for_each(|cell| table[cell] = (f64::from(table[cell]).max(FLOOR) / all).ln() as f32);
    }
}
