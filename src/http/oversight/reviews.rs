//! Reviews: the tiles that wait for an expert, what was decided, and deciding.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::campaign::Campaign;
use crate::domain::consensus::TileState;
use crate::domain::damage_map::Sight;
use crate::domain::gold::GoldKind;
use crate::domain::pseudonym::pseudonym;
use crate::domain::review::{ReviewStanding, WhyReview};
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{ActingReviewer, App, InCampaign, Reviewer, volunteer_id};
use crate::http::labelling::labels::{Window, read_window};
use crate::http::maps::map_rows::{MapTileInFull, in_full};
use crate::http::wire::rfc3339;
use crate::services;
use crate::services::oversight::review::{self, HOLD_MS, NewDecision};
use crate::services::oversight::review_queue::{self, Case};
use crate::storage::labelling::notes::Note;
use crate::storage::oversight::reviews;

/// Most tiles of the queue in one answer.
const MAX_QUEUE: usize = 20;
/// Most decisions in one answer.
const MAX_LIST: i64 = 200;

/// How many tiles.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QueueWanted {
    /// 1 to 20, 3 if not given.
    limit: Option<usize>,
}

/// Which decisions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReviewsWanted {
    /// Only my own.
    #[serde(default)]
    mine: bool,
    /// 1 to 200, 50 if not given.
    limit: Option<i64>,
}

/// A volunteer's remark on a tile.
#[derive(Serialize, ToSchema)]
pub struct TileNote {
    /// Pseudonym of the author.
    by: String,
    text: String,
    flagged: bool,
    #[schema(format = DateTime)]
    created_at: String,
}

/// What a reviewer decided.
#[derive(Serialize, ToSchema)]
pub struct Review {
    #[schema(format = "uuid")]
    id: String,
    /// Public id of the tile.
    tile: String,
    /// Pseudonym of the reviewer.
    by: String,
    /// Whether it is mine.
    mine: bool,
    answer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
    note: String,
    #[schema(format = DateTime)]
    decided_at: String,
    standing: ReviewStanding,
}

/// A tile with all that was said about it.
#[derive(Serialize, ToSchema)]
pub struct ReviewTile {
    #[serde(flatten)]
    full: MapTileInFull,
    /// Why it waits for a reviewer; empty where it does not.
    why: Vec<WhyReview>,
    /// How hard it is, 0 to 1; `null` where it does not wait.
    #[schema(required)]
    hardness: Option<f64>,
    notes: Vec<TileNote>,
    /// In the order in which they came, revised ones too.
    reviews: Vec<Review>,
    /// Whether another reviewer has it before them now.
    held: bool,
    /// What it is gold for; `null` where it is not.
    #[schema(required)]
    gold: Option<GoldKind>,
    /// Whether it may become check gold: not once everybody could see that it closed.
    may_be_check: bool,
}

/// The tiles that wait for me, hardest first; those that others look at come last.
#[derive(Serialize, ToSchema)]
pub struct ReviewQueue {
    /// How many there are.
    waiting: usize,
    /// Of these, before another reviewer now.
    held: usize,
    /// Tiles about which I spoke and that wait for one more reviewer.
    for_others: usize,
    tiles: Vec<ReviewTile>,
}

/// Decisions, newest first.
#[derive(Serialize, ToSchema)]
pub struct Reviews {
    reviews: Vec<Review>,
}

/// A decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReview {
    /// Made by the client: the same id is the same decision, however often it is sent.
    #[schema(format = "uuid", value_type = String)]
    id: Uuid,
    /// Public id of the tile.
    tile: String,
    /// Key of a class, or of an answer that says that it cannot be told.
    answer: String,
    /// Timeline campaigns only; absent: cannot say.
    window: Option<Window>,
    /// For the other reviewers.
    #[serde(default)]
    #[schema(max_length = 2000)]
    note: String,
}

/// What became of a decision.
#[derive(Serialize, ToSchema)]
pub struct ReviewReceipt {
    #[schema(format = "uuid")]
    id: String,
    standing: ReviewStanding,
    tile_state: TileState,
}

/// The tile that I look at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// Public id of the tile.
    tile: String,
}

/// Whether I have the tile.
#[derive(Serialize, ToSchema)]
pub struct Hold {
    /// False where another reviewer looks at it: deciding is possible all the same.
    held: bool,
    /// For so long, unless it is asked for again or decided.
    seconds: i64,
}

/// The tiles that wait for a reviewer, hardest first
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/reviews/queue", operation_id = "get_review_queue",
    params(("slug" = String, Path, description = "Name of the campaign"), QueueWanted),
    responses((status = 200, body = ReviewQueue)))]
pub async fn queue(door: InCampaign<Reviewer>, query: Query<QueueWanted>) -> Result<HttpResponse, Error> {
    let limit = query.limit.unwrap_or(3);
    if !(1..=MAX_QUEUE).contains(&limit) {
        return Err(services::Error::invalid("limit", format!("ask for 1 to {MAX_QUEUE} tiles at a time")).into());
    }
    let queue = door.read(move |conn, visit| {
        let me = volunteer_id(&visit.viewer)?;
        let queue = review_queue::queue(conn, &visit.campaign, me, limit, visit.now)?;
        let tiles = queue.cases.into_iter().map(|case| shown(&visit.campaign, me, case)).collect();
        Ok(ReviewQueue { waiting: queue.waiting, held: queue.held, for_others: queue.for_others, tiles })
    });
    Ok(HttpResponse::Ok().json(queue.await?))
}

/// One tile as reviewers see it
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/reviews/tiles/{tile_id}", operation_id = "get_review_tile",
    params(("slug" = String, Path, description = "Name of the campaign"), ("tile_id" = String, Path, description = "Public id of the tile")),
    responses((status = 200, body = ReviewTile)))]
pub async fn tile(door: InCampaign<Reviewer>, path: Path<(String, String)>) -> Result<HttpResponse, Error> {
    let tile = door.read(move |conn, visit| {
        let me = volunteer_id(&visit.viewer)?;
        let case = review_queue::case(conn, &visit.campaign, &path.1, me, visit.now)?;
        Ok(shown(&visit.campaign, me, case))
    });
    Ok(HttpResponse::Ok().json(tile.await?))
}

/// What reviewers decided
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/reviews", operation_id = "list_reviews",
    params(("slug" = String, Path, description = "Name of the campaign"), ReviewsWanted),
    responses((status = 200, body = Reviews)))]
pub async fn list(door: InCampaign<Reviewer>, query: Query<ReviewsWanted>) -> Result<HttpResponse, Error> {
    let (mine, limit) = (query.mine, query.limit.unwrap_or(50));
    if !(1..=MAX_LIST).contains(&limit) {
        return Err(services::Error::invalid("limit", format!("ask for 1 to {MAX_LIST} decisions at a time")).into());
    }
    let found = door.read(move |conn, visit| {
        let me = volunteer_id(&visit.viewer)?;
        let of = mine.then_some(me);
        let reviews = review_queue::newest(conn, &visit.campaign, of, limit)?;
        let shown = reviews.into_iter().map(|one| decision(&visit.campaign, me, one)).collect();
        Ok(Reviews { reviews: shown })
    });
    Ok(HttpResponse::Ok().json(found.await?))
}

/// Decide about a tile
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/reviews", operation_id = "decide_tile",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = NewReview,
    responses((status = 200, body = ReviewReceipt)))]
pub async fn decide(
    app: Data<App>,
    door: InCampaign<ActingReviewer>,
    body: Body<NewReview>,
) -> Result<HttpResponse, Error> {
    let NewReview { id, tile, answer, window, note } = body.0;
    let window = window.map(read_window).transpose().map_err(services::Error::from)?;
    let new = NewDecision { id, tile_id: tile, answer, window, note };
    let decided = door.write(move |conn, visit| {
        let decided = review::decide(conn, &visit.campaign, volunteer_id(&visit.viewer)?, &new, visit.now)?;
        Ok((decided, visit.campaign.id))
    });
    let (decided, campaign) = decided.await?;
    app.events.mark(&[campaign]);
    let (standing, tile_state) = (decided.standing, decided.tile_state);
    Ok(HttpResponse::Ok().json(ReviewReceipt { id: id.to_string(), standing, tile_state }))
}

/// Take back my own decision
///
/// It stays in the list, marked. What other reviewers decided is in force then, or what the labels say.
#[utoipa::path(delete, path = "/api/v1/campaigns/{slug}/reviews/{id}", operation_id = "withdraw_review",
    params(("slug" = String, Path, description = "Name of the campaign"), ("id" = String, Path, format = "uuid", description = "Id of the decision")),
    responses((status = 200, body = ReviewReceipt)))]
pub async fn withdraw(
    app: Data<App>,
    door: InCampaign<ActingReviewer>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Error> {
    let asked = path.into_inner().1;
    let taken_back = door.write(move |conn, visit| {
        // Read here and not by the extractor: who may not review is told that first, whatever the id.
        let unknown = || services::Error::NotFound(format!("you made no decision `{asked}` in this campaign"));
        let id = Uuid::try_parse(&asked).map_err(|_| unknown())?;
        let done = review::withdraw(conn, &visit.campaign, volunteer_id(&visit.viewer)?, id, visit.now)?;
        Ok((id, done, visit.campaign.id))
    });
    let (id, done, campaign) = taken_back.await?;
    app.events.mark(&[campaign]);
    Ok(HttpResponse::Ok().json(ReviewReceipt {
        id: id.to_string(),
        standing: done.standing,
        tile_state: done.tile_state,
    }))
}

/// Say which tile I look at
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/reviews/holds", operation_id = "hold_tile",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = NewHold,
    responses((status = 200, body = Hold)))]
pub async fn hold(door: InCampaign<ActingReviewer>, body: Body<NewHold>) -> Result<HttpResponse, Error> {
    let tile = body.0.tile;
    let hold = door
        .write(move |conn, visit| review::hold(conn, &visit.campaign, volunteer_id(&visit.viewer)?, &tile, visit.now));
    Ok(HttpResponse::Ok().json(Hold { held: hold.await?, seconds: HOLD_MS / 1000 }))
}

fn shown(campaign: &Campaign, me: i64, case: Case) -> ReviewTile {
    let Case { full, why, hardness, notes, reviews, held, gold, may_be_check } = case;
    let note = |note: Note| TileNote {
        by: pseudonym(&campaign.pseudonym_key, note.volunteer_id),
        text: note.text,
        flagged: note.flagged,
        created_at: rfc3339(note.created_at),
    };
    ReviewTile {
        full: in_full(campaign, full, Sight::Researcher),
        why,
        hardness,
        notes: notes.into_iter().map(note).collect(),
        reviews: reviews.into_iter().map(|one| decision(campaign, me, one)).collect(),
        held,
        gold,
        may_be_check,
    }
}

fn decision(campaign: &Campaign, me: i64, (one, standing): (reviews::Review, ReviewStanding)) -> Review {
    Review {
        id: one.id.to_string(),
        tile: one.tile_id,
        by: pseudonym(&campaign.pseudonym_key, one.reviewer_id),
        mine: one.reviewer_id == me,
        answer: campaign.scale.answer(one.opinion.answer).map(|answer| answer.key.clone()).unwrap_or_default(),
        window: one.opinion.window.map(Window::from),
        note: one.note,
        decided_at: rfc3339(one.decided_at),
        standing,
    }
}
