//! The audit log: who did what to whom, when and why. Rows are only added.

use diesel::prelude::*;

use super::schema::audit_log;
use super::{Conn, new_id};

/// One entry.
pub struct Entry<'a> {
    /// Who did it; `None`: the operator, at the command line.
    pub actor: Option<i64>,
    /// In which campaign, if in one.
    pub campaign: Option<i64>,
    /// What was done, one word.
    pub act: &'a str,
    /// To whom or to what: an id, never a name.
    pub subject: &'a str,
    /// Why, in the actor's words.
    pub reason: &'a str,
}

/// Adds an entry.
pub fn insert(conn: &mut Conn, entry: &Entry<'_>, now: i64) -> QueryResult<()> {
    let row = (
        audit_log::id.eq(new_id()),
        audit_log::at.eq(now),
        audit_log::actor_id.eq(entry.actor),
        audit_log::campaign_id.eq(entry.campaign),
        audit_log::act.eq(entry.act),
        audit_log::subject.eq(entry.subject),
        audit_log::reason.eq(entry.reason),
        audit_log::detail.eq("{}"),
    );
    diesel::insert_into(audit_log::table).values(row).execute(conn).map(drop)
}
