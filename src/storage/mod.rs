//! The only room that knows diesel: both databases, the schema, and one file of plain functions for each noun.
//!
//! Functions take an open connection and never begin a transaction; the service that calls them does.

pub mod campaigns;
mod connection;
pub mod gold;
mod ids;
pub mod jobs;
pub mod labelling;
pub mod locks;
pub mod maps;
pub mod meter;
pub mod notify;
pub mod oversight;
pub mod people;
mod pool;
pub mod scenes;
pub mod schema;
mod store;
pub mod upkeep;
mod writer;

pub(crate) use connection::each_backend;
pub use connection::{Conn, DatabaseUrl};
/// The error of one statement, so that the rooms above need not know whose it is.
pub use diesel::result::Error as QueryError;
pub use ids::new_id;
pub use store::{Failure, Store};

/// Whether a statement failed because a row with such a unique value is there already.
pub fn is_duplicate(error: &QueryError) -> bool {
    use diesel::result::DatabaseErrorKind::UniqueViolation;
    matches!(error, QueryError::DatabaseError(UniqueViolation, _))
}

/// Whether the connection is lost. Before COMMIT was sent nothing of the transaction is kept.
pub(crate) fn is_gone(error: &QueryError) -> bool {
    use diesel::result::DatabaseErrorKind::{ClosedConnection, UnableToSendCommand};
    const SIGNS: [&str; 5] = [
        "closed the connection",
        "connection to server",
        "no connection to",
        "shutting down",
        "terminating connection",
    ];
    match error {
        QueryError::DatabaseError(ClosedConnection | UnableToSendCommand, _) | QueryError::BrokenTransactionManager => {
            true
        }
        QueryError::RollbackErrorOnCommit { rollback_error, .. } => is_gone(rollback_error),
        QueryError::DatabaseError(_, info) => SIGNS.iter().any(|sign| info.message().contains(sign)),
        _ => false,
    }
}

/// Whether a statement failed because the database went away, its disk is full, or it waited too long for others: a
/// repeat may work later.
pub fn is_away(error: &QueryError) -> bool {
    // The first two are SQLite's words, the third is the system's, as PostgreSQL hands it on.
    const SIGNS: [&str; 5] =
        ["disk is full", "disk I/O error", "No space left on device", "statement timeout", "lock timeout"];
    let says = |info: &str| SIGNS.iter().any(|sign| info.contains(sign));
    is_gone(error) || matches!(error, QueryError::DatabaseError(_, info) if says(info.message()))
}

/// Why the database did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Too much waits already: come back in a moment.
    #[error("the database is busy")]
    Busy,
    /// The database is away or failed; nothing of the transaction was kept.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database cannot be used as it is; the operator has to act.
    #[error("{0}")]
    Setup(String),
    /// A statement failed.
    #[error("a database statement failed: {0}")]
    Query(String),
}

impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> StoreError {
        if is_away(&error) { StoreError::Unavailable(error.to_string()) } else { StoreError::Query(error.to_string()) }
    }
}
