//! Weighted voting: one smoothed, gold-informed weight a volunteer, and the weighted share of each class.
//!
//! Worker agreement with aggregate (Wawa, Appen) with shrinkage and a correction for chance:
//!
//! - accuracy `a_w = (h_w + 4 a) / (n_w + 4)`: `h_w` sums the share of the answer given over the volunteer's labels,
//!   1 or 0 on check gold; `a` is the mean over the crowd, so that newcomers act like the crowd;
//! - weight `w_w = max(.02, (K a_w - 1) / (K - 1))`, never above 1;
//! - share `s(z) = (sum of w over votes for z + .5 / K) / (sum of w + .5)`.
//!
//! Ten passes of the three. Bounded weights make it robust and easy to explain: "your label counted .83".

use super::columns::Columns;
use super::model::{Model, Skill};
use super::tile::{self, Shape, Vote, Weighed};
use super::{Fitted, VotingRule};
use crate::domain::consensus::Consensus;
use crate::domain::scale::Scale;

/// Passes of the fit.
const PASSES: usize = 10;
/// Labels that the crowd's mean is worth against a volunteer's own.
const SMOOTHING: f64 = 4.0;
/// Lowest weight of somebody who is not in quarantine.
const LEAST_WEIGHT: f64 = 0.02;
/// Votes spread evenly over the classes.
const EVEN: f64 = 0.5;
/// Check gold tiles below which the fit does not judge whether the campaign is identifiable.
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
        let mut fit = Fit::start(scale, columns);
        for _ in 0..PASSES {
            fit.pass();
        }
        fit.finish(number)
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

struct Fit<'a> {
    scale: &'a Scale,
    columns: &'a Columns,
    shape: Shape,
    weights: Vec<f64>,
    accuracies: Vec<f64>,
    mean: f64,
    /// Labels that speak about damage, per volunteer.
    labels: Vec<u32>,
}

impl<'a> Fit<'a> {
    fn start(scale: &'a Scale, columns: &'a Columns) -> Fit<'a> {
        let count = columns.volunteer_count();
        let shape = Shape::of(scale);
        let mut fit = Fit {
            scale,
            columns,
            shape,
            weights: vec![1.0; count],
            accuracies: vec![1.0; count],
            mean: 1.0,
            labels: vec![0; count],
        };
        for (_, volunteer, _) in fit.telling() {
            fit.labels[volunteer] += 1;
        }
        fit
    }

    /// Tile, volunteer and answer of the labels that speak about damage.
    fn telling(&self) -> impl Iterator<Item = (usize, usize, u8)> + use<'a> {
        let (columns, telling) = (self.columns, self.shape.telling);
        let pairs = columns.tiles().iter().zip(columns.volunteers()).zip(columns.answers());
        pairs
            .map(|((&tile, &volunteer), &answer)| (tile as usize, volunteer as usize, answer))
            .filter(move |&(_, _, answer)| usize::from(answer) < telling)
    }

    /// Weighted share per tile and class; check gold tiles keep their class.
    fn tile_shares(&self, clamp_gold: bool) -> Vec<f64> {
        let classes = self.shape.classes;
        let mut shares = vec![0.0; self.columns.tile_count() * classes];
        for (tile, volunteer, answer) in self.telling() {
            for (class, part) in tile::spread(self.scale, answer) {
                shares[tile * classes + class] += part * self.weights[volunteer];
            }
        }
        for (tile, row) in shares.chunks_mut(classes).enumerate() {
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|share| *share /= if sum > 0.0 { sum } else { 1.0 });
            if let (true, Some(gold)) = (clamp_gold, self.gold(tile)) {
                row.fill(0.0);
                row[gold] = 1.0;
            }
        }
        shares
    }

    fn gold(&self, tile: usize) -> Option<usize> {
        self.columns.gold()[tile].map(usize::from).filter(|&class| class < self.shape.classes)
    }

    fn pass(&mut self) {
        let classes = self.shape.classes;
        let shares = self.tile_shares(true);
        let mut hits = vec![0.0; self.weights.len()];
        for (tile, volunteer, answer) in self.telling() {
            let parts = tile::spread(self.scale, answer);
            hits[volunteer] += parts.iter().map(|&(class, part)| part * shares[tile * classes + class]).sum::<f64>();
        }
        let all: u64 = self.labels.iter().map(|&count| u64::from(count)).sum();
        self.mean = if all > 0 { hits.iter().sum::<f64>() / all as f64 } else { 1.0 };
        for (volunteer, hits) in hits.into_iter().enumerate() {
            let labels = f64::from(self.labels[volunteer]);
            self.accuracies[volunteer] = ((hits + SMOOTHING * self.mean) / (labels + SMOOTHING)).min(1.0);
            self.weights[volunteer] = weight(self.accuracies[volunteer], classes);
        }
    }

    fn finish(self, number: u32) -> Fitted {
        let classes = self.shape.classes;
        let blind = self.tile_shares(false);
        let shares = self.tile_shares(true);
        let mut skills: Vec<Skill> = (self.weights.iter().zip(&self.accuracies).zip(&self.labels))
            .map(|((&weight, &accuracy), &labels)| Skill { labels, ..Skill::blank(weight, accuracy) })
            .collect();
        let mut labelled = vec![false; self.columns.tile_count()];
        for (tile, volunteer, answer) in self.telling() {
            labelled[tile] = true;
            let skill = &mut skills[volunteer];
            skill.bias += signed_error(self.scale, answer, &shares[tile * classes..][..classes]);
            if let Some(gold) = self.gold(tile) {
                skill.gold_labels += 1;
                skill.gold_correct += u32::from(usize::from(answer) == gold);
            }
        }
        skills.iter_mut().filter(|skill| skill.labels > 0).for_each(|skill| skill.bias /= f64::from(skill.labels));
        let (tiles, right) = self.gold_record(&blind, &labelled);
        let gold_accuracy = (tiles > 0).then(|| f64::from(right) / f64::from(tiles));
        let model = Model {
            number,
            version: WeightedShare.version(),
            identifiable: tiles < GOLD_TO_JUDGE || gold_accuracy >= Some(IDENTIFIABLE),
            gold_tiles: tiles,
            gold_accuracy,
            prior: class_shares(&shares, classes),
            average: Skill::blank(weight(self.mean, classes), self.mean),
        };
        Fitted { model, skills }
    }

    /// Labelled check gold tiles, and how many of them the labels alone call rightly.
    fn gold_record(&self, blind: &[f64], labelled: &[bool]) -> (u32, u32) {
        let (mut tiles, mut right) = (0, 0);
        for (tile, shares) in blind.chunks(self.shape.classes).enumerate().filter(|(tile, _)| labelled[*tile]) {
            if let Some(gold) = self.gold(tile) {
                tiles += 1;
                right += u32::from(usize::from(tile::call(self.scale.ordered, shares)) == gold);
            }
        }
        (tiles, right)
    }
}

/// How far an answer lies above (+) or below (-) what the tile most likely is, in classes.
fn signed_error(scale: &Scale, answer: u8, shares: &[f64]) -> f64 {
    let mean =
        |parts: &mut dyn Iterator<Item = (usize, f64)>| parts.map(|(class, part)| class as f64 * part).sum::<f64>();
    mean(&mut tile::spread(scale, answer).into_iter()) - mean(&mut shares.iter().copied().enumerate())
}

/// The chance-corrected weight of an accuracy.
fn weight(accuracy: f64, classes: usize) -> f64 {
    let classes = classes as f64;
    ((classes * accuracy - 1.0) / (classes - 1.0)).clamp(LEAST_WEIGHT, 1.0)
}

fn class_shares(shares: &[f64], classes: usize) -> Vec<f64> {
    let mut prior = vec![1.0; classes];
    for row in shares.chunks(classes) {
        prior.iter_mut().zip(row).for_each(|(sum, share)| *sum += share);
    }
    let all: f64 = prior.iter().sum();
    prior.iter().map(|sum| sum / all).collect()
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
