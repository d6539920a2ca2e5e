//! Training: introduction, field guide, practice with feedback, and the gate before the first tile.

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::gold::GoldKind;
use aftermap::domain::volunteer::Role;
use aftermap::storage::campaigns::texts;
use aftermap::storage::schema::{current_labels, labels, skills};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::helpers::{Browser, TestApp, on_each_database};

const TRAINING: &str = "/api/v1/campaigns/raqqa/training";
const PRACTICE: &str = "/api/v1/campaigns/raqqa/practice";
const LEASES: &str = "/api/v1/campaigns/raqqa/leases";

fn tile(number: usize) -> String {
    format!("13-{}-3200", 5_000 + number)
}

/// Tiles 0 to 4 to practise on, of which 0 is an example of `destroyed`; tile 5 is check gold.
async fn practice(app: &TestApp) {
    let campaign = app.public_campaign("raqqa").await;
    let tiles: Vec<String> = (0..6).map(tile).collect();
    let answers = ["destroyed", "destroyed", "damaged", "no_visible_damage", "unsure"];
    let gold: Vec<(&str, &str)> = tiles.iter().map(String::as_str).zip(answers).collect();
    app.gold("raqqa", GoldKind::Practice, &gold).await;
    app.gold("raqqa", GoldKind::Check, &[(&tiles[5], "destroyed")]).await;
    app.write(move |conn| Ok(texts::put_guide(conn, campaign.id, "en", 2, "Rubble, no shadow.")?)).await;
}

async fn guest(app: &TestApp) -> Browser {
    let browser = app.browser();
    browser.become_guest().await;
    browser
}

async fn say(browser: &Browser, number: usize, answer: &str) -> Value {
    browser.post(PRACTICE, json!({"tile": tile(number), "answer": answer})).await.ok()
}

#[tokio::test]
async fn training_shows_the_guide_with_examples_and_the_tiles_to_practise_on() {
    on_each_database(async |app| {
        practice(app).await;
        let training = app.browser().get(TRAINING).await.ok();
        let guide = training["guide"].as_array().unwrap();
        assert_eq!(guide.len(), 5);
        assert_eq!((&guide[2]["answer"], &guide[2]["text"]), (&json!("destroyed"), &json!("Rubble, no shadow.")));
        let examples = guide[2]["examples"].as_array().unwrap();
        assert_eq!((examples.len(), &examples[0]["tile"]["id"]), (1, &json!(tile(0))));
        assert_eq!(examples[0]["frames"].as_array().unwrap().len(), 2);
        let asked: Vec<&Value> =
            training["practice"]["tiles"].as_array().unwrap().iter().map(|one| &one["tile"]["id"]).collect();
        assert_eq!(asked, [&json!(tile(1)), &json!(tile(2)), &json!(tile(3)), &json!(tile(4))]);
        assert!(!training.to_string().contains(&tile(5)), "check gold is nowhere in it");
        let policy = app.browser().get("/api/v1/campaigns/raqqa").await.ok()["practice"].clone();
        assert_eq!(policy, json!({"required": false, "tiles": 4, "pass_share": 0.7}));
    })
    .await;
}

#[tokio::test]
async fn the_first_answer_counts_and_every_answer_is_explained() {
    on_each_database(async |app| {
        practice(app).await;
        let guest = guest(app).await;
        let wrong = say(&guest, 1, "damaged").await;
        let expected = json!({"right": false, "answer": "destroyed", "explanation": "because",
            "answered": 1, "right_total": 0, "passed": false});
        assert_eq!(wrong, expected);
        let again = say(&guest, 1, "destroyed").await;
        assert_eq!((&again["right"], &again["right_total"]), (&json!(true), &json!(0)));
        for (number, answer) in [(2, "damaged"), (3, "no_visible_damage")] {
            assert_eq!(say(&guest, number, answer).await["passed"], false);
        }
        let last = say(&guest, 4, "unsure").await;
        assert_eq!((&last["answered"], &last["right_total"], &last["passed"]), (&json!(4), &json!(3), &json!(true)));
        let practice = guest.get(TRAINING).await.ok()["practice"].clone();
        assert_eq!(
            (&practice["answered"], &practice["right"], &practice["passed"]),
            (&json!(4), &json!(3), &json!(true))
        );
        assert_eq!(practice["tiles"][0]["answered"], true);
    })
    .await;
}

#[tokio::test]
async fn practice_measures_nobody() {
    on_each_database(async |app| {
        practice(app).await;
        let guest = guest(app).await;
        for number in 1..5 {
            say(&guest, number, "damaged").await;
        }
        let rows = app.write(|conn| {
            let labels: i64 = labels::table.count().get_result(conn)?;
            let current: i64 = current_labels::table.count().get_result(conn)?;
            let skills: i64 = skills::table.count().get_result(conn)?;
            Ok(labels + current + skills)
        });
        assert_eq!(rows.await, 0);
        assert_eq!(guest.get("/api/v1/campaigns/raqqa").await.ok()["mine"]["labels"], 0);
    })
    .await;
}

#[tokio::test]
async fn a_required_practice_comes_before_the_first_tile_and_can_be_done_again() {
    on_each_database(async |app| {
        practice(app).await;
        app.set_policy("raqqa", |policy| policy.practice_required = true).await;
        let guest = guest(app).await;
        guest.post(LEASES, json!({"count": 1})).await.refused(403, "practice_required");
        for number in 1..5 {
            say(&guest, number, "bad_imagery").await;
        }
        guest.post(LEASES, json!({"count": 1})).await.refused(403, "practice_required");
        let fresh = say(&guest, 1, "destroyed").await;
        assert_eq!((&fresh["answered"], &fresh["right_total"]), (&json!(1), &json!(1)), "a new round");
        say(&guest, 2, "damaged").await;
        assert_eq!(say(&guest, 3, "no_visible_damage").await["passed"], true);
        assert_eq!(guest.post(LEASES, json!({"count": 2})).await.ok()["leases"].as_array().unwrap().len(), 2);
        say(&guest, 4, "damaged").await;
        assert_eq!(guest.get(TRAINING).await.ok()["practice"]["passed"], true, "who passed has passed");
    })
    .await;
}

#[tokio::test]
async fn a_required_practice_without_tiles_keeps_nobody_out() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        app.set_policy("raqqa", |policy| policy.practice_required = true).await;
        let leases = guest(app).await.post(LEASES, json!({"count": 1})).await.ok();
        assert_eq!(leases["leases"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_answer_for_anything_but_a_practice_tile_teaches_nothing() {
    on_each_database(async |app| {
        practice(app).await;
        app.campaign("hidden", Visibility::Private, ReleaseLevel::Private).await;
        app.gold("hidden", GoldKind::Practice, &[(&tile(7), "destroyed"), (&tile(8), "damaged")]).await;
        let guest = guest(app).await;
        let refusal = async |tile: String| {
            guest.post(PRACTICE, json!({"tile": tile, "answer": "destroyed"})).await.refused(404, "not_found")
        };
        let unknown = refusal("nowhere\u{0}".into()).await;
        // Check gold, an example, an ordinary tile, another campaign's practice tile.
        for number in [5, 0, 6, 7] {
            assert_eq!(refusal(tile(number)).await, unknown);
        }
        let foreign = "/api/v1/campaigns/hidden/practice";
        guest.post(foreign, json!({"tile": tile(7), "answer": "destroyed"})).await.refused(404, "not_found");
        guest.get("/api/v1/campaigns/hidden/training").await.refused(404, "not_found");
        let invited = app.signed_in_as(Role::Volunteer, "hidden").await;
        assert_eq!(invited.post(foreign, json!({"tile": tile(7), "answer": "destroyed"})).await.ok()["right"], true);
        let nobody = app.browser().post(PRACTICE, json!({"tile": tile(1), "answer": "destroyed"})).await;
        nobody.refused(401, "unauthorized");
        let field = |reply: Value| reply["field"].clone();
        let bad = json!({"tile": tile(1), "answer": "collapsed"});
        assert_eq!(field(guest.post(PRACTICE, bad).await.refused(422, "invalid")), "answer");
        let window = json!({"tile": tile(1), "answer": "destroyed", "window": {"last_intact": "1"}});
        assert_eq!(field(guest.post(PRACTICE, window).await.refused(422, "invalid")), "window");
        assert_eq!(guest.get(TRAINING).await.ok()["practice"]["answered"], 0);
    })
    .await;
}

#[tokio::test]
async fn one_persons_practice_is_not_anothers() {
    on_each_database(async |app| {
        practice(app).await;
        let (one, other) = (guest(app).await, guest(app).await);
        say(&one, 1, "destroyed").await;
        assert_eq!(one.get(TRAINING).await.ok()["practice"]["answered"], 1);
        assert_eq!(other.get(TRAINING).await.ok()["practice"]["answered"], 0);
    })
    .await;
}
