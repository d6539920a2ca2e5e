//! Reading the damage map as somebody may see it: the one road from its rows to exports, services and maps.

use crate::domain::campaign::Campaign;
use crate::domain::damage_map::{Cuts, DamageMap, Sight, TileRow};
use crate::domain::map_filter::MapFilter;
use crate::storage::maps::damage_map::{self, TileRows};
use crate::storage::{Conn, QueryError, scenes};

/// A box with more tiles than this is walked through: each page searches it anew.
const FEW_OF_A_PAGE: usize = 5_000;
/// Rows that one page looks at to find what is asked for; whoever wants more goes on from there.
const LOOKED_AT: usize = 20_000;

/// What is asked of a campaign's map, and by whom.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The campaign.
    pub campaign: &'a Campaign,
    /// Its header, by [`header`].
    pub map: &'a DamageMap,
    /// Which rows.
    pub filter: &'a MapFilter,
    /// How much the person who asks may see.
    pub sight: Sight,
    /// The server's time; milliseconds since 1970, UTC.
    pub now: i64,
}

/// Some rows of the map.
#[derive(Debug, Clone, PartialEq)]
pub struct MapPage {
    /// The rows, by public tile id, as the person who asks sees them.
    pub rows: Vec<TileRow>,
    /// The id after which to go on; `None`: there is no more. A page may be short of its limit, even empty, and still
    /// have a next one, because the rows that one page looks at are bounded.
    pub next: Option<String>,
}

/// What a campaign's map says about itself.
pub fn header(conn: &mut Conn, campaign: &Campaign, cuts: Cuts) -> Result<DamageMap, QueryError> {
    let scenes = scenes::of_campaign(conn, campaign.id)?;
    let method = damage_map::method(conn, campaign.id, campaign.model)?;
    Ok(DamageMap::new(campaign, scenes, method, cuts))
}

/// All rows that are asked for, one after the other. Must run inside one snapshot.
pub fn rows<'a>(
    conn: &'a mut Conn,
    question: Question<'a>,
) -> Result<impl Iterator<Item = Result<TileRow, QueryError>> + 'a, QueryError> {
    let rows = tile_rows(conn, &question, damage_map::FEW)?;
    let wanted = move |row: &Result<TileRow, QueryError>| match row {
        Ok(row) => question.filter.admits(question.map, row),
        Err(_) => true,
    };
    Ok(rows.map(move |row| row.map(|row| seen(row, &question))).filter(wanted))
}

/// Up to `limit` rows after the public id `after` (`""`: from the start).
pub fn page(conn: &mut Conn, question: Question<'_>, after: &str, limit: usize) -> Result<MapPage, QueryError> {
    let limit = limit.max(1);
    let at_once = if question.filter.is_everything() { limit + 1 } else { limit.max(100) };
    let mut found = Vec::new();
    let mut last = None;
    for (looked_at, row) in tile_rows(conn, &question, FEW_OF_A_PAGE)?.after(after).at_once(at_once).enumerate() {
        if found.len() == limit || looked_at == LOOKED_AT {
            return Ok(MapPage { rows: found, next: last });
        }
        let row = seen(row?, &question);
        last = Some(row.tile.tile_id.clone());
        if question.filter.admits(question.map, &row) {
            found.push(row);
        }
    }
    Ok(MapPage { rows: found, next: None })
}

/// A box with more tiles than `most` is walked through.
fn tile_rows<'c>(conn: &'c mut Conn, question: &Question<'_>, most: usize) -> Result<TileRows<'c>, QueryError> {
    let ids: Vec<i64> = question.map.scenes.iter().map(|scene| scene.id).collect();
    let classes = question.map.scale.classes().len() as u8;
    TileRows::new(conn, question.campaign.id, &ids, classes).within(question.filter.search_box(), most)
}

fn seen(row: TileRow, question: &Question<'_>) -> TileRow {
    row.seen_by(question.sight, question.campaign.state, question.now)
}
