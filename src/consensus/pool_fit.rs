//! The fit of the default method: gold, weights, rings, shares, confusion tables, evidence, in this order.

use std::ops::Range;

use rayon::prelude::*;

use super::columns::Columns;
use super::confusion::{self, Crowd};
use super::em::{self, Problem};
use super::gold::{self, Record};
use super::model::{Model, Quarantine, Skill};
use super::tile;
use super::votes::Votes;
use super::weighted_share::{self, Weights};
use super::{Fitted, evidence, rings};
use crate::domain::scale::Scale;

/// Passes from a start that gold gave, as in the reference procedure: each further one lets a ring pull the fit back.
const GOLD_PASSES: usize = 15;
/// Highest share of the crowd's table from one account.
const INFLUENCE: f64 = 0.30;

/// Fits model and skills; number and version of the model are left to the caller.
pub fn fit(scale: &Scale, columns: &Columns, plain: &Problem<'_>) -> Fitted {
    let shape = plain.shape;
    let record = Record::new(plain);
    let quarantine = gold::quarantine(plain, columns, &record);
    let start = || quarantine.iter().map(|reason| if reason.is_some() { 0.0 } else { 1.0 }).collect::<Vec<f64>>();
    let influence = influence(plain.votes, &quarantine);
    let plain = Problem { influence: &influence, ..*plain };
    let mut weights = weighted_share::fit(scale, &plain, &record, start());
    let rings = find_rings(scale, &plain, &weights);
    let shares = shares(&plain, &quarantine, &rings, &weights);
    let problem = Problem { shares: &shares, influence: &influence, ..plain };
    if rings.iter().any(|&ring| ring > 0) {
        weights = weighted_share::fit(scale, &problem, &record, start());
    }
    let gold_weights = record.start_weights(shape.classes);
    let passes = if gold_weights.is_some() { GOLD_PASSES } else { problem.passes() };
    let first = gold::first_guess(scale, &problem, gold_weights.as_deref());
    let confusion = confusion::fit(scale, &problem, first, passes, true);
    let mut skills = weights.skills(scale, &problem, &record, &confusion.q);
    let cells = problem.cells();
    for (volunteer, skill) in skills.iter_mut().enumerate() {
        skill.ring = rings[volunteer];
        skill.quarantine = quarantine[volunteer];
        skill.table = confusion.tables[volunteer * cells..][..cells].to_vec();
    }
    let mean = Skill::blank(weighted_share::weight(weights.mean, shape.classes), weights.mean);
    let table = confusion.crowd.table.iter().map(|p| p.max(1e-9).ln() as f32).collect();
    let mut model = Model { prior: confusion.prior.clone(), average: Skill { table, ..mean }, ..Model::zero(scale) };
    evidence::choose(scale, &problem, &weights, confusion, &mut model);
    Fitted { model, skills }
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
    let pieces: Vec<(Range<usize>, &mut [f32])> = {
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
