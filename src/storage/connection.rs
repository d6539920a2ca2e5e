//! One connection type over both databases, opened from a URL.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::StoreError;

/// A connection to either database. Queries are written once; `each_backend!` where the two must differ.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// PostgreSQL 13 or newer.
    Postgres(PgConnection),
    /// The bundled SQLite.
    Sqlite(SqliteConnection),
}

/// Runs the same expression with the inner connection of either database, for what `MultiConnection` cannot express, and
/// for the statements of every label: through `MultiConnection` the text of a statement is put together anew each time,
/// here it is looked up by its type.
macro_rules! each_backend {
    ($conn:expr, $inner:ident => $body:expr) => {
        match $conn {
            $crate::storage::Conn::Postgres($inner) => $body,
            $crate::storage::Conn::Sqlite($inner) => $body,
        }
    };
}
pub(crate) use each_backend;

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file, created if need be.
    Sqlite(PathBuf),
    /// A `postgres://` URL, as libpq takes it.
    Postgres(String),
}

/// How long a statement waits for another writer of the SQLite file (the command line beside a running server).
pub(super) const BUSY_MILLISECONDS: u64 = 5_000;
/// The same while a process starts: another one may be migrating, on a machine that is busy with both.
pub(super) const START_MILLISECONDS: u64 = 60_000;
/// Pages that the writing connection keeps: each label touches a dozen places, all over a large database.
const WRITER_CACHE_KB: u32 = 32 * 1024;
/// The same of a reading connection, of which there are many.
const READER_CACHE_KB: u32 = 4 * 1024;
/// A statement of ours that takes longer than this on PostgreSQL is a fault: it is ended and the lock freed.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a statement waits for somebody else's lock on PostgreSQL.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// A transaction of ours that asks nothing for so long belongs to a process that was stopped: it is ended, its locks are
/// free.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// What libpq is told unless the address says otherwise: give up on a server that does not answer, and notice a line that
/// is cut without a word (seconds, milliseconds).
const LINE_DEFAULTS: [(&str, &str); 4] =
    [("connect_timeout", "5"), ("tcp_user_timeout", "15000"), ("keepalives_idle", "10"), ("keepalives_interval", "5")];

impl DatabaseUrl {
    /// Reads `sqlite:PATH` or `postgres://…`. Anything else is refused: a mistyped address must not become a new file.
    pub fn parse(text: &str) -> Result<DatabaseUrl, StoreError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(DatabaseUrl::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
        match path {
            Some(path) if !path.is_empty() => Ok(DatabaseUrl::Sqlite(PathBuf::from(path))),
            _ => Err(StoreError::Setup(
                "the database address must begin with sqlite: (a file) or postgres:// (a server)".into(),
            )),
        }
    }

    /// The SQLite file in a data folder.
    pub fn in_folder(data: &Path) -> DatabaseUrl {
        DatabaseUrl::Sqlite(data.join("aftermap.sqlite"))
    }

    /// Opens a connection; `read_only` refuses writes on SQLite.
    pub(super) fn connect(&self, read_only: bool) -> Result<Conn, StoreError> {
        match self {
            DatabaseUrl::Sqlite(path) => connect_sqlite(path, read_only),
            DatabaseUrl::Postgres(url) => connect_postgres(url),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    /// Never prints a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabaseUrl::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            DatabaseUrl::Postgres(_) => write!(f, "postgres://…"),
        }
    }
}

fn connect_sqlite(path: &Path, read_only: bool) -> Result<Conn, StoreError> {
    let name = path.to_str().ok_or_else(|| StoreError::Setup("the database path is not UTF-8".into()))?;
    let mut conn = SqliteConnection::establish(name)
        .map_err(|error| StoreError::Setup(format!("cannot open the database {}: {error}", path.display())))?;
    // What is removed is overwritten: who was deleted stands in no free page of the file.
    // The busy timeout comes first: switching to WAL needs a lock that another process may hold for a while.
    conn.batch_execute(&format!(
        "PRAGMA busy_timeout = {START_MILLISECONDS}; PRAGMA journal_mode = WAL; PRAGMA busy_timeout = {BUSY_MILLISECONDS};
         PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA query_only = {}; PRAGMA cache_size = -{};",
        if read_only { "ON" } else { "OFF" },
        if read_only { READER_CACHE_KB } else { WRITER_CACHE_KB }
    ))?;
    let level: i32 = diesel::dsl::sql::<diesel::sql_types::Integer>("SELECT synchronous FROM pragma_synchronous")
        .get_result(&mut conn)?;
    if level != 2 {
        return Err(StoreError::Setup(
            "SQLite refuses synchronous=FULL, so labels would not survive a power loss".into(),
        ));
    }
    Ok(Conn::Sqlite(conn))
}

/// A label is acknowledged after COMMIT, so COMMIT must not come back before the log is on disk, however the server is set.
fn connect_postgres(url: &str) -> Result<Conn, StoreError> {
    let mut conn = PgConnection::establish(&with_line_defaults(url))
        .map_err(|error| StoreError::Unavailable(format!("cannot reach the PostgreSQL server: {error}")))?;
    conn.batch_execute(&format!(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
         SET TIME ZONE 'UTC'; SET statement_timeout = {}; SET lock_timeout = {};
         SET idle_in_transaction_session_timeout = {}; SET default_transaction_isolation = 'read committed';",
        STATEMENT_TIMEOUT.as_millis(),
        LOCK_TIMEOUT.as_millis(),
        IDLE_TIMEOUT.as_millis()
    ))
    .map_err(|error| StoreError::Unavailable(format!("the PostgreSQL server does not answer: {error}")))?;
    Ok(Conn::Postgres(conn))
}

/// The address with the parameters added that it leaves open.
fn with_line_defaults(url: &str) -> String {
    let missing = LINE_DEFAULTS.iter().filter(|(name, _)| !url.contains(&format!("{name}=")));
    missing.fold(url.to_owned(), |url, (name, value)| {
        let mark = if url.contains('?') { '&' } else { '?' };
        format!("{url}{mark}{name}={value}")
    })
}

/// Whether a transaction on this connection ended in a way that leaves its state unknown.
pub(super) fn is_broken(conn: &mut Conn) -> bool {
    fn in_error<C: diesel::Connection>(conn: &mut C) -> bool {
        use diesel::connection::{TransactionManager, TransactionManagerStatus};
        matches!(C::TransactionManager::transaction_manager_status_mut(conn), TransactionManagerStatus::InError)
    }
    each_backend!(conn, inner => in_error(inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_known_scheme_is_refused() {
        assert!(DatabaseUrl::parse("data.sqlite").is_err());
        assert!(DatabaseUrl::parse("mysql://h/d").is_err());
        assert_eq!(DatabaseUrl::parse("sqlite:/a/b").unwrap(), DatabaseUrl::Sqlite("/a/b".into()));
    }

    #[test]
    fn an_address_keeps_its_own_parameters() {
        let url = with_line_defaults("postgres://h/d?connect_timeout=9");
        assert_eq!(url.matches("connect_timeout=").count(), 1, "{url}");
        assert!(url.starts_with("postgres://h/d?connect_timeout=9&tcp_user_timeout="), "{url}");
        assert!(with_line_defaults("postgres://h/d").starts_with("postgres://h/d?connect_timeout="));
    }

    #[test]
    fn a_password_is_never_printed() {
        let url = DatabaseUrl::parse("postgres://me:secret@localhost/db").unwrap();
        assert!(!format!("{url:?}").contains("secret"));
    }
}
