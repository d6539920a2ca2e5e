//! OGC API Features 1.0 (OGC 17-069r4): Core, GeoJSON, HTML and OpenAPI 3.0, over the damage maps of all campaigns that
//! somebody may see. What is seen of a tile is decided where exports decide it.

mod asked;
mod collections;
mod description;
mod features;
mod links;
mod plan;
mod schema;
mod start;

pub use collections::{collection, collections};
pub use description::api;
pub use features::{item, items};
pub use schema::schema;
pub use start::{conformance, landing};

/// The only coordinate reference system: longitude, latitude in degrees, WGS 84.
const CRS84: &str = "http://www.opengis.net/def/crs/OGC/1.3/CRS84";
/// Calendar and clock of all times.
const GREGORIAN: &str = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian";
