//! Downloads in the columns of other systems, so that people's existing notebooks run over our maps.
//!
//! Each file is written row by row from the damage map and the label log; nothing here asks the database.

pub mod clusters;
pub mod mapswipe;
mod table;
pub mod zooniverse;

use sha2::{Digest, Sha256};

pub use table::{Features, Table, gzip};

use crate::domain::cell::{Cell, to_mercator};
use crate::domain::consensus::TileState;
use crate::domain::geometry::Geometry;
use crate::domain::scale::{BAD_IMAGERY, Role, Scale};
use crate::domain::tile::Tile;

/// Zoom of the groups of tiles that are no cells.
const GROUP_ZOOM: u8 = 15;
/// Levels between a cell and its group: 8 by 8 cells.
const GROUP_LEVELS: u8 = 3;
/// Answers that MapSwipe knows: no, yes, maybe, bad imagery.
pub const CODES: usize = 4;

/// One counted label with all that the files of other systems say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedLabel {
    /// The client's id, 16 bytes.
    pub id: uuid::Uuid,
    /// The tile.
    pub tile: Tile,
    /// The author's pseudonym.
    pub person: String,
    /// Whether the author has no account.
    pub guest: bool,
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

/// A number for something that has none outside the database: the same in every file, from what it is called. 53 bits, so
/// that spreadsheets and JavaScript read it exactly.
pub fn number_of(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    let number = digest.iter().take(8).fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
    (number >> 11) as i64
}

/// The group that a tile would be in: the cell three levels up, or the cell of zoom 15 that holds its middle.
pub fn group_of(tile: &Tile) -> String {
    let cell = match tile.cell {
        Some(cell) => (0..GROUP_LEVELS).fold(cell, |cell, _| cell.parent().unwrap_or(cell)),
        None => middle(tile, GROUP_ZOOM),
    };
    format!("g{cell}")
}

/// The cell of a zoom that holds the middle of a tile.
fn middle(tile: &Tile, zoom: u8) -> Cell {
    let (lon, lat) = tile.bbox.centre();
    let (x, y) = to_mercator(lon, lat);
    Cell::at(zoom, x, y)
}

/// The answer that MapSwipe has for ours: 0 no, 1 yes (any damage), 2 maybe, 3 bad imagery.
pub fn code_of(scale: &Scale, place: usize) -> usize {
    match scale.answers.get(place).map(|answer| (answer.role, answer.key.as_str())) {
        Some((Role::Class, _)) => usize::from(place > 0),
        Some((_, BAD_IMAGERY)) => 3,
        _ => 2,
    }
}

/// The outline of a tile as WKT, always a MULTIPOLYGON.
pub fn multipolygon(tile: &Tile) -> String {
    let mut wkt = String::new();
    Geometry::of_tile(tile).push_wkt(&mut wkt);
    match wkt.strip_prefix("POLYGON ") {
        Some(rings) => format!("MULTIPOLYGON ({rings})"),
        None => wkt,
    }
}

/// A name that a spreadsheet would run as a formula, made harmless; the same in all files, so that they join.
pub fn safe(name: &str) -> String {
    crate::export::csv::guarded(name).into_owned()
}

/// Where an image of a tile is on the server that holds it; blank for a tile that is no cell, or without a scene.
pub fn url_of(tile: &Tile, scene: Option<i64>) -> String {
    let cell = tile.cell.zip(scene);
    cell.map_or(String::new(), |(Cell { z, x, y }, scene)| format!("/tiles/{scene}/{z}/{x}/{y}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_exact_in_a_spreadsheet_and_differs() {
        assert!(number_of("18-1-2") < 1 << 53 && number_of("18-1-2") != number_of("18-1-3"));
        assert_eq!(number_of("18-1-2"), number_of("18-1-2"));
    }

    #[test]
    fn every_answer_has_a_code() {
        let scale = Scale::built_in("conflict3").unwrap();
        let codes: Vec<usize> = (0..scale.answers.len()).map(|place| code_of(&scale, place)).collect();
        assert_eq!(codes, [0, 1, 1, 2, 3]);
    }

    #[test]
    fn a_group_holds_eight_by_eight_cells() {
        let of = |x, y| {
            let cell = Cell::new(18, x, y).unwrap();
            group_of(&Tile { id: 0, tile_id: String::new(), cell: Some(cell), bbox: cell.bbox(), footprint: None })
        };
        assert_eq!(of(16, 8), "g15-2-1");
        assert_eq!((of(23, 15), of(24, 15)), (of(16, 8), "g15-3-1".to_owned()));
    }
}
