//! What a label is judged by: the campaign, the model in use and the skills of its volunteers, kept from one transaction
//! to the next.
//!
//! Nothing is remembered blindly. Every transaction reads the campaign's row, its policy's text and when its model was
//! fitted, in one statement; only where all of that is as it was is the rest taken from memory. Models and skills are
//! frozen, and a model that was fitted at another time is another model.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::consensus::window::{WindowModel, WindowSkill};
use crate::consensus::{Model, Skill};
use crate::domain::campaign::{Campaign, CampaignKind};
use crate::domain::policy::Policy;
use crate::services::Error;
use crate::services::maps::date_windows::Timeline;
use crate::storage::campaigns::policy_versions::PolicyVersion;
use crate::storage::campaigns::{Head, policy_versions};
use crate::storage::labelling::labels::SkillRow;
use crate::storage::labelling::{labels, models};
use crate::storage::{Conn, campaigns, scenes};

/// Campaigns that are kept in memory; the one that was read first goes first.
const CAMPAIGNS: usize = 16;
/// Volunteers of one campaign whose skills are kept, unknown ones included.
const PEOPLE: usize = 10_000;

static KEPT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());

/// What a tile's consensus depends on beside its labels: the campaign's scale and policy, and one frozen model.
pub struct Rules {
    /// The campaign, without its texts.
    pub campaign: Arc<Campaign>,
    /// The model in use.
    pub model: Arc<Model>,
    /// In a timeline campaign, its scenes and the model of its date windows.
    pub timeline: Option<Timeline>,
    /// The policies so far, in the order of their time; none where it never changed.
    history: Arc<Vec<PolicyVersion>>,
    skills: Arc<Mutex<BTreeMap<i64, Option<Known>>>>,
}

/// What the model knows of a volunteer: with classes, and with date windows.
#[derive(Debug, Clone)]
pub struct Known {
    /// Weight, accuracy and confusion table.
    pub skill: Arc<Skill>,
    /// Where any window was given.
    pub window: Option<WindowSkill>,
}

/// A campaign as it was read.
#[derive(Clone)]
struct Kept {
    head: Head,
    campaign: Arc<Campaign>,
    model: Arc<Model>,
    windows: Option<WindowModel>,
    history: Arc<Vec<PolicyVersion>>,
    skills: Arc<Mutex<BTreeMap<i64, Option<Known>>>>,
}

impl Rules {
    /// The rules of a campaign as they stand in this transaction, which holds the campaign's state until its end.
    pub fn load(conn: &mut Conn, campaign_id: i64) -> Result<Rules, Error> {
        let missing = || Error::Internal(format!("campaign {campaign_id} is missing"));
        let head = campaigns::head(conn, campaign_id)?.ok_or_else(missing)?;
        let before = kept().iter().find(|kept| kept.head == head).cloned();
        let Kept { campaign, model, windows, history, skills, .. } = match before {
            Some(kept) => kept,
            None => keep(Kept::read(conn, head)?),
        };
        let timeline = match campaign.kind {
            CampaignKind::Pair => None,
            // Scenes may join while the campaign is paused.
            CampaignKind::Timeline => Some(Timeline::new(scenes::ids_by_date(conn, campaign_id)?, windows)),
        };
        Ok(Rules { campaign, model, timeline, history, skills })
    }

    /// The same campaign under another policy, to see what would become of its tiles.
    pub fn under(self, policy: Policy) -> Rules {
        let campaign = Campaign { policy, ..(*self.campaign).clone() };
        Rules { campaign: Arc::new(campaign), history: Arc::default(), ..self }
    }

    /// The policy by which a tile is judged that closed at this time: the one in force then, or a later one that was
    /// asked to decide closed tiles anew. An open tile (`None`) is judged by the one in force now.
    pub fn policy_of(&self, closed_at: Option<i64>) -> &Policy {
        let Some(closed_at) = closed_at else { return &self.campaign.policy };
        let holds = |version: &&PolicyVersion| version.in_force_from <= closed_at || version.closed_too;
        let held = self.history.iter().rev().find(holds).or(self.history.first());
        held.map_or(&self.campaign.policy, |version| &version.policy)
    }

    /// What the model knows of these volunteers, each at the place of its id; `None` of whom it knows nothing.
    pub fn skills_of(&self, conn: &mut Conn, volunteers: &[i64]) -> Result<Vec<Option<Known>>, Error> {
        if self.model.number == 0 {
            return Ok(vec![None; volunteers.len()]);
        }
        let missing: Vec<i64> = {
            let skills = lock(&self.skills);
            volunteers.iter().copied().filter(|id| !skills.contains_key(id)).collect()
        };
        let mut read = BTreeMap::new();
        if !missing.is_empty() {
            read.extend(missing.iter().map(|id| (*id, None)));
            for row in labels::skills_of(conn, self.campaign.id, self.model.number, &missing)? {
                let (volunteer, known) = decode(row)?;
                read.insert(volunteer, Some(known));
            }
        }
        let mut skills = lock(&self.skills);
        let known = |id: &i64| read.get(id).or_else(|| skills.get(id)).cloned().flatten();
        let found = volunteers.iter().map(known).collect();
        if skills.len() + read.len() > PEOPLE {
            skills.clear();
        }
        skills.extend(read);
        Ok(found)
    }
}

impl Kept {
    fn read(conn: &mut Conn, head: Head) -> Result<Kept, Error> {
        let campaign = campaigns::behind(conn, &head)?;
        let (model, windows) = match campaign.model {
            0 => (Model::zero(&campaign.scale), None),
            number => {
                let (tables, windows) = models::tables(conn, campaign.id, number)?;
                let unreadable = |_| Error::Internal(format!("model {number} of `{}` cannot be read", campaign.slug));
                (Model::from_bytes(&tables).map_err(unreadable)?, windows)
            }
        };
        let history = Arc::new(policy_versions::of_campaign(conn, campaign.id)?);
        let (campaign, model) = (Arc::new(campaign), Arc::new(model));
        Ok(Kept { head, campaign, model, windows, history, skills: Arc::default() })
    }
}

/// Remembers a campaign in place of what it was before. A draft still changes in all its parts and is not remembered.
fn keep(fresh: Kept) -> Kept {
    let mut all = kept();
    all.retain(|other| other.campaign.id != fresh.campaign.id);
    if !fresh.head.is_draft() {
        all.truncate(CAMPAIGNS - 1);
        all.insert(0, fresh.clone());
    }
    fresh
}

fn kept() -> MutexGuard<'static, Vec<Kept>> {
    lock(&KEPT)
}

/// What is kept is never half written: a thread that panicked beside it spoiled nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn decode((volunteer, bytes, wrong, late): SkillRow) -> Result<(i64, Known), Error> {
    let unreadable = |_| Error::Internal(format!("the skill of volunteer {volunteer} cannot be read"));
    let skill = Arc::new(Skill::from_bytes(&bytes).map_err(unreadable)?);
    let window = wrong.zip(late).map(|(wrong, late)| WindowSkill { wrong, late });
    Ok((volunteer, Known { skill, window }))
}
