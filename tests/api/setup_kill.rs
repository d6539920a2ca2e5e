//! Uploads and jobs when the server is killed (SIGKILL) in the middle: the real binary on a data folder.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aftermap::cli::user;
use aftermap::imagery::{SyntheticTown, TownOptions};
use aftermap::services::people::grant_role::Grant;
use aftermap::storage::{DatabaseUrl, Store};
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Browser, PASSWORD};

const TOWN: &str = "/api/v1/campaigns/town";

/// A running server; killed when dropped.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(data: &Path) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aftermap"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).env("RUST_LOG", "warn");
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let told = |line: std::io::Result<String>| line.ok()?.strip_prefix("aftermap listens on ").map(str::to_owned);
        let address = lines.find_map(told).expect("the address");
        Server { process, address }
    }

    async fn signed_in(&self) -> Browser {
        let browser = Browser::at(&self.address);
        browser.post("/api/v1/session", json!({"name": "boss", "password": PASSWORD})).await.ok();
        browser
    }

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

async fn send(boss: &Browser, id: &str, offset: usize, bytes: &[u8]) -> Value {
    let headers = [("content-type", "application/offset+octet-stream"), ("upload-offset", &offset.to_string())];
    boss.send_bytes(Method::PATCH, &format!("{TOWN}/uploads/{id}"), &headers, bytes.to_vec()).await.ok()
}

async fn job(boss: &Browser, id: &str) -> Value {
    boss.get(&format!("{TOWN}/jobs/{id}")).await.ok()
}

#[tokio::test]
async fn an_upload_and_its_job_go_on_where_a_killed_server_left_them() {
    let data = tempfile::tempdir().unwrap();
    let dates = TownOptions::default().dates.into_iter().take(2).collect();
    let options = TownOptions { size_m: 600.0, dates, clouds: vec![], ..TownOptions::default() };
    let town = SyntheticTown::draw(7, options, &data.path().join("drawn")).unwrap();
    let file = std::fs::read(&town.scenes[0].file).unwrap();
    let store = Store::open(&DatabaseUrl::in_folder(data.path()), 2).unwrap();
    user::add(&store, "boss".into(), PASSWORD, Some(Grant::Admin)).await.unwrap();
    drop(store);

    let server = Server::start(data.path());
    let boss = server.signed_in().await;
    boss.post("/api/v1/campaigns", json!({"slug": "town", "title": "Town"})).await.ok();
    let begun = boss.post(&format!("{TOWN}/uploads"), json!({"file_name": "a.tif", "bytes": file.len()})).await.ok();
    let id = begun["id"].as_str().unwrap().to_owned();
    let half = file.len() / 2;
    assert_eq!(send(&boss, &id, 0, &file[..half]).await["received"], half);
    server.kill();
    // What a kill between two syncs would leave behind: bytes that were never acknowledged.
    let mut stored = std::fs::OpenOptions::new().append(true).open(data.path().join("uploads").join(&id)).unwrap();
    std::io::Write::write_all(&mut stored, b"never acknowledged").unwrap();

    let server = Server::start(data.path());
    let boss = server.signed_in().await;
    assert_eq!(boss.get(&format!("{TOWN}/uploads/{id}")).await.ok()["received"], half);
    assert_eq!(send(&boss, &id, half, &file[half..]).await["state"], "complete");
    assert_eq!(std::fs::read(data.path().join("uploads").join(&id)).unwrap(), file, "the very bytes");
    let wanted = json!({"kind": "ingest", "upload": id, "captured": "2025-03-02"});
    let asked = boss.post(&format!("{TOWN}/jobs"), wanted).await.ok();
    let asked = asked["id"].as_str().unwrap();
    let mut seen = Value::Null;
    for _ in 0..1_500 {
        seen = job(&boss, asked).await;
        if seen["state"] != "waiting" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(seen["state"], "running", "killed in the middle: {seen}");
    server.kill();

    let server = Server::start(data.path());
    let boss = server.signed_in().await;
    for _ in 0..240 {
        seen = job(&boss, asked).await;
        if seen["state"] == "done" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!((&seen["state"], &seen["attempts"]), (&json!("done"), &json!(2)), "{seen}");
    assert_eq!(boss.get(&format!("{TOWN}/scenes")).await.ok()["scenes"].as_array().unwrap().len(), 1);
    drop(server);
}
