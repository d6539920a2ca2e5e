//! The synthetic town: same seed, same files; it can be cut; outlines, truth and pictures agree.

use std::collections::BTreeMap;
use std::path::Path;

use aftermap::domain::cell::{MercatorBox, to_mercator};
use aftermap::domain::scale::Scale;
use aftermap::imagery::footprints::parse_footprints;
use aftermap::imagery::{
    Footprint, ImageryError, SceneArchive, SyntheticTown, TownOptions, read_footprints, square_around,
};

use crate::helpers::{Tiles, cut, names};

fn small() -> TownOptions {
    TownOptions { size_m: 420.0, clouds: vec![0; 5], ..TownOptions::default() }
}

fn truth(town: &SyntheticTown) -> BTreeMap<String, String> {
    let mut reader = csv::Reader::from_path(&town.truth).unwrap();
    assert_eq!(
        reader.headers().unwrap(),
        &csv::StringRecord::from(vec!["tile_id", "label", "last_intact", "first_damaged"])
    );
    reader.records().map(|row| row.unwrap()).map(|row| (row[0].to_owned(), row[1].to_owned())).collect()
}

#[test]
fn the_same_seed_draws_the_same_files() {
    let work = tempfile::tempdir().unwrap();
    let draw = |folder: &str, seed| SyntheticTown::draw(seed, small(), &work.path().join(folder)).unwrap();
    let (one, two, other) = (draw("one", 5), draw("two", 5), draw("other", 6));
    assert_eq!(names(&work.path().join("one")), names(&work.path().join("two")));
    for name in names(&work.path().join("one")) {
        assert!(name.starts_with("synthetic_"), "{name}");
        let read = |folder: &str| std::fs::read(work.path().join(folder).join(&name)).unwrap();
        assert!(read("one") == read("two"), "{name} differs");
        assert!(read("one") != read("other"), "{name} does not depend on the seed");
    }
    assert_eq!(one.buildings, two.buildings);
    assert!(other.credit.contains("no real place"));
}

#[test]
fn outlines_and_truth_agree_and_the_shares_are_as_asked() {
    let work = tempfile::tempdir().unwrap();
    let town = SyntheticTown::draw(1, TownOptions { clouds: vec![], ..TownOptions::default() }, work.path()).unwrap();
    assert!((120..=300).contains(&town.buildings), "{} buildings", town.buildings);
    let footprints = parse_footprints(&std::fs::read_to_string(&town.footprints).unwrap()).unwrap();
    let truth = truth(&town);
    assert_eq!((footprints.len(), truth.len()), (town.buildings, town.buildings));
    let scale = Scale::built_in("conflict3").unwrap();
    let dates: Vec<String> = town.scenes.iter().map(|scene| scene.captured.to_string()).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for footprint in &footprints {
        let class = footprint.properties["reference_class"].as_str().unwrap();
        assert_eq!(truth[&footprint.id], class);
        assert!(scale.place_of(class).is_some(), "{class}");
        *counts.entry(class).or_default() += 1;
        match footprint.properties["damaged_from"].as_str() {
            None => assert_eq!(class, "no_visible_damage"),
            Some(date) => assert!(class != "no_visible_damage" && dates[1..].iter().any(|known| known == date)),
        }
    }
    let share = |class: &str| counts[class] as f64 / town.buildings as f64;
    assert!((share("damaged") - 0.20).abs() < 0.01 && (share("destroyed") - 0.15).abs() < 0.01, "{counts:?}");
}

/// The mean of how much each pixel of a footprint's inner part differs between two dates, levels.
fn change(footprint: &Footprint, before: &mut Tiles<'_>, after: &mut Tiles<'_>) -> f64 {
    let (lon, lat) = footprint.bbox.centre();
    let (mut sum, mut count) = (0.0, 0.0);
    for (right, down) in (-6..=6).flat_map(|d| (-6..=6).map(move |r| (r, d))) {
        let (Some(a), Some(b)) = (before.pixel(lon, lat, right, down), after.pixel(lon, lat, right, down)) else {
            continue;
        };
        sum += (0..3).map(|i| f64::from(a[i].abs_diff(b[i]))).sum::<f64>() / 3.0;
        count += 1.0;
    }
    assert!(count > 0.0, "no picture at {}", footprint.id);
    sum / count
}

#[test]
fn the_town_is_cut_and_its_pictures_show_what_the_truth_says() {
    let work = tempfile::tempdir().unwrap();
    let town = SyntheticTown::draw(7, small(), work.path()).unwrap();
    let tiles = work.path().join("tiles");
    let open = |file: &Path| {
        let scene = cut(file, &tiles).unwrap();
        assert_eq!((scene.crs.as_str(), scene.max_zoom), ("EPSG:32631", 18));
        assert!((scene.pixel_size_m - 0.5).abs() < 0.005);
        SceneArchive::open(&tiles.join(&scene.archive)).unwrap()
    };
    let (first, last) = (open(&town.scenes[0].file), open(&town.scenes[4].file));
    let mut before = Tiles { archive: &first, decoded: BTreeMap::new() };
    let mut after = Tiles { archive: &last, decoded: BTreeMap::new() };
    let truth = truth(&town);
    let mut changes: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for footprint in &read_footprints(&town.footprints).unwrap() {
        let square = square_around(footprint.bbox, 0.6, 30.0);
        assert!(first.valid_share(square).unwrap() > 0.5);
        let (x, y) = to_mercator(footprint.bbox.west, footprint.bbox.south);
        assert!(x > square.left && y > square.bottom && MercatorBox::from_degrees(first.metadata().bounds).left < x);
        changes.entry(&truth[&footprint.id]).or_default().push(change(footprint, &mut before, &mut after));
    }
    let mean = |class: &str| changes[class].iter().sum::<f64>() / changes[class].len() as f64;
    let (intact, damaged, destroyed) = (mean("no_visible_damage"), mean("damaged"), mean("destroyed"));
    println!("change in levels: intact {intact:.1}, damaged {damaged:.1}, destroyed {destroyed:.1}");
    assert!(damaged > intact * 1.5 && destroyed > intact * 2.0);
}

#[test]
fn a_town_cut_short_is_refused_and_leaves_nothing() {
    let work = tempfile::tempdir().unwrap();
    let town = SyntheticTown::draw(3, TownOptions { size_m: 250.0, ..small() }, work.path()).unwrap();
    let bytes = std::fs::read(&town.scenes[0].file).unwrap();
    let tiles = work.path().join("tiles");
    for share in [5, 40, 80, 98] {
        let short = work.path().join("short.tif");
        std::fs::write(&short, &bytes[..bytes.len() * share / 100]).unwrap();
        assert!(matches!(cut(&short, &tiles), Err(ImageryError::Unusable { .. })), "at {share} %");
        assert_eq!(names(&tiles), [""; 0]);
    }
}

#[test]
fn options_out_of_range_are_named() {
    let work = tempfile::tempdir().unwrap();
    for (options, field) in [
        (TownOptions { size_m: 10.0, ..small() }, "size_m"),
        (TownOptions { dates: small().dates[..1].to_vec(), ..small() }, "dates"),
        (TownOptions { damaged_share: 0.8, destroyed_share: 0.3, ..small() }, "damaged_share"),
        (TownOptions { damaged_share: f64::NAN, ..small() }, "damaged_share"),
    ] {
        let message = SyntheticTown::draw(1, options, work.path()).unwrap_err().to_string();
        assert!(message.starts_with(field), "{message}");
    }
}
