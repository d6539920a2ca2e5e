//! One simulated volunteer: takes tiles, answers, hesitates, repeats itself, walks away. Every decision is the plan's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::client::{Client, Guest, Lease};
use crate::plan::{Act, LEASE_SECONDS, Plan};
use crate::record::Sent;

/// Share of the hands that are answered together, as after a while without network.
const OFFLINE: f64 = 0.1;
/// Copies of one submission that a confused client sends at once.
const COPIES: usize = 3;
/// Who was told that nothing is left asks again after this.
const PAUSE: Duration = Duration::from_millis(300);

/// A person at work.
pub struct Volunteer {
    number: u64,
    plan: Plan,
    client: Client,
    stop: Arc<AtomicBool>,
    dice: ChaCha8Rng,
    labels: u64,
}

impl Volunteer {
    pub fn new(number: u64, plan: &Plan, client: Client, stop: Arc<AtomicBool>) -> Volunteer {
        let dice = plan.dice("way", number);
        Volunteer { number, plan: plan.clone(), client, stop, dice, labels: 0 }
    }

    /// Labels until told to stop, or walks away with tiles in hand.
    pub async fn work(mut self) {
        let Some(guest) = self.client.guest(&mut self.dice).await else { return };
        let leaves_after = self.plan.leaves_after(self.number);
        let (mut hand, mut looked_at) = (Vec::new(), 0);
        while !self.stop.load(Ordering::Relaxed) {
            if hand.is_empty() {
                let count = self.dice.random_range(1..=5);
                hand = self.client.leases(&mut self.dice, &guest, count).await;
            }
            if leaves_after.is_some_and(|tiles| looked_at >= tiles) {
                return;
            }
            if hand.is_empty() {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            looked_at += 1;
            if self.dice.random_bool(OFFLINE) {
                let labels: Vec<Sent> = hand.drain(..).map(|lease| self.label(&guest, &lease)).collect();
                hand = self.client.submit(&mut self.dice, &guest, &labels).await;
            } else {
                let lease = hand.remove(0);
                let next = self.act(&guest, &lease).await;
                hand.extend(next);
            }
            let think = self.dice.random_range(0..=self.plan.think_ms);
            tokio::time::sleep(Duration::from_millis(think)).await;
        }
    }

    /// Does with one tile what the plan says; returns the next leases.
    async fn act(&mut self, guest: &Guest, lease: &Lease) -> Vec<Lease> {
        let label = self.label(guest, lease);
        match self.plan.act(self.number, &lease.tile) {
            Act::Answer => self.send(guest, label).await,
            Act::Late => {
                // Answers when the place may long be somebody else's.
                tokio::time::sleep(Duration::from_millis(u64::from(LEASE_SECONDS) * 1000 + 200)).await;
                self.send(guest, label).await
            }
            Act::TwoTabs => {
                // Whichever comes second changes the answer of the first.
                let label = Sent { change: true, ..label };
                let other = self.other(guest, lease, &label);
                self.at_once(guest, vec![label, other]).await
            }
            Act::Copies => self.at_once(guest, vec![label; COPIES]).await,
            Act::Revise => {
                let next = self.send(guest, label.clone()).await;
                let other = self.other(guest, lease, &label);
                self.send(guest, other).await;
                next
            }
            Act::Reuse => {
                let next = self.send(guest, label.clone()).await;
                self.reuse(guest, label).await;
                next
            }
            skip @ (Act::Skip | Act::Release) => {
                self.client.give_back(&mut self.dice, guest, lease.id, skip == Act::Skip).await;
                Vec::new()
            }
        }
    }

    async fn send(&mut self, guest: &Guest, label: Sent) -> Vec<Lease> {
        self.client.submit(&mut self.dice, guest, &[label]).await
    }

    /// Sends labels at the same moment, each in a request of its own.
    async fn at_once(&mut self, guest: &Guest, labels: Vec<Sent>) -> Vec<Lease> {
        let (client, number) = (&self.client, self.number);
        let plan = &self.plan;
        let requests = labels.into_iter().zip(self.labels * 10..).map(|(label, n)| async move {
            let mut dice = plan.dice(&format!("tab {n}"), number);
            client.submit(&mut dice, guest, &[label]).await
        });
        futures::future::join_all(requests).await.into_iter().flatten().collect()
    }

    /// Uses an id again for another answer. Only what is known to be stored can be used again.
    async fn reuse(&mut self, guest: &Guest, label: Sent) {
        let stored = self.client.record().labels.get(&label.id).is_some_and(|story| story.is_taken());
        if stored {
            let forged = Sent { answer: Plan::other(&label.answer).into(), ..label };
            self.client.reuse(&mut self.dice, guest, &forged).await;
        }
    }

    fn label(&mut self, guest: &Guest, lease: &Lease) -> Sent {
        self.labels += 1;
        Sent {
            id: self.plan.label_id(self.number, self.labels),
            volunteer: guest.id,
            lease: lease.id,
            tile: lease.tile.clone(),
            answer: self.plan.answer(self.number, &lease.tile).into(),
            change: false,
        }
    }

    /// The same tile answered otherwise, with an id of its own.
    fn other(&mut self, guest: &Guest, lease: &Lease, label: &Sent) -> Sent {
        Sent { answer: Plan::other(&label.answer).into(), change: true, ..self.label(guest, lease) }
    }
}
