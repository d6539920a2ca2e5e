//! Guests and accounts.

use aftermap::http::Shares;
use reqwest::Method;
use serde_json::json;

use crate::helpers::{PASSWORD, TestApp, on_each_database};
use crate::support::sqlite;

#[tokio::test]
async fn a_guest_comes_in_with_one_request_and_is_known_by_cookie_and_by_token() {
    on_each_database(async |app| {
        let browser = app.browser();
        assert_eq!(browser.session().await["signed_in"], false);
        let guest = browser.become_guest().await;
        let session = browser.session().await;
        assert_eq!((&session["signed_in"], &session["guest"]), (&json!(true), &json!(true)));
        assert_eq!(session["volunteer_id"], guest["volunteer_id"]);
        assert_eq!(session["name"], json!(null));
        let script = app.script(guest["token"].as_str().unwrap());
        assert_eq!(script.session().await["volunteer_id"], guest["volunteer_id"]);
    })
    .await;
}

#[tokio::test]
async fn a_guest_who_makes_an_account_stays_the_same_volunteer_and_what_they_came_with_ends() {
    on_each_database(async |app| {
        let (browser, other_tab) = (app.browser(), app.browser());
        let guest = browser.become_guest().await;
        other_tab.set_cookie("aftermap_access", &browser.cookie("aftermap_access").unwrap());
        let reply = browser.post("/api/v1/accounts", json!({"name": "Layla", "password": PASSWORD})).await;
        assert_eq!(reply.status, 201);
        let account = reply.json();
        assert_eq!(account["volunteer_id"], guest["volunteer_id"]);
        assert_eq!(account["recovery_code"].as_str().unwrap().len(), 34);
        let session = browser.session().await;
        assert_eq!((&session["name"], &session["guest"]), (&json!("Layla"), &json!(false)));
        assert_eq!(other_tab.session().await["signed_in"], false);
        app.script(guest["token"].as_str().unwrap()).get("/api/v1/session").await.refused(401, "unauthorized");
        let again = browser.post("/api/v1/accounts", json!({"name": "Second", "password": PASSWORD})).await;
        again.refused(409, "conflict");
    })
    .await;
}

#[tokio::test]
async fn a_name_is_taken_once_whatever_its_case_and_however_many_ask_at_once() {
    on_each_database(async |app| {
        let ask = async |name: &str| {
            let body = json!({"name": name, "password": PASSWORD});
            app.browser().post("/api/v1/accounts", body).await
        };
        let replies = futures::future::join_all(["omar", "Omar", "OMAR", "oMAR"].map(ask)).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
        for reply in replies.iter().filter(|reply| reply.status != 201) {
            assert_eq!(reply.refused(409, "name_taken")["field"], "name");
        }
    })
    .await;
}

#[tokio::test]
async fn a_bad_name_or_password_is_refused_by_field() {
    on_each_database(async |app| {
        for (name, password, field) in [
            ("a", PASSWORD, "name"),
            ("a b", PASSWORD, "name"),
            ("layla", "short", "password"),
            ("layla", "Password123", "password"),
        ] {
            let reply = app.browser().post("/api/v1/accounts", json!({"name": name, "password": password})).await;
            assert_eq!(reply.refused(422, "invalid")["field"], field);
        }
    })
    .await;
}

#[tokio::test]
async fn a_recovery_code_sets_a_new_password_works_once_and_ends_every_session() {
    on_each_database(async |app| {
        let browser = app.browser();
        let made = browser.post("/api/v1/accounts", json!({"name": "nadia", "password": PASSWORD})).await.ok();
        let code = made["recovery_code"].as_str().unwrap();
        let recover = async |code: &str| {
            let body = json!({"name": "Nadia", "recovery_code": code, "password": "a quite new one"});
            app.browser().post("/api/v1/session/recovery", body).await
        };
        recover("AAAA-BBBB-CCCC-DDDD-EEEE").await.refused(401, "wrong_credentials");
        let recovered = recover(&code.to_lowercase().replace('-', " ")).await.ok();
        assert_eq!(recovered["volunteer_id"], made["volunteer_id"]);
        assert_ne!(recovered["recovery_code"], made["recovery_code"]);
        assert_eq!(browser.session().await["signed_in"], false);
        recover(code).await.refused(401, "wrong_credentials");
        let sign_in = async |password: &str| {
            app.browser().post("/api/v1/session", json!({"name": "nadia", "password": password})).await
        };
        sign_in(PASSWORD).await.refused(401, "wrong_credentials");
        assert_eq!(sign_in("a quite new one").await.ok()["name"], "nadia");
    })
    .await;
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_every_other_session_and_token() {
    on_each_database(async |app| {
        const NEW: &str = "a farmer's wife, a carving knife";
        let (me, elsewhere) = (app.signed_in("layla", None).await, app.browser());
        elsewhere.post("/api/v1/session", json!({"name": "layla", "password": PASSWORD})).await.ok();
        let made = me.post("/api/v1/me/tokens", json!({"name": "map", "scopes": ["read"]})).await.ok();
        let script = app.script(made["token"].as_str().unwrap());
        let change = async |password: &str, new: &str| {
            me.post("/api/v1/me/password", json!({"password": password, "new_password": new})).await
        };
        change("not the password", NEW).await.refused(401, "wrong_credentials");
        assert_eq!(change(PASSWORD, "short").await.refused(422, "invalid")["field"], "password");
        assert_eq!(elsewhere.session().await["signed_in"], true, "nothing changed so far");
        assert_eq!(change(PASSWORD, NEW).await.status, 204);
        assert_eq!(me.session().await["name"], "layla", "who changed it stays signed in");
        assert_eq!(elsewhere.session().await["signed_in"], false);
        script.get("/api/v1/session").await.refused(401, "unauthorized");
        let old = app.browser().post("/api/v1/session", json!({"name": "layla", "password": PASSWORD})).await;
        old.refused(401, "wrong_credentials");
        app.browser().post("/api/v1/session", json!({"name": "layla", "password": NEW})).await.ok();
        let guest = app.browser();
        guest.become_guest().await;
        let body = json!({"password": PASSWORD, "new_password": NEW});
        guest.post("/api/v1/me/password", body.clone()).await.refused(403, "forbidden");
        app.browser().post("/api/v1/me/password", body).await.refused(401, "unauthorized");
    })
    .await;
}

#[tokio::test]
async fn one_address_has_its_share_of_guests_and_sign_ins_and_no_more() {
    let shares = Shares { guests: 3, proofs: 2 };
    let app = TestApp::start_sharing(sqlite(), shares);
    for _ in 0..3 {
        app.browser().become_guest().await;
    }
    let refused = app.browser().send(Method::POST, "/api/v1/guests", &[], None).await;
    refused.refused(429, "too_many_attempts");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() <= 20, "a third of a minute brings the next one");
    let sign_in = async || app.browser().post("/api/v1/session", json!({"name": "x1", "password": PASSWORD})).await;
    sign_in().await.refused(401, "wrong_credentials");
    let recovery = json!({"name": "x1", "recovery_code": "x", "password": PASSWORD});
    app.browser().post("/api/v1/session/recovery", recovery).await.refused(401, "wrong_credentials");
    sign_in().await.refused(429, "too_many_attempts");
}
