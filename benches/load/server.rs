//! The server program under test: started on one core, watched, and stopped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use aftermap::storage::DatabaseUrl;
use diesel::prelude::*;

/// One combination to be measured.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The server program.
    pub program: PathBuf,
    /// Where databases are kept.
    pub folder: PathBuf,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// Open tiles.
    pub tiles: u64,
    /// Labels stored beforehand.
    pub labels: u64,
    /// People who gave them.
    pub people: u64,
    /// Whether skills are fitted anew during the run.
    pub refit: bool,
    /// Extra time of each fsync.
    pub fsync_ms: u64,
    /// The server's core.
    pub core: usize,
    /// The library that counts and delays fsync.
    pub shim: PathBuf,
}

/// A server that runs.
pub struct Served {
    process: Child,
    counts: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
}

/// What has been committed so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counters {
    /// Calls of fsync by the server, or transactions of PostgreSQL.
    pub commits: u64,
    /// Rows in the label log.
    pub labels: u64,
    /// Time that the server's threads had a processor, seconds.
    pub busy: f64,
    seconds: f64,
}

impl Counters {
    /// The difference to an earlier count.
    pub fn since(&self, before: &Counters) -> Counters {
        Counters {
            commits: self.commits - before.commits,
            labels: self.labels - before.labels,
            busy: self.busy - before.busy,
            seconds: self.seconds - before.seconds,
        }
    }

    /// Commits a second.
    pub fn per_second(&self) -> f64 {
        self.commits as f64 / self.seconds
    }
}

/// The address of the PostgreSQL to test on, if there is one.
pub fn postgres() -> Option<String> {
    std::env::var("AFTERMAP_TEST_POSTGRES").ok()
}

/// The address of a database, as the program wants it.
pub fn database_address(url: &DatabaseUrl) -> String {
    match url {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(url) => url.clone(),
    }
}

/// Keeps this process, and the clients in it, to one core.
pub fn pin_this_process(core: usize) -> Result<(), String> {
    let me = std::process::id().to_string();
    run(Command::new("taskset").args(["-a", "-cp", &core.to_string(), &me]).stdout(Stdio::null()))
}

/// Builds the library that stands before fsync.
pub fn build_shim(folder: &Path) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/load/slow_fsync.c");
    let library = folder.join("slow_fsync.so");
    run(Command::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl"))?;
    Ok(library)
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

impl Served {
    /// Starts the server and waits until it listens.
    pub fn start(setting: &Setting, url: &DatabaseUrl) -> Result<Served, String> {
        let address = database_address(url);
        let counts = setting.folder.join("fsyncs");
        std::fs::write(&counts, [0u8; 8]).map_err(|error| error.to_string())?;
        let log = std::fs::File::create(setting.folder.join("server.log")).map_err(|error| error.to_string())?;
        let mut process = Command::new("taskset")
            .args(["-c", &setting.core.to_string()])
            .arg(&setting.program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(setting.folder.join("data"))
            .env("AFTERMAP_DATABASE_URL", address)
            .env("LD_PRELOAD", &setting.shim)
            .env("AFTERMAP_FSYNC_COUNT", &counts)
            .env("AFTERMAP_FSYNC_DELAY_US", (setting.fsync_ms * 1000).to_string())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{}: {error}", setting.program.display()))?;
        let output = process.stdout.take().ok_or("no standard output")?;
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("http://")).ok_or("the server did not start: see server.log")?;
        let address = line.rsplit("http://").next().and_then(|address| address.trim().parse().ok());
        let address = address.ok_or_else(|| format!("no address in `{line}`"))?;
        // The log goes to standard output: somebody must read it, or the server waits.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Served { process, counts, address })
    }

    /// What was committed so far.
    pub fn counters(&self, url: &DatabaseUrl) -> Counters {
        let count = "SELECT count(*) FROM labels";
        let transactions = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
        let (commits, labels) = match url {
            DatabaseUrl::Sqlite(path) => {
                let mut bytes = [0u8; 8];
                bytes.copy_from_slice(&std::fs::read(&self.counts).unwrap_or_else(|_| vec![0; 8])[..8]);
                let path = path.to_string_lossy();
                let mut conn = SqliteConnection::establish(&path).expect("the database opens");
                let rows = diesel::dsl::sql::<diesel::sql_types::BigInt>(count).get_result::<i64>(&mut conn);
                (u64::from_ne_bytes(bytes), rows)
            }
            DatabaseUrl::Postgres(url) => {
                let mut conn = PgConnection::establish(url).expect("PostgreSQL answers");
                let mut ask =
                    |query: &str| diesel::dsl::sql::<diesel::sql_types::BigInt>(query).get_result::<i64>(&mut conn);
                (ask(transactions).unwrap_or(0).unsigned_abs(), ask(count))
            }
        };
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let labels = labels.unwrap_or(0).unsigned_abs();
        Counters { commits, labels, busy: self.busy(), seconds: since.as_secs_f64() }
    }

    /// User and system time of the server so far, in the kernel's ticks of 10 ms.
    fn busy(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) / 100.0
    }

    /// Memory that the server holds now.
    pub fn rss_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // An orderly end, so that the file is whole for the next run.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}
