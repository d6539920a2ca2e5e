//! All tiles at once: a fit, then the consensus of each tile from its labels and the new model.

use rayon::prelude::*;

use super::columns::Columns;
use super::tile::Vote;
use super::votes::Votes;
use super::{Fitted, VotingRule};
use crate::domain::consensus::Consensus;
use crate::domain::scale::Scale;

/// A fit and what follows from it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The model and the skills.
    pub fitted: Fitted,
    /// The consensus of each tile, at the tile's place.
    pub consensus: Vec<Consensus>,
}

/// Fits model 1 and gives the consensus of every tile. Of a repeated label the last row counts, unless the method
/// counts all. Gold does not enter the consensus of its own tile beyond its share in the fit.
pub fn run(rule: &dyn VotingRule, scale: &Scale, columns: &Columns) -> Outcome {
    let fitted = rule.fit(scale, columns, 1);
    let consensus = all(rule, scale, columns, &fitted);
    Outcome { fitted, consensus }
}

/// The consensus of every tile under this model.
pub fn all(rule: &dyn VotingRule, scale: &Scale, columns: &Columns, fitted: &Fitted) -> Vec<Consensus> {
    let votes = Votes::new(columns, scale.answers.len(), rule.about().published);
    let of = |tile: usize| {
        let own: Vec<Vote<'_>> = (votes.by_tile.row(tile))
            .map(|(volunteer, answer)| Vote { answer: answer as u8, skill: fitted.skills.get(volunteer) })
            .collect();
        rule.consensus(scale, &fitted.model, &own)
    };
    (0..votes.by_tile.rows()).into_par_iter().with_min_len(256).map(of).collect()
}
