//! Our maps in the columns of other systems: exactly those columns, the same counts as ours, only for whom they are
//! meant, read by a notebook and by Zooniverse's own program, and brought in again without a difference.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use aftermap::domain::damage_map::{Sight, What};
use aftermap::services::maps::export_compat::{self, Request, System};
use serde_json::Value as Json;

use crate::helpers::*;
use crate::support::{data, foreign_python, root};

/// The columns that exports of the new back end have, and their order.
const COLUMNS: [(&str, &str); 6] = [
    (
        "results_town.csv.gz",
        ",project_internal_id,group_internal_id,task_internal_id,user_internal_id,project_id,group_id,task_id,user_id,\
         timestamp,start_time,end_time,app_version,client_type,result,username",
    ),
    (
        "tasks_town.csv.gz",
        ",project_internal_id,group_internal_id,task_internal_id,project_id,group_id,task_id,geom,tile_z,tile_x,tile_y,\
         url,url_b",
    ),
    (
        "groups_town.csv.gz",
        ",group_internal_id,project_internal_id,group_id,project_id,number_of_tasks,required_count,finished_count,\
         progress,total_area,time_spent_max_allowed,number_of_users_required,x_max,x_min,y_max,y_min",
    ),
    (
        "agg_results_by_task_town.csv.gz",
        "idx,task_id,0_count,1_count,2_count,3_count,total_count,0_share,1_share,2_share,3_share,agreement,quadkey,\
         project_internal_id,group_internal_id,task_internal_id,geom,tile_z,tile_x,tile_y,url,url_b",
    ),
    (
        "users_town.csv.gz",
        "idx,project_id,user_id,username,groups_completed,total_contributions,agreeing_contributions,\
         disagreeing_contributions,simple_agreement_score",
    ),
    (
        "history_town.csv",
        "day,number_of_results,number_of_results_progress,cum_number_of_results,cum_number_of_results_progress,progress,\
         cum_progress,number_of_users,number_of_new_users,cum_number_of_users,project_id",
    ),
];

/// The published answers of Les Cayes where they are at hand, else a made-up crowd with all four answers.
fn answers(folder: &Path) -> PathBuf {
    if let Some(published) = data("labels/mapswipe_les_cayes_2021/results.csv") {
        return published;
    }
    let mut text = "project_id,group_id,user_id,task_id,timestamp,start_time,end_time,result\n".to_owned();
    for person in 0..7 {
        for tile in 0..90 {
            let at = format!("2021-09-0{}", 1 + person % 3);
            let answer = [0, 0, 1, (person + tile) % 4][(tile * 7 + person * 3) % 4];
            text +=
                &format!("p,g,u{person},18-{}-7,{at} 09:10:00.5,{at} 09:10:00.5,{at} 09:20:0{person},{answer}\n", tile);
        }
    }
    file(folder, "results.csv", &text)
}

/// A campaign `town` and a folder of its files.
fn exported(database: &Database, folder: &Path, system: &str) -> PathBuf {
    let (source, out) = (answers(folder), folder.join(system));
    let source = source.to_str().unwrap();
    let public = ["--visibility", "public", "--release-level", "public"];
    database.must(folder, &[&["import", "mapswipe", source, "--campaign", "town"][..], &public].concat());
    let export = ["export", "--campaign", "town", "--compat", system, "--out", out.to_str().unwrap()];
    database.must(folder, &export);
    out
}

fn text_of(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    match path.extension().is_some_and(|ending| ending == "gz") {
        true => flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).map(drop).unwrap(),
        false => text = String::from_utf8(bytes).unwrap(),
    }
    text
}

/// Counted answers of each tile by tiles.csv, as MapSwipe counts them.
fn counts(database: &Database, slug: &str) -> BTreeMap<String, Vec<u64>> {
    let count = |row: &BTreeMap<String, String>, key: &str| row[&format!("labels_{key}")].parse::<u64>().unwrap();
    let of = |row: BTreeMap<String, String>| {
        let maybe = count(&row, "maybe") + count(&row, "unsure");
        let counts = vec![count(&row, "no_change"), count(&row, "change"), maybe, count(&row, "bad_imagery")];
        (row["tile_id"].clone(), counts)
    };
    database.rows(slug, What::Tiles).into_iter().map(of).filter(|(_, counts)| counts.iter().sum::<u64>() > 0).collect()
}

fn counts_of(printed: &Json) -> BTreeMap<String, Vec<u64>> {
    serde_json::from_value(printed["counts"].clone()).unwrap()
}

fn script(python: &Path, name: &str, arguments: &[&str]) -> Json {
    let script = root().join("tests/imports").join(name);
    let done = Command::new(python).arg(script).args(arguments).output().unwrap();
    assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn every_file_has_exactly_the_columns_of_mapswipe() {
    for database in databases() {
        let work = tempfile::tempdir().unwrap();
        let folder = exported(&database, work.path(), "mapswipe");
        for (name, columns) in COLUMNS {
            let text = text_of(&folder.join(name));
            assert_eq!(text.lines().next(), Some(columns), "{name}");
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            assert!(reader.records().all(|record| record.is_ok()), "{name}: every row has as many cells");
        }
        let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names.len(), 9, "{names:?}");
        let text = text_of(&folder.join("agg_results_by_task_town.csv.gz"));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let read: BTreeMap<String, Vec<u64>> = reader
            .records()
            .map(|record| record.unwrap())
            .map(|row| (row[1].to_owned(), (2..6).map(|at| row[at].parse().unwrap()).collect()))
            .collect();
        assert_eq!(read, counts(&database, "town"));
    }
}

#[test]
fn what_we_write_in_mapswipes_columns_comes_back_as_the_same_labels_and_the_same_map() {
    for database in databases() {
        let work = tempfile::tempdir().unwrap();
        let folder = exported(&database, work.path(), "mapswipe");
        let folder = folder.to_str().unwrap();
        // Results, tasks and counts: all are recognised in the folder.
        let said =
            database.must(work.path(), &["import", "mapswipe", folder, "--campaign", "again", "--title", "Again"]);
        assert!(said.contains("0 answers were there already"), "{said}");
        let (log, again) = (database.rows("town", What::Labels), database.rows("again", What::Labels));
        assert_eq!(said_by(&log), said_by(&again));
        assert_same_map(map_of(database.rows("town", What::Tiles)), map_of(database.rows("again", What::Tiles)));
        let out = work.path().join("second");
        let export = ["export", "--campaign", "again", "--compat", "mapswipe", "--out", out.to_str().unwrap()];
        database.must(work.path(), &export);
        let yes = |folder: &Path, slug: &str| text_of(&folder.join(format!("hot_tm_{slug}.geojson"))).replace(slug, "");
        assert_eq!(yes(Path::new(folder), "town"), yes(&out, "again"));
    }
}

/// Every cell the same; a number to nine digits, since volunteers have other names and sums another order.
fn assert_same_map(one: Vec<BTreeMap<String, String>>, other: Vec<BTreeMap<String, String>>) {
    assert_eq!(one.len(), other.len());
    for (a, b) in one.iter().zip(&other) {
        for (column, cell) in a {
            let (x, y) = (cell.parse::<f64>(), b[column].parse::<f64>());
            let near = matches!((x, y), (Ok(x), Ok(y)) if (x - y).abs() < 1e-9) && column != "quadkey";
            assert!(cell == &b[column] || near, "{} {column}: {cell} and {}", a["tile_id"], b[column]);
        }
    }
}

fn said_by(log: &[BTreeMap<String, String>]) -> Vec<(String, String, String, String)> {
    let cells = |row: &BTreeMap<String, String>| {
        (row["tile_id"].clone(), row["answer"].clone(), row["leased_at"].clone(), row["received_at"].clone())
    };
    let mut all: Vec<_> = log.iter().map(cells).collect();
    all.sort();
    all
}

#[test]
fn the_same_bytes_come_when_asked_again() {
    let database = databases().remove(0);
    let work = tempfile::tempdir().unwrap();
    for system in ["mapswipe", "zooniverse"] {
        let first = exported(&database, work.path(), system);
        let second = work.path().join("second");
        let export = ["export", "--campaign", "town", "--compat", system, "--out", second.to_str().unwrap()];
        database.must(work.path(), &export);
        for file in std::fs::read_dir(&first).unwrap() {
            let name = file.unwrap().file_name();
            assert_eq!(
                std::fs::read(first.join(&name)).unwrap(),
                std::fs::read(second.join(&name)).unwrap(),
                "{name:?}"
            );
        }
    }
}

#[test]
fn a_mapswipe_notebook_runs_over_our_files() {
    let Some(python) = foreign_python(&["pandas"]) else { return };
    let database = databases().remove(0);
    let work = tempfile::tempdir().unwrap();
    let folder = exported(&database, work.path(), "mapswipe");
    let printed = script(&python, "mapswipe_notebook.py", &[folder.to_str().unwrap(), "town"]);
    assert_eq!(counts_of(&printed), counts(&database, "town"));
    assert_eq!(printed["labels"].as_u64(), Some(database.rows("town", What::Labels).len() as u64));
    assert_eq!(printed["users"].as_u64(), Some(database.rows("town", What::Volunteers).len() as u64));
}

#[test]
fn zooniverses_own_program_counts_as_we_do() {
    let Some(python) = foreign_python(&["panoptes_aggregation"]) else { return };
    let database = databases().remove(0);
    let work = tempfile::tempdir().unwrap();
    let folder = exported(&database, work.path(), "zooniverse");
    let printed = script(&python, "zooniverse_aggregation.py", &[folder.to_str().unwrap()]);
    assert_eq!(printed["labels"].as_u64(), Some(database.rows("town", What::Labels).len() as u64));
    let answers: Vec<String> = serde_json::from_value(printed["answers"].clone()).unwrap();
    let ours: BTreeMap<String, Vec<u64>> = database
        .rows("town", What::Tiles)
        .into_iter()
        .filter(|row| row["labels"] != "0")
        .map(|row| {
            let count = |answer: &String| row[&format!("labels_{}", answer.replace('-', "_"))].parse().unwrap();
            (row["tile_id"].clone(), answers.iter().map(count).collect())
        })
        .collect();
    assert_eq!(counts_of(&printed), ours);
}

#[test]
fn labels_and_people_are_for_researchers_and_open_tiles_for_nobody_else() {
    for system in [System::Mapswipe, System::Zooniverse] {
        let may = |name: &String| Request::new(system, "town", name, Sight::Everybody).is_ok();
        let names = export_compat::names(system, "town");
        let (public, private): (Vec<_>, Vec<_>) = names.iter().partition(|name| may(name));
        let of_people = ["results_", "users_", "history_", "classifications", "question_extractor_"];
        assert!(private.iter().all(|name| of_people.iter().any(|word| name.starts_with(word))), "{private:?}");
        assert!(!public.iter().any(|name| of_people.iter().any(|word| name.starts_with(word))), "{public:?}");
        assert!(names.iter().all(|name| Request::new(system, "town", name, Sight::Researcher).is_ok()));
        for wrong in ["tiles.csv", "results_other.csv.gz", "results_town.csv.gz.gz", "", "../town"] {
            assert!(Request::new(system, "town", wrong, Sight::Researcher).is_err(), "{wrong}");
        }
    }
    for database in databases() {
        let work = tempfile::tempdir().unwrap();
        exported(&database, work.path(), "mapswipe");
        let campaign = database.campaign("town");
        let write = |system, name: &str, now| {
            let request = Request::new(system, "town", name, Sight::Everybody).unwrap();
            let mut bytes = Vec::new();
            export_compat::write(&database.store, &campaign, &request, now, &mut bytes).unwrap()
        };
        let counted = "agg_results_by_task_town.csv.gz";
        let tiles = database.rows("town", What::Tiles).len() as u64;
        // At a time before the tiles closed, nobody but researchers sees a count; every tile appears all the same.
        assert_eq!((write(System::Mapswipe, counted, NOW), write(System::Mapswipe, counted, 0)), (tiles, 0));
        assert_eq!(write(System::Zooniverse, "question_reducer_reductions.csv", 0), 0);
        assert_eq!(write(System::Zooniverse, "subjects.csv", 0), tiles);
    }
}
