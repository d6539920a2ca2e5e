//! A town of 2,503 tiles for programs that read maps place by place: classes, open tiles, check gold, a house with an odd
//! name, and a tile on each side of the date line.

use aftermap::domain::bbox::Bbox;
use aftermap::domain::campaign::{Campaign, CampaignState, CampaignTexts, ReleaseLevel, Visibility};
use aftermap::domain::cell::Cell;
use aftermap::domain::consensus::{Consensus, TileState};
use aftermap::domain::policy::Policy;
use aftermap::domain::tile::Tile;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::{Error, clock};
use aftermap::storage::labelling::consensus::{self, Provenance};
use aftermap::storage::labelling::queue;
use aftermap::storage::scenes::tiles::{self, NewTile};
use aftermap::storage::{Conn, campaigns, new_id};

use crate::helpers::{TestApp, add_scene};

/// Cells along one side.
pub const SIDE: u32 = 50;
/// All tiles.
pub const TILES: usize = 2_503;
/// The house's id.
pub const HOUSE: &str = "house/7 \"é\" =1+1 <b>";
/// First column and row of the cells.
pub const FIRST: (u32, u32) = (39_900, 25_900);
const ZOOM: u8 = 16;

/// The town as a campaign.
pub async fn town(app: &TestApp, slug: &str, visibility: Visibility, release_level: ReleaseLevel) {
    let new = NewCampaign {
        slug: slug.into(),
        texts: CampaignTexts { title: "Town, <i>\"north\"</i>".into(), ..CampaignTexts::default() },
        language: "en".into(),
        scale: aftermap::domain::scale::Scale::usual(),
        policy: Policy::default(),
        visibility,
        release_level,
        licence: Some("CC-BY-4.0".into()),
        synthetic: true,
    };
    app.write(move |conn| {
        let campaign = create_campaign(conn, &new, None, clock::now_ms())?;
        let bounds = Some(Bbox { west: -180.0, south: 35.0, east: 180.0, north: 36.0 });
        campaigns::set_tiling(conn, &Campaign { bounds, ..campaign.clone() })?;
        let seen = [add_scene(conn, &campaign, 1)?, add_scene(conn, &campaign, 2)?];
        for place in 0..SIDE * SIDE {
            let cell = Cell { z: ZOOM, x: FIRST.0 + place % SIDE, y: FIRST.1 + place / SIDE };
            let tile = add_cell(conn, &campaign, cell, &seen)?;
            close(conn, &campaign, tile, place)?;
        }
        for x in [0, (1 << ZOOM) - 1] {
            add_cell(conn, &campaign, Cell { z: ZOOM, x, y: FIRST.1 }, &seen)?;
        }
        let bbox = Cell { z: ZOOM, x: FIRST.0, y: FIRST.1 + SIDE }.bbox();
        let ring = bbox.ring().map(|[lon, lat]| format!("[{lon},{lat}]")).join(",");
        let footprint = Some(format!("{{\"type\":\"Polygon\",\"coordinates\":[[{ring}]]}}"));
        add(conn, &campaign, Tile { id: new_id(), tile_id: HOUSE.into(), cell: None, bbox, footprint }, &seen)?;
        change_state(conn, &campaign.slug, CampaignState::Open, None, clock::now_ms())?;
        Ok(())
    })
    .await;
}

/// The class of a cell: of each five, one is open and has none.
pub fn class(place: u32) -> Option<u8> {
    match place % 5 {
        0 => None,
        1 | 2 => Some(0),
        3 => Some(1),
        _ => Some(2),
    }
}

/// How sure the class of a cell is; that of an open one, which nobody is told, is the third.
pub fn probability(place: u32) -> f64 {
    0.7 + f64::from(place % 30) / 100.0
}

fn add_cell(conn: &mut Conn, campaign: &Campaign, cell: Cell, seen: &[i64]) -> Result<i64, Error> {
    let tile = Tile { id: new_id(), tile_id: cell.to_string(), cell: Some(cell), bbox: cell.bbox(), footprint: None };
    add(conn, campaign, tile, seen)
}

fn add(conn: &mut Conn, campaign: &Campaign, tile: Tile, seen: &[i64]) -> Result<i64, Error> {
    let id = tile.id;
    let frames = seen.iter().map(|scene| (*scene, 1.0)).collect();
    tiles::insert(conn, campaign.id, &NewTile { tile, frames, shuffle_key: id }, &campaign.policy)?;
    Ok(id)
}

/// Every tile has a consensus; those of which each fifth is are still open all the same, and tell nobody.
fn close(conn: &mut Conn, campaign: &Campaign, tile: i64, place: u32) -> Result<(), Error> {
    let (class, open) = (class(place).unwrap_or(2), class(place).is_none());
    let sure = probability(place);
    let probabilities: Vec<f64> = (0..3).map(|one| if one == class { sure } else { (1.0 - sure) / 2.0 }).collect();
    let mut answers = vec![0; 5];
    answers[usize::from(class)] = 3;
    let formed = Consensus {
        probability: Some(sure),
        class: Some(class),
        labels: 3,
        answers,
        agreement: Some(1.0),
        entropy: 0.5,
        evidence: 1.0,
        effective_redundancy: 3.0,
        unusable_share: 0.0,
        probabilities,
    };
    let from = Provenance {
        model: 0,
        method: "weighted_share",
        method_version: 1,
        closed_reason: (!open).then_some("lead"),
        changed_at: 1_000,
    };
    consensus::replace(conn, (tile, campaign.id), &formed, None, &from)?;
    let mut row = queue::lock(conn, tile)?;
    row.counted = 3;
    if !open {
        (row.state, row.closed_at) = (TileState::Settled, Some(1_000));
    }
    row.needed = row.needed.max(row.counted);
    Ok(queue::save(conn, &row)?)
}
