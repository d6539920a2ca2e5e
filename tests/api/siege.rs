//! What was tried against the coordinator's desk and got through once: acts on an archived campaign, titles that are no
//! titles, gold against what reviewers decided, explanations that no database takes.

use aftermap::domain::campaign::CampaignState;
use aftermap::domain::volunteer::Role;
use aftermap::services::people::grant_role::Grant;
use aftermap::storage::schema::audit_log;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::helpers::{Browser, TestApp, on_each_database};
use crate::reviews::{contested_campaign, guest_says};

const RAQQA: &str = "/api/v1/campaigns/raqqa";

async fn expert(app: &TestApp, name: &str, role: Role) -> Browser {
    app.signed_in(name, Some(Grant::InCampaign { campaign: "raqqa".into(), role })).await
}

#[tokio::test]
async fn in_an_archived_campaign_nobody_is_excluded_or_invited_and_no_area_comes_first() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let coordinator = expert(app, "cora", Role::Coordinator).await;
        guest_says(app, |_| "damaged").await;
        let listed = coordinator.get(&format!("{RAQQA}/volunteers")).await.ok();
        let name = listed["volunteers"][0]["name"].as_str().unwrap().to_owned();
        for state in [CampaignState::Closed, CampaignState::Archived] {
            app.set_state("raqqa", state).await;
        }
        let map = coordinator.get(&format!("{RAQQA}/exports/tiles.csv")).await.ok_text().to_owned();
        let noted = || app.write(|conn| Ok(audit_log::table.count().get_result::<i64>(conn)?));
        let before = noted().await;
        let ring = json!([[30.0, 30.0], [31.0, 30.0], [31.0, 31.0], [30.0, 30.0]]);
        let area = json!({"name": "a", "level": 2, "geometry": {"type": "Polygon", "coordinates": [ring]}});
        for (act, body) in [
            ("exclusions", json!({"volunteers": [name], "kind": "excluded", "reason": "why"})),
            ("exclusions", json!({"volunteers": [name], "kind": "paused", "reason": "why"})),
            ("exclusions/lift", json!({"volunteers": [name], "reason": "why"})),
            ("steering/areas", json!({"areas": [area]})),
            ("invitations", json!({"role": "reviewer", "uses": 1, "days": 1})),
        ] {
            coordinator.post(&format!("{RAQQA}/{act}"), body).await.refused(409, "conflict");
        }
        assert_eq!(noted().await, before);
        assert_eq!(coordinator.get(&format!("{RAQQA}/exports/tiles.csv")).await.ok_text(), map);
    })
    .await;
}

#[tokio::test]
async fn a_title_is_one_line_that_fits_into_a_list() {
    on_each_database(async |app| {
        let cleo = app.signed_in("cleo", Some(Grant::Creator)).await;
        for title in ["a\0b", "two\nlines", "a\u{1b}[31mred", &"x".repeat(201)] {
            let made = cleo.post("/api/v1/campaigns", json!({"slug": "town", "title": title})).await;
            assert_eq!(made.refused(422, "invalid")["field"], "title");
        }
        let longest = "\u{5e7}".repeat(200);
        let made = cleo.post("/api/v1/campaigns", json!({"slug": "town", "title": longest})).await;
        assert_eq!(made.status, 201, "{}", made.text);
        for title in ["two\nlines", &"x".repeat(201)] {
            let body = json!({"texts": {"fr": {"title": title}}}).to_string();
            let headers = [("content-type", "application/json")];
            let put = cleo.send(Method::PUT, "/api/v1/campaigns/town/settings", &headers, Some(body)).await;
            assert_eq!(put.refused(422, "invalid")["field"], "texts.fr.title");
        }
    })
    .await;
}

#[tokio::test]
async fn a_reviewer_makes_no_gold_that_says_otherwise_than_the_review_in_force() {
    on_each_database(async |app| {
        contested_campaign(app).await;
        let (rita, cora) = (expert(app, "rita", Role::Reviewer).await, expert(app, "cora", Role::Coordinator).await);
        let queue = rita.get(&format!("{RAQQA}/reviews/queue")).await.ok();
        let tile = queue["tiles"][0]["tile"]["id"].as_str().unwrap().to_owned();
        let decision = json!({"id": Uuid::now_v7(), "tile": tile, "answer": "damaged"});
        rita.post(&format!("{RAQQA}/reviews"), decision).await.ok();
        let gold = |answer: &str| json!({"tile": tile, "kind": "check", "answer": answer});
        let refused = rita.post(&format!("{RAQQA}/gold"), gold("destroyed")).await.refused(403, "forbidden");
        assert!(refused["detail"].as_str().unwrap().contains("`damaged`"), "{refused}");
        assert_eq!(rita.post(&format!("{RAQQA}/gold"), gold("damaged")).await.status, 201);
        cora.post(&format!("{RAQQA}/gold/{tile}/retire"), json!({"becomes": "ordinary"})).await;
        assert_eq!(cora.post(&format!("{RAQQA}/gold"), gold("destroyed")).await.status, 201, "a coordinator may");
    })
    .await;
}

#[tokio::test]
async fn an_explanation_in_a_file_of_gold_is_as_long_as_one_that_is_written_by_hand() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let cora = expert(app, "cora", Role::Coordinator).await;
        for explanation in ["x".repeat(20_001), "a\0b".to_owned()] {
            let text = format!("tile_id,answer,explanation\n13-5000-3200,damaged,{explanation}\n");
            let file = json!({"kind": "check", "format": "csv", "text": text});
            let told = cora.post(&format!("{RAQQA}/gold/import"), file).await.ok();
            assert_eq!((&told["stored"], &told["lines"][0]["fate"]), (&json!(false), &json!("refused")), "{told}");
        }
    })
    .await;
}
