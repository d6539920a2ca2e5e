//! Worker agreement with aggregate (Wawa, Appen): a volunteer's weight is the share of labels that agree with the
//! plain majority; then one weighted vote.

use super::columns::Columns;
use super::majority::{first_of_most, plain_shares, preference};
use super::model::{Model, Skill};
use super::tile::{self, Shape, Vote};
use super::votes::Votes;
use super::{Fitted, VotingRule};
use crate::domain::consensus::Consensus;
use crate::domain::scale::Scale;

/// Wawa as others publish it, without smoothing and with every row of a repeated label.
#[derive(Debug, Clone, Copy)]
pub struct Wawa;

impl VotingRule for Wawa {
    fn method(&self) -> &'static str {
        "wawa"
    }

    fn version(&self) -> u32 {
        1
    }

    fn counts_repeats(&self) -> bool {
        true
    }

    fn fit(&self, scale: &Scale, columns: &Columns, number: u32) -> Fitted {
        let shape = Shape::of(scale);
        let votes = Votes::new(columns, shape.telling, true);
        let prior = preference(&votes, shape.classes);
        let majority: Vec<usize> = (0..votes.by_tile.rows())
            .map(|tile| {
                let mut counts = vec![0u32; shape.telling];
                votes.by_tile.row(tile).for_each(|(_, answer)| counts[answer] += 1);
                let shares: Vec<f64> = counts[..shape.classes].iter().map(|&count| f64::from(count)).collect();
                usize::from(first_of_most(&shares, &prior))
            })
            .collect();
        let skills: Vec<Skill> = (0..votes.by_volunteer.rows())
            .map(|volunteer| {
                let agreed =
                    votes.by_volunteer.row(volunteer).filter(|&(tile, answer)| majority[tile] == answer).count();
                let labels = votes.by_volunteer.len(volunteer);
                let share = agreed as f64 / labels.max(1) as f64;
                Skill { labels: labels as u32, ..Skill::blank(share, share) }
            })
            .collect();
        let all: f64 = skills.iter().map(|skill| skill.accuracy * f64::from(skill.labels)).sum();
        let mean = if votes.is_empty() { 1.0 } else { all / votes.len() as f64 };
        let model =
            Model { number, version: self.version(), prior, average: Skill::blank(mean, mean), ..Model::zero(scale) };
        Fitted { model, skills }
    }

    fn consensus(&self, scale: &Scale, model: &Model, votes: &[Vote<'_>]) -> Consensus {
        let votes = tile::weigh_plainly(scale, model, votes);
        let shares = plain_shares(scale, &votes);
        let class = tile::has_voice(scale, &votes).then(|| first_of_most(&shares, &model.prior));
        tile::describe(scale, shares, class, &votes)
    }
}
