//! Why a service refused or failed: few words, translated to status codes in `http/error.rs` alone.

use crate::domain::Invalid;
use crate::imagery::ImageryError;
use crate::storage::{Failure, QueryError, StoreError};

/// The outcome of a verb that did not work. What the message says may be shown to whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or none that this person may know of.
    #[error("{0}")]
    NotFound(String),
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// What is to be changed is not any more what the client saw.
    #[error("{0}")]
    ChangedMeanwhile(String),
    /// Nobody is signed in, or no longer.
    #[error("{0}")]
    Unauthorized(String),
    /// The access token has run out; the session may still be good, so the client refreshes and asks again.
    #[error("the sign-in has run out: refresh it and ask again")]
    SessionExpired,
    /// Name and password, or name and recovery code, do not belong together.
    #[error("the name or the {0} is wrong")]
    WrongCredentials(&'static str),
    /// Everything else was right, and this account has a second factor.
    #[error("this account has a second factor: send a code of its app too, as `code`")]
    SecondFactorRequired,
    /// A code of the second factor that is not of this half minute, or was used.
    #[error("the code of the second factor is wrong, or was used before: take the next one that your app shows")]
    WrongSecondFactor,
    /// Too many wrong passwords or codes for one name.
    #[error("too many wrong attempts for this name: try again in {0} seconds")]
    TooManyAttempts(u64),
    /// Who is signed in must give the password once more for this.
    #[error("this needs your password once more: send it to /api/v1/session/proof and ask again")]
    PasswordNeeded,
    /// Somebody else has that name.
    #[error("the name `{0}` is taken: choose another")]
    NameTaken(String),
    /// The person may not do that.
    #[error("{0}")]
    Forbidden(String),
    /// The volunteer is paused or excluded in this campaign, for this reason.
    #[error("you get no tiles of this campaign at the moment: {0}")]
    Excluded(String),
    /// The campaign wants its practice passed first.
    #[error("this campaign hands out tiles after its practice is passed: do the practice first")]
    PracticeRequired,
    /// The part of an upload that was sent does not begin where the upload ends, which is here.
    #[error("this upload goes on at byte {0}: send it from there")]
    WrongOffset(i64),
    /// What arrives is no file that can be used.
    #[error("{0}")]
    WrongFile(String),
    /// More was sent than was said.
    #[error("{0}")]
    TooLarge(String),
    /// There is no room for so many more bytes.
    #[error("there is no room for this file: {missing} bytes are missing{what}")]
    NoSpace {
        /// So many are missing.
        missing: u64,
        /// Where they are missing.
        what: &'static str,
    },
    /// A campaign cannot open yet: what blocks it.
    #[error("{0}")]
    NotReady(String, Vec<crate::domain::checklist::Item>),
    /// A field holds what it cannot hold.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The database did not do it.
    #[error(transparent)]
    Store(StoreError),
    /// A statement failed; kept apart so that a lost race can be told from a fault.
    #[error("a database statement failed: {0}")]
    Query(#[from] QueryError),
    /// A file cannot be used.
    #[error(transparent)]
    Imagery(#[from] ImageryError),
    /// Anything else that is our fault.
    #[error("{0}")]
    Internal(String),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        Error::Store(error)
    }
}

impl Failure for Error {
    fn database(&self) -> Option<&QueryError> {
        match self {
            Error::Query(error) => Some(error),
            _ => None,
        }
    }
}

impl Error {
    /// Whether this is a fault of ours, neither a refusal nor a database that is busy or away.
    pub fn is_fault(&self) -> bool {
        match self {
            Error::Query(error) => !crate::storage::is_away(error),
            Error::Internal(_) => true,
            _ => false,
        }
    }

    /// The same where its words say something else for `found`: a file's name for the place where we keep it.
    pub fn with_words(self, found: &str, instead: &str) -> Error {
        let put = |text: String| text.replace(found, instead);
        match self {
            Error::NotFound(text) => Error::NotFound(put(text)),
            Error::Conflict(text) => Error::Conflict(put(text)),
            Error::Invalid(invalid) => Error::invalid(&invalid.field, put(invalid.reason)),
            Error::Imagery(error @ (ImageryError::Unusable { .. } | ImageryError::Invalid(_))) => {
                Error::Conflict(put(error.to_string()))
            }
            Error::Internal(text) => Error::Internal(put(text)),
            other => other,
        }
    }

    /// A field that holds what it cannot hold.
    pub fn invalid(field: &str, reason: impl Into<String>) -> Error {
        Error::Invalid(Invalid::new(field, reason))
    }
}
