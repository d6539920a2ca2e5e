//! The audit log as a coordinator reads it: in pages, or whole as a file. People stand in it as `who` says.

use std::collections::HashMap;

use serde::Serialize;

use crate::domain::campaign::Campaign;
use crate::domain::pseudonym::pseudonym;
use crate::export::guarded;
use crate::services::Error;
use crate::services::clock::rfc3339;
use crate::storage::Conn;
use crate::storage::oversight::audit_log::{self, Wanted};
use crate::storage::people::members;

/// Entries read at a time for a file.
const BATCH: i64 = 2_000;
/// Most entries of one file: more are asked for by time.
const MOST: usize = 500_000;
/// Numbers at least so large may be ids of people: they hold the time at which they were made.
const LEAST_ID: i64 = 1 << 40;

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// RFC 3339, UTC.
    pub at: String,
    /// Name of who did it, a pseudonym, or `operator` for the command line and the server itself.
    pub actor: String,
    /// The verb.
    pub act: String,
    /// What it was done to.
    pub subject: String,
    /// Why, in the actor's words.
    pub reason: String,
    /// More about it.
    pub detail: serde_json::Value,
}

/// A page of the log.
pub struct Page {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// (time, id) of the last, if there may be more.
    pub next: Option<(i64, i64)>,
}

/// A page of a campaign's log.
pub fn page(conn: &mut Conn, campaign: &Campaign, wanted: &Wanted) -> Result<Page, Error> {
    let rows = audit_log::of_campaign(conn, campaign.id, wanted)?;
    let full = rows.len() as i64 == wanted.limit;
    let next = rows.last().filter(|_| full).map(|row| (row.at, row.id));
    let names = names(conn, campaign, &rows)?;
    let entries = rows.into_iter().map(|row| entry(campaign, &names, row)).collect();
    Ok(Page { entries, next })
}

/// The whole log, or what of it is wanted, from one snapshot: newest first.
pub fn whole(conn: &mut Conn, campaign: &Campaign, wanted: Wanted) -> Result<Vec<Entry>, Error> {
    let mut wanted = Wanted { limit: BATCH, ..wanted };
    let mut entries = Vec::new();
    while entries.len() < MOST {
        let next = page(conn, campaign, &wanted)?;
        entries.extend(next.entries);
        match next.next {
            Some(before) => wanted.before = Some(before),
            None => break,
        }
    }
    Ok(entries)
}

/// The log as CSV: text that a spreadsheet would run as a formula is made harmless.
pub fn csv(entries: &[Entry]) -> String {
    let mut text = String::from("at,actor,act,subject,reason,detail\r\n");
    for entry in entries {
        let detail = entry.detail.to_string();
        // Detail is always an object; a formula cannot begin with `{`, and the guard would spoil the JSON.
        let cells = [&entry.at, &entry.actor, &entry.act, &entry.subject, &entry.reason].map(|cell| guarded(cell));
        let cells = cells.iter().map(|cell| quoted(cell)).chain([quoted(&detail)]);
        text.push_str(&cells.collect::<Vec<_>>().join(","));
        text.push_str("\r\n");
    }
    text
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// Names of the people in these entries: those with a role above volunteer, and admins. All others are pseudonyms.
fn names(conn: &mut Conn, campaign: &Campaign, rows: &[audit_log::Entry]) -> Result<HashMap<i64, String>, Error> {
    let in_subjects = rows.iter().flat_map(|row| row.subject.split_whitespace().filter_map(id_of));
    let mut ids: Vec<i64> = rows.iter().filter_map(|row| row.actor_id).chain(in_subjects).collect();
    ids.sort_unstable();
    ids.dedup();
    let known = members::known(conn, &ids)?;
    let mut names: HashMap<i64, String> =
        known.iter().map(|id| (*id, pseudonym(&campaign.pseudonym_key, *id))).collect();
    names.extend(members::names_of_staff(conn, campaign.id, &known)?);
    Ok(names)
}

fn id_of(word: &str) -> Option<i64> {
    word.parse().ok().filter(|id| *id >= LEAST_ID)
}

fn entry(campaign: &Campaign, names: &HashMap<i64, String>, row: audit_log::Entry) -> Entry {
    let who = |id: i64| names.get(&id).cloned().unwrap_or_else(|| pseudonym(&campaign.pseudonym_key, id));
    let named = |word: &str| id_of(word).and_then(|id| names.get(&id).cloned()).unwrap_or_else(|| word.to_owned());
    Entry {
        at: rfc3339(row.at),
        actor: row.actor_id.map_or_else(|| "operator".into(), who),
        act: row.act,
        subject: row.subject.split(' ').map(named).collect::<Vec<_>>().join(" "),
        reason: row.reason,
        detail: serde_json::from_str(&row.detail).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_log_holds_no_formula_and_keeps_quotes_and_lines_together() {
        let entry = Entry {
            at: "2026-01-01T00:00:00Z".into(),
            actor: "=cmd()".into(),
            act: "withdraw_tile".into(),
            subject: "+1".into(),
            reason: "a \"court\"\r\nsaid so".into(),
            detail: serde_json::json!({"role": "x"}),
        };
        let text = csv(&[entry]);
        let mut read = ::csv::Reader::from_reader(text.as_bytes());
        let row = read.records().next().unwrap().unwrap();
        assert_eq!(&row[1], "'=cmd()");
        assert_eq!(&row[3], "'+1");
        assert_eq!(&row[4], "a \"court\"\r\nsaid so");
        assert_eq!(&row[5], "{\"role\":\"x\"}");
    }
}
