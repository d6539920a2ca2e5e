//! The confusion model of [`super::confusion`] as a method of its own, without the share, the rings or the caps.

use super::columns::Columns;
use super::confusion;
use super::dawid_skene::posterior;
use super::em::Problem;
use super::gold::{self, Record};
use super::model::{Model, Skill};
use super::tile::{self, Shape, Vote};
use super::votes::Votes;
use super::{Fitted, VotingRule};
use crate::domain::consensus::Consensus;
use crate::domain::scale::Scale;

/// The shrinkage confusion model; see [`super::confusion`].
#[derive(Debug, Clone, Copy)]
pub struct Hds;

impl VotingRule for Hds {
    fn method(&self) -> &'static str {
        "hds"
    }

    fn version(&self) -> u32 {
        2
    }

    fn fit(&self, scale: &Scale, columns: &Columns, number: u32) -> Fitted {
        let shape = Shape::of(scale);
        let votes = Votes::new(columns, shape.telling, false);
        let problem = Problem { shape, votes: &votes, gold: columns.gold(), shares: &[], influence: &[] };
        let record = Record::new(&problem);
        let first = gold::first_guess(scale, &problem, record.start_weights(shape.classes).as_deref());
        let fit = confusion::fit(scale, &problem, first, problem.passes(), true);
        let table = fit.crowd.table.iter().map(|p| p.max(1e-9).ln() as f32).collect();
        let skill = |volunteer: usize| Skill {
            labels: votes.by_volunteer.len(volunteer) as u32,
            gold_labels: record.labels[volunteer],
            gold_correct: record.correct[volunteer],
            table: fit.tables[volunteer * problem.cells()..][..problem.cells()].to_vec(),
            ..Skill::blank(1.0, 1.0)
        };
        let skills = (0..columns.volunteer_count()).map(skill).collect();
        let average = Skill { table, ..Skill::blank(1.0, 1.0) };
        let model = Model { number, version: self.version(), prior: fit.prior, average, ..Model::zero(scale) };
        Fitted { model, skills }
    }

    fn consensus(&self, scale: &Scale, model: &Model, votes: &[Vote<'_>]) -> Consensus {
        let votes = tile::weigh_plainly(scale, model, votes);
        let q = posterior(scale, model, &votes);
        let class = tile::has_voice(scale, &votes).then(|| tile::call(scale.ordered, &q));
        tile::describe(scale, q, class, &votes)
    }
}
