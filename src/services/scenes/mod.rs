//! What a campaign shows: pictures and footprints brought in, lined up, and cut into the places to label.

pub mod align_scene;
pub mod bring_remote;
pub(super) mod bring_tiles;
pub mod change_hints;
pub(super) mod derive_tiles;
pub mod edit_scene;
pub mod ingest;
pub mod later_scene;
pub mod preview;
pub mod retile;
pub mod upload;
