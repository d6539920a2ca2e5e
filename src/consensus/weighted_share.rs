//! Weighted voting: one smoothed, gold-informed weight a volunteer, and the weighted share of each class.
//!
//! Worker agreement with aggregate (Wawa, Appen) with shrinkage and a correction for chance (consensus.md, D):
//!
//! - accuracy `a_w = (h_w + 4 a) / (n_w + 4)`: `h_w` sums the share of the answer given over the volunteer's labels,
//!   1 or 0 on check gold; `a` is the mean over the crowd, so that newcomers act like the crowd;
//! - weight `w_w = max(.02, (K a_w - 1) / (K - 1))`, never above 1;
//! - share `s(z) = (sum of w over votes for z + .5 / K) / (sum of w + .5)`.
//!
//! Ten passes of the three, or fewer once no weight moves by 1e-4. Bounded weights make it robust and easy to
//! explain: "your label counted .83".

use rayon::prelude::*;

use super::columns::Columns;
use super::em::{self, Problem};
use super::gold::Record;
use super::model::{Model, Skill};
use super::tile::{self, Shape, Vote, Weighed};
use super::votes::Votes;
use super::{Fitted, VotingRule};
use crate::domain::consensus::Consensus;
use crate::domain::scale::Scale;

/// Passes of the fit, and the largest change of a weight at which it stops earlier.
const PASSES: usize = 10;
const SETTLED: f64 = 1e-4;
/// Labels that the crowd's mean is worth against a volunteer's own.
const SMOOTHING: f64 = 4.0;
/// Lowest weight of somebody who is not in quarantine.
const LEAST_WEIGHT: f64 = 0.02;
/// Votes spread evenly over the classes.
pub const EVEN: f64 = 0.5;
/// Check gold tiles below which a fit does not judge whether the campaign is identifiable.
const GOLD_TO_JUDGE: u32 = 10;
/// Share of check gold tiles that labels alone must call rightly.
const IDENTIFIABLE: f64 = 0.6;

/// The weighted share; see the page.
#[derive(Debug, Clone, Copy)]
pub struct WeightedShare;

impl VotingRule for WeightedShare {
    fn method(&self) -> &'static str {
        "weighted-share"
    }

    fn version(&self) -> u32 {
        1
    }

    fn fit(&self, scale: &Scale, columns: &Columns, number: u32) -> Fitted {
        let shape = Shape::of(scale);
        let votes = Votes::new(columns, shape.telling, false);
        let problem = Problem { shape, votes: &votes, gold: columns.gold(), shares: &[], influence: &[] };
        let record = Record::new(&problem);
        let weights = fit(scale, &problem, &record, vec![1.0; columns.volunteer_count()]);
        let q = weights.tile_shares(scale, &problem, true);
        let blind = weights.tile_shares(scale, &problem, false);
        let (gold_tiles, gold_accuracy) = judged_by_gold(scale.ordered, &problem, &blind);
        let model = Model {
            number,
            version: self.version(),
            identifiable: is_identifiable(gold_tiles, gold_accuracy),
            gold_tiles,
            gold_accuracy,
            prior: problem.class_shares(&q, shape.classes as f64),
            average: Skill::blank(weight(weights.mean, shape.classes), weights.mean),
            ..Model::zero(scale)
        };
        Fitted { model, skills: weights.skills(scale, &problem, &record, &q) }
    }

    fn consensus(&self, scale: &Scale, model: &Model, votes: &[Vote<'_>]) -> Consensus {
        let votes = tile::weigh(scale, model, votes);
        let shares = shares(scale, &votes);
        let class = tile::has_voice(scale, &votes).then(|| tile::call(scale.ordered, &shares));
        tile::describe(scale, shares, class, &votes)
    }
}

/// The smoothed weighted share of each class.
pub fn shares(scale: &Scale, votes: &[Weighed<'_>]) -> Vec<f64> {
    let classes = Shape::of(scale).classes;
    let mut shares = vec![EVEN / classes as f64; classes];
    for w in votes {
        for (class, part) in tile::spread(scale, w.vote.answer) {
            shares[class] += part * w.weight;
        }
    }
    let all: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= all);
    shares
}

/// Fitted weights of all volunteers.
pub struct Weights {
    /// Weight per volunteer.
    pub of: Vec<f64>,
    /// Smoothed accuracy per volunteer.
    pub accuracies: Vec<f64>,
    /// Mean accuracy over all labels.
    pub mean: f64,
}

/// Fits the weights from these on. A weight of 0 at the start stays 0: quarantine.
pub fn fit(scale: &Scale, problem: &Problem<'_>, record: &Record, start: Vec<f64>) -> Weights {
    let muted: Vec<bool> = start.iter().map(|&weight| weight == 0.0).collect();
    let mut weights = Weights { accuracies: vec![1.0; start.len()], of: start, mean: 1.0 };
    if let Some(mean) = record.mean {
        weights.start_from_gold(problem.shape.classes, record, mean);
    }
    for _ in 0..PASSES {
        if weights.pass(scale, problem, &muted) < SETTLED {
            break;
        }
    }
    weights
}

impl Weights {
    /// With gold the first weights are what gold says, so that no ring of accounts sets the direction.
    fn start_from_gold(&mut self, classes: usize, record: &Record, mean: f64) {
        for (volunteer, weight) in self.of.iter_mut().enumerate().filter(|(_, weight)| **weight > 0.0) {
            *weight = self::weight(record.smoothed(volunteer, mean), classes);
        }
    }

    /// Weighted share per tile and class, `[tile][class]`; gold tiles have their class when `clamp`.
    pub fn tile_shares(&self, scale: &Scale, problem: &Problem<'_>, clamp: bool) -> Vec<f32> {
        let classes = problem.shape.classes;
        let side = &problem.votes.by_tile;
        let spreads = spreads(scale, problem.shape);
        let mut shares = vec![0.0f32; side.rows() * classes];
        em::split(&mut shares, &side.pieces(), classes).into_par_iter().for_each(|(rows, shares)| {
            let mut sum = vec![0.0; classes];
            for (tile, row) in rows.zip(shares.chunks_mut(classes)) {
                sum.fill(1e-9);
                for (place, (volunteer, answer)) in side.range(tile).zip(side.row(tile)) {
                    let weight = self.of[volunteer] * problem.share(place);
                    spreads[answer].iter().for_each(|&(class, part)| sum[class] += part * weight);
                }
                let all: f64 = sum.iter().sum();
                row.iter_mut().zip(&sum).for_each(|(share, sum)| *share = (sum / all) as f32);
            }
        });
        if clamp {
            problem.clamp(&mut shares);
        }
        shares
    }

    /// One pass; the largest change of a weight.
    fn pass(&mut self, scale: &Scale, problem: &Problem<'_>, muted: &[bool]) -> f64 {
        let classes = problem.shape.classes;
        let shares = self.tile_shares(scale, problem, true);
        let side = &problem.votes.by_volunteer;
        let spreads = spreads(scale, problem.shape);
        let agreement = |volunteer: usize| {
            side.row(volunteer)
                .map(|(tile, answer)| {
                    let row = &shares[tile * classes..][..classes];
                    spreads[answer].iter().map(|&(class, part)| part * f64::from(row[class])).sum::<f64>()
                })
                .sum::<f64>()
        };
        let mut hits = vec![0.0; side.rows()];
        em::split(&mut hits, &side.pieces(), 1).into_par_iter().for_each(|(rows, hits)| {
            rows.zip(hits).for_each(|(volunteer, hits)| *hits = agreement(volunteer));
        });
        let all = problem.votes.len() as f64;
        self.mean = if all > 0.0 { (hits.iter().sum::<f64>() / all).min(1.0) } else { 1.0 };
        let mut change = 0.0f64;
        for (volunteer, hits) in hits.into_iter().enumerate() {
            let labels = side.len(volunteer) as f64;
            self.accuracies[volunteer] = ((hits + SMOOTHING * self.mean) / (labels + SMOOTHING)).min(1.0);
            let next = if muted[volunteer] { 0.0 } else { weight(self.accuracies[volunteer], classes) };
            change = change.max((next - self.of[volunteer]).abs());
            self.of[volunteer] = next;
        }
        change
    }

    /// The volunteers' skills; `q` holds the class probabilities of the tiles.
    pub fn skills(&self, scale: &Scale, problem: &Problem<'_>, record: &Record, q: &[f32]) -> Vec<Skill> {
        let classes = problem.shape.classes;
        let side = &problem.votes.by_volunteer;
        let places: Vec<f64> = (spreads(scale, problem.shape).iter())
            .map(|spread| spread.iter().map(|&(class, part)| class as f64 * part).sum())
            .collect();
        let bias = |volunteer: usize| {
            let error = |(tile, answer): (usize, usize)| {
                let row = &q[tile * classes..][..classes];
                places[answer] - row.iter().enumerate().map(|(class, &p)| class as f64 * f64::from(p)).sum::<f64>()
            };
            side.row(volunteer).map(error).sum::<f64>() / side.len(volunteer).max(1) as f64
        };
        (0..side.rows())
            .into_par_iter()
            .with_min_len(256)
            .map(|volunteer| Skill {
                labels: side.len(volunteer) as u32,
                gold_labels: record.labels[volunteer],
                gold_correct: record.correct[volunteer],
                bias: bias(volunteer),
                ..Skill::blank(weight(self.accuracies[volunteer], classes), self.accuracies[volunteer])
            })
            .collect()
    }
}

/// What each answer that speaks about damage says for the classes.
pub fn spreads(scale: &Scale, shape: Shape) -> Vec<[(usize, f64); 2]> {
    (0..shape.telling).map(|answer| tile::spread(scale, answer as u8)).collect()
}

/// The chance-corrected weight of an accuracy.
pub fn weight(accuracy: f64, classes: usize) -> f64 {
    let classes = classes as f64;
    ((classes * accuracy - 1.0) / (classes - 1.0)).clamp(LEAST_WEIGHT, 1.0)
}

/// Labelled gold tiles, and the share of them that these blind probabilities call rightly.
pub fn judged_by_gold(ordered: bool, problem: &Problem<'_>, blind: &[f32]) -> (u32, Option<f64>) {
    let (mut tiles, mut right) = (0u32, 0u32);
    for (tile, row) in blind.chunks(problem.shape.classes).enumerate() {
        if let (Some(gold), false) = (problem.gold(tile), problem.votes.by_tile.is_empty(tile)) {
            let row: Vec<f64> = row.iter().map(|&p| f64::from(p)).collect();
            tiles += 1;
            right += u32::from(usize::from(tile::call(ordered, &row)) == gold);
        }
    }
    (tiles, (tiles > 0).then(|| f64::from(right) / f64::from(tiles)))
}

/// Whether gold lets the consensus be published.
pub fn is_identifiable(gold_tiles: u32, accuracy: Option<f64>) -> bool {
    gold_tiles < GOLD_TO_JUDGE || accuracy.is_none_or(|share| share >= IDENTIFIABLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scale() -> Scale {
        Scale::built_in("conflict3").unwrap()
    }

    /// The consensus of these answers without a model, as one line.
    fn check(answers: &str, expected: &str) {
        let scale = scale();
        let votes: Vec<Vote<'_>> = (answers.split_whitespace())
            .map(|key| Vote { answer: scale.place_of(key).unwrap(), skill: None })
            .collect();
        let c = WeightedShare.consensus(&scale, &Model::zero(&scale), &votes);
        let class = c.class.map_or("none", |class| &scale.answers[usize::from(class)].key);
        let agreement = c.agreement.map_or("-".into(), |share| format!("{share:.2}"));
        assert_eq!(
            format!(
                "{class} {:.3} agreement {agreement} labels {} worth {:.1}",
                c.probability.unwrap_or(0.0),
                c.labels,
                c.effective_redundancy
            ),
            expected
        );
    }

    #[test]
    fn without_a_model_every_label_weighs_one() {
        check("destroyed destroyed destroyed", "destroyed 0.905 agreement 1.00 labels 3 worth 3.0");
        check("destroyed damaged damaged", "damaged 0.619 agreement 0.33 labels 3 worth 3.0");
        check("", "none 0.000 agreement - labels 0 worth 0.0");
    }

    #[test]
    fn side_answers_never_change_the_class() {
        check("bad_imagery unsure", "none 0.000 agreement 0.00 labels 2 worth 0.0");
        check("damaged bad_imagery bad_imagery unsure", "damaged 0.778 agreement 0.17 labels 4 worth 1.0");
    }

    /// Ten volunteers label 40 tiles; the last two always answer the class after the true one.
    fn crowd(gold: bool) -> Columns {
        let (mut tiles, mut volunteers, mut answers) = (vec![], vec![], vec![]);
        for tile in 0..40u32 {
            for volunteer in 0..10u32 {
                tiles.push(tile);
                volunteers.push(volunteer);
                answers.push(((tile + u32::from(volunteer > 7)) % 3) as u8);
            }
        }
        let gold = (0..40).map(|tile| (gold && tile < 12).then_some((tile % 3) as u8)).collect();
        Columns::new(tiles, volunteers, answers, gold, 10).unwrap()
    }

    #[test]
    fn those_who_err_weigh_less_and_newcomers_as_the_crowd() {
        let fitted = WeightedShare.fit(&scale(), &crowd(true), 1);
        assert!(fitted.skills[0].weight > 0.95 && fitted.skills[9].weight < 0.1, "{:?}", fitted.skills);
        assert_eq!((fitted.skills[9].gold_labels, fitted.skills[9].gold_correct), (12, 0));
        assert_eq!((fitted.model.gold_tiles, fitted.model.gold_accuracy), (12, Some(1.0)));
        let scale = scale();
        let with = |skill| {
            let votes = [Vote { answer: 1, skill: Some(&fitted.skills[0]) }, Vote { answer: 0, skill }];
            WeightedShare.consensus(&scale, &fitted.model, &votes)
        };
        assert_eq!(with(None), with(Some(&fitted.model.average)));
    }

    #[test]
    fn gold_that_contradicts_the_crowd_is_not_identifiable() {
        let mut columns = crowd(false);
        assert!(WeightedShare.fit(&scale(), &columns, 1).model.identifiable);
        let gold = (0..40).map(|tile| Some(((tile + 2) % 3) as u8)).collect();
        columns = Columns::new(columns.tiles().into(), columns.volunteers().into(), columns.answers().into(), gold, 10)
            .unwrap();
        assert!(!WeightedShare.fit(&scale(), &columns, 1).model.identifiable);
    }

    #[test]
    fn an_empty_campaign_still_has_a_model() {
        let columns = Columns::new(vec![], vec![], vec![], vec![None; 3], 2).unwrap();
        let fitted = WeightedShare.fit(&scale(), &columns, 1);
        assert_eq!(fitted.skills.len(), 2);
        assert!(fitted.model.average.weight.is_finite() && fitted.model.identifiable);
    }

    fn arbitrary_skill() -> impl Strategy<Value = Option<Skill>> {
        let known = (0.0..=1.0f64, 0u32..3, 0u32..2).prop_map(|(weight, ring, quarantine)| Skill {
            ring,
            quarantine: (quarantine == 1).then_some(super::super::model::Quarantine::Gold),
            ..Skill::blank(weight, weight)
        });
        prop_oneof![Just(None), known.prop_map(Some)]
    }

    proptest! {
        #[test]
        fn any_votes_give_probabilities_and_their_order_never_matters(
            votes in proptest::collection::vec((any::<u8>().prop_map(|a| a % 7), arbitrary_skill()), 0..12),
            turn in 0usize..12,
        ) {
            let scale = scale();
            let model = Model::zero(&scale);
            let mut list: Vec<Vote<'_>> = votes.iter().map(|(answer, skill)| Vote { answer: *answer, skill: skill.as_ref() }).collect();
            let first = WeightedShare.consensus(&scale, &model, &list);
            list.reverse();
            let length = list.len().max(1);
            list.rotate_left(turn % length);
            let second = WeightedShare.consensus(&scale, &model, &list);
            prop_assert_eq!(format!("{first:?}"), format!("{second:?}"));
            prop_assert!((first.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let figures = [first.entropy, first.evidence, first.effective_redundancy, first.unusable_share];
            prop_assert!(figures.iter().all(|figure| figure.is_finite()), "{:?}", first);
        }

        #[test]
        fn any_columns_are_fitted_without_nan(
            labels in proptest::collection::vec((0u32..6, 0u32..5, 0u8..8), 0..60),
            gold in proptest::collection::vec(proptest::option::of(0u8..5), 6),
        ) {
            let columns = Columns::new(
                labels.iter().map(|l| l.0).collect(), labels.iter().map(|l| l.1).collect(), labels.iter().map(|l| l.2).collect(), gold, 5,
            ).unwrap();
            let fitted = WeightedShare.fit(&scale(), &columns, 1);
            for skill in fitted.skills.iter().chain([&fitted.model.average]) {
                prop_assert!((0.0..=1.0).contains(&skill.weight) && (0.0..=1.0).contains(&skill.accuracy) && skill.bias.is_finite());
                prop_assert_eq!(Skill::from_bytes(&skill.to_bytes()), Ok(skill.clone()));
            }
            prop_assert!((fitted.model.prior.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}
