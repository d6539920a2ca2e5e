//! Building footprints as they were brought with the imagery.

use diesel::prelude::*;

use crate::domain::bbox::Bbox;
use crate::storage::Conn;
use crate::storage::schema::footprints;

/// One building outline.
#[derive(Debug, Clone, PartialEq)]
pub struct FootprintRow {
    /// Its public id.
    pub id: String,
    /// GeoJSON geometry.
    pub geometry: String,
    /// The box around it, degrees.
    pub bbox: Bbox,
}

/// All footprints of a campaign, by id.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<FootprintRow>> {
    let rows = footprints::table
        .filter(footprints::campaign_id.eq(campaign_id))
        .order(footprints::footprint_id)
        .select((
            footprints::footprint_id,
            footprints::geometry,
            footprints::west,
            footprints::south,
            footprints::east,
            footprints::north,
        ))
        .load::<(String, String, f64, f64, f64, f64)>(conn)?;
    let complete = |(id, geometry, west, south, east, north)| FootprintRow {
        id,
        geometry,
        bbox: Bbox { west, south, east, north },
    };
    Ok(rows.into_iter().map(complete).collect())
}

/// How many footprints a campaign has.
pub fn count(conn: &mut Conn, campaign_id: i64) -> QueryResult<i64> {
    footprints::table.filter(footprints::campaign_id.eq(campaign_id)).count().get_result(conn)
}

/// Puts these footprints in the place of whatever the campaign had.
pub fn replace(conn: &mut Conn, campaign_id: i64, rows: &[FootprintRow]) -> QueryResult<()> {
    diesel::delete(footprints::table.filter(footprints::campaign_id.eq(campaign_id))).execute(conn)?;
    for row in rows {
        diesel::insert_into(footprints::table)
            .values((
                footprints::campaign_id.eq(campaign_id),
                footprints::footprint_id.eq(&row.id),
                footprints::geometry.eq(&row.geometry),
                footprints::west.eq(row.bbox.west),
                footprints::south.eq(row.bbox.south),
                footprints::east.eq(row.bbox.east),
                footprints::north.eq(row.bbox.north),
            ))
            .execute(conn)?;
    }
    Ok(())
}
