//! The verbs of the project: one file each, one transaction each, nothing of HTTP.

pub mod access_token;
pub mod accounts;
pub mod change_state;
pub mod check_archives;
pub mod clock;
pub mod create_campaign;
mod date_windows;
mod derive_tiles;
mod error;
pub mod events;
pub mod export_map;
pub mod grant_role;
pub mod hand_out;
pub mod housekeeping;
pub mod import_gold;
pub mod ingest;
pub mod leave_note;
pub mod passwords;
pub mod practise;
pub mod readiness;
pub mod refit;
pub mod release_lease;
pub mod renew_lease;
pub mod secrets;
pub mod sign_in;
pub mod statistics;
pub mod submit_label;
pub mod texts;
pub mod throttle;
mod tile_consensus;
pub mod training;
pub mod watch_notes;

pub use error::Error;
