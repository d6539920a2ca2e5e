pub mod domain;
pub mod imagery;
