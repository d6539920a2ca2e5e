//! What a coordinator watches, compared with a book that the test keeps of what it was told and with plain counts of rows.

use std::collections::BTreeMap;

use aftermap::domain::gold::GoldKind;
use aftermap::domain::volunteer::Role;
use aftermap::services::clock;
use aftermap::storage::schema::{jobs, leases};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::helpers::{Browser, TestApp, on_each_database};

const STATISTICS: &str = "/api/v1/campaigns/raqqa/statistics";
const CLASSES: [&str; 3] = ["no_visible_damage", "damaged", "destroyed"];

/// What the test was told: tile, answer and status of each label.
type Book = Vec<(String, usize, String)>;

/// Labels all that is handed out; the answer hangs on the tile and on who it is.
async fn label_all(browser: &Browser, person: usize, book: &mut Book) {
    for _ in 0..20 {
        let taken = browser.post("/api/v1/campaigns/raqqa/leases", json!({"count": 5})).await.ok();
        let leases = taken["leases"].as_array().unwrap().clone();
        if leases.is_empty() {
            return;
        }
        for lease in leases {
            let tile = lease["tile"]["id"].as_str().unwrap().to_owned();
            let place = tile.bytes().map(usize::from).sum::<usize>();
            let answer = if place % 4 == person { (place + 1) % 3 } else { place % 3 };
            let item = json!([{"id": Uuid::now_v7(), "lease_id": lease["lease_id"], "answer": CLASSES[answer]}]);
            let told = browser.post("/api/v1/labels", item).await.ok();
            book.push((tile, answer, told["results"][0]["status"].as_str().unwrap().to_owned()));
        }
    }
}

/// Krippendorff's alpha with ordinal distances, pair by pair, as it is defined.
fn alpha(units: &[Vec<usize>]) -> f64 {
    let all: Vec<usize> = units.concat();
    let of = |class: usize| all.iter().filter(|&&one| one == class).count() as f64;
    let distance = |a: usize, b: usize| {
        let (low, high) = (a.min(b), a.max(b));
        let between: f64 = (low..=high).map(of).sum();
        if low == high { 0.0 } else { (between - (of(low) + of(high)) / 2.0).powi(2) }
    };
    let pairs = |values: &[usize]| -> f64 {
        values.iter().flat_map(|&a| values.iter().map(move |&b| (a, b))).map(|(a, b)| distance(a, b)).sum()
    };
    let observed: f64 = units.iter().map(|unit| pairs(unit) / (unit.len() as f64 - 1.0)).sum();
    1.0 - (all.len() as f64 - 1.0) * observed / pairs(&all)
}

/// The first figures that hold so many labels: they are at most a second old.
async fn told(coordinator: &Browser, labels: usize) -> Value {
    for _ in 0..100 {
        let statistics = coordinator.get(STATISTICS).await.ok();
        if statistics["labels"] == labels {
            return statistics;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{labels} labels are not counted: {}", coordinator.get(STATISTICS).await.text);
}

#[tokio::test]
async fn every_figure_is_that_of_a_book_kept_beside_it() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        app.set_policy("raqqa", |policy| (policy.gold_share, policy.gold_share_first) = (0.5, 0.5)).await;
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let some = coordinator.get("/api/v1/campaigns/raqqa/map/tiles?limit=1").await.ok();
        let gold = some["tiles"][0]["tile_id"].as_str().unwrap().to_owned();
        app.gold("raqqa", GoldKind::Check, &[(&gold, "damaged")]).await;
        let mut book = Book::new();
        for person in 0..4 {
            let guest = app.browser();
            guest.become_guest().await;
            label_all(&guest, person, &mut book).await;
        }
        assert!(book.len() > 30, "{}", book.len());
        let told = told(&coordinator, book.len()).await;
        let on_gold: Vec<_> = book.iter().filter(|(tile, ..)| *tile == gold).collect();
        let surplus = book.iter().filter(|(tile, _, status)| *tile != gold && status == "surplus").count();
        assert_eq!(told["labels_gold"], on_gold.len());
        assert_eq!(told["labels_surplus"], surplus);
        assert_eq!(told["labels_counted"], book.len() - on_gold.len() - surplus);
        assert_eq!((&told["labels_last_hour"], &told["labels_hour_before"]), (&json!(book.len()), &json!(0)));
        assert_eq!((&told["volunteers"], &told["volunteers_active"]), (&json!(4), &json!(4)));
        let mut units: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (tile, answer, status) in book.iter().filter(|(tile, ..)| *tile != gold) {
            if status == "stored" {
                units.entry(tile).or_default().push(*answer);
            }
        }
        for (place, class) in CLASSES.iter().enumerate() {
            let given = units.values().flatten().filter(|&&answer| answer == place).count();
            let counted = told["answers"].as_array().unwrap().iter().find(|one| one["key"] == **class).unwrap();
            assert_eq!(counted["count"], given, "{class}");
        }
        let compared: Vec<Vec<usize>> = units.into_values().filter(|unit| unit.len() > 1).collect();
        assert_eq!(told["alpha"]["tiles"], compared.len());
        let (found, expected) = (told["alpha"]["value"].as_f64().unwrap(), alpha(&compared));
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        let right = on_gold.iter().filter(|(_, answer, _)| *answer == 1).count();
        assert_eq!((&told["gold"]["labels"], &told["gold"]["right"]), (&json!(on_gold.len()), &json!(right)));
        assert_eq!(told["calibration"], Value::Null, "there is no model");
        assert_eq!(told["finish"]["kind"], "unknown", "it has run for seconds");
        assert_eq!(told["finish_basis"], Value::Null, "so it stands on nothing");
    })
    .await;
}

#[tokio::test]
async fn what_waits_too_long_is_named() {
    on_each_database(async |app| {
        let campaign = app.public_campaign("raqqa").await.id;
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let guest = app.browser();
        guest.become_guest().await;
        guest.post("/api/v1/campaigns/raqqa/leases", json!({"count": 2})).await.ok();
        let waits = coordinator.get(STATISTICS).await.ok()["waits"].clone();
        let named = ["expired_leases", "half_done_tiles", "old_contested_tiles", "failed_jobs", "stuck_jobs"];
        assert!(named.iter().all(|name| waits[name] == 0), "{waits}");
        assert_eq!(waits["failed_kinds"], json!([]));
        assert_eq!((&waits["old_flags"], &waits["refit_overdue"]), (&json!(false), &json!(false)));
        app.write(move |conn| {
            let now = clock::now_ms();
            diesel::update(leases::table).set(leases::expires_at.eq(now - 3_600_000)).execute(conn)?;
            // What failed while the campaign was being made is over.
            let day = 86_400_000;
            for (id, state, input, at) in [
                (1, "failed", "a", now + 1),
                (2, "failed", "b", now + 2),
                (3, "done", "b", now + 3),
                (4, "running", "c", now + 4),
                (5, "failed", "d", now - day),
            ] {
                let row = (
                    (jobs::id.eq(id), jobs::campaign_id.eq(campaign), jobs::kind.eq("ingest"), jobs::input.eq(input)),
                    (jobs::state.eq(state), jobs::created_at.eq(at)),
                    jobs::heartbeat_at.eq(now - 3_600_000),
                );
                diesel::insert_into(jobs::table).values(row).execute(conn)?;
            }
            Ok(())
        })
        .await;
        let found = async || coordinator.get(STATISTICS).await.ok()["waits"].clone();
        let mut waits = found().await;
        for _ in 0..50 {
            if waits["failed_jobs"] != 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            waits = found().await;
        }
        // One failed job was done again.
        assert_eq!(
            (&waits["expired_leases"], &waits["failed_jobs"], &waits["stuck_jobs"]),
            (&json!(2), &json!(1), &json!(1))
        );
        assert_eq!(waits["failed_kinds"], json!(["ingest"]), "it says where to look");
    })
    .await;
}

#[tokio::test]
async fn many_who_look_cost_one_count() {
    on_each_database(async |app: &TestApp| {
        app.public_campaign("raqqa").await;
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let first = coordinator.get(STATISTICS).await.ok()["as_of"].clone();
        let looks = futures::future::join_all((0..50).map(|_| coordinator.get(STATISTICS))).await;
        let moments: std::collections::BTreeSet<String> =
            looks.iter().map(|reply| reply.ok()["as_of"].as_str().unwrap().to_owned()).collect();
        assert!(moments.len() <= 10, "fifty looks, after one at {first}: {moments:?}");
    })
    .await;
}

#[tokio::test]
async fn the_small_map_holds_every_tile_and_is_for_coordinators() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let map = coordinator.get("/api/v1/campaigns/raqqa/statistics/map").await.ok();
        let squares = map["squares"].as_array().unwrap();
        assert_eq!(squares.iter().map(|square| square["tiles"]["open"].as_u64().unwrap()).sum::<u64>(), 12);
        assert!(squares.iter().all(|square| square["disagreement"].is_null()));
        let researcher = app.signed_in_as(Role::Researcher, "raqqa").await;
        researcher.get("/api/v1/campaigns/raqqa/statistics/map").await.refused(403, "forbidden");
    })
    .await;
}
