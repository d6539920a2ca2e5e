//! Majority: the class with most labels.
//!
//! Ties go to the class that is met first when tiles and volunteers are taken in their order (crowd-kit: in the order
//! of the file), so that no shuffling of rows changes a result.

use super::columns::Columns;
use super::model::{Model, Skill};
use super::tile::{self, Shape, Vote, Weighed};
use super::votes::Votes;
use super::{About, Fitted, Problem, VotingRule};
use crate::domain::scale::Scale;

/// Plain counting, one label one vote; nothing is fitted.
#[derive(Debug, Clone, Copy)]
pub struct Majority;

impl VotingRule for Majority {
    fn about(&self) -> About {
        About { method: "majority", version: 1, published: true }
    }

    fn learn(&self, scale: &Scale, _columns: &Columns, problem: &Problem<'_>) -> Fitted {
        let votes = problem.votes;
        let skill = |volunteer| Skill { labels: votes.by_volunteer.len(volunteer) as u32, ..Skill::blank(1.0, 1.0) };
        let skills = (0..votes.by_volunteer.rows()).map(skill).collect();
        let prior = preference(votes, problem.shape.classes);
        Fitted { model: Model { prior, ..Model::zero(scale) }, skills }
    }

    fn weigh<'a>(&self, scale: &Scale, _model: &'a Model, votes: &[Vote<'a>]) -> Vec<Weighed<'a>> {
        tile::weigh_evenly(scale, votes)
    }

    fn probabilities(&self, scale: &Scale, _model: &Model, votes: &[Weighed<'_>]) -> Vec<f64> {
        plain_shares(scale, votes)
    }

    fn call(&self, _scale: &Scale, model: &Model, probabilities: &[f64]) -> u8 {
        first_of_most(probabilities, &model.prior)
    }
}

/// The weighted share of each class without any smoothing; even where nothing is said.
pub fn plain_shares(scale: &Scale, votes: &[Weighed<'_>]) -> Vec<f64> {
    let classes = Shape::of(scale).classes;
    let mut shares = vec![0.0; classes];
    for w in votes {
        tile::spread(scale, w.vote.answer).iter().for_each(|&(class, part)| shares[class] += part * w.weight);
    }
    let all: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share = if all > 0.0 { *share / all } else { 1.0 / classes as f64 });
    shares
}

/// Which class wins a tie, as shares that fall from the class met first to the one met last.
pub fn preference(votes: &Votes, classes: usize) -> Vec<f64> {
    let mut met: Vec<usize> = Vec::new();
    for &answer in &votes.by_tile.answers {
        let class = usize::from(answer);
        if class < classes && !met.contains(&class) {
            met.push(class);
            if met.len() == classes {
                break;
            }
        }
    }
    let sum = (classes * (classes + 1) / 2) as f64;
    let rank = |class: usize| met.iter().position(|&other| other == class).unwrap_or(classes - 1);
    (0..classes).map(|class| (classes - rank(class)) as f64 / sum).collect()
}

/// The class with the largest share; among equals the preferred one.
pub fn first_of_most(shares: &[f64], preference: &[f64]) -> u8 {
    let liking = |class: usize| preference.get(class).copied().unwrap_or(0.0);
    let better = |a: usize, b: usize| shares[a] > shares[b] || (shares[a] == shares[b] && liking(a) > liking(b));
    (1..shares.len()).fold(0, |best, class| if better(class, best) { class } else { best }) as u8
}
