//! Single tiles of the damage map: a list in pages, and one in full with the reasons for its value.

use actix_web::HttpResponse;
use actix_web::web::{Path, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::map_query::MapQuery;
use super::map_tiles::sight;
use crate::domain::campaign::Campaign;
use crate::domain::consensus::TileState;
use crate::domain::damage_map::{Crowd, Cuts, DamageMap, Sight, TileRow};
use crate::domain::pseudonym::pseudonym;
use crate::domain::scale::Scale;
use crate::domain::scene::Scene;
use crate::http::error::Error;
use crate::http::gate::{InCampaign, MapReader};
use crate::http::labelling::labels::Window;
use crate::http::labelling::training::ShownTile;
use crate::http::wire::rfc3339;
use crate::services::labelling::training::SeenTile;
use crate::services::maps::explain_tile::{Reason, Reasons, TileInFull, explain_tile};
use crate::services::maps::read_map::{self, Question};
use crate::{export, services};

/// Most tiles on a page.
const MAX_PAGE: usize = 200;

/// The value of a tile.
#[derive(Serialize, ToSchema)]
pub struct MapValue {
    /// `null` where no label names a class.
    #[schema(required)]
    class: Option<String>,
    #[schema(required)]
    probability: Option<f64>,
    /// Of any damage.
    #[schema(required)]
    damaged_probability: Option<f64>,
    /// Labels in it; 0 where experts fixed it.
    labels: u32,
    /// Share of agreeing pairs of labels.
    #[schema(required)]
    agreement: Option<f64>,
    /// Day of the last image seen intact; `null` where there is none.
    #[schema(format = Date, required)]
    date_before: Option<String>,
    /// Day of the first image seen damaged.
    #[schema(format = Date, required)]
    date_after: Option<String>,
}

/// A tile of the map.
#[derive(Serialize, ToSchema)]
pub struct MapRow {
    tile_id: String,
    /// West, south, east, north in degrees.
    bbox: [f64; 4],
    state: TileState,
    /// `null` while it may not be seen.
    #[schema(required)]
    value: Option<MapValue>,
}

/// A page of tiles.
#[derive(Serialize, ToSchema)]
pub struct MapRows {
    tiles: Vec<MapRow>,
    /// For the next page; `null` on the last. A page may be short, even empty, and have a next one.
    #[schema(required)]
    next: Option<String>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RowsWanted {
    /// `next` of the page before.
    after: Option<String>,
    /// 1 to 200, 50 if not given.
    limit: Option<usize>,
    /// `west,south,east,north` in degrees.
    bbox: Option<String>,
    /// Classes, separated by commas.
    class: Option<String>,
    /// States, separated by commas.
    state: Option<String>,
    /// The probability of the class is at least this, 0 to 1.
    probability_at_least: Option<String>,
    /// The damage happened on this day or after it.
    damaged_from: Option<String>,
    /// The damage happened on this day or before it.
    damaged_to: Option<String>,
}

/// How often an answer was counted.
#[derive(Serialize, ToSchema)]
pub struct Counted {
    answer: String,
    labels: u32,
}

/// How likely a class is.
#[derive(Serialize, ToSchema)]
pub struct Likely {
    class: String,
    probability: f64,
}

/// How sure the value of a tile is, and when it happened.
#[derive(Serialize, ToSchema)]
pub struct MapFinding {
    #[serde(flatten)]
    value: MapValue,
    probabilities: Vec<Likely>,
    answers: Vec<Counted>,
    /// How many independent, equally good volunteers the labels are worth.
    #[schema(required)]
    effective_redundancy: Option<f64>,
    /// Labels that came too late or beyond what was needed.
    surplus_labels: u32,
    /// `null` where there is no damage, or nobody said when.
    #[schema(required)]
    window: Option<Window>,
    #[schema(required)]
    window_probability: Option<f64>,
    #[schema(required)]
    closed_reason: Option<String>,
    #[schema(format = DateTime, required)]
    closed_at: Option<String>,
    /// Name of the method, `expert` where experts fixed the answer.
    #[schema(required)]
    method: Option<String>,
    #[schema(required)]
    method_version: Option<String>,
}

/// One label of a tile.
#[derive(Serialize, ToSchema)]
pub struct ExplainedLabel {
    /// Its author in this campaign, under a pseudonym; below researcher only a number within this tile.
    volunteer: String,
    answer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
    /// The day on which it arrived, UTC.
    #[schema(format = Date)]
    received_on: String,
    /// Whether it is in the value.
    counted: bool,
    /// 0 to 1; `null` where it is not counted.
    #[schema(required)]
    weight: Option<f64>,
    /// How much of it counts at all: less than 1 for accounts that err together.
    #[schema(required)]
    share: Option<f64>,
    /// What it says for the likeliest class against the next one, nats.
    #[schema(required)]
    evidence: Option<f64>,
    /// The class if it were missing; `null` where there would be none, or it is not counted.
    #[schema(required)]
    without: Option<String>,
    /// The label's id in the log; researchers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    label_id: Option<String>,
}

/// Why a value is what it is: `prior` and the evidence of all labels, `flattening` and `pooling` add up to `evidence`, which
/// is the logarithm of how much likelier the first class is than the second.
#[derive(Serialize, ToSchema)]
pub struct MapReasons {
    /// Number of the model; 0 before the first refit.
    model: u32,
    /// The likeliest class.
    first: String,
    /// The next one.
    second: String,
    /// What the campaign's class shares say before any label, nats.
    prior: f64,
    /// In the order in which they arrived.
    labels: Vec<ExplainedLabel>,
    /// What is taken back because volunteers err alike, nats.
    flattening: f64,
    /// What the weighted share and calibration add or take, nats.
    pooling: f64,
    /// The sum, nats.
    evidence: f64,
    /// Whether the probabilities, formed anew for this answer, are those of the map to the last digit.
    reproduced: bool,
}

/// A tile of the map in full.
#[derive(Serialize, ToSchema)]
pub struct MapTileInFull {
    #[serde(flatten)]
    shown: ShownTile,
    state: TileState,
    /// `null` while it may not be seen, and without labels.
    #[schema(required)]
    finding: Option<MapFinding>,
    /// `null` while it may not be seen, and where labels did not form it.
    #[schema(required)]
    reasons: Option<MapReasons>,
}

/// Tiles of the damage map, in pages
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/map/tiles", operation_id = "list_map_tiles",
    params(("slug" = String, Path, description = "Name of the campaign"), RowsWanted),
    responses((status = 200, body = MapRows)))]
pub async fn list_map_tiles(door: InCampaign<MapReader>, query: Query<RowsWanted>) -> Result<HttpResponse, Error> {
    let RowsWanted { after, limit, bbox, class, state, probability_at_least, damaged_from, damaged_to } =
        query.into_inner();
    let limit = limit.unwrap_or(50);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(services::Error::invalid("limit", format!("ask for 1 to {MAX_PAGE} tiles at a time")).into());
    }
    let query = MapQuery::of([bbox, class, state, probability_at_least, damaged_from, damaged_to]);
    let page = door.read(move |conn, visit| {
        let filter = query.filter(&visit.campaign.scale)?;
        let map = read_map::header(conn, &visit.campaign, Cuts::default())?;
        let campaign = &visit.campaign;
        let question = Question { campaign, map: &map, filter: &filter, sight: sight(visit), now: visit.now };
        let page = read_map::page(conn, question, after.as_deref().unwrap_or_default(), limit)?;
        Ok(MapRows { tiles: page.rows.iter().map(|row| map_row(&map, row)).collect(), next: page.next })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}

/// One tile of the damage map, with the reasons for its value
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/map/tiles/{tile_id}", operation_id = "get_map_tile_in_full",
    params(("slug" = String, Path, description = "Name of the campaign"), ("tile_id" = String, Path, description = "Public id of the tile")),
    responses((status = 200, body = MapTileInFull)))]
pub async fn get_map_tile_in_full(
    door: InCampaign<MapReader>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Error> {
    let (_, tile_id) = path.into_inner();
    let tile = door.read(move |conn, visit| {
        let sight = sight(visit);
        let tile = explain_tile(conn, &visit.campaign, &tile_id, (sight, visit.now))?;
        Ok(in_full(&visit.campaign, tile, sight))
    });
    Ok(HttpResponse::Ok().json(tile.await?))
}

fn map_row(map: &DamageMap, row: &TileRow) -> MapRow {
    let value = row.crowd.as_ref().map(|crowd| value(map, row, crowd));
    MapRow { tile_id: row.tile.tile_id.clone(), bbox: row.tile.bbox.to_array(), state: row.state, value }
}

fn value(map: &DamageMap, row: &TileRow, crowd: &Crowd) -> MapValue {
    let consensus = crowd.consensus.as_ref();
    let class = consensus.and_then(|consensus| consensus.class);
    let (before, after) = map.window(row, class);
    // The days of tiles.csv: of a composite those that make the window the widest.
    let first_day = |scene: &Scene| export::day(scene.captured_from);
    let last_day = |scene: &Scene| export::day(scene.captured_to);
    MapValue {
        class: key(&map.scale, class),
        probability: consensus.and_then(|consensus| consensus.probability),
        damaged_probability: crowd.damaged_probability(),
        labels: consensus.map_or(0, |consensus| consensus.labels),
        agreement: consensus.and_then(|consensus| consensus.agreement),
        date_before: before.map(first_day),
        date_after: after.map(last_day),
    }
}

fn key(scale: &Scale, place: Option<u8>) -> Option<String> {
    place.and_then(|place| scale.answer(place)).map(|answer| answer.key.clone())
}

/// A tile as somebody with this sight is told of it.
pub fn in_full(campaign: &Campaign, tile: TileInFull, sight: Sight) -> MapTileInFull {
    let TileInFull { map, row, frames, reasons } = tile;
    let state = row.state;
    let finding = row.crowd.as_ref().filter(|crowd| crowd.consensus.is_some()).map(|crowd| finding(&map, &row, crowd));
    let reasons = reasons.map(|reasons| reasons_of(campaign, reasons, sight));
    MapTileInFull { shown: SeenTile { tile: row.tile, frames }.into(), state, finding, reasons }
}

fn finding(map: &DamageMap, row: &TileRow, crowd: &Crowd) -> MapFinding {
    let consensus = crowd.consensus.as_ref();
    let (before, after) = map.window(row, consensus.and_then(|consensus| consensus.class));
    let window = crate::domain::label::Window {
        last_intact: before.map(|scene| scene.id),
        first_damaged: after.map(|scene| scene.id),
    };
    let counts = consensus.map_or(&[][..], |consensus| &consensus.answers);
    let likely = consensus.map_or(&[][..], |consensus| &consensus.probabilities);
    MapFinding {
        value: value(map, row, crowd),
        probabilities: (map.scale.classes().iter().zip(likely))
            .map(|(class, probability)| Likely { class: class.key.clone(), probability: *probability })
            .collect(),
        answers: (map.scale.answers.iter().zip(counts))
            .map(|(answer, labels)| Counted { answer: answer.key.clone(), labels: *labels })
            .collect(),
        effective_redundancy: consensus.map(|consensus| consensus.effective_redundancy),
        surplus_labels: crowd.surplus,
        window: (before.is_some() || after.is_some()).then(|| window.into()),
        window_probability: crowd.window_probability,
        closed_reason: crowd.closed_reason.clone(),
        closed_at: row.closed_at.map(rfc3339),
        method: crowd.method.as_ref().map(|(name, _)| name.clone()),
        method_version: crowd.method.as_ref().map(|(_, version)| version.clone()),
    }
}

fn reasons_of(campaign: &Campaign, reasons: Reasons, sight: Sight) -> MapReasons {
    let Reasons { model, explanation, reproduced, labels } = reasons;
    let class = |place: u8| key(&campaign.scale, Some(place)).unwrap_or_default();
    MapReasons {
        model,
        first: class(explanation.classes.0),
        second: class(explanation.classes.1),
        prior: explanation.prior,
        labels: labels.into_iter().enumerate().map(|(place, label)| explained(campaign, label, place, sight)).collect(),
        flattening: explanation.flattening,
        pooling: explanation.pooling,
        evidence: explanation.consensus.evidence,
        reproduced,
    }
}

fn explained(campaign: &Campaign, label: Reason, place: usize, sight: Sight) -> ExplainedLabel {
    ExplainedLabel {
        // A lasting name would let everybody put a person's labels together, tile by tile.
        volunteer: match sight {
            Sight::Researcher => pseudonym(&campaign.pseudonym_key, label.volunteer_id),
            Sight::Everybody => (place + 1).to_string(),
        },
        answer: key(&campaign.scale, Some(label.answer)).unwrap_or_default(),
        window: label.window.map(Window::from),
        received_on: export::day(label.received_at),
        counted: label.part.is_some(),
        weight: label.part.map(|part| part.weight),
        share: label.part.map(|part| part.share),
        evidence: label.part.map(|part| part.evidence),
        without: key(&campaign.scale, label.part.and_then(|part| part.without)),
        // Ids made by browsers hold the moment at which they were made.
        label_id: (sight == Sight::Researcher).then(|| label.label_id.to_string()),
    }
}
