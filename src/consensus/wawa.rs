//! Worker agreement with aggregate (Wawa, Appen): a volunteer's weight is the share of labels that agree with the
//! plain majority; then one weighted vote.

use super::columns::Columns;
use super::majority::{first_of_most, plain_shares, preference};
use super::model::{Model, Skill};
use super::tile::{self, Vote, Weighed};
use super::{About, Fitted, Problem, VotingRule};
use crate::domain::scale::Scale;

/// Wawa as others publish it, without smoothing and with every row of a repeated label.
#[derive(Debug, Clone, Copy)]
pub struct Wawa;

impl VotingRule for Wawa {
    fn about(&self) -> About {
        About { method: "wawa", version: 1, published: true }
    }

    fn learn(&self, scale: &Scale, _columns: &Columns, problem: &Problem<'_>) -> Fitted {
        let (shape, votes) = (problem.shape, problem.votes);
        let prior = preference(votes, shape.classes);
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
        let model = Model { prior, average: Skill::blank(mean, mean), ..Model::zero(scale) };
        Fitted { model, skills }
    }

    fn weigh<'a>(&self, scale: &Scale, model: &'a Model, votes: &[Vote<'a>]) -> Vec<Weighed<'a>> {
        tile::weigh_plainly(scale, model, votes)
    }

    fn probabilities(&self, scale: &Scale, _model: &Model, votes: &[Weighed<'_>]) -> Vec<f64> {
        plain_shares(scale, votes)
    }

    fn call(&self, _scale: &Scale, model: &Model, probabilities: &[f64]) -> u8 {
        first_of_most(probabilities, &model.prior)
    }
}
