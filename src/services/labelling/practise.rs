//! Takes an answer for a practice tile and says at once whether it was right, and why. It measures nobody.

use super::training::{PracticeSet, PracticeState, state};
use crate::domain::campaign::Campaign;
use crate::domain::label::Window;
use crate::domain::practice::is_right;
use crate::services::Error;
use crate::services::campaigns::texts;
use crate::storage::labelling::{participations, practice};
use crate::storage::{Conn, gold, scenes};

/// What a volunteer says of a practice tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Public id of the tile.
    pub tile: String,
    /// Key of the answer.
    pub answer: String,
    /// Timeline campaigns only.
    pub window: Option<Window>,
}

/// The feedback.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    /// Whether this answer is as good as the experts'.
    pub right: bool,
    /// Key of the experts' answer.
    pub answer: String,
    /// Their date window.
    pub window: Option<Window>,
    /// Why it is so, in Markdown.
    pub explanation: String,
    /// How far the volunteer is now.
    pub practice: PracticeState,
}

/// Judges an answer. The first one for each tile counts; where all were given and too few were right, the next answer
/// begins a new round.
///
/// The reason comes in the best of the `wanted` languages in which the campaign has texts, else in its own.
///
/// Whatever is no practice tile of this campaign reads as if there were none, check gold above all.
pub fn practise(
    conn: &mut Conn,
    campaign: &Campaign,
    volunteer: i64,
    attempt: &Attempt,
    (wanted, now): (&[String], i64),
) -> Result<Feedback, Error> {
    let scale = &campaign.scale;
    let answer = scale.place_of(&attempt.answer).ok_or_else(|| {
        let keys: Vec<&str> = scale.answers.iter().map(|answer| answer.key.as_str()).collect();
        Error::invalid("answer", format!("`{}` is not an answer here: use one of {}", attempt.answer, keys.join(", ")))
    })?;
    let dated = scenes::ids_by_date(conn, campaign.id)?;
    if let Some(window) = &attempt.window {
        window.check(campaign.kind, &dated, (scale, answer)).map_err(|reason| Error::invalid("window", reason))?;
    }
    let set = PracticeSet::load(conn, campaign.id)?;
    let Some(tile) = set.asked.iter().find(|one| one.tile_id == attempt.tile) else {
        return Err(Error::NotFound("this campaign has no such practice tile".into()));
    };
    // One volunteer's answers take turns, so that the first one is one.
    participations::take_turn(conn, campaign.id, volunteer, now)?;
    let right = is_right(scale, &dated, tile.expert, answer, attempt.window);
    let mut answers = practice::answers_of(conn, campaign.id, volunteer)?;
    let before = state(conn, campaign, Some(volunteer), &set.asked, &answers)?;
    if before.answered >= before.tiles && !before.passed {
        practice::start_over(conn, campaign.id, volunteer)?;
        answers.clear();
    }
    if !answers.iter().any(|(id, _)| *id == tile.tile) {
        practice::insert(conn, (tile.tile, campaign.id, volunteer), (answer, right), now)?;
        answers.push((tile.tile, right));
    }
    let after = state(conn, campaign, Some(volunteer), &set.asked, &answers)?;
    if after.passed && practice::passed_at(conn, campaign.id, volunteer)?.is_none() {
        practice::pass(conn, campaign.id, volunteer, now)?;
    }
    let language = texts::read(conn, campaign, wanted)?.language;
    let explanation = gold::text_in(conn, tile.tile, &language)?;
    Ok(Feedback {
        right,
        answer: scale.answer(tile.expert.answer).map(|one| one.key.clone()).unwrap_or_default(),
        window: tile.expert.window,
        explanation: explanation.unwrap_or_else(|| tile.explanation.clone()),
        practice: after,
    })
}
