//! Tells people in a campaign something, on the page alone: everybody, or some of them by their pseudonyms.

use std::collections::BTreeMap;

use serde_json::json;

use super::exclude;
use crate::domain::announcement::{Level, check_texts};
use crate::domain::campaign::Campaign;
use crate::services::Error;
use crate::services::clock::rfc3339;
use crate::storage::Conn;
use crate::storage::labelling::participations;
use crate::storage::oversight::announcements::{self, Announcement, NewAnnouncement};
use crate::storage::oversight::audit_log::{self, Act};

/// People whom one message may name.
const MOST: usize = 100_000;

/// What is to be told, to whom, and when.
#[derive(Debug, Clone)]
pub struct Message {
    /// How pressing it is.
    pub level: Level,
    /// Plain text by language.
    pub texts: BTreeMap<String, String>,
    /// From when it is shown; at once if not given. Milliseconds since 1970, UTC.
    pub from: Option<i64>,
    /// Until when; until it is taken back if not given.
    pub until: Option<i64>,
    /// Pseudonyms of those it is for; `None` for everybody.
    pub to: Option<Vec<String>>,
}

/// Writes an announcement. Returns its id.
pub fn announce(conn: &mut Conn, campaign: &Campaign, message: &Message, actor: i64, now: i64) -> Result<i64, Error> {
    let texts = check_texts(&message.texts)?;
    let shown_from = message.from.unwrap_or(now);
    if message.until.is_some_and(|until| until <= shown_from || until <= now) {
        return Err(Error::invalid("until", "it would end before anybody sees it: choose a later time"));
    }
    let to = message.to.as_ref().map(|names| addressed(conn, campaign, names)).transpose()?;
    let new = NewAnnouncement { level: message.level, texts, shown_from, shown_until: message.until };
    let id = announcements::insert(conn, campaign.id, &new, to.as_deref(), actor, now)?;
    let detail = json!({
        "level": message.level.key(),
        "texts": new.texts,
        "from": rfc3339(shown_from),
        "until": message.until.map(rfc3339),
        "to": to.as_ref().map_or_else(|| json!("everybody"), |some| json!(some.len())),
    });
    let (subject, detail) = (id.to_string(), detail.to_string());
    let act = Act { act: "announce", subject: &subject, reason: "", detail: &detail };
    audit_log::note_in_full(conn, Some(actor), Some(campaign.id), &act, now)?;
    Ok(id)
}

fn addressed(conn: &mut Conn, campaign: &Campaign, names: &[String]) -> Result<Vec<i64>, Error> {
    if names.is_empty() || names.len() > MOST {
        return Err(Error::invalid("to", format!("name 1 to {MOST} volunteers, or nobody for everybody")));
    }
    let known = exclude::by_pseudonym(conn, campaign)?;
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        ids.push(*known.get(name).ok_or_else(|| exclude::unknown(name))?);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Takes an announcement back.
pub fn withdraw(conn: &mut Conn, campaign: &Campaign, id: i64, actor: i64, now: i64) -> Result<(), Error> {
    let one = find(conn, campaign, id)?;
    if one.withdrawn_at.is_some() {
        return Ok(());
    }
    announcements::withdraw(conn, id, now)?;
    Ok(audit_log::note(conn, Some(actor), Some(campaign.id), ("withdraw_announcement", &id.to_string()), now)?)
}

/// Puts an announcement away for one volunteer.
pub fn put_away(conn: &mut Conn, campaign: &Campaign, id: i64, volunteer: i64, now: i64) -> Result<(), Error> {
    let one = find(conn, campaign, id)?;
    if !announcements::is_for(conn, &one, volunteer)? {
        return Err(unknown());
    }
    participations::take_turn(conn, campaign.id, volunteer, now)?;
    Ok(announcements::put_away(conn, id, volunteer, now)?)
}

fn find(conn: &mut Conn, campaign: &Campaign, id: i64) -> Result<Announcement, Error> {
    announcements::find(conn, campaign.id, id)?.ok_or_else(unknown)
}

fn unknown() -> Error {
    Error::NotFound("this campaign has no such announcement".into())
}
