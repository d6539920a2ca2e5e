//! The store: reads on a pool; writes on SQLite through one thread that commits many waiting jobs at once, on
//! PostgreSQL as short transactions on a pool.

use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use diesel::connection::{Connection as _, TransactionManager};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use rand::RngExt;

use super::connection::{Conn, DatabaseUrl};
use super::meter::METER;
use super::notify::Listener;
use super::pool::{Lent, Pool};
use super::writer::Writer;
use super::{StoreError, each_backend, is_gone};
use crate::storage::upkeep::migrate;

/// Errors that a transaction may end with: its own, and the database's.
pub trait Failure: From<StoreError> + From<DieselError> + Send + 'static {
    /// The database's error, if that is what it is: some of them are worth another try.
    fn database(&self) -> Option<&DieselError>;
}

impl Failure for StoreError {
    fn database(&self) -> Option<&DieselError> {
        None
    }
}

/// The database, open for reading and writing. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    writer: Option<Writer>,
}

/// How long the end of the process waits for the writer.
const DRAIN: Duration = Duration::from_secs(3);
/// How often a transaction is tried again that lost a race PostgreSQL itself detected.
const RACE_RETRIES: u32 = 5;
/// How often a transaction is begun anew whose connection was lost before its commit was sent.
const LOSS_RETRIES: u32 = 2;

impl Store {
    /// Opens the database, creates it if need be, and migrates it. `connections` is the size of the pool.
    ///
    /// Blocks; fails where the database cannot be reached, or was changed by a newer version.
    pub fn open(url: &DatabaseUrl, connections: u32) -> Result<Store, StoreError> {
        create_folder(url)?;
        let mut first = url.connect(false)?;
        for name in migrate::up(&mut first)? {
            tracing::info!(migration = name, "database schema brought up to date");
        }
        let (writer, read_only) = match url {
            DatabaseUrl::Sqlite(_) => (Some(Writer::start(first, url.clone())?), true),
            DatabaseUrl::Postgres(_) => (None, false),
        };
        let pool = Pool::open(url.clone(), read_only, connections)?;
        Ok(Store { pool, writer })
    }

    /// Runs a transaction that may write and answers after it is durably committed.
    ///
    /// On SQLite it shares its commit with whatever else is waiting. On PostgreSQL it is run again when it lost a race
    /// (serialization failure, deadlock) or its connection before COMMIT was sent: then the server keeps nothing of it.
    /// So it must have no effect outside the database. A connection lost during COMMIT leaves open whether it was kept:
    /// that is reported as unavailable, and the client sends the same again, which label ids make harmless.
    pub async fn write<T, E, F>(&self, run: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: Fn(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        let _held = METER.writes_under_way.hold();
        match &self.writer {
            Some(writer) => writer.run(run).await,
            None => self.blocking(move |lent| retry(lent, run)).await,
        }
    }

    /// Bytes that are free where the SQLite file lies; `None` on PostgreSQL, and where the system does not say.
    pub fn free_bytes(&self) -> Option<u64> {
        let DatabaseUrl::Sqlite(file) = self.pool.url() else { return None };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let room = rustix::fs::statvfs(folder.unwrap_or(Path::new("."))).ok()?;
        Some(room.f_bavail.saturating_mul(room.f_frsize))
    }

    /// Runs a read-only transaction: all it sees is one snapshot on SQLite, one statement each on PostgreSQL.
    pub async fn read<T, E, F>(&self, run: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        self.blocking(move |lent| read_once(lent, run)).await
    }

    /// Runs a read-only transaction that sees one snapshot on both databases, on the calling thread. For exports.
    pub fn read_snapshot<T, E, F>(&self, run: F) -> Result<T, E>
    where
        E: Failure,
        F: FnOnce(&mut Conn) -> Result<T, E>,
    {
        let mut lent = self.pool.long_turn()?.connection()?;
        read_once(&mut lent, |conn| {
            if let Conn::Postgres(inner) = conn {
                use diesel::connection::SimpleConnection;
                inner
                    .batch_execute(
                        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = 0;
                         SET LOCAL idle_in_transaction_session_timeout = 0",
                    )
                    .map_err(StoreError::from)?;
            }
            run(conn)
        })
    }

    /// Whether several processes may serve this database, and have to tell each other what happens.
    pub fn is_shared(&self) -> bool {
        self.writer.is_none()
    }

    /// Begins to listen to other processes; `None` where there are none. Blocks.
    pub fn listener(&self) -> Result<Option<Listener>, StoreError> {
        Listener::open(self.pool.url())
    }

    /// Waits until all jobs that the writer has taken in are committed, or for a few seconds.
    pub async fn drain(&self) {
        let Some(writer) = &self.writer else { return };
        let last = writer.run(|_: &mut Conn| Ok::<_, StoreError>(()));
        if tokio::time::timeout(DRAIN, last).await.is_err() {
            tracing::warn!("the last jobs of the writer did not end in time");
        }
    }

    async fn blocking<T, E, F>(&self, run: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: FnOnce(&mut Lent) -> Result<T, E> + Send + 'static,
    {
        let turn = self.pool.turn().await?;
        let task = tokio::task::spawn_blocking(move || run(&mut turn.connection()?));
        task.await.map_err(|ended| match ended.is_panic() {
            // A fault of ours, which trying again does not mend.
            true => StoreError::Query("a database job panicked".into()),
            false => StoreError::Unavailable(format!("a database job ended early: {ended}")),
        })?
    }
}

/// Makes the folder in which a SQLite file is to lie, and the file: both for their owner alone, since passwords' hashes and
/// pseudonym keys are in it. What is there already stays as it is; `aftermap doctor` looks at it.
pub(super) fn create_folder(url: &DatabaseUrl) -> Result<(), StoreError> {
    let DatabaseUrl::Sqlite(path) = url else { return Ok(()) };
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let make = || {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // What is there stays; and where no file can be, SQLite itself says best why.
        drop(std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
        Ok(())
    };
    make().map_err(|error: std::io::Error| {
        StoreError::Setup(format!("cannot create the data folder {}: {error}", folder.display()))
    })
}

/// Runs a transaction that only reads and cannot be repeated; a connection that turns out to be dead is replaced first.
fn read_once<T, E: Failure>(lent: &mut Lent, run: impl FnOnce(&mut Conn) -> Result<T, E>) -> Result<T, E> {
    let mut losses = 0;
    while let Err(error) = each_backend!(&mut **lent, inner => begin(inner)) {
        if !is_gone(&error) || losses == LOSS_RETRIES {
            return Err(error.into());
        }
        losses += 1;
        lent.replace()?;
    }
    let result = run(lent);
    // There is nothing to keep. Where this fails the connection is broken, and not lent again.
    let _ = each_backend!(&mut **lent, inner => end(inner));
    result
}

fn begin<C: diesel::Connection>(conn: &mut C) -> diesel::QueryResult<()> {
    C::TransactionManager::begin_transaction(conn)
}

fn end<C: diesel::Connection>(conn: &mut C) -> diesel::QueryResult<()> {
    C::TransactionManager::rollback_transaction(conn)
}

fn retry<T, E: Failure>(lent: &mut Lent, run: impl Fn(&mut Conn) -> Result<T, E>) -> Result<T, E> {
    let (mut races, mut losses) = (0, 0);
    loop {
        let mut committing = None;
        let result = lent.transaction(|conn| {
            let done = run(conn)?;
            committing = Some(Instant::now());
            Ok(done)
        });
        if let (Some(since), Ok(_)) = (committing, &result) {
            METER.commit(1, since.elapsed());
        }
        let Some(error) = result.as_ref().err().and_then(Failure::database) else { return result };
        if lost_a_race(error) && races < RACE_RETRIES {
            races += 1;
            std::thread::sleep(Duration::from_millis(rand::rng().random_range(1..=4 << races)));
        } else if is_gone(error) {
            METER.database_errors.add(1);
            // Never lent again. While the server is away this fails at once.
            lent.replace()?;
            if committing.is_some() || losses == LOSS_RETRIES {
                return result;
            }
            losses += 1;
        } else {
            return result;
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
