//! What the volunteers themselves know: what they were given, what they sent, and what they were told about it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

/// A tile in somebody's hands, as the reply said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    pub lease: i64,
    pub tile: String,
    pub volunteer: i64,
}

/// A label as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub id: Uuid,
    pub volunteer: i64,
    pub lease: i64,
    pub tile: String,
    pub answer: String,
    /// Whether it changes an answer that was acknowledged before.
    pub change: bool,
}

/// What its author was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub status: String,
    pub code: Option<String>,
    pub tile_state: Option<String>,
}

/// A label with everything known about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    pub sent: Sent,
    pub told: Option<Told>,
}

/// The memory of all volunteers together.
#[derive(Debug, Clone, Default)]
pub struct Record {
    pub granted: BTreeMap<i64, Granted>,
    pub labels: BTreeMap<Uuid, Story>,
    /// Leases whose end (skipped or released) was acknowledged.
    pub given_back: BTreeSet<i64>,
    /// Replies by status; 0 stands for a connection that broke or a time that ran out.
    pub replies: BTreeMap<u16, u64>,
    /// The longest time it took a volunteer to learn the outcome.
    pub longest: Duration,
    /// What a client saw that must not be.
    pub complaints: Vec<String>,
}

impl Story {
    /// Whether the server took it.
    pub fn is_taken(&self) -> bool {
        self.told.as_ref().is_some_and(|told| told.status != "refused")
    }
}

impl Record {
    pub fn grant(&mut self, granted: Granted) {
        let before = self.granted.entry(granted.lease).or_insert_with(|| granted.clone());
        if *before != granted {
            self.complaints.push(format!("lease {} is two things: {before:?} and {granted:?}", granted.lease));
        }
    }

    pub fn send(&mut self, sent: Sent) {
        self.labels.entry(sent.id).or_insert(Story { sent, told: None });
    }

    /// A reply about a label; each reply must say the same.
    pub fn learn(&mut self, id: Uuid, told: Told) {
        let Some(story) = self.labels.get_mut(&id) else {
            self.complaints.push(format!("a reply about {id}, which nobody sent"));
            return;
        };
        // Who changes an answer long after the tile closed is told so.
        let too_late = told.code.as_deref() == Some("too_late") && story.sent.change;
        if told.status == "refused" && !too_late {
            self.complaints.push(format!("an honest label was refused: {story:?}, {told:?}"));
        }
        match &story.told {
            Some(before) if *before != told => {
                self.complaints.push(format!("two outcomes of {id}: {before:?}, then {told:?}"));
            }
            _ => story.told = Some(told),
        }
    }

    /// A reply to an id used a second time, for something else: it must be refused and tell nothing.
    pub fn learn_of_reuse(&mut self, id: Uuid, told: Told) {
        if told.status != "refused" || told.code.as_deref() != Some("conflict") || told.tile_state.is_some() {
            self.complaints.push(format!("id {id} was used twice, and the second use was told {told:?}"));
        }
    }

    pub fn reply(&mut self, status: u16) {
        *self.replies.entry(status).or_default() += 1;
    }

    pub fn count(&self, status: u16) -> u64 {
        self.replies.get(&status).copied().unwrap_or_default()
    }

    /// Labels that the server said it took.
    pub fn acknowledged(&self) -> usize {
        self.labels.values().filter(|story| story.is_taken()).count()
    }
}
