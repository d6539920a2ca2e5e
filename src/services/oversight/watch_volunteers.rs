//! The volunteers of a campaign as those see them who run it: figures under pseudonyms.
//!
//! The figures of everybody are counted in a few passes over the tables and kept in memory for a while: until twenty times
//! as long has passed as counting took, so that a list of a hundred thousand can be paged and sorted at will. What is in
//! force on whom is read anew each time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::consensus::{Skill, model::Quarantine};
use crate::domain::campaign::Campaign;
use crate::domain::pseudonym::pseudonym;
use crate::domain::standing::agrees;
use crate::domain::volunteer_quality::{ExclusionKind, Flag, InModel, POSSIBLE_SECONDS, Quality, SortBy};
use crate::services::{Error, clock};
use crate::storage::oversight::exclusions::{self, Exclusion};
use crate::storage::oversight::volunteer_quality as counts;
use crate::storage::{Conn, Store};

/// Counting may take a twentieth of the time.
const PATIENCE: u32 = 20;
/// Older figures nobody gets.
const OLDEST: Duration = Duration::from_secs(120);
/// Campaigns whose figures are kept.
const CAMPAIGNS: usize = 8;

/// Everybody in a campaign at one moment.
#[derive(Debug)]
pub struct Crowd {
    /// When it was counted; milliseconds since 1970, UTC.
    pub as_of: i64,
    /// Number of the model in use then.
    pub model: u32,
    /// Pseudonym and figures, in the order of database ids.
    pub people: Vec<(String, Quality)>,
}

struct Kept {
    campaign: i64,
    crowd: Arc<Crowd>,
    taken: Instant,
    cost: Duration,
}

static KEPT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());
/// One count at a time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The figures of everybody in a campaign, fresh where that is cheap.
pub async fn crowd(store: &Store, campaign: &Campaign) -> Result<Arc<Crowd>, Error> {
    if let Some(known) = known(campaign) {
        return Ok(known);
    }
    let _turn = TURN.lock().await;
    if let Some(known) = known(campaign) {
        return Ok(known);
    }
    let began = Instant::now();
    let of = campaign.clone();
    let crowd = Arc::new(store.read(move |conn| take(conn, &of, clock::now_ms())).await?);
    let mut kept = kept();
    kept.retain(|other| other.campaign != campaign.id);
    kept.truncate(CAMPAIGNS - 1);
    let fresh = Kept { campaign: campaign.id, crowd: crowd.clone(), taken: Instant::now(), cost: began.elapsed() };
    kept.insert(0, fresh);
    Ok(crowd)
}

fn known(campaign: &Campaign) -> Option<Arc<Crowd>> {
    let fresh = |kept: &&Kept| {
        let age = kept.taken.elapsed();
        kept.campaign == campaign.id && kept.crowd.model == campaign.model && age < OLDEST && age < kept.cost * PATIENCE
    };
    kept().iter().find(fresh).map(|kept| kept.crowd.clone())
}

/// What is kept is never half written.
fn kept() -> MutexGuard<'static, Vec<Kept>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts everybody.
pub fn take(conn: &mut Conn, campaign: &Campaign, now: i64) -> Result<Crowd, Error> {
    let done = counts::participations(conn, campaign.id)?;
    let mut people: BTreeMap<i64, Quality> = (done.into_iter())
        .map(|(volunteer_id, labels, skips, first_at, last_at)| {
            let (labels, skips) = (labels.unsigned_abs(), skips.unsigned_abs());
            (volunteer_id, Quality { volunteer_id, labels, skips, first_at, last_at, ..Quality::default() })
        })
        .collect();
    for row in counts::times(conn, campaign.id, POSSIBLE_SECONDS)? {
        if let Some(person) = people.get_mut(&row.volunteer_id) {
            set_times(person, &row);
        }
    }
    for row in counts::confusions(conn, campaign.id, None)? {
        if let Some(person) = people.get_mut(&row.volunteer_id) {
            add_confusion(campaign, person, &row);
        }
    }
    for (volunteer, bytes) in counts::skills(conn, campaign.id, campaign.model)? {
        if let Some(person) = people.get_mut(&volunteer) {
            person.model = Some(in_model(&bytes, volunteer)?);
        }
    }
    let named = |person: Quality| (pseudonym(&campaign.pseudonym_key, person.volunteer_id), person);
    Ok(Crowd { as_of: now, model: campaign.model, people: people.into_values().map(named).collect() })
}

fn set_times(person: &mut Quality, row: &counts::Times) {
    person.days_active = row.days as u32;
    (person.timed, person.too_fast) = (row.timed as u32, row.too_fast as u32);
    person.median_seconds = row.median.map(|seconds| (seconds * 10.0).round() / 10.0);
}

fn add_confusion(campaign: &Campaign, person: &mut Quality, row: &counts::Confusion) {
    let labels = row.labels as u32;
    let (Ok(answer), Ok(class)) = (u8::try_from(row.answer), u8::try_from(row.class)) else { return };
    let Some(agreed) = agrees(&campaign.scale, answer, Some(class)) else { return };
    person.closed += labels;
    if row.gold {
        person.gold_labels += labels;
        person.gold_correct += if agreed { labels } else { 0 };
    }
    if agreed {
        person.agreed += labels;
    } else if campaign.scale.ordered && answer > class {
        person.graver += labels;
    } else if campaign.scale.ordered {
        person.milder += labels;
    }
}

fn in_model(bytes: &[u8], volunteer: i64) -> Result<InModel, Error> {
    let unreadable = |_| Error::Internal(format!("the skill of volunteer {volunteer} cannot be read"));
    let skill = Skill::from_bytes(bytes).map_err(unreadable)?;
    let flag = |reason| match reason {
        Quarantine::Gold => Flag::Gold,
        Quarantine::Constant => Flag::Constant,
        Quarantine::Hasty => Flag::Hasty,
    };
    let Skill { weight, accuracy, labels, ring, quarantine, .. } = skill;
    Ok(InModel { weight, accuracy, labels, ring, quarantine: quarantine.map(flag) })
}

/// Who is wanted, in which order, and which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What the list is sorted by.
    pub sort: SortBy,
    /// The largest first.
    pub descending: bool,
    /// Only those who are paused, or excluded.
    pub standing: Option<ExclusionKind>,
    /// Only those with this flag.
    pub flag: Option<Flag>,
    /// Only those of this ring.
    pub ring: Option<u32>,
    /// Only those whose pseudonym begins so.
    pub name: Option<String>,
    /// With at least so many labels.
    pub least_labels: u32,
    /// Rows to leave out in front.
    pub offset: usize,
    /// Rows at most.
    pub limit: usize,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Pseudonym.
    pub name: String,
    /// The figures.
    pub quality: Quality,
    /// What is in force.
    pub standing: Option<Exclusion>,
}

/// A page of the list, and how many lines there are in all.
pub fn page(crowd: &Crowd, in_force: Vec<Exclusion>, wanted: &Wanted) -> (Vec<Line>, usize) {
    let standing: BTreeMap<i64, Exclusion> = in_force.into_iter().map(|one| (one.volunteer_id, one)).collect();
    let passes = |(name, person): &&(String, Quality)| {
        person.labels >= wanted.least_labels
            && wanted.ring.is_none_or(|ring| person.ring() == ring)
            && wanted.flag.is_none_or(|flag| person.flags().contains(&flag))
            && wanted.name.as_ref().is_none_or(|start| name.starts_with(start.as_str()))
            && wanted.standing.is_none_or(|kind| standing.get(&person.volunteer_id).is_some_and(|one| one.kind == kind))
    };
    let mut found: Vec<&(String, Quality)> = crowd.people.iter().filter(passes).collect();
    found.sort_by(|(_, a), (_, b)| a.compare(b, wanted.sort, wanted.descending));
    let all = found.len();
    let line = |(name, quality): &(String, Quality)| Line {
        name: name.clone(),
        quality: quality.clone(),
        standing: standing.get(&quality.volunteer_id).cloned(),
    };
    (found.into_iter().skip(wanted.offset).take(wanted.limit).map(line).collect(), all)
}

/// What is in force in a campaign, oldest first.
pub fn in_force(conn: &mut Conn, campaign: &Campaign) -> Result<Vec<Exclusion>, Error> {
    Ok(exclusions::in_force(conn, campaign.id)?)
}

/// One volunteer's answer on a closed tile, beside its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnTile {
    /// Public id.
    pub tile_id: String,
    /// Key of the answer.
    pub answer: String,
    /// Key of the tile's class.
    pub class: String,
    /// Whether they agree; `None` for an answer that says nothing about damage.
    pub agrees: Option<bool>,
    /// When the first answer came; milliseconds since 1970, UTC.
    pub at: i64,
}

/// One volunteer in detail.
#[derive(Debug)]
pub struct Portrait {
    /// How often each answer (rows) was given for each class (columns), by their places on the scale.
    pub confusion: Vec<Vec<u64>>,
    /// Labels on each day since 1970-01-01, UTC.
    pub activity: Vec<(i64, u64)>,
    /// Answers on closed tiles, those that disagree first, at most as many as asked for.
    pub tiles: Vec<OnTile>,
    /// All that was ever imposed, newest first.
    pub exclusions: Vec<Exclusion>,
}

/// One volunteer in detail.
pub fn portrait(conn: &mut Conn, campaign: &Campaign, volunteer: i64, most: usize) -> Result<Portrait, Error> {
    let scale = &campaign.scale;
    let mut confusion = vec![vec![0; scale.classes().len()]; scale.answers.len()];
    for row in counts::confusions(conn, campaign.id, Some(volunteer))? {
        if let Some(cell) = confusion.get_mut(row.answer as usize).and_then(|row_of| row_of.get_mut(row.class as usize))
        {
            *cell += row.labels.unsigned_abs();
        }
    }
    let activity = counts::activity(conn, campaign.id, volunteer)?;
    let key = |place: i16| scale.answers.get(place as usize).map(|answer| answer.key.clone()).unwrap_or_default();
    // The same as in the table of confusions: a contested tile has no outcome yet, an unusable one none at all.
    let closed = counts::answers_of(conn, campaign.id, &[volunteer])?
        .into_iter()
        .filter(|one| matches!(&*one.state, "settled" | "reviewed"));
    let mut tiles: Vec<OnTile> = closed
        .map(|one| OnTile {
            agrees: agrees(scale, one.answer as u8, Some(one.class as u8)),
            answer: key(one.answer),
            class: key(one.class),
            tile_id: one.tile_id,
            at: one.at,
        })
        .collect();
    tiles.sort_by_key(|one| (one.agrees != Some(false), std::cmp::Reverse(one.at)));
    tiles.truncate(most);
    Ok(Portrait {
        confusion,
        activity: activity.into_iter().map(|day| (day.day, day.labels.unsigned_abs())).collect(),
        tiles,
        exclusions: exclusions::of_volunteer(conn, campaign.id, volunteer)?,
    })
}
