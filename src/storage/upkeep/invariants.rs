//! What must always be true of the rows, looked at from outside: no counter is believed, each is compared with the rows
//! that it counts. For `aftermap doctor` and after a restore.

use std::fmt;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::storage::schema::labels;
use crate::storage::{Conn, StoreError};

/// One promise that rows break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is promised, in a few words that stay the same: `counted labels`.
    pub what: &'static str,
    /// What was found instead.
    pub found: String,
    /// How many rows.
    pub rows: u64,
    /// Whether [`mend`] can put it right: it follows from other rows.
    pub mendable: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} rows): {}", self.what, self.rows, self.found)
    }
}

/// A query for the rows that break a promise.
struct Promise {
    what: &'static str,
    mendable: bool,
    /// `FROM …` with `example`, a text that names a row.
    example: &'static str,
    from: &'static str,
}

const COUNTED: &str = "(SELECT COUNT(*) FROM current_labels c WHERE c.tile = q.tile AND c.counted)";
const LEASED: &str = "(SELECT COUNT(*) FROM leases l WHERE l.tile = q.tile AND l.ended_at IS NULL)";
const AVAILABLE: &str = "(q.state = 'open' AND q.gold IS NULL AND q.counted + q.leased < q.needed
    AND NOT (q.withdrawn OR q.lacks_pictures))";

/// Those that both databases can be asked in the same words; foreign keys and CHECKs are asked of SQLite itself.
const PROMISES: [Promise; 8] = [
    Promise {
        what: "counted labels",
        mendable: true,
        example: "'tile ' || t.tile_id || ' says ' || q.counted || ', its rows ' || @counted",
        from: "queue q JOIN tiles t ON t.id = q.tile WHERE q.gold IS NULL AND q.counted <> @counted",
    },
    Promise {
        what: "open leases",
        mendable: true,
        example: "'tile ' || t.tile_id || ' says ' || q.leased || ', its rows ' || @leased",
        from: "queue q JOIN tiles t ON t.id = q.tile WHERE q.gold IS NULL AND q.leased <> @leased",
    },
    Promise {
        what: "tiles to be handed out",
        mendable: true,
        example: "'tile ' || t.tile_id || ' is marked the wrong way'",
        from: "queue q JOIN tiles t ON t.id = q.tile WHERE q.available <> @available",
    },
    Promise {
        what: "tiles with a place in the queue",
        mendable: false,
        example: "'tile ' || t.tile_id || ' has none'",
        from: "tiles t LEFT JOIN queue q ON q.tile = t.id WHERE q.tile IS NULL",
    },
    Promise {
        what: "current labels are the newest of the log",
        mendable: false,
        example: "'tile ' || t.tile_id || ', volunteer ' || c.volunteer_id",
        from: "current_labels c JOIN tiles t ON t.id = c.tile JOIN labels l ON l.id = c.label_id
               WHERE l.tile <> c.tile OR l.volunteer_id <> c.volunteer_id OR EXISTS (SELECT 1 FROM labels n
                   WHERE n.tile = l.tile AND n.volunteer_id = l.volunteer_id AND n.revision > l.revision)",
    },
    Promise {
        what: "labels of the log have a current one",
        mendable: false,
        example: "'tile ' || t.tile_id || ', volunteer ' || l.volunteer_id",
        from: "labels l JOIN tiles t ON t.id = l.tile LEFT JOIN current_labels c
               ON c.tile = l.tile AND c.volunteer_id = l.volunteer_id WHERE c.tile IS NULL AND l.revision = 1",
    },
    Promise {
        what: "models in use",
        mendable: false,
        example: "'campaign ' || k.slug || ' uses model ' || k.model || ', which is not there'",
        from: "campaigns k LEFT JOIN models m ON m.campaign_id = k.id AND m.number = k.model
               WHERE k.model > 0 AND m.number IS NULL",
    },
    Promise {
        what: "counted labels have a consensus",
        mendable: false,
        example: "'tile ' || t.tile_id || ' has none'",
        from: "queue q JOIN tiles t ON t.id = q.tile LEFT JOIN consensus s ON s.tile = q.tile
               WHERE q.counted > 0 AND s.tile IS NULL",
    },
];

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = Nullable<Text>)]
    example: Option<String>,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Looks at all rows; takes some seconds for a million labels. One snapshot: give it a reading transaction.
///
/// # Errors
/// Where the database does not answer.
pub fn look(conn: &mut Conn) -> Result<Vec<Fault>, StoreError> {
    let mut faults = Vec::new();
    for promise in &PROMISES {
        let full =
            |text: &str| text.replace("@counted", COUNTED).replace("@leased", LEASED).replace("@available", AVAILABLE);
        let query = sql_query(format!(
            "SELECT COUNT(*) AS rows, MIN({}) AS example FROM {}",
            full(promise.example),
            full(promise.from)
        ));
        let found: Found = match conn {
            Conn::Sqlite(conn) => query.get_result(conn)?,
            Conn::Postgres(conn) => query.get_result(conn)?,
        };
        if found.rows > 0 {
            let (rows, found) = (found.rows.unsigned_abs(), found.example.unwrap_or_default());
            faults.push(Fault { what: promise.what, found, rows, mendable: promise.mendable });
        }
    }
    faults.extend(damage(conn)?);
    Ok(faults)
}

/// What SQLite finds wrong with its own file. PostgreSQL watches over keys and checks by itself.
fn damage(conn: &mut Conn) -> Result<Vec<Fault>, StoreError> {
    let Conn::Sqlite(conn) = conn else { return Ok(Vec::new()) };
    let pages: Vec<Line> = sql_query("SELECT integrity_check AS line FROM pragma_integrity_check").load(conn)?;
    let keys: Vec<Line> = sql_query(
        "SELECT \"table\" || ' names a row of ' || parent || ' that is not there' AS line FROM pragma_foreign_key_check",
    )
    .load(conn)?;
    let fault = |what, lines: Vec<Line>| {
        let found = lines.first().map(|first| first.line.clone())?;
        Some(Fault { what, found, rows: lines.len() as u64, mendable: false })
    };
    let pages = pages.into_iter().filter(|one| one.line != "ok").collect();
    Ok([fault("the file of the database", pages), fault("foreign keys", keys)].into_iter().flatten().collect())
}

/// Sets the counters of the queue to what its rows say; returns how many tiles it changed. Locks what it changes: run it
/// in a writing transaction, beside a server if need be.
pub fn mend(conn: &mut Conn) -> Result<u64, StoreError> {
    let wrong = format!(
        "q.gold IS NULL AND (q.counted <> {COUNTED} OR q.leased <> {LEASED} OR q.available <> {AVAILABLE}) AND {COUNTED} <= q.maximum"
    );
    if let Conn::Postgres(conn) = conn {
        // Whoever labels one of these tiles is done before we count, or waits until we have.
        sql_query(format!("SELECT q.tile FROM queue q WHERE {wrong} ORDER BY q.tile FOR UPDATE")).execute(conn)?;
    }
    let places = AVAILABLE.replace("q.counted", COUNTED).replace("q.leased", LEASED);
    let query = sql_query(format!(
        "UPDATE queue AS q SET counted = {COUNTED}, leased = {LEASED}, available = {places} WHERE {wrong}"
    ));
    let changed = match conn {
        Conn::Sqlite(conn) => query.execute(conn)?,
        Conn::Postgres(conn) => query.execute(conn)?,
    };
    Ok(changed as u64)
}

/// When the newest label came, and what the database's own clock says; milliseconds since 1970, UTC. SQLite has no clock.
pub fn clocks(conn: &mut Conn) -> Result<(Option<i64>, Option<i64>), StoreError> {
    #[derive(QueryableByName)]
    struct Now {
        #[diesel(sql_type = BigInt)]
        ms: i64,
    }
    let newest = labels::table.select(diesel::dsl::max(labels::received_at)).first(conn)?;
    let Conn::Postgres(conn) = conn else { return Ok((newest, None)) };
    let query = sql_query("SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint AS ms");
    Ok((newest, Some(query.get_result::<Now>(conn)?.ms)))
}
