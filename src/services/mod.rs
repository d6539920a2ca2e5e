//! The verbs of the project: one file each, one transaction each, nothing of HTTP; in rooms, by whose verbs they are.

pub mod campaigns;
pub mod clock;
mod error;
pub mod events;
pub mod gold;
pub mod import;
pub mod jobs;
pub mod labelling;
pub mod maps;
pub mod oversight;
pub mod people;
pub mod refit;
pub mod scenes;
pub mod upkeep;

pub use error::Error;
