//! The confusion model of [`super::confusion`] as a method of its own, without the share, the rings or the caps.

use super::columns::Columns;
use super::confusion;
use super::dawid_skene::posterior;
use super::em::Problem;
use super::gold::{self, Record};
use super::model::{Model, Skill};
use super::tile::{self, Vote, Weighed};
use super::{About, Fitted, VotingRule};
use crate::domain::scale::Scale;

/// The shrinkage confusion model; see [`super::confusion`].
#[derive(Debug, Clone, Copy)]
pub struct Hds;

impl VotingRule for Hds {
    fn about(&self) -> About {
        About { method: "hds", version: 2, published: false }
    }

    fn learn(&self, scale: &Scale, _columns: &Columns, problem: &Problem<'_>) -> Fitted {
        let record = Record::new(problem);
        let first = gold::first_guess(scale, problem, record.start_weights(problem.shape.classes).as_deref());
        let fit = confusion::fit(scale, problem, first, problem.passes(), true);
        let table = fit.crowd.table.iter().map(|p| p.max(1e-9).ln() as f32).collect();
        let skill = |volunteer: usize| Skill {
            labels: problem.votes.by_volunteer.len(volunteer) as u32,
            gold_labels: record.labels[volunteer],
            gold_correct: record.correct[volunteer],
            table: fit.tables[volunteer * problem.cells()..][..problem.cells()].to_vec(),
            ..Skill::blank(1.0, 1.0)
        };
        let skills = (0..problem.votes.by_volunteer.rows()).map(skill).collect();
        let average = Skill { table, ..Skill::blank(1.0, 1.0) };
        let model = Model { prior: fit.prior, average, ..Model::zero(scale) };
        Fitted { model, skills }
    }

    fn weigh<'a>(&self, scale: &Scale, model: &'a Model, votes: &[Vote<'a>]) -> Vec<Weighed<'a>> {
        tile::weigh_plainly(scale, model, votes)
    }

    fn probabilities(&self, scale: &Scale, model: &Model, votes: &[Weighed<'_>]) -> Vec<f64> {
        posterior(scale, model, votes)
    }
}
