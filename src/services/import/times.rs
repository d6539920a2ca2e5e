//! Times as other systems spell them.

use chrono::{DateTime, NaiveDateTime};

/// A number below this is seconds since 1970, above it milliseconds: the year 5138 in seconds, 1973 in milliseconds.
const SECONDS_BELOW: f64 = 1e11;

/// Reads `2021-09-08 09:10:22.266`, the same with `T`, `Z`, `UTC` or an offset like `+02`, or a number of seconds or
/// milliseconds since 1970. Without a zone it is UTC. Milliseconds since 1970.
pub fn parse_time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        let ms = if number < SECONDS_BELOW { number * 1000.0 } else { number };
        return (ms.is_finite() && ms >= 0.0).then_some(ms.round() as i64);
    }
    let text = text.strip_suffix(" UTC").or_else(|| text.strip_suffix('Z')).unwrap_or(text).trim_end();
    let plain = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    let naive = plain.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    if let Some(naive) = naive {
        return Some(naive.and_utc().timestamp_millis());
    }
    let zoned = ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f %#z"];
    zoned.iter().find_map(|format| DateTime::parse_from_str(text, format).ok()).map(|at| at.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_time_reads_the_same() {
        let expected = Some(1_631_092_222_266);
        for text in [
            "2021-09-08 09:10:22.266",
            " 2021-09-08T09:10:22.266Z",
            "2021-09-08 09:10:22.266 UTC",
            "2021-09-08 09:10:22.266000+00",
            "2021-09-08 11:10:22.266+02:00",
            "2021-09-08T09:10:22.266+0000",
            "1631092222.266",
            "1631092222266",
        ] {
            assert_eq!(parse_time(text), expected, "{text}");
        }
        assert_eq!(parse_time("2022-11-27 20:05:43.79"), Some(1_669_579_543_790));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "yesterday", "2021-13-01 00:00:00", "08.09.2021 09:10", "-5", "NaN", "inf"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
