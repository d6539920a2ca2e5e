//! Validation from outside: a sample is drawn, graded blind by people who did not label its tiles, and reported.

use aftermap::domain::consensus::{Consensus, TileState};
use aftermap::domain::volunteer::Role;
use aftermap::services::people::grant_role::Grant;
use aftermap::storage::labelling::consensus::{self, Provenance};
use aftermap::storage::labelling::queue;
use aftermap::storage::scenes::tiles;
use aftermap::storage::{Conn, QueryError, campaigns};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::helpers::{Browser, TestApp, on_each_database};

const SAMPLES: &str = "/api/v1/campaigns/raqqa/validation";

/// Closes the campaign's twelve tiles: 6 undamaged, 4 damaged, 2 destroyed; every other one with split labels.
async fn close_tiles(app: &TestApp) {
    app.write(|conn| {
        let campaign = campaigns::find(conn, "raqqa")?.expect("the campaign").id;
        let mut ids: Vec<(String, i64)> = tiles::ids_of_campaign(conn, campaign)?.into_iter().collect();
        ids.sort();
        for (at, (_, tile)) in ids.into_iter().enumerate() {
            let class = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2][at];
            close(conn, campaign, tile, class, if at % 2 == 0 { 1.0 } else { 0.5 })?;
        }
        Ok(())
    })
    .await;
}

fn close(conn: &mut Conn, campaign: i64, tile: i64, class: u8, agreement: f64) -> Result<(), QueryError> {
    let mut probabilities = vec![0.05; 3];
    probabilities[usize::from(class)] = 0.9;
    let result = Consensus {
        probabilities,
        class: Some(class),
        probability: Some(0.9),
        labels: 4,
        answers: vec![1, 1, 2, 0, 0],
        agreement: Some(agreement),
        entropy: 0.3,
        evidence: 2.0,
        effective_redundancy: 4.0,
        unusable_share: 0.0,
    };
    let from = Provenance { model: 0, method: "x", method_version: 1, closed_reason: Some("lead"), changed_at: 1 };
    consensus::replace(conn, (tile, campaign), &result, None, &from)?;
    let mut row = queue::lock(conn, tile)?;
    (row.state, row.closed_at) = (TileState::Settled, Some(1));
    queue::save(conn, &row)
}

async fn grader(app: &TestApp, name: &str, role: Role) -> Browser {
    app.signed_in(name, Some(Grant::InCampaign { campaign: "raqqa".into(), role })).await
}

async fn draw(app: &TestApp, body: Value) -> (Browser, Value) {
    app.public_campaign("raqqa").await;
    close_tiles(app).await;
    let researcher = grader(app, "rana", Role::Researcher).await;
    let drawn = researcher.post(SAMPLES, body).await;
    assert_eq!(drawn.status, 201, "{}", drawn.text);
    let drawn = drawn.ok();
    (researcher, drawn)
}

/// Grades all that this person may, each tile by `answer`.
async fn grade_all(browser: &Browser, answer: impl Fn(&str) -> &'static str) -> usize {
    for graded in 0..40 {
        let desk = browser.get(&format!("{SAMPLES}/1/desk?count=1")).await.ok();
        let Some(tile) = desk["tiles"].as_array().unwrap().first() else { return graded };
        let tile = tile["tile"]["id"].as_str().unwrap();
        let body = json!({"tile": tile, "answer": answer(tile), "seconds": 3.5});
        browser.post(&format!("{SAMPLES}/1/grades"), body).await.ok();
    }
    panic!("the desk never gets empty");
}

/// The class that the map gives a tile, by its column.
fn on_the_map(tile: &str) -> &'static str {
    let column: u32 = tile.split('-').nth(1).unwrap().parse().unwrap();
    ["no_visible_damage", "damaged", "destroyed"][[0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2][(column - 5_000) as usize]]
}

#[tokio::test]
async fn a_sample_is_graded_by_two_and_disputes_by_a_third() {
    on_each_database(async |app| {
        let (researcher, drawn) = draw(app, json!({"size": 12, "floor": 2, "seed": "one"})).await;
        assert_eq!(drawn, json!({"number": 1}));
        let (first, second) = (grader(app, "first", Role::Reviewer).await, grader(app, "second", Role::Reviewer).await);
        // The second disputes one tile of each class.
        let disputed = ["13-5000-3200", "13-5006-3200", "13-5010-3200"];
        let says = move |tile: &str| match disputed.contains(&tile) {
            true => "unsure",
            false => on_the_map(tile),
        };
        assert_eq!(grade_all(&first, on_the_map).await, 12);
        assert_eq!(grade_all(&second, says).await, 12);
        let progress = &first.get(SAMPLES).await.ok()["samples"][0];
        assert_eq!(progress["progress"], json!({"drawn": 12, "decided": 9, "third": 3, "once": 0, "ungraded": 0}));
        assert_eq!((&progress["mine"], &progress["left"]), (&json!(12), &json!(0)), "nobody grades a tile twice");
        let half = researcher.get(&format!("{SAMPLES}/1")).await.ok();
        assert_eq!(half["complete"], false);
        // The researcher is the third, and finds the undamaged one damaged.
        let third = |tile: &str| if tile == "13-5000-3200" { "damaged" } else { on_the_map(tile) };
        assert_eq!(grade_all(&researcher, third).await, 3);
        let slug = SAMPLES.split('/').nth(4).expect("the campaign");
        let boss = app.signed_in_as(Role::Coordinator, slug).await;
        let log = boss.get(&format!("/api/v1/campaigns/{slug}/audit?act=grade_tile")).await.ok();
        let noted = log["entries"].as_array().unwrap();
        assert_eq!(noted.len(), 27, "every grade is in the log");
        assert!(noted.iter().any(|one| one["actor"] == "first" && one["subject"] == "sample 1: 13-5000-3200"), "{log}");
        assert!(noted.iter().all(|one| one["detail"] == json!({})), "and none says what was answered: {log}");
        let report = researcher.get(&format!("{SAMPLES}/1")).await.ok();
        assert_eq!((&report["complete"], &report["graders"]), (&json!(true), &json!(3)));
        assert_eq!(report["accuracy"]["matrix"], json!([[5, 1, 0], [0, 4, 0], [0, 0, 2]]));
        assert_eq!(report["population"], 12);
        let overall = &report["accuracy"]["overall"];
        assert!((overall["value"].as_f64().unwrap() - 11.0 / 12.0).abs() < 1e-9, "{overall}");
        assert_eq!(overall["standard_error"], 0.0, "every tile was checked");
        assert_eq!((&report["agreement"]["tiles"], &report["agreement"]["share"]), (&json!(12), &json!(0.75)));
        let damaged = report["amounts"].as_array().unwrap().iter().find(|one| one["class"] == "any_damage").unwrap();
        assert!(damaged["area_km2"].as_f64().unwrap() > 0.0, "cells have an area: {damaged}");
        let method = "/api/v1/campaigns/raqqa/exports/method.md";
        assert!(researcher.get(method).await.ok_text().contains("## How right the map is"));
        let everybody = app.browser().get(method).await;
        let kept = everybody.ok_text();
        assert!(kept.contains("told when the campaign is over") && !kept.contains("## How right"), "{kept}");
    })
    .await;
}

#[tokio::test]
async fn graders_see_pictures_and_places_and_nothing_else() {
    on_each_database(async |app| {
        draw(app, json!({"size": 12, "floor": 2})).await;
        let reviewer = grader(app, "rima", Role::Reviewer).await;
        let desk = reviewer.get(&format!("{SAMPLES}/1/desk?count=10")).await.ok();
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&desk), ["barred", "left", "mine", "tiles"]);
        assert_eq!(desk["tiles"].as_array().unwrap().len(), 10);
        for shown in desk["tiles"].as_array().unwrap() {
            assert_eq!(
                (keys(shown), keys(&shown["tile"])),
                (vec!["frames".into(), "tile".into()], vec!["bbox".into(), "footprint".into(), "id".into()])
            );
        }
        let held = desk["tiles"][0]["tile"]["id"].as_str().unwrap();
        reviewer.get(&format!("{SAMPLES}/1")).await.refused(403, "forbidden");
        reviewer.get(&format!("{SAMPLES}/1/tiles.csv")).await.refused(403, "forbidden");
        reviewer.post(SAMPLES, json!({"size": 5})).await.refused(403, "forbidden");
        for stranger in [app.signed_in("nobody-special", None).await, app.browser()] {
            for path in ["", "/1", "/1/desk", "/1/report.csv"] {
                let refusal = stranger.get(&format!("{SAMPLES}{path}")).await;
                assert!([401, 403].contains(&refusal.status.as_u16()), "{path}: {}", refusal.text);
            }
            let refusal =
                stranger.post(&format!("{SAMPLES}/1/grades"), json!({"tile": held, "answer": "damaged"})).await;
            assert!([401, 403].contains(&refusal.status.as_u16()), "{}", refusal.text);
        }
    })
    .await;
}

#[tokio::test]
async fn who_labelled_a_tile_may_not_grade_it() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let volunteer = grader(app, "vera", Role::Reviewer).await;
        let leases = volunteer.post("/api/v1/campaigns/raqqa/leases", json!({"count": 2})).await.ok()["leases"].clone();
        let labels: Vec<Value> = leases
            .as_array()
            .unwrap()
            .iter()
            .map(|lease| json!({"id": Uuid::now_v7(), "lease_id": lease["lease_id"], "answer": "damaged"}))
            .collect();
        volunteer.post("/api/v1/labels", json!(labels)).await.ok();
        close_tiles(app).await;
        let researcher = grader(app, "rana", Role::Researcher).await;
        researcher.post(SAMPLES, json!({"size": 12, "floor": 2})).await.ok();
        let desk = volunteer.get(&format!("{SAMPLES}/1/desk?count=10")).await.ok();
        assert_eq!((&desk["barred"], &desk["left"]), (&json!(2), &json!(10)));
        let own = leases[0]["tile"]["id"].as_str().unwrap();
        assert!(desk["tiles"].as_array().unwrap().iter().all(|one| one["tile"]["id"] != own));
        let refusal = volunteer.post(&format!("{SAMPLES}/1/grades"), json!({"tile": own, "answer": "damaged"})).await;
        assert!(refusal.refused(403, "forbidden")["detail"].as_str().unwrap().contains("labelled"));
    })
    .await;
}

#[tokio::test]
async fn a_grade_is_kept_once_can_be_changed_while_it_is_fresh_and_late_ones_are_not_used() {
    on_each_database(async |app| {
        let (researcher, _) = draw(app, json!({"size": 12, "floor": 2})).await;
        let grades = format!("{SAMPLES}/1/grades");
        let tile = "13-5003-3200";
        let send = async |browser: &Browser, answer: &str| {
            browser.post(&grades, json!({"tile": tile, "answer": answer})).await
        };
        let (a, b) = (grader(app, "a-a", Role::Reviewer).await, grader(app, "b-b", Role::Reviewer).await);
        for answer in ["damaged", "damaged", "destroyed"] {
            assert_eq!(send(&a, answer).await.ok(), json!({"counted": true}));
        }
        assert_eq!(send(&b, "destroyed").await.ok(), json!({"counted": true}));
        send(&a, "damaged").await.refused(409, "conflict");
        assert_eq!(send(&a, "destroyed").await.ok(), json!({"counted": true}), "the same again");
        assert_eq!(send(&researcher, "damaged").await.ok(), json!({"counted": false}), "decided before");
        let table = researcher.get(&format!("{SAMPLES}/1/tiles.csv")).await;
        let line = table.ok_text().lines().find(|line| line.starts_with(tile)).unwrap().to_owned();
        assert_eq!(line.matches("destroyed").count(), 3, "two grades and the reference: {line}");
        let mine = a.get("/api/v1/me/data").await.ok()["grades"].clone();
        assert_eq!((&mine[0]["tile"], &mine[0]["answer"]), (&json!(tile), &json!("destroyed")));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_field() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let researcher = grader(app, "rana", Role::Researcher).await;
        let refusal = researcher.post(SAMPLES, json!({"size": 5})).await.refused(409, "conflict");
        assert!(refusal["detail"].as_str().unwrap().contains("no closed tile"), "{refusal}");
        close_tiles(app).await;
        let field = async |body: Value| researcher.post(SAMPLES, body).await.refused(422, "invalid")["field"].clone();
        assert_eq!(field(json!({"size": 1})).await, "size");
        assert_eq!(field(json!({"size": 5, "floor": 1})).await, "floor");
        assert_eq!(field(json!({"size": 5, "floor": 5})).await, "size", "six strata of which each wants two or more");
        assert_eq!(field(json!({"size": 5, "agreed_from": 2.0})).await, "agreed_from");
        assert_eq!(field(json!({"size": 5, "seed": ""})).await, "seed");
        researcher.post(SAMPLES, json!({"size": 12, "floor": 2})).await.ok();
        let grades = format!("{SAMPLES}/1/grades");
        let wrong = researcher.post(&grades, json!({"tile": "13-5000-3200", "answer": "ruined"})).await;
        assert_eq!(wrong.refused(422, "invalid")["field"], "answer");
        researcher.post(&grades, json!({"tile": "1-1-1", "answer": "damaged"})).await.refused(404, "not_found");
        let wrong = json!({"tile": "13-5000-3200", "answer": "damaged", "seconds": -1});
        assert_eq!(researcher.post(&grades, wrong).await.refused(422, "invalid")["field"], "seconds");
        for path in ["/2", "/0", "/4294967295", "/1/report.xls", "/x"] {
            researcher.get(&format!("{SAMPLES}{path}")).await.refused(404, "not_found");
        }
        assert_eq!(
            researcher.get(&format!("{SAMPLES}/1/desk?count=0")).await.refused(422, "invalid")["field"],
            "count"
        );
    })
    .await;
}

#[tokio::test]
async fn the_same_seed_draws_the_same_tiles_and_the_report_comes_in_three_forms() {
    on_each_database(async |app| {
        let (researcher, _) = draw(app, json!({"size": 12, "floor": 2, "seed": "again", "agreed_from": 0.4})).await;
        for _ in 0..2 {
            researcher.post(SAMPLES, json!({"size": 7, "floor": 2, "seed": "again", "agreed_from": 0.4})).await.ok();
        }
        let tiles =
            async |number: u32| researcher.get(&format!("{SAMPLES}/{number}/tiles.csv")).await.ok_text().to_owned();
        assert_eq!(tiles(2).await, tiles(3).await);
        assert_eq!(tiles(2).await.lines().count(), 8);
        assert_eq!(tiles(1).await.lines().count(), 13);
        let csv = researcher.get(&format!("{SAMPLES}/2/report.csv")).await;
        assert!(csv.ok_text().starts_with("figure,class,reference,value"), "{}", csv.text);
        let json = researcher.get(&format!("{SAMPLES}/2/report.json")).await.ok();
        assert_eq!((&json["settings"]["seed"], &json["accuracy"]["overall"]), (&json!("again"), &Value::Null));
        let note = researcher.get(&format!("{SAMPLES}/2/report.md")).await;
        assert!(note.ok_text().contains("**Provisional**: 0 of 7"), "{}", note.text);
    })
    .await;
}
