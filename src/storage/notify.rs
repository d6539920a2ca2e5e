//! Words from process to process through PostgreSQL (LISTEN, NOTIFY). On SQLite one process serves, so there is nobody
//! to tell.

use diesel::prelude::*;

use super::connection::DatabaseUrl;
use super::{Conn, StoreError};

/// The channel that all servers on one database listen to.
const CHANNEL: &str = "aftermap";

/// Tells the other processes that something happened in these campaigns, once the transaction is committed.
pub fn tell(conn: &mut Conn, campaigns: &[i64]) -> QueryResult<()> {
    let Conn::Postgres(conn) = conn else { return Ok(()) };
    // PostgreSQL refuses a word longer than 8,000 bytes.
    for some in campaigns.chunks(300) {
        let word = some.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
        diesel::sql_query("SELECT pg_notify($1, $2)")
            .bind::<diesel::sql_types::Text, _>(CHANNEL)
            .bind::<diesel::sql_types::Text, _>(word)
            .execute(conn)?;
    }
    Ok(())
}

/// A connection of its own that hears what others tell.
pub struct Listener(PgConnection);

impl Listener {
    /// Begins to listen; `None` on SQLite. Blocks.
    pub(super) fn open(url: &DatabaseUrl) -> Result<Option<Listener>, StoreError> {
        let Conn::Postgres(mut conn) = url.connect(true)? else { return Ok(None) };
        diesel::sql_query(format!("LISTEN {CHANNEL}")).execute(&mut conn)?;
        Ok(Some(Listener(conn)))
    }

    /// The campaigns that others told of since the last look. Looks at the socket and asks nothing.
    ///
    /// # Errors
    /// Where the connection is lost; a new one hears nothing of what was told meanwhile.
    pub fn heard(&mut self) -> Result<Vec<i64>, StoreError> {
        let mut campaigns = Vec::new();
        for word in self.0.notifications_iter() {
            campaigns.extend(word?.payload.split(' ').filter_map(|id| id.parse::<i64>().ok()));
        }
        Ok(campaigns)
    }
}
