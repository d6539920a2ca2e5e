//! Takes in labels: each is stored exactly once, whatever the network repeats, and moves its tile on.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::hand_out::{self, Request, Search};
use super::tile_consensus::{self, Rules};
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::consensus::TileState;
use crate::domain::label::{LabelStatus, MAX_REVISIONS, NewLabel, Refusal, RefusalCode, Window, check_note};
use crate::domain::tile::Lease;
use crate::services::scenes::later_scene::view;
use crate::services::{Error, clock};
use crate::storage::labels::{CurrentLabel, LogEntry, Logged, Stands};
use crate::storage::later_scenes::Shown;
use crate::storage::leases::LeaseRow;
use crate::storage::notes::NewNote;
use crate::storage::participations::Done;
use crate::storage::queue::QueueRow;
use crate::storage::{Conn, Store, labels, leases, notes, participations, queue, scenes};

/// An author may change an answer until this long after the tile closed.
const CHANGE_MS: i64 = 10 * 60_000;

/// What became of an accepted label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Stored, revised or surplus.
    pub status: LabelStatus,
    /// The tile's state afterwards, as its author may know it.
    pub tile_state: TileState,
}

/// The outcome of one label of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemResult {
    /// The client's id.
    pub id: Uuid,
    /// Accepted, or refused with the reason.
    pub outcome: Result<Accepted, Refusal>,
}

/// The reply to a submission.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// One result for each label, in the order sent.
    pub results: Vec<ItemResult>,
    /// As many next leases as new labels were stored.
    pub leases: Vec<Lease>,
    /// Ids of the campaigns that took something in.
    pub campaigns: Vec<i64>,
}

/// A label on its way in, with the lease it answers.
struct Incoming<'a> {
    place: usize,
    label: &'a NewLabel,
    lease: Option<LeaseRow>,
}

/// Stores the labels of one volunteer in one transaction and hands out what comes next.
pub async fn submit(
    store: &Store,
    volunteer: i64,
    items: Vec<NewLabel>,
    client: Option<String>,
) -> Result<Submission, Error> {
    let (seed, items, client) = (rand::random(), Arc::new(items), Arc::new(client));
    let send = |with_tiles: bool| {
        let (items, client) = (items.clone(), client.clone());
        store.write(move |conn: &mut Conn| {
            let sender = Sender { volunteer, client: client.as_deref(), may_label: &|_| with_tiles };
            submit_all(conn, &sender, &items, seed, clock::now_ms())
        })
    };
    match send(true).await {
        // Whatever is wrong with the tiles to come, the labels are stored.
        Err(error) if error.is_fault() => send(false).await,
        sent => sent,
    }
}

/// Who sends labels, and with what.
pub struct Sender<'a> {
    /// The volunteer.
    pub volunteer: i64,
    /// Name and version of the client program, if it gave one.
    pub client: Option<&'a str>,
    /// Whether the volunteer may have more tiles of a campaign; what is in hand may be answered in any case.
    pub may_label: &'a dyn Fn(&Campaign) -> bool,
}

/// The transaction of [`submit`], with its time and its dice given.
pub fn submit_all(
    conn: &mut Conn,
    sender: &Sender<'_>,
    items: &[NewLabel],
    seed: u64,
    now: i64,
) -> Result<Submission, Error> {
    let Sender { volunteer, client, may_label } = *sender;
    let mut incoming = Vec::with_capacity(items.len());
    for (place, label) in items.iter().enumerate() {
        let lease = leases::find(conn, label.lease_id)?.filter(|lease| lease.volunteer_id == volunteer);
        incoming.push(Incoming { place, label, lease });
    }
    // Everybody locks in one order: campaigns, then tiles. Labels of one tile keep the order in which they were sent.
    incoming.sort_by_key(|one| one.lease.as_ref().map(|lease| (lease.campaign_id, lease.tile)));
    let mut results: Vec<Option<ItemResult>> = vec![None; items.len()];
    let (mut next, mut campaigns) = (Vec::new(), Vec::new());
    for of_campaign in incoming.chunk_by(|a, b| campaign_of(a) == campaign_of(b)) {
        let Some(campaign_id) = campaign_of(&of_campaign[0]) else {
            for one in of_campaign {
                let outcome = repeat(conn, volunteer, one.label)?.unwrap_or_else(|| Err(never_leased()));
                results[one.place] = Some(ItemResult { id: one.label.id, outcome });
            }
            continue;
        };
        campaigns.push(campaign_id);
        // The order in which everybody locks: the campaign's state, the volunteer's turn, tiles, leases.
        let rules = Rules::load(conn, campaign_id)?;
        let turn = participations::take_turn(conn, campaign_id, volunteer, now)?;
        let author = Author { rules, volunteer, is_excluded: turn.is_excluded(), client, now };
        let (mut done, mut fresh) = (Done::default(), 0);
        for one in of_campaign {
            let outcome = match repeat(conn, volunteer, one.label)? {
                Some(before) => before,
                None => {
                    let (outcome, is_first) = author.accept(conn, one)?;
                    let is_new = matches!(&outcome, Ok(accepted) if accepted.status != LabelStatus::Revised);
                    fresh += usize::from(is_new);
                    // Whoever looks again after a later scene came labelled no further tile.
                    done.labels += i32::from(is_new && is_first);
                    outcome
                }
            };
            results[one.place] = Some(ItemResult { id: one.label.id, outcome });
        }
        let campaign = &author.rules.campaign;
        if fresh > 0 && may_label(campaign) {
            let request = Request { volunteer, count: fresh, again: false, seed };
            let search = Search::default();
            let given = hand_out::give_in_turn(conn, campaign, campaign.state, &turn, request, search, now)?;
            done.tiles_served = given.2 as i32;
            next.extend(given.0);
        }
        if done != Done::default() {
            participations::add(conn, campaign_id, volunteer, done, now)?;
        }
    }
    Ok(Submission { results: results.into_iter().flatten().collect(), leases: next, campaigns })
}

fn campaign_of(one: &Incoming<'_>) -> Option<i64> {
    one.lease.as_ref().map(|lease| lease.campaign_id)
}

/// The stored outcome of a label that was sent before; a conflict where the id was used for something else.
fn repeat(conn: &mut Conn, volunteer: i64, label: &NewLabel) -> Result<Option<Result<Accepted, Refusal>>, Error> {
    Ok(labels::logged(conn, label.id)?.map(|Logged { volunteer_id, body_hash: hash, status, tile_state }| {
        if volunteer_id == volunteer && hash == body_hash(label) {
            Ok(Accepted { status, tile_state })
        } else {
            let reason = "this id was used before for another label: make a new id for a new answer";
            Err(refusal(RefusalCode::Conflict, "id", reason))
        }
    }))
}

/// Whose labels are taken in, by which rules, and when.
struct Author<'a> {
    rules: Rules,
    volunteer: i64,
    /// What they send is kept, and counts for nothing.
    is_excluded: bool,
    client: Option<&'a str>,
    now: i64,
}

impl Author<'_> {
    /// Stores one label that was never seen before, or says why not; and whether it is its author's first for the tile.
    fn accept(&self, conn: &mut Conn, one: &Incoming<'_>) -> Result<(Result<Accepted, Refusal>, bool), Error> {
        let Some(lease) = &one.lease else { return Ok((Err(never_leased()), false)) };
        let answer = match self.check(conn, one.label)? {
            Ok(answer) => answer,
            Err(refusal) => return Ok((Err(refusal), false)),
        };
        let row = queue::lock(conn, lease.tile)?;
        let current = labels::all_of_tile(conn, lease.tile)?;
        let mine = current.iter().find(|label| label.volunteer_id == self.volunteer);
        let before = mine.map(|label| (label.label_id, label.counted));
        let shown = view::shown(conn, &self.rules, lease)?;
        // A later scene came and they were given the tile again: an answer to another question, and no change of the old.
        let looks_again = mine.is_some_and(|label| label.censored.is_some()) && !shown.is_outdated;
        if before.is_some() && !looks_again && self.too_late(&row) {
            let reason = "this tile closed more than ten minutes ago, so its answers can no longer be changed";
            return Ok((Err(refusal(RefusalCode::TooLate, "lease_id", reason)), false));
        }
        let revision = before.map_or(Ok(0), |(label_id, _)| labels::revision(conn, label_id))? + 1;
        if revision > MAX_REVISIONS {
            let reason = format!("this answer was given {MAX_REVISIONS} times: it stays as it is now");
            return Ok((Err(refusal(RefusalCode::TooLate, "lease_id", reason)), false));
        }
        let hash = body_hash(one.label);
        let entry = LogEntry {
            id: one.label.id,
            body_hash: &hash,
            tile: lease.tile,
            campaign_id: lease.campaign_id,
            volunteer_id: self.volunteer,
            lease_id: lease.id,
            revision,
            answer,
            window: one.label.window,
            seconds: one.label.seconds,
            client: self.client,
            leased_at: lease.granted_at,
            received_at: self.now,
            status: LabelStatus::Revised,
            tile_state: TileState::Open,
            last_scene: shown.last,
        };
        let accepted = match before.filter(|_| !looks_again) {
            // A later answer takes the place of the earlier one, counted or not.
            Some((_, counted)) => self.write(conn, entry, row, current, (counted, shown))?,
            None => self.add(conn, entry, row, current, (lease, shown))?,
        };
        let text = one.label.note.as_deref().unwrap_or_default().trim();
        if !text.is_empty() || one.label.flagged {
            let note = NewNote {
                id: one.label.id,
                tile: lease.tile,
                campaign_id: lease.campaign_id,
                volunteer_id: self.volunteer,
                label_id: Some(one.label.id),
                flagged: one.label.flagged,
                text,
            };
            notes::insert(conn, &note, self.now)?;
        }
        Ok((Ok(accepted), revision == 1))
    }

    /// Checks everything that does not depend on the tile's state; the answer's place on the scale.
    fn check(&self, conn: &mut Conn, label: &NewLabel) -> Result<Result<u8, Refusal>, Error> {
        let invalid = |field: &str, reason: String| Ok(Err(refusal(RefusalCode::Invalid, field, reason)));
        let scale = &self.rules.campaign.scale;
        let Some(answer) = scale.place_of(&label.answer) else {
            let keys: Vec<&str> = scale.answers.iter().map(|answer| answer.key.as_str()).collect();
            return invalid(
                "answer",
                format!("`{}` is not an answer of this campaign: use one of {}", label.answer, keys.join(", ")),
            );
        };
        if let Some(Err(reason)) = label.note.as_deref().map(check_note) {
            return invalid("note", reason);
        }
        if label.seconds.is_some_and(|seconds| !(0.0..=86_400.0).contains(&seconds)) {
            return invalid("seconds", "the time spent lies between 0 and 86400 seconds".into());
        }
        match label.window {
            Some(window) => Ok(self.check_window(conn, window)?.map(|()| answer)),
            None => Ok(Ok(answer)),
        }
    }

    /// A window names scenes of the campaign, the intact one before the damaged one. One that was withdrawn since the tile
    /// was handed out is no fault of the volunteer's: the answer is kept, and the window dates nothing.
    fn check_window(&self, conn: &mut Conn, window: Window) -> Result<Result<(), Refusal>, Error> {
        let scenes = scenes::all_ids_by_date(conn, self.rules.campaign.id)?;
        let checked = window.check(self.rules.campaign.kind, &scenes);
        Ok(checked.map_err(|reason| refusal(RefusalCode::Invalid, "window", reason)))
    }

    fn too_late(&self, row: &QueueRow) -> bool {
        let tile_closed = row.closed_at.filter(|_| !row.gold);
        let closed = tile_closed.into_iter().chain(self.rules.campaign.closed_at).min();
        closed.is_some_and(|at| self.now - at > CHANGE_MS)
    }

    /// The first answer of this volunteer for the tile: it takes the place that its lease held, or a free one.
    fn add(
        &self,
        conn: &mut Conn,
        entry: LogEntry<'_>,
        mut row: QueueRow,
        current: Vec<CurrentLabel>,
        (lease, shown): (&LeaseRow, Shown),
    ) -> Result<Accepted, Error> {
        let held = self.end_lease(conn, lease)?;
        if held && !row.gold {
            row.leased = row.leased.saturating_sub(1);
        }
        let running = matches!(self.rules.campaign.state, CampaignState::Open | CampaignState::Paused);
        // Everybody skipped it, but here is somebody who did not: the tile goes on.
        let goes_on = !row.gold && row.state == TileState::Contested && row.counted == 0;
        let place =
            if held { !row.gold && row.state == TileState::Open && row.counted < row.maximum } else { row.has_place() };
        let counted = running && !self.is_excluded && !row.withdrawn && (place || goes_on);
        let is_gold = row.gold && running && !self.is_excluded && !row.withdrawn;
        let status = if counted || is_gold { LabelStatus::Stored } else { LabelStatus::Surplus };
        self.write(conn, LogEntry { status, ..entry }, row, current, (counted, shown))
    }

    /// Ends the volunteer's lease on the tile, the one that was answered or a later one; whether there was any.
    fn end_lease(&self, conn: &mut Conn, lease: &LeaseRow) -> Result<bool, Error> {
        if lease.ended_at.is_none() && leases::end(conn, lease.id, "labelled", self.now)? {
            return Ok(true);
        }
        match leases::open_on(conn, lease.tile, self.volunteer)? {
            Some(later) => Ok(leases::end(conn, later.id, "labelled", self.now)?),
            None => Ok(false),
        }
    }

    /// Logs the answer with what its author is told, makes it current and moves the tile on.
    fn write(
        &self,
        conn: &mut Conn,
        entry: LogEntry<'_>,
        row: QueueRow,
        mut current: Vec<CurrentLabel>,
        (counted, shown): (bool, Shown),
    ) -> Result<Accepted, Error> {
        // What does not count moves nothing, so the state is that of afterwards too.
        let tile_state = told_state(entry.status, &row);
        let entry = LogEntry { tile_state, ..entry };
        let accepted = Accepted { status: entry.status, tile_state };
        let mine = current.iter().find(|label| label.volunteer_id == self.volunteer).cloned();
        let was_counted = mine.as_ref().is_some_and(|label| label.counted);
        let stands = view::stands(mine.as_ref(), (counted && !self.is_excluded, self.is_excluded), shown, self.now);
        let counted = stands.counted;
        labels::append(conn, &entry)?;
        labels::make_current(conn, &entry, stands)?;
        if counted || was_counted {
            self.replace(&mut current, &entry, stands);
            tile_consensus::follow_labels(conn, &self.rules, row, current, None, self.now)?;
        } else if !row.gold {
            // The place that the lease held may be what an earlier surplus label waits for.
            current.retain(|label| !label.excluded && label.volunteer_id != self.volunteer);
            if row.has_place() && current.iter().any(CurrentLabel::waits) {
                tile_consensus::follow(conn, &self.rules, row, None, self.now)?;
            } else {
                queue::save(conn, &row)?;
            }
        }
        Ok(accepted)
    }

    /// Brings the answers of a tile up to date, as they would be read again.
    fn replace(&self, current: &mut Vec<CurrentLabel>, entry: &LogEntry<'_>, stands: Stands) {
        current.retain(|label| label.volunteer_id != self.volunteer);
        current.push(CurrentLabel {
            volunteer_id: self.volunteer,
            answer: entry.answer,
            window: entry.window,
            counted: stands.counted,
            excluded: stands.excluded,
            label_id: entry.id,
            first_received_at: stands.first_received_at,
            censored: stands.censored,
        });
        current.retain(|label| !label.excluded);
        current.sort_by_key(|label| (label.first_received_at, label.label_id));
    }
}

/// What an author is told of the tile: that an answer came when no more was needed, else that the tile is open.
///
/// A state that followed from the answer would give away what others said to whoever tries one answer after another,
/// and check gold by never closing. Ten minutes later the state is there for everybody to see.
fn told_state(status: LabelStatus, row: &QueueRow) -> TileState {
    if status == LabelStatus::Surplus && !row.gold { row.state } else { TileState::Open }
}

fn never_leased() -> Refusal {
    refusal(RefusalCode::NeverLeased, "lease_id", "this tile was never handed to you: ask for tiles and answer those")
}

fn refusal(code: RefusalCode, field: &str, reason: impl Into<String>) -> Refusal {
    Refusal { code, field: Some(field.into()), reason: reason.into() }
}

/// SHA-256 of everything a label says, its id left out.
fn body_hash(label: &NewLabel) -> Vec<u8> {
    let window = label.window.map(|window| (window.last_intact, window.first_damaged));
    let body = serde_json::json!([label.lease_id, label.answer, window, label.note, label.seconds, label.flagged]);
    Sha256::digest(body.to_string()).to_vec()
}
