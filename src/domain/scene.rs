//! A scene: one image acquisition, cut into one immutable archive.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::Invalid;
use super::bbox::Bbox;

/// One image acquisition of a campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Database id.
    pub id: i64,
    /// Name on screen.
    pub title: String,
    /// When it was taken: an instant, or the start of a composite's interval. Milliseconds since 1970, UTC.
    pub captured_from: i64,
    /// The same instant, or the interval's end.
    pub captured_to: i64,
    /// Satellite or aircraft.
    pub sensor: Option<String>,
    /// Licence of the imagery.
    pub licence: Option<String>,
    /// Credit line shown on every screen that shows the picture.
    pub attribution: Option<String>,
    /// Name of the source file, without its folder.
    pub source_name: String,
    /// SHA-256 of the source file, hex.
    pub source_sha256: String,
    /// File name of the archive below the tiles folder.
    pub archive: String,
    /// SHA-256 of the archive, hex.
    pub archive_sha256: String,
    /// Coordinate reference system of the source.
    pub crs: String,
    /// Size of a source pixel on the ground, metres.
    pub pixel_size_m: f64,
    /// Coarsest zoom in the archive.
    pub min_zoom: u8,
    /// Native zoom: the finest in the archive.
    pub max_zoom: u8,
    /// Where there is picture.
    pub bounds: Bbox,
}

/// The time from the first to the last millisecond at which an image was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Captured {
    /// First millisecond since 1970, UTC.
    pub from: i64,
    /// Last millisecond.
    pub to: i64,
}

const DAY_MS: i64 = 86_400_000;

impl Captured {
    /// Reads a day (`2025-06-15`: the whole day, UTC) or an instant (RFC 3339).
    pub fn parse(field: &str, text: &str) -> Result<Captured, Invalid> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            let at = instant.timestamp_millis();
            return Ok(Captured { from: at, to: at });
        }
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| {
            Invalid::new(field, format!("`{text}` is no date: write it as 2025-06-15 or 2025-06-15T08:30:00Z"))
        })?;
        let from = NaiveDateTime::from(day).and_utc().timestamp_millis();
        Ok(Captured { from, to: from + DAY_MS - 1 })
    }

    /// From the start of one to the end of another; refused when they are the wrong way round.
    pub fn span(first: Captured, last: Captured) -> Result<Captured, Invalid> {
        if first.from > last.to {
            return Err(Invalid::new("captured-to", "the interval ends before it begins"));
        }
        Ok(Captured { from: first.from, to: last.to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_whole_day_and_an_instant_is_itself() {
        let day = Captured::parse("captured", "2025-06-15").unwrap();
        assert_eq!(day.to - day.from, DAY_MS - 1);
        let instant = Captured::parse("captured", "2025-06-15T08:30:00Z").unwrap();
        assert_eq!(instant.from, instant.to);
        assert!(Captured::parse("captured", "15.6.2025").is_err());
    }

    #[test]
    fn an_interval_cannot_end_before_it_begins() {
        let june = Captured::parse("captured-from", "2025-06-01").unwrap();
        let july = Captured::parse("captured-to", "2025-07-01").unwrap();
        assert!(Captured::span(june, july).is_ok());
        assert_eq!(Captured::span(july, june).unwrap_err().field, "captured-to");
    }
}
