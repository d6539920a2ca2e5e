//! How long the pages of a coordinator take on a big campaign, and what reading the tables behind them takes at least.

use std::process::Command;
use std::time::{Duration, Instant};

use aftermap::storage::DatabaseUrl;
use diesel::prelude::*;
use diesel::sql_types::Double;

use super::server::{Served, Setting, database_address};

/// What is asked for, in this order: the first look at each, when nothing is kept in memory yet, then the second.
const PAGES: [(&str, &str); 8] = [
    ("volunteers", "/volunteers?limit=50"),
    ("volunteers, by agreement", "/volunteers?limit=50&sort=agreement"),
    ("rings", "/rings"),
    ("statistics", "/statistics"),
    ("statistics, map", "/statistics/map"),
    ("progress", "/progress"),
    ("map, statistics", "/map/statistics"),
    ("campaign", ""),
];

/// The least work with which each table could be read from one end to the other.
const SCANS: [(&str, &str); 4] = [
    ("labels", "SELECT SUM(volunteer_id % 7 + received_at % 7 + seconds) FROM labels"),
    ("current_labels", "SELECT SUM(volunteer_id % 7 + answer) FROM current_labels"),
    ("queue", "SELECT SUM(counted + needed) FROM queue"),
    ("consensus", "SELECT SUM(class + labels) FROM consensus"),
];

/// Asks for each page twice and prints the times beside those of the scans.
pub async fn measure(setting: &Setting, served: &Served, url: &DatabaseUrl) -> Result<(), String> {
    let token = token(setting, url)?;
    let scans = scans(url)?;
    let all: f64 = scans.iter().map(|(_, ms)| ms).sum();
    let Setting { database, tiles, labels, people, .. } = setting;
    println!("\n{database}: {tiles} open tiles, {labels} labels of {people} people");
    let told: Vec<String> = scans.iter().map(|(table, ms)| format!("{table} {ms:.0}")).collect();
    println!("reading whole tables once, ms: {}; together {all:.0}", told.join(", "));
    println!("{:<28} {:>10} {:>10} {:>16}", "page", "first ms", "again ms", "first / scans");
    let http = reqwest::Client::builder().timeout(Duration::from_secs(300)).build().map_err(|e| e.to_string())?;
    for (name, path) in PAGES {
        let address = format!("http://{}/api/v1/campaigns/load{path}", served.address);
        let (first, again) = (look(&http, &address, &token).await?, look(&http, &address, &token).await?);
        println!("{name:<28} {first:>10.0} {again:>10.0} {:>16.2}", first / all);
    }
    println!("memory of the server afterwards: {} MB", served.rss_mb());
    Ok(())
}

async fn look(http: &reqwest::Client, address: &str, token: &str) -> Result<f64, String> {
    let began = Instant::now();
    let reply = http.get(address).bearer_auth(token).send().await.map_err(|error| error.to_string())?;
    let status = reply.status();
    let body = reply.text().await.map_err(|error| error.to_string())?;
    let took = began.elapsed().as_secs_f64() * 1_000.0;
    if status.is_success() { Ok(took) } else { Err(format!("{address} was answered {status}: {body}")) }
}

/// A token of somebody who may see everything, made by the program itself.
fn token(setting: &Setting, url: &DatabaseUrl) -> Result<String, String> {
    let run = |words: &[&str]| -> Result<String, String> {
        let mut command = Command::new(&setting.program);
        command.args(words).arg("--data").arg(setting.folder.join("data"));
        let done = command.env("AFTERMAP_DATABASE_URL", database_address(url)).output();
        let done = done.map_err(|error| format!("{words:?}: {error}"))?;
        let said = String::from_utf8_lossy(&done.stdout).trim().to_owned();
        if done.status.success() { Ok(said) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
    };
    // A database that is used again has the account already, and says so.
    let _ = run(&["user", "create", "--name", "watcher", "--role", "admin"]);
    run(&[
        "user",
        "token",
        "create",
        "--name",
        "watcher",
        "--for",
        "the bench",
        "--scopes",
        "read,manage",
        "--days",
        "1",
    ])
}

/// How long each table takes to be read as a whole, milliseconds; the second of two times, when it lies in memory.
fn scans(url: &DatabaseUrl) -> Result<Vec<(&'static str, f64)>, String> {
    fn time<C: Connection>(conn: &mut C, scan: impl Fn(&mut C, &str) -> QueryResult<()>) -> QueryResult<Vec<f64>> {
        let once = |(_, statement): &(&str, &str)| {
            scan(conn, statement)?;
            let began = Instant::now();
            scan(conn, statement)?;
            Ok(began.elapsed().as_secs_f64() * 1_000.0)
        };
        SCANS.iter().map(once).collect()
    }
    let times = match url {
        DatabaseUrl::Sqlite(path) => {
            let conn = SqliteConnection::establish(&path.to_string_lossy());
            time(&mut conn.map_err(|error| error.to_string())?, |conn, statement| {
                diesel::sql_query(format!("SELECT CAST(({statement}) AS DOUBLE PRECISION) AS sum"))
                    .get_result::<Sum>(conn)
                    .map(drop)
            })
        }
        DatabaseUrl::Postgres(url) => {
            let conn = PgConnection::establish(url);
            time(&mut conn.map_err(|error| error.to_string())?, |conn, statement| {
                diesel::sql_query(format!("SELECT CAST(({statement}) AS DOUBLE PRECISION) AS sum"))
                    .get_result::<Sum>(conn)
                    .map(drop)
            })
        }
    };
    let times = times.map_err(|error| error.to_string())?;
    Ok(SCANS.iter().map(|(table, _)| *table).zip(times).collect())
}

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = Double)]
    #[allow(dead_code)]
    sum: f64,
}
