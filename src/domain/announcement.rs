//! Announcements: what those who run a campaign tell the people in it, on the page alone.

use std::collections::BTreeMap;

use super::Invalid;
use super::language::check_language;
use super::words::words;

words! {
    /// How pressing an announcement is, least first.
    Level {
        /// Good to know.
        Info = "info",
        /// Somebody should act on it.
        Warning = "warning",
        /// Read this first.
        Urgent = "urgent",
    }
}

/// The longest text, in characters: it stands above the work.
pub const LONGEST: usize = 600;
/// Languages of one announcement.
const LANGUAGES: usize = 20;

/// Checks the texts of an announcement, plain text by language, and brings the languages in their usual case.
///
/// # Errors
/// Without any text, with one that is empty or too long, or with a language that is none.
pub fn check_texts(texts: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Invalid> {
    if texts.is_empty() || texts.len() > LANGUAGES {
        return Err(Invalid::new("texts", format!("write it in 1 to {LANGUAGES} languages")));
    }
    let mut checked = BTreeMap::new();
    for (language, text) in texts {
        let text = text.trim();
        let language = check_language(language).map_err(|wrong| Invalid::new("texts", wrong.reason))?;
        let plain = text.chars().all(|c| !c.is_control() || c == '\n');
        if text.is_empty() || text.chars().count() > LONGEST || !plain {
            let reason = format!("the text in `{language}` must be plain, with 1 to {LONGEST} characters");
            return Err(Invalid::new("texts", reason));
        }
        checked.insert(language, text.to_owned());
    }
    Ok(checked)
}

/// The text for somebody who wants these languages; else in the campaign's own, else the first there is.
pub fn text_for<'a>(
    texts: &'a BTreeMap<String, String>,
    wanted: &[String],
    own: &str,
) -> Option<(&'a String, &'a String)> {
    let there: Vec<String> = texts.keys().cloned().collect();
    let chosen = super::language::best(wanted, &there);
    chosen
        .and_then(|language| texts.get_key_value(language))
        .or_else(|| texts.get_key_value(own))
        .or_else(|| texts.iter().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        list.iter().map(|(language, text)| ((*language).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn texts_are_checked_and_trimmed() {
        let good = check_texts(&texts(&[("EN", " Hello\nyou "), ("ar", "مرحبا")])).unwrap();
        assert_eq!(good, texts(&[("en", "Hello\nyou"), ("ar", "مرحبا")]));
        let long = "x".repeat(LONGEST + 1);
        for bad in [&[][..], &[("en", " ")], &[("english", "a")], &[("en", long.as_str())], &[("en", "a\u{7}")]] {
            assert_eq!(check_texts(&texts(bad)).unwrap_err().field, "texts", "{bad:?}");
        }
    }

    #[test]
    fn everybody_gets_the_best_language_there_is() {
        let there = texts(&[("ar", "a"), ("fr", "f")]);
        let chosen = |wanted: &[&str], own| {
            let wanted: Vec<String> = wanted.iter().map(|tag| (*tag).to_owned()).collect();
            text_for(&there, &wanted, own).map(|(language, _)| language.clone())
        };
        assert_eq!(chosen(&["fr-CA"], "en"), Some("fr".into()));
        assert_eq!(chosen(&["uk"], "fr"), Some("fr".into()));
        assert_eq!(chosen(&["uk"], "en"), Some("ar".into()));
    }
}
