//! SQLite files that somebody brought: opened for reading only and not trusted, with bounds on what they may cost.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::{Connection, Error, OpenFlags};

/// A statement that gives no row for so long is stopped: a view or a column can be a computation without end.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Opens a file. No value of it, computed ones too, becomes longer than `most_bytes`.
pub fn open(path: &Path, most_bytes: i32) -> Result<Connection, String> {
    let name = path.to_str().ok_or("its path is not valid UTF-8")?;
    let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let conn = Connection::open_with_flags(format!("file:{name}?mode=ro&immutable=1"), flags)?;
        conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, most_bytes)?;
        conn.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        conn.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")?;
        Ok(conn)
    };
    open().map_err(|error: Error| error.to_string())
}

/// Does something with such a file, which is stopped when the counter of rows stands still for a minute.
pub fn patiently<T>(conn: &Connection, work: impl FnOnce(&AtomicU64) -> T) -> T {
    let (rows, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let interrupt = conn.get_interrupt_handle();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut last, mut still) = (0, Duration::ZERO);
            while !done.load(Relaxed) {
                std::thread::sleep(LOOK);
                let now = rows.load(Relaxed);
                still = if now == last { still + LOOK } else { Duration::ZERO };
                last = now;
                if still > PATIENCE {
                    interrupt.interrupt();
                }
            }
        });
        let _watch = Done(&done);
        work(&rows)
    })
}

/// Ends the watch also where the work breaks down.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}
