//! Notes: remarks on tiles from volunteers to those who run the campaign.

use actix_web::HttpResponse;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::training::ShownTile;
use crate::domain::campaign::Campaign;
use crate::domain::pseudonym::pseudonym;
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{ActingReviewer, InCampaign, Reviewer, Volunteer, volunteer_id};
use crate::http::wire::rfc3339;
use crate::services;
use crate::services::labelling::leave_note::{Remark, leave_note};
use crate::services::labelling::training::SeenTile;
use crate::services::oversight::watch_notes;
use crate::storage::labelling::notes::{self, Wanted};

/// Most notes on a page.
const MAX_PAGE: i64 = 100;

/// A remark on a tile, without a label.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    /// Made by the client: the same id is the same note, however often it is sent.
    #[schema(format = "uuid", value_type = String)]
    id: Uuid,
    /// The lease, open or ended, of the tile it is about.
    lease_id: String,
    /// May be empty where the tile is flagged.
    #[serde(default)]
    #[schema(max_length = 2000)]
    text: String,
    /// Ask for the coordinator's attention.
    #[serde(default)]
    flagged: bool,
}

/// That a note was kept.
#[derive(Serialize, ToSchema)]
pub struct NoteReceipt {
    #[schema(format = "uuid")]
    id: String,
}

/// Which notes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NotesWanted {
    /// Only those flagged, or only the others.
    flagged: Option<bool>,
    /// Only those that nobody saw to yet, or only the others.
    open: Option<bool>,
    /// `next` of the page before.
    after: Option<String>,
    /// 1 to 100, 50 if not given.
    limit: Option<i64>,
}

/// A note as those read it who run the campaign.
#[derive(Serialize, ToSchema)]
pub struct Note {
    #[schema(format = "uuid")]
    id: String,
    #[serde(flatten)]
    shown: ShownTile,
    text: String,
    flagged: bool,
    /// Pseudonym of the author.
    by: String,
    /// The author's present answer for the tile; `null` without one.
    #[schema(required)]
    answer: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// `null`: nobody saw to it yet.
    #[schema(required, format = DateTime)]
    resolved_at: Option<String>,
}

/// A page of notes, newest first.
#[derive(Serialize, ToSchema)]
pub struct Notes {
    notes: Vec<Note>,
    /// For the next page; `null` on the last.
    #[schema(required)]
    next: Option<String>,
}

/// Leave a note on a tile
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/notes", operation_id = "leave_note",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = NewNote,
    responses((status = 200, body = NoteReceipt)))]
pub async fn post_note(door: InCampaign<Volunteer>, body: Body<NewNote>) -> Result<HttpResponse, Error> {
    let NewNote { id, lease_id, text, flagged } = body.0;
    let lease_id = lease_id.parse().map_err(|_| {
        services::Error::invalid("lease_id", format!("`{lease_id}` is not an id that this server gave out"))
    })?;
    let remark = Remark { id, lease_id, text, flagged };
    let keep = door
        .write(move |conn, visit| leave_note(conn, &visit.campaign, volunteer_id(&visit.viewer)?, &remark, visit.now));
    keep.await?;
    Ok(HttpResponse::Ok().json(NoteReceipt { id: id.to_string() }))
}

/// Notes of a campaign, for reviewers and coordinators
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/notes", operation_id = "list_notes",
    params(("slug" = String, Path, description = "Name of the campaign"), NotesWanted),
    responses((status = 200, body = Notes)))]
pub async fn list_notes(door: InCampaign<Reviewer>, query: Query<NotesWanted>) -> Result<HttpResponse, Error> {
    let NotesWanted { flagged, open, after, limit } = query.into_inner();
    let limit = limit.unwrap_or(50);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(services::Error::invalid("limit", format!("ask for 1 to {MAX_PAGE} notes at a time")).into());
    }
    let before = after.as_deref().map(cursor).transpose()?;
    let page = door.read(move |conn, visit| {
        let wanted = Wanted { flagged, open, before, limit };
        let found = watch_notes::list(conn, &visit.campaign, wanted)?;
        let last = found.last().filter(|_| found.len() as i64 == limit);
        let next = last.map(|(note, _)| format!("{}.{}", note.created_at, note.id.simple()));
        Ok(Notes { notes: found.into_iter().map(|one| shown(&visit.campaign, one)).collect(), next })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Mark a note as seen to
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/notes/{id}/resolve", operation_id = "resolve_note",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The note")),
    responses((status = 204)))]
pub async fn resolve_note(
    door: InCampaign<ActingReviewer>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Error> {
    let id = Uuid::parse_str(&path.1).map_err(|_| Error::not_found(format!("there is no note `{}`", path.1)))?;
    let resolve = door.write(move |conn, visit| {
        watch_notes::resolve(conn, &visit.campaign, id, visit.viewer.volunteer_id(), visit.now)
    });
    resolve.await?;
    Ok(HttpResponse::NoContent().finish())
}

fn cursor(text: &str) -> Result<(i64, Uuid), Error> {
    let parts = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, Uuid::parse_str(id).ok()?)));
    parts.ok_or_else(|| services::Error::invalid("after", "take it from `next` of the page before").into())
}

fn shown(campaign: &Campaign, (note, seen): (notes::Note, SeenTile)) -> Note {
    let answer = note.answer.and_then(|place| campaign.scale.answer(place)).map(|answer| answer.key.clone());
    Note {
        id: note.id.to_string(),
        shown: seen.into(),
        text: note.text,
        flagged: note.flagged,
        by: pseudonym(&campaign.pseudonym_key, note.volunteer_id),
        answer,
        created_at: rfc3339(note.created_at),
        resolved_at: note.resolved_at.map(rfc3339),
    }
}
