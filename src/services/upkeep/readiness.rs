//! Whether the database can do its work right now: answers, has our schema, and takes what is written.

use crate::services::{Error, clock};
use crate::storage::upkeep::migrate;
use crate::storage::{Conn, Store, StoreError, locks};

/// With less space than this labels are about to be refused, though a small commit may still find room in the log.
const FREE_BYTES: u64 = 1 << 20;

/// Really looks: commits a row, and on SQLite asks for the space that is left.
///
/// # Errors
/// Where the server should get no work: what the operator has to see.
pub async fn look(store: &Store) -> Result<(), Error> {
    if store.free_bytes().is_some_and(|free| free < FREE_BYTES) {
        return Err(Error::Store(StoreError::Unavailable("the disk is full".into())));
    }
    let work = |conn: &mut Conn| {
        if !migrate::is_in_place(conn)? {
            let reason = "the schema in the database is not the one of this version: restart the server";
            return Err(Error::Store(StoreError::Unavailable(reason.into())));
        }
        let now = clock::now_ms();
        locks::take(conn, "readiness", "any", (now, now))?;
        Ok(())
    };
    store.write(work).await
}
