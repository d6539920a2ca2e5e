//! Moving a whole database from one kind to the other and back: every row, equal exports, and no half work.

#[path = "services/town.rs"]
#[allow(dead_code)]
mod town;

#[path = "support/mod.rs"]
mod support;

use aftermap::domain::damage_map::{Cuts, Sight, What};
use aftermap::domain::label::NewLabel;
use aftermap::services::maps::export_map::{Request, write};
use aftermap::services::refit::refit;
use aftermap::storage::people::second_factors;
use aftermap::storage::upkeep::copy::{Copied, copy};
use aftermap::storage::{DatabaseUrl, Store};
use support::TestDatabase;
use town::{HOUR, NOON, Town, policy};

/// A campaign with labels, notes, leases that are open, and a model.
async fn lived_in(database: TestDatabase) -> Town {
    let town = Town::build(database, 12, policy()).await;
    for (place, volunteer) in town.volunteers(5).await.into_iter().enumerate() {
        let now = NOON + place as i64 * HOUR;
        for (turn, lease) in town.ask(volunteer, 5, now).await.into_iter().enumerate().take(4) {
            let answer = ["destroyed", "no_visible_damage", "damaged"][(place + turn) % 3];
            let label = town::label(lease.id, answer);
            let note = (turn == 0).then(|| "ein Loch im Dach: \u{1f3da} ' \\ \"".to_owned());
            town.send(volunteer, vec![NewLabel { note, seconds: Some(0.1 + turn as f64 / 3.0), ..label }], now).await;
        }
    }
    let holder = town.volunteer().await;
    town.run(move |conn| Ok(second_factors::begin(conn, holder, &[0xf1; 20], NOON)?)).await;
    assert_eq!(refit(&town.store, &town.campaign, true).await.unwrap(), Some(1));
    town
}

/// What everybody can download, byte for byte.
async fn exports(store: &Store) -> Vec<Vec<u8>> {
    let store = store.clone();
    let work = move || {
        let campaign = store
            .read_snapshot(|conn| aftermap::services::campaigns::change_state::find(conn, "town"))
            .expect("the campaign is there");
        [(What::Tiles, "geojson"), (What::Labels, "csv"), (What::Volunteers, "csv"), (What::History, "csv")]
            .map(|(what, format)| {
                let mut bytes = Vec::new();
                let request = Request::new(what, format, Cuts::default(), Sight::Researcher).unwrap();
                write(&store, &campaign, &request, NOON + 100 * HOUR, &mut bytes).unwrap();
                bytes
            })
            .to_vec()
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn copied(from: &DatabaseUrl, to: &DatabaseUrl) -> Result<Vec<Copied>, String> {
    let mut tables = Vec::new();
    copy(from, to, |table| tables.push(table.clone())).map_err(|error| error.to_string())?;
    Ok(tables)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_copy_holds_the_same_rows_and_exports_the_same_bytes() {
    for database in support::databases() {
        let town = lived_in(database).await;
        let before = exports(&town.store).await;
        // To each other kind there is, and from there to SQLite again.
        for other in support::databases() {
            let there = copied(&town.database.url, &other.url).unwrap();
            let rows = |name: &str| there.iter().find(|table| table.table == name).map_or(0, |table| table.rows);
            assert_eq!(
                (rows("campaigns"), rows("labels"), rows("notes"), rows("models")),
                (1, 20, 5, 1),
                "{}",
                town.name
            );
            assert!(rows("leases") > 20 && rows("skills") == 5 && rows("second_factors") == 1, "{there:?}");
            assert_eq!(exports(&other.store()).await, before, "{} to {}", town.name, other.name);
            let home = support::sqlite();
            assert_eq!(copied(&other.url, &home.url).unwrap(), there, "{} to {} to sqlite", town.name, other.name);
            assert_eq!(exports(&home.store()).await, before);
        }
        assert_eq!(exports(&town.store).await, before, "the source stays as it is");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_can_be_worked_with() {
    for database in support::databases() {
        let town = lived_in(support::sqlite()).await;
        copied(&town.database.url, &database.url).unwrap();
        let there = Town {
            store: database.store(),
            campaign: town.campaign.clone(),
            tiles: town.tiles.clone(),
            name: database.name,
            database,
        };
        let volunteer = there.volunteer().await;
        let lease = there.one(volunteer, NOON + 10 * HOUR).await;
        assert!(there.submit(volunteer, town::label(lease.id, "damaged"), NOON + 10 * HOUR).await.outcome.is_ok());
        there.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_rows_is_refused_and_left_alone() {
    for database in support::databases() {
        let town = lived_in(support::sqlite()).await;
        let other = lived_in(database).await;
        let before = exports(&other.store).await;
        let refusal = copied(&town.database.url, &other.database.url).unwrap_err();
        assert!(refusal.contains("the target is not empty"), "{refusal}");
        assert_eq!(exports(&other.store).await, before);
    }
}

#[test]
fn a_source_that_is_not_there_is_refused_and_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("no.sqlite"), folder.path().join("new.sqlite"));
    let url = |path: &std::path::Path| DatabaseUrl::Sqlite(path.to_owned());
    let refusal = copied(&url(&from), &url(&to)).unwrap_err();
    assert!(refusal.contains("no.sqlite"), "{refusal}");
    assert!(!from.exists() && !to.exists());
    assert!(copied(&url(&from), &url(&from)).unwrap_err().contains("the same database"));
}
