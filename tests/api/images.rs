//! Image tiles: as private as their campaign, kept by browsers, and nothing where there is no picture.

use aftermap::domain::bbox::Bbox;
use aftermap::domain::campaign::{ReleaseLevel, Visibility};
use aftermap::domain::cell::{Cell, to_mercator};
use aftermap::domain::volunteer::Role;
use aftermap::imagery::synthetic::{SyntheticTown, TownOptions};
use aftermap::imagery::{CutRequest, cut_scene};
use aftermap::storage::schema::scenes;
use diesel::prelude::*;
use reqwest::Method;

use crate::helpers::{TestApp, on_sqlite};

/// Draws a small town, cuts it, and puts the images under every scene of the server; the deepest cell at its centre.
async fn draw(app: &TestApp) -> Cell {
    let options = TownOptions { size_m: 200.0, clouds: vec![], ..TownOptions::default() };
    let town = SyntheticTown::draw(7, options, app.tiles.path()).unwrap();
    let file = town.scenes[0].file.clone();
    let request =
        CutRequest { file, tiles_dir: app.tiles.path().to_owned(), max_zoom: Some(17), look: Default::default() };
    let cut = cut_scene(&request, &()).unwrap();
    let archive = cut.archive.clone();
    app.write(move |conn| {
        Ok(diesel::update(scenes::table)
            .set(scenes::archive.eq(&archive))
            .filter(scenes::title.eq("day 1"))
            .execute(conn)?)
    })
    .await;
    let Bbox { west, south, east, north } = cut.bounds;
    let (x, y) = to_mercator((west + east) / 2.0, (south + north) / 2.0);
    Cell::at(cut.max_zoom, x, y)
}

async fn first_scene(app: &TestApp) -> i64 {
    app.write(|conn| Ok(scenes::table.filter(scenes::title.eq("day 1")).select(scenes::id).first::<i64>(conn)?)).await
}

#[tokio::test]
async fn an_image_of_a_public_campaign_is_for_everybody_and_for_ever() {
    let app = on_sqlite();
    app.public_campaign("town").await;
    let (cell, scene) = (draw(&app).await, first_scene(&app).await);
    let path = |cell: Cell| format!("/tiles/{scene}/{}/{}/{}", cell.z, cell.x, cell.y);
    let image = app.browser().get(&path(cell)).await;
    assert_eq!((image.status.as_u16(), image.header("content-type")), (200, "image/webp"), "{}", image.text);
    assert_eq!(image.header("cache-control"), "public, max-age=31536000, immutable");
    let tag = image.header("etag").to_owned();
    let again = app.browser().send(Method::GET, &path(cell), &[("if-none-match", &tag)], None).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    assert_eq!(again.header("etag"), tag);
    let far_away = Cell { x: cell.x.wrapping_add(500), ..cell };
    assert_eq!(app.browser().get(&path(far_away)).await.status, 204);
    let too_deep = Cell { z: cell.z + 1, x: cell.x * 2, y: cell.y * 2 };
    app.browser().get(&path(too_deep)).await.refused(404, "not_found");
    app.browser().get(&format!("/tiles/{scene}/3/9/1")).await.refused(404, "not_found");
    app.browser().get(&format!("/tiles/1/{}/{}/{}", cell.z, cell.x, cell.y)).await.refused(404, "not_found");
}

#[tokio::test]
async fn an_image_of_a_private_campaign_is_for_its_people_only() {
    let app = on_sqlite();
    app.campaign("hidden", Visibility::Private, ReleaseLevel::Public).await;
    let (cell, scene) = (draw(&app).await, first_scene(&app).await);
    let path = format!("/tiles/{scene}/{}/{}/{}", cell.z, cell.x, cell.y);
    app.browser().get(&path).await.refused(404, "not_found");
    app.signed_in("stranger", None).await.get(&path).await.refused(404, "not_found");
    let member = app.signed_in_as(Role::Volunteer, "hidden").await;
    let image = member.get(&path).await;
    assert_eq!(image.status, 200);
    assert_eq!(image.header("cache-control"), "private, no-store");
    assert_eq!(image.header("vary"), "Cookie, Authorization");
    member.delete("/api/v1/session").await;
    member.get(&path).await.refused(404, "not_found");
}
