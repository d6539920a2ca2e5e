pub mod domain;

pub mod consensus;

pub mod cli;
