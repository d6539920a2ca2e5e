//! Personal tokens: what they may and, above all, what they may not.

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::volunteer::Role;
use aftermap::storage::schema::{personal_tokens, volunteers};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Browser, PASSWORD, TestApp, on_each_database, on_sqlite};

const TOKENS: &str = "/api/v1/me/tokens";
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

async fn make(owner: &Browser, scopes: &[&str]) -> Value {
    owner.post(TOKENS, json!({"name": "a script", "scopes": scopes})).await.ok()
}

async fn script(app: &TestApp, owner: &Browser, scopes: &[&str]) -> Browser {
    app.script(make(owner, scopes).await["token"].as_str().unwrap())
}

#[tokio::test]
async fn a_token_is_shown_once_listed_without_its_secret_and_gone_when_revoked() {
    on_each_database(async |app| {
        let me = app.signed_in("layla", None).await;
        let asked = json!({"name": " QGIS, \"at work\" =1+1 ", "scopes": ["label", "read"], "days": 30});
        let reply = me.post(TOKENS, asked).await;
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (201, "no-store"));
        let made = reply.json();
        let secret = made["token"].as_str().unwrap();
        assert!(secret.starts_with("aftermap_") && secret.len() == 61, "{secret}");
        let listed = me.get(TOKENS).await;
        assert!(!listed.text.contains(secret));
        let listed = listed.ok();
        let [one] = &listed["tokens"].as_array().unwrap()[..] else { panic!("one token") };
        assert_eq!((&one["name"], &one["scopes"]), (&json!("QGIS, \"at work\" =1+1"), &json!(["read", "label"])));
        assert_eq!((&one["id"], &one["expired"]), (&made["id"], &json!(false)));
        let days = |from: &str, to: &str| {
            let day = |text: &str| chrono::DateTime::parse_from_rfc3339(one[text].as_str().unwrap()).unwrap();
            (day(to) - day(from)).num_days()
        };
        assert_eq!(days("created_at", "expires_at"), 30);
        let holder = app.script(secret);
        assert_eq!(holder.session().await["name"], "layla");
        let stored: Vec<Vec<u8>> =
            app.write(|conn| Ok(personal_tokens::table.select(personal_tokens::token_hash).load(conn)?)).await;
        assert!(stored.iter().all(|hash| hash.len() == 32 && !secret.as_bytes().ends_with(hash)));

        let id = made["id"].as_str().unwrap();
        let stranger = app.signed_in("omar", None).await;
        stranger.delete(&format!("{TOKENS}/{id}")).await.refused(404, "not_found");
        app.browser().delete(&format!("{TOKENS}/{id}")).await.refused(401, "unauthorized");
        assert_eq!(holder.session().await["signed_in"], true, "nobody else can revoke it");
        assert_eq!(me.delete(&format!("{TOKENS}/{id}")).await.status, 204);
        holder.get("/api/v1/session").await.refused(401, "unauthorized");
        assert_eq!(me.get(TOKENS).await.ok()["tokens"], json!([]));
        me.delete(&format!("{TOKENS}/{id}")).await.refused(404, "not_found");
        me.delete(&format!("{TOKENS}/x%27")).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_request_for_a_token_names_what_is_wrong_with_it() {
    let app = on_sqlite();
    let me = app.signed_in("layla", None).await;
    for (body, field) in [
        (json!({"name": "", "scopes": ["read"]}), "name"),
        (json!({"name": "a\nb", "scopes": ["read"]}), "name"),
        (json!({"name": "x".repeat(61), "scopes": ["read"]}), "name"),
        (json!({"name": "x", "scopes": []}), "scopes"),
        (json!({"name": "x", "scopes": ["read"], "days": 0}), "days"),
        (json!({"name": "x", "scopes": ["read"], "days": 367}), "days"),
        (json!({"name": "x", "scopes": ["read"], "owner": "root"}), "owner"),
        (json!({"scopes": ["read"]}), "name"),
    ] {
        assert_eq!(me.post(TOKENS, body.clone()).await.refused(422, "invalid")["field"], field, "{body}");
    }
    for scopes in [json!(["own"]), json!(["admin"]), json!(["READ"]), json!("read"), json!([1]), json!(null)] {
        let reply = me.post(TOKENS, json!({"name": "x", "scopes": scopes})).await;
        reply.refused(400, "invalid");
    }
    me.post(TOKENS, json!({"name": "x", "scopes": ["read"], "days": -1})).await.refused(400, "invalid");
    let guest = app.browser();
    guest.become_guest().await;
    guest.post(TOKENS, json!({"name": "x", "scopes": ["read"]})).await.refused(403, "forbidden");
    assert_eq!(guest.get(TOKENS).await.ok()["tokens"], json!([]));
    app.browser().post(TOKENS, json!({"name": "x", "scopes": ["read"]})).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn twenty_tokens_are_enough_however_many_ask_at_once() {
    on_each_database(async |app| {
        let me = app.signed_in("layla", None).await;
        let ask = || me.post(TOKENS, json!({"name": "x", "scopes": ["read"]}));
        let replies = futures::future::join_all((0..30).map(|_| ask())).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 20);
        for reply in replies.iter().filter(|reply| reply.status != 201) {
            reply.refused(409, "conflict");
        }
        app.write(|conn| {
            Ok(diesel::update(personal_tokens::table).set(personal_tokens::expires_at.eq(1)).execute(conn)?)
        })
        .await;
        ask().await.ok();
        let listed = me.get(TOKENS).await.ok();
        let expired = listed["tokens"].as_array().unwrap().iter().filter(|token| token["expired"] == true).count();
        assert_eq!(expired, 20, "those whose time is over stay on the list and take no place");
    })
    .await;
}

#[tokio::test]
async fn no_token_makes_tokens_reads_all_about_its_owner_or_deletes_the_account() {
    on_each_database(async |app| {
        let me = app.signed_in("layla", Some(aftermap::services::people::grant_role::Grant::Admin)).await;
        let id = make(&me, &["read"]).await["id"].as_str().unwrap().to_owned();
        for scopes in [&["read"][..], &["label"], &["manage"], &["read", "label", "manage"]] {
            let token = script(app, &me, scopes).await;
            token.get(TOKENS).await.refused(403, "forbidden");
            token.post(TOKENS, json!({"name": "child", "scopes": ["read"]})).await.refused(403, "forbidden");
            token.delete(&format!("{TOKENS}/{id}")).await.refused(403, "forbidden");
            token.get("/api/v1/me/data").await.refused(403, "forbidden");
            for farewell in [json!({}), json!({"password": PASSWORD})] {
                let reply = token.send(Method::DELETE, "/api/v1/me", &JSON, Some(farewell.to_string())).await;
                reply.refused(403, "forbidden");
            }
            let another = json!({"name": "second", "password": PASSWORD});
            let made = token.post("/api/v1/accounts", another).await;
            assert!(made.status.is_client_error(), "{}", made.text);
        }
        // Cookies beside a token do not help it: the token is who asks.
        let both = app.signed_in("omar", None).await;
        let token = make(&me, &["read"]).await;
        let header = format!("Bearer {}", token["token"].as_str().unwrap());
        let reply = both.send(Method::GET, TOKENS, &[("authorization", &header)], None).await;
        reply.refused(403, "forbidden");
        assert_eq!(me.session().await["signed_in"], true);
    })
    .await;
}

/// Every operation of the API, from its own description.
async fn operations(app: &TestApp) -> Vec<(Method, String)> {
    let api = app.browser().get("/api/v1/openapi.json").await.ok();
    let mut all = Vec::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        let address = path.replace("{slug}", "raqqa").replace("{file}", "tiles.csv").replace("{format}", "csv");
        let address = address.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
        let address = address.collect::<Vec<_>>().join("/");
        for method in methods.as_object().unwrap().keys() {
            all.push((method.to_uppercase().parse().unwrap(), address.clone()));
        }
    }
    all
}

#[tokio::test]
async fn a_token_that_may_only_read_changes_nothing_anywhere() {
    let app = on_sqlite();
    app.public_campaign("raqqa").await;
    let me = app.signed_in_as(Role::Coordinator, "raqqa").await;
    let reader = script(&app, &me, &["read"]).await;
    // Anybody may come in, sign in or recover an account; whose token lies beside does not matter.
    let doors = [
        "/api/v1/guests",
        "/api/v1/accounts",
        "/api/v1/session",
        "/api/v1/session/refresh",
        "/api/v1/session/recovery",
    ];
    let mut tried = 0;
    for (method, address) in operations(&app).await {
        if method == Method::GET || doors.contains(&address.as_str()) {
            continue;
        }
        let body = match address.as_str() {
            "/api/v1/labels" => json!([{"id": uuid::Uuid::now_v7(), "lease_id": "1", "answer": "damaged"}]),
            path if path.ends_with("/state") => json!({"state": "paused"}),
            path if path.ends_with("/leases") => json!({"count": 1}),
            path if path.contains("/leases/re") => json!({"lease_ids": ["1"]}),
            path if path.ends_with("/practice") => json!({"tile": "13-5000-3200", "answer": "damaged"}),
            path if path.ends_with("/notes") => json!({"tile": "13-5000-3200", "text": "x"}),
            path if path.ends_with("/validation") => json!({"size": 5}),
            path if path.ends_with("/grades") => json!({"tile": "13-5000-3200", "answer": "damaged"}),
            _ => json!({}),
        };
        let reply = reader.send(method.clone(), &address, &JSON, Some(body.to_string())).await;
        assert!(reply.status.is_client_error(), "{method} {address}: {} {}", reply.status, reply.text);
        if matches!(
            address.rsplit('/').next(),
            Some("state" | "leases" | "labels" | "practice" | "tokens" | "me" | "validation" | "grades")
        ) {
            let said = reply.json();
            assert!(reply.status == 403 || said["code"] == "invalid", "{method} {address}: {said}");
        }
        tried += 1;
    }
    assert!(tried >= 10, "{tried}");
    assert_eq!(me.get("/api/v1/campaigns/raqqa").await.ok()["state"], "open");
}

#[tokio::test]
async fn each_scope_opens_its_own_doors_and_no_more_than_its_owner_has() {
    on_each_database(async |app| {
        app.campaign("raqqa", Visibility::Private, ReleaseLevel::Private).await;
        let me = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let (page, map) = ("/api/v1/campaigns/raqqa", "/api/v1/campaigns/raqqa/exports/tiles.csv");
        let path = format!("{page}/leases");
        let (take, pause) = (json!({"count": 1}), json!({"state": "paused"}));
        let state = format!("{page}/state");

        let reader = script(app, &me, &["read"]).await;
        reader.get(map).await.ok_text();
        reader.get("/api/v1/campaigns/raqqa/exports/labels.csv").await.ok_text();
        reader.post(&path, take.clone()).await.refused(403, "forbidden");
        reader.post(&state, pause.clone()).await.refused(403, "forbidden");

        let labeller = script(app, &me, &["label"]).await;
        labeller.get(page).await.ok();
        assert_eq!(labeller.post(&path, take.clone()).await.ok()["leases"].as_array().unwrap().len(), 1);
        labeller.get(map).await.refused(403, "forbidden");
        labeller.post(&state, pause.clone()).await.refused(403, "forbidden");

        let manager = script(app, &me, &["manage"]).await;
        manager.post(&path, take).await.refused(403, "forbidden");
        assert_eq!(manager.post(&state, pause).await.ok()["state"], "paused");

        // A stranger's token, with all scopes, sees no private campaign.
        let stranger = app.signed_in("omar", None).await;
        let all = script(app, &stranger, &["read", "label", "manage"]).await;
        all.get(page).await.refused(404, "not_found");
        all.get(map).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_token_ends_with_its_time_its_account_and_its_password() {
    on_each_database(async |app| {
        let browser = app.browser();
        let account = browser.post("/api/v1/accounts", json!({"name": "nadia", "password": PASSWORD})).await.ok();
        let first = script(app, &browser, &["read"]).await;
        let code = account["recovery_code"].as_str().unwrap();
        let change = json!({"name": "nadia", "recovery_code": code, "password": "another long one"});
        app.browser().post("/api/v1/session/recovery", change).await.ok();
        first.get("/api/v1/session").await.refused(401, "unauthorized");

        let me = app.signed_in("layla", None).await;
        let second = script(app, &me, &["read"]).await;
        app.write(|conn| {
            let hers = volunteers::table.filter(volunteers::name_key.eq("layla"));
            Ok(diesel::update(hers).set(volunteers::disabled_at.eq(1)).execute(conn)?)
        })
        .await;
        second.get("/api/v1/session").await.refused(401, "unauthorized");

        let me = app.signed_in("omar", None).await;
        let third = script(app, &me, &["read"]).await;
        app.write(|conn| {
            Ok(diesel::update(personal_tokens::table).set(personal_tokens::expires_at.eq(1)).execute(conn)?)
        })
        .await;
        third.get("/api/v1/session").await.refused(401, "unauthorized");
    })
    .await;
}
