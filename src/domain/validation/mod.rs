//! Validation: how right the map is, judged by experts on a random sample of its tiles. Drawing, grading rules,
//! estimates. What is here is arithmetic; nothing is read or written.

pub mod accuracy;
pub mod agreement;
pub mod draw;
pub mod estimate;
pub mod note;
pub mod report;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Invalid;
use super::consensus::TileState;
use super::damage_map::TileRow;
use super::scale::{Role, Scale};
use super::words::words;

words! {
    /// How far the volunteers of a tile agreed.
    Band {
        /// At least as much as the sample's `agreed_from`.
        Agreed = "agreed",
        /// Less, or nobody can say because there are not two labels.
        Split = "split",
    }
}

/// Tiles that are alike before anybody checks them: one class of the map and one band of agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stratum {
    /// Place of the class on the scale.
    pub class: u8,
    /// How far the volunteers agreed.
    pub band: Band,
    /// Tiles of the map in it.
    pub tiles: u64,
    /// Of these, drawn.
    pub drawn: u64,
}

/// What a sample is asked to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = SampleSettings)]
pub struct Settings {
    /// Tiles to draw.
    pub size: u64,
    /// At least so many from each stratum, or all of it where it has fewer.
    pub floor: u64,
    /// The agreement (share of agreeing pairs of labels) from which a tile belongs to the band `agreed`.
    pub agreed_from: f64,
    /// Decides which tiles are drawn: the same seed on the same map draws the same tiles.
    pub seed: String,
}

/// Most tiles of a sample.
pub const MOST: u64 = 20_000;

impl Settings {
    /// Checks that each setting can be meant.
    pub fn check(&self) -> Result<(), Invalid> {
        let wrong = |field: &str, reason: String| Err(Invalid::new(field, reason));
        if !(2..=MOST).contains(&self.size) {
            return wrong("size", format!("{} tiles cannot be drawn: ask for 2 to {MOST}", self.size));
        }
        if !(2..=self.size).contains(&self.floor) {
            return wrong("floor", format!("{} is no floor: use 2 (an error needs two) to the size", self.floor));
        }
        if !(0.0..=1.0).contains(&self.agreed_from) {
            return wrong("agreed_from", format!("{} is no share: use a number from 0 to 1", self.agreed_from));
        }
        if self.seed.is_empty() || self.seed.len() > 100 || self.seed.chars().any(char::is_control) {
            return wrong("seed", "a seed is 1 to 100 letters or digits".into());
        }
        Ok(())
    }
}

/// Why tiles of the campaign are not among those that the sample speaks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// Still asking for labels.
    pub open: u64,
    /// Closed because the imagery shows nothing usable.
    pub unusable: u64,
    /// Gold: its answer is the experts' from the start.
    pub gold: u64,
    /// Closed without a class.
    pub without_class: u64,
}

impl LeftOut {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.open + self.unusable + self.gold + self.without_class
    }
}

/// Whether a tile is among those that a sample speaks for, by its class and band; else it is counted in `out`.
pub fn sort_in(row: &TileRow, agreed_from: f64, out: &mut LeftOut) -> Option<(u8, Band)> {
    let consensus = row.crowd.as_ref().and_then(|crowd| crowd.consensus.as_ref());
    let counter = match (row.gold, row.state, consensus.and_then(|consensus| consensus.class)) {
        (Some(_), _, _) => &mut out.gold,
        (None, TileState::Open, _) => &mut out.open,
        (None, TileState::Unusable, _) => &mut out.unusable,
        (None, _, None) => &mut out.without_class,
        (None, _, Some(class)) => {
            let agreed = consensus.and_then(|consensus| consensus.agreement).is_some_and(|share| share >= agreed_from);
            return Some((class, if agreed { Band::Agreed } else { Band::Split }));
        }
    };
    *counter += 1;
    None
}

/// Where the grading of one tile stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// So many more grades are needed before anything can be said.
    Waiting(usize),
    /// The answer that counts, as a place on the scale.
    Decided(u8),
}

/// What the grades of a tile, in the order in which they were given, come to: two that agree decide; where they do
/// not, a third decides. All answers beside the classes say the same: this cannot be graded.
pub fn verdict(scale: &Scale, grades: &[u8]) -> Verdict {
    match *grades {
        [] => Verdict::Waiting(2),
        [_] => Verdict::Waiting(1),
        [first, second] if class_of(scale, first) == class_of(scale, second) => Verdict::Decided(first),
        [_, _] => Verdict::Waiting(1),
        [_, _, third, ..] => Verdict::Decided(third),
    }
}

/// The class that an answer names; `None` for an answer beside the classes.
pub fn class_of(scale: &Scale, answer: u8) -> Option<u8> {
    (usize::from(answer) < scale.classes().len()).then_some(answer)
}

/// Whether a grader may give this answer: a class, or that it cannot be graded. "Maybe" is for the crowd.
pub fn may_be_graded(scale: &Scale, answer: u8) -> bool {
    scale.answer(answer).is_some_and(|answer| !matches!(answer.role, Role::Between { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(size: u64, floor: u64) -> Settings {
        Settings { size, floor, agreed_from: 0.75, seed: "a".into() }
    }

    #[test]
    fn a_sample_of_nothing_or_of_everything_ever_is_refused_by_name() {
        assert_eq!(settings(300, 20).check(), Ok(()));
        assert_eq!(settings(1, 2).check().unwrap_err().field, "size");
        assert_eq!(settings(MOST + 1, 2).check().unwrap_err().field, "size");
        assert_eq!(settings(10, 1).check().unwrap_err().field, "floor");
        assert_eq!(settings(10, 11).check().unwrap_err().field, "floor");
        assert_eq!(Settings { agreed_from: f64::NAN, ..settings(10, 2) }.check().unwrap_err().field, "agreed_from");
        assert_eq!(Settings { seed: String::new(), ..settings(10, 2) }.check().unwrap_err().field, "seed");
    }

    #[test]
    fn two_who_agree_decide_and_a_third_settles_what_two_could_not() {
        let scale = Scale::built_in("conflict3").unwrap();
        let (unsure, bad) = (scale.place_of("unsure").unwrap(), scale.place_of("bad_imagery").unwrap());
        let is = |grades: &[u8]| verdict(&scale, grades);
        assert_eq!((is(&[]), is(&[1]), is(&[1, 2])), (Verdict::Waiting(2), Verdict::Waiting(1), Verdict::Waiting(1)));
        assert_eq!((is(&[1, 1]), is(&[1, 2, 0])), (Verdict::Decided(1), Verdict::Decided(0)));
        assert_eq!(is(&[unsure, bad]), Verdict::Decided(unsure), "neither says anything about damage");
        assert_eq!(is(&[unsure, 1]), Verdict::Waiting(1));
    }

    #[test]
    fn maybe_is_no_grade() {
        let mut scale = Scale::built_in("change2").unwrap();
        let maybe = super::super::scale::Answer::new("maybe", Role::Between { low: 0, high: 1 }, 5);
        scale.answers.insert(2, maybe);
        let may: Vec<bool> = (0..6).map(|place| may_be_graded(&scale, place)).collect();
        assert_eq!(may, [true, true, false, true, true, false]);
    }
}
