//! Change hints order the work inside a value bucket, and nothing else knows of them.

use std::fs;
use std::path::Path;

use aftermap::domain::policy::Policy;
use aftermap::domain::scene::Captured;
use aftermap::imagery::Archives;
use aftermap::imagery::synthetic::{SyntheticTown, TownOptions};
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::scenes::change_hints::hint;
use aftermap::services::scenes::ingest::{NewScene, ingest};
use aftermap::storage::scenes::hints;
use aftermap::storage::{campaigns, schema};
use diesel::prelude::*;

use crate::support::databases;
use crate::town::{NOON, policy, towns};

fn by_value_only() -> Policy {
    Policy { random_share: 0.0, gold_share: 0.0, gold_share_first: 0.0, change_hints: true, ..policy() }
}

#[tokio::test(flavor = "multi_thread")]
async fn likely_tiles_are_handed_out_first_until_another_label_is_worth_more() {
    for town in towns(30, by_value_only()).await {
        let (likely, rest) = (town.tiles[..6].to_vec(), town.tiles[6..].to_vec());
        let (first, others) = (likely.clone(), rest.clone());
        town.run(move |conn| Ok(hints::set(conn, &others, 2)?)).await;
        town.run(move |conn| Ok(hints::set(conn, &first, 0)?)).await;
        let me = town.volunteer().await;
        let given = town.ask(me, 5, NOON).await;
        assert!(given.iter().all(|lease| likely.contains(&lease.tile.id)), "on {}", town.name);
        let next = town.more(me, 5, NOON).await;
        assert_eq!(next.iter().filter(|lease| likely.contains(&lease.tile.id)).count(), 1, "on {}", town.name);
        town.check().await;
        // A label changes the value; the hint goes with the tile and stays inside the bucket.
        let tile = given[0].tile.id;
        for volunteer in town.volunteers(1).await {
            let lease = town.ask(volunteer, 5, NOON).await.into_iter().find(|lease| lease.tile.id == tile);
            if let Some(lease) = lease {
                town.answer_only(volunteer, lease.id, "destroyed", NOON).await.unwrap();
            }
        }
        assert_eq!(town.row(tile).await.bucket % 3, 0);
        assert_eq!(town.row(rest[0]).await.bucket % 3, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn consensus_is_the_same_with_and_without_hints() {
    for town in towns(2, by_value_only()).await {
        let (plain, hinted) = (town.tiles[0], town.tiles[1]);
        town.run(move |conn| Ok(hints::set(conn, &[hinted], 2)?)).await;
        for answer in ["destroyed", "damaged", "destroyed", "destroyed"] {
            let volunteer = town.volunteer().await;
            for lease in town.ask(volunteer, 2, NOON).await {
                town.answer_only(volunteer, lease.id, answer, NOON).await.unwrap();
            }
        }
        let read = |tile: i64| {
            town.run(move |conn| {
                use schema::consensus;
                let columns = (consensus::probabilities, consensus::class, consensus::entropy, consensus::labels);
                let row = consensus::table.find(tile).select(columns);
                Ok(row.first::<(String, Option<i16>, f64, i16)>(conn)?)
            })
        };
        assert_eq!(read(plain).await, read(hinted).await, "on {}", town.name);
        let (a, b) = (town.row(plain).await, town.row(hinted).await);
        assert_eq!((a.state, a.counted, a.needed, a.bucket / 3), (b.state, b.counted, b.needed, b.bucket / 3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_put_in_order_once_and_forgets_it_when_nobody_wants_it() {
    let folder = tempfile::tempdir().unwrap();
    let options = TownOptions { size_m: 220.0, clouds: vec![], ..TownOptions::default() };
    let drawn = SyntheticTown::draw(3, options, folder.path()).unwrap();
    for database in databases() {
        let (store, archives) = (database.store(), Archives::new(folder.path().join("tiles")));
        let new = NewCampaign { synthetic: true, policy: by_value_only(), ..NewCampaign::new("draft", "A draft") };
        let campaign = store.write(move |conn| create_campaign(conn, &new, None, NOON)).await.unwrap();
        for (place, day) in [(0, "2025-06-15"), (drawn.scenes.len() - 1, "2025-07-15")] {
            let new = NewScene::new(&drawn.scenes[place].file, Captured::parse("captured", day).unwrap());
            ingest(&store, &archives, "draft", new, std::sync::Arc::new(())).await.unwrap();
        }
        let levels = || {
            store.read::<_, aftermap::services::Error, _>(|conn| {
                use schema::queue;
                let rows: Vec<i16> = queue::table.order(queue::tile).select(queue::bucket).load(conn)?;
                Ok(rows)
            })
        };
        assert!(levels().await.unwrap().iter().all(|bucket| *bucket == 0));
        assert!(hint(&store, &archives, &campaign).await.unwrap(), "the first time there is work");
        let order = levels().await.unwrap();
        assert!((0..3).all(|level| order.contains(&level)), "{order:?} on {}", database.name);
        assert!(!hint(&store, &archives, &campaign).await.unwrap(), "the second time there is none");
        let mut without = campaign.clone();
        without.policy.change_hints = false;
        assert!(hint(&store, &archives, &without).await.unwrap());
        assert!(levels().await.unwrap().iter().all(|bucket| *bucket == 0));
        assert!(
            store.read(|conn| Ok::<_, aftermap::services::Error>(campaigns::list(conn)?)).await.unwrap().len() == 1
        );
    }
}

/// What speaks to people, writes files or forms consensus must not even know the word.
#[test]
fn no_reply_export_or_consensus_knows_of_hints() {
    fn look(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let knows = ["storage::hints", "hints::", "domain::hint", "change_scores", "hint_of"];
                if knows.iter().any(|word| text.contains(word)) {
                    found.push(path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string());
                }
            }
        }
    }
    let mut found = Vec::new();
    look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.sort();
    let may = [
        "src/cli/serve.rs",
        "src/domain/hint.rs",
        "src/imagery/change.rs",
        "src/services/labelling/tile_consensus.rs",
        "src/services/scenes/change_hints.rs",
        "src/storage/labelling/ring.rs",
        "src/storage/scenes/hints.rs",
    ];
    assert_eq!(found, may, "only these may know of hints");
}
