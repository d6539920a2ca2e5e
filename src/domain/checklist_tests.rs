//! What the check list says of drafts, and of campaigns that were opened.

use super::*;

fn scene(title: &str, day: i64) -> SceneFacts {
    SceneFacts { title: title.into(), captured: (day * 100, day * 100 + 99), credited: true }
}

fn good() -> Facts {
    Facts {
        scenes: vec![scene("before", 1), scene("after", 2)],
        tiles: 12,
        texts: vec![("title", true), ("purpose", true)],
        licensed: true,
        gold: (3, 3),
        refit: (100, 1_000),
        now: 1_000,
        ..Facts::default()
    }
}

fn state(facts: &Facts, key: &str) -> ItemState {
    checklist(facts).into_iter().find(|item| item.key == key).expect(key).state
}

#[test]
fn a_draft_with_everything_is_ready_and_an_empty_one_is_not() {
    assert!(checklist(&good()).iter().all(|item| item.state == ItemState::Ok), "{:?}", checklist(&good()));
    let empty = Facts { texts: vec![("title", false)], ..Facts::default() };
    let items = checklist(&empty);
    let blocking: Vec<&str> =
        items.iter().filter(|item| item.state == ItemState::Blocking).map(|item| item.key).collect();
    assert_eq!(blocking, ["scenes", "tiles", "title"]);
    assert!(!is_ready(&items));
}

#[test]
fn two_scenes_of_one_moment_block_and_a_date_to_come_warns() {
    let same = Facts { scenes: vec![scene("a", 1), scene("b", 1)], ..good() };
    assert_eq!(state(&same, "scene_dates"), ItemState::Blocking);
    let future = Facts { scenes: vec![scene("a", 1), scene("b", 9_000_000)], ..good() };
    assert_eq!(state(&future, "scene_dates"), ItemState::Warning);
}

#[test]
fn scenes_that_do_not_line_up_are_a_warning_that_says_which() {
    let facts = Facts { misaligned: vec![("after".into(), "`after` lies 4 m east".into())], ..good() };
    let found = checklist(&facts).into_iter().find(|item| item.key == "scene_alignment").unwrap();
    assert_eq!((found.state, found.figures["scenes"]), (ItemState::Warning, 1));
    assert!(found.names == ["after"] && found.detail.contains("4 m east") && is_ready(&checklist(&facts)));
}

#[test]
fn one_scene_has_no_tiles_and_an_opened_campaign_is_not_asked_for_any() {
    let one = Facts { scenes: vec![scene("before", 1)], ..good() };
    assert_eq!(state(&one, "tiles"), ItemState::Blocking);
    let over = Facts { tiles: 0, opened: true, ..good() };
    assert!(is_ready(&checklist(&over)));
}

#[test]
fn a_first_measurement_after_half_the_answers_is_a_warning_with_a_better_number() {
    let facts = Facts { refit: (2_000, 722), ..good() };
    let found = checklist(&facts).into_iter().find(|item| item.key == "policy").unwrap();
    assert_eq!((found.state, found.reason), (ItemState::Warning, Reason::RefitLate));
    assert_eq!(found.figures["better"], 144);
    assert_eq!(state(&Facts { refit: (2_000, 9_000), ..good() }, "policy"), ItemState::Ok);
    let small = Facts { refit: (50, 60), ..good() };
    assert_eq!(state(&small, "policy"), ItemState::Ok, "no smaller number would do better");
}

#[test]
fn a_required_practice_without_tiles_blocks() {
    let facts = Facts { gold: (0, 3), practice_required: true, ..good() };
    assert_eq!(state(&facts, "practice_gold"), ItemState::Blocking);
    let facts = Facts { gold: (0, 3), ..good() };
    assert_eq!(state(&facts, "practice_gold"), ItemState::Warning);
    let facts = Facts { jobs: 1, ..good() };
    assert_eq!(state(&facts, "jobs"), ItemState::Blocking);
}
