//! That cells are as coarse as they must be, and that no two releases give away what a single cell would not.

use super::*;
use proptest::prelude::*;

const FINEST: u8 = 4;

/// A closed tile of this class in a cell, labelled by these people.
fn tile((x, y): (u32, u32), class: u8, people: &[i64]) -> CoarseTile {
    let mut backing = Backing::default();
    people.iter().for_each(|&person| backing.add(person));
    let now = Some(Shown { class: Some(class), labels: people.len() as u32 });
    CoarseTile { cell: Cell { z: FINEST, x, y }, now, before: None, backing }
}

fn first(tiles: &[CoarseTile]) -> Coarse {
    coarsen(FINEST, &BTreeSet::new(), tiles, 3)
}

/// The next release: `change` alters the tiles.
fn next(last: &Coarse, tiles: &mut [CoarseTile], change: impl Fn(&mut [CoarseTile])) -> Coarse {
    tiles.iter_mut().zip(&last.basis).for_each(|(tile, before)| tile.before = *before);
    change(tiles);
    let earlier = last.cells.iter().map(|cell| cell.cell).collect();
    coarsen(FINEST, &earlier, tiles, 3)
}

#[test]
fn a_cell_needs_five_labels_from_three_people() {
    assert_eq!(first(&[tile((0, 0), 1, &[1, 2, 3])]).cells, [], "three labels");
    assert_eq!(first(&[tile((0, 0), 1, &[1, 2, 1, 2, 1, 2])]).cells, [], "two people");
    let shown = first(&[tile((0, 0), 1, &[1, 2, 3]), tile((0, 0), 0, &[1, 2])]).cells;
    assert_eq!(shown.len(), 1);
    assert_eq!((shown[0].cell, shown[0].closed, &shown[0].classes[..]), (Cell { z: 4, x: 0, y: 0 }, 2, &[1, 1, 0][..]));
    assert_eq!((shown[0].damaged_share(), shown[0].labels_band()), (Some(0.5), "5-9"));
}

#[test]
fn what_is_too_little_is_joined_with_its_neighbours_or_left_out_where_it_is_a_small_part() {
    let pair = [tile((0, 0), 1, &[1, 2, 3]), tile((1, 0), 0, &[4, 5, 6])];
    assert_eq!(first(&pair).cells[0].cell, Cell { z: 3, x: 0, y: 0 }, "joined one zoom up");
    let far = [tile((0, 0), 1, &[1, 2, 3]), tile((15, 15), 0, &[4, 5, 6])];
    assert_eq!(first(&far).cells[0].cell.z, 0, "joined at the top");
    let mut many: Vec<CoarseTile> = (0..20).map(|_| tile((3, 3), 1, &[1, 2, 3])).collect();
    many.push(tile((15, 15), 2, &[7, 8, 9]));
    let shown = first(&many);
    assert_eq!(shown.cells.iter().map(|cell| cell.cell).collect::<Vec<_>>(), [Cell { z: 4, x: 3, y: 3 }]);
    assert_eq!(shown.basis.last(), Some(&None), "the lonely one is left out");
}

#[test]
fn one_more_closed_tile_does_not_show_by_itself() {
    let mut tiles = vec![tile((0, 0), 0, &[1, 2, 3]), tile((0, 0), 0, &[1, 2, 3]), tile((0, 0), 2, &[4, 5, 6])];
    tiles[2].now = None;
    let before = first(&tiles);
    let destroyed = Some(Shown { class: Some(2), labels: 3 });
    let same = next(&before, &mut tiles, |tiles| tiles[2].now = destroyed);
    assert_eq!(same.cells, before.cells, "three labels are not enough");
    tiles.push(tile((0, 0), 1, &[4, 5, 6]));
    tiles[2].before = None;
    let mut before = same;
    before.basis.push(None);
    let after = next(&before, &mut tiles, |_| ());
    assert_eq!(after.cells[0].classes, [2, 1, 1], "six are");
}

#[test]
fn a_cell_is_divided_later_only_where_all_its_parts_can_be_shown() {
    let mut tiles: Vec<CoarseTile> = vec![
        tile((0, 0), 1, &[1, 2, 3]),
        tile((0, 0), 1, &[1, 2, 3]),
        tile((1, 0), 0, &[4, 5, 6]),
        tile((1, 0), 0, &[4, 5, 6]),
    ];
    (tiles[1].now, tiles[3].now) = (None, None);
    let joined = first(&tiles);
    assert_eq!(joined.cells[0].cell.z, 3);
    let open = [Some(Shown { class: Some(1), labels: 3 }), Some(Shown { class: Some(0), labels: 3 })];
    let half = next(&joined, &mut tiles.clone(), |tiles| tiles[1].now = open[0]);
    assert_eq!(half, joined, "one tile changed");
    let both = next(&joined, &mut tiles, |tiles| (tiles[1].now, tiles[3].now) = (open[0], open[1]));
    assert_eq!(both.cells.iter().map(|cell| cell.cell.z).collect::<Vec<_>>(), [4, 4]);
}

#[test]
fn a_cell_that_lost_its_labels_keeps_its_former_figures() {
    let mut tiles = vec![tile((0, 0), 1, &[1, 2, 3]), tile((0, 0), 0, &[1, 2, 4])];
    let before = first(&tiles);
    let after = next(&before, &mut tiles, |tiles| tiles.iter_mut().for_each(|tile| tile.now = None));
    assert_eq!(after.cells, before.cells);
}

#[test]
fn the_finest_cell_is_eight_tiles_wide() {
    assert_eq!(finest_zoom(Cell::side(17)), 14);
    assert_eq!(finest_zoom(Cell::side(17) * 0.99), 14);
    assert_eq!((finest_zoom(Cell::side(17) * 1.01), finest_zoom(1e9)), (13, 0));
    assert_eq!(ancestor(Cell { z: 4, x: 13, y: 6 }, 2), Cell { z: 2, x: 3, y: 1 });
}

/// Tiles that lie close together, with few labels of few people.
fn tiles() -> impl Strategy<Value = Vec<CoarseTile>> {
    let one = ((0u32..6, 0u32..6), 0u8..3, proptest::collection::vec(0i64..6, 0..5), proptest::bool::ANY);
    let one = one.prop_map(|(place, class, people, open)| {
        let tile = tile(place, class, &people);
        CoarseTile { now: tile.now.filter(|_| !open), ..tile }
    });
    proptest::collection::vec(one, 0..60)
}

/// Changes to come: which tile, and what becomes of it (3 is open again).
fn steps() -> impl Strategy<Value = Vec<Vec<(usize, u8)>>> {
    proptest::collection::vec(proptest::collection::vec((0usize..60, 0u8..4), 0..6), 1..8)
}

fn holds(outer: Cell, inner: Cell) -> bool {
    inner.z >= outer.z && ancestor(inner, outer.z) == outer
}

proptest! {
    #[test]
    fn no_series_of_releases_gives_away_less_than_a_cell(mut tiles in tiles(), steps in steps()) {
        let mut last = first(&tiles);
        for cell in &last.cells {
            let mut behind = Backing::default();
            tiles.iter().filter(|tile| holds(cell.cell, tile.cell) && tile.now.is_some()).for_each(|tile| behind.join(&tile.backing));
            prop_assert!(behind.is_enough());
        }
        for step in steps {
            let release = next(&last, &mut tiles, |tiles| {
                for &(at, class) in &step {
                    if let Some(tile) = tiles.get_mut(at) {
                        let labels = tile.backing.labels as u32;
                        tile.now = (class < 3).then_some(Shown { class: Some(class), labels });
                    }
                }
            });
            for (at, cell) in release.cells.iter().enumerate() {
                prop_assert!(release.cells[at + 1..].iter().all(|other| !holds(cell.cell, other.cell) && !holds(other.cell, cell.cell)));
            }
            for before in &last.cells {
                let here = |place: &usize| holds(before.cell, tiles[*place].cell);
                let inside: Vec<usize> = (0..tiles.len()).filter(here).collect();
                // It is still there, whole or in parts that hold all that is shown of it.
                let parts: Vec<&CoarseCell> = release.cells.iter().filter(|cell| holds(before.cell, cell.cell)).collect();
                prop_assert!(!parts.is_empty(), "it stays");
                let shown = inside.iter().filter(|&&place| release.basis[place].is_some()).count() as u64;
                prop_assert_eq!(parts.iter().map(|part| part.closed).sum::<u64>(), shown);
                if parts.len() > 1 || parts[0].cell != before.cell {
                    let closed = inside.iter().filter(|&&place| tiles[place].now.is_some()).count() as u64;
                    prop_assert_eq!(shown, closed, "no part is left to be found by subtraction");
                }
                // What changed is nothing, or as much as a cell.
                let mut change = Backing::default();
                let changed: Vec<&usize> = inside.iter().filter(|&&place| release.basis[place] != last.basis[place]).collect();
                changed.iter().for_each(|place| change.join(&tiles[**place].backing));
                prop_assert!(changed.is_empty() || change.is_enough());
            }
            last = release;
        }
    }
}
