//! Gold over HTTP: marked by hand, out of a review or by file, changed, retired; and never recognisable.

use aftermap::domain::campaign::CampaignState;
use aftermap::domain::volunteer::Role;
use aftermap::http::listed;
use aftermap::services::people::grant_role::Grant;
use aftermap::storage::schema::{audit_log, queue, tiles};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::examples::address_of;
use crate::helpers::{Browser, TestApp, on_each_database};
use crate::reviews::{contested_campaign, guest_says};

const GOLD: &str = "/api/v1/campaigns/raqqa/gold";

async fn expert(app: &TestApp, name: &str, role: Role) -> Browser {
    app.signed_in(name, Some(Grant::InCampaign { campaign: "raqqa".into(), role })).await
}

fn tile(x: u32) -> String {
    format!("13-{}-3200", 5_000 + x)
}

fn mark(tile: &str, kind: &str, answer: &str) -> Value {
    json!({"tile": tile, "kind": kind, "answer": answer, "explanations": {"en": "The roof is gone.", "fr": "Plus de toit."}})
}

/// State and gold of a tile, and its counted labels.
async fn row(app: &TestApp, id: &str) -> (String, Option<String>, i16) {
    let id = id.to_owned();
    app.write(move |conn| {
        let row = queue::table.inner_join(tiles::table).filter(tiles::tile_id.eq(&id));
        Ok(row.select((queue::state, queue::gold, queue::counted)).first(conn)?)
    })
    .await
}

#[tokio::test]
async fn a_coordinator_marks_changes_and_retires_gold() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let coordinator = expert(app, "cora", Role::Coordinator).await;
        let made = coordinator.post(GOLD, mark(&tile(0), "check", "destroyed")).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.ok();
        assert_eq!((&made["kind"], &made["uses"], &made["suspect"]), (&json!("check"), &json!(0), &json!(false)));
        assert_eq!(made["explanations"], json!({"en": "The roof is gone.", "fr": "Plus de toit."}));
        coordinator.post(GOLD, mark(&tile(0), "check", "destroyed")).await.refused(409, "conflict");
        let address = format!("{GOLD}/{}", tile(0));
        let changed = json!({"kind": "check", "answer": "damaged", "explanations": {"en": "Look at the wall."}});
        let changed = coordinator.post(&address, changed).await.ok();
        assert_eq!(
            (&changed["answer"], &changed["explanations"]),
            (&json!("damaged"), &json!({"en": "Look at the wall."}))
        );
        let practice = json!({"kind": "practice", "answer": "damaged"});
        assert_eq!(coordinator.post(&address, practice).await.ok()["kind"], "practice");
        let back = json!({"kind": "check", "answer": "damaged"});
        assert_eq!(coordinator.post(&address, back).await.refused(422, "invalid")["field"], "kind");
        let list = coordinator.get(GOLD).await.ok();
        let spread = &list["spread"][1];
        assert_eq!(
            (&spread["answer"], &spread["practice"], &spread["missing"]),
            (&json!("damaged"), &json!(1), &json!(5))
        );
        assert_eq!((&list["rates"]["first_share"], &list["rates"]["share"]), (&json!(0.1), &json!(0.05)));
        let retire = coordinator.post(&format!("{address}/retire"), json!({"becomes": "ordinary"})).await;
        assert_eq!((retire.status.as_u16(), row(app, &tile(0)).await), (204, ("open".into(), None, 0)));
        coordinator.post(&format!("{address}/retire"), json!({"becomes": "ordinary"})).await.refused(404, "not_found");
        coordinator.post(GOLD, mark(&tile(1), "check", "destroyed")).await.ok();
        coordinator.post(&format!("{GOLD}/{}/retire", tile(1)), json!({"becomes": "reviewed"})).await.ok();
        assert_eq!(row(app, &tile(1)).await, ("reviewed".into(), None, 0));
        let acts: Vec<String> =
            app.write(|conn| Ok(audit_log::table.order(audit_log::id).select(audit_log::act).load(conn)?)).await;
        let about_gold: Vec<&str> = acts.iter().map(String::as_str).filter(|act| act.ends_with("gold")).collect();
        let expected = ["mark_gold", "change_gold", "change_gold", "retire_gold", "mark_gold", "retire_gold"];
        assert_eq!(about_gold, expected);
    })
    .await;
}

#[tokio::test]
async fn gold_comes_out_of_a_review_and_labels_count_again_when_it_is_retired() {
    on_each_database(async |app| {
        contested_campaign(app).await;
        let (reviewer, coordinator) =
            (expert(app, "rima", Role::Reviewer).await, expert(app, "cora", Role::Coordinator).await);
        let refused = reviewer.post(GOLD, mark(&tile(0), "practice", "destroyed")).await.refused(403, "forbidden");
        assert!(refused["detail"].as_str().unwrap().contains("a review is in force"), "{refused}");
        let decision = json!({"id": Uuid::now_v7(), "tile": tile(0), "answer": "destroyed"});
        reviewer.post("/api/v1/campaigns/raqqa/reviews", decision).await.ok();
        // It closed a moment ago, so nobody has seen that yet.
        reviewer.post(GOLD, mark(&tile(0), "check", "destroyed")).await.ok();
        assert_eq!(row(app, &tile(0)).await, ("reviewed".into(), Some("check".into()), 0));
        let listed = coordinator.get(GOLD).await.ok();
        assert_eq!((&listed["tiles"][0]["answers"], &listed["tiles"][0]["right"]), (&json!(2), &json!(0)));
        let again = json!({"id": Uuid::now_v7(), "tile": tile(0), "answer": "damaged"});
        reviewer.post("/api/v1/campaigns/raqqa/reviews", again).await.refused(409, "conflict");
        let retire = format!("{GOLD}/{}/retire", tile(0));
        coordinator.post(&retire, json!({"becomes": "ordinary"})).await.ok();
        assert_eq!(row(app, &tile(0)).await.0, "reviewed", "the review is still in force");
        // Without a review its labels decide again.
        coordinator.post(GOLD, mark(&tile(3), "check", "destroyed")).await.ok();
        assert_eq!(row(app, &tile(3)).await, ("reviewed".into(), Some("check".into()), 0));
        coordinator.post(&format!("{GOLD}/{}/retire", tile(3)), json!({"becomes": "ordinary"})).await.ok();
        assert_eq!(row(app, &tile(3)).await, ("settled".into(), None, 2));
    })
    .await;
}

#[tokio::test]
async fn a_tile_that_everybody_saw_closed_becomes_practice_and_never_check_gold() {
    on_each_database(async |app| {
        contested_campaign(app).await;
        app.write(|conn| Ok(diesel::update(queue::table).set(queue::closed_at.eq(1_000)).execute(conn)?)).await;
        let coordinator = expert(app, "cora", Role::Coordinator).await;
        let seen = coordinator.get(&format!("/api/v1/campaigns/raqqa/reviews/tiles/{}", tile(0))).await.ok();
        assert_eq!(seen["may_be_check"], false);
        let refused = coordinator.post(GOLD, mark(&tile(0), "check", "damaged")).await.refused(409, "conflict");
        assert!(refused["detail"].as_str().unwrap().contains("practice gold"), "{refused}");
        coordinator.post(GOLD, mark(&tile(0), "practice", "damaged")).await.ok();
        let guest = app.browser();
        guest.become_guest().await;
        let answer = json!({"tile": tile(0), "answer": "destroyed"});
        let feedback = |lang: &str| format!("/api/v1/campaigns/raqqa/practice?lang={lang}");
        let told = guest.post(&feedback("fr"), answer.clone()).await.ok();
        assert_eq!(told["explanation"], "The roof is gone.", "the campaign itself has no French");
        app.write(|conn| {
            let campaign = aftermap::storage::campaigns::find(conn, "raqqa")?.expect("the campaign");
            let texts = aftermap::domain::campaign::CampaignTexts { title: "R".into(), ..Default::default() };
            Ok(aftermap::storage::campaigns::texts::put(conn, campaign.id, "fr", &texts)?)
        })
        .await;
        assert_eq!(guest.post(&feedback("fr"), answer).await.ok()["explanation"], "Plus de toit.");
    })
    .await;
}

#[tokio::test]
async fn a_file_is_tried_line_by_line_and_stored_as_a_whole_or_not_at_all() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let coordinator = expert(app, "cora", Role::Coordinator).await;
        let send = async |kind: &str, format: &str, text: &str, dry_run: bool| {
            let body = json!({"kind": kind, "format": format, "text": text, "dry_run": dry_run});
            coordinator.post(&format!("{GOLD}/import"), body).await
        };
        let fates = |told: &Value| -> Vec<String> {
            told["lines"].as_array().unwrap().iter().map(|line| line["fate"].as_str().unwrap().to_owned()).collect()
        };
        let (a, b) = (tile(0), tile(1));
        let bad = format!("tile_id,answer\n{a},destroyed\n{b},ruined\n{a},destroyed\n1-1-1,damaged\n");
        let told = send("check", "csv", &bad, true).await.ok();
        assert_eq!((&told["stored"], fates(&told)), (&json!(false), vec!["added".into(), "refused".into(), "refused".into(), "refused".into()]));
        let reasons: Vec<&str> =
            told["lines"].as_array().unwrap()[1..].iter().map(|line| line["reason"].as_str().unwrap()).collect();
        assert!(reasons[0].contains("`ruined`") && reasons[1].contains("earlier line"), "{reasons:?}");
        assert!(reasons[2].contains("no such tile"), "{reasons:?}");
        assert_eq!(send("check", "csv", &bad, false).await.ok()["stored"], false);
        assert_eq!(coordinator.get(GOLD).await.ok()["tiles"], json!([]), "all or nothing");
        let good = format!("tile_id,answer,explanation\n{a},destroyed,no roof\n{b},damaged,\n");
        assert_eq!(send("check", "csv", &good, true).await.ok()["added"], 2);
        assert_eq!(coordinator.get(GOLD).await.ok()["tiles"], json!([]), "a dry run stores nothing");
        let told = send("check", "csv", &good, false).await.ok();
        assert_eq!((&told["stored"], &told["added"]), (&json!(true), &json!(2)));
        let told = send("check", "csv", &good, false).await.ok();
        assert_eq!((&told["added"], &told["explained"]), (&json!(0), &json!(2)));
        // By place: the middle of a tile, and a place in the sea.
        let bbox = aftermap::domain::cell::Cell { z: 13, x: 5_002, y: 3_200 }.bbox();
        let (lon, lat) = ((bbox.west + bbox.east) / 2.0, (bbox.south + bbox.north) / 2.0);
        let point = |lon: f64, lat: f64| json!({"type": "Feature", "properties": {"answer": "damaged"}, "geometry": {"type": "Point", "coordinates": [lon, lat]}});
        let file = |points: Vec<Value>| json!({"type": "FeatureCollection", "features": points}).to_string();
        let told = send("practice", "geojson", &file(vec![point(lon, lat), point(0.0, 0.0)]), true).await.ok();
        assert_eq!((&told["lines"][0]["tile"], &told["lines"][1]["fate"]), (&json!(tile(2)), &json!("refused")));
        assert_eq!(send("practice", "geojson", &file(vec![point(lon, lat)]), false).await.ok()["stored"], true);
        assert_eq!(row(app, &tile(2)).await.1.as_deref(), Some("practice"));
        for (format, text) in [("csv", "place,answer\nx,damaged\n"), ("geojson", "{}"), ("csv", "")] {
            assert_eq!(send("check", format, text, true).await.refused(422, "invalid")["field"], "text");
        }
        send("check", "xls", "x", true).await.refused(400, "invalid");
    })
    .await;
}

#[tokio::test]
async fn who_may_touch_gold_and_what_cannot_be_is_refused() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let guest = app.browser();
        guest.become_guest().await;
        let (reviewer, researcher) =
            (expert(app, "rita", Role::Reviewer).await, expert(app, "rana", Role::Researcher).await);
        let file = json!({"kind": "check", "format": "csv", "text": "tile_id,answer\nx,damaged\n"});
        let changed = json!({"kind": "check", "answer": "damaged"});
        for browser in [&guest, &reviewer, &researcher, &app.browser()] {
            for reply in [
                browser.get(GOLD).await,
                browser.post(&format!("{GOLD}/import"), file.clone()).await,
                browser.post(&format!("{GOLD}/{}", tile(0)), changed.clone()).await,
                browser.post(&format!("{GOLD}/{}/retire", tile(0)), json!({"becomes": "ordinary"})).await,
                browser.post(GOLD, mark(&tile(0), "check", "damaged")).await,
            ] {
                assert!([401, 403].contains(&reply.status.as_u16()), "{}", reply.text);
            }
        }
        let coordinator = expert(app, "cora", Role::Coordinator).await;
        let field = async |body: Value| coordinator.post(GOLD, body).await.refused(422, "invalid")["field"].clone();
        assert_eq!(field(mark(&tile(0), "check", "ruined")).await, "answer");
        let mut body = mark(&tile(0), "check", "damaged");
        body["explanations"] = json!({"klingon!": "x"});
        assert_eq!(field(body.clone()).await, "language");
        body["explanations"] = json!({"en": "x".repeat(20_001)});
        assert_eq!(field(body).await, "explanations");
        coordinator.post(GOLD, mark("1-1-1", "check", "damaged")).await.refused(404, "not_found");
        // The answers of a campaign that is over are in: those of its gold too.
        coordinator.post(GOLD, mark(&tile(0), "check", "damaged")).await.ok();
        for state in [CampaignState::Closed, CampaignState::Archived] {
            app.set_state("raqqa", state).await;
            coordinator.post(&format!("{GOLD}/{}", tile(0)), changed.clone()).await.refused(409, "conflict");
        }
    })
    .await;
}

/// Times change from one answer to the next, whatever is in it.
fn without_times(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('T') {
        let is_time = at >= 10 && rest.as_bytes().get(at + 3) == Some(&b':') && rest.is_char_boundary(at - 10);
        match is_time {
            true => {
                kept.push_str(&rest[..at - 10]);
                let end = rest[at..].find('Z').map_or(rest.len(), |end| at + end + 1);
                rest = &rest[end..];
            }
            false => {
                kept.push_str(&rest[..=at]);
                rest = &rest[at + 1..];
            }
        }
    }
    kept + rest
}

#[tokio::test]
async fn no_route_tells_a_volunteer_which_tile_is_check_gold() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        guest_says(app, |_| "damaged").await;
        let coordinator = expert(app, "cora", Role::Coordinator).await;
        let guest = app.browser();
        guest.become_guest().await;
        let leases = guest.post("/api/v1/campaigns/raqqa/leases", json!({"count": 5})).await.ok()["leases"].clone();
        let (gold, other) = (&leases[0], &leases[1]);
        let id = |lease: &Value| lease["tile"]["id"].as_str().unwrap().to_owned();
        let mut asked: Vec<String> = Vec::new();
        for route in listed().iter().filter(|route| route.method == "GET" && route.path.contains("{slug}")) {
            let address = address_of(route, "raqqa");
            if !address.ends_with("/events") {
                asked.extend([address.replace("13-5000-3200", &id(gold)), address.replace("13-5000-3200", &id(other))]);
            }
        }
        for file in ["tiles.geojson", "map.geojson", "history.csv", "labels.csv", "method.md"] {
            asked.push(format!("/api/v1/campaigns/raqqa/exports/{file}"));
        }
        assert!(asked.len() > 40, "{asked:?}");
        let look = async || {
            let mut seen = Vec::new();
            for address in &asked {
                let reply = guest.get(address).await;
                seen.push((address.clone(), reply.status, without_times(&reply.text)));
            }
            seen
        };
        let before = look().await;
        coordinator.post(GOLD, mark(&id(gold), "check", "destroyed")).await.ok();
        for (before, after) in before.iter().zip(look().await) {
            assert_eq!(before, &after, "marking a tile shows at {}", after.0);
        }
        // Answers to both, again and again, are told the same.
        for answer in ["damaged", "destroyed", "damaged"] {
            let send = async |lease: &Value| {
                let label = json!([{"id": Uuid::now_v7(), "lease_id": lease["lease_id"], "answer": answer}]);
                let mut result = guest.post("/api/v1/labels", label).await.ok()["results"][0].clone();
                result["id"] = Value::Null;
                result
            };
            assert_eq!(send(gold).await, send(other).await, "{answer}");
        }
        for address in ["/api/v1/campaigns/raqqa/me", "/api/v1/campaigns/raqqa/me/misses", "/api/v1/me/data"] {
            let text = guest.get(address).await.ok_text().to_owned();
            assert!(!text.contains("\"check\"") && !text.contains("\"gold\""), "{address}: {text}");
        }
        let mine = guest.get("/api/v1/me/data").await.ok()["labels"].clone();
        let told = |lease: &Value| -> Vec<Value> {
            let of_tile = mine.as_array().unwrap().iter().filter(|one| one["tile"] == lease["tile"]["id"]);
            of_tile.map(|one| json!([one["status"], one["tile_state"], one["revision"], one["current"]])).collect()
        };
        assert_eq!(told(gold), told(other));
        assert_eq!(told(gold).len(), 3);
    })
    .await;
}
