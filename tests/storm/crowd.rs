//! A crowd as it is: people walk away with tiles in hand, answer late, use two tabs, and a server freezes meanwhile.

use std::time::Duration;

use crate::plan::{Plan, size};
use crate::storm::{Storm, bases};

#[tokio::test(flavor = "multi_thread")]
async fn every_tile_finishes_whoever_walks_away() {
    for base in bases() {
        let plan = Plan::new("crowd::every_tile_finishes_whoever_walks_away", size(20, 200), size(30, 1_500));
        let mut storm = Storm::begin(plan, base).await;
        storm.let_in();
        storm.progress(size(20, 1_000), Duration::from_secs(60)).await;
        let frozen = Duration::from_secs(size(2, 10));
        storm.server(0).signal("STOP");
        tokio::time::sleep(frozen).await;
        storm.server(0).signal("CONT");
        storm.look_for_labels().await;
        let finished = storm.finish(Duration::from_secs(size(60, 300))).await;
        storm.faults =
            format!("30 % walk away, 10 % late, one server frozen for {frozen:?}; all tiles closed {finished:?} later");
        storm.end().await;
    }
}
