//! A PostgreSQL cluster of our own, which a storm may stop, crash or starve of disk.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A throw-away cluster of our own: the one that tests share must not be stopped.
pub struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Cluster {
    /// Below that folder. `None` (said plainly) where there is no PostgreSQL on this machine.
    pub fn start(parent: &Path) -> Option<Cluster> {
        let Some(programs) = programs() else {
            eprintln!("SKIPPED: no initdb below /usr/lib/postgresql (install postgresql)");
            return None;
        };
        let folder = tempfile::tempdir_in(parent).expect("a temporary folder");
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

    /// Starts it, and waits until it takes connections.
    pub fn go(&self) {
        let options = format!("-c listen_addresses= -k {} -c max_connections=100", self.folder.path().display());
        run(&mut self.command("pg_ctl", &["-D", "data", "-l", "log", "-w", "-o", &options, "start"]));
    }

    /// Whether its main process is there; where the disk was full it may have ended by itself.
    pub fn is_up(&self) -> bool {
        self.command("pg_ctl", &["-D", "data", "status"]).output().is_ok_and(|told| told.status.success())
    }

    /// Ends it as a crash would: no checkpoint, every connection cut.
    pub fn crash(&self) {
        run(&mut self.command("pg_ctl", &["-D", "data", "-m", "immediate", "-w", "stop"]));
    }

    /// For the servers, through a socket that nobody else can reach.
    pub fn address(&self) -> String {
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

/// Whether we are the machine's own root.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    Path::new("/proc/self").metadata().is_ok_and(|about| about.uid() == 0)
}

/// Runs a program that must work. Its output goes nowhere: the server that it starts would hold a pipe open.
fn run(command: &mut Command) {
    let quiet = std::process::Stdio::null;
    let status = command.stdin(quiet()).stdout(quiet()).stderr(quiet()).status();
    assert!(status.as_ref().is_ok_and(|status| status.success()), "{command:?}: {status:?}");
}
