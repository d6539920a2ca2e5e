//! Files of outlines and of gold that would take all memory, if it were up to them. The allocator counts.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use aftermap::imagery::{outlines_of_geopackage, read_footprints};
use aftermap::services::gold;

use crate::counted::take_peak;

#[test]
fn files_that_ask_for_all_memory_are_refused_for_little() {
    // In a process of its own: the allocator counts what all threads hold.
    let mut alone = Command::new(std::env::current_exe().unwrap());
    let done = alone.args(["greedy::", "--ignored", "--test-threads=1"]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("5 passed"), "{said}");
}

/// A file that begins so and is said to be so long, of which nothing else is on the disk.
fn sparse(folder: &Path, name: &str, head: &[u8], bytes: u64) -> PathBuf {
    let path = folder.join(name);
    let mut file = File::create(&path).unwrap();
    file.write_all(head).unwrap();
    file.set_len(bytes).unwrap();
    path
}

/// Writes a text many times over.
fn repeated(folder: &Path, (head, piece, tail): (&str, &str, &str), times: usize) -> PathBuf {
    let path = folder.join("repeated.geojson");
    let mut file = std::io::BufWriter::new(File::create(&path).unwrap());
    file.write_all(head.as_bytes()).unwrap();
    (0..times).for_each(|_| file.write_all(piece.as_bytes()).unwrap());
    file.write_all(tail.as_bytes()).unwrap();
    file.into_inner().unwrap();
    path
}

/// The reason, and the most megabytes that were held on the way to it.
fn refused(path: &Path) -> (String, usize) {
    take_peak();
    let reason = read_footprints(path).unwrap_err().to_string();
    (reason, take_peak().0 >> 20)
}

#[test]
#[ignore = "measured alone, by files_that_ask_for_all_memory_are_refused_for_little"]
fn a_file_of_gold_without_end_is_refused_before_it_is_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    for head in ["tile_id,answer\n", "{\"features\":["] {
        let file = sparse(folder.path(), "gold", head.as_bytes(), 50 << 30);
        take_peak();
        let reason = gold::read_file(&file).unwrap_err().to_string();
        let peak = take_peak().0 >> 20;
        assert!(reason.contains("larger than 16 MB") && peak < 256, "{reason}, {peak} MB");
    }
}

#[test]
#[ignore = "measured alone, by files_that_ask_for_all_memory_are_refused_for_little"]
fn outlines_that_are_said_to_be_long_take_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let fgb = b"fgb\x03fgb\x01";
    for (head, bytes, wanted) in [
        (&b"{\"type\":\"FeatureCollection\",\"features\":["[..], 3 << 30, "larger than 2 GiB"),
        (b"{\"type\":\"FeatureCollection\",\"features\":[", 1 << 30, "neither GeoJSON"),
        (&[&b"{\"features\":["[..], &[b' '; 2_000]].concat(), 1 << 30, "not GeoJSON"),
        (b"                     ", 1 << 30, "neither GeoJSON"),
        (fgb, 1 << 30, "empty buffer"),
        (&[&fgb[..], &[0, 0, 127, 0]].concat(), 1 << 30, "empty buffer"),
        (&[&fgb[..], &[255; 4]].concat(), 1 << 30, "more than any building takes"),
    ] {
        let file = sparse(folder.path(), "outlines", head, bytes);
        let (reason, peak) = refused(&file);
        assert!(reason.contains(wanted) && peak < 64, "{reason}, {peak} MB");
    }
}

#[test]
#[ignore = "measured alone, by files_that_ask_for_all_memory_are_refused_for_little"]
fn a_small_file_that_grows_in_memory_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let list = "{\"type\":\"FeatureCollection\",\"features\":[";
    let begun = format!(
        "{list}{{\"type\":\"Feature\",\"properties\":{{}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[["
    );
    let named = format!("{list}{{\"type\":\"Feature\",\"geometry\":null,\"properties\":{{\"a\":[0");
    for (head, piece, times) in [
        // One outline of very many corners, one of very many rings, properties of very many numbers.
        (begun.as_str(), "[1,2],", 20_000_000 / 6),
        (begun.as_str(), "],[", 20_000_000 / 3),
        (named.as_str(), ",0", 20_000_000 / 2),
    ] {
        let file = repeated(folder.path(), (head, piece, ""), times);
        let (reason, peak) = refused(&file);
        assert!(reason.contains("more than 8 MB") && peak < 700, "{reason}, {peak} MB");
    }
    let corners = "[1,2],".repeat(100_000) + "[1,2]";
    let house = format!(
        "{{\"type\":\"Feature\",\"properties\":{{}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[[{corners}]]}}}}"
    );
    let file = repeated(folder.path(), (list, &house, "]}"), 1);
    assert!(refused(&file).0.contains("feature 1: has more than 100,000 corners"));
}

#[test]
#[ignore = "measured alone, by files_that_ask_for_all_memory_are_refused_for_little"]
fn what_else_stands_in_a_file_of_outlines_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let words = format!("\"{}\"", "x".repeat(1_000));
    let house = |id: usize| {
        let ring = "[[10,50],[10.001,50],[10.001,50.002],[10,50]]";
        format!(
            "{{\"type\":\"Feature\",\"id\":{id},\"properties\":{{\"note\":{words}}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[{ring}]}}}}"
        )
    };
    let path = folder.path().join("houses.geojson");
    let houses: Vec<String> = (0..20_000).map(house).collect();
    std::fs::write(&path, format!("{{\"type\":\"FeatureCollection\",\"features\":[{}]}}", houses.join(","))).unwrap();
    drop(houses);
    let (before, _) = {
        take_peak();
        take_peak()
    };
    let read = read_footprints(&path).unwrap();
    let peak = (take_peak().0.saturating_sub(before)) >> 20;
    assert!(read.len() == 20_000 && read[0].properties.is_empty() && peak < 20, "{} outlines, {peak} MB", read.len());
}

#[test]
#[ignore = "measured alone, by files_that_ask_for_all_memory_are_refused_for_little"]
fn a_part_that_is_named_a_million_times_is_counted_a_million_times() {
    // A FlatGeobuf head without anything, then one feature: a MultiPolygon whose parts are all the same.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts.fgb");
    let head = flat_head();
    let feature = flat_feature(500_000, 1_000);
    let mut bytes = b"fgb\x03fgb\x01".to_vec();
    for part in [head, feature] {
        bytes.extend((part.len() as u32).to_le_bytes());
        bytes.extend(part);
    }
    std::fs::write(&path, bytes).unwrap();
    let (reason, peak) = refused(&path);
    assert!(reason.contains("more than 100,000 corners") && peak < 64, "{reason}, {peak} MB");
}

/// A table without fields.
fn flat_head() -> Vec<u8> {
    let mut bytes = 8u32.to_le_bytes().to_vec();
    bytes.extend([4, 0, 4, 0]);
    bytes.extend(4i32.to_le_bytes());
    bytes
}

/// A feature whose geometry is a MultiPolygon: `parts` references to one polygon of `corners` corners.
fn flat_feature(parts: u32, corners: u32) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    // 0: where the feature is; 4: its fields (one, at 4); 12: the feature.
    bytes.extend(12u32.to_le_bytes());
    bytes.extend([6, 0, 8, 0, 4, 0, 0, 0]);
    bytes.extend(8i32.to_le_bytes());
    bytes.extend((40u32 - 16).to_le_bytes());
    // 20: fields of the geometry: kind (6) at 8, parts (7) at 4.
    bytes.extend([20, 0, 12, 0]);
    bytes.extend([0u16; 6].iter().flat_map(|field| field.to_le_bytes()));
    bytes.extend([8, 0, 4, 0]);
    // 40: the geometry.
    bytes.extend(20i32.to_le_bytes());
    bytes.extend((52u32 - 44).to_le_bytes());
    bytes.extend([6, 0, 0, 0]);
    // 52: the parts, each a reference to the polygon behind them.
    let polygon = 52 + 4 + 4 * parts + 8;
    bytes.extend(parts.to_le_bytes());
    (0..parts).for_each(|part| bytes.extend((polygon - (56 + 4 * part)).to_le_bytes()));
    // Fields of the polygon: corners (1) at 4.
    bytes.extend([8, 0, 8, 0, 0, 0, 4, 0]);
    bytes.extend(8i32.to_le_bytes());
    bytes.extend(4u32.to_le_bytes());
    bytes.extend((corners * 2).to_le_bytes());
    bytes.resize(bytes.len() + corners as usize * 16, 0);
    bytes
}

#[test]
fn rows_of_a_geopackage_without_geometry_or_with_a_damaged_one_are_named() {
    for (blob, wanted) in [(None, "feature `a`: has no geometry"), (Some(b"GP".to_vec()), "feature `a`: its geometry")]
    {
        let reason = outlines_of_geopackage(vec![("a".into(), blob)]).unwrap_err();
        assert!(reason.starts_with(wanted), "{reason}");
    }
}
