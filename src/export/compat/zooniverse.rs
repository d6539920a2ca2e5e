//! Zooniverse's downloads, and what its aggregation program makes of them: one question, whose answers are our keys.

use std::io::{self, Write};

use serde_json::{Map, Value as Json, json};

use super::table::Table;
use super::{CountedLabel, number_of, safe, url_of};
use crate::domain::campaign::Campaign;
use crate::domain::consensus::TileState;
use crate::domain::damage_map::{DamageMap, TileRow};
use crate::export::text::push_instant;

/// The one task of the workflow.
const TASK: &str = "T0";
/// The workflow never changes: labels could not be counted together.
const VERSION: (&str, &str) = ("1", "1");
/// The program that made extractions and reductions.
const MADE_BY: &str = concat!("aftermap ", env!("CARGO_PKG_VERSION"));

const CLASSIFICATIONS: &str = "classification_id user_name user_id user_ip workflow_id workflow_name workflow_version \
     created_at gold_standard expert metadata annotations subject_data subject_ids";
const SUBJECTS: &str = "subject_id project_id workflow_id subject_set_id metadata locations classifications_count \
     retired_at retirement_reason created_at updated_at";
const WORKFLOWS: &str = "workflow_id display_name version active classifications_count pairwise grouped prioritized \
     primary_language first_task tutorial_subject_id retired_set_member_subjects_count tasks retirement strings minor_version";

fn columns(names: &'static str) -> Vec<&'static str> {
    names.split(' ').collect()
}

/// `YYYY-MM-DD HH:MM:SS UTC`.
fn instant(ms: i64) -> String {
    let mut text = String::new();
    push_instant(&mut text, ms);
    text.truncate(19);
    text.replace('T', " ") + " UTC"
}

/// Name and number of an author: whoever has no account has no number.
fn author(label: &CountedLabel) -> [String; 2] {
    match label.guest {
        true => [format!("not-logged-in-{}", label.person.trim_start_matches('v')), String::new()],
        false => [label.person.clone(), number_of(&label.person).to_string()],
    }
}

/// The number of a label: as with everything else, from its name.
fn classification_id(label: &CountedLabel) -> String {
    number_of(&label.id.to_string()).to_string()
}

fn answer(map: &DamageMap, place: u8) -> String {
    map.scale.answer(place).map_or(String::new(), |answer| answer.key.clone())
}

/// One counted label a row: `classifications.csv`.
pub fn classifications(
    map: &DamageMap,
    labels: &mut dyn Iterator<Item = io::Result<CountedLabel>>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut table = Table::new(out, &columns(CLASSIFICATIONS))?;
    let (workflow, version) = (number_of(&map.campaign).to_string(), format!("{}.{}", VERSION.0, VERSION.1));
    for label in labels {
        let label = label?;
        let subject = number_of(&label.tile.tile_id).to_string();
        let annotation = json!([{
            "task": TASK,
            "task_label": map.title,
            "value": answer(map, label.answer),
        }]);
        let metadata = json!({
            "source": label.client,
            "started_at": instant(label.leased_at),
            "finished_at": instant(label.received_at),
            "workflow_version": version,
        });
        let retired = label.closed_at.filter(|_| label.state.is_closed()).map(|at| {
            json!({ "workflow_id": workflow, "retired_at": instant(at), "retirement_reason": reason(label.state) })
        });
        let mut of_subject = metadata_of(&label.tile);
        of_subject.insert("retired".into(), retired.unwrap_or(Json::Null));
        let [name, id] = author(&label);
        table.row(&[
            classification_id(&label),
            name,
            id,
            String::new(),
            workflow.clone(),
            safe(&map.campaign),
            version.clone(),
            instant(label.received_at),
            String::new(),
            String::new(),
            metadata.to_string(),
            annotation.to_string(),
            json!({ subject.as_str(): of_subject }).to_string(),
            subject,
        ])?;
    }
    table.finish()
}

/// What is said of a tile as a subject.
fn metadata_of(tile: &crate::domain::tile::Tile) -> Map<String, Json> {
    let (lon, lat) = tile.bbox.centre();
    let mut metadata = Map::from_iter([
        ("tile_id".to_owned(), Json::from(tile.tile_id.as_str())),
        ("lon".to_owned(), Json::from(crate::export::geometry::round(lon))),
        ("lat".to_owned(), Json::from(crate::export::geometry::round(lat))),
    ]);
    metadata.extend(tile.cell.map(|cell| ("quadkey".to_owned(), Json::from(cell.quadkey()))));
    metadata
}

/// Zooniverse's word for why a subject is not shown any more.
fn reason(state: TileState) -> &'static str {
    match state {
        TileState::Open => "",
        TileState::Settled => "consensus",
        TileState::Contested => "classification_count",
        TileState::Reviewed => "human",
        TileState::Unusable => "nothing_here",
    }
}

/// Every tile: `subjects.csv`.
pub fn subjects(
    map: &DamageMap,
    campaign: &Campaign,
    rows: &mut dyn Iterator<Item = io::Result<TileRow>>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut table = Table::new(out, &columns(SUBJECTS))?;
    let number = number_of(&map.campaign).to_string();
    for row in rows {
        let row = row?;
        let scenes: Vec<i64> = row.scenes.map_or(Vec::new(), |(before, after)| vec![before, after]);
        let urls = scenes.iter().map(|scene| url_of(&row.tile, Some(*scene))).filter(|url| !url.is_empty());
        let locations: Map<String, Json> =
            urls.enumerate().map(|(place, url)| (place.to_string(), Json::from(url))).collect();
        let consensus = row.crowd.as_ref().and_then(|crowd| crowd.consensus.as_ref());
        let created = instant(campaign.created_at);
        let closed = row.closed_at.filter(|_| row.state.is_closed()).map(instant);
        table.row(&[
            number_of(&row.tile.tile_id).to_string(),
            number.clone(),
            number.clone(),
            number.clone(),
            Json::Object(metadata_of(&row.tile)).to_string(),
            Json::Object(locations).to_string(),
            consensus.map_or(String::new(), |consensus| consensus.labels.to_string()),
            closed.clone().unwrap_or_default(),
            reason(row.state).to_owned(),
            created.clone(),
            closed.unwrap_or(created),
        ])?;
    }
    table.finish()
}

/// The one workflow: `workflows.csv`. Its counts are blank for who may not see those of open tiles.
pub fn workflows(
    map: &DamageMap,
    campaign: &Campaign,
    counts: Option<(u64, u64)>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut table = Table::new(out, &columns(WORKFLOWS))?;
    let answers = map.scale.answers.iter().enumerate();
    let labels: Vec<Json> =
        answers.clone().map(|(place, _)| json!({ "label": format!("{TASK}.answers.{place}.label") })).collect();
    let tasks = json!({ TASK: {
        "type": "single",
        "help": format!("{TASK}.help"),
        "question": format!("{TASK}.question"),
        "answers": labels,
        "required": "true",
    }});
    let mut strings = Map::from_iter([
        (format!("{TASK}.question"), Json::from(map.title.as_str())),
        (format!("{TASK}.help"), Json::from("")),
    ]);
    strings.extend(
        answers.map(|(place, answer)| (format!("{TASK}.answers.{place}.label"), Json::from(answer.key.as_str()))),
    );
    let retirement = json!({ "criteria": "classification_count", "options": { "count": campaign.policy.maximum } });
    let (labels, closed) = counts.map(|(labels, closed)| (labels.to_string(), closed.to_string())).unzip();
    let active = campaign.state == crate::domain::campaign::CampaignState::Open;
    table.row(&[
        number_of(&map.campaign).to_string(),
        safe(&map.title),
        VERSION.0.to_owned(),
        active.to_string(),
        labels.unwrap_or_default(),
        "false".to_owned(),
        "false".to_owned(),
        "false".to_owned(),
        campaign.language.clone(),
        TASK.to_owned(),
        String::new(),
        closed.unwrap_or_default(),
        tasks.to_string(),
        retirement.to_string(),
        Json::Object(strings).to_string(),
        VERSION.1.to_owned(),
    ])?;
    table.finish()
}

/// `data.<answer>` for each answer, spelled as Zooniverse's extractor spells it: small letters, digits and hyphens.
fn data_columns(map: &DamageMap) -> impl Iterator<Item = String> {
    map.scale.answers.iter().map(|answer| format!("data.{}", answer.key.replace('_', "-")))
}

fn with_data(map: &DamageMap, first: &'static str) -> Vec<String> {
    let first = first.split(' ').map(str::to_owned);
    first.chain(data_columns(map)).chain(["data.aggregation_version".to_owned()]).collect()
}

/// What Zooniverse's extractor makes of the labels: `question_extractor_extractions.csv`.
pub fn extractions(
    map: &DamageMap,
    labels: &mut dyn Iterator<Item = io::Result<CountedLabel>>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let columns =
        with_data(map, "classification_id user_name user_id workflow_id task created_at subject_id extractor");
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(out, &names)?;
    for label in labels {
        let label = label?;
        let [name, id] = author(&label);
        let mut cells =
            vec![classification_id(&label), name, id, number_of(&map.campaign).to_string(), TASK.to_owned()];
        let subject = number_of(&label.tile.tile_id).to_string();
        cells.extend([instant(label.received_at), subject, "question_extractor".to_owned()]);
        let given = usize::from(label.answer);
        let one = |place: usize| if place == given { "1.0".to_owned() } else { String::new() };
        cells.extend((0..map.scale.answers.len()).map(one));
        cells.push(MADE_BY.to_owned());
        table.row(&cells)?;
    }
    table.finish()
}

/// What its reducer makes of them: `question_reducer_reductions.csv`, tiles with an answer only.
pub fn reductions(
    map: &DamageMap,
    rows: &mut dyn Iterator<Item = io::Result<TileRow>>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let columns = with_data(map, "subject_id workflow_id task reducer");
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(out, &names)?;
    for row in rows {
        let row = row?;
        let consensus = row.crowd.as_ref().and_then(|crowd| crowd.consensus.as_ref());
        let Some(consensus) = consensus.filter(|consensus| consensus.labels > 0) else { continue };
        let mut cells = vec![number_of(&row.tile.tile_id).to_string(), number_of(&map.campaign).to_string()];
        cells.extend([TASK.to_owned(), "question_reducer".to_owned()]);
        let count = |place: usize| consensus.answers.get(place).copied().filter(|&count| count > 0);
        cells.extend(
            (0..map.scale.answers.len()).map(|place| count(place).map_or(String::new(), |count| format!("{count}.0"))),
        );
        cells.push(MADE_BY.to_owned());
        table.row(&cells)?;
    }
    table.finish()
}
