//! aftermap
pub mod domain;
pub mod services;
pub mod storage;
