//! The command line: thin verbs over the other rooms.

pub mod consensus;
pub mod consensus_report;
pub mod evaluate;
pub mod label_file;
pub mod names;
