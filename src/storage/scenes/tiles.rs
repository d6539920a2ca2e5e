//! Tiles with their geometry, and the frames in which they are seen.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::domain::bbox::Bbox;
use crate::domain::cell::Cell;
use crate::domain::policy::Policy;
use crate::domain::spatial_key;
use crate::domain::tile::{Frame, Tile};
use crate::storage::maps::map_search::{Next, Search};
use crate::storage::schema::{frames, gold, gold_texts, queue, scenes, tiles};
use crate::storage::{Conn, each_backend};

/// More squares than this never overlap in one place.
const CROWDED: usize = 256;

/// A tile to be stored, with the share of valid pixels in each scene that shows it.
pub struct NewTile {
    /// The tile.
    pub tile: Tile,
    /// (scene, valid share from 0 to 1).
    pub frames: Vec<(i64, f64)>,
    /// Its place on the ring of the hand-out.
    pub shuffle_key: i64,
}

type Columns = (i64, String, Option<i16>, Option<i32>, Option<i32>, f64, f64, f64, f64, Option<String>);

fn tile(row: Columns) -> Tile {
    let (id, tile_id, z, x, y, west, south, east, north, footprint) = row;
    let cell = match (z, x, y) {
        (Some(z), Some(x), Some(y)) => Some(Cell { z: z as u8, x: x as u32, y: y as u32 }),
        _ => None,
    };
    Tile { id, tile_id, cell, bbox: Bbox { west, south, east, north }, footprint }
}

macro_rules! columns {
    () => {
        (
            tiles::id,
            tiles::tile_id,
            tiles::z,
            tiles::x,
            tiles::y,
            tiles::west,
            tiles::south,
            tiles::east,
            tiles::north,
            tiles::footprint,
        )
    };
}

/// These tiles, in no particular order.
pub fn by_ids(conn: &mut Conn, ids: &[i64]) -> QueryResult<Vec<Tile>> {
    let rows = tiles::table.filter(tiles::id.eq_any(ids.to_vec())).select(columns!()).load::<Columns>(conn)?;
    Ok(rows.into_iter().map(tile).collect())
}

/// How many tiles a campaign has.
pub fn count(conn: &mut Conn, campaign_id: i64) -> QueryResult<u64> {
    let theirs = tiles::table.filter(tiles::campaign_id.eq(campaign_id)).filter(tiles::withdrawn_at.is_null());
    theirs.count().get_result::<i64>(conn).map(i64::unsigned_abs)
}

/// The database id of a tile by its public id.
pub fn id_of(conn: &mut Conn, campaign_id: i64, tile_id: &str) -> QueryResult<Option<i64>> {
    tiles::table
        .filter(tiles::campaign_id.eq(campaign_id))
        .filter(tiles::tile_id.eq(tile_id))
        .select(tiles::id)
        .first(conn)
        .optional()
}

/// The public ids of all tiles of a campaign with their database ids.
pub fn ids_of_campaign(conn: &mut Conn, campaign_id: i64) -> QueryResult<HashMap<String, i64>> {
    let rows =
        tiles::table
            .filter(tiles::campaign_id.eq(campaign_id))
            .select((tiles::tile_id, tiles::id))
            .load::<(String, i64)>(conn)?;
    Ok(rows.into_iter().collect())
}

/// The frames of these tiles, each list by date.
pub fn frames_of(conn: &mut Conn, ids: &[i64]) -> QueryResult<HashMap<i64, Vec<Frame>>> {
    let rows = frames::table
        .inner_join(scenes::table)
        .filter(frames::tile.eq_any(ids.to_vec()))
        .filter(scenes::withdrawn_at.is_null())
        .order((scenes::captured_from, scenes::captured_to, scenes::id))
        .select((frames::tile, scenes::id, scenes::captured_from, scenes::captured_to))
        .load::<(i64, i64, i64, i64)>(conn)?;
    let mut of: HashMap<i64, Vec<Frame>> = HashMap::new();
    for (tile, scene_id, captured_from, captured_to) in rows {
        of.entry(tile).or_default().push(Frame { scene_id, captured_from, captured_to });
    }
    Ok(of)
}

/// A tile with its frames by date, in one statement; `None` where there is none with a frame.
pub fn with_frames(conn: &mut Conn, id: i64) -> QueryResult<Option<(Tile, Vec<Frame>)>> {
    let query = tiles::table
        .inner_join(frames::table.on(frames::tile.eq(tiles::id)))
        .inner_join(scenes::table.on(scenes::id.eq(frames::scene_id)))
        .filter(tiles::id.eq(id))
        .filter(scenes::withdrawn_at.is_null())
        .order((scenes::captured_from, scenes::captured_to, scenes::id))
        .select((columns!(), (scenes::id, scenes::captured_from, scenes::captured_to)));
    let rows: Vec<(Columns, (i64, i64, i64))> = each_backend!(conn, inner => query.load(inner))?;
    let mut found = None;
    for (columns, (scene_id, captured_from, captured_to)) in rows {
        let (_, seen) = found.get_or_insert_with(|| (tile(columns), Vec::new()));
        seen.push(Frame { scene_id, captured_from, captured_to });
    }
    Ok(found)
}

/// Stores a tile with its frames and its place in the queue: open, with nothing counted and nothing leased.
pub fn insert(conn: &mut Conn, campaign_id: i64, new: &NewTile, policy: &Policy) -> QueryResult<()> {
    let Tile { id, tile_id, cell, bbox, footprint } = &new.tile;
    diesel::insert_into(tiles::table)
        .values((
            tiles::id.eq(id),
            tiles::campaign_id.eq(campaign_id),
            tiles::tile_id.eq(tile_id),
            tiles::z.eq(cell.map(|cell| i16::from(cell.z))),
            tiles::x.eq(cell.map(|cell| cell.x as i32)),
            tiles::y.eq(cell.map(|cell| cell.y as i32)),
            tiles::west.eq(bbox.west),
            tiles::south.eq(bbox.south),
            tiles::east.eq(bbox.east),
            tiles::north.eq(bbox.north),
            tiles::footprint.eq(footprint),
            tiles::spatial_key.eq(spatial_key::of_tile(&new.tile)),
        ))
        .execute(conn)?;
    set_frames(conn, *id, &new.frames)?;
    diesel::insert_into(queue::table)
        .values((
            queue::tile.eq(id),
            queue::campaign_id.eq(campaign_id),
            queue::state.eq("open"),
            queue::needed.eq(policy.first_needed() as i16),
            queue::maximum.eq(policy.maximum as i16),
            queue::shuffle_key.eq(new.shuffle_key),
            queue::available.eq(true),
        ))
        .execute(conn)?;
    Ok(())
}

/// Replaces the frames of a tile.
pub fn set_frames(conn: &mut Conn, tile: i64, seen: &[(i64, f64)]) -> QueryResult<()> {
    diesel::delete(frames::table.filter(frames::tile.eq(tile))).execute(conn)?;
    let rows: Vec<_> = seen
        .iter()
        .map(|(scene_id, share)| {
            (frames::tile.eq(tile), frames::scene_id.eq(*scene_id), frames::valid_share.eq(*share))
        })
        .collect();
    each_backend!(conn, inner => diesel::insert_into(frames::table).values(&rows).execute(inner))?;
    Ok(())
}

/// Removes tiles of a draft, which have no labels yet.
pub fn remove(conn: &mut Conn, ids: &[i64]) -> QueryResult<()> {
    for chunk in ids.chunks(500) {
        let chunk = chunk.to_vec();
        diesel::delete(frames::table.filter(frames::tile.eq_any(chunk.clone()))).execute(conn)?;
        diesel::delete(queue::table.filter(queue::tile.eq_any(chunk.clone()))).execute(conn)?;
        diesel::delete(gold_texts::table.filter(gold_texts::tile.eq_any(chunk.clone()))).execute(conn)?;
        diesel::delete(gold::table.filter(gold::tile.eq_any(chunk.clone()))).execute(conn)?;
        diesel::delete(tiles::table.filter(tiles::id.eq_any(chunk))).execute(conn)?;
    }
    Ok(())
}

/// Gives a tile another square and outline; its id and its name stay.
pub fn reshape(conn: &mut Conn, id: i64, shape: &Tile) -> QueryResult<()> {
    let Bbox { west, south, east, north } = shape.bbox;
    diesel::update(tiles::table.find(id))
        .set((
            (tiles::west.eq(west), tiles::south.eq(south), tiles::east.eq(east), tiles::north.eq(north)),
            tiles::footprint.eq(&shape.footprint),
            tiles::spatial_key.eq(spatial_key::of_tile(shape)),
        ))
        .execute(conn)?;
    Ok(())
}

/// The tiles of a campaign whose squares hold a place (longitude, latitude in degrees), by public id; no more than some
/// hundreds of them.
pub fn at_place(conn: &mut Conn, campaign_id: i64, (lon, lat): (f64, f64)) -> QueryResult<Vec<Tile>> {
    let place = Bbox { west: lon, south: lat, east: lon, north: lat };
    let ids = match Search::within(conn, campaign_id, place, CROWDED)?.next(conn, CROWDED)? {
        Next::Ids(ids) => ids,
        Next::After(_) => Vec::new(),
    };
    let mut found = by_ids(conn, &ids)?;
    found.sort_by(|a, b| a.tile_id.cmp(&b.tile_id));
    Ok(found)
}
