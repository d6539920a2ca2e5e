//! Which places a campaign's volunteers will label: grid cells, or the squares around footprints, that have a picture.

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::domain::area::Area;
use crate::domain::bbox::Bbox;
use crate::domain::campaign::{Surroundings, TileSource, Tiling};
use crate::domain::cell::{Cell, MAX_ZOOM, MercatorBox};
use crate::domain::scene::Scene;
use crate::domain::tile::Tile;
use crate::imagery::cut::CellRange;
use crate::imagery::{Archives, SceneArchive, square_around};
use crate::services::Error;
use crate::storage::scenes::footprints::FootprintRow;
use crate::storage::scenes::tiles::NewTile;

/// A tile stays if at least this share of it has a picture in the first and in the last scene.
pub(super) const VALID_SHARE: f64 = 0.5;
/// More cells than this are a wrong zoom rather than a campaign.
const MOST_CELLS: u64 = 2_000_000;

/// The tiles of a campaign.
pub struct Derived {
    /// The tiles, each with its frames. Their ids are 0: the caller gives them.
    pub tiles: Vec<NewTile>,
    /// Zoom of grid cells.
    pub zoom: Option<u8>,
    /// Places left out for want of a picture in the first or the last scene.
    pub left_out: usize,
}

/// A place that may become a tile, and the square of it that is looked at.
pub type Place = (Tile, MercatorBox);

/// Derives the tiles from the scenes, which are in the order of their dates. Reads the archives, on all cores.
pub fn derive_tiles(
    slug: &str,
    scenes: &[Scene],
    archives: &Archives,
    tiling: &Tiling,
    footprints: &[FootprintRow],
) -> Result<Derived, Error> {
    if scenes.is_empty() {
        return Ok(Derived { tiles: Vec::new(), zoom: tiling.zoom, left_out: 0 });
    }
    let (places, zoom) = places(scenes, tiling, footprints)?;
    let opened = open(archives, scenes)?;
    let count = places.len();
    let tiles = places
        .into_par_iter()
        .map(|(tile, area)| Ok(frames(&opened, area)?.map(|frames| new_tile(slug, tile, frames))))
        .collect::<Result<Vec<Option<NewTile>>, Error>>()?;
    let tiles: Vec<NewTile> = tiles.into_iter().flatten().collect();
    Ok(Derived { left_out: count - tiles.len(), tiles, zoom })
}

/// The places at which there may be tiles, and the zoom of cells. Reads no picture.
pub fn places(
    scenes: &[Scene],
    tiling: &Tiling,
    footprints: &[FootprintRow],
) -> Result<(Vec<Place>, Option<u8>), Error> {
    let (Some(first), Some(last)) = (scenes.first(), scenes.last()) else { return Ok((Vec::new(), tiling.zoom)) };
    let shared = shared(first.bounds, last.bounds).ok_or_else(|| {
        Error::Conflict(format!(
            "the scenes `{}` and `{}` do not overlap, so there is nothing to compare: check that both show the same place",
            first.title, last.title
        ))
    })?;
    let area = tiling.area.as_deref().map(|text| Area::read(text).ok_or_else(|| Error::invalid("area", "is damaged")));
    let area = area.transpose()?;
    let inside = |tile: &Tile| area.as_ref().is_none_or(|area| area.holds(tile.bbox.centre()));
    if tiling.source == TileSource::Footprints {
        let around = footprints.iter().map(|row| around_footprint(row, tiling.surroundings));
        return Ok((around.filter(|(tile, _)| inside(tile)).collect(), None));
    }
    let zoom = tiling.zoom.unwrap_or_else(|| fitting_zoom(scenes));
    let searched = match area.as_ref().and_then(Area::bbox) {
        Some(bbox) => self::shared(shared, bbox).ok_or_else(|| {
            let reason = "lies outside of what the first and the last scene show: draw it over the imagery";
            Error::invalid("area", reason)
        })?,
        None => shared,
    };
    let cells = cells(zoom, MercatorBox::from_degrees(searched))?;
    Ok((cells.filter(|(tile, _)| inside(tile)).collect(), Some(zoom)))
}

/// A cell of 128 native pixels of the coarsest scene: large enough to know the place, small enough to need no search.
fn fitting_zoom(scenes: &[Scene]) -> u8 {
    scenes.iter().map(|scene| scene.max_zoom).min().map_or(0, |native| (native + 1).min(MAX_ZOOM))
}

fn cells(zoom: u8, shared: MercatorBox) -> Result<impl Iterator<Item = Place>, Error> {
    if zoom > MAX_ZOOM {
        return Err(Error::invalid("zoom", format!("the zoom of tiles lies between 0 and {MAX_ZOOM}")));
    }
    let side = Cell::side(zoom);
    let many = ((shared.right - shared.left) / side) * ((shared.top - shared.bottom) / side);
    if many > MOST_CELLS as f64 {
        return Err(Error::invalid(
            "zoom",
            format!("at zoom {zoom} this area has some {many:.0} tiles: choose a lower zoom, or a smaller area"),
        ));
    }
    let tile = |cell: Cell| {
        let tile = Tile { id: 0, tile_id: cell.to_string(), cell: Some(cell), bbox: cell.bbox(), footprint: None };
        (tile, cell.mercator())
    };
    let range = CellRange::of(zoom, shared);
    Ok(range.rows().flat_map(move |y| range.row(y)).map(tile))
}

fn around_footprint(row: &FootprintRow, around: Surroundings) -> Place {
    let square = square_to_look_at(row.bbox, around);
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
pub(in crate::services) fn square_to_look_at(outline: Bbox, around: Surroundings) -> MercatorBox {
    square_around(outline, around.margin, around.least_m)
}

/// What two scenes share. Beyond the date line longitudes go on, so that each may be a turn away from the other.
pub(super) fn shared(first: Bbox, last: Bbox) -> Option<Bbox> {
    let moved = |turn: f64| Bbox { west: last.west + turn, east: last.east + turn, ..last };
    [0.0, 360.0, -360.0].iter().find_map(|turn| first.intersection(moved(*turn)))
}

pub(super) type Opened = Vec<(i64, std::sync::Arc<SceneArchive>)>;

pub(super) fn open(archives: &Archives, scenes: &[Scene]) -> Result<Opened, Error> {
    scenes.iter().map(|scene| Ok((scene.id, archives.open(&scene.archive)?))).collect()
}

/// The scenes that show a place, with the share they show; `None` where the first or the last shows too little.
pub(super) fn frames(opened: &Opened, area: MercatorBox) -> Result<Option<Vec<(i64, f64)>>, Error> {
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
pub(in crate::services) fn new_tile(slug: &str, tile: Tile, frames: Vec<(i64, f64)>) -> NewTile {
    let digest = Sha256::digest(format!("{slug}\n{}", tile.tile_id));
    let shuffle_key = digest.iter().take(8).fold(0i64, |key, byte| (key << 8) | i64::from(*byte));
    NewTile { tile, frames, shuffle_key }
}
