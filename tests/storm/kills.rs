//! Servers end: at once (SIGKILL), and when asked to (SIGTERM).

use std::time::Duration;

use rand::RngExt;

use crate::plan::{Plan, size};
use crate::storm::{Storm, bases};

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_labels_survive_kills() {
    for base in bases() {
        let plan = Plan::new("kills::acknowledged_labels_survive_kills", size(12, 50), size(400, 12_000));
        let mut storm = Storm::begin(plan, base).await;
        storm.let_in();
        let mut dice = storm.plan.dice("kills", 0);
        let kills = size(5, 200);
        for _ in 0..kills {
            // Now and then in the middle of its start.
            let pause = if dice.random_bool(0.2) { 0 } else { dice.random_range(50..400) };
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let place = dice.random_range(0..storm.servers.len());
            storm.kill(place);
            storm.start(place).await;
            storm.look_for_labels().await;
        }
        storm.faults = format!("{kills} times SIGKILL");
        storm.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_asked_to_stop_loses_nothing() {
    for base in bases() {
        let plan = Plan::new("kills::a_server_that_is_asked_to_stop_loses_nothing", size(10, 50), size(400, 4_000));
        let mut storm = Storm::begin(plan, base).await;
        storm.let_in();
        let mut dice = storm.plan.dice("stops", 0);
        let (stops, mut longest) = (size(2, 20), Duration::ZERO);
        for _ in 0..stops {
            tokio::time::sleep(Duration::from_millis(dice.random_range(100..600))).await;
            let place = dice.random_range(0..storm.servers.len());
            longest = longest.max(storm.stop(place).await);
            storm.start(place).await;
            storm.look_for_labels().await;
        }
        storm.faults = format!("{stops} times SIGTERM, ended after {longest:?} at most");
        assert!(longest < Duration::from_secs(30), "a server takes {longest:?} to end");
        storm.end().await;
    }
}
