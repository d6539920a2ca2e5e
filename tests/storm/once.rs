//! The same label many times at once, and many labels for one tile at once.

use futures::future::join_all;
use rand_chacha::ChaCha8Rng;

use crate::client::{Client, Guest, Lease};
use crate::plan::{Plan, size};
use crate::record::Sent;
use crate::storm::{Storm, bases};

/// Copies of each label, sent side by side.
const COPIES: usize = 64;
/// Labels with ids of their own for one tile, sent side by side.
const TABS: usize = 32;
/// Tiles that a volunteer gets at once.
const HAND: u32 = 5;

/// A storm without a crowd: the test itself is the volunteer.
fn plan(test: &'static str, tiles: usize) -> Plan {
    Plan { refit_after: 1_000_000, ..Plan::new(test, 0, tiles) }
}

fn label(plan: &Plan, guest: &Guest, lease: &Lease, n: u64) -> Sent {
    Sent {
        id: plan.label_id(guest.id as u64, n),
        volunteer: guest.id,
        lease: lease.id,
        tile: lease.tile.clone(),
        answer: plan.answer(n, &lease.tile).into(),
        change: false,
    }
}

/// Sends labels side by side, each in a request of its own, through any server.
async fn at_once(plan: &Plan, client: &Client, guest: &Guest, labels: Vec<Sent>) {
    let requests = labels.into_iter().zip(0..).map(|(label, n)| async move {
        let mut dice = plan.dice(&format!("door {}", label.id), n);
        client.submit(&mut dice, guest, &[label]).await
    });
    join_all(requests).await;
}

async fn newcomer(client: &Client, dice: &mut ChaCha8Rng) -> (Guest, Vec<Lease>) {
    let guest = client.guest(dice).await.expect("a guest");
    let leases = client.leases(dice, &guest, HAND).await;
    (guest, leases)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_copies_of_a_label_are_one_label() {
    for base in bases() {
        let ids = size(40, 500);
        let plan = plan("once::many_copies_of_a_label_are_one_label", ids);
        let mut storm = Storm::begin(plan.clone(), base).await;
        let mut dice = plan.dice("copies", 0);
        let (stranger, theirs) = newcomer(&storm.client, &mut dice).await;
        let mut sent = 0;
        while sent < ids {
            let (guest, leases) = newcomer(&storm.client, &mut dice).await;
            assert!(!leases.is_empty(), "tiles ran out");
            for lease in &leases {
                sent += 1;
                let label = label(&plan, &guest, lease, sent as u64);
                at_once(&plan, &storm.client, &guest, vec![label.clone(); COPIES]).await;
                // Another body under the same id, and another person with it: refused, and nothing is learnt.
                let other = Sent { answer: Plan::other(&label.answer).into(), ..label.clone() };
                storm.client.reuse(&mut dice, &guest, &other).await;
                let foreign = Sent { volunteer: stranger.id, lease: theirs[0].id, ..label };
                storm.client.reuse(&mut dice, &stranger, &foreign).await;
            }
        }
        assert_eq!(storm.acknowledged(), sent);
        storm.faults = format!("{sent} ids, {COPIES} copies each");
        storm.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_answers_at_once_are_one_current_answer() {
    for base in bases() {
        let rounds = size(10, 100);
        let plan = plan("once::many_answers_at_once_are_one_current_answer", rounds * 3);
        let mut storm = Storm::begin(plan.clone(), base).await;
        let mut dice = plan.dice("tabs", 0);
        for _ in 0..rounds {
            let (guest, leases) = newcomer(&storm.client, &mut dice).await;
            let labels: Vec<Sent> =
                (0..TABS as u64).map(|n| Sent { change: true, ..label(&plan, &guest, &leases[0], n) }).collect();
            at_once(&plan, &storm.client, &guest, labels.clone()).await;
            let record = storm.client.record();
            let status = |label: &Sent| record.labels[&label.id].told.as_ref().map(|told| told.status.clone());
            let told: Vec<Option<String>> = labels.iter().map(status).collect();
            let of = |word: &str| told.iter().filter(|told| told.as_deref() == Some(word)).count();
            assert_eq!((of("stored") + of("surplus"), of("revised")), (1, TABS - 1), "{told:?}");
        }
        storm.faults = format!("{rounds} tiles, {TABS} answers each at once");
        storm.end().await;
    }
}
