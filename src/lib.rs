pub mod domain;

pub mod consensus;
