//! SQLite's one writer: a thread that owns the writing connection and puts all waiting jobs into one transaction.
//!
//! A commit costs an fsync, whatever it holds. So the thread takes every job that waits, runs each inside a savepoint
//! of its own, commits once, and only then answers them all. A job that fails, or panics, is rolled back alone. When the
//! whole transaction is lost (disk full, I/O error), every job in it is told so and the connection is opened anew.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, Connection as _, SimpleConnection, TransactionManager};
use tokio::sync::{mpsc, oneshot};

use super::connection::{BUSY_MILLISECONDS, Conn, DatabaseUrl, is_broken};
use super::meter::METER;
use super::store::Failure;
use super::{StoreError, each_backend};

/// Jobs that may wait; one more is told to come back later.
const QUEUE: usize = 2_048;
/// Jobs in one transaction: enough that the fsync is shared by all, few enough that nobody waits long for it.
const BATCH: usize = 256;
/// After writing for so long without a pause, the thread leaves the file to other processes for a moment. SQLite queues
/// nobody: who waits looks again now and then, and beside a busy server would never find the file free.
const TURN: Duration = Duration::from_millis(100);
/// That moment: at most 2 % of the time, and longer than the time between two looks.
const PAUSE: Duration = Duration::from_millis(2);
/// Time between two looks at a file that another process writes to. SQLite's own waiting looks ten times a second.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// How long to look in vain.
const PATIENCE: Duration = Duration::from_secs(5);

/// The handle by which jobs reach the thread; the thread ends when the last handle is gone.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

/// One waiting transaction.
trait Job: Send {
    /// Does the work inside a savepoint and keeps the result. Returns false where it failed.
    fn run(&mut self, conn: &mut Conn) -> bool;
    /// Hands the kept result to whoever waits, or the reason why the commit failed.
    fn finish(self: Box<Self>, commit: Result<(), StoreError>);
}

struct Transaction<T, E, F> {
    run: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Transaction<T, E, F>
where
    T: Send + 'static,
    E: Failure,
    F: Fn(&mut Conn) -> Result<T, E> + Send,
{
    fn run(&mut self, conn: &mut Conn) -> bool {
        let result = conn.transaction(|conn| {
            let depth = savepoints(conn);
            match catch_unwind(AssertUnwindSafe(|| (self.run)(conn))) {
                Ok(result) => result,
                // Inside a savepoint that the job opened itself nobody knows what to roll back: the batch is lost.
                Err(panic) if savepoints(conn) != depth => resume_unwind(panic),
                Err(_) => Err(E::from(StoreError::Query("a database job panicked".into()))),
            }
        });
        let done = result.is_ok();
        self.result = Some(result);
        done
    }

    fn finish(self: Box<Self>, commit: Result<(), StoreError>) {
        let result = match (self.result, commit) {
            // What the job itself refused does not depend on the commit.
            (Some(Err(error)), Ok(())) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(error)) => Err(E::from(error)),
            (None, Ok(())) => Err(E::from(StoreError::Busy)),
        };
        // Nobody listens when the client has gone away; the row is stored all the same.
        let _ = self.reply.send(result);
    }
}

impl Writer {
    /// Starts the thread with an open connection.
    pub fn start(conn: Conn, url: DatabaseUrl) -> Result<Writer, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || write_all(conn, &url, queue))
            .map_err(|error| StoreError::Setup(format!("cannot start the writer thread: {error}")))?;
        Ok(Writer { jobs })
    }

    /// Runs one transaction; answers after the commit it was part of.
    pub async fn run<T, E, F>(&self, run: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: Fn(&mut Conn) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send(Box::new(Transaction { run, result: None, reply })).map_err(|_| StoreError::Busy)?;
        answer.await.map_err(|_| StoreError::Unavailable("the writer stopped".into()))?
    }
}

fn write_all(mut conn: Conn, url: &DatabaseUrl, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    let mut batch: Vec<Box<dyn Job>> = Vec::with_capacity(BATCH);
    let mut turn = Instant::now();
    while let Some(job) = next_job(&mut queue, &mut turn) {
        batch.push(job);
        while batch.len() < BATCH
            && let Ok(job) = queue.try_recv()
        {
            batch.push(job);
        }
        let commit = catch_unwind(AssertUnwindSafe(|| commit_together(&mut conn, &mut batch)))
            .unwrap_or_else(|_| Err(StoreError::Unavailable("a database job panicked".into())));
        if let Err(error) = &commit {
            METER.database_errors.add(1);
            tracing::error!(jobs = batch.len(), %error, "a write transaction was lost; opening the database anew");
            match url.connect(false) {
                Ok(fresh) => conn = fresh,
                Err(error) => tracing::error!(%error, "the database cannot be opened"),
            }
        }
        for job in batch.drain(..) {
            job.finish(commit.clone());
        }
    }
}

/// How many transactions stand inside each other.
fn savepoints(conn: &mut Conn) -> Option<u32> {
    let status = each_backend!(conn, inner => depth(inner));
    status.map(NonZeroU32::get)
}

fn depth<C>(conn: &mut C) -> Option<NonZeroU32>
where
    C: diesel::Connection<TransactionManager = AnsiTransactionManager>,
{
    AnsiTransactionManager::transaction_manager_status_mut(conn).transaction_depth().ok().flatten()
}

/// The next job, after a pause for other processes where there was none for a whole turn. Clients that wait for their
/// answers leave the queue empty for an instant after each commit: too short for anybody else, so it is no pause.
fn next_job(queue: &mut mpsc::Receiver<Box<dyn Job>>, turn: &mut Instant) -> Option<Box<dyn Job>> {
    if turn.elapsed() >= TURN {
        std::thread::sleep(PAUSE);
        *turn = Instant::now();
    }
    let asked = Instant::now();
    let job = queue.blocking_recv();
    if asked.elapsed() >= PAUSE {
        *turn = Instant::now();
    }
    job
}

/// Runs the whole batch in one IMMEDIATE transaction: the write lock is taken at once, so no job can find it gone later.
fn commit_together(conn: &mut Conn, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    begin(conn)?;
    for job in batch.iter_mut() {
        if !job.run(conn) && is_lost(conn) {
            return Err(StoreError::Unavailable("the database lost the transaction".into()));
        }
    }
    let start = Instant::now();
    each_backend!(conn, inner => commit(inner))?;
    METER.commit(batch.len(), start.elapsed());
    Ok(())
}

/// Whether the transaction is gone. On a full disk or an I/O error SQLite may roll all of it back by itself, after which
/// each later job would be a transaction of its own.
fn is_lost(conn: &mut Conn) -> bool {
    // SQLite refuses to begin inside a transaction; where it does begin, there was none.
    is_broken(conn) || conn.batch_execute("BEGIN").is_ok()
}

fn begin(conn: &mut Conn) -> Result<(), StoreError> {
    let Conn::Sqlite(inner) = conn else {
        return Err(StoreError::Setup("the single writer is for SQLite only".into()));
    };
    let start = Instant::now();
    // Here we wait by ourselves, with more looks than SQLite's own waiting takes.
    inner.batch_execute("PRAGMA busy_timeout = 0")?;
    let begun = loop {
        match AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN IMMEDIATE") {
            Err(error) if is_locked(&error) && start.elapsed() < PATIENCE => std::thread::sleep(LOOK_AGAIN),
            begun => break begun,
        }
    };
    inner.batch_execute(&format!("PRAGMA busy_timeout = {BUSY_MILLISECONDS}"))?;
    begun.map_err(|error| match is_locked(&error) {
        true => StoreError::Unavailable("another process is writing to the database: try again when it is done".into()),
        false => StoreError::Unavailable(error.to_string()),
    })
}

/// Whether another process holds the write lock.
fn is_locked(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, about) if about.message() == "database is locked")
}

fn commit<C: diesel::Connection>(conn: &mut C) -> diesel::QueryResult<()> {
    C::TransactionManager::commit_transaction(conn)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::storage::Store;

    #[derive(Debug)]
    struct Fault(String);

    impl From<StoreError> for Fault {
        fn from(error: StoreError) -> Fault {
            Fault(error.to_string())
        }
    }

    impl From<diesel::result::Error> for Fault {
        fn from(error: diesel::result::Error) -> Fault {
            Fault(error.to_string())
        }
    }

    impl Failure for Fault {
        fn database(&self) -> Option<&diesel::result::Error> {
            None
        }
    }

    /// Keeps the writer of a store busy until it is told to stop.
    async fn keep_busy(store: Store, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::Relaxed) {
            let work = |_: &mut Conn| -> Result<(), Fault> {
                std::thread::sleep(Duration::from_millis(5));
                Ok(())
            };
            store.write(work).await.unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn another_process_gets_its_turn_beside_a_writer_that_never_rests() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::in_folder(folder.path());
        let busy = Store::open(&url, 1).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let load: Vec<_> = (0..8).map(|_| tokio::spawn(keep_busy(busy.clone(), stop.clone()))).collect();
        let beside = tokio::task::spawn_blocking(move || Store::open(&url, 1)).await.unwrap();
        let mut outcomes = Vec::new();
        for _ in 0..5 {
            outcomes.push(match &beside {
                Ok(store) => store.write(|_: &mut Conn| Ok::<_, Fault>(())).await.map_err(|Fault(reason)| reason),
                Err(_) => break,
            });
        }
        stop.store(true, Ordering::Relaxed);
        for one in load {
            one.await.unwrap();
        }
        assert!(beside.is_ok(), "the database could not be opened");
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5, "{outcomes:?}");
    }
}
