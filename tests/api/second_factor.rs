//! The second factor: set up, asked for wherever somebody proves who they are, lost, and required of people with power.

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::second_factor::SecondFactorRule;
use aftermap::domain::volunteer::Role;
use aftermap::http::ServerOptions;
use aftermap::services::people::grant_role::Grant;
use aftermap::services::people::second_factor;
use aftermap::services::upkeep::housekeeping;
use aftermap::services::{Error, clock};
use aftermap::storage::people::second_factors as rows;
use aftermap::storage::schema::{audit_log, second_factors, sessions};
use diesel::prelude::*;
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app_codes::{bytes_of, code, step_now};
use crate::helpers::{Browser, PASSWORD, Reply, TestApp, on_each_database};
use crate::support::databases;

const SESSION: &str = "/api/v1/session";
const PROOF: &str = "/api/v1/session/proof";
const RECOVERY: &str = "/api/v1/session/recovery";
const MINE: &str = "/api/v1/me/second-factor";
const CONFIRM: &str = "/api/v1/me/second-factor/confirm";
const OF_OTHERS: &str = "/api/v1/accounts/second-factor";
const TOKENS: &str = "/api/v1/me/tokens";
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// Begins a second factor; its secret.
async fn begin(browser: &Browser) -> String {
    browser.post(MINE, json!({})).await.ok()["secret"].as_str().unwrap().to_owned()
}

/// Sets one up with the code of now; its secret.
async fn set_up(app: &TestApp, browser: &Browser) -> String {
    let secret = begin(browser).await;
    browser.post(CONFIRM, json!({"code": code(&secret, step_now())})).await.ok();
    a_while_later(app).await;
    secret
}

/// As if all steps before those of now were long ago: tests do not wait for half minutes.
async fn a_while_later(app: &TestApp) {
    let long_ago = second_factors::last_step.eq(0);
    app.write(move |conn| Ok(diesel::update(second_factors::table).set(long_ago).execute(conn)?)).await;
}

/// As if nobody had proved anything for a quarter of an hour.
async fn unproven(app: &TestApp) {
    let at = clock::now_ms() - 16 * 60_000;
    app.write(move |conn| Ok(diesel::update(sessions::table).set(sessions::proven_at.eq(at)).execute(conn)?)).await;
}

/// What is sent to sign in, with a code where there is one.
fn credentials(name: &str, password: &str, code: Option<&str>) -> Value {
    let mut body = json!({"name": name, "password": password});
    if let Some(code) = code {
        body["code"] = json!(code);
    }
    body
}

async fn sign_in(app: &TestApp, name: &str, code: Option<&str>) -> (Browser, Reply) {
    let browser = app.browser();
    let reply = browser.post(SESSION, credentials(name, PASSWORD, code)).await;
    (browser, reply)
}

async fn delete(browser: &Browser, path: &str, body: Value) -> Reply {
    browser.send(Method::DELETE, path, &JSON, Some(body.to_string())).await
}

/// Acts of the audit log about second factors: actor, act, subject.
async fn noted(app: &TestApp) -> Vec<(Option<i64>, String, String)> {
    let entries = audit_log::table.filter(audit_log::act.like("%second_factor")).order((audit_log::at, audit_log::id));
    let entries = entries.select((audit_log::actor_id, audit_log::act, audit_log::subject));
    app.write(move |conn| Ok(entries.load(conn)?)).await
}

async fn id_of(browser: &Browser) -> i64 {
    browser.session().await["volunteer_id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn it_is_begun_replaced_confirmed_and_then_ends_all_other_sessions() {
    on_each_database(async |app| {
        let (here, there) = (app.signed_in("layla", None).await, app.signed_in_again("layla").await);
        let token = here.post(TOKENS, json!({"name": "x", "scopes": ["read"]})).await.ok();
        assert_eq!(here.post(CONFIRM, json!({"code": "123456"})).await.refused(409, "conflict")["field"], Value::Null);
        let reply = here.post(MINE, json!({})).await;
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (201, "no-store"));
        let first = reply.json()["secret"].as_str().unwrap().to_owned();
        assert_eq!(bytes_of(&first).len(), 20, "160 bits");
        let host = app.address.trim_start_matches("http://").replace(':', "%20");
        let issuer = format!("aftermap%20{host}");
        let uri =
            format!("otpauth://totp/{issuer}:layla?secret={first}&issuer={issuer}&algorithm=SHA1&digits=6&period=30");
        assert_eq!(reply.json()["uri"], json!(uri));
        // Nobody is asked for it yet.
        assert_eq!(here.session().await["second_factor"], "none");
        sign_in(app, "layla", None).await.1.ok();
        let second = begin(&here).await;
        assert_ne!(first, second);
        let wrong = here.post(CONFIRM, json!({"code": code(&first, step_now())})).await;
        assert_eq!(wrong.refused(401, "wrong_second_factor")["field"], "code");
        for typed in ["", "12345", "1234567", "12345x"] {
            let refused = here.post(CONFIRM, json!({"code": typed})).await.refused(422, "invalid");
            assert_eq!(refused["field"], "code", "{typed}");
        }
        assert_eq!(there.session().await["signed_in"], true);
        assert_eq!(here.post(CONFIRM, json!({"code": code(&second, step_now())})).await.status, 204);
        assert_eq!(here.session().await["second_factor"], "set_up");
        assert_eq!(there.session().await["signed_in"], false);
        assert_eq!(app.script(token["token"].as_str().unwrap()).session().await["name"], "layla");
        here.post(MINE, json!({})).await.refused(409, "conflict");
        here.post(CONFIRM, json!({"code": code(&second, step_now() + 1)})).await.refused(409, "conflict");
        let id = id_of(&here).await;
        assert_eq!(noted(app).await, [(Some(id), "set_up_second_factor".into(), id.to_string())]);
    })
    .await;
}

#[tokio::test]
async fn signing_in_needs_a_code_each_works_once_and_an_old_one_never() {
    on_each_database(async |app| {
        let secret = set_up(app, &app.signed_in("layla", None).await).await;
        sign_in(app, "omar", Some("123456")).await.1.refused(401, "wrong_credentials");
        sign_in(app, "layla", None).await.1.refused(401, "second_factor_required");
        let right = code(&secret, step_now());
        let other = if right == "123456" { "654321" } else { "123456" };
        let wrong = sign_in(app, "layla", Some(other)).await.1;
        assert_eq!(wrong.refused(401, "wrong_second_factor")["field"], "code");
        assert_eq!(sign_in(app, "layla", Some("12 34")).await.1.refused(422, "invalid")["field"], "code");
        for steps in [-2, 3] {
            let far = code(&secret, step_now() + steps);
            sign_in(app, "layla", Some(&far)).await.1.refused(401, "wrong_second_factor");
        }
        let (browser, reply) = sign_in(app, "layla", Some(&format!("{} {}", &right[..3], &right[3..]))).await;
        assert_eq!(reply.ok()["second_factor"], "set_up");
        assert_eq!(browser.session().await["name"], "layla");
        sign_in(app, "layla", Some(&right)).await.1.refused(401, "wrong_second_factor");
        // Nor one from before the one that was used.
        sign_in(app, "layla", Some(&code(&secret, step_now() - 1))).await.1.refused(401, "wrong_second_factor");
        sign_in(app, "layla", Some(&code(&secret, step_now() + 1))).await.1.ok();
        // An account without one takes no notice of a code.
        app.signed_in("omar", None).await;
        sign_in(app, "omar", Some("123456")).await.1.ok();
    })
    .await;
}

#[tokio::test]
async fn of_thirty_two_who_send_one_code_at_once_one_gets_in() {
    on_each_database(async |app| {
        let browser = app.signed_in("layla", None).await;
        let secret = set_up(app, &browser).await;
        let right = code(&secret, step_now());
        let replies = join_all((0..32).map(|_| sign_in(app, "layla", Some(&right)))).await;
        let count = |status: u16| replies.iter().filter(|(_, reply)| reply.status.as_u16() == status).count();
        assert_eq!(count(200), 1, "{:?}", replies.iter().map(|(_, reply)| &reply.text).collect::<Vec<_>>());
        assert_eq!(count(401) + count(429), 31);
        let open = sessions::table.filter(sessions::revoked_at.is_null()).count();
        assert_eq!(app.write(move |conn| Ok(open.get_result::<i64>(conn)?)).await, 2, "the one before, and one more");
    })
    .await;
}

#[tokio::test]
async fn a_step_is_used_up_once_also_where_nothing_slows_guesses_down() {
    on_each_database(async |app| {
        let layla = app.signed_in("layla", None).await;
        set_up(app, &layla).await;
        let id = id_of(&layla).await;
        let use_up = || {
            app.store.write(move |conn| {
                let stored = rows::find(conn, id)?.expect("a second factor");
                Ok::<_, Error>(rows::use_step(conn, id, &stored, 7)?)
            })
        };
        let used = join_all((0..32).map(|_| use_up())).await;
        assert_eq!(used.into_iter().filter(|outcome| matches!(outcome, Ok(true))).count(), 1);
    })
    .await;
}

#[tokio::test]
async fn before_the_password_is_right_nobody_learns_that_there_is_one() {
    on_each_database(async |app| {
        let secret = set_up(app, &app.signed_in("layla", None).await).await;
        app.signed_in("omar", None).await;
        for code in [None, Some("123456")] {
            let mut told = Vec::new();
            for name in ["layla", "omar", "nobody-at-all"] {
                let body = credentials(name, "three blind rats", code);
                told.push(app.browser().post(SESSION, body).await.refused(401, "wrong_credentials"));
            }
            assert!(told.iter().all(|problem| *problem == told[0]), "{told:?}");
        }
        for name in ["layla", "omar", "nobody-at-all"] {
            let body = json!({"name": name, "recovery_code": "AAAA", "password": "a farmer's wife", "code": "123456"});
            for _ in 0..10 {
                app.browser().post(RECOVERY, body.clone()).await.refused(401, "wrong_credentials");
            }
        }
        // Nor does whoever knows no password use up the attempts of its owner.
        sign_in(app, "layla", Some(&code(&secret, step_now()))).await.1.ok();
    })
    .await;
}

/// A server that believes the test when it says where a request comes from.
fn behind_a_proxy() -> impl Iterator<Item = TestApp> {
    let options = || ServerOptions { proxies: vec!["127.0.0.0/8".parse().unwrap()], ..ServerOptions::default() };
    databases().into_iter().map(move |database| TestApp::start_with(database, None, options()))
}

#[tokio::test]
async fn ten_wrong_codes_are_enough_from_wherever_and_however_often_the_password_was_right() {
    for app in behind_a_proxy() {
        let owner = app.signed_in("layla", None).await;
        let secret = set_up(&app, &owner).await;
        let tried = async |number: usize, code: Option<String>| {
            let address = format!("203.0.113.{number}");
            let headers = [("content-type", "application/json"), ("x-forwarded-for", address.as_str())];
            let body = credentials("layla", PASSWORD, code.as_deref());
            app.browser().send(Method::POST, SESSION, &headers, Some(body.to_string())).await
        };
        let wrong = || Some(code(&secret, step_now() - 1_000));
        for number in 0..8 {
            tried(number, wrong()).await.refused(401, "wrong_second_factor");
            tried(number, None).await.refused(401, "second_factor_required");
        }
        // Those of an open session count with them.
        for _ in 0..2 {
            let proof = json!({"password": PASSWORD, "code": wrong()});
            owner.post(PROOF, proof).await.refused(401, "wrong_second_factor");
        }
        let waits = tried(99, Some(code(&secret, step_now()))).await;
        waits.refused(429, "too_many_attempts");
        assert!(waits.header("retry-after").parse::<u64>().unwrap() > 0);
        // A change of the password asks for no code, and buys no further ones.
        let change = json!({"password": PASSWORD, "new_password": PASSWORD});
        assert_eq!(owner.post("/api/v1/me/password", change).await.status, 204);
        tried(98, Some(code(&secret, step_now()))).await.refused(429, "too_many_attempts");
        tried(97, None).await.refused(401, "second_factor_required");
    }
}

#[tokio::test]
async fn who_signs_in_while_it_is_confirmed_is_asked_or_signed_out() {
    on_each_database(async |app| {
        let owner = app.signed_in("layla", None).await;
        let secret = begin(&owner).await;
        let others: Vec<Browser> = (0..16).map(|_| app.browser()).collect();
        let signing_in = join_all(others.iter().map(|other| other.post(SESSION, credentials("layla", PASSWORD, None))));
        let confirming = async {
            // In the midst of them: the passwords of some are compared by now.
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
            owner.post(CONFIRM, json!({"code": code(&secret, step_now())})).await.ok()
        };
        tokio::join!(signing_in, confirming);
        for other in &others {
            assert_eq!(other.session().await["signed_in"], false);
        }
        assert_eq!(owner.session().await["second_factor"], "set_up");
    })
    .await;
}

#[tokio::test]
async fn one_that_was_begun_an_hour_ago_cannot_be_confirmed_and_goes() {
    on_each_database(async |app| {
        let owner = app.signed_in("layla", None).await;
        let secret = begin(&owner).await;
        let before = clock::now_ms() - 2 * 3_600_000;
        let age = second_factors::created_at.eq(before);
        app.write(move |conn| Ok(diesel::update(second_factors::table).set(age).execute(conn)?)).await;
        owner.post(CONFIRM, json!({"code": code(&secret, step_now())})).await.refused(409, "conflict");
        housekeeping::forget_people(&app.store, clock::now_ms()).await.unwrap();
        let left: i64 = app.write(|conn| Ok(second_factors::table.count().get_result(conn)?)).await;
        assert_eq!(left, 0);
    })
    .await;
}

#[tokio::test]
async fn a_stolen_session_and_the_password_are_not_enough() {
    on_each_database(async |app| {
        let thief = app.signed_in("layla", None).await;
        let secret = set_up(app, &thief).await;
        unproven(app).await;
        let wish = json!({"name": "x", "scopes": ["manage"]});
        thief.post(PROOF, json!({"password": PASSWORD})).await.refused(401, "second_factor_required");
        thief.post(TOKENS, wish.clone()).await.refused(403, "password_needed");
        // A new password opens a session that is proven no more than this one, and does not begin to live anew.
        let born = clock::now_ms() - 5 * 86_400_000;
        app.write(move |conn| Ok(diesel::update(sessions::table).set(sessions::created_at.eq(born)).execute(conn)?))
            .await;
        let change = json!({"password": PASSWORD, "new_password": PASSWORD});
        assert_eq!(thief.post("/api/v1/me/password", change).await.status, 204);
        let youngest = app.write(|conn| {
            Ok(sessions::table.select(diesel::dsl::max(sessions::created_at)).first::<Option<i64>>(conn)?)
        });
        assert_eq!(youngest.await, Some(born));
        thief.post(TOKENS, wish.clone()).await.refused(403, "password_needed");
        for (method, path) in [(Method::POST, MINE), (Method::POST, CONFIRM), (Method::DELETE, MINE)] {
            let body = Some(json!({"code": code(&secret, step_now())}).to_string());
            thief.send(method, path, &JSON, body).await.refused(403, "password_needed");
        }
        // What wants a proof says so before it looks at the code: the page asks in that order.
        delete(&thief, MINE, json!({"code": ""})).await.refused(403, "password_needed");
        let farewell = json!({"password": PASSWORD});
        delete(&thief, "/api/v1/me", farewell).await.refused(401, "second_factor_required");
        let proof = json!({"password": "three blind rats", "code": code(&secret, step_now())});
        thief.post(PROOF, proof).await.refused(401, "wrong_credentials");
        let proof = json!({"password": PASSWORD, "code": code(&secret, step_now())});
        assert_eq!(thief.post(PROOF, proof.clone()).await.status, 204, "a wrong password used no code up");
        delete(&thief, MINE, json!({"code": ""})).await.refused(422, "invalid");
        thief.post(TOKENS, wish).await.ok();
        thief.post(PROOF, proof).await.refused(401, "wrong_second_factor");
    })
    .await;
}

#[tokio::test]
async fn a_recovery_code_sets_a_new_password_and_leaves_the_second_factor() {
    on_each_database(async |app| {
        let owner = app.browser();
        let made = owner.post("/api/v1/accounts", json!({"name": "layla", "password": PASSWORD})).await.ok();
        let secret = set_up(app, &owner).await;
        let recover = async |more: Value| {
            let mut body =
                json!({"name": "Layla", "recovery_code": made["recovery_code"], "password": "a farmer's wife"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            app.browser().post(RECOVERY, body).await
        };
        recover(json!({})).await.refused(401, "second_factor_required");
        let old = code(&secret, step_now() - 5);
        recover(json!({"code": old})).await.refused(401, "wrong_second_factor");
        assert_eq!(owner.session().await["signed_in"], true, "nothing was changed");
        recover(json!({"code": code(&secret, step_now())})).await.ok();
        assert_eq!(owner.session().await["signed_in"], false);
        let body = json!({"name": "layla", "password": "a farmer's wife"});
        app.browser().post(SESSION, body).await.refused(401, "second_factor_required");
    })
    .await;
}

#[tokio::test]
async fn guests_and_tokens_have_no_part_in_it() {
    on_each_database(async |app| {
        let guest = app.browser();
        let guests_token = guest.become_guest().await["token"].as_str().unwrap().to_owned();
        let layla = app.signed_in("layla", Some(Grant::Admin)).await;
        let made = layla.post(TOKENS, json!({"name": "x", "scopes": ["read", "label", "manage"]})).await.ok();
        let token = app.script(made["token"].as_str().unwrap());
        begin(&layla).await;
        for who in [&guest, &app.script(&guests_token), &token] {
            who.post(MINE, json!({})).await.refused(403, "forbidden");
            who.post(CONFIRM, json!({"code": "123456"})).await.refused(403, "forbidden");
            delete(who, MINE, json!({"code": "123456"})).await.refused(403, "forbidden");
            delete(who, OF_OTHERS, json!({"name": "layla"})).await.refused(403, "forbidden");
        }
        let nobody = app.browser();
        nobody.post(MINE, json!({})).await.refused(401, "unauthorized");
        nobody.post(CONFIRM, json!({"code": "123456"})).await.refused(401, "unauthorized");
        delete(&nobody, MINE, json!({"code": "123456"})).await.refused(401, "unauthorized");
        delete(&nobody, OF_OTHERS, json!({"name": "layla"})).await.refused(401, "unauthorized");
    })
    .await;
}

#[tokio::test]
async fn its_owner_removes_it_with_one_more_code_and_every_other_session_ends() {
    on_each_database(async |app| {
        let here = app.signed_in("layla", None).await;
        delete(&here, MINE, json!({"code": "123456"})).await.refused(404, "not_found");
        let secret = set_up(app, &here).await;
        let there = sign_in(app, "layla", Some(&code(&secret, step_now()))).await.0;
        delete(&here, MINE, json!({"code": code(&secret, step_now())})).await.refused(401, "wrong_second_factor");
        assert_eq!(delete(&here, MINE, json!({"code": code(&secret, step_now() + 1)})).await.status, 204);
        assert_eq!(here.session().await["second_factor"], "none");
        assert_eq!(there.session().await["signed_in"], false);
        sign_in(app, "layla", None).await.1.ok();
        let id = id_of(&here).await;
        assert_eq!(noted(app).await[1], (Some(id), "remove_second_factor".into(), id.to_string()));
        set_up(app, &here).await;
    })
    .await;
}

#[tokio::test]
async fn a_lost_device_is_for_an_admin_or_the_operator_and_stands_in_the_audit_log() {
    on_each_database(async |app| {
        let boss = app.signed_in("boss", Some(Grant::Admin)).await;
        let layla = app.signed_in("layla", None).await;
        let ids = (id_of(&boss).await, id_of(&layla).await);
        delete(&boss, OF_OTHERS, json!({"name": "nobody-at-all"})).await.refused(404, "not_found");
        delete(&boss, OF_OTHERS, json!({"name": "layla"})).await.refused(404, "not_found");
        let secret = set_up(app, &layla).await;
        unproven(app).await;
        delete(&boss, OF_OTHERS, json!({"name": "layla"})).await.refused(403, "password_needed");
        boss.post(PROOF, json!({"password": PASSWORD})).await;
        // What strangers tried at her codes does not keep her out afterwards.
        for _ in 0..10 {
            sign_in(app, "layla", Some(&code(&secret, step_now() - 9))).await.1.refused(401, "wrong_second_factor");
        }
        assert_eq!(delete(&boss, OF_OTHERS, json!({"name": "Layla"})).await.status, 204);
        assert_eq!(layla.session().await["signed_in"], false);
        let again = sign_in(app, "layla", Some("123456")).await;
        again.1.ok();
        set_up(app, &again.0).await;
        app.write(|conn| second_factor::remove_of(conn, None, "layla", clock::now_ms())).await;
        assert_eq!(again.0.session().await["signed_in"], false);
        let log = noted(app).await;
        let removed: Vec<_> = log.iter().filter(|(_, act, _)| act == "remove_second_factor").collect();
        let line = |actor| (actor, "remove_second_factor".to_owned(), ids.1.to_string());
        assert_eq!(removed, [&line(Some(ids.0)), &line(None)]);
    })
    .await;
}

#[tokio::test]
async fn nothing_tells_the_secret_and_a_deleted_account_leaves_none() {
    on_each_database(async |app| {
        let layla = app.signed_in("layla", None).await;
        let secret = set_up(app, &layla).await;
        let reply = layla.get("/api/v1/me/data").await;
        let data = reply.ok();
        let [one] = &data["second_factors"].as_array().unwrap()[..] else { panic!("there is one: {data}") };
        assert_eq!(one.as_object().unwrap().keys().collect::<Vec<_>>(), ["confirmed_at", "created_at"]);
        let hex: String = bytes_of(&secret).iter().map(|byte| format!("{byte:02x}")).collect();
        for kept in [secret.as_str(), hex.as_str(), "last_step"] {
            assert!(!reply.text.contains(kept), "{kept}");
        }
        delete(&layla, "/api/v1/me", json!({"password": PASSWORD})).await.refused(401, "second_factor_required");
        let farewell = json!({"password": PASSWORD, "code": code(&secret, step_now())});
        assert_eq!(delete(&layla, "/api/v1/me", farewell).await.status, 204);
        assert_eq!(app.write(|conn| Ok(second_factors::table.count().get_result::<i64>(conn)?)).await, 0);
    })
    .await;
}

#[tokio::test]
async fn where_it_is_required_power_without_it_is_none() {
    for database in databases() {
        let app = &TestApp::start_requiring(database, SecondFactorRule::Required);
        app.campaign("raqqa", Visibility::Public, ReleaseLevel::Private).await;
        let members = "/api/v1/campaigns/raqqa/members";
        let cora = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let told = cora.session().await;
        assert_eq!((&told["second_factor"], &told["roles"]), (&json!("missing"), &json!([])));
        let problem = cora.get(members).await.refused(403, "forbidden");
        assert!(problem["detail"].as_str().unwrap().contains("second factor"), "{problem}");
        let made = cora.post(TOKENS, json!({"name": "x", "scopes": ["read", "label", "manage"]})).await.ok();
        let script = app.script(made["token"].as_str().unwrap());
        script.get(members).await.refused(403, "forbidden");
        // They label as volunteers do.
        cora.post("/api/v1/campaigns/raqqa/leases", json!({"count": 1})).await.ok();
        // Who has no power is asked for nothing.
        let rosa = app.signed_in_as(Role::Researcher, "raqqa").await;
        assert_eq!(rosa.session().await["second_factor"], "none");
        rosa.get("/api/v1/campaigns/raqqa/exports/labels.csv").await.ok_text();
        for (name, grant) in [("boss", Grant::Admin), ("cleo", Grant::Creator)] {
            let browser = app.signed_in(name, Some(grant)).await;
            let told = browser.session().await;
            let power = (&told["admin"], &told["may_create_campaigns"], &told["second_factor"]);
            assert_eq!(power, (&json!(false), &json!(false), &json!("missing")), "{name}");
            let town = || browser.post("/api/v1/campaigns", json!({"slug": format!("of-{name}"), "title": "Town"}));
            town().await.refused(403, "forbidden");
            set_up(app, &browser).await;
            assert_eq!(browser.session().await["may_create_campaigns"], true, "{name}");
            town().await.ok();
        }
        // Half of it is nothing.
        let secret = begin(&cora).await;
        cora.get(members).await.refused(403, "forbidden");
        cora.post(CONFIRM, json!({"code": code(&secret, step_now())})).await.ok();
        cora.get(members).await.ok();
        script.get(members).await.ok();
        let told = cora.session().await;
        assert_eq!((&told["second_factor"], &told["roles"][0]["role"]), (&json!("set_up"), &json!("coordinator")));
        let invitation = json!({"role": "reviewer", "uses": 2, "days": 7});
        let made = cora.post("/api/v1/campaigns/raqqa/invitations", invitation).await.ok();
        let link = json!({"secret": made["secret"]});
        rosa.post("/api/v1/invitations/look", link.clone()).await.ok();
        assert_eq!(delete(&cora, MINE, json!({"code": code(&secret, step_now() + 1)})).await.status, 204);
        cora.get(members).await.refused(403, "forbidden");
        app.signed_in("vic", None).await.post("/api/v1/invitations/accept", link).await.refused(409, "conflict");
        script.get(members).await.refused(403, "forbidden");
    }
}
