//! How I do: standing, misses and the leaderboard, and what they must never tell.

use aftermap::domain::campaign::{CampaignState, ReleaseLevel, Visibility};
use aftermap::domain::gold::GoldKind;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::clock;
use aftermap::storage::labelling::leases;
use aftermap::storage::schema::{consensus, gold, queue, tiles};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::helpers::{Browser, TestApp, on_each_database};

const ME: &str = "/api/v1/campaigns/raqqa/me";
const MISSES: &str = "/api/v1/campaigns/raqqa/me/misses";
const MINUTE: i64 = 60_000;

async fn guest(app: &TestApp) -> Browser {
    let browser = app.browser();
    browser.become_guest().await;
    browser
}

/// Labels every tile that is handed out, and returns the tiles in that order.
async fn label_all(browser: &Browser, slug: &str, answer: &str) -> Vec<String> {
    let mut labelled = Vec::new();
    for _ in 0..10 {
        let taken = browser.post(&format!("/api/v1/campaigns/{slug}/leases"), json!({"count": 5})).await.ok();
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

/// Closes a tile as settled with a class, so long ago.
async fn close(app: &TestApp, tile_id: &str, class: i16, ago: i64) {
    let tile_id = tile_id.to_owned();
    app.write(move |conn| {
        let (tile, campaign): (i64, i64) =
            tiles::table.filter(tiles::tile_id.eq(&tile_id)).select((tiles::id, tiles::campaign_id)).first(conn)?;
        let closed =
            (queue::state.eq("settled"), queue::available.eq(false), queue::closed_at.eq(clock::now_ms() - ago));
        diesel::update(queue::table.find(tile)).set(closed).execute(conn)?;
        diesel::delete(consensus::table.find(tile)).execute(conn)?;
        let row = (
            (consensus::tile.eq(tile), consensus::campaign_id.eq(campaign), consensus::model.eq(0)),
            (consensus::method.eq("m"), consensus::method_version.eq("1"), consensus::class.eq(class)),
            (consensus::probability.eq(0.97), consensus::probabilities.eq("[0.01,0.02,0.97]"), consensus::labels.eq(4)),
            (consensus::answers.eq("[0,1,3,0,0]"), consensus::agreement.eq(0.75), consensus::entropy.eq(0.1)),
            (consensus::evidence.eq(4.0), consensus::effective_redundancy.eq(4.0)),
            (consensus::unusable_share.eq(0.0), consensus::changed_at.eq(0)),
        );
        diesel::insert_into(consensus::table).values(row).execute(conn)?;
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn agreement_counts_closed_tiles_ten_minutes_later_and_has_an_interval() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let me = guest(app).await;
        let mine = label_all(&me, "raqqa", "damaged").await;
        assert_eq!(mine.len(), 12);
        let fresh = me.get(ME).await.ok();
        assert_eq!((&fresh["labels"], &fresh["today"], &fresh["skips"]), (&json!(12), &json!(12), &json!(0)));
        assert_eq!((&fresh["closed_tiles"], &fresh["agreement"]), (&json!(0), &json!(null)));
        for tile in &mine[..9] {
            close(app, tile, 1, 11 * MINUTE).await;
        }
        close(app, &mine[9], 2, 9 * MINUTE).await;
        let nine = me.get(ME).await.ok();
        assert_eq!((&nine["closed_tiles"], &nine["agreed"], &nine["agreement"]), (&json!(9), &json!(9), &json!(null)));
        close(app, &mine[9], 2, 11 * MINUTE).await;
        let ten = me.get(ME).await.ok();
        assert_eq!((&ten["closed_tiles"], &ten["agreed"]), (&json!(10), &json!(9)));
        let agreement = |end: &str| ten["agreement"][end].as_f64().unwrap();
        assert!((agreement("share") - 0.9).abs() < 1e-9);
        assert!(agreement("low") < 0.9 && agreement("low") > 0.6 && agreement("high") > 0.9 && agreement("high") < 1.0);
        assert_eq!(ten["severity"], json!(null), "one slip is no habit");
        assert_eq!(guest(app).await.get(ME).await.ok()["labels"], 0, "another person's standing is another's");
        app.browser().get(ME).await.refused(401, "unauthorized");
    })
    .await;
}

#[tokio::test]
async fn misses_come_in_pages_with_the_consensus() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let me = guest(app).await;
        let mine = label_all(&me, "raqqa", "damaged").await;
        for (place, tile) in mine.iter().take(6).enumerate() {
            let class = if place < 5 { 2 } else { 1 };
            close(app, tile, class, (20 + place as i64) * MINUTE).await;
        }
        close(app, &mine[6], 2, MINUTE).await;
        let mut seen = Vec::new();
        let mut path = format!("{MISSES}?limit=2");
        for _ in 0..5 {
            let page = me.get(&path).await.ok();
            seen.extend(page["misses"].as_array().unwrap().iter().map(|miss| miss["tile"]["id"].clone()));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("{MISSES}?limit=2&after={next}");
        }
        assert_eq!(seen, mine[..5].iter().map(|tile| json!(tile)).collect::<Vec<_>>(), "the last closed first");
        let first = me.get(MISSES).await.ok()["misses"][0].clone();
        assert_eq!(first["mine"], json!({"answer": "damaged"}));
        let consensus = json!({"answer": "destroyed", "probability": 0.97, "labels": 4, "agreement": 0.75});
        assert_eq!(first["consensus"], consensus);
        assert_eq!(first["frames"].as_array().unwrap().len(), 2);
        assert_eq!(guest(app).await.get(MISSES).await.ok()["misses"], json!([]));
        me.get(&format!("{MISSES}?limit=0")).await.refused(422, "invalid");
        me.get(&format!("{MISSES}?after=b")).await.refused(422, "invalid");
    })
    .await;
}

#[tokio::test]
async fn check_gold_is_in_no_figure_until_it_is_worn_out_or_the_campaign_is_over() {
    on_each_database(async |app| {
        let campaign = app.public_campaign("raqqa").await;
        let gold_tiles = ["13-5000-3200", "13-5001-3200"];
        app.gold("raqqa", GoldKind::Check, &gold_tiles.map(|tile| (tile, "destroyed"))).await;
        let me = guest(app).await;
        let id: i64 = me.session().await["volunteer_id"].as_str().unwrap().parse().unwrap();
        let lent = app.write(move |conn| {
            // Gold closed long ago, so that nothing but the rule about gold hides it.
            let (now, long_ago) = (clock::now_ms(), clock::now_ms() - 60 * MINUTE);
            let golden = queue::table.filter(queue::gold.is_not_null());
            diesel::update(golden).set(queue::closed_at.eq(long_ago)).execute(conn)?;
            let tiles: Vec<i64> = golden.select(queue::tile).load(conn)?;
            Ok(leases::grant(conn, campaign.id, id, &tiles, (now, now + 30 * MINUTE))?)
        });
        let item = |lease: i64| json!({"id": Uuid::now_v7(), "lease_id": lease.to_string(), "answer": "damaged"});
        let items: Vec<Value> = lent.await.into_iter().map(|lease| item(lease.id)).collect();
        assert_eq!(items.len(), 2);
        me.post("/api/v1/labels", Value::Array(items)).await.ok();
        let figures = async || {
            let closed = me.get(ME).await.ok()["closed_tiles"].as_u64().unwrap();
            (closed, me.get(MISSES).await.ok()["misses"].as_array().unwrap().len())
        };
        assert_eq!(figures().await, (0, 0));
        let worn = gold_tiles[0];
        app.write(move |conn| {
            let tile: i64 = tiles::table.filter(tiles::tile_id.eq(worn)).select(tiles::id).first(conn)?;
            diesel::update(gold::table.find(tile)).set(gold::worn_out_at.eq(clock::now_ms())).execute(conn)?;
            Ok(())
        })
        .await;
        assert_eq!(figures().await, (1, 1));
        let miss = me.get(MISSES).await.ok()["misses"][0].clone();
        assert_eq!((&miss["tile"]["id"], &miss["explanation"]), (&json!(gold_tiles[0]), &json!("because")));
        app.write(|conn| change_state(conn, "raqqa", CampaignState::Closed, None, clock::now_ms())).await;
        assert_eq!(figures().await, (2, 2), "the campaign is over");
    })
    .await;
}

#[tokio::test]
async fn a_map_that_is_not_public_is_not_given_away_tile_by_tile() {
    on_each_database(async |app| {
        app.campaign("raqqa", Visibility::Public, ReleaseLevel::Private).await;
        let me = guest(app).await;
        let mine = label_all(&me, "raqqa", "damaged").await;
        close(app, &mine[0], 2, 60 * MINUTE).await;
        assert_eq!(me.get(MISSES).await.ok(), json!({"misses": [], "next": null, "shown": false}));
        let standing = me.get(ME).await.ok();
        assert_eq!((&standing["closed_tiles"], &standing["agreed"]), (&json!(0), &json!(0)), "nor by counts that move");
        assert_eq!(standing["labels"], mine.len());
    })
    .await;
}

#[tokio::test]
async fn a_leaderboard_is_there_only_where_it_was_switched_on() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let path = "/api/v1/campaigns/raqqa/leaderboard";
        let (busy, idle) = (guest(app).await, guest(app).await);
        label_all(&busy, "raqqa", "damaged").await;
        busy.get(path).await.refused(404, "not_found");
        app.set_policy("raqqa", |policy| policy.leaderboard = true).await;
        let board = busy.get(path).await.ok();
        let first = board["places"][0].clone();
        assert_eq!((&first["place"], &first["labels"], &first["me"]), (&json!(1), &json!(12), &json!(true)));
        assert_eq!((board["places"].as_array().unwrap().len(), &board["mine"]), (1, &first));
        let seen = idle.get(path).await.ok();
        assert_eq!((&seen["mine"], &seen["places"][0]["me"]), (&json!(null), &json!(false)));
        assert_eq!(seen["places"][0]["name"], first["name"]);
        assert!(first["name"].as_str().unwrap().starts_with('v'), "a pseudonym: {first}");
    })
    .await;
}
