//! The order that change hints give to the queue, and what it was made from.

use diesel::dsl::{count_star, max, sql};
use diesel::prelude::*;
use diesel::sql_types::SmallInt;

use crate::domain::bbox::Bbox;
use crate::domain::hint::LEVELS;
use crate::storage::schema::{change_hints, queue, tiles};
use crate::storage::{Conn, each_backend};

/// Where the hints of a campaign stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintState {
    /// What the present order was made from; `None` where there is none.
    pub fingerprint: Option<String>,
    /// Tiles of the campaign.
    pub tiles: i64,
    /// The largest id among them.
    pub newest: i64,
}

/// Reads where the hints of a campaign stand.
pub fn state(conn: &mut Conn, campaign_id: i64) -> QueryResult<HintState> {
    let fingerprint = change_hints::table.find(campaign_id).select(change_hints::fingerprint).first(conn).optional()?;
    let tiles = queue::table.filter(queue::campaign_id.eq(campaign_id)).select((count_star(), max(queue::tile)));
    let (tiles, newest): (i64, Option<i64>) = each_backend!(conn, inner => tiles.first(inner))?;
    Ok(HintState { fingerprint, tiles, newest: newest.unwrap_or_default() })
}

/// A tile, where it lies, and its place on the ring.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Database id of the tile.
    pub tile: i64,
    /// What it shows, degrees.
    pub bbox: Bbox,
    /// Its place on the ring.
    pub shuffle_key: i64,
}

/// All tiles of a campaign, neighbours near each other, so that their pictures are read once.
pub fn places(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Place>> {
    let rows: Vec<(i64, f64, f64, f64, f64, i64)> = queue::table
        .inner_join(tiles::table)
        .filter(queue::campaign_id.eq(campaign_id))
        .order((tiles::spatial_key, tiles::id))
        .select((queue::tile, tiles::west, tiles::south, tiles::east, tiles::north, queue::shuffle_key))
        .load(conn)?;
    let place = |(tile, west, south, east, north, shuffle_key)| {
        let bbox = Bbox { west, south, east, north };
        Place { tile, bbox, shuffle_key }
    };
    Ok(rows.into_iter().map(place).collect())
}

/// Gives tiles a hint; the value of their next label stays.
pub fn set(conn: &mut Conn, tiles: &[i64], hint: u8) -> QueryResult<()> {
    // Whole numbers are divided without a rest on both databases.
    let bucket = format!("bucket / {LEVELS} * {LEVELS} + {hint}");
    let update =
        diesel::update(queue::table.filter(queue::tile.eq_any(tiles.to_vec())))
            .set(queue::bucket.eq(sql::<SmallInt>(&bucket)));
    each_backend!(conn, inner => update.execute(inner)).map(drop)
}

/// Notes what the order was made from; `None` where there is no order any more.
pub fn remember(conn: &mut Conn, campaign_id: i64, fingerprint: Option<&str>, now: i64) -> QueryResult<()> {
    diesel::delete(change_hints::table.find(campaign_id)).execute(conn)?;
    if let Some(fingerprint) = fingerprint {
        diesel::insert_into(change_hints::table)
            .values((
                change_hints::campaign_id.eq(campaign_id),
                change_hints::fingerprint.eq(fingerprint),
                change_hints::computed_at.eq(now),
            ))
            .execute(conn)?;
    }
    Ok(())
}
