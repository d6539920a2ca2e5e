//! The disk is full: the database on a small file system of its own, which the test fills and empties again.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, is_root};
use crate::plan::{Plan, long, size};
use crate::server::Settings;
use crate::storm::{Base, Storm};

/// Where the small disk shall be; set for the process that may mount one.
const PLACE: &str = "AFTERMAP_STORM_DISK";

#[test]
fn a_full_disk_loses_nothing_and_heals_by_itself() {
    // As an ordinary user too: in a namespace where we are root and nobody else exists.
    run_inside("disk::inside_a_small_disk", if is_root() { "-m" } else { "-rm" });
}

#[test]
fn postgres_on_a_full_disk_loses_nothing_and_heals() {
    if is_root() {
        run_inside("disk::inside_a_small_disk_with_postgres", "-m");
    } else {
        eprintln!("SKIPPED: only root may mount a disk and still run PostgreSQL, which refuses root, as somebody else");
    }
}

/// Runs a test in a process that may mount file systems, because it has a namespace of its own for them.
fn run_inside(test: &str, namespace: &str) {
    let allowed = Command::new("unshare").args([namespace, "true"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: this machine allows no file system of our own (unshare {namespace})");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let this = std::env::current_exe().expect("this program");
    let mut inside = Command::new("unshare");
    inside.arg(namespace).arg(this).args(["--exact", test, "--ignored", "--nocapture"]);
    let status = inside.env(PLACE, folder.path()).status().expect("the inner test");
    assert!(status.success(), "the storm on a small disk failed; its words stand above");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs inside the first test, which gives it a disk"]
async fn inside_a_small_disk() {
    let disk = mount("16m");
    let address = format!("sqlite:{}", disk.join("aftermap.sqlite").display());
    let base = Base { name: "sqlite", address, keep: Box::new(()) };
    let plan = plan("disk::a_full_disk_loses_nothing_and_heals_by_itself");
    let data = disk.clone();
    let storm = Storm::begin_with(plan, base, |settings| Settings { data, ..settings }).await;
    fill_and_empty(storm, Disk { place: disk, cluster: None }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs inside the second test, which gives it a disk"]
async fn inside_a_small_disk_with_postgres() {
    // An empty cluster takes 40 MB, and its log moves in steps of 16.
    let disk = mount("192m");
    let place = disk.clone();
    let started = tokio::task::spawn_blocking(move || Cluster::start(&place)).await;
    let Some(cluster) = started.expect("a cluster") else { return };
    let base = Base { name: "postgres", address: cluster.address(), keep: Box::new(()) };
    let storm = Storm::begin(plan("disk::postgres_on_a_full_disk_loses_nothing_and_heals"), base).await;
    fill_and_empty(storm, Disk { place: disk, cluster: Some(cluster) }).await;
}

/// The labels themselves must not fill the disk.
fn plan(test: &'static str) -> Plan {
    Plan { think_ms: size(40, 250), ..Plan::new(test, size(10, 25), size(600, 2_000)) }
}

fn mount(space: &str) -> PathBuf {
    let place = std::env::var(PLACE).expect("run by one of the tests above");
    let size = format!("size={space},mode=755");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs", &place]).status();
    assert!(mounted.is_ok_and(|status| status.success()), "mount");
    place.into()
}

async fn fill_and_empty(mut storm: Storm, disk: Disk) {
    storm.let_in();
    let (times, mut healed, mut refused) = (size(2, 15), Vec::new(), 0);
    for _ in 0..times {
        storm.progress(size(20, 40), Duration::from_secs(30)).await;
        refused += disk.fill(&storm).await;
        healed.push(disk.empty(&storm).await);
        storm.look_for_labels().await;
    }
    healed.sort_unstable();
    let longest = healed[healed.len() - 1];
    storm.faults = format!(
        "disk full {times} times, {refused} requests told to come back; a label was stored {longest:?} after there was \
         space, at most"
    );
    assert!(!long() || refused > 100, "the disk was hardly ever full");
    storm.end().await;
}

/// The small disk, and the cluster that lives on it if any.
struct Disk {
    place: PathBuf,
    cluster: Option<Cluster>,
}

impl Disk {
    /// Fills it until writes are refused; returns how many were. With SQLite reads must go on and the server must say that
    /// it is not ready; PostgreSQL stops altogether where it cannot write its log.
    async fn fill(&self, storm: &Storm) -> u64 {
        let refused = || storm.client.record().count(503);
        let before = refused();
        for _ in 0..600 {
            stuff(&self.place.join("filler"));
            if refused() <= before + 10 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            if self.cluster.is_none() {
                let read = storm.server(0).get(&format!("/api/v1/campaigns/{}", crate::campaign::SLUG)).await;
                assert_eq!(read, Some(200), "reads go on");
                assert!(not_ready(storm).await, "the disk is full, and the server says that it is ready");
            }
            return refused() - before;
        }
        storm.fail(&["the disk is full, and nobody is told".into()])
    }

    /// Makes space, as an operator would, who also starts PostgreSQL if it ended for want of it. Returns how long it took
    /// from then until a label was stored and the server was ready.
    async fn empty(&self, storm: &Storm) -> Duration {
        std::fs::remove_file(self.place.join("filler")).expect("the filler");
        if let Some(cluster) = self.cluster.as_ref().filter(|cluster| !cluster.is_up()) {
            cluster.go();
        }
        let begun = Instant::now();
        storm.progress(1, Duration::from_secs(30)).await;
        while !storm.server(0).is_ready().await {
            assert!(begun.elapsed() < Duration::from_secs(30), "there is space, and the server is not ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        begun.elapsed()
    }
}

/// Writes into a file until the disk takes no more.
fn stuff(file: &Path) {
    let mut file = File::options().create(true).append(true).open(file).expect("a file to fill the disk with");
    for chunk in [vec![0; 64 * 1024], vec![0; 1024]] {
        while file.write_all(&chunk).is_ok() {}
    }
}

async fn not_ready(storm: &Storm) -> bool {
    for _ in 0..60 {
        if storm.server(0).get("/readyz").await == Some(503) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}
