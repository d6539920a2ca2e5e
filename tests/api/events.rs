//! Live news and metrics.

use std::time::Duration;

use aftermap::domain::campaign::{CampaignState, ReleaseLevel, Visibility};
use aftermap::domain::job::{JobKind, JobState};
use aftermap::domain::volunteer::Role;
use aftermap::http::ServerOptions;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::clock;
use aftermap::storage::{jobs, notify};
use serde_json::{Value, json};

use crate::helpers::{Browser, TestApp, on_each_database};
use crate::support::sqlite;

/// Far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open stream of events.
struct News {
    reply: reqwest::Response,
    heard: String,
}

impl News {
    async fn of(app: &TestApp, slug: &str) -> News {
        News::heard_by(app, &app.browser(), slug).await
    }

    /// The stream that somebody hears who is signed in.
    async fn heard_by(app: &TestApp, browser: &Browser, slug: &str) -> News {
        let cookie = format!("aftermap_access={}", browser.cookie("aftermap_access").unwrap_or_default());
        let address = format!("{}/api/v1/campaigns/{slug}/events", app.address);
        let reply = reqwest::Client::new().get(address).header("cookie", cookie).send().await.unwrap();
        assert_eq!(reply.status().as_u16(), 200);
        assert_eq!(reply.headers()["content-type"], "text/event-stream");
        assert!(reply.headers().get("content-encoding").is_none_or(|coding| coding == "identity"));
        News { reply, heard: String::new() }
    }

    /// Waits for the next event of a kind.
    async fn next(&mut self, kind: &str) -> Value {
        let start = format!("event: {kind}\ndata: ");
        let wait = async {
            loop {
                if let Some((_, rest)) = self.heard.split_once(&start)
                    && let Some((data, rest)) = rest.split_once("\n\n")
                {
                    let value = serde_json::from_str(data).unwrap();
                    self.heard = rest.to_owned();
                    return value;
                }
                let chunk = self.reply.chunk().await.unwrap().expect("the stream goes on");
                self.heard += std::str::from_utf8(&chunk).unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("no {kind}: {}", self.heard))
    }
}

#[tokio::test]
async fn listeners_learn_how_far_a_campaign_is_and_what_becomes_of_it() {
    on_each_database(async |app| {
        app.public_campaign("madre").await;
        let mut news = News::of(app, "madre").await;
        let known = app.browser().get("/api/v1/campaigns/madre").await.ok()["progress"].clone();
        assert_eq!(news.next("progress").await, known);
        assert_eq!(news.next("state").await, json!({"state": "open"}));
        // Not through the server: from the command line, say, or another process.
        app.write(|conn| {
            let campaign = change_state(conn, "madre", CampaignState::Paused, None, clock::now_ms())?;
            notify::tell(conn, &[campaign.id])?;
            Ok(())
        })
        .await;
        assert_eq!(news.next("state").await, json!({"state": "paused"}));
    })
    .await;
}

#[tokio::test]
async fn coordinators_hear_how_work_in_the_background_goes() {
    on_each_database(async |app| {
        let campaign = app.public_campaign("madre").await.id;
        let coordinator = app.signed_in_as(Role::Coordinator, "madre").await;
        let mut news = News::heard_by(app, &coordinator, "madre").await;
        let nothing = json!({"under_way": 0, "units_done": 0, "ended_at": null});
        assert_eq!(news.next("jobs").await, nothing);
        let now = clock::now_ms();
        let job = app.write(move |conn| Ok(jobs::add(conn, campaign, (JobKind::Tiles, "{}"), None, now)?)).await;
        assert_eq!(news.next("jobs").await["under_way"], 1);
        app.write(move |conn| {
            jobs::claim(conn, job, "me", now, now)?;
            jobs::finish(conn, job, "me", (JobState::Failed, "no picture", ""), now)?;
            Ok(notify::tell(conn, &[campaign])?)
        })
        .await;
        let over = news.next("jobs").await;
        assert_eq!((&over["under_way"], over["ended_at"].is_string()), (&json!(0), true), "{over}");
        assert!(!over.to_string().contains("picture"), "what was wrong stands in the list of jobs");
    })
    .await;
}

#[tokio::test]
async fn nobody_hears_of_a_campaign_that_they_may_not_see() {
    on_each_database(async |app| {
        app.campaign("secret", Visibility::Private, ReleaseLevel::Private).await;
        app.browser().get("/api/v1/campaigns/secret/events").await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_stream_of_events_ends_with_the_server() {
    let app = TestApp::start(sqlite(), None);
    app.public_campaign("madre").await;
    let mut news = News::of(&app, "madre").await;
    news.next("progress").await;
    tokio::task::spawn_blocking(move || drop(app)).await.unwrap();
    let rest = async { while let Ok(Some(_)) = news.reply.chunk().await {} };
    tokio::time::timeout(PATIENCE, rest).await.expect("the stream ends");
}

#[tokio::test]
async fn a_stream_ends_with_the_session_also_where_everybody_may_listen() {
    let app = TestApp::start(sqlite(), None);
    app.public_campaign("madre").await;
    let coordinator = app.signed_in_as(Role::Coordinator, "madre").await;
    let mut theirs = News::heard_by(&app, &coordinator, "madre").await;
    let mut everybodys = News::of(&app, "madre").await;
    theirs.next("labels").await;
    everybodys.next("state").await;
    assert_eq!(coordinator.delete("/api/v1/session").await.status, 204);
    let rest = async { while let Ok(Some(_)) = theirs.reply.chunk().await {} };
    tokio::time::timeout(PATIENCE, rest).await.expect("the stream ends");
    app.write(|conn| Ok(change_state(conn, "madre", CampaignState::Paused, None, clock::now_ms())?.id)).await;
    assert_eq!(everybodys.next("state").await, json!({"state": "paused"}), "that of others goes on");
}

#[tokio::test]
async fn metrics_have_an_address_of_their_own_and_name_nobody() {
    let options = ServerOptions { metrics: Some(([127, 0, 0, 1], 0).into()), ..ServerOptions::default() };
    let app = TestApp::start_with(sqlite(), None, options);
    app.public_campaign("madre").await;
    let guest = app.browser();
    guest.become_guest().await;
    let leases = guest.post("/api/v1/campaigns/madre/leases", json!({"count": 1})).await.ok();
    let label = json!([{"id": "018f2f3e-0000-7000-8000-000000000001", "lease_id": leases["leases"][0]["lease_id"],
        "answer": "destroyed"}]);
    assert_eq!(guest.post("/api/v1/labels", label).await.ok()["results"][0]["status"], "stored");
    guest.get("/api/v1/campaigns/madre/jobs").await.refused(403, "forbidden");
    let metrics = app.metrics.expect("an address for metrics");
    let page = reqwest::get(format!("http://{metrics}/metrics")).await.unwrap().text().await.unwrap();
    let value = |name: &str| -> f64 {
        let line = page.lines().find(|line| line.starts_with(&format!("aftermap_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in\n{page}")).rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(value("labels_acknowledged_total") >= 1.0);
    assert!(value("leases_granted_total") >= 1.0);
    assert!(value("commit_seconds_count") >= 1.0);
    assert_eq!(value("requests_total{class=\"submit\",status=\"2xx\"}"), 1.0);
    assert_eq!(value("requests_refused_total{class=\"export\"}"), 0.0);
    assert!(value("requests_denied_total{code=\"forbidden\"}") >= 1.0);
    assert!(!page.contains("madre"), "{page}");
    assert_ne!(app.browser().get("/metrics").await.text, page, "not at the public address");
}
