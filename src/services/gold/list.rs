//! The gold of a campaign, how volunteers did on it, and what it lacks.

use std::collections::BTreeMap;

use crate::domain::campaign::Campaign;
use crate::domain::damage_map::Gold;
use crate::domain::gold::{ENOUGH_OF_A_CLASS, Record, Trial, records};
use crate::domain::standing::agrees;
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::gold::{self, GoldRow};

/// A gold tile with how volunteers did on it.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldTile {
    /// The tile and its answer.
    pub row: GoldRow,
    /// Explanations in languages beside the campaign's own.
    pub texts: BTreeMap<String, String>,
    /// Answers and right ones: labels on check gold, first answers on practice.
    pub record: Record,
}

/// How much gold a class has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spread {
    /// Place of the answer on the scale.
    pub answer: u8,
    /// To practise on.
    pub practice: usize,
    /// Check gold in use.
    pub check: usize,
    /// Check gold that is worn out.
    pub worn_out: usize,
    /// Check gold that is missing still.
    pub missing: usize,
}

/// The gold of a campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldList {
    /// In the order of public ids.
    pub tiles: Vec<GoldTile>,
    /// One entry for each class of the scale, and for each other answer that has gold.
    pub spread: Vec<Spread>,
}

/// All gold of a campaign.
pub fn list(conn: &mut Conn, campaign: &Campaign) -> Result<GoldList, Error> {
    let rows = gold::of_campaign(conn, campaign.id, None)?;
    let mut texts = gold::texts_of(conn, campaign.id)?;
    let practised = gold::practised(conn, campaign.id)?;
    let answers: BTreeMap<i64, u8> = rows.iter().map(|row| (row.tile, row.answer)).collect();
    let trial = |(tile, volunteer, answer): gold::Answered| {
        let expert = answers.get(&tile).copied()?;
        let right = agrees(&campaign.scale, u8::try_from(answer).ok()?, Some(expert))?;
        Some(Trial { tile, volunteer, right })
    };
    let trials: Vec<Trial> = gold::answered(conn, campaign.id)?.into_iter().filter_map(trial).collect();
    let checked = records(&trials);
    let record = |row: &GoldRow| match practised.get(&row.tile) {
        Some((answers, right)) if row.kind == "practice" => {
            Record { answers: *answers, right: *right, ..Record::default() }
        }
        _ => checked.get(&row.tile).copied().unwrap_or_default(),
    };
    let spread = spread(campaign, &rows);
    let tiles = rows
        .into_iter()
        .map(|row| GoldTile { record: record(&row), texts: texts.remove(&row.tile).unwrap_or_default(), row })
        .collect();
    Ok(GoldList { tiles, spread })
}

/// One gold tile; not found where the tile is none.
pub fn one(conn: &mut Conn, campaign: &Campaign, tile_id: &str) -> Result<GoldTile, Error> {
    let found = list(conn, campaign)?.tiles.into_iter().find(|one| one.row.tile_id == tile_id);
    found.ok_or_else(|| Error::NotFound(format!("tile `{tile_id}` is no gold of campaign `{}`", campaign.slug)))
}

fn spread(campaign: &Campaign, rows: &[GoldRow]) -> Vec<Spread> {
    let classes = campaign.scale.classes().len();
    let of = |answer: u8| {
        let count = |used: Gold| rows.iter().filter(|row| row.answer == answer && row.used_as() == used).count();
        let (practice, check, worn_out) = (count(Gold::Practice), count(Gold::Check), count(Gold::WornOut));
        let is_class = usize::from(answer) < classes;
        let missing = if is_class { ENOUGH_OF_A_CLASS.saturating_sub(check) } else { 0 };
        Spread { answer, practice, check, worn_out, missing }
    };
    let all = (0..campaign.scale.answers.len() as u8).map(of);
    all.filter(|one| usize::from(one.answer) < classes || one.practice + one.check + one.worn_out > 0).collect()
}
