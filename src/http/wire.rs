//! Times and ids as they stand in JSON.

use super::error::Error;
pub use crate::services::clock::rfc3339;

/// An id in an address; whatever is no number is not there.
pub fn id_in_address(text: &str, what: &str) -> Result<i64, Error> {
    text.parse().map_err(|_| Error::not_found(format!("there is no {what} `{text}`")))
}
