//! PostgreSQL stops at once, as in a crash, and comes back while volunteers go on.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rand::RngExt;

use crate::plan::{Plan, size};
use crate::storm::{Base, Storm};

/// How long servers may take to work again once PostgreSQL does.
const HEALTHY: Duration = Duration::from_secs(5);

/// A throw-away cluster of our own: the one that tests share must not be stopped.
struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Cluster {
    /// `None` (said plainly) where there is no PostgreSQL on this machine.
    fn start() -> Option<Cluster> {
        let Some(programs) = programs() else {
            eprintln!("SKIPPED: no initdb below /usr/lib/postgresql (install postgresql)");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let cluster = Cluster { folder, programs };
        run(&mut cluster.command("initdb", &["-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]));
        cluster.go();
        Some(cluster)
    }

    /// A program of PostgreSQL, as a user that it accepts.
    fn command(&self, program: &str, words: &[&str]) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(words).current_dir(self.folder.path()).env("LC_ALL", "C");
        command
    }

    fn go(&self) {
        let options = format!("-c listen_addresses= -k {} -c max_connections=100", self.folder.path().display());
        run(&mut self.command("pg_ctl", &["-D", "data", "-l", "log", "-w", "-o", &options, "start"]));
    }

    /// Ends it as a crash would: no checkpoint, every connection cut.
    fn crash(&self) {
        run(&mut self.command("pg_ctl", &["-D", "data", "-m", "immediate", "-w", "stop"]));
    }

    fn address(&self) -> String {
        format!("postgres://postgres@/postgres?host={}", self.folder.path().display())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.command("pg_ctl", &["-D", "data", "-m", "immediate", "-w", "stop"]).output();
    }
}

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let programs = versions.map_while(Result::ok).map(|version| version.path().join("bin"));
    programs.filter(|folder| folder.join("initdb").exists()).max()
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    Path::new("/proc/self").metadata().is_ok_and(|about| about.uid() == 0)
}

/// Runs a program that must work. Its output goes nowhere: the server that it starts would hold a pipe open.
fn run(command: &mut Command) {
    let quiet = std::process::Stdio::null;
    let status = command.stdin(quiet()).stdout(quiet()).stderr(quiet()).status();
    assert!(status.as_ref().is_ok_and(|status| status.success()), "{command:?}: {status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_may_crash_and_come_back() {
    let Some(cluster) = tokio::task::spawn_blocking(Cluster::start).await.expect("a cluster") else { return };
    let base = Base { name: "postgres", address: cluster.address(), keep: Box::new(()) };
    let plan = Plan::new("postgres::postgres_may_crash_and_come_back", size(10, 50), size(400, 4_000));
    let mut storm = Storm::begin(plan, base).await;
    storm.let_in();
    let mut dice = storm.plan.dice("crashes", 0);
    let (crashes, mut healthy) = (size(2, 50), Vec::new());
    for _ in 0..crashes {
        tokio::time::sleep(Duration::from_millis(dice.random_range(200..900))).await;
        cluster.crash();
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..700))).await;
        cluster.go();
        let label = storm.progress(1, Duration::from_secs(30)).await;
        let back = std::time::Instant::now();
        for server in storm.servers.iter().flatten() {
            while !server.is_ready().await {
                assert!(back.elapsed() < Duration::from_secs(30), "not ready, though PostgreSQL is");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        healthy.push(label.max(back.elapsed()));
        storm.look_for_labels().await;
    }
    healthy.sort_unstable();
    let (middle, longest) = (healthy[healthy.len() / 2], healthy[healthy.len() - 1]);
    storm.faults = format!("{crashes} crashes, healthy again {middle:?} (p50), {longest:?} (max) after PostgreSQL was");
    if longest > HEALTHY {
        storm.fail(&[format!("healthy only {longest:?} after PostgreSQL was")]);
    }
    let refused = storm.client.record().count(503);
    storm.faults.push_str(&format!(", {refused} requests told to come back"));
    storm.end().await;
    drop(cluster);
}
