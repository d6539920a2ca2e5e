//! A database, the import as the command line runs it, and small files to bring in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use aftermap::domain::campaign::{Campaign, CampaignTexts, ReleaseLevel, Visibility};
use aftermap::domain::damage_map::{Cuts, Sight, What};
use aftermap::services::Error;
use aftermap::services::campaigns::change_state;
use aftermap::services::import::{Brought, Meaning, Project, Settings, bring_in};
use aftermap::services::maps::export_map;
use aftermap::storage::Store;

use crate::support::{self, TestDatabase};

/// 2026-11-22: answers of the tests are older.
pub const NOW: i64 = 1_795_000_000_000;

pub struct Database {
    pub store: Store,
    pub own: TestDatabase,
}

pub fn databases() -> Vec<Database> {
    let open = |own: TestDatabase| Database { store: own.store(), own };
    support::databases().into_iter().map(open).collect()
}

pub fn settings(slug: &str, meaning: &Meaning) -> Settings {
    Settings {
        slug: slug.into(),
        texts: CampaignTexts { title: "A, \"town\" | of <b>ours</b>".into(), ..CampaignTexts::default() },
        language: "en".into(),
        licence: None,
        visibility: Visibility::Public,
        release_level: ReleaseLevel::Public,
        scale: meaning.scale.clone(),
        meaning: meaning.to_json(),
    }
}

impl Database {
    pub fn bring_in(&self, project: Project, settings: &Settings) -> Result<Brought, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(bring_in(&self.store, Arc::new(project), settings, |_, _| {}))
    }

    pub fn campaign(&self, slug: &str) -> Campaign {
        self.store.read_snapshot(|conn| change_state::find(conn, slug)).unwrap()
    }

    /// A sheet as CSV rows, as a researcher has it.
    pub fn rows(&self, slug: &str, what: What) -> Vec<BTreeMap<String, String>> {
        let request = export_map::Request::new(what, "csv", Cuts::default(), Sight::Researcher).unwrap();
        let mut bytes = Vec::new();
        export_map::write(&self.store, &self.campaign(slug), &request, NOW, &mut bytes).unwrap();
        csv::Reader::from_reader(&bytes[..]).deserialize().map(Result::unwrap).collect()
    }

    /// The real program on this database.
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> Output {
        let place = ["--database-url", &self.own.address(), "--data"].map(str::to_owned);
        Command::new(env!("CARGO_BIN_EXE_aftermap"))
            .args(arguments)
            .args(place)
            .arg(folder.join("data"))
            .output()
            .unwrap()
    }

    /// The same, which must work.
    pub fn must(&self, folder: &Path, arguments: &[&str]) -> String {
        let done = self.run(folder, arguments);
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }
}

/// Writes a file and returns its path.
pub fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// What each person answered where, however often, as the log has it: (tile, answer, time), sorted.
pub fn said(rows: &[BTreeMap<String, String>]) -> Vec<(String, String, String)> {
    let mut all: Vec<_> =
        rows.iter().map(|row| (row["tile_id"].clone(), row["answer"].clone(), row["received_at"].clone())).collect();
    all.sort();
    all
}

/// The map without what differs between two campaigns of the same answers.
pub fn map_of(rows: Vec<BTreeMap<String, String>>) -> Vec<BTreeMap<String, String>> {
    let without = |mut row: BTreeMap<String, String>| {
        row.remove("campaign");
        row
    };
    rows.into_iter().map(without).collect()
}
