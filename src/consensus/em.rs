//! Expectation-maximisation over confusion tables: the machinery that Dawid-Skene and the shrinkage model share.
//!
//! Tables and counts are stored one row an answer, `[answer][class]`, because a vote reads exactly one such row.

use rayon::prelude::*;

use super::tile::Shape;
use super::votes::Votes;

/// Passes after which the fit stops.
pub const PASSES: usize = 25;
/// Labels times passes beyond which a fit of millions of labels stops earlier: the first passes give nearly all.
const WORK: usize = 150_000_000;
/// Largest change of a probability at which it stops earlier.
pub const SETTLED: f32 = 1e-4;

/// The labels to fit, with all that stays fixed during the fit.
pub struct Problem<'a> {
    /// Sizes of the scale.
    pub shape: Shape,
    /// The labels.
    pub votes: &'a Votes,
    /// Class that experts fixed, per tile.
    pub gold: &'a [Option<u8>],
    /// How much of each label counts as evidence on its tile, in the order of `votes.by_tile`; empty for all of it.
    pub shares: &'a [f32],
    /// How much of each volunteer enters the crowd's table, 0 to 1; empty for all.
    pub influence: &'a [f64],
}

impl Problem<'_> {
    /// Passes that this many labels are given.
    pub fn passes(&self) -> usize {
        (WORK / self.votes.len().max(1)).clamp(8, PASSES)
    }

    /// Cells of one table.
    pub fn cells(&self) -> usize {
        self.shape.classes * self.shape.telling
    }

    /// How much of the label at this place of `votes.by_tile` counts.
    pub fn share(&self, place: usize) -> f64 {
        self.shares.get(place).map_or(1.0, |&share| f64::from(share))
    }

    fn influence(&self, volunteer: usize) -> f64 {
        self.influence.get(volunteer).copied().unwrap_or(1.0)
    }

    /// The expert's class of a tile, where the scale has it.
    pub fn gold(&self, tile: usize) -> Option<usize> {
        self.gold.get(tile).copied().flatten().map(usize::from).filter(|&class| class < self.shape.classes)
    }

    /// Sets the rows of gold tiles to their class.
    pub fn clamp(&self, q: &mut [f32]) {
        for (tile, row) in q.chunks_mut(self.shape.classes).enumerate() {
            if let Some(class) = self.gold(tile) {
                row.fill(0.0);
                row[class] = 1.0;
            }
        }
    }

    /// Expected counts of (answer, class) per volunteer, and their sum over the crowd.
    pub fn count(&self, q: &[f32], counts: &mut [f32]) -> Vec<f64> {
        let (classes, cells) = (self.shape.classes, self.cells());
        let side = &self.votes.by_volunteer;
        let pieces = split(counts, &side.pieces(), cells);
        let sums: Vec<Vec<f64>> = pieces
            .into_par_iter()
            .map(|(rows, counts)| {
                let mut sum = vec![0.0; cells];
                let mut own = vec![0.0f64; cells];
                for (volunteer, out) in rows.zip(counts.chunks_mut(cells)) {
                    own.fill(0.0);
                    for (tile, answer) in side.row(volunteer) {
                        let probabilities = &q[tile * classes..][..classes];
                        let row = &mut own[answer * classes..][..classes];
                        row.iter_mut().zip(probabilities).for_each(|(n, &p)| *n += f64::from(p));
                    }
                    let influence = self.influence(volunteer);
                    for ((out, sum), n) in out.iter_mut().zip(&mut sum).zip(&own) {
                        *out = *n as f32;
                        *sum += influence * n;
                    }
                }
                sum
            })
            .collect();
        add_up(sums, cells)
    }

    /// Posterior of every tile from the volunteers' tables, and the largest change. Gold tiles keep their class when
    /// `clamp`; tiles without labels keep what they have.
    pub fn judge(&self, tables: &[f32], prior: &[f64], q: &mut [f32], clamp: bool) -> f32 {
        let (classes, cells) = (self.shape.classes, self.cells());
        let side = &self.votes.by_tile;
        let log_prior: Vec<f64> = prior.iter().map(|p| p.ln()).collect();
        split(q, &side.pieces(), classes)
            .into_par_iter()
            .map(|(rows, q)| {
                let mut sum = vec![0.0f64; classes];
                let mut change = 0.0f32;
                for (tile, row) in rows.zip(q.chunks_mut(classes)) {
                    if side.is_empty(tile) || (clamp && self.gold(tile).is_some()) {
                        continue;
                    }
                    sum.copy_from_slice(&log_prior);
                    for (place, (volunteer, answer)) in side.range(tile).zip(side.row(tile)) {
                        let share = self.share(place);
                        let table = &tables[volunteer * cells + answer * classes..][..classes];
                        sum.iter_mut().zip(table).for_each(|(s, &t)| *s += share * f64::from(t));
                    }
                    softmax(&mut sum);
                    for (old, new) in row.iter_mut().zip(&sum) {
                        change = change.max((*old - *new as f32).abs());
                        *old = *new as f32;
                    }
                }
                change
            })
            .reduce(|| 0.0, f32::max)
    }

    /// Share of each class over the labelled tiles, with `extra` tiles spread evenly.
    pub fn class_shares(&self, q: &[f32], extra: f64) -> Vec<f64> {
        let classes = self.shape.classes;
        let side = &self.votes.by_tile;
        let sums: Vec<Vec<f64>> = (side.pieces().into_par_iter())
            .map(|rows| {
                let mut sum = vec![0.0; classes];
                for tile in rows.filter(|&tile| !side.is_empty(tile)) {
                    let row = &q[tile * classes..][..classes];
                    sum.iter_mut().zip(row).for_each(|(sum, &p)| *sum += f64::from(p));
                }
                sum
            })
            .collect();
        let mut prior = add_up(sums, classes);
        prior.iter_mut().for_each(|share| *share += extra / classes as f64);
        let all: f64 = prior.iter().sum();
        let even = 1.0 / classes as f64;
        prior.iter_mut().for_each(|share| *share = if all > 0.0 { *share / all } else { even });
        prior
    }
}

/// Turns logarithms into probabilities in place; never NaN for finite input.
pub fn softmax(logs: &mut [f64]) {
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut all = 0.0;
    for log in logs.iter_mut() {
        *log = (*log - top).exp();
        all += *log;
    }
    logs.iter_mut().for_each(|p| *p /= all);
}

/// Cuts a table into the parts that belong to the pieces, `width` cells a row.
pub fn split<'a, T>(
    mut table: &'a mut [T],
    pieces: &[std::ops::Range<usize>],
    width: usize,
) -> Vec<(std::ops::Range<usize>, &'a mut [T])> {
    let mut parts = Vec::with_capacity(pieces.len());
    for rows in pieces {
        let (part, rest) = table.split_at_mut(rows.len() * width);
        parts.push((rows.clone(), part));
        table = rest;
    }
    parts
}

/// Sums vectors in the order of the pieces.
pub fn add_up(parts: Vec<Vec<f64>>, width: usize) -> Vec<f64> {
    let mut sum = vec![0.0; width];
    for part in parts {
        sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
    sum
}
