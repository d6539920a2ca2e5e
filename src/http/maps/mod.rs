//! The damage map on its way out: rows, vector tiles, files, releases, and how well it stands up to experts.

pub mod exports;
pub mod exports_compat;
pub mod map_query;
pub mod map_rows;
pub mod map_tiles;
pub mod releases;
pub mod tilejson;
pub mod validation;
