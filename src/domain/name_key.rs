//! Names as they are compared: two that look alike are one, so that nobody can pass for somebody else.

use icu_normalizer::ComposingNormalizerBorrowed;

/// Letters of other alphabets that look like a Latin one, in lower or in upper case, after lower-casing.
const LOOKALIKES: [(char, char); 32] = [
    // Cyrillic
    ('а', 'a'),
    ('в', 'b'),
    ('с', 'c'),
    ('ԁ', 'd'),
    ('е', 'e'),
    ('һ', 'h'),
    ('н', 'h'),
    ('і', 'i'),
    ('ј', 'j'),
    ('к', 'k'),
    ('ӏ', 'l'),
    ('м', 'm'),
    ('о', 'o'),
    ('р', 'p'),
    ('ԛ', 'q'),
    ('ѕ', 's'),
    ('т', 't'),
    ('ԝ', 'w'),
    ('х', 'x'),
    ('у', 'y'),
    // Greek
    ('α', 'a'),
    ('β', 'b'),
    ('ε', 'e'),
    ('η', 'h'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('τ', 't'),
    ('υ', 'u'),
    ('χ', 'x'),
];

/// A name in one spelling of each letter (Unicode NFKC): an é is one letter, however it was typed.
pub fn composed(name: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(name).into_owned()
}

/// The form in which names are compared: composed, in lower case, look-alikes of other alphabets as Latin letters.
pub fn name_key(name: &str) -> String {
    // Lower-casing may leave letters that compose anew.
    let lower = composed(&composed(name).to_lowercase());
    let latin = |c: char| LOOKALIKES.iter().find(|(other, _)| *other == c).map_or(c, |(_, latin)| *latin);
    lower.chars().map(latin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_has_one_key_however_it_was_typed() {
        assert_eq!(name_key("Re\u{301}mi"), name_key("RÉMI"));
        assert_eq!(name_key("ｌａｙｌａ"), "layla");
        assert_eq!(name_key("ﬁona"), "fiona");
        assert_eq!(name_key("ليلى"), "ليلى");
    }

    #[test]
    fn names_that_look_alike_are_one() {
        assert_eq!(name_key("сооrdinаtоr"), "coordinator", "with Cyrillic letters");
        assert_eq!(name_key("ΟΜΑΡ"), name_key("οΜαΡ"));
        assert_eq!(name_key("АННА"), name_key("анна"));
        assert_ne!(name_key("оля"), name_key("юля"));
    }
}
