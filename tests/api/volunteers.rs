//! Volunteers for those who run a campaign: figures, rings, pausing and excluding, under pseudonyms alone.

use std::time::Duration;

use aftermap::domain::volunteer::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::helpers::{Browser, TestApp, on_each_database};

const VOLUNTEERS: &str = "/api/v1/campaigns/raqqa/volunteers";
const EXCLUSIONS: &str = "/api/v1/campaigns/raqqa/exclusions";
const LIFT: &str = "/api/v1/campaigns/raqqa/exclusions/lift";
const CANARY: &str = "canary-yvonne";

/// Labels some tiles of the campaign with one answer, each in `seconds`.
async fn label(browser: &Browser, count: usize, answer: &str, seconds: f64) {
    let taken = browser.post("/api/v1/campaigns/raqqa/leases", json!({"count": count})).await.ok();
    let leases = taken["leases"].as_array().unwrap();
    assert_eq!(leases.len(), count);
    let labels: Vec<Value> = (leases.iter())
        .map(|lease| json!({"id": Uuid::now_v7(), "lease_id": lease["lease_id"], "answer": answer, "seconds": seconds}))
        .collect();
    browser.post("/api/v1/labels", json!(labels)).await.ok();
}

/// Three people and a coordinator; everybody labels four tiles.
async fn crowd(app: &TestApp) -> (Vec<Browser>, Browser) {
    app.public_campaign("raqqa").await;
    let canary = app.signed_in(CANARY, None).await;
    let mut people = vec![canary];
    for _ in 0..2 {
        let guest = app.browser();
        guest.become_guest().await;
        people.push(guest);
    }
    for (place, person) in people.iter().enumerate() {
        label(person, 4, "destroyed", 0.4 + 2.0 * place as f64).await;
    }
    (people, app.signed_in_as(Role::Coordinator, "raqqa").await)
}

/// The list, once everybody's labels are in it: figures may be a moment old.
async fn list(coordinator: &Browser, query: &str, people: usize) -> Value {
    for _ in 0..100 {
        let page = coordinator.get(&format!("{VOLUNTEERS}?{query}")).await.ok();
        let listed = page["volunteers"].as_array().unwrap().iter().filter(|one| one["labels"] == 4).count();
        if listed == people && page["recomputation"]["running"] == false {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{people} people never appear in {query}");
}

async fn name_of(person: &Browser) -> String {
    let data = person.get("/api/v1/me/data").await.ok();
    data["campaigns"][0]["pseudonym"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_list_is_sorted_filtered_and_paged() {
    on_each_database(async |app| {
        let (people, coordinator) = crowd(app).await;
        let page = list(&coordinator, "sort=seconds&descending=false", 3).await;
        let seconds: Vec<&Value> =
            page["volunteers"].as_array().unwrap().iter().map(|one| &one["median_seconds"]).collect();
        assert_eq!(seconds, [&json!(0.4), &json!(2.4), &json!(4.4)]);
        assert_eq!((&page["all"], &page["everybody"]), (&json!(3), &json!(3)));
        let first = &page["volunteers"][0];
        assert_eq!(
            (&first["too_fast"], &first["days_active"], &first["standing"]),
            (&json!(1.0), &json!(1), &json!(null))
        );
        assert_eq!((&first["model"], &first["accuracy"]), (&json!(null), &json!(null)));
        let second =
            coordinator.get(&format!("{VOLUNTEERS}?sort=seconds&descending=false&offset=1&limit=1")).await.ok();
        assert_eq!(second["volunteers"].as_array().unwrap().len(), 1);
        assert_eq!(second["volunteers"][0]["median_seconds"], 2.4);
        let name = name_of(&people[2]).await;
        let one = coordinator.get(&format!("{VOLUNTEERS}?name={}", &name[..9])).await.ok();
        assert_eq!((&one["all"], &one["volunteers"][0]["name"]), (&json!(1), &json!(name)));
        assert_eq!(coordinator.get(&format!("{VOLUNTEERS}?least_labels=5")).await.ok()["all"], 0);
        assert_eq!(coordinator.get(&format!("{VOLUNTEERS}?flag=ring")).await.ok()["all"], 0);
        coordinator.get(&format!("{VOLUNTEERS}?limit=0")).await.refused(422, "invalid");
        coordinator.get(&format!("{VOLUNTEERS}?sort=height")).await.refused(400, "invalid");
    })
    .await;
}

#[tokio::test]
async fn one_volunteer_is_shown_in_detail() {
    on_each_database(async |app| {
        let (people, coordinator) = crowd(app).await;
        list(&coordinator, "", 3).await;
        let name = name_of(&people[1]).await;
        let one = coordinator.get(&format!("{VOLUNTEERS}/{name}")).await.ok();
        assert_eq!((&one["name"], &one["labels"], &one["exclusions"]), (&json!(name), &json!(4), &json!([])));
        assert_eq!(one["activity"].as_array().unwrap().len(), 1);
        let sums: u64 = one["confusion"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|row| row.as_array().unwrap())
            .map(|n| n.as_u64().unwrap())
            .sum();
        assert_eq!(sums as usize, one["tiles"].as_array().unwrap().len());
        coordinator.get(&format!("{VOLUNTEERS}/v000000000000")).await.refused(404, "not_found");
        assert_eq!(coordinator.get("/api/v1/campaigns/raqqa/rings").await.ok()["rings"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn an_exclusion_takes_effect_at_once_and_is_lifted_again() {
    on_each_database(async |app| {
        let (people, coordinator) = crowd(app).await;
        list(&coordinator, "", 3).await;
        let name = name_of(&people[0]).await;
        let act = |kind: &str, reason: &str| json!({"volunteers": [name], "kind": kind, "reason": reason});
        let done = coordinator.post(EXCLUSIONS, act("paused", "let us talk first")).await.ok();
        assert_eq!(done["changed"], json!([name]));
        assert_eq!(coordinator.post(EXCLUSIONS, act("paused", "again")).await.ok()["changed"], json!([]));
        let told = people[0].post("/api/v1/campaigns/raqqa/leases", json!({"count": 1})).await;
        let told = told.refused(403, "excluded");
        assert!(told["detail"].as_str().unwrap().contains("let us talk first"), "{told}");
        assert_eq!(coordinator.post(EXCLUSIONS, act("excluded", "one of a ring")).await.ok()["changed"], json!([name]));
        let page = list(&coordinator, "standing=excluded", 1).await;
        assert_eq!(page["volunteers"][0]["standing"]["reason"], "one of a ring");
        assert_eq!((&page["excluded"], &page["paused"]), (&json!(1), &json!(0)));
        // Their own data stay theirs.
        let data = people[0].get("/api/v1/me/data").await.ok();
        assert_eq!((data["labels"].as_array().unwrap().len(), data["exclusions"].as_array().unwrap().len()), (4, 2));
        let lift = json!({"volunteers": [name], "reason": "it was a family"});
        assert_eq!(coordinator.post(LIFT, lift.clone()).await.ok()["changed"], json!([name]));
        assert_eq!(coordinator.post(LIFT, lift).await.ok()["changed"], json!([]));
        people[0].post("/api/v1/campaigns/raqqa/leases", json!({"count": 1})).await.ok();
        let one = coordinator.get(&format!("{VOLUNTEERS}/{name}")).await.ok();
        let kinds: Vec<&Value> = one["exclusions"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
        assert_eq!((kinds, &one["standing"]), (vec![&json!("excluded"), &json!("paused")], &json!(null)));
        assert!(one["exclusions"][0]["lifted_at"].is_string());
        let acts = app
            .write(|conn| {
                use aftermap::storage::schema::audit_log::dsl::{act, audit_log, id, reason};
                use diesel::prelude::*;
                let acts: Vec<(String, String)> = audit_log.order(id).select((act, reason)).load(conn)?;
                Ok(acts
                    .into_iter()
                    .filter(|row| row.0.contains("volunteers") || row.0.contains("lift"))
                    .collect::<Vec<_>>())
            })
            .await;
        let wanted = [
            ("pause_volunteers", "let us talk first"),
            ("exclude_volunteers", "one of a ring"),
            ("lift_exclusions", "it was a family"),
        ];
        assert_eq!(acts, wanted.map(|(act, reason)| (act.to_owned(), reason.to_owned())));
    })
    .await;
}

#[tokio::test]
async fn an_act_that_cannot_be_done_is_refused_with_its_field() {
    on_each_database(async |app| {
        let (people, coordinator) = crowd(app).await;
        let name = name_of(&people[0]).await;
        let act = |names: Value, reason: &str| json!({"volunteers": names, "kind": "excluded", "reason": reason});
        let field = async |body| coordinator.post(EXCLUSIONS, body).await.refused(422, "invalid")["field"].clone();
        assert_eq!(field(act(json!([name]), "  ")).await, "reason");
        assert_eq!(field(act(json!([name]), &"x".repeat(501))).await, "reason");
        assert_eq!(field(act(json!([]), "why")).await, "volunteers");
        coordinator.post(EXCLUSIONS, act(json!(["v000000000000"]), "why")).await.refused(404, "not_found");
        // All or nobody: the name that is known was not touched either.
        coordinator.post(EXCLUSIONS, act(json!([name, "v000000000000"]), "why")).await.refused(404, "not_found");
        people[0].post("/api/v1/campaigns/raqqa/leases", json!({"count": 1})).await.ok();
    })
    .await;
}

#[tokio::test]
async fn only_those_who_run_a_campaign_see_or_touch_its_volunteers() {
    on_each_database(async |app| {
        let (people, _) = crowd(app).await;
        let name = name_of(&people[0]).await;
        app.public_campaign("other").await;
        let reviewer = app.signed_in_as(Role::Reviewer, "raqqa").await;
        let researcher = app.signed_in_as(Role::Researcher, "raqqa").await;
        let elsewhere = app.signed_in_as(Role::Coordinator, "other").await;
        let act = json!({"volunteers": [name], "kind": "excluded", "reason": "why"});
        let lift = json!({"volunteers": [name], "reason": "why"});
        for person in [&people[0], &reviewer, &researcher, &elsewhere] {
            person.get(VOLUNTEERS).await.refused(403, "forbidden");
            person.get(&format!("{VOLUNTEERS}/{name}")).await.refused(403, "forbidden");
            person.get("/api/v1/campaigns/raqqa/rings").await.refused(403, "forbidden");
            person.post(EXCLUSIONS, act.clone()).await.refused(403, "forbidden");
            person.post(LIFT, lift.clone()).await.refused(403, "forbidden");
        }
        app.browser().get(VOLUNTEERS).await.refused(401, "unauthorized");
        app.browser().post(EXCLUSIONS, act).await.refused(401, "unauthorized");
    })
    .await;
}

#[tokio::test]
async fn no_name_and_no_id_of_a_person_is_ever_shown() {
    on_each_database(async |app| {
        let (people, coordinator) = crowd(app).await;
        list(&coordinator, "", 3).await;
        let id = people[0].get("/api/v1/me/data").await.ok()["account"]["volunteer_id"].as_str().unwrap().to_owned();
        let name = name_of(&people[0]).await;
        let act = json!({"volunteers": [name], "kind": "excluded", "reason": "why"});
        let mut said = coordinator.post(EXCLUSIONS, act).await.ok().to_string();
        for path in [VOLUNTEERS.to_owned(), format!("{VOLUNTEERS}/{name}"), "/api/v1/campaigns/raqqa/rings".to_owned()]
        {
            said += &coordinator.get(&path).await.ok().to_string();
        }
        assert!(said.contains(&name) && !said.contains(CANARY) && !said.contains(&id), "{said}");
    })
    .await;
}

#[tokio::test]
async fn notes_of_excluded_people_wait_until_they_are_back() {
    on_each_database(async |app| {
        let (people, coordinator) = crowd(app).await;
        let taken = people[0].post("/api/v1/campaigns/raqqa/leases", json!({"count": 1})).await.ok();
        let note =
            json!({"id": Uuid::now_v7(), "lease_id": taken["leases"][0]["lease_id"], "text": "spam", "flagged": true});
        people[0].post("/api/v1/campaigns/raqqa/notes", note).await.ok();
        let notes =
            async || coordinator.get("/api/v1/campaigns/raqqa/notes").await.ok()["notes"].as_array().unwrap().len();
        assert_eq!(notes().await, 1);
        let name = name_of(&people[0]).await;
        let act = json!({"volunteers": [name], "kind": "excluded", "reason": "spam"});
        coordinator.post(EXCLUSIONS, act).await.ok();
        assert_eq!(notes().await, 0);
        coordinator.post(LIFT, json!({"volunteers": [name], "reason": "a mistake"})).await.ok();
        assert_eq!(notes().await, 1);
    })
    .await;
}
