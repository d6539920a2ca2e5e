//! What cannot be read is refused before anything is stored, in a sentence that names file, line and column.

use std::io::Write;

use crate::helpers::*;

const HEAD: &str = "project_id,group_id,user_id,task_id,timestamp,start_time,end_time,result";
const GOOD: &str = "p,g,u,18-1-1,2021-09-01 09:00:00,2021-09-01 09:00:00,2021-09-01 09:05:00,1";

#[test]
fn every_wrong_cell_is_named_and_nothing_is_stored() {
    let database = databases().remove(0);
    let work = tempfile::tempdir().unwrap();
    let row = |from: &str, to: &str| format!("{HEAD}\n{GOOD}\n{}\n", GOOD.replacen(from, to, 1));
    let cases = [
        (
            format!("{HEAD}\n{GOOD}\n{}7\n", &GOOD[..GOOD.len() - 1]),
            "line 3, column `result`: `7` is none of 0, 1, 2, 3",
        ),
        (row("18-1-1", "18-1-999999"), "line 3, column `task_id`: `18-1-999999` is no tile id"),
        (row("18-1-1", ""), "line 3, column `task_id`: is empty"),
        (row(",u,", ",,"), "line 3, column `user_id`: is empty"),
        (row("2021-09-01 09:05:00", "1.9.2021"), "line 3, column `end_time`: `1.9.2021` is no time"),
        (row("2021-09-01 09:05:00", "2199-09-01 09:05:00"), "lies in the future"),
        (row("p,g", "q,g"), "line 3, column `project_id`: the files hold the projects `p` and `q`"),
        (row(",g,", ",g,x,"), "line 3: 9 cells where the header has 8"),
        (format!("{HEAD}\n"), "the files hold no answer"),
        (format!("user_id,task_id,answer\n{GOOD}\n"), "is no file of MapSwipe that is known here"),
        (format!("task_partition_index,{HEAD}\n0,{GOOD}\n"), "Locate"),
        (String::new(), "is no file of MapSwipe that is known here"),
    ];
    for (place, (text, expected)) in cases.iter().enumerate() {
        let path = file(work.path(), "results.csv", text);
        let refused = database.run(work.path(), &["import", "mapswipe", path.to_str().unwrap(), "--campaign", "town"]);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{place}: {said}");
        assert!(said.contains(expected) && said.trim().lines().count() == 1, "{place}: {said}");
        // Whatever the files hold, the sentence names one of them.
        assert!(said.contains("results.csv") || said.contains("the files hold no answer"), "{said}");
    }
    let list = database.must(work.path(), &["campaign", "list"]);
    assert_eq!(list, "", "nothing was stored");
}

#[test]
fn bytes_that_are_no_text_and_archives_that_break_off_are_refused() {
    let database = databases().remove(0);
    let work = tempfile::tempdir().unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for place in 0..5_000 {
        writeln!(
            packed,
            "{}",
            if place == 0 { HEAD.to_owned() } else { GOOD.replace("18-1-1", &format!("18-{place}-1")) }
        )
        .unwrap();
    }
    let packed = packed.finish().unwrap();
    let mut latin = format!("{HEAD}\n{GOOD}\n").into_bytes();
    latin.extend(GOOD.replace(",u,", ",jos\u{e9},").chars().map(|c| c as u8));
    for (name, bytes, expected) in [
        ("cut.csv.gz", &packed[..packed.len() / 2], "cannot be read to its end"),
        ("latin1.csv", &latin[..], "line 3: not UTF-8"),
    ] {
        let path = work.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let refused = database.run(work.path(), &["import", "mapswipe", path.to_str().unwrap(), "--campaign", "town"]);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains(name) && said.contains(expected), "{said}");
    }
    // The whole archive is fine, and so are other columns, a blank index, a mark at the start and a notice at the end.
    let new = "\u{feff},project_internal_id,task_internal_id,project_id,group_id,task_id,user_id,timestamp,start_time,end_time,\
               app_version,client_type,result,username\n0,1,5,p,g,18-1-1,u,2021-09-01 09:00:00+00,2021-09-01 09:00:00+00,\
               2021-09-01 09:05:00+00,2.1,android,1,someone\n# (c) a satellite\n";
    let path = file(work.path(), "results_p.csv", new);
    database.must(work.path(), &["import", "mapswipe", path.to_str().unwrap(), "--campaign", "new-columns"]);
    let log = database.rows("new-columns", aftermap::domain::damage_map::What::Labels);
    assert_eq!((log.len(), log[0]["received_at"].as_str()), (1, "2021-09-01T09:05:00.000Z"));
    assert!(!log[0].values().any(|cell| cell.contains("someone")), "{log:?}");
    let whole = work.path().join("whole.csv.gz");
    std::fs::write(&whole, &packed).unwrap();
    let said = database.must(work.path(), &["import", "mapswipe", whole.to_str().unwrap(), "--campaign", "whole"]);
    assert!(said.contains("4999 answers, 4999 tiles and 1 volunteers are new"), "{said}");
}

#[test]
fn other_files_are_checked_before_anything_is_stored_too() {
    let database = databases().remove(0);
    let work = tempfile::tempdir().unwrap();
    let results = file(work.path(), "results.csv", &format!("{HEAD}\n{GOOD}\n"));
    let reference = |text: &str| file(work.path(), "truth.csv", text).to_str().unwrap().to_owned();
    let import = ["import", "mapswipe", results.to_str().unwrap(), "--campaign", "town"];
    for (text, column, expected) in [
        ("task_id,damaged\n18-1-1,perhaps\n", "damaged", "truth.csv: line 2, column `damaged`: `perhaps` is neither"),
        ("task_id,damaged\n18-1-1,1\n18-1-1,0\n", "damaged", "line 3: `18-1-1` was said to be otherwise before"),
        ("task_id,damaged\n18-1-1,1\n", "Final Labe", "the columns task_id and Final Labe are needed"),
        ("{\"features\":[{\"properties\":{\"task_id\":\"18-1-1\"}}]}", "truth", "feature 1: has no property `truth`"),
        ("{\"features\":", "truth", "truth.csv"),
    ] {
        let path = reference(text);
        let refused =
            database.run(work.path(), &[&import[..], &["--reference", &path, "--truth-column", column]].concat());
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(1) && said.contains(expected), "{said}");
    }
    for (more, expected) in [
        (["--answers", "1=damaged"], "`1=damaged`"),
        (["--formats", "xls"], "`xls` is none of"),
        (["--scale", "conflict3"], "say what 0, 1, 2 and 3 mean"),
        (["--outlines", "nowhere.geojson"], "nowhere.geojson: cannot be opened"),
    ] {
        let refused = database.run(work.path(), &[&import[..], &more].concat());
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(1) && said.contains(expected), "{said}");
    }
    assert_eq!(database.must(work.path(), &["campaign", "list"]), "");
}
