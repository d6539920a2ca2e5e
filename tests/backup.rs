//! Backups and their restoring, with pictures and releases: what is kept, what is copied once, what is refused.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aftermap::domain::campaign::CampaignState;
use aftermap::domain::scene::{Captured, Scene};
use aftermap::imagery::Archives;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::maps::release::{NewRelease, release};
use aftermap::services::scenes::ingest::{NewScene, ingest};
use aftermap::services::upkeep::backup::{self, backup, manifest};
use aftermap::services::upkeep::housekeeping;
use aftermap::services::upkeep::restore::{self, Restored, restore};
use aftermap::services::{Error, clock};
use aftermap::storage::maps::releases;
use aftermap::storage::meter::METER;
use aftermap::storage::{Conn, DatabaseUrl, Store, campaigns, scenes};
use geotiff_writer::GeoTiffBuilder;
use ndarray::Array3;
use support::{TestDatabase, databases};
use tempfile::TempDir;

/// An open campaign with two pictures and a release.
struct Town {
    folder: TempDir,
    database: TestDatabase,
    store: Store,
}

async fn town(database: TestDatabase) -> Town {
    let (folder, store) = (tempfile::tempdir().unwrap(), database.store());
    let town = Town { folder, database, store };
    let new = NewCampaign { licence: Some("CC0-1.0".into()), ..NewCampaign::new("town", "A town") };
    let id = town.store.write(move |conn| Ok::<_, Error>(create_campaign(conn, &new, None, clock::now_ms())?.id));
    let id = id.await.unwrap();
    for (name, colour, day) in [("before.tif", 90, "2025-06-15"), ("after.tif", 140, "2025-07-15")] {
        let new = NewScene::new(&town.picture(name, colour), Captured::parse("captured", day).unwrap());
        ingest(&town.store, &Archives::new(town.at("tiles")), "town", new, Arc::new(())).await.unwrap();
    }
    let open = |conn: &mut Conn| change_state(conn, "town", CampaignState::Open, None, clock::now_ms()).map(drop);
    town.store.write(open).await.unwrap();
    let new = NewRelease { authors: vec!["The testers".into()], ..NewRelease::default() };
    release(&town.store, &town.at("releases"), id, new, None).await.unwrap();
    town
}

impl Town {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("backups")
    }

    fn picture(&self, name: &str, colour: u8) -> PathBuf {
        let file = self.folder.path().join(name);
        GeoTiffBuilder::new(400, 400)
            .bands(3)
            .epsg(32637)
            .pixel_scale(2.0, 2.0)
            .origin(437_000.0, 3_978_000.0)
            .write_3d(&file, Array3::<u8>::from_elem((400, 400, 3), colour).view())
            .unwrap();
        file
    }

    fn request(&self) -> backup::Request {
        backup::Request {
            database: self.database.url.clone(),
            archives: Some(Archives::new(self.at("tiles"))),
            releases: self.at("releases"),
            key: None,
            home: self.home(),
            keep: 7,
            link: false,
            verify: false,
        }
    }

    async fn back_up(&self) -> manifest::Manifest {
        let request = self.request();
        run(move || backup(&request)).await.unwrap_or_else(|error| panic!("{}: {error}", self.database.name))
    }

    /// Restores into a new folder and a SQLite file in it.
    async fn restore(&self, folder: &Path, name: Option<&str>) -> Result<Restored, Error> {
        restored(&self.home(), DatabaseUrl::in_folder(folder), folder, name).await
    }

    async fn scenes(&self) -> Vec<Scene> {
        all_scenes(&self.store).await
    }
}

async fn all_scenes(store: &Store) -> Vec<Scene> {
    let read = store.read(|conn| {
        let campaign = campaigns::find(conn, "town")?.expect("the campaign");
        Ok::<_, Error>(scenes::of_campaign(conn, campaign.id)?)
    });
    read.await.unwrap()
}

async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn restored(home: &Path, database: DatabaseUrl, data: &Path, name: Option<&str>) -> Result<Restored, Error> {
    let request = restore::Request {
        home: home.to_owned(),
        name: name.map(str::to_owned),
        data: data.to_owned(),
        database,
        archives: Archives::new(data.join("tiles")),
        key: data.join("key"),
    };
    run(move || restore(&request, |_| ())).await
}

/// Every file below a folder with its time of change.
fn files(folder: &Path) -> Vec<(PathBuf, std::time::SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push((entry.path(), entry.metadata().unwrap().modified().unwrap())),
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_either_database_is_restored_into_either() {
    for database in databases() {
        let town = town(database).await;
        let made = town.back_up().await;
        assert_eq!((made.archives.len(), made.missing.len()), (2, 0), "{:?}", made.missing);
        assert!(made.releases.len() > 3 && made.tables["scenes"] == 2, "{made:?}");
        for target in databases() {
            let folder = TempDir::new_in(town.folder.path()).unwrap();
            let data = folder.path().join("data");
            let url = if target.name == "sqlite" { DatabaseUrl::in_folder(&data) } else { target.url.clone() };
            let back = restored(&town.home(), url.clone(), &data, None).await.unwrap();
            assert_eq!(back.faults, Vec::<String>::new(), "{} to {}", town.database.name, target.name);
            let there = run(move || Store::open(&url, 2)).await.unwrap();
            assert_eq!(all_scenes(&there).await, town.scenes().await);
            for (file, _) in files(&town.at("")) {
                let other = data.join(file.strip_prefix(town.at("")).unwrap());
                assert!(fs::read(&file).unwrap() == fs::read(&other).unwrap_or_default(), "{}", other.display());
            }
            let release = there.read(|conn| Ok::<_, Error>(releases::all(conn)?)).await.unwrap().remove(0);
            assert_eq!(aftermap::services::maps::release::check::check(&data.join("releases"), &[release]), []);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_changes_is_copied_once_and_the_server_knows_when() {
    for database in databases() {
        let town = town(database).await;
        let first = town.back_up().await;
        let before = (files(&town.home().join("tiles")), files(&town.home().join("releases")));
        let second = town.back_up().await;
        assert!(second.name > first.name);
        assert_eq!((files(&town.home().join("tiles")), files(&town.home().join("releases"))), before);
        housekeeping::round(&town.store).await.unwrap();
        // The meter is shared by all tests of this process.
        assert!(METER.last_backup_at.get() >= first.made_at, "{}", town.database.name);
        let early = town.folder.path().join("early");
        town.restore(&early, Some(&first.name)).await.unwrap();
        let unknown = town.restore(&town.folder.path().join("none"), Some("20200101T000000Z")).await.unwrap_err();
        assert!(unknown.to_string().contains(&first.name), "{unknown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_states_are_taken_away_and_what_newer_ones_need_stays() {
    let town = town(support::sqlite()).await;
    for keep in [2, 2, 2, 1] {
        let request = backup::Request { keep, ..town.request() };
        run(move || backup(&request)).await.unwrap();
        assert!(manifest::names(&town.home()).unwrap().len() <= keep);
    }
    let names = manifest::names(&town.home()).unwrap();
    assert_eq!(names.len(), 1);
    let databases = files(&town.home()).into_iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "sqlite"));
    assert_eq!(databases.count(), 1);
    assert_eq!(town.restore(&town.folder.path().join("back"), None).await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_refused_before_anything_is_written() {
    let town = town(support::sqlite()).await;
    let made = town.back_up().await;
    let target = town.folder.path().join("target");
    for file in [&made.database, &made.archives[1], &made.releases[0]] {
        let path = town.home().join(&file.path);
        let whole = fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        for wrong in [bytes, whole[..middle].to_vec()] {
            fs::write(&path, wrong).unwrap();
            let refusal = town.restore(&target, None).await.unwrap_err().to_string();
            assert!(refusal.contains(&file.path), "{refusal}");
            assert!(!target.exists());
        }
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(town.restore(&target, None).await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_never_touched() {
    for database in databases() {
        let town = town(database).await;
        town.back_up().await;
        let full = town.folder.path().join("full");
        fs::create_dir(&full).unwrap();
        fs::write(full.join("letter.txt"), "mine").unwrap();
        let refusal = town.restore(&full, None).await.unwrap_err().to_string();
        assert!(refusal.contains("letter.txt"), "{refusal}");
        let data = town.folder.path().join("new");
        let refusal = restored(&town.home(), town.database.url.clone(), &data, None).await.unwrap_err().to_string();
        assert!(refusal.contains("there is a database") || refusal.contains("not empty"), "{refusal}");
        assert_eq!(town.scenes().await.len(), 2);
        let other = backup::Request { home: full.clone(), ..town.request() };
        let refusal = run(move || backup(&other)).await.unwrap_err().to_string();
        assert!(refusal.contains("letter.txt"), "{refusal}");
        assert_eq!(fs::read_to_string(full.join("letter.txt")).unwrap(), "mine");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_archive_is_named_and_stops_nothing() {
    let town = town(support::sqlite()).await;
    let lost = town.scenes().await.remove(0).archive;
    fs::remove_file(town.at("tiles").join(&lost)).unwrap();
    let made = town.back_up().await;
    assert!(made.archives.len() == 1 && made.missing[0].contains(&lost), "{made:?}");
    let back = town.restore(&town.folder.path().join("back"), None).await.unwrap();
    assert!(back.faults.iter().any(|fault| fault.contains(&lost)), "{:?}", back.faults);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_comes_along_only_when_asked_for_and_stays_private() {
    use std::os::unix::fs::PermissionsExt;
    let town = town(support::sqlite()).await;
    let key = town.folder.path().join("key");
    fs::write(&key, [7; 64]).unwrap();
    assert_eq!(town.back_up().await.key, None);
    let request = backup::Request { key: Some(key), ..town.request() };
    run(move || backup(&request)).await.unwrap();
    let target = town.folder.path().join("target");
    town.restore(&target, None).await.unwrap();
    assert_eq!(fs::read(target.join("key")).unwrap(), [7; 64]);
    for (file, _) in files(&town.home()).into_iter().filter(|(path, _)| !path.ends_with(".lock")) {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", file.display());
    }
    assert_eq!(target.join("key").metadata().unwrap().permissions().mode() & 0o777, 0o600);
}
