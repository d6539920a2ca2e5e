//! Does what looks changed hold the damage? Change scores against the truth, where there is one.

use std::path::Path;

use aftermap::domain::cell::MercatorBox;
use aftermap::domain::hint::{Scored, levels};
use aftermap::imagery::change::change_scores;
use aftermap::imagery::footprints::parse_footprints;
use aftermap::imagery::synthetic::{SyntheticTown, TownOptions};
use aftermap::imagery::{Footprint, SceneArchive, square_around};

use crate::helpers::{cut, data};

/// Outlines with what else their file says of them: the truth.
fn with_properties(path: &Path) -> Vec<Footprint> {
    parse_footprints(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Of all damaged tiles those among the first `share` of the tiles, in an order.
fn found(order: &[bool], share: f64) -> f64 {
    let first = (order.len() as f64 * share).round() as usize;
    let hits = |part: &[bool]| part.iter().filter(|damaged| **damaged).count() as f64;
    hits(&order[..first]) / hits(order).max(1.0)
}

/// The damage of the tiles, those with the highest score first.
fn by_score(scores: &[Option<f64>], damaged: &[bool]) -> Vec<bool> {
    let mut places: Vec<usize> = (0..scores.len()).collect();
    places.sort_by(|a, b| scores[*b].unwrap_or(-1.0).total_cmp(&scores[*a].unwrap_or(-1.0)));
    places.into_iter().map(|place| damaged[place]).collect()
}

/// The damage of the tiles in the order in which a campaign hands them out: by level, then by lot.
fn by_level(scores: &[Option<f64>], damaged: &[bool], mix: f64) -> Vec<bool> {
    let key = |tile: usize| (tile as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) as i64;
    let scored =
        |(tile, score): (usize, &Option<f64>)| Scored { tile: tile as i64, score: *score, shuffle_key: key(tile) };
    let mut order: Vec<(u8, i64, usize)> = levels(scores.iter().enumerate().map(scored).collect(), mix)
        .into_iter()
        .map(|(tile, level)| (level, key(tile as usize), tile as usize))
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, _, tile)| damaged[tile]).collect()
}

/// The chance that a damaged tile has a higher score than an undamaged one.
fn area_under_curve(scores: &[Option<f64>], damaged: &[bool]) -> f64 {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (a, _) in scores.iter().zip(damaged).filter(|(_, damaged)| **damaged) {
        for (b, _) in scores.iter().zip(damaged).filter(|(_, damaged)| !**damaged) {
            let (a, b) = (a.unwrap_or(-1.0), b.unwrap_or(-1.0));
            wins += f64::from(u8::from(a > b)) + 0.5 * f64::from(u8::from(a == b));
            pairs += 1.0;
        }
    }
    wins / pairs
}

fn report(what: &str, scores: &[Option<f64>], damaged: &[bool]) -> f64 {
    let (sorted, handed) = (by_score(scores, damaged), by_level(scores, damaged, 0.3));
    let all = damaged.iter().filter(|damaged| **damaged).count();
    let area = area_under_curve(scores, damaged);
    let shares = [0.1, 0.2, 0.3, 0.43, 0.5];
    let line = |order: &[bool]| shares.map(|share| format!("{:.0}", 100.0 * found(order, share))).join(" ");
    println!(
        "{what}: {all} of {} damaged, area under the curve {area:.3}; found in the first 10 20 30 43 50 %: by score {} %, \
         as handed out {} %",
        damaged.len(),
        line(&sorted),
        line(&handed)
    );
    area
}

#[test]
fn burned_plots_of_the_madre_fire_come_early() {
    let Some(folder) = data("demo_madre_fire_2025") else { return };
    let work = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        SceneArchive::open(&work.path().join(cut(&folder.join(name), work.path()).unwrap().archive)).unwrap()
    };
    let (before, after) = (open("madre_fire_before.tif"), open("madre_fire_after.tif"));
    let plots = with_properties(&folder.join("madre_fire_plots.geojson"));
    let areas: Vec<MercatorBox> = plots.iter().map(|plot| MercatorBox::from_degrees(plot.bbox)).collect();
    let scores = change_scores(&before, &after, &areas).unwrap();
    let class =
        |name: &'static str| plots.iter().map(|plot| plot.properties["reference_class"] == name).collect::<Vec<bool>>();
    let heavy = report("Madre Fire, moderate or high", &scores, &class("burned_moderate_or_high"));
    let none: Vec<bool> = class("unburned").into_iter().map(|unburned| !unburned).collect();
    let any = report("Madre Fire, burned at all", &scores, &none);
    assert!(heavy > 0.6 && any > 0.6, "{heavy} {any}");
}

#[test]
fn destroyed_houses_of_the_synthetic_town_come_early() {
    let work = tempfile::tempdir().unwrap();
    let options = TownOptions { size_m: 500.0, clouds: vec![], ..TownOptions::default() };
    let town = SyntheticTown::draw(11, options, work.path()).unwrap();
    let open = |place: usize| {
        SceneArchive::open(&work.path().join(cut(&town.scenes[place].file, work.path()).unwrap().archive)).unwrap()
    };
    let (before, after) = (open(0), open(town.scenes.len() - 1));
    let houses = with_properties(&town.footprints);
    let areas: Vec<MercatorBox> = houses.iter().map(|house| square_around(house.bbox, 0.6, 30.0)).collect();
    let scores = change_scores(&before, &after, &areas).unwrap();
    let damaged: Vec<bool> =
        houses.iter().map(|house| house.properties["reference_class"] != "no_visible_damage").collect();
    assert!(report("synthetic town, damaged or destroyed", &scores, &damaged) > 0.6);
}

#[test]
fn a_pair_without_damage_still_has_an_order() {
    let Some(folder) = data("pair_clouds_isfahan") else { return };
    let work = tempfile::tempdir().unwrap();
    let files: Vec<String> = crate::helpers::names(&folder).into_iter().filter(|name| name.ends_with(".tif")).collect();
    let open = |name: &str| {
        SceneArchive::open(&work.path().join(cut(&folder.join(name), work.path()).unwrap().archive)).unwrap()
    };
    let (first, last) = (open(&files[0]), open(&files[1]));
    let cells = aftermap::domain::cell::Cell::covering(14, MercatorBox::from_degrees(first.metadata().bounds));
    let areas: Vec<MercatorBox> = cells.map(|cell| cell.mercator()).collect();
    let scores = change_scores(&first, &last, &areas).unwrap();
    assert!(scores.iter().flatten().count() > 4 && scores.iter().flatten().all(|score| (0.0..=1.0).contains(score)));
}
