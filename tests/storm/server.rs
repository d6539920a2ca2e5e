//! A real server process: the built binary on a free loopback port, and the signals it gets.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that is not ready after this never will be.
const START: Duration = Duration::from_secs(60);

/// How servers of a storm are started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Data folder.
    pub data: PathBuf,
    /// Address of the database.
    pub database: String,
    /// Where warnings go.
    pub log: PathBuf,
    /// More environment variables.
    pub environment: Vec<(String, String)>,
}

/// A running process; killed when dropped.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    /// From the start of the process until it said that it was ready.
    pub ready_after: Duration,
}

impl Server {
    /// Starts a process and waits until it is ready.
    pub async fn start(settings: &Settings) -> Server {
        let begun = Instant::now();
        let settings = settings.clone();
        let spawned = tokio::task::spawn_blocking(move || spawn(&settings)).await.expect("no panic");
        let mut server = Server { process: spawned.0, address: spawned.1, ready_after: Duration::ZERO };
        while begun.elapsed() < START {
            if server.is_ready().await {
                server.ready_after = begun.elapsed();
                return server;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the server at {} is not ready after {START:?}", server.address);
    }

    /// What `/readyz` says now.
    pub async fn is_ready(&self) -> bool {
        self.get("/readyz").await == Some(200)
    }

    /// The status of a page, by a connection of its own; `None` where there is no answer.
    pub async fn get(&self, path: &str) -> Option<u16> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).no_proxy().build().ok()?;
        let reply = client.get(format!("http://{}{path}", self.address)).send().await.ok()?;
        Some(reply.status().as_u16())
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.process.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.process.kill().expect("SIGKILL");
        self.process.wait().expect("its end");
    }

    /// Asks it to end; returns how long that took.
    pub async fn stop(mut self) -> Duration {
        let begun = Instant::now();
        self.signal("TERM");
        let end = tokio::task::spawn_blocking(move || {
            let status = self.process.wait().expect("its end");
            assert!(status.success(), "a server that was asked to stop ended with {status}");
        });
        end.await.expect("an orderly end");
        begun.elapsed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The process and where it listens.
fn spawn(settings: &Settings) -> (Child, SocketAddr) {
    let log = File::options().create(true).append(true).open(&settings.log).expect("a log file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_aftermap"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AFTERMAP_")) {
        command.env_remove(name);
    }
    command.args(["serve", "--listen", "127.0.0.1:0", "--workers", "2", "--database-url", &settings.database]);
    command.arg("--data").arg(&settings.data).env("RUST_LOG", "warn").env("NO_COLOR", "1");
    command.envs(settings.environment.iter().cloned()).stdout(Stdio::piped()).stderr(log);
    let mut process = command.spawn().expect("the server starts");
    let lines = BufReader::new(process.stdout.take().expect("its output")).lines();
    let mut lines = lines.map_while(Result::ok);
    match lines.find_map(|line| line.strip_prefix("aftermap listens on http://")?.parse().ok()) {
        Some(address) => (process, address),
        None => {
            let said = std::fs::read_to_string(&settings.log).unwrap_or_default();
            let last: Vec<&str> = said.lines().rev().take(5).collect();
            panic!("the server did not start: {last:#?}")
        }
    }
}
