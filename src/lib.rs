//! aftermap
pub mod consensus;
pub mod dispatch;
pub mod domain;
pub mod services;
pub mod storage;
