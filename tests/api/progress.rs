//! How far a campaign is, for everybody: the JSON and the page for frames.

use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::volunteer::Role;
use aftermap::services::clock;
use aftermap::storage::schema::{queue, tiles};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::json;

use crate::helpers::on_each_database;
use crate::town::{TILES, town};

const MINUTE: i64 = 60_000;

fn progress(slug: &str) -> String {
    format!("/api/v1/campaigns/{slug}/progress")
}

#[tokio::test]
async fn everybody_may_read_how_far_a_public_campaign_is_and_caches_may_keep_it() {
    on_each_database(async |app| {
        town(app, "town", Visibility::Public, ReleaseLevel::Private).await;
        let reply = app.browser().get(&progress("town")).await;
        let told = reply.ok();
        // Of each five cells four are closed; three more tiles are open.
        let (all, closed) = (TILES as u64, 2_000);
        assert_eq!((&told["progress"]["tiles"], &told["progress"]["closed"]), (&json!(all), &json!(closed)));
        assert_eq!(told["progress"]["open"], all - closed);
        assert_eq!((&told["labels"], &told["volunteers"], &told["state"]), (&json!(0), &json!(0), &json!("open")));
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert_eq!(reply.header("cache-control"), "public, max-age=15");
        let tag = reply.header("etag").to_owned();
        let again = app.browser().send(Method::GET, &progress("town"), &[("if-none-match", &tag)], None).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
        for word in ["tile_id", "destroyed", "settled", "answers", "probability"] {
            assert!(!reply.text.contains(word), "{word}: {}", reply.text);
        }
    })
    .await;
}

#[tokio::test]
async fn a_tile_counts_as_closed_ten_minutes_later_for_everybody_below_reviewer() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        app.write(|conn| {
            let ids: Vec<i64> = tiles::table.order(tiles::id).limit(3).select(tiles::id).load(conn)?;
            for (tile, ago) in ids.into_iter().zip([MINUTE / 2, 9 * MINUTE, 11 * MINUTE]) {
                let closed = (queue::state.eq("settled"), queue::closed_at.eq(clock::now_ms() - ago));
                diesel::update(queue::table.find(tile)).set((queue::available.eq(false), closed)).execute(conn)?;
            }
            Ok(())
        })
        .await;
        let volunteer = app.signed_in_as(Role::Volunteer, "raqqa").await;
        let reviewer = app.signed_in_as(Role::Reviewer, "raqqa").await;
        let known = |reply: serde_json::Value| reply["progress"]["closed"].as_u64().unwrap();
        let campaign = "/api/v1/campaigns/raqqa";
        for stranger in [&app.browser(), &volunteer] {
            assert_eq!(known(stranger.get(campaign).await.ok()), 1);
            assert_eq!(known(stranger.get(&progress("raqqa")).await.ok()), 1);
            let list = stranger.get("/api/v1/campaigns").await.ok();
            assert_eq!(known(list["campaigns"][0].clone()), 1);
        }
        assert_eq!(known(reviewer.get(campaign).await.ok()), 3);
        // The page that many may keep is the same for everybody.
        assert_eq!(known(reviewer.get(&progress("raqqa")).await.ok()), 1);
        assert!(app.browser().get("/embed/raqqa").await.text.contains("1 / 12"));
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_experts_is_closed_but_not_done_on_the_page_for_frames() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        app.write(|conn| {
            let ids: Vec<i64> = tiles::table.order(tiles::id).limit(3).select(tiles::id).load(conn)?;
            for (tile, state) in ids.into_iter().zip(["settled", "contested", "contested"]) {
                let closed = (queue::state.eq(state), queue::closed_at.eq(clock::now_ms() - 20 * MINUTE));
                diesel::update(queue::table.find(tile)).set((queue::available.eq(false), closed)).execute(conn)?;
            }
            Ok(())
        })
        .await;
        let told = app.browser().get(&progress("raqqa")).await.ok()["progress"].clone();
        assert_eq!((&told["closed"], &told["contested"]), (&json!(3), &json!(2)));
        let page = app.browser().get("/embed/raqqa").await.text;
        assert!(page.contains(">1 / 12<") && page.contains("<dd data-figure=\"contested\">2</dd>"), "{page}");
        assert!(page.contains("value=\"1\"") && page.contains("8.3 %"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_public_reads_like_nothing_and_is_shown_in_no_frame() {
    on_each_database(async |app| {
        for (slug, visibility) in [("hidden", Visibility::Private), ("invited", Visibility::Invitation)] {
            app.campaign(slug, visibility, ReleaseLevel::Public).await;
            let stranger = app.browser();
            stranger.get(&progress(slug)).await.refused(404, "not_found");
            stranger.get(&format!("/embed/{slug}")).await.refused(404, "not_found");
            let member = app.signed_in_as(Role::Volunteer, slug).await;
            let reply = member.get(&progress(slug)).await;
            assert_eq!(reply.ok()["progress"]["tiles"], 12);
            assert_eq!(
                (reply.header("access-control-allow-origin"), reply.header("cache-control")),
                ("", "private, no-cache")
            );
            // The page for frames knows nobody.
            member.get(&format!("/embed/{slug}")).await.refused(404, "not_found");
        }
        app.browser().get("/embed/nowhere").await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn one_page_alone_may_be_framed_and_it_has_no_script() {
    on_each_database(async |app| {
        town(app, "town", Visibility::Public, ReleaseLevel::Public).await;
        let page = app.browser().get("/embed/town?lang=fr").await;
        assert_eq!(page.status.as_u16(), 200);
        assert!(page.header("content-security-policy").contains("frame-ancestors *"));
        assert_eq!((page.header("x-frame-options"), page.header("set-cookie")), ("", ""));
        assert_eq!(page.header("access-control-allow-origin"), "");
        assert!(
            page.text.contains("<html lang=\"fr\" dir=\"ltr\">") && page.text.contains("2\u{202f}000 / 2\u{202f}503")
        );
        assert!(!page.text.contains("<script") && !page.text.contains("<i>\"north\""), "{}", page.text);
        let tag = page.header("etag").to_owned();
        let again = app.browser().send(Method::GET, "/embed/town?lang=fr", &[("if-none-match", &tag)], None).await;
        assert_eq!(again.status.as_u16(), 304);
        for other in ["/", "/ogc", "/api/v1/docs", "/api/v1/campaigns/town", "/api/v1/campaigns/town/progress"] {
            let reply = app.browser().get(other).await;
            assert!(reply.header("content-security-policy").contains("frame-ancestors 'none'"), "{other}");
            assert_eq!(reply.header("x-frame-options"), "DENY", "{other}");
        }
        for other in ["/api/v1/campaigns/town", "/api/v1/campaigns", "/api/v1/campaigns/town/map/statistics"] {
            assert_eq!(app.browser().get(other).await.header("access-control-allow-origin"), "", "{other}");
        }
    })
    .await;
}
