//! The same houses as GeoJSON, FlatGeobuf and GeoPackage, as ogr2ogr writes them, in degrees and in metres.

use std::path::{Path, PathBuf};
use std::process::Command;

use aftermap::imagery::{
    Footprint, Outline, SyntheticTown, TownOptions, finish_footprints, from_geopackage, read_footprints,
};
use aftermap::storage::scenes::geopackage;

/// Converts a file; `None` (said plainly) without ogr2ogr.
fn convert(from: &Path, name: &str, options: &[&str]) -> Option<PathBuf> {
    let to = from.with_file_name(name);
    match Command::new("ogr2ogr").args(options).arg(&to).arg(from).output() {
        Err(_) => {
            eprintln!("SKIPPED: no ogr2ogr on this machine");
            None
        }
        Ok(done) => {
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            Some(to)
        }
    }
}

fn read_geopackage(path: &Path) -> Vec<Footprint> {
    let layer = geopackage::read(path).unwrap();
    let outline = |(id, blob): (String, Option<Vec<u8>>)| Outline {
        id: Some(id),
        polygons: from_geopackage(&blob.unwrap()).unwrap(),
        properties: Default::default(),
    };
    finish_footprints(layer.rows.into_iter().map(outline).collect(), layer.epsg.unwrap()).unwrap()
}

/// The same houses in any order, corners nearer than a centimetre.
fn check(mut found: Vec<Footprint>, mut wanted: Vec<Footprint>, by_id: bool, what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let order = |list: &mut Vec<Footprint>| match by_id {
        true => list.sort_by(|a, b| a.id.cmp(&b.id)),
        false => list.sort_by(|a, b| a.bbox.west.total_cmp(&b.bbox.west)),
    };
    order(&mut found);
    order(&mut wanted);
    for (found, wanted) in found.iter().zip(&wanted) {
        for (ours, theirs) in found.bbox.to_array().iter().zip(wanted.bbox.to_array()) {
            assert!((ours - theirs).abs() < 1e-7, "{what}: {} {ours} {theirs}", found.id);
        }
    }
}

#[test]
fn houses_are_the_same_in_every_format_and_system() {
    let work = tempfile::tempdir().unwrap();
    let options = TownOptions { size_m: 300.0, ..TownOptions::default() };
    let town = SyntheticTown::draw(5, options, work.path()).unwrap();
    let wanted = read_footprints(&town.footprints).unwrap();
    for (name, options) in [
        ("a.fgb", &["-f", "FlatGeobuf"][..]),
        ("b.fgb", &["-f", "FlatGeobuf", "-t_srs", "EPSG:32631"]),
        ("c.fgb", &["-f", "FlatGeobuf", "-lco", "SPATIAL_INDEX=NO", "-nlt", "PROMOTE_TO_MULTI"]),
        ("d.gpkg", &["-f", "GPKG"]),
        ("e.gpkg", &["-f", "GPKG", "-t_srs", "EPSG:32631", "-nlt", "PROMOTE_TO_MULTI"]),
        ("f.geojson", &["-f", "GeoJSON", "-lco", "RFC7946=NO", "-t_srs", "EPSG:32631"]),
    ] {
        let Some(file) = convert(&town.footprints, name, options) else { return };
        let is_database = name.ends_with("gpkg");
        let found = if is_database { read_geopackage(&file) } else { read_footprints(&file).unwrap() };
        println!("{name}: {} houses, the first is {}", found.len(), found[0].id);
        check(found, wanted.clone(), false, name);
    }
}

#[test]
fn outline_files_with_flipped_bytes_never_panic() {
    let work = tempfile::tempdir().unwrap();
    let options = TownOptions { size_m: 250.0, ..TownOptions::default() };
    let town = SyntheticTown::draw(6, options, work.path()).unwrap();
    let Some(file) = convert(&town.footprints, "a.fgb", &["-f", "FlatGeobuf"]) else { return };
    let whole = std::fs::read(&file).unwrap();
    let (mut read, mut refused) = (0, 0);
    for round in 0..3_000usize {
        let mut bytes = whole.clone();
        let at = 8 + round * 7919 % (whole.len() - 12);
        bytes[at] ^= 1 << (round % 8);
        bytes[at + 3] = (round * 31) as u8;
        std::fs::write(&file, &bytes).unwrap();
        match read_footprints(&file) {
            Ok(_) => read += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(read > 0 && refused > 0, "{read} {refused}");
}
