//! Dates that do not line up: reported, warned about, moved where that is asked for, and left alone where it is silly.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aftermap::domain::alignment::Align;
use aftermap::domain::scene::Captured;
use aftermap::imagery::Archives;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::scenes::align_scene::alignment_warnings;
use aftermap::services::scenes::ingest::{Ingested, NewScene, ingest};
use aftermap::storage::{Store, campaigns};
use geotiff_writer::{Compression, GeoTiffBuilder, PhotometricInterpretation};
use ndarray::Array3;

use crate::support::databases;
use crate::town::NOON;

const SIDE: usize = 560;

/// Ground of patches of 6 m, said to lie `error` metres further east than it does; `place` picks the ground.
fn picture(folder: &Path, name: &str, error: f64, place: u32) -> PathBuf {
    let patch = |at: u32| at.wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519) >> 24;
    let data = Array3::from_shape_fn((SIDE, SIDE, 3), |(row, col, _)| {
        patch(patch((row / 3) as u32 * 7919 + place) * 104_729 + (col / 3) as u32 * 31 + (row / 3) as u32) as u8
    });
    let file = folder.join(name);
    GeoTiffBuilder::new(SIDE as u32, SIDE as u32)
        .bands(3)
        .epsg(32637)
        .pixel_scale(2.0, 2.0)
        .origin(437_000.0 + error, 3_978_000.0)
        .photometric(PhotometricInterpretation::Rgb)
        .compression(Compression::Deflate)
        .tile_size(256, 256)
        .write_3d(&file, data.view())
        .unwrap();
    file
}

async fn bring(store: &Store, folder: &Path, slug: &str, file: &Path, day: &str, align: Align) -> Ingested {
    let new = NewScene { align, ..NewScene::new(file, Captured::parse("captured", day).unwrap()) };
    ingest(store, &Archives::new(folder.join("tiles")), slug, new, Arc::new(())).await.expect("an ingest")
}

async fn warnings(store: &Store, slug: &'static str) -> Vec<String> {
    let read = store.read(move |conn| {
        let id = campaigns::find(conn, slug)?.expect("the campaign").id;
        alignment_warnings(conn, id)
    });
    read.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shifted_date_is_warned_about_and_moved_only_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let before = picture(folder.path(), "before.tif", 0.0, 1);
    let shifted = picture(folder.path(), "shifted.tif", 9.0, 1);
    let elsewhere = picture(folder.path(), "elsewhere.tif", 0.0, 5);
    for database in databases() {
        let store = database.store();
        for slug in ["told", "moved", "silly"] {
            let new = NewCampaign { synthetic: true, ..NewCampaign::new(slug, "A draft") };
            store.write(move |conn| create_campaign(conn, &new, None, NOON)).await.expect("a campaign");
            let first = bring(&store, folder.path(), slug, &before, "2025-06-15", Align::Apply).await;
            assert_eq!(first.alignment, None, "the first scene is what the others are compared with");
        }
        let told = bring(&store, folder.path(), "told", &shifted, "2025-07-15", Align::Report).await;
        let found = told.alignment.clone().unwrap();
        assert!((found.east_m - 9.0).abs() < 0.5 && found.north_m.abs() < 0.5 && !found.applied, "{found:?}");
        assert!(warnings(&store, "told").await[0].contains("do not line up"), "on {}", database.name);
        let moved = bring(&store, folder.path(), "moved", &shifted, "2025-07-15", Align::Apply).await;
        assert!(moved.alignment.unwrap().applied && moved.scene.archive != told.scene.archive);
        assert_eq!(warnings(&store, "moved").await, Vec::<String>::new());
        let again = bring(&store, folder.path(), "moved", &shifted, "2025-07-15", Align::Apply).await;
        assert!(!again.changed && again.scene.archive == moved.scene.archive, "a repeat changes nothing");
        let silly = bring(&store, folder.path(), "silly", &elsewhere, "2025-07-15", Align::Apply).await;
        assert!(silly.alignment.is_none_or(|found| !found.applied), "another place is not moved");
    }
}
