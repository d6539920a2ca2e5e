//! Adds the answers of some tasks to the log: once each, the newest of each person for a tile as the one that stands.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use uuid::Uuid;

use super::{Given, Project};
use crate::domain::campaign::Campaign;
use crate::domain::consensus::TileState;
use crate::domain::label::{LabelStatus, MAX_REVISIONS};
use crate::domain::pseudonym::hmac_sha256;
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::campaigns::imports::{self, Known};
use crate::storage::labelling::labels::{self, LogEntry, Stands};

/// Labels that a tile's consensus holds at most; the policy knows no more.
pub const MOST_COUNTED: u32 = 1_000;

/// What all batches need.
pub struct Job {
    /// What was read.
    pub project: Arc<Project>,
    /// What it becomes.
    pub campaign: Campaign,
    /// When the import first began: the time of answers without one.
    pub started_at: i64,
    /// The number of each author.
    pub volunteers: Vec<i64>,
}

/// Adds the answers of some tasks; how many were new, and how many were there already.
pub fn add_labels(conn: &mut Conn, job: &Job, ids: &[i64], batch: Range<usize>) -> Result<(u64, u64), Error> {
    let given = &job.project.given[batch];
    let mut tiles: Vec<i64> = given.iter().map(|given| ids[given.task as usize]).collect();
    tiles.dedup();
    let mut before: HashMap<(i64, i64), Vec<Known>> = HashMap::new();
    for known in imports::known_labels(conn, &tiles)? {
        before.entry((known.tile, known.volunteer_id)).or_default().push(known);
    }
    let mut adding = Adding { job, entries: Vec::new(), people: HashMap::new(), known: 0 };
    for (tile, _) in before.keys() {
        *adding.people.entry(*tile).or_default() += 1;
    }
    for of_person in given.chunk_by(|a, b| (a.task, a.person) == (b.task, b.person)) {
        let key = (ids[of_person[0].task as usize], job.volunteers[of_person[0].person as usize]);
        adding.add(of_person, key, before.get(&key).map_or(&[], Vec::as_slice))?;
    }
    let (new, known) = (adding.entries.len() as u64, adding.known);
    adding.store(conn)?;
    Ok((new, known))
}

/// The answers of one batch on their way in.
struct Adding<'a> {
    job: &'a Job,
    entries: Vec<NewEntry>,
    /// People who answered for each tile, those of this batch included.
    people: HashMap<i64, u32>,
    known: u64,
}

/// A log entry without what it borrows.
struct NewEntry {
    id: Uuid,
    digest: [u8; 32],
    tile: i64,
    volunteer_id: i64,
    revision: u32,
    given: Given,
    /// What becomes of the author's current answer for the tile.
    current: Current,
}

#[derive(Clone, Copy, PartialEq)]
enum Current {
    /// A later one stands.
    Stays,
    /// This one takes the place of one that is stored.
    Replaced,
    /// This is the first to stand; its author first answered then, and it counts or is one too many.
    First(i64, bool),
}

impl Adding<'_> {
    /// Takes in what one person answered for one tile, in order of time.
    fn add(&mut self, of_person: &[Given], (tile, volunteer_id): (i64, i64), before: &[Known]) -> Result<(), Error> {
        let (job, timed) = (self.job, self.job.project.timed);
        let mut revision = before.iter().map(|known| known.revision).max().unwrap_or(0);
        let newest = before.iter().map(|known| known.received_at).max();
        let begun = if timed { of_person[0].at } else { job.started_at };
        for (place, given) in of_person.iter().enumerate() {
            let digest = digest(job, given, if timed { given.at } else { place as i64 });
            let id = label_id(job.project.rank(given.task), &digest);
            if before.iter().any(|known| known.id == id) {
                self.known += 1;
                continue;
            }
            revision += 1;
            if revision > MAX_REVISIONS {
                let person = &job.project.people.list[given.person as usize];
                let task = &job.project.tasks.list[given.task as usize];
                let reason = format!("`{person}` answered `{task}` more than {MAX_REVISIONS} times");
                return Err(Error::Conflict(format!("{reason}: is that the right column?")));
            }
            let at = if timed { given.at } else { job.started_at };
            let given = Given { at, began_at: if timed { given.began_at } else { at }, ..*given };
            let is_last = place + 1 == of_person.len() && newest.is_none_or(|newest| at >= newest);
            let current = match (is_last, before.is_empty()) {
                (false, _) => Current::Stays,
                (true, false) => Current::Replaced,
                (true, true) => {
                    let people = self.people.entry(tile).or_default();
                    *people += 1;
                    Current::First(begun, *people <= MOST_COUNTED)
                }
            };
            self.entries.push(NewEntry { id, digest, tile, volunteer_id, revision, given, current });
        }
        Ok(())
    }

    fn store(self, conn: &mut Conn) -> Result<(), Error> {
        let entries: Vec<LogEntry<'_>> = self.entries.iter().map(|entry| entry.in_log(self.job)).collect();
        imports::append(conn, &entries)?;
        let mut first = Vec::with_capacity(entries.len());
        for (entry, new) in entries.iter().zip(&self.entries) {
            match new.current {
                Current::Stays => {}
                Current::Replaced => {
                    // It counts as the one before it did.
                    let standing = labels::all_of_tile(conn, entry.tile)?;
                    let before = standing.iter().find(|label| label.volunteer_id == entry.volunteer_id);
                    let how = before.map_or((true, false, entry.received_at), |label| {
                        (label.counted, label.excluded, label.first_received_at)
                    });
                    let (counted, excluded, first_received_at) = how;
                    let stands = Stands { counted, excluded, censored: None, first_received_at };
                    labels::make_current(conn, entry, stands)?;
                }
                Current::First(at, counted) => first.push((entry, at, counted)),
            }
        }
        imports::make_current(conn, &first)?;
        for (tile, people) in self.people {
            let counted = people.clamp(1, MOST_COUNTED);
            imports::set_room(conn, tile, self.job.campaign.policy.first_needed().min(counted), counted)?;
        }
        Ok(())
    }
}

impl NewEntry {
    fn in_log<'a>(&'a self, job: &'a Job) -> LogEntry<'a> {
        let client = self.given.client.checked_sub(1).and_then(|place| job.project.clients.list.get(place as usize));
        LogEntry {
            id: self.id,
            body_hash: &self.digest,
            tile: self.tile,
            campaign_id: job.campaign.id,
            volunteer_id: self.volunteer_id,
            lease_id: 0,
            revision: self.revision,
            answer: self.given.answer,
            window: None,
            seconds: None,
            client: client.map(|text| &**text),
            leased_at: self.given.began_at,
            received_at: self.given.at,
            status: if self.revision > 1 { LabelStatus::Revised } else { LabelStatus::Stored },
            tile_state: TileState::Open,
            last_scene: None,
        }
    }
}

/// A UUID of version 8 (RFC 9562: made by a rule of one's own): where the tile stands among all, then the digest. Labels
/// come in by tile, so each new id is the highest so far, and a database adds to the end of its table.
fn label_id(rank: u64, digest: &[u8; 32]) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&rank.to_be_bytes()[..6]);
    bytes[6..].copy_from_slice(&digest[..10]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Uuid::from_bytes(bytes)
}

/// What a label's id follows from: who said what about which task, and when.
fn digest(job: &Job, given: &Given, when: i64) -> [u8; 32] {
    let project = &job.project;
    let (task, person) = (&project.tasks.list[given.task as usize], &project.people.list[given.person as usize]);
    let body = format!("label\n{task}\n{person}\n{when}\n{}", given.answer);
    hmac_sha256(&job.campaign.pseudonym_key, body.as_bytes())
}
