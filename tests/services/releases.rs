//! Releases under fire: while labels arrive, two at once, and killed in the middle.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use aftermap::domain::damage_map::{Cuts, Sight, What};
use aftermap::domain::release::Release;
use aftermap::services::maps::export_map::{Request, write};
use aftermap::services::maps::release::{NewRelease, check, folder, release};
use aftermap::services::{Error, clock};
use aftermap::storage::maps::releases;
use aftermap::storage::schema;
use diesel::prelude::*;

use crate::town::{NOON, Town, label, policy, towns};

async fn make(town: &Town, home: &Path) -> Result<Release, Error> {
    // At once, whatever closed a moment ago.
    let new = NewRelease { authors: vec!["The testers".into()], incomplete: true, ..NewRelease::default() };
    release(&town.store, home, town.campaign.id, new, None).await
}

fn rows(home: &Path, made: &Release, file: &str) -> Vec<BTreeMap<String, String>> {
    let path = folder::place(home, made.id).join(file);
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

async fn all(town: &Town) -> Vec<Release> {
    let id = town.campaign.id;
    town.run(move |conn| Ok(releases::of_campaign(conn, id)?)).await
}

/// Labels all tiles as one new person.
async fn one_labels(town: &Town, answer: &'static str) {
    let volunteer = town.volunteer().await;
    for turn in 0..20 {
        let leases = town.ask(volunteer, 5, NOON + turn).await;
        if leases.is_empty() {
            return;
        }
        let labels = leases.iter().map(|lease| label(lease.id, answer)).collect();
        town.send(volunteer, labels, NOON + turn).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_while_labels_arrive_is_one_snapshot() {
    for town in towns(40, policy()).await {
        let home = tempfile::tempdir().unwrap();
        let work = async {
            for round in 0..6 {
                one_labels(&town, if round % 3 == 0 { "destroyed" } else { "damaged" }).await;
            }
        };
        let freeze = async {
            let mut made = Vec::new();
            for _ in 0..4 {
                made.push(make(&town, home.path()).await.unwrap());
            }
            made
        };
        let ((), made) = tokio::join!(work, freeze);
        for one in &made {
            // Counted labels of the log and the counts of the map agree, so both are of one moment.
            let (tiles, labels) = (rows(home.path(), one, "tiles.csv"), rows(home.path(), one, "labels.csv"));
            assert_eq!(tiles.len(), 40);
            let mut counted: BTreeMap<&str, u32> = BTreeMap::new();
            for line in labels.iter().filter(|line| line["counted"] == "true" && line["is_current"] == "true") {
                *counted.entry(&line["tile_id"]).or_default() += 1;
            }
            for tile in tiles.iter().filter(|tile| tile["state"] != "open") {
                assert_eq!(
                    tile["labels"].parse::<u32>().unwrap_or(0),
                    counted[tile["tile_id"].as_str()],
                    "{}: {tile:?}",
                    town.name
                );
            }
        }
        let quiet = make(&town, home.path()).await.unwrap();
        let path = folder::place(home.path(), quiet.id).join("tiles.csv");
        let mut exported = Vec::new();
        let request = Request::new(What::Tiles, "csv", Cuts::default(), Sight::Everybody).unwrap();
        write(&town.store, &town.campaign, &request, clock::now_ms(), &mut exported).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), exported, "{}: equal to an export of the same state", town.name);
        assert_eq!(check::check(home.path(), &all(&town).await), []);
        // Released earlier is unchanged by what came later.
        assert_eq!(quiet.version, 5);
        assert_eq!(quiet.changes.since, Some(4));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_those_between_the_two_maps() {
    for town in towns(6, policy()).await {
        let home = tempfile::tempdir().unwrap();
        let first = make(&town, home.path()).await.unwrap();
        for _ in 0..4 {
            one_labels(&town, "destroyed").await;
        }
        town.run(|conn| {
            let closed = schema::queue::table.filter(schema::queue::closed_at.is_not_null());
            Ok(diesel::update(closed).set(schema::queue::closed_at.eq(Some(NOON))).execute(conn)?)
        })
        .await;
        let second = make(&town, home.path()).await.unwrap();
        assert_eq!((first.changes.since, second.changes.since), (None, Some(1)));
        assert_eq!((second.changes.state, second.changes.class, second.changes.window), (6, 6, 6), "{}", town.name);
        let changed = rows(home.path(), &second, "changes.csv");
        assert_eq!(changed.len(), 6);
        assert_eq!(
            (changed[0]["state_was"].as_str(), changed[0]["state"].as_str(), changed[0]["class"].as_str()),
            ("open", "settled", "destroyed")
        );
        let third = make(&town, home.path()).await.unwrap();
        assert_eq!(third.changes.tiles, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_at_once_become_two_versions_or_one_is_refused() {
    for town in towns(10, policy()).await {
        let home = tempfile::tempdir().unwrap();
        let (one, other, third) =
            tokio::join!(make(&town, home.path()), make(&town, home.path()), make(&town, home.path()));
        let made: Vec<_> = [one, other, third]
            .into_iter()
            .filter_map(|one| match one {
                Ok(made) => Some(made.version),
                Err(Error::Conflict(_)) => None,
                Err(error) => panic!("on {}: {error}", town.name),
            })
            .collect();
        assert!(!made.is_empty());
        let kept = all(&town).await;
        assert_eq!(kept.len(), made.len());
        assert_eq!(
            kept.iter().map(|one| one.version).collect::<Vec<_>>(),
            (1..=made.len() as u32).rev().collect::<Vec<_>>()
        );
        assert_eq!(check::check(home.path(), &kept), []);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), kept.len(), "no folder without a release");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_is_killed_leaves_no_half_release() {
    for town in towns(400, policy()).await {
        for _ in 0..4 {
            one_labels(&town, "damaged").await;
        }
        let data = tempfile::tempdir().unwrap();
        let home = data.path().join("releases");
        let command = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_aftermap"));
            command.args(["release", "--campaign", "town", "--database-url", &town.database.address(), "--data"]);
            command.arg(data.path()).stdout(Stdio::null()).stderr(Stdio::piped());
            command
        };
        let mut torn = 0;
        for turn in 0..25 {
            let mut child = command().spawn().unwrap();
            std::thread::sleep(Duration::from_millis(8 * turn));
            child.kill().unwrap();
            child.wait().unwrap();
            let kept = all(&town).await;
            assert_eq!(check::check(&home, &kept), [], "{}: what can be seen is whole", town.name);
            assert_eq!(
                kept.iter().map(|one| one.version).rev().collect::<Vec<_>>(),
                (1..=kept.len() as u32).collect::<Vec<_>>()
            );
            let folders = std::fs::read_dir(&home).map_or(0, Iterator::count);
            torn = torn.max(folders - kept.len());
        }
        let before = all(&town).await.len();
        let done = command().output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let kept = all(&town).await;
        assert_eq!((kept.len(), check::check(&home, &kept)), (before + 1, vec![]));
        println!("{}: {before} releases came through 25 kills, {torn} left folders behind", town.name);
    }
}
