//! What the answers of another system mean on a scale of ours.

use std::collections::BTreeMap;

use crate::domain::Invalid;
use crate::domain::scale::{Answer, BUILT_IN, Role, Scale};

/// The answer between no damage and the first damage class: "maybe". A scale gets it when an answer means it.
const MAYBE: &str = "maybe";
/// Its code in exports, beside those of the side answers.
const MAYBE_CODE: i32 = 50;
/// What MapSwipe's answers mean on `change2`: no, yes, maybe, bad imagery.
const MAPSWIPE: [(&str, &str); 4] = [("0", "no_change"), ("1", "change"), ("2", MAYBE), ("3", "bad_imagery")];

/// A scale, and which of its answers each word of a file is.
#[derive(Debug, Clone, PartialEq)]
pub struct Meaning {
    /// The scale.
    pub scale: Scale,
    words: BTreeMap<String, u8>,
}

impl Meaning {
    /// MapSwipe's answers 0 to 3 on a built-in scale; `given` names what differs. On another scale than `change2`
    /// nothing is taken for granted.
    pub fn of_mapswipe(scale: &str, given: &[(String, String)]) -> Result<Meaning, Invalid> {
        let known: &[_] = if scale == "change2" { &MAPSWIPE } else { &[] };
        if known.is_empty() && given.is_empty() {
            return Err(Invalid::new("answers", format!("say what 0, 1, 2 and 3 mean on the scale `{scale}`")));
        }
        Meaning::new(scale, known.iter().map(|(word, key)| (word.to_string(), key.to_string())), given)
    }

    /// Answers by the words of the scale itself; `given` adds others.
    pub fn of_words(scale: &str, given: &[(String, String)]) -> Result<Meaning, Invalid> {
        let own = Scale::built_in(scale).map(|scale| scale.answers).unwrap_or_default();
        let own: Vec<_> = own.into_iter().map(|answer| (answer.key.clone(), answer.key)).collect();
        Meaning::new(scale, own.into_iter(), given)
    }

    fn new(
        scale: &str,
        known: impl Iterator<Item = (String, String)>,
        given: &[(String, String)],
    ) -> Result<Meaning, Invalid> {
        let unknown =
            || Invalid::new("scale", format!("there is no scale `{scale}`: use one of {}", BUILT_IN.join(", ")));
        let mut scale = Scale::built_in(scale).ok_or_else(unknown)?;
        let mut meant: BTreeMap<String, String> = known.collect();
        meant.extend(given.iter().cloned());
        if meant.values().any(|key| key == MAYBE) {
            let classes = scale.classes().len();
            let role = Role::Between { low: 0, high: 1 };
            scale.answers.insert(classes, Answer::new(MAYBE, role, MAYBE_CODE));
            scale.key.push_str("_maybe");
        }
        scale.check()?;
        let place = |(word, key): (String, String)| match scale.place_of(&key) {
            Some(place) => Ok((word, place)),
            None => {
                let keys: Vec<&str> = scale.answers.iter().map(|answer| answer.key.as_str()).collect();
                let reason = format!("`{word}={key}`: `{key}` is none of {} or {MAYBE}", keys.join(", "));
                Err(Invalid::new("answers", reason))
            }
        };
        let words = meant.into_iter().map(place).collect::<Result<_, _>>()?;
        Ok(Meaning { scale, words })
    }

    /// The place on the scale of a word of the file; otherwise which words are known.
    pub fn answer(&self, word: &str) -> Result<u8, String> {
        self.words.get(word).copied().ok_or_else(|| {
            let known: Vec<&str> = self.words.keys().map(String::as_str).collect();
            format!("`{word}` is none of {}; say what it means with --answers {word}=…", known.join(", "))
        })
    }

    /// The words with the answers that they are, e.g. `1` = `change`.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.words.iter().filter_map(|(word, place)| Some((word.as_str(), self.scale.answer(*place)?.key.as_str())))
    }

    /// The same as JSON, with the scale: what a repeat must share.
    pub fn to_json(&self) -> String {
        let words: BTreeMap<&str, &str> = self.pairs().collect();
        serde_json::json!({ "scale": self.scale.key, "answers": words }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(word: &str, key: &str) -> (String, String) {
        (word.into(), key.into())
    }

    #[test]
    fn mapswipe_answers_mean_what_mapswipe_says() {
        let meaning = Meaning::of_mapswipe("change2", &[]).unwrap();
        let keys: Vec<&str> = meaning.pairs().map(|(_, key)| key).collect();
        assert_eq!(keys, ["no_change", "change", "maybe", "bad_imagery"]);
        assert_eq!(meaning.scale.key, "change2_maybe");
        assert!(meaning.answer("4").unwrap_err().contains("--answers 4="));
    }

    #[test]
    fn what_is_said_otherwise_holds() {
        let meaning = Meaning::of_mapswipe("change2", &[pair("2", "unsure"), pair("5", "change")]).unwrap();
        assert_eq!((meaning.scale.key.as_str(), meaning.scale.answers.len()), ("change2", 4));
        assert_eq!((meaning.answer("2"), meaning.answer("5"), meaning.answer("1")), (Ok(2), Ok(1), Ok(1)));
    }

    #[test]
    fn a_meaning_that_the_scale_does_not_have_is_named() {
        let wrong = Meaning::of_mapswipe("change2", &[pair("1", "damaged")]).unwrap_err();
        assert!(wrong.reason.contains("`1=damaged`") && wrong.reason.contains("no_change"), "{wrong}");
        assert_eq!(Meaning::of_mapswipe("change3", &[pair("1", "change")]).unwrap_err().field, "scale");
        assert_eq!(Meaning::of_mapswipe("conflict3", &[]).unwrap_err().field, "answers");
    }

    #[test]
    fn words_of_the_scale_need_no_meaning() {
        let meaning = Meaning::of_words("conflict3", &[pair("rubble", "destroyed")]).unwrap();
        assert_eq!((meaning.answer("damaged"), meaning.answer("rubble")), (Ok(1), Ok(2)));
    }
}
