//! Connections, lent to one transaction at a time: never more than so many, never waited for without an end, and never
//! one that the database has closed meanwhile.
//!
//! After a restart of PostgreSQL every open connection is dead. libpq knows as soon as it looks at its socket, which costs
//! one system call and no question to the server; so each connection is looked at before it is lent.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::StoreError;
use super::connection::{Conn, DatabaseUrl, is_broken};
use super::meter::METER;

/// How long a request waits for a connection before it is told to come back.
const WAIT: Duration = Duration::from_secs(3);
/// Requests that may wait at the same time; one more is told at once.
const MOST_WAITING: usize = 512;
/// Long readers (exports) at a time, on connections of their own: labels never wait for them.
const LONG_READERS: usize = 2;
/// After an attempt to connect failed, others fail with it for so long instead of trying too.
const REST: Duration = Duration::from_millis(200);
/// Between two looks for a free place of a long reader.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The connections of one store. Cheap to clone.
#[derive(Clone)]
pub(super) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    url: DatabaseUrl,
    read_only: bool,
    idle: Mutex<Vec<Conn>>,
    most_idle: usize,
    wait: Duration,
    turns: Arc<Semaphore>,
    long_turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// Until when nobody tries to connect, and why.
    resting: Mutex<Option<(Instant, StoreError)>>,
}

/// The right to hold one connection.
pub(super) struct Turn {
    pool: Pool,
    _permit: OwnedSemaphorePermit,
}

/// A connection on loan; it goes back when dropped, unless something is wrong with it.
pub(super) struct Lent {
    conn: Option<Conn>,
    turn: Turn,
    spoiled: bool,
}

impl Pool {
    /// With room for `most` connections; opens one, to see that it can.
    pub fn open(url: DatabaseUrl, read_only: bool, most: u32) -> Result<Pool, StoreError> {
        let first = url.connect(read_only)?;
        let shared = Shared {
            url,
            read_only,
            idle: Mutex::new(vec![first]),
            most_idle: most.max(1) as usize,
            wait: WAIT,
            turns: Arc::new(Semaphore::new(most.max(1) as usize)),
            long_turns: Arc::new(Semaphore::new(LONG_READERS)),
            waiting: AtomicUsize::new(0),
            resting: Mutex::new(None),
        };
        Ok(Pool { shared: Arc::new(shared) })
    }

    /// Where the connections lead.
    pub fn url(&self) -> &DatabaseUrl {
        &self.shared.url
    }

    /// Waits for a turn; `Busy` where too many wait already, or for too long.
    pub async fn turn(&self) -> Result<Turn, StoreError> {
        let turns = self.shared.turns.clone();
        if let Ok(permit) = turns.clone().try_acquire_owned() {
            return Ok(self.with(permit));
        }
        let Some(_place) = Waiting::join(&self.shared.waiting) else { return Err(StoreError::Busy) };
        match tokio::time::timeout(self.shared.wait, turns.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(self.with(permit)),
            _ => Err(StoreError::Busy),
        }
    }

    /// A turn for a long reader; waits on the calling thread.
    pub fn long_turn(&self) -> Result<Turn, StoreError> {
        let start = Instant::now();
        loop {
            match self.shared.long_turns.clone().try_acquire_owned() {
                Ok(permit) => return Ok(self.with(permit)),
                Err(_) if start.elapsed() < self.shared.wait => std::thread::sleep(LOOK_AGAIN),
                Err(_) => return Err(StoreError::Busy),
            }
        }
    }

    fn with(&self, permit: OwnedSemaphorePermit) -> Turn {
        Turn { pool: self.clone(), _permit: permit }
    }

    fn take_idle(&self) -> Option<Conn> {
        lock(&self.shared.idle).pop()
    }

    /// Opens a connection, unless that failed a moment ago.
    fn connect(&self) -> Result<Conn, StoreError> {
        if let Some((until, why)) = &*lock(&self.shared.resting)
            && Instant::now() < *until
        {
            return Err(why.clone());
        }
        let connected = self.shared.url.connect(self.shared.read_only);
        METER.database_errors.add(u64::from(connected.is_err()));
        *lock(&self.shared.resting) = connected.as_ref().err().map(|why| (Instant::now() + REST, why.clone()));
        connected
    }
}

impl Turn {
    /// The connection: one that is idle and alive, or a new one. Blocks.
    pub fn connection(self) -> Result<Lent, StoreError> {
        while let Some(mut conn) = self.pool.take_idle() {
            if !is_closed(&mut conn) {
                return Ok(Lent { conn: Some(conn), turn: self, spoiled: false });
            }
        }
        let conn = self.pool.connect()?;
        Ok(Lent { conn: Some(conn), turn: self, spoiled: false })
    }
}

impl Lent {
    /// Takes a new connection in place of one that was lost. Blocks.
    pub fn replace(&mut self) -> Result<(), StoreError> {
        self.spoiled = true;
        self.conn = None;
        self.conn = Some(self.turn.pool.connect()?);
        self.spoiled = false;
        Ok(())
    }
}

impl Deref for Lent {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.conn.as_ref().expect("a lent connection is there until it is given back")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Conn {
        self.conn.as_mut().expect("a lent connection is there until it is given back")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else { return };
        if self.spoiled || std::thread::panicking() || is_broken(&mut conn) {
            return;
        }
        let shared = &self.turn.pool.shared;
        let mut idle = lock(&shared.idle);
        if idle.len() < shared.most_idle {
            idle.push(conn);
        }
    }
}

/// One who waits, counted as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(count: &'a AtomicUsize) -> Option<Waiting<'a>> {
        let place = Waiting(count);
        (count.fetch_add(1, Ordering::Relaxed) < MOST_WAITING).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the server has closed an idle connection. Asks the socket, not the server.
fn is_closed(conn: &mut Conn) -> bool {
    match conn {
        Conn::Postgres(inner) => inner.notifications_iter().any(|notification| notification.is_err()),
        Conn::Sqlite(_) => false,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(folder: &tempfile::TempDir, most: u32) -> Pool {
        let mut pool = Pool::open(DatabaseUrl::in_folder(folder.path()), false, most).unwrap();
        Arc::get_mut(&mut pool.shared).unwrap().wait = Duration::from_millis(20);
        pool
    }

    #[tokio::test]
    async fn a_connection_that_was_given_back_is_lent_again() {
        let folder = tempfile::tempdir().unwrap();
        let pool = pool(&folder, 1);
        for _ in 0..3 {
            drop(pool.turn().await.unwrap().connection().unwrap());
            assert_eq!(lock(&pool.shared.idle).len(), 1);
        }
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let pool = pool(&folder, 1);
        let held = pool.turn().await.unwrap();
        assert!(matches!(pool.turn().await.map(|_| ()), Err(StoreError::Busy)));
        drop(held);
        assert!(pool.turn().await.is_ok());
        assert_eq!(pool.shared.waiting.load(Ordering::Relaxed), 0, "nobody is left in the queue");
    }

    #[tokio::test]
    async fn the_queue_for_connections_has_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let pool = pool(&folder, 1);
        let _held = pool.turn().await.unwrap();
        pool.shared.waiting.store(MOST_WAITING, Ordering::Relaxed);
        assert!(matches!(pool.turn().await.map(|_| ()), Err(StoreError::Busy)));
    }

    #[tokio::test]
    async fn a_lost_connection_is_not_lent_again() {
        let folder = tempfile::tempdir().unwrap();
        let pool = pool(&folder, 1);
        let mut lent = pool.turn().await.unwrap().connection().unwrap();
        lent.replace().unwrap();
        lent.spoiled = true;
        drop(lent);
        assert_eq!(lock(&pool.shared.idle).len(), 0);
    }
}
