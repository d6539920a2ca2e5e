//! The published answers of Les Cayes 2021 and of Sandoa, from the files to map and report in one command.

use std::collections::BTreeMap;

use aftermap::domain::damage_map::What;
use serde_json::Value as Json;

use crate::helpers::*;
use crate::support::data;

/// The table of the data's README: threshold, tp, fp, fn, tn, precision, recall, kappa.
const TABLE: [(f64, [u64; 4], [f64; 3]); 4] = [
    (0.125, [363, 727, 14, 702], [0.333, 0.963, 0.268]),
    (0.25, [327, 389, 50, 1040], [0.457, 0.867, 0.447]),
    (0.375, [243, 154, 134, 1275], [0.612, 0.645, 0.527]),
    (0.5, [140, 61, 237, 1368], [0.697, 0.371, 0.397]),
];

fn figures(at: &Json) -> ([u64; 4], [f64; 3]) {
    let count = |name: &str| at[name].as_u64().unwrap();
    let share = |name: &str| (at[name].as_f64().unwrap() * 1000.0).round() / 1000.0;
    (["tp", "fp", "fn", "tn"].map(count), ["precision", "recall", "kappa"].map(share))
}

#[test]
fn one_command_leads_from_the_answers_of_les_cayes_to_map_and_report() {
    let Some(folder) = data("labels/mapswipe_les_cayes_2021") else { return };
    let (source, reference) = (folder.join("results.csv"), folder.join("reference_tiles.geojson"));
    for database in databases() {
        let work = tempfile::tempdir().unwrap();
        let out = work.path().join("out");
        let arguments = ["import", "mapswipe", source.to_str().unwrap(), "--campaign", "les-cayes"];
        let compared = ["--reference", reference.to_str().unwrap(), "--truth-column", "Final Labe"];
        let written = ["--out", out.to_str().unwrap()];
        database.must(work.path(), &[&arguments[..], &compared, &written].concat());

        let report: Json = serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
        assert_eq!(
            (report["labels"]["counted"].as_u64(), report["volunteers"]["count"].as_u64()),
            (Some(13_494), Some(116))
        );
        assert_eq!(report["volunteers"]["labels"], serde_json::json!([30, 42, 1554]));
        assert_eq!((report["tiles"]["count"].as_u64(), report["tiles"]["labelled"].as_u64()), (Some(1806), Some(1806)));
        let by_answer = |place: usize| report["labels"]["by_answer"][place][1].as_u64().unwrap();
        assert_eq!([0, 1, 2, 4].map(by_answer), [8651, 2509, 1182, 1152]);

        let reference = &report["reference"];
        assert_eq!((reference["tiles"].as_u64(), reference["damaged"].as_u64()), (Some(1806), Some(377)));
        for (place, (threshold, counts, shares)) in TABLE.into_iter().enumerate() {
            let at = &reference["share"]["at"][place];
            assert_eq!((at["threshold"].as_f64(), figures(at)), (Some(threshold), (counts, shares)));
        }
        let best = |method: &str| reference[method]["best"]["f1"].as_f64().unwrap();
        let kappa = reference["probability"]["best"]["kappa"].as_f64().unwrap();
        assert!(best("probability") >= 0.63 && best("probability") > best("share") && kappa > 0.5, "{reference}");
        // Nobody knows the best threshold beforehand: at one half the shares miss most, the probabilities do not.
        let half = |method: &str| reference[method]["at"][3]["f1"].as_f64().unwrap();
        assert!(half("probability") > 0.62 && half("share") < 0.49, "{reference}");

        let words = std::fs::read_to_string(out.join("report.md")).unwrap();
        assert!(words.contains("| 0.375 | 243 | 154 | 134 | 1275 | 0.612 | 0.645 | 0.628 | 0.527 |"), "{words}");
        let map: Json = serde_json::from_slice(&std::fs::read(out.join("tiles.geojson")).unwrap()).unwrap();
        assert_eq!(map["features"].as_array().unwrap().len(), 1806);
        let rows = database.rows("les-cayes", What::Tiles);
        assert!(rows.iter().all(|row| row["state"] != "open"));
        // Where nobody saw more than bad pictures there is nothing to be likely.
        assert!(rows.iter().all(|row| row["damaged_probability"].is_empty() == row["class"].is_empty()));
    }
}

#[test]
fn published_counts_are_held_against_ours() {
    let Some(folder) = data("labels/mapswipe_les_cayes_2021") else { return };
    let database = databases().remove(0);
    let work = tempfile::tempdir().unwrap();
    let out = work.path().join("out");
    // A folder: its results and its counts are known by how they begin, the rest is left alone.
    let arguments = ["import", "mapswipe", folder.to_str().unwrap(), "--campaign", "les-cayes", "--out"];
    database.must(work.path(), &[&arguments[..], &[out.to_str().unwrap()]].concat());
    let report: Json = serde_json::from_slice(&std::fs::read(out.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["published"], serde_json::json!({ "tiles": 1806, "equal": 1806 }));
    let names: Vec<&str> =
        report["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["agg_results.geojson", "results.csv"]);
    // Agreement by hand for one tile: 20-309445-470363 has six answers, all "bad imagery".
    let rows = database.rows("les-cayes", What::Tiles);
    let tile = rows.iter().find(|row| row["tile_id"] == "20-309445-470363").unwrap();
    assert_eq!((tile["labels"].as_str(), tile["agreement"].as_str(), tile["state"].as_str()), ("6", "1", "unusable"));
}

#[test]
fn both_databases_make_the_same_map_of_the_same_answers() {
    let Some(folder) = data("labels/mapswipe_les_cayes_2021") else { return };
    let source = folder.join("results.csv");
    let maps: Vec<_> = databases()
        .into_iter()
        .map(|database| {
            let work = tempfile::tempdir().unwrap();
            database.must(work.path(), &["import", "mapswipe", source.to_str().unwrap(), "--campaign", "les-cayes"]);
            database.rows("les-cayes", What::Tiles)
        })
        .collect();
    assert!(maps.iter().all(|map| map == &maps[0] && map.len() == 1806));
}

#[test]
fn sessions_without_a_header_are_joined_with_their_results() {
    let Some(folder) = data("labels/mapswipe_sandoa") else { return };
    for database in databases() {
        let work = tempfile::tempdir().unwrap();
        let said =
            database.must(work.path(), &["import", "mapswipe", folder.to_str().unwrap(), "--campaign", "sandoa"]);
        assert!(said.contains("7164 answers, 2592 tiles and 19 volunteers are new"), "{said}");
        let rows = database.rows("sandoa", What::Labels);
        let mut by_answer: BTreeMap<&str, usize> = BTreeMap::new();
        rows.iter().for_each(|row| *by_answer.entry(&row["answer"]).or_default() += 1);
        let expected = [("bad_imagery", 1), ("change", 44), ("maybe", 125), ("no_change", 6994)];
        assert_eq!(by_answer, BTreeMap::from(expected));
        // Session 118511: group g101, from 09:28:31.189 to 09:30:32.386.
        let of_session = rows.iter().filter(|row| row["received_at"] == "2022-11-21T09:30:32.386Z");
        let began: Vec<&str> = of_session.map(|row| row["leased_at"].as_str()).collect();
        assert_eq!((began.len(), began[0]), (258, "2022-11-21T09:28:31.189Z"));
    }
}
