//! Bad requests of every kind: always a problem document that names the thing.

use reqwest::Method;
use serde_json::json;

use crate::helpers::{PASSWORD, on_each_database, on_sqlite};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[tokio::test]
async fn a_body_that_cannot_be_read_says_where() {
    let app = on_sqlite();
    let send = async |body: &str| app.browser().send(Method::POST, "/api/v1/session", &JSON, Some(body.into())).await;
    let problem = send("{\"name\": \"layla\",\n \"password\" 5}").await.refused(400, "invalid");
    assert!(problem["detail"].as_str().unwrap().contains("line 2"), "{problem}");
    let problem = send("{\"name\": \"layla\", \"password\": \"x\", \"colour\": 1}").await.refused(422, "invalid");
    assert_eq!(problem["field"], "colour");
    let problem = send("{\"name\": \"layla\"}").await.refused(422, "invalid");
    assert_eq!(problem["field"], "password");
    send("{\"name\": 5, \"password\": \"x\"}").await.refused(400, "invalid");
    send("").await.refused(400, "invalid");
    send("[1, 2").await.refused(400, "invalid");
}

#[tokio::test]
async fn a_body_of_another_type_or_too_long_is_refused() {
    let app = on_sqlite();
    let body = json!({"name": "layla", "password": PASSWORD}).to_string();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    app.browser().send(Method::POST, "/api/v1/session", &form, Some(body)).await.refused(415, "invalid");
    let long = json!({"name": "x".repeat(300 * 1024), "password": PASSWORD});
    let problem = app.browser().post("/api/v1/session", long).await.refused(413, "too_large");
    assert!(problem["detail"].as_str().unwrap().contains("256 kB"), "{problem}");
}

#[tokio::test]
async fn what_is_not_there_or_not_answered_is_a_problem_too() {
    let app = on_sqlite();
    let browser = app.browser();
    browser.get("/api/v1/nothing").await.refused(404, "not_found");
    browser.get("/nothing.html").await.refused(404, "not_found");
    let reply = browser.delete("/api/v1/guests").await;
    reply.refused(405, "method_not_allowed");
    assert_eq!(reply.header("allow"), "POST");
    let reply = browser.send(Method::PUT, "/api/v1/session", &[], None).await;
    reply.refused(405, "method_not_allowed");
    assert_eq!(reply.header("allow"), "GET, POST, DELETE");
    browser.get("/tiles/x/1/1/1").await.refused(404, "not_found");
    browser.become_guest().await;
    browser.delete("/api/v1/leases/x").await.refused(404, "not_found");
    browser.delete("/api/v1/leases/1?skip=perhaps").await.refused(400, "invalid");
    browser.delete("/api/v1/leases/1?colour=red").await.refused(400, "invalid");
}

#[tokio::test]
async fn an_address_that_no_database_can_look_up_is_not_found() {
    on_each_database(async |app| {
        app.browser().get("/api/v1/campaigns/raq%00qa").await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn an_unknown_campaign_is_named_on_every_address() {
    on_each_database(async |app| {
        let guest = app.browser();
        guest.become_guest().await;
        for (method, path, body) in [
            (Method::GET, "", None),
            (Method::GET, "/statistics", None),
            (Method::GET, "/exports/tiles.csv", None),
            (Method::POST, "/leases", Some(json!({"count": 1}).to_string())),
            (Method::POST, "/state", Some(json!({"state": "open"}).to_string())),
        ] {
            let reply = guest.send(method, &format!("/api/v1/campaigns/atlantis{path}"), &JSON, body).await;
            let problem = reply.refused(404, "not_found");
            assert!(problem["detail"].as_str().unwrap().contains("`atlantis`"), "{problem}");
        }
    })
    .await;
}

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_an_id() {
    let app = on_sqlite();
    for path in ["/", "/api/v1/session", "/api/v1/nothing", "/healthz", "/tiles/1/1/1/1", "/api/v1/openapi.json"] {
        let reply = app.browser().get(path).await;
        let policy = reply.header("content-security-policy");
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(reply.header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert_eq!(reply.header("x-request-id").len(), 16, "{path}");
        assert!(!reply.header("cache-control").is_empty(), "{path}");
    }
    assert_eq!(app.browser().get("/api/v1/session").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_campaign_name_that_no_database_could_hold_is_not_found() {
    on_each_database(async |app| {
        let guest = app.browser();
        guest.become_guest().await;
        guest.get("/api/v1/campaigns/%00").await.refused(404, "not_found");
        guest.get("/api/v1/campaigns/a%00b/exports/tiles.csv").await.refused(404, "not_found");
    })
    .await;
}
