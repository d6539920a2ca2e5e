//! A server for each test, browsers and scripts that talk to it, and campaigns to talk about.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc;

use aftermap::cli::user;
use aftermap::domain::bbox::Bbox;
use aftermap::domain::campaign::{Campaign, CampaignState, ReleaseLevel, Visibility};
use aftermap::domain::cell::Cell;
use aftermap::domain::gold::GoldKind;
use aftermap::domain::policy::Policy;
use aftermap::domain::remote_tiles::AllowedHosts;
use aftermap::domain::scene::Scene;
use aftermap::domain::second_factor::SecondFactorRule;
use aftermap::domain::tile::Tile;
use aftermap::domain::volunteer::Role;
use aftermap::http::{App, Server, ServerOptions, Shares};
use aftermap::imagery::Archives;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::gold::import_gold::{GoldAnswer, import_gold};
use aftermap::services::people::access_token::Keys;
use aftermap::services::people::grant_role::Grant;
use aftermap::services::people::sign_in::SignIn;
use aftermap::services::{Error, clock};
use aftermap::storage::scenes::tiles::{self, NewTile};
use aftermap::storage::{Conn, Store, campaigns, new_id, scenes};
use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

use crate::support::{TestDatabase, databases, sqlite};

/// A password that nobody would try first.
pub const PASSWORD: &str = "three blind mice";
/// The signing key of all test servers.
pub const SECRET: [u8; 32] = [7; 32];

/// A server with a database of its own.
pub struct TestApp {
    pub address: String,
    pub metrics: Option<std::net::SocketAddr>,
    pub store: Store,
    pub tiles: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    database: TestDatabase,
}

/// Runs a test on a server over each database there is.
pub async fn on_each_database(test: impl AsyncFn(&TestApp)) {
    for database in databases() {
        let app = TestApp::start(database, None);
        test(&app).await;
    }
}

/// A server over SQLite, for what has nothing to do with the database.
pub fn on_sqlite() -> TestApp {
    TestApp::start(sqlite(), None)
}

impl TestApp {
    pub fn start(database: TestDatabase, public_url: Option<&str>) -> TestApp {
        TestApp::start_with(database, public_url, ServerOptions::default())
    }

    /// A server on which each address has this share.
    pub fn start_sharing(database: TestDatabase, shares: Shares) -> TestApp {
        TestApp::run(database, None, ServerOptions::default(), |app| app.with_shares(shares))
    }

    /// The same with limits of its own.
    pub fn start_sharing_with(database: TestDatabase, shares: Shares, options: ServerOptions) -> TestApp {
        TestApp::run(database, None, options, |app| app.with_shares(shares))
    }

    /// A server whose operator allows these hosts.
    pub fn start_fetching(database: TestDatabase, hosts: AllowedHosts) -> TestApp {
        TestApp::run(database, None, ServerOptions::default(), |mut app| {
            app.intake.remote_hosts = hosts;
            app
        })
    }

    /// A server whose operator asks for a second factor by this rule.
    pub fn start_requiring(database: TestDatabase, rule: SecondFactorRule) -> TestApp {
        TestApp::run(database, None, ServerOptions::default(), |mut app| {
            app.sign_in = app.sign_in.under(rule);
            app
        })
    }

    /// A server with limits of its own.
    pub fn start_with(database: TestDatabase, public_url: Option<&str>, options: ServerOptions) -> TestApp {
        TestApp::run(database, public_url, options, |app| app)
    }

    fn run(
        database: TestDatabase,
        public_url: Option<&str>,
        options: ServerOptions,
        change: impl FnOnce(App) -> App,
    ) -> TestApp {
        // What the server would tell its operator stands beside the failure of a test.
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
        let store = database.store();
        let tiles = tempfile::tempdir().unwrap();
        let sign_in = SignIn::new(store.clone(), Keys::new(&SECRET).unwrap());
        let archives = Archives::new(tiles.path());
        let spool = tiles.path().join("spool");
        let app = change(App::new(store.clone(), sign_in, archives, spool, public_url.map(Into::into)));
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let wait = async move { drop(stopped.await) };
                let server = Server::start(app, &options, wait).unwrap();
                tell.send((server.address, server.metrics)).unwrap();
                server.run().await.unwrap();
            });
        });
        let (address, metrics) = told.recv().unwrap();
        let address = format!("http://{address}");
        TestApp { address, metrics, store, tiles, stop: Some(stop), thread: Some(thread), database }
    }

    /// A connection to its database, past the server.
    pub fn connect(&self) -> Conn {
        self.database.connect()
    }

    /// Gives the server's role its rights again, after the tables were made anew.
    pub fn let_the_server_in(&self) {
        self.database.let_the_server_in();
    }

    /// A browser without cookies.
    pub fn browser(&self) -> Browser {
        Browser { http: reqwest::Client::new(), address: self.address.clone(), cookies: Mutex::default(), bearer: None }
    }

    /// A script with a token.
    pub fn script(&self, token: &str) -> Browser {
        Browser { bearer: Some(token.to_owned()), ..self.browser() }
    }

    /// A browser signed in as somebody new with this role.
    pub async fn signed_in(&self, name: &str, grant: Option<Grant>) -> Browser {
        user::add(&self.store, name.into(), PASSWORD, grant).await.unwrap();
        let browser = self.browser();
        let reply = browser.post("/api/v1/session", json!({"name": name, "password": PASSWORD})).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        browser
    }

    /// Another browser of somebody who has an account.
    pub async fn signed_in_again(&self, name: &str) -> Browser {
        let browser = self.browser();
        let reply = browser.post("/api/v1/session", json!({"name": name, "password": PASSWORD})).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        browser
    }

    /// A browser signed in as somebody new with a role in a campaign.
    pub async fn signed_in_as(&self, role: Role, slug: &str) -> Browser {
        let grant = Grant::InCampaign { campaign: slug.into(), role };
        self.signed_in(&format!("{role}-of-{slug}"), Some(grant)).await
    }

    /// A campaign of two scenes and `tile_count` tiles, open.
    pub async fn campaign(&self, slug: &str, visibility: Visibility, release_level: ReleaseLevel) -> Campaign {
        let new = NewCampaign {
            visibility,
            release_level,
            synthetic: true,
            ..NewCampaign::new(slug, &format!("Title of {slug}"))
        };
        let slug = slug.to_owned();
        self.write(move |conn| {
            let campaign = create_campaign(conn, &new, None, clock::now_ms())?;
            let before = add_scene(conn, &campaign, 1)?;
            let after = add_scene(conn, &campaign, 2)?;
            for x in 0..12 {
                add_tile(conn, &campaign, Cell { z: 13, x: 5_000 + x, y: 3_200 }, &[before, after])?;
            }
            change_state(conn, &slug, CampaignState::Open, None, clock::now_ms())
        })
        .await
    }

    /// A public campaign with a public map.
    pub async fn public_campaign(&self, slug: &str) -> Campaign {
        self.campaign(slug, Visibility::Public, ReleaseLevel::Public).await
    }

    /// Makes tiles of a campaign gold, each with its answer; their explanation is "because".
    pub async fn gold(&self, slug: &str, kind: GoldKind, answers: &[(&str, &str)]) {
        let gold = |(tile, answer): &(&str, &str)| GoldAnswer {
            tile_id: (*tile).into(),
            answer: (*answer).into(),
            explanation: "because".into(),
            ..GoldAnswer::default()
        };
        let (slug, answers) = (slug.to_owned(), answers.iter().map(gold).collect::<Vec<_>>());
        self.write(move |conn| import_gold(conn, &slug, kind, &answers, clock::now_ms())).await;
    }

    /// Changes the policy of a campaign.
    pub async fn set_policy(&self, slug: &str, change: impl Fn(&mut Policy) + Send + 'static) {
        let slug = slug.to_owned();
        self.write(move |conn| {
            let mut campaign = campaigns::find(conn, &slug)?.expect("the campaign");
            change(&mut campaign.policy);
            Ok(campaigns::set_policy(conn, campaign.id, &campaign.policy)?)
        })
        .await;
    }

    /// Puts a campaign into a state, whatever it may become from there.
    pub async fn set_state(&self, slug: &str, state: CampaignState) {
        let slug = slug.to_owned();
        self.write(move |conn| {
            let campaign = campaigns::find(conn, &slug)?.expect("the campaign");
            Ok(campaigns::set_state(conn, &campaign, state, clock::now_ms())?)
        })
        .await;
    }

    /// Changes the database behind the server's back.
    pub async fn write<T: Send + 'static>(&self, run: impl Fn(&mut Conn) -> Result<T, Error> + Send + 'static) -> T {
        self.store.write(run).await.unwrap()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server ended with a panic");
        }
    }
}

/// Adds the scene of a day.
pub fn add_scene(conn: &mut Conn, campaign: &Campaign, day: i64) -> Result<i64, Error> {
    let scene = Scene {
        id: new_id(),
        title: format!("day {day}"),
        captured_from: day * 86_400_000,
        captured_to: day * 86_400_000,
        sensor: None,
        licence: None,
        attribution: Some("drawn by a test".into()),
        source_name: "day.tif".into(),
        source_sha256: "0".repeat(64),
        archive: format!("{day:064x}.pmtiles"),
        archive_sha256: "0".repeat(64),
        crs: "EPSG:3857".into(),
        pixel_size_m: 1.0,
        min_zoom: 10,
        max_zoom: 16,
        bounds: Bbox { west: 39.0, south: 35.0, east: 40.0, north: 36.0 },
    };
    scenes::insert(conn, campaign.id, &scene, 0)?;
    Ok(scene.id)
}

fn add_tile(conn: &mut Conn, campaign: &Campaign, cell: Cell, seen: &[i64]) -> Result<(), Error> {
    let tile = Tile { id: new_id(), tile_id: cell.to_string(), cell: Some(cell), bbox: cell.bbox(), footprint: None };
    let frames = seen.iter().map(|scene| (*scene, 1.0)).collect();
    let new = NewTile { tile, frames, shuffle_key: i64::from(cell.x) };
    Ok(tiles::insert(conn, campaign.id, &new, &campaign.policy)?)
}

/// A client that keeps cookies as a browser does, or sends a token as a script does.
pub struct Browser {
    http: reqwest::Client,
    address: String,
    cookies: Mutex<BTreeMap<String, String>>,
    bearer: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The same as words.
    pub text: String,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// The header, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is a refusal and returns what it says.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status)), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        problem
    }

    /// Asserts that it went well and returns the body as it is.
    #[track_caller]
    pub fn ok_text(&self) -> &str {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text);
        &self.text
    }

    /// Asserts that it went well and returns the body.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }
}

impl Browser {
    /// A browser without cookies, before a server at that address.
    pub fn at(address: &str) -> Browser {
        Browser { http: reqwest::Client::new(), address: address.to_owned(), cookies: Mutex::default(), bearer: None }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, &[("content-type", "application/json")], Some(body.to_string())).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, &[], None).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Reply {
        self.send_bytes(method, path, headers, body.unwrap_or_default().into_bytes()).await
    }

    pub async fn send_bytes(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
        let mut request = self.http.request(method, format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.bearer {
            request = request.bearer_auth(token);
        }
        let cookies = self.cookies_for(path);
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        let reply = request.body(body).send().await.unwrap();
        self.keep_cookies(reply.headers());
        let (status, headers) = (reply.status(), reply.headers().clone());
        // Events never end.
        let endless = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let bytes = if endless { vec![] } else { reply.bytes().await.unwrap_or_default().to_vec() };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Reply { status, headers, bytes, text }
    }

    fn cookies_for(&self, path: &str) -> String {
        let kept = self.cookies.lock().unwrap();
        // The refresh cookie is for the session's address only.
        let sent = kept.iter().filter(|(name, _)| *name != "aftermap_refresh" || path.starts_with("/api/v1/session"));
        sent.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        let mut kept = self.cookies.lock().unwrap();
        for cookie in headers.get_all(SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                kept.remove(name);
            } else {
                kept.insert(name.into(), value.into());
            }
        }
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    /// Changes a cookie.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.into(), value.into());
    }

    /// Comes in as a guest, with a token for a tool too; returns the answer.
    pub async fn become_guest(&self) -> Value {
        let reply = self.post("/api/v1/guests", json!({"token": true})).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
        reply.json()
    }

    /// Who the server takes this browser for.
    pub async fn session(&self) -> Value {
        self.get("/api/v1/session").await.ok()
    }
}
