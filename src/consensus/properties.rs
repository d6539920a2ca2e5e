//! What every method promises for any input: no panic, no NaN, one result for any order and any number of threads.

use proptest::prelude::*;

use super::{Columns, METHODS, Model, Skill, Vote, batch, model::Quarantine};
use crate::domain::scale::{Answer, Role, Scale};

/// `conflict3` with an answer between the first two classes.
fn scale(ordered: bool) -> Scale {
    let mut scale = Scale::built_in("conflict3").unwrap();
    scale.ordered = ordered;
    scale.answers.insert(3, Answer::new("maybe", Role::Between { low: 0, high: 1 }, 50));
    scale
}

type Label = (u32, u32, u8);

fn columns(labels: &[Label], gold: &[Option<u8>]) -> Columns {
    let pick = |f: fn(&Label) -> u32| labels.iter().map(f).collect();
    let answers = labels.iter().map(|label| label.2).collect();
    Columns::new(pick(|l| l.0), pick(|l| l.1), answers, gold.to_vec(), 8).unwrap()
}

fn is_sane(probabilities: &[f64], figures: &[f64]) -> bool {
    let sum: f64 = probabilities.iter().sum();
    (sum - 1.0).abs() < 1e-9 && probabilities.iter().chain(figures).all(|figure| figure.is_finite() && *figure >= 0.0)
}

fn skill() -> impl Strategy<Value = Option<Skill>> {
    let table = proptest::collection::vec(-25.0f32..0.0, 12);
    let known =
        (0.0..=1.0f64, 0u32..3, 0u32..30, any::<bool>(), table).prop_map(|(weight, ring, labels, aside, table)| {
            let quarantine = aside.then_some(Quarantine::Constant);
            Skill { ring, labels, quarantine, table, ..Skill::blank(weight, weight) }
        });
    proptest::option::of(known)
}

proptest! {
    #[test]
    fn any_labels_are_fitted_and_called(
        labels in proptest::collection::vec((0u32..7, 0u32..8, 0u8..9), 0..80),
        gold in proptest::collection::vec(proptest::option::of(0u8..5), 7),
        ordered: bool,
    ) {
        let scale = scale(ordered);
        let columns = columns(&labels, &gold);
        for rule in METHODS {
            let outcome = batch::run(rule, &scale, &columns);
            let model = &outcome.fitted.model;
            prop_assert_eq!(&Model::from_bytes(&model.to_bytes()).unwrap(), model, "{}", rule.method());
            for c in &outcome.consensus {
                let figures = [c.entropy, c.evidence, c.effective_redundancy, c.unusable_share];
                prop_assert!(is_sane(&c.probabilities, &figures), "{}: {:?}", rule.method(), c);
                prop_assert!(c.class.is_none_or(|class| class < 3));
                prop_assert!(c.effective_redundancy <= f64::from(c.labels) + 1e-9);
            }
            for skill in &outcome.fitted.skills {
                prop_assert_eq!(&Skill::from_bytes(&skill.to_bytes()).unwrap(), skill);
            }
        }
    }

    #[test]
    fn the_order_of_votes_never_matters_to_the_bit(
        votes in proptest::collection::vec((0u8..7, skill()), 0..14), turn in 0usize..14, ordered: bool,
    ) {
        let scale = scale(ordered);
        let average = Skill { table: vec![-1.4; 12], ..Skill::blank(0.6, 0.7) };
        let model = Model { posterior_share: 0.5, correlation: 0.1, average, ..Model::zero(&scale) };
        let mut list: Vec<Vote<'_>> = votes.iter().map(|(answer, skill)| Vote { answer: *answer, skill: skill.as_ref() }).collect();
        let first: Vec<String> = METHODS.iter().map(|rule| format!("{:?}", rule.consensus(&scale, &model, &list))).collect();
        list.reverse();
        let length = list.len().max(1);
        list.rotate_left(turn % length);
        let second: Vec<String> = METHODS.iter().map(|rule| format!("{:?}", rule.consensus(&scale, &model, &list))).collect();
        prop_assert_eq!(first, second);
    }

    #[test]
    fn side_answers_of_others_never_change_a_class(
        labels in proptest::collection::vec((0u32..7, 0u32..4, 0u8..4), 1..60),
        side in proptest::collection::vec((0u32..7, 4u32..8, 4u8..6), 0..20),
    ) {
        let scale = scale(true);
        let gold = [None; 7];
        let plain = batch::run(&super::Pool, &scale, &columns(&labels, &gold));
        let with = batch::run(&super::Pool, &scale, &columns(&[labels, side].concat(), &gold));
        for (a, b) in plain.consensus.iter().zip(&with.consensus) {
            prop_assert_eq!((&a.probabilities, a.class), (&b.probabilities, b.class));
        }
    }
}

/// A crowd large enough for several pieces of work: 20,000 tiles, 5 labels each.
fn large() -> Columns {
    let mut state = 5u64;
    let mut next = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let labels: Vec<Label> = (0..100_000u32)
        .map(|at| {
            let (tile, volunteer) = (at / 5, next(300) as u32);
            let truth = tile * 7 % 3;
            let errs = next(100) < 10 + u64::from(volunteer % 30);
            (tile, volunteer, ((truth + if errs { 1 + next(2) as u32 } else { 0 }) % 3) as u8)
        })
        .collect();
    let gold = (0..20_000).map(|tile| (tile % 50 == 0).then_some((tile * 7 % 3) as u8)).collect();
    let pick = |f: fn(&Label) -> u32| labels.iter().map(f).collect();
    Columns::new(pick(|l| l.0), pick(|l| l.1), labels.iter().map(|l| l.2).collect(), gold, 300).unwrap()
}

#[test]
fn the_number_of_threads_never_matters_to_the_bit() {
    let scale = Scale::built_in("conflict3").unwrap();
    let columns = large();
    for rule in METHODS {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| rule.fit(&scale, &columns, 1))
        };
        let one = with(1);
        for threads in [2, 3, 8] {
            let many = with(threads);
            assert_eq!(many.model.to_bytes(), one.model.to_bytes(), "{} with {threads} threads", rule.method());
            assert!(many.skills == one.skills, "{} with {threads} threads", rule.method());
        }
    }
}

#[test]
fn gold_calibrates_a_large_crowd() {
    let scale = Scale::built_in("conflict3").unwrap();
    let outcome = batch::run(&super::Pool, &scale, &large());
    let model = &outcome.fitted.model;
    assert!(model.identifiable && model.gold_tiles == 400 && !model.calibration.is_empty(), "{model:?}");
    let right = (0..20_000).filter(|&tile| outcome.consensus[tile].class == Some((tile * 7 % 3) as u8)).count();
    assert!(right > 18_500, "{right}");
}

#[test]
fn a_copying_pair_is_found_and_counts_as_one() {
    // Ten honest volunteers label 300 tiles and err on their own; two more share one answer sheet, wrong on a third.
    let mut labels = Vec::new();
    for tile in 0..300u32 {
        let truth = tile % 3;
        for volunteer in 0..6u32 {
            let errs = (tile * 31 + volunteer * 17 + tile / 7 * volunteer) % 10 < 2;
            labels.push((tile, volunteer, ((truth + u32::from(errs)) % 3) as u8));
        }
        let sheet = if tile * 13 % 9 < 3 { (truth + 1 + tile / 3 % 2) % 3 } else { truth };
        labels.extend([6, 7].map(|volunteer| (tile, volunteer, sheet as u8)));
    }
    let columns = columns(&labels, &vec![None; 300]);
    let scale = Scale::built_in("conflict3").unwrap();
    let outcome = batch::run(&super::Pool, &scale, &columns);
    let rings: Vec<u32> = outcome.fitted.skills.iter().map(|skill| skill.ring).collect();
    assert!(rings[6] > 0 && rings[6] == rings[7], "{rings:?}");
    assert!(rings[..6].iter().all(|&ring| ring == 0), "{rings:?}");
    let copied = [6, 7].map(|at| Vote { answer: 1, skill: Some(&outcome.fitted.skills[at]) });
    let c = super::VotingRule::consensus(&super::Pool, &scale, &outcome.fitted.model, &copied);
    assert!((c.effective_redundancy - 1.0).abs() < 1e-9, "{c:?}");
}

#[test]
fn one_tile_with_a_million_labels_and_a_million_tiles_with_one() {
    let scale = Scale::built_in("change2").unwrap();
    let count = 1_000_000u32;
    let wide = Columns::new(
        (0..count).collect(),
        (0..count).map(|at| at % 1000).collect(),
        vec![1; count as usize],
        vec![None; count as usize],
        1000,
    );
    let deep = Columns::new(
        vec![0; count as usize],
        (0..count).collect(),
        (0..count).map(|at| (at % 3 == 0) as u8).collect(),
        vec![None],
        count,
    );
    for columns in [wide.unwrap(), deep.unwrap()] {
        let fitted = super::VotingRule::fit(&super::Pool, &scale, &columns, 1);
        assert!(
            fitted
                .skills
                .iter()
                .all(|skill| skill.weight.is_finite() && skill.table.iter().all(|cell| cell.is_finite()))
        );
    }
}

/// FNV-1a (Fowler, Noll and Vo) over the bytes of every method's model, skills and consensus of one seeded crowd.
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
#[test]
fn every_profile_gives_the_same_bytes() {
    let scale = Scale::built_in("conflict3").unwrap();
    let mut digest = 0xcbf2_9ce4_8422_2325u64;
    let mut add = |bytes: &[u8]| {
        bytes.iter().for_each(|&byte| digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    };
    let columns = large();
    for rule in METHODS {
        let outcome = batch::run(rule, &scale, &columns);
        add(&outcome.fitted.model.to_bytes());
        outcome.fitted.skills.iter().for_each(|skill| add(&skill.to_bytes()));
        for c in &outcome.consensus {
            let figures = [c.evidence, c.entropy, c.effective_redundancy];
            c.probabilities.iter().chain(&figures).for_each(|figure| add(&figure.to_le_bytes()));
        }
    }
    // exp and ln come from the system's C library (here glibc on a processor with FMA), everything else is exact.
    // Where the core was changed on purpose, the rule's version rises and this becomes the new digest.
    assert_eq!(format!("{digest:016x}"), "6cce0ce027540b3e", "another result than the other profile's");
}
