//! The labels that count, page by page: in the order of receipt, or tile by tile.

use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::bbox::Bbox;
use crate::domain::cell::Cell;
use crate::domain::consensus::TileState;
use crate::domain::tile::Tile;
use crate::storage::Conn;
use crate::storage::campaigns::{broken, word};
use crate::storage::schema::{current_labels, labels, queue, tiles, volunteers};

/// Labels read at once.
const PAGE: i64 = 2_000;

/// A label in its tile's consensus, with its tile.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedRow {
    /// The client's id.
    pub id: Uuid,
    /// The tile.
    pub tile: Tile,
    /// The author.
    pub volunteer_id: i64,
    /// Whether the author has, or had, an account.
    pub had_account: bool,
    /// Place of the answer on the scale.
    pub answer: u8,
    /// When the tile was handed out; milliseconds since 1970, UTC.
    pub leased_at: i64,
    /// When the answer arrived, likewise.
    pub received_at: i64,
    /// The program that sent it, `name/version`.
    pub client: Option<String>,
    /// Where the tile stands.
    pub state: TileState,
    /// When it closed.
    pub closed_at: Option<i64>,
}

#[derive(Queryable)]
struct Row {
    id: Vec<u8>,
    tile: TileColumns,
    volunteer_id: i64,
    had_account: bool,
    answer: i16,
    leased_at: i64,
    received_at: i64,
    client: Option<String>,
    state: String,
    closed_at: Option<i64>,
}

type TileColumns = (i64, String, Option<i16>, Option<i32>, Option<i32>, f64, f64, f64, f64);

/// Reads the labels that count, in the order of receipt. Must run inside one snapshot.
pub struct CountedRows<'c> {
    conn: &'c mut Conn,
    campaign_id: i64,
    last: Option<(i64, Vec<u8>)>,
    page: std::vec::IntoIter<CountedRow>,
    finished: bool,
}

impl<'c> CountedRows<'c> {
    /// All of a campaign.
    pub fn new(conn: &'c mut Conn, campaign_id: i64) -> CountedRows<'c> {
        CountedRows { conn, campaign_id, last: None, page: Vec::new().into_iter(), finished: false }
    }

    fn next_page(&mut self) -> QueryResult<()> {
        let rows = page(self.conn, self.campaign_id, self.last.as_ref())?;
        self.finished = (rows.len() as i64) < PAGE;
        if let Some(newest) = rows.last() {
            self.last = Some((newest.received_at, newest.id.clone()));
        }
        self.page = rows.into_iter().map(counted_row).collect::<QueryResult<Vec<_>>>()?.into_iter();
        Ok(())
    }
}

impl Iterator for CountedRows<'_> {
    type Item = QueryResult<CountedRow>;

    fn next(&mut self) -> Option<QueryResult<CountedRow>> {
        if self.page.len() == 0
            && !self.finished
            && let Err(error) = self.next_page()
        {
            self.finished = true;
            return Some(Err(error));
        }
        self.page.next().map(Ok)
    }
}

fn page(conn: &mut Conn, campaign_id: i64, last: Option<&(i64, Vec<u8>)>) -> QueryResult<Vec<Row>> {
    let mut query = labels::table
        .inner_join(
            current_labels::table.on(current_labels::label_id
                .eq(labels::id)
                .and(current_labels::tile.eq(labels::tile))
                .and(current_labels::volunteer_id.eq(labels::volunteer_id))),
        )
        .inner_join(tiles::table.on(tiles::id.eq(labels::tile)))
        .inner_join(queue::table.on(queue::tile.eq(labels::tile)))
        .inner_join(volunteers::table.on(volunteers::id.eq(labels::volunteer_id)))
        .filter(labels::campaign_id.eq(campaign_id))
        .filter(current_labels::counted)
        .filter(tiles::withdrawn_at.is_null())
        .order((labels::received_at, labels::id))
        .limit(PAGE)
        .select((
            labels::id,
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
            ),
            labels::volunteer_id,
            volunteers::had_account,
            current_labels::answer,
            labels::leased_at,
            labels::received_at,
            labels::client,
            queue::state,
            queue::closed_at,
        ))
        .into_boxed();
    if let Some((received_at, id)) = last {
        let same_moment = labels::received_at.eq(*received_at).and(labels::id.gt(id.clone()));
        // The first condition says nothing new; it lets the index begin at the right place.
        query = query
            .filter(labels::received_at.ge(*received_at))
            .filter(labels::received_at.gt(*received_at).or(same_moment));
    }
    query.load(conn)
}

fn counted_row(row: Row) -> QueryResult<CountedRow> {
    Ok(CountedRow {
        id: Uuid::from_slice(&row.id).map_err(|error| broken(format!("a label id is no UUID: {error}")))?,
        tile: tile(row.tile),
        volunteer_id: row.volunteer_id,
        had_account: row.had_account,
        answer: answer(row.answer)?,
        leased_at: row.leased_at,
        received_at: row.received_at,
        client: row.client,
        state: word(&row.state)?,
        closed_at: row.closed_at,
    })
}

/// Without its footprint: no file of labels has it.
fn tile((id, tile_id, z, x, y, west, south, east, north): TileColumns) -> Tile {
    let cell = match (z, x, y) {
        (Some(z), Some(x), Some(y)) => Some(Cell { z: z as u8, x: x as u32, y: y as u32 }),
        _ => None,
    };
    Tile { id, tile_id, cell, bbox: Bbox { west, south, east, north }, footprint: None }
}

fn answer(place: i16) -> QueryResult<u8> {
    u8::try_from(place).map_err(|_| broken(format!("answer {place}")))
}

/// Calls `each` with the counted answers (author and answer) of every tile that has any, tile by tile.
pub fn of_each_tile(conn: &mut Conn, campaign_id: i64, mut each: impl FnMut(&Tile, &[(i64, u8)])) -> QueryResult<()> {
    let mut after = i64::MIN;
    loop {
        let found = tiles_after(conn, campaign_id, after)?;
        let Some(last) = found.last() else { return Ok(()) };
        let ids: Vec<i64> = found.iter().map(|columns| columns.0).collect();
        after = last.0;
        let rows = current_labels::table
            .filter(current_labels::tile.eq_any(ids))
            .filter(current_labels::counted)
            .order((current_labels::tile, current_labels::volunteer_id))
            .select((current_labels::tile, current_labels::volunteer_id, current_labels::answer))
            .load::<(i64, i64, i16)>(conn)?;
        for of_tile in rows.chunk_by(|a, b| a.0 == b.0) {
            let Some(columns) = found.iter().find(|columns| columns.0 == of_tile[0].0) else { continue };
            let answers: Vec<(i64, u8)> =
                of_tile.iter().map(|row| Ok((row.1, answer(row.2)?))).collect::<QueryResult<_>>()?;
            each(&tile(columns.clone()), &answers);
        }
    }
}

fn tiles_after(conn: &mut Conn, campaign_id: i64, after: i64) -> QueryResult<Vec<TileColumns>> {
    tiles::table
        .filter(tiles::campaign_id.eq(campaign_id))
        .filter(tiles::withdrawn_at.is_null())
        .filter(tiles::id.gt(after))
        .order(tiles::id)
        .limit(500)
        .select((
            tiles::id,
            tiles::tile_id,
            tiles::z,
            tiles::x,
            tiles::y,
            tiles::west,
            tiles::south,
            tiles::east,
            tiles::north,
        ))
        .load(conn)
}
