//! Campaigns: the list, one of them, and opening or closing it.

pub mod plan;
pub mod progress;
pub mod scale;
pub mod setup;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::Viewer;
use crate::domain::campaign::{self, CampaignKind, CampaignState, CampaignTexts, ReleaseLevel, TileSource, Visibility};
use crate::domain::scene;
use crate::http::body::Body;
use crate::http::error::Error;
use crate::http::gate::{Anyone, App, By, CampaignVisit, Coordinator, InCampaign};
use crate::http::language::{Language, Languages};
use crate::http::wire::rfc3339;
use crate::services;
use crate::services::campaigns::texts::Reading;
use crate::services::campaigns::{change_state, texts};
use crate::services::labelling::training::PracticeSet;
use crate::services::oversight::statistics;
use crate::storage::labelling::participations;
use crate::storage::{Conn, campaigns, scenes};
use scale::Scale;

/// How far a campaign is, exactly. Below reviewer a tile is closed 10 minutes after it closed, and check gold reads as open.
#[derive(Serialize, ToSchema)]
pub struct Progress {
    tiles: u64,
    open: u64,
    closed: u64,
    /// Those of the closed ones that the crowd could not decide: they wait for experts.
    contested: u64,
    /// `closed` of `tiles`, 0 to 1.
    share: f64,
}

/// A campaign on the list.
#[derive(Serialize, ToSchema)]
pub struct CampaignSummary {
    slug: String,
    title: String,
    purpose: String,
    /// Language of the texts given (BCP 47).
    language: String,
    /// All languages that the texts are there in.
    languages: Vec<String>,
    state: CampaignState,
    kind: CampaignKind,
    visibility: Visibility,
    /// Whether the imagery was drawn by a program.
    synthetic: bool,
    /// West, south, east, north in degrees; `null` while there are no tiles.
    #[schema(required)]
    bounds: Option<[f64; 4]>,
    progress: Progress,
}

/// The campaigns that the viewer may see.
#[derive(Serialize, ToSchema)]
pub struct Campaigns {
    campaigns: Vec<CampaignSummary>,
}

/// One image acquisition.
#[derive(Serialize, ToSchema)]
pub struct Scene {
    id: String,
    title: String,
    /// When it was taken, or the start of a composite's interval.
    #[schema(format = DateTime)]
    captured_from: String,
    #[schema(format = DateTime)]
    captured_to: String,
    sensor: String,
    min_zoom: u8,
    /// Native zoom; above it the client magnifies.
    max_zoom: u8,
    /// West, south, east, north in degrees.
    bounds: [f64; 4],
    /// Credit line: to be shown wherever the picture is.
    attribution: String,
    licence: String,
}

/// The practice of a campaign.
#[derive(Serialize, ToSchema)]
pub struct PracticePolicy {
    /// Whether tiles to label come only after it is passed.
    required: bool,
    /// Tiles that are asked.
    tiles: usize,
    /// Share of them that must be right at the first answer.
    pass_share: f64,
}

/// What the viewer has done in a campaign.
#[derive(Serialize, ToSchema)]
pub struct Mine {
    labels: u64,
}

/// What the viewer may do in a campaign.
#[derive(Serialize, ToSchema)]
pub struct May {
    /// Label, once signed in or in as a guest. Whether tiles are handed out depends on the state.
    label: bool,
    see_map: bool,
    coordinate: bool,
    download_labels: bool,
}

/// The highest role of the viewer in a campaign.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ViewerRole {
    /// Signed in without an account.
    Guest,
    /// Signed in.
    Volunteer,
    /// Settles contested tiles.
    Reviewer,
    /// Downloads everything.
    Researcher,
    /// Runs the campaign.
    Coordinator,
    /// Runs the server.
    Admin,
}

/// A campaign in full.
#[derive(Serialize, ToSchema)]
pub struct Campaign {
    #[serde(flatten)]
    summary: CampaignSummary,
    instructions: String,
    care_notice: String,
    help_lines: String,
    /// What the work led to, in Markdown.
    news: String,
    /// Whether volunteers may compare the number of their labels.
    leaderboard: bool,
    /// `null` where there is no practice tile.
    #[schema(required)]
    practice: Option<PracticePolicy>,
    /// Licence of the damage map; empty where none was chosen.
    licence: String,
    /// Zoom of grid tiles; `null` for footprints.
    #[schema(required)]
    labelling_zoom: Option<u8>,
    tile_source: TileSource,
    release_level: ReleaseLevel,
    scale: Scale,
    /// By date.
    scenes: Vec<Scene>,
    /// `null` where nobody is signed in.
    #[schema(required)]
    mine: Option<Mine>,
    /// `null` where nobody is signed in.
    #[schema(required)]
    role: Option<ViewerRole>,
    may: May,
}

/// The state that a campaign is to have.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StateRequest {
    state: NextState,
    /// Why, for the campaign's log: plain text of at most 500 characters, or nothing.
    #[serde(default)]
    reason: String,
}

/// A state that a coordinator may choose.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NextState {
    /// Hand out tiles.
    Open,
    /// Hand nothing out for now.
    Paused,
    /// Finished.
    Closed,
    /// Kept, and no longer on the list.
    Archived,
}

impl From<NextState> for CampaignState {
    fn from(next: NextState) -> CampaignState {
        match next {
            NextState::Open => CampaignState::Open,
            NextState::Paused => CampaignState::Paused,
            NextState::Closed => CampaignState::Closed,
            NextState::Archived => CampaignState::Archived,
        }
    }
}

/// Campaigns I may see
#[utoipa::path(get, path = "/api/v1/campaigns", operation_id = "list_campaigns",
    params(Language),
    responses((status = 200, body = Campaigns)))]
pub async fn list_campaigns(by: By<Anyone>, languages: Languages) -> Result<HttpResponse, Error> {
    let list = by.read(move |conn, visit| {
        let all = campaigns::list(conn)?;
        let seen = all.iter().filter(|campaign| visit.viewer.may_list(campaign));
        let read = |campaign| Ok(summary(conn, (&visit.viewer, visit.now), campaign, &languages.0)?.0);
        seen.map(read).collect::<Result<Vec<_>, services::Error>>()
    });
    Ok(HttpResponse::Ok().json(Campaigns { campaigns: list.await? }))
}

/// One campaign
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}", operation_id = "get_campaign",
    params(("slug" = String, Path, description = "Name of the campaign"), Language),
    responses((status = 200, body = Campaign)))]
pub async fn get_campaign(door: InCampaign<Anyone>, languages: Languages) -> Result<HttpResponse, Error> {
    let campaign = door.read(move |conn, visit| in_full(conn, visit, &languages.0));
    Ok(HttpResponse::Ok().json(campaign.await?))
}

/// Open, pause, close or archive
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/state", operation_id = "set_campaign_state",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = StateRequest,
    responses((status = 200, body = Campaign)))]
pub async fn set_campaign_state(
    app: Data<App>,
    door: InCampaign<Coordinator>,
    languages: Languages,
    body: Body<StateRequest>,
) -> Result<HttpResponse, Error> {
    let StateRequest { state, reason } = body.0;
    let next = CampaignState::from(state);
    let changed = door.write(move |conn, visit| {
        let actor = visit.viewer.volunteer_id();
        let campaign = change_state::change_state_why(conn, &visit.campaign.slug, (next, &reason), actor, visit.now)?;
        let id = campaign.id;
        Ok((id, in_full(conn, &CampaignVisit { campaign, ..visit.clone() }, &languages.0)?))
    });
    let (id, campaign) = changed.await?;
    app.events.mark(&[id]);
    Ok(HttpResponse::Ok().json(campaign))
}

fn summary(
    conn: &mut Conn,
    (viewer, now): (&Viewer, i64),
    campaign: &campaign::Campaign,
    languages: &[String],
) -> Result<(CampaignSummary, CampaignTexts), services::Error> {
    let progress = statistics::progress(conn, campaign, viewer.may_see_open_tiles(campaign), now)?;
    let Reading { language, languages, texts } = texts::read(conn, campaign, languages)?;
    let summary = CampaignSummary {
        slug: campaign.slug.clone(),
        title: texts.title.clone(),
        purpose: texts.purpose.clone(),
        language,
        languages,
        state: campaign.state,
        kind: campaign.kind,
        visibility: campaign.visibility,
        synthetic: campaign.synthetic,
        bounds: campaign.bounds.map(|bounds| bounds.to_array()),
        progress: progress.into(),
    };
    Ok((summary, texts))
}

impl From<statistics::Progress> for Progress {
    fn from(counted: statistics::Progress) -> Progress {
        let statistics::Progress { tiles, open, closed, contested, share } = counted;
        Progress { tiles, open, closed, contested, share }
    }
}

/// A campaign as this viewer sees it.
pub(crate) fn in_full(
    conn: &mut Conn,
    visit: &CampaignVisit,
    languages: &[String],
) -> Result<Campaign, services::Error> {
    let CampaignVisit { viewer, campaign, .. } = visit;
    let mine = match viewer.volunteer_id() {
        Some(volunteer) => Some(Mine { labels: participations::labels_of(conn, campaign.id, volunteer)? }),
        None => None,
    };
    let (summary, texts) = summary(conn, (viewer, visit.now), campaign, languages)?;
    let asked = PracticeSet::load(conn, campaign.id)?.asked.len();
    let policy = &campaign.policy;
    let (required, pass_share) = (policy.practice_required, policy.practice_pass_share);
    Ok(Campaign {
        summary,
        instructions: texts.instructions,
        care_notice: texts.care_notice,
        help_lines: texts.help_lines,
        news: texts.news,
        leaderboard: policy.leaderboard,
        practice: (asked > 0).then_some(PracticePolicy { required, tiles: asked, pass_share }),
        licence: campaign.licence.clone().unwrap_or_default(),
        labelling_zoom: campaign.labelling_zoom,
        tile_source: campaign.tile_source,
        release_level: campaign.release_level,
        scale: Scale::of(campaign, languages),
        scenes: scenes::of_campaign(conn, campaign.id)?.into_iter().map(Scene::from).collect(),
        mine,
        role: role(viewer, campaign),
        may: May {
            // Nobody in particular becomes a guest when labelling starts.
            label: viewer.may_label(campaign) || *viewer == Viewer::Nobody,
            see_map: viewer.may_see_map(campaign),
            coordinate: viewer.may_coordinate(campaign),
            download_labels: viewer.may_download_labels(campaign),
        },
    })
}

fn role(viewer: &Viewer, campaign: &campaign::Campaign) -> Option<ViewerRole> {
    use crate::domain::volunteer::Role;
    let person = viewer.person()?;
    Some(match viewer.role_in(campaign.id) {
        _ if viewer.is_admin() => ViewerRole::Admin,
        Some(Role::Coordinator) => ViewerRole::Coordinator,
        Some(Role::Researcher) => ViewerRole::Researcher,
        Some(Role::Reviewer) => ViewerRole::Reviewer,
        Some(Role::Volunteer) | None if person.is_guest() => ViewerRole::Guest,
        Some(Role::Volunteer) | None => ViewerRole::Volunteer,
    })
}

impl From<scene::Scene> for Scene {
    fn from(scene: scene::Scene) -> Scene {
        Scene {
            id: scene.id.to_string(),
            title: scene.title,
            captured_from: rfc3339(scene.captured_from),
            captured_to: rfc3339(scene.captured_to),
            sensor: scene.sensor.unwrap_or_default(),
            min_zoom: scene.min_zoom,
            max_zoom: scene.max_zoom,
            bounds: scene.bounds.to_array(),
            attribution: scene.attribution.unwrap_or_default(),
            licence: scene.licence.unwrap_or_default(),
        }
    }
}
