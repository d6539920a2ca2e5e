//! How I do in a campaign: my standing, my misses, and the leaderboard where there is one.

use actix_web::HttpResponse;
use actix_web::web::Query;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::labels::Window;
use super::training::ShownTile;
use crate::domain::campaign::Campaign;
use crate::domain::pseudonym::pseudonym;
use crate::domain::standing::{Leaning, Share};
use crate::http::error::Error;
use crate::http::gate::{Anyone, InCampaign, Volunteer, volunteer_id};
use crate::http::language::{Language, Languages};
use crate::http::wire::rfc3339;
use crate::services;
use crate::services::labelling::standing::{self, Cursor, Miss as Missed, Place as Ranked};

/// Most misses on a page.
const MAX_PAGE: usize = 50;

/// A share with its 90 % interval, 0 to 1.
#[derive(Serialize, ToSchema)]
pub struct Agreement {
    share: f64,
    low: f64,
    high: f64,
}

/// My practice in the round under way.
#[derive(Serialize, ToSchema)]
pub struct PracticeCount {
    answered: usize,
    /// Right at the first answer.
    right: usize,
}

/// How I do in a campaign.
#[derive(Serialize, ToSchema)]
pub struct Standing {
    /// Tiles I labelled.
    labels: u32,
    /// Of these, since midnight UTC.
    today: u32,
    skips: u32,
    /// Tiles that I answered with a class and that closed with one, at least ten minutes ago.
    closed_tiles: u32,
    /// Of these, where I said the same.
    agreed: u32,
    /// `null` below 10 closed tiles.
    #[schema(required)]
    agreement: Option<Agreement>,
    practice: PracticeCount,
    /// Whether I see less or more damage than the others where we differ; `null` where that is no habit, or unknown.
    #[schema(required)]
    severity: Option<Leaning>,
    /// What the work led to, in Markdown.
    news: String,
}

/// What I said.
#[derive(Serialize, ToSchema)]
pub struct MyAnswer {
    answer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
}

/// What became of a tile.
#[derive(Serialize, ToSchema)]
pub struct Outcome {
    answer: String,
    #[schema(required)]
    probability: Option<f64>,
    /// Labels in it; 0 where experts fixed it.
    labels: u32,
    /// Share of the labels that agree with it.
    #[schema(required)]
    agreement: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
}

/// A tile that I saw otherwise.
#[derive(Serialize, ToSchema)]
pub struct Miss {
    #[serde(flatten)]
    shown: ShownTile,
    mine: MyAnswer,
    consensus: Outcome,
    /// Why, in Markdown, where experts said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<String>,
    #[schema(format = DateTime)]
    closed_at: String,
}

/// A page of misses, the one that closed last first.
#[derive(Serialize, ToSchema)]
pub struct Misses {
    misses: Vec<Miss>,
    /// For the next page; `null` on the last.
    #[schema(required)]
    next: Option<String>,
    /// Whether single tiles are shown at all: not where the campaign's map is not public and I am no researcher.
    shown: bool,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MissesWanted {
    /// `next` of the page before.
    after: Option<String>,
    /// 1 to 50, 20 if not given.
    limit: Option<usize>,
}

/// One place of the leaderboard.
#[derive(Serialize, ToSchema)]
pub struct Place {
    /// The same for equal numbers.
    place: u64,
    /// Pseudonym in this campaign.
    name: String,
    labels: u32,
    me: bool,
}

/// Who gave the most labels.
#[derive(Serialize, ToSchema)]
pub struct Leaderboard {
    /// The first 20.
    places: Vec<Place>,
    /// My own place; `null` without a label.
    #[schema(required)]
    mine: Option<Place>,
}

/// How I do
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/me", operation_id = "get_my_standing",
    params(("slug" = String, Path, description = "Name of the campaign"), Language),
    responses((status = 200, body = Standing)))]
pub async fn get_my_standing(door: InCampaign<Volunteer>, languages: Languages) -> Result<HttpResponse, Error> {
    let mine = door.read(move |conn, visit| {
        let volunteer = volunteer_id(&visit.viewer)?;
        let wanted = (&*languages.0, visit.viewer.may_see_map(&visit.campaign));
        standing::my_standing(conn, &visit.campaign, volunteer, wanted, visit.now)
    });
    let mine = mine.await?;
    let interval = |Share { share, low, high }| Agreement { share, low, high };
    Ok(HttpResponse::Ok().json(Standing {
        labels: mine.labels,
        today: mine.today,
        skips: mine.skips,
        closed_tiles: mine.standing.closed_tiles,
        agreed: mine.standing.agreed,
        agreement: mine.standing.agreement().map(interval),
        practice: PracticeCount { answered: mine.practice.0, right: mine.practice.1 },
        severity: mine.standing.leaning(),
        news: mine.news,
    }))
}

/// Tiles that I saw otherwise
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/me/misses", operation_id = "list_my_misses",
    params(("slug" = String, Path, description = "Name of the campaign"), MissesWanted),
    responses((status = 200, body = Misses)))]
pub async fn list_my_misses(door: InCampaign<Volunteer>, query: Query<MissesWanted>) -> Result<HttpResponse, Error> {
    let MissesWanted { after, limit } = query.into_inner();
    let limit = limit.unwrap_or(20);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(services::Error::invalid("limit", format!("ask for 1 to {MAX_PAGE} tiles at a time")).into());
    }
    let after = after.as_deref().map(cursor).transpose()?;
    let page = door.read(move |conn, visit| {
        let volunteer = volunteer_id(&visit.viewer)?;
        // Whoever may not have the map is not given it tile by tile.
        if !visit.viewer.may_see_map(&visit.campaign) {
            return Ok(Misses { misses: Vec::new(), next: None, shown: false });
        }
        let (found, next) = standing::misses(conn, &visit.campaign, volunteer, after, (limit, visit.now))?;
        let misses = found.into_iter().map(|miss| shown(&visit.campaign, miss)).collect();
        Ok(Misses { misses, next: next.map(|(at, tile)| format!("{at}.{tile}")), shown: true })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Who gave the most labels, where the campaign tells
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/leaderboard", operation_id = "get_leaderboard",
    params(("slug" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = Leaderboard)))]
pub async fn get_leaderboard(door: InCampaign<Anyone>) -> Result<HttpResponse, Error> {
    let board = door.read(|conn, visit| {
        let me = visit.viewer.volunteer_id();
        let (places, mine) = standing::leaderboard(conn, &visit.campaign, me)?;
        let named = |one: Ranked| Place {
            place: one.place,
            name: pseudonym(&visit.campaign.pseudonym_key, one.volunteer),
            labels: one.labels,
            me: me == Some(one.volunteer),
        };
        Ok(Leaderboard { places: places.into_iter().map(named).collect(), mine: mine.map(named) })
    });
    Ok(HttpResponse::Ok().json(board.await?))
}

fn cursor(text: &str) -> Result<Cursor, Error> {
    let parts = text.split_once('.').and_then(|(at, tile)| Some((at.parse().ok()?, tile.to_owned())));
    parts.ok_or_else(|| services::Error::invalid("after", "take it from `next` of the page before").into())
}

fn shown(campaign: &Campaign, miss: Missed) -> Miss {
    let key = |place: Option<u8>| {
        place.and_then(|place| campaign.scale.answer(place)).map(|answer| answer.key.clone()).unwrap_or_default()
    };
    Miss {
        shown: miss.seen.into(),
        mine: MyAnswer { answer: key(Some(miss.mine.answer)), window: miss.mine.window.map(Window::from) },
        consensus: Outcome {
            answer: key(miss.mine.class),
            probability: miss.verdict.probability,
            labels: miss.verdict.labels,
            agreement: miss.verdict.agreement,
            window: miss.verdict.window.map(Window::from),
        },
        explanation: miss.verdict.explanation,
        closed_at: rfc3339(miss.mine.outcome.closed_at.unwrap_or_default()),
    }
}
