//! Damaged cells that lie together, in boxes of a size that one mapper takes on.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::bbox::Bbox;
use crate::domain::cell::Cell;

/// Most cells in one box.
const MOST: usize = 15;
/// Cells belong together that are so many columns or rows apart, or fewer.
const REACH: i64 = 2;

/// The boxes around groups of cells of one zoom, from the north-west. Every cell is in one of them.
pub fn boxes(cells: &BTreeSet<Cell>) -> Vec<Bbox> {
    let mut left: BTreeSet<(u32, Cell)> = cells.iter().map(|cell| (cell.y, *cell)).collect();
    let mut found = Vec::new();
    while let Some(first) = left.pop_first() {
        let mut together = vec![first.1];
        let mut next = 0;
        while let Some(&cell) = together.get(next) {
            for near in neighbours(cell) {
                if left.remove(&(near.y, near)) {
                    together.push(near);
                }
            }
            next += 1;
        }
        split(together, &mut found);
    }
    found
}

fn neighbours(cell: Cell) -> impl Iterator<Item = Cell> {
    let at = move |x: i64, y: i64| Cell::new(cell.z, u32::try_from(x).ok()?, u32::try_from(y).ok()?);
    let (x, y) = (i64::from(cell.x), i64::from(cell.y));
    (-REACH..=REACH).flat_map(move |dy| (-REACH..=REACH).filter_map(move |dx| at(x + dx, y + dy)))
}

/// Halves a group along its longer side until each part is small enough.
fn split(mut cells: Vec<Cell>, found: &mut Vec<Bbox>) {
    let mut waiting = Vec::new();
    loop {
        if cells.len() <= MOST {
            found.extend(cells.iter().map(|cell| cell.bbox()).reduce(Bbox::union));
        } else {
            let width = |of: fn(&Cell) -> u32| {
                let ends = cells.iter().map(of);
                ends.clone().max().unwrap_or(0) - ends.min().unwrap_or(0)
            };
            match width(|cell| cell.x) >= width(|cell| cell.y) {
                true => cells.sort_by_key(|cell| (cell.x, cell.y)),
                false => cells.sort_by_key(|cell| (cell.y, cell.x)),
            }
            waiting.push(cells.split_off(cells.len() / 2));
            waiting.push(cells);
        }
        match waiting.pop() {
            Some(next) => cells = next,
            None => return,
        }
    }
}

/// The same for cells of several zooms, zoom by zoom.
pub fn boxes_of_all(cells: impl Iterator<Item = Cell>) -> Vec<Bbox> {
    let mut by_zoom: BTreeMap<u8, BTreeSet<Cell>> = BTreeMap::new();
    for cell in cells {
        by_zoom.entry(cell.z).or_default().insert(cell);
    }
    by_zoom.values().flat_map(boxes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(x: u32, y: u32, side: u32) -> impl Iterator<Item = Cell> {
        (0..side * side).filter_map(move |at| Cell::new(18, x + at % side, y + at / side))
    }

    #[test]
    fn cells_that_lie_together_share_a_box_and_others_do_not() {
        let found = boxes_of_all(block(100, 100, 3).chain(block(104, 100, 1)).chain(block(200, 100, 2)));
        assert_eq!(found.len(), 2, "{found:?}");
        let (near, far) = (Cell::new(18, 104, 100).unwrap(), Cell::new(18, 100, 102).unwrap());
        assert_eq!(found[0], near.bbox().union(far.bbox()));
    }

    #[test]
    fn a_large_group_is_halved_until_each_part_is_small() {
        let found = boxes_of_all(block(100, 100, 12));
        let cells: Vec<Cell> = block(100, 100, 12).collect();
        assert!((144 / MOST..=32).contains(&found.len()), "{}", found.len());
        for cell in cells {
            let (lon, lat) = cell.bbox().centre();
            let holds = |b: &Bbox| b.west < lon && lon < b.east && b.south < lat && lat < b.north;
            assert!(found.iter().any(holds), "{cell}");
        }
    }

    #[test]
    fn the_edge_of_the_world_has_no_neighbours_beyond() {
        let corner = Cell::new(2, 0, 0).unwrap();
        assert_eq!(boxes_of_all([corner].into_iter()), [corner.bbox()]);
        assert!(boxes_of_all(std::iter::empty()).is_empty());
    }
}
