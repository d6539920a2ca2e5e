//! Bringing in pictures: repeating changes nothing, and what cannot be used is refused with nothing half-written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aftermap::domain::campaign::{Campaign, CampaignKind, CampaignState};
use aftermap::domain::scene::{Captured, Scene};
use aftermap::imagery::Archives;
use aftermap::services::Error;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::scenes::ingest::{Ingested, NewScene, ingest};
use aftermap::services::upkeep::check_archives::{Repair, check_archives};
use aftermap::storage::scenes::tiles;
use aftermap::storage::{Store, campaigns, scenes};
use geotiff_writer::{Compression, GeoTiffBuilder, PhotometricInterpretation};
use ndarray::Array3;

use crate::support::{TestDatabase, data, databases};
use crate::town::NOON;

const SIDE: usize = 400;
/// Where most pictures of these tests lie, UTM zone 37 north, metres.
const HERE: (f64, f64) = (437_000.0, 3_978_000.0);

/// A draft on one database, with a folder for its pictures and archives.
struct Draft {
    store: Store,
    folder: tempfile::TempDir,
    name: &'static str,
    _database: TestDatabase,
}

async fn drafts() -> Vec<Draft> {
    let mut all = Vec::new();
    for database in databases() {
        let store = database.store();
        let new = NewCampaign { synthetic: true, ..NewCampaign::new("draft", "A draft") };
        store.write(move |conn| create_campaign(conn, &new, None, NOON)).await.expect("a campaign");
        all.push(Draft { store, folder: tempfile::tempdir().unwrap(), name: database.name, _database: database });
    }
    all
}

impl Draft {
    /// A picture of one colour, 800 m wide.
    fn picture(&self, name: &str, colour: u8, origin: (f64, f64)) -> PathBuf {
        let file = self.folder.path().join(name);
        GeoTiffBuilder::new(SIDE as u32, SIDE as u32)
            .bands(3)
            .epsg(32637)
            .pixel_scale(2.0, 2.0)
            .origin(origin.0, origin.1)
            .photometric(PhotometricInterpretation::Rgb)
            .compression(Compression::Deflate)
            .tile_size(256, 256)
            .write_3d(&file, Array3::<u8>::from_elem((SIDE, SIDE, 3), colour).view())
            .unwrap();
        file
    }

    async fn ingest_into(&self, slug: &str, file: &Path, day: &str) -> Result<Ingested, Error> {
        let new = NewScene::new(file, Captured::parse("captured", day).unwrap());
        ingest(&self.store, &Archives::new(self.folder.path().join("tiles")), slug, new, Arc::new(())).await
    }

    async fn ingest(&self, file: &Path, day: &str) -> Result<Ingested, Error> {
        self.ingest_into("draft", file, day).await
    }

    /// All that an ingest could have changed: the campaign, its scenes, its tiles with their ids, the archives.
    async fn everything(&self) -> (Campaign, Vec<Scene>, Vec<(String, i64)>, Vec<String>) {
        let read = self.store.read(|conn| {
            let campaign = campaigns::find(conn, "draft")?.expect("the campaign");
            let scenes = scenes::of_campaign(conn, campaign.id)?;
            let mut tiles: Vec<_> = tiles::ids_of_campaign(conn, campaign.id)?.into_iter().collect();
            tiles.sort();
            Ok::<_, Error>((campaign, scenes, tiles))
        });
        let (campaign, scenes, tiles) = read.await.unwrap();
        (campaign, scenes, tiles, self.archives())
    }

    fn archives(&self) -> Vec<String> {
        let Ok(folder) = std::fs::read_dir(self.folder.path().join("tiles")) else { return Vec::new() };
        let mut names: Vec<_> = folder.map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Two pictures of one place.
    async fn pair(&self) -> [PathBuf; 2] {
        let pair = [self.picture("before.tif", 90, HERE), self.picture("after.tif", 120, HERE)];
        self.ingest(&pair[0], "2025-06-15").await.expect("the first");
        self.ingest(&pair[1], "2025-07-15").await.expect("the second");
        pair
    }
}

/// What somebody is told whose ingest was refused.
fn refusal(outcome: Result<Ingested, Error>) -> String {
    outcome.expect_err("a refusal").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pictures_make_pairs_and_a_repeat_changes_nothing() {
    for draft in drafts().await {
        let [before, after] = draft.pair().await;
        let there = draft.everything().await;
        assert_eq!((there.0.kind, there.1.len()), (CampaignKind::Pair, 2), "on {}", draft.name);
        assert!(!there.2.is_empty());
        for (file, day) in [(&before, "2025-06-15"), (&after, "2025-07-15")] {
            assert!(!draft.ingest(file, day).await.expect("a repeat").changed);
        }
        assert_eq!(draft.everything().await, there, "on {}", draft.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_picture_makes_a_timeline_and_tiles_keep_their_ids() {
    for draft in drafts().await {
        draft.pair().await;
        let before = draft.everything().await;
        let between = draft.picture("between.tif", 105, HERE);
        assert!(draft.ingest(&between, "2025-07-01").await.expect("the third").changed);
        let after = draft.everything().await;
        assert_eq!((after.0.kind, after.1.len()), (CampaignKind::Timeline, 3));
        assert_eq!(after.1[1].title, "between", "scenes are in the order of their dates");
        assert_eq!(after.2, before.2, "on {}", draft.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_of_two_places_are_refused_and_the_campaign_stays_as_it_was() {
    for draft in drafts().await {
        let here = draft.picture("here.tif", 90, HERE);
        draft.ingest(&here, "2025-06-15").await.expect("the first");
        let before = draft.everything().await;
        let elsewhere = draft.picture("elsewhere.tif", 90, (HERE.0 + 50_000.0, HERE.1));
        let told = refusal(draft.ingest(&elsewhere, "2025-07-15").await);
        assert!(told.contains("`here`") && told.contains("`elsewhere`") && told.contains("overlap"), "{told}");
        let after = draft.everything().await;
        assert_eq!((after.0, after.1, after.2), (before.0, before.1, before.2), "on {}", draft.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_picture_with_another_date_is_refused() {
    for draft in drafts().await {
        let [before, _] = draft.pair().await;
        let there = draft.everything().await;
        let told = refusal(draft.ingest(&before, "2024-01-01").await);
        assert!(told.contains("`draft`") && told.contains("`before`"), "{told}");
        assert_eq!(draft.everything().await, there, "on {}", draft.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_a_draft_a_new_picture_is_refused_before_it_is_cut() {
    for draft in drafts().await {
        let [before, _] = draft.pair().await;
        let open = |conn: &mut _| change_state(conn, "draft", CampaignState::Open, None, NOON);
        draft.store.write(open).await.expect("an open campaign");
        let there = draft.everything().await;
        let late = draft.picture("late.tif", 200, HERE);
        let told = refusal(draft.ingest(&late, "2025-08-15").await);
        assert!(told.contains("`draft` is open"), "{told}");
        assert!(!draft.ingest(&before, "2025-06-15").await.expect("a repeat").changed);
        assert_eq!(draft.everything().await, there, "on {}", draft.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_or_belongs_nowhere_is_named_and_leaves_nothing() {
    for draft in drafts().await {
        let there = draft.everything().await;
        let good = draft.picture("good.tif", 90, HERE);
        let told = refusal(draft.ingest_into("nowhere", &good, "2025-06-15").await);
        assert!(told.contains("`nowhere`"), "{told}");
        let broken = draft.folder.path().join("broken.tif");
        std::fs::write(&broken, b"II*\0 this is no picture").unwrap();
        for file in [broken, draft.folder.path().join("missing.tif")] {
            let told = refusal(draft.ingest(&file, "2025-06-15").await);
            assert!(told.contains(file.file_name().unwrap().to_str().unwrap()), "{told}");
        }
        assert_eq!(draft.everything().await, there, "on {}", draft.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn six_real_dates_on_different_grids_become_a_timeline() {
    let Some(folder) = data("imagery/series_naip_wetlands") else { return };
    let days = ["2015-09-26", "2009-08-18", "2020-08-31", "2012-07-31", "2017-08-27", "2019-09-04"];
    for draft in drafts().await {
        for day in days {
            let done = draft.ingest(&folder.join(format!("naip_{day}.tif")), day).await.unwrap();
            assert!(done.changed && done.tiles > 0, "{day} on {}", draft.name);
        }
        let (campaign, dated, tiles, _) = draft.everything().await;
        assert_eq!(campaign.kind, CampaignKind::Timeline);
        assert!(dated.iter().all(|scene| scene.max_zoom == 14), "5 m pixels at 47 degrees north");
        assert!(dated.is_sorted_by_key(|scene| scene.captured_from), "by date, whatever came first");
        let ids: Vec<i64> = tiles.iter().map(|(_, id)| *id).collect();
        let frames = draft.store.read(move |conn| Ok::<_, Error>(tiles::frames_of(conn, &ids)?)).await.unwrap();
        assert!(frames.values().all(|seen| seen.len() == 6), "every tile is seen at every date");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_ingest_leaves_no_archive_and_a_check_finds_what_is_wrong() {
    for draft in drafts().await {
        let [before, _] = draft.pair().await;
        let there = draft.everything().await;
        let elsewhere = draft.picture("elsewhere.tif", 90, (HERE.0 + 50_000.0, HERE.1));
        refusal(draft.ingest(&elsewhere, "2025-07-20").await);
        assert_eq!(draft.everything().await, there, "no archive is left on {}", draft.name);
        let tiles = draft.folder.path().join("tiles");
        let archives = Archives::new(&tiles);
        let mend = Repair::default();
        let check = |repair: bool| check_archives(&draft.store, &archives, repair.then_some(&mend));
        let sound = check(false).await.unwrap();
        assert!(sound.is_sound() && sound.sound == 2 && sound.orphaned.is_empty(), "{sound:?}");
        // A byte of a tile changes, a file goes missing, and one belongs to nobody.
        let [first, second] = [&there.1[0], &there.1[1]];
        let mut bytes = std::fs::read(tiles.join(&first.archive)).unwrap();
        let last = bytes.len() - 40;
        bytes[last] ^= 1;
        std::fs::write(tiles.join(&first.archive), &bytes).unwrap();
        std::fs::remove_file(tiles.join(&second.archive)).unwrap();
        let orphan = format!("{}.pmtiles", "0a".repeat(32));
        std::fs::write(tiles.join(&orphan), b"nobody's").unwrap();
        let found = check(true).await.unwrap();
        assert_eq!(
            (found.changed.len(), found.missing.len(), found.orphaned.as_slice()),
            (1, 1, &[orphan.clone()][..])
        );
        assert!(found.changed[0].archive == first.archive && found.missing[0].archive == second.archive);
        assert!(found.advice().iter().any(|line| line.contains("before.tif")), "{:?}", found.advice());
        assert!(tiles.join(&orphan).exists(), "an orphan of today may belong to an ingest that is under way");
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 86_400);
        std::fs::File::options().append(true).open(tiles.join(&orphan)).unwrap().set_modified(old).unwrap();
        assert_eq!(check(true).await.unwrap().removed, std::slice::from_ref(&orphan));
        let aside = tiles.join("quarantine").join(&orphan);
        assert!(!tiles.join(&orphan).exists() && aside.exists(), "an operator may take it back");
        assert_eq!(check(true).await.unwrap().removed, [] as [String; 0], "for a month");
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(31 * 86_400);
        std::fs::File::options().append(true).open(&aside).unwrap().set_modified(old).unwrap();
        assert_eq!(check(true).await.unwrap().removed, [orphan]);
        assert!(!aside.exists());
        // The same ingests again bring the same bytes back.
        let after = draft.folder.path().join("after.tif");
        assert!(!draft.ingest(&before, "2025-06-15").await.unwrap().changed);
        assert!(!draft.ingest(&after, "2025-07-15").await.unwrap().changed);
        assert!(check(false).await.unwrap().is_sound(), "on {}", draft.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_lies_across_the_date_line() {
    for draft in drafts().await {
        // UTM zone 60: the line lies some 214 km east of its central meridian here.
        let pair = ["before.tif", "after.tif"].map(|name| {
            let file = draft.folder.path().join(name);
            GeoTiffBuilder::new(SIDE as u32, SIDE as u32)
                .bands(3)
                .epsg(32660)
                .pixel_scale(20.0, 20.0)
                .origin(710_000.0, 5_600_000.0)
                .photometric(PhotometricInterpretation::Rgb)
                .compression(Compression::Deflate)
                .tile_size(256, 256)
                .write_3d(&file, Array3::<u8>::from_elem((SIDE, SIDE, 3), name.len() as u8 * 9).view())
                .unwrap();
            file
        });
        draft.ingest(&pair[0], "2025-06-15").await.expect("the first");
        draft.ingest(&pair[1], "2025-07-15").await.expect("the second");
        let (campaign, scenes, tiles, _) = draft.everything().await;
        assert!(scenes[0].bounds.west < 180.0 && scenes[0].bounds.east > 180.0, "{:?}", scenes[0].bounds);
        let bounds = campaign.bounds.expect("bounds");
        assert!(bounds.east - bounds.west < 0.3 && bounds.east > 180.0, "{bounds:?}");
        let column = |name: &str| name.split('-').nth(1).unwrap().parse::<u32>().unwrap();
        let (west, east): (Vec<_>, Vec<_>) = tiles.iter().partition(|(name, _)| column(name) < 100);
        assert!(!west.is_empty() && !east.is_empty(), "tiles on both sides on {}", draft.name);
    }
}
