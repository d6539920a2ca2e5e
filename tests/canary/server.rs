//! The real program: its commands and its server, with all that they say kept in files.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::TestDatabase;

/// A data folder and a database, and the program that works on them.
pub struct House {
    folder: tempfile::TempDir,
    data: PathBuf,
    database: String,
    is_sqlite: bool,
    /// Dropped last.
    _home: TestDatabase,
}

/// A running server; killed when dropped.
pub struct Server {
    process: Child,
    pub url: String,
    metrics: String,
}

impl House {
    pub fn new(database: TestDatabase) -> House {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let is_sqlite = database.name == "sqlite";
        // SQLite is in the data folder, as it is for whoever names no database.
        let address =
            if is_sqlite { format!("sqlite:{}", data.join("aftermap.sqlite").display()) } else { database.address() };
        std::fs::create_dir_all(folder.path().join("logs")).expect("a folder");
        House { folder, data, database: address, is_sqlite, _home: database }
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A place beside the data folder.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aftermap"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AFTERMAP_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command.args(words).arg("--data").arg(&self.data).args(["--database-url", &self.database]);
        command
    }

    /// Runs a command that must work. What it answers is for whoever typed it; what it logs is kept.
    pub fn run(&self, words: &[&str]) {
        let output = self.command(words).output().expect("the program starts");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        let log = self.beside("logs").join(format!("{}-{:016x}.txt", words[0], rand::random::<u64>()));
        std::fs::write(log, output.stderr).expect("a log");
    }

    /// Starts the server behind a proxy on this machine, and waits until it is ready.
    pub fn serve(&self) -> Server {
        let words = ["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];
        let mut command = self.command(&words);
        command.args(["--trusted-proxy", "127.0.0.0/8"]).stdout(Stdio::piped());
        command.stderr(File::create(self.beside("logs").join("server.txt")).expect("a log"));
        let mut process = command.spawn().expect("the server starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines().map_while(Result::ok);
        let mut told = |before: &str| {
            let line = lines.find(|line| line.starts_with(before)).expect("the server says where it listens");
            line[before.len()..].trim().to_owned()
        };
        let (url, metrics) = (told("aftermap listens on "), told("metrics are at "));
        std::thread::spawn(move || lines.for_each(drop));
        let server = Server { process, url, metrics };
        server.wait();
        server
    }

    /// All rows of a PostgreSQL as text; `None` where the database is a file in the data folder.
    pub fn dump(&self) -> Option<Vec<u8>> {
        if self.is_sqlite {
            return None;
        }
        let output = Command::new("pg_dump").args(["--inserts", &self.database]).output();
        let output = output.expect("pg_dump is there where PostgreSQL is");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(output.stdout)
    }
}

impl Server {
    fn wait(&self) {
        let place = self.url.trim_start_matches("http://");
        for _ in 0..200 {
            if std::net::TcpStream::connect(place).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server never gets ready");
    }

    /// What it tells about itself.
    pub async fn metrics(&self) -> String {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        client.get(&self.metrics).send().await.expect("the metrics").text().await.expect("the metrics")
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "a signal");
        assert!(self.process.wait().expect("its end").success(), "it ends well");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
