//! Releases from outside: made by a coordinator, read by whoever may, and never changing.

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::volunteer::Role;
use aftermap::storage::schema;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::helpers::{Browser, Reply, TestApp, on_each_database};

const RELEASES: &str = "/api/v1/campaigns/raqqa/releases";

/// Four guests label every tile, so that tiles close; then the time to revise is over.
async fn label_all(app: &TestApp, people: usize) {
    for _ in 0..people {
        let guest = app.browser();
        guest.become_guest().await;
        for _ in 0..12 {
            let taken = guest.post("/api/v1/campaigns/raqqa/leases", json!({"count": 5})).await.ok();
            let leases = taken["leases"].as_array().unwrap();
            if leases.is_empty() {
                break;
            }
            let labels: Vec<Value> = leases
                .iter()
                .map(|lease| json!({"id": Uuid::now_v7(), "lease_id": lease["lease_id"], "answer": "damaged"}))
                .collect();
            guest.post("/api/v1/labels", json!(labels)).await.ok();
        }
    }
    app.write(|conn| {
        let long_ago = schema::queue::closed_at.eq(Some(1_000i64));
        Ok(diesel::update(schema::queue::table.filter(schema::queue::closed_at.is_not_null()))
            .set(long_ago)
            .execute(conn)?)
    })
    .await;
}

async fn set_level(app: &TestApp, level: ReleaseLevel) {
    app.write(move |conn| {
        let to = schema::campaigns::release_level.eq(level.key());
        Ok(diesel::update(schema::campaigns::table.filter(schema::campaigns::slug.eq("raqqa")))
            .set(to)
            .execute(conn)?)
    })
    .await;
}

fn file<'a>(release: &'a Value, name: &str) -> Option<&'a Value> {
    release["files"].as_array().unwrap().iter().find(|file| file["name"] == name)
}

async fn fetch(browser: &Browser, release: &Value, name: &str) -> Reply {
    browser.get(file(release, name).unwrap_or_else(|| panic!("{name} in {release}"))["path"].as_str().unwrap()).await
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A release that does not wait for the tiles that closed just now.
fn wanted() -> Value {
    json!({"authors": ["Us"], "incomplete": true})
}

#[tokio::test]
async fn a_release_that_would_leave_out_what_was_just_decided_is_refused_with_the_time() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        label_all(app, 4).await;
        app.write(|conn| {
            let just_now = schema::queue::closed_at.eq(Some(chrono::Utc::now().timestamp_millis()));
            let closed = schema::queue::table.filter(schema::queue::closed_at.is_not_null());
            Ok(diesel::update(closed).set(just_now).execute(conn)?)
        })
        .await;
        let boss = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let ahead = boss.get(RELEASES).await.ok()["outlook"].clone();
        let late = ahead["not_yet_shown"].as_u64().unwrap();
        assert!(late > 0 && ahead["validated"] == json!(false), "{ahead}");
        let at = ahead["complete_at"].as_str().unwrap();
        let refused = boss.post(RELEASES, json!({"authors": ["Us"]})).await.refused(409, "conflict");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(at) && detail.starts_with(&late.to_string()), "{detail}");
        assert_eq!(app.browser().get(RELEASES).await.ok()["outlook"], Value::Null, "for those who may release");
        boss.post(RELEASES, wanted()).await.ok();
    })
    .await;
}

#[tokio::test]
async fn a_release_is_complete_checksummed_and_stays_what_it_is() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        label_all(app, 4).await;
        let boss = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let wanted = json!({"notes": "First complete map.", "authors": ["Amnesty: \"International\""], "version": 1, "incomplete": true});
        let made = boss.post(RELEASES, wanted.clone()).await;
        assert_eq!(made.status, 201, "{}", made.text);
        boss.post(RELEASES, wanted).await.refused(409, "conflict");
        let nobody = app.browser();
        let listed = nobody.get(RELEASES).await.ok();
        let release = &listed["releases"][0];
        assert_eq!(
            (&release["version"], &release["level"], &listed["next_version"]),
            (&json!(1), &json!("public"), &json!(2))
        );
        assert_eq!((&listed["may_release"], &release["changes"]), (&json!(false), &Value::Null));
        assert!(release["citation"]["text"].as_str().unwrap().contains("Amnesty: \"International\" ("), "{release}");
        for one in release["files"].as_array().unwrap() {
            let got = nobody.get(one["path"].as_str().unwrap()).await;
            assert_eq!(got.status, 200, "{one}");
            assert_eq!(sha256(&got.bytes), one["sha256"].as_str().unwrap(), "{one}");
            assert_eq!(got.bytes.len() as u64, one["bytes"].as_u64().unwrap());
            assert!(
                got.header("cache-control").contains("public") && got.header("cache-control").contains("immutable")
            );
        }
        for name in ["tiles.csv", "tiles.geojson", "scenes.csv", "CITATION.cff", "README.md", "manifest.json"] {
            assert!(file(release, name).is_some(), "{name} in {release}");
        }
        assert!(file(release, "labels.csv").is_none(), "for researchers");
        assert_eq!(file(release, "tiles.csv").unwrap()["rows"], 12);
        let manifest = fetch(&nobody, release, "manifest.json").await.ok();
        assert!(manifest["files"].as_array().unwrap().iter().all(|one| one["audience"] == "everybody"), "{manifest}");
        let now = nobody.get("/api/v1/campaigns/raqqa/exports/tiles.csv").await;
        assert_eq!(fetch(&nobody, release, "tiles.csv").await.text, now.text, "what an export of the same state is");
        assert_eq!(now.text.matches("settled").count(), 12, "{}", now.text);
        assert!(file(&boss.get(&format!("{RELEASES}/1")).await.ok(), "labels.csv").is_some());
    })
    .await;
}

#[tokio::test]
async fn a_file_is_sent_in_parts_and_not_twice() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let boss = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let release = boss.post(RELEASES, wanted()).await.ok();
        let path = file(&release, "tiles.csv").unwrap()["path"].as_str().unwrap().to_owned();
        let whole = boss.get(&path).await;
        let tag = whole.header("etag").to_owned();
        let ask = async |headers: &[(&str, &str)]| boss.send(Method::GET, &path, headers, None).await;
        assert_eq!(ask(&[("if-none-match", &tag)]).await.status, 304);
        let part = ask(&[("range", "bytes=3-9"), ("accept-encoding", "gzip")]).await;
        assert_eq!((part.status.as_u16(), &part.text[..]), (206, &whole.text[3..10]));
        assert_eq!(part.header("content-range"), format!("bytes 3-9/{}", whole.text.len()));
        assert_eq!(ask(&[("range", "bytes=-5"), ("if-range", &tag)]).await.text, whole.text[whole.text.len() - 5..]);
        assert_eq!(ask(&[("range", "bytes=3-9"), ("if-range", "\"other\"")]).await.text, whole.text);
        let beyond = ask(&[("range", "bytes=99999999-")]).await;
        assert_eq!(
            (beyond.status.as_u16(), beyond.header("content-range").to_owned()),
            (416, format!("bytes */{}", whole.text.len()))
        );
        let head = boss.send(Method::HEAD, &path, &[], None).await;
        assert_eq!(head.header("content-length"), whole.text.len().to_string());
    })
    .await;
}

#[tokio::test]
async fn who_may_not_have_a_release_gets_none_of_it() {
    on_each_database(async |app| {
        app.campaign("raqqa", Visibility::Public, ReleaseLevel::Private).await;
        let boss = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let private = boss.post(RELEASES, wanted()).await.ok();
        assert!(private["files"].as_array().unwrap().iter().all(|one| one["audience"] == "researchers"), "{private}");
        let reviewer = app.signed_in_as(Role::Reviewer, "raqqa").await;
        let refused = async |release: &Value, what: &str| {
            for below in [&reviewer, &app.browser()] {
                assert_eq!(below.get(RELEASES).await.ok()["releases"], json!([]), "{what}");
                for file in release["files"].as_array().unwrap() {
                    let reply = below.get(file["path"].as_str().unwrap()).await;
                    assert!([401, 403].contains(&reply.status.as_u16()), "{what} {file}: {}", reply.status);
                }
                below.get(&format!("{RELEASES}/{}", release["version"])).await.refused(404, "not_found");
                let made = below.post(RELEASES, wanted()).await;
                assert!([401, 403].contains(&made.status.as_u16()), "{what}");
            }
        };
        refused(&private, "a private release").await;
        set_level(app, ReleaseLevel::Public).await;
        refused(&private, "a private release of a campaign that became public").await;
        let public = boss.post(RELEASES, wanted()).await.ok();
        assert_eq!(app.browser().get(RELEASES).await.ok()["releases"].as_array().unwrap().len(), 1);
        assert_eq!(
            file(&public, "changes.csv").unwrap()["audience"],
            "researchers",
            "the one before was not for everybody"
        );
        set_level(app, ReleaseLevel::Coarsened).await;
        refused(&public, "a public release of a campaign that became stricter").await;
        app.campaign("hidden", Visibility::Private, ReleaseLevel::Public).await;
        app.browser().get("/api/v1/campaigns/hidden/releases").await.refused(404, "not_found");
        app.browser().get("/api/v1/campaigns/hidden/cells").await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_released_is_refused_with_its_field() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let boss = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let field = async |body: Value| boss.post(RELEASES, body).await.refused(422, "invalid")["field"].clone();
        assert_eq!(field(json!({"notes": "\u{0}"})).await, "notes");
        assert_eq!(field(json!({"notes": "x".repeat(10_001)})).await, "notes");
        assert_eq!(field(json!({"authors": ["a\nb"]})).await, "authors");
        boss.post(RELEASES, json!({"version": 2, "authors": ["A"]})).await.refused(409, "conflict");
        for path in ["/0", "/7", "/-1", "/x", "/1/tiles.csv", "/4294967295"] {
            boss.get(&format!("{RELEASES}{path}")).await.refused(404, "not_found");
        }
        assert_eq!(field(json!({})).await, "authors");
        boss.post(RELEASES, wanted()).await.ok();
        for path in ["/1/tiles.xls", "/1/..%2F..%2Faftermap.sqlite", "/1/.."] {
            let reply = boss.get(&format!("{RELEASES}{path}")).await;
            assert!(reply.status == 404 || reply.header("content-type").contains("json"), "{path}: {}", reply.status);
            assert!(!reply.text.contains("SQLite format"));
        }
        boss.get("/api/v1/campaigns/raqqa/cells").await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_damaged_file_is_not_sent_as_if_it_were_what_was_released() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let boss = app.signed_in_as(Role::Coordinator, "raqqa").await;
        let release = boss.post(RELEASES, wanted()).await.ok();
        for folder in std::fs::read_dir(app.tiles.path().join("releases")).unwrap() {
            let path = folder.unwrap().path().join("README.md");
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, text.replace("version 1", "version 7")).unwrap();
        }
        fetch(&boss, &release, "README.md").await.refused(500, "internal");
        fetch(&boss, &release, "tiles.csv").await.ok_text();
    })
    .await;
}

#[tokio::test]
async fn a_coarsened_campaign_shows_everybody_cells_and_nothing_finer() {
    on_each_database(async |app| {
        app.campaign("raqqa", Visibility::Public, ReleaseLevel::Coarsened).await;
        label_all(app, 4).await;
        let (boss, nobody) = (app.signed_in_as(Role::Coordinator, "raqqa").await, app.browser());
        let reviewer = app.signed_in_as(Role::Reviewer, "raqqa").await;
        let cells = "/api/v1/campaigns/raqqa/cells";
        assert_eq!(
            nobody.get(cells).await.ok(),
            json!({"release": null, "cells": []}),
            "nothing before the first release"
        );
        let made = boss.post(RELEASES, wanted()).await.ok();
        assert!(file(&made, "tiles.csv").is_some() && file(&made, "coarse-basis.csv").is_some());
        let seen = nobody.get(RELEASES).await.ok()["releases"][0].clone();
        let names: Vec<&str> =
            seen["files"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert!(names.contains(&"cells.csv") && names.contains(&"cells.geojson"), "{names:?}");
        assert!(
            !names.iter().any(|name| name.contains("tiles") || name.contains("labels") || name.contains("changes")),
            "{names:?}"
        );
        let shown = nobody.get(cells).await.ok();
        assert_eq!(shown["release"], 1);
        let tiles: u64 =
            shown["cells"].as_array().unwrap().iter().map(|cell| cell["closed_tiles"].as_u64().unwrap()).sum();
        assert_eq!(tiles, 12, "{shown}");
        for cell in shown["cells"].as_array().unwrap() {
            let zoom: u32 = cell["cell"].as_str().unwrap().split('-').next().unwrap().parse().unwrap();
            assert!(zoom <= 10, "eight tiles wide: {cell}");
            assert_eq!((&cell["damaged_share"], &cell["shares"][1]["class"]), (&json!(1.0), &json!("damaged")));
        }
        for below in [&nobody, &reviewer] {
            for path in ["exports/tiles.csv", "exports/tiles.geojson", "exports/scenes.csv"] {
                let reply = below.get(&format!("/api/v1/campaigns/raqqa/{path}")).await;
                assert!([401, 403].contains(&reply.status.as_u16()), "{path}: {}", reply.text);
            }
        }
        let again = boss.post(RELEASES, wanted()).await.ok();
        let (one, two) =
            (fetch(&nobody, &seen, "cells.csv").await.text, nobody.get(&format!("{RELEASES}/2/cells.csv")).await.text);
        assert_eq!(one.replace("raqqa,1,", "raqqa,2,"), two, "nothing changed");
        assert_eq!(again["changes"]["tiles"], 0);
        assert_eq!(
            nobody.get(&format!("{RELEASES}/2")).await.ok()["changes"],
            Value::Null,
            "counts are for those who see tiles"
        );
    })
    .await;
}
