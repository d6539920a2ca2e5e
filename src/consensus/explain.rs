//! Why a tile has its consensus: every label's weight and evidence, and what would be without it.
//!
//! All figures are in nats, for the likeliest class against the next one, and add up to the stored evidence:
//! `prior + sum of labels + flattening + pooling = evidence`.

use super::dawid_skene::{log_posterior, table_row};
use super::model::Model;
use super::tile::{self, Shape, Vote, Weighed};
use super::{Pool, VotingRule, pool};
use crate::domain::consensus::Consensus;
use crate::domain::scale::Scale;

/// What one label does on its tile.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The answer given.
    pub answer: u8,
    /// The weight that the label has here, 0 to 1: "your label counted .83".
    pub weight: f64,
    /// How much of the label counts here at all: less than 1 in a ring, above a cap, or in quarantine.
    pub share: f64,
    /// `share (ln P(answer | first) - ln P(answer | second))`, nats; 0 for side answers.
    pub evidence: f64,
    /// Check gold answers of the volunteer, and right ones; 0 for the unknown.
    pub gold: (u32, u32),
    /// The class if this label were missing.
    pub without: Option<u8>,
}

/// The explanation of one tile.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What is explained.
    pub consensus: Consensus,
    /// The likeliest class and the next one.
    pub classes: (u8, u8),
    /// What the campaign's class shares say before any label.
    pub prior: f64,
    /// The labels, in the order of the votes given, those of unknown answers left out.
    pub lines: Vec<Line>,
    /// What is taken back because volunteers err alike.
    pub flattening: f64,
    /// What the weighted share and calibration add or take.
    pub pooling: f64,
}

impl Explanation {
    /// The sum of all parts: the consensus's evidence.
    pub fn total(&self) -> f64 {
        self.prior + self.lines.iter().map(|line| line.evidence).sum::<f64>() + self.flattening + self.pooling
    }
}

/// Explains the default method's consensus of one tile.
pub fn explain(scale: &Scale, model: &Model, votes: &[Vote<'_>]) -> Explanation {
    let consensus = Pool.consensus(scale, model, votes);
    let classes = first_and_second(&consensus.probabilities);
    let weighed = tile::weigh(scale, model, votes);
    let mut used = vec![false; weighed.len()];
    let lines: Vec<Line> = (votes.iter().enumerate())
        .filter(|(_, vote)| scale.answer(vote.answer).is_some())
        .map(|(place, vote)| {
            // The weighed votes are sorted; equal ones weigh the same, so any unused twin will do.
            let is_same = |w: &Weighed<'_>| w.vote.answer == vote.answer && same_skill(w.vote, *vote);
            let at = (0..weighed.len()).find(|&at| !used[at] && is_same(&weighed[at]));
            at.iter().for_each(|&at| used[at] = true);
            let others: Vec<Vote<'_>> = votes[..place].iter().chain(&votes[place + 1..]).copied().collect();
            let without = Pool.consensus(scale, model, &others).class;
            line(scale, model, classes, at.map(|at| &weighed[at]), *vote, without)
        })
        .collect();
    parts(scale, model, &weighed, consensus, classes, lines)
}

fn same_skill(a: Vote<'_>, b: Vote<'_>) -> bool {
    match (a.skill, b.skill) {
        (None, None) => true,
        (Some(a), Some(b)) => std::ptr::eq(a, b),
        _ => false,
    }
}

fn line(
    scale: &Scale,
    model: &Model,
    (first, second): (u8, u8),
    weighed: Option<&Weighed<'_>>,
    vote: Vote<'_>,
    without: Option<u8>,
) -> Line {
    let Shape { classes, telling, .. } = Shape::of(scale);
    let gold = vote.skill.map_or((0, 0), |skill| (skill.gold_labels, skill.gold_correct));
    let mut line = Line { answer: vote.answer, weight: 0.0, share: 0.0, evidence: 0.0, gold, without };
    let Some(w) = weighed else { return line };
    (line.weight, line.share) = (w.weight, w.share);
    if usize::from(vote.answer) < telling {
        let row = table_row(model, w, classes);
        if let (Some(&a), Some(&b)) = (row.get(usize::from(first)), row.get(usize::from(second))) {
            line.evidence = w.share * (f64::from(a) - f64::from(b));
        }
    }
    line
}

fn parts(
    scale: &Scale,
    model: &Model,
    weighed: &[Weighed<'_>],
    consensus: Consensus,
    classes: (u8, u8),
    lines: Vec<Line>,
) -> Explanation {
    let (first, second) = (usize::from(classes.0), usize::from(classes.1));
    let mut explained =
        Explanation { pooling: consensus.evidence, consensus, classes, prior: 0.0, lines, flattening: 0.0 };
    if model.average.table.is_empty() {
        return explained; // Without tables all evidence is the weighted share's.
    }
    let telling = Shape::of(scale).telling;
    let logs = log_posterior(scale, model, weighed);
    let count: f64 = weighed.iter().filter(|w| usize::from(w.vote.answer) < telling).map(|w| w.share).sum();
    let kept = pool::worth(count, model.correlation);
    explained.prior = model.prior[first].max(1e-12).ln() - model.prior[second].max(1e-12).ln();
    explained.flattening = (kept - 1.0) * (logs[first] - logs[second]);
    explained.pooling -= kept * (logs[first] - logs[second]);
    explained
}

/// The likeliest class and the next one; of equals the milder first.
fn first_and_second(probabilities: &[f64]) -> (u8, u8) {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    (order[0] as u8, order[1] as u8)
}

#[cfg(test)]
mod tests {
    use super::super::{Columns, Skill};
    use super::*;

    /// A fitted crowd of 9 on 60 tiles of which some err often.
    fn crowd(scale: &Scale) -> (Model, Vec<Skill>) {
        let (mut tiles, mut volunteers, mut answers) = (vec![], vec![], vec![]);
        for tile in 0..60u32 {
            for volunteer in 0..9u32 {
                let errs = (tile * 7 + volunteer * 13) % 11 < volunteer;
                tiles.push(tile);
                volunteers.push(volunteer);
                answers.push(((tile + u32::from(errs)) % 3) as u8);
            }
        }
        let fitted = Pool.fit(scale, &Columns::new(tiles, volunteers, answers, vec![None; 60], 9).unwrap(), 1);
        (fitted.model, fitted.skills)
    }

    #[test]
    fn the_parts_add_up_to_the_stored_evidence() {
        let scale = Scale::built_in("conflict3").unwrap();
        let (model, skills) = crowd(&scale);
        for answers in [&[0u8, 1, 1][..], &[2, 2, 2, 1, 0, 0, 3], &[4, 3], &[], &[1, 1, 0, 0, 2, 2]] {
            let skill = |place: usize| if place == 2 { None } else { skills.get(place) };
            let votes: Vec<Vote<'_>> =
                answers.iter().enumerate().map(|(at, &answer)| Vote { answer, skill: skill(at) }).collect();
            let e = explain(&scale, &model, &votes);
            assert!((e.total() - e.consensus.evidence).abs() < 1e-9, "{e:?}");
            assert!(e.consensus.evidence > 0.0 || answers.len() < 3);
            // The labels' own parts are what the tables say, not what is left over.
            let direct: f64 = votes
                .iter()
                .filter(|v| v.answer < 3)
                .map(|v| {
                    let table = v.skill.map_or(&model.average.table, |skill| &skill.table);
                    let row = &table[usize::from(v.answer) * 3..][..3];
                    f64::from(row[usize::from(e.classes.0)]) - f64::from(row[usize::from(e.classes.1)])
                })
                .sum();
            let shares_full = e.lines.iter().all(|line| line.share == 1.0);
            let lines: f64 = e.lines.iter().map(|line| line.evidence).sum();
            assert!(!shares_full || (lines - direct).abs() < 1e-9);
        }
    }

    #[test]
    fn what_if_names_the_label_that_decides() {
        let scale = Scale::built_in("conflict3").unwrap();
        let (model, skills) = crowd(&scale);
        let votes = [(1, 0), (0, 8)].map(|(answer, at)| Vote { answer, skill: skills.get(at) });
        let e = explain(&scale, &model, &votes);
        assert_eq!(e.consensus.class, Some(1), "the reliable volunteer is believed");
        assert_ne!(e.lines[0].without, Some(1));
        assert_eq!(e.lines[1].without, Some(1));
        assert!(e.lines[0].weight > e.lines[1].weight);
    }
}
