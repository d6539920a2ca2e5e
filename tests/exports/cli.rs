//! `aftermap export`, as the real program.

use std::path::Path;
use std::process::{Command, Output};

use aftermap::domain::damage_map::{Cuts, Sight, What};

use crate::helpers::*;

fn export(town: &Database, folder: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aftermap"))
        .args(["export", "--database-url", &town.own.address(), "--data"])
        .arg(folder)
        .args(more)
        .output()
        .unwrap()
}

#[test]
fn the_command_writes_what_a_researcher_sees() {
    for town in towns() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("labels.csv");
        let path = file.to_str().unwrap();
        let done =
            export(&town, folder.path(), &["--campaign", SLUG, "--what", "labels", "--format", "csv", "--out", path]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let expected = town.export(What::Labels, "csv", Cuts::default(), Sight::Researcher);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
        let done = export(&town, folder.path(), &["--campaign", SLUG, "--format", "geojson", "--out", "-"]);
        // By now the last tile closed long ago, but a researcher saw it from the start.
        let expected = town.export(What::Tiles, "geojson", Cuts::default(), Sight::Researcher);
        assert_eq!(String::from_utf8(done.stdout).unwrap(), expected);
    }
}

#[test]
fn filters_choose_rows_and_standard_output_takes_every_format() {
    let town = towns().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let area = folder.path().join("area.geojson");
    std::fs::write(&area, r#"{"type":"Polygon","coordinates":[[[36,35],[37,35],[37,36],[36,36],[36,35]]]}"#).unwrap();
    let lines = |more: &[&str]| {
        let done =
            export(&town, folder.path(), &[&["--campaign", SLUG, "--format", "csv", "--out", "-"], more].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        csv::Reader::from_reader(done.stdout.as_slice()).records().count()
    };
    assert_eq!(lines(&["--class", "destroyed,damaged"]), 3);
    assert_eq!(lines(&["--bbox", "-180,-90,0,90"]), 6);
    assert_eq!(lines(&["--area", area.to_str().unwrap()]), 1);
    assert_eq!(lines(&["--state", "settled", "--probability-at-least", "0.9", "--damaged-from", "2024-10-01"]), 0);
    let packed = export(&town, folder.path(), &["--campaign", SLUG, "--format", "gpkg", "--out", "-"]);
    assert!(packed.stdout.starts_with(b"SQLite format 3\0"));
    let wrong =
        export(&town, folder.path(), &["--campaign", SLUG, "--format", "csv", "--out", "-", "--bbox", "1,5,2,4"]);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(wrong.status.code() == Some(1) && said.contains("upside down"), "{said}");
}

#[test]
fn what_cannot_be_done_is_refused_in_one_sentence_and_leaves_no_file() {
    let town = towns().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.csv");
    let path = file.to_str().unwrap();
    for (arguments, named) in [
        (["--campaign", "nowhere", "--format", "csv", "--out", path], "nowhere"),
        (["--campaign", SLUG, "--format", "xls", "--out", path], "xls"),
    ] {
        let refused = export(&town, folder.path(), &arguments);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!((refused.status.code(), said.trim().lines().count()), (Some(1), 1), "{said}");
        assert!(said.contains(named) && !file.exists(), "{said}");
    }
}
