//! How dates are spelled in every format.

use std::fmt::Write;

use chrono::{DateTime, Datelike, Timelike};

/// Appends an instant as RFC 3339 with milliseconds, UTC: `2025-06-15T08:30:00.000Z`. Nothing for a time beyond the
/// calendar (some 262,000 years away).
pub fn push_instant(to: &mut String, ms: i64) {
    if let Some(at) = DateTime::from_timestamp_millis(ms) {
        push_day(to, ms);
        let ms = at.timestamp_subsec_millis();
        // Writing to a String cannot fail.
        let _ = write!(to, "T{:02}:{:02}:{:02}.{ms:03}Z", at.hour(), at.minute(), at.second());
    }
}

/// Appends the day of an instant: `2025-06-15`.
pub fn push_day(to: &mut String, ms: i64) {
    if let Some(at) = DateTime::from_timestamp_millis(ms) {
        let _ = write!(to, "{:04}-{:02}-{:02}", at.year(), at.month(), at.day());
    }
}

/// The day of an instant: `2025-06-15`.
pub fn day(ms: i64) -> String {
    let mut text = String::with_capacity(10);
    push_day(&mut text, ms);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_one_spelling() {
        let spell = |ms| {
            let mut text = String::new();
            push_instant(&mut text, ms);
            text
        };
        assert_eq!(spell(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(spell(1_749_976_200_007), "2025-06-15T08:30:00.007Z");
        assert_eq!(spell(i64::MAX), "");
    }
}
