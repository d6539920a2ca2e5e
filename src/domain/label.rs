//! A label: what one volunteer answered for one tile, and what became of it.

use uuid::Uuid;

use super::words::words;

/// The longest note a volunteer may add, in characters.
pub const MAX_NOTE: usize = 2_000;
/// How often one volunteer may answer one tile, the first answer included: far more than anybody needs to make up their
/// mind, few enough that nobody fills the log, which forgets nothing.
pub const MAX_REVISIONS: u32 = 500;

/// The window in which the damage happened, between two scenes. Open at either end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The last scene in which the place stands; `None`: already damaged in the first.
    pub last_intact: Option<i64>,
    /// The first scene in which it is damaged; `None`: never so far.
    pub first_damaged: Option<i64>,
}

/// A label as it arrives, its answer already a place on the campaign's scale.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLabel {
    /// The client's id: the same id is the same label.
    pub id: Uuid,
    /// The lease it answers.
    pub lease_id: i64,
    /// Key of the answer, e.g. `destroyed`.
    pub answer: String,
    /// Timeline campaigns only; `None`: cannot say.
    pub window: Option<Window>,
    /// A remark for the coordinator.
    pub note: Option<String>,
    /// Time spent on the tile, by the client's clock.
    pub seconds: Option<f64>,
}

words! {
    /// What became of an accepted label.
    LabelStatus {
        /// It is the volunteer's answer for this tile and counts.
        Stored = "stored",
        /// It replaces the volunteer's earlier answer.
        Revised = "revised",
        /// It is kept, but the tile needed no more: it counts only if the tile opens again.
        Surplus = "surplus",
    }
}

words! {
    /// Why a label was refused. The client keeps it and shows the reason.
    RefusalCode {
        /// The id was used before for something else.
        Conflict = "conflict",
        /// The tile was never handed to this volunteer.
        NeverLeased = "never_leased",
        /// A field holds what it cannot hold.
        Invalid = "invalid",
        /// The tile closed too long ago to change an answer.
        TooLate = "too_late",
    }
}

/// A refusal of one label, in words for its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal.
    pub code: RefusalCode,
    /// The field it is about, if any.
    pub field: Option<String>,
    /// The reason, and what would be right.
    pub reason: String,
}
