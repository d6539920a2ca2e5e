//! What a campaign shows to programs that ask place by place.

use super::words::words;

words! {
    /// What the features of a collection are.
    Layer {
        /// The tiles of the damage map.
        Tiles = "tiles",
        /// The images that were compared.
        Scenes = "scenes",
        /// The campaign's area, one feature.
        Area = "area",
    }
}
