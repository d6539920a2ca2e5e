//! Steering: areas that come first, more or fewer labels, what is taken out of view, and all of it while people label.

use aftermap::domain::volunteer::Role;
use aftermap::services::people::grant_role::Grant;
use aftermap::storage::schema::{current_labels, leases, queue, tiles};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::helpers::{Browser, TestApp, on_each_database};

const STEERING: &str = "/api/v1/campaigns/raqqa/steering";
const LEASES: &str = "/api/v1/campaigns/raqqa/leases";
const WITHDRAWALS: &str = "/api/v1/campaigns/raqqa/withdrawals";

async fn coordinated(app: &TestApp) -> Browser {
    app.public_campaign("raqqa").await;
    app.signed_in_as(Role::Coordinator, "raqqa").await
}

async fn guest(app: &TestApp) -> Browser {
    let browser = app.browser();
    browser.become_guest().await;
    browser
}

async fn guests(app: &TestApp, count: usize) -> Vec<Browser> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(guest(app).await);
    }
    all
}

async fn take(browser: &Browser, count: usize) -> Vec<Value> {
    let taken = browser.post(LEASES, json!({ "count": count })).await.ok();
    taken["leases"].as_array().unwrap().clone()
}

fn label(lease: &Value, answer: &str) -> Value {
    json!({"id": Uuid::now_v7(), "lease_id": lease["lease_id"], "answer": answer})
}

async fn send(browser: &Browser, lease: &Value, answer: &str) -> Value {
    let reply = browser.post("/api/v1/labels", json!([label(lease, answer)])).await.ok();
    reply["results"][0].clone()
}

/// The square over the columns `from` to `to` of the test campaign's one row of tiles.
fn columns(from: u32, to: u32) -> Value {
    let degrees = 360.0 / f64::from(1u32 << 13);
    let (west, east) = (f64::from(from) * degrees - 180.0 + 0.001, f64::from(to + 1) * degrees - 180.0 - 0.001);
    let ring = [[west, -85.0], [east, -85.0], [east, 85.0], [west, 85.0], [west, -85.0]];
    json!({"type": "Polygon", "coordinates": [ring]})
}

fn column(lease: &Value) -> u32 {
    lease["tile"]["id"].as_str().unwrap().split('-').nth(1).unwrap().parse().unwrap()
}

/// Everybody labels until nobody is given anything.
async fn label_all(everybody: &[Browser], answer: &str) {
    for _ in 0..200 {
        let mut given = 0;
        for browser in everybody {
            for lease in take(browser, 5).await {
                send(browser, &lease, answer).await;
                given += 1;
            }
        }
        if given == 0 {
            return;
        }
    }
    panic!("there is always one more tile");
}

/// The counters of the queue are what is in people's hands and what counts, on every tile.
async fn in_order(app: &TestApp) {
    let rows = app.write(|conn| {
        let rows = queue::table.select((queue::tile, queue::leased, queue::counted)).load::<(i64, i16, i16)>(conn)?;
        let mut found = Vec::new();
        for (tile, leased, counted) in rows {
            let held = leases::table.filter(leases::tile.eq(tile)).filter(leases::ended_at.is_null());
            let labels = current_labels::table.filter(current_labels::tile.eq(tile)).filter(current_labels::counted);
            let now = (held.count().get_result::<i64>(conn)?, labels.count().get_result::<i64>(conn)?);
            found.push(((i64::from(leased), i64::from(counted)), now));
        }
        Ok(found)
    });
    for (said, is) in rows.await {
        assert_eq!(said, is, "leased and counted as a tile's row says, and as they are");
    }
}

#[tokio::test]
async fn the_priority_area_is_served_first_and_the_random_share_reaches_the_rest() {
    on_each_database(async |app| {
        let coordinator = coordinated(app).await;
        app.set_policy("raqqa", |policy| policy.random_share = 0.0).await;
        app.connect().batch_execute("UPDATE queue SET needed = 10").unwrap();
        let areas = json!([
            {"name": "the bridge", "level": 3, "geometry": columns(5_008, 5_009)},
            {"name": "the old town", "level": 1, "geometry": columns(5_004, 5_009)},
        ]);
        let preview =
            coordinator.post(&format!("{STEERING}/areas"), json!({"areas": areas, "preview": true})).await.ok();
        let counts = |reply: &Value| {
            let areas = reply["areas"].as_array().unwrap();
            areas.iter().map(|area| (area["tiles"].clone(), area["open_tiles"].clone())).collect::<Vec<_>>()
        };
        assert_eq!(counts(&preview), [(json!(2), json!(2)), (json!(4), json!(4))]);
        assert_eq!(coordinator.get(STEERING).await.ok()["areas"], json!([]), "a preview changes nothing");
        let set = coordinator.post(&format!("{STEERING}/areas"), json!({ "areas": areas })).await.ok();
        assert_eq!(set["areas"], preview["areas"]);
        for browser in &guests(app, 8).await {
            let mut columns: Vec<u32> = take(browser, 5).await.iter().map(column).collect();
            columns.sort_unstable();
            assert_eq!((columns.len(), &columns[3..]), (5, &[5_008, 5_009][..]), "all get the bridge");
            assert!(columns[0] >= 5_004, "and the old town next: {columns:?}");
        }
        // With the usual random share the other places are reached while the areas have room.
        app.set_policy("raqqa", |policy| assert_eq!(std::mem::replace(&mut policy.random_share, 0.15), 0.0)).await;
        let mut elsewhere = 0;
        for browser in &guests(app, 4).await {
            for _ in 0..75 {
                for lease in take(browser, 1).await {
                    elsewhere += usize::from(!(5_004..=5_009).contains(&column(&lease)));
                    browser.delete(&format!("/api/v1/leases/{}", lease["lease_id"].as_str().unwrap())).await;
                }
            }
        }
        assert!(elsewhere > 0, "nobody was sent outside the areas in 300 hand-outs");
    })
    .await;
}

#[tokio::test]
async fn areas_that_move_while_eight_people_label_hold_nobody_up_and_count_from_then_on() {
    on_each_database(async |app| {
        let coordinator = coordinated(app).await;
        app.set_policy("raqqa", |policy| policy.random_share = 0.0).await;
        app.connect().batch_execute("UPDATE queue SET needed = 10").unwrap();
        let eight = guests(app, 8).await;
        let labelling = futures::future::join_all(eight.iter().map(async |browser| {
            for _ in 0..3 {
                for lease in take(browser, 1).await {
                    let status = send(browser, &lease, "damaged").await["status"].clone();
                    // Three who agree settle a tile, and the fourth came too late to count.
                    assert!(status == "stored" || status == "surplus", "{status}");
                }
            }
        }));
        let only = |column: u32| json!({"areas": [{"name": "here", "level": 2, "geometry": columns(column, column)}]});
        let moving = async {
            for column in 5_000..5_010 {
                coordinator.post(&format!("{STEERING}/areas"), only(column)).await.ok();
            }
        };
        futures::future::join(labelling, moving).await;
        coordinator.post(&format!("{STEERING}/areas"), only(5_011)).await.ok();
        let fresh = guest(app).await;
        assert_eq!(take(&fresh, 1).await.iter().map(column).collect::<Vec<_>>(), [5_011]);
        let raised = app.write(|conn| {
            let raised = queue::table.inner_join(tiles::table).filter(queue::priority.ne(0));
            Ok(raised.select((tiles::tile_id, queue::priority)).load::<(String, i16)>(conn)?)
        });
        assert_eq!(raised.await, [("13-5011-3200".to_owned(), 2)], "of the areas before nothing is left");
        in_order(app).await;
    })
    .await;
}

#[tokio::test]
async fn areas_that_cannot_be_are_refused_and_an_empty_list_takes_all_away() {
    on_each_database(async |app| {
        let coordinator = coordinated(app).await;
        let address = format!("{STEERING}/areas");
        let area = |change: Value| {
            let mut area = json!({"name": "a", "level": 1, "geometry": columns(5_000, 5_001)});
            area.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            json!({"areas": [area]})
        };
        let field = async |body: Value| coordinator.post(&address, body).await.refused(422, "invalid")["field"].clone();
        assert_eq!(field(area(json!({"level": 0}))).await, "areas.0.level");
        assert_eq!(field(area(json!({"level": 4}))).await, "areas.0.level");
        assert_eq!(field(area(json!({"name": " "}))).await, "areas.0.name");
        for bad in [
            json!({"type": "Point", "coordinates": [1, 2]}),
            json!("x"),
            json!({"type": "Polygon", "coordinates": []}),
            json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 91], [2, 2], [0, 0]]]}),
        ] {
            assert_eq!(field(area(json!({ "geometry": bad }))).await, "areas.0.geometry");
        }
        coordinator.post(&address, area(json!({}))).await.ok();
        coordinator.post(&address, json!({"areas": []})).await.ok();
        assert_eq!(coordinator.get(STEERING).await.ok()["areas"], json!([]));
        for role in [Role::Reviewer, Role::Researcher] {
            let other = app.signed_in_as(role, "raqqa").await;
            other.get(STEERING).await.refused(403, "forbidden");
            other.post(&address, json!({"areas": []})).await.refused(403, "forbidden");
        }
    })
    .await;
}

#[tokio::test]
async fn areas_that_somebody_else_changed_are_not_written_over() {
    on_each_database(async |app| {
        let coordinator = coordinated(app).await;
        let read = coordinator.get(STEERING).await.ok();
        let version = read["areas_version"].as_str().unwrap().to_owned();
        let put = async |name: &str, version: Option<&str>| {
            let mut headers = vec![("content-type", "application/json")];
            headers.extend(version.map(|version| ("if-match", version)));
            let body = json!({"areas": [{"name": name, "level": 1, "geometry": columns(5_000, 5_001)}]}).to_string();
            coordinator.send(reqwest::Method::POST, &format!("{STEERING}/areas"), &headers, Some(body)).await
        };
        let first = put("mine", Some(&version)).await.ok();
        let refused = put("theirs", Some(&version)).await.refused(412, "changed_meanwhile");
        assert!(refused["detail"].as_str().unwrap().contains("changed the areas"), "{refused}");
        let now = coordinator.get(STEERING).await.ok();
        assert_eq!((&now["areas"][0]["name"], &now["areas_version"]), (&json!("mine"), &first["areas_version"]));
        put("theirs", first["areas_version"].as_str()).await.ok();
        put("a script's", None).await.ok();
        assert_eq!(coordinator.get(STEERING).await.ok()["areas"][0]["name"], "a script's");
    })
    .await;
}

#[tokio::test]
async fn a_change_of_redundancy_shows_its_effect_first_and_leaves_closed_tiles_alone() {
    on_each_database(async |app| {
        let coordinator = coordinated(app).await;
        app.set_policy("raqqa", |policy| policy.second_look_share = 0.0).await;
        let three = guests(app, 3).await;
        label_all(&three[..2], "destroyed").await;
        // All twelve tiles have two labels; one tile gets its third and settles.
        let lease = take(&three[2], 1).await.remove(0);
        assert_eq!(send(&three[2], &lease, "destroyed").await["status"], "stored");
        let change = json!({"settings": {"minimum": 5, "maximum": 12, "lead_without_model": 4}});
        let preview = format!("{STEERING}/policy/preview");
        let effect = coordinator.post(&preview, change.clone()).await.ok();
        assert_eq!(
            effect,
            json!({"open_tiles": 11, "would_settle": 0, "would_be_contested": 0, "would_reopen": 0,
                   "labels_wanted": 11, "labels_wanted_then": 33, "estimated": false})
        );
        let address = format!("{STEERING}/policy");
        coordinator.post(&address, change.clone()).await.refused(422, "invalid");
        let mut wanted = change.clone();
        wanted["reason"] = json!("a court will read it");
        let changed = coordinator.post(&address, wanted).await.ok();
        assert_eq!(changed, json!({"version": 2, "applied": true}));
        let after = coordinator.post(&preview, json!({"settings": {}})).await.ok();
        assert_eq!((&after["labels_wanted"], &after["open_tiles"]), (&json!(33), &json!(11)));
        // Asked for, the closed tile would open again.
        let anew = coordinator.post(&preview, json!({"settings": {}, "closed_too": true})).await.ok();
        assert_eq!(anew["would_reopen"], 1);
        let lower =
            json!({"settings": {"minimum": 2, "lead_without_model": 2}, "reason": "enough", "closed_too": false});
        let effect = coordinator.post(&preview, json!({"settings": lower["settings"]})).await.ok();
        assert_eq!((&effect["would_settle"], &effect["labels_wanted_then"]), (&json!(11), &json!(0)));
        assert_eq!(coordinator.post(&address, lower).await.ok(), json!({"version": 3, "applied": true}));
        let progress = coordinator.get("/api/v1/campaigns/raqqa").await.ok();
        assert_eq!(progress["progress"]["open"], 0);
        let history = coordinator.get(STEERING).await.ok();
        let policies = history["policies"].as_array().unwrap();
        assert_eq!(policies.len(), 3);
        assert_eq!(
            (&policies[1]["reason"], &policies[1]["changed_by"]),
            (&json!("a court will read it"), &json!("coordinator-of-raqqa"))
        );
        let note = coordinator.get("/api/v1/campaigns/raqqa/exports/method.md").await;
        assert!(note.ok_text().contains("| 2 | ") && note.text.contains("The policy changed while"), "{}", note.text);
        for bad in [json!({"minimum": 0}), json!({"maximum": 1}), json!({"nonsense": 1}), json!({"settle_at": 2})] {
            coordinator.post(&preview, json!({ "settings": bad })).await.refused(422, "invalid");
        }
    })
    .await;
}

#[tokio::test]
async fn what_closed_under_a_milder_policy_opens_again_only_when_that_is_asked_for() {
    on_each_database(async |app| {
        let coordinator = coordinated(app).await;
        app.set_policy("raqqa", |policy| policy.second_look_share = 0.0).await;
        let three = guests(app, 3).await;
        label_all(&three, "damaged").await;
        let open = async || coordinator.get("/api/v1/campaigns/raqqa").await.ok()["progress"]["open"].clone();
        assert_eq!(open().await, 0);
        let change = |closed_too: bool| {
            let settings = json!({"minimum": 6, "lead_without_model": 6});
            json!({"settings": settings, "reason": "more", "closed_too": closed_too})
        };
        let address = format!("{STEERING}/policy");
        coordinator.post(&address, change(false)).await.ok();
        assert_eq!(open().await, 0, "closed tiles stay closed");
        // A model fitted later does not open them either: what closed is judged by what was in force then.
        let campaign = app.write(|conn| Ok(aftermap::storage::campaigns::find(conn, "raqqa")?.unwrap())).await;
        aftermap::services::refit::refit(&app.store, &campaign, true).await.unwrap();
        assert_eq!(open().await, 0, "nor does a refit open them");
        coordinator.post(&address, change(true)).await.ok();
        assert_eq!(open().await, 12, "asked for, they are decided anew");
    })
    .await;
}

#[tokio::test]
async fn a_change_of_policy_loses_no_label_that_comes_in_meanwhile() {
    on_each_database(async |app| {
        let coordinator = coordinated(app).await;
        let many = guests(app, 6).await;
        let mut hands = Vec::new();
        for browser in &many {
            hands.push(take(browser, 5).await);
        }
        let labelling = futures::future::join_all(many.iter().zip(&hands).map(async |(browser, leases)| {
            let mut stored = 0;
            for lease in leases {
                let result = send(browser, lease, "destroyed").await;
                stored += usize::from(["stored", "surplus"].contains(&result["status"].as_str().unwrap()));
            }
            stored
        }));
        let steering = async {
            for (minimum, maximum) in [(2, 4), (5, 9), (1, 1), (3, 10)] {
                let settings = json!({"minimum": minimum, "maximum": maximum, "lead_without_model": minimum});
                let body = json!({"settings": settings, "reason": "to and fro", "closed_too": true});
                coordinator.post(&format!("{STEERING}/policy"), body).await.ok();
            }
        };
        let (stored, ()) = futures::future::join(labelling, steering).await;
        let sent: usize = hands.iter().map(Vec::len).sum();
        assert_eq!(stored.iter().sum::<usize>(), sent);
        let history = coordinator.get(STEERING).await.ok();
        assert!(history["policies"].as_array().unwrap().iter().all(|one| one["applied"] == true), "{history}");
        in_order(app).await;
        let log = coordinator.get("/api/v1/campaigns/raqqa/exports/labels.csv").await;
        assert_eq!(log.ok_text().lines().count(), sent + 1);
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_tile_vanishes_everywhere_at_once_and_comes_back_by_an_admin() {
    on_each_database(async |app| {
        let coordinator = coordinated(app).await;
        let guest_one = guest(app).await;
        let leases = take(&guest_one, 3).await;
        let tile = leases[0]["tile"]["id"].as_str().unwrap().to_owned();
        send(&guest_one, &leases[0], "destroyed").await;
        let map = "/api/v1/campaigns/raqqa/exports/tiles.csv";
        let log = "/api/v1/campaigns/raqqa/exports/labels.csv";
        assert!(coordinator.get(map).await.ok_text().contains(&tile));
        assert!(coordinator.get(log).await.ok_text().contains(&tile));
        let before = coordinator.get("/api/v1/campaigns/raqqa/map/tiles").await.ok_text().contains(&tile);
        assert!(before);
        coordinator.post(WITHDRAWALS, json!({"tile_id": tile, "reason": " "})).await.refused(422, "invalid");
        coordinator.post(WITHDRAWALS, json!({"tile_id": "nowhere", "reason": "x"})).await.refused(404, "not_found");
        coordinator.post(WITHDRAWALS, json!({"reason": "x"})).await.refused(422, "invalid");
        guest_one.post(WITHDRAWALS, json!({"tile_id": tile, "reason": "x"})).await.refused(403, "forbidden");
        // It is in somebody's hands while it goes.
        let guest_two = guest(app).await;
        let mut held = None;
        for _ in 0..12 {
            let lease = take(&guest_two, 5).await.into_iter().find(|lease| lease["tile"]["id"] == tile.as_str());
            if lease.is_some() {
                held = lease;
                break;
            }
            for lease in take(&guest_two, 5).await {
                send(&guest_two, &lease, "destroyed").await;
            }
        }
        let held = held.expect("the tile is handed out");
        let made = coordinator.post(WITHDRAWALS, json!({"tile_id": tile, "reason": "a court order"})).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert_eq!(made.json()["leases_ended"], 1);
        coordinator.post(WITHDRAWALS, json!({"tile_id": tile, "reason": "again"})).await.refused(409, "conflict");
        for address in [map, log, "/api/v1/campaigns/raqqa/map/tiles", "/ogc/collections/raqqa-tiles/items?limit=100"] {
            assert!(!coordinator.get(address).await.ok_text().contains(&tile), "{address}");
        }
        coordinator.get(&format!("/api/v1/campaigns/raqqa/map/tiles/{tile}")).await.refused(404, "not_found");
        coordinator.get(&format!("/ogc/collections/raqqa-tiles/items/{tile}")).await.refused(404, "not_found");
        assert_eq!(coordinator.get("/api/v1/campaigns/raqqa").await.ok()["progress"]["tiles"], 11);
        // The answer that was under way is kept and counts for nothing.
        assert_eq!(send(&guest_two, &held, "destroyed").await["status"], "surplus");
        for browser in &guests(app, 5).await {
            assert!(take(browser, 5).await.iter().all(|lease| lease["tile"]["id"] != tile.as_str()));
        }
        let steering = coordinator.get(STEERING).await.ok();
        let one = &steering["withdrawals"][0];
        assert_eq!(
            (&one["tile_id"], &one["reason"], &one["lifted_at"]),
            (&json!(tile), &json!("a court order"), &json!(null))
        );
        let lift = format!("{WITHDRAWALS}/{}/lift", one["id"].as_str().unwrap());
        coordinator.post(&lift, json!({"reason": "x"})).await.refused(403, "forbidden");
        let root = app.signed_in("root", Some(Grant::Admin)).await;
        // Areas that were drawn in between hold for it too.
        let areas = json!({"areas": [{"name": "all", "level": 2, "geometry": columns(5_000, 5_011)}]});
        coordinator.post(&format!("{STEERING}/areas"), areas).await.ok();
        assert_eq!(root.post(&lift, json!({"reason": "the order was lifted"})).await.status, 204);
        let levels = app.write(|conn| Ok(queue::table.select(queue::priority).load::<i16>(conn)?));
        assert_eq!(levels.await, [2; 12]);
        root.post(&lift, json!({"reason": "again"})).await.refused(404, "not_found");
        let back = coordinator.get(map).await;
        assert!(back.ok_text().contains(&tile));
        let labels = coordinator.get(log).await;
        assert_eq!(
            labels.ok_text().lines().filter(|line| line.contains(&tile)).count(),
            2,
            "its labels were in the log"
        );
        let log = coordinator.get("/api/v1/campaigns/raqqa/audit").await.ok();
        let acts: Vec<&Value> = log["entries"].as_array().unwrap().iter().map(|entry| &entry["act"]).take(2).collect();
        assert_eq!(acts, ["bring_back", "set_priorities"]);
        assert_eq!(
            (&log["entries"][2]["act"], &log["entries"][2]["reason"]),
            (&json!("withdraw_tile"), &json!("a court order"))
        );
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_scene_is_gone_and_a_pair_without_it_is_not_handed_out() {
    on_each_database(async |app| {
        let coordinator = coordinated(app).await;
        let guest_one = guest(app).await;
        assert_eq!(take(&guest_one, 5).await.len(), 5);
        let scenes = coordinator.get("/api/v1/campaigns/raqqa").await.ok()["scenes"].clone();
        let scene = scenes[1]["id"].clone();
        app.public_campaign("other").await;
        let theirs = coordinator.get("/api/v1/campaigns/other").await.ok()["scenes"][0]["id"].clone();
        coordinator.post(WITHDRAWALS, json!({"scene_id": theirs, "reason": "x"})).await.refused(404, "not_found");
        let made = coordinator.post(WITHDRAWALS, json!({"scene_id": scene, "reason": "licence withdrawn"})).await;
        assert_eq!((made.status.as_u16(), &made.json()["leases_ended"]), (201, &json!(5)));
        assert_eq!(coordinator.get("/api/v1/campaigns/raqqa").await.ok()["scenes"].as_array().unwrap().len(), 1);
        coordinator.get(&format!("/tiles/{}/13/5000/3200", scene.as_str().unwrap())).await.refused(404, "not_found");
        coordinator
            .get(&format!("/api/v1/scenes/{}/tiles.json", scene.as_str().unwrap()))
            .await
            .refused(404, "not_found");
        let scenes = coordinator.get("/api/v1/campaigns/raqqa/exports/scenes.csv").await;
        assert!(!scenes.ok_text().contains(scene.as_str().unwrap()));
        assert_eq!(take(&guest_one, 5).await.len(), 0, "nothing can be compared");
        let root = app.signed_in("root", Some(Grant::Admin)).await;
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(
            root.post(&format!("{WITHDRAWALS}/{id}/lift"), json!({"reason": "a new licence"})).await.status,
            204
        );
        assert_eq!(take(&guest_one, 5).await.len(), 5);
    })
    .await;
}

#[tokio::test]
async fn withdrawing_while_everybody_labels_loses_no_answer_and_hands_nothing_out_afterwards() {
    on_each_database(async |app| {
        let coordinator = coordinated(app).await;
        let many = guests(app, 8).await;
        let mut hands = Vec::new();
        for browser in &many {
            hands.push(take(browser, 4).await);
        }
        let labelling = futures::future::join_all(many.iter().zip(&hands).map(async |(browser, leases)| {
            for lease in leases {
                let result = send(browser, lease, "damaged").await;
                assert!(["stored", "surplus"].contains(&result["status"].as_str().unwrap()), "{result}");
            }
        }));
        let gone: Vec<String> = (5_000..5_006).map(|x| format!("13-{x}-3200")).collect();
        let withdrawing = async {
            for tile in &gone {
                let made = coordinator.post(WITHDRAWALS, json!({"tile_id": tile, "reason": "quickly"})).await;
                assert_eq!(made.status, 201, "{}", made.text);
            }
        };
        futures::future::join(labelling, withdrawing).await;
        for browser in many.iter().chain(&guests(app, 4).await) {
            for lease in take(browser, 5).await {
                assert!(!gone.iter().any(|tile| lease["tile"]["id"] == tile.as_str()), "{lease}");
            }
        }
        in_order(app).await;
    })
    .await;
}

#[tokio::test]
async fn an_archived_campaign_hands_nothing_out_however_many_ask_at_that_moment() {
    on_each_database(async |app| {
        let coordinator = coordinated(app).await;
        let many = guests(app, 8).await;
        let asking = futures::future::join_all(many.iter().map(async |browser| {
            let reply = browser.post(LEASES, json!({"count": 3})).await;
            assert!(reply.status.is_success(), "{}", reply.text);
        }));
        let archiving = async {
            for state in ["closed", "archived"] {
                coordinator.post("/api/v1/campaigns/raqqa/state", json!({ "state": state })).await.ok();
            }
        };
        futures::future::join(asking, archiving).await;
        for browser in &guests(app, 3).await {
            assert_eq!(take(browser, 5).await.len(), 0);
        }
        let steering = coordinator.get(STEERING).await.ok();
        assert_eq!(steering["state"], "archived");
        let refused = json!({"settings": {"minimum": 2}, "reason": "late"});
        coordinator.post(&format!("{STEERING}/policy"), refused).await.refused(409, "conflict");
    })
    .await;
}
