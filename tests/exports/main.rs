//! What leaves the building: every format read back, who sees what, the same bytes every time; on both databases.

mod helpers;
mod labels;
mod statistics;
mod tiles;
