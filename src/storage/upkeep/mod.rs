//! The database as a whole: brought up, copied, backed up, granted, and checked from outside.

pub mod backups;
pub mod copy;
pub mod copy_rows;
pub mod grants;
pub mod invariants;
pub mod migrate;
