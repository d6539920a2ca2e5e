//! The store: reads on a pool; writes on SQLite through one thread that commits many waiting jobs at once, on
//! PostgreSQL as short transactions on a pool.

use std::path::Path;
use std::time::Duration;

use diesel::connection::Connection as _;
use diesel::r2d2::Pool;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use rand::RngExt;

use super::connection::{Conn, DatabaseUrl, Manager};
use super::writer::Writer;
use super::{StoreError, migrate};

/// Errors that a transaction may end with: its own, and the database's.
pub trait Failure: From<StoreError> + From<DieselError> + Send + 'static {
    /// The database's error, if that is what it is: some of them are worth another try.
    fn database(&self) -> Option<&DieselError>;
}

/// The database, open for reading and writing. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    readers: Pool<Manager>,
    writer: Option<Writer>,
}

/// How long a request waits for a connection before it is told to come back.
const POOL_WAIT: Duration = Duration::from_secs(5);
/// How often a transaction is tried again that lost a race PostgreSQL itself detected.
const RACE_RETRIES: u32 = 5;

impl Store {
    /// Opens the database, creates it if need be, and migrates it. `connections` is the size of the pool.
    ///
    /// Blocks; fails where the database cannot be reached, or was changed by a newer version.
    pub fn open(url: &DatabaseUrl, connections: u32) -> Result<Store, StoreError> {
        if let DatabaseUrl::Sqlite(path) = url {
            create_parent(path)?;
        }
        let mut first = url.connect(false)?;
        for name in migrate::up(&mut first)? {
            tracing::info!(migration = name, "database schema brought up to date");
        }
        let (writer, read_only) = match url {
            DatabaseUrl::Sqlite(_) => (Some(Writer::start(first, url.clone())?), true),
            DatabaseUrl::Postgres(_) => (None, false),
        };
        let readers = Pool::builder()
            .max_size(connections)
            .min_idle(Some(1))
            .connection_timeout(POOL_WAIT)
            .test_on_check_out(false)
            .build(Manager { url: url.clone(), read_only })
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Store { readers, writer })
    }

    /// Runs a transaction that may write and answers after it is durably committed.
    ///
    /// On SQLite it shares its commit with whatever else is waiting. On PostgreSQL it is run again when it lost a race
    /// (serialization failure, deadlock), so it must have no effect outside the database.
    pub async fn write<T, E, F>(&self, run: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: Fn(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        match &self.writer {
            Some(writer) => writer.run(run).await,
            None => self.blocking(move |conn| retry_races(conn, run)).await,
        }
    }

    /// Runs a read-only transaction: all it sees is one snapshot on SQLite, one statement each on PostgreSQL.
    pub async fn read<T, E, F>(&self, run: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        self.blocking(move |conn| conn.transaction(run)).await
    }

    /// Runs a read-only transaction that sees one snapshot on both databases, on the calling thread. For exports.
    pub fn read_snapshot<T, E, F>(&self, run: F) -> Result<T, E>
    where
        E: Failure,
        F: FnOnce(&mut Conn) -> Result<T, E>,
    {
        let mut pooled = self.readers.get().map_err(|_| StoreError::Busy)?;
        let conn: &mut Conn = &mut pooled;
        conn.transaction(|conn| {
            if let Conn::Postgres(inner) = conn {
                use diesel::connection::SimpleConnection;
                inner
                    .batch_execute(
                        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = 0",
                    )
                    .map_err(StoreError::from)?;
            }
            run(conn)
        })
    }

    async fn blocking<T, E, F>(&self, run: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        let pool = self.readers.clone();
        let task = tokio::task::spawn_blocking(move || {
            let mut conn = pool.get().map_err(|_| StoreError::Busy)?;
            run(&mut conn)
        });
        task.await.map_err(|error| StoreError::Unavailable(format!("a database job ended early: {error}")))?
    }
}

fn create_parent(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .map_err(|error| StoreError::Setup(format!("cannot create the data folder {}: {error}", folder.display())))
}

fn retry_races<T, E: Failure>(conn: &mut Conn, run: impl Fn(&mut Conn) -> Result<T, E>) -> Result<T, E> {
    let mut tries = 0;
    loop {
        let result = conn.transaction(&run);
        match &result {
            Err(error) if tries < RACE_RETRIES && error.database().is_some_and(lost_a_race) => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(rand::rng().random_range(1..=4 << tries)));
            }
            _ => return result,
        }
    }
}

/// Whether PostgreSQL rolled the transaction back because of another one, so that a repeat is safe and likely to pass.
fn lost_a_race(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        // Two requests made the same new row: on the next try it is there to be read.
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => true,
        DieselError::DatabaseError(_, info) => info.message().contains("deadlock detected"),
        _ => false,
    }
}
