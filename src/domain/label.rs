//! A label: what one volunteer answered for one tile, and what became of it.

use uuid::Uuid;

use super::campaign::CampaignKind;
use super::scale::{Role, Scale};
use super::words::words;

/// The longest note a volunteer may add, in characters.
pub const MAX_NOTE: usize = 2_000;
/// Checks a note: at most [`MAX_NOTE`] characters, and nothing that a database cannot hold.
pub fn check_note(text: &str) -> Result<(), String> {
    if text.chars().count() > MAX_NOTE {
        return Err(format!("a note has at most {MAX_NOTE} characters"));
    }
    // PostgreSQL cannot store it, and nobody types it.
    match text.contains('\0') {
        true => Err("a note cannot hold the character U+0000: leave it out".into()),
        false => Ok(()),
    }
}

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

impl Window {
    /// Checks a window against the scenes of its campaign, by date, and against the answer beside it (its place on the
    /// scale): it names a scene at least, the intact one comes before the damaged one, and what the answer calls intact was
    /// damaged in none. Otherwise says what is wrong.
    pub fn check(&self, kind: CampaignKind, scenes: &[i64], (scale, answer): (&Scale, u8)) -> Result<(), &'static str> {
        if kind != CampaignKind::Timeline {
            return Err("this campaign compares two pictures and has no date window");
        }
        if self.last_intact.is_none() && self.first_damaged.is_none() {
            return Err(
                "a window names the last intact scene or the first damaged one; leave it out if you cannot tell",
            );
        }
        let place = |id: i64| scenes.iter().position(|scene| *scene == id);
        let (intact, damaged) = (self.last_intact.map(place), self.first_damaged.map(place));
        if intact == Some(None) || damaged == Some(None) {
            return Err("the window names a scene that this campaign does not have");
        }
        match (intact.flatten(), damaged.flatten()) {
            (Some(intact), Some(damaged)) if intact >= damaged => {
                Err("the last intact scene must be earlier than the first damaged one")
            }
            _ => self.check_beside(scale, answer),
        }
    }

    /// The mildest class says that the place stands, an answer beside the classes says nothing about damage.
    fn check_beside(&self, scale: &Scale, answer: u8) -> Result<(), &'static str> {
        match scale.answer(answer).map(|answer| answer.role) {
            Some(Role::Side) => Err("this answer says nothing about damage and has no date window"),
            Some(Role::Class) if answer == 0 && self.first_damaged.is_some() => {
                Err("this answer says that the place is not damaged and has no first damaged scene")
            }
            _ => Ok(()),
        }
    }
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
    /// Whether the tile needs the coordinator's attention.
    pub flagged: bool,
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
    /// What a label was until a later scene of its tile came, about which it says nothing. From then on it counts for no class
    /// and waits for no place; the date window of one that counted still does, since it ends where its author's view did.
    Censored {
        /// It counted.
        Counted = "counted",
        /// It waited outside the consensus.
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
