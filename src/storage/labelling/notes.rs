//! Notes: volunteers' remarks on tiles, with or without a label, some of them flagged for the coordinator.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use uuid::Uuid;

use crate::storage::Conn;
use crate::storage::campaigns::broken;
use crate::storage::schema::{current_labels, exclusions, notes, tiles};

/// The exclusion in force on the author of a note: what excluded people remark is kept, is shown to nobody, and comes back
/// with them.
macro_rules! by_excluded {
    () => {
        exclusions::table
            .filter(exclusions::campaign_id.eq(notes::campaign_id))
            .filter(exclusions::volunteer_id.eq(notes::volunteer_id))
            .filter(exclusions::kind.eq("excluded"))
            .filter(exclusions::lifted_at.is_null())
    };
}
pub(crate) use by_excluded;

/// A note to be stored.
pub struct NewNote<'a> {
    /// The client's id; that of the label it came with, if it came with one.
    pub id: Uuid,
    /// Database id of the tile.
    pub tile: i64,
    /// Its campaign.
    pub campaign_id: i64,
    /// The author.
    pub volunteer_id: i64,
    /// The label it came with.
    pub label_id: Option<Uuid>,
    /// Whether it asks for the coordinator's attention.
    pub flagged: bool,
    /// The remark; may be empty where it is flagged.
    pub text: &'a str,
}

/// A note as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its id.
    pub id: Uuid,
    /// Database id of the tile.
    pub tile: i64,
    /// The campaign.
    pub campaign_id: i64,
    /// The author.
    pub volunteer_id: i64,
    /// Whether it asks for the coordinator's attention.
    pub flagged: bool,
    /// The remark.
    pub text: String,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When somebody saw to it; `None`: not yet.
    pub resolved_at: Option<i64>,
    /// The author's present answer for the tile, as a place on the scale.
    pub answer: Option<u8>,
}

/// Which notes of a campaign are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Only those flagged, or only the others.
    pub flagged: Option<bool>,
    /// Only those that nobody saw to yet, or only the others.
    pub open: Option<bool>,
    /// Only those older than this one, by time and id.
    pub before: Option<(i64, Uuid)>,
    /// At most so many.
    pub limit: i64,
}

type Columns = (Vec<u8>, i64, i64, i64, bool, String, i64, Option<i64>, Option<i16>);

macro_rules! columns {
    () => {
        (
            notes::id,
            notes::tile,
            notes::campaign_id,
            notes::volunteer_id,
            notes::flagged,
            notes::text,
            notes::created_at,
            notes::resolved_at,
            current_labels::answer.nullable(),
        )
    };
}

fn note(row: Columns) -> QueryResult<Note> {
    let (id, tile, campaign_id, volunteer_id, flagged, text, created_at, resolved_at, answer) = row;
    let id = Uuid::from_slice(&id).map_err(|error| broken(error.to_string()))?;
    let answer = answer.and_then(|answer| u8::try_from(answer).ok());
    Ok(Note { id, tile, campaign_id, volunteer_id, flagged, text, created_at, resolved_at, answer })
}

/// Stores a note.
pub fn insert(conn: &mut Conn, new: &NewNote<'_>, now: i64) -> QueryResult<()> {
    diesel::insert_into(notes::table)
        .values((
            notes::id.eq(new.id.as_bytes().to_vec()),
            notes::tile.eq(new.tile),
            notes::campaign_id.eq(new.campaign_id),
            notes::volunteer_id.eq(new.volunteer_id),
            notes::label_id.eq(new.label_id.map(|id| id.as_bytes().to_vec())),
            notes::flagged.eq(new.flagged),
            notes::text.eq(new.text),
            notes::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// The note of that id.
pub fn find(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Note>> {
    let author = current_labels::tile.eq(notes::tile).and(current_labels::volunteer_id.eq(notes::volunteer_id));
    let row = notes::table
        .left_join(current_labels::table.on(author))
        .filter(notes::id.eq(id.as_bytes().to_vec()))
        .select(columns!())
        .first::<Columns>(conn)
        .optional()?;
    row.map(note).transpose()
}

/// Notes that one volunteer has left on one tile.
pub fn count_of(conn: &mut Conn, tile: i64, volunteer_id: i64) -> QueryResult<i64> {
    let of_tile = notes::table.filter(notes::tile.eq(tile));
    of_tile.filter(notes::volunteer_id.eq(volunteer_id)).count().get_result(conn)
}

/// Notes of a campaign, newest first, without those of people who are excluded. Empty ones that are not flagged any more (their author left) are left out.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64, wanted: Wanted) -> QueryResult<Vec<Note>> {
    let author = current_labels::tile.eq(notes::tile).and(current_labels::volunteer_id.eq(notes::volunteer_id));
    let mut query = notes::table
        .left_join(current_labels::table.on(author))
        .filter(notes::campaign_id.eq(campaign_id))
        .filter(notes::flagged.or(notes::text.ne("")))
        .filter(not(exists(by_excluded!())))
        .order((notes::created_at.desc(), notes::id.desc()))
        .limit(wanted.limit)
        .select(columns!())
        .into_boxed();
    if let Some(flagged) = wanted.flagged {
        query = query.filter(notes::flagged.eq(flagged));
    }
    match wanted.open {
        Some(true) => query = query.filter(notes::resolved_at.is_null()),
        Some(false) => query = query.filter(notes::resolved_at.is_not_null()),
        None => {}
    }
    if let Some((created_at, id)) = wanted.before {
        let same_moment = notes::created_at.eq(created_at).and(notes::id.lt(id.as_bytes().to_vec()));
        query = query.filter(notes::created_at.lt(created_at).or(same_moment));
    }
    query.load::<Columns>(conn)?.into_iter().map(note).collect()
}

/// Marks a note as seen to. Whoever was first stays.
pub fn resolve(conn: &mut Conn, id: Uuid, by: Option<i64>, now: i64) -> QueryResult<()> {
    let open = notes::table.find(id.as_bytes().to_vec()).filter(notes::resolved_at.is_null());
    diesel::update(open).set((notes::resolved_by.eq(by), notes::resolved_at.eq(now))).execute(conn).map(drop)
}

/// Marks all flags of a tile as seen to by whoever decided about it.
pub fn resolve_flags(conn: &mut Conn, tile: i64, by: i64, now: i64) -> QueryResult<()> {
    let open = notes::table.filter(notes::tile.eq(tile)).filter(notes::flagged).filter(notes::resolved_at.is_null());
    diesel::update(open).set((notes::resolved_by.eq(by), notes::resolved_at.eq(now))).execute(conn).map(drop)
}

/// Flags that somebody saw to at that moment wait again.
pub fn raise_flags(conn: &mut Conn, tile: i64, by: i64, at: i64) -> QueryResult<()> {
    let seen =
        notes::table.filter(notes::tile.eq(tile)).filter(notes::resolved_by.eq(by)).filter(notes::resolved_at.eq(at));
    let waits = (notes::resolved_by.eq(None::<i64>), notes::resolved_at.eq(None::<i64>));
    diesel::update(seen).set(waits).execute(conn).map(drop)
}

/// Notes on a tile, oldest first, without those of people who are excluded. Empty ones that are not flagged are left out.
pub fn of_tile(conn: &mut Conn, tile: i64) -> QueryResult<Vec<Note>> {
    let author = current_labels::tile.eq(notes::tile).and(current_labels::volunteer_id.eq(notes::volunteer_id));
    let rows = notes::table
        .left_join(current_labels::table.on(author))
        .filter(notes::tile.eq(tile))
        .filter(notes::flagged.or(notes::text.ne("")))
        .filter(not(exists(by_excluded!())))
        .order((notes::created_at, notes::id))
        .select(columns!())
        .load::<Columns>(conn)?;
    rows.into_iter().map(note).collect()
}

/// Removes the words of everything that a volunteer remarked.
pub fn forget_texts(conn: &mut Conn, volunteer_id: i64) -> QueryResult<()> {
    let mine = notes::table.filter(notes::volunteer_id.eq(volunteer_id));
    diesel::update(mine).set(notes::text.eq("")).execute(conn).map(drop)
}

/// Everything that a volunteer remarked, oldest first: campaign, public id of the tile, note.
pub fn of_volunteer(conn: &mut Conn, volunteer_id: i64) -> QueryResult<Vec<(i64, String, Note)>> {
    let author = current_labels::tile.eq(notes::tile).and(current_labels::volunteer_id.eq(notes::volunteer_id));
    let rows = notes::table
        .inner_join(tiles::table)
        .left_join(current_labels::table.on(author))
        .filter(notes::volunteer_id.eq(volunteer_id))
        .order((notes::created_at, notes::id))
        .select((tiles::tile_id, columns!()))
        .load::<(String, Columns)>(conn)?;
    rows.into_iter().map(|(tile_id, row)| note(row).map(|note| (note.campaign_id, tile_id, note))).collect()
}
