//! Training: the introduction, the field guide with examples, and the practice tiles with how far somebody is.

use std::collections::HashMap;

use crate::domain::campaign::Campaign;
use crate::domain::label::Window;
use crate::domain::practice::{examples, needed};
use crate::domain::tile::{Frame, Tile};
use crate::services::Error;
use crate::services::campaigns::texts;
use crate::storage::Conn;
use crate::storage::labelling::practice::{self, PracticeTile};
use crate::storage::scenes::tiles;

/// A tile with the frames in which it is seen.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenTile {
    /// The tile.
    pub tile: Tile,
    /// Its frames, by date.
    pub frames: Vec<Frame>,
}

/// What the field guide says and shows of one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct GuideEntry {
    /// Key of the answer.
    pub answer: String,
    /// Markdown; empty where nothing was written.
    pub text: String,
    /// Practice gold with this answer, each with its date window.
    pub examples: Vec<(SeenTile, Option<Window>)>,
}

/// How far somebody is with the practice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PracticeState {
    /// Practice tiles that are asked.
    pub tiles: usize,
    /// Answered in the round under way.
    pub answered: usize,
    /// Of these, right at the first answer.
    pub right: usize,
    /// Whether enough were right, in this round or an earlier one.
    pub passed: bool,
}

/// Everything that the training page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    /// Language of the texts.
    pub language: String,
    /// Markdown.
    pub introduction: String,
    /// One entry for each answer of the scale, in its order.
    pub guide: Vec<GuideEntry>,
    /// How far the volunteer is.
    pub practice: PracticeState,
    /// The tiles that are asked, with whether the volunteer answered them in this round.
    pub tiles: Vec<(SeenTile, bool)>,
}

/// The practice gold of a campaign, split in two.
pub struct PracticeSet {
    /// Shown in the field guide.
    pub examples: Vec<PracticeTile>,
    /// Asked.
    pub asked: Vec<PracticeTile>,
}

impl PracticeSet {
    /// Reads it. Of each answer's tiles the first in the order of public ids are examples.
    pub fn load(conn: &mut Conn, campaign_id: i64) -> Result<PracticeSet, Error> {
        let all = practice::tiles_of(conn, campaign_id)?;
        let mut of_answer: HashMap<u8, usize> = HashMap::new();
        all.iter().for_each(|tile| *of_answer.entry(tile.expert.answer).or_default() += 1);
        let mut left: HashMap<u8, usize> = of_answer.into_iter().map(|(key, count)| (key, examples(count))).collect();
        let (mut shown, mut asked) = (Vec::new(), Vec::new());
        for tile in all {
            match left.get_mut(&tile.expert.answer).filter(|left| **left > 0) {
                Some(left) => {
                    *left -= 1;
                    shown.push(tile);
                }
                None => asked.push(tile),
            }
        }
        Ok(PracticeSet { examples: shown, asked })
    }
}

/// The training of a campaign, for a volunteer or for somebody who only looks.
pub fn training(
    conn: &mut Conn,
    campaign: &Campaign,
    volunteer: Option<i64>,
    wanted: &[String],
) -> Result<Training, Error> {
    let reading = texts::read(conn, campaign, wanted)?;
    let words = texts::guide(conn, campaign, &reading.language)?;
    let set = PracticeSet::load(conn, campaign.id)?;
    let ids: Vec<i64> = set.examples.iter().chain(&set.asked).map(|one| one.tile).collect();
    let mut seen = see(conn, &ids)?;
    let mut guide: Vec<GuideEntry> = campaign
        .scale
        .answers
        .iter()
        .zip(words)
        .map(|(answer, text)| GuideEntry { answer: answer.key.clone(), text, examples: Vec::new() })
        .collect();
    for one in &set.examples {
        if let (Some(entry), Some(tile)) = (guide.get_mut(usize::from(one.expert.answer)), seen.remove(&one.tile)) {
            entry.examples.push((tile, one.expert.window));
        }
    }
    let answers = match volunteer {
        Some(volunteer) => practice::answers_of(conn, campaign.id, volunteer)?,
        None => Vec::new(),
    };
    let practice = state(conn, campaign, volunteer, &set.asked, &answers)?;
    let asked = set
        .asked
        .iter()
        .filter_map(|one| Some((seen.remove(&one.tile)?, answers.iter().any(|(tile, _)| *tile == one.tile))));
    let tiles = asked.collect();
    let introduction = Some(reading.texts.introduction).filter(|text| !text.trim().is_empty());
    let introduction = introduction.unwrap_or(reading.texts.instructions);
    Ok(Training { language: reading.language, introduction, guide, practice, tiles })
}

/// How far a volunteer is, given the tiles that are asked and the answers of the round under way.
pub fn state(
    conn: &mut Conn,
    campaign: &Campaign,
    volunteer: Option<i64>,
    asked: &[PracticeTile],
    answers: &[(i64, bool)],
) -> Result<PracticeState, Error> {
    let current = || answers.iter().filter(|(tile, _)| asked.iter().any(|one| one.tile == *tile));
    let (answered, right) = (current().count(), current().filter(|(_, right)| *right).count());
    let before = match volunteer {
        Some(volunteer) => practice::passed_at(conn, campaign.id, volunteer)?.is_some(),
        None => false,
    };
    let passed = before || (right > 0 && right >= needed(campaign.policy.practice_pass_share, asked.len()));
    Ok(PracticeState { tiles: asked.len(), answered, right, passed })
}

/// These tiles with their frames, by database id.
pub fn see(conn: &mut Conn, ids: &[i64]) -> Result<HashMap<i64, SeenTile>, Error> {
    let mut frames = tiles::frames_of(conn, ids)?;
    let found = tiles::by_ids(conn, ids)?;
    let seen = found.into_iter().map(|tile| {
        let frames = frames.remove(&tile.id).unwrap_or_default();
        (tile.id, SeenTile { tile, frames })
    });
    Ok(seen.collect())
}

/// Whether somebody must pass the practice before tiles are handed out. A campaign without practice tiles asks nobody.
pub fn must_practise(conn: &mut Conn, campaign: &Campaign, volunteer: i64) -> Result<bool, Error> {
    Ok(campaign.policy.practice_required
        && practice::passed_at(conn, campaign.id, volunteer)?.is_none()
        && practice::any_tile(conn, campaign.id)?)
}
