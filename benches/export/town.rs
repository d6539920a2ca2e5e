//! A SQLite database with an open campaign of so many cells, all of them labelled: made by plain SQL.

use std::path::Path;

use aftermap::domain::bbox::Bbox;
use aftermap::domain::campaign::Campaign;
use aftermap::domain::cell::Cell;
use aftermap::domain::scene::Scene;
use aftermap::domain::spatial_key;
use aftermap::domain::tile::Tile;
use aftermap::services::Error;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::storage::{Conn, DatabaseUrl, Store, campaigns, scenes};
use rusqlite::{Connection, params};

/// The campaign.
pub const SLUG: &str = "bench";
/// When the exports are asked for; milliseconds since 1970, UTC.
pub const NOW: i64 = 1_800_000_000_000;
/// Zoom of the cells: some 100 m.
const ZOOM: u8 = 18;
/// The cell in the north-west.
const CORNER: (u32, u32) = (159_400, 103_000);

/// Makes the database unless it is there.
pub fn fill(path: &Path, tiles: u64) -> Result<(), String> {
    if path.exists() {
        return Ok(());
    }
    let part = path.with_extension("part");
    let store = Store::open(&DatabaseUrl::Sqlite(part.clone()), 1).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    let side = (tiles as f64).sqrt().ceil() as u32;
    let campaign =
        runtime.block_on(store.write(move |conn| begin(conn, side))).map_err(|error: Error| error.to_string())?;
    rows(&part, campaign, tiles, side).map_err(|error| error.to_string())?;
    drop(store);
    std::fs::rename(&part, path).map_err(|error| error.to_string())
}

fn begin(conn: &mut Conn, side: u32) -> Result<i64, Error> {
    let new = NewCampaign { licence: Some("CC0-1.0".into()), ..NewCampaign::new(SLUG, "Bench") };
    let campaign: Campaign = create_campaign(conn, &new, None, NOW)?;
    for (id, day) in [(11, 1), (12, 30)] {
        scenes::insert(conn, campaign.id, &scene(id, day), NOW)?;
    }
    let (first, last) = (cell(0, side), cell(u64::from(side) * u64::from(side) - 1, side));
    let bounds = Some(first.bbox().union(last.bbox()));
    campaigns::set_tiling(conn, &Campaign { bounds, labelling_zoom: Some(ZOOM), ..campaign.clone() })?;
    Ok(campaign.id)
}

fn scene(id: i64, day: i64) -> Scene {
    Scene {
        id,
        title: format!("scene {id}"),
        captured_from: day * 86_400_000,
        captured_to: day * 86_400_000,
        sensor: Some("bench".into()),
        licence: None,
        attribution: Some("made up".into()),
        source_name: format!("{id}.tif"),
        source_sha256: "0".repeat(64),
        archive: format!("{id}.pmtiles"),
        archive_sha256: "0".repeat(64),
        crs: "EPSG:3857".into(),
        pixel_size_m: 0.5,
        min_zoom: 10,
        max_zoom: 18,
        bounds: Bbox { west: 38.0, south: 35.0, east: 40.5, north: 37.0 },
    }
}

fn cell(number: u64, side: u32) -> Cell {
    let side = u64::from(side);
    Cell { z: ZOOM, x: CORNER.0 + (number % side) as u32, y: CORNER.1 + (number / side) as u32 }
}

fn rows(path: &Path, campaign: i64, tiles: u64, side: u32) -> rusqlite::Result<()> {
    let mut database = Connection::open(path)?;
    database.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144")?;
    let work = database.transaction()?;
    {
        let mut tile = work.prepare(
            "INSERT INTO tiles (id, campaign_id, tile_id, z, x, y, west, south, east, north, spatial_key)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        let mut queue = work.prepare(
            "INSERT INTO queue (tile, campaign_id, state, counted, needed, maximum, shuffle_key, available, closed_at)
             VALUES (?, ?, 'settled', 3, 3, 10, ?, FALSE, ?)",
        )?;
        let mut consensus = work.prepare(
            "INSERT INTO consensus (tile, campaign_id, model, method, method_version, class, probability, probabilities, labels,
                 answers, agreement, entropy, evidence, effective_redundancy, unusable_share, closed_reason, changed_at)
             VALUES (?, ?, 0, 'weighted_share', '1', ?, ?, ?, 3, ?, 1.0, ?, 2.5, 2.75, 0.01, 'lead', ?)",
        )?;
        for number in 0..tiles {
            let (id, cell) = (number as i64 + 1, cell(number, side));
            let bbox = cell.bbox();
            let new = Tile { id, tile_id: cell.to_string(), cell: Some(cell), bbox, footprint: None };
            let key = spatial_key::of_tile(&new);
            tile.execute(params![
                id,
                campaign,
                new.tile_id,
                cell.z,
                cell.x,
                cell.y,
                bbox.west,
                bbox.south,
                bbox.east,
                bbox.north,
                key
            ])?;
            let closed = NOW - 86_400_000 + id;
            queue.execute(params![id, campaign, id, closed])?;
            // Numbers of as many digits as a real campaign's.
            let class = number % 3;
            let sure = 0.85 + 0.149 * ((number * 2_654_435_761 % 1_000_003) as f64 / 1_000_003.0);
            let rest = (1.0 - sure) / 2.0;
            let of = |place: u64| if place == class { sure } else { rest };
            let probabilities = format!("[{},{},{}]", of(0), of(1), of(2));
            let answers = ["[3,0,0,0,0]", "[0,3,0,0,0]", "[0,0,3,0,0]"][class as usize];
            let entropy = -(sure * sure.ln() + 2.0 * rest * rest.ln());
            consensus.execute(params![id, campaign, class as i64, sure, probabilities, answers, entropy, closed])?;
        }
    }
    // By hand: a campaign whose tiles are all closed cannot be opened.
    work.execute(
        "UPDATE campaigns SET state = 'open', opened_at = ? WHERE id = ?",
        params![NOW - 86_400_000, campaign],
    )?;
    work.commit()?;
    database.execute_batch("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")
}
