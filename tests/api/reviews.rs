//! Reviews from outside: a tile that the crowd could not settle goes through experts, who may differ.

use aftermap::domain::policy::Policy;
use aftermap::domain::volunteer::Role;
use aftermap::services::people::grant_role::Grant;
use aftermap::storage::labelling::queue;
use aftermap::storage::schema::{audit_log, reviews, tiles};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::helpers::{Browser, TestApp, on_each_database};

const REVIEWS: &str = "/api/v1/campaigns/raqqa/reviews";

async fn expert(app: &TestApp, name: &str, role: Role) -> Browser {
    app.signed_in(name, Some(Grant::InCampaign { campaign: "raqqa".into(), role })).await
}

/// A new guest answers every tile of the campaign by its id.
pub async fn guest_says(app: &TestApp, answer: impl Fn(&str) -> &'static str) {
    let guest = app.browser();
    guest.become_guest().await;
    for _ in 0..10 {
        let taken = guest.post("/api/v1/campaigns/raqqa/leases", json!({"count": 5})).await.ok();
        let leases = taken["leases"].as_array().unwrap().clone();
        if leases.is_empty() {
            return;
        }
        let item = |lease: &Value| {
            let answer = answer(lease["tile"]["id"].as_str().unwrap());
            json!({"id": Uuid::now_v7(), "lease_id": lease["lease_id"], "answer": answer, "seconds": 2.0})
        };
        guest.post("/api/v1/labels", Value::Array(leases.iter().map(item).collect())).await.ok();
    }
}

fn tile(x: u32) -> String {
    format!("13-{}-3200", 5_000 + x)
}

/// A campaign whose tiles settle with two labels that agree. Of its twelve, 0 is contested with one answer for each end of
/// the scale, 1 with one side answer, all others are settled.
pub async fn contested_campaign(app: &TestApp) {
    app.public_campaign("raqqa").await;
    let quick = |policy: &mut Policy| {
        *policy = Policy {
            minimum: 2,
            maximum: 2,
            lead_without_model: 2,
            second_look_share: 0.0,
            leases_at_once: 5,
            ..Policy::default()
        }
    };
    app.set_policy("raqqa", quick).await;
    let (split, aside) = (tile(0), tile(1));
    guest_says(app, |_| "damaged").await;
    guest_says(app, move |id| match id {
        id if id == split => "no_visible_damage",
        id if id == aside => "bad_imagery",
        _ => "damaged",
    })
    .await;
}

async fn queue_of(browser: &Browser) -> Value {
    browser.get(&format!("{REVIEWS}/queue?limit=20")).await.ok()
}

fn ids(queue: &Value) -> Vec<String> {
    queue["tiles"].as_array().unwrap().iter().map(|one| one["tile"]["id"].as_str().unwrap().to_owned()).collect()
}

async fn decide(browser: &Browser, tile: &str, answer: &str) -> Value {
    browser.post(REVIEWS, json!({"id": Uuid::now_v7(), "tile": tile, "answer": answer})).await.ok()
}

async fn tile_state(app: &TestApp, id: &str) -> String {
    let id = id.to_owned();
    app.write(move |conn| {
        let tile: i64 = tiles::table.filter(tiles::tile_id.eq(&id)).select(tiles::id).first(conn)?;
        Ok(queue::lock(conn, tile)?.state.key().to_owned())
    })
    .await
}

#[tokio::test]
async fn the_queue_holds_what_the_crowd_could_not_settle_with_everything_that_was_said() {
    on_each_database(async |app| {
        contested_campaign(app).await;
        let reviewer = expert(app, "rima", Role::Reviewer).await;
        let queue = queue_of(&reviewer).await;
        assert_eq!((&queue["waiting"], &queue["held"], &queue["for_others"]), (&json!(2), &json!(0), &json!(0)));
        assert_eq!(ids(&queue).len(), 2);
        let first =
            queue["tiles"].as_array().unwrap().iter().find(|one| one["tile"]["id"] == tile(0).as_str()).unwrap();
        assert_eq!((&first["why"], &first["state"]), (&json!(["contested"]), &json!("contested")));
        assert_eq!((first["frames"].as_array().unwrap().len(), &first["reviews"]), (2, &json!([])));
        let labels = first["reasons"]["labels"].as_array().unwrap();
        let answers: Vec<&str> = labels.iter().map(|label| label["answer"].as_str().unwrap()).collect();
        assert_eq!(
            (answers.len(), labels[0]["weight"].is_number(), labels[0]["evidence"].is_number()),
            (2, true, true)
        );
        assert!(answers.contains(&"damaged") && answers.contains(&"no_visible_damage"), "{answers:?}");
        let hardness: Vec<f64> =
            queue["tiles"].as_array().unwrap().iter().map(|one| one["hardness"].as_f64().unwrap()).collect();
        assert!(hardness[0] >= hardness[1] && hardness[0] <= 1.0, "{hardness:?}");
        assert_eq!(ids(&queue_of(&reviewer).await), ids(&queue), "the same order when asked again");
    })
    .await;
}

#[tokio::test]
async fn a_decision_closes_the_tile_once_however_often_it_is_sent() {
    on_each_database(async |app| {
        contested_campaign(app).await;
        let reviewer = expert(app, "rima", Role::Reviewer).await;
        let body = json!({"id": Uuid::now_v7(), "tile": tile(0), "answer": "destroyed", "note": "the roof is gone"});
        let told = reviewer.post(REVIEWS, body.clone()).await.ok();
        assert_eq!((&told["standing"], &told["tile_state"]), (&json!("in_force"), &json!("reviewed")));
        assert_eq!(reviewer.post(REVIEWS, body.clone()).await.ok(), told);
        let mut other = body.clone();
        other["answer"] = json!("damaged");
        reviewer.post(REVIEWS, other).await.refused(409, "conflict");
        let stranger = expert(app, "omar", Role::Reviewer).await;
        stranger.post(REVIEWS, body).await.refused(409, "conflict");
        let (rows, noted): (i64, i64) = app
            .write(|conn| {
                let noted = audit_log::table.filter(audit_log::act.eq("review")).count().get_result(conn)?;
                Ok((reviews::table.count().get_result(conn)?, noted))
            })
            .await;
        assert_eq!((rows, noted), (1, 1));
        assert_eq!(queue_of(&reviewer).await["waiting"], 1);
        // The map shows the expert's class to whoever may see it, and the reasons are still the crowd's.
        let researcher = expert(app, "rana", Role::Researcher).await;
        let shown = researcher.get(&format!("/api/v1/campaigns/raqqa/map/tiles/{}", tile(0))).await.ok();
        let finding = &shown["finding"];
        assert_eq!((&finding["class"], &finding["probability"]), (&json!("destroyed"), &json!(1.0)));
        assert_eq!((&finding["method"], &finding["labels"]), (&json!("expert"), &json!(2)));
        assert_eq!((&finding["closed_reason"], &shown["reasons"]["reproduced"]), (&json!("reviewed"), &json!(true)));
        let csv = researcher.get("/api/v1/campaigns/raqqa/exports/tiles.csv").await;
        let line = csv.ok_text().lines().find(|line| line.contains(&tile(0))).unwrap().to_owned();
        assert!(line.contains(",reviewed,destroyed,"), "{line}");
        let mine = reviewer.get("/api/v1/me/data").await.ok()["reviews"].clone();
        assert_eq!((&mine[0]["tile"], &mine[0]["in_force"]), (&json!(tile(0)), &json!(true)));
    })
    .await;
}

#[tokio::test]
async fn reviewers_who_differ_send_the_tile_to_a_third_and_the_majority_is_in_force() {
    on_each_database(async |app| {
        contested_campaign(app).await;
        let (a, b) = (expert(app, "aya", Role::Reviewer).await, expert(app, "bilal", Role::Reviewer).await);
        let c = expert(app, "chadi", Role::Coordinator).await;
        assert_eq!(decide(&a, &tile(0), "destroyed").await["standing"], "in_force");
        let told = decide(&b, &tile(0), "damaged").await;
        assert_eq!((&told["standing"], &told["tile_state"]), (&json!("disputed"), &json!("contested")));
        assert_eq!(tile_state(app, &tile(0)).await, "contested");
        for differing in [&a, &b] {
            let queue = queue_of(differing).await;
            assert_eq!((ids(&queue).contains(&tile(0)), &queue["for_others"]), (false, &json!(1)));
        }
        let queue = queue_of(&c).await;
        assert_eq!((ids(&queue)[0].clone(), &queue["tiles"][0]["hardness"]), (tile(0), &json!(1.0)));
        assert_eq!(queue["tiles"][0]["why"], json!(["disputed"]));
        assert_eq!(decide(&c, &tile(0), "damaged").await["standing"], "agrees");
        let seen = a.get(&format!("{REVIEWS}/tiles/{}", tile(0))).await.ok();
        let standings: Vec<&str> =
            seen["reviews"].as_array().unwrap().iter().map(|one| one["standing"].as_str().unwrap()).collect();
        assert_eq!((standings, &seen["state"]), (vec!["outvoted", "in_force", "agrees"], &json!("reviewed")));
        assert_eq!(seen["finding"]["class"], "damaged");
        assert_eq!((&seen["reviews"][0]["mine"], &seen["reviews"][1]["mine"]), (&json!(true), &json!(false)));
    })
    .await;
}

#[tokio::test]
async fn an_author_may_decide_again_and_the_first_decision_is_kept() {
    on_each_database(async |app| {
        contested_campaign(app).await;
        let (a, b) = (expert(app, "aya", Role::Reviewer).await, expert(app, "bilal", Role::Reviewer).await);
        decide(&a, &tile(0), "destroyed").await;
        decide(&b, &tile(0), "damaged").await;
        let told = decide(&a, &tile(0), "damaged").await;
        assert_eq!((&told["standing"], &told["tile_state"]), (&json!("agrees"), &json!("reviewed")));
        let seen = b.get(&format!("{REVIEWS}/tiles/{}", tile(0))).await.ok();
        let all = seen["reviews"].as_array().unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!((&all[0]["standing"], &all[0]["answer"]), (&json!("revised"), &json!("destroyed")));
        let listed = b.get(&format!("{REVIEWS}?mine=true")).await.ok();
        assert_eq!(listed["reviews"].as_array().unwrap().len(), 1);
        // A decided tile that was never contested can be objected to as well.
        let told = decide(&b, &tile(7), "no_visible_damage").await;
        assert_eq!((&told["standing"], &told["tile_state"]), (&json!("in_force"), &json!("reviewed")));
    })
    .await;
}

#[tokio::test]
async fn two_at_once_and_a_label_in_flight_leave_one_review_in_force() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let guest = app.browser();
        guest.become_guest().await;
        let leases = guest.post("/api/v1/campaigns/raqqa/leases", json!({"count": 5})).await.ok()["leases"].clone();
        let mut people = Vec::new();
        for name in ["one-one", "two-two", "three-three", "four-four"] {
            people.push(expert(app, name, Role::Reviewer).await);
        }
        for lease in leases.as_array().unwrap() {
            let id = lease["tile"]["id"].as_str().unwrap();
            let send = |at: usize, answer: &'static str| decide(&people[at], id, answer);
            let label = json!([{"id": Uuid::now_v7(), "lease_id": lease["lease_id"], "answer": "damaged"}]);
            let all = tokio::join!(
                send(0, "destroyed"),
                send(1, "destroyed"),
                send(2, "destroyed"),
                send(3, "damaged"),
                guest.post("/api/v1/labels", label)
            );
            assert_eq!(all.4.ok()["results"][0]["code"], Value::Null);
            assert_eq!(tile_state(app, id).await, "reviewed");
        }
        let wrong: i64 = app
            .write(|conn| {
                let in_force: i64 = reviews::table.filter(reviews::in_force).count().get_result(conn)?;
                let best: i64 =
                    reviews::table.filter(reviews::in_force).filter(reviews::answer.eq(2)).count().get_result(conn)?;
                Ok((in_force - 5).abs() + (best - 5).abs())
            })
            .await;
        assert_eq!(wrong, 0, "three of four say destroyed on each of five tiles");
    })
    .await;
}

#[tokio::test]
async fn a_tile_before_one_reviewer_is_shown_so_to_the_others_and_flags_are_seen_to_by_deciding() {
    on_each_database(async |app| {
        contested_campaign(app).await;
        let (a, b) = (expert(app, "aya", Role::Reviewer).await, expert(app, "bilal", Role::Reviewer).await);
        let guest = app.browser();
        guest.become_guest().await;
        let first = ids(&queue_of(&a).await)[0].clone();
        let hold =
            async |browser: &Browser, id: &str| browser.post(&format!("{REVIEWS}/holds"), json!({"tile": id})).await;
        assert_eq!(hold(&a, &first).await.ok(), json!({"held": true, "seconds": 180}));
        assert_eq!(hold(&a, &first).await.ok()["held"], true, "asked for again");
        assert_eq!(hold(&b, &first).await.ok()["held"], false);
        let queue = queue_of(&b).await;
        assert_eq!(
            (ids(&queue)[1].clone(), &queue["tiles"][1]["held"], &queue["held"]),
            (first.clone(), &json!(true), &json!(1))
        );
        let mine = queue_of(&a).await;
        assert_eq!((ids(&mine)[0].clone(), &mine["tiles"][0]["held"]), (first.clone(), &json!(false)));
        hold(&a, &ids(&mine)[1]).await.ok();
        assert_eq!(hold(&b, &first).await.ok()["held"], true, "whoever goes on lets go");
        hold(&b, "1-1-1").await.refused(404, "not_found");
        // A settled tile on which a volunteer left a flag waits too, until somebody decided.
        let flagged = tile(5);
        flag(app, &flagged).await;
        let queue = queue_of(&b).await;
        let one = queue["tiles"].as_array().unwrap().iter().find(|one| one["tile"]["id"] == flagged.as_str()).unwrap();
        assert_eq!((&one["why"], &one["notes"][0]["text"]), (&json!(["flagged"]), &json!("a crane stands here")));
        decide(&b, &flagged, "damaged").await;
        assert!(!ids(&queue_of(&b).await).contains(&flagged));
        let open = b.get("/api/v1/campaigns/raqqa/notes?flagged=true&open=true").await.ok();
        assert_eq!(open["notes"], json!([]));
    })
    .await;
}

async fn flag(app: &TestApp, id: &str) {
    let id = id.to_owned();
    app.write(move |conn| {
        let (tile, campaign_id): (i64, i64) =
            tiles::table.filter(tiles::tile_id.eq(&id)).select((tiles::id, tiles::campaign_id)).first(conn)?;
        let label = aftermap::storage::labelling::labels::all_of_tile(conn, tile)?.remove(0);
        let note = aftermap::storage::labelling::notes::NewNote {
            id: Uuid::now_v7(),
            tile,
            campaign_id,
            volunteer_id: label.volunteer_id,
            label_id: None,
            flagged: true,
            text: "a crane stands here",
        };
        Ok(aftermap::storage::labelling::notes::insert(conn, &note, 5)?)
    })
    .await;
}

#[tokio::test]
async fn only_reviewers_and_above_read_the_queue_and_decide() {
    on_each_database(async |app| {
        contested_campaign(app).await;
        let body = || json!({"id": Uuid::now_v7(), "tile": tile(0), "answer": "damaged"});
        let guest = app.browser();
        guest.become_guest().await;
        let plain = app.signed_in("nobody-special", None).await;
        for stranger in [&app.browser(), &guest, &plain] {
            for path in ["", "/queue", "/tiles/13-5000-3200"] {
                let refusal = stranger.get(&format!("{REVIEWS}{path}")).await;
                assert!([401, 403].contains(&refusal.status.as_u16()), "{path}: {}", refusal.text);
            }
            for (path, body) in [("", body()), ("/holds", json!({"tile": tile(0)}))] {
                let refusal = stranger.post(&format!("{REVIEWS}{path}"), body).await;
                assert!([401, 403].contains(&refusal.status.as_u16()), "{path}: {}", refusal.text);
            }
        }
        for (name, role) in [("rita", Role::Reviewer), ("rana", Role::Researcher), ("cora", Role::Coordinator)] {
            let browser = expert(app, name, role).await;
            browser.get(&format!("{REVIEWS}/queue")).await.ok();
            browser.post(REVIEWS, body()).await.ok();
        }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_decided_is_refused_with_its_field() {
    on_each_database(async |app| {
        contested_campaign(app).await;
        let reviewer = expert(app, "rima", Role::Reviewer).await;
        let send = async |change: Value| {
            let mut body = json!({"id": Uuid::now_v7(), "tile": tile(0), "answer": "damaged"});
            change.as_object().unwrap().iter().for_each(|(key, value)| body[key] = value.clone());
            reviewer.post(REVIEWS, body).await
        };
        assert_eq!(send(json!({"answer": "ruined"})).await.refused(422, "invalid")["field"], "answer");
        let window = json!({"last_intact": null, "first_damaged": "1"});
        assert_eq!(send(json!({"window": window})).await.refused(422, "invalid")["field"], "window");
        assert_eq!(send(json!({"note": "x".repeat(2_001)})).await.refused(422, "invalid")["field"], "note");
        send(json!({"tile": "1-1-1"})).await.refused(404, "not_found");
        send(json!({"colour": "red"})).await.refused(422, "invalid");
        assert_eq!(reviewer.get(&format!("{REVIEWS}/queue?limit=0")).await.refused(422, "invalid")["field"], "limit");
        assert_eq!(reviewer.get(&format!("{REVIEWS}?limit=201")).await.refused(422, "invalid")["field"], "limit");
        // Nobody could tell, the expert neither: reviewed, without a class.
        let told = send(json!({"tile": tile(1), "answer": "bad_imagery"})).await.ok();
        assert_eq!(told["tile_state"], "reviewed");
        let seen = reviewer.get(&format!("{REVIEWS}/tiles/{}", tile(1))).await.ok();
        assert_eq!((&seen["finding"]["class"], &seen["state"]), (&Value::Null, &json!("reviewed")));
    })
    .await;
}

#[tokio::test]
async fn a_reviewer_takes_the_own_decision_back_and_the_tile_waits_again() {
    on_each_database(async |app| {
        contested_campaign(app).await;
        let (rima, omar) = (expert(app, "rima", Role::Reviewer).await, expert(app, "omar", Role::Reviewer).await);
        let waiting = ids(&queue_of(&rima).await);
        let id = decide(&rima, &tile(0), "damaged").await["id"].as_str().unwrap().to_owned();
        assert_eq!(tile_state(app, &tile(0)).await, "reviewed");
        let mine = format!("{REVIEWS}/{id}");
        omar.delete(&mine).await.refused(404, "not_found");
        assert_eq!(tile_state(app, &tile(0)).await, "reviewed");
        for _ in 0..2 {
            let gone = rima.delete(&mine).await.ok();
            assert_eq!((&gone["standing"], &gone["tile_state"]), (&json!("withdrawn"), &json!("contested")));
        }
        assert_eq!(ids(&queue_of(&rima).await), waiting, "it waits for me again");
        let case = rima.get(&format!("{REVIEWS}/tiles/{}", tile(0))).await.ok();
        assert_eq!(case["reviews"][0]["standing"], "withdrawn", "the row stays");
        assert_eq!(rima.get(&format!("{REVIEWS}?mine=true")).await.ok()["reviews"], json!([]));
        let noted = app
            .write(|conn| Ok(audit_log::table.filter(audit_log::act.eq("review")).count().get_result::<i64>(conn)?));
        assert_eq!(noted.await, 2, "deciding and taking back, once each");

        // One of two who differed takes it back: the other's opinion is in force.
        decide(&rima, &tile(0), "damaged").await;
        let other = decide(&omar, &tile(0), "no_visible_damage").await;
        assert_eq!(other["tile_state"], "contested");
        let gone = omar.delete(&format!("{REVIEWS}/{}", other["id"].as_str().unwrap())).await.ok();
        assert_eq!(gone["tile_state"], "reviewed");
        rima.delete(&format!("{REVIEWS}/{}", Uuid::now_v7())).await.refused(404, "not_found");
        rima.delete(&format!("{REVIEWS}/none")).await.refused(404, "not_found");
    })
    .await;
}
