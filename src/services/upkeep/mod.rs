//! What an operator does: backups, the look at a whole installation, and what the server does by itself.

pub mod backup;
pub mod check_archives;
pub mod doctor;
pub mod housekeeping;
pub mod readiness;
pub mod restore;
