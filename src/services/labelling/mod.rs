//! What volunteers do: take tiles, label them, give them back, practise; and what a label does to its tile.

mod accept_label;
pub mod hand_out;
pub mod leave_note;
pub mod practise;
pub mod release_lease;
pub mod renew_lease;
pub(super) mod rules;
pub mod standing;
pub mod submit_label;
pub(super) mod tile_consensus;
pub mod training;
