//! Fits volunteers and crowd anew: makes the next numbered model, puts it in use, and brings the tiles in line.

use std::collections::HashMap;
use std::time::Duration;

use crate::consensus::window::{self, WindowLabel, WindowModel, WindowSkill};
use crate::consensus::{self, Columns, Fitted};
use crate::domain::campaign::Campaign;
use crate::domain::label::Window;
use crate::domain::scale::Role;
use crate::services::labelling::tile_consensus::{self, Rules};
use crate::services::maps::date_windows::counted;
use crate::services::{Error, clock};
use crate::storage::labelling::models::{NewModel, RefitInput};
use crate::storage::labelling::{models, queue};
use crate::storage::meter::METER;
use crate::storage::oversight::exclusions;
use crate::storage::scenes::later_scenes;
use crate::storage::{Conn, Store, campaigns, locks, notify, scenes};

/// A process that gives no sign of life for so long is taken for dead, and another one may begin.
const LOCK_MS: i64 = 30_000;
/// Between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(8);
/// Tiles brought in line in one transaction: few, so that submits never wait long for it.
const BATCH: i64 = 64;

/// Makes a new model of a campaign when enough labels have come in since the last one, or at once when `now_please`.
/// Then, in any case, brings tiles in line that still stand on an older model. Returns the number of a new model.
///
/// One process at a time does this; the others find the lock taken and leave it.
pub async fn refit(store: &Store, campaign: &Campaign, now_please: bool) -> Result<Option<u32>, Error> {
    refit_when(store, campaign, if now_please { When::AnyNew } else { When::EnoughNew }).await
}

/// The same, whatever came in since the last model: labels may have come in that were given before it.
pub async fn refit_anyway(store: &Store, campaign: &Campaign) -> Result<Option<u32>, Error> {
    refit_when(store, campaign, When::AnyAtAll).await
}

/// What it takes for a new model.
#[derive(Clone, Copy, PartialEq)]
enum When {
    /// As many new labels as the policy wants.
    EnoughNew,
    /// One new label.
    AnyNew,
    /// One label.
    AnyAtAll,
}

async fn refit_when(store: &Store, campaign: &Campaign, when: When) -> Result<Option<u32>, Error> {
    let (id, name) = (campaign.id, format!("refit {}", campaign.id));
    let settings = campaign.clone();
    let wanted = move |conn: &mut Conn| {
        let behind = !queue::behind_model(conn, id, settings.model, i64::MIN, 1)?.is_empty();
        Ok::<_, Error>(behind || next_number(conn, &settings, when)?.is_some())
    };
    if !store.read(wanted).await? {
        return Ok(None);
    }
    let holder = format!("{}-{}", std::process::id(), rand::random::<u32>());
    let (lock, owner) = (name.clone(), holder.clone());
    let take = move |conn: &mut Conn| {
        let now = clock::now_ms();
        Ok::<_, Error>(locks::take(conn, &lock, &owner, (now, now + LOCK_MS))?)
    };
    if !store.write(take).await? {
        return Ok(None);
    }
    let made = tokio::select! {
        made = make_and_follow(store, campaign, when) => made,
        lost = keep_lock(store, &name, &holder) => Err(lost),
    };
    store.write(move |conn| Ok::<_, Error>(locks::free(conn, &name, &holder)?)).await?;
    made
}

async fn make_and_follow(store: &Store, campaign: &Campaign, when: When) -> Result<Option<u32>, Error> {
    let number = make_model(store, campaign, when).await?;
    catch_up(store, campaign.id).await?;
    Ok(number)
}

/// Gives signs of life until it is dropped; ends where another process has taken over, because we were silent too long.
async fn keep_lock(store: &Store, name: &str, holder: &str) -> Error {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        let (lock, owner) = (name.to_owned(), holder.to_owned());
        let keep = move |conn: &mut Conn| Ok::<_, Error>(locks::keep(conn, &lock, &owner, clock::now_ms() + LOCK_MS)?);
        match store.write(keep).await {
            Ok(true) => {}
            Ok(false) => return Error::Conflict(format!("another process has taken over: {name}")),
            // The next sign of life may get through in time.
            Err(error) => tracing::warn!(%error, lock = name, "a sign of life was not stored"),
        }
    }
}

/// Fits and stores the next model, if one is due.
async fn make_model(store: &Store, campaign: &Campaign, when: When) -> Result<Option<u32>, Error> {
    let (id, settings) = (campaign.id, campaign.clone());
    let now = clock::now_ms();
    let read = move |conn: &mut Conn| match next_number(conn, &settings, when)? {
        Some(number) => {
            let input = models::refit_input(conn, id, last_to_count(&settings))?;
            Ok::<_, Error>(Some((number, input, scenes::ids_by_date(conn, id)?)))
        }
        None => Ok(None),
    };
    let Some((number, input, scenes)) = store.read(read).await? else { return Ok(None) };
    let scale = campaign.scale.clone();
    let labels = input.labels.iter().filter(|label| !label.window_only).count();
    let gold_tiles = input.gold.len();
    let fit = tokio::task::spawn_blocking(move || {
        let (columns, volunteers) = columns(&scale, &input)?;
        let windows = fit_windows(&scenes, &input);
        Ok::<_, Error>((consensus::default_rule().fit(&scale, &columns, number), volunteers, windows))
    });
    let (Fitted { model, skills }, volunteers, windows) =
        fit.await.map_err(|error| Error::Internal(format!("the refit ended early: {error}")))??;
    let keep = move |conn: &mut Conn| {
        let rule = consensus::default_rule();
        let new = NewModel {
            campaign_id: id,
            model: &model,
            method: (rule.method(), rule.version()),
            window: windows.as_ref().map(|(model, _)| model),
            labels,
            gold_tiles,
            labels_until: now,
            fitted_at: clock::now_ms(),
        };
        let window_skill = |place: usize| windows.as_ref().and_then(|(_, skills)| skills.get(place).copied());
        let skills: Vec<_> = (volunteers.iter().zip(&skills).enumerate())
            .map(|(place, (id, skill))| (*id, skill, window_skill(place)))
            .collect();
        models::insert(conn, &new, &skills)?;
        campaigns::set_model(conn, id, number)?;
        Ok::<_, Error>(notify::tell(conn, &[id])?)
    };
    store.write(keep).await?;
    METER.refits.add(1);
    METER.last_refit_at.set(clock::now_ms());
    tracing::info!(campaign = campaign.slug, model = number, labels, "skills fitted anew");
    Ok(Some(number))
}

/// Until when labels count. What a phone sends after the end of a campaign is kept, but the map stays as it is.
fn last_to_count(campaign: &Campaign) -> i64 {
    campaign.closed_at.unwrap_or(i64::MAX)
}

/// The number of the next model, if enough labels have come in since the last one.
fn next_number(conn: &mut Conn, campaign: &Campaign, when: When) -> Result<Option<u32>, Error> {
    let last = models::newest(conn, campaign.id)?;
    let since = if when == When::AnyAtAll { i64::MIN } else { last.labels_until };
    let fresh = models::labels_since(conn, campaign.id, since, last_to_count(campaign))?;
    // Whoever was excluded, or is so no longer, changes what the others are measured by.
    // So does a later scene: labels were set aside for it, and no window of that model ends there.
    let changed = exclusions::changed_since(conn, campaign.id, last.labels_until)?
        || later_scenes::joined_since(conn, campaign.id, last.labels_until)?;
    let stale = last.number > 0 && changed;
    let due = stale || (fresh > 0 && (when != When::EnoughNew || fresh >= campaign.policy.refit_due(last.labels)));
    Ok(due.then_some(last.number + 1))
}

/// Recomputes tiles that stand on an older model, a few at a time, each under its own lock.
async fn catch_up(store: &Store, campaign_id: i64) -> Result<(), Error> {
    let mut after = i64::MIN;
    loop {
        let step = move |conn: &mut Conn| {
            let rules = Rules::load(conn, campaign_id)?;
            let tiles = queue::behind_model(conn, campaign_id, rules.campaign.model, after, BATCH)?;
            for tile in &tiles {
                let row = queue::lock(conn, *tile)?;
                tile_consensus::follow(conn, &rules, row, None, clock::now_ms())?;
            }
            Ok::<_, Error>(tiles.last().copied())
        };
        match store.write(step).await? {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

/// The labels as the core wants them: dense numbers in the order of ids, and the class of each check gold tile.
fn columns(scale: &crate::domain::scale::Scale, input: &RefitInput) -> Result<(Columns, Vec<i64>), Error> {
    let tiles = dense(input.labels.iter().map(|label| label.tile).chain(input.gold.iter().map(|gold| gold.0)));
    let volunteers = dense(input.labels.iter().map(|label| label.volunteer));
    let tile_number = numbers(&tiles);
    let volunteer_number = numbers(&volunteers);
    let mut gold = vec![None; tiles.len()];
    for (tile, answer) in &input.gold {
        let is_class = scale.answer(*answer as u8).is_some_and(|answer| answer.role == Role::Class);
        gold[tile_number[tile] as usize] = is_class.then_some(*answer as u8);
    }
    let labels = || input.labels.iter().filter(|label| !label.window_only);
    let columns = Columns::new(
        labels().map(|label| tile_number[&label.tile]).collect(),
        labels().map(|label| volunteer_number[&label.volunteer]).collect(),
        labels().map(|label| label.answer as u8).collect(),
        gold,
        volunteers.len() as u32,
    )?;
    Ok((columns, volunteers))
}

/// Fits the date windows, where any was given; volunteers have the same numbers as in [`columns`].
fn fit_windows(scenes: &[i64], input: &RefitInput) -> Option<(WindowModel, Vec<WindowSkill>)> {
    let volunteers = dense(input.labels.iter().map(|label| label.volunteer));
    let tiles = dense(input.labels.iter().map(|label| label.tile));
    let (tile_number, volunteer_number) = (numbers(&tiles), numbers(&volunteers));
    let given = input.labels.iter().filter(|label| label.window_given).filter_map(|label| {
        let window = Window { last_intact: label.last_intact, first_damaged: label.first_damaged };
        Some(WindowLabel {
            tile: tile_number[&label.tile],
            volunteer: volunteer_number[&label.volunteer],
            window: counted(scenes, window)?,
        })
    });
    let given: Vec<WindowLabel> = given.collect();
    (!given.is_empty()).then(|| window::fit(scenes.len(), &given, tiles.len(), volunteers.len()))
}

fn dense(ids: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut ids: Vec<i64> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn numbers(ids: &[i64]) -> HashMap<i64, u32> {
    ids.iter().zip(0..).map(|(id, number)| (*id, number)).collect()
}
