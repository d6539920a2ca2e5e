//! Announcements: what those who run a campaign tell everybody, or some, on the page alone.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::announcement::{Level, text_for};
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{Anyone, Coordinator, InCampaign, Volunteer, volunteer_id};
use crate::http::language::{Language, Languages};
use crate::http::wire::{id_in_address, rfc3339};
use crate::services::oversight::announce::{self, Message};
use crate::services::{self, clock};
use crate::storage::oversight::announcements;

/// Something to be told.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnnouncement {
    level: Level,
    /// Plain text by language (BCP 47), at most 600 characters each. Everybody reads the best there is for them.
    texts: BTreeMap<String, String>,
    /// At once if not given.
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Until it is taken back if not given.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Pseudonyms of those it is for; everybody if not given.
    to: Option<Vec<String>>,
}

/// An announcement as those read it whom it is for.
#[derive(Serialize, ToSchema)]
pub struct Announcement {
    id: String,
    level: Level,
    /// Plain text.
    text: String,
    /// Its language.
    language: String,
    /// Whether it is for me by name, not for everybody.
    mine: bool,
    #[schema(format = DateTime)]
    from: String,
}

/// What is told now.
#[derive(Serialize, ToSchema)]
pub struct Announcements {
    /// The most pressing first.
    announcements: Vec<Announcement>,
}

/// An announcement as those see it who run the campaign.
#[derive(Serialize, ToSchema)]
pub struct WrittenAnnouncement {
    id: String,
    level: Level,
    texts: BTreeMap<String, String>,
    #[schema(format = DateTime)]
    from: String,
    #[schema(required, format = DateTime)]
    until: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, format = DateTime)]
    withdrawn_at: Option<String>,
    /// To how many it goes; `null` for everybody.
    #[schema(required)]
    to: Option<i64>,
    /// How many put it away.
    read: i64,
}

/// All that was told.
#[derive(Serialize, ToSchema)]
pub struct WrittenAnnouncements {
    /// Newest first, 200 at most.
    announcements: Vec<WrittenAnnouncement>,
}

/// What is told in a campaign now: to everybody, and to me; without what I put away
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/announcements", operation_id = "list_announcements",
    params(("slug" = String, Path, description = "Name of the campaign"), Language),
    responses((status = 200, body = Announcements)))]
pub async fn list_announcements(door: InCampaign<Anyone>, languages: Languages) -> Result<HttpResponse, Error> {
    let shown = door.read(move |conn, visit| {
        let all = announcements::shown_to(conn, visit.campaign.id, visit.viewer.volunteer_id(), visit.now)?;
        let one = |one: announcements::Announcement| {
            let (language, text) = text_for(&one.texts, &languages.0, &visit.campaign.language)?;
            Some(Announcement {
                id: one.id.to_string(),
                level: one.level,
                text: text.clone(),
                language: language.clone(),
                mine: !one.to_everybody,
                from: rfc3339(one.shown_from),
            })
        };
        Ok(Announcements { announcements: all.into_iter().filter_map(one).collect() })
    });
    Ok(HttpResponse::Ok().json(shown.await?))
}

/// Tell something to everybody in a campaign, or to some
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/announcements", operation_id = "announce",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = NewAnnouncement,
    responses((status = 201, body = WrittenAnnouncement)))]
pub async fn announce(door: InCampaign<Coordinator>, body: Body<NewAnnouncement>) -> Result<HttpResponse, Error> {
    let NewAnnouncement { level, texts, from, until, to } = body.0;
    let message = Message { level, texts, from: time("from", from)?, until: time("until", until)?, to };
    let made = door.write(move |conn, visit| {
        let id = announce::announce(conn, &visit.campaign, &message, volunteer_id(&visit.viewer)?, visit.now)?;
        let all = announcements::of_campaign(conn, visit.campaign.id)?;
        let gone = || services::Error::Internal("an announcement vanished".into());
        all.into_iter().find(|(one, ..)| one.id == id).map(written).ok_or_else(gone)
    });
    Ok(HttpResponse::Created().json(made.await?))
}

/// All that was told in a campaign, for those who run it
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/announcements/all", operation_id = "list_written_announcements",
    params(("slug" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = WrittenAnnouncements)))]
pub async fn list_written_announcements(door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let all = door.read(|conn, visit| Ok(announcements::of_campaign(conn, visit.campaign.id)?)).await?;
    Ok(HttpResponse::Ok().json(WrittenAnnouncements { announcements: all.into_iter().map(written).collect() }))
}

/// Take an announcement back
#[utoipa::path(delete, path = "/api/v1/campaigns/{slug}/announcements/{id}", operation_id = "withdraw_announcement",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The announcement")),
    responses((status = 204)))]
pub async fn withdraw_announcement(
    door: InCampaign<Coordinator>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Error> {
    let id = id_in_address(&path.1, "announcement")?;
    let withdraw = door.write(move |conn, visit| {
        announce::withdraw(conn, &visit.campaign, id, volunteer_id(&visit.viewer)?, visit.now)
    });
    withdraw.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Put an announcement away: I have read it
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/announcements/{id}/read", operation_id = "put_announcement_away",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, description = "The announcement")),
    responses((status = 204)))]
pub async fn put_announcement_away(
    door: InCampaign<Volunteer>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Error> {
    let id = id_in_address(&path.1, "announcement")?;
    let put = door.write(move |conn, visit| {
        announce::put_away(conn, &visit.campaign, id, volunteer_id(&visit.viewer)?, visit.now)
    });
    put.await?;
    Ok(HttpResponse::NoContent().finish())
}

fn written((one, to, read): (announcements::Announcement, i64, i64)) -> WrittenAnnouncement {
    WrittenAnnouncement {
        id: one.id.to_string(),
        level: one.level,
        texts: one.texts,
        from: rfc3339(one.shown_from),
        until: one.shown_until.map(rfc3339),
        created_at: rfc3339(one.created_at),
        withdrawn_at: one.withdrawn_at.map(rfc3339),
        to: (!one.to_everybody).then_some(to),
        read,
    }
}

fn time(field: &str, text: Option<String>) -> Result<Option<i64>, Error> {
    let read = |text: String| {
        clock::parse_rfc3339(&text).ok_or_else(|| {
            services::Error::invalid(field, format!("`{text}` is no time: write it as 2026-01-31T12:00:00Z"))
        })
    };
    Ok(text.map(read).transpose()?)
}
