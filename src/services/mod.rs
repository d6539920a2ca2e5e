//! The verbs of the project: one file each, one transaction each, nothing of HTTP.

pub mod access_token;
pub mod accounts;
pub mod clock;
mod error;
pub mod grant_role;
pub mod passwords;
pub mod secrets;
pub mod sign_in;
pub mod throttle;

pub use error::Error;
