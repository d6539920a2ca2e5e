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
