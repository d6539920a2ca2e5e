//! Gold: tiles whose answer experts fixed.

use std::collections::BTreeMap;

use super::words::words;

/// Check gold tiles in use that each class should have at least: with fewer, who labels much has seen them all soon, and
/// how well they do on that class is known poorly.
pub const ENOUGH_OF_A_CLASS: usize = 5;
/// Other check gold tiles on which somebody is judged before they count as good.
const JUDGED_ON: u32 = 3;
/// Share of these that a good volunteer got right.
const GOOD_SHARE: f64 = 0.7;
/// Good volunteers who must have answered a tile before their missing it says something about the tile.
const WITNESSES: u32 = 3;

words! {
    /// What a gold tile is for.
    GoldKind {
        /// Visibly practice: gives feedback and measures nobody.
        Practice = "practice",
        /// Mixed in unrecognisably: gives no feedback, measures volunteers and starts the model.
        Check = "check",
    }
}

words! {
    /// What becomes of a tile that is gold no longer.
    Retired {
        /// It is labelled like any other; labels that it has count.
        Ordinary = "ordinary",
        /// Its answer stays, as a reviewer's decision.
        Reviewed = "reviewed",
    }
}

/// An answer to check gold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// Database id of the tile.
    pub tile: i64,
    /// Who answered.
    pub volunteer: i64,
    /// Whether as the experts did.
    pub right: bool,
}

/// How volunteers did on a gold tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Record {
    /// Answers that name a class.
    pub answers: u32,
    /// Of these, right.
    pub right: u32,
    /// Answers of good volunteers.
    pub good: u32,
    /// Of these, right.
    pub good_right: u32,
}

impl Record {
    /// Whether the experts rather than the volunteers may be wrong: most good volunteers see it otherwise.
    pub fn is_suspect(&self) -> bool {
        self.good >= WITNESSES && self.good_right * 2 < self.good
    }
}

/// How volunteers did on each check gold tile. Good at a tile is who got at least seven in ten of the others right, of
/// three or more: a tile never speaks for or against its own witnesses.
pub fn records(trials: &[Trial]) -> BTreeMap<i64, Record> {
    let mut of_person: BTreeMap<i64, (u32, u32)> = BTreeMap::new();
    for trial in trials {
        let (all, right) = of_person.entry(trial.volunteer).or_default();
        (*all, *right) = (*all + 1, *right + u32::from(trial.right));
    }
    let mut records: BTreeMap<i64, Record> = BTreeMap::new();
    for trial in trials {
        let (all, right) = of_person[&trial.volunteer];
        let (others, right_there) = (all - 1, right - u32::from(trial.right));
        let good = others >= JUDGED_ON && f64::from(right_there) >= GOOD_SHARE * f64::from(others) - 1e-9;
        let record = records.entry(trial.tile).or_default();
        record.answers += 1;
        record.right += u32::from(trial.right);
        record.good += u32::from(good);
        record.good_right += u32::from(good && trial.right);
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trials(tiles: &[(i64, &[bool])]) -> Vec<Trial> {
        let of_tile = |&(tile, answers): &(i64, &[bool])| {
            answers.iter().zip(1..).map(move |(&right, volunteer)| Trial { tile, volunteer, right }).collect::<Vec<_>>()
        };
        tiles.iter().flat_map(of_tile).collect()
    }

    #[test]
    fn a_tile_that_most_good_volunteers_miss_is_suspect() {
        let all = [true; 4];
        let records = records(&trials(&[(1, &all), (2, &all), (3, &all), (9, &[false, false, false, true])]));
        assert_eq!(records[&9], Record { answers: 4, right: 1, good: 4, good_right: 1 });
        assert!(records[&9].is_suspect() && !records[&1].is_suspect());
    }

    #[test]
    fn those_who_miss_everything_are_no_witnesses() {
        let none = [false; 4];
        let records = records(&trials(&[(1, &none), (2, &none), (3, &none), (9, &none)]));
        assert!(records.values().all(|record| record.good == 0 && !record.is_suspect()));
        assert!(super::records(&[]).is_empty());
    }
}
