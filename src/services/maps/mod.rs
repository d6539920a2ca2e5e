//! What comes out: the damage map read, drawn, exported, released, and checked by experts.

pub(super) mod date_windows;
pub mod describe_map;
pub mod draw_sample;
pub mod explain_tile;
pub mod export_compat;
pub mod export_map;
pub mod features;
pub mod grade_tile;
pub(super) mod map_pictures;
pub mod map_tiles;
pub mod read_map;
pub mod release;
pub mod spool;
pub mod validation_report;
