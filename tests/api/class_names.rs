//! What the answers of an own scale are called, in every language that volunteers read.

use aftermap::domain::campaign::CampaignState;
use aftermap::services::people::grant_role::Grant;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Browser, Reply, TestApp, on_each_database};

const TOWN: &str = "/api/v1/campaigns/town";

async fn put(browser: &Browser, body: Value) -> Reply {
    let path = format!("{TOWN}/settings");
    browser.send(Method::PUT, &path, &[("content-type", "application/json")], Some(body.to_string())).await
}

fn roofs(names: Value) -> Value {
    json!({"key": "roofs", "heavy_from": 1, "answers": [
        {"key": "whole", "code": 0},
        {"key": "torn", "code": 1, "names": names},
        {"key": "unsure", "role": "side", "code": 98}]})
}

/// A draft in English with a guide, on a scale whose second class is called something in French and in English.
async fn draft(app: &TestApp) -> Browser {
    let cleo = app.signed_in("cleo", Some(Grant::Creator)).await;
    cleo.post("/api/v1/campaigns", json!({"slug": "town", "title": "A town"})).await.ok_text();
    put(&cleo, json!({"scale": roofs(json!({"en": "Torn roof", "fr": "Toit arraché"}))})).await.ok();
    put(&cleo, json!({"texts": {"en": {"title": "A town", "guide": {"torn": "Rafters show."}}}})).await.ok();
    cleo
}

#[tokio::test]
async fn a_class_is_called_in_the_readers_language_else_in_the_campaigns_own() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let torn = async |lang: &str| -> Value {
            cleo.get(&format!("{TOWN}?lang={lang}")).await.ok()["scale"]["answers"][1].clone()
        };
        assert_eq!(torn("fr").await["name"], "Toit arraché");
        assert_eq!(torn("fr-CA").await["name"], "Toit arraché");
        assert_eq!(torn("uk").await["name"], "Torn roof", "the campaign's own language");
        assert_eq!(torn("ar").await["names"], json!({"en": "Torn roof", "fr": "Toit arraché"}));
        let plain = cleo.get(TOWN).await.ok()["scale"]["answers"][0].clone();
        assert_eq!((plain.get("name"), plain.get("names")), (None, None), "the key in words says it");
        let settings = cleo.get(&format!("{TOWN}/settings")).await.ok();
        let again = put(&cleo, settings).await.ok();
        assert_eq!(again["changed"], json!([]), "the settings sent back change nothing");
        let book = cleo.get(&format!("{TOWN}/exports/codebook.md")).await;
        assert!(book.ok_text().contains("| `torn` | 1 | fr | Toit arraché |"), "{}", book.text);
    })
    .await;
}

#[tokio::test]
async fn names_change_at_any_time_and_nothing_else_of_the_scale_once_it_is_open() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        app.set_state("town", CampaignState::Open).await;
        let changed = put(&cleo, json!({"scale": roofs(json!({"ar": "سقف ممزق"}))})).await.ok();
        assert_eq!(changed["changed"], json!(["scale.names"]));
        assert_eq!(changed["settings"]["texts"]["en"]["guide"]["torn"], "Rafters show.", "the guide stays");
        let answers = cleo.get(&format!("{TOWN}?lang=ar")).await.ok()["scale"]["answers"].clone();
        assert_eq!((&answers[1]["name"], &answers[1]["names"]), (&json!("سقف ممزق"), &json!({"ar": "سقف ممزق"})));
        let log = cleo.get(&format!("{TOWN}/audit")).await.ok();
        assert_eq!(log["entries"][0]["subject"], "scale.names", "{log}");
        let mut other = roofs(json!({}));
        other["answers"][1]["code"] = json!(7);
        put(&cleo, json!({"scale": other})).await.refused(409, "conflict");
    })
    .await;
}

#[tokio::test]
async fn a_name_that_cannot_be_shown_is_refused_by_class_and_language() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        for (names, field) in [
            (json!({"fr": "x".repeat(61)}), "scale.answers.torn.names.fr"),
            (json!({"fr": "two\nlines"}), "scale.answers.torn.names.fr"),
            (json!({"french": "Toit"}), "scale.answers.torn.names.french"),
            (json!({"fr": 7}), "scale"),
        ] {
            let refused = put(&cleo, json!({"scale": roofs(names.clone())})).await.refused(422, "invalid");
            assert_eq!(refused["field"], field, "{names}: {refused}");
        }
        let built_in = json!({"key": "change2", "heavy_from": 1, "answers": [
            {"key": "no_change", "code": 0, "names": {"fr": "Rien"}}, {"key": "change", "code": 1},
            {"key": "unsure", "role": "side", "code": 98}, {"key": "bad_imagery", "role": "side", "code": 99}]});
        assert_eq!(put(&cleo, json!({"scale": built_in})).await.refused(422, "invalid")["field"], "scale.key");
        assert_eq!(cleo.get(&format!("{TOWN}?lang=fr")).await.ok()["scale"]["answers"][1]["name"], "Toit arraché");
    })
    .await;
}
