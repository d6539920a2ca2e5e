//! What fails because its campaign was deleted between the gate and the work. On PostgreSQL nobody waits at the gate: a lock
//! there, made stronger by the work behind it, would let two who come at once wait for each other.

use crate::services;
use crate::storage::{Store, campaigns};

/// The outcome of work in a campaign; a fault of ours reads "there is no such campaign" where there is none any more.
pub(super) async fn or_gone<T>(
    store: &Store,
    slug: &str,
    done: Result<T, services::Error>,
) -> Result<T, services::Error> {
    let Err(failure @ (services::Error::Query(_) | services::Error::Internal(_))) = done else { return done };
    let name = slug.to_owned();
    let is_there = store.read(move |conn| Ok::<_, services::Error>(campaigns::find(conn, &name)?.is_some()));
    match is_there.await {
        Ok(false) => Err(services::Error::NotFound(format!("there is no campaign `{slug}` that you may see"))),
        _ => Err(failure),
    }
}
