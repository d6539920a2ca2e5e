//! Ranges of bytes (RFC 9110, section 14): which part of a file a request asks for.

use std::ops::Range;

use actix_web::HttpRequest;
use actix_web::http::header::{IF_RANGE, RANGE};

/// What is asked for of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
    /// Bytes that it does not have.
    Beyond,
}

/// The tag of the version of which the client has a part already; `None` where it names none.
pub fn known_part(request: &HttpRequest) -> Option<String> {
    request.headers().get(RANGE)?;
    let tag = request.headers().get(IF_RANGE)?.to_str().ok()?;
    // A weak tag says nothing about single bytes.
    Some(tag.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

/// Which part of a file with this tag and length is asked for. Several ranges at once, other units and what is no range are
/// answered with all of it, as the standard allows.
pub fn asked(request: &HttpRequest, tag: &str, length: u64) -> Part {
    let Some(range) = request.headers().get(RANGE).and_then(|range| range.to_str().ok()) else { return Part::Whole };
    let same = request.headers().get(IF_RANGE).is_none_or(|known| known.as_bytes() == tag.as_bytes());
    if !same { Part::Whole } else { part(range, length) }
}

fn part(range: &str, length: u64) -> Part {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let bytes = match (first.trim(), last.trim()) {
        ("", last) => number(last).map(|last| length.saturating_sub(last)..length),
        (first, "") => number(first).map(|first| first..length),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(first..last.saturating_add(1).min(length)),
            _ => None,
        },
    };
    match bytes {
        None => Part::Whole,
        Some(bytes) if bytes.is_empty() => Part::Beyond,
        Some(bytes) => Part::Bytes(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_in_its_three_forms() {
        assert_eq!(part("bytes=0-0", 10), Part::Bytes(0..1));
        assert_eq!(part("bytes=2-", 10), Part::Bytes(2..10));
        assert_eq!(part("bytes=-3", 10), Part::Bytes(7..10));
        assert_eq!(part("bytes=-30", 10), Part::Bytes(0..10));
        assert_eq!(part("bytes=5-99999999999999999999", 10), Part::Whole);
        assert_eq!(part("bytes=5-18446744073709551615", 10), Part::Bytes(5..10));
    }

    #[test]
    fn what_the_file_does_not_have_is_told_and_what_is_no_range_is_all_of_it() {
        for beyond in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(part(beyond, 10), Part::Beyond, "{beyond}");
        }
        for nonsense in ["bytes=3-2", "bytes=0-1,4-5", "pages=1-2", "bytes=", "bytes=x-y", "bytes=--1"] {
            assert_eq!(part(nonsense, 10), Part::Whole, "{nonsense}");
        }
    }
}
