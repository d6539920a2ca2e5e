//! The results map over HTTP: vector tiles, counts, pages and single tiles, and what they must never tell.

use aftermap::domain::campaign::{CampaignState, ReleaseLevel, Visibility};
use aftermap::domain::gold::GoldKind;
use aftermap::domain::volunteer::Role;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::clock;
use aftermap::storage::schema::{consensus, queue, tiles};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::helpers::{Browser, Reply, TestApp, on_each_database};

const MAP: &str = "/api/v1/campaigns/raqqa/map";
const MINUTE: i64 = 60_000;
/// The vector tile that holds all tiles of the test campaigns singly.
const WHOLE: &str = "/api/v1/campaigns/raqqa/map/0/0/0.mvt";

async fn guest(app: &TestApp) -> Browser {
    let browser = app.browser();
    browser.become_guest().await;
    browser
}

/// Labels every tile that is handed out, and returns the tiles in that order.
async fn label_all(browser: &Browser, answer: &str) -> Vec<String> {
    let mut labelled = Vec::new();
    for _ in 0..10 {
        let taken = browser.post("/api/v1/campaigns/raqqa/leases", json!({"count": 5})).await.ok();
        let leases = taken["leases"].as_array().unwrap().clone();
        if leases.is_empty() {
            break;
        }
        let item = |lease: &Value| json!({"id": Uuid::now_v7(), "lease_id": lease["lease_id"], "answer": answer});
        browser.post("/api/v1/labels", Value::Array(leases.iter().map(item).collect())).await.ok();
        labelled.extend(leases.iter().map(|lease| lease["tile"]["id"].as_str().unwrap().to_owned()));
    }
    labelled
}

/// Lets three people say the same of every tile, so that all close, and closed them so long ago.
async fn close_all(app: &TestApp, answer: &str, ago: i64) -> Vec<String> {
    app.set_policy("raqqa", |policy| policy.second_look_share = 0.0).await;
    let mut tiles_of_one = Vec::new();
    for _ in 0..3 {
        tiles_of_one = label_all(&guest(app).await, answer).await;
    }
    set_closed(app, &tiles_of_one, ago).await;
    tiles_of_one
}

async fn set_closed(app: &TestApp, ids: &[String], ago: i64) {
    let ids = ids.to_vec();
    app.write(move |conn| {
        let found: Vec<i64> = tiles::table.filter(tiles::tile_id.eq_any(ids.clone())).select(tiles::id).load(conn)?;
        let at = queue::closed_at.eq(clock::now_ms() - ago);
        diesel::update(queue::table.filter(queue::tile.eq_any(found)).filter(queue::state.ne("open")))
            .set(at)
            .execute(conn)?;
        Ok(())
    })
    .await;
}

async fn statistics(browser: &Browser, query: &str) -> Value {
    browser.get(&format!("{MAP}/statistics{query}")).await.ok()
}

fn state(statistics: &Value, name: &str) -> u64 {
    let states = statistics["states"].as_array().unwrap();
    states.iter().find(|state| state["state"] == name).unwrap()["tiles"].as_u64().unwrap()
}

async fn full(browser: &Browser, tile: &str) -> Value {
    browser.get(&format!("{MAP}/tiles/{tile}")).await.ok()
}

/// The answer's body holds these bytes.
fn holds(reply: &Reply, words: &str) -> bool {
    reply.text.contains(words)
}

#[tokio::test]
async fn an_open_tile_tells_everybody_only_that_it_is_open_by_every_road() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let mine = label_all(&guest(app).await, "destroyed").await;
        let nobody = app.browser();
        let fresh = full(&nobody, &mine[0]).await;
        assert_eq!(
            (&fresh["state"], &fresh["finding"], &fresh["reasons"]),
            (&json!("open"), &Value::Null, &Value::Null)
        );
        assert_eq!(fresh["frames"].as_array().unwrap().len(), 2);
        let counted = statistics(&nobody, "").await;
        assert_eq!(
            (counted["tiles"].as_u64(), state(&counted, "open"), counted["without_class"].as_u64()),
            (Some(12), 12, Some(12))
        );
        assert_eq!((&counted["damaged_at_least"][0], &counted["probability_at_least"][0]), (&json!(0), &json!(0)));
        assert_eq!(statistics(&nobody, "?class=destroyed").await["shown"], 0);
        let tile = nobody.get(WHOLE).await;
        assert_eq!((tile.status.as_u16(), holds(&tile, "destroyed")), (200, false));
        assert!(holds(&tile, "open") && !holds(&tile, "probability"));
        let page = nobody.get(&format!("{MAP}/tiles?limit=5")).await.ok();
        assert_eq!((page["tiles"].as_array().unwrap().len(), &page["tiles"][0]["value"]), (5, &Value::Null));
        // The researcher reads what there is so far.
        let researcher = app.signed_in_as(Role::Researcher, "raqqa").await;
        let seen = full(&researcher, &mine[0]).await;
        assert_eq!(
            (&seen["state"], &seen["finding"]["class"], &seen["finding"]["labels"]),
            (&json!("open"), &json!("destroyed"), &json!(1))
        );
        assert!(holds(&researcher.get(WHOLE).await, "destroyed"));
        assert_eq!(statistics(&researcher, "?class=destroyed").await["shown"], 12);
    })
    .await;
}

#[tokio::test]
async fn a_tile_that_closed_a_minute_ago_reads_as_an_open_one() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let mine = close_all(app, "destroyed", MINUTE).await;
        let nobody = app.browser();
        let seen = full(&nobody, &mine[0]).await;
        assert_eq!((&seen["state"], &seen["finding"], &seen["reasons"]), (&json!("open"), &Value::Null, &Value::Null));
        assert_eq!(state(&statistics(&nobody, "").await, "open"), 12);
        assert!(!holds(&nobody.get(WHOLE).await, "destroyed"));
        let researcher = app.signed_in_as(Role::Researcher, "raqqa").await;
        assert_eq!(state(&statistics(&researcher, "").await, "settled"), 12);
    })
    .await;
}

#[tokio::test]
async fn check_gold_reads_as_an_open_tile_until_the_campaign_is_over() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let golden = "13-5003-3200";
        app.gold("raqqa", GoldKind::Check, &[(golden, "destroyed")]).await;
        app.write(|conn| {
            let long_ago = queue::closed_at.eq(clock::now_ms() - 60 * MINUTE);
            diesel::update(queue::table.filter(queue::gold.is_not_null())).set(long_ago).execute(conn)?;
            Ok(())
        })
        .await;
        let nobody = app.browser();
        let (gold, ordinary) = (full(&nobody, golden).await, full(&nobody, "13-5004-3200").await);
        for field in ["state", "finding", "reasons"] {
            assert_eq!(gold[field], ordinary[field], "{field}");
        }
        assert!(!holds(&nobody.get(WHOLE).await, "destroyed"));
        assert_eq!(statistics(&nobody, "?class=destroyed").await["shown"], 0);
        assert_eq!(nobody.get(&format!("{MAP}/tiles?class=destroyed")).await.ok()["tiles"], json!([]));
        app.write(|conn| change_state(conn, "raqqa", CampaignState::Closed, None, clock::now_ms())).await;
        let shown = full(&nobody, golden).await;
        assert_eq!(
            (&shown["finding"]["class"], &shown["finding"]["method"], &shown["reasons"]),
            (&json!("destroyed"), &json!("expert"), &Value::Null)
        );
        assert_eq!(statistics(&nobody, "?class=destroyed").await["shown"], 1);
    })
    .await;
}

#[tokio::test]
async fn the_reasons_name_every_label_under_its_pseudonym_and_add_up() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let mine = close_all(app, "destroyed", 11 * MINUTE).await;
        let seen = full(&app.browser(), &mine[0]).await;
        let finding = &seen["finding"];
        assert_eq!(
            (&seen["state"], &finding["class"], &finding["labels"]),
            (&json!("settled"), &json!("destroyed"), &json!(3))
        );
        let reasons = &seen["reasons"];
        assert_eq!(
            (&reasons["first"], &reasons["model"], &reasons["reproduced"]),
            (&json!("destroyed"), &json!(0), &json!(true))
        );
        let labels = reasons["labels"].as_array().unwrap();
        assert_eq!(labels.len(), 3);
        let sum = |key: &str| labels.iter().map(|label| label[key].as_f64().unwrap()).sum::<f64>();
        let parts = ["prior", "flattening", "pooling"].map(|part| reasons[part].as_f64().unwrap()).iter().sum::<f64>();
        assert!((sum("evidence") + parts - reasons["evidence"].as_f64().unwrap()).abs() < 1e-9);
        for (place, label) in labels.iter().enumerate() {
            assert_eq!(label["volunteer"], (place + 1).to_string(), "no name that lasts from tile to tile: {label}");
            assert_eq!(label["received_on"].as_str().unwrap().len(), 10, "a day: {label}");
            assert_eq!((&label["counted"], &label["label_id"]), (&json!(true), &Value::Null));
        }
        // Researchers see the pseudonyms of the label log.
        let researcher = app.signed_in_as(Role::Researcher, "raqqa").await;
        let log = researcher.get("/api/v1/campaigns/raqqa/exports/labels.csv").await.text;
        let told = full(&researcher, &mine[0]).await;
        let named = told["reasons"]["labels"].as_array().unwrap();
        assert!(
            named.iter().all(|label| log.contains(&format!(",{},", label["volunteer"].as_str().unwrap()))),
            "{told}"
        );
        assert!(log.contains(told["reasons"]["labels"][0]["label_id"].as_str().unwrap()));
    })
    .await;
}

#[tokio::test]
async fn counts_pages_and_downloads_agree_under_every_filter() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let mine = close_all(app, "destroyed", 11 * MINUTE).await;
        let ids = mine[..5].to_vec();
        app.write(move |conn| {
            let of: Vec<i64> = tiles::table.filter(tiles::tile_id.eq_any(ids.clone())).select(tiles::id).load(conn)?;
            let damaged = (consensus::class.eq(1i16), consensus::probability.eq(0.6));
            let likely = consensus::probabilities.eq("[0.3,0.6,0.1]");
            diesel::update(consensus::table.filter(consensus::tile.eq_any(of))).set((damaged, likely)).execute(conn)?;
            Ok(())
        })
        .await;
        let nobody = app.browser();
        let all = "class=";
        let west = "bbox=39.6,35,39.75,37";
        for query in [
            all,
            "class=damaged",
            "class=damaged,destroyed&probability_at_least=0.7",
            "state=open",
            "damaged_from=1970-01-04",
            "damaged_to=1970-01-02",
            west,
        ] {
            let counted = statistics(&nobody, &format!("?{query}")).await;
            let csv = nobody.get(&format!("/api/v1/campaigns/raqqa/exports/tiles.csv?{query}")).await;
            let rows = csv.text.lines().count() as u64 - 1;
            assert_eq!(counted["shown"].as_u64(), Some(rows), "{query}");
            let page = nobody.get(&format!("{MAP}/tiles?{query}&limit=200")).await.ok();
            assert_eq!(page["tiles"].as_array().unwrap().len() as u64, rows, "{query}");
        }
        let counted = statistics(&nobody, "?class=destroyed").await;
        assert_eq!(counted["classes"][1]["tiles"], 5, "as many as there would be");
        assert_eq!(statistics(&nobody, "?class=damaged").await["damaged_at_least"][70], 5, "at its threshold");
        assert_eq!(statistics(&nobody, "?class=damaged").await["damaged_at_least"][71], 0);
    })
    .await;
}

#[tokio::test]
async fn a_vector_tile_has_a_tag_and_is_not_sent_twice() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let nobody = app.browser();
        let first = nobody.get(WHOLE).await;
        assert_eq!(first.header("content-type"), "application/vnd.mapbox-vector-tile");
        let tag = first.header("etag").to_owned();
        let again = nobody.send(reqwest::Method::GET, WHOLE, &[("if-none-match", &tag)], None).await;
        assert_eq!((again.status.as_u16(), again.text.len()), (304, 0));
        assert_eq!(nobody.get(&format!("{MAP}/20/1/1.mvt")).await.status.as_u16(), 204, "nothing is there");
    })
    .await;
}

#[tokio::test]
async fn odd_questions_are_refused_by_name() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let nobody = app.browser();
        for (query, field) in [
            ("bbox=39,36,40,35", "bbox"),
            ("bbox=nan,0,1,1", "bbox"),
            ("class=ruined", "class"),
            ("state=shut", "state"),
            ("probability_at_least=1.5", "probability_at_least"),
            ("damaged_from=2020-02-01&damaged_to=2020-01-01", "damaged_to"),
            ("damaged_if=7", "damaged_if"),
            ("min_probability=0.5", "min_probability"),
        ] {
            let refused = nobody.get(&format!("{MAP}/statistics?{query}")).await.refused(422, "invalid");
            assert_eq!(refused["field"], field, "{query}");
            nobody.get(&format!("{WHOLE}?{query}")).await.refused(422, "invalid");
        }
        nobody.get(&format!("{MAP}/statistics?colour=red")).await.refused(400, "invalid");
        nobody.get(&format!("{MAP}/tiles?limit=0")).await.refused(422, "invalid");
        nobody.get(&format!("{MAP}/tiles/13-1-1")).await.refused(404, "not_found");
        nobody.get(&format!("{MAP}/3/8/0.mvt")).await.refused(404, "not_found");
        nobody.get(&format!("{MAP}/99/0/0.mvt")).await.refused(404, "not_found");
        assert_eq!(statistics(&nobody, "?bbox=179,-10,-179,10").await["shown"], 0, "across the date line");
    })
    .await;
}

#[tokio::test]
async fn a_map_that_is_not_public_is_given_to_its_researchers_alone() {
    on_each_database(async |app| {
        app.campaign("raqqa", Visibility::Public, ReleaseLevel::Private).await;
        let researcher = app.signed_in_as(Role::Researcher, "raqqa").await;
        let (nobody, guest) = (app.browser(), guest(app).await);
        for path in ["/statistics", "/tiles", "/tiles/13-5000-3200", "/0/0/0.mvt"] {
            nobody.get(&format!("{MAP}{path}")).await.refused(401, "unauthorized");
            guest.get(&format!("{MAP}{path}")).await.refused(403, "forbidden");
            assert_eq!(researcher.get(&format!("{MAP}{path}")).await.status.as_u16(), 200, "{path}");
        }
    })
    .await;
}
