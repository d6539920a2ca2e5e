//! Every format read back by GDAL, geopandas and pyarrow (read_back.py): the same rows, values, outlines and reference
//! system as the CSV has, for towns with all that is awkward.

use std::path::Path;
use std::process::Command;

use aftermap::domain::bbox::Bbox;
use aftermap::domain::campaign::{Campaign, CampaignState, TileSource};
use aftermap::domain::cell::Cell;
use aftermap::domain::consensus::TileState;
use aftermap::domain::damage_map::{Cuts, Sight, What};
use aftermap::domain::map_filter::{FilterWords, MapFilter};
use aftermap::domain::scene::Scene;
use aftermap::domain::tile::Tile;
use aftermap::export;
use aftermap::services::maps::export_map::{self, Request};
use aftermap::storage::{Conn, QueryError, campaigns, scenes};
use serde_json::Value as Json;

use crate::helpers::*;
use crate::support::{python, root};

const CUTS: Cuts = Cuts { min_probability: None, damaged_if: Some(0.5) };

fn write_all(town: &Database, folder: &Path, sight: Sight, filter: &MapFilter) {
    for format in export::FORMATS {
        for what in [What::Tiles, What::Scenes].into_iter().filter(|what| format.holds(*what)) {
            let request = Request::new(what, format.extension(), CUTS, sight).unwrap().with_scratch(folder.to_owned());
            let request = if what == What::Tiles { request.filtered(filter.clone()).unwrap() } else { request };
            let path = folder.join(request.file_name());
            export_map::write_file(&town.store, &town.campaign(), &request, NOW, &path).unwrap();
        }
    }
}

/// What was compared.
fn read_back(python: &Path, town: &Database, sight: Sight, filter: &MapFilter) -> Json {
    let folder = tempfile::tempdir().unwrap();
    write_all(town, folder.path(), sight, filter);
    let script = root().join("tests/exports/read_back.py");
    let done = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    assert!(done.status.success(), "{}: {}", town.name, String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The formats that hold rows of tiles one by one.
const VECTOR: [&str; 8] = ["csv.gz", "geojson", "geojsons", "gpkg", "fgb", "geojson.gz", "geojsons.gz", "parquet"];

fn assert_rows(compared: &Json, rows: usize) {
    for extension in VECTOR {
        assert_eq!(compared[format!("tiles.{extension}")], rows, "{extension}: {compared}");
    }
}

#[test]
fn awkward_words_numbers_and_dates_are_read_back_from_every_format() {
    let Some(python) = python(&["pyogrio", "rasterio", "geopandas", "pyarrow"]) else { return };
    for town in towns() {
        let compared = read_back(&python, &town, Sight::Researcher, &MapFilter::default());
        assert_rows(&compared, 7);
        assert_eq!(compared["scenes.gpkg"], 2);
        assert_eq!(compared["tiles.tif"], 7, "{compared}");
        assert_eq!(compared["layers"], serde_json::json!(["labels", "scenes", "tiles"]), "labels are for researchers");
        let compared = read_back(&python, &town, Sight::Everybody, &MapFilter::default());
        assert_rows(&compared, 7);
        assert_eq!(compared["layers"], serde_json::json!(["scenes", "tiles"]));
    }
}

#[test]
fn a_filter_that_matches_nothing_gives_files_that_can_be_read() {
    let Some(python) = python(&["pyogrio", "rasterio", "geopandas", "pyarrow"]) else { return };
    let town = towns().remove(0);
    let words = FilterWords { bbox: Some("100,10,101,11".into()), ..FilterWords::default() };
    let nowhere = MapFilter::parse(&words, &campaign().scale).unwrap();
    let compared = read_back(&python, &town, Sight::Researcher, &nowhere);
    assert_rows(&compared, 0);
    assert_eq!(compared["layers"], serde_json::json!(["scenes", "tiles"]), "labels would not fit to chosen tiles");
}

/// Footprints on both sides of the date line and across it, one with a hole, none of them closed.
fn fill_line(conn: &mut Conn) -> Result<(), QueryError> {
    let footprints = Campaign { tile_source: TileSource::Footprints, ..campaign() };
    campaigns::insert(conn, &footprints)?;
    let bounds = Some(Bbox { west: 179.99, south: -17.0, east: 180.01, north: -16.99 });
    campaigns::set_tiling(conn, &Campaign { bounds, ..footprints.clone() })?;
    campaigns::set_state(conn, &footprints, CampaignState::Open, OPENED)?;
    let across = Bbox { west: 179.9, south: -17.1, east: 180.2, north: -16.9 };
    scenes::insert(conn, CAMPAIGN, &Scene { bounds: across, ..scene(11, -30) }, OPENED)?;
    let square = |west: f64, size: f64| {
        let (east, south, north) = (west + size, -16.999, -16.999 + size);
        format!("[[{west},{south}],[{east},{south}],[{east},{north}],[{west},{north}],[{west},{south}]]")
    };
    let single = |rings: &str| format!(r#"{{"type":"Polygon","coordinates":[{rings}]}}"#);
    let several = |a: &str, b: &str| format!(r#"{{"type":"MultiPolygon","coordinates":[[{a}],[{b}]]}}"#);
    let hole = format!("{},{}", square(179.992, 0.002), square(179.9925, 0.0005));
    for (id, tile_id, west, outline) in [
        (1, "=SUM(A1:A9)", 179.9995, single(&square(179.9995, 0.001))),
        (2, "مبنى, \"ب\"\r\nسطر", 179.992, single(&hole)),
        (3, "-179.995", -179.995, several(&square(-179.995, 0.0004), &square(-179.994, 0.0004))),
        (4, "{\"a\":1}", 179.997, single(&square(179.997, 0.0002))),
    ] {
        let bbox = Bbox { west, south: -17.0, east: west + 0.002, north: -16.99 };
        add_tile(conn, Tile { id, tile_id: tile_id.into(), cell: None, bbox, footprint: Some(outline) }, &[11])?;
    }
    Ok(())
}

#[test]
fn outlines_across_the_date_line_and_a_map_without_a_closed_tile_are_read_back() {
    let Some(python) = python(&["pyogrio", "rasterio", "geopandas", "pyarrow"]) else { return };
    for database in databases() {
        database.write(fill_line);
        let compared = read_back(&python, &database, Sight::Everybody, &MapFilter::default());
        assert_rows(&compared, 4);
        assert_eq!(compared["tiles.class.tif"], 4, "{compared}");
        let wide = compared["tiles.tif size"][1].as_u64().unwrap();
        assert!((256..20_000).contains(&wide), "the raster does not go round the earth: {compared}");
        database.write(|conn| {
            for id in 1..=4 {
                set_consensus(conn, id, [0, 1, 2, 0, 0], (TileState::Settled, Some(OPENED)))?;
            }
            Ok(())
        });
        assert_rows(&read_back(&python, &database, Sight::Everybody, &MapFilter::default()), 4);
    }
}

#[test]
fn cells_are_pixels_of_the_raster() {
    let Some(python) = python(&["pyogrio", "rasterio", "geopandas", "pyarrow"]) else { return };
    let database = databases().remove(0);
    database.write(|conn| {
        campaigns::insert(conn, &campaign())?;
        for (place, x) in (0..8u32).chain(4_088..4_096).enumerate() {
            for y in 2_040..2_048 {
                let id = i64::from(y) * 100 + place as i64;
                add_tile(conn, cell_tile(id, Cell::new(12, x, y).unwrap()), &[])?;
                let answers = if (x + y) % 3 == 0 { [3, 0, 0, 0, 0] } else { [0, 0, 4, 0, 0] };
                if (x * y) % 5 > 0 {
                    set_consensus(conn, id, answers, (TileState::Settled, Some(OPENED)))?;
                }
            }
        }
        Ok(())
    });
    let compared = read_back(&python, &database, Sight::Everybody, &MapFilter::default());
    assert_rows(&compared, 128);
    assert_eq!(compared["tiles.tif"], 128);
    assert_eq!(compared["tiles.tif size"], serde_json::json!([8, 16]), "a pixel each, and not round the earth");
}

#[test]
fn every_format_gives_the_same_bytes_again_and_on_both_databases() {
    let towns = towns();
    for format in export::FORMATS {
        for what in What::ALL.iter().copied().filter(|what| format.holds(*what)) {
            let bytes = |town: &Database| {
                let request = Request::new(what, format.extension(), CUTS, Sight::Researcher).unwrap();
                let mut bytes = Vec::new();
                export_map::write(&town.store, &town.campaign(), &request, NOW, &mut bytes).unwrap();
                bytes
            };
            let first = bytes(&towns[0]);
            for town in &towns {
                assert!(bytes(town) == first, "{what}.{} on {}", format.extension(), town.name);
            }
        }
    }
}
