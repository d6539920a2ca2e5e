//! My data: the download is complete, and a deletion takes what names me and leaves the map.

use std::collections::BTreeSet;

use aftermap::domain::volunteer::Role;
use aftermap::services::people::my_data::{GIVEN, LEFT_OUT};
use aftermap::storage::Conn;
use aftermap::storage::schema::{leases, notes, queue, volunteers};
use diesel::prelude::*;
use diesel::sql_types::Text;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::helpers::{Browser, PASSWORD, Reply, TestApp, on_each_database};

async fn forget_me(browser: &Browser, body: Value) -> Reply {
    let headers = [("content-type", "application/json")];
    browser.send(Method::DELETE, "/api/v1/me", &headers, Some(body.to_string())).await
}

/// Labels two tiles, with a note on the first, and keeps three in hand.
async fn work(browser: &Browser) {
    let taken = browser.post("/api/v1/campaigns/raqqa/leases", json!({"count": 5})).await.ok();
    let leases = taken["leases"].as_array().unwrap();
    let label =
        |place: usize| json!({"id": Uuid::now_v7(), "lease_id": leases[place]["lease_id"], "answer": "damaged"});
    let mut noted = label(0);
    noted["note"] = json!("the house of my aunt");
    browser.post("/api/v1/labels", json!([noted, label(1)])).await.ok();
}

/// Every download that researchers have.
async fn exports(app: &TestApp, researcher: &Browser) -> Vec<String> {
    let mut all = Vec::new();
    for file in ["tiles.csv", "tiles.geojson", "labels.csv", "volunteers.csv", "history.csv"] {
        let reply = researcher.get(&format!("/api/v1/campaigns/raqqa/exports/{file}")).await;
        assert_eq!(reply.status, 200, "{file}: {}", reply.text);
        all.push(reply.text);
    }
    let leased: i64 = app
        .write(|conn| {
            Ok(queue::table.select(diesel::dsl::sum(queue::leased)).first::<Option<i64>>(conn)?.unwrap_or_default())
        })
        .await;
    let open: i64 =
        app.write(|conn| Ok(leases::table.filter(leases::ended_at.is_null()).count().get_result(conn)?)).await;
    assert_eq!(leased, open, "the places that are taken and the leases that take them");
    all
}

#[tokio::test]
async fn a_deleted_account_leaves_its_labels_and_nothing_that_names_it() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let researcher = app.signed_in_as(Role::Researcher, "raqqa").await;
        let me = app.signed_in_as(Role::Reviewer, "raqqa").await;
        let other_device = app.browser();
        let credentials = json!({"name": "reviewer-of-raqqa", "password": PASSWORD});
        other_device.post("/api/v1/session", credentials.clone()).await.ok();
        work(&me).await;
        let id: i64 = me.session().await["volunteer_id"].as_str().unwrap().parse().unwrap();
        let before = exports(app, &researcher).await;

        assert_eq!(forget_me(&me, json!({})).await.refused(422, "invalid")["field"], "password");
        forget_me(&me, json!({"password": "not my password"})).await.refused(401, "wrong_credentials");
        assert_eq!(me.session().await["signed_in"], true);
        let gone = forget_me(&me, json!({"password": PASSWORD})).await;
        assert_eq!((gone.status.as_u16(), gone.text.as_str()), (204, ""));

        assert_eq!(exports(app, &researcher).await, before, "the maps still add up, to the byte");
        assert_eq!(me.cookie("aftermap_access"), None);
        assert_eq!(other_device.session().await["signed_in"], false, "at once, everywhere");
        let known = app.browser().post("/api/v1/session", credentials.clone()).await.refused(401, "wrong_credentials");
        let unknown = json!({"name": "nobody-at-all", "password": PASSWORD});
        let unknown = app.browser().post("/api/v1/session", unknown).await.refused(401, "wrong_credentials");
        assert_eq!(known, unknown);
        let left = app.write(move |conn| {
            let secrets =
                (volunteers::name, volunteers::name_key, volunteers::password_hash, volunteers::recovery_hash);
            let row: (Option<String>, Option<String>, Option<String>, Option<String>) =
                volunteers::table.find(id).select(secrets).first(conn)?;
            let words: Vec<String> = notes::table.filter(notes::volunteer_id.eq(id)).select(notes::text).load(conn)?;
            Ok((row, words, rows_about(conn, "sessions", id)? + rows_about(conn, "roles", id)?))
        });
        assert_eq!(left.await, ((None, None, None, None), vec![String::new()], 0));
        let newcomer = app.browser();
        newcomer.post("/api/v1/accounts", credentials).await.ok();
        assert_ne!(
            newcomer.session().await["volunteer_id"],
            json!(id.to_string()),
            "the name is free, the work is not"
        );
        assert_eq!(newcomer.get("/api/v1/me/data").await.ok()["labels"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_guest_is_deleted_without_a_password_and_the_token_ends_too() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let browser = app.browser();
        let token = browser.become_guest().await["token"].as_str().unwrap().to_owned();
        let script = app.script(&token);
        work(&script).await;
        assert_eq!(forget_me(&browser, json!({})).await.status, 204);
        script.get("/api/v1/me/data").await.refused(401, "unauthorized");
        forget_me(&browser, json!({})).await.refused(401, "unauthorized");
        forget_me(&app.browser(), json!({"name": "x"})).await.refused(422, "invalid");
        let other = app.browser();
        other.become_guest().await;
        let taken = other.post("/api/v1/campaigns/raqqa/leases", json!({"count": 5})).await.ok();
        assert_eq!(taken["leases"].as_array().unwrap().len(), 5, "what was in hand is free again");
    })
    .await;
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

fn rows_about(conn: &mut Conn, table: &str, id: i64) -> QueryResult<i64> {
    let column = if table == "volunteers" { "id" } else { "volunteer_id" };
    let count = diesel::sql_query(format!("SELECT count(*) AS count FROM {table} WHERE {column} = {id}"));
    Ok(count.get_result::<Count>(conn)?.count)
}

/// The tables that have a column `volunteer_id`, as the database itself says.
fn tables_with_a_volunteer(conn: &mut Conn) -> QueryResult<BTreeSet<String>> {
    let sql = match conn {
        Conn::Sqlite(_) => {
            "SELECT m.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND c.name = 'volunteer_id'"
        }
        Conn::Postgres(_) => {
            "SELECT table_name::text AS name FROM information_schema.columns \
             WHERE table_schema = 'public' AND column_name = 'volunteer_id'"
        }
    };
    Ok(diesel::sql_query(sql).load::<Name>(conn)?.into_iter().map(|row| row.name).collect())
}

#[tokio::test]
async fn the_download_holds_every_table_that_names_a_volunteer() {
    on_each_database(async |app| {
        app.public_campaign("raqqa").await;
        let me = app.signed_in_as(Role::Reviewer, "raqqa").await;
        work(&me).await;
        let tables = app.write(|conn| Ok(tables_with_a_volunteer(conn)?)).await;
        assert!(tables.len() > 8, "{tables:?}");
        for table in &tables {
            let given = GIVEN.iter().any(|(name, _)| name == table);
            let left_out = LEFT_OUT.iter().any(|(name, reason)| name == table && !reason.is_empty());
            assert!(given != left_out, "`{table}` is in the download or on the list of what is left out");
        }
        let reply = me.get("/api/v1/me/data").await;
        assert!(reply.header("content-disposition").starts_with("attachment"), "a download");
        let data = reply.ok();
        let id: i64 = data["account"]["volunteer_id"].as_str().unwrap().parse().unwrap();
        for (table, place) in GIVEN {
            let stored = app.write(move |conn| Ok(rows_about(conn, table, id)?)).await;
            let shown = data[place].as_array().map_or(1, Vec::len) as i64;
            assert_eq!(shown, stored, "`{table}` in `{place}`");
        }
        assert_eq!(data["account"]["name"], "reviewer-of-raqqa");
        assert_eq!(data["notes"][0]["text"], "the house of my aunt");
        assert_eq!((&data["labels"][0]["answer"], &data["labels"][0]["current"]), (&json!("damaged"), &json!(true)));
        for secret in ["hash", "argon2", "counted", "gold"] {
            let text = data.to_string().replace("check gold", "");
            assert!(!text.contains(secret), "`{secret}` has no place in it");
        }
        app.browser().get("/api/v1/me/data").await.refused(401, "unauthorized");
    })
    .await;
}
