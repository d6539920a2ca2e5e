//! Times and ids as they stand in JSON.

use chrono::{DateTime, SecondsFormat};

use super::error::Error;

/// Milliseconds since 1970 as RFC 3339, UTC.
pub fn rfc3339(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// An id in an address; whatever is no number is not there.
pub fn id_in_address(text: &str, what: &str) -> Result<i64, Error> {
    text.parse().map_err(|_| Error::not_found(format!("there is no {what} `{text}`")))
}
