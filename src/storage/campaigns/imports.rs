//! Campaigns brought in from another system: which, and their rows many at a time.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use uuid::Uuid;

use super::broken;
use crate::storage::labelling::labels::LogEntry;
use crate::storage::schema::{campaigns, current_labels, imports, labels, queue, skills, volunteers};
use crate::storage::{Conn, each_backend};

/// Rows of one statement: few enough for the values that SQLite takes.
const ROWS: usize = 500;

/// What is known of an import.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct ImportRow {
    /// The system: `mapswipe` or `labels`.
    pub source: String,
    /// The meaning of the answers, JSON.
    pub settings: String,
    /// When it first began; milliseconds since 1970, UTC.
    pub started_at: i64,
    /// When it was complete; `None`: it is under way, or was stopped midway.
    pub finished_at: Option<i64>,
}

/// A log entry that is there already.
pub struct Known {
    /// Its id.
    pub id: Uuid,
    /// Database id of the tile.
    pub tile: i64,
    /// The author.
    pub volunteer_id: i64,
    /// Its number among the author's answers for the tile.
    pub revision: u32,
    /// When it was given; milliseconds since 1970, UTC.
    pub received_at: i64,
}

/// A volunteer as the model in use sees them.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub struct SkillRow {
    /// The volunteer.
    pub volunteer_id: i64,
    /// Weight of their answers, 0 to 1.
    pub weight: f64,
    /// Share of right answers, as estimated.
    pub accuracy: f64,
    /// Labels that took part.
    pub labels: i32,
    /// Why their answers weigh nothing.
    pub quarantine: Option<String>,
}

/// The import that a campaign is; `None` for a campaign of our own.
pub fn find(conn: &mut Conn, campaign_id: i64) -> QueryResult<Option<ImportRow>> {
    imports::table
        .find(campaign_id)
        .select((imports::source, imports::settings, imports::started_at, imports::finished_at))
        .first(conn)
        .optional()
}

/// Says that a campaign is an import, which begins now.
pub fn insert(conn: &mut Conn, campaign_id: i64, source: &str, settings: &str, now: i64) -> QueryResult<()> {
    let row = (
        imports::campaign_id.eq(campaign_id),
        imports::source.eq(source),
        imports::settings.eq(settings),
        imports::started_at.eq(now),
    );
    diesel::insert_into(imports::table).values(row).execute(conn).map(drop)
}

/// Says when an import was complete, or that it is under way again.
pub fn set_finished(conn: &mut Conn, campaign_id: i64, at: Option<i64>) -> QueryResult<()> {
    diesel::update(imports::table.find(campaign_id)).set(imports::finished_at.eq(at)).execute(conn).map(drop)
}

/// Adds those of the volunteers who are not there: nobody can sign in as one of them. Returns how many were new.
pub fn add_volunteers(conn: &mut Conn, ids: &[i64], now: i64) -> QueryResult<usize> {
    let known = volunteers::table.filter(volunteers::id.eq_any(ids.to_vec()));
    let known: std::collections::HashSet<i64> = known.select(volunteers::id).load(conn)?.into_iter().collect();
    let rows: Vec<_> = ids
        .iter()
        .filter(|id| !known.contains(id))
        .map(|id| {
            (
                volunteers::id.eq(*id),
                volunteers::admin.eq(false),
                volunteers::had_account.eq(false),
                volunteers::imported.eq(true),
                volunteers::created_at.eq(now),
            )
        })
        .collect();
    for chunk in rows.chunks(ROWS) {
        let chunk = chunk.to_vec();
        each_backend!(conn, inner => diesel::insert_into(volunteers::table).values(&chunk).execute(inner))?;
    }
    Ok(rows.len())
}

/// The log entries of these tiles.
pub fn known_labels(conn: &mut Conn, tiles: &[i64]) -> QueryResult<Vec<Known>> {
    type Columns = (Vec<u8>, i64, i64, i16, i64);
    let mut found = Vec::new();
    for chunk in tiles.chunks(ROWS) {
        let rows = labels::table
            .filter(labels::tile.eq_any(chunk.to_vec()))
            .select((labels::id, labels::tile, labels::volunteer_id, labels::revision, labels::received_at))
            .load::<Columns>(conn)?;
        for (id, tile, volunteer_id, revision, received_at) in rows {
            let id = Uuid::from_slice(&id).map_err(|_| broken("a label id".into()))?;
            found.push(Known { id, tile, volunteer_id, revision: u32::from(revision.unsigned_abs()), received_at });
        }
    }
    Ok(found)
}

/// Adds entries to the log, many in one statement.
pub fn append(conn: &mut Conn, entries: &[LogEntry<'_>]) -> QueryResult<()> {
    for chunk in entries.chunks(ROWS) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|entry| {
                (
                    labels::id.eq(entry.id.as_bytes().as_slice()),
                    labels::body_hash.eq(entry.body_hash),
                    labels::tile.eq(entry.tile),
                    labels::campaign_id.eq(entry.campaign_id),
                    labels::volunteer_id.eq(entry.volunteer_id),
                    labels::lease_id.eq(entry.lease_id),
                    labels::revision.eq(entry.revision as i16),
                    labels::answer.eq(i16::from(entry.answer)),
                    labels::window_given.eq(false),
                    labels::seconds.eq(entry.seconds),
                    labels::client.eq(entry.client),
                    labels::leased_at.eq(entry.leased_at),
                    labels::received_at.eq(entry.received_at),
                    labels::status.eq(entry.status.key()),
                    labels::tile_state.eq(entry.tile_state.key()),
                )
            })
            .collect();
        each_backend!(conn, inner => diesel::insert_into(labels::table).values(&rows).execute(inner))?;
    }
    Ok(())
}

/// The first current answers of volunteers for tiles, many in one statement: each with when their author first
/// answered, and whether it counts.
pub fn make_current(conn: &mut Conn, entries: &[(&LogEntry<'_>, i64, bool)]) -> QueryResult<()> {
    for chunk in entries.chunks(ROWS) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|(entry, first_received_at, counted)| {
                (
                    current_labels::tile.eq(entry.tile),
                    current_labels::volunteer_id.eq(entry.volunteer_id),
                    current_labels::campaign_id.eq(entry.campaign_id),
                    current_labels::label_id.eq(entry.id.as_bytes().as_slice()),
                    current_labels::answer.eq(i16::from(entry.answer)),
                    current_labels::window_given.eq(false),
                    current_labels::counted.eq(*counted),
                    current_labels::excluded.eq(false),
                    current_labels::first_received_at.eq(*first_received_at),
                )
            })
            .collect();
        each_backend!(conn, inner => diesel::insert_into(current_labels::table).values(&rows).execute(inner))?;
    }
    Ok(())
}

/// Sets how many labels a tile asks for and holds at most, where its labels are all that there will be.
pub fn set_room(conn: &mut Conn, tile: i64, needed: u32, maximum: u32) -> QueryResult<()> {
    diesel::update(queue::table.find(tile))
        .set((queue::maximum.eq(maximum as i16), queue::needed.eq(needed as i16), queue::available.eq(false)))
        .execute(conn)
        .map(drop)
}

/// Takes every tile of a campaign off the ring: nobody is to label it.
pub fn close_ring(conn: &mut Conn, campaign_id: i64) -> QueryResult<()> {
    diesel::update(queue::table.filter(queue::campaign_id.eq(campaign_id)).filter(queue::available))
        .set(queue::available.eq(false))
        .execute(conn)
        .map(drop)
}

/// Tiles of a campaign with labels, in order of their id, each with when the last of its labels was given.
pub fn labelled_tiles(conn: &mut Conn, campaign_id: i64, after: i64, limit: i64) -> QueryResult<Vec<(i64, i64)>> {
    use diesel::dsl::max;
    let rows = current_labels::table
        .inner_join(labels::table.on(labels::id.eq(current_labels::label_id)))
        .filter(current_labels::campaign_id.eq(campaign_id))
        .filter(current_labels::tile.gt(after))
        .group_by(current_labels::tile)
        .order(current_labels::tile)
        .limit(limit)
        .select((current_labels::tile, max(labels::received_at)))
        .load::<(i64, Option<i64>)>(conn)?;
    Ok(rows.into_iter().map(|(tile, at)| (tile, at.unwrap_or(0))).collect())
}

/// What each volunteer did, counted anew from the log.
pub fn count_participations(conn: &mut Conn, campaign_id: i64) -> QueryResult<()> {
    sql_query(by_backend(conn, "DELETE FROM participations WHERE campaign_id = $1"))
        .bind::<BigInt, _>(campaign_id)
        .execute(conn)?;
    let count = "INSERT INTO participations (campaign_id, volunteer_id, labels, tiles_served, first_at, last_at)
         SELECT campaign_id, volunteer_id, SUM(CASE WHEN revision = 1 THEN 1 ELSE 0 END),
             SUM(CASE WHEN revision = 1 THEN 1 ELSE 0 END), MIN(received_at), MAX(received_at)
         FROM labels WHERE campaign_id = $1 GROUP BY campaign_id, volunteer_id";
    sql_query(by_backend(conn, count)).bind::<BigInt, _>(campaign_id).execute(conn).map(drop)
}

/// SQLite numbers its parameters with a question mark.
fn by_backend(conn: &Conn, statement: &str) -> String {
    match conn {
        Conn::Postgres(_) => statement.to_owned(),
        Conn::Sqlite(_) => statement.replace('$', "?"),
    }
}

/// The campaign of an import is over: open from its first label on, closed now.
pub fn close(conn: &mut Conn, campaign_id: i64, opened_at: i64, now: i64) -> QueryResult<()> {
    diesel::update(campaigns::table.find(campaign_id))
        .set((campaigns::state.eq("closed"), campaigns::opened_at.eq(opened_at.min(now)), campaigns::closed_at.eq(now)))
        .execute(conn)
        .map(drop)
}

/// When the first and the last label of a campaign were given, and how many entries its log has.
pub fn span(conn: &mut Conn, campaign_id: i64) -> QueryResult<(Option<i64>, Option<i64>, i64)> {
    use diesel::dsl::{count_star, max, min};
    labels::table
        .filter(labels::campaign_id.eq(campaign_id))
        .select((min(labels::received_at), max(labels::received_at), count_star()))
        .first(conn)
}

/// The skills of all volunteers in one model, by their id.
pub fn skills(conn: &mut Conn, campaign_id: i64, model: u32) -> QueryResult<Vec<SkillRow>> {
    skills::table
        .filter(skills::campaign_id.eq(campaign_id))
        .filter(skills::model.eq(model as i32))
        .order(skills::volunteer_id)
        .select((skills::volunteer_id, skills::weight, skills::accuracy, skills::labels, skills::quarantine))
        .load(conn)
}
