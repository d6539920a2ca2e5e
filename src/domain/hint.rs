//! Change hints: which tiles look as if something happened there. They order the work inside a value bucket, and that is
//! all: nobody sees them, no consensus knows them.

/// Kinds of hints. 0 is handed out first; a campaign without hints has 0 everywhere.
pub const LEVELS: u8 = 3;
/// Share of the tiles, those with the highest scores, up to which a tile has each level but the last.
const UP_TO: [f64; 2] = [0.10, 0.30];

/// Buckets of the ring: four values of the next label ([`crate::consensus`] gives them), each with its hints.
pub const BUCKETS: u8 = 4 * LEVELS;

/// The bucket of the ring: by the value of the next label, then by the hint.
pub fn ring_bucket(value: u8, hint: u8) -> u8 {
    value * LEVELS + hint.min(LEVELS - 1)
}

/// The hint that is part of a bucket of the ring.
pub fn hint_of(bucket: u8) -> u8 {
    bucket % LEVELS
}

/// A tile to be ordered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Database id.
    pub tile: i64,
    /// Structural change, 0 to 1; `None` where it cannot be told.
    pub score: Option<f64>,
    /// Its place on the ring: a hash, which also draws the unlikely tiles.
    pub shuffle_key: i64,
}

/// The level of each tile, in the order of their ids. Among the tiles of each level but the last, `mix` (0 to 0.9) are
/// unlikely ones, drawn by lot: or volunteers would learn that what comes first is damaged, and what the score cannot
/// see would wait for the end.
pub fn levels(mut tiles: Vec<Scored>, mix: f64) -> Vec<(i64, u8)> {
    tiles.sort_by(|a, b| {
        let score = |tile: &Scored| tile.score.unwrap_or(f64::MIN);
        score(b).total_cmp(&score(a)).then(a.shuffle_key.cmp(&b.shuffle_key)).then(a.tile.cmp(&b.tile))
    });
    let count = |share: f64| (tiles.len() as f64 * share).round() as usize;
    let (first, second) = (count(UP_TO[0]), count(UP_TO[1]));
    let mut pool = tiles.split_off(second);
    pool.sort_by_key(|tile| (tile.shuffle_key, tile.tile));
    let mix = mix.clamp(0.0, 0.9);
    let drawn = |likely: usize| (likely as f64 * mix / (1.0 - mix)).round() as usize;
    let upper = drawn(first);
    let lower = upper + drawn(second - first);
    let likely = tiles.iter().enumerate().map(|(place, tile)| (tile.tile, u8::from(place >= first)));
    let unlikely = pool.iter().enumerate().map(|(place, tile)| match place {
        place if place < upper => (tile.tile, 0),
        place if place < lower => (tile.tile, 1),
        _ => (tile.tile, LEVELS - 1),
    });
    let mut all: Vec<(i64, u8)> = likely.chain(unlikely).collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(count: i64) -> Vec<Scored> {
        let tile = |tile: i64| Scored {
            tile,
            score: Some(tile as f64 / count as f64),
            shuffle_key: tile.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64),
        };
        (0..count).map(tile).collect()
    }

    #[test]
    fn likely_tiles_come_first_with_unlikely_ones_among_them() {
        let levels = levels(scored(1000), 0.3);
        let of =
            |level: u8| levels.iter().filter(|(_, one)| *one == level).map(|(tile, _)| *tile).collect::<Vec<i64>>();
        let (first, second) = (of(0), of(1));
        assert_eq!((first.len(), second.len()), (143, 286));
        assert!((900..1000).all(|tile| first.contains(&tile)) && (700..900).all(|tile| second.contains(&tile)));
        // The unlikely ones come from all over.
        assert!(first.iter().any(|tile| *tile < 200) && first.iter().any(|tile| (400..700).contains(tile)));
        assert_eq!(of(2).len(), 1000 - 143 - 286);
    }

    #[test]
    fn without_mixing_it_is_the_scores_and_the_unknown_come_last() {
        let mut tiles = scored(10);
        tiles[9].score = None;
        let levels = levels(tiles, 0.0);
        assert_eq!(levels[8], (8, 0));
        assert_eq!((levels[7].1, levels[6].1, levels[9].1, levels[0].1), (1, 1, 2, 2));
    }

    #[test]
    fn a_hint_orders_inside_a_value_and_never_above_it() {
        assert!(ring_bucket(0, 2) < ring_bucket(1, 0));
        for (value, hint) in [(0, 0), (2, 1), (3, 2)] {
            let bucket = ring_bucket(value, hint);
            assert_eq!((bucket / LEVELS, hint_of(bucket)), (value, hint));
        }
    }
}
