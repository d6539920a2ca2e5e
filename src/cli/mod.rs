//! The command line: thin, over the same services as HTTP.

pub mod serve;
pub mod user;
