//! The estimators against published worked examples, and against maps whose errors are known.

use super::*;
use rand::seq::index::sample;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::draw::allocate;

/// Checked tiles of a sample whose strata are the map's classes, from its confusion matrix.
fn from_matrix(counts: &[&[usize]]) -> Vec<Checked> {
    let mut all = Vec::new();
    for (map, row) in counts.iter().enumerate() {
        for (reference, &many) in row.iter().enumerate() {
            let tile = Checked { stratum: map, map: map as u8, reference: Some(reference as u8) };
            all.extend(std::iter::repeat_n(tile, many));
        }
    }
    all
}

#[track_caller]
fn close(found: Option<f64>, expected: f64, tolerance: f64) {
    let found = found.expect("a figure");
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
}

/// Olofsson et al. (2014), section 6: deforestation, forest gain, stable forest and stable non-forest; 640 of 10 million
/// pixels. The paper's figures (tables 8 and 9) were computed again from its formulas 2 to 11 by a program of its own.
#[test]
fn the_worked_example_of_olofsson_and_others_is_reproduced() {
    let tiles = [200_000, 150_000, 3_200_000, 6_450_000];
    let counts: [&[usize]; 4] = [&[66, 0, 5, 4], &[0, 55, 8, 12], &[1, 0, 153, 11], &[2, 1, 9, 313]];
    let strata: Vec<(u8, u64)> = tiles.iter().enumerate().map(|(place, &tiles)| (place as u8, tiles)).collect();
    let found = assess(&["deforestation", "gain", "forest", "other"], &strata, &from_matrix(&counts));
    assert_eq!((found.tiles, found.checked, found.uncovered), (10_000_000, 640, 0));
    let (value, error) =
        (|one: Option<Estimate>| one.map(|one| one.value), |one: Option<Estimate>| one?.standard_error);
    // The paper has no finite population correction; of these many pixels it takes off less than a thousandth.
    close(value(found.overall), 0.946_511_888, 1e-9);
    close(error(found.overall), 0.009_430_417, 1e-5);
    let users = [
        (0.88, 0.037_776_011),
        (0.733_333_333, 0.051_406_640),
        (0.927_272_727, 0.020_278_250),
        (0.963_076_923, 0.010_476_276),
    ];
    let producers =
        [(0.748_66, 0.108_831_558), (0.847_16, 0.129_800_184), (0.934_51, 0.017_512_461), (0.961_61, 0.009_368_130)];
    let areas =
        [(235_086.0, 34_907.224), (129_846.0, 21_291.531), (3_175_221.0, 87_924.242), (6_459_846.0, 92_299.639)];
    for (at, class) in found.classes.iter().enumerate() {
        close(value(class.users), users[at].0, 1e-8);
        close(error(class.users), users[at].1, 2e-5);
        close(value(class.producers), producers[at].0, 6e-6);
        close(error(class.producers), producers[at].1, 2e-5);
        close(value(class.share).map(|share| share * 1e7), areas[at].0, 0.6);
        close(error(class.share).map(|error| error * 1e7), areas[at].1, 10.0);
    }
    // 21,158 ha of deforestation with an interval of 6,158 ha either side, at 30 m a pixel.
    let deforested = found.classes[0].share.unwrap();
    assert_eq!((deforested.value * 1e7 * 0.09).round(), 21_158.0);
    close(deforested.standard_error.map(|error| 1.96 * error * 1e7 * 0.09), 6_158.0, 2.0);
    close(Some(found.shares[3][0]), 0.645 * 2.0 / 325.0, 1e-12);
    assert_eq!(found.matrix[0], [66, 0, 5, 4]);
}

/// The numerical example of Stehman (2014): four strata that are not the map's classes, 40 tiles of 100,000. The figures
/// are the published ones.
#[test]
fn strata_that_are_not_the_maps_classes_are_reproduced_too() {
    let reference = "AAAAACBABCABBBBBAABBCCCCCDDBBADDDDDDDCCB";
    let map = "AAAAAAABBBABBBBBBBBBBBCCCCCCBBDDDDDDDDDD";
    let place = |letter: char| letter as u8 - b'A';
    let checked: Vec<Checked> = reference
        .chars()
        .zip(map.chars())
        .enumerate()
        .map(|(at, (reference, map))| Checked { stratum: at / 10, map: place(map), reference: Some(place(reference)) })
        .collect();
    let strata = [(0, 40_000), (1, 30_000), (2, 20_000), (3, 10_000)];
    let found = assess(&["A", "B", "C", "D"], &strata, &checked);
    close(found.overall.map(|one| one.value), 0.63, 1e-9);
    close(found.overall.and_then(|one| one.standard_error), 0.085, 1e-3);
    let users = [(0.741_935_5, 0.164_562_7), (0.574_468_1, 0.124_802_3), (0.5, 0.215_165_7), (0.7, 0.152_7)];
    let producers = [(0.657_142_9, 0.147_731_8), (0.794_117_6, 0.116_567_1), (0.3, 0.150_443_8)];
    let rows = [[0.23, 0.04, 0.04, 0.0], [0.12, 0.27, 0.08, 0.0], [0.0, 0.02, 0.06, 0.04], [0.0, 0.01, 0.02, 0.07]];
    for (at, (value, error)) in users.into_iter().enumerate() {
        close(found.classes[at].users.map(|one| one.value), value, 1e-6);
        close(found.classes[at].users.and_then(|one| one.standard_error), error, 1e-4);
    }
    for (at, (value, error)) in producers.into_iter().enumerate() {
        close(found.classes[at].producers.map(|one| one.value), value, 1e-6);
        close(found.classes[at].producers.and_then(|one| one.standard_error), error, 1e-4);
    }
    for (found, row) in found.shares.iter().flatten().zip(rows.iter().flatten()) {
        close(Some(*found), *row, 1e-12);
    }
}

#[test]
fn what_cannot_be_graded_is_counted_and_kept_out_of_the_accuracy() {
    let checked = |reference| Checked { stratum: 0, map: 1, reference };
    let all: Vec<Checked> = [Some(1), Some(1), Some(0), None, None].into_iter().map(checked).collect();
    let found = assess(&["none", "some"], &[(1, 500), (0, 100)], &all);
    assert_eq!((found.tiles, found.uncovered, found.checked), (500, 100, 5));
    close(found.overall.map(|one| one.value), 2.0 / 3.0, 1e-12);
    close(found.not_gradable.map(|one| one.value), 0.4, 1e-12);
    close(found.damaged.map(|one| one.value), 0.4, 1e-12);
    assert_eq!(found.classes[0].users, None, "none of them was checked");
    assert_eq!(found.classes[1].map_tiles, 500);
}

#[test]
fn before_the_first_grade_there_are_no_figures() {
    let found = assess(&["none", "some"], &[(0, 10), (1, 10)], &[]);
    assert_eq!((found.overall, found.damaged, found.tiles, found.uncovered), (None, None, 0, 20));
}

/// A map with errors that are known: (class of the map, tiles, chance of each true class).
type Known = (u8, usize, [f64; 3]);

/// How often the intervals of all figures held the truth, and how many there were, over many samples of one map.
fn coverage(seed: u64, known: &[Known], size: u64, floor: u64) -> Vec<(String, f64)> {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let truth: Vec<Vec<u8>> =
        known.iter().map(|(_, tiles, chances)| (0..*tiles).map(|_| true_class(&mut dice, chances)).collect()).collect();
    let strata: Vec<(u8, u64)> = known.iter().map(|(class, tiles, _)| (*class, *tiles as u64)).collect();
    let everything: Vec<Checked> = truth
        .iter()
        .enumerate()
        .flat_map(|(at, tiles)| tiles.iter().map(move |&class| (at, class)))
        .map(|(at, class)| Checked { stratum: at, map: known[at].0, reference: Some(class) })
        .collect();
    let exact = figures(&assess(&["0", "1", "2"], &strata, &everything));
    let drawn = allocate(&strata.iter().map(|stratum| stratum.1).collect::<Vec<_>>(), size, floor).unwrap();
    let mut hits = vec![(0u32, 0u32); exact.len()];
    for _ in 0..400 {
        let mut checked = Vec::new();
        for (at, tiles) in truth.iter().enumerate() {
            let chosen = sample(&mut dice, tiles.len(), drawn[at] as usize);
            checked.extend(chosen.iter().map(|one| Checked {
                stratum: at,
                map: known[at].0,
                reference: Some(tiles[one]),
            }));
        }
        for (at, (_, found)) in figures(&assess(&["0", "1", "2"], &strata, &checked)).into_iter().enumerate() {
            if let (Some(found), Some(exact)) = (found, exact[at].1) {
                hits[at].0 += u32::from(found.low <= exact.value && exact.value <= found.high);
                hits[at].1 += 1;
            }
        }
    }
    exact.into_iter().zip(hits).map(|((name, _), (held, all))| (name, f64::from(held) / f64::from(all))).collect()
}

fn true_class(dice: &mut ChaCha8Rng, chances: &[f64; 3]) -> u8 {
    let roll: f64 = dice.random();
    if roll < chances[0] {
        0
    } else if roll < chances[0] + chances[1] {
        1
    } else {
        2
    }
}

fn figures(found: &Accuracy) -> Vec<(String, Option<Estimate>)> {
    let mut all = vec![("overall".to_owned(), found.overall), ("damaged".to_owned(), found.damaged)];
    for class in &found.classes {
        all.push((format!("user's {}", class.class), class.users));
        all.push((format!("producer's {}", class.class), class.producers));
        all.push((format!("share {}", class.class), class.share));
    }
    all
}

#[test]
fn intervals_hold_the_truth_about_95_times_in_100() {
    let large: [Known; 6] = [
        (0, 50_000, [0.96, 0.03, 0.01]),
        (0, 4_000, [0.80, 0.15, 0.05]),
        (1, 3_000, [0.10, 0.85, 0.05]),
        (1, 900, [0.25, 0.60, 0.15]),
        (2, 1_400, [0.02, 0.05, 0.93]),
        (2, 500, [0.10, 0.20, 0.70]),
    ];
    let good: [Known; 4] = [
        (0, 6_000, [0.99, 0.008, 0.002]),
        (0, 800, [0.85, 0.12, 0.03]),
        (1, 800, [0.1, 0.85, 0.05]),
        (2, 400, [0.01, 0.05, 0.94]),
    ];
    let small: [Known; 3] = [(0, 400, [0.95, 0.04, 0.01]), (1, 90, [0.15, 0.80, 0.05]), (2, 60, [0.05, 0.15, 0.80])];
    let mut all = Vec::new();
    for (seed, (known, size, floor)) in
        [(&large[..], 600, 50), (&good[..], 300, 30), (&small[..], 150, 25)].into_iter().enumerate()
    {
        all.extend(coverage(seed as u64, known, size, floor));
    }
    let mean = all.iter().map(|(_, share)| share).sum::<f64>() / all.len() as f64;
    assert!((0.93..=0.985).contains(&mean), "on average {mean}: {all:?}");
    // 400 samples tell a share of 0.95 to within 0.022; figures of rare things in small samples stray further.
    for (name, share) in &all {
        assert!(*share >= 0.90, "{name}: {share} in {all:?}");
    }
}
