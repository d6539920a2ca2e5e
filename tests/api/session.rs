//! Sessions: signing in and out, refreshing, and every way in which one ends.

use aftermap::domain::volunteer::Role;
use aftermap::services::people::access_token::{Access, Keys};
use aftermap::services::people::grant_role::{self, Grant};
use aftermap::services::{Error, clock};
use aftermap::storage::schema::{personal_tokens, sessions};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Browser, PASSWORD, Reply, SECRET, TestApp, on_each_database, on_sqlite};
use crate::support::sqlite;

const SESSION: &str = "/api/v1/session";

async fn refresh(browser: &Browser) -> Reply {
    browser.send(Method::POST, "/api/v1/session/refresh", &[], None).await
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_read_the_same() {
    on_each_database(async |app| {
        app.signed_in("layla", None).await;
        let ask = async |name: &str, password: &str| {
            let reply = app.browser().post(SESSION, json!({"name": name, "password": password})).await;
            reply.refused(401, "wrong_credentials")
        };
        let known = ask("layla", "three blind rats").await;
        assert_eq!(known, ask("nobody", PASSWORD).await);
        assert_eq!(known, ask("no name at all!", PASSWORD).await);
    })
    .await;
}

#[tokio::test]
async fn after_ten_wrong_passwords_a_name_must_wait_and_others_need_not() {
    let app = on_sqlite();
    app.signed_in("layla", None).await;
    let ask = async |name: &str, password: &str| {
        app.browser().post(SESSION, json!({"name": name, "password": password})).await
    };
    for _ in 0..10 {
        ask("Layla", "three blind rats").await.refused(401, "wrong_credentials");
    }
    let reply = ask("layla", PASSWORD).await;
    reply.refused(429, "too_many_attempts");
    assert!(reply.header("retry-after").parse::<u64>().unwrap() > 0);
    ask("omar", PASSWORD).await.refused(401, "wrong_credentials");
}

#[tokio::test]
async fn signing_out_acts_at_once_even_for_a_stolen_access_token() {
    on_each_database(async |app| {
        let browser = app.signed_in("layla", None).await;
        let thief = app.browser();
        thief.set_cookie("aftermap_access", &browser.cookie("aftermap_access").unwrap());
        assert_eq!(thief.session().await["name"], "layla");
        let reply = browser.delete(SESSION).await;
        assert_eq!((reply.status.as_u16(), reply.header("clear-site-data")), (204, "\"cache\""));
        assert_eq!(browser.cookie("aftermap_access"), None);
        assert_eq!(thief.session().await["signed_in"], false);
    })
    .await;
}

#[tokio::test]
async fn refreshing_turns_the_token_over_and_two_tabs_at_once_get_the_same_one() {
    on_each_database(async |app| {
        let browser = app.signed_in("layla", None).await;
        let first = browser.cookie("aftermap_refresh").unwrap();
        assert_eq!(refresh(&browser).await.ok()["name"], "layla");
        let second = browser.cookie("aftermap_refresh").unwrap();
        assert_ne!(first, second);
        let other_tab = app.browser();
        other_tab.set_cookie("aftermap_refresh", &first);
        assert_eq!(refresh(&other_tab).await.ok()["name"], "layla");
        assert_eq!(other_tab.cookie("aftermap_refresh").unwrap(), second);
        assert_eq!(refresh(&browser).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_that_was_replaced_a_while_ago_ends_the_session() {
    on_each_database(async |app| {
        let browser = app.signed_in("layla", None).await;
        let thief = app.browser();
        thief.set_cookie("aftermap_refresh", &browser.cookie("aftermap_refresh").unwrap());
        refresh(&browser).await.ok();
        app.write(|conn| {
            let ago = clock::now_ms() - 31_000;
            Ok(diesel::update(sessions::table).set(sessions::refreshed_at.eq(ago)).execute(conn)?)
        })
        .await;
        refresh(&thief).await.refused(401, "unauthorized");
        assert_eq!(browser.session().await["signed_in"], false);
        refresh(&browser).await.refused(401, "unauthorized");
        assert_eq!(browser.cookie("aftermap_refresh"), None, "a browser forgets a session that is over");
    })
    .await;
}

#[tokio::test]
async fn nobody_can_end_a_session_by_guessing_at_its_token() {
    on_each_database(async |app| {
        let browser = app.signed_in("layla", None).await;
        let token = browser.cookie("aftermap_refresh").unwrap();
        let session = token.split('.').next().unwrap();
        let guesser = app.browser();
        for guess in [format!("{session}.family.secret"), session.into(), "a.b.c".into(), String::new()] {
            guesser.set_cookie("aftermap_refresh", &guess);
            refresh(&guesser).await.refused(401, "unauthorized");
        }
        assert_eq!(refresh(&browser).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_access_token_that_ran_out_asks_for_a_refresh_which_then_works() {
    on_each_database(async |app| {
        let browser = app.signed_in("layla", None).await;
        let keys = Keys::new(&SECRET).unwrap();
        let now = clock::now_ms();
        let Access::Session { session, volunteer } = keys.read(&browser.cookie("aftermap_access").unwrap(), now) else {
            panic!("the cookie holds no access token of ours");
        };
        browser.set_cookie("aftermap_access", &keys.issue(session, volunteer, now - 16 * 60_000).unwrap());
        browser.get(SESSION).await.refused(401, "session_expired");
        refresh(&browser).await.ok();
        assert_eq!(browser.session().await["name"], "layla");
    })
    .await;
}

#[tokio::test]
async fn a_session_that_nobody_refreshed_for_ninety_days_is_over() {
    on_each_database(async |app| {
        let browser = app.signed_in("layla", None).await;
        app.write(|conn| Ok(diesel::update(sessions::table).set(sessions::expires_at.eq(1)).execute(conn)?)).await;
        assert_eq!(browser.session().await["signed_in"], false);
        refresh(&browser).await.refused(401, "unauthorized");
    })
    .await;
}

#[tokio::test]
async fn forged_access_tokens_are_nobody() {
    on_each_database(async |app| {
        let browser = app.signed_in("layla", None).await;
        let (keys, now) = (Keys::new(&SECRET).unwrap(), clock::now_ms());
        let token = browser.cookie("aftermap_access").unwrap();
        let Access::Session { session, volunteer } = keys.read(&token, now) else { panic!("no access token") };
        let mut parts = token.split('.');
        let (payload, signature) = (parts.nth(1).unwrap(), parts.next().unwrap());
        let forged = [
            Keys::new(&[8; 32]).unwrap().issue(session, volunteer, now).unwrap(),
            // {"typ":"at+jwt","alg":"none"}, with and without the old signature
            format!("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJub25lIn0.{payload}."),
            format!("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJub25lIn0.{payload}.{signature}"),
            keys.issue(session, volunteer + 1, now).unwrap(),
            keys.issue(session + 1, volunteer, now).unwrap(),
            "x".into(),
        ];
        for token in forged {
            browser.set_cookie("aftermap_access", &token);
            assert_eq!(browser.session().await["signed_in"], false, "{token}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_bearer_token_must_be_known_and_in_time() {
    on_each_database(async |app| {
        let token = app.browser().become_guest().await["token"].as_str().unwrap().to_owned();
        assert_eq!(app.script(&token).session().await["signed_in"], true);
        app.script("something").get(SESSION).await.refused(401, "unauthorized");
        let wrong = [("authorization", "Basic bGF5bGE6eA==")];
        app.browser().send(Method::GET, SESSION, &wrong, None).await.refused(401, "unauthorized");
        app.write(|conn| {
            Ok(diesel::update(personal_tokens::table).set(personal_tokens::expires_at.eq(1)).execute(conn)?)
        })
        .await;
        app.script(&token).get(SESSION).await.refused(401, "unauthorized");
    })
    .await;
}

#[tokio::test]
async fn roles_and_their_loss_act_with_the_next_request() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let browser = app.signed_in("layla", None).await;
        assert_eq!(browser.session().await["roles"], json!([]));
        app.write(|conn| {
            let grant = Grant::InCampaign { campaign: "raqqa".into(), role: Role::Reviewer };
            grant_role::grant(conn, None, "layla", &grant, 0)?;
            grant_role::grant(conn, None, "layla", &grant, 0)
        })
        .await;
        assert_eq!(browser.session().await["roles"], json!([{"campaign": "raqqa", "role": "reviewer"}]));
        app.write(|conn| grant_role::disable(conn, None, "layla", 1)).await;
        assert_eq!(browser.session().await["signed_in"], false);
        refresh(&browser).await.refused(401, "unauthorized");
        let again = browser.post(SESSION, json!({"name": "layla", "password": PASSWORD})).await;
        again.refused(401, "wrong_credentials");
        let unknown = app.store.write(|conn| grant_role::disable(conn, None, "nobody", 1)).await;
        assert!(matches!(unknown, Err(Error::NotFound(_))));
    })
    .await;
}

#[tokio::test]
async fn cookies_are_out_of_reach_of_scripts_and_of_other_sites() {
    let cookies = async |app: &TestApp| -> Vec<String> {
        let reply = app.browser().send(Method::POST, "/api/v1/guests", &[], None).await;
        reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    let plain = cookies(&on_sqlite()).await;
    assert_eq!(plain.len(), 2);
    let attributes = |cookie: &str| cookie.split_once("; ").unwrap().1.replace("; Max-Age=7776000", "");
    assert_eq!(attributes(&plain[0]), "HttpOnly; SameSite=Lax; Path=/");
    assert_eq!(attributes(&plain[1]), "HttpOnly; SameSite=Strict; Path=/api/v1/session");
    let secure = cookies(&TestApp::start(sqlite(), Some("https://map.example.org"))).await;
    assert!(secure.iter().all(|cookie| cookie.contains("; Secure")), "{secure:?}");
    assert!(secure[0].starts_with("__Host-aftermap_access=") && secure[0].contains("; Path=/;"), "{secure:?}");
    assert!(secure[1].starts_with("__Secure-aftermap_refresh="), "{secure:?}");
    assert!(secure.iter().all(|cookie| !cookie.contains("Domain=")), "{secure:?}");
}

#[tokio::test]
async fn a_page_of_another_site_cannot_act_in_somebodys_name() {
    let app = TestApp::start(sqlite(), Some("https://map.example.org"));
    let browser = app.signed_in("layla", None).await;
    let own = app.address.clone();
    let ask =
        async |headers: &[(&str, &str)]| browser.send(Method::POST, "/api/v1/session/refresh", headers, None).await;
    for foreign in [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ] {
        ask(foreign).await.refused(403, "forbidden");
    }
    for ours in
        [&[("sec-fetch-site", "same-origin")], &[("origin", own.as_str())], &[("origin", "https://map.example.org")]]
    {
        assert_eq!(ask(ours).await.status, 200);
    }
    let reading = browser.send(Method::GET, SESSION, &[("sec-fetch-site", "cross-site")], None).await;
    assert_eq!(reading.ok()["name"], "layla");
    let token: Value = app.browser().become_guest().await;
    let script = app.script(token["token"].as_str().unwrap());
    let reply = script.send(Method::DELETE, "/api/v1/leases/1", &[("origin", "https://evil.example")], None).await;
    reply.refused(404, "not_found");
}
