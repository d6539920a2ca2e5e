//! The storm: seeded volunteers over HTTP against real server processes that are killed, paused, cut off, starved of disk
//! and lied to about the time; afterwards what the volunteers were told is compared with what the database holds.
//!
//! What volunteers decide and when faults strike follows from a seed (`AFTERMAP_STORM_SEED`); how threads and packets
//! fall does not, so a replay is the same storm but never the same interleaving. `AFTERMAP_STORM=long` (`make storm`)
//! runs the full counts of docs/guarantees.md, otherwise a short version of each storm runs.

mod backups;
mod campaign;
mod check;
mod check_tests;
mod client;
mod clock;
mod cluster;
mod crowd;
mod cuts;
mod disk;
mod found;
mod kills;
mod once;
mod plan;
mod postgres;
mod proxy;
mod record;
mod server;
mod storm;
#[path = "../support/mod.rs"]
mod support;
mod volunteer;
