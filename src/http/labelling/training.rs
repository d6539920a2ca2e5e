//! Training: introduction, field guide, and practice tiles with feedback.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::labels::{Window, read_window};
use super::leases::{Frame, LeasedTile};
use crate::domain::campaign::Campaign;
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{Anyone, InCampaign, Volunteer, volunteer_id};
use crate::http::language::{Language, Languages};
use crate::services::labelling::practise::{self, Attempt};
use crate::services::labelling::training::{self, PracticeState, SeenTile};

/// A tile with the frames in which it is seen.
#[derive(Serialize, ToSchema)]
pub struct ShownTile {
    tile: LeasedTile,
    /// By date.
    frames: Vec<Frame>,
}

/// A tile that shows what an answer means.
#[derive(Serialize, ToSchema)]
pub struct Example {
    #[serde(flatten)]
    shown: ShownTile,
    /// When it was damaged; timeline campaigns only.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
}

/// What the field guide says and shows of one answer.
#[derive(Serialize, ToSchema)]
pub struct GuideEntry {
    /// Key of the answer.
    answer: String,
    /// Markdown; empty where nothing was written. `![caption](tile:TILE_ID)` is a practice tile or an example.
    text: String,
    /// Tiles that are shown with their answer, so they are not asked.
    examples: Vec<Example>,
}

/// A practice tile.
#[derive(Serialize, ToSchema)]
pub struct PracticeTile {
    #[serde(flatten)]
    shown: ShownTile,
    /// Whether I answered it in this round.
    answered: bool,
}

/// The practice, and how far I am.
#[derive(Serialize, ToSchema)]
pub struct Practice {
    /// Whether tiles to label come only after it is passed.
    required: bool,
    /// Share of the tiles that must be right at the first answer.
    pass_share: f64,
    /// Answered in this round. Where all are and it is not passed, the next answer begins a new round.
    answered: usize,
    /// Of these, right at the first answer.
    right: usize,
    passed: bool,
    tiles: Vec<PracticeTile>,
}

/// What one learns before the first tile.
#[derive(Serialize, ToSchema)]
pub struct Training {
    /// Language of the texts (BCP 47).
    language: String,
    /// Markdown; the instructions where no introduction was written.
    introduction: String,
    /// One entry for each answer of the scale, in its order.
    guide: Vec<GuideEntry>,
    practice: Practice,
}

/// An answer for a practice tile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PracticeAnswer {
    /// Public id of the practice tile.
    tile: String,
    /// Key of an answer of the campaign's scale.
    answer: String,
    /// Timeline campaigns only.
    window: Option<Window>,
}

/// What experts say of a practice tile.
#[derive(Serialize, ToSchema)]
pub struct PracticeFeedback {
    /// Whether this answer is as good as the experts': the same, and a window inside theirs.
    right: bool,
    /// The experts' answer.
    answer: String,
    /// The experts' window.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
    /// Why, in Markdown.
    explanation: String,
    /// Answered in this round.
    answered: usize,
    /// Of these, right at the first answer.
    right_total: usize,
    passed: bool,
}

/// Introduction, field guide and practice tiles
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/training", operation_id = "get_training",
    params(("slug" = String, Path, description = "Name of the campaign"), Language),
    responses((status = 200, body = Training)))]
pub async fn get_training(door: InCampaign<Anyone>, languages: Languages) -> Result<HttpResponse, Error> {
    let training = door.read(move |conn, visit| {
        let volunteer = visit.viewer.volunteer_id();
        let training = training::training(conn, &visit.campaign, volunteer, &languages.0)?;
        Ok(shown(training, &visit.campaign))
    });
    Ok(HttpResponse::Ok().json(training.await?))
}

/// Answer a practice tile
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/practice", operation_id = "practise",
    params(("slug" = String, Path, description = "Name of the campaign"), Language), request_body = PracticeAnswer,
    responses((status = 200, body = PracticeFeedback)))]
pub async fn practise(
    door: InCampaign<Volunteer>,
    languages: Languages,
    body: Body<PracticeAnswer>,
) -> Result<HttpResponse, Error> {
    let PracticeAnswer { tile, answer, window } = body.0;
    let window = window.map(read_window).transpose().map_err(crate::services::Error::from)?;
    let attempt = Attempt { tile, answer, window };
    let feedback = door.write(move |conn, visit| {
        let wanted = (&languages.0[..], visit.now);
        practise::practise(conn, &visit.campaign, volunteer_id(&visit.viewer)?, &attempt, wanted)
    });
    let feedback = feedback.await?;
    let PracticeState { answered, right: right_total, passed, .. } = feedback.practice;
    Ok(HttpResponse::Ok().json(PracticeFeedback {
        right: feedback.right,
        answer: feedback.answer,
        window: feedback.window.map(Window::from),
        explanation: feedback.explanation,
        answered,
        right_total,
        passed,
    }))
}

fn shown(training: training::Training, campaign: &Campaign) -> Training {
    let example =
        |(seen, window): (SeenTile, Option<_>)| Example { shown: seen.into(), window: window.map(Window::from) };
    let entry = |entry: training::GuideEntry| GuideEntry {
        answer: entry.answer,
        text: entry.text,
        examples: entry.examples.into_iter().map(example).collect(),
    };
    let tile = |(seen, answered): (SeenTile, bool)| PracticeTile { shown: seen.into(), answered };
    let PracticeState { answered, right, passed, .. } = training.practice;
    Training {
        language: training.language,
        introduction: training.introduction,
        guide: training.guide.into_iter().map(entry).collect(),
        practice: Practice {
            required: campaign.policy.practice_required,
            pass_share: campaign.policy.practice_pass_share,
            answered,
            right,
            passed,
            tiles: training.tiles.into_iter().map(tile).collect(),
        },
    }
}

impl From<SeenTile> for ShownTile {
    fn from(seen: SeenTile) -> ShownTile {
        ShownTile { tile: seen.tile.into(), frames: seen.frames.into_iter().map(Frame::from).collect() }
    }
}
