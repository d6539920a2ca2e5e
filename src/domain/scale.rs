//! The damage classes of a campaign and the answers a volunteer may give.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Invalid;
use super::language::{best, check_language};

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
    /// What it is called on screen, by language: of an own scale whose words are not the program's. May be empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
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
/// Characters in the name of an answer, at most: it stands on a button of a phone.
pub const LONGEST_NAME: usize = 60;
/// Languages in which an answer has a name, at most.
const MOST_NAMES: usize = 40;
/// Names of the built-in scales.
pub const BUILT_IN: [&str; 4] = ["change2", "conflict3", "jds4", "unosat5"];

impl Answer {
    /// An answer without names: its key in words is what people read.
    pub fn new(key: &str, role: Role, code: i32) -> Answer {
        Answer { key: key.into(), role, code, names: BTreeMap::new() }
    }

    /// What it is called for somebody who wants these languages, most wanted first: else in the campaign's own
    /// language; `None` where it has no such name.
    pub fn name(&self, wanted: &[String], own: &str) -> Option<&str> {
        let there: Vec<String> = self.names.keys().cloned().collect();
        let language = best(wanted, &there).or_else(|| best(&[own.to_owned()], &there))?;
        self.names.get(language).map(String::as_str)
    }
}

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
        let class = |&(key, code): &(&str, i32)| Answer::new(key, Role::Class, code);
        let side = |(key, code): (&str, i32)| Answer::new(key, Role::Side, code);
        let answers = classes.iter().map(class).chain([(UNSURE, 98), (BAD_IMAGERY, 99)].map(side)).collect();
        Some(Scale { key: key.into(), ordered: true, heavy_from, answers })
    }

    /// The scale of a campaign for which none was chosen: `conflict3`.
    pub fn usual() -> Scale {
        let class = |key: &str, code| Answer::new(key, Role::Class, code);
        let side = |key: &str, code| Answer::new(key, Role::Side, code);
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
        self.check_names()
    }

    /// Checks the names of the answers: languages as they are written, short plain text, no two alike in one language.
    fn check_names(&self) -> Result<(), Invalid> {
        for (place, answer) in self.answers.iter().enumerate() {
            let field = |language: &str| format!("scale.answers.{}.names.{language}", answer.key);
            if answer.names.len() > MOST_NAMES {
                let reason = format!("an answer has names in at most {MOST_NAMES} languages");
                return Err(Invalid::new(format!("scale.answers.{}.names", answer.key), reason));
            }
            for (language, name) in &answer.names {
                match check_language(language) {
                    Ok(usual) if usual == *language => {}
                    Ok(usual) => return Err(Invalid::new(field(language), format!("write the language as `{usual}`"))),
                    Err(wrong) => return Err(Invalid::new(field(language), wrong.reason)),
                }
                check_name(name).map_err(|reason| Invalid::new(field(language), reason))?;
                let alike = |other: &Answer| other.names.get(language).is_some_and(|theirs| same_words(theirs, name));
                if let Some(other) = self.answers[..place].iter().find(|other| alike(other)) {
                    let reason =
                        format!("`{name}` is what `{}` is called too: nobody could tell them apart", other.key);
                    return Err(Invalid::new(field(language), reason));
                }
            }
        }
        Ok(())
    }

    /// Whether the other is this scale with the same answers, whatever they are called on screen.
    pub fn same_but_names(&self, other: &Scale) -> bool {
        let nameless = |scale: &Scale| {
            let mut scale = scale.clone();
            scale.answers.iter_mut().for_each(|answer| answer.names.clear());
            scale
        };
        nameless(self) == nameless(other)
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

fn check_name(name: &str) -> Result<(), String> {
    // Marks that turn the direction of what follows them would turn the words around a name too.
    let unseen = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if name.trim() != name || name.is_empty() {
        return Err(
            "a name has no blanks around it and is not empty: leave the language out where there is none".into()
        );
    }
    let long = name.chars().count();
    if long > LONGEST_NAME {
        return Err(format!("is {long} characters long: a button has room for {LONGEST_NAME}"));
    }
    match name.chars().any(unseen) {
        true => Err("is plain text on one line, without control characters".into()),
        false => Ok(()),
    }
}

fn same_words(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
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
        scale.answers.insert(2, Answer::new("maybe", Role::Between { low: 0, high: 1 }, 50));
        assert_eq!(scale.check(), Ok(()));
        scale.answers[2].role = Role::Between { low: 0, high: 2 };
        assert!(scale.check().is_err());
    }

    fn roofs(names: &[(usize, &str, &str)]) -> Scale {
        let answers = vec![Answer::new("whole", Role::Class, 0), Answer::new("torn", Role::Class, 1)];
        let mut scale = Scale { key: "roofs".into(), ordered: true, heavy_from: 1, answers };
        for &(place, language, name) in names {
            scale.answers[place].names.insert(language.into(), name.into());
        }
        scale
    }

    #[test]
    fn an_answer_is_called_by_the_readers_language_or_else_the_campaigns_own() {
        let scale = roofs(&[(1, "ar", "سقف ممزق"), (1, "fr", "Toit arraché")]);
        assert_eq!(scale.check(), Ok(()));
        let called = |wanted: &[&str], own: &str| {
            let wanted: Vec<String> = wanted.iter().map(|&tag| tag.to_owned()).collect();
            scale.answers[1].name(&wanted, own).map(str::to_owned)
        };
        assert_eq!(called(&["uk", "fr-CA"], "ar").as_deref(), Some("Toit arraché"));
        assert_eq!(called(&["uk"], "ar").as_deref(), Some("سقف ممزق"));
        assert_eq!(called(&["uk"], "en"), None);
        assert_eq!(scale.answers[0].name(&["fr".into()], "ar"), None);
    }

    #[test]
    fn a_wrong_name_is_refused_by_its_place_and_language() {
        let field = |names: &[(usize, &str, &str)]| roofs(names).check().unwrap_err().field;
        for bad in ["", " ", "torn ", "a\nb", "a\u{202e}b", &"x".repeat(61)] {
            assert_eq!(field(&[(1, "fr", bad)]), "scale.answers.torn.names.fr", "{bad:?}");
        }
        assert_eq!(roofs(&[(1, "fr", &"é".repeat(60))]).check(), Ok(()));
        assert_eq!(field(&[(0, "french", "Entier")]), "scale.answers.whole.names.french");
        assert_eq!(field(&[(0, "FR", "Entier")]), "scale.answers.whole.names.FR");
        assert_eq!(field(&[(0, "fr", "Toit"), (1, "fr", "toit")]), "scale.answers.torn.names.fr");
        assert_eq!(roofs(&[(0, "fr", "Toit"), (1, "es", "Toit")]).check(), Ok(()));
    }

    #[test]
    fn a_scale_that_differs_in_names_alone_is_the_same_scale() {
        let named = roofs(&[(1, "fr", "Toit arraché")]);
        assert!(named.same_but_names(&roofs(&[])) && named != roofs(&[]));
        let mut other = roofs(&[]);
        other.answers[1].code = 7;
        assert!(!named.same_but_names(&other));
    }
}
