//! Whether a password is among the first that anybody would try: one common word, run of keys, date or number, or two of them.
//!
//! Lists of leaked passwords are, above ten characters, nearly all of that make: `password123`, `qwerty123456`,
//! `michael1987`, `iloveyou12`. So a password is taken apart into such pieces, and what takes two of them or fewer is
//! refused: from the words of `words.txt`, put together for this program, that is some millions of passwords, in a few
//! kilobytes. What is left out costs nothing: a passphrase of words that are not on the list passes.

use std::collections::HashSet;
use std::sync::OnceLock;

/// Words that people begin with, in small letters.
const WORDS: &str = include_str!("words.txt");
/// Words that lie near here: what the program is called, what people do in it.
const NEAR: [&str; 10] = [
    "aftermap",
    "volunteer",
    "coordinator",
    "reviewer",
    "researcher",
    "damage",
    "damaged",
    "destroyed",
    "satellite",
    "campaign",
];
/// Rows of keyboards, the alphabet and the digits: whoever walks along them needs no imagination.
const ROWS: [&str; 11] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "йцукенгшщзхъ",
    "фывапролджэ",
];
/// Ways that go up and down between the rows.
const ZIGZAG: [&str; 6] =
    ["1q2w3e4r5t6y7u8i9o0p", "1qaz2wsx3edc4rfv5tgb", "q1w2e3r4t5y6", "qazwsxedcrfvtgb", "zaq12wsxcde3", "1a2b3c4d5e6f"];
/// Pieces that are too few.
const FEW: u32 = 2;
/// What a character costs that belongs to nothing known.
const UNKNOWN: u32 = 2;
/// The longest piece that is looked for.
const LONGEST: usize = 24;

/// Whether this password is made of two common pieces or fewer. `own` are words that lie near this person, such as their
/// name; letter case does not matter, nor do digits and signs that stand for letters.
pub fn is_guessable(password: &str, own: &[&str]) -> bool {
    let small: Vec<char> = password.to_lowercase().chars().collect();
    let own: HashSet<String> =
        own.iter().filter(|word| word.chars().count() >= 3).map(|word| word.to_lowercase()).collect();
    pieces(&small, &own) <= FEW
}

/// Whether this is a word that people begin with, also as `p4$$w0rd`.
fn is_word(piece: &[char], own: &HashSet<String>) -> bool {
    let as_letter = |c: char, one: char| match c {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        other => other,
    };
    let is_known = |word: String| known().contains(word.as_str()) || own.contains(&word);
    let read = |one: char| piece.iter().map(|c| as_letter(*c, one)).collect::<String>();
    is_known(piece.iter().collect()) || is_known(read('i')) || is_known(read('l'))
}

/// The smallest number of common pieces that make up the text; more where some of it is none.
fn pieces(text: &[char], own: &HashSet<String>) -> u32 {
    if let Some(block) = repeated(text) {
        return pieces(block, own).min(if block.len() <= 4 { 1 } else { FEW + 1 });
    }
    let mut least = vec![u32::MAX; text.len() + 1];
    least[0] = 0;
    for from in 0..text.len() {
        let so_far = least[from];
        for to in from + 1..=text.len().min(from + LONGEST) {
            if let Some(cost) = cost(&text[from..to], own) {
                least[to] = least[to].min(so_far + cost);
            }
        }
    }
    least[text.len()]
}

/// The block of which the text is two copies or more.
fn repeated(text: &[char]) -> Option<&[char]> {
    let is_block = |length: &usize| {
        text.len().is_multiple_of(*length) && text.chunks(*length).all(|part| *part == text[..*length])
    };
    (1..=text.len() / 2).find(is_block).map(|length| &text[..length])
}

/// What one piece costs; `None`: it is no piece.
fn cost(piece: &[char], own: &HashSet<String>) -> Option<u32> {
    let word: String = piece.iter().collect();
    let is_number = piece.iter().all(char::is_ascii_digit);
    match piece.len() {
        // Signs between pieces are no work for whoever guesses.
        1 if !piece[0].is_alphanumeric() => Some(0),
        _ if is_word(piece, own) => Some(1),
        // The number of a year, a day or a house.
        1..=4 if is_number => Some(1),
        6 | 8 if is_number && is_date(&word) => Some(1),
        3.. if is_run(piece) || ZIGZAG.iter().any(|way| way.contains(&word)) => Some(1),
        1 => Some(UNKNOWN),
        _ => None,
    }
}

fn known() -> &'static HashSet<&'static str> {
    static KNOWN: OnceLock<HashSet<&'static str>> = OnceLock::new();
    KNOWN.get_or_init(|| WORDS.split_whitespace().chain(NEAR).collect())
}

/// The same character again and again, or neighbours in a row, forwards or backwards.
fn is_run(piece: &[char]) -> bool {
    let text: String = piece.iter().collect();
    let back: String = piece.iter().rev().collect();
    piece.iter().all(|c| *c == piece[0]) || ROWS.iter().any(|row| row.contains(&text) || row.contains(&back))
}

/// Day, month and year in any order, of two or four digits.
fn is_date(digits: &str) -> bool {
    let two = |at: usize| digits.get(at..at + 2).and_then(|part| part.parse::<u32>().ok()).unwrap_or(99);
    let fits = |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
    let either = |at: usize| fits(two(at), two(at + 2)) || fits(two(at + 2), two(at));
    match digits.len() {
        8 => (either(0) && matches!(two(4), 19 | 20)) || (matches!(two(0), 19 | 20) && either(4)),
        _ => either(0) || either(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_is_guessable_however_it_is_dressed_up() {
        for password in [
            "1234567890",
            "0987654321",
            "password123",
            "Password1234!",
            "P@ssw0rd2024",
            "passwordpassword",
            "qwertyuiop",
            "qwerty123456",
            "1q2w3e4r5t6y",
            "1qaz2wsx3edc",
            "iloveyou123",
            "michael1987",
            "football2010",
            "aaaaaaaaaa",
            "123123123123",
            "abcdefghijkl",
            "basketball1",
            "liverpool1892",
            "princess_2003",
            "sunshine.12345",
            "zaq12wsx!!!",
            "Summer-2024!",
            "monkey&dragon",
            "changeme1234",
            "trustno1trustno1",
            "aftermap2026",
            "volunteer123",
            "coordinator!",
            "25121987",
            "19871225abc",
            "asdfghjkl123",
            "manchester99",
            "йцукенгшщз",
        ] {
            assert!(is_guessable(password, &[]), "{password}");
        }
    }

    #[test]
    fn the_own_name_is_no_help_and_what_takes_thought_passes() {
        assert!(is_guessable("layla.h-2024", &["layla.h"]) && is_guessable("LaylaLayla", &["layla"]));
        for password in [
            "three blind mice",
            "seven quiet rivers",
            "a farmer's wife",
            "four deaf cats",
            "correct horse battery staple",
            "Tr0ub4dor&3xyz",
            "7QK2-M4TZ-0PWX-J9RA",
            "xkqzvbwmtr",
            "мій дім на березі",
            "a quite new one",
        ] {
            assert!(!is_guessable(password, &["layla"]), "{password}");
        }
    }

    #[test]
    fn far_more_than_three_thousand_passwords_of_allowed_length_are_refused() {
        let endings = ["123", "1234", "12345", "123456", "2024", "1!", "12", "!", "007", "1990", "69", "2000"];
        let long = |password: &String| password.chars().count() >= 10;
        let all: HashSet<String> = known()
            .iter()
            .flat_map(|word| endings.iter().map(move |ending| format!("{word}{ending}")))
            .filter(long)
            .collect();
        assert!(all.len() > 3_000, "{}", all.len());
        assert!(all.iter().all(|password| is_guessable(password, &[])));
    }
}
