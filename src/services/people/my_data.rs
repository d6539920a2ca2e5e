//! Everything that is stored about a person, for themselves: one JSON document, table by table.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::domain::campaign::Campaign;
use crate::domain::pseudonym::pseudonym;
use crate::services::Error;
use crate::services::clock::rfc3339;
use crate::storage::labelling::notes;
use crate::storage::maps::validation;
use crate::storage::oversight::announcements;
use crate::storage::people::{person, second_factors};
use crate::storage::{Conn, campaigns};

/// The tables that name a person, and where their rows are in the document. A test walks the schema and finds each
/// table either here or in [`LEFT_OUT`].
pub const GIVEN: [(&str, &str); 15] = [
    ("volunteers", "account"),
    ("sessions", "sessions"),
    ("personal_tokens", "tokens"),
    ("second_factors", "second_factors"),
    ("roles", "roles"),
    ("participations", "campaigns"),
    ("exclusions", "exclusions"),
    ("announcement_readers", "messages"),
    ("leases", "leases"),
    ("labels", "labels"),
    ("current_labels", "labels"),
    ("notes", "notes"),
    ("practice_answers", "practice"),
    ("uploads", "uploads"),
    ("grades", "grades"),
];

/// The tables whose rows about a person are left out, and why.
pub const LEFT_OUT: [(&str, &str); 4] = [
    ("invitation_uses", "by which link a role came: the role and its date are given"),
    ("review_holds", "which tile a reviewer has before them: forgotten after some minutes"),
    ("ring_positions", "a place in a shuffled row of tiles: says nothing about the person"),
    ("skills", "fitted from check gold and from what others answered: would tell which tiles are check gold"),
];

/// The document of a person.
pub fn my_data(conn: &mut Conn, id: i64, now: i64) -> Result<Value, Error> {
    let known: HashMap<i64, Campaign> = campaigns::list(conn)?.into_iter().map(|one| (one.id, one)).collect();
    let book = Book { known };
    let parts = [
        signing_in(conn, id)?,
        taking_part(conn, id, &book)?,
        answering(conn, id, &book)?,
        running(conn, id, &book)?,
        json!({
            "made_at": rfc3339(now),
            "left_out": list(LEFT_OUT.to_vec(), |(table, reason)| json!({"table": table, "reason": reason})),
        }),
    ];
    let tables =
        parts.into_iter().filter_map(|part| if let Value::Object(tables) = part { Some(tables) } else { None });
    Ok(Value::Object(tables.flatten().collect()))
}

/// Who the person is here, and by what they sign in.
fn signing_in(conn: &mut Conn, id: i64) -> Result<Value, Error> {
    let account = person::account(conn, id)?.ok_or_else(|| Error::NotFound("there is nobody of that id".into()))?;
    let (language, created_at, disabled_at) = person::row(conn, id)?;
    Ok(json!({
        "account": {
            "volunteer_id": id.to_string(),
            "name": account.name,
            "admin": account.admin,
            "creator": account.creator,
            "has_password": account.password_hash.is_some(),
            "has_recovery_code": account.recovery_hash.is_some(),
            "language": language,
            "created_at": rfc3339(created_at),
            "disabled_at": disabled_at.map(rfc3339),
        },
        // That there is one, and since when; never what its codes are made from.
        "second_factors": list(second_factors::find(conn, id)?.into_iter().collect(), |one| json!({
            "created_at": rfc3339(one.created_at),
            "confirmed_at": one.confirmed_at.map(rfc3339),
        })),
        "sessions": list(person::sessions_of(conn, id)?, |(opened, refreshed, until, ended)| json!({
            "created_at": rfc3339(opened),
            "refreshed_at": rfc3339(refreshed),
            "expires_at": rfc3339(until),
            "revoked_at": ended.map(rfc3339),
        })),
        "tokens": list(person::tokens_of(conn, id)?, |(name, scopes, made, until, ended)| json!({
            "name": name,
            "scopes": scopes,
            "created_at": rfc3339(made),
            "expires_at": rfc3339(until),
            "revoked_at": ended.map(rfc3339),
        })),
    }))
}

/// Where they take part, as what, and what they were told.
fn taking_part(conn: &mut Conn, id: i64, book: &Book) -> Result<Value, Error> {
    Ok(json!({
        "roles": list(person::roles_of(conn, id)?, |(campaign, role, given)| json!({
            "campaign": campaign,
            "role": role,
            "granted_at": rfc3339(given),
        })),
        "campaigns": list(person::participations_of(conn, id)?, |(slug, key, labels, served, skips, first, last, passed)| {
            json!({
                "campaign": slug,
                "pseudonym": pseudonym(&key, id),
                "labels": labels,
                "tiles_served": served,
                "skips": skips,
                "first_at": rfc3339(first),
                "last_at": rfc3339(last),
                "practice_passed_at": passed.map(rfc3339),
            })
        }),
        "exclusions": list(person::exclusions_of(conn, id)?, |(campaign, kind, reason, made, lifted)| json!({
            "campaign": campaign,
            "kind": kind,
            "reason": reason,
            "created_at": rfc3339(made),
            "lifted_at": lifted.map(rfc3339),
        })),
        "messages": list(announcements::of_volunteer(conn, id)?, |(campaign, texts, at, read_at)| json!({
            "campaign": book.slug(campaign),
            "texts": texts,
            "created_at": rfc3339(at),
            "read_at": read_at.map(rfc3339),
        })),
    }))
}

/// What they did as a volunteer.
fn answering(conn: &mut Conn, id: i64, book: &Book) -> Result<Value, Error> {
    Ok(json!({
        "leases": list(person::leases_of(conn, id)?, |(campaign, tile, granted, until, ended, outcome)| json!({
            "campaign": campaign,
            "tile": tile,
            "granted_at": rfc3339(granted),
            "expires_at": rfc3339(until),
            "ended_at": ended.map(rfc3339),
            "outcome": outcome,
        })),
        "labels": list(person::labels_of(conn, id)?, |one| book.label(one)),
        "notes": list(notes::of_volunteer(conn, id)?, |(campaign, tile, note)| json!({
            "id": note.id,
            "campaign": book.slug(campaign),
            "tile": tile,
            "text": note.text,
            "flagged": note.flagged,
            "created_at": rfc3339(note.created_at),
            "resolved_at": note.resolved_at.map(rfc3339),
        })),
        "practice": list(person::practice_of(conn, id)?, |(campaign, tile, answer, right, at)| json!({
            "campaign": book.slug(campaign),
            "tile": tile,
            "answer": book.answer(campaign, answer),
            "right": right,
            "answered_at": rfc3339(at),
        })),
    }))
}

/// What they did for those who run a campaign.
fn running(conn: &mut Conn, id: i64, book: &Book) -> Result<Value, Error> {
    Ok(json!({
        "reviews": list(person::reviews_of(conn, id)?, |(campaign, tile, answer, note, at, in_force)| json!({
            "campaign": book.slug(campaign),
            "tile": tile,
            "answer": book.answer(campaign, answer),
            "note": note,
            "decided_at": rfc3339(at),
            "in_force": in_force,
        })),
        "grades": list(validation::of_volunteer(conn, id)?, |(campaign, sample, tile, answer, at)| json!({
            "campaign": book.slug(campaign),
            "sample": sample,
            "tile": tile,
            "answer": book.answer(campaign, answer),
            "graded_at": rfc3339(at),
        })),
        "uploads": list(person::uploads_of(conn, id)?, |(campaign, name, bytes, state, begun)| json!({
            "campaign": book.slug(campaign),
            "file_name": name,
            "bytes": bytes,
            "state": state,
            "created_at": rfc3339(begun),
        })),
    }))
}

fn list<T>(rows: Vec<T>, write: impl Fn(T) -> Value) -> Vec<Value> {
    rows.into_iter().map(write).collect()
}

/// The campaigns, to write words in place of numbers.
struct Book {
    known: HashMap<i64, Campaign>,
}

impl Book {
    fn slug(&self, campaign: i64) -> Option<&str> {
        self.known.get(&campaign).map(|campaign| campaign.slug.as_str())
    }

    fn answer(&self, campaign: i64, place: i16) -> Option<&str> {
        let answer = self.known.get(&campaign)?.scale.answer(u8::try_from(place).ok()?)?;
        Some(&answer.key)
    }

    fn label(&self, one: person::Given) -> Value {
        let (given, intact, damaged) = one.window;
        let id = |scene: Option<i64>| scene.map(|scene| scene.to_string());
        json!({
            "id": one.id,
            "campaign": self.slug(one.campaign_id),
            "tile": one.tile_id,
            "revision": one.revision,
            "current": one.current,
            "answer": self.answer(one.campaign_id, one.answer),
            "window": given.then(|| json!({"last_intact": id(intact), "first_damaged": id(damaged)})),
            "seconds": one.seconds,
            "client": one.client.0,
            "client_at": one.client.1.map(rfc3339),
            "leased_at": rfc3339(one.times.0),
            "received_at": rfc3339(one.times.1),
            "status": one.told.0,
            "tile_state": one.told.1,
        })
    }
}
