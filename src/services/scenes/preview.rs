//! Some tiles as they would be with another zoom or margin: nothing is stored.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::derive_tiles;
use crate::domain::campaign::{TileSource, Tiling};
use crate::domain::scene::Scene;
use crate::domain::tile::{Frame, Tile};
use crate::imagery::Archives;
use crate::services::Error;
use crate::storage::scenes::footprints::FootprintRow;

/// Places that are looked at for pictures before the preview gives up.
const MOST_LOOKED_AT: usize = 500;

/// How tiles would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// Zoom of grid cells.
    pub zoom: Option<u8>,
    /// Places at which there may be a tile; those without a picture would be left out.
    pub places: usize,
    /// Some tiles with their frames by date.
    pub tiles: Vec<(Tile, Vec<Frame>)>,
}

/// At most `count` tiles of such a tiling, in an order that follows from the seed. Reads the archives.
pub fn preview(
    archives: &Archives,
    scenes: &[Scene],
    footprints: &[FootprintRow],
    tiling: &Tiling,
    (count, seed): (usize, u64),
) -> Result<Preview, Error> {
    if tiling.source == TileSource::Footprints && footprints.is_empty() {
        return Err(Error::invalid("source", "this campaign has no footprints yet: bring them first"));
    }
    let (mut places, zoom) = derive_tiles::places(scenes, tiling, footprints)?;
    let many = places.len();
    let opened = derive_tiles::open(archives, scenes)?;
    let (chosen, _) = places.partial_shuffle(&mut ChaCha8Rng::seed_from_u64(seed), MOST_LOOKED_AT);
    let mut tiles = Vec::with_capacity(count);
    for (tile, area) in chosen.iter() {
        if tiles.len() == count {
            break;
        }
        if let Some(seen) = derive_tiles::frames(&opened, *area)? {
            tiles.push((tile.clone(), frames(scenes, &seen)));
        }
    }
    Ok(Preview { zoom, places: many, tiles })
}

/// The frames by date: the order of the scenes.
fn frames(scenes: &[Scene], seen: &[(i64, f64)]) -> Vec<Frame> {
    let shown = scenes.iter().filter(|scene| seen.iter().any(|(id, _)| *id == scene.id));
    let frame = |scene: &Scene| Frame {
        scene_id: scene.id,
        captured_from: scene.captured_from,
        captured_to: scene.captured_to,
    };
    shown.map(frame).collect()
}
