//! Keeping tiles and giving them back: what the page does while it is open, and when it is closed.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Browser, on_each_database};

const RENEW: &str = "/api/v1/leases/renew";
const RELEASE: &str = "/api/v1/leases/release";

async fn take(browser: &Browser, count: usize) -> Vec<Value> {
    let reply = browser.post("/api/v1/campaigns/raqqa/leases", json!({"count": count})).await;
    reply.ok()["leases"].as_array().unwrap().clone()
}

fn ids(leases: &[Value]) -> Vec<Value> {
    leases.iter().map(|lease| lease["lease_id"].clone()).collect()
}

#[tokio::test]
async fn renewed_leases_run_longer_and_others_are_left_out() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let (mine, other) = (app.browser(), app.browser());
        mine.become_guest().await;
        other.become_guest().await;
        let (taken, foreign) = (take(&mine, 3).await, take(&other, 1).await);
        mine.post(RELEASE, json!({"lease_ids": [taken[1]["lease_id"]]})).await.ok();
        let all =
            json!([taken[0]["lease_id"], taken[1]["lease_id"], taken[2]["lease_id"], foreign[0]["lease_id"], "7"]);
        let renewed = mine.post(RENEW, json!({"lease_ids": all})).await.ok()["leases"].as_array().unwrap().clone();
        let mut kept = ids(&renewed);
        kept.sort_by_key(|id| id.as_str().unwrap().parse::<i64>().unwrap());
        let mut expected = vec![taken[0]["lease_id"].clone(), taken[2]["lease_id"].clone()];
        expected.sort_by_key(|id| id.as_str().unwrap().parse::<i64>().unwrap());
        assert_eq!(kept, expected);
        for lease in &renewed {
            let until: DateTime<Utc> = lease["expires_at"].as_str().unwrap().parse().unwrap();
            let before = taken.iter().find(|one| one["lease_id"] == lease["lease_id"]).unwrap();
            let before: DateTime<Utc> = before["expires_at"].as_str().unwrap().parse().unwrap();
            assert!(before <= until && until < Utc::now() + TimeDelta::minutes(31), "{before} {until}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_that_is_closed_gives_its_tiles_back_with_nothing_but_its_cookie() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let browser = app.browser();
        browser.become_guest().await;
        let taken = take(&browser, 2).await;
        let body = json!({"lease_ids": ids(&taken)}).to_string();
        let beacon = [("content-type", "text/plain;charset=UTF-8"), ("sec-fetch-site", "same-origin")];
        let reply = browser.send(Method::POST, RELEASE, &beacon, Some(body.clone())).await;
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
        let left = browser.post(RENEW, json!({"lease_ids": ids(&taken)})).await.ok();
        assert_eq!(left["leases"], json!([]));
        // Nothing that was given back can be given back again, nor is that an error.
        assert_eq!(browser.send(Method::POST, RELEASE, &beacon, Some(body.clone())).await.status, 204);
        // The same from a page of another site is refused, and so is a form.
        let foreign = [("content-type", "text/plain"), ("sec-fetch-site", "cross-site")];
        browser.send(Method::POST, RELEASE, &foreign, Some(body.clone())).await.refused(403, "forbidden");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        browser.send(Method::POST, RELEASE, &form, Some(body)).await.refused(415, "invalid");
    })
    .await;
}

#[tokio::test]
async fn a_list_of_leases_that_cannot_be_read_is_refused_and_the_field_named() {
    on_each_database(async |app| {
        let browser = app.browser();
        for path in [RENEW, RELEASE] {
            browser.post(path, json!({"lease_ids": ["1"]})).await.refused(401, "unauthorized");
        }
        browser.become_guest().await;
        for path in [RENEW, RELEASE] {
            for bad in [json!([]), json!(["x"]), json!(vec!["1"; 201])] {
                let problem = browser.post(path, json!({"lease_ids": bad})).await.refused(422, "invalid");
                assert_eq!(problem["field"], "lease_ids");
            }
            browser.post(path, json!({"lease_ids": [1]})).await.refused(400, "invalid");
        }
    })
    .await;
}
