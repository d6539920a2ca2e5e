//! Invitations and members: who gets in, who does not, whatever they try; and an admin's help with a lost password.

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::volunteer::Role;
use aftermap::services::people::grant_role::Grant;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::helpers::{Browser, PASSWORD, TestApp, on_each_database};

const INVITATIONS: &str = "/api/v1/campaigns/hidden/invitations";
const MEMBERS: &str = "/api/v1/campaigns/hidden/members";
const LOOK: &str = "/api/v1/invitations/look";
const ACCEPT: &str = "/api/v1/invitations/accept";
const RESET: &str = "/api/v1/accounts/recovery";

async fn hidden(app: &TestApp) -> Browser {
    app.campaign("hidden", Visibility::Invitation, ReleaseLevel::Private).await;
    app.signed_in_as(Role::Coordinator, "hidden").await
}

async fn invite(coordinator: &Browser, wish: Value) -> Value {
    let mut body = json!({"role": "volunteer", "uses": 1, "days": 7});
    body.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
    let reply = coordinator.post(INVITATIONS, body).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.json()
}

fn secret(made: &Value) -> Value {
    json!({"secret": made["secret"]})
}

async fn guest(app: &TestApp) -> Browser {
    let browser = app.browser();
    browser.become_guest().await;
    browser
}

#[tokio::test]
async fn an_invitation_lets_people_into_a_campaign_that_nobody_else_can_see() {
    on_each_database(async |app| {
        let coordinator = hidden(app).await;
        let made = invite(&coordinator, json!({"uses": 2, "note": "the group in Lyon"})).await;
        let layla = app.signed_in("layla", None).await;
        layla.get("/api/v1/campaigns/hidden").await.refused(404, "not_found");
        let look = layla.post(LOOK, secret(&made)).await.ok();
        assert_eq!(look["campaign"], json!({"slug": "hidden", "title": "Title of hidden", "role": "volunteer"}));
        for _ in 0..2 {
            // Accepting twice takes one use.
            let accepted = layla.post(ACCEPT, secret(&made)).await.ok();
            assert_eq!(accepted, json!({"slug": "hidden", "role": "volunteer"}));
        }
        assert_eq!(layla.get("/api/v1/campaigns/hidden").await.status, 200);
        let taken = layla.post("/api/v1/campaigns/hidden/leases", json!({"count": 2})).await.ok();
        assert_eq!(taken["leases"].as_array().unwrap().len(), 2);
        let listed = coordinator.get(INVITATIONS).await.ok();
        let one = &listed["invitations"][0];
        assert_eq!(
            (&one["uses_left"], &one["state"], &one["note"]),
            (&json!(1), &json!("good"), &json!("the group in Lyon"))
        );
        assert_eq!(one["made_by"], "coordinator-of-hidden");
        assert!(!listed.to_string().contains(made["secret"].as_str().unwrap()), "the secret is shown once");
    })
    .await;
}

#[tokio::test]
async fn the_campaigns_name_is_told_to_those_alone_who_could_accept() {
    on_each_database(async |app| {
        let coordinator = hidden(app).await;
        let accounts_only = invite(&coordinator, json!({})).await;
        let guests_too = invite(&coordinator, json!({"guests": true})).await;
        let (nobody, guest) = (app.browser(), guest(app).await);
        for (browser, made, guests) in
            [(&nobody, &accounts_only, false), (&nobody, &guests_too, true), (&guest, &accounts_only, false)]
        {
            let look = browser.post(LOOK, secret(made)).await;
            assert_eq!(look.ok(), json!({"guests": guests, "campaign": null}), "{}", look.text);
        }
        assert_eq!(guest.post(LOOK, secret(&guests_too)).await.ok()["campaign"]["slug"], "hidden");
        nobody.post(ACCEPT, secret(&guests_too)).await.refused(401, "unauthorized");
        guest.post(ACCEPT, secret(&accounts_only)).await.refused(403, "forbidden");
        assert_eq!(guest.post(ACCEPT, secret(&guests_too)).await.ok()["role"], "volunteer");
        assert_eq!(guest.get("/api/v1/campaigns/hidden").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_secret_that_is_guessed_or_used_up_or_expired_or_revoked_opens_nothing() {
    on_each_database(async |app| {
        let coordinator = hidden(app).await;
        let layla = app.signed_in("layla", None).await;
        for guess in ["", "x", "0000000000000000000000000000000000000000000000000000", "hidden", "' OR 1=1 --", "\u{0}"]
        {
            layla.post(ACCEPT, json!({"secret": guess})).await.refused(404, "not_found");
            layla.post(LOOK, json!({"secret": guess})).await.refused(404, "not_found");
        }
        let made = invite(&coordinator, json!({})).await;
        // The stored hash and the id open nothing.
        layla.post(ACCEPT, json!({"secret": made["id"]})).await.refused(404, "not_found");
        let omar = app.signed_in("omar", None).await;
        omar.post(ACCEPT, secret(&made)).await.ok();
        layla.post(ACCEPT, secret(&made)).await.refused(409, "conflict");
        let revoked = invite(&coordinator, json!({"uses": 5})).await;
        let address = format!("{INVITATIONS}/{}", revoked["id"].as_str().unwrap());
        layla.delete(&address).await.refused(404, "not_found");
        assert_eq!(coordinator.delete(&address).await.status, 204);
        coordinator.delete(&address).await.refused(404, "not_found");
        layla.post(ACCEPT, secret(&revoked)).await.refused(409, "conflict");
        let expired = invite(&coordinator, json!({"days": 1})).await;
        let id = expired["id"].as_str().unwrap();
        app.connect().batch_execute(&format!("UPDATE invitations SET expires_at = 1 WHERE id = {id}")).unwrap();
        layla.post(ACCEPT, secret(&expired)).await.refused(409, "conflict");
        layla.post(LOOK, secret(&expired)).await.refused(409, "conflict");
        layla.get("/api/v1/campaigns/hidden").await.refused(404, "not_found");
        let states = coordinator.get(INVITATIONS).await.ok();
        let states: Vec<&Value> = states["invitations"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
        assert_eq!(states, ["expired", "revoked", "used_up"]);
    })
    .await;
}

#[tokio::test]
async fn of_ten_who_come_for_the_last_two_uses_two_get_in() {
    on_each_database(async |app| {
        let coordinator = hidden(app).await;
        let made = invite(&coordinator, json!({"uses": 2, "guests": true})).await;
        let mut guests = Vec::new();
        for _ in 0..10 {
            guests.push(guest(app).await);
        }
        let replies = futures::future::join_all(guests.iter().map(|guest| guest.post(ACCEPT, secret(&made)))).await;
        let let_in = replies.iter().filter(|reply| reply.status == 200).count();
        let refused = replies.iter().filter(|reply| reply.status == 409).count();
        assert_eq!((let_in, refused), (2, 8), "{replies:?}");
        let members = coordinator.get(MEMBERS).await.ok();
        let volunteers = members["members"].as_array().unwrap().iter().filter(|one| one["role"] == "volunteer");
        assert_eq!(volunteers.count(), 2);
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_more_than_they_have_and_only_coordinators_give_at_all() {
    on_each_database(async |app| {
        let coordinator = hidden(app).await;
        let wish = json!({"role": "volunteer", "uses": 1, "days": 7});
        for role in [Role::Volunteer, Role::Reviewer, Role::Researcher] {
            let other = app.signed_in_as(role, "hidden").await;
            other.post(INVITATIONS, wish.clone()).await.refused(403, "forbidden");
            other.get(INVITATIONS).await.refused(403, "forbidden");
            other.get(MEMBERS).await.refused(403, "forbidden");
            other
                .post(MEMBERS, json!({"name": format!("{role}-of-hidden"), "role": "coordinator"}))
                .await
                .refused(403, "forbidden");
        }
        app.public_campaign("other").await;
        let foreign = app.signed_in_as(Role::Coordinator, "other").await;
        foreign.post(INVITATIONS, wish.clone()).await.refused(404, "not_found");
        for bad in [
            json!({"role": "admin", "uses": 1, "days": 7}),
            json!({"role": "volunteer", "uses": 1, "days": 7, "admin": true}),
            json!({"role": "volunteer", "uses": 1, "days": 7, "campaign_id": 1}),
        ] {
            assert_eq!(coordinator.post(INVITATIONS, bad).await.status.as_u16() / 100, 4);
        }
        let field =
            async |body: Value| coordinator.post(INVITATIONS, body).await.refused(422, "invalid")["field"].clone();
        assert_eq!(field(json!({"role": "volunteer", "uses": 0, "days": 7})).await, "uses");
        assert_eq!(field(json!({"role": "volunteer", "uses": 1, "days": 0})).await, "days");
        assert_eq!(field(json!({"role": "volunteer", "uses": 1, "days": 1, "note": "x".repeat(201)})).await, "note");
        assert_eq!(field(json!({"role": "reviewer", "uses": 1, "days": 1, "guests": true})).await, "guests");
        // An invitation to the other campaign says nothing about this one.
        let theirs = foreign.post("/api/v1/campaigns/other/invitations", wish).await.json();
        let id = theirs["id"].as_str().unwrap();
        coordinator.delete(&format!("{INVITATIONS}/{id}")).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn members_are_changed_and_removed_and_do_not_come_back_by_the_same_link() {
    on_each_database(async |app| {
        let coordinator = hidden(app).await;
        let made = invite(&coordinator, json!({"uses": 9})).await;
        let layla = app.signed_in("layla", None).await;
        layla.post(ACCEPT, secret(&made)).await.ok();
        let members = coordinator.get(MEMBERS).await.ok();
        let of = |members: &Value, role: &str| {
            members["members"].as_array().unwrap().iter().find(|one| one["role"] == role).unwrap().clone()
        };
        let member = of(&members, "volunteer");
        assert_eq!(member["name"], json!(null), "volunteers stand there under their pseudonyms");
        assert_eq!(of(&members, "coordinator")["name"], "coordinator-of-hidden");
        assert_eq!(of(&members, "coordinator")["me"], true);
        let address = format!("{MEMBERS}/{}", member["id"].as_str().unwrap());
        let raised = coordinator.post(&address, json!({"role": "reviewer"})).await.ok();
        assert_eq!((&raised["role"], &raised["name"]), (&json!("reviewer"), &json!("layla")));
        layla.post(&address, json!({"role": "coordinator"})).await.refused(403, "forbidden");
        assert_eq!(coordinator.delete(&address).await.status, 204);
        layla.get("/api/v1/campaigns/hidden").await.refused(404, "not_found");
        layla.post(ACCEPT, secret(&made)).await.refused(409, "conflict");
        coordinator.delete(&address).await.refused(404, "not_found");
        let again = coordinator.post(MEMBERS, json!({"name": "layla", "role": "volunteer"})).await.ok();
        assert_eq!(again["id"], member["id"]);
        coordinator.post(MEMBERS, json!({"name": "nobody", "role": "volunteer"})).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn the_last_coordinator_stays_even_when_two_remove_each_other_at_once() {
    on_each_database(async |app| {
        let first = hidden(app).await;
        let mine = |members: &Value| {
            let all = members["members"].as_array().unwrap();
            format!("{MEMBERS}/{}", all.iter().find(|one| one["me"] == true).unwrap()["id"].as_str().unwrap())
        };
        let my = mine(&first.get(MEMBERS).await.ok());
        first.delete(&my).await.refused(409, "conflict");
        first.post(&my, json!({"role": "volunteer"})).await.refused(409, "conflict");
        let second = app.signed_in("second", None).await;
        first.post(MEMBERS, json!({"name": "second", "role": "coordinator"})).await.ok();
        let theirs = mine(&second.get(MEMBERS).await.ok());
        let (one, other) = futures::future::join(first.delete(&theirs), second.delete(&my)).await;
        let mut gone: Vec<u16> = vec![one.status.as_u16(), other.status.as_u16()];
        gone.sort_unstable();
        // The second is told that it is no member any more, or that it would remove the last.
        assert!(gone[0] == 204 && [403, 404, 409].contains(&gone[1]), "{one:?} {other:?}");
        let left = app.signed_in("root", Some(Grant::Admin)).await;
        let members = left.get(MEMBERS).await.ok();
        assert_eq!(members["members"].as_array().unwrap().len(), 1);
        let last = format!("{MEMBERS}/{}", members["members"][0]["id"].as_str().unwrap());
        assert_eq!(left.delete(&last).await.status, 204, "an admin may");
    })
    .await;
}

#[tokio::test]
async fn an_admin_gives_a_code_that_works_once_and_ends_what_was_open() {
    on_each_database(async |app| {
        let root = app.signed_in("boss", Some(Grant::Admin)).await;
        let layla = app.signed_in("layla", None).await;
        let token = layla.post("/api/v1/me/tokens", json!({"name": "r", "scopes": ["label"]})).await.json();
        let script = app.script(token["token"].as_str().unwrap());
        layla.post(RESET, json!({"name": "boss"})).await.refused(403, "forbidden");
        app.browser().post(RESET, json!({"name": "layla"})).await.refused(401, "unauthorized");
        root.post(RESET, json!({"name": "nobody"})).await.refused(404, "not_found");
        let made = root.post(RESET, json!({"name": "Layla"})).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let code = made.json()["recovery_code"].clone();
        assert_eq!(layla.session().await["signed_in"], false);
        script.post("/api/v1/campaigns/none/leases", json!({"count": 1})).await.refused(401, "unauthorized");
        let sign_in = json!({"name": "layla", "password": PASSWORD});
        app.browser().post("/api/v1/session", sign_in).await.refused(401, "wrong_credentials");
        let recovery = json!({"name": "layla", "recovery_code": code, "password": "four deaf cats"});
        let fresh = app.browser();
        fresh.post("/api/v1/session/recovery", recovery.clone()).await.ok();
        assert_eq!(fresh.session().await["name"], "layla");
        app.browser().post("/api/v1/session/recovery", recovery).await.refused(401, "wrong_credentials");
        let sign_in = json!({"name": "layla", "password": "four deaf cats"});
        app.browser().post("/api/v1/session", sign_in).await.ok();
    })
    .await;
}
