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
    note_in_full(conn, actor_id, campaign_id, &Act { act, subject, reason: "", detail: "{}" }, now)
}

/// An act with why it was done, and what a reader of the log wants to know beside.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// The verb, in snake case.
    pub act: &'a str,
    /// What it was done to. People stand in it by their id, never by name: the log outlives accounts.
    pub subject: &'a str,
    /// The actor's own words.
    pub reason: &'a str,
    /// A JSON object.
    pub detail: &'a str,
}

/// Notes an act with its reason and details.
pub fn note_in_full(
    conn: &mut Conn,
    actor_id: Option<i64>,
    campaign_id: Option<i64>,
    act: &Act<'_>,
    now: i64,
) -> QueryResult<()> {
    diesel::insert_into(audit_log::table)
        .values((
            audit_log::id.eq(new_id()),
            audit_log::at.eq(now),
            audit_log::actor_id.eq(actor_id),
            audit_log::campaign_id.eq(campaign_id),
            audit_log::act.eq(act.act),
            audit_log::subject.eq(act.subject),
            audit_log::reason.eq(act.reason),
            audit_log::detail.eq(act.detail),
        ))
        .execute(conn)
        .map(drop)
}
