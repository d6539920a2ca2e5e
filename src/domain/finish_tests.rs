//! Tests of the estimate of the finish.

use super::*;

const NOW: i64 = 1_750_000_000_000;

fn closed(counted: u32, tiles: u64) -> Group {
    Group { open: false, counted, needed: counted, maximum: 10, tiles }
}

fn open(counted: u32, needed: u32, tiles: u64) -> Group {
    Group { open: true, counted, needed, maximum: 10, tiles }
}

#[test]
fn open_tiles_take_what_the_easier_or_the_harder_half_of_the_closed_ones_took() {
    // 30 tiles took 3, ten took 5, ten took 10: the easier half 3, the harder half (5 of 3, 10 of 5, 10 of 10) 6.6.
    let groups = [closed(10, 10), closed(3, 30), closed(5, 10), open(0, 3, 100)];
    assert_eq!(labels_left(&groups), Some(Left { least: 300.0, most: 660.0 }));
}

#[test]
fn a_tile_takes_at_least_what_it_asks_for_and_at_most_what_it_may_get() {
    let easy = [closed(3, 40), open(6, 7, 10)];
    assert_eq!(labels_left(&easy), Some(Left { least: 10.0, most: 10.0 }));
    let imported = Group { open: true, counted: 1, needed: 2, maximum: 2, tiles: 5 };
    let hard = [closed(10, 40), imported];
    assert_eq!(labels_left(&hard), Some(Left { least: 5.0, most: 5.0 }));
}

#[test]
fn nothing_is_said_of_what_a_tile_takes_while_few_are_closed() {
    assert_eq!(labels_left(&[closed(3, 19), open(0, 3, 5)]), None);
    assert_eq!(finish(None, &[Pace { ms: HOUR_MS, done: 500 }], (NOW, HOUR_MS)), Finish::Unknown(Unknown::TooEarly));
}

#[test]
fn the_interval_spans_the_slowest_and_the_fastest_stretch() {
    let left = Some(Left { least: 1_000.0, most: 2_000.0 });
    let paces = [Pace { ms: HOUR_MS, done: 400 }, Pace { ms: 6 * HOUR_MS, done: 900 }];
    let Finish::Between { earliest, latest } = finish(left, &paces, (NOW, 6 * HOUR_MS)) else { panic!("an interval") };
    // 400 an hour and chance at best: 439.2; 900 in six hours and chance at worst: 841.2.
    let hours = |at: i64| (at - NOW) as f64 / HOUR_MS as f64;
    assert!((hours(earliest) - 1_000.0 / 439.2).abs() < 1e-3, "{}", hours(earliest));
    assert!((hours(latest) - 6.0 * 2_000.0 / 841.2).abs() < 1e-3, "{}", hours(latest));
}

#[test]
fn the_stretches_it_stands_on_are_those_with_the_least_and_the_highest_pace() {
    let quick = Pace { ms: HOUR_MS, done: 400 };
    let slow = Pace { ms: 6 * HOUR_MS, done: 900 };
    let between = Pace { ms: 24 * HOUR_MS, done: 6_000 };
    let silent = Pace { ms: HOUR_MS, done: 19 };
    assert_eq!(basis(&[quick, slow, between, silent]), Some(Basis { slowest: slow, fastest: quick }));
    assert_eq!(basis(&[slow]), Some(Basis { slowest: slow, fastest: slow }));
    assert_eq!(basis(&[silent]), None);
}

#[test]
fn it_says_that_it_cannot_say() {
    let left = Some(Left { least: 10.0, most: 20.0 });
    let fast = [Pace { ms: HOUR_MS, done: 500 }];
    assert_eq!(finish(left, &fast, (NOW, SHORTEST_MS - 1)), Finish::Unknown(Unknown::TooEarly));
    let quiet = [Pace { ms: HOUR_MS, done: 0 }, Pace { ms: 24 * HOUR_MS, done: 19 }];
    assert_eq!(finish(left, &quiet, (NOW, 30 * HOUR_MS)), Finish::Unknown(Unknown::Quiet));
    assert_eq!(
        finish(left, &[Pace { ms: SHORTEST_MS, done: 5 }], (NOW, SHORTEST_MS)),
        Finish::Unknown(Unknown::TooEarly)
    );
    let endless = Some(Left { least: 1e7, most: 1e8 });
    let slow = [Pace { ms: 168 * HOUR_MS, done: 100 }];
    assert_eq!(finish(endless, &slow, (NOW, 400 * HOUR_MS)), Finish::Unknown(Unknown::TooFar));
    assert_eq!(finish(Some(Left { least: 0.0, most: 0.0 }), &[], (NOW, HOUR_MS)), Finish::Done);
}

#[test]
fn more_done_is_never_a_later_end() {
    let left = Some(Left { least: 1_000.0, most: 3_000.0 });
    let mut before = (i64::MAX, i64::MAX);
    for done in [20, 50, 100, 1_000, 100_000] {
        let Finish::Between { earliest, latest } = finish(left, &[Pace { ms: HOUR_MS, done }], (NOW, HOUR_MS)) else {
            panic!("an interval")
        };
        assert!(NOW < earliest && earliest < latest && earliest < before.0 && latest < before.1, "{done}");
        before = (earliest, latest);
    }
}

#[test]
fn stretches_are_no_longer_than_the_campaign_has_run() {
    assert!(stretches(0).is_empty());
    assert_eq!(stretches(SHORTEST_MS), [SHORTEST_MS]);
    assert_eq!(stretches(7 * HOUR_MS), [HOUR_MS, 6 * HOUR_MS, 7 * HOUR_MS]);
    assert_eq!(stretches(1_000 * HOUR_MS), STRETCHES_MS);
}
