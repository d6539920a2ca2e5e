//! The one clock of the project. All times in the database and in answers come from here.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, UTC, by the server's clock.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
