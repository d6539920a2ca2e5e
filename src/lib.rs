//! aftermap
pub mod cli;
pub mod config;
pub mod consensus;
pub mod domain;
pub mod http;
pub mod services;
pub mod storage;
pub mod imagery;
