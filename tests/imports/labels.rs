//! Plain tables of answers, with cells and with outlines.

use std::collections::BTreeMap;

use aftermap::domain::damage_map::What;

use crate::helpers::*;

const OUTLINES: &str = r#"{"type":"FeatureCollection","features":[
 {"type":"Feature","properties":{"task_id":"house 7"},"geometry":{"type":"Polygon","coordinates":[[[36.1,33.5],[36.1002,33.5],[36.1002,33.5001],[36.1,33.5]]]}},
 {"type":"Feature","properties":{"task_id":"house 8"},"geometry":{"type":"Polygon","coordinates":[[[36.11,33.5],[36.1102,33.5],[36.1102,33.5001],[36.11,33.5]]]}},
 {"type":"Feature","properties":{"task_id":"=1+1"},"geometry":{"type":"Polygon","coordinates":[[[36.12,33.5],[36.1202,33.5],[36.1202,33.5001],[36.12,33.5]]]}}]}"#;

#[test]
fn a_table_with_outlines_becomes_a_map_of_buildings() {
    for database in databases() {
        let work = tempfile::tempdir().unwrap();
        let mut text = "task,worker,label,timestamp\n".to_owned();
        for worker in ["ann", "bob", "\"o'neil, c.\"", "دانا"] {
            text += &format!("house 7,{worker},rubble,2024-05-01T10:00:00Z\nhouse 8,{worker},damaged,1714557600\n");
        }
        let (labels, outlines) = (file(work.path(), "l.csv", &text), file(work.path(), "o.geojson", OUTLINES));
        let paths = [labels.to_str().unwrap(), "--outlines", outlines.to_str().unwrap()];
        let meant = ["--campaign", "houses", "--scale", "conflict3", "--answers", "rubble=destroyed"];
        database.must(work.path(), &[&["import", "labels"][..], &paths, &meant].concat());
        let rows = database.rows("houses", What::Tiles);
        let tile: BTreeMap<&str, _> = rows.iter().map(|row| (row["tile_id"].as_str(), row)).collect();
        assert_eq!(tile.keys().copied().collect::<Vec<_>>(), ["'=1+1", "house 7", "house 8"]);
        assert_eq!(
            (tile["house 7"]["class"].as_str(), tile["house 7"]["labels_destroyed"].as_str()),
            ("destroyed", "4")
        );
        assert_eq!((tile["house 8"]["class"].as_str(), tile["'=1+1"]["labels"].as_str()), ("damaged", "0"));
        assert_eq!(tile["house 7"]["footprint_id"], "house 7");
        assert!(tile["house 7"]["geometry"].starts_with("POLYGON ((36.1 33.5"), "{:?}", tile["house 7"]);
        assert!(
            database.rows("houses", What::Labels).iter().all(|row| row["received_at"] == "2024-05-01T10:00:00.000Z")
        );
    }
}

#[test]
fn without_times_the_order_of_the_rows_decides_what_stands() {
    let database = databases().remove(0);
    let work = tempfile::tempdir().unwrap();
    let text = "task,worker,label\n18-1-1,a,change\n18-1-1,a,no_change\n18-1-1,a,no_change\n18-1-1,a,change\n18-1-1,b,change\n";
    let labels = file(work.path(), "l.csv", text);
    let arguments = ["import", "labels", labels.to_str().unwrap(), "--campaign", "town", "--scale", "change2"];
    database.must(work.path(), &arguments);
    let rows = database.rows("town", What::Tiles);
    assert_eq!((rows[0]["labels_change"].as_str(), rows[0]["labels_no_change"].as_str()), ("2", "0"));
    // The third row repeats the second.
    assert_eq!(database.rows("town", What::Labels).len(), 4);
    let again = database.must(work.path(), &arguments);
    assert!(again.contains("0 answers, 0 tiles and 0 volunteers are new; 4 answers were there already"), "{again}");
}

#[test]
fn nobody_can_sign_in_as_somebody_who_was_brought_in() {
    for database in databases() {
        let work = tempfile::tempdir().unwrap();
        let labels = file(work.path(), "l.csv", "task,worker,label\n18-1-1,layla,change\n18-1-2,layla,change\n");
        let path = labels.to_str().unwrap();
        database.must(work.path(), &["user", "create", "--name", "layla", "--role", "admin"]);
        database.must(work.path(), &["import", "labels", path, "--campaign", "one", "--scale", "change2"]);
        database.must(work.path(), &["import", "labels", path, "--campaign", "two", "--scale", "change2"]);
        // The same name here, there and among the accounts is three people.
        let accounts = database.must(work.path(), &["user", "list"]);
        assert_eq!(accounts.matches("layla").count(), 1, "{accounts}");
        let name = |slug: &str| database.rows(slug, What::Volunteers)[0]["volunteer"].clone();
        assert_ne!(name("one"), name("two"));
        assert!(database.rows("one", What::Labels).iter().all(|row| row["guest"] == "true"));
        assert!(!database.rows("one", What::Labels).iter().any(|row| row.values().any(|cell| cell.contains("layla"))));
    }
}
