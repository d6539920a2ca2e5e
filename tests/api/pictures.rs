//! Pictures that are not what they should be, or are to be shown otherwise: said at the first bytes, mended by a word.

use std::path::Path;

use aftermap::imagery::Archives;
use aftermap::services::jobs::worker::Worker;
use aftermap::services::people::grant_role::Grant;
use aftermap::services::scenes::upload::Intake;
use geotiff_writer::{GeoTiffBuilder, PhotometricInterpretation};
use ndarray::Array3;
use reqwest::Method;
use serde_json::{Value, json};

use crate::helpers::{Browser, Reply, TestApp, on_each_database};

const TOWN: &str = "/api/v1/campaigns/town";
const PART: &str = "application/offset+octet-stream";
const SIDE: usize = 300;

/// A picture of 300 metres in UTM zone 37 north with three bands of 16 bits, of which the second is the brightest; with or
/// without the name of its system, and with as many metres moved to the east.
fn write_picture(file: &Path, epsg: Option<u16>) {
    let shade =
        |(row, col, band): (usize, usize, usize)| [500u16, 3000, 1000][band] + ((row * 7 + col * 3) % 200) as u16;
    let data = Array3::from_shape_fn((SIDE, SIDE, 3), shade);
    let plain =
        GeoTiffBuilder::new(SIDE as u32, SIDE as u32).bands(3).pixel_scale(1.0, 1.0).origin(437_000.0, 3_978_000.0);
    let placed = match epsg {
        Some(code) => plain.epsg(code),
        None => plain,
    };
    placed.photometric(PhotometricInterpretation::Rgb).write_3d(file, data.view()).unwrap();
}

/// A draft with its maker, and work for one who does all jobs.
async fn draft(app: &TestApp) -> Browser {
    let cleo = app.signed_in("cleo", Some(Grant::Creator)).await;
    cleo.post("/api/v1/campaigns", json!({"slug": "town", "title": "A town"})).await.ok();
    cleo
}

async fn begin(browser: &Browser, name: &str, bytes: usize) -> String {
    let begun = browser.post(&format!("{TOWN}/uploads"), json!({"file_name": name, "bytes": bytes})).await.ok();
    begun["id"].as_str().unwrap().to_owned()
}

async fn part(browser: &Browser, id: &str, offset: usize, bytes: &[u8]) -> Reply {
    let headers = [("content-type", PART), ("upload-offset", &*offset.to_string())];
    browser.send_bytes(Method::PATCH, &format!("{TOWN}/uploads/{id}"), &headers, bytes.to_vec()).await
}

/// Brings a picture with these words, and returns how its job ended.
async fn bring(app: &TestApp, browser: &Browser, file: &Path, words: Value) -> Value {
    let bytes = std::fs::read(file).unwrap();
    let id = begin(browser, file.file_name().unwrap().to_str().unwrap(), bytes.len()).await;
    part(browser, &id, 0, &bytes).await.ok();
    let mut body = json!({"kind": "ingest", "upload": id, "captured": "2025-06-15"});
    body.as_object_mut().unwrap().extend(words.as_object().unwrap().clone());
    let asked = browser.post(&format!("{TOWN}/jobs"), body).await.ok();
    let worker = Worker::new(app.store.clone(), Archives::new(app.tiles.path()), Intake::new(app.tiles.path()));
    for _ in 0..20 {
        if !worker.turn().await.unwrap() {
            break;
        }
    }
    browser.get(&format!("{TOWN}/jobs/{}", asked["id"].as_str().unwrap())).await.ok()
}

async fn scenes(browser: &Browser) -> Vec<Value> {
    browser.get(&format!("{TOWN}/scenes")).await.ok()["scenes"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_is_no_picture_is_refused_at_its_first_bytes_by_what_it_is() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let page = [b"<!DOCTYPE html><html>".as_slice(), &[b' '; 200]].concat();
        for (name, bytes, what) in [
            ("a.tif", [b"\xff\xd8\xff\xe0".as_slice(), &[0; 200]].concat(), "JPEG"),
            ("a.zip", [b"PK\x03\x04".as_slice(), &[0; 200]].concat(), "unpack"),
            ("b.tif", page, "web page"),
            ("c.tif", vec![b'x'; 200], "not a TIFF"),
        ] {
            // Gigabytes were announced; the first piece is enough.
            let id = begin(&cleo, name, 5_000_000_000).await;
            let refused = part(&cleo, &id, 0, &bytes).await.refused(422, "wrong_file");
            let detail = refused["detail"].as_str().unwrap();
            assert!(detail.contains(what) && detail.contains(name), "{detail}");
            assert_eq!(cleo.get(&format!("{TOWN}/uploads/{id}")).await.ok()["received"], 0);
            assert_eq!(cleo.delete(&format!("{TOWN}/uploads/{id}")).await.status, 204);
        }
        // A few bytes at a time hide nothing: the whole is looked at when it is there.
        let id = begin(&cleo, "d.tif", 40).await;
        for at in 0..3 {
            part(&cleo, &id, at * 10, b"0123456789").await.ok();
        }
        part(&cleo, &id, 30, b"0123456789").await.refused(422, "wrong_file");
        assert_eq!(cleo.get(&format!("{TOWN}/uploads/{id}")).await.ok()["received"], 0);
    })
    .await;
}

#[tokio::test]
async fn a_picture_without_its_system_is_taken_at_ones_word_and_another_one_keeps_its_own() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let (named, unnamed) = (app.tiles.path().join("named.tif"), app.tiles.path().join("unnamed.tif"));
        write_picture(&named, Some(32637));
        write_picture(&unnamed, None);
        let failed = bring(app, &cleo, &unnamed, json!({})).await;
        assert_eq!(failed["state"], "failed");
        assert!(failed["message"].as_str().unwrap().contains("does not name its coordinate system"), "{failed}");
        let done = bring(app, &cleo, &unnamed, json!({"crs": "EPSG:32637"})).await;
        assert_eq!(done["state"], "done", "{done}");
        let failed = bring(app, &cleo, &named, json!({"crs": "EPSG:32638", "captured": "2025-07-15"})).await;
        assert!(failed["message"].as_str().unwrap().contains("EPSG:32637"), "{failed}");
        let done = bring(app, &cleo, &named, json!({"crs": "32637", "captured": "2025-07-15"})).await;
        assert_eq!(done["state"], "done", "{done}");
        let both = scenes(&cleo).await;
        assert_eq!((&both[0]["crs"], &both[0]["bounds"]), (&json!("EPSG:32637"), &both[1]["bounds"]), "the same place");
        for crs in ["UTM", "EPSG:1", "EPSG:99999999"] {
            let body = json!({"kind": "ingest", "file": "x.tif", "captured": "2025-06-15", "crs": crs});
            assert_eq!(cleo.post(&format!("{TOWN}/jobs"), body).await.refused(422, "invalid")["field"], "crs");
        }
    })
    .await;
}

#[tokio::test]
async fn a_picture_is_shown_as_asked_and_gives_way_to_itself_with_another_look() {
    on_each_database(async |app| {
        let cleo = draft(app).await;
        let file = app.tiles.path().join("before.tif");
        write_picture(&file, Some(32637));
        bring(app, &cleo, &file, json!({"attribution": "drawn"})).await;
        let before = scenes(&cleo).await;
        assert_eq!(before[0]["shown"]["bands"], json!([1, 2, 3]));
        let measured = before[0]["shown"]["stretch"].as_array().unwrap();
        assert!(measured.len() == 3 && measured[0] != measured[1], "each band by its own measure: {measured:?}");

        let id = before[0]["id"].as_str().unwrap();
        let look = json!({"bands": [2], "stretch": [0.0, 4000.0], "replaces": id});
        let done = bring(app, &cleo, &file, look.clone()).await;
        assert_eq!(done["state"], "done", "{done}");
        let after = scenes(&cleo).await;
        assert_eq!(after.len(), 1, "the old one is gone");
        assert_ne!(after[0]["id"], before[0]["id"]);
        assert_eq!(after[0]["shown"]["bands"], json!([2]));
        assert_eq!(after[0]["shown"]["stretch"], json!([[0.0, 4000.0]]));
        assert!(after[0]["shown"]["note"].as_str().unwrap().contains("grey"), "{after:?}");

        // The same once more changes nothing, and what is not there cannot give way.
        let mut again = look.clone();
        again["replaces"] = after[0]["id"].clone();
        assert!(bring(app, &cleo, &file, again).await["message"].as_str().unwrap().contains("nothing changed"));
        assert_eq!(scenes(&cleo).await, after);
        for replaces in ["1", "x"] {
            let body = json!({"kind": "ingest", "upload": "1", "captured": "2025-06-15", "replaces": replaces});
            assert_eq!(cleo.post(&format!("{TOWN}/jobs"), body).await.refused(422, "invalid")["field"], "replaces");
        }
    })
    .await;
}
