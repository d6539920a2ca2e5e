//! The verbs of the project: one file each, one transaction each, nothing of HTTP.

pub mod clock;
mod error;
pub mod export_map;
pub mod statistics;

pub use error::Error;
