//! The damage map as vector tiles, and counted: both from the picture of the map; single tiles, of which there are few
//! in one vector tile, from the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::map_pictures::{Numbered, Pictures};
use super::read_map::{self, Question};
use crate::domain::bbox::Bbox;
use crate::domain::campaign::Campaign;
use crate::domain::cell::Cell;
use crate::domain::damage_map::{Crowd, Cuts, DamageMap, Sight};
use crate::domain::map_filter::MapFilter;
use crate::domain::map_picture::{self, Counts, MOST_IN_A_TILE, Overview, Picture, Square};
use crate::domain::scale::Scale;
use crate::export::vector_tile::{self, Layer, Value};
use crate::export::{self, Geometry};
use crate::services::{Error, clock};
use crate::storage::{Conn, Store};

/// Bytes that a finished tile takes beside its own.
const OVERHEAD: usize = 512;
/// Bytes of finished vector tiles in memory.
const KEPT_BYTES: usize = 24 << 20;
/// Tiles that are made and counts that are taken at the same time; others wait for their turn.
const AT_ONCE: usize = 4;
/// Rows that are counted one by one where the picture is not enough.
const MOST_COUNTED: usize = 100_000;
/// The columns of tiles.csv that single tiles have.
pub const TILE_FIELDS: [&str; 12] = [
    "tile_id",
    "state",
    "class",
    "probability",
    "damaged_probability",
    "damaged",
    "date_before",
    "date_after",
    "labels",
    "agreement",
    "closed_at",
    "window_probability",
];

/// What is asked of a map: which rows, seen by whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// How much the person who asks may see.
    pub sight: Sight,
    /// Which rows.
    pub filter: MapFilter,
    /// From which probability on a tile is called damaged.
    pub damaged_if: Option<f64>,
}

/// A finished vector tile.
#[derive(Clone)]
pub struct MapTile {
    /// The tile; empty where there is nothing.
    pub bytes: Bytes,
    /// Half of the SHA-256 of its bytes, hex.
    pub tag: String,
}

/// The counts of a map, and the moment they are of.
pub struct Counted {
    /// Milliseconds since 1970, UTC.
    pub as_of: i64,
    /// The coarsest zoom at which vector tiles hold single tiles.
    pub detail_zoom: u8,
    /// The counts.
    pub counts: Counts,
}

/// Vector tiles and counts of a server's maps. Cheap to clone.
#[derive(Clone)]
pub struct MapTiles {
    pictures: Pictures,
    kept: Arc<Mutex<Finished>>,
    turns: Arc<Semaphore>,
}

impl Default for MapTiles {
    fn default() -> MapTiles {
        MapTiles { pictures: Pictures::default(), kept: Arc::default(), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

#[derive(Default)]
struct Finished {
    tiles: HashMap<Key, (MapTile, u64)>,
    bytes: usize,
    uses: u64,
}

/// Number of the picture, cell, and a hash of what was asked.
type Key = (u64, Cell, [u8; 32]);

impl MapTiles {
    /// The vector tile at a cell.
    pub async fn tile(&self, store: &Store, campaign: &Campaign, asked: Asked, cell: Cell) -> Result<MapTile, Error> {
        let Numbered { number, picture } = self.pictures.of(store, campaign).await?;
        let key = (number, cell, Sha256::digest(format!("{asked:?}")).into());
        if let Some(known) = self.finished(|kept| kept.get(&key)) {
            return Ok(known);
        }
        let bytes = match cell.z < picture.detail_zoom() {
            true => self.blocking(move || Ok(coarse(&picture, &asked, cell))).await?,
            // A few thousand rows: no matter for those who read for long.
            false => {
                let campaign = campaign.clone();
                store.read(move |conn| single(conn, &campaign, &asked, cell)).await?
            }
        };
        let bytes = Bytes::from(bytes);
        let tag = Sha256::digest(&bytes)[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let tile = MapTile { bytes, tag };
        self.finished(|kept| kept.insert(key, tile.clone()));
        Ok(tile)
    }

    /// How many tiles there are of what.
    pub async fn count(&self, store: &Store, campaign: &Campaign, asked: Asked) -> Result<Counted, Error> {
        let Numbered { picture, .. } = self.pictures.of(store, campaign).await?;
        let (as_of, detail_zoom) = (picture.as_of(), picture.detail_zoom());
        let (store, campaign) = (store.clone(), campaign.clone());
        let counts = self.blocking(move || match picture.needs_outlines(&asked.filter) {
            true => {
                let counts = store.read_snapshot(|conn| count_rows(conn, &campaign, &asked))?;
                Ok(Counts { tiles: picture.len() as u64, ..counts })
            }
            false => Ok(picture.count(asked.sight, &asked.filter)),
        });
        Ok(Counted { as_of, detail_zoom, counts: counts.await? })
    }

    /// The whole map in a few squares, for those who may see all.
    pub async fn overview(&self, store: &Store, campaign: &Campaign) -> Result<Overview, Error> {
        let Numbered { picture, .. } = self.pictures.of(store, campaign).await?;
        self.blocking(move || Ok(picture.overview())).await
    }

    /// From which zoom on vector tiles hold single tiles.
    pub async fn detail_zoom(&self, store: &Store, campaign: &Campaign) -> Result<u8, Error> {
        Ok(self.pictures.of(store, campaign).await?.picture.detail_zoom())
    }

    /// Runs work beside the threads that answer requests, when it is its turn.
    async fn blocking<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        let _turn = self.turns.acquire().await.map_err(|error| Error::Internal(error.to_string()))?;
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| Error::Internal(format!("a vector tile ended early: {error}")))?
    }

    fn finished<T>(&self, run: impl FnOnce(&mut Finished) -> T) -> T {
        run(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Finished {
    fn get(&mut self, key: &Key) -> Option<MapTile> {
        self.uses += 1;
        let (tile, used) = self.tiles.get_mut(key)?;
        *used = self.uses;
        Some(tile.clone())
    }

    fn insert(&mut self, key: Key, tile: MapTile) {
        self.uses += 1;
        self.bytes += tile.bytes.len() + OVERHEAD;
        if let Some((old, _)) = self.tiles.insert(key, (tile, self.uses)) {
            self.bytes -= old.bytes.len() + OVERHEAD;
        }
        if self.bytes > KEPT_BYTES {
            // The half that was used last stays.
            let mut uses: Vec<u64> = self.tiles.values().map(|(_, used)| *used).collect();
            uses.sort_unstable();
            let middle = uses[uses.len() / 2];
            self.tiles.retain(|_, (_, used)| *used > middle);
            self.bytes = self.tiles.values().map(|(tile, _)| tile.bytes.len() + OVERHEAD).sum();
        }
    }
}

/// The values that squares have.
pub fn square_fields(scale: &Scale) -> Vec<String> {
    let classes = scale.classes().iter().map(|class| format!("tiles_{}", class.key));
    let counts = ["tiles", "damaged"].map(str::to_owned).into_iter().chain(classes);
    counts
        .chain(
            ["contested", "unusable", "without_class", "share_damaged", "date_before", "date_after"].map(str::to_owned),
        )
        .collect()
}

/// Squares with counts.
fn coarse(picture: &Picture, asked: &Asked, cell: Cell) -> Vec<u8> {
    let mut layer = Layer::new("squares", cell);
    for square in picture.squares(asked.sight, &asked.filter, asked.damaged_if, cell) {
        let geometry = Geometry::rectangle(square.cell.bbox());
        layer.push(&geometry, square_values(picture.map(), &square));
    }
    vector_tile::encode([layer])
}

fn square_values(map: &DamageMap, square: &Square) -> Vec<(String, Value)> {
    let count = |tiles: u64| Value::Int(i64::try_from(tiles).unwrap_or(i64::MAX));
    let mut values = vec![("tiles".to_owned(), count(square.tiles)), ("damaged".to_owned(), count(square.damaged))];
    let classes = map.scale.classes().iter().zip(&square.classes);
    values.extend(classes.map(|(class, tiles)| (format!("tiles_{}", class.key), count(*tiles))));
    let apart =
        [("contested", square.contested), ("unusable", square.unusable), ("without_class", square.without_class)];
    values.extend(apart.map(|(name, tiles)| (name.to_owned(), count(tiles))));
    values.extend(square.share_damaged().map(|share| ("share_damaged".to_owned(), Value::Number(share))));
    let (before, after) = (map.scene(square.window.0), map.scene(square.window.1));
    let day = |name: &str, at: i64| (name.to_owned(), Value::Text(export::day(at)));
    values.extend(before.map(|scene| day("date_before", scene.captured_from)));
    values.extend(after.map(|scene| day("date_after", scene.captured_to)));
    values
}

/// Single tiles, with the values that they have in tiles.csv.
fn single(conn: &mut Conn, campaign: &Campaign, asked: &Asked, cell: Cell) -> Result<Vec<u8>, Error> {
    let map = read_map::header(conn, campaign, Cuts { damaged_if: asked.damaged_if, ..Cuts::default() })?;
    let here = MapFilter { bbox: Some(around(cell)), ..MapFilter::default() };
    let question = Question { campaign, map: &map, filter: &here, sight: asked.sight, now: clock::now_ms() };
    let sheet = export::tiles::sheet(&map);
    let places = TILE_FIELDS.map(|name| sheet.place_of(name));
    let mut layer = Layer::new("tiles", cell);
    // Tiles that reach in from beside the cell come on top of those that have their centre in it.
    for row in read_map::rows(conn, question)?.take(2 * MOST_IN_A_TILE) {
        let row = row?;
        if !asked.filter.admits(&map, &row) {
            continue;
        }
        let record = export::tiles::record(&map, &row);
        let values = TILE_FIELDS.iter().zip(&places).filter_map(|(name, place)| {
            let value = vector_value(record.values.get((*place)?)?)?;
            Some((name.to_string(), value))
        });
        if let Some(geometry) = &record.geometry {
            layer.push(geometry, values);
        }
    }
    Ok(vector_tile::encode([layer]))
}

/// A cell and a hair around it: what touches it from beside is drawn in it too.
fn around(cell: Cell) -> Bbox {
    let Bbox { west, south, east, north } = cell.bbox();
    let (x, y) = ((east - west) / 64.0, (north - south) / 64.0);
    Bbox { west: west - x, south: south - y, east: east + x, north: north + y }
}

fn vector_value(value: &export::Value) -> Option<Value> {
    Some(match value {
        export::Value::Blank | export::Value::Outline => return None,
        export::Value::Bool(yes) => Value::Bool(*yes),
        export::Value::Int(number) => Value::Int(*number),
        export::Value::Number(number) => Value::Number(*number),
        export::Value::Text(text) => Value::Text(text.clone()),
        export::Value::Instant(ms) | export::Value::Day(ms) => Value::Text(export::day(*ms)),
    })
}

/// Counts by reading the rows themselves, for places that only outlines can tell.
fn count_rows(conn: &mut Conn, campaign: &Campaign, asked: &Asked) -> Result<Counts, Error> {
    let map = read_map::header(conn, campaign, Cuts::default())?;
    let place = MapFilter { bbox: asked.filter.bbox, area: asked.filter.area.clone(), ..MapFilter::default() };
    let question = Question { campaign, map: &map, filter: &place, sight: asked.sight, now: clock::now_ms() };
    let mut rows = Vec::new();
    for row in read_map::rows(conn, question)? {
        let row = row?;
        if rows.len() == MOST_COUNTED {
            let reason = format!("holds more than {MOST_COUNTED} buildings to count: take a smaller one, or none");
            return Err(Error::invalid("bbox", reason));
        }
        let damaged = row.crowd.as_ref().and_then(Crowd::damaged_probability);
        rows.push((row, damaged));
    }
    Ok(map_picture::count(&map, &asked.filter, rows.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_memory_runs_out_the_tiles_that_were_used_last_stay() {
        let mut kept = Finished::default();
        let key = |x: u32| (1, Cell { z: 20, x, y: 0 }, [0; 32]);
        let tile = |_: u32| MapTile { bytes: Bytes::from(vec![7; 100_000]), tag: String::new() };
        for x in 0..1_000 {
            kept.insert(key(x), tile(x));
            assert!(kept.get(&key(0)).is_some(), "used all the time");
            assert!(kept.bytes <= KEPT_BYTES);
        }
        assert!(kept.get(&key(999)).is_some() && kept.get(&key(1)).is_none());
        let held: usize = kept.tiles.values().map(|(tile, _)| tile.bytes.len() + OVERHEAD).sum();
        assert_eq!(kept.bytes, held, "what is counted is what is held");
    }
}
