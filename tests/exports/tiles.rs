//! The damage map as CSV and GeoJSON.

use std::collections::BTreeMap;
use std::io::{self, Write};

use aftermap::domain::campaign::CampaignState;
use aftermap::domain::cell::Cell;
use aftermap::domain::consensus::TileState;
use aftermap::domain::damage_map::{Cuts, Sight, What};
use aftermap::services::Error;
use aftermap::services::maps::export_map;
use aftermap::storage::{campaigns, schema};
use diesel::prelude::*;
use serde_json::Value as Json;

use crate::helpers::*;

const NONE: Cuts = Cuts { min_probability: None, damaged_if: None };

#[test]
fn the_columns_are_those_of_the_code_book() {
    for town in towns() {
        let text = town.export(What::Tiles, "csv", NONE, Sight::Researcher);
        let header = text.split("\r\n").next().unwrap();
        let expected = "campaign,tile_id,quadkey,z,x,y,lon,lat,footprint_id,geometry,state,class,class_code,probability,\
            p_no_visible_damage,p_damaged,p_destroyed,damaged_probability,\
            date_before,date_after,mindate,maxdate,window_probability,labels,\
            labels_no_visible_damage,labels_damaged,labels_destroyed,labels_unsure,labels_bad_imagery,\
            share_no_visible_damage,share_damaged,share_destroyed,share_unsure,share_bad_imagery,\
            agreement,entropy,effective_redundancy,surplus_labels,closed_reason,closed_at,reviewed_by_expert,\
            before_scene,before_captured_from,before_captured_to,after_scene,after_captured_from,after_captured_to,\
            method,method_version";
        assert_eq!(header, expected, "{}", town.name);
    }
}

#[test]
fn a_researcher_reads_every_number_of_a_settled_tile() {
    for town in towns() {
        let row = town.tile(SETTLED, NONE, Sight::Researcher);
        let cells = [
            ("campaign", SLUG),
            ("quadkey", &Cell::new(10, 5, 9).unwrap().quadkey()),
            ("z", "10"),
            ("x", "5"),
            ("y", "9"),
            ("footprint_id", ""),
            ("state", "settled"),
            ("class", "destroyed"),
            ("class_code", "2"),
            ("date_before", "2024-09-04"),
            ("date_after", "2024-10-02"),
            ("mindate", "2024-09-04T00:00:00.000Z"),
            ("maxdate", "2024-10-02T23:59:59.999Z"),
            ("labels", "3"),
            ("labels_damaged", "1"),
            ("labels_destroyed", "2"),
            ("labels_unsure", "0"),
            ("surplus_labels", "0"),
            ("closed_reason", "lead"),
            ("closed_at", "2024-10-05T00:00:00.000Z"),
            ("reviewed_by_expert", "false"),
            ("before_scene", "11"),
            ("after_scene", "12"),
            ("after_captured_from", "2024-10-02T00:00:00.000Z"),
            ("method", "weighted_share"),
            ("method_version", "1"),
        ];
        for (column, expected) in cells {
            assert_eq!(row[column], expected, "{column} on {}", town.name);
        }
        let number = |column: &str| row[column].parse::<f64>().unwrap();
        assert_eq!(number("probability"), 2.1 / 3.3);
        assert_eq!(number("p_damaged"), 1.1 / 3.3);
        assert_eq!(number("damaged_probability"), 1.1 / 3.3 + 2.1 / 3.3);
        assert_eq!(number("share_destroyed"), 2.0 / 3.0);
        assert_eq!(number("agreement"), 2.0 / 6.0);
    }
}

#[test]
fn all_tiles_appear_in_the_order_of_their_ids_for_everybody() {
    for town in towns() {
        for sight in [Sight::Everybody, Sight::Researcher] {
            let rows = town.rows(What::Tiles, NONE, sight);
            let ids: Vec<&str> = rows.iter().map(|row| row["tile_id"].trim_start_matches('\'')).collect();
            assert_eq!(ids, ALL, "{}", town.name);
        }
        let untouched = town.tile(UNTOUCHED, NONE, Sight::Researcher);
        assert_eq!((&*untouched["labels"], &*untouched["probability"], &*untouched["state"]), ("0", "", "open"));
    }
}

/// The columns that say where a tile is; all others say how it stands.
const PLACE: [&str; 10] = ["tile_id", "quadkey", "z", "x", "y", "lon", "lat", "footprint_id", "geometry", "campaign"];

fn standing(row: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    let said = row.iter().filter(|(column, _)| !PLACE.contains(&column.as_str()));
    said.map(|(column, value)| (column.as_str(), value.as_str())).collect()
}

#[test]
fn everybody_sees_no_more_of_an_open_tile_than_that_it_is_open() {
    for town in towns() {
        let row = town.tile(OPEN, NONE, Sight::Everybody);
        for (column, value) in standing(&row) {
            let scene = column.starts_with("before_") || column.starts_with("after_");
            assert!(scene || value.is_empty() || (column, value) == ("state", "open"), "{column} = {value}");
        }
        assert_eq!(town.tile(OPEN, NONE, Sight::Researcher)["labels"], "1");
    }
}

#[test]
fn secret_gold_and_a_tile_just_closed_cannot_be_told_from_an_untouched_one() {
    for town in towns() {
        let ordinary = town.tile(UNTOUCHED, NONE, Sight::Everybody);
        for hidden in [SECRET, FRESH, OPEN] {
            let row = town.tile(hidden, NONE, Sight::Everybody);
            assert_eq!(standing(&row), standing(&ordinary), "{hidden} on {}", town.name);
        }
        assert_eq!(town.tile(SECRET, NONE, Sight::Researcher)["state"], "reviewed");
        assert_eq!(town.tile(SECRET, NONE, Sight::Researcher)["class"], "destroyed");
        assert_eq!(town.tile(WORN_OUT, NONE, Sight::Everybody)["class"], "damaged");
    }
}

#[test]
fn secret_gold_shows_when_the_campaign_is_over() {
    for town in towns() {
        town.write(|conn| campaigns::set_state(conn, &campaign(), CampaignState::Closed, NOW));
        let row = town.tile(SECRET, NONE, Sight::Everybody);
        assert_eq!((&*row["state"], &*row["reviewed_by_expert"], &*row["labels"]), ("reviewed", "true", "0"));
        assert_eq!((&*row["class"], &*row["probability"], &*row["method"]), ("destroyed", "1", "expert"));
    }
}

#[test]
fn thresholds_change_columns_and_never_which_tiles_appear() {
    for town in towns() {
        let cuts = Cuts { min_probability: Some(0.9), damaged_if: Some(0.95) };
        let rows = town.rows(What::Tiles, cuts, Sight::Researcher);
        assert_eq!(rows.len(), ALL.len());
        let unsure = town.tile(SETTLED, cuts, Sight::Researcher);
        assert_eq!((&*unsure["class"], &*unsure["class_code"], &*unsure["date_after"]), ("", "", ""));
        assert_eq!((&*unsure["damaged"], &*unsure["labels"]), ("true", "3"));
        let sure = town.tile(FRESH, cuts, Sight::Researcher);
        assert_eq!((&*sure["class"], &*sure["damaged"]), ("no_visible_damage", "false"));
        assert_eq!(town.tile(UNTOUCHED, cuts, Sight::Researcher)["damaged"], "");
        assert_eq!(town.tile(OPEN, cuts, Sight::Everybody)["damaged"], "");
    }
}

#[test]
fn geojson_says_the_same_as_csv() {
    for town in towns() {
        for (what, sight) in
            [(What::Tiles, Sight::Everybody), (What::Tiles, Sight::Researcher), (What::Scenes, Sight::Everybody)]
        {
            let cuts = Cuts { min_probability: None, damaged_if: Some(0.5) };
            let text = town.export(what, "geojson", cuts, sight);
            text.parse::<geojson::GeoJson>().unwrap();
            let json: Json = serde_json::from_str(&text).unwrap();
            let rows = town.rows(what, cuts, sight);
            let features = json["features"].as_array().unwrap();
            assert_eq!(features.len(), rows.len());
            for (feature, row) in features.iter().zip(&rows) {
                assert_same(feature["properties"].as_object().unwrap(), row);
                assert_eq!(feature["geometry"]["type"], "Polygon");
            }
        }
    }
}

fn assert_same(properties: &serde_json::Map<String, Json>, row: &BTreeMap<String, String>) {
    let columns = row.keys().filter(|column| *column != "geometry");
    assert!(columns.eq(properties.keys().collect::<std::collections::BTreeSet<_>>()));
    for (name, value) in properties {
        let cell = match value {
            Json::Null => String::new(),
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        // The reader of this test may miss a number by its last digit.
        let near = |number: f64| row[name].parse::<f64>().is_ok_and(|cell| (cell - number).abs() < 1e-12);
        let same_number = value.as_f64().is_some_and(near);
        assert!(same_number || row[name] == cell || row[name] == format!("'{cell}"), "{name}: {value}, {}", row[name]);
    }
}

#[test]
fn geojson_names_campaign_licence_and_credits_first() {
    for town in towns() {
        let json: Json = serde_json::from_str(&town.export(What::Tiles, "geojson", NONE, Sight::Everybody)).unwrap();
        assert_eq!(json["campaign"], SLUG);
        assert_eq!(json["title"], campaign().texts.title.as_str());
        assert_eq!(json["licence"], "CC-BY-4.0");
        assert_eq!(json["attribution"], serde_json::json!([scene(11, 0).attribution]));
        assert_eq!((&json["synthetic"], &json["method"], &json["model"]), (&true.into(), &Json::Null, &0.into()));
        assert_eq!(json["bbox"], serde_json::json!([-178.5, 35.4, 36.7, 85]));
        assert!(json.get("as_of").is_none());
    }
}

#[test]
fn a_footprint_is_exported_as_it_is_and_wound_as_rfc_7946_wants_it() {
    for town in towns() {
        let row = town.tile(FOOTPRINT, NONE, Sight::Researcher);
        assert_eq!(row["geometry"], "POLYGON ((36.5 35.5, 36.6 35.6, 36.5 35.6, 36.5 35.5))");
        assert_eq!((&*row["z"], &*row["quadkey"], &*row["footprint_id"]), ("", "", &*format!("'{FOOTPRINT}")));
        assert_eq!((&*row["state"], &*row["surplus_labels"]), ("contested", "1"));
        // One label that calls the imagery bad names no class.
        assert_eq!((&*row["class"], &*row["share_bad_imagery"], &*row["agreement"]), ("", "1", ""));
    }
}

#[test]
fn no_cell_runs_as_a_formula_or_is_evaluated_and_text_survives() {
    for town in towns() {
        for what in What::ALL.iter().copied() {
            for row in town.rows(what, NONE, Sight::Researcher) {
                for (column, cell) in row {
                    let number = cell.parse::<f64>().is_ok();
                    assert!(
                        number || !cell.starts_with(['=', '+', '-', '@', '{', '[', '\t', '\r']),
                        "{column}: {cell}"
                    );
                }
            }
        }
        let scenes = town.rows(What::Scenes, NONE, Sight::Everybody);
        assert_eq!(scenes[0]["attribution"], format!("'{}", scene(11, 0).attribution.unwrap()));
        assert_eq!((&*scenes[0]["source"], &*scenes[0]["sensor"]), ("'[before].tif", "'@drone"));
    }
}

#[test]
fn the_same_data_give_the_same_bytes_on_both_databases_and_at_any_time() {
    // The second database was filled the other way round.
    let towns = towns();
    for what in What::ALL.iter().copied() {
        let first = towns[0].export(what, "csv", NONE, Sight::Researcher);
        for town in &towns {
            assert_eq!(town.export(what, "csv", NONE, Sight::Researcher), first, "{what} on {}", town.name);
        }
    }
    let backwards = databases().remove(0);
    backwards.write(|conn| fill(conn, true));
    let request = export_map::Request::new(What::Tiles, "geojson", NONE, Sight::Everybody).unwrap();
    let at = |town: &Database, now| {
        let mut bytes = Vec::new();
        export_map::write(&town.store, &town.campaign(), &request, now, &mut bytes).unwrap();
        bytes
    };
    assert_eq!(at(&backwards, NOW), at(&towns[0], NOW));
    assert_eq!(at(&backwards, NOW), at(&backwards, NOW + 1_000));
    assert_ne!(at(&backwards, NOW), at(&backwards, NOW + DAY), "the tile that had just closed shows by then");
}

#[test]
fn a_timeline_prints_the_window_that_the_crowd_found() {
    for town in towns() {
        town.write(|conn| {
            use schema::{campaigns as c, consensus as k, frames as f};
            diesel::update(c::table).set(c::kind.eq("timeline")).execute(conn)?;
            aftermap::storage::scenes::insert(conn, CAMPAIGN, &scene(13, -10), OPENED)?;
            // Of two tiles only one is seen in the middle scene, and that one not in the last.
            diesel::delete(f::table.find((2, 12))).execute(conn)?;
            diesel::insert_into(f::table)
                .values((f::tile.eq(2), f::scene_id.eq(13), f::valid_share.eq(0.7)))
                .execute(conn)?;
            let window = (k::date_before.eq(11), k::date_after.eq(13), k::window_probability.eq(0.75));
            diesel::update(k::table.find(1)).set(window).execute(conn)
        });
        let row = town.tile(SETTLED, NONE, Sight::Researcher);
        assert_eq!((&*row["date_before"], &*row["date_after"]), ("2024-09-04", "2024-09-24"));
        assert_eq!((&*row["maxdate"], &*row["window_probability"]), ("2024-09-24T23:59:59.999Z", "0.75"));
        assert_eq!((&*row["before_scene"], &*row["after_scene"]), ("11", "12"));
        assert_eq!(town.tile(OPEN, NONE, Sight::Researcher)["after_scene"], "13");
        assert_eq!(town.tile(FRESH, NONE, Sight::Researcher)["date_after"], "");
    }
}

#[test]
fn many_pages_hold_each_tile_once() {
    for database in databases() {
        database.write(|conn| {
            campaigns::insert(conn, &campaign())?;
            for place in 0..2_500u32 {
                let cell = Cell::new(12, place % 60, place / 60).unwrap();
                add_tile(conn, cell_tile(i64::from(place) + 1, cell), &[])?;
                if place % 7 == 0 {
                    set_consensus(conn, i64::from(place) + 1, [3, 0, 0, 0, 0], (TileState::Settled, Some(OPENED)))?;
                }
            }
            Ok(())
        });
        let rows = database.rows(What::Tiles, NONE, Sight::Everybody);
        assert_eq!(rows.len(), 2_500);
        assert!(rows.is_sorted_by(|a, b| a["tile_id"] < b["tile_id"]), "{}", database.name);
        assert_eq!(rows.iter().filter(|row| row["state"] == "settled").count(), 358);
        assert_eq!(rows[0]["before_scene"], "");
    }
}

#[test]
fn an_empty_campaign_gives_empty_files() {
    for database in databases() {
        database.write(|conn| campaigns::insert(conn, &campaign()));
        for what in What::ALL.iter().copied() {
            assert_eq!(database.rows(what, NONE, Sight::Researcher).len(), 0, "{what}");
        }
        let text = database.export(What::Tiles, "geojson", NONE, Sight::Everybody);
        let json: Json = serde_json::from_str(&text).unwrap();
        assert_eq!((json["features"].as_array().unwrap().len(), json.get("bbox")), (0, None));
    }
}

/// A place that is full after a few bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other("no space left"));
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_and_a_file_is_written_whole_or_not_at_all() {
    let town = towns().remove(0);
    for format in aftermap::export::FORMATS.map(|format| format.extension()) {
        let request = export_map::Request::new(What::Tiles, format, NONE, Sight::Researcher).unwrap();
        let outcome = export_map::write(&town.store, &town.campaign(), &request, NOW, &mut Full(100));
        assert!(matches!(outcome, Err(Error::Internal(reason)) if reason.contains("no space left")), "{format}");
    }
    let request = export_map::Request::new(What::Tiles, "csv", NONE, Sight::Researcher).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.csv");
    for _ in 0..2 {
        assert_eq!(export_map::write_file(&town.store, &town.campaign(), &request, NOW, &path).unwrap().rows, 7);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, town.export(What::Tiles, "csv", NONE, Sight::Researcher));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
    let nowhere = folder.path().join("no").join("map.csv");
    let outcome = export_map::write_file(&town.store, &town.campaign(), &request, NOW, &nowhere);
    assert!(matches!(outcome, Err(Error::Internal(reason)) if reason.contains("map.csv")));
}

#[test]
fn what_cannot_be_asked_for_is_refused_by_name() {
    let field = |outcome: Result<export_map::Request, Error>| match outcome {
        Err(Error::Invalid(invalid)) => invalid.field,
        Err(Error::Forbidden(_)) => "forbidden".into(),
        _ => String::new(),
    };
    let ask = |what, format, cuts, sight| field(export_map::Request::new(what, format, cuts, sight));
    assert_eq!(ask(What::Tiles, "xls", NONE, Sight::Everybody), "format");
    assert_eq!(ask(What::Labels, "geojson", NONE, Sight::Researcher), "format");
    for what in [What::Labels, What::Volunteers, What::History] {
        assert_eq!(ask(what, "csv", NONE, Sight::Everybody), "forbidden");
    }
    let cuts = Cuts { min_probability: Some(1.5), damaged_if: None };
    assert_eq!(ask(What::Tiles, "csv", cuts, Sight::Everybody), "min_probability");
}
