//! Gold: what there is and how volunteers do on it; marking, changing, retiring, and bringing in files.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Path;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Body;
use super::error::Error;
use super::gate::{ActingReviewer, Coordinator, InCampaign, volunteer_id};
use super::wire::rfc3339;
use crate::domain::campaign::Campaign;
use crate::domain::gold::{ENOUGH_OF_A_CLASS, GoldKind, Retired};
use crate::http::labelling::labels::{Window, read_window};
use crate::services;
use crate::services::gold::import_gold::{Fate, import_lines};
use crate::services::gold::{self, NewMark};

/// A gold tile, and how volunteers did on it.
#[derive(Serialize, ToSchema)]
pub struct GoldTile {
    /// Public id of the tile.
    tile: String,
    kind: GoldKind,
    answer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
    /// Markdown, by language.
    explanations: BTreeMap<String, String>,
    /// How often it was handed out.
    uses: u32,
    worn_out: bool,
    /// Answers that name a class: labels on check gold, first answers on practice.
    answers: u32,
    /// Of these, right.
    right: u32,
    /// Answers of volunteers who got at least seven in ten of the other check gold right, of three or more.
    good_answers: u32,
    /// Of these, right.
    good_right: u32,
    /// Whether most of them see it otherwise: the experts may be wrong.
    suspect: bool,
    #[schema(format = DateTime)]
    created_at: String,
}

/// How much gold an answer has.
#[derive(Serialize, ToSchema)]
pub struct GoldSpread {
    answer: String,
    practice: usize,
    /// Check gold in use.
    check: usize,
    /// Check gold that was handed out as often as it may be.
    worn_out: usize,
    /// Check gold that is missing still.
    missing: usize,
}

/// How often check gold is mixed in.
#[derive(Serialize, ToSchema)]
pub struct GoldRates {
    /// Share of a volunteer's first tiles.
    first_share: f64,
    /// How many tiles count as the first.
    first_tiles: u32,
    /// Share afterwards.
    share: f64,
    /// Hand-outs after which a tile is worn out.
    uses: u32,
    /// Tiles in use that each class should have at least.
    enough: usize,
}

/// The gold of a campaign.
#[derive(Serialize, ToSchema)]
pub struct GoldList {
    /// In the order of public ids.
    tiles: Vec<GoldTile>,
    spread: Vec<GoldSpread>,
    rates: GoldRates,
}

/// A tile to become gold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGold {
    /// Public id of the tile.
    tile: String,
    kind: GoldKind,
    /// Key of the right answer.
    answer: String,
    /// Timeline campaigns only.
    window: Option<Window>,
    /// Why it is right: Markdown, by language.
    #[serde(default)]
    explanations: BTreeMap<String, String>,
}

/// What a gold tile is from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedGold {
    /// Practice gold stays practice gold: everybody has seen it.
    kind: GoldKind,
    /// Key of the right answer.
    answer: String,
    /// Timeline campaigns only.
    window: Option<Window>,
    /// Why it is right: Markdown, by language.
    #[serde(default)]
    explanations: BTreeMap<String, String>,
}

/// What becomes of a tile that is gold no longer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetiredGold {
    becomes: Retired,
}

/// What a file is.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GoldFormat {
    /// Columns tile_id, or lon and lat; answer; explanation, last_intact and first_damaged if you like.
    Csv,
    /// Features with these as properties, or points.
    Geojson,
}

/// A file of gold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GoldFile {
    kind: GoldKind,
    format: GoldFormat,
    /// The file itself.
    text: String,
    /// What answers are called on screen, beside their keys: word to key. Large and small letters are alike.
    #[serde(default)]
    words: BTreeMap<String, String>,
    /// Only say what would become of each line.
    #[serde(default)]
    dry_run: bool,
}

/// What becomes of a line.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GoldLineFate {
    /// The tile becomes gold.
    Added,
    /// It is gold with this answer already: its explanation and its window are replaced.
    Explained,
    /// Not possible.
    Refused,
}

/// A line of a file, and what becomes of it.
#[derive(Serialize, ToSchema)]
pub struct GoldLine {
    /// As a spreadsheet counts: the first tile of a CSV stands in line 2. In GeoJSON the number of the feature.
    line: usize,
    /// Public id of the tile; empty where none was found.
    tile: String,
    fate: GoldLineFate,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What became of a file.
#[derive(Serialize, ToSchema)]
pub struct GoldImport {
    /// False in a dry run, and where a line was refused: then nothing was.
    stored: bool,
    added: usize,
    explained: usize,
    refused: usize,
    lines: Vec<GoldLine>,
}

/// The gold of a campaign
#[utoipa::path(get, path = "/api/v1/campaigns/{slug}/gold", operation_id = "list_gold",
    params(("slug" = String, Path, description = "Name of the campaign")), responses((status = 200, body = GoldList)))]
pub async fn list(door: InCampaign<Coordinator>) -> Result<HttpResponse, Error> {
    let list = door.read(|conn, visit| {
        let campaign = &visit.campaign;
        let gold::GoldList { tiles, spread } = gold::list(conn, campaign)?;
        let spread = spread.into_iter().map(|one| GoldSpread {
            answer: key(campaign, one.answer),
            practice: one.practice,
            check: one.check,
            worn_out: one.worn_out,
            missing: one.missing,
        });
        let tiles = tiles.into_iter().map(|one| shown(campaign, one)).collect();
        Ok(GoldList { tiles, spread: spread.collect(), rates: rates(campaign) })
    });
    Ok(HttpResponse::Ok().json(list.await?))
}

/// Mark a tile as gold
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/gold", operation_id = "mark_gold",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = NewGold,
    responses((status = 201, body = GoldTile)))]
pub async fn mark(door: InCampaign<ActingReviewer>, body: Body<NewGold>) -> Result<HttpResponse, Error> {
    let NewGold { tile, kind, answer, window, explanations } = body.0;
    let new = NewMark { tile_id: tile, kind, answer, window: window_of(window)?, explanations };
    let marked = door.write(move |conn, visit| {
        let who = (volunteer_id(&visit.viewer)?, visit.viewer.may_coordinate(&visit.campaign));
        gold::mark(conn, &visit.campaign, &new, who, visit.now)?;
        Ok(shown(&visit.campaign, gold::one(conn, &visit.campaign, &new.tile_id)?))
    });
    Ok(HttpResponse::Created().json(marked.await?))
}

/// Change a gold tile
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/gold/{tile_id}", operation_id = "change_gold",
    params(("slug" = String, Path, description = "Name of the campaign"), ("tile_id" = String, Path, description = "Public id of the tile")),
    request_body = ChangedGold, responses((status = 200, body = GoldTile)))]
pub async fn change(
    door: InCampaign<Coordinator>,
    path: Path<(String, String)>,
    body: Body<ChangedGold>,
) -> Result<HttpResponse, Error> {
    let ChangedGold { kind, answer, window, explanations } = body.0;
    let new = NewMark { tile_id: path.into_inner().1, kind, answer, window: window_of(window)?, explanations };
    let changed = door.write(move |conn, visit| {
        gold::change(conn, &visit.campaign, &new, volunteer_id(&visit.viewer)?, visit.now)?;
        Ok(shown(&visit.campaign, gold::one(conn, &visit.campaign, &new.tile_id)?))
    });
    Ok(HttpResponse::Ok().json(changed.await?))
}

/// Retire a gold tile
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/gold/{tile_id}/retire", operation_id = "retire_gold",
    params(("slug" = String, Path, description = "Name of the campaign"), ("tile_id" = String, Path, description = "Public id of the tile")),
    request_body = RetiredGold, responses((status = 204)))]
pub async fn retire(
    door: InCampaign<Coordinator>,
    path: Path<(String, String)>,
    body: Body<RetiredGold>,
) -> Result<HttpResponse, Error> {
    let becomes = body.0.becomes;
    let retire = door.write(move |conn, visit| {
        let who = (volunteer_id(&visit.viewer)?, visit.now);
        gold::retire(conn, &visit.campaign, &path.1, becomes, who)
    });
    retire.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Bring in gold from a file
#[utoipa::path(post, path = "/api/v1/campaigns/{slug}/gold/import", operation_id = "import_gold",
    params(("slug" = String, Path, description = "Name of the campaign")), request_body = GoldFile,
    responses((status = 200, body = GoldImport)))]
pub async fn import(door: InCampaign<Coordinator>, body: Body<GoldFile>) -> Result<HttpResponse, Error> {
    let GoldFile { kind, format, text, words, dry_run } = body.0;
    let words: BTreeMap<String, String> = words.into_iter().map(|(word, key)| (fold(&word), key)).collect();
    // As a spreadsheet counts them: the names of the columns stand in line 1.
    let first = if matches!(format, GoldFormat::Csv) { 2 } else { 1 };
    // Read behind the gate: a stranger learns nothing from sending a file.
    let lines = door.write(move |conn, visit| {
        let answers = match format {
            GoldFormat::Csv => gold::read_csv(&text),
            GoldFormat::Geojson => gold::read_geojson(&text),
        };
        let mut answers = answers.map_err(|reason| services::Error::invalid("text", reason))?;
        for one in answers.iter_mut().filter(|one| visit.campaign.scale.place_of(&one.answer).is_none()) {
            if let Some(key) = words.get(&fold(&one.answer)) {
                one.answer.clone_from(key);
            }
        }
        let actor = volunteer_id(&visit.viewer)?;
        import_lines(conn, &visit.campaign, (kind, &answers), Some(actor), (visit.now, dry_run))
    });
    let lines: Vec<GoldLine> = lines
        .await?
        .into_iter()
        .zip(first..)
        .map(|(line, number)| {
            let (fate, reason) = match line.fate {
                Fate::Added => (GoldLineFate::Added, None),
                Fate::Explained => (GoldLineFate::Explained, None),
                Fate::Refused(reason) => (GoldLineFate::Refused, Some(reason)),
            };
            GoldLine { line: number, tile: line.tile_id, fate, reason }
        })
        .collect();
    let count = |is: fn(&GoldLineFate) -> bool| lines.iter().filter(|line| is(&line.fate)).count();
    let added = count(|fate| matches!(fate, GoldLineFate::Added));
    let explained = count(|fate| matches!(fate, GoldLineFate::Explained));
    let refused = count(|fate| matches!(fate, GoldLineFate::Refused));
    let stored = !dry_run && refused == 0;
    Ok(HttpResponse::Ok().json(GoldImport { stored, added, explained, refused, lines }))
}

fn window_of(window: Option<Window>) -> Result<Option<crate::domain::label::Window>, Error> {
    Ok(window.map(read_window).transpose().map_err(services::Error::from)?)
}

fn rates(campaign: &Campaign) -> GoldRates {
    let policy = &campaign.policy;
    GoldRates {
        first_share: policy.gold_share_first,
        first_tiles: policy.gold_first_tiles,
        share: policy.gold_share,
        uses: policy.gold_uses,
        enough: ENOUGH_OF_A_CLASS,
    }
}

fn key(campaign: &Campaign, place: u8) -> String {
    campaign.scale.answer(place).map(|answer| answer.key.clone()).unwrap_or_default()
}

fn shown(campaign: &Campaign, one: gold::GoldTile) -> GoldTile {
    let gold::GoldTile { row, texts, record } = one;
    let mut explanations = texts;
    if !row.explanation.is_empty() {
        explanations.insert(campaign.language.clone(), row.explanation);
    }
    GoldTile {
        tile: row.tile_id,
        kind: GoldKind::from_key(&row.kind).unwrap_or(GoldKind::Check),
        answer: key(campaign, row.answer),
        window: row.window.map(Window::from),
        explanations,
        uses: row.uses,
        worn_out: row.worn_out_at.is_some(),
        answers: record.answers,
        right: record.right,
        good_answers: record.good,
        good_right: record.good_right,
        suspect: record.is_suspect(),
        created_at: rfc3339(row.created_at),
    }
}

/// A word as it is compared.
fn fold(word: &str) -> String {
    word.trim().to_lowercase()
}
