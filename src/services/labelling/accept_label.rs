//! What becomes of one label: checked, logged, made current, and its tile moved on.

use sha2::{Digest, Sha256};

use super::tile_consensus::{self, Rules};
use crate::domain::campaign::CampaignState;
use crate::domain::consensus::TileState;
use crate::domain::label::{LabelStatus, MAX_REVISIONS, NewLabel, Refusal, RefusalCode, Window, check_note};
use crate::services::Error;
use crate::services::scenes::later_scene::view;
use crate::storage::labelling::labels::{CurrentLabel, LogEntry, Stands};
use crate::storage::labelling::leases::LeaseRow;
use crate::storage::labelling::notes::NewNote;
use crate::storage::labelling::queue::QueueRow;
use crate::storage::labelling::{labels, leases, notes, queue};
use crate::storage::scenes::later_scenes::Shown;
use crate::storage::{Conn, scenes};

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

/// What became of one label.
pub type Outcome = Result<Accepted, Refusal>;

/// A label on its way in, with the lease it answers.
pub(super) struct Incoming<'a> {
    /// Its place in the submission.
    pub(super) place: usize,
    pub(super) label: &'a NewLabel,
    pub(super) lease: Option<LeaseRow>,
}

impl Incoming<'_> {
    /// The campaign of its lease.
    pub(super) fn campaign(&self) -> Option<i64> {
        self.lease.as_ref().map(|lease| lease.campaign_id)
    }
}

/// Whose labels are taken in, by which rules, and when.
pub(super) struct Author<'a> {
    pub(super) rules: Rules,
    pub(super) volunteer: i64,
    /// What they send is kept, and counts for nothing.
    pub(super) is_excluded: bool,
    pub(super) client: Option<&'a str>,
    pub(super) now: i64,
}

impl Author<'_> {
    /// Stores one label that was never seen before, or says why not; and whether it is its author's first for the tile.
    pub(super) fn accept(&self, conn: &mut Conn, one: &Incoming<'_>) -> Result<(Outcome, bool), Error> {
        let Some(lease) = &one.lease else { return Ok((Err(never_leased()), false)) };
        let answer = match self.check(conn, one.label)? {
            Ok(answer) => answer,
            Err(refusal) => return Ok((Err(refusal), false)),
        };
        let row = queue::lock(conn, lease.tile)?;
        let current = labels::all_of_tile(conn, lease.tile)?;
        let shown = view::shown(conn, &self.rules, lease)?;
        let mine = current.iter().find(|label| label.volunteer_id == self.volunteer);
        // A later scene came and they were given the tile again: an answer to another question, and no change of the old.
        let looks_again = mine.is_some_and(|label| label.censored.is_some()) && !shown.is_outdated;
        // A later answer takes the place of the earlier one, counted or not.
        let changes = mine.filter(|_| !looks_again).map(|label| label.counted);
        let revision = match self.revision(conn, mine, changes.is_some() && self.too_late(&row))? {
            Ok(revision) => revision,
            Err(refusal) => return Ok((Err(refusal), false)),
        };
        let hash = body_hash(one.label);
        let entry = self.entry(one.label, lease, (&hash, answer, revision, shown.last));
        let accepted = match changes {
            Some(counted) => self.write(conn, entry, row, current, (counted, shown))?,
            None => self.add(conn, entry, row, current, (lease, shown))?,
        };
        self.keep_note(conn, one.label, lease)?;
        Ok((Ok(accepted), revision == 1))
    }

    /// The how manieth answer of this volunteer for the tile it is, 1 the first; refused where no more are taken.
    fn revision(
        &self,
        conn: &mut Conn,
        mine: Option<&CurrentLabel>,
        too_late: bool,
    ) -> Result<Result<u32, Refusal>, Error> {
        let refused = |reason: String| Ok(Err(refusal(RefusalCode::TooLate, "lease_id", reason)));
        if too_late {
            let reason = "this tile closed more than ten minutes ago, so its answers can no longer be changed";
            return refused(reason.into());
        }
        let revision = mine.map_or(Ok(0), |label| labels::revision(conn, label.label_id))? + 1;
        if revision > MAX_REVISIONS {
            return refused(format!("this answer was given {MAX_REVISIONS} times: it stays as it is now"));
        }
        Ok(Ok(revision))
    }

    /// The line of the log for a label, as long as nothing is known of what becomes of it.
    fn entry<'a>(
        &'a self,
        label: &NewLabel,
        lease: &LeaseRow,
        (body_hash, answer, revision, last_scene): (&'a [u8], u8, u32, Option<i64>),
    ) -> LogEntry<'a> {
        LogEntry {
            id: label.id,
            body_hash,
            tile: lease.tile,
            campaign_id: lease.campaign_id,
            volunteer_id: self.volunteer,
            lease_id: lease.id,
            revision,
            answer,
            window: label.window,
            seconds: label.seconds,
            client: self.client,
            leased_at: lease.granted_at,
            received_at: self.now,
            status: LabelStatus::Revised,
            tile_state: TileState::Open,
            last_scene,
        }
    }

    /// Keeps what was written beside the answer, and that it was flagged.
    fn keep_note(&self, conn: &mut Conn, label: &NewLabel, lease: &LeaseRow) -> Result<(), Error> {
        let text = label.note.as_deref().unwrap_or_default().trim();
        if text.is_empty() && !label.flagged {
            return Ok(());
        }
        let note = NewNote {
            id: label.id,
            tile: lease.tile,
            campaign_id: lease.campaign_id,
            volunteer_id: self.volunteer,
            label_id: Some(label.id),
            flagged: label.flagged,
            text,
        };
        Ok(notes::insert(conn, &note, self.now)?)
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
            Some(window) => Ok(self.check_window(conn, window, answer)?.map(|()| answer)),
            None => Ok(Ok(answer)),
        }
    }

    /// A window names scenes of the campaign, the intact one before the damaged one, and fits its answer. A scene that was
    /// withdrawn since the tile was handed out is no fault of the volunteer's: the answer is kept, and the window dates nothing.
    fn check_window(&self, conn: &mut Conn, window: Window, answer: u8) -> Result<Result<(), Refusal>, Error> {
        let campaign = &self.rules.campaign;
        let scenes = scenes::all_ids_by_date(conn, campaign.id)?;
        let checked = window.check(campaign.kind, &scenes, (&campaign.scale, answer));
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

pub(super) fn never_leased() -> Refusal {
    refusal(RefusalCode::NeverLeased, "lease_id", "this tile was never handed to you: ask for tiles and answer those")
}

pub(super) fn refusal(code: RefusalCode, field: &str, reason: impl Into<String>) -> Refusal {
    Refusal { code, field: Some(field.into()), reason: reason.into() }
}

/// SHA-256 of everything a label says, its id left out.
pub(super) fn body_hash(label: &NewLabel) -> Vec<u8> {
    let window = label.window.map(|window| (window.last_intact, window.first_damaged));
    let body = serde_json::json!([label.lease_id, label.answer, window, label.note, label.seconds, label.flagged]);
    Sha256::digest(body.to_string()).to_vec()
}
