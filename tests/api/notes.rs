//! Notes and flags: from volunteers, to those who run the campaign.

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::volunteer::Role;
use aftermap::storage::campaigns;
use aftermap::storage::labelling::notes;
use aftermap::storage::oversight::delays;
use aftermap::storage::scenes::tiles;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::helpers::{Browser, TestApp, on_each_database};

const NOTES: &str = "/api/v1/campaigns/raqqa/notes";

async fn guest_with_leases(app: &TestApp, count: usize) -> (Browser, Vec<Value>) {
    let browser = app.browser();
    browser.become_guest().await;
    let taken = browser.post("/api/v1/campaigns/raqqa/leases", json!({"count": count})).await.ok();
    let leases = taken["leases"].as_array().unwrap().clone();
    (browser, leases)
}

fn remark(lease: &Value, text: &str, flagged: bool) -> Value {
    json!({"id": Uuid::now_v7(), "lease_id": lease["lease_id"], "text": text, "flagged": flagged})
}

#[tokio::test]
async fn a_label_brings_its_note_and_flag_along() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let (guest, leases) = guest_with_leases(app, 3).await;
        let label = |place: usize, more: Value| {
            let mut label = json!({"id": Uuid::now_v7(), "lease_id": leases[place]["lease_id"], "answer": "destroyed"});
            label.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            label
        };
        let with_note = label(0, json!({"note": "a school", "flagged": true}));
        let items = json!([with_note, label(1, json!({"flagged": true})), label(2, json!({"note": "  "}))]);
        assert_eq!(guest.post("/api/v1/labels", items.clone()).await.ok()["results"][1]["status"], "stored");
        guest.post("/api/v1/labels", items).await.ok();
        let mut unflagged = with_note.clone();
        unflagged["flagged"] = json!(false);
        let reply = guest.post("/api/v1/labels", json!([unflagged])).await.ok();
        assert_eq!(reply["results"][0]["code"], "conflict", "a flag is part of the label");
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let notes = coordinator.get(NOTES).await.ok()["notes"].as_array().unwrap().clone();
        assert_eq!(notes.len(), 2, "a repeat adds nothing: {notes:?}");
        let school = notes.iter().find(|note| note["text"] == "a school").unwrap();
        assert_eq!((&school["flagged"], &school["answer"]), (&json!(true), &json!("destroyed")));
        assert_eq!(school["tile"]["id"], leases[0]["tile"]["id"]);
        assert!(school["by"].as_str().unwrap().starts_with('v'), "a pseudonym");
    })
    .await;
}

#[tokio::test]
async fn a_note_without_a_label_is_kept_once() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let (guest, leases) = guest_with_leases(app, 2).await;
        let sent = remark(&leases[0], "smoke over the bridge", true);
        for _ in 0..3 {
            assert_eq!(guest.post(NOTES, sent.clone()).await.ok()["id"], sent["id"]);
        }
        let mut other = sent.clone();
        other["text"] = json!("no smoke");
        guest.post(NOTES, other).await.refused(409, "conflict");
        let mut elsewhere = sent.clone();
        elsewhere["lease_id"] = leases[1]["lease_id"].clone();
        guest.post(NOTES, elsewhere).await.refused(409, "conflict");
        let (thief, _) = guest_with_leases(app, 1).await;
        thief.post(NOTES, sent.clone()).await.refused(409, "conflict");
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let notes = coordinator.get(NOTES).await.ok();
        assert_eq!(notes["notes"].as_array().unwrap().len(), 1);
        assert_eq!((&notes["notes"][0]["answer"], &notes["next"]), (&json!(null), &json!(null)));
    })
    .await;
}

#[tokio::test]
async fn a_note_that_cannot_be_kept_is_refused_with_its_field() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        app.public_campaign("other").await;
        let (guest, leases) = guest_with_leases(app, 1).await;
        let (_, foreign) = guest_with_leases(app, 1).await;
        let field = async |body: Value| guest.post(NOTES, body).await.refused(422, "invalid")["field"].clone();
        assert_eq!(field(remark(&leases[0], &"x".repeat(2_001), false)).await, "text");
        assert_eq!(field(remark(&leases[0], "\u{0}", false)).await, "text");
        assert_eq!(field(remark(&leases[0], "  ", false)).await, "text");
        assert_eq!(field(json!({"id": Uuid::now_v7(), "lease_id": "x", "text": "a"})).await, "lease_id");
        guest.post(NOTES, remark(&leases[0], &"x".repeat(300_000), false)).await.refused(413, "too_large");
        guest.post(NOTES, remark(&foreign[0], "not mine", false)).await.refused(404, "not_found");
        let elsewhere = "/api/v1/campaigns/other/notes";
        guest.post(elsewhere, remark(&leases[0], "of another campaign", false)).await.refused(404, "not_found");
        for _ in 0..20 {
            guest.post(NOTES, remark(&leases[0], "again", false)).await.ok();
        }
        guest.post(NOTES, remark(&leases[0], "and again", false)).await.refused(409, "conflict");
    })
    .await;
}

#[tokio::test]
async fn notes_are_read_in_pages_and_marked_by_those_who_run_the_campaign() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let (guest, leases) = guest_with_leases(app, 5).await;
        for (place, lease) in leases.iter().enumerate() {
            guest.post(NOTES, remark(lease, &format!("note {place}"), place % 2 == 0)).await.ok();
        }
        guest.get(NOTES).await.refused(403, "forbidden");
        app.browser().get(NOTES).await.refused(401, "unauthorized");
        let reviewer = app.signed_in_as(Role::Reviewer, "raqqa").await;
        let mut seen = Vec::new();
        let mut path = format!("{NOTES}?limit=2");
        for _ in 0..4 {
            let page = reviewer.get(&path).await.ok();
            seen.extend(page["notes"].as_array().unwrap().iter().map(|note| note["text"].clone()));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("{NOTES}?limit=2&after={next}");
        }
        assert_eq!(seen, ["note 4", "note 3", "note 2", "note 1", "note 0"]);
        let flagged = reviewer.get(&format!("{NOTES}?flagged=true&open=true")).await.ok();
        let flagged = flagged["notes"].as_array().unwrap();
        assert_eq!(flagged.len(), 3);
        let resolve = format!("{NOTES}/{}/resolve", flagged[0]["id"].as_str().unwrap());
        guest.post(&resolve, json!({})).await.refused(403, "forbidden");
        for _ in 0..2 {
            assert_eq!(reviewer.post(&resolve, json!({})).await.status, 204);
        }
        let open = reviewer.get(&format!("{NOTES}?flagged=true&open=true")).await.ok();
        assert_eq!(open["notes"].as_array().unwrap().len(), 2);
        reviewer.post(&format!("{NOTES}/{}/resolve", Uuid::now_v7()), json!({})).await.refused(404, "not_found");
        reviewer.get(&format!("{NOTES}?limit=0")).await.refused(422, "invalid");
        reviewer.get(&format!("{NOTES}?after=x")).await.refused(422, "invalid");
        app.campaign("hidden", Visibility::Private, ReleaseLevel::Private).await;
        reviewer.get("/api/v1/campaigns/hidden/notes").await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn flags_of_excluded_people_wait_for_nobody_until_they_are_back() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let (guest, leases) = guest_with_leases(app, 1).await;
        guest.post(NOTES, remark(&leases[0], "smoke", true)).await.ok();
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let note = coordinator.get(NOTES).await.ok()["notes"][0].clone();
        let waiting = async || {
            let (flags, on_tiles) = app
                .write(|conn| {
                    let campaign = campaigns::find(conn, "raqqa")?.unwrap().id;
                    let mut on_tiles = 0;
                    for tile in tiles::ids_of_campaign(conn, campaign)?.into_values() {
                        on_tiles += notes::of_tile(conn, tile)?.len();
                    }
                    Ok((delays::open_flags(conn, campaign)?.0, on_tiles))
                })
                .await;
            let queue = coordinator.get("/api/v1/campaigns/raqqa/reviews/queue").await.ok();
            (flags, queue["waiting"].as_u64().unwrap(), on_tiles)
        };
        assert_eq!(waiting().await, (1, 1, 1));
        let order = json!({"volunteers": [note["by"]], "kind": "excluded", "reason": "a script"});
        coordinator.post("/api/v1/campaigns/raqqa/exclusions", order).await.ok();
        assert_eq!(waiting().await, (0, 0, 0));
        let order = json!({"volunteers": [note["by"]], "reason": "a person after all"});
        coordinator.post("/api/v1/campaigns/raqqa/exclusions/lift", order).await.ok();
        assert_eq!(waiting().await, (1, 1, 1));
    })
    .await;
}
