//! Retirement, verdict by verdict.

use super::super::model::Quarantine;
use super::super::{Skill, VotingRule, WeightedShare};
use super::*;
use proptest::prelude::*;

const SCALE: &str = "conflict3";

fn model(number: u32) -> Model {
    Model { number, ..Model::zero(&Scale::built_in(SCALE).unwrap()) }
}

fn verdict_of(policy: &Policy, model: &Model, answers: &str, facts: TileFacts) -> Verdict {
    let scale = Scale::built_in(SCALE).unwrap();
    // n: no visible damage, d: damaged, x: destroyed, u: unsure, b: bad imagery.
    let votes: Vec<Vote<'_>> =
        answers.chars().map(|c| Vote { answer: "ndxub".find(c).unwrap() as u8, skill: None }).collect();
    let consensus = WeightedShare.consensus(&scale, model, &votes);
    decide(&scale, policy, model, &consensus, &facts)
}

/// The verdict over these answers as `state needed reason`.
fn check(policy: &Policy, number: u32, answers: &str, facts: TileFacts, expected: &str) {
    let verdict = verdict_of(policy, &model(number), answers, facts);
    let reason = verdict.reason.map_or("-", Reason::key);
    assert_eq!(format!("{} {} {reason}", verdict.state.key(), verdict.needed), expected, "{answers}");
}

fn settled() -> TileFacts {
    TileFacts { state: Some(TileState::Settled), ..TileFacts::default() }
}

#[test]
fn without_a_model_a_lead_of_three_settles_and_of_four_where_nothing_was_seen() {
    let (policy, none) = (Policy::default(), TileFacts::default());
    check(&policy, 0, "", none, "open 3 -");
    check(&policy, 0, "xx", none, "open 3 -");
    check(&policy, 0, "xxx", none, "settled 3 lead");
    check(&policy, 0, "nnn", none, "open 4 -");
    check(&policy, 0, "nnnn", none, "settled 4 lead");
    check(&policy, 0, "nnd", none, "open 4 -");
    check(&policy, 0, "xxdxx", none, "settled 5 lead");
    check(&policy, 0, "nndxdnndxd", none, "contested 10 maximum");
}

#[test]
fn side_answers_count_towards_the_maximum_only() {
    let (policy, none) = (Policy::default(), TileFacts::default());
    check(&policy, 0, "nnu", none, "open 4 -");
    check(&policy, 0, "uuuuuuuuuu", none, "contested 10 maximum");
    check(&policy, 0, "bbb", none, "unusable 3 unusable");
    check(&policy, 0, "bbnn", none, "open 5 -");
    check(&policy, 0, "uuu", none, "open 4 -");
}

#[test]
fn with_a_model_certainty_settles_and_missed_damage_costs_more() {
    let (policy, none) = (Policy::default(), TileFacts::default());
    check(&policy, 1, "xxx", none, "settled 3 sure");
    // Three of three undamaged leave P(damage) = .095 in plain shares, five .061, nine of ten again too much.
    check(&policy, 1, "nnn", none, "open 4 -");
    check(&policy, 1, "nnnnn", none, "settled 5 sure");
    check(&policy, 1, "nnnnnnnnnd", none, "contested 10 maximum");
    check(&policy, 1, "xxxxxxxxxd", none, "settled 10 sure");
}

#[test]
fn where_anybody_saw_damage_an_undamaged_call_wants_a_clear_lead() {
    let (policy, none) = (Policy { undamaged_at_most: 0.14, ..Policy::default() }, TileFacts::default());
    check(&policy, 0, "nndnn", none, "open 6 -");
    check(&policy, 0, "nndnnn", none, "settled 6 lead");
    check(&policy, 1, "nnn", none, "open 4 -");
    check(&policy, 1, "nnnn", none, "settled 4 sure");
    check(&policy, 1, "nnnnnddnn", none, "open 10 -");
    check(&policy, 1, "nnnnnnnnnd", none, "settled 10 sure");
    // A voice is what counts: a ring that saw no damage is one, and who is set aside is none.
    let sides = |undamaged, damaged| TileFacts { sides: Some((undamaged, damaged)), ..none };
    check(&policy, 1, "nnnnnnnnn", sides(4, 1), "open 10 -");
    check(&policy, 1, "nnnnnnnnn", sides(5, 1), "settled 9 sure");
    check(&policy, 1, "nnnnnnnnn", sides(3, 0), "settled 9 sure");
    // Damage is called as before, a settled tile stays, and so it is where every error costs the same.
    check(&policy, 1, "xxxxxxxxn", sides(1, 8), "settled 9 sure");
    check(&policy, 1, "nnnd", settled(), "settled 4 sure");
    check(&policy, 1, "nnn", settled(), "open 4 -");
    let alike = Policy { undamaged_at_most: 0.15, ..policy };
    check(&alike, 1, "nnnnnnnnn", sides(4, 1), "settled 9 sure");
    check(&alike, 1, "nnn", none, "settled 3 sure");
}

#[test]
fn a_maximum_that_is_the_minimum_still_lets_undamaged_tiles_settle() {
    let tight = Policy { maximum: 3, ..Policy::default() };
    check(&tight, 0, "nnn", TileFacts::default(), "settled 3 lead");
    let wider = Policy { maximum: 4, ..tight };
    check(&wider, 0, "nnnn", TileFacts::default(), "settled 4 lead");
    check(&wider, 0, "nnnu", TileFacts::default(), "contested 4 maximum");
}

#[test]
fn the_sides_of_a_tile_are_voices_too() {
    let scale = Scale::built_in(SCALE).unwrap();
    let plain = Skill::blank(1.0, 1.0);
    let ring = Skill { ring: 2, ..plain.clone() };
    let aside = Skill { quarantine: Some(Quarantine::Gold), ..plain.clone() };
    let vote = |answer, skill| Vote { answer, skill };
    let votes = [
        vote(0, Some(&plain)),
        vote(0, Some(&ring)),
        vote(0, Some(&ring)),
        vote(1, Some(&aside)),
        vote(2, None),
        vote(3, None),
    ];
    assert_eq!(sides(&scale, &votes), (2, 1));
}

#[test]
fn two_proven_volunteers_may_settle_but_neither_heavy_damage_nor_none() {
    let policy = Policy { settle_at: 0.8, undamaged_at_most: 0.2, ..Policy::default() };
    let proven = TileFacts { proven: 2, ..TileFacts::default() };
    check(&policy, 1, "dd", proven, "settled 2 sure");
    check(&policy, 1, "xx", proven, "open 3 -");
    check(&policy, 1, "nn", proven, "open 3 -");
    check(&policy, 1, "dd", TileFacts { proven: 1, ..TileFacts::default() }, "open 3 -");
    check(&policy, 0, "dd", proven, "open 3 -");
}

#[test]
fn a_ring_settles_nothing_alone_and_what_it_settled_opens_again() {
    let policy = Policy { settle_at: 0.8, undamaged_at_most: 0.2, ..Policy::default() };
    let heard = |voices| TileFacts { voices: Some(voices), ..TileFacts::default() };
    check(&policy, 1, "nnn", heard(3), "settled 3 sure");
    check(&policy, 1, "nnn", heard(1), "open 4 -");
    check(&policy, 1, "nnn", TileFacts { voices: Some(1), ..settled() }, "open 4 -");
    // Without a model nobody is suspected of anything.
    check(&policy, 0, "nnn", heard(1), "settled 3 lead");
}

#[test]
fn a_ring_is_one_voice_and_who_is_set_aside_none() {
    let scale = Scale::built_in(SCALE).unwrap();
    let plain = Skill::blank(1.0, 1.0);
    let ring = Skill { ring: 2, ..plain.clone() };
    let aside = Skill { quarantine: Some(Quarantine::Gold), ..plain.clone() };
    let vote = |answer, skill| Vote { answer, skill };
    let votes =
        [vote(0, Some(&plain)), vote(0, Some(&ring)), vote(1, Some(&ring)), vote(0, Some(&aside)), vote(0, None)];
    assert_eq!(voices(&scale, &votes), 3);
    assert_eq!(voices(&scale, &[vote(3, None)]), 0, "a side answer is no voice");
}

#[test]
fn gold_answers_make_a_volunteer_proven() {
    let scale = Scale::built_in(SCALE).unwrap();
    let old = Skill { gold_labels: 5, ..Skill::blank(1.0, 1.0) };
    let new = Skill { gold_labels: 4, ..old.clone() };
    let votes = [(0, &old), (3, &old), (1, &new)].map(|(answer, skill)| Vote { answer, skill: Some(skill) });
    assert_eq!(proven(&scale, &votes), 1);
}

#[test]
fn a_settled_tile_stays_until_it_is_clearly_in_doubt() {
    let policy = Policy::default();
    check(&policy, 2, "nnnd", settled(), "settled 4 sure");
    check(&policy, 2, "nndd", settled(), "open 5 -");
    check(&policy, 2, "nnnnnddddd", settled(), "contested 10 maximum");
    check(&policy, 0, "nnd", settled(), "open 4 -");
}

#[test]
fn a_second_look_asks_for_one_more_label_once() {
    let policy = Policy::default();
    let chosen = TileFacts { second_look: true, ..TileFacts::default() };
    let first = verdict_of(&policy, &model(0), "xxx", chosen);
    assert_eq!((first.state, first.needed, first.first_settled_at), (TileState::Open, 4, Some(3)));
    let waiting = TileFacts { first_settled_at: first.first_settled_at, ..chosen };
    check(&policy, 0, "xxxx", waiting, "settled 4 lead");
    check(&policy, 0, "xxxd", waiting, "open 5 -");
}

#[test]
fn fixed_redundancy_takes_exactly_that_many_and_one_more_in_a_tie() {
    let (policy, none) = (Policy::fixed(4), TileFacts::default());
    check(&policy, 0, "nnn", none, "open 4 -");
    check(&policy, 0, "nnnu", none, "open 5 -");
    check(&policy, 3, "nnnd", none, "settled 4 complete");
    check(&policy, 3, "nndd", none, "open 5 -");
    check(&policy, 3, "nndddnnd", none, "contested 8 maximum");
}

#[test]
fn a_tile_that_everybody_skips_is_contested() {
    let policy = Policy::default();
    let skipped = |skips, unseen| TileFacts { skips, unseen, ..TileFacts::default() };
    check(&policy, 0, "", skipped(2, Some(0)), "contested 0 skipped");
    check(&policy, 0, "", skipped(1, Some(0)), "open 3 -");
    check(&policy, 0, "", skipped(5, Some(1)), "open 3 -");
    check(&policy, 0, "n", skipped(5, Some(0)), "open 3 -");
}

#[test]
fn nothing_settles_where_gold_says_the_crowd_cannot_be_read() {
    let lost = Model { identifiable: false, ..model(4) };
    let policy = Policy::default();
    assert_eq!(verdict_of(&policy, &lost, "xxx", TileFacts::default()).state, TileState::Open);
    let full = verdict_of(&policy, &lost, "xxxxxxxxxx", TileFacts::default());
    assert_eq!((full.state, full.reason), (TileState::Contested, Some(Reason::NotIdentifiable)));
}

#[test]
fn an_expert_has_the_last_word() {
    let facts = TileFacts { state: Some(TileState::Reviewed), ..TileFacts::default() };
    check(&Policy::default(), 2, "nndd", facts, "reviewed 4 reviewed");
}

#[test]
fn a_tile_about_which_experts_differ_waits_for_another_whatever_the_crowd_says() {
    let facts = TileFacts { state: Some(TileState::Contested), disputed: true, ..TileFacts::default() };
    check(&Policy::default(), 2, "nnnnnn", facts, "contested 6 disputed");
}

#[test]
fn about_one_tile_in_twenty_gets_a_second_look() {
    let chosen = (0..20_000).filter(|&tile| second_look(tile, 0.05)).count();
    assert!((900..1100).contains(&chosen), "{chosen}");
    assert!(!second_look(7, 0.0) && second_look(7, 1.0));
}

#[test]
fn the_less_is_known_the_earlier_a_tile_is_handed_out() {
    let scale = Scale::built_in(SCALE).unwrap();
    let bucket_of = |answers: &[u8]| {
        let votes: Vec<Vote<'_>> = answers.iter().map(|&answer| Vote { answer, skill: None }).collect();
        bucket(&WeightedShare.consensus(&scale, &model(0), &votes))
    };
    assert_eq!((bucket_of(&[]), bucket_of(&[0, 1]), bucket_of(&[0, 0, 0])), (0, 1, 2));
    assert_eq!(bucket_of(&[0; 10]), 3);
}

proptest! {
    #[test]
    fn needed_never_passes_the_maximum_and_an_open_tile_always_has_room(
        answers in "[ndxub]{0,14}", number in 0u32..2, state in 0usize..6, second_look: bool, skips in 0u32..4,
    ) {
        let policy = Policy::default();
        let facts = TileFacts { state: TileState::ALL.get(state).copied(), second_look, skips, ..TileFacts::default() };
        let verdict = verdict_of(&policy, &model(number), &answers, facts);
        prop_assert!(verdict.needed <= policy.maximum);
        if verdict.state == TileState::Open {
            prop_assert!(verdict.needed > answers.len() as u32 && verdict.reason.is_none());
        } else {
            prop_assert!(verdict.reason.is_some());
        }
    }
}
