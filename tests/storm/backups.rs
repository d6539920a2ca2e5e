//! Backups are made while the crowd labels, some of them killed; each complete one holds every label that was
//! acknowledged before it began.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rand::RngExt;
use uuid::Uuid;

use crate::plan::{Plan, size};
use crate::storm::{Storm, bases, connect, missing};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_holds_every_label_acknowledged_before_it() {
    for base in bases() {
        let plan =
            Plan::new("backups::a_backup_under_load_holds_every_label_acknowledged_before_it", size(12, 50), 4_000);
        let mut storm = Storm::begin(plan, base).await;
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("backups");
        storm.let_in();
        let mut dice = storm.plan.dice("backups", 0);
        let backups = size(3, 30);
        for round in 0..backups {
            storm.progress(20, Duration::from_secs(60)).await;
            kill_one(&storm, &home, Duration::from_millis(dice.random_range(0..150))).await;
            let told = acknowledged(&storm);
            let (storm_place, to) = (place(&storm), home.clone());
            let made = run(move || backup(&storm_place, &to).output()).await;
            assert!(made.status.success(), "{}", said(&made));
            let target = folder.path().join(format!("restored-{round}"));
            let (from, to) = (home.clone(), target.clone());
            let back = run(move || restore(&from, &to).output()).await;
            assert!(back.status.success(), "{}", said(&back));
            let address = format!("sqlite:{}", target.join("aftermap.sqlite").display());
            let lost = tokio::task::spawn_blocking(move || missing(&mut connect(&address), &told)).await.unwrap();
            if !lost.is_empty() {
                storm.fail(&[format!("LOST in a backup: {lost:?}")]);
            }
            std::fs::remove_dir_all(&target).unwrap();
        }
        storm.faults = format!("{backups} backups under load and as many killed, each complete one restored");
        storm.end().await;
    }
}

fn acknowledged(storm: &Storm) -> Vec<Uuid> {
    let record = storm.client.record();
    record.labels.values().filter(|story| story.is_taken()).map(|story| story.sent.id).collect()
}

/// Data folder and address of the database.
fn place(storm: &Storm) -> (std::path::PathBuf, String) {
    (storm.settings.data.clone(), storm.settings.database.clone())
}

fn aftermap() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aftermap"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AFTERMAP_")) {
        command.env_remove(name);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The scenes of a storm have no pictures.
fn backup((data, database): &(std::path::PathBuf, String), to: &Path) -> Command {
    let mut command = aftermap();
    command.args(["backup", "--without-archives", "--keep", "2", "--database-url", database]);
    command.arg("--data").arg(data).arg("--out").arg(to);
    command
}

fn restore(from: &Path, to: &Path) -> Command {
    let mut command = aftermap();
    command.arg("restore").arg("--from").arg(from).arg("--data").arg(to);
    command
}

async fn run(work: impl FnOnce() -> std::io::Result<Output> + Send + 'static) -> Output {
    tokio::task::spawn_blocking(work).await.unwrap().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Starts a backup and kills it after a while, wherever it is.
async fn kill_one(storm: &Storm, home: &Path, after: Duration) {
    let mut process = backup(&place(storm), home).spawn().unwrap();
    tokio::time::sleep(after).await;
    // It may be done already.
    let _ = process.kill();
    process.wait().unwrap();
}
