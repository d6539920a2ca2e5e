//! Areas whose tiles are handed out before others, and the tiles in them.

use diesel::prelude::*;

use crate::domain::bbox::Bbox;
use crate::storage::schema::{priority_areas, queue, tiles};
use crate::storage::{Conn, new_id};

/// An area with its level.
#[derive(Debug, Clone, PartialEq)]
pub struct PriorityArea {
    /// What the coordinator calls it.
    pub name: String,
    /// 1 to 3; 3 is handed out first.
    pub level: u8,
    /// GeoJSON geometry: a polygon or several.
    pub geometry: String,
}

/// The areas of a campaign, highest level first.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<PriorityArea>> {
    let rows = priority_areas::table
        .filter(priority_areas::campaign_id.eq(campaign_id))
        .order((priority_areas::level.desc(), priority_areas::id))
        .select((priority_areas::name, priority_areas::level, priority_areas::geometry))
        .load::<(String, i16, String)>(conn)?;
    let area = |(name, level, geometry): (String, i16, String)| PriorityArea { name, level: level as u8, geometry };
    Ok(rows.into_iter().map(area).collect())
}

/// Puts these areas in the place of all that a campaign had.
pub fn replace(
    conn: &mut Conn,
    campaign_id: i64,
    areas: &[PriorityArea],
    (actor, now): (Option<i64>, i64),
) -> QueryResult<()> {
    diesel::delete(priority_areas::table.filter(priority_areas::campaign_id.eq(campaign_id))).execute(conn)?;
    for area in areas {
        diesel::insert_into(priority_areas::table)
            .values((
                priority_areas::id.eq(new_id()),
                priority_areas::campaign_id.eq(campaign_id),
                priority_areas::name.eq(&area.name),
                priority_areas::level.eq(i16::from(area.level)),
                priority_areas::geometry.eq(&area.geometry),
                priority_areas::created_by.eq(actor),
                priority_areas::created_at.eq(now),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// A tile with its square and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Database id.
    pub tile: i64,
    /// The square, in degrees.
    pub bbox: Bbox,
    /// The priority it has now.
    pub priority: i16,
    /// Whether it is still to be labelled.
    pub open: bool,
}

/// The tiles of a campaign that meet a box, in the order of their ids; withdrawn ones are left out.
pub fn places(conn: &mut Conn, campaign_id: i64, within: Bbox) -> QueryResult<Vec<Place>> {
    let rows = tiles::table
        .inner_join(queue::table.on(queue::tile.eq(tiles::id)))
        .filter(tiles::campaign_id.eq(campaign_id))
        .filter(tiles::withdrawn_at.is_null())
        .filter(tiles::west.le(within.east))
        .filter(tiles::east.ge(within.west))
        .filter(tiles::south.le(within.north))
        .filter(tiles::north.ge(within.south))
        .order(tiles::id)
        .select((
            tiles::id,
            (tiles::west, tiles::south, tiles::east, tiles::north),
            queue::priority,
            queue::state.eq("open"),
        ))
        .load::<(i64, (f64, f64, f64, f64), i16, bool)>(conn)?;
    let place = |(tile, (west, south, east, north), priority, open)| Place {
        tile,
        bbox: Bbox { west, south, east, north },
        priority,
        open,
    };
    Ok(rows.into_iter().map(place).collect())
}

/// Tiles of a campaign that have a priority, with it, in the order of their ids.
pub fn raised(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<(i64, i16)>> {
    queue::table
        .filter(queue::campaign_id.eq(campaign_id))
        .filter(queue::priority.ne(0))
        .order(queue::tile)
        .select((queue::tile, queue::priority))
        .load(conn)
}

/// Gives these tiles a priority.
pub fn set(conn: &mut Conn, ids: &[i64], priority: i16) -> QueryResult<()> {
    for chunk in ids.chunks(500) {
        let these = queue::table.filter(queue::tile.eq_any(chunk.to_vec()));
        diesel::update(these).set(queue::priority.eq(priority)).execute(conn)?;
    }
    Ok(())
}
