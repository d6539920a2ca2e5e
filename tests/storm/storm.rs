//! A storm as a whole: a database, servers behind doors, a crowd, and the reckoning at the end.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aftermap::storage::schema::{labels, queue};
use aftermap::storage::{Conn, DatabaseUrl};
use diesel::prelude::*;
use tempfile::TempDir;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::check::check;
use crate::client::Client;
use crate::plan::Plan;
use crate::proxy::Proxy;
use crate::record::Record;
use crate::server::{Server, Settings};
use crate::volunteer::Volunteer;
use crate::{campaign, found, support};

/// How long a crowd may take to finish what it is at, once all faults are over.
const CALM: Duration = Duration::from_secs(150);

/// A database to storm.
pub struct Base {
    /// `sqlite` or `postgres`, for messages.
    pub name: &'static str,
    /// Its address.
    pub address: String,
    /// Goes away together with it.
    #[expect(dead_code, reason = "held, never looked at")]
    pub keep: Box<dyn Any + Send>,
}

/// A fresh database on each engine there is.
pub fn bases() -> Vec<Base> {
    let base = |database: support::TestDatabase| Base {
        name: database.name,
        address: database.address(),
        keep: Box::new(database),
    };
    support::databases().into_iter().map(base).collect()
}

/// Servers, doors and a crowd.
pub struct Storm {
    pub plan: Plan,
    pub base: Base,
    pub settings: Settings,
    pub servers: Vec<Option<Server>>,
    pub proxies: Vec<Proxy>,
    pub client: Client,
    /// How long each start took until the server was ready.
    pub ready: Vec<Duration>,
    /// What the faults were, for the summary.
    pub faults: String,
    stop: Arc<AtomicBool>,
    crowd: JoinSet<()>,
    seen: BTreeSet<Uuid>,
    _folder: TempDir,
}

impl Storm {
    /// Makes the campaign and starts the servers.
    pub async fn begin(plan: Plan, base: Base) -> Storm {
        Storm::begin_with(plan, base, |settings| settings).await
    }

    /// The same, with other settings for the servers.
    pub async fn begin_with(plan: Plan, base: Base, set: impl FnOnce(Settings) -> Settings) -> Storm {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name);
        let settings =
            set(Settings { data: at("data"), database: base.address.clone(), log: at("log"), environment: Vec::new() });
        campaign::build(&base.address, &plan).await;
        let count = if base.name == "sqlite" { 1 } else { plan.servers };
        let mut proxies = Vec::new();
        for place in 0..count {
            proxies.push(Proxy::open(plan.dice("proxy", place as u64)).await);
        }
        let doors = proxies.iter().map(|proxy| proxy.door).collect();
        let client = Client::new(doors, Arc::new(Mutex::new(Record::default())));
        let mut storm = Storm {
            settings,
            servers: (0..count).map(|_| None).collect(),
            proxies,
            client,
            ready: Vec::new(),
            faults: String::new(),
            stop: Arc::default(),
            crowd: JoinSet::new(),
            seen: BTreeSet::new(),
            _folder: folder,
            plan,
            base,
        };
        for place in 0..count {
            storm.start(place).await;
        }
        storm
    }

    /// Lets the volunteers in. Where one walks away, somebody else sits down.
    pub fn let_in(&mut self) {
        let seats = u64::from(self.plan.volunteers);
        for seat in 0..seats {
            let (plan, client, stop) = (self.plan.clone(), self.client.clone(), self.stop.clone());
            self.crowd.spawn(async move {
                for person in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    Volunteer::new(person * seats + seat, &plan, client.clone(), stop.clone()).work().await;
                }
            });
        }
    }

    /// Starts the server at a place and leads its door there.
    pub async fn start(&mut self, place: usize) {
        let server = Server::start(&self.settings).await;
        self.ready.push(server.ready_after);
        self.proxies[place].lead_to(Some(server.address));
        self.servers[place] = Some(server);
    }

    /// The server at a place.
    pub fn server(&self, place: usize) -> &Server {
        self.servers[place].as_ref().expect("a running server")
    }

    /// Ends the server at a place as a power cut would.
    pub fn kill(&mut self, place: usize) {
        self.servers[place].take().expect("a running server").kill();
        self.proxies[place].lead_to(None);
    }

    /// Asks the server at a place to end; returns how long that took.
    pub async fn stop(&mut self, place: usize) -> Duration {
        let took = self.servers[place].take().expect("a running server").stop().await;
        self.proxies[place].lead_to(None);
        took
    }

    /// Labels that were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.client.record().acknowledged()
    }

    /// Waits until so many more labels were acknowledged; returns how long that took.
    pub async fn progress(&self, labels: usize, limit: Duration) -> Duration {
        let (begun, before) = (Instant::now(), self.acknowledged());
        while self.acknowledged() < before + labels {
            if begun.elapsed() > limit {
                let so_far = self.acknowledged();
                self.fail(&[format!("after {so_far} labels no {labels} more were acknowledged within {limit:?}")]);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        begun.elapsed()
    }

    /// Looks up every label acknowledged since the last look: right after a fault, each must be there.
    pub async fn look_for_labels(&mut self) {
        let told: Vec<Uuid> = {
            let record = self.client.record();
            record.labels.values().filter(|story| story.is_taken()).map(|story| story.sent.id).collect()
        };
        let fresh: Vec<Uuid> = told.into_iter().filter(|id| self.seen.insert(*id)).collect();
        let address = self.base.address.clone();
        let lost = tokio::task::spawn_blocking(move || missing(&mut connect(&address), &fresh)).await;
        let lost: Vec<String> = lost.expect("no panic").iter().map(|id| format!("LOST after a fault: {id}")).collect();
        if !lost.is_empty() {
            self.fail(&lost);
        }
    }

    /// Waits until every tile is closed.
    pub async fn finish(&self, limit: Duration) -> Duration {
        let begun = Instant::now();
        loop {
            let address = self.base.address.clone();
            let open = tokio::task::spawn_blocking(move || open_tiles(&mut connect(&address))).await.expect("no panic");
            if open.is_empty() {
                return begun.elapsed();
            }
            if begun.elapsed() > limit {
                self.fail(&[format!("{} tiles never finish: {open:?}", open.len())]);
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Sends the crowd home, stops the servers, and settles accounts. Panics with the way to replay where one is wrong.
    pub async fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let home = async { while self.crowd.join_next().await.is_some_and(|end| end.is_ok()) {} };
        if tokio::time::timeout(CALM, home).await.is_err() || !self.crowd.is_empty() {
            self.fail(&["a volunteer never comes home".into()]);
        }
        for place in 0..self.servers.len() {
            if self.servers[place].is_some() {
                self.stop(place).await;
            }
        }
        let address = self.base.address.clone();
        let read = tokio::task::spawn_blocking(move || found::read(&mut connect(&address)).expect("the rows"));
        let found = read.await.expect("no panic");
        let record = self.client.record().clone();
        assert!(record.acknowledged() > 0, "a storm without a label proves nothing");
        println!("{}", self.summary(&record));
        let wrong = check(&record, &found);
        if !wrong.is_empty() {
            self.fail(&wrong);
        }
    }

    fn summary(&self, record: &Record) -> String {
        let Plan { test, seed, .. } = self.plan;
        let mut text = format!("{test} on {}, seed {seed}: {}\n", self.base.name, self.faults);
        let _ = write!(text, "  {} labels acknowledged, ", record.acknowledged());
        let _ =
            write!(text, "replies {:?} (0: broken), outcome known after at most {:?}", record.replies, record.longest);
        let mut ready = self.ready.clone();
        ready.sort_unstable();
        if let Some(longest) = ready.last() {
            let _ = write!(text, "\n  {} starts, ready after {:?} (p50), ", ready.len(), ready[ready.len() / 2]);
            let _ = write!(text, "{longest:?} (max)");
        }
        text
    }

    /// Ends the test: what is wrong, what the servers said, and how to run it again.
    pub fn fail(&self, wrong: &[String]) -> ! {
        let shown: Vec<&str> = wrong.iter().take(12).map(String::as_str).collect();
        let said = std::fs::read_to_string(&self.settings.log).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(8).collect();
        panic!(
            "{} on {}: {} things are wrong:\n  {}\nthe servers' last words:\n  {}\nagain: {}\n",
            self.plan.test,
            self.base.name,
            wrong.len(),
            shown.join("\n  "),
            last.join("\n  "),
            self.plan.replay()
        )
    }
}

/// A bare connection, past the store and its writer.
pub fn connect(address: &str) -> Conn {
    match DatabaseUrl::parse(address).expect("an address") {
        DatabaseUrl::Sqlite(path) => Conn::Sqlite(open_file(path)),
        DatabaseUrl::Postgres(url) => Conn::Postgres(PgConnection::establish(&url).expect("PostgreSQL answers")),
    }
}

fn open_file(path: PathBuf) -> SqliteConnection {
    use diesel::connection::SimpleConnection;
    let mut conn = SqliteConnection::establish(path.to_str().expect("a UTF-8 path")).expect("the SQLite file opens");
    conn.batch_execute("PRAGMA busy_timeout = 10000; PRAGMA query_only = ON;").expect("settings");
    conn
}

pub fn missing(conn: &mut Conn, ids: &[Uuid]) -> Vec<Uuid> {
    let mut lost = Vec::new();
    for chunk in ids.chunks(500) {
        let wanted: Vec<Vec<u8>> = chunk.iter().map(|id| id.as_bytes().to_vec()).collect();
        let query = labels::table.filter(labels::id.eq_any(wanted)).select(labels::id);
        let there: BTreeSet<Vec<u8>> = query.load(conn).expect("the log").into_iter().collect();
        lost.extend(chunk.iter().filter(|id| !there.contains(id.as_bytes().as_slice())));
    }
    lost
}

fn open_tiles(conn: &mut Conn) -> Vec<i64> {
    queue::table.filter(queue::state.eq("open")).select(queue::tile).load(conn).expect("the queue")
}
