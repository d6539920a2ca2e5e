//! The wall clock of the servers jumps by an hour, forward and back, under way.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aftermap::storage::schema::leases;
use diesel::dsl::{max, min};
use diesel::prelude::*;

use crate::plan::{Plan, size};
use crate::server::Settings;
use crate::storm::{Storm, bases, connect};

const HOUR: i32 = 3_600;

/// Minutes between the first and the last lease, by the servers' clocks: that they did jump.
fn minutes_apart(address: &str) -> i64 {
    let span = leases::table.select((min(leases::granted_at), max(leases::granted_at)));
    match span.first::<(Option<i64>, Option<i64>)>(&mut connect(address)).expect("the leases") {
        (Some(first), Some(last)) => (last - first) / 60_000,
        _ => 0,
    }
}

/// Debian's libfaketime, which tells a process another time than the machine's; `None` (said plainly) without it.
fn library() -> Option<PathBuf> {
    let places = std::fs::read_dir("/usr/lib").ok()?;
    let candidates = places.map_while(Result::ok).map(|place| place.path().join("faketime/libfaketimeMT.so.1"));
    let found = candidates.into_iter().find(|library| library.exists());
    if found.is_none() {
        eprintln!("SKIPPED: no libfaketime below /usr/lib (install libfaketime)");
    }
    found
}

/// Moves the servers' clocks. Renamed into place, so that nobody reads half a number.
fn set(file: &Path, seconds: i32) {
    let beside = file.with_extension("new");
    std::fs::write(&beside, format!("{seconds:+}")).expect("the clock's file");
    std::fs::rename(beside, file).expect("the clock's file");
}

fn environment(library: &Path, file: &Path) -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        pair("LD_PRELOAD", &library.display().to_string()),
        pair("FAKETIME_TIMESTAMP_FILE", &file.display().to_string()),
        pair("FAKETIME_NO_CACHE", "1"),
        // Waiting is measured by another clock, which never jumps.
        pair("DONT_FAKE_MONOTONIC", "1"),
        pair("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_may_jump_by_an_hour_either_way() {
    let Some(library) = library() else { return };
    for base in bases() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("clock");
        set(&file, 0);
        // More people than the ten labels that a disputed tile may ask for, with some who skipped it: or it waits for new
        // eyes, as it should, and never closes.
        let plan = Plan::new("clock::the_clock_may_jump_by_an_hour_either_way", size(18, 50), size(30, 600));
        let clock = environment(&library, &file);
        let mut storm = Storm::begin_with(plan, base, |settings| Settings { environment: clock, ..settings }).await;
        storm.let_in();
        for hours in [0, 1, 0, -1, 0] {
            set(&file, hours * HOUR);
            storm.progress(size(8, 200), Duration::from_secs(60)).await;
            storm.look_for_labels().await;
        }
        let finished = storm.finish(Duration::from_secs(size(60, 200))).await;
        let address = storm.base.address.clone();
        let apart = tokio::task::spawn_blocking(move || minutes_apart(&address)).await.expect("no panic");
        assert!(apart > 90, "the servers' clocks never jumped");
        storm.faults = format!("clock +1 h, back, -1 h, back; all tiles closed {finished:?} later");
        storm.end().await;
    }
}
