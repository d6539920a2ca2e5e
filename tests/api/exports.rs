//! Downloads over HTTP: whole, in part, again and filtered; who sees what is in the exports' own tests.

use aftermap::domain::volunteer::Role;
use reqwest::Method;

use crate::helpers::{Browser, on_each_database, on_sqlite};

fn file(name: &str) -> String {
    format!("/api/v1/campaigns/free/exports/{name}")
}

async fn part(browser: &Browser, name: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let reply = browser.send(Method::GET, &file(name), headers, None).await;
    (reply.status.as_u16(), reply.header("content-range").to_owned(), reply.text)
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_was() {
    on_each_database(async |app| {
        app.public_campaign("free").await;
        let browser = app.browser();
        let whole = browser.get(&file("tiles.csv")).await;
        let (text, length) = (whole.text.clone(), whole.text.len());
        let tag = whole.header("etag").to_owned();
        assert!(tag.starts_with('"'), "a strong tag, so that parts can be put together: {tag}");
        assert_eq!(whole.header("accept-ranges"), "bytes");
        let first = part(&browser, "tiles.csv", &[("range", "bytes=0-99")]).await;
        assert_eq!(first, (206, format!("bytes 0-99/{length}"), text[..100].to_owned()));
        let rest = part(&browser, "tiles.csv", &[("range", "bytes=100-"), ("if-range", &tag)]).await;
        assert_eq!((rest.0, first.2 + &rest.2), (206, text.clone()));
        let last = part(&browser, "tiles.csv", &[("range", "bytes=-3")]).await;
        assert_eq!(last.2, text[length - 3..]);
        let other = part(&browser, "tiles.csv", &[("range", "bytes=100-"), ("if-range", "\"another\"")]).await;
        assert_eq!((other.0, other.2), (200, text.clone()), "the map changed: all of it anew");
        let weak = part(&browser, "tiles.csv", &[("range", "bytes=100-"), ("if-range", &format!("W/{tag}"))]).await;
        assert_eq!(weak.0, 200);
        let beyond = part(&browser, "tiles.csv", &[("range", "bytes=9999999-")]).await;
        assert_eq!((beyond.0, beyond.1), (416, format!("bytes */{length}")));
        let several = part(&browser, "tiles.csv", &[("range", "bytes=0-1,5-6")]).await;
        assert_eq!(several.0, 200);
    })
    .await;
}

#[tokio::test]
async fn a_head_tells_the_length_and_sends_nothing() {
    let app = on_sqlite();
    app.public_campaign("free").await;
    let whole = app.browser().get(&file("tiles.geojson")).await;
    let head = app.browser().send(Method::HEAD, &file("tiles.geojson"), &[], None).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), whole.text.len().to_string());
    assert_eq!(head.header("etag"), whole.header("etag"));
}

#[tokio::test]
async fn every_format_is_sent_under_its_name_and_type() {
    let app = on_sqlite();
    app.public_campaign("free").await;
    let researcher = app.signed_in_as(Role::Researcher, "free").await;
    for (name, media_type) in [
        ("tiles.csv", "text/csv; charset=utf-8"),
        ("tiles.csv.gz", "application/gzip"),
        ("tiles.geojsons", "application/geo+json-seq"),
        ("tiles.gpkg", "application/geopackage+sqlite3"),
        ("tiles.fgb", "application/vnd.flatgeobuf"),
        ("tiles.class.tif", "image/tiff; application=geotiff; profile=cloud-optimized"),
        ("labels.parquet", "application/vnd.apache.parquet"),
        ("manifest.json", "application/json"),
        ("codebook.csv", "text/csv; charset=utf-8"),
        ("method.md", "text/markdown; charset=utf-8"),
    ] {
        let reply = researcher.get(&file(name)).await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, media_type), "{name}: {}", reply.text);
        assert_eq!(reply.header("content-disposition"), format!("attachment; filename=\"free-{name}\""));
        assert_eq!(reply.header("content-encoding"), "", "the bytes are those that the checksum names");
    }
    let refused = researcher.get(&file("labels.gpkg")).await.refused(422, "invalid");
    assert_eq!(refused["field"], "format");
}

#[tokio::test]
async fn a_filter_chooses_rows_and_what_cannot_be_is_refused_by_name() {
    let app = on_sqlite();
    app.public_campaign("free").await;
    let rows =
        async |query: &str| app.browser().get(&file(&format!("tiles.csv?{query}"))).await.text.lines().count() - 1;
    assert_eq!(rows("state=open").await, 12);
    assert_eq!(rows("class=destroyed").await, 0);
    assert_eq!(rows("bbox=-180,-90,180,90").await, 12);
    assert_eq!(rows("bbox=170,-10,-170,10").await, 0);
    for (query, field) in [
        ("bbox=1,5,3,4", "bbox"),
        ("bbox=NaN,1,2,3", "bbox"),
        ("class=ruined", "class"),
        ("state=shut", "state"),
        ("area={}", "area"),
        ("probability_at_least=2", "probability_at_least"),
        ("damaged_from=June", "damaged_from"),
        ("damaged_from=2020-01-02&damaged_to=2020-01-01", "damaged_to"),
    ] {
        let refused = app.browser().get(&file(&format!("tiles.csv?{query}"))).await.refused(422, "invalid");
        assert_eq!(refused["field"], field, "{query}");
    }
    app.browser().get(&file("tiles.csv?box=1,2,3,4")).await.refused(400, "invalid");
    app.browser().get(&file("scenes.csv?state=open")).await.refused(422, "invalid");
}

#[tokio::test]
async fn the_manifest_names_the_hash_that_is_the_tag_of_the_file() {
    let app = on_sqlite();
    app.public_campaign("free").await;
    let manifest = app.browser().get(&file("manifest.json?state=open")).await.ok();
    let tiles = app.browser().get(&file("tiles.csv?state=open")).await;
    let named = manifest["files"][0]["sha256"].as_str().unwrap();
    assert_eq!(tiles.header("etag"), format!("\"{named}\""));
    assert_eq!((&manifest["files"][0]["rows"], &manifest["sight"]), (&12.into(), &"everybody".into()));
}
