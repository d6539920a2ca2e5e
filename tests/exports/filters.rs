//! Which rows a filter gives, on both databases: by place through the index and by walking, page by page, and never more
//! of an open tile than the person who asks may see.

use aftermap::domain::bbox::Bbox;
use aftermap::domain::cell::Cell;
use aftermap::domain::consensus::TileState;
use aftermap::domain::damage_map::{Cuts, DamageMap, Sight, What};
use aftermap::domain::map_filter::{FilterWords, MapFilter};
use aftermap::domain::tile::Tile;
use aftermap::services::Error;
use aftermap::services::maps::export_map::{self, Request};
use aftermap::services::maps::read_map::{self, Question};
use aftermap::storage::maps::damage_map::TileRows;
use aftermap::storage::{Conn, QueryError, campaigns};

use crate::helpers::*;

const NONE: Cuts = Cuts { min_probability: None, damaged_if: None };

fn filter(set: impl FnOnce(&mut FilterWords)) -> MapFilter {
    let mut words = FilterWords::default();
    set(&mut words);
    MapFilter::parse(&words, &campaign().scale).unwrap()
}

fn ids(town: &Database, filter: MapFilter, sight: Sight) -> Vec<String> {
    let request = Request::new(What::Tiles, "csv", NONE, sight).unwrap().filtered(filter).unwrap();
    let mut bytes = Vec::new();
    export_map::write(&town.store, &town.campaign(), &request, NOW, &mut bytes).unwrap();
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    reader.records().map(|row| row.unwrap()[1].trim_start_matches('\'').to_owned()).collect()
}

#[test]
fn a_filter_judges_the_row_as_the_person_who_asks_sees_it() {
    for town in towns() {
        let damaged = || filter(|words| words.class = Some("damaged,destroyed".into()));
        assert_eq!(ids(&town, damaged(), Sight::Researcher), [SETTLED, SECRET, WORN_OUT], "{}", town.name);
        assert_eq!(ids(&town, damaged(), Sight::Everybody), [SETTLED, WORN_OUT], "{}", town.name);
        let undamaged = || filter(|words| words.class = Some("no_visible_damage".into()));
        assert_eq!(ids(&town, undamaged(), Sight::Researcher), [OPEN, FRESH]);
        assert_eq!(ids(&town, undamaged(), Sight::Everybody), [""; 0]);
        let open = || filter(|words| words.state = Some("open".into()));
        assert_eq!(ids(&town, open(), Sight::Researcher), [OPEN, UNTOUCHED]);
        assert_eq!(ids(&town, open(), Sight::Everybody), [OPEN, FRESH, SECRET, UNTOUCHED]);
        let sure = || filter(|words| words.probability_at_least = Some("0.9".into()));
        assert_eq!(ids(&town, sure(), Sight::Everybody), [WORN_OUT]);
    }
}

#[test]
fn thresholds_of_columns_do_not_decide_which_rows_appear() {
    for town in towns() {
        let cuts = Cuts { min_probability: Some(0.99), damaged_if: None };
        let filter = filter(|words| words.class = Some("destroyed".into()));
        let request = Request::new(What::Tiles, "csv", cuts, Sight::Everybody).unwrap().filtered(filter).unwrap();
        let mut bytes = Vec::new();
        assert_eq!(export_map::write(&town.store, &town.campaign(), &request, NOW, &mut bytes).unwrap(), 1);
    }
}

#[test]
fn dates_and_places_select_rows_and_nothing_found_is_an_empty_file() {
    for town in towns() {
        let dated = filter(|words| words.damaged_to = Some("2024-09-10".into()));
        assert_eq!(ids(&town, dated, Sight::Everybody), [SETTLED, WORN_OUT], "{}", town.name);
        let late = filter(|words| words.damaged_from = Some("2024-10-03".into()));
        assert_eq!(ids(&town, late, Sight::Researcher), [""; 0]);
        let near = filter(|words| words.bbox = Some("36.45,35.45,36.55,35.65".into()));
        assert_eq!(ids(&town, near, Sight::Everybody), [FOOTPRINT]);
        let beside = filter(|words| words.bbox = Some("36.58,35.5,36.6,35.52".into()));
        assert_eq!(ids(&town, beside, Sight::Everybody), [""; 0], "in its square, but not in its outline");
        let json = r#"{"type":"Polygon","coordinates":[[[36,35],[37,35],[37,36],[36,36],[36,35]]]}"#;
        assert_eq!(ids(&town, filter(|words| words.area = Some(json.into())), Sight::Everybody), [FOOTPRINT]);
    }
}

#[test]
fn only_tiles_can_be_filtered() {
    let request = Request::new(What::Labels, "csv", NONE, Sight::Researcher).unwrap();
    let refused = request.filtered(filter(|words| words.state = Some("open".into())));
    assert!(matches!(refused, Err(Error::Invalid(invalid)) if invalid.field == "filter"));
}

/// 50 x 50 cells around the date line and the equator, a large square over some of them, and one across the line.
fn fill_line(conn: &mut Conn) -> Result<(), QueryError> {
    campaigns::insert(conn, &campaign())?;
    let mut id = 0;
    for x in (0..25).chain(4_071..4_096) {
        for y in 2_023..2_073 {
            id += 1;
            add_tile(conn, cell_tile(id, Cell::new(12, x, y).unwrap()), &[])?;
            if id % 3 == 0 {
                set_consensus(conn, id, [3, 0, 0, 0, 0], (TileState::Settled, Some(OPENED)))?;
            }
        }
    }
    for (tile_id, bbox) in [
        ("large", Bbox { west: -179.9, south: -1.0, east: -178.2, north: 1.0 }),
        ("across", Bbox { west: 179.99, south: 0.1, east: 180.01, north: 0.12 }),
    ] {
        id += 1;
        add_tile(conn, Tile { id, tile_id: tile_id.into(), cell: None, bbox, footprint: None }, &[])?;
    }
    Ok(())
}

const BOXES: [&str; 7] = [
    "179.95,-0.05,-179.95,0.05",
    "-179.95,0.3,-179.9,0.35",
    "-180,-90,180,90",
    "180,0.11,180,0.11",
    "10,10,11,11",
    "-178.3,0.5,-178.25,0.6",
    "178,-1,179.999,0",
];

#[test]
fn the_index_and_the_walk_find_what_a_look_at_all_tiles_finds() {
    for database in databases() {
        database.write(fill_line);
        let campaign = database.campaign();
        let read = |bbox: Option<Bbox>, most: usize| -> Vec<Tile> {
            let all = |conn: &mut Conn| -> Result<Vec<Tile>, Error> {
                let rows = TileRows::new(conn, campaign.id, &[], 3).within(bbox, most)?.at_once(70);
                Ok(rows.map(|row| row.map(|row| row.tile)).collect::<Result<_, _>>()?)
            };
            database.store.read_snapshot(all).unwrap()
        };
        let everything = read(None, 0);
        assert_eq!(everything.len(), 2_502);
        let mut sizes = Vec::new();
        for text in BOXES {
            let bbox = filter(|words| words.bbox = Some(text.into())).bbox.unwrap();
            let touched = |tile: &&Tile| [-360.0, 0.0, 360.0].iter().any(|turn| bbox.turned(*turn).touches(tile.bbox));
            let expected: Vec<Tile> = everything.iter().filter(touched).cloned().collect();
            assert_eq!(read(Some(bbox), 50_000), expected, "index, {text} on {}", database.name);
            assert_eq!(read(Some(bbox), 0), expected, "walk, {text} on {}", database.name);
            sizes.push(expected.len());
        }
        assert_eq!((sizes[2], sizes[3], sizes[4]), (2_502, 3, 0), "{sizes:?}");
    }
}

#[test]
fn pages_hold_every_row_once_in_order_whatever_their_size() {
    for database in databases() {
        database.write(fill_line);
        let campaign = database.campaign();
        for (filter, expected) in [
            (MapFilter::default(), 2_502),
            (filter(|words| words.state = Some("settled".into())), 833),
            (filter(|words| words.bbox = Some("179.95,-0.05,-179.95,0.05".into())), 4),
        ] {
            for limit in [1_000, 7] {
                let found = pages(&database, &campaign, &filter, limit);
                assert_eq!(found.len(), expected, "{} by {limit}", database.name);
                assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{} by {limit}", database.name);
            }
        }
    }
}

fn pages(
    database: &Database,
    campaign: &aftermap::domain::campaign::Campaign,
    filter: &MapFilter,
    limit: usize,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = database.store.read_snapshot(|conn| -> Result<_, Error> {
            let map: DamageMap = read_map::header(conn, campaign, NONE)?;
            let question = Question { campaign, map: &map, filter, sight: Sight::Everybody, now: NOW };
            Ok(read_map::page(conn, question, &after, limit)?)
        });
        let page = page.unwrap();
        assert!(page.rows.len() <= limit);
        found.extend(page.rows.into_iter().map(|row| row.tile.tile_id));
        match page.next {
            Some(next) => after = next,
            None => return found,
        }
    }
}
