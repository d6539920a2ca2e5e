//! Weights on one tile: caps, rings, quarantine.

use super::super::model::{Model, Quarantine};
use super::*;

/// Total and shares of the weight on a tile, in the order of the skills given (all give different answers or none).
fn weights(skills: &[Skill]) -> Vec<f64> {
    let scale = Scale::built_in("unosat5").unwrap();
    let model = Model::zero(&scale);
    let votes: Vec<Vote<'_>> = skills.iter().map(|skill| Vote { answer: 0, skill: Some(skill) }).collect();
    let weighed = weigh(&scale, &model, &votes);
    let find =
        |skill: &Skill| weighed.iter().find(|w| w.vote.skill.is_some_and(|s| std::ptr::eq(s, skill))).unwrap().weight;
    skills.iter().map(find).collect()
}

fn old(weight: f64) -> Skill {
    Skill { labels: 100, ..Skill::blank(weight, weight) }
}

fn new(weight: f64) -> Skill {
    Skill { labels: 3, ..Skill::blank(weight, weight) }
}

#[test]
fn nobody_has_more_than_three_tenths_of_a_tile() {
    let w = weights(&[old(1.0), old(0.2), old(0.2), old(0.2), old(0.2)]);
    let all: f64 = w.iter().sum();
    assert!((w[0] / all - 0.3).abs() < 1e-9 && w[1..] == [0.2; 4], "{w:?}");
    let w = weights(&[old(1.0), old(0.9), old(0.2), old(0.2), old(0.2)]);
    let all: f64 = w.iter().sum();
    assert!(w[0] == w[1] && (w[0] / all - 0.3).abs() < 1e-9, "{w:?}");
}

#[test]
fn few_votes_and_few_voices_are_not_capped() {
    assert_eq!(weights(&[old(1.0), old(0.1), old(0.1), old(0.1)]), [1.0, 0.1, 0.1, 0.1]);
    // Three good volunteers beside two spammers keep their weight.
    assert_eq!(weights(&[old(0.9), old(0.9), old(0.9), old(0.02), old(0.02)]), [0.9, 0.9, 0.9, 0.02, 0.02]);
}

#[test]
fn newcomers_together_have_at_most_half_unless_all_are_new() {
    let w = weights(&[old(0.5), old(0.5), new(0.8), new(0.8), new(0.8), new(0.8)]);
    assert!((w[..2].iter().sum::<f64>() - w[2..].iter().sum::<f64>()).abs() < 1e-9, "{w:?}");
    assert_eq!(weights(&[new(0.8), new(0.8), new(0.8), new(0.8), new(0.8)]), [0.8; 5]);
}

#[test]
fn a_ring_weighs_as_one_and_quarantine_as_none() {
    let ring = |weight| Skill { ring: 4, ..old(weight) };
    let aside = Skill { quarantine: Some(Quarantine::Gold), ..old(0.9) };
    let w = weights(&[ring(0.9), ring(0.6), ring(0.6), aside]);
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(near(w[0], 0.3) && near(w[1], 0.2) && near(w[2], 0.2) && w[3] == 0.0, "{w:?}");
}

#[test]
fn ordered_classes_are_called_by_the_median() {
    assert_eq!((call(true, &[0.4, 0.25, 0.35]), call(false, &[0.4, 0.25, 0.35])), (1, 0));
    assert_eq!((call(true, &[0.5, 0.5]), call(false, &[0.5, 0.5])), (0, 0));
}

#[test]
fn what_is_certain_has_no_entropy_and_no_sign_of_it() {
    for certain in [&[1.0, 0.0][..], &[0.0, 0.0, 1.0], &[]] {
        assert_eq!(entropy(certain).to_bits(), 0, "{certain:?}");
    }
}
