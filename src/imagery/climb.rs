//! From finished blocks up to the coarsest zoom: a parent is drawn as soon as the last of its children is there.

use std::collections::HashMap;

use crate::domain::cell::Cell;

use super::cut::CellRange;
use super::error::ImageryError;
use super::pyramid::shrink;

/// Takes the pixels of a finished cell; `None` is a cell without picture.
pub type Store<'a> = dyn Fn(Cell, Option<&[u8]>) -> Result<(), ImageryError> + 'a;

/// Parents that wait for children. Blocks come row by row, so about one row of each zoom waits at a time.
pub struct Climb<'a> {
    top: u8,
    ranges: &'a [CellRange],
    waiting: HashMap<Cell, Waiting>,
}

#[derive(Default)]
struct Waiting {
    children: [Option<Vec<u8>>; 4],
    arrived: usize,
}

impl<'a> Climb<'a> {
    /// A climb up to zoom `top`; `ranges` holds the cells of each zoom.
    pub fn new(top: u8, ranges: &'a [CellRange]) -> Climb<'a> {
        Climb { top, ranges, waiting: HashMap::new() }
    }

    /// Takes finished cells, and draws and stores all parents that are complete now.
    pub fn take(&mut self, drawn: Vec<(Cell, Option<Vec<u8>>)>, store: &Store<'_>) -> Result<(), ImageryError> {
        for (mut cell, mut pixels) in drawn {
            while let Some(parent) = cell.parent().filter(|parent| parent.z >= self.top) {
                let Some(children) = self.complete(cell, parent, pixels) else { break };
                (cell, pixels) = (parent, shrink(&children));
                store(cell, pixels.as_deref())?;
            }
        }
        Ok(())
    }

    /// Puts a child in its place; returns all four when it was the last one.
    fn complete(&mut self, cell: Cell, parent: Cell, pixels: Option<Vec<u8>>) -> Option<[Option<Vec<u8>>; 4]> {
        let range = self.ranges[usize::from(cell.z)];
        let waiting = self.waiting.entry(parent).or_default();
        waiting.children[(cell.y % 2 * 2 + cell.x % 2) as usize] = pixels;
        waiting.arrived += 1;
        if (waiting.arrived as u64) < range.below(parent) {
            return None;
        }
        self.waiting.remove(&parent).map(|waiting| waiting.children)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::imagery::reproject::TILE_BYTES;

    #[test]
    fn each_parent_is_drawn_once_when_its_last_child_is_there() {
        let home = Cell { z: 4, x: 5, y: 9 };
        let ranges: Vec<CellRange> = (0..=7).map(|z| CellRange::of(z, home.mercator())).collect();
        let seen = Mutex::new(Vec::new());
        let store = |cell: Cell, pixels: Option<&[u8]>| {
            seen.lock().unwrap().push((cell, pixels.is_some()));
            Ok(())
        };
        let mut climb = Climb::new(4, &ranges);
        let mut cells: Vec<Cell> = ranges[7].rows().flat_map(|y| ranges[7].row(y)).collect();
        assert_eq!(cells.len(), 64);
        cells.reverse();
        let tile = |cell: Cell| (cell, (cell.x % 8 < 4).then(|| vec![9; TILE_BYTES]));
        climb.take(cells[..63].iter().copied().map(tile).collect(), &store).unwrap();
        assert_eq!(seen.lock().unwrap().len(), 15 + 3);
        climb.take(vec![tile(cells[63])], &store).unwrap();
        let seen = seen.into_inner().unwrap();
        assert_eq!((seen.len(), seen.last().unwrap()), (21, &(home, true)));
        assert_eq!(seen.iter().filter(|(cell, full)| cell.z == 5 && *full).count(), 2);
        assert!(climb.waiting.is_empty());
    }
}
