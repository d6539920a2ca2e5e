//! A network that breaks at every moment of an exchange.

use std::time::Duration;

use crate::plan::{Plan, size};
use crate::storm::{Storm, bases};

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_never_loses_or_doubles_a_label() {
    for base in bases() {
        let test = "cuts::a_cut_connection_never_loses_or_doubles_a_label";
        let mut storm = Storm::begin(Plan::new(test, size(10, 50), size(600, 6_000)), base).await;
        storm.let_in();
        storm.proxies.iter().for_each(|proxy| proxy.cut(0.2));
        let wanted = size(48, 1_000);
        for _ in 0..1_200 {
            if cuts(&storm).iter().sum::<u64>() >= wanted && cuts(&storm).iter().all(|count| *count > 0) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        storm.proxies.iter().for_each(|proxy| proxy.cut(0.0));
        let cuts = cuts(&storm);
        assert!(cuts.iter().sum::<u64>() >= wanted, "only {cuts:?} cuts");
        storm.look_for_labels().await;
        storm.faults = format!(
            "{} cuts: {} before the request, {} during, {} after it, {} before the reply, {} during, {} after it",
            cuts.iter().sum::<u64>(),
            cuts[0],
            cuts[1],
            cuts[2],
            cuts[3],
            cuts[4],
            cuts[5]
        );
        storm.end().await;
    }
}

fn cuts(storm: &Storm) -> [u64; 6] {
    let mut all = [0; 6];
    for proxy in &storm.proxies {
        all.iter_mut().zip(proxy.cuts()).for_each(|(sum, cuts)| *sum += cuts);
    }
    all
}
