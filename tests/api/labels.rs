//! Taking tiles and handing in labels.

use aftermap::domain::label::MAX_REVISIONS;
use aftermap::domain::volunteer::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::helpers::{Browser, TestApp, on_each_database};

async fn leases(browser: &Browser, count: usize) -> Vec<Value> {
    let reply = browser.post("/api/v1/campaigns/raqqa/leases", json!({"count": count})).await;
    reply.ok()["leases"].as_array().unwrap().clone()
}

fn label(lease: &Value, answer: &str) -> Value {
    json!({"id": Uuid::now_v7(), "lease_id": lease["lease_id"], "answer": answer, "seconds": 3.5})
}

async fn guest(app: &TestApp) -> Browser {
    let token = app.browser().become_guest().await["token"].as_str().unwrap().to_owned();
    app.script(&token)
}

#[tokio::test]
async fn a_guest_takes_tiles_labels_them_and_gets_the_next() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let guest = guest(app).await;
        let taken = leases(&guest, 2).await;
        assert_eq!(taken.len(), 2);
        assert!(taken[0]["tile"]["id"].as_str().unwrap().starts_with("13-"));
        assert_eq!(taken[0]["tile"]["footprint"], json!(null));
        assert_eq!(taken[0]["frames"].as_array().unwrap().len(), 2);
        assert_eq!(leases(&guest, 2).await, taken, "a reload shows the same tiles");
        let items = json!([label(&taken[0], "destroyed"), label(&taken[1], "unsure")]);
        let receipt = guest.post("/api/v1/labels", items.clone()).await.ok();
        let status: Vec<&Value> = receipt["results"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
        assert_eq!(status, ["stored", "stored"]);
        assert_eq!(receipt["leases"].as_array().unwrap().len(), 2);
        let repeat = guest.post("/api/v1/labels", items).await.ok();
        assert_eq!(repeat["results"], receipt["results"], "a repeat reads the same");
    })
    .await;
}

#[tokio::test]
async fn an_item_that_cannot_be_stored_is_refused_alone() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let (guest, other) = (guest(app).await, guest(app).await);
        let (mine, foreign) = (leases(&guest, 5).await, leases(&other, 1).await);
        let mut unknown_field = label(&mine[1], "damaged");
        unknown_field["colour"] = json!("red");
        let mut bad_id = label(&mine[2], "damaged");
        bad_id["id"] = json!("seven");
        let items = json!([
            label(&mine[0], "collapsed"),
            unknown_field,
            bad_id,
            5,
            label(&foreign[0], "damaged"),
            label(&mine[3], "damaged")
        ]);
        let receipt = guest.post("/api/v1/labels", items.clone()).await.ok();
        let seen: Vec<Value> = receipt["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| json!([one["status"], one["code"], one["field"]]))
            .collect();
        let expected = [
            json!(["refused", "invalid", "answer"]),
            json!(["refused", "invalid", "colour"]),
            json!(["refused", "invalid", "id"]),
            json!(["refused", "invalid", null]),
            json!(["refused", "never_leased", "lease_id"]),
            json!(["stored", null, null]),
        ];
        assert_eq!(seen, expected, "{receipt}");
        let reply_ids: Vec<&Value> = receipt["results"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
        assert_eq!((reply_ids[0], reply_ids[2]), (&items[0]["id"], &json!("seven")));
        let reused = json!([{"id": items[5]["id"], "lease_id": mine[3]["lease_id"], "answer": "destroyed"}]);
        assert_eq!(guest.post("/api/v1/labels", reused).await.ok()["results"][0]["code"], "conflict");
    })
    .await;
}

#[tokio::test]
async fn a_note_that_a_database_cannot_hold_is_refused_alone() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let guest = guest(app).await;
        let mine = leases(&guest, 2).await;
        let mut poisoned = label(&mine[0], "damaged");
        poisoned["note"] = json!("smoke\u{0}");
        let receipt = guest.post("/api/v1/labels", json!([poisoned, label(&mine[1], "damaged")])).await.ok();
        let (first, second) = (&receipt["results"][0], &receipt["results"][1]);
        assert_eq!((&first["status"], &first["field"]), (&json!("refused"), &json!("note")), "{receipt}");
        assert_eq!(second["status"], "stored", "{receipt}");
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_no_list_of_labels_is_refused_as_a_whole() {
    on_each_database(async |app| {
        let guest = guest(app).await;
        guest.post("/api/v1/labels", json!({"id": 1})).await.refused(400, "invalid");
        guest.post("/api/v1/labels", json!([])).await.refused(400, "invalid");
        guest.post("/api/v1/labels", Value::Array(vec![json!({}); 51])).await.refused(400, "invalid");
        app.browser().post("/api/v1/labels", json!([{}])).await.refused(401, "unauthorized");
    })
    .await;
}

#[tokio::test]
async fn tiles_are_given_one_to_five_at_a_time_to_people_who_are_signed_in() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let path = "/api/v1/campaigns/raqqa/leases";
        app.browser().post(path, json!({"count": 1})).await.refused(401, "unauthorized");
        let guest = guest(app).await;
        for count in [0, 6] {
            assert_eq!(guest.post(path, json!({"count": count})).await.refused(422, "invalid")["field"], "count");
        }
        guest.post(path, json!({"count": -1})).await.refused(400, "invalid");
        assert_eq!(leases(&guest, 5).await.len(), 5);
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        coordinator.post("/api/v1/campaigns/raqqa/state", json!({"state": "paused"})).await.ok();
        let late = app.browser();
        late.become_guest().await;
        assert_eq!(leases(&late, 5).await, Vec::<Value>::new());
    })
    .await;
}

#[tokio::test]
async fn a_lease_is_given_back_by_its_owner_only_and_a_skipped_tile_stays_away() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let (guest, other) = (guest(app).await, guest(app).await);
        let taken = leases(&guest, 1).await;
        let path = format!("/api/v1/leases/{}", taken[0]["lease_id"].as_str().unwrap());
        other.delete(&path).await.refused(404, "not_found");
        assert_eq!(guest.delete(&format!("{path}?skip=true")).await.status, 204);
        assert_eq!(guest.delete(&path).await.status, 204, "giving back twice is no error");
        for _ in 0..3 {
            for lease in leases(&guest, 5).await {
                assert_ne!(lease["tile"]["id"], taken[0]["tile"]["id"]);
                guest.post("/api/v1/labels", json!([label(&lease, "damaged")])).await.ok();
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_note_that_one_database_could_not_store_is_refused_alone_on_both() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let guest = guest(app).await;
        let taken = leases(&guest, 2).await;
        let mut item = label(&taken[0], "damaged");
        item["note"] = json!("roof\0gone");
        let receipt = guest.post("/api/v1/labels", json!([item, label(&taken[1], "damaged")])).await.ok();
        let results = &receipt["results"];
        assert_eq!((&results[0]["code"], &results[0]["field"]), (&json!("invalid"), &json!("note")), "{receipt}");
        assert_eq!(results[1]["status"], "stored", "{receipt}");
    })
    .await;
}

#[tokio::test]
async fn an_answer_can_be_changed_often_but_not_for_ever() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let guest = guest(app).await;
        let taken = leases(&guest, 1).await;
        let mut accepted = 0;
        for _ in 0..MAX_REVISIONS / 50 {
            let items: Vec<Value> = (0..50).map(|_| label(&taken[0], "damaged")).collect();
            let receipt = guest.post("/api/v1/labels", json!(items)).await.ok();
            let results = receipt["results"].as_array().unwrap();
            accepted += results.iter().filter(|one| one["status"] != "refused").count();
        }
        assert_eq!(accepted, MAX_REVISIONS as usize);
        let receipt = guest.post("/api/v1/labels", json!([label(&taken[0], "destroyed")])).await.ok();
        assert_eq!(receipt["results"][0]["code"], "too_late", "{receipt}");
    })
    .await;
}
