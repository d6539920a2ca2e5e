//! The spool: what is kept and found again, what is not, and that nothing is left behind; the manifest and what describes
//! a map.

use std::os::unix::fs::FileExt;

use aftermap::domain::damage_map::{Cuts, Sight, What};
use aftermap::services::Error;
use aftermap::services::maps::export_map::{Request, write_file};
use aftermap::services::maps::spool::{Finished, Spool};
use aftermap::services::maps::{describe_map, read_map};
use sha2::{Digest, Sha256};

use crate::helpers::*;

const NONE: Cuts = Cuts { min_probability: None, damaged_if: None };

fn request(format: &str, sight: Sight) -> Request {
    Request::new(What::Tiles, format, NONE, sight).unwrap()
}

fn bytes(finished: &Finished) -> Vec<u8> {
    let mut bytes = vec![0; finished.bytes as usize];
    finished.file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_file_has_the_hash_of_its_bytes_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path().join("spool"), 1 << 30);
    for town in towns() {
        for format in aftermap::export::FORMATS.map(|format| format.extension()) {
            let made = spool.write(&town.store, &town.campaign(), &request(format, Sight::Everybody), NOW).unwrap();
            assert_eq!((made.sha256.clone(), made.rows, made.as_of), (hex(&bytes(&made)), 7, NOW), "{format}");
        }
        let csv = spool.write(&town.store, &town.campaign(), &request("csv", Sight::Everybody), NOW).unwrap();
        assert_eq!(String::from_utf8(bytes(&csv)).unwrap(), town.export(What::Tiles, "csv", NONE, Sight::Everybody));
        assert_eq!(std::fs::read_dir(folder.path().join("spool")).unwrap().count(), 0, "files have no names");
    }
}

#[test]
fn the_same_question_finds_the_same_file_until_the_campaign_changes() {
    let folder = tempfile::tempdir().unwrap();
    for town in towns() {
        let spool = Spool::new(folder.path().to_owned(), 1 << 30);
        let asked = request("csv", Sight::Everybody);
        let find = |request: &Request, now| spool.find(&town.store, &town.campaign(), request, now).unwrap();
        assert!(find(&asked, NOW).is_none());
        let made = spool.write(&town.store, &town.campaign(), &asked, NOW).unwrap();
        assert_eq!(find(&asked, NOW + 1_000).unwrap().sha256, made.sha256);
        assert!(find(&request("csv", Sight::Researcher), NOW).is_none(), "another person's sight");
        assert!(find(&request("geojson", Sight::Everybody), NOW).is_none());
        assert!(find(&asked, NOW + DAY).is_none(), "by then a tile that had just closed shows");
        let given =
            Given { number: 99, tile: 6, volunteer: 501, revision: 1, answer: 0, window: None, at: NOW, counted: true };
        town.write(move |conn| add_label(conn, given));
        assert!(find(&asked, NOW).is_none(), "a label came in on {}", town.name);
        let resumed = spool.resume(&town.campaign(), &asked, &made.sha256, NOW + 1_000).unwrap();
        assert_eq!(resumed.sha256, made.sha256, "but who has a part of the old one gets the rest of it");
        assert!(spool.resume(&town.campaign(), &asked, "", NOW).is_none());
        assert!(spool.resume(&town.campaign(), &request("csv", Sight::Researcher), &made.sha256, NOW).is_none());
        assert!(spool.resume(&town.campaign(), &asked, &made.sha256, NOW + 2 * HOUR).is_none());
    }
}

#[test]
fn what_is_kept_is_bounded() {
    let town = towns().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (request("csv", Sight::Everybody), request("csv", Sight::Researcher));
    let roomy = Spool::new(folder.path().to_owned(), 1 << 30);
    let size = roomy.write(&town.store, &town.campaign(), &second, NOW).unwrap().bytes;
    let spool = Spool::new(folder.path().to_owned(), size);
    let find = |request: &Request| spool.find(&town.store, &town.campaign(), request, NOW).unwrap().is_some();
    spool.write(&town.store, &town.campaign(), &first, NOW).unwrap();
    assert!(find(&first));
    spool.write(&town.store, &town.campaign(), &second, NOW).unwrap();
    assert!(find(&second) && !find(&first), "the older one made room");
    let none = Spool::new(folder.path().to_owned(), 1);
    let made = none.write(&town.store, &town.campaign(), &first, NOW).unwrap();
    assert!(!bytes(&made).is_empty(), "what is too large to keep is made all the same");
    assert!(none.find(&town.store, &town.campaign(), &first, NOW).unwrap().is_none());
}

#[test]
fn an_export_that_nobody_waits_for_ends_and_leaves_nothing() {
    let town = towns().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path().to_owned(), 1 << 30);
    for format in aftermap::export::FORMATS.map(|format| format.extension()) {
        let asked = request(format, Sight::Everybody);
        asked.cancel.cancel();
        let ended = spool.write(&town.store, &town.campaign(), &asked, NOW);
        assert!(matches!(ended, Err(Error::Internal(reason)) if reason.contains("nobody waits")), "{format}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{format}");
    }
}

#[test]
fn a_manifest_names_the_files_with_their_hashes() {
    for town in towns() {
        let folder = tempfile::tempdir().unwrap();
        let asked = ["csv", "gpkg", "parquet"].map(|format| request(format, Sight::Researcher));
        let write =
            |asked| write_file(&town.store, &town.campaign(), asked, NOW, &folder.path().join(asked.file_name()));
        let written: Vec<_> = asked.iter().map(|asked| write(asked).unwrap()).collect();
        assert_eq!(
            written.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(),
            ["tiles.csv", "tiles.gpkg", "tiles.parquet"]
        );
        for file in &written {
            let bytes = std::fs::read(folder.path().join(&file.name)).unwrap();
            assert_eq!((file.rows, file.bytes, file.sha256.clone()), (7, bytes.len() as u64, hex(&bytes)));
        }
        let text = town.store.read_snapshot(|conn| {
            let map = read_map::header(conn, &town.campaign(), NONE)?;
            describe_map::manifest(&town.campaign(), &map, &asked[0], NOW, &written)
        });
        let json: serde_json::Value = serde_json::from_str(&text.unwrap()).unwrap();
        assert_eq!((&json["licence"], &json["schema_version"]), (&"CC-BY-4.0".into(), &1.into()));
        assert_eq!(json["as_of"], "2024-10-07T00:00:00.000Z");
        assert_eq!(json["files"][1]["sha256"], written[1].sha256.as_str());
        assert_eq!(json["imagery"][0]["attribution"], scene(11, 0).attribution.unwrap());
        assert_eq!(json["policy"]["minimum"], 3);
    }
}

#[test]
fn the_code_book_has_a_line_for_every_column_of_every_file() {
    for town in towns() {
        let campaign = town.campaign();
        let book = town.store.read_snapshot(|conn| describe_map::code_book_csv(conn, &campaign, NONE)).unwrap();
        let mut reader = csv::Reader::from_reader(book.as_slice());
        let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        for what in What::ALL.iter().copied() {
            let text = town.export(what, "csv", NONE, Sight::Researcher);
            let header = text.split("\r\n").next().unwrap();
            let listed: Vec<&str> = lines.iter().filter(|line| &line[0] == what.key()).map(|line| &line[1]).collect();
            assert_eq!(listed.join(","), header);
        }
        assert!(lines.iter().all(|line| line.iter().enumerate().all(|(place, cell)| place == 3 || !cell.is_empty())));
        let words = town.store.read_snapshot(|conn| describe_map::code_book_markdown(conn, &campaign, NONE)).unwrap();
        assert!(
            words.contains("| `destroyed` | 2 | Destroyed | Destroyed | Destroyed |") && words.contains("not an equal")
        );
    }
}

#[test]
fn the_method_note_says_how_and_from_what() {
    for town in towns() {
        let note =
            |sight| town.store.read_snapshot(|conn| describe_map::method_note(conn, &town.campaign(), sight)).unwrap();
        let text = note(Sight::Researcher);
        for said in [
            "10 labels by 3 volunteers",
            "2 tiles open",
            "at least 3 labels",
            "An undamaged call needed at least 4 labels",
            "drawn by a program",
            "No sample of this map",
        ] {
            assert!(text.contains(said), "{said} is missing in {text}");
        }
        assert!(
            text.contains("How the damage map of حلب, \"Aleppo\" 2025 was made"),
            "one line, whatever the title holds"
        );
        let open = note(Sight::Everybody);
        assert!(!open.contains("tiles reviewed"), "counts of states would tell how many tiles are check gold");
    }
}
