//! `aftermap doctor` over a campaign with something wrong in it.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use aftermap::domain::policy::Policy;
use aftermap::domain::tile::Tile;
use aftermap::imagery::Archives;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::upkeep::check_archives::Repair;
use aftermap::services::upkeep::doctor::{Place, Report, Weight, examine};
use aftermap::services::{Error, clock};
use aftermap::storage::scenes::tiles::{self, NewTile};
use aftermap::storage::{Conn, new_id};
use diesel::connection::SimpleConnection;
use support::made_up::square;
use support::{TestDatabase, databases};

/// A campaign of three tiles.
async fn prepare(database: &TestDatabase) {
    let work = |conn: &mut Conn| {
        let campaign = create_campaign(conn, &NewCampaign::new("ward", "A ward"), None, clock::now_ms())?;
        for place in 0..3 {
            let tile =
                Tile { id: new_id(), tile_id: format!("b{place}"), cell: None, bbox: square(place), footprint: None };
            let new = NewTile { tile, frames: Vec::new(), shuffle_key: place as i64 };
            tiles::insert(conn, campaign.id, &new, &Policy::default())?;
        }
        Ok::<_, Error>(())
    };
    database.store().write(work).await.unwrap();
}

fn place(database: &TestDatabase, data: &Path) -> Place {
    Place {
        database: database.url.clone(),
        archives: Archives::new(data.join("tiles")),
        data: data.to_owned(),
        releases: data.join("releases"),
        key: data.join("key"),
    }
}

fn broken(report: &Report) -> Vec<&str> {
    let faults = report.findings.iter().filter(|finding| finding.weight == Weight::Fault);
    faults.map(|finding| finding.area).collect()
}

fn spoil(database: &TestDatabase, sql: &str) {
    match &mut database.connect() {
        Conn::Sqlite(conn) => conn.batch_execute(&format!("PRAGMA busy_timeout = 5000; {sql}")).unwrap(),
        Conn::Postgres(conn) => conn.batch_execute(sql).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_installation_has_nothing_broken() {
    for database in databases() {
        prepare(&database).await;
        let data = tempfile::tempdir().unwrap();
        let report = examine(&place(&database, data.path()), None).await.unwrap();
        assert!(report.is_sound(), "{}: {:?}", database.name, report.findings);
        assert!(report.findings.iter().any(|finding| finding.area == "backup"), "no backup was ever made");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_that_are_wrong_are_found_and_mended() {
    for database in databases() {
        prepare(&database).await;
        let data = tempfile::tempdir().unwrap();
        spoil(&database, "UPDATE queue SET leased = 2, available = FALSE WHERE tile = (SELECT MIN(tile) FROM queue)");
        let place = place(&database, data.path());
        let found = examine(&place, None).await.unwrap();
        assert_eq!(broken(&found), ["database", "database"], "{:?}", found.findings);
        assert!(found.findings.iter().any(|one| one.what.contains("open leases") && one.what.contains("b0")));
        let mended = examine(&place, Some(&Repair::default())).await.unwrap();
        assert!(mended.is_sound() && mended.findings.iter().any(|one| one.weight == Weight::Mended), "{mended:?}");
        assert!(examine(&place, None).await.unwrap().is_sound(), "{}", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_from_the_future_and_a_lost_row_are_found_and_not_hidden() {
    for database in databases() {
        prepare(&database).await;
        let data = tempfile::tempdir().unwrap();
        let place = place(&database, data.path());
        let future = clock::now_ms() + 3_600_000;
        spoil(&database, "INSERT INTO volunteers (id, created_at) VALUES (7, 0)");
        let id = if database.name == "sqlite" { "x'01'" } else { "'\\x01'" };
        spoil(
            &database,
            &format!(
                "INSERT INTO labels (id, body_hash, tile, campaign_id, volunteer_id, lease_id, revision, answer, leased_at,
                     received_at, status, tile_state)
                 SELECT {id}, {id}, tile, campaign_id, 7, 1, 1, 0, 0, {future}, 'stored', 'open' FROM queue
                 WHERE tile = (SELECT MIN(tile) FROM queue)"
            ),
        );
        let report = examine(&place, Some(&Repair::default())).await.unwrap();
        assert_eq!(broken(&report), ["database", "clock"], "{}: {:?}", database.name, report.findings);
        assert!(!report.is_sound());
    }
}

fn doctor(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aftermap"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AFTERMAP_")) {
        command.env_remove(name);
    }
    command.arg("doctor").arg("--data").arg(data).args(arguments).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_it_plainly_and_as_json_and_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let nothing = doctor(&data, &[]);
    assert!(nothing.status.code() == Some(1) && !data.join("aftermap.sqlite").exists(), "a look makes nothing");
    fs::create_dir_all(&data).unwrap();
    let url = aftermap::storage::DatabaseUrl::in_folder(&data);
    drop(aftermap::storage::Store::open(&url, 1).unwrap());
    fs::write(data.join("key"), [1; 64]).unwrap();
    fs::set_permissions(data.join("key"), fs::Permissions::from_mode(0o644)).unwrap();
    let open = doctor(&data, &["--json"]);
    let report: serde_json::Value = serde_json::from_slice(&open.stdout).unwrap();
    assert_eq!(open.status.code(), Some(1), "{report}");
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().any(|one| one["area"] == "key" && one["weight"] == "fault"), "{report}");
    let mended = doctor(&data, &["--repair"]);
    let said = String::from_utf8(mended.stdout).unwrap();
    assert!(mended.status.success() && said.contains("mended   key"), "{said}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data.join("key")), 0o600);
    assert!(said.contains("mended   modes") && mode(&data) == 0o700, "{said}");
    assert_eq!(mode(&data.join("aftermap.sqlite")), 0o600, "from the beginning");
    let made = folder.path().join("made");
    drop(aftermap::storage::Store::open(&aftermap::storage::DatabaseUrl::in_folder(&made), 1).unwrap());
    assert_eq!((mode(&made), mode(&made.join("aftermap.sqlite"))), (0o700, 0o600));
}
