//! The weighted share, line by line and for any labels.

use super::super::Vote;
use super::*;
use proptest::prelude::*;

fn scale() -> Scale {
    Scale::built_in("conflict3").unwrap()
}

/// The consensus of these answers without a model, as one line.
fn check(answers: &str, expected: &str) {
    let scale = scale();
    let votes: Vec<Vote<'_>> =
        (answers.split_whitespace()).map(|key| Vote { answer: scale.place_of(key).unwrap(), skill: None }).collect();
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
    columns =
        Columns::new(columns.tiles().into(), columns.volunteers().into(), columns.answers().into(), gold, 10).unwrap();
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
