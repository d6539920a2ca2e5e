//! What those do who run a campaign: watch it, review, steer, exclude, and read who did what.

pub mod announce;
pub mod audit;
pub mod exclude;
pub(super) mod refollow;
pub mod review;
pub mod review_queue;
pub mod statistics;
pub mod steer;
pub mod watch_notes;
pub mod watch_rings;
pub mod watch_volunteers;
