//! The promises of the services (design: exactly once, no over-assignment, nothing stuck), on both databases, straight
//! through the verbs and without HTTP.

mod align;
mod campaign_files;
mod cost;
mod exclusions;
mod gold;
mod handing_out;
mod hints;
mod ingest;
mod later_scenes;
mod leases;
mod members;
mod once;
mod refits;
mod releases;
mod remote;
mod revisions;
mod skips;
mod steering;
#[path = "../support/mod.rs"]
mod support;
mod tiles;
mod timelines;
mod together;
mod town;
mod writer;
