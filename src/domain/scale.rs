//! The damage classes of a campaign and the answers a volunteer may give.

use serde::{Deserialize, Serialize};

use super::Invalid;

/// What an answer says about the damage class of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "role")]
pub enum Role {
    /// It names a damage class.
    Class,
    /// "Maybe": between two neighbouring classes, given by their places in the answer list (`low` < `high`).
    Between {
        /// Place of the milder class.
        low: u8,
        /// Place of the graver class.
        high: u8,
    },
    /// It says nothing about damage: `unsure`, `bad_imagery`.
    Side,
}

/// One answer of a scale. Its place in the list is the number by which labels refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The word used in SQL, JSON and files, e.g. `destroyed`.
    pub key: String,
    /// What it says about damage.
    #[serde(flatten)]
    pub role: Role,
    /// The number that exports print in `class_code` and `answer_code`.
    pub code: i32,
}

/// The classes of a campaign, from undamaged to worst, followed by the other answers.
///
/// Answers are ordered: first all classes (undamaged first), then the answers between classes, then side answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// Name of the scale, e.g. `conflict3`.
    pub key: String,
    /// Whether the classes are grades of one thing, so that a median has a meaning.
    pub ordered: bool,
    /// Place of the mildest class that counts as heavy damage: such a call needs more labels.
    pub heavy_from: u8,
    /// Classes, then between, then side answers.
    pub answers: Vec<Answer>,
}

/// The side answer that says "the picture shows nothing usable here".
pub const BAD_IMAGERY: &str = "bad_imagery";
/// The side answer that says "I cannot tell".
pub const UNSURE: &str = "unsure";
/// Names of the built-in scales.
pub const BUILT_IN: [&str; 4] = ["change2", "conflict3", "jds4", "unosat5"];

impl Scale {
    /// A built-in scale by name: `change2`, `conflict3`, `jds4` (xBD's Joint Damage Scale) or `unosat5`.
    pub fn built_in(key: &str) -> Option<Scale> {
        let (classes, heavy_from): (&[(&str, i32)], u8) = match key {
            "change2" => (&[("no_change", 0), ("change", 1)], 1),
            "conflict3" => (&[("no_visible_damage", 0), ("damaged", 1), ("destroyed", 2)], 2),
            "jds4" => (&[("no_damage", 0), ("minor_damage", 1), ("major_damage", 2), ("destroyed", 3)], 2),
            "unosat5" => {
                (&[("no_visible_damage", 6), ("possible", 4), ("moderate", 3), ("severe", 2), ("destroyed", 1)], 2)
            }
            _ => return None,
        };
        let class = |&(key, code): &(&str, i32)| Answer { key: key.into(), role: Role::Class, code };
        let side = |(key, code): (&str, i32)| Answer { key: key.into(), role: Role::Side, code };
        let answers = classes.iter().map(class).chain([(UNSURE, 98), (BAD_IMAGERY, 99)].map(side)).collect();
        Some(Scale { key: key.into(), ordered: true, heavy_from, answers })
    }

    /// The scale of a campaign for which none was chosen: `conflict3`.
    pub fn usual() -> Scale {
        let class = |key: &str, code| Answer { key: key.into(), role: Role::Class, code };
        let side = |key: &str, code| Answer { key: key.into(), role: Role::Side, code };
        let answers = vec![
            class("no_visible_damage", 0),
            class("damaged", 1),
            class("destroyed", 2),
            side(UNSURE, 98),
            side(BAD_IMAGERY, 99),
        ];
        Scale { key: "conflict3".into(), ordered: true, heavy_from: 2, answers }
    }

    /// Checks a custom scale: 2 to 20 classes first, unique plain keys, `between` and `heavy_from` pointing at classes.
    pub fn check(&self) -> Result<(), Invalid> {
        let classes = self.classes().len();
        let wrong = |reason: String| Err(Invalid::new("scale", reason));
        if !(2..=20).contains(&classes) || self.answers.len() > 40 {
            return wrong(format!(
                "a scale has 2 to 20 classes and at most 40 answers, this one has {classes} classes"
            ));
        }
        if usize::from(self.heavy_from) >= classes || self.heavy_from == 0 {
            return wrong("heavy damage must begin at one of the classes above the first".into());
        }
        let rank = |role: Role| match role {
            Role::Class => 0,
            Role::Between { .. } => 1,
            Role::Side => 2,
        };
        if !self.answers.is_sorted_by_key(|answer| rank(answer.role)) {
            return wrong("answers must be listed as classes, then between, then side answers".into());
        }
        for (place, answer) in self.answers.iter().enumerate() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if answer.key.is_empty() || answer.key.len() > 40 || !answer.key.chars().all(plain) {
                return wrong(format!("`{}` is no answer key: use a-z, 0-9 and _", answer.key));
            }
            if self.answers[..place].iter().any(|other| other.key == answer.key) {
                return wrong(format!("answer `{}` is listed twice", answer.key));
            }
            if let Role::Between { low, high } = answer.role
                && (low >= high || usize::from(high) >= classes)
            {
                return wrong(format!("answer `{}` must lie between two classes, the milder first", answer.key));
            }
        }
        Ok(())
    }

    /// The damage classes, undamaged first.
    pub fn classes(&self) -> &[Answer] {
        let count = self.answers.iter().take_while(|answer| answer.role == Role::Class).count();
        &self.answers[..count]
    }

    /// The place of an answer by its key; `None` where the scale has no such answer.
    pub fn place_of(&self, key: &str) -> Option<u8> {
        self.answers.iter().position(|answer| answer.key == key).map(|place| place as u8)
    }

    /// The answer at a place.
    pub fn answer(&self, place: u8) -> Option<&Answer> {
        self.answers.get(usize::from(place))
    }

    /// Whether the class at this place counts as heavy damage.
    pub fn is_heavy(&self, class: u8) -> bool {
        class >= self.heavy_from && usize::from(class) < self.classes().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scale_passes_its_own_check() {
        for key in BUILT_IN {
            let scale = Scale::built_in(key).unwrap();
            assert_eq!(scale.check(), Ok(()), "{key}");
            assert_eq!(scale.answers.len(), scale.classes().len() + 2);
        }
        assert_eq!(Scale::built_in("conflict4"), None);
        assert_eq!(Scale::built_in("conflict3"), Some(Scale::usual()));
    }

    #[test]
    fn heavy_means_what_the_scale_says() {
        let scale = Scale::built_in("jds4").unwrap();
        let heavy: Vec<bool> = (0..6).map(|place| scale.is_heavy(place)).collect();
        assert_eq!(heavy, [false, false, true, true, false, false]);
    }

    #[test]
    fn a_between_answer_must_point_at_classes() {
        let mut scale = Scale::built_in("change2").unwrap();
        scale.answers.insert(2, Answer { key: "maybe".into(), role: Role::Between { low: 0, high: 1 }, code: 50 });
        assert_eq!(scale.check(), Ok(()));
        scale.answers[2].role = Role::Between { low: 0, high: 2 };
        assert!(scale.check().is_err());
    }
}
