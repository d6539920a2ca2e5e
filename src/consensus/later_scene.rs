//! Which labels say nothing any more once a later scene joins the timeline of their tile.
//!
//! A label speaks of what its author was shown. "No damage" then meant "none until my last scene": it is censored there,
//! and no voice against damage in the new interval. Damage stays damage. But a tile on which both was said may not keep the
//! damage alone, or the vote would tilt: there all labels are set aside and the crowd is asked anew. What was closed as
//! damaged stays closed with all its labels. Answers beside the scale spoke of pictures; now there is another one.

use crate::domain::scale::{Role, Scale};

/// Whether an answer says that there is damage, and leaves no room for none.
pub fn says_damage(scale: &Scale, answer: u8) -> bool {
    match scale.answer(answer).map(|answer| answer.role) {
        Some(Role::Class) => answer > 0,
        Some(Role::Between { low, .. }) => low > 0,
        Some(Role::Side) | None => false,
    }
}

/// Which of a tile's labels (answer, whether it counts) are set aside, at the place of each. `closed_as_damaged`: the crowd
/// settled the tile as damaged, or experts decided so.
pub fn set_aside(scale: &Scale, labels: &[(u8, bool)], closed_as_damaged: bool) -> Vec<bool> {
    let is_telling = |answer: u8| scale.answer(answer).is_some_and(|answer| answer.role != Role::Side);
    let in_doubt = labels.iter().any(|(answer, counts)| *counts && is_telling(*answer) && !says_damage(scale, *answer));
    let goes = |(answer, _): &(u8, bool)| !closed_as_damaged && (in_doubt || !says_damage(scale, *answer));
    labels.iter().map(goes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of conflict3: 0 none, 1 damaged, 2 destroyed, 3 unsure, 4 bad imagery.
    fn aside(answers: &[u8], closed_as_damaged: bool) -> Vec<bool> {
        let labels: Vec<(u8, bool)> = answers.iter().map(|answer| (*answer, true)).collect();
        set_aside(&Scale::usual(), &labels, closed_as_damaged)
    }

    #[test]
    fn what_said_no_damage_or_nothing_is_set_aside() {
        assert_eq!(aside(&[0, 0, 3, 4], false), [true; 4]);
        assert_eq!(aside(&[], false), [] as [bool; 0]);
    }

    #[test]
    fn damage_that_nobody_doubted_stays_and_pictures_are_looked_at_anew() {
        assert_eq!(aside(&[2, 1, 4], false), [false, false, true]);
    }

    #[test]
    fn where_both_was_said_the_damage_does_not_stay_alone() {
        assert_eq!(aside(&[2, 2, 0], false), [true; 3]);
        let waits = [(2, true), (0, false)];
        assert_eq!(set_aside(&Scale::usual(), &waits, false), [false, true], "a surplus label casts no doubt");
    }

    #[test]
    fn a_tile_closed_as_damaged_keeps_all_its_labels() {
        assert_eq!(aside(&[2, 2, 2, 0, 4], true), [false; 5]);
    }
}
