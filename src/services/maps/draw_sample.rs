//! Draws a random sample of the map's tiles for experts to check.

use std::collections::BTreeMap;

use crate::domain::bbox::Bbox;
use crate::domain::campaign::{Campaign, TileSource};
use crate::domain::validation::draw::{Purpose, allocate, lot};
use crate::domain::validation::{Band, LeftOut, Settings, Stratum, sort_in};
use crate::services::Error;
use crate::storage::maps::damage_map::TileRows;
use crate::storage::maps::validation::{self, SampleRow, SampleTile};
use crate::storage::oversight::audit_log;
use crate::storage::{Conn, Store, new_id, scenes};

/// Mean radius of the earth, metres (IUGG 1980).
const EARTH_RADIUS: f64 = 6_371_008.8;

/// A sample that was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Its number in the campaign.
    pub number: u32,
    /// The strata with what was drawn of each.
    pub strata: Vec<Stratum>,
    /// Tiles that it does not speak for.
    pub left_out: LeftOut,
}

/// A seed that nobody chose.
pub fn new_seed() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// Draws a sample from the map as it is now and stores it under the next number.
///
/// The map is read in one snapshot. The same settings on the same map draw the same tiles.
pub async fn draw_sample(
    store: &Store,
    campaign: Campaign,
    settings: Settings,
    by: Option<i64>,
    now: i64,
) -> Result<Drawn, Error> {
    settings.check()?;
    let (reading, chosen) = (store.clone(), settings.clone());
    let drawing = move || reading.read_snapshot(|conn| draw(conn, &campaign, &chosen).map(|draft| (campaign, draft)));
    let (campaign, draft) = tokio::task::spawn_blocking(drawing)
        .await
        .map_err(|error| Error::Internal(format!("drawing a sample ended early: {error}")))??;
    let id = new_id();
    store.write(move |conn| keep(conn, &campaign, &settings, &draft, (id, by, now))).await
}

struct Draft {
    strata: Vec<Stratum>,
    left_out: LeftOut,
    tile_area_m2: Option<f64>,
    tiles: Vec<SampleTile>,
}

/// A tile that may be drawn: its lots, its database id.
type Candidate = (u128, u128, i64);

fn draw(conn: &mut Conn, campaign: &Campaign, settings: &Settings) -> Result<Draft, Error> {
    let scenes: Vec<i64> = scenes::of_campaign(conn, campaign.id)?.iter().map(|scene| scene.id).collect();
    let mut of_stratum: BTreeMap<(u8, Band), Vec<Candidate>> = BTreeMap::new();
    let (mut left_out, mut area) = (LeftOut::default(), 0.0);
    for row in TileRows::new(conn, campaign.id, &scenes, campaign.scale.classes().len() as u8) {
        let row = row?;
        let Some(stratum) = sort_in(&row, settings.agreed_from, &mut left_out) else { continue };
        let lot = |purpose| lot(&settings.seed, purpose, &row.tile.tile_id);
        of_stratum.entry(stratum).or_default().push((lot(Purpose::Draw), lot(Purpose::Order), row.tile.id));
        area += square_metres(row.tile.bbox);
    }
    let sizes: Vec<u64> = of_stratum.values().map(|tiles| tiles.len() as u64).collect();
    let all: u64 = sizes.iter().sum();
    if all == 0 {
        return Err(Error::Conflict(format!(
            "campaign `{}` has no closed tile with a class yet: there is nothing to check",
            campaign.slug
        )));
    }
    let shares = allocate(&sizes, settings.size, settings.floor)?;
    let (mut strata, mut drawn) = (Vec::new(), Vec::new());
    for (place, (((class, band), mut tiles), share)) in of_stratum.into_iter().zip(shares).enumerate() {
        strata.push(Stratum { class, band, tiles: tiles.len() as u64, drawn: share });
        tiles.sort_unstable();
        drawn.extend(tiles.into_iter().take(share as usize).map(|(_, order, tile)| (order, tile, place, class)));
    }
    drawn.sort_unstable();
    let tile = |(place, (_, tile, stratum, class)): (usize, (u128, i64, usize, u8))| SampleTile {
        tile,
        place: place as i32,
        stratum: stratum as i16,
        class: i16::from(class),
    };
    let tile_area_m2 = (campaign.tile_source == TileSource::Cells).then(|| area / all as f64);
    Ok(Draft { strata, left_out, tile_area_m2, tiles: drawn.into_iter().enumerate().map(tile).collect() })
}

/// Area of a rectangle on a sphere.
fn square_metres(bbox: Bbox) -> f64 {
    let height = bbox.north.to_radians().sin() - bbox.south.to_radians().sin();
    EARTH_RADIUS * EARTH_RADIUS * (bbox.east - bbox.west).to_radians() * height
}

fn keep(
    conn: &mut Conn,
    campaign: &Campaign,
    settings: &Settings,
    draft: &Draft,
    (id, by, now): (i64, Option<i64>, i64),
) -> Result<Drawn, Error> {
    let json = |value: serde_json::Result<String>| value.map_err(|error| Error::Internal(error.to_string()));
    let number = validation::of_campaign(conn, campaign.id)?.first().map_or(0, |newest| newest.number) + 1;
    let row = SampleRow {
        id,
        number,
        settings: json(serde_json::to_string(settings))?,
        strata: json(serde_json::to_string(&draft.strata))?,
        left_out: json(serde_json::to_string(&draft.left_out))?,
        tile_area_m2: draft.tile_area_m2,
        model: campaign.model as i32,
        drawn_at: now,
    };
    validation::insert(conn, campaign.id, &row, &draft.tiles, by)?;
    let subject = format!("sample {number}: {} tiles, seed {}", draft.tiles.len(), settings.seed);
    audit_log::note(conn, by, Some(campaign.id), ("draw_sample", &subject), now)?;
    Ok(Drawn { number: number as u32, strata: draft.strata.clone(), left_out: draft.left_out })
}
