//! Compares what the volunteers know with what the database holds. No counter of the server is believed: each is
//! compared with the rows that it counts.

use std::collections::{BTreeMap, BTreeSet};

use aftermap::consensus::{self, Vote};
use uuid::Uuid;

use crate::found::{Current, Found, Label, Tile};
use crate::record::{Record, Story};

/// Everything that is wrong, in words; empty where all promises were kept.
pub fn check(record: &Record, found: &Found) -> Vec<String> {
    let mut wrong = record.complaints.clone();
    wrong.extend(found.damage.iter().map(|damage| format!("the database is damaged: {damage}")));
    wrong.extend(labels_kept(record, found));
    wrong.extend(labels_invented(record, found));
    wrong.extend(leases_kept(record, found));
    wrong.extend(one_current_each(found));
    let counted = count(found.current.iter().filter(|one| one.counted).map(|one| one.tile));
    let open = count(found.leases.values().filter(|lease| lease.outcome.is_none()).map(|lease| lease.tile));
    for (id, tile) in &found.tiles {
        let of = |counts: &BTreeMap<i64, i64>| counts.get(id).copied().unwrap_or_default();
        wrong.extend(tile_adds_up(tile, of(&counted), of(&open)));
    }
    wrong.extend(over_assigned(found));
    wrong.extend(consensus_adds_up(found));
    wrong
}

/// Every acknowledged label is there as it was sent and acknowledged; no refused one is.
fn labels_kept(record: &Record, found: &Found) -> Vec<String> {
    let missing = |story: &&Story| story.is_taken() && !found.labels.contains_key(&story.sent.id);
    let lost = record.labels.values().filter(missing).map(|story| format!("LOST: {story:?}"));
    let differs = record.labels.values().filter_map(|story| {
        let label = found.labels.get(&story.sent.id)?;
        let told = story.told.as_ref()?;
        if !story.is_taken() {
            return Some(format!("refused, and stored all the same: {story:?}"));
        }
        let same = told.status == label.status && told.tile_state.as_deref() == Some(label.tile_state.as_str());
        (!same).then(|| format!("told {told:?}, stored {label:?}"))
    });
    lost.chain(differs).collect()
}

/// Every label in the log is one that somebody sent, word for word.
fn labels_invented(record: &Record, found: &Found) -> Vec<String> {
    let invented = found.labels.iter().filter_map(|(id, label)| {
        let Some(Story { sent, .. }) = record.labels.get(id) else {
            return Some(format!("nobody sent {id}: {label:?}"));
        };
        let tile = found.tiles.get(&label.tile).map(|tile| tile.name.as_str());
        let same = (sent.volunteer, sent.lease, &sent.answer) == (label.volunteer, label.lease, &label.answer)
            && tile == Some(sent.tile.as_str());
        (!same).then(|| format!("sent {sent:?}, stored {label:?}"))
    });
    invented.collect()
}

/// Every lease that a volunteer holds is in the database; one that was given back no longer holds a place.
fn leases_kept(record: &Record, found: &Found) -> Vec<String> {
    let mut wrong = Vec::new();
    for granted in record.granted.values() {
        match found.leases.get(&granted.lease) {
            None => wrong.push(format!("a lease was lost: {granted:?}")),
            Some(lease) => {
                let tile = found.tiles.get(&lease.tile).map(|tile| tile.name.as_str());
                if lease.volunteer != granted.volunteer || tile != Some(granted.tile.as_str()) {
                    wrong.push(format!("a lease changed hands: {granted:?}, {lease:?}"));
                }
                if lease.outcome.is_none() && record.given_back.contains(&granted.lease) {
                    wrong.push(format!("a lease that was given back is open: {granted:?}"));
                }
            }
        }
    }
    wrong
}

/// A log entry with its revision and id.
type Entry<'a> = (i64, Uuid, &'a Label);

/// Of each person and tile, the newest entry of the log is current, and only it.
fn one_current_each(found: &Found) -> Vec<String> {
    let mut log: BTreeMap<(i64, i64), Vec<Entry<'_>>> = BTreeMap::new();
    for (id, label) in &found.labels {
        log.entry((label.tile, label.volunteer)).or_default().push((label.revision, *id, label));
    }
    let mut current: BTreeMap<(i64, i64), Vec<&Current>> = BTreeMap::new();
    for one in &found.current {
        current.entry((one.tile, one.volunteer)).or_default().push(one);
    }
    let mut wrong = Vec::new();
    for (key, mut entries) in log {
        entries.sort_by_key(|entry| entry.0);
        wrong.extend(revisions_in_order(key, &entries));
        let newest = entries.last().map(|entry| entry.1);
        let now: Vec<_> = current.remove(&key).unwrap_or_default();
        if now.len() != 1 || newest != Some(now[0].label) {
            wrong.push(format!("{key:?} has {} current labels, the newest is {newest:?}", now.len()));
        }
    }
    wrong.extend(current.into_keys().map(|key| format!("{key:?} has a current label and no log")));
    wrong
}

/// Revisions are 1, 2, 3, …: the first is stored or surplus, the others revise it.
fn revisions_in_order(key: (i64, i64), entries: &[Entry<'_>]) -> Vec<String> {
    let mut wrong = Vec::new();
    let numbers: Vec<i64> = entries.iter().map(|entry| entry.0).collect();
    if numbers != (1..=entries.len() as i64).collect::<Vec<_>>() {
        wrong.push(format!("revisions of {key:?} are {numbers:?}"));
    }
    for (place, (_, _, label)) in entries.iter().enumerate() {
        let right = if place == 0 { ["stored", "surplus"] } else { ["revised", "revised"] };
        if !right.contains(&label.status.as_str()) {
            wrong.push(format!("out of order: {label:?}"));
        }
    }
    wrong
}

fn count(tiles: impl Iterator<Item = i64>) -> BTreeMap<i64, i64> {
    let mut counts = BTreeMap::new();
    tiles.for_each(|tile| *counts.entry(tile).or_default() += 1);
    counts
}

/// A tile's counters are what its rows say, it got no more than it may, and it is not stuck.
fn tile_adds_up(tile: &Tile, counted: i64, open: i64) -> Vec<String> {
    let mut wrong = Vec::new();
    if (tile.counted, tile.leased) != (counted, open) {
        wrong.push(format!("{tile:?} has {counted} counted labels and {open} open leases"));
    }
    if counted > tile.maximum {
        wrong.push(format!("{counted} labels count, more than the maximum: {tile:?}"));
    }
    let has_place = tile.state == "open" && counted + open < tile.needed;
    if tile.available != has_place {
        wrong.push(format!("available and not free, or free and not available: {tile:?}"));
    }
    if tile.state == "open" && !has_place && open == 0 {
        wrong.push(format!("stuck: open, not to be handed out, in nobody's hands: {tile:?}"));
    }
    wrong
}

/// At the moment of every grant there was a place: open leases and counted labels together, the new lease among them,
/// were no more than needed. And a witness saw every grant.
fn over_assigned(found: &Found) -> Vec<String> {
    let too_many = |grant: &&crate::found::Grant| grant.held + grant.counted > grant.needed || grant.state != "open";
    let mut wrong: Vec<String> =
        found.grants.iter().filter(too_many).map(|grant| format!("over-assigned: {grant:?}")).collect();
    let seen: BTreeSet<i64> = found.grants.iter().map(|grant| grant.lease).collect();
    let unseen = found.leases.keys().filter(|lease| !seen.contains(lease));
    wrong.extend(unseen.map(|lease| format!("no witness saw lease {lease} being granted")));
    wrong
}

/// Each stored consensus is what the core makes of the labels that count, with the model that it names.
fn consensus_adds_up(found: &Found) -> Vec<String> {
    let mut votes: BTreeMap<i64, Vec<&Current>> = BTreeMap::new();
    for one in found.current.iter().filter(|one| one.counted) {
        votes.entry(one.tile).or_default().push(one);
    }
    let lacks = votes.keys().filter(|tile| !found.consensus.contains_key(tile));
    let mut wrong: Vec<String> = lacks.map(|tile| format!("tile {tile} has labels and no consensus")).collect();
    for (tile, stored) in &found.consensus {
        let counted = votes.get(tile).map_or(&[][..], Vec::as_slice);
        let skill = |one: &Current| found.skills.get(&(stored.model, one.volunteer));
        let votes: Vec<Vote<'_>> = counted.iter().map(|one| Vote { answer: one.answer, skill: skill(one) }).collect();
        let Some(model) = found.models.get(&stored.model) else {
            wrong.push(format!("tile {tile} stands on model {}, which is not there", stored.model));
            continue;
        };
        let again = consensus::default_rule().consensus(&found.scale, model, &votes);
        let json = |list: serde_json::Result<String>| list.expect("numbers are JSON");
        let (probabilities, answers) =
            (json(serde_json::to_string(&again.probabilities)), json(serde_json::to_string(&again.answers)));
        let same = (&stored.probabilities, &stored.answers) == (&probabilities, &answers)
            && (stored.class, stored.labels) == (again.class, i64::from(again.labels))
            && stored.evidence.to_bits() == again.evidence.to_bits();
        if !same {
            wrong.push(format!("tile {tile}: stored {stored:?}, its labels give {again:?}"));
        }
    }
    wrong
}
