//! The key by which tiles are found by place, the same on both databases: a loose quadtree, laid out along a Z-curve.
//!
//! A tile is kept at the deepest zoom whose cells are at least as large as the tile, in the cell that holds its centre. So
//! it reaches out of that cell by half a cell at most, and a search looks, zoom by zoom, at the cells of its box and half a
//! cell around. Cells of one zoom are numbered along the Z-curve (Morton, 1966), on which a rectangle is a handful of
//! ranges: an ordinary index over whole numbers serves it.

use super::bbox::Bbox;
use super::cell::{Cell, MAX_ZOOM, MercatorBox};
use super::tile::Tile;

/// Bits of the place on the Z-curve; the zoom stands above them.
const CURVE_BITS: u32 = 2 * MAX_ZOOM as u32;
/// A search is cut into no more than about this many ranges for each zoom; the rest is asked for although it is beyond.
const MOST_RANGES: usize = 12;
/// Beyond half a cell, for what is lost on the way to degrees and back. A share of a cell.
const HAIR: f64 = 1e-3;

/// The key of a tile.
pub fn of_tile(tile: &Tile) -> i64 {
    of_cell(tile.cell.unwrap_or_else(|| loose_cell(tile.bbox)))
}

/// The smallest key of a zoom; keys of a zoom lie between it and that of the next.
pub fn first_of_zoom(zoom: u8) -> i64 {
    i64::from(zoom) << CURVE_BITS
}

/// The zoom of a key.
pub fn zoom_of(key: i64) -> u8 {
    (key >> CURVE_BITS) as u8
}

/// Ranges of keys (both ends included), in order, that hold all tiles kept at that zoom which touch a box. The box may
/// cross the date line: its longitudes then go on beyond 180.
pub fn ranges(bbox: Bbox, zoom: u8) -> Vec<(i64, i64)> {
    let cells = 1i64 << zoom;
    let area = MercatorBox::from_degrees(bbox);
    let side = Cell::side(zoom);
    let around = side * (0.5 + HAIR);
    let place = |metres: f64| (metres / side).floor() as i64 + cells / 2;
    let (mut west, mut east) = (place(area.left - around), place(area.right + around));
    if zoom == 0 {
        (west, east) = (0, 0);
    } else if east - west >= cells {
        (west, east) = (0, cells - 1);
    }
    // Rows count from the north.
    let row = |metres: f64| (((-metres / side) + cells as f64 / 2.0).floor() as i64).clamp(0, cells - 1);
    let (north, south) = (row(area.top + around), row(area.bottom - around));
    let mut found = Vec::new();
    // What lies beyond either edge of the square comes in again at the other, be it after more than one turn.
    for turn in [-2 * cells, -cells, 0, cells, 2 * cells] {
        let (from, to) = ((west + turn).max(0), (east + turn).min(cells - 1));
        if from <= to {
            let window = Window { west: from, east: to, north, south };
            descend(zoom, (0, 0, zoom), &window, &mut found);
        }
    }
    merged(found)
}

/// The deepest cell that is at least as large as a box and holds its centre.
fn loose_cell(bbox: Bbox) -> Cell {
    let (lon, lat) = bbox.centre();
    let turned = Bbox { west: bbox.west - lon + wrapped(lon), east: bbox.east - lon + wrapped(lon), ..bbox };
    let area = MercatorBox::from_degrees(turned);
    let size = (area.right - area.left).max(area.top - area.bottom) * (1.0 - HAIR);
    let zoom = (0..=MAX_ZOOM).rev().find(|zoom| Cell::side(*zoom) >= size).unwrap_or(0);
    let (x, y) = super::cell::to_mercator(wrapped(lon), lat);
    Cell::at(zoom, x, y)
}

/// A longitude between -180 and 180.
fn wrapped(lon: f64) -> f64 {
    (lon + 180.0).rem_euclid(360.0) - 180.0
}

fn of_cell(cell: Cell) -> i64 {
    first_of_zoom(cell.z) | (spread(cell.x) | spread(cell.y) << 1) as i64
}

/// Puts a zero between any two bits.
fn spread(number: u32) -> u64 {
    const STEPS: [(u32, u64); 5] = [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ];
    STEPS.iter().fold(u64::from(number), |bits, (shift, mask)| (bits | bits << shift) & mask)
}

/// Columns and rows of cells, both ends included.
struct Window {
    west: i64,
    east: i64,
    north: i64,
    south: i64,
}

/// Walks the quadtree from the whole world: a quarter that lies in the window is one range, one that does not meet it is
/// none, and one that does in part is cut again, until there are ranges enough.
fn descend(zoom: u8, whole: (i64, i64, u8), window: &Window, found: &mut Vec<(i64, i64)>) {
    let mut level = vec![whole];
    while let Some(&(_, _, height)) = level.first() {
        let mut next = Vec::new();
        for &(x, y, _) in &level {
            let (left, top, last) = (x << height, y << height, (1i64 << height) - 1);
            let apart =
                left > window.east || left + last < window.west || top > window.south || top + last < window.north;
            let inside =
                left >= window.west && left + last <= window.east && top >= window.north && top + last <= window.south;
            let enough = found.len() + next.len() >= 4 * MOST_RANGES;
            if apart {
                continue;
            }
            if inside || height == 0 || enough {
                found.push(quarter(zoom, (left, top), height));
            } else {
                next.extend(
                    [(2 * x, 2 * y), (2 * x + 1, 2 * y), (2 * x, 2 * y + 1), (2 * x + 1, 2 * y + 1)]
                        .map(|(x, y)| (x, y, height - 1)),
                );
            }
        }
        level = next;
    }
}

/// The range of all cells in a quarter whose north-west cell is given.
fn quarter(zoom: u8, (x, y): (i64, i64), height: u8) -> (i64, i64) {
    let first = first_of_zoom(zoom) | (spread(x as u32) | spread(y as u32) << 1) as i64;
    (first, first + (1i64 << (2 * height)) - 1)
}

/// In order, neighbours as one; while there are too many, the two with the smallest gap between them become one.
fn merged(mut ranges: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    ranges.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match joined.last_mut() {
            Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    while joined.len() > MOST_RANGES {
        let gap = |at: &usize| joined[*at + 1].0 - joined[*at].1;
        let Some(at) = (0..joined.len() - 1).min_by_key(gap) else { break };
        joined[at].1 = joined[at + 1].1;
        joined.remove(at + 1);
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tile(bbox: Bbox) -> Tile {
        Tile { id: 1, tile_id: String::new(), cell: None, bbox, footprint: None }
    }

    fn found(tile: &Tile, search: Bbox) -> bool {
        let key = of_tile(tile);
        ranges(search, zoom_of(key)).iter().any(|(first, last)| (*first..=*last).contains(&key))
    }

    #[test]
    fn a_cell_has_the_number_of_its_quadkey() {
        let cell = Cell { z: 5, x: 19, y: 6 };
        let number = i64::from_str_radix(&cell.quadkey(), 4).unwrap();
        let tile = Tile { cell: Some(cell), ..tile(cell.bbox()) };
        assert_eq!(of_tile(&tile), first_of_zoom(5) + number);
        assert_eq!(zoom_of(of_tile(&tile)), 5);
        assert_eq!(of_tile(&Tile { cell: None, ..tile }), first_of_zoom(5) + number);
    }

    #[test]
    fn a_small_box_asks_for_few_cells() {
        let search = Bbox { west: 39.0, south: 35.9, east: 39.01, north: 35.91 };
        let asked: i64 = ranges(search, 17).iter().map(|(first, last)| last - first + 1).sum();
        let needed = 6 * 7;
        assert!(ranges(search, 17).len() <= MOST_RANGES && asked <= 3 * needed, "{asked} cells");
    }

    #[test]
    fn a_tile_on_the_date_line_is_found_from_both_sides() {
        let across = tile(Bbox { west: 179.995, south: -17.0, east: 180.005, north: -16.99 });
        for search in [
            Bbox { west: 179.0, south: -17.0, east: 179.996, north: -16.0 },
            Bbox { west: -180.0, south: -17.0, east: -179.996, north: -16.0 },
            Bbox { west: 179.999, south: -17.0, east: 180.001, north: -16.0 },
        ] {
            assert!(found(&across, search), "{search:?}");
        }
    }

    proptest! {
        #[test]
        fn every_tile_that_touches_a_box_is_found(
            (lon, lat) in (-180.0..180.0f64, -84.0..84.0f64),
            (width, height) in (1e-5..3.0f64, 1e-5..3.0f64),
            (dx, dy) in (-1.0..1.0f64, -1.0..1.0f64),
            (w, h) in (0.0..5.0f64, 0.0..5.0f64),
        ) {
            let one = tile(Bbox { west: lon, south: lat, east: lon + width, north: lat + height });
            // A box that touches it somewhere.
            let (x, y) = (lon + width * (dx + 1.0) / 2.0, lat + height * (dy + 1.0) / 2.0);
            for turn in [-360.0, 0.0, 360.0] {
                let search = Bbox { west: x - w + turn, south: y - h, east: x + turn, north: y };
                prop_assert!(found(&one, search), "{one:?} in {search:?}");
            }
        }
    }
}
