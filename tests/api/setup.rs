//! Setting a campaign up over HTTP: from an empty server to an open campaign, and everything that could go wrong on the
//! way. Jobs are done by a worker that the tests turn by hand.

use std::path::{Path, PathBuf};

use aftermap::domain::volunteer::Role;
use aftermap::imagery::{Archives, SyntheticTown, TownOptions};
use aftermap::services::jobs::worker::Worker;
use aftermap::services::people::grant_role::Grant;
use aftermap::services::scenes::upload::Intake;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::helpers::{Browser, PASSWORD, Reply, TestApp, on_each_database, on_sqlite};

const TOWN: &str = "/api/v1/campaigns/town";
const PART: &str = "application/offset+octet-stream";

/// A small synthetic town of two dates, drawn into the server's folder.
fn draw_town(app: &TestApp) -> SyntheticTown {
    let dates = TownOptions::default().dates.into_iter().take(2).collect();
    let options = TownOptions { size_m: 240.0, dates, clouds: vec![], ..TownOptions::default() };
    SyntheticTown::draw(7, options, &app.tiles.path().join("drawn")).unwrap()
}

fn worker(app: &TestApp) -> Worker {
    Worker::new(app.store.clone(), Archives::new(app.tiles.path()), Intake::new(app.tiles.path()))
}

/// Does all jobs that there are.
async fn work(app: &TestApp) {
    let worker = worker(app);
    for _ in 0..20 {
        if !worker.turn().await.unwrap() {
            return;
        }
    }
    panic!("the jobs never end");
}

async fn creator(app: &TestApp) -> Browser {
    app.signed_in("cleo", Some(Grant::Creator)).await
}

/// A draft `town` and its maker.
async fn draft(app: &TestApp) -> Browser {
    let cleo = creator(app).await;
    let made = cleo.post("/api/v1/campaigns", json!({"slug": "town", "title": "A town"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    cleo
}

async fn put(browser: &Browser, path: &str, body: Value) -> Reply {
    browser.send(Method::PUT, path, &[("content-type", "application/json")], Some(body.to_string())).await
}

async fn begin(browser: &Browser, name: &str, bytes: &[u8], sha256: Option<String>) -> Value {
    let body = json!({"file_name": name, "bytes": bytes.len(), "sha256": sha256});
    let begun = browser.post(&format!("{TOWN}/uploads"), body).await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    begun.json()
}

async fn part(browser: &Browser, upload: &Value, offset: &str, bytes: &[u8]) -> Reply {
    let path = format!("{TOWN}/uploads/{}", upload["id"].as_str().unwrap());
    browser.send_bytes(Method::PATCH, &path, &[("content-type", PART), ("upload-offset", offset)], bytes.to_vec()).await
}

/// Uploads a file in parts of 100 kB.
async fn upload(browser: &Browser, file: &Path) -> String {
    let bytes = std::fs::read(file).unwrap();
    let checksum = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let name = file.file_name().unwrap().to_str().unwrap();
    let begun = begin(browser, name, &bytes, Some(checksum)).await;
    let mut last = Value::Null;
    for (at, chunk) in bytes.chunks(100_000).enumerate() {
        last = part(browser, &begun, &(at * 100_000).to_string(), chunk).await.ok();
    }
    assert_eq!((&last["state"], &last["received"]), (&json!("complete"), &json!(bytes.len())));
    begun["id"].as_str().unwrap().to_owned()
}

async fn ask(browser: &Browser, body: Value) -> Value {
    let asked = browser.post(&format!("{TOWN}/jobs"), body).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    asked.json()
}

async fn job(browser: &Browser, job: &Value) -> Value {
    browser.get(&format!("{TOWN}/jobs/{}", job["id"].as_str().unwrap())).await.ok()
}

/// Brings both pictures of the town.
async fn bring_pictures(app: &TestApp, cleo: &Browser) -> SyntheticTown {
    let town = draw_town(app);
    for scene in &town.scenes {
        let id = upload(cleo, &scene.file).await;
        let about = json!({"kind": "ingest", "upload": id, "captured": scene.captured.to_string(),
            "licence": "CC0-1.0", "attribution": "drawn"});
        let asked = ask(cleo, about).await;
        work(app).await;
        let done = job(cleo, &asked).await;
        assert_eq!((&done["state"], &done["progress"]), (&json!("done"), &json!(1.0)), "{done}");
    }
    town
}

fn items(list: &Value, state: &str) -> Vec<String> {
    let items = list.as_array().unwrap().iter().filter(|item| item["state"] == state);
    items.map(|item| item["key"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_campaign_goes_from_an_empty_server_to_open() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        assert_eq!(cleo.session().await["may_create_campaigns"], true);
        let list = cleo.get(&format!("{TOWN}/checklist")).await.ok();
        assert_eq!(
            (list["ready"].clone(), items(&list["items"], "blocking")),
            (json!(false), vec!["scenes".to_owned(), "tiles".into()])
        );
        let refused = cleo.post(&format!("{TOWN}/state"), json!({"state": "open"})).await.refused(409, "not_ready");
        assert_eq!(items(&refused["checklist"], "blocking"), ["scenes", "tiles"]);

        let texts = json!({"en": {"purpose": "To see.", "care_notice": "Ruins.", "guide": {"destroyed": "Rubble."}}});
        let body = json!({"licence": "CC-BY-4.0", "texts": texts, "policy": {"minimum": 2}, "tiles": {"zoom": 18}});
        let changed = put(&cleo, &format!("{TOWN}/settings"), body).await.ok();
        let names = json!([
            "licence",
            "policy.minimum",
            "texts.en.purpose",
            "texts.en.care_notice",
            "texts.en.guide.destroyed",
            "tiles.zoom"
        ]);
        assert_eq!((&changed["changed"], &changed["job"]), (&names, &Value::Null));

        bring_pictures(app, &cleo).await;
        let settings = cleo.get(&format!("{TOWN}/settings")).await.ok();
        assert_eq!((&settings["tiles"]["zoom"], &settings["policy"]["minimum"]), (&json!(18), &json!(2)));
        let again = put(&cleo, &format!("{TOWN}/settings"), settings).await.ok();
        assert_eq!(again["changed"], json!([]), "what is read can be sent back, and changes nothing");

        let estimate = cleo.get(&format!("{TOWN}/estimate?kind=fixed&redundancy=5")).await.ok();
        assert!(estimate["tiles"].as_u64().unwrap() > 0 && estimate["hours"].as_f64().unwrap() > 0.0, "{estimate}");
        let open = cleo.post(&format!("{TOWN}/state"), json!({"state": "open"})).await.ok();
        assert_eq!((&open["state"], &open["kind"]), (&json!("open"), &json!("pair")));
        let lease = app.browser();
        lease.become_guest().await;
        let given = lease.post(&format!("{TOWN}/leases"), json!({"count": 1})).await.ok();
        assert_eq!(given["leases"].as_array().unwrap().len(), 1);
        // From now on tiles are being labelled.
        put(&cleo, &format!("{TOWN}/settings"), json!({"tiles": {"zoom": 17}})).await.refused(409, "conflict");
        let scenes = cleo.get(&format!("{TOWN}/scenes")).await.ok();
        let scene = format!("{TOWN}/scenes/{}", scenes["scenes"][0]["id"].as_str().unwrap());
        cleo.delete(&scene).await.refused(409, "conflict");
    })
    .await;
}

#[tokio::test]
async fn only_those_with_the_right_make_campaigns_and_only_once_of_each_name() {
    on_each_database(async |app| {
        let wanted = |slug: &str| json!({"slug": slug, "title": "T", "scale": "jds4"});
        let cleo = creator(app).await;
        let stranger = app.signed_in("stranger", None).await;
        stranger.post("/api/v1/campaigns", wanted("one")).await.refused(403, "forbidden");
        app.browser().post("/api/v1/campaigns", wanted("one")).await.refused(401, "unauthorized");
        let boss = app.signed_in("boss", Some(Grant::Admin)).await;
        let (a, b) =
            tokio::join!(cleo.post("/api/v1/campaigns", wanted("one")), boss.post("/api/v1/campaigns", wanted("one")));
        let mut statuses = [a.status.as_u16(), b.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{} {}", a.text, b.text);
        let made = cleo.post("/api/v1/campaigns", wanted("two")).await.json();
        assert_eq!(
            (&made["role"], &made["state"], &made["scale"]["key"]),
            (&json!("coordinator"), &json!("draft"), &json!("jds4"))
        );
        for (body, field) in [
            (json!({"slug": "../x", "title": "T"}), "slug"),
            (json!({"slug": "three", "title": " "}), "title"),
            (json!({"slug": "three", "title": "T", "language": "english"}), "language"),
            (json!({"slug": "three", "title": "T", "scale": "conflict4"}), "scale"),
            (json!({"slug": "three", "title": "T", "colour": 1}), "colour"),
        ] {
            assert_eq!(cleo.post("/api/v1/campaigns", body).await.refused(422, "invalid")["field"], field);
        }
    })
    .await;
}

#[tokio::test]
async fn settings_are_all_or_nothing_and_name_what_is_wrong() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let path = format!("{TOWN}/settings");
        for (body, field) in [
            (json!({"colour": 1}), "colour"),
            (json!({"texts": {"en": {"titel": "T"}}}), "titel"),
            (json!({"policy": {"minimun": 3}}), "minimun"),
            (json!({"licence": "CC0-1.0", "policy": {"minimum": 99}}), "policy.minimum"),
            (json!({"tiles": {"zoom": 99}}), "tiles.zoom"),
            (json!({"tiles": {"source": "footprints"}}), "tiles.source"),
            (json!({"area": {"type": "Point", "coordinates": [0, 0]}}), "area"),
            (json!({"slug": "other"}), "slug"),
            (json!({"scenes": [{"file": "/etc/passwd"}]}), "scenes"),
        ] {
            let refused = put(&cleo, &path, body.clone()).await.refused(422, "invalid");
            assert_eq!(refused["field"], field, "{body}: {refused}");
        }
        assert_eq!(cleo.get(&path).await.ok()["licence"], "", "nothing of what was refused is there");
        let own = json!({"key": "roofs", "heavy_from": 1, "answers": [{"key": "whole", "code": 0}, {"key": "torn", "code": 1}]});
        let area = json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]});
        let changed = put(&cleo, &path, json!({"scale": own, "area": area})).await.ok();
        assert_eq!(changed["settings"]["scale"]["answers"][1]["key"], "torn");
        assert_eq!(put(&cleo, &path, json!({"area": null})).await.ok()["settings"]["area"], Value::Null);
        let toml = "slug = \"town\"\nlicence = \"CC0-1.0\"\n[tiles]\nmargin = 1.5\n".to_owned();
        let taken = cleo.send(Method::PUT, &path, &[("content-type", "application/toml")], Some(toml)).await.ok();
        assert_eq!((&taken["changed"], &taken["settings"]["tiles"]["margin"]), (&json!(["licence", "tiles.margin"]), &json!(1.5)));
    })
    .await;
}

#[tokio::test]
async fn tiles_follow_zoom_area_footprints_and_scenes() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let town = bring_pictures(app, &cleo).await;
        let tiles = async || cleo.get(TOWN).await.ok()["progress"]["tiles"].as_u64().unwrap();
        let settle = async |body: Value| {
            let changed = put(&cleo, &format!("{TOWN}/settings"), body).await.ok();
            assert_eq!(items(&cleo.get(&format!("{TOWN}/checklist")).await.ok()["items"], "blocking"), ["jobs"]);
            work(app).await;
            job(&cleo, &changed["job"]).await
        };
        assert_eq!(settle(json!({"tiles": {"zoom": 18}})).await["state"], "done");
        let coarse = tiles().await;
        assert_eq!(settle(json!({"tiles": {"zoom": 19}})).await["state"], "done");
        let fine = tiles().await;
        assert!(fine > coarse && coarse > 0, "{coarse} {fine}");

        // Half of the place.
        let bounds = cleo.get(TOWN).await.ok()["bounds"].clone();
        let [west, south, east, north] = [0, 1, 2, 3].map(|side| bounds[side].as_f64().unwrap());
        let middle = (west + east) / 2.0;
        let half = json!({"type": "Polygon", "coordinates":
            [[[west, south], [middle, south], [middle, north], [west, north], [west, south]]]});
        assert_eq!(settle(json!({"area": half})).await["state"], "done");
        assert!(tiles().await < fine);
        // Elsewhere there is nothing: the job fails with the reason, and all stays as it was.
        let before = tiles().await;
        let nowhere = json!({"type": "Polygon", "coordinates": [[[50, 50], [51, 50], [51, 51], [50, 50]]]});
        let failed = settle(json!({"area": nowhere})).await;
        assert_eq!(failed["state"], "failed");
        assert!(failed["message"].as_str().unwrap().contains("area"), "{failed}");
        assert_eq!((tiles().await, cleo.get(&format!("{TOWN}/settings")).await.ok()["area"].clone()), (before, half));
        assert_eq!(settle(json!({"area": null})).await["state"], "done");

        let preview = cleo.get(&format!("{TOWN}/preview?zoom=18&count=3&seed=4")).await.ok();
        assert_eq!(preview, cleo.get(&format!("{TOWN}/preview?zoom=18&count=3&seed=4")).await.ok());
        assert_eq!((&preview["zoom"], preview["tiles"][0]["frames"].as_array().unwrap().len()), (&json!(18), 2));
        assert_eq!(tiles().await, fine, "a preview changes nothing");

        let id = upload(&cleo, &town.footprints).await;
        let asked = ask(&cleo, json!({"kind": "footprints", "upload": id})).await;
        work(app).await;
        let done = job(&cleo, &asked).await;
        assert_eq!((&done["state"], tiles().await), (&json!("done"), town.buildings as u64), "{done}");
        let near = cleo.get(&format!("{TOWN}/preview?count=1&margin=0")).await.ok();
        let far = cleo.get(&format!("{TOWN}/preview?count=1&margin=3")).await.ok();
        let width = |shown: &Value| {
            let bbox = &shown["tiles"][0]["tile"]["bbox"];
            bbox[2].as_f64().unwrap() - bbox[0].as_f64().unwrap()
        };
        assert!(width(&far) > width(&near));

        // Another date, and one scene less.
        let scenes = cleo.get(&format!("{TOWN}/scenes")).await.ok();
        let first = format!("{TOWN}/scenes/{}", scenes["scenes"][0]["id"].as_str().unwrap());
        let body = json!({"title": "Spring", "captured": "2025-12-01"}).to_string();
        let changed = cleo.send(Method::PATCH, &first, &[("content-type", "application/json")], Some(body)).await.ok();
        assert_eq!(changed["scene"]["title"], "Spring");
        work(app).await;
        let scenes = cleo.get(&format!("{TOWN}/scenes")).await.ok();
        assert_eq!(scenes["scenes"][1]["title"], "Spring", "it comes last now");
        assert_eq!(cleo.delete(&first).await.status, 202);
        work(app).await;
        assert_eq!(cleo.get(&format!("{TOWN}/scenes")).await.ok()["scenes"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_upload_takes_only_what_belongs_to_it() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let uploads = format!("{TOWN}/uploads");
        for (body, field) in [
            (json!({"file_name": "../key", "bytes": 3}), "file_name"),
            (json!({"file_name": "a/b.tif", "bytes": 3}), "file_name"),
            (json!({"file_name": "a.tif", "bytes": 0}), "bytes"),
            (json!({"file_name": "a.tif", "bytes": 3, "sha256": "abc"}), "sha256"),
        ] {
            assert_eq!(cleo.post(&uploads, body).await.refused(422, "invalid")["field"], field);
        }
        assert!(cleo.post(&uploads, json!({"file_name": "a.tif", "bytes": -3})).await.status.is_client_error());
        // A budget is not the disk: what nobody could ever send takes no room.
        let huge = cleo.post(&uploads, json!({"file_name": "a.tif", "bytes": 9_000_000_000_000_000_000u64})).await;
        assert!(huge.refused(507, "no_space")["missing_bytes"].as_u64().unwrap() > 0);

        let begun = begin(&cleo, "a.csv", b"hello world", None).await;
        assert_eq!(part(&cleo, &begun, "3", b"hello").await.refused(409, "wrong_offset")["offset"], 0);
        part(&cleo, &begun, "-1", b"hello").await.refused(422, "invalid");
        part(&cleo, &begun, "", b"hello").await.refused(422, "invalid");
        part(&cleo, &begun, "99999999999999999999", b"hello").await.refused(422, "invalid");
        part(&cleo, &begun, "0", b"hello world and more").await.refused(413, "too_large");
        assert_eq!(part(&cleo, &begun, "0", b"hello").await.ok()["received"], 5);
        let wrong = part(&cleo, &begun, "0", b"hello").await;
        assert_eq!((wrong.header("upload-offset"), wrong.status.as_u16()), ("5", 409));
        let path = format!("{uploads}/{}", begun["id"].as_str().unwrap());
        let head = cleo.send(Method::HEAD, &path, &[], None).await;
        assert_eq!((head.header("upload-offset"), head.header("upload-length")), ("5", "11"));
        let job = json!({"kind": "ingest", "upload": begun["id"], "captured": "2025-06-15"});
        cleo.post(&format!("{TOWN}/jobs"), job).await.refused(409, "conflict");
        assert_eq!(part(&cleo, &begun, "5", b" world").await.ok()["state"], "complete");

        // The coordinator of another campaign sees neither the campaign nor its uploads; at their own there is none.
        let other = app.signed_in("other", Some(Grant::Creator)).await;
        other.post("/api/v1/campaigns", json!({"slug": "other", "title": "O"})).await.ok();
        other.get(&path).await.refused(404, "not_found");
        other.delete(&path).await.refused(404, "not_found");
        other.get(&path.replace("town", "other")).await.refused(404, "not_found");
        let reviewer = app.signed_in_as(Role::Reviewer, "town").await;
        reviewer.get(&path).await.refused(403, "forbidden");

        // A wrong checksum: all of it again.
        let begun = begin(&cleo, "b.csv", b"hello", Some("0".repeat(64))).await;
        assert_eq!(part(&cleo, &begun, "0", b"hello").await.refused(422, "invalid")["field"], "sha256");
        assert_eq!(cleo.get(&format!("{uploads}/{}", begun["id"].as_str().unwrap())).await.ok()["received"], 0);
        assert_eq!(cleo.delete(&path).await.status, 204);
        cleo.get(&path).await.refused(404, "not_found");
        let left: Vec<_> = std::fs::read_dir(app.tiles.path().join("uploads")).unwrap().collect();
        assert_eq!(left.len(), 1, "a file goes with its upload");
    })
    .await;
}

#[tokio::test]
async fn two_that_send_the_same_part_at_once_store_it_once() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let bytes: Vec<u8> = (0..3_000_000u32).map(|at| (at % 251) as u8).collect();
        let checksum = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let begun = begin(&cleo, "a.bin", &bytes, Some(checksum)).await;
        let (first, rest) = bytes.split_at(1_500_000);
        let other: Vec<u8> = vec![0; first.len()];
        let (a, b) = tokio::join!(part(&cleo, &begun, "0", first), part(&cleo, &begun, "0", first));
        let stored = [a.status.as_u16(), b.status.as_u16()].iter().filter(|status| **status == 200).count();
        assert_eq!(stored, 1, "{} {}", a.text, b.text);
        part(&cleo, &begun, "0", &other).await.refused(409, "wrong_offset");
        assert_eq!(part(&cleo, &begun, "1500000", rest).await.ok()["state"], "complete");
    })
    .await;
}

#[tokio::test]
async fn a_hostile_file_fails_its_job_with_the_reason_and_nothing_else() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let file = app.tiles.path().join("rubbish.tif");
        std::fs::write(&file, [b"II*\0".as_slice(), &[0xff; 4000]].concat()).unwrap();
        let id = upload(&cleo, &file).await;
        let asked = ask(&cleo, json!({"kind": "ingest", "upload": id, "captured": "2025-06-15"})).await;
        work(app).await;
        let failed = job(&cleo, &asked).await;
        let reason = failed["message"].as_str().unwrap();
        assert_eq!(failed["state"], "failed");
        assert!(reason.starts_with("rubbish.tif: ") && !reason.contains("uploads"), "{reason}");
        assert_eq!(
            cleo.get(&format!("{TOWN}/uploads")).await.ok()["uploads"][0]["state"],
            "complete",
            "it is kept for another try"
        );
        // Words instead of outlines, and a file that was taken away meanwhile.
        let asked = ask(&cleo, json!({"kind": "footprints", "upload": id})).await;
        let gone = ask(&cleo, json!({"kind": "gold", "upload": id, "gold": "check"})).await;
        worker(app).turn().await.unwrap();
        assert_eq!(job(&cleo, &asked).await["state"], "failed");
        std::fs::remove_file(app.tiles.path().join("uploads").join(&id)).unwrap();
        work(app).await;
        assert!(job(&cleo, &gone).await["message"].as_str().unwrap().contains("not there any more"));
    })
    .await;
}

#[tokio::test]
async fn files_of_the_inbox_are_read_and_nothing_beside_them() {
    let app = on_sqlite();
    let cleo = draft(&app).await;
    let town = draw_town(&app);
    let inbox: PathBuf = app.tiles.path().join("inbox/town/2025");
    std::fs::create_dir_all(&inbox).unwrap();
    std::fs::copy(&town.scenes[0].file, inbox.join("before.tif")).unwrap();
    let listed = cleo.get(&format!("{TOWN}/files")).await.ok();
    assert_eq!((&listed["folder"], &listed["files"][0]["name"]), (&json!("inbox/town"), &json!("2025/before.tif")));
    for bad in ["../drawn", "/etc/passwd", "2025", "nothing.tif", ""] {
        let body = json!({"kind": "ingest", "file": bad, "captured": "2025-06-15"});
        assert!(cleo.post(&format!("{TOWN}/jobs"), body).await.status.is_client_error(), "{bad}");
    }
    let both = json!({"kind": "ingest", "file": "2025/before.tif", "upload": "1", "captured": "2025-06-15"});
    cleo.post(&format!("{TOWN}/jobs"), both).await.refused(422, "invalid");
    let asked = ask(&cleo, json!({"kind": "ingest", "file": "2025/before.tif", "captured": "2025-03-02"})).await;
    work(&app).await;
    let done = job(&cleo, &asked).await;
    assert_eq!((&done["state"], &done["about"]), (&json!("done"), &json!("before.tif")), "{done}");
    assert!(inbox.join("before.tif").exists(), "what the operator laid there stays");
    assert_eq!(cleo.get(&format!("{TOWN}/scenes")).await.ok()["scenes"][0]["source_name"], "before.tif");
}

#[tokio::test]
async fn no_coordinator_sees_or_takes_what_lies_in_the_inbox_for_another_campaign() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let town = draw_town(app);
        let omar = app.signed_in("omar", Some(Grant::Creator)).await;
        assert_eq!(omar.post("/api/v1/campaigns", json!({"slug": "other", "title": "Other"})).await.status, 201);
        let inbox: PathBuf = app.tiles.path().join("inbox");
        std::fs::create_dir_all(inbox.join("other")).unwrap();
        std::fs::copy(&town.scenes[0].file, inbox.join("other/secret.tif")).unwrap();
        // Laid beside the folders of the campaigns: nobody's.
        std::fs::write(inbox.join("lost.tif"), "x").unwrap();
        let listed = omar.get("/api/v1/campaigns/other/files").await.ok();
        assert_eq!(listed["files"][0]["name"], "secret.tif");
        assert_eq!(cleo.get(&format!("{TOWN}/files")).await.ok()["files"], json!([]));
        for name in ["secret.tif", "other/secret.tif", "../other/secret.tif", "lost.tif", "../lost.tif"] {
            let body = json!({"kind": "ingest", "file": name, "captured": "2025-06-15"});
            assert!(cleo.post(&format!("{TOWN}/jobs"), body).await.status.is_client_error(), "{name}");
        }
        cleo.get("/api/v1/campaigns/other/files").await.refused(404, "not_found");
        let mine = json!({"kind": "ingest", "file": "secret.tif", "captured": "2025-06-15"});
        assert_eq!(omar.post("/api/v1/campaigns/other/jobs", mine).await.status, 202);
    })
    .await;
}

#[tokio::test]
async fn a_job_is_done_once_by_one_of_two_workers_and_again_after_a_crash() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let town = draw_town(app);
        let id = upload(&cleo, &town.scenes[0].file).await;
        let asked = ask(&cleo, json!({"kind": "ingest", "upload": id, "captured": "2025-03-02"})).await;
        let number: i64 = asked["id"].as_str().unwrap().parse().unwrap();
        // A run that began and died.
        let claim = move |conn: &mut aftermap::storage::Conn| {
            Ok(aftermap::storage::jobs::claim(conn, number, "a run that died", 0, aftermap::services::clock::now_ms())?)
        };
        assert!(app.write(claim).await);
        assert!(!worker(app).turn().await.unwrap(), "it may still be alive");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let (one, two) = (worker(app).patient_for(10), worker(app).patient_for(10_000));
        let (first, second) = tokio::join!(one.turn(), two.turn());
        assert_eq!((first.unwrap(), second.unwrap()), (true, false));
        let done = job(&cleo, &asked).await;
        assert_eq!((&done["state"], &done["attempts"]), (&json!("done"), &json!(2)), "{done}");
        assert_eq!(cleo.get(&format!("{TOWN}/scenes")).await.ok()["scenes"].as_array().unwrap().len(), 1);
        cleo.post(&format!("{TOWN}/jobs/{number}/cancel"), json!({})).await.refused(409, "conflict");
    })
    .await;
}

#[tokio::test]
async fn a_job_ends_after_its_author_is_deleted_and_then_nothing_says_what_their_file_was_called() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let omar = app.signed_in("omar", Some(Grant::Admin)).await;
        let town = draw_town(app);
        let mut asked = Vec::new();
        for scene in &town.scenes {
            let id = upload(&cleo, &scene.file).await;
            asked.push(
                ask(&cleo, json!({"kind": "ingest", "upload": id, "captured": scene.captured.to_string()})).await,
            );
        }
        let gone = cleo.send(
            Method::DELETE,
            "/api/v1/me",
            &[("content-type", "application/json")],
            Some(json!({"password": PASSWORD}).to_string()),
        );
        assert_eq!(gone.await.status, 204);
        let path = |asked: &Value| format!("{TOWN}/jobs/{}", asked["id"].as_str().unwrap());
        for waiting in &asked {
            assert_eq!(omar.get(&path(waiting)).await.ok()["state"], "waiting", "the work is still wanted");
        }
        let cancelled = omar.post(&format!("{}/cancel", path(&asked[1])), json!({})).await.ok();
        assert_eq!(cancelled["state"], "cancelled");
        omar.get(&path(&asked[1])).await.refused(404, "not_found");
        work(app).await;
        omar.get(&path(&asked[0])).await.refused(404, "not_found");
        assert_eq!(omar.get(&format!("{TOWN}/jobs")).await.ok()["jobs"], json!([]));
        assert_eq!(
            omar.get(&format!("{TOWN}/scenes")).await.ok()["scenes"].as_array().unwrap().len(),
            1,
            "it was done"
        );
    })
    .await;
}

#[tokio::test]
async fn a_job_that_waits_can_be_cancelled_and_those_of_a_campaign_take_turns() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let town = draw_town(app);
        let mut asked = Vec::new();
        for scene in &town.scenes {
            let id = upload(&cleo, &scene.file).await;
            asked.push(
                ask(&cleo, json!({"kind": "ingest", "upload": id, "captured": scene.captured.to_string()})).await,
            );
        }
        let (one, two) = (worker(app), worker(app));
        let (first, second) = tokio::join!(one.turn(), two.turn());
        assert_eq!([first.unwrap(), second.unwrap()].iter().filter(|worked| **worked).count(), 1);
        let id = asked[1]["id"].as_str().unwrap();
        let cancelled = cleo.post(&format!("{TOWN}/jobs/{id}/cancel"), json!({})).await.ok();
        assert_eq!(cancelled["state"], "cancelled");
        work(app).await;
        let jobs = cleo.get(&format!("{TOWN}/jobs")).await.ok();
        assert_eq!((&jobs["jobs"][0]["state"], &jobs["jobs"][1]["state"]), (&json!("cancelled"), &json!("done")));
    })
    .await;
}

#[tokio::test]
async fn two_who_open_at_once_open_it_once() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        bring_pictures(app, &cleo).await;
        let open = async || cleo.post(&format!("{TOWN}/state"), json!({"state": "open"})).await.ok();
        let (a, b) = tokio::join!(open(), open());
        assert_eq!((&a["state"], &b["state"]), (&json!("open"), &json!("open")));
    })
    .await;
}
