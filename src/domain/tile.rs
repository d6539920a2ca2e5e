//! A tile: one place to label, and how it looks to the volunteer who is given it.

use super::bbox::Bbox;
use super::cell::Cell;

/// One place to label.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    /// Database id; never leaves the server.
    pub id: i64,
    /// Public id: `z-x-y`, or the footprint's.
    pub tile_id: String,
    /// The grid cell; `None` for the square around a footprint.
    pub cell: Option<Cell>,
    /// The square, in degrees.
    pub bbox: Bbox,
    /// The footprint as a GeoJSON geometry.
    pub footprint: Option<String>,
}

/// One tile seen in one scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// The scene.
    pub scene_id: i64,
    /// When it was taken: first millisecond since 1970, UTC.
    pub captured_from: i64,
    /// Last millisecond.
    pub captured_to: i64,
}

/// A tile handed to a volunteer for a limited time.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    /// Database id; names the lease in JSON too.
    pub id: i64,
    /// The tile.
    pub tile: Tile,
    /// Its frames, by date.
    pub frames: Vec<Frame>,
    /// When the place is given to somebody else. Milliseconds since 1970, UTC.
    pub expires_at: i64,
}
