//! The demo pair and the aerial series: right zoom, right place, right colours, and the same again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use aftermap::domain::cell::{Cell, MercatorBox, from_mercator};
use aftermap::imagery::{Archives, CutRequest, GeoTiffSource, Progress, RasterSource, SceneArchive, Window, cut_scene};
use geotiff_reader::GeoTiffFile;

use crate::helpers::{Tiles, cut, data, names};

/// The mean difference (levels) between the tiles and the source moved by some pixels, over many places: 3 x 3 source
/// pixels against the 3 x 3 tile pixels around the same place on earth.
fn difference(file: &Path, archive: &SceneArchive, moved: (i32, i32), degrees: &dyn Fn(f64, f64) -> (f64, f64)) -> f64 {
    let tiff = GeoTiffFile::open(file).unwrap();
    let source = GeoTiffSource::open(file).unwrap();
    let (width, height) = source.size();
    let mut tiles = Tiles { archive, decoded: BTreeMap::new() };
    let (mut sum, mut count) = (0.0, 0.0);
    for row in (8..height - 8).step_by(37) {
        let top = row.checked_add_signed(moved.1 - 1).unwrap();
        let strip = source.read(Window { col: 0, row: top, width, height: 3 }).unwrap();
        for col in (8..width - 8).step_by(29) {
            let Some(here) = mean_of_nine(|c, r| {
                Some(strip.pixel(col.checked_add_signed(moved.0 + c)?, 1u32.checked_add_signed(r)?))
            }) else {
                continue;
            };
            let (x, y) = tiff.pixel_to_geo(f64::from(col) + 0.5, f64::from(row) + 0.5).unwrap();
            let (lon, lat) = degrees(x, y);
            let Some(there) = mean_of_nine(|c, r| tiles.pixel(lon, lat, c, r)) else { continue };
            sum += (0..3).map(|i| (here[i] - there[i]).abs()).sum::<f64>() / 3.0;
            count += 1.0;
        }
    }
    assert!(count > 300.0, "only {count} places");
    sum / count
}

/// The mean colour of 3 x 3 pixels; `None` unless all are fully valid.
fn mean_of_nine(mut pixel: impl FnMut(i32, i32) -> Option<[u8; 4]>) -> Option<[f64; 3]> {
    let mut sum = [0.0; 3];
    for (c, r) in (-1..=1).flat_map(|r| (-1..=1).map(move |c| (c, r))) {
        let [red, green, blue, 255] = pixel(c, r)? else { return None };
        for (sum, value) in sum.iter_mut().zip([red, green, blue]) {
            *sum += f64::from(value) / 9.0;
        }
    }
    Some(sum)
}

/// The picture lies where it should: it fits best unmoved, and then closely.
fn check_place_and_colours(file: &Path, archive: &SceneArchive, degrees: &dyn Fn(f64, f64) -> (f64, f64), most: f64) {
    let fit = difference(file, archive, (0, 0), degrees);
    for moved in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
        let worse = difference(file, archive, moved, degrees);
        assert!(worse > fit * 1.1, "{}: {fit:.2} unmoved, {worse:.2} moved by {moved:?}", file.display());
    }
    println!("{}: differs by {fit:.2} levels on average", file.display());
    assert!(fit < most, "{}: {fit}", file.display());
}

#[test]
fn the_madre_fire_pair_is_cut_to_zoom_13_in_the_right_place_and_colours() {
    let Some(folder) = data("demo_madre_fire_2025") else { return };
    let tiles = tempfile::tempdir().unwrap();
    for name in ["madre_fire_before.tif", "madre_fire_after.tif"] {
        let file = folder.join(name);
        let scene = cut(&file, tiles.path()).unwrap();
        assert_eq!((scene.max_zoom, scene.crs.as_str()), (13, "EPSG:4326"));
        assert!((scene.pixel_size_m - 20.0).abs() < 0.5, "{}", scene.pixel_size_m);
        let known = GeoTiffFile::open(&file).unwrap().geo_bounds().unwrap();
        for (ours, known) in scene.bounds.to_array().iter().zip(known) {
            assert!((ours - known).abs() < 1e-9, "{:?} {known}", scene.bounds);
        }
        let archive = SceneArchive::open(&tiles.path().join(&scene.archive)).unwrap();
        check_place_and_colours(&file, &archive, &|x, y| (x, y), 6.0);
        let share = archive.valid_share(MercatorBox::from_degrees(scene.bounds)).unwrap();
        assert!((share - 0.63).abs() < 0.01, "valid share {share}");
    }
}

#[test]
fn the_aerial_series_is_cut_to_zoom_14_in_the_right_place_and_colours() {
    let Some(folder) = data("series_naip_wetlands") else { return };
    let tiles = tempfile::tempdir().unwrap();
    let files: Vec<String> = names(&folder).into_iter().filter(|name| name.ends_with(".tif")).collect();
    assert_eq!(files.len(), 6);
    for name in files {
        let file = folder.join(&name);
        let scene = cut(&file, tiles.path()).unwrap();
        assert_eq!((scene.max_zoom, scene.crs.as_str()), (14, "EPSG:26914"), "{name}");
        assert!((scene.pixel_size_m - 5.0).abs() < 0.05, "{}", scene.pixel_size_m);
        let crs = aftermap::imagery::Crs::from_epsg(26914).unwrap();
        let archive = SceneArchive::open(&tiles.path().join(&scene.archive)).unwrap();
        let degrees = |x, y| {
            let (x, y) = crs.forward(x, y).unwrap();
            from_mercator(x, y)
        };
        check_place_and_colours(&file, &archive, &degrees, 6.0);
        assert!(scene.note.starts_with("first three of 4 bands"), "{}", scene.note);
        assert!(!scene.note.contains("alpha"), "band 4 is near infrared: {}", scene.note);
        // North Dakota, near 47 degrees north and 99 degrees west.
        assert!(scene.bounds.west > -100.0 && scene.bounds.east < -98.0 && scene.bounds.south > 46.0);
    }
}

#[test]
fn a_second_run_finds_the_archive_and_changes_nothing() {
    let Some(file) = data("demo_madre_fire_2025/madre_fire_before.tif") else { return };
    let tiles = tempfile::tempdir().unwrap();
    let first = cut(&file, tiles.path()).unwrap();
    let place = tiles.path().join(&first.archive);
    // Its time may move on, which says that it is wanted; another file must not take its place.
    let inode = || std::os::unix::fs::MetadataExt::ino(&place.metadata().unwrap());
    let (bytes, written) = (std::fs::read(&place).unwrap(), inode());
    let second = cut(&file, tiles.path()).unwrap();
    assert!(!first.reused && second.reused);
    assert_eq!(aftermap::imagery::CutScene { reused: false, ..second }, first);
    assert_eq!(std::fs::read(&place).unwrap(), bytes);
    assert_eq!(inode(), written);
    assert_eq!(names(tiles.path()), std::slice::from_ref(&first.archive));
}

#[test]
fn what_a_killed_run_left_is_replaced_and_what_a_running_one_holds_stays() {
    let Some(file) = data("demo_madre_fire_2025/madre_fire_before.tif") else { return };
    let tiles = tempfile::tempdir().unwrap();
    let name = cut(&file, tiles.path()).unwrap().archive;
    std::fs::remove_file(tiles.path().join(&name)).unwrap();
    let dead = tiles.path().join(format!("{name}.1-0.part"));
    let live = tiles.path().join(format!("{name}.2-0.part"));
    std::fs::write(&dead, "half a tile").unwrap();
    std::fs::write(&live, "another run is at it").unwrap();
    let held = std::fs::File::open(&live).unwrap();
    held.lock().unwrap();
    assert!(!cut(&file, tiles.path()).unwrap().reused);
    assert!(!dead.exists() && live.exists());
    assert_eq!(names(tiles.path()).len(), 2);
}

#[test]
fn a_damaged_archive_is_cut_anew() {
    let Some(file) = data("demo_madre_fire_2025/madre_fire_before.tif") else { return };
    let tiles = tempfile::tempdir().unwrap();
    let first = cut(&file, tiles.path()).unwrap();
    std::fs::write(tiles.path().join(&first.archive), "nonsense").unwrap();
    let second = cut(&file, tiles.path()).unwrap();
    assert_eq!(second, first);
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let Some(file) = data("series_naip_wetlands") else { return };
    let file = file.join(names(&file).into_iter().find(|name| name.ends_with(".tif")).unwrap());
    let with = |threads: usize| {
        let tiles = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| cut(&file, tiles.path())).unwrap().archive_sha256
    };
    assert_eq!(with(1), with(4));
}

#[test]
fn a_file_cut_short_is_refused_and_leaves_nothing() {
    let Some(folder) = data("series_naip_wetlands") else { return };
    let name = names(&folder).into_iter().find(|name| name.ends_with(".tif")).unwrap();
    let bytes = std::fs::read(folder.join(name)).unwrap();
    let work = tempfile::tempdir().unwrap();
    let tiles = work.path().join("tiles");
    for share in [0, 1, 10, 50, 90, 99] {
        let short = work.path().join("short.tif");
        std::fs::write(&short, &bytes[..bytes.len() * share / 100]).unwrap();
        let message = cut(&short, &tiles).unwrap_err().to_string();
        assert!(message.contains("short.tif"), "{message}");
        assert_eq!(names(&tiles), [""; 0], "at {share} %");
    }
    let message = cut(&work.path().join("none.tif"), &tiles).unwrap_err().to_string();
    assert!(message.contains("none.tif"), "{message}");
}

#[test]
fn progress_reaches_its_total_and_a_zoom_limit_is_kept() {
    #[derive(Default)]
    struct Counts(AtomicU64, AtomicU64);
    impl Progress for Counts {
        fn total(&self, tiles: u64) {
            self.0.fetch_add(tiles, Ordering::Relaxed);
        }
        fn advance(&self, tiles: u64) {
            self.1.fetch_add(tiles, Ordering::Relaxed);
        }
    }
    let Some(file) = data("demo_madre_fire_2025/madre_fire_after.tif") else { return };
    let tiles = tempfile::tempdir().unwrap();
    let counts = Counts::default();
    let request = CutRequest { max_zoom: Some(11), ..CutRequest::new(&file, tiles.path()) };
    let scene = cut_scene(&request, &counts).unwrap();
    assert_eq!(scene.max_zoom, 11);
    assert_eq!(counts.0.load(Ordering::Relaxed), counts.1.load(Ordering::Relaxed));
    let full = cut(&file, tiles.path()).unwrap();
    assert_ne!(full.archive, scene.archive);
    // What both hold is the same picture.
    let open = |name: &str| SceneArchive::open(&tiles.path().join(name)).unwrap();
    let (low, high) = (open(&scene.archive), open(&full.archive));
    for cell in Cell::covering(11, MercatorBox::from_degrees(scene.bounds)) {
        assert_eq!(low.tile(cell).unwrap(), high.tile(cell).unwrap(), "{cell}");
    }
}

#[tokio::test]
async fn tiles_come_out_of_the_shared_handle_and_empty_places_are_none() {
    let Some(file) = data("demo_madre_fire_2025/madre_fire_after.tif") else { return };
    let tiles = tempfile::tempdir().unwrap();
    let scene = cut(&file, tiles.path()).unwrap();
    let archives = Archives::new(tiles.path());
    let area = MercatorBox::from_degrees(scene.bounds);
    let mut counts: BTreeMap<u8, u32> = BTreeMap::new();
    for z in scene.min_zoom..=scene.max_zoom {
        for cell in Cell::covering(z, area) {
            if let Some(tile) = archives.clone().tile(&scene.archive, cell).await.unwrap() {
                assert_eq!(&tile[..4], b"RIFF");
                *counts.entry(z).or_default() += 1;
            }
        }
    }
    println!("tiles per zoom: {counts:?}");
    assert_eq!(u64::from(counts.values().sum::<u32>()), scene.tiles);
    let nowhere = Cell::new(13, 0, 0).unwrap();
    assert_eq!(archives.tile(&scene.archive, nowhere).await.unwrap(), None);
    assert_eq!(archives.tile(&scene.archive, Cell::new(20, 0, 0).unwrap()).await.unwrap(), None);
    assert!(archives.tile("../../secret", nowhere).await.is_err());
}

#[test]
fn the_landsat_series_and_the_cloudy_pair_can_be_cut() {
    let tiles = tempfile::tempdir().unwrap();
    for (folder, zooms) in [("series_landsat_pucallpa", 10..=11), ("pair_clouds_isfahan", 13..=13)] {
        let Some(folder) = data(folder) else { return };
        for name in names(&folder).iter().filter(|name| name.ends_with(".tif")) {
            let scene = cut(&folder.join(name), tiles.path()).unwrap();
            println!("{name}: zoom {}, {}", scene.max_zoom, scene.note);
            assert!(zooms.contains(&scene.max_zoom), "{name}: {}", scene.max_zoom);
        }
    }
}

#[test]
fn two_runs_at_once_do_not_harm_each_other() {
    let Some(file) = data("demo_madre_fire_2025/madre_fire_before.tif") else { return };
    let tiles = tempfile::tempdir().unwrap();
    let scenes: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| cut(&file, tiles.path()).unwrap())).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(scenes.windows(2).all(|pair| pair[0].archive_sha256 == pair[1].archive_sha256));
    assert_eq!(names(tiles.path()), [scenes[0].archive.clone()]);
}
