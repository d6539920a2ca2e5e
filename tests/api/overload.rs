//! What a server at its limit says, and to whom.

use aftermap::http::{Limits, ServerOptions};
use serde_json::json;

use crate::helpers::{Browser, Reply, TestApp};
use crate::support::sqlite;

/// A server on which nobody finds a place.
fn full() -> TestApp {
    let limits = Limits { requests: 0, images: 0, ..Limits::default() };
    TestApp::start_with(sqlite(), None, ServerOptions { limits, ..ServerOptions::default() })
}

async fn everything(browser: &Browser) -> Vec<Reply> {
    vec![browser.post("/api/v1/labels", json!([])).await, browser.get("/tiles/1/10/1/1").await, browser.get("/").await]
}

#[tokio::test]
async fn who_finds_no_place_is_asked_to_come_back() {
    let app = full();
    for reply in everything(&app.browser()).await {
        reply.refused(503, "unavailable");
        let seconds: u64 = reply.header("retry-after").parse().unwrap();
        assert!((1..=10).contains(&seconds), "{seconds}");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert!(reply.header("content-security-policy").contains("frame-ancestors 'none'"));
    }
}

#[tokio::test]
async fn the_operator_is_answered_by_a_server_that_is_full() {
    let app = full();
    assert_eq!(app.browser().get("/healthz").await.status.as_u16(), 200);
    assert_eq!(app.browser().get("/readyz").await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_connection_stays_usable_after_a_refusal() {
    let app = full();
    let browser = app.browser();
    for _ in 0..20 {
        browser.post("/api/v1/labels", json!([{"id": "x"}])).await.refused(503, "unavailable");
    }
    browser.get("/healthz").await.ok_text();
}
