//! A campaign under way over HTTP: a later scene joins a paused timeline, and more tiles come with a larger area.

use std::path::Path;

use aftermap::domain::campaign::{CampaignState, ReleaseLevel, Visibility};
use aftermap::imagery::{Archives, SyntheticTown, TownOptions};
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::clock;
use aftermap::services::jobs::worker::Worker;
use aftermap::services::oversight::steer::extend::extend;
use aftermap::services::people::grant_role::Grant;
use aftermap::services::scenes::upload::Intake;
use serde_json::{Value, json};

use crate::helpers::{Browser, TestApp, on_each_database};

const TOWN: &str = "/api/v1/campaigns/town";

/// A town of so many dates, drawn into the inbox of the server.
fn draw(app: &TestApp, dates: usize) -> SyntheticTown {
    let dates = TownOptions::default().dates.into_iter().take(dates).collect();
    let options = TownOptions { size_m: 240.0, dates, clouds: vec![], ..TownOptions::default() };
    let town = SyntheticTown::draw(7, options, &app.tiles.path().join("drawn")).unwrap();
    let inbox = app.tiles.path().join("inbox/town");
    std::fs::create_dir_all(&inbox).unwrap();
    for scene in &town.scenes {
        std::fs::copy(&scene.file, inbox.join(name_of(&scene.file))).unwrap();
    }
    town
}

fn name_of(file: &Path) -> &str {
    file.file_name().unwrap().to_str().unwrap()
}

async fn work(app: &TestApp) {
    let worker = Worker::new(app.store.clone(), Archives::new(app.tiles.path()), Intake::new(app.tiles.path()));
    for _ in 0..20 {
        if !worker.turn().await.unwrap() {
            return;
        }
    }
    panic!("the jobs never end");
}

/// Brings a picture of the inbox, and returns the job as it ended.
async fn bring(app: &TestApp, by: &Browser, file: &Path, captured: &str) -> Value {
    let asked = by.post(&format!("{TOWN}/jobs"), wanted(file, captured)).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    work(app).await;
    by.get(&format!("{TOWN}/jobs/{}", asked.json()["id"].as_str().unwrap())).await.ok()
}

fn wanted(file: &Path, captured: &str) -> Value {
    json!({"kind": "ingest", "file": name_of(file), "captured": captured, "licence": "CC0-1.0", "attribution": "drawn"})
}

/// An open campaign of the first so many dates of a drawn town, and its coordinator.
async fn open_town(app: &TestApp, town: &SyntheticTown, dates: usize, settings: Value) -> Browser {
    let cleo = app.signed_in("cleo", Some(Grant::Creator)).await;
    let made = cleo.post("/api/v1/campaigns", json!({"slug": "town", "title": "A town"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let body = Some(settings.to_string());
    cleo.send(reqwest::Method::PUT, &format!("{TOWN}/settings"), &[("content-type", "application/json")], body)
        .await
        .ok();
    for scene in &town.scenes[..dates] {
        let done = bring(app, &cleo, &scene.file, &scene.captured.to_string()).await;
        assert_eq!(done["state"], "done", "{done}");
    }
    cleo.post(&format!("{TOWN}/state"), json!({"state": "open"})).await.ok();
    cleo
}

async fn guest(app: &TestApp) -> Browser {
    let guest = app.browser();
    guest.post("/api/v1/guests", json!({})).await.ok();
    guest
}

async fn set(cleo: &Browser, state: &str) -> Value {
    cleo.post(&format!("{TOWN}/state"), json!({"state": state})).await.ok()
}

/// Everybody of so many guests says this of every tile they are given.
async fn label_all(app: &TestApp, people: usize, answer: &str) {
    for _ in 0..people {
        let guest = guest(app).await;
        for _ in 0..100 {
            let given = guest.post(&format!("{TOWN}/leases"), json!({"count": 5})).await.ok();
            let leases = given["leases"].as_array().unwrap().clone();
            if leases.is_empty() {
                break;
            }
            for lease in leases {
                let id = uuid::Uuid::now_v7().to_string();
                let sent = json!([{"id": id, "lease_id": lease["lease_id"], "answer": answer, "seconds": 3.0}]);
                guest.post("/api/v1/labels", sent).await.ok();
            }
        }
    }
}

/// Tiles of the campaign.
async fn count(app: &TestApp) -> u64 {
    app.write(|conn| {
        use aftermap::storage::campaigns;
        use aftermap::storage::scenes::tiles;
        let campaign = campaigns::find(conn, "town")?.expect("the town");
        Ok(tiles::count(conn, campaign.id)?)
    })
    .await
}

#[tokio::test]
async fn a_later_scene_joins_a_paused_timeline_and_volunteers_look_again() {
    on_each_database(async |app| {
        let town = draw(app, 4);
        let policy = json!({"policy": {"second_look_share": 0.0}, "tiles": {"zoom": 19}});
        let cleo = open_town(app, &town, 3, policy).await;
        label_all(app, 3, "no_visible_damage").await;
        let (last, early) = (&town.scenes[3], &town.scenes[0]);
        let captured = last.captured.to_string();
        let refused = cleo.post(&format!("{TOWN}/jobs"), wanted(&last.file, &captured)).await.refused(409, "conflict");
        assert!(refused["detail"].as_str().unwrap().contains("while it is paused"), "{refused}");
        set(&cleo, "paused").await;
        let refused =
            cleo.post(&format!("{TOWN}/jobs"), wanted(&last.file, "2001-01-01")).await.refused(409, "conflict");
        assert!(refused["detail"].as_str().unwrap().contains("later than its last one"), "{refused}");
        let done = bring(app, &cleo, &last.file, &captured).await;
        assert_eq!(done["state"], "done", "{done}");
        assert!(done["message"].as_str().unwrap().contains("joined"), "{done}");
        let again = bring(app, &cleo, &last.file, &captured).await;
        assert!(again["message"].as_str().unwrap().contains("nothing changed"), "{again}");
        let stranger = bring(app, &cleo, &early.file, &early.captured.to_string()).await;
        assert!(stranger["message"].as_str().unwrap().contains("nothing changed"), "{stranger}");
        set(&cleo, "open").await;
        let campaign = cleo.get(TOWN).await.ok();
        assert_eq!(campaign["scenes"].as_array().unwrap().len(), 4);
        let guest = guest(app).await;
        let given = guest.post(&format!("{TOWN}/leases"), json!({"count": 1})).await.ok();
        assert_eq!(given["leases"][0]["frames"].as_array().unwrap().len(), 4, "{given}");
        let log = cleo.get(&format!("{TOWN}/audit")).await.ok();
        let acts: Vec<&str> = log["entries"].as_array().unwrap().iter().filter_map(|one| one["act"].as_str()).collect();
        assert!(acts.contains(&"add_later_scene") && acts.contains(&"later_scene_joined"), "{acts:?}");
        let labels = cleo.get(&format!("{TOWN}/exports/labels.csv")).await;
        if labels.status == 200 {
            assert!(labels.text.contains("censored,last_scene"), "{}", labels.text);
        }
    })
    .await;
}

#[tokio::test]
async fn a_campaign_does_not_open_over_a_later_picture_that_is_on_its_way() {
    on_each_database(async |app| {
        let town = draw(app, 4);
        let cleo = open_town(app, &town, 3, json!({})).await;
        set(&cleo, "paused").await;
        let later = &town.scenes[3];
        let asked = cleo.post(&format!("{TOWN}/jobs"), wanted(&later.file, &later.captured.to_string())).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let open = cleo.post(&format!("{TOWN}/state"), json!({"state": "open"})).await;
        let refused = open.refused(409, "conflict");
        assert!(refused["detail"].as_str().unwrap().contains("a later picture is on its way"), "{refused}");
        work(app).await;
        let job = cleo.get(&format!("{TOWN}/jobs/{}", asked.json()["id"].as_str().unwrap())).await.ok();
        assert_eq!(job["state"], "done", "{job}");
        assert_eq!(set(&cleo, "open").await["state"], "open");
    })
    .await;
}

#[tokio::test]
async fn an_area_is_extended_after_a_look_at_how_many_tiles_that_adds() {
    on_each_database(async |app| {
        let town = draw(app, 2);
        let cleo = open_town(app, &town, 2, json!({"tiles": {"zoom": 19}})).await;
        let all = count(app).await;
        assert!(all > 2, "{all} tiles");
        // What there is of the scenes is labelled already: there is nothing to add.
        let campaign = cleo.get(TOWN).await.ok();
        let bounds = campaign["scenes"][0]["bounds"].as_array().unwrap().clone();
        let [w, s, e, n] = [0, 1, 2, 3].map(|place| bounds[place].as_f64().unwrap());
        let area = json!({"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, n], [w, n], [w, s]]]});
        let path = format!("{TOWN}/steering/extension");
        let none = cleo.post(&path, json!({"area": area, "preview": true})).await.ok();
        assert_eq!(none["tiles"], 0);
        // Tiles that are missing, as in a campaign whose area was smaller when it opened.
        let gone = app
            .write(|conn| {
                use aftermap::storage::campaigns;
                use aftermap::storage::scenes::tiles;
                let campaign = campaigns::find(conn, "town")?.unwrap();
                let mut ids: Vec<(String, i64)> = tiles::ids_of_campaign(conn, campaign.id)?.into_iter().collect();
                ids.sort();
                let gone: Vec<i64> = ids.iter().take(2).map(|(_, id)| *id).collect();
                tiles::remove(conn, &gone)?;
                Ok(gone.len())
            })
            .await;
        let seen = cleo.post(&path, json!({"area": area, "preview": true})).await.ok();
        assert_eq!((gone, &seen["tiles"]), (2, &json!(2)));
        assert_eq!(count(app).await, all - 2, "a look adds nothing");
        let added = cleo.post(&path, json!({"area": area})).await.ok();
        assert_eq!(added["tiles"], 2);
        let again = cleo.post(&path, json!({"area": area})).await.ok();
        assert_eq!(again["tiles"], 0, "twice is once");
        assert_eq!(count(app).await, all, "all tiles are there again");
        let log = cleo.get(&format!("{TOWN}/audit?act=extend_area")).await.ok();
        assert_eq!(log["entries"][0]["subject"], "2 tiles", "{log}");
        for bad in
            [json!({"type": "Point", "coordinates": [0, 0]}), json!({"type": "Polygon", "coordinates": []}), json!(7)]
        {
            cleo.post(&path, json!({"area": bad, "preview": true})).await.refused(422, "invalid");
        }
        let far = json!({"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]]});
        cleo.post(&path, json!({"area": far})).await.refused(422, "invalid");
        guest(app).await.post(&path, json!({"area": area})).await.refused(403, "forbidden");
        set(&cleo, "paused").await;
        set(&cleo, "closed").await;
        let refused = cleo.post(&path, json!({"area": area})).await.refused(409, "conflict");
        assert!(refused["detail"].as_str().unwrap().contains("open or paused"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn an_extension_is_refused_where_the_campaign_closed_or_a_scene_went_meanwhile() {
    on_each_database(async |app| {
        let town = draw(app, 2);
        let cleo = open_town(app, &town, 2, json!({"tiles": {"zoom": 19}})).await;
        let log = cleo.get(&format!("{TOWN}/audit?act=ingest")).await.ok();
        let scene = cleo.get(TOWN).await.ok()["scenes"][1]["id"].clone();
        assert_eq!(log["entries"][0]["subject"], scene, "a scene stands in the log by its number, not by its file");
        let bounds = cleo.get(TOWN).await.ok()["scenes"][0]["bounds"].as_array().unwrap().clone();
        let [w, s, e, n] = [0, 1, 2, 3].map(|place| bounds[place].as_f64().unwrap());
        let area = json!({"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, n], [w, n], [w, s]]]});
        let seen = app
            .write(|conn| {
                use aftermap::storage::campaigns;
                use aftermap::storage::scenes::tiles;
                let campaign = campaigns::find(conn, "town")?.unwrap();
                let gone: Vec<i64> = tiles::ids_of_campaign(conn, campaign.id)?.into_values().take(2).collect();
                tiles::remove(conn, &gone)?;
                Ok(campaign)
            })
            .await;
        // It closes while tiles are derived for the campaign as it was.
        set(&cleo, "closed").await;
        let archives = Archives::new(app.tiles.path());
        let late = extend(&app.store, &archives, &seen, area.to_string(), false, None).await.unwrap_err().to_string();
        assert!(late.contains("is closed"), "{late}");
        set(&cleo, "open").await;
        let made = cleo.post(&format!("{TOWN}/withdrawals"), json!({"scene_id": scene, "reason": "a licence"})).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let path = format!("{TOWN}/steering/extension");
        let refused = cleo.post(&path, json!({"area": area, "preview": true})).await.refused(409, "conflict");
        assert!(refused["detail"].as_str().unwrap().contains("fewer than two scenes"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn settings_that_somebody_else_changed_are_not_written_over() {
    on_each_database(async |app| {
        app.campaign("raqqa", Visibility::Public, ReleaseLevel::Public).await;
        app.write(|conn| change_state(conn, "raqqa", CampaignState::Paused, None, clock::now_ms()).map(drop)).await;
        let cleo = app.signed_in("cleo", Some(Grant::Admin)).await;
        let path = "/api/v1/campaigns/raqqa/settings";
        let read = cleo.get(path).await;
        let tag = read.header("etag").to_owned();
        assert!(tag.starts_with('"'), "{tag}");
        assert_eq!(cleo.get(path).await.header("etag"), tag, "the same until something changes");
        let put = async |text: &str, tag: Option<&str>| {
            let mut headers = vec![("content-type", "application/json")];
            headers.extend(tag.map(|tag| ("if-match", tag)));
            let body = json!({"texts": {"en": {"news": text}}}).to_string();
            cleo.send(reqwest::Method::PUT, path, &headers, Some(body)).await
        };
        let first = put("first", Some(&tag)).await;
        assert_eq!(first.status, 200, "{}", first.text);
        let newer = first.header("etag").to_owned();
        assert_ne!(newer, tag);
        let refused = put("second", Some(&tag)).await.refused(412, "changed_meanwhile");
        assert!(refused["detail"].as_str().unwrap().contains("read them again"), "{refused}");
        assert_eq!(cleo.get(path).await.ok()["texts"]["en"]["news"], "first");
        assert_eq!(put("third", Some(&newer)).await.status, 200);
        assert_eq!(put("fourth", None).await.status, 200, "without the header as before");
        assert_eq!(put("fifth", Some("*")).await.status, 200, "any version will do");
        assert_eq!(cleo.get(path).await.ok()["texts"]["en"]["news"], "fifth");
    })
    .await;
}
