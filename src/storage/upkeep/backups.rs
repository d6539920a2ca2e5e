//! Backups: the database as one SQLite file, whatever it is itself, and the list of those that were made.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};

use super::{copy, migrate};
use crate::storage::schema::backups;
use crate::storage::{Conn, DatabaseUrl, StoreError, new_id};

/// Writes all that is committed now into a new SQLite file, beside whoever works with the database. Blocks.
///
/// SQLite's `VACUUM INTO` reads one snapshot and locks nobody out (its online backup begins anew whenever another process
/// writes). From PostgreSQL the tables are copied out of one repeatable-read snapshot, and compared; that file can be
/// restored to either database and read by anything, which a dump of `pg_dump` cannot.
///
/// # Errors
/// Where there is no database, it has the schema of another version, or the file cannot be written.
pub fn snapshot(from: &DatabaseUrl, into: &Path) -> Result<(), StoreError> {
    let DatabaseUrl::Sqlite(path) = from else {
        return copy::copy(from, &DatabaseUrl::Sqlite(into.to_owned()), |_| ());
    };
    if !path.is_file() {
        return Err(StoreError::Setup(format!("there is no database file {}", path.display())));
    }
    let mut conn = from.connect(false)?;
    if !migrate::is_in_place(&mut conn).unwrap_or(false) {
        let reason = "the database has the schema of another version: run `aftermap migrate` first";
        return Err(StoreError::Setup(reason.into()));
    }
    let Conn::Sqlite(conn) = &mut conn else { return Err(StoreError::Setup("this is no SQLite file".into())) };
    sql_query("VACUUM INTO ?").bind::<Text, _>(text(into)?).execute(conn)?;
    Ok(())
}

/// Opens the file of a backup to read it; nothing beside it is made, so it may lie where nobody may write.
///
/// # Errors
/// Where it cannot be opened.
pub fn open_file(path: &Path) -> Result<Conn, StoreError> {
    // In a URI these three mean something.
    let name = text(path)?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let conn = SqliteConnection::establish(&format!("file:{name}?mode=ro&immutable=1"))
        .map_err(|error| StoreError::Setup(format!("cannot open {}: {error}", path.display())))?;
    Ok(Conn::Sqlite(conn))
}

fn text(path: &Path) -> Result<&str, StoreError> {
    path.to_str().ok_or_else(|| StoreError::Setup(format!("the path {} is not UTF-8", path.display())))
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// All tables with their numbers of rows, by name.
pub fn tables(conn: &mut Conn) -> Result<BTreeMap<String, u64>, StoreError> {
    let names = copy::in_order(conn)?;
    let all: Vec<String> =
        names.iter().map(|name| format!("SELECT '{name}' AS name, COUNT(*) AS rows FROM {name}")).collect();
    let query = sql_query(all.join(" UNION ALL "));
    let counts: Vec<Count> = match conn {
        Conn::Sqlite(conn) => query.load(conn)?,
        Conn::Postgres(conn) => query.load(conn)?,
    };
    Ok(counts.into_iter().map(|one| (one.name, one.rows.unsigned_abs())).collect())
}

/// Makes the pages of a SQLite file independent of anything beside it and closes it: what a log still held is in it then.
pub fn settle(path: &Path) -> Result<(), StoreError> {
    let mut conn = DatabaseUrl::Sqlite(path.to_owned()).connect(false)?;
    Ok(conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;")?)
}

/// Notes that a backup of the state at `made_at` was finished. Blocks.
pub fn note(url: &DatabaseUrl, made_at: i64, finished_at: i64, bytes: u64) -> Result<(), StoreError> {
    let mut conn = url.connect(false)?;
    let row = (
        backups::id.eq(new_id()),
        backups::made_at.eq(made_at),
        backups::finished_at.eq(finished_at),
        backups::bytes.eq(i64::try_from(bytes).unwrap_or(i64::MAX)),
    );
    diesel::insert_into(backups::table).values(row).execute(&mut conn)?;
    Ok(())
}

/// When the newest backup was made, milliseconds since 1970.
pub fn last(conn: &mut Conn) -> QueryResult<Option<i64>> {
    backups::table.select(diesel::dsl::max(backups::made_at)).first(conn)
}
