//! Brings the schema up (or, at the operator's word, down), and refuses a database that a newer binary has changed.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::storage::connection::{BUSY_MILLISECONDS, START_MILLISECONDS};
use crate::storage::{Conn, DatabaseUrl, StoreError};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// An arbitrary number that all servers on one PostgreSQL use to take turns at migrating ("afterm").
const ADVISORY_LOCK: i64 = 0x6166_7465_726d;

/// Runs all pending migrations in one transaction and returns their names. Two servers that start together take turns.
pub fn up(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    // The role of a server may be one that can change no schema (`super::grants`).
    if matches!(conn, Conn::Postgres(_)) && is_in_place(conn).unwrap_or(false) {
        return Ok(Vec::new());
    }
    match conn {
        // A look first: most openings find nothing to do, and the write lock may be busy.
        Conn::Sqlite(conn) => {
            wait_at_most(conn, START_MILLISECONDS)?;
            let done = match is_current(conn, SQLITE) {
                Ok(false) => conn.immediate_transaction(|conn| run_pending(conn, SQLITE)),
                other => other.map(|_| Vec::new()),
            };
            wait_at_most(conn, BUSY_MILLISECONDS)?;
            done
        }
        Conn::Postgres(conn) => conn.transaction(|conn| {
            diesel::sql_query(format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")).execute(conn)?;
            run_pending(conn, POSTGRES)
        }),
    }
}

/// How long statements wait for another process that writes.
fn wait_at_most(conn: &mut SqliteConnection, milliseconds: u64) -> QueryResult<()> {
    conn.batch_execute(&format!("PRAGMA busy_timeout = {milliseconds}"))
}

/// Takes the newest migration back and returns its name.
pub fn down(conn: &mut Conn) -> Result<String, StoreError> {
    fn revert<C, DB>(conn: &mut C, source: EmbeddedMigrations) -> Result<String, StoreError>
    where
        C: MigrationHarness<DB>,
        DB: diesel::backend::Backend,
        EmbeddedMigrations: MigrationSource<DB>,
    {
        if conn.applied_migrations().map_err(setup)?.is_empty() {
            return Err(StoreError::Setup("the database holds no migration that could be taken back".into()));
        }
        let version = conn.revert_last_migration(source).map_err(setup)?;
        Ok(version.to_string())
    }
    match conn {
        Conn::Sqlite(conn) => conn.immediate_transaction(|conn| revert(conn, SQLITE)),
        Conn::Postgres(conn) => conn.transaction(|conn| revert(conn, POSTGRES)),
    }
}

/// Opens a database, brings it up and closes it again.
pub fn up_at(url: &DatabaseUrl) -> Result<Vec<String>, StoreError> {
    up(&mut url.connect(false)?)
}

/// Opens a database as it is, without bringing it up, and takes its newest migration back.
pub fn down_at(url: &DatabaseUrl) -> Result<String, StoreError> {
    down(&mut url.connect(false)?)
}

/// Whether the schema of a database in use is the one that this binary knows; it may have been taken back beside us.
pub fn is_in_place(conn: &mut Conn) -> QueryResult<bool> {
    use diesel::sql_types::Text;
    let applied = diesel::dsl::sql::<Text>("SELECT version FROM __diesel_schema_migrations").load::<String>(conn)?;
    let applied: BTreeSet<String> = applied.into_iter().collect();
    let known = match conn {
        Conn::Sqlite(_) => versions::<diesel::sqlite::Sqlite>(&SQLITE),
        Conn::Postgres(_) => versions::<diesel::pg::Pg>(&POSTGRES),
    };
    Ok(known.is_ok_and(|known| known == applied))
}

/// What stands in a database, looked at without changing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// No file, or no table of ours.
    Nothing,
    /// An older schema: `aftermap migrate` brings it up.
    Older,
    /// The schema of this binary.
    Current,
    /// That of a newer binary, which brought this migration.
    Newer(String),
}

/// Looks which schema a database has. Makes nothing and migrates nothing.
pub fn look_at(url: &DatabaseUrl) -> Result<Found, StoreError> {
    if let DatabaseUrl::Sqlite(path) = url
        && !path.is_file()
    {
        return Ok(Found::Nothing);
    }
    use diesel::sql_types::Text;
    let mut conn = url.connect(true)?;
    let query = diesel::dsl::sql::<Text>("SELECT version FROM __diesel_schema_migrations");
    let Ok(applied) = query.load::<String>(&mut conn) else { return Ok(Found::Nothing) };
    let known = match conn {
        Conn::Sqlite(_) => versions::<diesel::sqlite::Sqlite>(&SQLITE)?,
        Conn::Postgres(_) => versions::<diesel::pg::Pg>(&POSTGRES)?,
    };
    if let Some(newer) = applied.iter().find(|version| !known.contains(*version)) {
        return Ok(Found::Newer(newer.clone()));
    }
    Ok(match applied.len() {
        0 => Found::Nothing,
        count if count < known.len() => Found::Older,
        _ => Found::Current,
    })
}

/// The versions that this binary brings.
fn versions<DB: diesel::backend::Backend>(source: &EmbeddedMigrations) -> Result<BTreeSet<String>, StoreError>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(setup)?;
    Ok(known.iter().map(|migration| migration.name().version().to_string()).collect())
}

/// Whether the schema is neither older nor newer than this binary.
fn is_current<C, DB>(conn: &mut C, source: EmbeddedMigrations) -> Result<bool, StoreError>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known = versions::<DB>(&source)?;
    let applied = conn.applied_migrations().map_err(setup)?;
    Ok(known == applied.iter().map(MigrationVersion::to_string).collect())
}

fn run_pending<C, DB>(conn: &mut C, source: EmbeddedMigrations) -> Result<Vec<String>, StoreError>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known = versions::<DB>(&source)?;
    let applied = conn.applied_migrations().map_err(setup)?;
    if let Some(newer) = applied.iter().map(MigrationVersion::to_string).find(|version| !known.contains(version)) {
        return Err(StoreError::Setup(format!(
            "the database was changed by a newer aftermap (migration {newer}): use that version, or take it back there with `aftermap migrate --down --lose-data`"
        )));
    }
    let ran = conn.run_pending_migrations(source).map_err(setup)?;
    Ok(ran.iter().map(MigrationVersion::to_string).collect())
}

fn setup(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::Setup(format!("the database schema cannot be brought up to date: {error}"))
}
