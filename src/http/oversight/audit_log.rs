//! The audit log of a campaign: who did what, when and why; in pages for the screen, whole for a file.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::web::{Path, Query};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::error::Error;
use crate::http::gate::{Coordinator, InCampaign};
use crate::services;
use crate::services::oversight::audit;
use crate::storage::oversight::audit_log::{self, Wanted};

/// Most entries on a page.
const MAX_PAGE: i64 = 200;

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntriesWanted {
    /// Only this act.
    act: Option<String>,
    /// From this time on (RFC 3339).
    #[param(format = DateTime)]
    from: Option<String>,
    /// Up to before this time.
    #[param(format = DateTime)]
    to: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// 1 to 200, 50 if not given.
    limit: Option<i64>,
}

/// One entry of the log.
#[derive(Serialize, ToSchema)]
pub struct AuditEntry {
    #[schema(format = DateTime)]
    at: String,
    /// A name, a pseudonym, or `operator`: the command line, or the server by itself.
    actor: String,
    act: String,
    subject: String,
    /// Why, in the actor's words; may be empty.
    reason: String,
    /// More about it, as the act has it.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
}

/// A page of the log, newest first.
#[derive(Serialize, ToSchema)]
pub struct AuditEntries {
    entries: Vec<AuditEntry>,
    /// All acts that the log holds, to choose from.
    acts: Vec<String>,
    /// For the next page; `null` on the last.
    #[schema(required)]
    next: Option<String>,
}

impl From<audit::Entry> for AuditEntry {
    fn from(entry: audit::Entry) -> AuditEntry {
        let audit::Entry { at, actor, act, subject, reason, detail } = entry;
        AuditEntry { at, actor, act, subject, reason, detail }
    }
}

impl EntriesWanted {
    fn read(self) -> Result<Wanted, services::Error> {
        let limit = self.limit.unwrap_or(50);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(services::Error::invalid("limit", format!("a page has 1 to {MAX_PAGE} entries")));
        }
        if self.act.as_deref().is_some_and(|act| act.contains('\0')) {
            return Err(services::Error::invalid("act", "no act holds the character U+0000"));
        }
        Ok(Wanted {
            act: self.act.filter(|act| !act.is_empty()),
            from: self.from.as_deref().map(|text| moment("from", text)).transpose()?,
            to: self.to.as_deref().map(|text| moment("to", text)).transpose()?,
            before: self.after.as_deref().map(cursor).transpose()?,
            limit,
        })
    }
}

fn moment(field: &str, text: &str) -> Result<i64, services::Error> {
    let read = DateTime::parse_from_rfc3339(text);
    read.map(|at| at.timestamp_millis())
        .map_err(|_| services::Error::invalid(field, "write a time as 2026-11-22T10:00:00Z"))
}

fn cursor(text: &str) -> Result<(i64, i64), services::Error> {
    let parts = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    parts.ok_or_else(|| services::Error::invalid("after", "take it from `next` of the page before"))
}

/// Who did what in a campaign
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/audit", operation_id = "list_audit_log",
    params(("slug" = String, Path, description = "Name of the campaign"), EntriesWanted),
    responses((status = 200, body = AuditEntries)))]
pub async fn list_entries(door: InCampaign<Coordinator>, wanted: Query<EntriesWanted>) -> Result<HttpResponse, Error> {
    let wanted = wanted.into_inner().read()?;
    let read = door.read(move |conn, visit| {
        let page = audit::page(conn, &visit.campaign, &wanted)?;
        let next = page.next.map(|(at, id)| format!("{at}.{id}"));
        let entries = page.entries.into_iter().map(AuditEntry::from).collect();
        Ok(AuditEntries { entries, acts: audit_log::acts(conn, visit.campaign.id)?, next })
    });
    Ok(HttpResponse::Ok().json(read.await?))
}

/// The log as a file: `audit.csv` or `audit.json`
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/audit/{file}", operation_id = "download_audit_log",
    params(("slug" = String, Path, description = "Name of the campaign"), ("file" = String, Path, description = "audit.csv or audit.json"), EntriesWanted),
    responses((status = 200, description = "The log, newest first", content_type = "*/*")))]
pub async fn download_log(
    door: InCampaign<Coordinator>,
    path: Path<(String, String)>,
    wanted: Query<EntriesWanted>,
) -> Result<HttpResponse, Error> {
    let (slug, file) = path.into_inner();
    let media_type = match file.as_str() {
        "audit.csv" => "text/csv; charset=utf-8",
        "audit.json" => "application/json",
        _ => return Err(Error::not_found(format!("there is no `{file}`: ask for audit.csv or audit.json"))),
    };
    let wanted = wanted.into_inner().read()?;
    let is_csv = file == "audit.csv";
    let text = door.read(move |conn, visit| {
        let entries = audit::whole(conn, &visit.campaign, wanted)?;
        match is_csv {
            true => Ok(audit::csv(&entries)),
            false => serde_json::to_string(&entries).map_err(|error| services::Error::Internal(error.to_string())),
        }
    });
    let text = text.await?;
    let mut reply = HttpResponse::Ok();
    reply.insert_header((CACHE_CONTROL, "private, no-cache"));
    reply.insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{slug}-{file}\"")));
    Ok(reply.content_type(media_type).body(text))
}
