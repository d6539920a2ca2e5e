//! What belongs to a map beside its rows: manifest, code book and method note.

use serde::Serialize;

use super::export_map::{Request, Written};
use super::{read_map, validation_report};
use crate::consensus::Model;
use crate::domain::bbox::Bbox;
use crate::domain::campaign::Campaign;
use crate::domain::consensus::TileState;
use crate::domain::damage_map::{Cuts, DamageMap, Sight};
use crate::domain::map_filter::MapFilter;
use crate::domain::policy::Policy;
use crate::domain::validation::note;
use crate::export::method_note::{self, Checked, Facts, ModelFacts, PolicyFacts};
use crate::export::{about, code_book, tiles};
use crate::services::Error;
use crate::storage::campaigns::policy_versions::{self, PolicyVersion};
use crate::storage::labelling::models;
use crate::storage::maps::map_state;
use crate::storage::oversight::statistics;
use crate::storage::{Conn, QueryError};

/// Version of names, order and meaning of the columns: rises when one of them changes.
pub const SCHEMA_VERSION: u32 = 1;

/// What a manifest says: which files, of which state, how they were made, and whom to credit.
#[derive(Debug, Serialize)]
pub struct Manifest {
    /// Campaign, title, licence, credits, scale, method and model.
    #[serde(flatten)]
    map: serde_json::Map<String, serde_json::Value>,
    /// The moment whose state the files show, RFC 3339.
    as_of: String,
    /// Version of the columns.
    schema_version: u32,
    /// What made them.
    made_by: &'static str,
    /// How tiles are decided.
    policy: Policy,
    /// What everybody or a researcher sees.
    sight: &'static str,
    /// Thresholds of columns.
    min_probability: Option<f64>,
    damaged_if: Option<f64>,
    /// Which tiles were chosen; null: all.
    filter: Option<String>,
    /// The images, each with its source and credit.
    imagery: Vec<Imagery>,
    /// The files.
    files: Vec<FileEntry>,
}

#[derive(Debug, Serialize)]
struct Imagery {
    scene: String,
    captured_from: String,
    captured_to: String,
    sha256: String,
    licence: Option<String>,
    attribution: Option<String>,
}

#[derive(Debug, Serialize)]
struct FileEntry {
    name: String,
    rows: u64,
    bytes: u64,
    sha256: String,
    media_type: &'static str,
}

/// The manifest of these files, which show the state at `as_of` (milliseconds since 1970, UTC); as JSON. `request` is how
/// they were asked for.
pub fn manifest(
    campaign: &Campaign,
    map: &DamageMap,
    request: &Request,
    as_of: i64,
    files: &[Written],
) -> Result<String, Error> {
    let imagery = map.scenes.iter().map(|scene| Imagery {
        scene: scene.id.to_string(),
        captured_from: crate::export::instant(scene.captured_from),
        captured_to: crate::export::instant(scene.captured_to),
        sha256: scene.source_sha256.clone(),
        licence: scene.licence.clone(),
        attribution: scene.attribution.clone(),
    });
    let entry = |file: &Written| FileEntry {
        name: file.name.clone(),
        rows: file.rows,
        bytes: file.bytes,
        sha256: file.sha256.clone(),
        media_type: file.media_type,
    };
    let mut words = about(&tiles::sheet(map));
    words.remove("name");
    let manifest = Manifest {
        map: words,
        as_of: crate::export::instant(as_of),
        schema_version: SCHEMA_VERSION,
        made_by: concat!("aftermap ", env!("CARGO_PKG_VERSION")),
        policy: campaign.policy.clone(),
        sight: match request.sight {
            Sight::Everybody => "everybody",
            Sight::Researcher => "researcher",
        },
        min_probability: request.cuts.min_probability,
        damaged_if: request.cuts.damaged_if,
        filter: (!request.filter.is_everything()).then(|| spelled(&request.filter, campaign)),
        imagery: imagery.collect(),
        files: files.iter().map(entry).collect(),
    };
    serde_json::to_string_pretty(&manifest).map_err(|error| Error::Internal(error.to_string()))
}

/// A filter in the words of its address; an area by the box around it.
fn spelled(filter: &MapFilter, campaign: &Campaign) -> String {
    let corners = |bbox: Bbox| bbox.to_array().map(|degrees| degrees.to_string()).join(",");
    let class = |place: &u8| campaign.scale.answer(*place).map_or("", |answer| answer.key.as_str());
    let classes: Vec<&str> = filter.classes.iter().map(class).collect();
    let states: Vec<&str> = filter.states.iter().map(|state| state.key()).collect();
    let parts = [
        ("bbox", filter.bbox.map(corners)),
        ("area within", filter.area.as_ref().map(|area| corners(area.bbox()))),
        ("class", (!classes.is_empty()).then(|| classes.join(","))),
        ("state", (!states.is_empty()).then(|| states.join(","))),
        ("probability_at_least", filter.probability_at_least.map(|least| least.to_string())),
        ("damaged_from", filter.damaged_from.map(crate::export::instant)),
        ("damaged_to", filter.damaged_to.map(crate::export::instant)),
    ];
    let given = parts.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    given.collect::<Vec<_>>().join("&")
}

/// The code book as CSV.
pub fn code_book_csv(conn: &mut Conn, campaign: &Campaign, cuts: Cuts) -> Result<Vec<u8>, Error> {
    Ok(code_book::csv(&read_map::header(conn, campaign, cuts)?))
}

/// The code book for reading, in Markdown.
pub fn code_book_markdown(conn: &mut Conn, campaign: &Campaign, cuts: Cuts) -> Result<String, Error> {
    Ok(code_book::markdown(&read_map::header(conn, campaign, cuts)?))
}

/// The method note in Markdown, with what the newest finished validation found. Everybody is told that when the campaign
/// is over: a validation says how many tiles are gold.
pub fn method_note(conn: &mut Conn, campaign: &Campaign, sight: Sight) -> Result<String, Error> {
    let map = read_map::header(conn, campaign, Cuts::default())?;
    let (labels, volunteers) = map_state::labels_and_volunteers(conn, campaign.id)?;
    let reports = validation_report::reports(conn, campaign)?;
    let told = sight == Sight::Researcher || campaign.state.is_over();
    let finished = reports.iter().find(|report| report.complete);
    let facts = Facts {
        tiles: tiles_by_state(conn, campaign, sight)?,
        labels,
        volunteers,
        model: model(conn, campaign, told)?,
        accuracy: match finished {
            Some(report) if told => Checked::Told(note::markdown(report)),
            Some(_) => Checked::Kept,
            None => Checked::Never,
        },
        policies: policy_versions::of_campaign(conn, campaign.id)?.into_iter().map(policy_facts).collect(),
    };
    Ok(method_note::markdown(&map, &campaign.policy, &facts))
}

fn policy_facts(version: PolicyVersion) -> PolicyFacts {
    let PolicyVersion { version, policy, in_force_from, closed_too, .. } = version;
    PolicyFacts { version, in_force_from, closed_too, policy }
}

/// Everybody is told only how many there are: counts of states would tell how many tiles are check gold.
fn tiles_by_state(conn: &mut Conn, campaign: &Campaign, sight: Sight) -> Result<Vec<(&'static str, u64)>, QueryError> {
    if sight == Sight::Everybody {
        let (all, _) = statistics::tiles_and_closed(conn, campaign.id)?;
        return Ok(vec![("in all", all.unsigned_abs())]);
    }
    let counts = statistics::tiles(conn, campaign.id, i64::MAX)?;
    let of =
        |state: TileState| counts.iter().filter(|count| count.state == state).map(|count| count.tiles).sum::<i64>();
    Ok(TileState::ALL.iter().map(|state| (state.key(), of(*state).unsigned_abs())).collect())
}

fn model(conn: &mut Conn, campaign: &Campaign, told: bool) -> Result<Option<ModelFacts>, Error> {
    if campaign.model == 0 {
        return Ok(None);
    }
    let (tables, _) = models::tables(conn, campaign.id, campaign.model)?;
    let model = Model::from_bytes(&tables).map_err(|_| Error::Internal("a stored model cannot be read".into()))?;
    Ok(Some(ModelFacts {
        gold_tiles: told.then_some(model.gold_tiles),
        gold_accuracy: model.gold_accuracy,
        identifiable: model.identifiable,
        correlation: model.correlation,
        posterior_share: model.posterior_share,
        calibration: model.calibration,
    }))
}
