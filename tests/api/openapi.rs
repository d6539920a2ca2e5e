//! The committed description of the API is the one that the code makes, and it describes what is served.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::helpers::on_sqlite;

#[test]
fn the_committed_description_is_what_the_code_makes() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json")).unwrap();
    assert!(
        committed == aftermap::http::document(),
        "openapi.json is out of date: run `aftermap openapi > openapi.json`"
    );
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_how_it_is_refused() {
    let api: Value = serde_json::from_str(&aftermap::http::document()).unwrap();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut names = BTreeSet::new();
    for operation in api["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values()) {
        assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{operation}");
        assert!(operation["responses"]["default"]["content"]["application/problem+json"].is_object(), "{operation}");
    }
    assert!(names.contains("submit_labels") && names.contains("get_tile_image"));
}

#[tokio::test]
async fn every_described_address_is_served_with_exactly_the_described_methods() {
    let app = on_sqlite();
    let api = app.browser().get("/api/v1/openapi.json").await.ok();
    for (path, methods) in api["paths"].as_object().unwrap() {
        let address = path
            .replace("{slug}", "none")
            .replace("{id}", "1")
            .replace("{file}", "tiles.csv")
            .replace("{scene_id}", "1")
            .replace("{z}/{x}/{y}", "1/1/1");
        // A method that nothing answers to is told which ones there are.
        let reply = app.browser().send(reqwest::Method::TRACE, &address, &[], None).await;
        reply.refused(405, "method_not_allowed");
        let served: BTreeSet<String> = reply.header("allow").split(", ").map(str::to_lowercase).collect();
        let described: BTreeSet<String> = methods.as_object().unwrap().keys().cloned().collect();
        assert_eq!(served, described, "{path}");
    }
}
