//! Releases and the cells that everybody sees of coarsened campaigns.

use diesel::prelude::*;

use crate::domain::cell::Cell;
use crate::domain::coarse::CoarseCell;
use crate::domain::release::Release;
use crate::storage::Conn;
use crate::storage::campaigns::{broken, word};
use crate::storage::schema::{coarse_cells, current_labels, releases};

/// Rows inserted with one statement.
const CHUNK: usize = 500;

type Columns = (i64, i32, String, String, String, String, String, i64);

macro_rules! columns {
    () => {
        (
            releases::id,
            releases::version,
            releases::level,
            releases::manifest,
            releases::citation,
            releases::changes,
            releases::notes,
            releases::as_of,
        )
    };
}

fn release(row: Columns) -> QueryResult<Release> {
    let (id, version, level, manifest, citation, changes, notes, as_of) = row;
    let wrong = |error: serde_json::Error| broken(format!("a stored release cannot be read: {error}"));
    Ok(Release {
        id,
        version: version.unsigned_abs(),
        level: word(&level)?,
        manifest: serde_json::from_str(&manifest).map_err(wrong)?,
        citation: serde_json::from_str(&citation).map_err(wrong)?,
        changes: serde_json::from_str(&changes).map_err(wrong)?,
        notes,
        as_of,
    })
}

/// Stores a release with its cells. Fails where the version is taken.
pub fn insert(
    conn: &mut Conn,
    campaign_id: i64,
    new: &Release,
    cells: &[CoarseCell],
    by: Option<i64>,
) -> QueryResult<()> {
    let json = |value: serde_json::Result<String>| value.map_err(|error| broken(error.to_string()));
    diesel::insert_into(releases::table)
        .values((
            releases::id.eq(new.id),
            releases::campaign_id.eq(campaign_id),
            releases::version.eq(new.version as i32),
            releases::level.eq(new.level.key()),
            releases::model.eq(new.manifest.model as i32),
            releases::manifest.eq(json(serde_json::to_string(&new.manifest))?),
            releases::citation.eq(json(serde_json::to_string(&new.citation))?),
            releases::changes.eq(json(serde_json::to_string(&new.changes))?),
            releases::notes.eq(&new.notes),
            releases::created_by.eq(by),
            releases::as_of.eq(new.as_of),
        ))
        .execute(conn)?;
    for chunk in cells.chunks(CHUNK) {
        let mut rows = Vec::with_capacity(chunk.len());
        for one in chunk {
            rows.push((
                coarse_cells::release_id.eq(new.id),
                coarse_cells::z.eq(i16::from(one.cell.z)),
                coarse_cells::x.eq(one.cell.x as i32),
                coarse_cells::y.eq(one.cell.y as i32),
                coarse_cells::tiles.eq(one.tiles as i64),
                coarse_cells::closed.eq(one.closed as i64),
                coarse_cells::labels.eq(one.labels as i64),
                coarse_cells::classes.eq(json(serde_json::to_string(&one.classes))?),
            ));
        }
        crate::storage::each_backend!(conn, inner => diesel::insert_into(coarse_cells::table).values(&rows).execute(inner))?;
    }
    Ok(())
}

/// All releases of a campaign, newest first.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Release>> {
    let rows = releases::table
        .filter(releases::campaign_id.eq(campaign_id))
        .order(releases::version.desc())
        .select(columns!())
        .load::<Columns>(conn)?;
    rows.into_iter().map(release).collect()
}

/// The release of that version.
pub fn find(conn: &mut Conn, campaign_id: i64, version: u32) -> QueryResult<Option<Release>> {
    let Ok(version) = i32::try_from(version) else { return Ok(None) };
    let row = releases::table
        .filter(releases::campaign_id.eq(campaign_id))
        .filter(releases::version.eq(version))
        .select(columns!())
        .first::<Columns>(conn)
        .optional()?;
    row.map(release).transpose()
}

/// All releases of all campaigns, oldest first.
pub fn all(conn: &mut Conn) -> QueryResult<Vec<Release>> {
    let rows = releases::table.order(releases::id).select(columns!()).load::<Columns>(conn)?;
    rows.into_iter().map(release).collect()
}

/// Whether there is a release of that database id.
pub fn exists(conn: &mut Conn, id: i64) -> QueryResult<bool> {
    Ok(releases::table.find(id).count().get_result::<i64>(conn)? > 0)
}

/// The cells of a release, by zoom, column and row.
pub fn cells_of(conn: &mut Conn, release_id: i64) -> QueryResult<Vec<CoarseCell>> {
    let rows = coarse_cells::table
        .filter(coarse_cells::release_id.eq(release_id))
        .order((coarse_cells::z, coarse_cells::x, coarse_cells::y))
        .select((
            (coarse_cells::z, coarse_cells::x, coarse_cells::y),
            coarse_cells::tiles,
            coarse_cells::closed,
            coarse_cells::labels,
            coarse_cells::classes,
        ))
        .load::<((i16, i32, i32), i64, i64, i64, String)>(conn)?;
    let cell = |((z, x, y), tiles, closed, labels, classes): ((i16, i32, i32), i64, i64, i64, String)| {
        let classes = serde_json::from_str(&classes).map_err(|error| broken(format!("stored cells: {error}")))?;
        let cell = Cell { z: z as u8, x: x.unsigned_abs(), y: y.unsigned_abs() };
        let [tiles, closed, labels] = [tiles, closed, labels].map(i64::unsigned_abs);
        Ok(CoarseCell { cell, tiles, closed, classes, labels })
    };
    rows.into_iter().map(cell).collect()
}

/// Counted labels of a campaign, `(tile, volunteer)`, up to `limit` after one of them.
pub fn counted_labels(
    conn: &mut Conn,
    campaign_id: i64,
    (tile, volunteer): (i64, i64),
    limit: i64,
) -> QueryResult<Vec<(i64, i64)>> {
    let later =
        current_labels::tile.gt(tile).or(current_labels::tile.eq(tile).and(current_labels::volunteer_id.gt(volunteer)));
    current_labels::table
        .filter(current_labels::campaign_id.eq(campaign_id))
        .filter(current_labels::tile.ge(tile))
        .filter(later)
        .filter(current_labels::counted)
        .order((current_labels::tile, current_labels::volunteer_id))
        .limit(limit)
        .select((current_labels::tile, current_labels::volunteer_id))
        .load(conn)
}
