//! How long a map of a million tiles takes in each format, how soon its first byte comes, how much memory it takes, and how
//! long ogr2ogr takes for the same conversion out of our GeoPackage: `cargo bench --bench export`.
//!
//! Each format is written by a process of its own, so that its peak memory is its own.

mod town;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use aftermap::domain::bbox::Bbox;
use aftermap::domain::damage_map::{Cuts, Sight, What};
use aftermap::domain::map_filter::MapFilter;
use aftermap::export::FORMATS;
use aftermap::services::Error;
use aftermap::services::campaigns::change_state;
use aftermap::services::maps::export_map::{self, Request};
use aftermap::services::maps::read_map::{self, Question};
use aftermap::storage::maps::map_state;
use aftermap::storage::{DatabaseUrl, Store};
use clap::Parser;

/// Time and memory of every export format.
#[derive(Debug, Parser)]
#[command(
    name = "export",
    after_help = "Example: cargo bench --bench export -- --tiles 1000000 --folder target/bench-export"
)]
struct Options {
    /// Tiles of the map
    #[arg(long, default_value_t = 1_000_000)]
    tiles: u64,
    /// Folder of the database and of what is written; the database that lies there already is used again [default: a temporary folder]
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Formats to write [default: all]
    #[arg(long, value_delimiter = ',')]
    formats: Vec<String>,
    /// The program to compare with
    #[arg(long, default_value = "ogr2ogr")]
    ogr2ogr: String,
    /// Write this one format and say how it went: what each process of its own is told
    #[arg(long, hide = true)]
    one: Option<String>,
    /// `cargo bench` passes this to every program
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    if let Err(reason) = run(&options) {
        eprintln!("{reason}");
        std::process::exit(1);
    }
}

fn run(options: &Options) -> Result<(), String> {
    let temporary = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = options.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let database = folder.join(format!("town-{}.sqlite", options.tiles));
    if let Some(format) = &options.one {
        return one(&database, format, &folder);
    }
    town::fill(&database, options.tiles)?;
    look_ups(&database)?;
    println!("\n{} tiles, SQLite, everybody's sight\n", options.tiles);
    println!("| format | first byte | all | size | peak memory | ogr2ogr |\n|---|---|---|---|---|---|");
    let mut formats: Vec<&str> = FORMATS.iter().map(|format| format.extension()).collect();
    // What ogr2ogr reads comes first.
    formats.sort_by_key(|format| *format != "gpkg");
    for format in formats {
        if options.formats.is_empty() || options.formats.iter().any(|wanted| wanted == format) {
            let other = ogr2ogr(&options.ogr2ogr, format, &folder);
            println!("| {format} | {} | {} |", child(options, format, &folder)?, other);
        }
    }
    Ok(())
}

/// Small questions of a large map: a box of about a hundred tiles, a page, and whether anything changed.
fn look_ups(database: &Path) -> Result<(), String> {
    let store = open(database)?;
    let text = |error: Error| error.to_string();
    let campaign = store.read_snapshot(|conn| change_state::find(conn, town::SLUG)).map_err(text)?;
    let now = town::NOW;
    let question = |filter: MapFilter, limit: usize, after: &'static str| {
        let campaign = &campaign;
        move |conn: &mut aftermap::storage::Conn| -> Result<usize, Error> {
            let map = read_map::header(conn, campaign, Cuts::default())?;
            let question = Question { campaign, map: &map, filter: &filter, sight: Sight::Everybody, now };
            Ok(read_map::page(conn, question, after, limit)?.rows.len())
        }
    };
    let (west, south) = (39.30, 35.70);
    let small = Bbox { west, south, east: west + 0.0035, north: south + 0.0028 };
    let large = Bbox { west, south, east: west + 0.3, north: south + 0.3 };
    let of = |bbox| MapFilter { bbox: Some(bbox), ..MapFilter::default() };
    for (name, filter, limit) in [
        ("a box of some hundred tiles", of(small), 1_000),
        ("first 100 of a box of a quarter of them", of(large), 100),
        ("100 from the start", MapFilter::default(), 100),
    ] {
        let start = Instant::now();
        let rows = store.read_snapshot(question(filter, limit, "")).map_err(text)?;
        println!("{name}: {rows} rows in {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    }
    let start = Instant::now();
    store.read_snapshot(|conn| Ok::<_, Error>(map_state::fingerprint(conn, &campaign, now)?)).map_err(text)?;
    println!("whether the map changed: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

fn open(database: &Path) -> Result<Store, String> {
    Store::open(&DatabaseUrl::Sqlite(database.to_owned()), 2).map_err(|error| error.to_string())
}

/// Writes one format in this process and prints what it took.
fn one(database: &Path, format: &str, folder: &Path) -> Result<(), String> {
    let store = open(database)?;
    let campaign =
        store.read_snapshot(|conn| change_state::find(conn, town::SLUG)).map_err(|error: Error| error.to_string())?;
    let request = Request::new(What::Tiles, format, Cuts::default(), Sight::Everybody)
        .map_err(|error| error.to_string())?
        .with_scratch(folder.to_owned());
    let path = folder.join(request.file_name());
    let file = File::create(&path).map_err(|error| error.to_string())?;
    let mut out = Timed { file, start: Instant::now(), first: None, bytes: 0 };
    export_map::write(&store, &campaign, &request, town::NOW, &mut out).map_err(|error| error.to_string())?;
    out.file.sync_all().map_err(|error| error.to_string())?;
    let all = out.start.elapsed();
    println!(
        "{:.2} s | {:.1} s | {} MB | {} MB",
        out.first.unwrap_or(all).as_secs_f64(),
        all.as_secs_f64(),
        out.bytes / 1_000_000,
        peak_mb()
    );
    Ok(())
}

struct Timed {
    file: File,
    start: Instant,
    first: Option<Duration>,
    bytes: usize,
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.first.get_or_insert_with(|| self.start.elapsed());
        let written = self.file.write(bytes)?;
        self.bytes += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn child(options: &Options, format: &str, folder: &Path) -> Result<String, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let done = Command::new(program)
        .args(["--one", format, "--tiles", &options.tiles.to_string(), "--folder"])
        .arg(folder)
        .output()
        .map_err(|error| error.to_string())?;
    match done.status.success() {
        true => Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned()),
        false => Err(format!("{format}: {}", String::from_utf8_lossy(&done.stderr))),
    }
}

/// How long the same conversion takes ogr2ogr, out of the GeoPackage that we wrote.
fn ogr2ogr(program: &str, format: &str, folder: &Path) -> String {
    let driver = match format {
        "csv" => "CSV",
        "geojson" => "GeoJSON",
        "geojsons" => "GeoJSONSeq",
        "gpkg" => "GPKG",
        "fgb" => "FlatGeobuf",
        _ => return String::new(),
    };
    let source = folder.join("tiles.gpkg");
    if !source.exists() {
        return "no GeoPackage to read".into();
    }
    let target = folder.join(format!("ogr.{format}"));
    let mut command = Command::new(program);
    command.args(["-f", driver, "-nln", "tiles"]);
    if driver == "CSV" {
        command.args(["-lco", "GEOMETRY=AS_WKT"]);
    }
    let start = Instant::now();
    let done = command.arg(&target).arg(&source).arg("tiles").output();
    let time = start.elapsed().as_secs_f64();
    // A file that was not made need not be removed.
    let _ = std::fs::remove_file(&target);
    match done {
        Ok(done) if done.status.success() => format!("{time:.1} s"),
        Ok(done) => String::from_utf8_lossy(&done.stderr).lines().next().unwrap_or("failed").to_owned(),
        Err(error) => error.to_string(),
    }
}

/// The most memory that this process ever had.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1000
}
