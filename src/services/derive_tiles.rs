//! Which places a campaign's volunteers will label: grid cells, or the squares around footprints, that have a picture.

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::Error;
use crate::domain::bbox::Bbox;
use crate::domain::cell::{Cell, MAX_ZOOM, MercatorBox};
use crate::domain::scene::Scene;
use crate::domain::tile::Tile;
use crate::imagery::cut::CellRange;
use crate::imagery::{Archives, SceneArchive, square_around};
use crate::storage::footprints::FootprintRow;
use crate::storage::tiles::NewTile;

/// A tile stays if at least this share of it has a picture in the first and in the last scene.
const VALID_SHARE: f64 = 0.5;
/// More cells than this are a wrong zoom rather than a campaign.
const MOST_CELLS: u64 = 2_000_000;
/// Margin around a footprint, as a share of its longer side: enough street to see what belongs to the building.
const MARGIN: f64 = 0.6;
/// The smallest square around a footprint, metres on the ground.
const LEAST_M: f64 = 30.0;

/// Where tiles come from.
pub enum Source<'a> {
    /// The cells of a zoom; without one, the zoom that fits the imagery.
    Cells(Option<u8>),
    /// One tile for each footprint.
    Footprints(&'a [FootprintRow]),
}

/// The tiles of a campaign.
pub struct Derived {
    /// The tiles, each with its frames. Their ids are 0: the caller gives them.
    pub tiles: Vec<NewTile>,
    /// Zoom of grid cells.
    pub zoom: Option<u8>,
    /// Places left out for want of a picture in the first or the last scene.
    pub left_out: usize,
}

/// Derives the tiles from the scenes, which are in the order of their dates. Reads the archives, on all cores.
pub fn derive_tiles(slug: &str, scenes: &[Scene], archives: &Archives, source: &Source<'_>) -> Result<Derived, Error> {
    let (Some(first), Some(last)) = (scenes.first(), scenes.last()) else {
        return Ok(Derived { tiles: Vec::new(), zoom: None, left_out: 0 });
    };
    let Some(shared) = shared(first.bounds, last.bounds) else {
        return Err(Error::Conflict(format!(
            "the scenes `{}` and `{}` do not overlap, so there is nothing to compare: check that both show the same place",
            first.title, last.title
        )));
    };
    let zoom = match source {
        Source::Cells(zoom) => Some(zoom.unwrap_or_else(|| fitting_zoom(scenes))),
        Source::Footprints(_) => None,
    };
    let places = places(source, zoom, MercatorBox::from_degrees(shared))?;
    let opened = open(archives, scenes)?;
    let count = places.len();
    let tiles = places
        .into_par_iter()
        .map(|(tile, area)| Ok(frames(&opened, area)?.map(|frames| new_tile(slug, tile, frames))))
        .collect::<Result<Vec<Option<NewTile>>, Error>>()?;
    let tiles: Vec<NewTile> = tiles.into_iter().flatten().collect();
    Ok(Derived { left_out: count - tiles.len(), tiles, zoom })
}

/// A cell of 128 native pixels of the coarsest scene: large enough to know the place, small enough to need no search.
fn fitting_zoom(scenes: &[Scene]) -> u8 {
    scenes.iter().map(|scene| scene.max_zoom).min().map_or(0, |native| (native + 1).min(MAX_ZOOM))
}

fn places(source: &Source<'_>, zoom: Option<u8>, shared: MercatorBox) -> Result<Vec<(Tile, MercatorBox)>, Error> {
    match (source, zoom) {
        (Source::Footprints(rows), _) => Ok(rows.iter().map(around_footprint).collect()),
        (Source::Cells(_), Some(zoom)) if zoom <= MAX_ZOOM => cells(zoom, shared),
        (Source::Cells(_), _) => {
            Err(Error::invalid("zoom", format!("the zoom of tiles lies between 0 and {MAX_ZOOM}")))
        }
    }
}

fn cells(zoom: u8, shared: MercatorBox) -> Result<Vec<(Tile, MercatorBox)>, Error> {
    let side = Cell::side(zoom);
    let many = ((shared.right - shared.left) / side) * ((shared.top - shared.bottom) / side);
    if many > MOST_CELLS as f64 {
        return Err(Error::invalid(
            "zoom",
            format!("at zoom {zoom} this area has some {many:.0} tiles: choose a lower zoom"),
        ));
    }
    let tile = |cell: Cell| {
        let tile = Tile { id: 0, tile_id: cell.to_string(), cell: Some(cell), bbox: cell.bbox(), footprint: None };
        (tile, cell.mercator())
    };
    let range = CellRange::of(zoom, shared);
    Ok(range.rows().flat_map(|y| range.row(y)).map(tile).collect())
}

fn around_footprint(row: &FootprintRow) -> (Tile, MercatorBox) {
    let square = square_to_look_at(row.bbox);
    let tile = Tile {
        id: 0,
        tile_id: row.id.clone(),
        cell: None,
        bbox: square.to_degrees(),
        footprint: Some(row.geometry.clone()),
    };
    (tile, square)
}

/// The square in which the outline in this rectangle is looked at.
pub(super) fn square_to_look_at(outline: Bbox) -> MercatorBox {
    square_around(outline, MARGIN, LEAST_M)
}

/// What two scenes share. Beyond the date line longitudes go on, so that each may be a turn away from the other.
fn shared(first: Bbox, last: Bbox) -> Option<Bbox> {
    let moved = |turn: f64| Bbox { west: last.west + turn, east: last.east + turn, ..last };
    [0.0, 360.0, -360.0].iter().find_map(|turn| first.intersection(moved(*turn)))
}

type Opened = Vec<(i64, std::sync::Arc<SceneArchive>)>;

fn open(archives: &Archives, scenes: &[Scene]) -> Result<Opened, Error> {
    scenes.iter().map(|scene| Ok((scene.id, archives.open(&scene.archive)?))).collect()
}

/// The scenes that show a place, with the share they show; `None` where the first or the last shows too little.
fn frames(opened: &Opened, area: MercatorBox) -> Result<Option<Vec<(i64, f64)>>, Error> {
    let mut frames = Vec::with_capacity(opened.len());
    for (place, (scene_id, archive)) in opened.iter().enumerate() {
        let share = archive.valid_share(area)?;
        let needed = place == 0 || place + 1 == opened.len();
        if needed && share < VALID_SHARE {
            return Ok(None);
        }
        if share > 0.0 {
            frames.push((*scene_id, share));
        }
    }
    Ok(Some(frames))
}

/// The place on the ring is a hash of what the tile is called, so that it is the same on every database.
pub(super) fn new_tile(slug: &str, tile: Tile, frames: Vec<(i64, f64)>) -> NewTile {
    let digest = Sha256::digest(format!("{slug}\n{}", tile.tile_id));
    let shuffle_key = digest.iter().take(8).fold(0i64, |key, byte| (key << 8) | i64::from(*byte));
    NewTile { tile, frames, shuffle_key }
}
