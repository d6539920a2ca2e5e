//! Tiles that exist already as scenes of a campaign: MBTiles and folders through the ordinary ingest.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aftermap::domain::alignment::Align;
use aftermap::domain::cell::{Cell, MercatorBox};
use aftermap::domain::scene::Captured;
use aftermap::imagery::synthetic::{SyntheticTown, TownOptions};
use aftermap::imagery::{Archives, CutRequest, SceneArchive, cut_scene};
use aftermap::services::Error;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::scenes::ingest::{Ingested, NewScene, ingest};
use aftermap::storage::Store;

use crate::support::databases;
use crate::town::NOON;

/// The deepest tiles of a picture as MBTiles, whose rows count from the south, with a view as many programs write it.
fn mbtiles(archive: &SceneArchive, file: &Path) {
    let conn = rusqlite::Connection::open(file).unwrap();
    conn.execute_batch(
        "CREATE TABLE map (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB);
         CREATE VIEW tiles AS SELECT zoom_level, tile_column, tile_row, tile_data FROM map;
         CREATE TABLE metadata (name TEXT, value TEXT); INSERT INTO metadata VALUES ('format', 'pbf, or so it says')",
    )
    .unwrap();
    let about = archive.metadata();
    for cell in Cell::covering(about.max_zoom, MercatorBox::from_degrees(about.bounds)) {
        if let Some(tile) = archive.tile(cell).unwrap() {
            let row = (1u32 << cell.z) - 1 - cell.y;
            conn.execute("INSERT INTO map VALUES (?1, ?2, ?3, ?4)", (cell.z, cell.x, row, &tile[..])).unwrap();
        }
    }
}

async fn bring(store: &Store, archives: &Archives, file: &Path, day: &str, align: Align) -> Result<Ingested, Error> {
    let new = NewScene { align, ..NewScene::new(file, Captured::parse("captured", day).unwrap()) };
    ingest(store, archives, "draft", new, Arc::new(())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_and_a_set_of_tiles_make_a_pair_that_lines_up() {
    let folder = tempfile::tempdir().unwrap();
    let options = TownOptions { size_m: 220.0, clouds: vec![], ..TownOptions::default() };
    let town = SyntheticTown::draw(3, options, folder.path()).unwrap();
    let cut = cut_scene(&CutRequest::new(&town.scenes[1].file, folder.path().join("other")), &()).unwrap();
    let archive = SceneArchive::open(&folder.path().join("other").join(&cut.archive)).unwrap();
    let file: PathBuf = folder.path().join("after.mbtiles");
    mbtiles(&archive, &file);
    for database in databases() {
        let (store, archives) = (database.store(), Archives::new(folder.path().join("tiles")));
        let new = NewCampaign { synthetic: true, ..NewCampaign::new("draft", "A draft") };
        store.write(move |conn| create_campaign(conn, &new, None, NOON)).await.unwrap();
        let before = &town.scenes[0].file;
        bring(&store, &archives, before, "2025-06-15", Align::Report).await.unwrap();
        let refused = bring(&store, &archives, &file, "2025-07-15", Align::Apply).await.unwrap_err();
        assert!(refused.to_string().contains("cannot be moved"), "{refused}");
        let done = bring(&store, &archives, &file, "2025-07-15", Align::Report).await.unwrap();
        assert!(done.changed && done.tiles > 0, "on {}", database.name);
        assert_eq!((done.scene.crs.as_str(), done.scene.max_zoom), ("EPSG:3857", archive.metadata().max_zoom));
        assert!(done.alignment.is_none_or(|found| !found.is_believed() || found.pixels < 0.5));
        let again = bring(&store, &archives, &file, "2025-07-15", Align::Report).await.unwrap();
        assert!(!again.changed && again.scene == done.scene, "a repeat changes nothing");
        let shown = archives.open(&done.scene.archive).unwrap();
        let cell = Cell::covering(done.scene.max_zoom, MercatorBox::from_degrees(done.scene.bounds))
            .find(|cell| archive.tile(*cell).unwrap().is_some());
        let cell = cell.expect("a tile");
        assert!(shown.tile(cell).unwrap() == archive.tile(cell).unwrap(), "bytes are passed on as they are");
        let broken = folder.path().join("broken.mbtiles");
        fs::write(&broken, &fs::read(&file).unwrap()[..9000]).unwrap();
        let refused = bring(&store, &archives, &broken, "2025-08-15", Align::Report).await.unwrap_err().to_string();
        assert!(refused.contains("not MBTiles") || refused.contains("no tile"), "{refused}");
    }
}
