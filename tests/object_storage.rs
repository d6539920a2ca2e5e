//! Scene archives in S3-compatible storage, from the ingest to the browser and back out of a backup: the real binary
//! against moto, which stands in for the storage.

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use aftermap::domain::cell::{Cell, MercatorBox};
use aftermap::imagery::SceneArchive;
use geotiff_writer::GeoTiffBuilder;
use ndarray::Array3;
use reqwest::{Client, StatusCode};
use tempfile::TempDir;

/// A process that ends with its value.
struct Process(Child, String);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts it and waits for the line that says where it listens; the rest of what it says is read and thrown away.
    fn start(mut command: Command, mark: &str) -> Process {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let pipes: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for pipe in pipes {
            let (tell, mark) = (tell.clone(), mark.to_owned());
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    if let Some(at) = line.find(&mark) {
                        let address = line[at..].split_whitespace().next().unwrap_or_default().to_owned();
                        let _ = tell.send(address);
                    }
                }
            });
        }
        match told.recv_timeout(Duration::from_secs(60)) {
            Ok(address) => Process(child, address),
            Err(_) => {
                let _ = child.kill();
                panic!("{command:?} did not start");
            }
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.0.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }
}

/// The storage, a folder for the rest, and the environment that leads there.
struct Place {
    storage: Process,
    folder: TempDir,
}

const BUCKET: &str = "s3://pictures/scenes";

impl Place {
    async fn new() -> Option<Place> {
        let python = support::python(&["moto", "flask"])?;
        let mut command = Command::new(python);
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]);
        let storage = Process::start(command, "http://127.0.0.1:");
        let made = Client::new().put(format!("{}/pictures", storage.1)).send().await.unwrap();
        assert!(made.status().is_success(), "{made:?}");
        Some(Place { storage, folder: tempfile::tempdir().unwrap() })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aftermap"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("AFTERMAP_") || text.starts_with("AWS_") || text.to_lowercase().ends_with("_proxy") {
                command.env_remove(name);
            }
        }
        command.env("AWS_ENDPOINT_URL", &self.storage.1).env("AWS_ALLOW_HTTP", "true").env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "made").env("AWS_SECRET_ACCESS_KEY", "up").env("RUST_LOG", "warn");
        command.args(arguments);
        command
    }

    /// Runs a verb on the data folder and the storage.
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        command.arg("--data").arg(self.at("data"));
        if !matches!(arguments[0], "campaign") {
            command.args(["--tiles", BUCKET]);
        }
        command.output().unwrap()
    }

    fn must(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn picture(&self, name: &str, colour: u8) -> String {
        let file = self.at(name);
        let mut pixels = Array3::<u8>::from_elem((700, 700, 3), colour);
        // Not all tiles alike, else one cached range would answer for all.
        pixels.indexed_iter_mut().for_each(|((row, col, _), value)| *value ^= ((row / 9) * 7 + (col / 11) * 3) as u8);
        GeoTiffBuilder::new(700, 700)
            .bands(3)
            .epsg(32637)
            .pixel_scale(2.0, 2.0)
            .origin(437_000.0, 3_978_000.0)
            .write_3d(&file, pixels.view())
            .unwrap();
        file.to_str().unwrap().to_owned()
    }

    fn archives(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(self.at("data/tiles")).unwrap().map(|entry| entry.unwrap().path());
        let mut all: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|e| e == "pmtiles")).collect();
        all.sort();
        all
    }

    fn object(&self, archive: &Path) -> String {
        format!("{}/pictures/scenes/{}", self.storage.1, archive.file_name().unwrap().to_str().unwrap())
    }
}

/// Cells that have a picture, with their bytes.
fn cells(archive: &Path) -> Vec<(Cell, Vec<u8>)> {
    let archive = SceneArchive::open(archive).unwrap();
    let about = archive.metadata();
    let all = Cell::covering(about.max_zoom, MercatorBox::from_degrees(about.bounds));
    all.filter_map(|cell| Some((cell, archive.tile(cell).unwrap()?.to_vec()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_live_in_object_storage() {
    let Some(place) = Place::new().await else { return };
    place.must(&["campaign", "create", "town", "--title", "A town", "--licence", "CC0-1.0"]);
    for (name, colour, day) in [("before.tif", 90, "2025-06-15"), ("after.tif", 160, "2025-07-15")] {
        let file = place.picture(name, colour);
        place.must(&["ingest", "--campaign", "town", "--scene", &file, "--captured", day]);
    }
    place.must(&["campaign", "open", "town"]);
    let archives = place.archives();
    assert_eq!(archives.len(), 2);
    for archive in &archives {
        let sent = Client::new().get(place.object(archive)).send().await.unwrap();
        assert!(sent.headers().contains_key("x-amz-meta-sha256"), "{sent:?}");
        assert!(sent.bytes().await.unwrap() == fs::read(archive).unwrap(), "the storage has the same bytes");
    }
    // What is not on this machine comes from the storage.
    fs::rename(place.at("data/tiles"), place.at("aside")).unwrap();
    let aside: Vec<PathBuf> =
        archives.iter().map(|archive| place.at("aside").join(archive.file_name().unwrap())).collect();
    pictures_come_from_the_storage(&place, &aside).await;
    doctor_mends_what_is_missing(&place, &aside).await;
    backup_and_restore(&place, &aside).await;
}

async fn pictures_come_from_the_storage(place: &Place, archives: &[PathBuf]) {
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0", "--tiles", BUCKET]);
    command.arg("--data").arg(place.at("data"));
    let server = Process::start(command, "http://127.0.0.1:");
    let get = async |path: String| Client::new().get(format!("{}{path}", server.1)).send().await.unwrap();
    let campaign: serde_json::Value = get("/api/v1/campaigns/town".into()).await.json().await.unwrap();
    let scenes: Vec<&str> =
        campaign["scenes"].as_array().unwrap().iter().map(|scene| scene["id"].as_str().unwrap()).collect();
    let mut known = Vec::new();
    for archive in archives {
        let pictures = cells(archive);
        assert!(pictures.len() > 12, "{}", pictures.len());
        for scene in &scenes {
            let reply = get(format!("/tiles/{scene}/{}", slashes(pictures[0].0))).await;
            assert_eq!(reply.status(), StatusCode::OK);
            if reply.bytes().await.unwrap() == pictures[0].1 {
                known.push((scene.to_string(), pictures.clone()));
            }
        }
    }
    assert_eq!(known.len(), 2, "each scene has its own pictures");
    let (scene, pictures) = &known[0];
    for (cell, bytes) in &pictures[..6] {
        assert!(get(format!("/tiles/{scene}/{}", slashes(*cell))).await.bytes().await.unwrap() == *bytes, "{cell}");
    }
    place.storage.signal("STOP");
    let begun = Instant::now();
    let away = get(format!("/tiles/{scene}/{}", slashes(pictures[9].0))).await;
    assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(away.headers().contains_key("retry-after") && begun.elapsed() < Duration::from_secs(30));
    let problem: serde_json::Value = away.json().await.unwrap();
    assert_eq!(problem["code"], "unavailable");
    let kept = get(format!("/tiles/{scene}/{}", slashes(pictures[0].0))).await;
    assert_eq!(kept.status(), StatusCode::OK, "what was read lately is still there");
    assert_eq!(get("/readyz".into()).await.status(), StatusCode::OK, "labels are taken all the same");
    place.storage.signal("CONT");
    let back = get(format!("/tiles/{scene}/{}", slashes(pictures[9].0))).await;
    assert!(back.status() == StatusCode::OK && back.bytes().await.unwrap() == pictures[9].1);
}

fn slashes(cell: Cell) -> String {
    format!("{}/{}/{}", cell.z, cell.x, cell.y)
}

async fn doctor_mends_what_is_missing(place: &Place, archives: &[PathBuf]) {
    place.must(&["doctor"]);
    let gone = Client::new().delete(place.object(&archives[0])).send().await.unwrap();
    assert!(gone.status().is_success());
    let found = place.run(&["doctor"]);
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.status.code() == Some(1) && said.contains("is missing"), "{said}");
    let sources = place.folder.path().to_str().unwrap();
    let said = place.must(&["doctor", "--repair", "--sources", sources]);
    assert!(said.contains("cut again"), "{said}");
    let again = Client::new().get(place.object(&archives[0])).send().await.unwrap().bytes().await.unwrap();
    assert!(again == fs::read(&archives[0]).unwrap(), "the same bytes as before");
    // Only what lies in the storage counts from here on.
    fs::remove_dir_all(place.at("data/tiles")).unwrap();
}

async fn backup_and_restore(place: &Place, archives: &[PathBuf]) {
    let backups = place.at("backups");
    place.must(&["backup", "--out", backups.to_str().unwrap()]);
    for (name, tiles) in [("disk", None), ("cloud", Some("s3://pictures/other"))] {
        let mut command = place.command(&["restore", "--from", backups.to_str().unwrap(), "--data"]);
        command.arg(place.at(name));
        tiles.iter().for_each(|tiles| _ = command.args(["--tiles", tiles]));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for archive in archives {
        let name = archive.file_name().unwrap();
        assert!(fs::read(place.at("disk/tiles").join(name)).unwrap() == fs::read(archive).unwrap());
        let object = format!("{}/pictures/other/{}", place.storage.1, name.to_str().unwrap());
        assert!(Client::new().get(object).send().await.unwrap().bytes().await.unwrap() == fs::read(archive).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_is_away_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_aftermap"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    drop(aftermap::storage::Store::open(&aftermap::storage::DatabaseUrl::in_folder(folder.path()), 1).unwrap());
    // Nobody listens at the discard port.
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9").env("AWS_ALLOW_HTTP", "true").env("AWS_REGION", "here");
    command
        .env("AWS_ACCESS_KEY_ID", "AKIANOBODY")
        .env("AWS_SECRET_ACCESS_KEY", "hush-hush")
        .env("NO_PROXY", "127.0.0.1");
    let output = command.args(["doctor", "--tiles", BUCKET, "--data"]).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code() == Some(1) && said.contains(BUCKET), "{said}");
    assert!(!said.contains("AKIANOBODY") && !said.contains("hush-hush"), "no credentials in what is said: {said}");
}
