//! Tests of the picture of the map: it must count and place exactly what the rows themselves say.

use super::*;
use crate::domain::damage_map::Cuts;
use crate::domain::scale::Scale;
use crate::domain::scene::Scene;

const DAY: i64 = 86_400_000;

fn scene(id: i64, day: i64) -> Scene {
    Scene {
        id,
        title: String::new(),
        captured_from: day * DAY,
        captured_to: day * DAY + DAY - 1,
        sensor: None,
        licence: None,
        attribution: None,
        source_name: String::new(),
        source_sha256: String::new(),
        archive: String::new(),
        archive_sha256: String::new(),
        crs: String::new(),
        pixel_size_m: 1.0,
        min_zoom: 10,
        max_zoom: 16,
        bounds: Bbox { west: 0.0, south: 0.0, east: 1.0, north: 1.0 },
    }
}

fn map(kind: CampaignKind) -> DamageMap {
    DamageMap {
        campaign: "raqqa".into(),
        title: "Raqqa".into(),
        licence: None,
        synthetic: true,
        kind,
        tile_source: crate::domain::campaign::TileSource::Cells,
        scale: Scale::built_in("conflict3").unwrap(),
        scenes: vec![scene(7, 10), scene(8, 20), scene(9, 30)],
        bounds: None,
        model: 0,
        method: None,
        cuts: Cuts::default(),
    }
}

/// A tile of the grid: class and probability by its column, every fifth open, every third still secret.
fn row(x: u32, y: u32) -> TileRow {
    let cell = Cell { z: 17, x: 70_000 + x, y: 50_000 + y };
    let tile = Tile { id: 1, tile_id: cell.to_string(), cell: Some(cell), bbox: cell.bbox(), footprint: None };
    let class = (x % 4 < 3).then_some((x % 3) as u8);
    let sure = f64::from(x % 101) / 100.0;
    let consensus = Consensus {
        probabilities: vec![1.0 - sure, sure / 2.0, sure / 2.0],
        class,
        probability: class.map(|_| sure),
        labels: 3,
        answers: vec![],
        agreement: None,
        entropy: 0.0,
        evidence: 0.0,
        effective_redundancy: 3.0,
        unusable_share: 0.0,
    };
    let windows = [(Some(7), Some(8)), (Some(8), Some(9)), (None, Some(7)), (None, None)];
    let (last_intact, first_damaged) = windows[(y % 4) as usize];
    let crowd = Crowd { consensus: Some(consensus), last_intact, first_damaged, ..Crowd::default() };
    let state = if x.is_multiple_of(5) { TileState::Open } else { TileState::Settled };
    TileRow { tile, state, closed_at: None, gold: None, scenes: Some((7, 9)), crowd: Some(crowd) }
}

fn is_public(row: &TileRow, x: u32) -> bool {
    row.state.is_closed() && !x.is_multiple_of(3)
}

fn grid(side: u32) -> impl Iterator<Item = (TileRow, bool)> {
    (0..side * side).map(move |at| {
        let row = row(at % side, at / side);
        let public = is_public(&row, at % side);
        (row, public)
    })
}

fn picture(kind: CampaignKind, side: u32) -> Picture {
    let mut taking = Taking::new(map(kind));
    grid(side).for_each(|(row, public)| taking.add(&row, public));
    taking.finish(5)
}

fn filters() -> Vec<MapFilter> {
    let cell = |x: u32, y: u32| Cell { z: 14, x: 8_750 + x, y: 6_250 + y }.bbox();
    let all = MapFilter::default;
    vec![
        all(),
        MapFilter { classes: vec![1, 2], ..all() },
        MapFilter { states: vec![TileState::Open], probability_at_least: Some(0.35), ..all() },
        MapFilter { damaged_from: Some(21 * DAY), classes: vec![2], ..all() },
        MapFilter { damaged_to: Some(9 * DAY), bbox: Some(cell(0, 0)), ..all() },
    ]
}

#[test]
fn counts_of_a_picture_are_those_of_the_rows_for_both_kinds_of_sight() {
    for kind in [CampaignKind::Pair, CampaignKind::Timeline] {
        let picture = picture(kind, 40);
        for (filter, sight) in
            filters().iter().flat_map(|filter| [(filter, Sight::Everybody), (filter, Sight::Researcher)])
        {
            let seen = grid(40).map(|(row, public)| {
                let hidden =
                    TileRow { state: TileState::Open, crowd: None, gold: None, closed_at: None, ..row.clone() };
                let row = if public || sight == Sight::Researcher { row } else { hidden };
                let damaged = row.crowd.as_ref().and_then(Crowd::damaged_probability);
                (row, damaged)
            });
            let rows: Vec<_> = seen.collect();
            let counts = picture.count(sight, filter);
            let shown: Vec<_> = rows.iter().filter(|(row, _)| filter.admits(picture.map(), row)).collect();
            assert_eq!(counts.shown as usize, shown.len(), "{filter:?} {sight:?}");
            assert_eq!(counts, count(picture.map(), filter, rows.clone().into_iter()));
            let damaged =
                |least: f64| shown.iter().filter(|(_, damaged)| damaged.is_some_and(|it| it >= least)).count();
            for at in [0, 7, 35, 50, 100] {
                assert_eq!(counts.damaged_at_least[at] as usize, damaged(at as f64 / 100.0), "{at} hundredths");
            }
        }
    }
}

#[test]
fn a_list_leaves_its_own_part_of_the_filter_out() {
    let picture = picture(CampaignKind::Timeline, 40);
    let count = |filter: MapFilter| picture.count(Sight::Researcher, &filter);
    let all = count(MapFilter::default());
    let narrow = count(MapFilter { classes: vec![2], ..MapFilter::default() });
    assert_eq!((&narrow.classes, narrow.without_class), (&all.classes, all.without_class));
    assert!(narrow.shown < all.shown && narrow.states != all.states);
    assert_eq!(narrow.states.values().sum::<u64>(), narrow.shown);
    let dated = count(MapFilter { damaged_from: Some(21 * DAY), ..MapFilter::default() });
    assert_eq!(dated.windows, all.windows);
    assert_eq!(dated.shown, dated.windows[&(Some(8), Some(9))], "only that window reaches so far");
}

#[test]
fn squares_hold_every_tile_once_and_lie_in_their_vector_tile() {
    let picture = picture(CampaignKind::Pair, 100);
    assert!(picture.detail_zoom() > 10 && picture.detail_zoom() < 17, "{}", picture.detail_zoom());
    for filter in filters().into_iter().take(3) {
        for zoom in 0..picture.detail_zoom() {
            let (x, y) = to_mercator(row(0, 0).tile.bbox.centre().0, row(0, 0).tile.bbox.centre().1);
            let (u, v) = to_mercator(row(99, 99).tile.bbox.centre().0, row(99, 99).tile.bbox.centre().1);
            let (first, last) = (Cell::at(zoom, x, y), Cell::at(zoom, u, v));
            let mut tiles = 0;
            for cell in (first.y..=last.y).flat_map(|y| (first.x..=last.x).map(move |x| Cell { z: zoom, x, y })) {
                let squares = picture.squares(Sight::Everybody, &filter, None, cell);
                assert!(squares.len() <= 1 << (2 * SQUARE_LEVELS));
                for square in squares {
                    let by_class = square.classes.iter().sum::<u64>();
                    assert_eq!(square.tiles, by_class + square.contested + square.unusable + square.without_class);
                    assert_eq!(square.cell.x >> (square.cell.z - zoom), cell.x);
                    tiles += square.tiles;
                }
            }
            assert_eq!(tiles, picture.count(Sight::Everybody, &filter).shown, "zoom {zoom} {filter:?}");
        }
    }
}

#[test]
fn what_is_hidden_is_in_no_square() {
    let mut taking = Taking::new(map(CampaignKind::Pair));
    taking.add(&row(2, 0), false);
    let picture = taking.finish(0);
    let cell = Cell { z: 0, x: 0, y: 0 };
    let [everybody] = &picture.squares(Sight::Everybody, &MapFilter::default(), None, cell)[..] else { panic!() };
    assert_eq!(
        (everybody.tiles, everybody.without_class, everybody.damaged, everybody.window),
        (1, 1, 0, (None, None))
    );
    let [researcher] = &picture.squares(Sight::Researcher, &MapFilter::default(), None, cell)[..] else { panic!() };
    assert_eq!((researcher.damaged, researcher.share_damaged(), researcher.window.1), (1, Some(1.0), Some(9)));
}

#[test]
fn what_is_not_decided_is_in_no_class_of_a_square_nor_counted_as_damaged() {
    let mut taking = Taking::new(map(CampaignKind::Pair));
    let states = [TileState::Settled, TileState::Reviewed, TileState::Contested, TileState::Unusable, TileState::Open];
    for state in states {
        // Each leans to `destroyed`, and has a window.
        taking.add(&TileRow { state, ..row(2, 0) }, state != TileState::Open);
    }
    let picture = taking.finish(0);
    let cell = Cell { z: 0, x: 0, y: 0 };
    for (sight, threshold) in [(Sight::Everybody, None), (Sight::Researcher, None), (Sight::Researcher, Some(0.0))] {
        let [square] = &picture.squares(sight, &MapFilter::default(), threshold, cell)[..] else { panic!() };
        assert_eq!((square.tiles, &square.classes[..]), (5, &[0, 0, 2][..]));
        assert_eq!((square.contested, square.unusable, square.without_class), (1, 1, 1));
        assert_eq!((square.damaged, square.share_damaged()), (2, Some(1.0)));
        let counts = picture.count(sight, &MapFilter::default());
        assert_eq!((counts.contested, counts.unusable), (1, 1));
    }
}

#[test]
fn a_threshold_in_hundredths_is_met_as_it_is_written() {
    for at in 0..=100usize {
        let written: f64 = format!("0.{at:02}").parse().unwrap_or(1.0);
        let written = if at == 100 { 1.0 } else { written };
        assert_eq!(step(written), at);
        assert_eq!(step(f64::from_bits(written.to_bits().saturating_sub(1))), at.saturating_sub(1), "a hair less");
    }
}
