//! That the checker finds what it looks for: an honest storm passes, and each falsified one is found out.

use std::collections::BTreeMap;

use aftermap::consensus::{self, Model, Vote};
use aftermap::domain::scale::Scale;
use uuid::Uuid;

use crate::check::check;
use crate::found::{Current, Found, Grant, Label, Lease, Stored, Tile};
use crate::record::{Granted, Record, Sent, Told};

const PEOPLE: [i64; 3] = [11, 12, 13];
const TILE: i64 = 7;

fn id(person: i64) -> Uuid {
    Uuid::from_u128(person as u128)
}

fn told(status: &str) -> Told {
    Told { status: status.into(), code: None, tile_state: Some("open".into()) }
}

/// Three people answered a tile that now waits for a fourth, who holds it.
fn honest() -> (Record, Found) {
    let scale = Scale::built_in("conflict3").unwrap();
    let model = Model::zero(&scale);
    let mut record = Record::default();
    let tile = Tile {
        name: "b0".into(),
        state: "open".into(),
        counted: 3,
        leased: 1,
        needed: 4,
        maximum: 10,
        available: false,
    };
    let answers = [("damaged", 1), ("damaged", 1), ("destroyed", 2)];
    let votes: Vec<Vote<'_>> = answers.iter().map(|(_, answer)| Vote { answer: *answer, skill: None }).collect();
    let again = consensus::default_rule().consensus(&scale, &model, &votes);
    let stored = Stored {
        model: 0,
        class: again.class,
        probabilities: serde_json::to_string(&again.probabilities).unwrap(),
        answers: serde_json::to_string(&again.answers).unwrap(),
        labels: 3,
        evidence: again.evidence,
    };
    let mut found = Found {
        scale,
        tiles: BTreeMap::from([(TILE, tile)]),
        leases: BTreeMap::new(),
        labels: BTreeMap::new(),
        current: Vec::new(),
        consensus: BTreeMap::from([(TILE, stored)]),
        grants: Vec::new(),
        models: BTreeMap::from([(0, model)]),
        skills: BTreeMap::new(),
        damage: Vec::new(),
    };
    for (person, (answer, place)) in PEOPLE.into_iter().zip(answers) {
        grant(&mut record, &mut found, person, Some("labelled"));
        record.send(sent(person, answer));
        record.learn(id(person), told("stored"));
        found.labels.insert(id(person), label(person, 1, answer, "stored"));
        found.current.push(Current { tile: TILE, volunteer: person, label: id(person), answer: place, counted: true });
    }
    grant(&mut record, &mut found, 14, None);
    (record, found)
}

fn grant(record: &mut Record, found: &mut Found, person: i64, outcome: Option<&str>) {
    let lease = person * 100;
    record.grant(Granted { lease, tile: "b0".into(), volunteer: person });
    let outcome = outcome.map(str::to_owned);
    found.leases.insert(lease, Lease { tile: TILE, volunteer: person, outcome });
    found.grants.push(Grant { lease, held: 1, counted: person - 11, needed: 4, state: "open".into() });
}

fn sent(person: i64, answer: &str) -> Sent {
    let (tile, answer) = ("b0".into(), answer.into());
    Sent { id: id(person), volunteer: person, lease: person * 100, tile, answer, change: false }
}

fn label(person: i64, revision: i64, answer: &str, status: &str) -> Label {
    Label {
        tile: TILE,
        volunteer: person,
        lease: person * 100,
        revision,
        answer: answer.into(),
        status: status.into(),
        tile_state: "open".into(),
    }
}

/// What the checker says after somebody tampered with an honest storm.
#[track_caller]
fn finds(words: &str, tamper: impl FnOnce(&mut Record, &mut Found)) {
    let (mut record, mut found) = honest();
    tamper(&mut record, &mut found);
    let wrong = check(&record, &found);
    assert!(wrong.iter().any(|line| line.contains(words)), "expected `{words}` among {wrong:#?}");
}

#[test]
fn an_honest_storm_passes() {
    let (record, found) = honest();
    assert_eq!(check(&record, &found), Vec::<String>::new());
}

#[test]
fn a_lost_label_is_found() {
    finds("LOST", |_, found| drop(found.labels.remove(&id(11))));
}

#[test]
fn a_label_that_nobody_sent_is_found() {
    finds("nobody sent", |record, _| drop(record.labels.remove(&id(12))));
}

#[test]
fn a_label_stored_otherwise_than_sent_or_told_is_found() {
    finds("sent Sent", |_, found| found.labels.get_mut(&id(11)).unwrap().answer = "unsure".into());
    finds("sent Sent", |_, found| found.labels.get_mut(&id(11)).unwrap().volunteer = 13);
    finds("told Told", |_, found| found.labels.get_mut(&id(11)).unwrap().status = "surplus".into());
}

#[test]
fn a_doubled_label_is_found() {
    finds("current labels", |_, found| found.current.push(found.current[0].clone()));
    finds("revisions of", |record, found| {
        let double = Sent { id: id(99), ..sent(11, "damaged") };
        record.send(double);
        found.labels.insert(id(99), label(11, 1, "damaged", "stored"));
    });
}

#[test]
fn an_answer_that_never_became_current_is_found() {
    finds("has 0 current labels", |_, found| found.current.truncate(2));
    finds("no log", |_, found| found.current[0].volunteer = 77);
}

#[test]
fn a_stored_refusal_and_a_refused_honest_label_are_found() {
    let refused = || Told { status: "refused".into(), code: Some("never_leased".into()), tile_state: None };
    finds("refused, and stored", |record, _| record.labels.get_mut(&id(11)).unwrap().told = Some(refused()));
    finds("honest label was refused", |record, _| record.learn(id(11), refused()));
}

#[test]
fn two_outcomes_of_one_label_are_found() {
    finds("two outcomes", |record, _| record.learn(id(11), told("surplus")));
}

#[test]
fn a_second_use_of_an_id_that_is_taken_is_found() {
    finds("used twice", |record, _| record.learn_of_reuse(id(11), told("stored")));
}

#[test]
fn an_over_assigned_lease_is_found() {
    finds("over-assigned", |_, found| found.grants[3].held = 2);
    finds("over-assigned", |_, found| found.grants[3].state = "settled".into());
    finds("no witness", |_, found| drop(found.grants.pop()));
}

#[test]
fn a_lost_or_undying_lease_is_found() {
    finds("lease was lost", |_, found| drop(found.leases.remove(&1100)));
    finds("changed hands", |_, found| found.leases.get_mut(&1100).unwrap().volunteer = 5);
    finds("given back is open", |record, _| assert!(record.given_back.insert(1400)));
}

#[test]
fn counters_that_differ_from_their_rows_are_found() {
    finds("counted labels and", |_, found| found.tiles.get_mut(&TILE).unwrap().counted = 2);
    finds("counted labels and", |_, found| found.tiles.get_mut(&TILE).unwrap().leased = 0);
    finds("more than the maximum", |_, found| found.tiles.get_mut(&TILE).unwrap().maximum = 2);
    finds("free and not available", |_, found| found.tiles.get_mut(&TILE).unwrap().needed = 5);
}

#[test]
fn a_stuck_tile_is_found() {
    finds("stuck", |_, found| {
        found.leases.get_mut(&1400).unwrap().outcome = Some("expired".into());
        let tile = found.tiles.get_mut(&TILE).unwrap();
        (tile.leased, tile.needed) = (0, 3);
    });
}

#[test]
fn a_consensus_that_its_labels_do_not_give_is_found() {
    finds("its labels give", |_, found| found.current[0].answer = 0);
    finds("its labels give", |_, found| found.current[0].counted = false);
    finds("its labels give", |_, found| found.consensus.get_mut(&TILE).unwrap().evidence += 1e-12);
    finds("and no consensus", |_, found| drop(found.consensus.remove(&TILE)));
    finds("which is not there", |_, found| found.consensus.get_mut(&TILE).unwrap().model = 3);
}
