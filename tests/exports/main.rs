//! What leaves the building: every format read back, who sees what, the same bytes every time; on both databases.

mod cli;
mod filters;
mod helpers;
mod labels;
mod statistics;
#[path = "../support/mod.rs"]
mod support;
mod tiles;
