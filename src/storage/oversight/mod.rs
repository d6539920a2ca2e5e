//! What those who run a campaign see and do: figures, reviews, exclusions, withdrawals, announcements, and the log of it all.

pub mod announcements;
pub mod audit_log;
pub mod delays;
pub mod exclusions;
pub mod quality;
pub mod review_queue;
pub mod reviews;
pub mod statistics;
pub mod volunteer_quality;
pub mod withdrawals;
