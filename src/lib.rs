//! aftermap: a crowd compares satellite images of a place before and after an attack or a disaster, and its labels
//! become a damage map that can be published and defended.
//!
//! The rooms, bottom up; each uses only those above it in this list (`tests/layout.rs` proves it):
//!
//! - [`domain`]: the nouns and their rules, plain types.
//! - [`consensus`]: the voting core, labels in, probabilities out; it never reads a clock, a file or a database.
//! - [`dispatch`]: which tile next, a pure and seeded pipe.
//! - [`storage`]: the only room that knows diesel; one connection type over SQLite and PostgreSQL.
//! - [`imagery`]: GeoTIFF to scene archive, and images out of it.
//! - [`export`]: the damage map to bytes, one file for each format; formats never query.
//! - [`services`]: the verbs, one file and one transaction each.
//! - [`http`]: parse, authorise, call one service, reply.
//! - [`cli`]: the same services at the command line; [`config`] holds its settings.

#![warn(missing_docs)]

pub mod cli;
pub mod config;
pub mod consensus;
pub mod dispatch;
pub mod domain;
pub mod export;
pub mod http;
pub mod imagery;
pub mod services;
pub mod storage;
