//! Stores a project that was read: campaign, tiles, volunteers and answers, a batch in each transaction.
//!
//! Every id follows from what was read, so a repeat finds everything there, and an import that was stopped midway goes on
//! where it was. Until all is stored and weighed the campaign is a draft, which nobody is shown.

use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::add_labels::{Job, MOST_COUNTED, add_labels};
use super::{Given, Place, Project};
use crate::domain::bbox::Bbox;
use crate::domain::campaign::{
    Campaign, CampaignKind, CampaignState, CampaignTexts, ReleaseLevel, Surroundings, TileSource, Visibility,
    check_slug,
};
use crate::domain::consensus::TileState;
use crate::domain::policy::Policy;
use crate::domain::pseudonym::hmac_sha256;
use crate::domain::scale::Scale;
use crate::domain::tile::Tile;
use crate::services::labelling::tile_consensus::{self, Rules};
use crate::services::refit::refit_anyway;
use crate::services::scenes::derive_tiles;
use crate::services::{Error, clock};
use crate::storage::campaigns::imports;
use crate::storage::labelling::queue;
use crate::storage::oversight::audit_log;
use crate::storage::scenes::tiles;
use crate::storage::{Conn, Store, campaigns, new_id, notify};

/// Rows of one transaction: many enough that a commit's fsync costs little, few enough that others wait little.
const BATCH: usize = 8_000;
/// Tiles that are weighed in one transaction.
const TILES: i64 = 500;
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
        surroundings: Surroundings::default(),
        area: None,
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
        Place::Outline(geometry, bbox) => {
            let square = derive_tiles::square_to_look_at(*bbox, Surroundings::default());
            (Some(geometry), square.to_degrees())
        }
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
    for chunk in new.chunks(BATCH / 8) {
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

/// A number for a volunteer that follows from the name they had, another one in each campaign.
///
/// The upper half alone decides the order of volunteers, and follows from the name without the key: so sums over
/// volunteers are formed in one order on every server, and the same answers give the same map to the last digit.
fn volunteer_id(key: &[u8], name: &str) -> i64 {
    let number = |bytes: &[u8]| bytes.iter().take(4).fold(0, |number, byte| number << 8 | i64::from(*byte));
    let place = number(&Sha256::digest(name.as_bytes()));
    // Positive, as all ids are.
    (place >> 1) << 32 | number(&hmac_sha256(key, format!("volunteer\n{name}").as_bytes()))
}

/// Forms the consensus of every tile with a label, under the model in use.
async fn weigh(store: &Store, campaign_id: i64) -> Result<(), Error> {
    let mut after = i64::MIN;
    loop {
        let step = move |conn: &mut Conn| {
            let rules = Rules::load(conn, campaign_id)?;
            let tiles = imports::labelled_tiles(conn, campaign_id, after, TILES)?;
            for &(tile, last_label_at) in &tiles {
                let mut row = queue::lock(conn, tile)?;
                if row.state != TileState::Reviewed {
                    // As if all labels came at once: what fewer of them said before must not tell.
                    (row.state, row.closed_at, row.first_settled_at) = (TileState::Open, None, None);
                }
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
