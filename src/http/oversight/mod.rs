//! What those who run a campaign do: watch it, steer it, review its hard tiles, and see to its volunteers.

pub mod announcements;
pub mod audit_log;
pub mod events;
pub mod reviews;
pub mod statistics;
pub mod statistics_map;
pub mod steering;
pub mod volunteer_figures;
pub mod volunteers;
pub mod withdrawals;
