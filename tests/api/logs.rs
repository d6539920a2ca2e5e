//! What the real server writes to standard error, read line by line: one event a line, who was refused, no internal words
//! to coordinators, and nothing of what people sent.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aftermap::cli::user;
use aftermap::services::people::grant_role::Grant;
use aftermap::storage::{DatabaseUrl, Store};
use diesel::Connection;
use diesel::connection::SimpleConnection;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Browser, PASSWORD};

const TOWN: &str = "/api/v1/campaigns/town";

/// A running server whose log is read at its end.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(data: &Path, more: &[&str]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aftermap"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
        command.env_remove("RUST_LOG").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("the server starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let told = |line: std::io::Result<String>| line.ok()?.strip_prefix("aftermap listens on ").map(str::to_owned);
        let address = lines.find_map(told).expect("the address");
        Server { process, address }
    }

    /// Ends it and gives back what it wrote.
    fn log(mut self) -> String {
        self.process.kill().expect("SIGKILL");
        let mut log = String::new();
        self.process.stderr.take().expect("its log").read_to_string(&mut log).expect("text");
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A data folder with an admin `boss` and a creator `cleo`.
async fn folder() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(&DatabaseUrl::in_folder(data.path()), 2).unwrap();
    user::add(&store, "boss".into(), PASSWORD, Some(Grant::Admin)).await.unwrap();
    user::add(&store, "cleo".into(), PASSWORD, Some(Grant::Creator)).await.unwrap();
    user::add(&store, "vera".into(), PASSWORD, None).await.unwrap();
    data
}

async fn signed_in(server: &Server, name: &str) -> Browser {
    let browser = Browser::at(&server.address);
    browser.post("/api/v1/session", json!({"name": name, "password": PASSWORD})).await.ok();
    browser
}

/// Uploads a file of gold and waits for its job; what the coordinator is told.
async fn read_gold(boss: &Browser, text: &str) -> Value {
    let wanted = json!({"file_name": "gold.csv", "bytes": text.len()});
    let id = boss.post(&format!("{TOWN}/uploads"), wanted).await.json()["id"].as_str().unwrap().to_owned();
    let headers = [("content-type", "application/offset+octet-stream"), ("upload-offset", "0")];
    boss.send_bytes(Method::PATCH, &format!("{TOWN}/uploads/{id}"), &headers, text.as_bytes().to_vec()).await.ok();
    let asked = boss.post(&format!("{TOWN}/jobs"), json!({"kind": "gold", "upload": id, "gold": "check"})).await.json();
    let path = format!("{TOWN}/jobs/{}", asked["id"].as_str().unwrap());
    for _ in 0..600 {
        let seen = boss.get(&path).await.json();
        if !["waiting", "running"].contains(&seen["state"].as_str().unwrap()) {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the job does not end");
}

#[tokio::test]
async fn a_hostile_file_writes_no_line_into_the_log_and_none_of_its_words() {
    let data = folder().await;
    let server = Server::start(data.path(), &[]);
    let boss = signed_in(&server, "boss").await;
    boss.post("/api/v1/campaigns", json!({"slug": "town", "title": "Town"})).await.ok();
    let forged = "2026-01-01T00:00:00Z  INFO aftermap::http: forged by a header";
    let seen = read_gold(&boss, &format!("\"tile\n{forged}\n\",b\n1,2\n")).await;
    assert!(seen["state"] == "failed" && seen["message"].as_str().unwrap().contains("it needs answer"), "{seen}");
    let log = server.log();
    assert!(!log.contains("forged"), "{log}");
    let ended = format!("job={} kind=\"gold\" state=\"failed\"", seen["id"].as_str().unwrap());
    assert!(log.lines().any(|line| line.contains("a job ended") && line.contains(&ended)), "{log}");
}

#[tokio::test]
async fn who_was_refused_is_told_with_request_route_and_number_and_without_names() {
    let data = folder().await;
    let server = Server::start(data.path(), &["--log-format", "json"]);
    let (boss, cleo) = (signed_in(&server, "boss").await, signed_in(&server, "cleo").await);
    signed_in(&server, "vera").await;
    boss.post("/api/v1/campaigns", json!({"slug": "town", "title": "Town"})).await.ok();
    let hidden = cleo.get(&format!("{TOWN}/jobs")).await;
    hidden.refused(404, "not_found");
    let wrong = Browser::at(&server.address);
    let proof = json!({"name": "cleo", "password": "x-canary-password"});
    let wrong = wrong.post("/api/v1/session", proof).await;
    wrong.refused(401, "wrong_credentials");
    let foreign = [("sec-fetch-site", "cross-site"), ("content-type", "application/json")];
    let foreign = cleo.send(Method::POST, "/api/v1/guests", &foreign, Some("{}".into())).await;
    foreign.refused(403, "forbidden");
    let log = server.log();
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let refused: Vec<&Value> = events.iter().filter(|event| event["message"] == "refused").collect();
    for (reply, code, route) in [
        (&hidden, "hidden", "/api/v1/campaigns/{slug}/jobs"),
        (&wrong, "wrong_credentials", "/api/v1/session"),
        (&foreign, "foreign_origin", "/api/v1/guests"),
    ] {
        let id = reply.headers["x-request-id"].to_str().unwrap();
        let event =
            refused.iter().find(|event| event["request"] == id).unwrap_or_else(|| panic!("no {code} in\n{log}"));
        assert_eq!((&event["code"], &event["route"]), (&json!(code), &json!(route)));
        assert_eq!(event["person"].is_i64(), code == "hidden", "{event}");
    }
    let told = events.iter().filter(|event| event["message"] == "signed in");
    let told: Vec<(bool, &Value)> = told.map(|event| (event["person"].is_i64(), &event["second_factor"])).collect();
    assert_eq!(told, [(true, &json!("none")); 2], "boss and cleo have power, vera has none\n{log}");
    for canary in ["cleo", "boss", "vera", "canary", "127.0.0.1", "three blind mice"] {
        assert!(!log.contains(canary), "{canary} in\n{log}");
    }
}

#[tokio::test]
async fn a_fault_stands_in_the_log_under_the_id_that_the_client_was_told() {
    let data = folder().await;
    let server = Server::start(data.path(), &[]);
    let boss = signed_in(&server, "boss").await;
    boss.post("/api/v1/campaigns", json!({"slug": "town", "title": "Town"})).await.ok();
    // Somebody takes a table away beneath the server.
    let file = data.path().join("aftermap.sqlite");
    let mut conn = diesel::SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    conn.batch_execute("ALTER TABLE jobs RENAME TO jobs_taken_away").unwrap();
    let failed = boss.get(&format!("{TOWN}/jobs")).await;
    failed.refused(500, "internal");
    assert!(!failed.text.contains("no such table"), "{}", failed.text);
    let log = server.log();
    let id = failed.headers["x-request-id"].to_str().unwrap();
    let line = log.lines().find(|line| line.contains("a request failed")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(id) && line.contains("no such table"), "{line}");
}
