//! Whether the database can do its work right now: answers, has our schema, and takes what is written.

use super::{Error, clock};
use crate::storage::{Conn, Store, StoreError, locks, migrate};

/// Really looks. On SQLite it commits a row, because a full disk shows in no other way.
///
/// # Errors
/// Where the server should get no work: what the operator has to see.
pub async fn look(store: &Store) -> Result<(), Error> {
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
