//! PostgreSQL stops at once, as in a crash, and comes back while volunteers go on.

use std::time::Duration;

use rand::RngExt;

use crate::cluster::Cluster;
use crate::plan::{Plan, size};
use crate::storm::{Base, Storm};

/// How long servers may take to work again once PostgreSQL does.
const HEALTHY: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn postgres_may_crash_and_come_back() {
    let Some(cluster) = tokio::task::spawn_blocking(|| Cluster::start(&std::env::temp_dir())).await.expect("a cluster")
    else {
        return;
    };
    let base = Base { name: "postgres", address: cluster.address(), keep: Box::new(()) };
    let plan = Plan::new("postgres::postgres_may_crash_and_come_back", size(10, 50), size(400, 4_000));
    let mut storm = Storm::begin(plan, base).await;
    storm.let_in();
    let mut dice = storm.plan.dice("crashes", 0);
    let (crashes, mut healthy) = (size(2, 50), Vec::new());
    for _ in 0..crashes {
        tokio::time::sleep(Duration::from_millis(dice.random_range(200..900))).await;
        cluster.crash();
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..700))).await;
        cluster.go();
        let label = storm.progress(1, Duration::from_secs(30)).await;
        let back = std::time::Instant::now();
        for server in storm.servers.iter().flatten() {
            while !server.is_ready().await {
                assert!(back.elapsed() < Duration::from_secs(30), "not ready, though PostgreSQL is");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        healthy.push(label.max(back.elapsed()));
        storm.look_for_labels().await;
    }
    healthy.sort_unstable();
    let (middle, longest) = (healthy[healthy.len() / 2], healthy[healthy.len() - 1]);
    storm.faults = format!("{crashes} crashes, healthy again {middle:?} (p50), {longest:?} (max) after PostgreSQL was");
    if longest > HEALTHY {
        storm.fail(&[format!("healthy only {longest:?} after PostgreSQL was")]);
    }
    let refused = storm.client.record().count(503);
    storm.faults.push_str(&format!(", {refused} requests told to come back"));
    storm.end().await;
    drop(cluster);
}
