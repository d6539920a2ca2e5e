//! Who did what: rows are added, never changed.

use diesel::prelude::*;

use super::schema::audit_log;
use super::{Conn, new_id};

/// Notes an act. Without an actor it was the operator, at the command line.
pub fn note(
    conn: &mut Conn,
    actor_id: Option<i64>,
    campaign_id: Option<i64>,
    (act, subject): (&str, &str),
    now: i64,
) -> QueryResult<()> {
    diesel::insert_into(audit_log::table)
        .values((
            audit_log::id.eq(new_id()),
            audit_log::at.eq(now),
            audit_log::actor_id.eq(actor_id),
            audit_log::campaign_id.eq(campaign_id),
            audit_log::act.eq(act),
            audit_log::subject.eq(subject),
        ))
        .execute(conn)?;
    Ok(())
}
