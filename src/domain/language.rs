//! Languages of texts: what a person asks for, and the best of what there is (RFC 4647, lookup).

use super::Invalid;

/// More languages than this nobody asks for in one request.
const MOST: usize = 20;

/// Checks a language tag: a language of 2 or 3 letters and, if need be, subtags (`en`, `pt-BR`, `zh-Hant`). Returns it
/// in the usual case.
pub fn check_language(tag: &str) -> Result<String, Invalid> {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    let primary = (2..=3).contains(&first.len()) && first.chars().all(|c| c.is_ascii_alphabetic());
    let subtag = |part: &str| (2..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    if !primary || tag.len() > 20 || !parts.clone().all(subtag) {
        return Err(Invalid::new("language", format!("`{tag}` is no language: write it as en, ar or pt-BR")));
    }
    let cased = parts.map(|part| match part.len() {
        2 => part.to_ascii_uppercase(),
        4 => part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase(),
        _ => part.to_ascii_lowercase(),
    });
    Ok(std::iter::once(first.to_ascii_lowercase()).chain(cased).collect::<Vec<_>>().join("-"))
}

/// The languages of an `Accept-Language` header, most wanted first. What cannot be read is left out.
pub fn accepted(header: &str) -> Vec<String> {
    let mut wanted: Vec<(f32, String)> = Vec::new();
    for part in header.split(',').take(MOST) {
        let (tag, weight) = part.split_once(';').unwrap_or((part, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|number| number.trim().parse::<f32>().ok());
        if let (Ok(tag), Some(weight)) = (check_language(tag.trim()), weight)
            && weight > 0.0
        {
            wanted.push((weight, tag));
        }
    }
    // Stable: of equally wanted ones the first named comes first.
    wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
    wanted.into_iter().map(|(_, tag)| tag).collect()
}

/// The best of the available languages for somebody who wants these, in this order; `None` where none fits.
///
/// `fr-CA` is answered by `fr`, and `fr` by `fr-CA`, where there is nothing nearer.
pub fn best<'a>(wanted: &[String], available: &'a [String]) -> Option<&'a str> {
    let fitting = |tag: &String| {
        let exact = available.iter().find(|other| other.eq_ignore_ascii_case(tag));
        let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        exact
            .or_else(|| available.iter().find(|other| !other.contains('-') && primary(other) == primary(tag)))
            .or_else(|| available.iter().find(|other| primary(other) == primary(tag)))
    };
    wanted.iter().find_map(fitting).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(list: &[&str]) -> Vec<String> {
        list.iter().map(|&tag| tag.to_owned()).collect()
    }

    #[test]
    fn a_language_tag_is_plain_and_gets_its_usual_case() {
        assert_eq!(check_language("EN"), Ok("en".into()));
        assert_eq!(check_language("pt-br"), Ok("pt-BR".into()));
        assert_eq!(check_language("ZH-HANT"), Ok("zh-Hant".into()));
        for bad in ["", "e", "english", "en_US", "en-", "en-x", "*", "é-e", "en-aaaaaaaa-bbbbbbbb-cc"] {
            assert!(check_language(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_header_is_read_by_weight_and_nonsense_is_left_out() {
        assert_eq!(accepted("en;q=0.5, ar , fr-CH;q=0.9, *;q=0.1, de;q=x, uk;q=0"), tags(&["ar", "fr-CH", "en"]));
        assert_eq!(accepted(""), tags(&[]));
    }

    #[test]
    fn the_nearest_language_is_chosen() {
        let there = tags(&["en", "fr", "pt-BR"]);
        assert_eq!(best(&tags(&["fr-CA", "en"]), &there), Some("fr"));
        assert_eq!(best(&tags(&["uk", "pt"]), &there), Some("pt-BR"));
        assert_eq!(best(&tags(&["PT-br"]), &there), Some("pt-BR"));
        assert_eq!(best(&tags(&["uk", "ar"]), &there), None);
    }
}
