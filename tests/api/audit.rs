//! The audit log: everything in it, names only where they belong, files without formulas, and nothing ever changed.

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::volunteer::Role;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::helpers::{TestApp, on_each_database};
use crate::support::root;

const AUDIT: &str = "/api/v1/campaigns/raqqa/audit";

async fn entries(app: &TestApp, query: &str) -> Value {
    let coordinator = app.signed_in_again("coordinator-of-raqqa").await;
    coordinator.get(&format!("{AUDIT}{query}")).await.ok()
}

#[tokio::test]
async fn acts_stand_in_the_log_with_the_names_of_those_who_run_the_campaign() {
    on_each_database(async |app| {
        app.campaign("raqqa", Visibility::Invitation, ReleaseLevel::Private).await;
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        coordinator.post("/api/v1/campaigns/raqqa/state", json!({"state": "paused"})).await.ok();
        let wish = json!({"role": "volunteer", "uses": 1, "days": 1, "note": "=HYPERLINK(\"x\")"});
        let made = coordinator.post("/api/v1/campaigns/raqqa/invitations", wish).await.json();
        let layla = app.signed_in("layla", None).await;
        layla.post("/api/v1/invitations/accept", json!({"secret": made["secret"]})).await.ok();
        let log = entries(app, "").await;
        let rows: Vec<(&str, &str)> = log["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (entry["act"].as_str().unwrap(), entry["actor"].as_str().unwrap()))
            .collect();
        let acts: Vec<&str> = rows.iter().map(|(act, _)| *act).collect();
        assert_eq!(
            acts,
            ["accept_invitation", "make_invitation", "change_state", "grant_role", "change_state", "create_campaign"]
        );
        let actors: Vec<&str> = rows.iter().map(|(_, actor)| *actor).collect();
        assert!(actors[0].starts_with('v') && actors[0].len() == 13, "a volunteer has a pseudonym: {actors:?}");
        assert_eq!(actors[1..], ["coordinator-of-raqqa", "coordinator-of-raqqa", "operator", "operator", "operator"]);
        assert!(!log.to_string().contains("layla"), "{log}");
        let granted = &log["entries"][3];
        assert_eq!(granted["subject"], "coordinator-of-raqqa coordinator");
        let secret = made["secret"].as_str().unwrap();
        assert!(!log.to_string().contains(secret), "no secret is logged");
    })
    .await;
}

#[tokio::test]
async fn the_log_is_read_in_pages_by_act_and_by_time() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        for state in ["paused", "open", "paused", "open"] {
            coordinator.post("/api/v1/campaigns/raqqa/state", json!({"state": state})).await.ok();
        }
        let mut seen = Vec::new();
        let mut query = "?limit=2".to_owned();
        for _ in 0..10 {
            let page = entries(app, &query).await;
            seen.extend(page["entries"].as_array().unwrap().iter().map(|entry| entry["subject"].clone()));
            let Some(next) = page["next"].as_str() else { break };
            query = format!("?limit=2&after={next}");
        }
        let subjects = ["open", "paused", "open", "paused", "coordinator-of-raqqa coordinator", "open", "raqqa"];
        assert_eq!(seen, subjects.map(|subject| json!(subject)));
        let chosen = entries(app, "?act=change_state").await;
        assert_eq!(chosen["entries"].as_array().unwrap().len(), 5);
        assert_eq!(chosen["acts"], json!(["change_state", "create_campaign", "grant_role"]));
        assert_eq!(entries(app, "?to=2020-01-01T00:00:00Z").await["entries"], json!([]));
        assert_eq!(entries(app, "?from=2020-01-01T00:00:00Z").await["entries"].as_array().unwrap().len(), 7);
        let field = async |query: &str| {
            coordinator.get(&format!("{AUDIT}?{query}")).await.refused(422, "invalid")["field"].clone()
        };
        assert_eq!(field("limit=0").await, "limit");
        assert_eq!(field("from=yesterday").await, "from");
        assert_eq!(field("after=x").await, "after");
        for role in [Role::Volunteer, Role::Reviewer, Role::Researcher] {
            let other = app.signed_in_as(role, "raqqa").await;
            other.get(AUDIT).await.refused(403, "forbidden");
            other.get(&format!("{AUDIT}/audit.csv")).await.refused(403, "forbidden");
        }
        app.browser().get(AUDIT).await.refused(401, "unauthorized");
        coordinator.get(&format!("{AUDIT}/audit.xlsx")).await.refused(404, "not_found");
        let csv = coordinator.get(&format!("{AUDIT}/audit.csv?act=change_state")).await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(csv.text.lines().count(), 6);
        let json = coordinator.get(&format!("{AUDIT}/audit.json")).await.ok();
        assert!(json.as_array().unwrap().len() >= 7);
    })
    .await;
}

#[tokio::test]
async fn closing_and_archiving_may_say_why_and_the_log_keeps_it() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let coordinator = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let state = "/api/v1/campaigns/raqqa/state";
        for reason in ["x".repeat(501), "a\u{7}b".into()] {
            let asked = coordinator.post(state, json!({"state": "closed", "reason": reason})).await;
            assert_eq!(asked.refused(422, "invalid")["field"], "reason");
        }
        coordinator.post(state, json!({"state": "closed", "reason": " All tiles\nare settled. "})).await.ok();
        coordinator.post(state, json!({"state": "archived"})).await.ok();
        let log = entries(app, "?act=change_state").await;
        let said: Vec<_> =
            log["entries"].as_array().unwrap().iter().map(|one| (&one["subject"], &one["reason"])).collect();
        let closed = (&json!("closed"), &json!("All tiles\nare settled."));
        assert_eq!(said[..2], [(&json!("archived"), &json!("")), closed]);
    })
    .await;
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_or_remove_what_was_noted() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        for statement in ["UPDATE audit_log SET act = 'nothing'", "DELETE FROM audit_log"] {
            let refused = app.connect().batch_execute(statement).unwrap_err().to_string();
            assert!(refused.contains("only ever added to"), "{refused}");
        }
        app.signed_in_as(Role::Coordinator, "raqqa").await;
        assert_eq!(entries(app, "").await["entries"].as_array().unwrap().len(), 3);
    })
    .await;
}

#[test]
fn no_line_of_the_code_updates_or_deletes_from_the_log() {
    let mut folders = vec![root().join("src")];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap().replace(char::is_whitespace, "");
                for bad in ["update(audit_log", "delete(audit_log", "UPDATEaudit_log", "DELETEFROMaudit_log"] {
                    assert!(!text.contains(bad), "{}: {bad}", path.display());
                }
                read += 1;
            }
        }
    }
    assert!(read > 100, "the sources were found");
}
