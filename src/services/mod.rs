//! The verbs of the project: one file each, one transaction each, nothing of HTTP.

pub mod change_state;
pub mod clock;
pub mod create_campaign;
mod derive_tiles;
mod error;
pub mod export_map;
pub mod hand_out;
pub mod housekeeping;
pub mod import_gold;
pub mod ingest;
pub mod refit;
pub mod release_lease;
pub mod statistics;
pub mod submit_label;
mod tile_consensus;

pub use error::Error;
