//! Announcements: to everybody, or to some, in their language, until they are put away.

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::volunteer::Role;
use serde_json::{Value, json};

use crate::helpers::{Browser, TestApp, on_each_database};

const HERE: &str = "/api/v1/campaigns/raqqa/announcements";

async fn guest(app: &TestApp) -> (Browser, String) {
    let guest = app.browser();
    guest.become_guest().await;
    guest.post("/api/v1/campaigns/raqqa/leases", json!({"count": 1})).await.ok();
    let data = guest.get("/api/v1/me/data").await.ok();
    (guest, data["campaigns"][0]["pseudonym"].as_str().unwrap().to_owned())
}

async fn texts(browser: &Browser, query: &str) -> Vec<Value> {
    let shown = browser.get(&format!("{HERE}{query}")).await.ok();
    shown["announcements"].as_array().unwrap().iter().map(|one| one["text"].clone()).collect()
}

#[tokio::test]
async fn everybody_reads_a_banner_in_their_language_until_it_is_taken_back() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let banner = json!({"level": "info", "texts": {"en": "New pictures", "ar": "صور جديدة"}});
        let made = coordinator.post(HERE, banner).await.ok();
        let urgent = json!({"level": "urgent", "texts": {"en": "We pause at noon"}, "until": "2999-01-01T00:00:00Z"});
        coordinator.post(HERE, urgent).await.ok();
        let later = json!({"level": "info", "texts": {"en": "not yet"}, "from": "2998-01-01T00:00:00Z"});
        coordinator.post(HERE, later).await.ok();
        assert_eq!(texts(&app.browser(), "?lang=ar").await, ["We pause at noon", "صور جديدة"]);
        let (guest, _) = guest(app).await;
        assert_eq!(texts(&guest, "").await, ["We pause at noon", "New pictures"]);
        let id = made["id"].as_str().unwrap();
        for _ in 0..2 {
            assert_eq!(guest.post(&format!("{HERE}/{id}/read"), json!({})).await.status, 204);
        }
        assert_eq!(texts(&guest, "").await, ["We pause at noon"]);
        assert_eq!(texts(&app.browser(), "").await.len(), 2, "others still see it");
        let all = coordinator.get(&format!("{HERE}/all")).await.ok();
        let read: Vec<&Value> = all["announcements"].as_array().unwrap().iter().map(|one| &one["read"]).collect();
        assert_eq!(read, [&json!(0), &json!(0), &json!(1)]);
        for _ in 0..2 {
            assert_eq!(coordinator.delete(&format!("{HERE}/{id}")).await.status, 204);
        }
        assert_eq!(texts(&app.browser(), "").await, ["We pause at noon"]);
    })
    .await;
}

#[tokio::test]
async fn a_message_reaches_those_it_names_and_nobody_else() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let ((one, name), (other, _)) = (guest(app).await, guest(app).await);
        let message = json!({"level": "warning", "texts": {"en": "Please look longer"}, "to": [name]});
        let made = coordinator.post(HERE, message).await.ok();
        assert_eq!(made["to"], 1);
        assert_eq!(texts(&one, "").await, ["Please look longer"]);
        assert_eq!(one.get(HERE).await.ok()["announcements"][0]["mine"], true);
        assert_eq!(texts(&other, "").await, [""; 0]);
        let read = format!("{HERE}/{}/read", made["id"].as_str().unwrap());
        other.post(&read, json!({})).await.refused(404, "not_found");
        one.post(&read, json!({})).await.ok_text();
        assert_eq!(texts(&one, "").await, [""; 0]);
        let data = one.get("/api/v1/me/data").await.ok();
        assert_eq!(data["messages"][0]["texts"]["en"], "Please look longer");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_told_is_refused_and_only_coordinators_tell() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let field = async |body: Value| coordinator.post(HERE, body).await.refused(422, "invalid")["field"].clone();
        assert_eq!(field(json!({"level": "info", "texts": {}})).await, "texts");
        assert_eq!(field(json!({"level": "info", "texts": {"en": "x".repeat(601)}})).await, "texts");
        let told = json!({"en": "hello"});
        assert_eq!(field(json!({"level": "info", "texts": told, "until": "2001-01-01T00:00:00Z"})).await, "until");
        assert_eq!(field(json!({"level": "info", "texts": told, "from": "noon"})).await, "from");
        assert_eq!(field(json!({"level": "info", "texts": told, "to": []})).await, "to");
        let stranger = json!({"level": "info", "texts": told, "to": ["v000000000000"]});
        coordinator.post(HERE, stranger).await.refused(404, "not_found");
        let (guest, _) = guest(app).await;
        let reviewer = app.signed_in_as(Role::Reviewer, "raqqa").await;
        for person in [&guest, &reviewer] {
            person.post(HERE, json!({"level": "info", "texts": told})).await.refused(403, "forbidden");
            person.get(&format!("{HERE}/all")).await.refused(403, "forbidden");
            person.delete(&format!("{HERE}/1")).await.refused(403, "forbidden");
        }
        coordinator.delete(&format!("{HERE}/1")).await.refused(404, "not_found");
        app.campaign("hidden", Visibility::Private, ReleaseLevel::Private).await;
        guest.get("/api/v1/campaigns/hidden/announcements").await.refused(404, "not_found");
    })
    .await;
}
