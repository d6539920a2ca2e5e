//! The page, health, and the end of a server.

use reqwest::Method;

use crate::helpers::on_each_database;
use crate::helpers::on_sqlite;

#[tokio::test]
async fn the_page_or_the_news_that_it_was_not_built_is_at_the_root() {
    let app = on_sqlite();
    let reply = app.browser().get("/").await;
    assert!(reply.header("content-type").starts_with("text/html"));
    if reply.status == 404 {
        assert!(reply.text.contains("make web"), "{}", reply.text);
        return;
    }
    assert_eq!(reply.header("cache-control"), "no-cache");
    let tag = reply.header("etag").to_owned();
    let again = app.browser().send(Method::GET, "/", &[("if-none-match", &tag)], None).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    let sources = reply.text.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let script = sources.into_iter().find(|source| source.contains("assets/")).unwrap();
    let asset = app.browser().get(&format!("/{}", script.trim_start_matches(['.', '/']))).await;
    assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
    assert!(asset.header("content-type").starts_with("text/javascript"));
    let icon = app.browser().get("/favicon.svg").await;
    assert_eq!(icon.header("content-type"), "image/svg+xml; charset=utf-8");
}

#[tokio::test]
async fn a_server_is_alive_and_ready() {
    on_each_database(async |app| {
        assert_eq!(app.browser().get("/healthz").await.status, 200);
        assert_eq!(app.browser().get("/readyz").await.status, 200);
        let head = app.browser().send(Method::HEAD, "/healthz", &[], None).await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    })
    .await;
}
