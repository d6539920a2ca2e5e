//! What a filter of the damage map reads, refuses and admits.

use super::*;
use crate::domain::campaign::CampaignKind;
use crate::domain::consensus::Consensus;
use crate::domain::damage_map::{Crowd, Cuts};
use crate::domain::scene::Scene;
use crate::domain::tile::Tile;

const DAY: i64 = 86_400_000;

fn scene(id: i64, day: i64) -> Scene {
    Scene {
        id,
        title: String::new(),
        captured_from: day * DAY,
        captured_to: (day + 1) * DAY - 1,
        sensor: None,
        licence: None,
        attribution: None,
        source_name: String::new(),
        source_sha256: String::new(),
        archive: String::new(),
        archive_sha256: String::new(),
        crs: String::new(),
        pixel_size_m: 1.0,
        min_zoom: 0,
        max_zoom: 1,
        bounds: Bbox { west: 0.0, south: 0.0, east: 1.0, north: 1.0 },
    }
}

/// Three scenes on the days 10, 20 and 30 after 1970-01-01.
fn map(kind: CampaignKind) -> DamageMap {
    DamageMap {
        campaign: String::new(),
        title: String::new(),
        licence: None,
        synthetic: false,
        kind,
        scale: Scale::built_in("conflict3").unwrap(),
        scenes: vec![scene(1, 10), scene(2, 20), scene(3, 30)],
        bounds: None,
        model: 0,
        method: None,
        cuts: Cuts::default(),
    }
}

fn row(bbox: Bbox, class: Option<u8>, probability: f64) -> TileRow {
    let consensus = Consensus {
        probabilities: vec![],
        class,
        probability: class.map(|_| probability),
        labels: 3,
        answers: vec![],
        agreement: None,
        entropy: 0.0,
        evidence: 0.0,
        effective_redundancy: 3.0,
        unusable_share: 0.0,
    };
    TileRow {
        tile: Tile { id: 1, tile_id: "t".into(), cell: None, bbox, footprint: None },
        state: TileState::Settled,
        closed_at: Some(0),
        gold: None,
        scenes: Some((1, 3)),
        crowd: Some(Crowd { consensus: Some(consensus), ..Crowd::default() }),
    }
}

fn here() -> Bbox {
    Bbox { west: 10.0, south: 10.0, east: 11.0, north: 11.0 }
}

fn read(set: impl FnOnce(&mut FilterWords)) -> Result<MapFilter, Invalid> {
    let mut words = FilterWords::default();
    set(&mut words);
    MapFilter::parse(&words, &Scale::built_in("conflict3").unwrap())
}

fn reads(set: impl FnOnce(&mut FilterWords)) -> MapFilter {
    read(set).unwrap()
}

fn of_box(text: &str) -> Result<MapFilter, Invalid> {
    read(|words| words.bbox = Some(text.into()))
}

#[test]
fn nothing_asked_is_everything() {
    assert!(reads(|_| ()).is_everything());
    assert!(reads(|words| (words.bbox, words.class) = (Some(" ".into()), Some(String::new()))).is_everything());
    assert!(MapFilter::default().admits(&map(CampaignKind::Pair), &TileRow { crowd: None, ..row(here(), None, 0.0) }));
}

#[test]
fn a_box_is_read_with_or_without_heights_and_across_the_date_line() {
    let bbox = |text| of_box(text).unwrap().bbox.unwrap().to_array();
    assert_eq!(bbox("1,2, 3 ,4"), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(bbox("1,2,-5,3,4,99"), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(bbox("179,-17,-179,-16"), [179.0, -17.0, 181.0, -16.0]);
    assert_eq!(bbox("5,6,5,6"), [5.0, 6.0, 5.0, 6.0], "a point");
}

#[test]
fn a_box_that_cannot_be_is_refused_by_name() {
    for (text, said) in [
        ("1,5,3,4", "upside down"),
        ("NaN,1,2,3", "west,south,east,north"),
        ("inf,1,2,3", "west,south,east,north"),
        ("1,2,3", "west,south,east,north"),
        ("1;2;3;4", "west,south,east,north"),
        ("1,2,3,91", "pole"),
        ("1000,2,1001,3", "longitudes"),
        ("200,2,190,3", "date line"),
    ] {
        let refused = of_box(text).unwrap_err();
        assert!(refused.field == "bbox" && refused.reason.contains(said), "{text}: {refused}");
    }
}

#[test]
fn an_unknown_word_is_refused_with_those_that_are_known() {
    let refused = read(|words| words.class = Some("damaged,ruined".into())).unwrap_err();
    assert_eq!(refused.field, "class");
    assert!(refused.reason.contains("`ruined`") && refused.reason.contains("destroyed"), "{refused}");
    assert_eq!(read(|words| words.state = Some("closed".into())).unwrap_err().field, "state");
    for bad in ["1.5", "NaN", "-0.1", "x"] {
        let refused = read(|words| words.probability_at_least = Some(bad.into())).unwrap_err();
        assert_eq!(refused.field, "probability_at_least", "{bad}");
    }
    assert_eq!(read(|words| words.damaged_from = Some("June".into())).unwrap_err().field, "damaged_from");
    let turned = read(|words| {
        (words.damaged_from, words.damaged_to) = (Some("2017-06-02".into()), Some("2017-06-01".into()));
    });
    assert_eq!(turned.unwrap_err().field, "damaged_to");
    assert_eq!(read(|words| words.area = Some("{}".into())).unwrap_err().field, "area");
    let long = read(|words| words.class = Some("x".repeat(10_000))).unwrap_err();
    assert!(long.reason.len() < 300, "a long word is not repeated as a whole");
}

#[test]
fn class_state_and_probability_select_rows() {
    let map = map(CampaignKind::Pair);
    let damaged = row(here(), Some(1), 0.8);
    let admits = |set: fn(&mut FilterWords), row: &TileRow| reads(set).admits(&map, row);
    assert!(admits(|words| words.class = Some("destroyed, damaged".into()), &damaged));
    assert!(!admits(|words| words.class = Some("destroyed".into()), &damaged));
    assert!(admits(|words| words.state = Some("open,settled".into()), &damaged));
    assert!(!admits(|words| words.state = Some("open".into()), &damaged));
    assert!(admits(|words| words.probability_at_least = Some("0.8".into()), &damaged));
    assert!(!admits(|words| words.probability_at_least = Some("0.81".into()), &damaged));
    let hidden = TileRow { crowd: None, state: TileState::Open, ..damaged };
    assert!(!admits(|words| words.class = Some("damaged".into()), &hidden));
    assert!(!admits(|words| words.probability_at_least = Some("0".into()), &hidden));
}

#[test]
fn a_box_selects_what_it_touches_and_the_outline_decides() {
    let map = map(CampaignKind::Pair);
    let admits = |text: &str, row: &TileRow| of_box(text).unwrap().admits(&map, row);
    let square = row(here(), None, 0.0);
    assert!(admits("11,11,12,12", &square) && admits("0,0,20,20", &square) && admits("10.5,10.5,10.5,10.5", &square));
    assert!(!admits("11.1,10,12,11", &square));
    let mut house = square.clone();
    house.tile.footprint = Some(r#"{"type":"Polygon","coordinates":[[[10,10],[11,10],[10,11],[10,10]]]}"#.into());
    assert!(admits("10.1,10.1,10.2,10.2", &house) && !admits("10.8,10.8,10.9,10.9", &house));
}

#[test]
fn a_box_across_the_date_line_selects_both_sides() {
    let map = map(CampaignKind::Pair);
    let at = |west: f64| row(Bbox { west, south: 0.0, east: west + 0.5, north: 1.0 }, None, 0.0);
    let admits = |text: &str, west: f64| of_box(text).unwrap().admits(&map, &at(west));
    for west in [179.2, 179.7, 180.1, -179.9, -180.0] {
        assert!(admits("179,0,-179,1", west), "{west}");
        assert!(admits("-180,-90,180,90", west), "{west}");
    }
    assert!(!admits("179,0,-179,1", 0.0) && !admits("179,0,-179,1", 178.0) && !admits("-179,0,179,1", -179.8));
    assert!(admits("170,0,190,1", -179.0), "as a map sends it that was moved across");
}

#[test]
fn an_area_selects_by_the_centre_of_a_tile() {
    let map = map(CampaignKind::Pair);
    let area = r#"{"type":"Polygon","coordinates":[[[10.4,0],[20,0],[20,20],[10.4,20],[10.4,0]]]}"#;
    let filter = reads(|words| words.area = Some(area.into()));
    assert_eq!(filter.search_box().unwrap().west, 10.4);
    assert!(filter.admits(&map, &row(here(), None, 0.0)));
    let other = Bbox { west: 9.5, south: 10.0, east: 10.5, north: 11.0 };
    assert!(!filter.admits(&map, &row(other, None, 0.0)), "it touches, but its centre is outside");
}

#[test]
fn dates_select_windows_that_overlap_and_either_end_may_be_open() {
    let dates = |from: Option<&str>, to: Option<&str>| {
        reads(|words| (words.damaged_from, words.damaged_to) = (from.map(Into::into), to.map(Into::into)))
    };
    let window = |before, after| {
        let mut row = row(here(), Some(2), 0.9);
        row.crowd = row.crowd.map(|crowd| Crowd { last_intact: before, first_damaged: after, ..crowd });
        row
    };
    let timeline = map(CampaignKind::Timeline);
    // Days 10, 20 and 30 are 1970-01-11, 1970-01-21 and 1970-01-31.
    let dated = window(Some(1), Some(2));
    for (from, to, admitted) in [
        (Some("1970-01-15"), Some("1970-01-16"), true),
        (Some("1970-01-21"), None, true),
        (Some("1970-01-22"), None, false),
        (None, Some("1970-01-11"), true),
        (None, Some("1970-01-10"), false),
    ] {
        assert_eq!(dates(from, to).admits(&timeline, &dated), admitted, "{from:?} to {to:?}");
    }
    assert!(dates(None, Some("1970-01-02")).admits(&timeline, &window(None, Some(2))), "damaged in the first scene");
    assert!(!dates(Some("1970-01-01"), None).admits(&timeline, &window(Some(3), None)), "never seen damaged");
    let pair = map(CampaignKind::Pair);
    assert!(dates(Some("1970-01-15"), None).admits(&pair, &row(here(), Some(1), 0.9)));
    assert!(!dates(Some("1970-01-15"), None).admits(&pair, &row(here(), Some(0), 0.9)), "undamaged has no date");
}
