//! Deleting a draft: all that was prepared for it goes, and nothing that people gave.

use aftermap::domain::volunteer::Role;
use aftermap::services::clock;
use aftermap::services::people::grant_role::Grant;
use aftermap::storage::schema::{audit_log, sessions};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::json;

use crate::helpers::{Browser, TestApp, on_each_database};

const TOWN: &str = "/api/v1/campaigns/town";
const PART: &str = "application/offset+octet-stream";

async fn draft(app: &TestApp) -> Browser {
    let cleo = app.signed_in("cleo", Some(Grant::Creator)).await;
    cleo.post("/api/v1/campaigns", json!({"slug": "town", "title": "A town"})).await.ok();
    cleo
}

/// Gives a draft something of nearly everything that a draft can have.
async fn fill(app: &TestApp, cleo: &Browser) -> String {
    let texts = json!({"en": {"purpose": "To see.", "guide": {"destroyed": "Rubble."}}, "fr": {"title": "Une ville"}});
    let body = json!({"texts": texts, "policy": {"minimum": 2}}).to_string();
    cleo.send(Method::PUT, &format!("{TOWN}/settings"), &[("content-type", "application/json")], Some(body)).await.ok();
    let upload = cleo.post(&format!("{TOWN}/uploads"), json!({"file_name": "a.csv", "bytes": 10})).await.ok();
    let id = upload["id"].as_str().unwrap().to_owned();
    let headers = [("content-type", PART), ("upload-offset", "0")];
    cleo.send_bytes(Method::PATCH, &format!("{TOWN}/uploads/{id}"), &headers, b"0123456789".to_vec()).await.ok();
    let job = json!({"kind": "gold", "gold": "check", "upload": id});
    cleo.post(&format!("{TOWN}/jobs"), job).await.ok();
    cleo.post(&format!("{TOWN}/invitations"), json!({"role": "volunteer", "uses": 3, "days": 7})).await.ok();
    cleo.post(&format!("{TOWN}/announcements"), json!({"level": "info", "texts": {"en": "Hello."}})).await.ok();
    app.signed_in_as(Role::Reviewer, "town").await;
    let inbox = app.tiles.path().join("inbox/town");
    std::fs::create_dir_all(&inbox).unwrap();
    std::fs::write(inbox.join("secret.tif"), "x").unwrap();
    id
}

#[tokio::test]
async fn a_draft_goes_with_all_that_was_prepared_for_it_and_its_name_is_free() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let upload = fill(app, &cleo).await;
        let file = app.tiles.path().join("uploads").join(&upload);
        assert!(file.is_file());
        assert_eq!(cleo.delete(TOWN).await.status, 204);
        cleo.get(TOWN).await.refused(404, "not_found");
        assert!(!file.exists(), "its uploads go");
        let list = cleo.get("/api/v1/campaigns").await.ok();
        assert_eq!(list["campaigns"], json!([]));

        // Somebody else may have the name, and finds nothing of what was there.
        let omar = app.signed_in("omar", Some(Grant::Creator)).await;
        omar.post("/api/v1/campaigns", json!({"slug": "town", "title": "Another"})).await.ok();
        assert_eq!(
            omar.get(&format!("{TOWN}/files")).await.ok()["files"],
            json!([]),
            "nor what the operator laid there"
        );
        assert_eq!(omar.get(&format!("{TOWN}/jobs")).await.ok()["jobs"], json!([]));
        let texts = omar.get(&format!("{TOWN}/settings")).await.ok()["texts"].to_string();
        assert!(texts.contains("Another") && !texts.contains("To see") && !texts.contains("Une ville"), "{texts}");
        let noted = omar.get(&format!("{TOWN}/audit")).await.ok();
        assert!(!noted.to_string().contains("begin_upload"), "{noted}");
        cleo.get(TOWN).await.refused(404, "not_found");
        let acts = app.write(|conn| {
            let gone = audit_log::table.filter(audit_log::act.eq("delete_campaign"));
            Ok(gone.select((audit_log::subject, audit_log::actor_id)).load::<(String, Option<i64>)>(conn)?)
        });
        let acts = acts.await;
        assert_eq!(acts.len(), 1, "the log keeps that it was there");
        assert!(acts[0].0 == "town" && acts[0].1.is_some(), "{acts:?}");
    })
    .await;
}

#[tokio::test]
async fn only_its_coordinators_delete_a_draft_and_only_with_their_password() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let reviewer = app.signed_in_as(Role::Reviewer, "town").await;
        reviewer.delete(TOWN).await.refused(403, "forbidden");
        app.signed_in("stranger", Some(Grant::Creator)).await.delete(TOWN).await.refused(404, "not_found");
        let made = cleo.post("/api/v1/me/tokens", json!({"name": "t", "scopes": ["manage"]})).await.ok();
        app.script(made["token"].as_str().unwrap()).delete(TOWN).await.refused(403, "forbidden");
        // A session of an hour ago is not enough.
        let before = clock::now_ms() - 3_600_000;
        app.write(move |conn| Ok(diesel::update(sessions::table).set(sessions::proven_at.eq(before)).execute(conn)?))
            .await;
        cleo.delete(TOWN).await.refused(403, "password_needed");
        cleo.get(TOWN).await.ok();
    })
    .await;
}

#[tokio::test]
async fn a_campaign_that_was_ever_open_stays() {
    on_each_database(async |app| {
        let boss = app.signed_in("boss", Some(Grant::Admin)).await;
        app.public_campaign("lived").await;
        for state in ["open", "paused", "closed"] {
            boss.delete("/api/v1/campaigns/lived").await.refused(409, "conflict");
            if state != "open" {
                boss.post("/api/v1/campaigns/lived/state", json!({"state": state})).await.ok();
            }
        }
        boss.get("/api/v1/campaigns/lived").await.ok();
    })
    .await;
}

#[tokio::test]
async fn whoever_comes_as_a_draft_is_deleted_is_before_that_or_finds_nothing() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let area = json!({"type": "Polygon", "coordinates": [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]});
        let acts = [
            ("uploads", json!({"file_name": "a.tif", "bytes": 10})),
            ("announcements", json!({"level": "info", "texts": {"en": "soon"}})),
            ("invitations", json!({"role": "reviewer", "uses": 1, "days": 1})),
            ("members", json!({"name": "cleo", "role": "coordinator"})),
            ("steering/areas", json!({"areas": [{"name": "a", "level": 2, "geometry": area}]})),
            ("state", json!({"state": "open"})),
        ];
        for _ in 0..5 {
            let sent = acts.iter().cycle().take(24).map(|(act, body)| {
                let address = format!("{TOWN}/{act}");
                let cleo = &cleo;
                async move { cleo.post(&address, body.clone()).await }
            });
            let (gone, replies) = futures::future::join(cleo.delete(TOWN), futures::future::join_all(sent)).await;
            assert_eq!(gone.status, 204, "{}", gone.text);
            for reply in replies {
                assert!(reply.status.as_u16() < 500, "{} {}", reply.status, reply.text);
            }
            cleo.post("/api/v1/campaigns", json!({"slug": "town", "title": "A town"})).await.ok();
        }
    })
    .await;
}
