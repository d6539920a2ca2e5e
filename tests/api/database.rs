//! When the database goes away, comes back, or changes beside the server.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use aftermap::domain::campaign::CampaignState;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::{Error, clock};
use aftermap::storage::upkeep::migrate;
use aftermap::storage::{Conn, campaigns};
use diesel::RunQueryDsl;

use crate::helpers::{TestApp, on_each_database};

async fn readiness(app: &TestApp) -> u16 {
    app.browser().get("/readyz").await.status.as_u16()
}

/// Asks until the answer is that one: what was found is good for a second.
async fn becomes(app: &TestApp, status: u16) -> bool {
    for _ in 0..200 {
        if readiness(app).await == status {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

#[tokio::test]
async fn connections_that_the_server_of_the_database_closed_cost_no_request() {
    on_each_database(async |app| {
        app.public_campaign("madre").await;
        let guest = app.browser();
        guest.become_guest().await;
        for round in 0..3 {
            // Several at a time, so that the pool holds several connections.
            let some = || async { guest.get("/api/v1/campaigns/madre").await.ok() };
            tokio::join!(some(), some(), some(), some());
            if let Conn::Postgres(mut conn) = app.connect() {
                let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
                diesel::sql_query(others).execute(&mut conn).unwrap();
            }
            for _ in 0..6 {
                let leases = guest.post("/api/v1/campaigns/madre/leases", serde_json::json!({"count": 1})).await;
                assert_eq!(leases.status.as_u16(), 200, "round {round}: {}", leases.text);
                assert_eq!(guest.get("/api/v1/campaigns/madre").await.status.as_u16(), 200, "round {round}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_is_not_ready_while_its_schema_was_taken_back() {
    on_each_database(async |app| {
        assert_eq!(readiness(app).await, 200);
        migrate::down(&mut app.connect()).unwrap();
        assert!(becomes(app, 503).await, "the schema is gone");
        assert_eq!(app.browser().get("/healthz").await.status.as_u16(), 200);
        migrate::up(&mut app.connect()).unwrap();
        app.let_the_server_in();
        assert!(becomes(app, 200).await, "the schema is back");
    })
    .await;
}

#[tokio::test]
async fn closing_a_campaign_waits_for_the_answers_under_way() {
    on_each_database(async |app| {
        app.public_campaign("madre").await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let (holds, held) = mpsc::channel();
        let (store, mine) = (app.store.clone(), order.clone());
        let answering = tokio::spawn(async move {
            store
                .write(move |conn: &mut Conn| {
                    let campaign = campaigns::find(conn, "madre")?.unwrap();
                    assert_eq!(campaigns::hold_state(conn, campaign.id)?, CampaignState::Open);
                    holds.send(()).unwrap();
                    std::thread::sleep(Duration::from_millis(200));
                    mine.lock().unwrap().push("answered");
                    Ok::<_, Error>(())
                })
                .await
        });
        tokio::task::spawn_blocking(move || held.recv().unwrap()).await.unwrap();
        let mine = order.clone();
        app.write(move |conn| {
            change_state(conn, "madre", CampaignState::Closed, None, clock::now_ms())?;
            mine.lock().unwrap().push("closed");
            Ok(())
        })
        .await;
        answering.await.unwrap().unwrap();
        assert_eq!(*order.lock().unwrap(), ["answered", "closed"]);
    })
    .await;
}
