//! Practice: which practice tiles are shown as examples and which are asked, and when an answer is right.

use super::label::Window;
use super::scale::{Role, Scale};

/// Most examples of one answer in the field guide.
const MOST_EXAMPLES: usize = 3;

/// The answer that experts fixed for a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpertAnswer {
    /// Place on the scale.
    pub answer: u8,
    /// When it was damaged, where the experts said so.
    pub window: Option<Window>,
}

/// Whether a volunteer's answer is as good as the experts'.
///
/// A "maybe" is right where one of its two classes is. Where experts fixed a date window for a damaged place, the
/// volunteer's window must lie inside it. `scenes` are the campaign's, by date.
pub fn is_right(scale: &Scale, scenes: &[i64], expert: ExpertAnswer, answer: u8, window: Option<Window>) -> bool {
    let same = answer == expert.answer
        || matches!(scale.answer(answer).map(|one| one.role),
        Some(Role::Between { low, high }) if low == expert.answer || high == expert.answer);
    // The undamaged class comes first; of a place that stands no window is asked.
    let damaged = expert.answer > 0 && usize::from(expert.answer) < scale.classes().len();
    match expert.window.filter(|_| damaged && same) {
        Some(wide) => window.is_some_and(|narrow| lies_inside(scenes, narrow, wide)),
        None => same,
    }
}

/// Whether one window lies inside another; an open end reaches beyond all scenes.
fn lies_inside(scenes: &[i64], narrow: Window, wide: Window) -> bool {
    let place = |id: i64| scenes.iter().position(|scene| *scene == id).map(|place| place as i64);
    let (start, end) = (
        |window: Window| window.last_intact.map_or(Some(-1), place),
        |window: Window| window.first_damaged.map_or(Some(scenes.len() as i64), place),
    );
    match (start(narrow), start(wide), end(narrow), end(wide)) {
        (Some(from), Some(earliest), Some(to), Some(latest)) => earliest <= from && to <= latest,
        _ => false,
    }
}

/// How many of an answer's practice tiles are examples in the field guide; the others are asked. Half of them at most,
/// so that something is left to practise on.
pub fn examples(tiles: usize) -> usize {
    (tiles / 2).min(MOST_EXAMPLES)
}

/// Right answers that pass, of so many practice tiles that are asked.
pub fn needed(pass_share: f64, tiles: usize) -> usize {
    // A hair less, so that 0.7 of 10 is 7 whatever the floating-point product says.
    ((pass_share * tiles as f64) - 1e-9).ceil().max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::super::scale::Answer;
    use super::*;

    const SCENES: [i64; 5] = [10, 20, 30, 40, 50];

    fn window(last_intact: Option<i64>, first_damaged: Option<i64>) -> Option<Window> {
        Some(Window { last_intact, first_damaged })
    }

    fn right(expert: (u8, Option<Window>), answer: u8, mine: Option<Window>) -> bool {
        let scale = Scale::built_in("conflict3").unwrap();
        is_right(&scale, &SCENES, ExpertAnswer { answer: expert.0, window: expert.1 }, answer, mine)
    }

    #[test]
    fn the_answer_must_be_the_experts_answer() {
        assert!(right((2, None), 2, None) && right((3, None), 3, None));
        assert!(!right((2, None), 1, None) && !right((2, None), 3, None));
    }

    #[test]
    fn a_maybe_is_right_where_one_of_its_classes_is() {
        let mut scale = Scale::built_in("conflict3").unwrap();
        scale.answers.insert(3, Answer::new("maybe", Role::Between { low: 0, high: 1 }, 50));
        let right = |expert| is_right(&scale, &SCENES, ExpertAnswer { answer: expert, window: None }, 3, None);
        assert!(right(0) && right(1) && !right(2));
    }

    #[test]
    fn a_window_must_lie_inside_the_one_of_the_experts() {
        let expert = (2, window(Some(20), Some(40)));
        assert!(right(expert, 2, window(Some(20), Some(40))) && right(expert, 2, window(Some(30), Some(40))));
        assert!(!right(expert, 2, window(Some(10), Some(40))) && !right(expert, 2, window(Some(20), Some(50))));
        assert!(!right(expert, 2, window(Some(20), None)) && !right(expert, 2, None));
        assert!(!right(expert, 2, window(Some(99), Some(40))), "a scene that is not there");
        let from_the_start = (2, window(None, Some(10)));
        assert!(right(from_the_start, 2, window(None, Some(10))) && !right(from_the_start, 2, window(None, Some(20))));
        assert!(right((0, window(Some(50), None)), 0, None), "no window is asked of a place that stands");
    }

    #[test]
    fn half_of_the_tiles_at_most_are_examples() {
        assert_eq!([0, 1, 2, 3, 4, 6, 9].map(examples), [0, 0, 1, 1, 2, 3, 3]);
    }

    #[test]
    fn the_share_that_passes_is_rounded_up() {
        assert_eq!((needed(0.7, 10), needed(0.7, 3), needed(1.0, 4), needed(0.0, 4), needed(0.7, 0)), (7, 3, 4, 0, 0));
    }
}
