//! Coarsening: what everybody sees of a campaign whose map is released in area cells only.
//!
//! A cell is shown where it holds at least [`LABELS`] labels from at least [`PEOPLE`] people. What is promised beyond
//! that single cell:
//!
//! - Cells of one release never lie inside each other, so none can be subtracted from another.
//! - A cell once shown stays: later it is divided only where all of its parts can be shown, and never joined with others.
//!   So what two releases show of a place can be compared only as a whole.
//! - A cell shown before gets new figures only where the tiles that changed since hold, by themselves, that many labels
//!   from that many people; else it shows the former figures again. So the difference between two consecutive releases
//!   is nothing, or as much as a cell of its own.
//!
//! Not promised: that a cell is not all of one class; and nothing about what was released before at the level `public`.

use std::collections::{BTreeMap, BTreeSet};

use super::cell::{Cell, MAX_ZOOM};

/// Labels that a shown cell holds at least.
pub const LABELS: u64 = 5;
/// People that these labels come from at least.
pub const PEOPLE: usize = 3;
/// A shown cell is at least so many tiles wide.
const TILES_WIDE: f64 = 8.0;
/// Where nothing was shown before, a cell is divided if its parts that can be shown hold this share of its closed tiles
/// at least, in tenths.
const KEPT_TENTHS: u64 = 9;

/// The labels behind something, and from how many people they come, as far as that matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backing {
    labels: u64,
    people: [i64; PEOPLE],
    known: usize,
}

impl Backing {
    /// Adds a label of this person.
    pub fn add(&mut self, person: i64) {
        self.labels += 1;
        self.meet(person);
    }

    fn meet(&mut self, person: i64) {
        if self.known < PEOPLE && !self.people[..self.known].contains(&person) {
            self.people[self.known] = person;
            self.known += 1;
        }
    }

    /// Adds what is behind something else.
    pub fn join(&mut self, other: &Backing) {
        self.labels += other.labels;
        other.people[..other.known].iter().for_each(|&person| self.meet(person));
    }

    /// Whether it is enough to be shown.
    pub fn is_enough(&self) -> bool {
        self.labels >= LABELS && self.known >= PEOPLE
    }
}

/// A closed tile as it enters the figures of its cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Place of its class; `None` without one.
    pub class: Option<u8>,
    /// Its counted labels.
    pub labels: u32,
}

/// A tile on its way into a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoarseTile {
    /// The finest cell that it lies in.
    pub cell: Cell,
    /// What everybody could see of it now; `None`: it is open.
    pub now: Option<Shown>,
    /// How it entered the figures of the last release; `None`: not at all.
    pub before: Option<Shown>,
    /// Its counted labels and their authors, now.
    pub backing: Backing,
}

/// A cell as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoarseCell {
    /// Where it is.
    pub cell: Cell,
    /// Tiles in it.
    pub tiles: u64,
    /// Closed ones.
    pub closed: u64,
    /// Closed tiles of each class.
    pub classes: Vec<u64>,
    /// Labels of the closed tiles; only their band is shown.
    pub labels: u64,
}

impl CoarseCell {
    /// Share of a class among its closed tiles; `None` without a closed tile.
    pub fn share(&self, class: usize) -> Option<f64> {
        let count = self.classes.get(class).copied().unwrap_or(0);
        (self.closed > 0).then(|| count as f64 / self.closed as f64)
    }

    /// Share of damaged tiles among its closed ones: all classes but the first.
    pub fn damaged_share(&self) -> Option<f64> {
        let damaged: u64 = self.classes.iter().skip(1).sum();
        (self.closed > 0).then(|| damaged as f64 / self.closed as f64)
    }

    /// How many labels it holds, roughly: `5-9`, `10-19`, … `1000+`.
    pub fn labels_band(&self) -> &'static str {
        const BANDS: [(u64, &str); 9] = [
            (1_000, "1000+"),
            (500, "500-999"),
            (200, "200-499"),
            (100, "100-199"),
            (50, "50-99"),
            (20, "20-49"),
            (10, "10-19"),
            (LABELS, "5-9"),
            (0, "0-4"),
        ];
        BANDS.iter().find(|(from, _)| self.labels >= *from).map_or("0-4", |(_, band)| band)
    }
}

/// The outcome of coarsening.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coarse {
    /// The cells that are shown, by zoom, column and row.
    pub cells: Vec<CoarseCell>,
    /// How each tile enters their figures, in the order of the tiles: `before` of the next release.
    pub basis: Vec<Option<Shown>>,
}

/// The zoom of the finest cells for tiles of this side, web mercator metres: at least eight tiles wide.
pub fn finest_zoom(tile_side: f64) -> u8 {
    (0..=MAX_ZOOM).rev().find(|&zoom| Cell::side(zoom) >= TILES_WIDE * tile_side).unwrap_or(0)
}

/// The cell of a coarser zoom that holds this one.
pub fn ancestor(cell: Cell, zoom: u8) -> Cell {
    let up = cell.z.saturating_sub(zoom);
    Cell { z: cell.z - up, x: cell.x >> up, y: cell.y >> up }
}

/// Chooses the cells and their figures. All tiles have cells of the zoom `finest`; `earlier` are the cells that the last
/// release showed.
pub fn coarsen(finest: u8, earlier: &BTreeSet<Cell>, tiles: &[CoarseTile], classes: usize) -> Coarse {
    let mut plan =
        Plan { finest, earlier, nodes: grow(finest, tiles), above: BTreeSet::new(), chosen: BTreeMap::new() };
    for &cell in earlier {
        plan.above.extend((0..cell.z).map(|zoom| ancestor(cell, zoom)));
    }
    plan.walk(Cell { z: 0, x: 0, y: 0 });
    fill(finest, &plan.chosen, tiles, classes)
}

/// What a cell of any zoom holds.
#[derive(Default)]
struct Node {
    /// Closed tiles.
    closed: u64,
    /// What is behind them.
    now: Backing,
    /// Tiles that changed since the last release.
    changed: u64,
    /// What is behind these.
    change: Backing,
}

impl Node {
    fn take(&mut self, other: &Node) {
        self.closed += other.closed;
        self.now.join(&other.now);
        self.changed += other.changed;
        self.change.join(&other.change);
    }
}

fn grow(finest: u8, tiles: &[CoarseTile]) -> BTreeMap<Cell, Node> {
    let mut level: BTreeMap<Cell, Node> = BTreeMap::new();
    for tile in tiles {
        let node = level.entry(ancestor(tile.cell, finest)).or_default();
        if tile.now.is_some() {
            node.closed += 1;
            node.now.join(&tile.backing);
        }
        if tile.now != tile.before {
            node.changed += 1;
            node.change.join(&tile.backing);
        }
    }
    let mut all = BTreeMap::new();
    for zoom in (0..finest).rev() {
        let mut parents: BTreeMap<Cell, Node> = BTreeMap::new();
        for (cell, node) in &level {
            parents.entry(ancestor(*cell, zoom)).or_default().take(node);
        }
        all.append(&mut level);
        level = parents;
    }
    all.append(&mut level);
    all
}

/// Whose figures a shown cell has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Figures {
    Now,
    Former,
}

struct Plan<'a> {
    finest: u8,
    earlier: &'a BTreeSet<Cell>,
    nodes: BTreeMap<Cell, Node>,
    /// Cells that hold one that was shown.
    above: BTreeSet<Cell>,
    chosen: BTreeMap<Cell, Figures>,
}

impl Plan<'_> {
    fn walk(&mut self, cell: Cell) {
        if self.earlier.contains(&cell) {
            let changed = self
                .nodes
                .get(&cell)
                .is_some_and(|node| node.now.is_enough() && (node.changed == 0 || node.change.is_enough()));
            match changed {
                true => self.divide_whole(cell),
                false => drop(self.chosen.insert(cell, Figures::Former)),
            }
        } else if self.above.contains(&cell) {
            quarters(cell).into_iter().for_each(|quarter| self.walk(quarter));
        } else {
            self.choose_new(cell);
        }
    }

    /// Of a place that was never shown: its parts if little is lost, else the whole, if that can be shown.
    fn choose_new(&mut self, cell: Cell) {
        let Some(node) = self.nodes.get(&cell).filter(|node| node.now.is_enough()) else { return };
        let parts: Vec<Cell> = self.parts(cell).filter(|part| self.nodes[part].now.is_enough()).collect();
        let kept: u64 = parts.iter().map(|part| self.nodes[part].closed).sum();
        if cell.z < self.finest && kept * 10 >= node.closed * KEPT_TENTHS {
            parts.into_iter().for_each(|part| self.choose_new(part));
        } else {
            self.chosen.insert(cell, Figures::Now);
        }
    }

    /// Of a place that was shown: its parts only if all can be shown, or the rest could be found by subtraction.
    fn divide_whole(&mut self, cell: Cell) {
        let parts: Vec<Cell> = self.parts(cell).filter(|part| self.nodes[part].closed > 0).collect();
        if cell.z < self.finest && parts.iter().all(|part| self.nodes[part].now.is_enough()) {
            parts.into_iter().for_each(|part| self.divide_whole(part));
        } else {
            self.chosen.insert(cell, Figures::Now);
        }
    }

    fn parts(&self, cell: Cell) -> impl Iterator<Item = Cell> {
        let here = quarters(cell).into_iter().filter(|quarter| self.nodes.contains_key(quarter));
        here.collect::<Vec<_>>().into_iter()
    }
}

fn quarters(cell: Cell) -> [Cell; 4] {
    let Cell { z, x, y } = cell;
    [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(right, down)| Cell { z: z + 1, x: 2 * x + right, y: 2 * y + down })
}

fn fill(finest: u8, chosen: &BTreeMap<Cell, Figures>, tiles: &[CoarseTile], classes: usize) -> Coarse {
    let empty = |&cell: &Cell| CoarseCell { cell, tiles: 0, closed: 0, classes: vec![0; classes], labels: 0 };
    let mut cells: BTreeMap<Cell, CoarseCell> = chosen.keys().map(|cell| (*cell, empty(cell))).collect();
    let mut basis = Vec::with_capacity(tiles.len());
    for tile in tiles {
        let home = (0..=finest).map(|zoom| ancestor(tile.cell, zoom)).find(|cell| chosen.contains_key(cell));
        let Some((home, figures)) = home.and_then(|cell| Some((cells.get_mut(&cell)?, chosen[&cell]))) else {
            basis.push(None);
            continue;
        };
        let shown = if figures == Figures::Now { tile.now } else { tile.before };
        home.tiles += 1;
        if let Some(shown) = shown {
            home.closed += 1;
            home.labels += u64::from(shown.labels);
            if let Some(count) = shown.class.and_then(|class| home.classes.get_mut(usize::from(class))) {
                *count += 1;
            }
        }
        basis.push(shown);
    }
    Coarse { cells: cells.into_values().collect(), basis }
}

#[cfg(test)]
#[path = "coarse_tests.rs"]
mod tests;
