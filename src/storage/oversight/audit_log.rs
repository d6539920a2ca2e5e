//! Who did what: rows are added, never changed (a trigger of the database sees to it too).

use diesel::prelude::*;

use crate::storage::schema::{audit_log, volunteers};
use crate::storage::{Conn, new_id};

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

/// An entry of the log with the name of its actor, as long as the account is there.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Entry {
    /// Database id.
    pub id: i64,
    /// Milliseconds since 1970, UTC.
    pub at: i64,
    /// Who; `None`: the operator, or the server by itself.
    pub actor_id: Option<i64>,
    /// Their sign-in name; `None` also for a guest and for a deleted account.
    pub actor_name: Option<String>,
    /// The verb.
    pub act: String,
    /// What it was done to.
    pub subject: String,
    /// The actor's own words.
    pub reason: String,
    /// JSON.
    pub detail: String,
}

/// Which entries of a campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only this act.
    pub act: Option<String>,
    /// From this time on, milliseconds since 1970, UTC.
    pub from: Option<i64>,
    /// Up to before this time, likewise.
    pub to: Option<i64>,
    /// Only what is older than this (time, id): where the page before ended.
    pub before: Option<(i64, i64)>,
    /// At most so many.
    pub limit: i64,
}

/// Entries of a campaign, newest first.
pub fn of_campaign(conn: &mut Conn, campaign_id: i64, wanted: &Wanted) -> QueryResult<Vec<Entry>> {
    let mut query = audit_log::table
        .left_join(volunteers::table.on(volunteers::id.nullable().eq(audit_log::actor_id)))
        .filter(audit_log::campaign_id.eq(campaign_id))
        .select((
            audit_log::id,
            audit_log::at,
            audit_log::actor_id,
            volunteers::name.nullable(),
            audit_log::act,
            audit_log::subject,
            audit_log::reason,
            audit_log::detail,
        ))
        .order((audit_log::at.desc(), audit_log::id.desc()))
        .limit(wanted.limit)
        .into_boxed();
    if let Some(act) = &wanted.act {
        query = query.filter(audit_log::act.eq(act.clone()));
    }
    if let Some(from) = wanted.from {
        query = query.filter(audit_log::at.ge(from));
    }
    if let Some(to) = wanted.to {
        query = query.filter(audit_log::at.lt(to));
    }
    if let Some((at, id)) = wanted.before {
        query = query.filter(audit_log::at.lt(at).or(audit_log::at.eq(at).and(audit_log::id.lt(id))));
    }
    query.load(conn)
}

/// The acts that a campaign's log holds, each once, in the order of the alphabet.
pub fn acts(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<String>> {
    audit_log::table
        .filter(audit_log::campaign_id.eq(campaign_id))
        .select(audit_log::act)
        .distinct()
        .order(audit_log::act)
        .load(conn)
}
