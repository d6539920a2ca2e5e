//! Gold: marking tiles whose answer experts know, changing and retiring it, and how volunteers do on it.

mod file;
pub mod import_gold;
mod list;
mod mark;

pub use file::{read_csv, read_file, read_geojson};
pub use list::{GoldList, GoldTile, Spread, list, one};
pub use mark::{NewMark, change, mark, retire};
pub(super) use mark::{make, may_become_check};
