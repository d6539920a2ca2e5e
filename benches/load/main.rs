//! How many labels a second one server takes in, durably, and how long people wait: `cargo bench --bench load`.
//!
//! Fills a database, starts the real server program on it, and lets clients label over HTTP as the page does: one label
//! in each request, and the next tile comes with the reply. Beside every figure stands what the disk alone can do.
//! PostgreSQL joins in a cluster that syncs: `AFTERMAP_POSTGRES_FSYNC=on scripts/with-postgres.sh cargo bench --bench load`.

mod client;
mod desk;
mod disk;
mod drive;
#[path = "../../tests/support/made_up.rs"]
mod made_up;
mod report;
mod server;
mod town;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use report::Line;
use server::{Served, Setting};

/// Labels per second, durable, over HTTP, with what the disk alone can do beside it.
#[derive(Debug, Clone, Parser)]
#[command(name = "load", after_help = "Example: cargo bench --bench load -- --tiles 10000,1000000 --labels 0,10000000")]
pub struct Options {
    /// Open tiles in the campaign; several runs where there are several
    #[arg(long, value_delimiter = ',', default_value = "10000")]
    tiles: Vec<u64>,
    /// Labels stored beforehand, ten on each of as many closed tiles as that takes
    #[arg(long, value_delimiter = ',', default_value = "0")]
    labels: Vec<u64>,
    /// People who gave these labels
    #[arg(long, default_value_t = 2_000)]
    people: u64,
    /// Measure the pages of a coordinator instead of labelling
    #[arg(long)]
    desk: bool,
    /// Extra time of each fsync, milliseconds
    #[arg(long, value_delimiter = ',', default_value = "0")]
    fsync_ms: Vec<u64>,
    /// Databases to run on
    #[arg(long, value_delimiter = ',', default_value = "sqlite,postgres")]
    database: Vec<String>,
    /// Clients at a time in the closed loop
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Open loop instead: labels sent per second, whether or not the earlier ones were answered
    #[arg(long)]
    rate: Option<f64>,
    /// Length of each measurement, seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Time before it that is not measured, seconds
    #[arg(long, default_value_t = 2)]
    warm_up: u64,
    /// Measure requests for a tile alone too
    #[arg(long)]
    hand_out: bool,
    /// Fit skills anew as usual during the run; without it the run sees no refit
    #[arg(long)]
    refit: bool,
    /// Folder of the databases; those that lie there already are used again [default: a temporary folder]
    #[arg(long)]
    folder: Option<PathBuf>,
    /// The server program to measure, for instance an older one
    #[arg(long, default_value = env!("CARGO_BIN_EXE_aftermap"))]
    server: PathBuf,
    /// Core for the server, and core for the clients
    #[arg(long, value_delimiter = ',', default_value = "0,1")]
    cores: Vec<usize>,
    /// Leave out what the disk can do
    #[arg(long)]
    no_disk: bool,
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    if let Err(reason) = run(&options) {
        eprintln!("failed: {reason}");
        std::process::exit(1);
    }
}

fn run(options: &Options) -> Result<(), String> {
    let [server_core, client_core] = options.cores[..] else { return Err("--cores takes two numbers".into()) };
    server::pin_this_process(client_core)?;
    let temporary = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = options.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    report::machine();
    if !options.no_disk {
        disk::limits(&folder)?;
    }
    if !options.desk {
        report::head();
    }
    for setting in settings(options, &folder, server_core)? {
        measure(options, &setting)?;
    }
    Ok(())
}

/// Every combination that was asked for; PostgreSQL only where there is one.
fn settings(options: &Options, folder: &std::path::Path, core: usize) -> Result<Vec<Setting>, String> {
    let shim = server::build_shim(folder)?;
    let mut all = Vec::new();
    for database in &options.database {
        if database == "postgres" && server::postgres().is_none() {
            println!("SKIPPED on PostgreSQL: AFTERMAP_TEST_POSTGRES is not set (see scripts/with-postgres.sh)");
            continue;
        }
        for (&tiles, &labels) in options.tiles.iter().flat_map(|tiles| options.labels.iter().map(move |n| (tiles, n))) {
            for &fsync_ms in &options.fsync_ms {
                if database == "postgres" && fsync_ms > 0 {
                    println!("SKIPPED on PostgreSQL: slow fsync is for the server's own process");
                    continue;
                }
                all.push(Setting {
                    program: options.server.clone(),
                    folder: folder.to_owned(),
                    database: database.clone(),
                    tiles,
                    labels,
                    people: options.people,
                    refit: options.refit,
                    fsync_ms,
                    core,
                    shim: shim.clone(),
                });
            }
        }
    }
    Ok(all)
}

fn measure(options: &Options, setting: &Setting) -> Result<(), String> {
    let url = town::fill(setting)?;
    let served = Served::start(setting, &url)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    if options.desk {
        return runtime.block_on(desk::measure(setting, &served, &url));
    }
    let (warm_up, time) = (Duration::from_secs(options.warm_up), Duration::from_secs(options.seconds));
    let before = served.counters(&url);
    runtime.block_on(async {
        // An open loop needs clients that are free while others wait.
        let clients = if options.rate.is_some() { options.clients * 4 } else { options.clients };
        let mut crowd = drive::Crowd::gather(served.address, clients).await?;
        let what = match options.rate {
            Some(rate) => format!("open {rate}/s"),
            None => format!("closed, {clients}"),
        };
        let run = match options.rate {
            Some(rate) => crowd.open_loop(rate, warm_up, time).await?,
            None => crowd.closed_loop(warm_up, time).await?,
        };
        let counters = served.counters(&url).since(&before);
        Line { setting, what: &what, run: &run, rss_mb: served.rss_mb(), counters: Some(counters) }.print();
        if options.hand_out {
            let run = crowd.hand_out_loop(8, warm_up, time).await?;
            Line { setting, what: "tiles only, 8", run: &run, rss_mb: served.rss_mb(), counters: None }.print();
        }
        Ok(())
    })
}
