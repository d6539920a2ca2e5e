//! Guessing at passwords and codes: who guesses must wait, and nobody else.

use aftermap::http::ServerOptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Browser, PASSWORD, Reply, TestApp};
use crate::support::databases;

const SESSION: &str = "/api/v1/session";
const STRANGER: &str = "203.0.113.66";
const HOME: &str = "198.51.100.7";

/// A server that believes the test when it says where a request comes from.
fn behind_a_proxy() -> impl Iterator<Item = TestApp> {
    let options = || ServerOptions { proxies: vec!["127.0.0.0/8".parse().unwrap()], ..ServerOptions::default() };
    databases().into_iter().map(move |database| TestApp::start_with(database, None, options()))
}

async fn from(browser: &Browser, address: &str, method: Method, path: &str, body: Value) -> Reply {
    let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
    browser.send(method, path, &headers, Some(body.to_string())).await
}

#[tokio::test]
async fn strangers_who_guess_at_a_name_keep_its_owner_from_nothing() {
    for app in behind_a_proxy() {
        let owner = app.browser();
        let account = json!({"name": "layla", "password": PASSWORD});
        let made = from(&owner, HOME, Method::POST, "/api/v1/accounts", account.clone()).await.ok();
        let code = made["recovery_code"].clone();
        let wrong = json!({"name": "Layla", "password": "three blind rats"});
        let no_code = json!({"name": "layla", "recovery_code": "AAAA", "password": "a stranger's own"});
        for _ in 0..10 {
            from(&app.browser(), STRANGER, Method::POST, SESSION, wrong.clone())
                .await
                .refused(401, "wrong_credentials");
            let recovery =
                from(&app.browser(), STRANGER, Method::POST, "/api/v1/session/recovery", no_code.clone()).await;
            recovery.refused(401, "wrong_credentials");
        }
        // The stranger has to wait, even with the right password, and is told how long.
        let waits = from(&app.browser(), STRANGER, Method::POST, SESSION, account.clone()).await;
        waits.refused(429, "too_many_attempts");
        assert!(waits.header("retry-after").parse::<u64>().unwrap() > 0);
        let waits = from(&app.browser(), STRANGER, Method::POST, "/api/v1/session/recovery", no_code).await;
        waits.refused(429, "too_many_attempts");
        // The owner signs in, changes the password, recovers and is deleted, all the same.
        from(&app.browser(), HOME, Method::POST, SESSION, account).await.ok();
        let change = json!({"password": PASSWORD, "new_password": "a farmer's wife"});
        assert_eq!(from(&owner, HOME, Method::POST, "/api/v1/me/password", change).await.status, 204);
        let recovery = json!({"name": "layla", "recovery_code": code, "password": PASSWORD});
        let again = app.browser();
        from(&again, HOME, Method::POST, "/api/v1/session/recovery", recovery).await.ok();
        let farewell = json!({"password": PASSWORD});
        assert_eq!(from(&again, HOME, Method::DELETE, "/api/v1/me", farewell).await.status, 204);
    }
}

#[tokio::test]
async fn who_is_signed_in_has_ten_attempts_at_the_own_password_and_uses_up_nobody_elses() {
    for app in behind_a_proxy() {
        let (thief, owner) = (app.signed_in("layla", None).await, app.signed_in_again("layla").await);
        let change = json!({"password": "three blind rats", "new_password": "a farmer's wife"});
        for _ in 0..5 {
            let refused = from(&thief, STRANGER, Method::POST, "/api/v1/me/password", change.clone()).await;
            refused.refused(401, "wrong_credentials");
            let refused = from(&thief, STRANGER, Method::DELETE, "/api/v1/me", json!({"password": "no"})).await;
            refused.refused(401, "wrong_credentials");
        }
        // From wherever: what is counted is the session.
        from(&thief, "203.0.113.67", Method::DELETE, "/api/v1/me", json!({"password": PASSWORD}))
            .await
            .refused(429, "too_many_attempts");
        let change = json!({"password": PASSWORD, "new_password": "a farmer's wife"});
        assert_eq!(from(&owner, STRANGER, Method::POST, "/api/v1/me/password", change).await.status, 204);
    }
}

#[tokio::test]
async fn an_address_has_its_share_of_attempts_to_delete_an_account_too() {
    use crate::support::sqlite;
    use aftermap::http::Shares;
    let app = TestApp::start_sharing(sqlite(), Shares { guests: 3, proofs: 2 });
    let layla = app.signed_in("layla", None).await;
    let delete = async || {
        let body = Some(json!({"password": "three blind rats"}).to_string());
        layla.send(Method::DELETE, "/api/v1/me", &[("content-type", "application/json")], body).await
    };
    delete().await.refused(401, "wrong_credentials");
    delete().await.refused(429, "too_many_attempts");
}
