//! What the disk can do without us: plain rows, durably committed one at a time and 64 at a time.

use std::path::Path;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::server::postgres;

const TIME: Duration = Duration::from_secs(3);
const TABLE: &str = "CREATE TABLE plain (id INTEGER PRIMARY KEY, text TEXT NOT NULL)";

/// Prints the limits of this disk, in this folder.
pub fn limits(folder: &Path) -> Result<(), String> {
    let fail = |error: diesel::result::Error| error.to_string();
    let path = folder.join("plain.sqlite");
    let mut conn = SqliteConnection::establish(&path.to_string_lossy()).map_err(|error| error.to_string())?;
    conn.batch_execute(&format!("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; {TABLE}")).map_err(fail)?;
    let mut id = 0;
    let single = rate(&mut conn, 1, &mut id).map_err(fail)?;
    let many = rate(&mut conn, 64, &mut id).map_err(fail)?;
    println!("SQLite alone, synchronous=FULL: {single:.0} single-row commits/s, {many:.0} rows/s at 64 a commit");
    drop(conn);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("plain.sqlite{end}")));
    }
    if let Some(url) = postgres() {
        let rate = postgres_rate(&url, 16)?;
        println!("PostgreSQL alone: {rate:.0} single-row commits/s at 16 clients");
    }
    Ok(())
}

/// Rows a second with so many in each transaction.
fn rate<C: diesel::Connection>(conn: &mut C, rows: usize, id: &mut u64) -> QueryResult<f64> {
    let (start, first) = (Instant::now(), *id);
    while start.elapsed() < TIME {
        conn.batch_execute("BEGIN")?;
        for _ in 0..rows {
            *id += 1;
            conn.batch_execute(&format!("INSERT INTO plain VALUES ({id}, 'a row of some length, as a label has')"))?;
        }
        conn.batch_execute("COMMIT")?;
    }
    Ok((*id - first) as f64 / start.elapsed().as_secs_f64())
}

fn postgres_rate(url: &str, clients: u64) -> Result<f64, String> {
    let fail = |error: diesel::result::Error| error.to_string();
    let connect = || PgConnection::establish(url).map_err(|error| error.to_string());
    connect()?.batch_execute(&format!("DROP TABLE IF EXISTS plain; {TABLE}")).map_err(fail)?;
    let mut threads = Vec::new();
    for client in 0..clients {
        let mut conn = connect()?;
        threads.push(std::thread::spawn(move || rate(&mut conn, 1, &mut (client * 100_000_000))));
    }
    let mut sum = 0.0;
    for thread in threads {
        sum += thread.join().map_err(|_| "a thread failed")?.map_err(fail)?;
    }
    connect()?.batch_execute("DROP TABLE plain").map_err(fail)?;
    Ok(sum)
}
