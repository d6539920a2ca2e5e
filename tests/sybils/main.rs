//! Sybils through HTTP: a real server, real requests, the built-in policy; what an attack gets, beside what random hand-out
//! cannot prevent (the floor). docs/security-sybils.md has the figures of the long run:
//!
//! ```text
//! cargo test --test sybils -- --ignored --nocapture
//! ```

#[path = "../api/helpers.rs"]
#[allow(dead_code)]
mod helpers;
#[path = "../support/mod.rs"]
mod support;

mod crowd;
mod drive;
mod floor;

use aftermap::domain::policy::Policy;
use crowd::{Attack, World};
use drive::{Outcome, attack};

/// What random hand-out cannot prevent where so many labels settle a tile: alone, and with each target's honest mistakes.
fn floor_of(world: &World, labels: u32) -> String {
    let misses = world.mistakes();
    let wrong = misses.iter().map(|&miss| floor::all_wrong(world.sybils, world.people(), labels, miss));
    let with_mistakes = 100.0 * wrong.sum::<f64>() / misses.len() as f64;
    let alone = 100.0 * floor::all_sybils(world.sybils, world.people(), labels);
    format!("floor of {labels} first labels {alone:.2} %, with honest mistakes {with_mistakes:.2} %")
}

/// Prints one line of the table.
fn tell(outcome: &Outcome, world: &World) {
    let policy = world.policy();
    println!(
        "{:?} seed {}: {} labels ({:.2} a tile); targets {}: hidden {} ({:.2} %), {}, {}; \
         contested {:.1} %; other tiles right {:.2} %, contested {:.2} %; ring: {} sybils, {} honest after {} \
         labels; excluded: hidden {} ({:.2} %), others right {:.2} %",
        world.attack,
        world.seed,
        outcome.labels,
        outcome.labels as f64 / world.truth.len() as f64,
        outcome.targets,
        outcome.hidden,
        100.0 * outcome.hidden as f64 / outcome.targets as f64,
        floor_of(world, policy.minimum),
        floor_of(world, policy.minimum_undamaged()),
        100.0 * outcome.targets_contested,
        100.0 * outcome.others_right,
        100.0 * outcome.others_contested,
        outcome.ring.0,
        outcome.ring.1,
        outcome.ring_after.map_or("-".into(), |labels| labels.to_string()),
        outcome.hidden_after,
        100.0 * outcome.hidden_after as f64 / outcome.targets as f64,
        100.0 * outcome.others_right_after,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_town_survives_disguised_sybils_and_is_restored_without_them() {
    let world = World::new(1, Attack::Disguised, (24, 6), 160);
    let outcome = attack(&world, 12).await;
    tell(&outcome, &world);
    assert_eq!(outcome.targets, 8);
    assert!(outcome.hidden <= 2, "{outcome:?}");
    assert!(outcome.others_right > 0.85, "{outcome:?}");
    assert!(outcome.hidden_after <= outcome.hidden && outcome.others_right_after > 0.85, "{outcome:?}");
    assert!(outcome.lifted_is_the_same, "lifting brings every figure of the map back");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes many minutes; docs/security-sybils.md says how to read it"]
async fn the_long_run() {
    let tiles = std::env::var("AFTERMAP_SYBIL_TILES").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let seeds: u64 = std::env::var("AFTERMAP_SYBIL_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    // Labels that settle a tile at the earliest, if not as many as usual.
    let usual = Policy::default().minimum;
    let minimum = std::env::var("AFTERMAP_SYBIL_MINIMUM").ok().and_then(|n| n.parse().ok()).unwrap_or(usual);
    // One attack alone: None, Disguised or AlwaysUndamaged.
    let only = std::env::var("AFTERMAP_SYBIL_ATTACK").ok();
    for (attack_as, people) in
        [(Attack::None, (75, 0)), (Attack::Disguised, (60, 15)), (Attack::AlwaysUndamaged, (52, 23))]
    {
        if only.as_ref().is_some_and(|only| *only != format!("{attack_as:?}")) {
            continue;
        }
        for seed in 1..=seeds {
            let mut world = World::new(seed, attack_as, people, tiles);
            world.minimum = minimum;
            tell(&attack(&world, tiles / 30).await, &world);
        }
    }
}
