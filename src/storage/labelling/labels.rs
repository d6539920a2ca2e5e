//! The label log, and the current answer of each volunteer for each tile.

use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::consensus::TileState;
use crate::domain::label::{Censored, LabelStatus, Window};
use crate::storage::campaigns::{broken, word};
use crate::storage::schema::{current_labels, labels, skills};
use crate::storage::{Conn, each_backend};

/// A log entry to be written.
pub struct LogEntry<'a> {
    /// The client's id.
    pub id: Uuid,
    /// SHA-256 of what was sent.
    pub body_hash: &'a [u8],
    /// Database id of the tile.
    pub tile: i64,
    /// Its campaign.
    pub campaign_id: i64,
    /// The author.
    pub volunteer_id: i64,
    /// The lease it answers.
    pub lease_id: i64,
    /// 1 for the first answer of this volunteer for this tile.
    pub revision: u32,
    /// Place of the answer on the scale.
    pub answer: u8,
    /// The date window; `None`: not asked, or cannot say.
    pub window: Option<Window>,
    /// Time spent, by the client's clock.
    pub seconds: Option<f64>,
    /// Name and version of the client program, if it gave one.
    pub client: Option<&'a str>,
    /// When the lease was granted.
    pub leased_at: i64,
    /// When the label arrived.
    pub received_at: i64,
    /// What became of it.
    pub status: LabelStatus,
    /// The tile's state as its author is told.
    pub tile_state: TileState,
    /// Timelines: the last scene that the author was shown of the tile.
    pub last_scene: Option<i64>,
}

/// What is known of a label id that was seen before.
pub struct Logged {
    /// The author.
    pub volunteer_id: i64,
    /// SHA-256 of what was sent then.
    pub body_hash: Vec<u8>,
    /// What became of it.
    pub status: LabelStatus,
    /// The tile's state as its author was told.
    pub tile_state: TileState,
}

/// The current answer of one volunteer for one tile.
#[derive(Debug, Clone, PartialEq)]
pub struct CurrentLabel {
    /// The author.
    pub volunteer_id: i64,
    /// Place of the answer on the scale.
    pub answer: u8,
    /// The date window; `None`: not asked, or cannot say.
    pub window: Option<Window>,
    /// Whether it takes part in the consensus.
    pub counted: bool,
    /// Whether its author was excluded: then it never counts.
    pub excluded: bool,
    /// Log entry of the answer.
    pub label_id: Uuid,
    /// When the author's first answer for the tile arrived: the order in which free places are filled. Of one who looked
    /// again after a later scene came, the first answer after that.
    pub first_received_at: i64,
    /// What it was until a later scene came that its author had not seen; `None`: it speaks of all scenes of its tile.
    pub censored: Option<Censored>,
}

impl CurrentLabel {
    /// Whether it waits for a free place.
    pub fn waits(&self) -> bool {
        !self.counted && !self.excluded && self.censored.is_none()
    }

    /// Whether its date window takes part in the consensus.
    pub fn dates(&self) -> bool {
        self.counted || (self.censored == Some(Censored::Counted) && !self.excluded)
    }
}

/// How a label stands among those of its tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stands {
    /// Whether it takes part in the consensus.
    pub counted: bool,
    /// Whether its author was excluded.
    pub excluded: bool,
    /// What it would be, had its author seen the tile's last scene.
    pub censored: Option<Censored>,
    /// See [`CurrentLabel::first_received_at`].
    pub first_received_at: i64,
}

/// The log entry of that id.
pub fn logged(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Logged>> {
    let query = labels::table.find(id.as_bytes().as_slice()).select((
        labels::volunteer_id,
        labels::body_hash,
        labels::status,
        labels::tile_state,
    ));
    let row: Option<(i64, Vec<u8>, String, String)> = each_backend!(conn, inner => query.first(inner)).optional()?;
    row.map(|(volunteer_id, body_hash, status, tile_state)| {
        Ok(Logged { volunteer_id, body_hash, status: word(&status)?, tile_state: word(&tile_state)? })
    })
    .transpose()
}

/// Adds an entry to the log.
pub fn append(conn: &mut Conn, entry: &LogEntry<'_>) -> QueryResult<()> {
    let row = (
        labels::id.eq(entry.id.as_bytes().as_slice()),
        labels::body_hash.eq(entry.body_hash),
        labels::tile.eq(entry.tile),
        labels::campaign_id.eq(entry.campaign_id),
        labels::volunteer_id.eq(entry.volunteer_id),
        labels::lease_id.eq(entry.lease_id),
        labels::revision.eq(entry.revision as i16),
        labels::answer.eq(i16::from(entry.answer)),
        labels::window_given.eq(entry.window.is_some()),
        labels::last_intact.eq(entry.window.and_then(|window| window.last_intact)),
        labels::first_damaged.eq(entry.window.and_then(|window| window.first_damaged)),
        labels::seconds.eq(entry.seconds),
        labels::client.eq(entry.client),
        labels::leased_at.eq(entry.leased_at),
        labels::received_at.eq(entry.received_at),
        labels::status.eq(entry.status.key()),
        labels::tile_state.eq(entry.tile_state.key()),
        labels::last_scene.eq(entry.last_scene),
    );
    each_backend!(conn, inner => diesel::insert_into(labels::table).values(row).execute(inner))?;
    Ok(())
}

/// How often an author had answered when this entry was written.
pub fn revision(conn: &mut Conn, label_id: Uuid) -> QueryResult<u32> {
    let revision = labels::table.find(label_id.as_bytes().to_vec()).select(labels::revision).first::<i16>(conn)?;
    Ok(u32::from(revision.unsigned_abs()))
}

/// Makes a log entry the current answer of its author. The tile's queue row must be locked.
///
/// The entry must be in the log before: else SQLite, whose foreign key waits for it until the commit, looks for its
/// children through the whole table when it comes.
pub fn make_current(conn: &mut Conn, entry: &LogEntry<'_>, stands: Stands) -> QueryResult<()> {
    let answer = (
        current_labels::label_id.eq(entry.id.as_bytes().as_slice()),
        current_labels::answer.eq(i16::from(entry.answer)),
        current_labels::window_given.eq(entry.window.is_some()),
        current_labels::last_intact.eq(entry.window.and_then(|window| window.last_intact)),
        current_labels::first_damaged.eq(entry.window.and_then(|window| window.first_damaged)),
        current_labels::counted.eq(stands.counted),
        current_labels::excluded.eq(stands.excluded),
        current_labels::censored.eq(stands.censored.map(Censored::key)),
        current_labels::first_received_at.eq(stands.first_received_at),
    );
    if entry.revision > 1 {
        diesel::update(current_labels::table.find((entry.tile, entry.volunteer_id))).set(answer).execute(conn)?;
    } else {
        let key = (
            current_labels::tile.eq(entry.tile),
            current_labels::volunteer_id.eq(entry.volunteer_id),
            current_labels::campaign_id.eq(entry.campaign_id),
        );
        each_backend!(conn, inner => {
            diesel::insert_into(current_labels::table).values((key, answer)).execute(inner)
        })?;
    }
    Ok(())
}

/// The current answers for a tile, excluded volunteers' left out, in the order in which they first arrived.
pub fn current_of_tile(conn: &mut Conn, tile: i64) -> QueryResult<Vec<CurrentLabel>> {
    let mut current = all_of_tile(conn, tile)?;
    current.retain(|label| !label.excluded);
    Ok(current)
}

/// The same with excluded volunteers' answers.
pub fn all_of_tile(conn: &mut Conn, tile: i64) -> QueryResult<Vec<CurrentLabel>> {
    type Columns = (i64, i16, bool, bool, Option<i64>, Option<i64>, bool, Vec<u8>, i64, Option<String>);
    let query = current_labels::table
        .filter(current_labels::tile.eq(tile))
        .order((current_labels::first_received_at, current_labels::label_id))
        .select((
            current_labels::volunteer_id,
            current_labels::answer,
            current_labels::counted,
            current_labels::window_given,
            current_labels::last_intact,
            current_labels::first_damaged,
            current_labels::excluded,
            current_labels::label_id,
            current_labels::first_received_at,
            current_labels::censored,
        ));
    let rows: Vec<Columns> = each_backend!(conn, inner => query.load(inner))?;
    rows.into_iter()
        .map(|(volunteer_id, answer, counted, window_given, last_intact, first_damaged, excluded, id, at, censored)| {
            let answer = u8::try_from(answer).map_err(|_| broken(format!("answer {answer}")))?;
            let window = window_given.then_some(Window { last_intact, first_damaged });
            let label_id = Uuid::from_slice(&id).map_err(|_| broken("a label id".into()))?;
            let (first_received_at, censored) = (at, censored.map(|text| word(&text)).transpose()?);
            Ok(CurrentLabel { volunteer_id, answer, window, counted, excluded, label_id, first_received_at, censored })
        })
        .collect()
}

/// When these entries of the log arrived; milliseconds since 1970, UTC.
pub fn received_at(conn: &mut Conn, ids: &[Uuid]) -> QueryResult<HashMap<Uuid, i64>> {
    let ids: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
    let rows: Vec<(Vec<u8>, i64)> =
        labels::table.filter(labels::id.eq_any(ids)).select((labels::id, labels::received_at)).load(conn)?;
    let named = |(id, at): (Vec<u8>, i64)| Ok((Uuid::from_slice(&id).map_err(|_| broken("a label id".into()))?, at));
    rows.into_iter().map(named).collect()
}

/// Whether a tile has a label that waits for a free place.
pub fn any_surplus(conn: &mut Conn, tile: i64) -> QueryResult<bool> {
    let waiting = current_labels::table
        .filter(current_labels::tile.eq(tile))
        .filter(diesel::dsl::not(current_labels::counted))
        .filter(diesel::dsl::not(current_labels::excluded))
        .filter(current_labels::censored.is_null())
        .count()
        .get_result::<i64>(conn)?;
    Ok(waiting > 0)
}

/// Lets a surplus label count, because its tile has a free place again.
pub fn count(conn: &mut Conn, tile: i64, volunteer_id: i64) -> QueryResult<()> {
    diesel::update(current_labels::table.find((tile, volunteer_id)))
        .set(current_labels::counted.eq(true))
        .execute(conn)?;
    Ok(())
}

/// Takes all labels of a tile out of its consensus, because it became gold.
pub fn uncount(conn: &mut Conn, tile: i64) -> QueryResult<()> {
    let counted = current_labels::table.filter(current_labels::tile.eq(tile)).filter(current_labels::counted);
    diesel::update(counted).set(current_labels::counted.eq(false)).execute(conn).map(drop)
}

/// A volunteer's skills in one model: who, encoded tables, chance of a wrong window, share of those too late.
pub type SkillRow = (i64, Vec<u8>, Option<f64>, Option<f64>);

/// The skills of these volunteers in one model; who is missing is unknown to it.
pub fn skills_of(conn: &mut Conn, campaign_id: i64, model: u32, volunteers: &[i64]) -> QueryResult<Vec<SkillRow>> {
    skills::table
        .filter(skills::campaign_id.eq(campaign_id))
        .filter(skills::model.eq(model as i32))
        .filter(skills::volunteer_id.eq_any(volunteers.to_vec()))
        .select((skills::volunteer_id, skills::tables, skills::window_wrong, skills::window_late))
        .load(conn)
}

/// Seconds that the newest labels took, of those that say so. Label ids begin with their time, so the key finds them.
pub fn newest_seconds(conn: &mut Conn, most: i64) -> QueryResult<Vec<f64>> {
    let rows: Vec<Option<f64>> =
        labels::table.order(labels::id.desc()).limit(most).select(labels::seconds).load(conn)?;
    Ok(rows.into_iter().flatten().collect())
}
