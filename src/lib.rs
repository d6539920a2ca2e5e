//! aftermap
pub mod consensus;
pub mod domain;
pub mod export;
pub mod services;
pub mod storage;
