//! Open sessions: seen and ended one by one, shorter for people with power, and the password once more for what a thief
//! would do first.

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::volunteer::Role;
use aftermap::services::clock;
use aftermap::services::people::access_token::{Access, Keys};
use aftermap::services::people::grant_role::{self, Grant};
use aftermap::services::people::sessions as open_sessions;
use aftermap::services::upkeep::housekeeping;
use aftermap::storage::schema::{personal_tokens, sessions, volunteers};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Browser, PASSWORD, Reply, SECRET, TestApp, on_each_database};

const SESSIONS: &str = "/api/v1/me/sessions";
const PROOF: &str = "/api/v1/session/proof";
const TOKENS: &str = "/api/v1/me/tokens";
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

async fn refresh(browser: &Browser) -> Reply {
    browser.send(Method::POST, "/api/v1/session/refresh", &[], None).await
}

async fn mine(browser: &Browser) -> Vec<Value> {
    browser.get(SESSIONS).await.ok()["sessions"].as_array().unwrap().clone()
}

/// Moves all sessions into the past: opened and used so long ago.
async fn age(app: &TestApp, opened: i64, used: i64) {
    let now = clock::now_ms();
    app.write(move |conn| {
        let moments = (sessions::created_at.eq(now - opened), sessions::refreshed_at.eq(now - used));
        Ok(diesel::update(sessions::table).set((moments, sessions::proven_at.eq(now - used))).execute(conn)?)
    })
    .await;
}

fn session_of(browser: &Browser) -> (i64, i64) {
    let token = browser.cookie("aftermap_access").unwrap();
    match Keys::new(&SECRET).unwrap().read(&token, clock::now_ms()) {
        Access::Session { session, volunteer } => (session, volunteer),
        other => panic!("no access token of ours: {other:?}"),
    }
}

#[tokio::test]
async fn i_see_my_open_sessions_and_end_each_and_nobody_elses() {
    on_each_database(async |app| {
        let (here, lost) = (app.signed_in("layla", None).await, app.signed_in_again("layla").await);
        let stranger = app.signed_in("omar", None).await;
        let listed = mine(&here).await;
        assert_eq!(listed.len(), 2);
        assert_eq!(listed.iter().filter(|one| one["this_one"] == true).count(), 1);
        let reply = here.get(SESSIONS).await;
        for word in ["agent", "address", "token"] {
            assert!(!reply.text.contains(word), "{word} in {}", reply.text);
        }
        let other = listed.iter().find(|one| one["this_one"] == false).unwrap()["id"].as_str().unwrap();
        let address = format!("{SESSIONS}/{other}");
        stranger.delete(&address).await.refused(404, "not_found");
        app.browser().delete(&address).await.refused(401, "unauthorized");
        here.delete(&format!("{SESSIONS}/x")).await.refused(404, "not_found");
        assert_eq!(lost.session().await["signed_in"], true, "nobody else can end it");
        assert_eq!(here.delete(&address).await.status, 204);
        assert_eq!(lost.session().await["signed_in"], false);
        refresh(&lost).await.refused(401, "unauthorized");
        here.delete(&address).await.refused(404, "not_found");
        assert_eq!(mine(&here).await.len(), 1);
        let token = here.post(TOKENS, json!({"name": "x", "scopes": ["read", "label", "manage"]})).await.ok();
        let script = app.script(token["token"].as_str().unwrap());
        script.get(SESSIONS).await.refused(403, "forbidden");
        script.delete(&address).await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn sessions_of_people_with_power_end_after_twelve_hours_unused_and_seven_days_in_all() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let role = |role| Some(Grant::InCampaign { campaign: "raqqa".into(), role });
        let people = [
            ("boss", Some(Grant::Admin), true),
            ("carla", Some(Grant::Creator), true),
            ("cora", role(Role::Coordinator), true),
            ("rosa", role(Role::Researcher), false),
            ("vera", None, false),
        ];
        for (opened, used) in [(DAY, 12 * HOUR + 1_000), (7 * DAY + 1_000, HOUR)] {
            for (name, grant, has_power) in people.clone() {
                let name = format!("{name}{opened}");
                let browser = app.signed_in(&name, grant).await;
                age(app, opened, used).await;
                assert_eq!(browser.session().await["signed_in"], !has_power, "{name}");
                assert_eq!(refresh(&browser).await.status.as_u16(), if has_power { 401 } else { 200 }, "{name}");
            }
        }
        let boss = app.signed_in_again("boss86400000").await;
        age(app, 6 * DAY, 11 * HOUR).await;
        let [one] = &mine(&boss).await[..] else { panic!("the sessions that ran out are not listed") };
        let ends = chrono::DateTime::parse_from_rfc3339(one["ends_at"].as_str().unwrap()).unwrap();
        let left = ends.timestamp_millis() - clock::now_ms();
        assert!((0..=HOUR).contains(&left), "{left}");
        refresh(&boss).await.ok();
        // Whoever is given power is bound by it at once.
        let vera = app.signed_in_again("vera86400000").await;
        age(app, DAY, 13 * HOUR).await;
        assert_eq!(vera.session().await["signed_in"], true);
        app.write(|conn| grant_role::grant(conn, None, "vera86400000", &Grant::Creator, 0)).await;
        assert_eq!(vera.session().await["signed_in"], false);
    })
    .await;
}

#[tokio::test]
async fn no_session_outlives_a_year_and_a_day_however_often_it_is_used() {
    on_each_database(async |app| {
        let guest = app.browser();
        guest.become_guest().await;
        age(app, 365 * DAY, HOUR).await;
        refresh(&guest).await.ok();
        let now = clock::now_ms();
        let until: i64 = app.write(|conn| Ok(sessions::table.select(sessions::expires_at).first(conn)?)).await;
        assert!(until <= now + DAY, "{} days more", (until - now) / DAY);
    })
    .await;
}

#[tokio::test]
async fn tokens_roles_and_resets_need_the_password_within_the_last_quarter_of_an_hour() {
    on_each_database(async |app| {
        app.campaign("raqqa", Visibility::Public, ReleaseLevel::Private).await;
        let boss = app.signed_in("boss", Some(Grant::Admin)).await;
        app.signed_in("layla", None).await;
        let wish = |role: &str| json!({"role": role, "uses": 1, "days": 1});
        let sensitive = [
            (TOKENS, json!({"name": "x", "scopes": ["manage"]})),
            ("/api/v1/campaigns/raqqa/members", json!({"name": "layla", "role": "coordinator"})),
            ("/api/v1/campaigns/raqqa/members/x", json!({"role": "reviewer"})),
            ("/api/v1/campaigns/raqqa/invitations", wish("reviewer")),
            ("/api/v1/accounts/recovery", json!({"name": "layla"})),
        ];
        age(app, HOUR, 16 * 60_000).await;
        for (path, body) in &sensitive {
            boss.post(path, body.clone()).await.refused(403, "password_needed");
        }
        // What harms nobody goes on without.
        assert_eq!(boss.post("/api/v1/campaigns/raqqa/invitations", wish("volunteer")).await.status, 201);
        boss.get("/api/v1/campaigns/raqqa/members").await.ok();
        boss.post(PROOF, json!({"password": "three blind rats"})).await.refused(401, "wrong_credentials");
        boss.post(TOKENS, sensitive[0].1.clone()).await.refused(403, "password_needed");
        app.browser().post(PROOF, json!({"password": PASSWORD})).await.refused(401, "unauthorized");
        assert_eq!(boss.post(PROOF, json!({"password": PASSWORD})).await.status, 204);
        for (path, body) in &sensitive {
            let reply = boss.post(path, body.clone()).await;
            assert!(reply.status.is_success() || reply.status == 404, "{path}: {} {}", reply.status, reply.text);
        }
        // A refresh is no proof.
        age(app, HOUR, 16 * 60_000).await;
        refresh(&boss).await.ok();
        boss.post(TOKENS, sensitive[0].1.clone()).await.refused(403, "password_needed");
        // Neither is a token, whatever it may do.
        boss.post(PROOF, json!({"password": PASSWORD})).await;
        let made = boss.post(TOKENS, json!({"name": "all", "scopes": ["read", "label", "manage"]})).await.ok();
        let script = app.script(made["token"].as_str().unwrap());
        for (path, body) in &sensitive {
            let reply = script.post(path, body.clone()).await;
            assert_eq!(reply.status, 403, "{path}: {}", reply.text);
        }
        script.post(PROOF, json!({"password": PASSWORD})).await.refused(403, "forbidden");
    })
    .await;
}

#[tokio::test]
async fn who_holds_a_session_guesses_ten_times_and_then_waits() {
    on_each_database(async |app| {
        let (thief, owner) = (app.signed_in("layla", None).await, app.signed_in_again("layla").await);
        for _ in 0..10 {
            thief.post(PROOF, json!({"password": "three blind rats"})).await.refused(401, "wrong_credentials");
        }
        thief.post(PROOF, json!({"password": PASSWORD})).await.refused(429, "too_many_attempts");
        assert_eq!(owner.post(PROOF, json!({"password": PASSWORD})).await.status, 204);
    })
    .await;
}

#[tokio::test]
async fn a_guest_gets_a_token_where_one_is_asked_for_and_it_ends_with_the_session() {
    on_each_database(async |app| {
        for body in [None, Some("{}"), Some(r#"{"token": false}"#)] {
            let headers = [("content-type", "application/json")];
            let headers = if body.is_some() { &headers[..] } else { &[] };
            let reply = app.browser().send(Method::POST, "/api/v1/guests", headers, body.map(Into::into)).await;
            assert_eq!(reply.ok()["token"], json!(null));
        }
        let count: i64 = app.write(|conn| Ok(personal_tokens::table.count().get_result(conn)?)).await;
        assert_eq!(count, 0);
        app.browser().post("/api/v1/guests", json!({"admin": true})).await.refused(422, "invalid");
        let browser = app.browser();
        let token = browser.become_guest().await["token"].as_str().unwrap().to_owned();
        assert_eq!(app.script(&token).session().await["signed_in"], true);
        assert_eq!(browser.delete("/api/v1/session").await.status, 204);
        app.script(&token).get("/api/v1/session").await.refused(401, "unauthorized");
    })
    .await;
}

#[tokio::test]
async fn signing_in_ends_the_session_before_also_where_only_its_refresh_token_is_left() {
    on_each_database(async |app| {
        let browser = app.signed_in("layla", None).await;
        let (session, volunteer) = session_of(&browser);
        let thief = app.browser();
        thief.set_cookie("aftermap_refresh", &browser.cookie("aftermap_refresh").unwrap());
        let ran_out = Keys::new(&SECRET).unwrap().issue(session, volunteer, clock::now_ms() - 16 * 60_000).unwrap();
        browser.set_cookie("aftermap_access", &ran_out);
        browser.post("/api/v1/session", json!({"name": "layla", "password": PASSWORD})).await.ok();
        refresh(&thief).await.refused(401, "unauthorized");
        assert_eq!(browser.session().await["name"], "layla");
        assert_eq!(mine(&browser).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_session_from_before_the_key_was_replaced_notices_a_copy_again_and_can_be_ended() {
    on_each_database(async |app| {
        // Sessions as another key made them: their family is none of ours.
        let old = |token: &str| {
            let mut parts = token.splitn(3, '.');
            format!("{}.of-another-key.{}", parts.next().unwrap(), parts.nth(1).unwrap())
        };
        let put = async |browser: &Browser| {
            let token = old(&browser.cookie("aftermap_refresh").unwrap());
            let (hash, (session, _)) = (aftermap::services::people::secrets::hash(&token), session_of(browser));
            app.write(move |conn| {
                let row = sessions::table.find(session);
                Ok(diesel::update(row).set(sessions::refresh_hash.eq(&hash[..])).execute(conn)?)
            })
            .await;
            browser.set_cookie("aftermap_refresh", &token);
            browser.set_cookie("aftermap_access", "of.another.key");
        };
        let browser = app.signed_in("layla", None).await;
        put(&browser).await;
        refresh(&browser).await.ok();
        let thief = app.browser();
        thief.set_cookie("aftermap_refresh", &browser.cookie("aftermap_refresh").unwrap());
        refresh(&browser).await.ok();
        age(app, HOUR, 31_000).await;
        refresh(&thief).await.refused(401, "unauthorized");
        assert_eq!(browser.session().await["signed_in"], false, "the copy ended the session");

        let leaving = app.signed_in("omar", None).await;
        let session = session_of(&leaving).0;
        put(&leaving).await;
        assert_eq!(leaving.delete("/api/v1/session").await.status, 204);
        let ended: Option<i64> =
            app.write(move |conn| Ok(sessions::table.find(session).select(sessions::revoked_at).first(conn)?)).await;
        assert!(ended.is_some(), "who signs out is signed out");
    })
    .await;
}

#[tokio::test]
async fn the_operator_signs_out_one_or_everybody_and_tokens_stay() {
    on_each_database(async |app| {
        let (layla, omar) = (app.signed_in("layla", None).await, app.signed_in("omar", None).await);
        let token = layla.post(TOKENS, json!({"name": "x", "scopes": ["read"]})).await.ok();
        app.write(|conn| open_sessions::end_of(conn, "Layla", clock::now_ms())).await;
        assert_eq!(layla.session().await["signed_in"], false);
        assert_eq!(omar.session().await["signed_in"], true);
        assert_eq!(app.write(|conn| open_sessions::end_all(conn, clock::now_ms())).await, 1);
        assert_eq!(omar.session().await["signed_in"], false);
        refresh(&omar).await.refused(401, "unauthorized");
        assert_eq!(app.script(token["token"].as_str().unwrap()).session().await["name"], "layla");
    })
    .await;
}

#[tokio::test]
async fn a_code_that_an_admin_made_ends_after_a_week_and_the_own_one_does_not() {
    on_each_database(async |app| {
        let boss = app.signed_in("boss", Some(Grant::Admin)).await;
        let owner = app.browser();
        let made = owner.post("/api/v1/accounts", json!({"name": "layla", "password": PASSWORD})).await.ok();
        let until = |row: Option<i64>| row.map(|until| (until - clock::now_ms()).div_euclid(HOUR));
        let stored = async || {
            let hers = volunteers::table.filter(volunteers::name_key.eq("layla"));
            until(app.write(move |conn| Ok(hers.select(volunteers::recovery_until).first(conn)?)).await)
        };
        assert_eq!(stored().await, None);
        let reset = boss.post("/api/v1/accounts/recovery", json!({"name": "layla"})).await.ok();
        // A millisecond may have passed, or none.
        assert!(matches!(stored().await, Some(167 | 168)));
        let recover = async |code: &Value| {
            let body = json!({"name": "layla", "recovery_code": code, "password": "a quite new one"});
            app.browser().post("/api/v1/session/recovery", body).await
        };
        recover(&made["recovery_code"]).await.refused(401, "wrong_credentials");
        app.write(|conn| {
            let hers = volunteers::table.filter(volunteers::name_key.eq("layla"));
            Ok(diesel::update(hers).set(volunteers::recovery_until.eq(clock::now_ms() - 1)).execute(conn)?)
        })
        .await;
        recover(&reset["recovery_code"]).await.refused(401, "wrong_credentials");
        let reset = boss.post("/api/v1/accounts/recovery", json!({"name": "layla"})).await.ok();
        recover(&reset["recovery_code"]).await.ok();
        assert_eq!(stored().await, None, "the new code is her own");
    })
    .await;
}

#[tokio::test]
async fn what_ended_a_month_ago_is_removed_and_so_are_guests_who_did_nothing() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let (idle, busy) = (app.browser(), app.browser());
        let (idle_id, busy_id) = (idle.become_guest().await, busy.become_guest().await);
        let lease = busy.post("/api/v1/campaigns/raqqa/leases", json!({"count": 1})).await.ok()["leases"][0].clone();
        let label = json!([{"id": uuid::Uuid::now_v7(), "lease_id": lease["lease_id"], "answer": "damaged"}]);
        assert_eq!(busy.post("/api/v1/labels", label).await.ok()["results"][0]["status"], "stored");
        idle.post("/api/v1/campaigns/raqqa/leases", json!({"count": 1})).await.ok();
        let layla = app.signed_in("layla", None).await;
        layla.post(TOKENS, json!({"name": "x", "scopes": ["read"]})).await.ok();
        let later = async |days: i64| {
            aftermap::services::upkeep::housekeeping::forget_people(&app.store, clock::now_ms() + days * DAY)
                .await
                .unwrap();
            let before = clock::now_ms() + days * DAY - 30 * DAY;
            app.write(move |conn| Ok(aftermap::storage::labelling::leases::forget(conn, before)?)).await;
        };
        let here = async |guest: &Value| {
            let id: i64 = guest["volunteer_id"].as_str().unwrap().parse().unwrap();
            app.write(move |conn| Ok(volunteers::table.find(id).count().get_result::<i64>(conn)?)).await == 1
        };
        later(91).await;
        assert!(here(&idle_id).await && here(&busy_id).await, "their sessions ended yesterday");
        let open: i64 = app.write(|conn| Ok(sessions::table.count().get_result(conn)?)).await;
        assert_eq!(open, 3);

        app.write(|conn| {
            use aftermap::storage::schema::leases;
            let ended = (leases::ended_at.eq(1), leases::outcome.eq("expired"));
            Ok(diesel::update(leases::table.filter(leases::ended_at.is_null())).set(ended).execute(conn)?)
        })
        .await;
        later(121).await;
        later(122).await;
        let (open, tokens): (i64, i64) = app
            .write(|conn| {
                Ok((sessions::table.count().get_result(conn)?, personal_tokens::table.count().get_result(conn)?))
            })
            .await;
        assert_eq!((open, tokens), (0, 0));
        assert!(!here(&idle_id).await, "a guest who did nothing");
        assert!(here(&busy_id).await, "a guest who labelled");
        let accounts: i64 = app
            .write(|conn| Ok(volunteers::table.filter(volunteers::name.is_not_null()).count().get_result(conn)?))
            .await;
        assert_eq!(accounts, 1);
        housekeeping::round(&app.store).await.unwrap();
    })
    .await;
}

/// A hash of that password as it may have been made years ago, with fewer passes over less memory.
fn hash_of_before(password: &str) -> String {
    use argon2::password_hash::PasswordHasher;
    let weak = argon2::Params::new(8 * 1024, 1, 1, None).unwrap();
    let weak = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, weak);
    weak.hash_password(password.as_bytes()).unwrap().to_string()
}

#[tokio::test]
async fn a_password_hashed_with_older_parameters_is_renewed_when_it_is_next_used() {
    on_each_database(async |app| {
        app.signed_in("layla", None).await;
        let old = hash_of_before(PASSWORD);
        let before = old.clone();
        app.write(move |conn| {
            let layla = volunteers::table.filter(volunteers::name.eq("layla"));
            Ok(diesel::update(layla).set(volunteers::password_hash.eq(before.clone())).execute(conn)?)
        })
        .await;
        let stored = async || {
            let row = volunteers::table.filter(volunteers::name.eq("layla")).select(volunteers::password_hash);
            app.write(move |conn| Ok(row.first::<Option<String>>(conn)?)).await.unwrap()
        };
        let wrong = json!({"name": "layla", "password": "not my password"});
        app.browser().post("/api/v1/session", wrong).await.refused(401, "wrong_credentials");
        assert_eq!(stored().await, old, "nothing is learned from a wrong one");
        app.signed_in_again("layla").await;
        let renewed = stored().await;
        assert!(renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{renewed}");
        app.signed_in_again("layla").await;
        assert_eq!(stored().await, renewed, "once is enough");
    })
    .await;
}
