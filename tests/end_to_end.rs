//! The whole job, by the real binary: pictures in, simulated volunteers over HTTP, damage map out, a kill and a restart.
//! On SQLite and on PostgreSQL.

mod support;

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aftermap::cli::simulate::{Crowd, SimulateOptions, Summary, simulate};
use support::TestDatabase;

/// The server looks every five seconds whether skills are to be fitted anew; a longer rest shows that it is done.
const REST: Duration = Duration::from_secs(7);
/// Times that volunteers may be called back because a refit opened tiles again.
const ROUNDS: usize = 8;

/// A data folder and a database, and the binary that works on them.
struct House {
    database: TestDatabase,
    folder: tempfile::TempDir,
}

/// A running server; killed when dropped.
struct Server {
    process: Child,
    url: String,
}

impl House {
    fn new(database: TestDatabase) -> House {
        House { database, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = binary();
        command.args(words).arg("--data").arg(self.folder.path()).args(["--database-url", &self.database.address()]);
        command
    }

    /// Runs a verb that must work.
    fn run(&self, words: &[&str]) {
        let output = self.command(words).output().expect("the binary starts");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts the server on a free port and waits until it is ready.
    async fn serve(&self) -> Server {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("RUST_LOG", "warn").stdout(Stdio::piped());
        let mut process = command.spawn().expect("the server starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let url = lines
            .find_map(|line| line.ok()?.strip_prefix("aftermap listens on ").map(str::to_owned))
            .expect("the server says where it listens");
        let server = Server { process, url };
        for _ in 0..100 {
            let ready = reqwest::get(format!("{}/readyz", server.url)).await;
            if ready.is_ok_and(|reply| reply.status().is_success()) {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server never gets ready");
    }

    /// Exports into a file and returns its bytes.
    fn export(&self, campaign: &str, what: &str, format: &str) -> Vec<u8> {
        let file = self.path(&format!("{what}.{format}"));
        let out = file.to_str().expect("a UTF-8 path");
        self.run(&["export", "--campaign", campaign, "--what", what, "--format", format, "--out", out]);
        std::fs::read(file).expect("the export")
    }

    fn tiles(&self, campaign: &str) -> Vec<HashMap<String, String>> {
        rows(&self.export(campaign, "tiles", "csv"))
    }
}

impl Server {
    /// Ends it as a power cut would.
    fn kill(mut self) {
        self.process.kill().expect("SIGKILL");
        self.process.wait().expect("its end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aftermap"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AFTERMAP_") {
            command.env_remove(name);
        }
    }
    command
}

fn rows(bytes: &[u8]) -> Vec<HashMap<String, String>> {
    csv::Reader::from_reader(bytes).deserialize().collect::<Result<_, _>>().expect("a CSV file with a header")
}

fn truth_in(path: &Path) -> HashMap<String, String> {
    let rows = rows(&std::fs::read(path).expect("the truth"));
    rows.into_iter().map(|mut row| (row.remove("tile_id").unwrap(), row.remove("label").unwrap())).collect()
}

/// Thirty volunteers, called back until every tile is closed and stays so; everything they were told is stored.
async fn label(house: &House, server: &Server, campaign: &str, truth: &HashMap<String, String>) -> Vec<Summary> {
    let mut rounds = Vec::new();
    for seed in 1..=ROUNDS as u64 {
        let options = SimulateOptions {
            url: server.url.clone(),
            campaign: campaign.into(),
            volunteers: 30,
            seed,
            truth: truth.clone(),
            crowd: Crowd::Mixed,
            patience: Duration::from_secs(3),
            gone: 0.0,
            ring: 0,
        };
        let summary = simulate(options).await.expect("a simulation");
        println!("{campaign} on {}, round {seed}:\n{summary}", house.database.name);
        assert_eq!(summary.failed, []);
        assert!(summary.refused.is_empty(), "{:?}", summary.refused);
        rounds.push(summary);
        tokio::time::sleep(REST).await;
        if house.tiles(campaign).iter().all(|tile| tile["state"] != "open") {
            return rounds;
        }
    }
    panic!("there are open tiles after {ROUNDS} rounds on {}", house.database.name);
}

/// Compares the map with the truth, prints how well they agree, and returns the share of right classes.
fn accuracy(house: &House, campaign: &str, truth: &HashMap<String, String>) -> f64 {
    let tiles = house.tiles(campaign);
    assert_eq!(tiles.len(), truth.len(), "every tile is on the map");
    let judged: Vec<_> = tiles.iter().filter(|tile| tile["reviewed_by_expert"] != "true").collect();
    let called: Vec<_> = judged.iter().filter(|tile| !tile["class"].is_empty()).collect();
    let right = called.iter().filter(|tile| tile["class"] == truth[&tile["tile_id"]]).count();
    let share = right as f64 / judged.len() as f64;
    println!(
        "{campaign} on {}: {right} of {} tiles judged by the crowd are right ({:.1} %), {} without a class, {} gold",
        house.database.name,
        judged.len(),
        share * 100.0,
        judged.len() - called.len(),
        tiles.len() - judged.len()
    );
    share
}

/// Every acknowledged label is in the log, with the answer that was sent.
fn all_there(house: &House, campaign: &str, rounds: &[Summary]) {
    let log = rows(&house.export(campaign, "labels", "csv"));
    let stored: HashMap<&str, &str> =
        log.iter().map(|row| (row["label_id"].as_str(), row["answer"].as_str())).collect();
    let told: Vec<_> = rounds.iter().flat_map(|round| &round.acknowledged).collect();
    let ids: HashSet<&str> = told.iter().map(|label| label.id.as_str()).collect();
    assert_eq!(ids.len(), told.len(), "each label was acknowledged once");
    for label in &told {
        assert_eq!(stored.get(label.id.as_str()), Some(&label.answer.as_str()), "on {}", house.database.name);
    }
    assert_eq!(log.len(), told.len(), "nothing else is in the log");
}

/// Kills the server, starts another one, and finds the same bytes and every label again.
async fn survives_a_kill(house: &House, server: Server, campaign: &str, rounds: &[Summary]) {
    let wanted = [("tiles", "csv"), ("tiles", "geojson"), ("labels", "csv")];
    let before = wanted.map(|(what, format)| house.export(campaign, what, format));
    all_there(house, campaign, rounds);
    server.kill();
    let again = house.serve().await;
    let after = wanted.map(|(what, format)| house.export(campaign, what, format));
    assert!(before == after, "the same bytes after a restart, on {}", house.database.name);
    all_there(house, campaign, rounds);
    // The map that everybody may have comes from the new server too.
    let reply = reqwest::get(format!("{}/api/v1/campaigns/{campaign}/exports/tiles.geojson", again.url)).await;
    let reply = reply.expect("a reply");
    assert_eq!(reply.status(), 200);
    let map: serde_json::Value = reply.json().await.expect("GeoJSON");
    let full: serde_json::Value = serde_json::from_slice(&after[1]).expect("GeoJSON");
    let features = |map: &serde_json::Value| map["features"].as_array().expect("features").len();
    assert_eq!(features(&map), features(&full));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_town_is_labelled_from_pictures_to_map() {
    for database in support::databases() {
        let house = House::new(database);
        house.run(&["demo", "--prepare-only", "--seed", "2025"]);
        let truth = truth_in(&house.path("demo/synthetic_town_truth.csv"));
        let server = house.serve().await;
        let rounds = label(&house, &server, "demo", &truth).await;
        assert!(accuracy(&house, "demo", &truth) >= 0.85);
        survives_a_kill(&house, server, "demo", &rounds).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_madre_fire_is_labelled_from_pictures_to_map() {
    let Some(pictures) = support::data("imagery/demo_madre_fire_2025") else { return };
    for database in support::databases() {
        let house = House::new(database);
        house.run(&["campaign", "create", "fire", "--title", "Madre Fire", "--scale", "conflict3"]);
        for (file, day) in [("madre_fire_before.tif", "2025-06-15"), ("madre_fire_after.tif", "2025-07-10")] {
            let file = pictures.join(file);
            let scene = file.to_str().expect("a UTF-8 path");
            house.run(&["ingest", "--campaign", "fire", "--scene", scene, "--captured", day, "--zoom", "14"]);
        }
        house.run(&["campaign", "open", "fire"]);
        // The crowd has a truth to agree on: any will do.
        let classes = ["no_visible_damage", "damaged", "destroyed"];
        let tiles = house.tiles("fire");
        let known = |(place, tile): (usize, &HashMap<String, String>)| {
            (tile["tile_id"].clone(), classes[place % 7 % 3].to_owned())
        };
        let truth: HashMap<String, String> = tiles.iter().enumerate().map(known).collect();
        assert!(truth.len() > 20, "{} tiles", truth.len());
        let server = house.serve().await;
        let rounds = label(&house, &server, "fire", &truth).await;
        assert!(accuracy(&house, "fire", &truth) >= 0.85);
        survives_a_kill(&house, server, "fire", &rounds).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn six_dates_of_one_place_become_a_labelled_timeline() {
    let Some(pictures) = support::data("imagery/series_naip_wetlands") else { return };
    let house = House::new(support::sqlite());
    house.run(&["campaign", "create", "ponds", "--title", "Ponds", "--scale", "change2"]);
    for day in ["2009-08-18", "2012-07-31", "2015-09-26", "2017-08-27", "2019-09-04", "2020-08-31"] {
        let file = pictures.join(format!("naip_{day}.tif"));
        let scene = file.to_str().expect("a UTF-8 path");
        house.run(&["ingest", "--campaign", "ponds", "--scene", scene, "--captured", day, "--zoom", "15"]);
    }
    house.run(&["campaign", "open", "ponds"]);
    let tiles = house.tiles("ponds");
    let known = |(place, tile): (usize, &HashMap<String, String>)| {
        (tile["tile_id"].clone(), ["no_change", "change"][place % 5 % 2].to_owned())
    };
    let truth: HashMap<String, String> = tiles.iter().enumerate().map(known).collect();
    assert!(truth.len() >= 12, "{} tiles", truth.len());
    let server = house.serve().await;
    let rounds = label(&house, &server, "ponds", &truth).await;
    assert!(accuracy(&house, "ponds", &truth) >= 0.85);
    all_there(&house, "ponds", &rounds);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_that_cannot_begin_says_why_in_one_sentence() {
    let house = House::new(support::sqlite());
    house.run(&["campaign", "create", "draft-one", "--title", "A draft"]);
    let server = house.serve().await;
    let bad_truth = house.path("truth.csv");
    std::fs::write(&bad_truth, "tile,class\n1,2\n").unwrap();
    let bad_truth = bad_truth.to_str().unwrap().to_owned();
    let cases = [
        (vec!["--url", &server.url, "--campaign", "nowhere"], "has no campaign `nowhere`"),
        (vec!["--url", &server.url, "--campaign", "draft-one"], "draft-one"),
        (vec!["--url", "http://127.0.0.1:1", "--campaign", "demo"], "cannot reach the server at http://127.0.0.1:1"),
        (vec!["--url", "somewhere", "--campaign", "demo"], "`somewhere` is no address"),
        (vec!["--campaign", "demo", "--truth", &bad_truth], "it has no column `tile_id`"),
    ];
    for (words, expected) in cases {
        let output = binary().arg("simulate").args(&words).output().expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.contains(expected) && said.trim().lines().count() == 1, "{words:?}: {said}");
    }
}
