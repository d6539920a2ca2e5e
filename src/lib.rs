//! aftermap
pub mod consensus;
pub mod domain;
pub mod services;
pub mod storage;
