//! Campaigns: who sees which, and who may do what.

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::volunteer::Role;
use aftermap::services::people::grant_role::Grant;
use serde_json::{Value, json};

use crate::helpers::{Browser, on_each_database};

async fn slugs(browser: &Browser) -> Vec<String> {
    let list = browser.get("/api/v1/campaigns").await.ok();
    list["campaigns"].as_array().unwrap().iter().map(|one| one["slug"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_private_campaign_reads_like_an_unknown_one_to_strangers() {
    on_each_database(async |app| {
        app.campaign("hidden", Visibility::Private, ReleaseLevel::Public).await;
        app.public_campaign("shown").await;
        let stranger = app.signed_in("stranger", None).await;
        let invited = app.signed_in_as(Role::Volunteer, "hidden").await;
        let admin = app.signed_in("root", Some(Grant::Admin)).await;
        assert_eq!(slugs(&app.browser()).await, ["shown"]);
        assert_eq!(slugs(&stranger).await, ["shown"]);
        assert_eq!(slugs(&invited).await.len(), 2);
        assert_eq!(slugs(&admin).await.len(), 2);
        let hidden = stranger.get("/api/v1/campaigns/hidden").await.refused(404, "not_found");
        let unknown = stranger.get("/api/v1/campaigns/unknown").await.refused(404, "not_found");
        let text = |problem: &Value| problem["detail"].as_str().unwrap().replace("hidden", "unknown");
        assert_eq!(text(&hidden), text(&unknown));
        stranger.post("/api/v1/campaigns/hidden/leases", json!({"count": 1})).await.refused(404, "not_found");
        stranger.get("/api/v1/campaigns/hidden/exports/tiles.csv").await.refused(404, "not_found");
        assert_eq!(invited.get("/api/v1/campaigns/hidden").await.ok()["role"], "volunteer");
    })
    .await;
}

#[tokio::test]
async fn a_campaign_says_what_it_is_how_far_it_is_and_what_one_may() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let campaign = app.browser().get("/api/v1/campaigns/raqqa").await.ok();
        assert_eq!((&campaign["state"], &campaign["kind"]), (&json!("open"), &json!("pair")));
        assert_eq!(campaign["progress"], json!({"tiles": 12, "open": 12, "closed": 0, "contested": 0, "share": 0.0}));
        assert_eq!(campaign["scale"]["answers"][2]["heavy"], true);
        assert_eq!(
            campaign["scale"]["answers"][3],
            json!({"key": "unsure", "role": "side", "code": 98, "heavy": false})
        );
        assert_eq!(campaign["scenes"][0]["captured_from"], "1970-01-02T00:00:00Z");
        assert_eq!((&campaign["mine"], &campaign["role"]), (&json!(null), &json!(null)));
        assert_eq!(
            campaign["may"],
            json!({"label": true, "see_map": true, "coordinate": false, "download_labels": false})
        );
        let researcher = app.signed_in_as(Role::Researcher, "raqqa").await;
        let campaign = researcher.get("/api/v1/campaigns/raqqa").await.ok();
        assert_eq!((&campaign["role"], &campaign["mine"]["labels"]), (&json!("researcher"), &json!(0)));
        assert_eq!(
            (&campaign["may"]["download_labels"], &campaign["may"]["coordinate"]),
            (&json!(true), &json!(false))
        );
    })
    .await;
}

#[tokio::test]
async fn only_a_coordinator_pauses_opens_and_watches_a_campaign() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let pause = json!({"state": "paused"});
        let path = "/api/v1/campaigns/raqqa/state";
        app.browser().post(path, pause.clone()).await.refused(401, "unauthorized");
        let researcher = app.signed_in_as(Role::Researcher, "raqqa").await;
        researcher.post(path, pause.clone()).await.refused(403, "forbidden");
        researcher.get("/api/v1/campaigns/raqqa/statistics").await.refused(403, "forbidden");
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        assert_eq!(coordinator.post(path, pause).await.ok()["state"], "paused");
        assert_eq!(coordinator.post(path, json!({"state": "open"})).await.ok()["state"], "open");
        coordinator.post(path, json!({"state": "draft"})).await.refused(400, "invalid");
        let statistics = coordinator.get("/api/v1/campaigns/raqqa/statistics").await.ok();
        assert_eq!(statistics["tiles"]["open"], 12);
        assert_eq!((&statistics["labels"], &statistics["model"]["number"]), (&json!(0), &json!(0)));
        assert_eq!(coordinator.post(path, json!({"state": "closed"})).await.ok()["state"], "closed");
        coordinator.post(path, json!({"state": "paused"})).await.refused(409, "conflict");
    })
    .await;
}

#[tokio::test]
async fn downloads_follow_the_release_level_and_the_role() {
    on_each_database(async |app| {
        app.campaign("kept", Visibility::Public, ReleaseLevel::Private).await;
        app.public_campaign("free").await;
        let (stranger, researcher) = (app.browser(), app.signed_in_as(Role::Researcher, "kept").await);
        let file = |slug: &str, file: &str| format!("/api/v1/campaigns/{slug}/exports/{file}");
        stranger.get(&file("kept", "tiles.csv")).await.refused(401, "unauthorized");
        stranger.get(&file("free", "labels.csv")).await.refused(401, "unauthorized");
        researcher.get(&file("free", "labels.csv")).await.refused(403, "forbidden");
        researcher.get(&file("free", "tiles.docx")).await.refused(422, "invalid");
        researcher.get(&file("free", "people.csv")).await.refused(404, "not_found");
        let wrong = researcher.get(&file("free", "tiles.csv?min_probability=2")).await.refused(422, "invalid");
        assert_eq!(wrong["field"], "min_probability");
        let tiles = stranger.get(&file("free", "tiles.csv")).await;
        assert_eq!(tiles.text.lines().count(), 13, "{}", tiles.text);
        assert_eq!(tiles.header("content-disposition"), "attachment; filename=\"free-tiles.csv\"");
        let tag = tiles.header("etag").to_owned();
        let again =
            stranger.send(reqwest::Method::GET, &file("free", "tiles.csv"), &[("if-none-match", &tag)], None).await;
        assert_eq!(again.status, 304);
        let map = stranger.get(&file("free", "tiles.geojson")).await.ok();
        assert_eq!(map["features"].as_array().unwrap().len(), 12);
        assert_eq!(researcher.get(&file("kept", "labels.csv")).await.status, 200);
    })
    .await;
}
