//! The canary: people with an address, a browser, a name, an e-mail address and a password that nobody else has do
//! everything there is to do on the real program, and then every byte that it wrote is searched for them.

#[path = "../support/app_codes.rs"]
mod app_codes;
mod person;
mod search;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use aftermap::imagery::{SyntheticTown, TownOptions};
use person::Person;
use reqwest::Method;
use search::{Found, Needles};
use serde_json::{Value, json};
use server::House;
use support::{TestDatabase, databases};

const TOWN: &str = "/api/v1/campaigns/town";
const WHATS: [&str; 5] = ["tiles", "labels", "volunteers", "history", "scenes"];
const FORMATS: [&str; 8] = ["csv", "geojson", "geojsons", "gpkg", "fgb", "parquet", "csv.gz", "geojson.gz"];

/// Two pictures of a small town and an open campaign over them, made at the command line.
fn prepare(house: &House) {
    let drawn = house.beside("drawn");
    let dates = TownOptions::default().dates.into_iter().take(2).collect();
    let options = TownOptions { size_m: 420.0, dates, clouds: vec![], ..TownOptions::default() };
    let town = SyntheticTown::draw(7, options, &drawn).expect("a town");
    house.run(&["campaign", "create", "town", "--title", "A town"]);
    for scene in &town.scenes {
        let (file, day) = (scene.file.to_str().expect("a UTF-8 path"), scene.captured.to_string());
        house.run(&["ingest", "--campaign", "town", "--scene", file, "--captured", &day]);
    }
    house.run(&["campaign", "open", "town"]);
}

/// What everybody does: takes tiles, answers, remarks, and is refused in many ways, with their words in all of them.
async fn work(person: &Person) -> Vec<String> {
    let words = person.words();
    let taken = person.post(&format!("{TOWN}/leases"), json!({"count": 5})).await.ok();
    let leases = taken["leases"].as_array().expect("leases").clone();
    assert!(leases.len() >= 3, "{taken}");
    let answer = |lease: &Value, note: &str| json!({"id": uuid::Uuid::now_v7(), "lease_id": lease["lease_id"], "answer": "damaged", "note": note});
    let labels = json!([answer(&leases[0], &words), answer(&leases[1], &words)]);
    let stored = person.post("/api/v1/labels", labels).await.ok();
    assert_eq!(stored["results"][0]["status"], "stored", "{stored}");
    let note = json!({"id": uuid::Uuid::now_v7(), "lease_id": leases[2]["lease_id"], "text": words, "flagged": true});
    person.post(&format!("{TOWN}/notes"), note).await.ok();
    for (path, body) in [
        ("/api/v1/labels", json!([{"id": words, "lease_id": words, "answer": words}])),
        ("/api/v1/campaigns/town/notes", json!({"text": words, "surprise": words})),
        ("/api/v1/session", json!({"name": person.email, "password": person.password})),
        ("/api/v1/session", json!({"name": person.name, "password": format!("{}x", person.password)})),
        ("/api/v1/session/recovery", json!({"name": person.name, "recovery_code": person.email, "password": words})),
        ("/api/v1/invitations/look", json!({"secret": person.email})),
        ("/api/v1/campaigns", json!({"slug": person.email, "title": words})),
        ("/api/v1/accounts", json!({"name": person.email, "password": person.password})),
    ] {
        let reply = person.post(path, body).await;
        let is_told = reply.status == 200 && reply.text.contains("refused");
        assert!(is_told || (400..500).contains(&reply.status), "{path}: {} {}", reply.status, reply.text);
    }
    for path in
        [format!("/api/v1/{}", person.email), format!("{TOWN}?who={}", person.email), format!("/{}", person.name)]
    {
        person.get(&path).await;
    }
    person.get("/api/v1/me/data").await.ok();
    leases.iter().map(|lease| lease["tile"]["id"].as_str().expect("a tile").to_owned()).collect()
}

/// What only those do who have an account.
async fn with_account(person: &Person) {
    let made = person.post("/api/v1/accounts", json!({"name": person.name, "password": person.password})).await.ok();
    let recovery = json!({"name": person.name, "recovery_code": made["recovery_code"], "password": person.password});
    person.post("/api/v1/session/recovery", recovery).await.ok();
    person.delete("/api/v1/session", None).await;
    person.post("/api/v1/session", json!({"name": person.name, "password": person.password})).await.ok();
    person.post("/api/v1/session/refresh", json!({})).await.ok();
    let change = json!({"password": person.password, "new_password": format!("{}!", person.password)});
    person.post("/api/v1/me/password", change).await.ok();
    person.post("/api/v1/session/proof", json!({"password": format!("{}!", person.password)})).await.ok();
    person.post("/api/v1/me/tokens", json!({"name": person.email, "scopes": ["read", "manage"]})).await.ok();
    let begun = person.post("/api/v1/me/second-factor", json!({})).await.ok();
    person.knows(begun["secret"].as_str().expect("a secret"));
    person.post("/api/v1/me/second-factor/confirm", json!({"code": person.code()})).await.ok();
    let proof = json!({"password": format!("{}!", person.password), "code": person.code()});
    person.post("/api/v1/session/proof", proof).await.ok();
    person.get("/api/v1/me/sessions").await.ok();
}

/// What whoever runs the campaign does, with their words wherever there is room for some.
async fn coordinate(person: &Person, tile: &str) {
    let words = person.words();
    let decision = json!({"id": uuid::Uuid::now_v7(), "tile": tile, "answer": "destroyed", "note": words});
    person.post(&format!("{TOWN}/reviews"), decision).await.ok();
    let invitation = json!({"role": "reviewer", "uses": 1, "days": 1, "note": words});
    person.post(&format!("{TOWN}/invitations"), invitation).await.ok();
    person.post(&format!("{TOWN}/state"), json!({"state": "paused"})).await.ok();
    let file = format!("{}.geojson", person.email);
    let begun = person.post(&format!("{TOWN}/uploads"), json!({"file_name": file, "bytes": 4})).await.ok();
    let id = begun["id"].as_str().expect("an id");
    let part = [("content-type", "application/offset+octet-stream"), ("upload-offset", "0")];
    person.send(Method::PATCH, &format!("{TOWN}/uploads/{id}"), &part, b"nope".to_vec()).await.ok();
    person.post(&format!("{TOWN}/jobs"), json!({"kind": "gold", "upload": id, "gold": "check"})).await;
    person.post(&format!("{TOWN}/state"), json!({"state": "open"})).await.ok();
    for page in ["members", "invitations", "volunteers", "notes", "audit", "statistics", "reviews", "settings"] {
        person.get(&format!("{TOWN}/{page}")).await;
    }
}

/// Waits until no job waits or runs: while one does, it needs to know what its file is called.
async fn jobs_end(person: &Person) {
    for _ in 0..600 {
        let jobs = person.get(&format!("{TOWN}/jobs")).await.ok();
        let is_over = |job: &Value| job["state"] != "waiting" && job["state"] != "running";
        if jobs["jobs"].as_array().expect("jobs").iter().all(is_over) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the jobs do not end");
}

/// Every download that there is, into a folder.
async fn download(person: &Person, into: &Path) {
    std::fs::create_dir_all(into).expect("a folder");
    let mut written = 0;
    for what in WHATS {
        for format in FORMATS {
            let reply = person.get(&format!("{TOWN}/exports/{what}.{format}")).await;
            if reply.status == 200 {
                assert!(!reply.bytes.is_empty(), "{what}.{format}");
                std::fs::write(into.join(format!("{what}.{format}")), &reply.bytes).expect("the download");
                written += 1;
            }
        }
    }
    assert!(written >= 20, "{written} downloads");
}

async fn say_farewell(person: &Person) {
    let proof = || json!({"password": format!("{}!", person.password), "code": person.code()});
    let body = if person.has_account { proof() } else { json!({}) };
    let reply = person.delete("/api/v1/me", Some(body)).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
}

/// Everything that people do, and what is left of them.
async fn live(database: TestDatabase) {
    let name = database.name;
    let house = House::new(database);
    prepare(&house);
    let server = house.serve();
    let person = |has_account| Person::new(&server.url, has_account);
    let (guest, gone_guest) = (person(false), person(false));
    let (stays, goes, boss, gone_boss) = (person(true), person(true), person(true), person(true));
    let everybody = [&guest, &gone_guest, &stays, &goes, &boss, &gone_boss];
    let mut tile = String::new();
    for one in everybody {
        one.post("/api/v1/guests", json!({"token": true})).await.ok();
        if one.has_account {
            with_account(one).await;
        }
        tile = work(one).await.remove(0);
    }
    for one in [&boss, &gone_boss] {
        house.run(&["user", "grant", "--name", &one.name, "--role", "coordinator", "--campaign", "town"]);
        coordinate(one, &tile).await;
    }
    house.run(&["user", "recover", "--name", &goes.name]);
    house.run(&["user", "remove-second-factor", "--name", &goes.name]);
    house.run(&["user", "disable", "--name", &goes.name]);

    // While they live: where somebody is may stand nowhere, who somebody is in the accounts and nowhere else.
    download(&boss, &house.beside("downloads-before")).await;
    house.run(&["backup", "--out", house.beside("backup-before").to_str().expect("UTF-8"), "--with-key"]);
    std::fs::write(house.beside("logs").join("metrics.txt"), server.metrics().await).expect("the metrics");
    let alive = Needles::of(everybody.into_iter());
    alive.search(&house.beside("logs")).and(alive.search(&house.beside("downloads-before"))).are_nowhere(name);
    let kept = alive.search(house.data()).and(alive.search(&house.beside("backup-before")));
    let kept = kept.and(search::dump(&house, &alive));
    // What codes are made from must be kept as it is; it stands in the database and its copies, and nowhere else.
    kept.only(&["name", "words", "factor"], name);
    assert!(["name", "words", "factor"].iter().all(|kind| kept.has(kind)), "the search finds what is there");

    // After some are deleted: of them, nothing anywhere.
    for one in [&gone_guest, &gone_boss] {
        say_farewell(one).await;
    }
    jobs_end(&boss).await;
    house.run(&["user", "list"]);
    download(&boss, &house.beside("downloads-after")).await;
    let release = boss
        .post(&format!("{TOWN}/releases"), json!({"notes": "the first", "authors": ["Us"], "incomplete": true}))
        .await;
    assert!(release.status < 300, "{}", release.text);
    house.run(&["backup", "--out", house.beside("backup-after").to_str().expect("UTF-8"), "--with-key"]);
    std::fs::write(house.beside("logs").join("metrics.txt"), server.metrics().await).expect("the metrics");
    server.stop();
    house.run(&["doctor"]);
    alive.search(&house.beside("logs")).and(alive.search(&house.beside("downloads-after"))).are_nowhere(name);
    let gone = Needles::of([&gone_guest, &gone_boss].into_iter());
    let left = gone.search(house.data()).and(gone.search(&house.beside("backup-after")));
    left.and(search::dump(&house, &gone)).are_nowhere(name);
    let kept: Found = alive.search(house.data()).and(alive.search(&house.beside("backup-after")));
    kept.only(&["name", "words", "factor"], name);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_who_somebody_is_or_where_they_are_is_written_but_what_is_promised() {
    for database in databases() {
        live(database).await;
    }
}
