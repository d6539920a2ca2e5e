//! What a volunteer does: learn, take tiles, answer, remark, and see how it went.

pub mod labels;
pub mod leases;
pub mod notes;
pub mod standing;
pub mod training;
