//! Tiles of another server as scenes: fetched through the ordinary ingest from a server on loopback that behaves, and from
//! one that does not.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aftermap::domain::alignment::Align;
use aftermap::domain::cell::Cell;
use aftermap::domain::remote_tiles::{AllowedHost, AllowedHosts};
use aftermap::domain::scene::Captured;
use aftermap::imagery::Archives;
use aftermap::services::Error;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::scenes::bring_remote::RemoteScene;
use aftermap::services::scenes::ingest::{Ingested, NewScene, ingest};
use aftermap::storage::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{databases, sqlite};
use crate::town::NOON;

const KEY: &str = "sesame/17";
/// A few tiles of zoom 16 around a place.
const AREA: [f64; 4] = [30.001, 50.001, 30.018, 50.009];

/// What was asked of the server: each path, and how often.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<HashMap<String, u32>>>);

impl Asked {
    fn note(&self, path: &str) -> u32 {
        let mut all = self.0.lock().unwrap();
        let times = all.entry(path.to_owned()).or_default();
        *times += 1;
        *times
    }

    fn total(&self) -> u32 {
        self.0.lock().unwrap().values().sum()
    }

    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

fn png(side: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(side, side, |x, y| image::Rgb([x as u8, y as u8, 90]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn reply(status: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Answers by the first part of the path: what a server may do right and wrong.
async fn answer(mut stream: TcpStream, asked: Asked, elsewhere: SocketAddr) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 8_000 {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let times = asked.note(&path);
    let (way, rest) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let y: u32 = rest.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default().parse().unwrap_or(0);
    let redirect =
        |to: String| format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let bytes = match way {
        "good" => reply("200 OK", "image/png", &png(256)),
        "keyed" if path.ends_with("?key=sesame%2F17") => reply("200 OK", "image/png", &png(256)),
        "keyed" => reply("403 Forbidden", "text/plain", b"no"),
        "gaps" if y.is_multiple_of(2) && !rest.starts_with("14") => reply("404 Not Found", "text/html", b"none"),
        "gaps" => reply("200 OK", "image/png", &png(256)),
        "empty" => reply("404 Not Found", "text/html", b"none"),
        "flaky" if times == 1 => reply("503 Service Unavailable", "text/html", b"later"),
        "flaky" => reply("200 OK", "image/png", &png(256)),
        "down" => reply("502 Bad Gateway", "text/html", b"later"),
        "html" => reply("200 OK", "text/html", b"<html>sign in</html>"),
        "lying" => reply("200 OK", "image/png", b"<html>sign in</html>"),
        "small" => reply("200 OK", "image/png", &png(100)),
        "bomb" => {
            let mut bomb = png(256);
            bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
            reply("200 OK", "image/png", &bomb)
        }
        "huge" => reply("200 OK", "image/png", &vec![0; 3 << 20]),
        "within" => redirect(format!("/good/{rest}")).into_bytes(),
        "round" => redirect(format!("/round/{rest}")).into_bytes(),
        "elsewhere" => redirect(format!("http://{elsewhere}/good/{rest}")).into_bytes(),
        _ => {
            // Slow: a head at once, then a byte now and then.
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 500\r\n\r\n").await;
            for _ in 0..100 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                if stream.write_all(b"x").await.is_err() {
                    return;
                }
            }
            return;
        }
    };
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

/// A server on a free port, until the test ends.
async fn serve(elsewhere: SocketAddr) -> (SocketAddr, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Asked::default());
    let all = asked.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, all.clone(), elsewhere));
        }
    });
    (address, asked)
}

fn host(address: SocketAddr) -> AllowedHost {
    AllowedHost {
        key: Some(KEY.into()),
        attribution: Some("© Loopback Imagery".into()),
        http: true,
        networks: vec!["127.0.0.0/8".into()],
        tiles_per_second: 500.0,
        timeout_seconds: 2.0,
        tries: 2,
        ..AllowedHost::new(&address.to_string())
    }
}

struct Desk {
    store: Store,
    archives: Archives,
    host: AllowedHost,
}

impl Desk {
    async fn bring(&self, way: &str, zoom: u8) -> Result<Ingested, Error> {
        let template = format!("http://{}/{way}", self.host.host);
        let hosts = AllowedHosts::new(vec![self.host.clone()])?;
        let remote = RemoteScene::allowed(&hosts, &template, Some(AREA), Some(zoom))?;
        let new = NewScene::fetched(remote, Captured::parse("captured", "2025-06-15").unwrap());
        let new = NewScene { align: Align::Off, ..new };
        ingest(&self.store, &self.archives, "draft", new, Arc::new(())).await
    }
}

async fn desk(store: Store, folder: &std::path::Path, host: AllowedHost) -> Desk {
    let new = NewCampaign { synthetic: true, ..NewCampaign::new("draft", "A draft") };
    store.write(move |conn| create_campaign(conn, &new, None, NOON)).await.unwrap();
    Desk { store, archives: Archives::new(folder), host }
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_of_an_allowed_host_become_a_scene_and_the_key_stays_on_the_server() {
    for database in databases() {
        let folder = tempfile::tempdir().unwrap();
        let (address, asked) = serve("127.0.0.1:9".parse().unwrap()).await;
        let desk = desk(database.store(), folder.path(), host(address)).await;
        let done = desk.bring("keyed/{z}/{x}/{y}.png?key={key}", 16).await.unwrap();
        assert!(done.changed && done.tiles > 0, "on {}", database.name);
        assert_eq!(done.scene.attribution.as_deref(), Some("© Loopback Imagery"));
        assert_eq!(done.scene.source_name, format!("http://{address}/keyed/{{z}}/{{x}}/{{y}}.png"));
        assert_eq!((done.scene.max_zoom, done.scene.crs.as_str()), (16, "EPSG:3857"));
        let archive = desk.archives.open(&done.scene.archive).unwrap();
        let cell = Cell::covering(16, aftermap::domain::cell::MercatorBox::from_degrees(done.scene.bounds)).next();
        assert_eq!(archive.tile(cell.unwrap()).unwrap().unwrap()[..], png(256)[..], "bytes are kept as they are");
        let stored = std::fs::read(folder.path().join(&done.scene.archive)).unwrap();
        for secret in [KEY, "sesame"] {
            assert!(!format!("{done:?}").contains(secret));
            assert!(!stored.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing unfinished is left");
        asked.clear();
        let again = desk.bring("keyed/{z}/{x}/{y}.png?key={key}", 16).await.unwrap();
        assert!(!again.changed && again.scene == done.scene && asked.total() > 0, "the same pictures, the same scene");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_stay_empty_and_what_fails_once_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let (address, asked) = serve("127.0.0.1:9".parse().unwrap()).await;
    let database = sqlite();
    let desk = desk(database.store(), folder.path(), host(address)).await;
    let gaps = desk.bring("gaps/{z}/{x}/{y}.png", 16).await.unwrap();
    let archive = desk.archives.open(&gaps.scene.archive).unwrap();
    let tile = |cell: &Cell| archive.tile(*cell).unwrap();
    let area = aftermap::domain::cell::MercatorBox::from_degrees(gaps.scene.bounds);
    let cells: Vec<Cell> = Cell::covering(16, area).collect();
    assert!(cells.iter().all(|cell| tile(cell).is_some() == (cell.y % 2 == 1)), "{cells:?}");
    asked.clear();
    let flaky = desk.bring("flaky/{z}/{x}/{y}.png", 15).await.unwrap();
    assert_eq!(u64::from(asked.total()), 2 * desk.archives.open(&flaky.scene.archive).unwrap().metadata().tiles);
    assert!(desk.bring("within/{z}/{x}/{y}.png", 14).await.is_ok(), "redirects within the host are followed");
    let nothing = desk.bring("empty/{z}/{x}/{y}.png", 14).await.unwrap_err().to_string();
    assert!(nothing.contains("no tile with a picture"), "{nothing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_misbehaves_is_refused_in_clear_words_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (elsewhere, never) = serve("127.0.0.1:9".parse().unwrap()).await;
    let (address, _) = serve(elsewhere).await;
    let database = sqlite();
    let mut desk = desk(database.store(), folder.path(), AllowedHost { timeout_seconds: 0.4, ..host(address) }).await;
    for (way, reason) in [
        ("html", "no picture but `text/html`"),
        ("lying", "no WebP, PNG or JPEG"),
        ("small", "100 x 100"),
        ("bomb", "tile"),
        ("huge", "larger than 1 MB"),
        ("elsewhere", "redirects to other hosts are not followed"),
        ("round", "redirects"),
        ("keyed", "is the key right"),
        ("slow", "did not answer in time"),
        ("down", "502"),
    ] {
        let refused = desk.bring(&format!("{way}/{{z}}/{{x}}/{{y}}.png"), 15).await.unwrap_err().to_string();
        assert!(refused.contains(reason) && refused.contains("tile "), "{way}: {refused}");
        assert!(!refused.contains("sesame"), "{refused}");
    }
    assert_eq!(never.total(), 0, "nobody was sent elsewhere");
    let archives = std::fs::read_dir(folder.path()).unwrap().flatten();
    assert!(archives.into_iter().all(|file| file.file_name().to_string_lossy().ends_with(".part")), "no archive");
    desk.host.networks.clear();
    let refused = desk.bring("good/{z}/{x}/{y}.png", 15).await.unwrap_err().to_string();
    assert!(refused.contains("no public address"), "{refused}");
    desk.host = AllowedHost { networks: vec!["127.0.0.1".into()], most_tiles: 3, ..desk.host };
    let refused = desk.bring("good/{z}/{x}/{y}.png", 18).await.unwrap_err().to_string();
    assert!(refused.contains("3 are allowed"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_breaks_off_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let (address, asked) = serve("127.0.0.1:9".parse().unwrap()).await;
    let database = sqlite();
    // One try, and the first answer for each tile is 503: each run gets no further than the tiles that fail.
    let desk = desk(database.store(), folder.path(), AllowedHost { tries: 1, ..host(address) }).await;
    let mut runs = 0;
    let done = loop {
        runs += 1;
        assert!(runs < 60, "it never ends");
        match desk.bring("flaky/{z}/{x}/{y}.png", 16).await {
            Ok(done) => break done,
            Err(error) => assert!(error.to_string().contains("ask again and it goes on"), "{error}"),
        }
    };
    let tiles = desk.archives.open(&done.scene.archive).unwrap().metadata().tiles;
    assert!(runs > 1 && tiles > 4, "{runs} runs for {tiles} tiles");
    let most = asked.0.lock().unwrap().values().copied().max().unwrap();
    // A tile that was under way when another one failed may be asked for once more; what was kept never is.
    assert!(
        most <= 2 + runs && u64::from(asked.total()) <= tiles * 2 + u64::from(runs) * 4,
        "asked up to {most} times in {runs} runs"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the unfinished file is gone");
}

/// `aftermap ingest` of tiles of the server, as an operator starts it.
fn command(host: &AllowedHost, database: &str, data: &std::path::Path) -> Command {
    let hosts = data.join("hosts.toml");
    let lines = format!(
        "[[host]]\nhost = \"{}\"\nattribution = \"© Loopback Imagery\"\nhttp = true\nnetworks = [\"127.0.0.0/8\"]\n\
         tiles_per_second = 200\n",
        host.host
    );
    std::fs::write(&hosts, lines).unwrap();
    let [west, south, east, north] = AREA;
    let mut command = Command::new(env!("CARGO_BIN_EXE_aftermap"));
    command.args([
        "ingest",
        "--campaign",
        "draft",
        "--scene",
        &format!("http://{}/good/{{z}}/{{x}}/{{y}}.png", host.host),
    ]);
    command.args([
        "--area",
        &format!("{west},{south},{east},{north}"),
        "--fetch-zoom",
        "18",
        "--captured",
        "2025-06-15",
    ]);
    command.args(["--align", "off", "--database-url", database, "--remote-hosts"]).arg(hosts).arg("--data").arg(data);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// The finished archives below a folder of scene archives, with their bytes.
fn archives_in(folder: &std::path::Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let files = std::fs::read_dir(folder).map_or_else(|_| Vec::new(), |files| files.flatten().collect());
    let whole = files.into_iter().filter(|file| file.path().extension().is_some_and(|end| end == "pmtiles"));
    whole.map(|file| (file.file_name(), std::fs::read(file.path()).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_is_killed_goes_on_where_it_was_and_makes_the_same_archive() {
    const KILLS: u32 = 5;
    for database in databases() {
        let data = tempfile::tempdir().unwrap();
        let (address, asked) = serve("127.0.0.1:9".parse().unwrap()).await;
        let desk = desk(database.store(), data.path(), host(address)).await;
        for turn in 1..=KILLS {
            let before = asked.total();
            let mut child = command(&desk.host, &database.address(), data.path()).spawn().unwrap();
            // Bounded: a run that does not get that far ends by itself or is killed after ten seconds.
            for _ in 0..1_000 {
                if asked.total() >= before + 12 || child.try_wait().unwrap().is_some() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(
                archives_in(&data.path().join("tiles")),
                [],
                "{}: half of it is no archive ({turn})",
                database.name
            );
        }
        let done = command(&desk.host, &database.address(), data.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let made = archives_in(&data.path().join("tiles"));
        let total = u64::from(asked.total());

        let (elsewhere, undisturbed) = (tempfile::tempdir().unwrap(), sqlite());
        let other = self::desk(undisturbed.store(), elsewhere.path(), host(address)).await;
        let once = other.bring("good/{z}/{x}/{y}.png", 18).await.unwrap();
        assert_eq!(made, archives_in(elsewhere.path()), "{}: to the byte", database.name);
        let tiles = other.archives.open(&once.scene.archive).unwrap().metadata().tiles;
        // Only what was on its way when a run was killed is asked for again.
        assert!(
            tiles > 80 && total <= tiles + u64::from(KILLS) * 9,
            "{}: {total} requests, {tiles} tiles",
            database.name
        );
    }
}
