//! The disk is full: a data folder on a 16 MiB file system of its own, which the test fills and empties again.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::plan::{Plan, long, size};
use crate::storm::{Base, Storm};

/// Where the small disk shall be; set for the process that may mount one.
const PLACE: &str = "AFTERMAP_STORM_DISK";

/// Runs the test below in a process that may mount file systems, because it has a namespace of its own for them.
#[test]
fn a_full_disk_loses_nothing_and_heals_by_itself() {
    let allowed = Command::new("unshare").args(["-rm", "true"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: this machine allows no file system of our own (unshare -rm)");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let this = std::env::current_exe().expect("this program");
    let mut inside = Command::new("unshare");
    inside.arg("-rm").arg(this).args(["--exact", "disk::inside_a_small_disk", "--ignored", "--nocapture"]);
    let status = inside.env(PLACE, folder.path()).status().expect("the inner test");
    assert!(status.success(), "the storm on a small disk failed; its words stand above");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs inside the test above, which gives it a disk"]
async fn inside_a_small_disk() {
    let place = std::env::var(PLACE).expect("run by disk::a_full_disk_loses_nothing_and_heals_by_itself");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "tmpfs", &place]).status();
    assert!(mounted.is_ok_and(|status| status.success()), "mount");
    let disk = Path::new(&place);
    let address = format!("sqlite:{}", disk.join("aftermap.sqlite").display());
    let base = Base { name: "sqlite", address, keep: Box::new(()) };
    let plan = Plan::new("disk::a_full_disk_loses_nothing_and_heals_by_itself", size(10, 25), size(600, 2_000));
    // The labels themselves must not fill it.
    let plan = Plan { think_ms: size(40, 250), ..plan };
    let data = disk.to_owned();
    let mut storm = Storm::begin_with(plan, base, |settings| crate::server::Settings { data, ..settings }).await;
    storm.let_in();
    let (times, mut healed, mut refused) = (size(2, 15), Vec::new(), 0);
    for _ in 0..times {
        storm.progress(size(20, 40), Duration::from_secs(30)).await;
        refused += fill(&storm, disk).await;
        healed.push(empty(&storm, disk).await);
        storm.look_for_labels().await;
    }
    healed.sort_unstable();
    let longest = healed[healed.len() - 1];
    storm.faults = format!(
        "disk full {times} times, {refused} requests told to come back, reads went on, not ready meanwhile; a label was \
         stored {longest:?} after there was space, at most"
    );
    assert!(!long() || refused > 100, "the disk was hardly ever full");
    storm.end().await;
}

/// Fills the disk until writes are refused; returns how many were. Reads must go on, and the server must say that it is
/// not ready.
async fn fill(storm: &Storm, disk: &Path) -> u64 {
    let refused = || storm.client.record().count(503);
    let before = refused();
    for _ in 0..600 {
        stuff(&disk.join("filler"));
        if refused() > before + 10 {
            let read = storm.server(0).get(&format!("/api/v1/campaigns/{}", crate::campaign::SLUG)).await;
            assert_eq!(read, Some(200), "reads go on");
            assert!(not_ready(storm).await, "the disk is full, and the server says that it is ready");
            return refused() - before;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    storm.fail(&["the disk is full, and nobody is told".into()])
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

/// Makes space; returns how long it took until a label was stored and the server was ready.
async fn empty(storm: &Storm, disk: &Path) -> Duration {
    std::fs::remove_file(disk.join("filler")).expect("the filler");
    let begun = std::time::Instant::now();
    storm.progress(1, Duration::from_secs(30)).await;
    while !storm.server(0).is_ready().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "there is space, and the server is not ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}
