//! What volunteers do: tiles handed out and answered, and what the answers of a tile come to.

pub mod consensus;
pub mod counted_labels;
pub mod labels;
pub mod leases;
pub mod models;
pub mod notes;
pub mod participations;
pub mod practice;
pub mod queue;
pub mod ring;
