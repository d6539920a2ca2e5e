//! Reviews: which tiles experts look at first, and whose opinion is in force where they differ. Pure rules.

use super::label::Window;
use super::scale::{Role, Scale};
use super::words::words;

words! {
    /// Why a tile waits for a reviewer.
    WhyReview {
        /// Reviewers differ about it, and none of their opinions prevails.
        Disputed = "disputed",
        /// The crowd could not decide.
        Contested = "contested",
        /// A volunteer asked for attention.
        Flagged = "flagged",
        /// Many could not use the imagery, though not enough to close it as unusable.
        Doubtful = "doubtful",
    }
}

words! {
    /// What became of a decision.
    ReviewStanding {
        /// It is what the map shows.
        InForce = "in_force",
        /// Others hold the opinion that is in force; it says the same.
        Agrees = "agrees",
        /// Another opinion is in force.
        Outvoted = "outvoted",
        /// No opinion prevails: one more reviewer is needed.
        Disputed = "disputed",
        /// Its author decided again.
        Revised = "revised",
        /// Its author took it back.
        Withdrawn = "withdrawn",
    }
}

/// What one reviewer says of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opinion {
    /// Place of the answer on the scale.
    pub answer: u8,
    /// When it was damaged; timelines only.
    pub window: Option<Window>,
}

/// What is known of how hard a tile is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difficulty<'a> {
    /// Entropy of the class probabilities, nats.
    pub entropy: f64,
    /// Number of classes.
    pub classes: usize,
    /// Share of agreeing pairs of labels; `None` with fewer than two.
    pub agreement: Option<f64>,
    /// Counted labels for each answer of the scale.
    pub answers: &'a [u32],
    /// Whether reviewers differ about it.
    pub disputed: bool,
}

/// How hard a tile is, 0 to 1; the queue is sorted by it, and by public id where it is equal.
///
/// Half of it is the entropy of the class probabilities as a share of the greatest possible one, half the share of pairs
/// of volunteers who differ. What is left of certainty then shrinks by the share of volunteers who could not tell. A
/// tile about which reviewers differ is as hard as can be, and so is one that nobody labelled.
pub fn hardness(scale: &Scale, tile: Difficulty<'_>) -> f64 {
    let labels: u32 = tile.answers.iter().sum();
    if tile.disputed || labels == 0 {
        return 1.0;
    }
    let greatest = (tile.classes.max(2) as f64).ln();
    let undecided = (tile.entropy / greatest).clamp(0.0, 1.0);
    // One label agrees with nobody.
    let differing = 1.0 - tile.agreement.unwrap_or(0.0);
    let aside: u32 =
        scale.answers.iter().zip(tile.answers).filter(|(one, _)| one.role == Role::Side).map(|(_, count)| count).sum();
    let telling = 1.0 - f64::from(aside) / f64::from(labels);
    1.0 - (1.0 - (undecided + differing) / 2.0) * telling
}

/// Which of the reviewers' opinions is in force, as a place in the list, which is in the order in which they decided.
///
/// The answer that more reviewers gave than any other wins: one alone, two who agree, two of three. Of those who gave it,
/// the date window that more of them gave than any other; where three or more gave the answer and no window leads, the
/// one in the middle. `None` where nothing wins: one more reviewer is needed. `scenes` are the campaign's, by date.
pub fn in_force(opinions: &[Opinion], scenes: &[i64]) -> Option<usize> {
    let answer = leading(opinions.iter().map(|opinion| opinion.answer))?;
    let who: Vec<usize> = (0..opinions.len()).filter(|&at| opinions[at].answer == answer).collect();
    let window = |at: &usize| opinions[*at].window.map(|window| (window.last_intact, window.first_damaged));
    if let Some(window_of_most) = leading(who.iter().map(window)) {
        return who.iter().copied().find(|at| window(at) == window_of_most);
    }
    (who.len() >= 3).then(|| {
        let mut by_date = who.clone();
        by_date.sort_by_key(|&at| (place(opinions[at].window, scenes), at));
        by_date[(by_date.len() - 1) / 2]
    })
}

/// The value that is there more often than any other.
fn leading<T: PartialEq + Copy>(values: impl Iterator<Item = T> + Clone) -> Option<T> {
    let count = |value: T| values.clone().filter(|other| *other == value).count();
    let most = values.clone().map(count).max()?;
    let mut first = values.clone().filter(|value| count(*value) == most);
    let found = first.next()?;
    first.all(|other| other == found).then_some(found)
}

/// Where a window lies in time; one without dates comes last.
fn place(window: Option<Window>, scenes: &[i64]) -> (usize, usize) {
    let Some(window) = window else { return (usize::MAX, usize::MAX) };
    let at = |id: i64| scenes.iter().position(|scene| *scene == id).map_or(usize::MAX, |at| at + 1);
    (window.last_intact.map_or(0, at), window.first_damaged.map_or(usize::MAX, at))
}

/// What became of each decision, the list being the present one of each reviewer and `in_force` a place in it.
pub fn standing(opinions: &[Opinion], in_force: Option<usize>, at: usize) -> ReviewStanding {
    match in_force {
        None => ReviewStanding::Disputed,
        Some(place) if place == at => ReviewStanding::InForce,
        Some(place) if opinions[place] == opinions[at] => ReviewStanding::Agrees,
        Some(_) => ReviewStanding::Outvoted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENES: [i64; 4] = [10, 20, 30, 40];

    fn said(answers: &[u8]) -> Option<usize> {
        let opinions: Vec<Opinion> = answers.iter().map(|&answer| Opinion { answer, window: None }).collect();
        in_force(&opinions, &SCENES)
    }

    fn dated(windows: &[(i64, i64)]) -> Option<usize> {
        let opinion = |&(from, to): &(i64, i64)| Opinion {
            answer: 2,
            window: Some(Window { last_intact: Some(from), first_damaged: Some(to) }),
        };
        in_force(&windows.iter().map(opinion).collect::<Vec<_>>(), &SCENES)
    }

    #[test]
    fn one_decides_two_must_agree_and_of_three_the_majority_wins() {
        assert_eq!((said(&[]), said(&[2]), said(&[2, 2])), (None, Some(0), Some(0)));
        assert_eq!((said(&[2, 1]), said(&[2, 1, 1]), said(&[2, 1, 2])), (None, Some(1), Some(0)));
        assert_eq!((said(&[0, 1, 2]), said(&[0, 1, 2, 2]), said(&[0, 0, 2, 2])), (None, Some(2), None));
    }

    #[test]
    fn another_date_is_another_opinion_until_a_third_came() {
        assert_eq!((dated(&[(10, 20)]), dated(&[(10, 20), (10, 20)])), (Some(0), Some(0)));
        assert_eq!(dated(&[(10, 20), (20, 30)]), None);
        assert_eq!(dated(&[(10, 20), (20, 30), (20, 30)]), Some(1));
        assert_eq!(dated(&[(30, 40), (10, 20), (20, 30)]), Some(2), "the one in the middle");
    }

    #[test]
    fn what_became_of_a_decision_is_said_of_each() {
        let opinions: Vec<Opinion> = [2, 1, 2].iter().map(|&answer| Opinion { answer, window: None }).collect();
        let all: Vec<ReviewStanding> = (0..3).map(|at| standing(&opinions, Some(0), at)).collect();
        assert_eq!(all, [ReviewStanding::InForce, ReviewStanding::Outvoted, ReviewStanding::Agrees]);
        assert_eq!(standing(&opinions[..2], None, 1), ReviewStanding::Disputed);
    }

    #[test]
    fn the_less_a_crowd_agrees_the_harder_the_tile() {
        let scale = Scale::built_in("conflict3").unwrap();
        let tile = |entropy, agreement, answers: &'static [u32]| {
            hardness(&scale, Difficulty { entropy, classes: 3, agreement, answers, disputed: false })
        };
        assert_eq!(tile(0.0, Some(1.0), &[5, 0, 0, 0, 0]), 0.0);
        let split = tile(3f64.ln(), Some(0.0), &[1, 1, 1, 0, 0]);
        assert!((split - 1.0).abs() < 1e-12);
        let half = tile(3f64.ln() / 2.0, Some(0.5), &[4, 2, 0, 0, 0]);
        assert!((half - 0.5).abs() < 1e-12);
        assert!(tile(3f64.ln() / 2.0, Some(0.5), &[2, 1, 0, 2, 1]) > half, "half of them could not tell");
        assert_eq!(tile(0.0, None, &[0; 5]), 1.0, "nobody labelled it");
        let disputed = Difficulty { entropy: 0.0, classes: 3, agreement: Some(1.0), answers: &[9], disputed: true };
        assert_eq!(hardness(&scale, disputed), 1.0);
    }
}
