//! Which tiles of a campaign come next, in the order of their public ids: all of them, or those in a box.
//!
//! A box that holds few tiles is answered by the spatial index: they are found once and kept as a list of ids. Of a box
//! that holds many, the tiles are walked in order and those outside passed over.

use diesel::prelude::*;

use crate::domain::bbox::Bbox;
use crate::domain::spatial_key;
use crate::storage::Conn;
use crate::storage::schema::tiles;

/// A box with more tiles than this is walked through; their ids would be a few megabytes.
pub const FEW: usize = 50_000;

/// A walk through the tiles of a campaign.
pub struct Search {
    campaign_id: i64,
    /// The public id up to which the walk has come.
    last: String,
    place: Place,
}

enum Place {
    Everywhere,
    /// The tiles in a box, by public id.
    Few(Vec<(String, i64)>),
    /// The box, and where it lies a turn of the earth further east or west.
    Many([Bbox; 3]),
}

/// What to read next.
pub enum Next {
    /// The tiles after this public id.
    After(String),
    /// These.
    Ids(Vec<i64>),
}

impl Search {
    /// All tiles of a campaign.
    pub fn all(campaign_id: i64) -> Search {
        Search { campaign_id, last: String::new(), place: Place::Everywhere }
    }

    /// The tiles whose square touches a box; it is walked through where it holds more than `most`.
    pub fn within(conn: &mut Conn, campaign_id: i64, bbox: Bbox, most: usize) -> QueryResult<Search> {
        let turns = [bbox, bbox.turned(360.0), bbox.turned(-360.0)];
        let place = match few(conn, campaign_id, (bbox, &turns), most)? {
            Some(mut tiles) => {
                tiles.sort_unstable();
                Place::Few(tiles)
            }
            None => Place::Many(turns),
        };
        Ok(Search { place, ..Search::all(campaign_id) })
    }

    /// The tile of that public id, if there is one.
    pub fn only(conn: &mut Conn, campaign_id: i64, tile_id: &str) -> QueryResult<Search> {
        let tile = tiles::table
            .filter(tiles::campaign_id.eq(campaign_id).and(tiles::tile_id.eq(tile_id)))
            .filter(tiles::withdrawn_at.is_null())
            .select((tiles::tile_id, tiles::id))
            .load(conn)?;
        Ok(Search { place: Place::Few(tile), ..Search::all(campaign_id) })
    }

    /// Goes on after this public id.
    pub fn go_on_after(&mut self, tile_id: &str) {
        tile_id.clone_into(&mut self.last);
    }

    /// Up to `at_once` tiles that come next; an empty list where there are no more.
    pub fn next(&mut self, conn: &mut Conn, at_once: usize) -> QueryResult<Next> {
        let found = match &self.place {
            Place::Everywhere => return Ok(Next::After(self.last.clone())),
            Place::Few(tiles) => {
                let from = tiles.partition_point(|(tile_id, _)| *tile_id <= self.last);
                tiles[from..].iter().take(at_once).cloned().collect()
            }
            Place::Many(turns) => walk(conn, self.campaign_id, &self.last, turns, at_once)?,
        };
        Ok(Next::Ids(found.into_iter().map(|(_, id)| id).collect()))
    }
}

/// The tiles in a box by the spatial index; `None` where there are too many.
fn few(
    conn: &mut Conn,
    campaign_id: i64,
    (bbox, turns): (Bbox, &[Bbox; 3]),
    most: usize,
) -> QueryResult<Option<Vec<(String, i64)>>> {
    let mut found = Vec::new();
    let mut looked_at = 0;
    for zoom in zooms(conn, campaign_id)? {
        for (first, last) in spatial_key::ranges(bbox, zoom) {
            let rows = in_range(conn, campaign_id, (first, last), most + 1 - looked_at)?;
            looked_at += rows.len();
            if looked_at > most {
                return Ok(None);
            }
            let inside = rows.into_iter().filter(|row| turns.iter().any(|turn| turn.touches(row.bbox())));
            found.extend(inside.map(|row| (row.tile_id, row.id)));
        }
    }
    Ok(Some(found))
}

/// The zooms at which the campaign keeps tiles: one for cells, a few for footprints. One look at the index for each.
fn zooms(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<u8>> {
    let mut found = Vec::new();
    let mut from = 0;
    loop {
        let least: Option<i64> = tiles::table
            .filter(tiles::campaign_id.eq(campaign_id).and(tiles::spatial_key.ge(from)))
            .select(tiles::spatial_key)
            .order(tiles::spatial_key)
            .first(conn)
            .optional()?;
        let Some(key) = least else { return Ok(found) };
        let zoom = spatial_key::zoom_of(key);
        found.push(zoom);
        from = spatial_key::first_of_zoom(zoom + 1);
    }
}

#[derive(Queryable)]
struct Candidate {
    id: i64,
    tile_id: String,
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

impl Candidate {
    fn bbox(&self) -> Bbox {
        Bbox { west: self.west, south: self.south, east: self.east, north: self.north }
    }
}

fn in_range(conn: &mut Conn, campaign_id: i64, (first, last): (i64, i64), most: usize) -> QueryResult<Vec<Candidate>> {
    tiles::table
        .filter(tiles::campaign_id.eq(campaign_id))
        .filter(tiles::spatial_key.ge(first).and(tiles::spatial_key.le(last)))
        .filter(tiles::withdrawn_at.is_null())
        .select((tiles::id, tiles::tile_id, tiles::west, tiles::south, tiles::east, tiles::north))
        .limit(most as i64)
        .load(conn)
}

/// The next tiles in a large box, in the order of their public ids.
fn walk(
    conn: &mut Conn,
    campaign_id: i64,
    after: &str,
    turns: &[Bbox; 3],
    most: usize,
) -> QueryResult<Vec<(String, i64)>> {
    let touches = |bbox: Bbox| {
        tiles::west
            .le(bbox.east)
            .and(tiles::east.ge(bbox.west))
            .and(tiles::south.le(bbox.north).and(tiles::north.ge(bbox.south)))
    };
    tiles::table
        .filter(tiles::campaign_id.eq(campaign_id))
        .filter(tiles::tile_id.gt(after))
        .filter(tiles::withdrawn_at.is_null())
        .filter(touches(turns[0]).or(touches(turns[1])).or(touches(turns[2])))
        .order(tiles::tile_id)
        .select((tiles::tile_id, tiles::id))
        .limit(most as i64)
        .load(conn)
}
