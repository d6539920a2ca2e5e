//! Stores a project that was read: campaign, tiles, volunteers and answers, a batch in each transaction.
//!
//! Every id follows from what was read, so a repeat finds everything there, and an import that was stopped midway goes on
//! where it was. Until all is stored and weighed the campaign is a draft, which nobody is shown.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use uuid::Uuid;

use super::super::refit::refit_anyway;
use super::super::tile_consensus::{self, Rules};
use super::super::{Error, clock, derive_tiles};
use super::{Given, Place, Project};
use crate::domain::bbox::Bbox;
use crate::domain::campaign::{
    Campaign, CampaignKind, CampaignState, CampaignTexts, ReleaseLevel, TileSource, Visibility, check_slug,
};
use crate::domain::consensus::TileState;
use crate::domain::label::{LabelStatus, MAX_REVISIONS};
use crate::domain::policy::Policy;
use crate::domain::pseudonym::hmac_sha256;
use crate::domain::scale::Scale;
use crate::domain::tile::Tile;
use crate::storage::imports::Known;
use crate::storage::labels::LogEntry;
use crate::storage::{Conn, Store, audit_log, campaigns, imports, labels, new_id, notify, queue, tiles};

/// Rows of one transaction: many enough that a commit's fsync costs little, few enough that others wait little.
const BATCH: usize = 2_000;
/// Tiles that are weighed in one transaction.
const TILES: i64 = 500;
/// Labels that a tile's consensus holds at most; the policy knows no more.
const MOST_COUNTED: u32 = 1_000;
/// The default of a policy, below which no campaign goes.
const LEAST_MAXIMUM: u32 = 10;

/// What a campaign is called and who may see it; the rest follows from the project.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name in addresses.
    pub slug: String,
    /// What people read about it.
    pub texts: CampaignTexts,
    /// Language of the texts (BCP 47).
    pub language: String,
    /// Licence of the map.
    pub licence: Option<String>,
    /// Who may see the campaign.
    pub visibility: Visibility,
    /// Who may have the damage map.
    pub release_level: ReleaseLevel,
    /// Scale of the answers.
    pub scale: Scale,
    /// What the words of the files mean on it, JSON: a repeat must mean the same.
    pub meaning: String,
}

/// What became of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brought {
    /// Answers that were not there before.
    pub labels: u64,
    /// Answers that were there already.
    pub known: u64,
    /// Tiles that were not there before.
    pub tiles: u64,
    /// Volunteers who were not there before.
    pub volunteers: u64,
}

/// What all batches need.
struct Job {
    project: Arc<Project>,
    campaign: Campaign,
    /// When the import first began: the time of answers without one.
    started_at: i64,
    volunteers: Vec<i64>,
}

/// Stores a project as a campaign and weighs it; `progress` is told how many answers are stored, of how many.
///
/// # Errors
/// Where the name belongs to a campaign of our own, or to an import with another meaning of the answers.
pub async fn bring_in(
    store: &Store,
    project: Arc<Project>,
    settings: &Settings,
    mut progress: impl FnMut(u64, u64),
) -> Result<Brought, Error> {
    let mut brought = Brought::default();
    let (campaign, started_at) = begin(store, &project, settings).await?;
    let ids = add_tiles(store, &project, &campaign, &mut brought).await?;
    let key = campaign.pseudonym_key.clone();
    let volunteers: Vec<i64> = project.people.list.iter().map(|name| volunteer_id(&key, name)).collect();
    add_volunteers(store, &volunteers, &mut brought).await?;
    let job = Arc::new(Job { project: project.clone(), campaign: campaign.clone(), started_at, volunteers });
    let all = project.given.len() as u64;
    for batch in batches(&project.given) {
        let (job, ids, end) = (job.clone(), ids.clone(), batch.end as u64);
        let (new, known) = store.write(move |conn| add_labels(conn, &job, &ids, batch.clone())).await?;
        (brought.labels, brought.known) = (brought.labels + new, brought.known + known);
        progress(end, all);
    }
    if brought.labels > 0 || campaign.model == 0 {
        let id = campaign.id;
        store.write(move |conn| Ok::<_, Error>(imports::count_participations(conn, id)?)).await?;
        refit_anyway(store, &campaign).await?;
    }
    weigh(store, campaign.id).await?;
    finish(store, campaign.id).await?;
    Ok(brought)
}

/// Makes the campaign, or takes up one that was imported before; it is a draft until all is done.
async fn begin(store: &Store, project: &Arc<Project>, settings: &Settings) -> Result<(Campaign, i64), Error> {
    let (project, settings) = (project.clone(), settings.clone());
    store.write(move |conn| begin_in(conn, &project, &settings, clock::now_ms())).await
}

fn begin_in(conn: &mut Conn, project: &Project, settings: &Settings, now: i64) -> Result<(Campaign, i64), Error> {
    let slug = &settings.slug;
    let started_at = match campaigns::find(conn, slug)? {
        Some(known) => {
            campaigns::lock(conn, known.id)?;
            let row = imports::find(conn, known.id)?;
            let row = row.filter(|row| row.source == project.source).ok_or_else(|| {
                Error::Conflict(format!(
                    "there is a campaign `{slug}` already that is no such import: choose another name"
                ))
            })?;
            if row.settings != settings.meaning {
                let (before, reason) = (&row.settings, "the answers of this import meant something else before");
                return Err(Error::Conflict(format!(
                    "`{slug}`: {reason}, {before}: say the same, or choose another name"
                )));
            }
            campaigns::set_state(conn, &known, CampaignState::Draft, now)?;
            imports::set_finished(conn, known.id, None)?;
            row.started_at
        }
        None => {
            let campaign = new_campaign(settings, now)?;
            campaigns::insert(conn, &campaign)?;
            imports::insert(conn, campaign.id, project.source, &settings.meaning, now)?;
            now
        }
    };
    let missing = || Error::Internal(format!("campaign `{slug}` is missing"));
    let mut campaign = campaigns::find(conn, slug)?.ok_or_else(missing)?;
    let outlines = project.places.iter().any(|place| matches!(place, Place::Outline(..)));
    let most = most_labels(project).clamp(LEAST_MAXIMUM, MOST_COUNTED);
    campaign.policy.maximum = campaign.policy.maximum.max(most);
    campaign.tile_source = if outlines { TileSource::Footprints } else { TileSource::Cells };
    campaign.labelling_zoom = one_zoom(project);
    let boxes = project.places.iter().map(|place| square(place).1);
    campaign.bounds = boxes.chain(campaign.bounds).reduce(Bbox::union);
    campaigns::set_policy(conn, campaign.id, &campaign.policy)?;
    campaigns::set_tiling(conn, &campaign)?;
    audit_log::note(conn, None, Some(campaign.id), ("import", project.source), now)?;
    Ok((campaign, started_at))
}

fn new_campaign(settings: &Settings, now: i64) -> Result<Campaign, Error> {
    check_slug(&settings.slug)?;
    if settings.texts.title.trim().is_empty() {
        return Err(Error::invalid("title", "a campaign needs a title that people can recognise it by"));
    }
    Ok(Campaign {
        id: new_id(),
        slug: settings.slug.clone(),
        state: CampaignState::Draft,
        visibility: settings.visibility,
        release_level: settings.release_level,
        kind: CampaignKind::Pair,
        tile_source: TileSource::Cells,
        labelling_zoom: None,
        scale: settings.scale.clone(),
        policy: Policy::default(),
        language: settings.language.clone(),
        texts: settings.texts.clone(),
        licence: settings.licence.clone(),
        synthetic: false,
        model: 0,
        pseudonym_key: rand::random::<[u8; 32]>().to_vec(),
        created_at: now,
        opened_at: None,
        closed_at: None,
        bounds: None,
    })
}

/// The most answers that different people gave for one task.
fn most_labels(project: &Project) -> u32 {
    let of_task = project.given.chunk_by(|a, b| a.task == b.task);
    let people = |of_task: &[Given]| of_task.chunk_by(|a, b| a.person == b.person).count() as u32;
    of_task.map(people).max().unwrap_or(0)
}

fn one_zoom(project: &Project) -> Option<u8> {
    let zoom = |place: &Place| match place {
        Place::Cell(cell) => Some(cell.z),
        Place::Outline(..) => None,
    };
    let first = zoom(project.places.first()?)?;
    project.places.iter().all(|place| zoom(place) == Some(first)).then_some(first)
}

fn square(place: &Place) -> (Option<&str>, Bbox) {
    match place {
        Place::Cell(cell) => (None, cell.bbox()),
        Place::Outline(geometry, bbox) => (Some(geometry), derive_tiles::square_to_look_at(*bbox).to_degrees()),
    }
}

/// Adds the tiles that are missing; the database's id of each task.
async fn add_tiles(
    store: &Store,
    project: &Arc<Project>,
    campaign: &Campaign,
    brought: &mut Brought,
) -> Result<Arc<Vec<i64>>, Error> {
    let id = campaign.id;
    let known = store.read(move |conn| Ok::<_, Error>(tiles::ids_of_campaign(conn, id)?)).await?;
    let ids: Vec<i64> =
        project.tasks.list.iter().map(|task| known.get(&**task).copied().unwrap_or_else(new_id)).collect();
    let new: Vec<usize> = (0..ids.len()).filter(|&task| !known.contains_key(&*project.tasks.list[task])).collect();
    let ids = Arc::new(ids);
    for chunk in new.chunks(BATCH / 2) {
        let (chunk, ids, project, campaign) = (chunk.to_vec(), ids.clone(), project.clone(), campaign.clone());
        let add = move |conn: &mut Conn| {
            for &task in &chunk {
                let place = &project.places[task];
                let (footprint, bbox) = square(place);
                let cell = if let Place::Cell(cell) = place { Some(*cell) } else { None };
                let tile_id = project.tasks.list[task].to_string();
                let tile = Tile { id: ids[task], tile_id, cell, bbox, footprint: footprint.map(str::to_owned) };
                let new = derive_tiles::new_tile(&campaign.slug, tile, Vec::new());
                tiles::insert(conn, campaign.id, &new, &campaign.policy)?;
            }
            Ok::<_, Error>(imports::close_ring(conn, campaign.id)?)
        };
        store.write(add).await?;
    }
    brought.tiles = new.len() as u64;
    Ok(ids)
}

async fn add_volunteers(store: &Store, volunteers: &[i64], brought: &mut Brought) -> Result<(), Error> {
    for chunk in volunteers.chunks(BATCH) {
        let chunk = chunk.to_vec();
        let add = move |conn: &mut Conn| Ok::<_, Error>(imports::add_volunteers(conn, &chunk, clock::now_ms())?);
        brought.volunteers += store.write(add).await? as u64;
    }
    Ok(())
}

/// Answers in groups of whole tasks.
fn batches(given: &[Given]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut start, mut end) = (0, 0);
    for of_task in given.chunk_by(|a, b| a.task == b.task) {
        end += of_task.len();
        if end - start >= BATCH {
            found.push(start..end);
            start = end;
        }
    }
    found.extend((start < end).then_some(start..end));
    found
}

/// Adds the answers of some tasks; how many were new, and how many were there already.
fn add_labels(conn: &mut Conn, job: &Job, ids: &[i64], batch: Range<usize>) -> Result<(u64, u64), Error> {
    let given = &job.project.given[batch];
    let mut tiles: Vec<i64> = given.iter().map(|given| ids[given.task as usize]).collect();
    tiles.dedup();
    let mut before: HashMap<(i64, i64), Vec<Known>> = HashMap::new();
    for known in imports::known_labels(conn, &tiles)? {
        before.entry((known.tile, known.volunteer_id)).or_default().push(known);
    }
    let mut adding = Adding { job, entries: Vec::new(), people: HashMap::new(), known: 0 };
    for (tile, _) in before.keys() {
        *adding.people.entry(*tile).or_default() += 1;
    }
    for of_person in given.chunk_by(|a, b| (a.task, a.person) == (b.task, b.person)) {
        let key = (ids[of_person[0].task as usize], job.volunteers[of_person[0].person as usize]);
        adding.add(of_person, key, before.get(&key).map_or(&[], Vec::as_slice))?;
    }
    let (new, known) = (adding.entries.len() as u64, adding.known);
    adding.store(conn)?;
    Ok((new, known))
}

/// The answers of one batch on their way in.
struct Adding<'a> {
    job: &'a Job,
    entries: Vec<NewEntry>,
    /// People who answered for each tile, those of this batch included.
    people: HashMap<i64, u32>,
    known: u64,
}

/// A log entry without what it borrows.
struct NewEntry {
    digest: [u8; 32],
    tile: i64,
    volunteer_id: i64,
    revision: u32,
    given: Given,
    /// What becomes of the author's current answer for the tile.
    current: Current,
}

#[derive(Clone, Copy, PartialEq)]
enum Current {
    /// A later one stands.
    Stays,
    /// This one takes the place of one that is stored.
    Replaced,
    /// This is the first to stand; its author first answered then, and it counts or is one too many.
    First(i64, bool),
}

impl Adding<'_> {
    /// Takes in what one person answered for one tile, in order of time.
    fn add(&mut self, of_person: &[Given], (tile, volunteer_id): (i64, i64), before: &[Known]) -> Result<(), Error> {
        let (job, timed) = (self.job, self.job.project.timed);
        let mut revision = before.iter().map(|known| known.revision).max().unwrap_or(0);
        let newest = before.iter().map(|known| known.received_at).max();
        let begun = if timed { of_person[0].at } else { job.started_at };
        for (place, given) in of_person.iter().enumerate() {
            let digest = digest(job, given, if timed { given.at } else { place as i64 });
            if before.iter().any(|known| known.id == label_id(&digest)) {
                self.known += 1;
                continue;
            }
            revision += 1;
            if revision > MAX_REVISIONS {
                let person = &job.project.people.list[given.person as usize];
                let task = &job.project.tasks.list[given.task as usize];
                let reason = format!("`{person}` answered `{task}` more than {MAX_REVISIONS} times");
                return Err(Error::Conflict(format!("{reason}: is that the right column?")));
            }
            let at = if timed { given.at } else { job.started_at };
            let given = Given { at, began_at: if timed { given.began_at } else { at }, ..*given };
            let is_last = place + 1 == of_person.len() && newest.is_none_or(|newest| at >= newest);
            let current = match (is_last, before.is_empty()) {
                (false, _) => Current::Stays,
                (true, false) => Current::Replaced,
                (true, true) => {
                    let people = self.people.entry(tile).or_default();
                    *people += 1;
                    Current::First(begun, *people <= MOST_COUNTED)
                }
            };
            self.entries.push(NewEntry { digest, tile, volunteer_id, revision, given, current });
        }
        Ok(())
    }

    fn store(self, conn: &mut Conn) -> Result<(), Error> {
        let entries: Vec<LogEntry<'_>> = self.entries.iter().map(|entry| entry.in_log(self.job)).collect();
        imports::append(conn, &entries)?;
        let mut first = Vec::with_capacity(entries.len());
        for (entry, new) in entries.iter().zip(&self.entries) {
            match new.current {
                Current::Stays => {}
                Current::Replaced => labels::make_current(conn, entry, (true, false))?,
                Current::First(at, counted) => first.push((entry, at, counted)),
            }
        }
        imports::make_current(conn, &first)?;
        for (tile, people) in self.people {
            let counted = people.clamp(1, MOST_COUNTED);
            imports::set_room(conn, tile, self.job.campaign.policy.first_needed().min(counted), counted)?;
        }
        Ok(())
    }
}

impl NewEntry {
    fn in_log<'a>(&'a self, job: &'a Job) -> LogEntry<'a> {
        let client = self.given.client.checked_sub(1).and_then(|place| job.project.clients.list.get(place as usize));
        LogEntry {
            id: label_id(&self.digest),
            body_hash: &self.digest,
            tile: self.tile,
            campaign_id: job.campaign.id,
            volunteer_id: self.volunteer_id,
            lease_id: 0,
            revision: self.revision,
            answer: self.given.answer,
            window: None,
            seconds: None,
            client: client.map(|text| &**text),
            leased_at: self.given.began_at,
            received_at: self.given.at,
            status: if self.revision > 1 { LabelStatus::Revised } else { LabelStatus::Stored },
            tile_state: TileState::Open,
        }
    }
}

/// The first half of a digest as a UUID of version 8 (RFC 9562: made by a rule of one's own).
fn label_id(digest: &[u8; 32]) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Uuid::from_bytes(bytes)
}

/// A number for a volunteer that follows from the name they had, and tells nothing of it to who lacks the key.
fn volunteer_id(key: &[u8], name: &str) -> i64 {
    let digest = hmac_sha256(key, format!("volunteer\n{name}").as_bytes());
    let number = digest.iter().take(8).fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
    // Positive, as all ids are.
    (number >> 1) as i64
}

/// What a label's id follows from: who said what about which task, and when.
fn digest(job: &Job, given: &Given, when: i64) -> [u8; 32] {
    let project = &job.project;
    let (task, person) = (&project.tasks.list[given.task as usize], &project.people.list[given.person as usize]);
    let body = format!("label\n{task}\n{person}\n{when}\n{}", given.answer);
    hmac_sha256(&job.campaign.pseudonym_key, body.as_bytes())
}

/// Forms the consensus of every tile with a label, under the model in use.
async fn weigh(store: &Store, campaign_id: i64) -> Result<(), Error> {
    let mut after = i64::MIN;
    loop {
        let step = move |conn: &mut Conn| {
            let rules = Rules::load(conn, campaign_id)?;
            let tiles = imports::labelled_tiles(conn, campaign_id, after, TILES)?;
            for &(tile, last_label_at) in &tiles {
                let row = queue::lock(conn, tile)?;
                tile_consensus::follow(conn, &rules, row, None, last_label_at)?;
            }
            Ok::<_, Error>(tiles.last().map(|(tile, _)| *tile))
        };
        match store.write(step).await? {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

/// The campaign is over, and everything about it is there.
async fn finish(store: &Store, campaign_id: i64) -> Result<(), Error> {
    let end = move |conn: &mut Conn| {
        let now = clock::now_ms();
        let (first, ..) = imports::span(conn, campaign_id)?;
        imports::close(conn, campaign_id, first.unwrap_or(now), now)?;
        imports::set_finished(conn, campaign_id, Some(now))?;
        Ok::<_, Error>(notify::tell(conn, &[campaign_id])?)
    };
    store.write(end).await
}
