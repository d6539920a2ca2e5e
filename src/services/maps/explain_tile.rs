//! One tile in full: its row of the damage map, its frames, and why its value is what it is. Nobody is told more of a
//! tile than the map tells them.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::read_map;
use crate::consensus::explain::{Explanation, explain};
use crate::consensus::{self, Model, Skill, Vote};
use crate::domain::campaign::Campaign;
use crate::domain::damage_map::{Cuts, DamageMap, Sight, TileRow};
use crate::domain::label::Window;
use crate::domain::tile::Frame;
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::labelling::labels::CurrentLabel;
use crate::storage::labelling::{consensus as stored, labels, models};
use crate::storage::maps::damage_map::TileRows;
use crate::storage::scenes::tiles;

/// What somebody may know of one tile.
pub struct TileInFull {
    /// What the map says about itself.
    pub map: DamageMap,
    /// The row, as they see it.
    pub row: TileRow,
    /// The images of the tile, by date.
    pub frames: Vec<Frame>,
    /// How the value came about; `None` where it may not be seen, and where no label formed it.
    pub reasons: Option<Reasons>,
}

/// How a consensus came about.
pub struct Reasons {
    /// Number of the model it was formed with.
    pub model: u32,
    /// Its parts, formed anew from the labels and that model.
    pub explanation: Explanation,
    /// Whether the probabilities came out as they are stored, to the last digit.
    pub reproduced: bool,
    /// The labels, in the order in which they arrived.
    pub labels: Vec<Reason>,
}

/// One label of a tile, and what it does.
pub struct Reason {
    /// Database id of the author; shown as a pseudonym only.
    pub volunteer_id: i64,
    /// The client's id of the label.
    pub label_id: Uuid,
    /// Place of the answer on the scale.
    pub answer: u8,
    /// The date window, where one was given.
    pub window: Option<Window>,
    /// When it arrived; milliseconds since 1970, UTC.
    pub received_at: i64,
    /// Whether its author was excluded.
    pub excluded: bool,
    /// What it does in the consensus; `None` where it is not counted.
    pub part: Option<Part>,
}

/// What a counted label does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Its weight here, 0 to 1.
    pub weight: f64,
    /// How much of it counts at all: less than 1 in a ring, above a cap, or in quarantine.
    pub share: f64,
    /// What it says for the likeliest class against the next one, nats.
    pub evidence: f64,
    /// The class if it were missing.
    pub without: Option<u8>,
}

/// A tile by its public id, as somebody sees it.
pub fn explain_tile(
    conn: &mut Conn,
    campaign: &Campaign,
    tile_id: &str,
    (sight, now): (Sight, i64),
) -> Result<TileInFull, Error> {
    let missing = || Error::NotFound(format!("there is no tile `{tile_id}` in campaign `{}`", campaign.slug));
    let map = read_map::header(conn, campaign, Cuts::default())?;
    let ids: Vec<i64> = map.scenes.iter().map(|scene| scene.id).collect();
    let classes = campaign.scale.classes().len() as u8;
    let row = TileRows::new(conn, campaign.id, &ids, classes).only(tile_id)?.next().transpose()?;
    let row = row.ok_or_else(missing)?.seen_by(sight, campaign.state, now);
    let tile = row.tile.id;
    let frames = tiles::frames_of(conn, &[tile])?.remove(&tile).unwrap_or_default();
    // The row says it: without a crowd nothing of the crowd is told.
    let reasons = match row.crowd.is_some() {
        true => reasons(conn, campaign, tile)?,
        false => None,
    };
    Ok(TileInFull { map, row, frames, reasons })
}

/// How the crowd's consensus of a tile came about, whatever a reviewer decided; `None` where there is none.
fn reasons(conn: &mut Conn, campaign: &Campaign, tile: i64) -> Result<Option<Reasons>, Error> {
    let Some((number, probabilities)) = stored::formed_by(conn, tile)? else { return Ok(None) };
    let current = labels::all_of_tile(conn, tile)?;
    let received = labels::received_at(conn, &current.iter().map(|label| label.label_id).collect::<Vec<_>>())?;
    let (model, skills) = model(conn, campaign, number, &current)?;
    let counted: Vec<&CurrentLabel> = current.iter().filter(|label| label.counted && !label.excluded).collect();
    let vote = |label: &&CurrentLabel| {
        let skill = skills.get(&label.volunteer_id).map(|skill| &**skill);
        Vote { answer: label.answer, skill }
    };
    let votes: Vec<Vote<'_>> = counted.iter().map(vote).collect();
    let explanation = explain(&campaign.scale, &model, &votes);
    let again = consensus::default_rule().consensus(&campaign.scale, &model, &votes);
    let reproduced = probabilities == again.probabilities;
    let mut parts = explanation.lines.iter().map(|line| Part {
        weight: line.weight,
        share: line.share,
        evidence: line.evidence,
        without: line.without,
    });
    let known = |label: &CurrentLabel| campaign.scale.answer(label.answer).is_some();
    let labels = current.iter().map(|label| Reason {
        volunteer_id: label.volunteer_id,
        label_id: label.label_id,
        answer: label.answer,
        window: label.window,
        received_at: received.get(&label.label_id).copied().unwrap_or(label.first_received_at),
        excluded: label.excluded,
        // The explanation has one line for each counted label whose answer is known, in their order.
        part: if label.counted && !label.excluded && known(label) { parts.next() } else { None },
    });
    Ok(Some(Reasons { model: number, labels: labels.collect(), reproduced, explanation }))
}

/// A model by its number, with the skills of these labels' authors.
fn model(
    conn: &mut Conn,
    campaign: &Campaign,
    number: u32,
    current: &[CurrentLabel],
) -> Result<(Model, BTreeMap<i64, Arc<Skill>>), Error> {
    if number == 0 {
        return Ok((Model::zero(&campaign.scale), BTreeMap::new()));
    }
    let unreadable = |_| Error::Internal(format!("model {number} of `{}` cannot be read", campaign.slug));
    let (tables, _) = models::tables(conn, campaign.id, number)?;
    let model = Model::from_bytes(&tables).map_err(unreadable)?;
    let authors: Vec<i64> = current.iter().map(|label| label.volunteer_id).collect();
    let mut skills = BTreeMap::new();
    for (volunteer, bytes, ..) in labels::skills_of(conn, campaign.id, number, &authors)? {
        skills.insert(volunteer, Arc::new(Skill::from_bytes(&bytes).map_err(unreadable)?));
    }
    Ok((model, skills))
}
