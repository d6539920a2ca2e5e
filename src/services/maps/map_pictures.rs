//! Pictures of campaigns' damage maps, kept in memory while somebody looks at them, and taken anew as often as it is
//! cheap: a picture is at most twenty times as old as it took to take it, and never older than some minutes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::read_map;
use crate::domain::campaign::{Campaign, CampaignKind, CampaignState};
use crate::domain::damage_map::{Cuts, Outcome};
use crate::domain::map_picture::{Picture, Taking};
use crate::services::{Error, clock};
use crate::storage::maps::damage_map::TileRows;
use crate::storage::oversight::withdrawals;
use crate::storage::{Conn, Store};

/// A picture may be so many times older than it took to take it: then at most a twentieth of a core goes into pictures.
const PATIENCE: u32 = 20;
/// No picture is taken for older than this to be right.
const OLDEST: Duration = Duration::from_secs(120);
/// Whoever would wait longer than this for a new one gets the old one while it is taken.
const SHORT: Duration = Duration::from_millis(250);
/// Older than this nobody gets it.
const USELESS: Duration = Duration::from_secs(600);
/// Tiles in all pictures together: 88 bytes each.
const MOST_TILES: usize = 3_000_000;

/// The pictures of a server. Cheap to clone.
#[derive(Clone, Default)]
pub struct Pictures {
    kept: Arc<Mutex<BTreeMap<i64, Kept>>>,
    /// One campaign's picture is taken by one request at a time.
    turns: Arc<Mutex<BTreeMap<i64, Arc<tokio::sync::Mutex<()>>>>>,
}

/// A picture with its number, which no other has.
#[derive(Clone)]
pub struct Numbered {
    /// Which picture it is, in this process.
    pub number: u64,
    /// The picture.
    pub picture: Arc<Picture>,
}

#[derive(Clone)]
struct Kept {
    numbered: Numbered,
    of: State,
    taken: Instant,
    cost: Duration,
    used: Instant,
}

/// What a picture is of; for another one it is never used.
type State = (CampaignState, u32, i64);

static NUMBERS: AtomicU64 = AtomicU64::new(1);

impl Pictures {
    /// A picture of the campaign's map, a fresh one where that is cheap.
    pub async fn of(&self, store: &Store, campaign: &Campaign) -> Result<Numbered, Error> {
        let id = campaign.id;
        let changed = store.read(move |conn| Ok::<_, Error>(withdrawals::last_change(conn, id)?)).await?;
        let known = self.known(campaign, changed);
        if let Some(kept) = known.as_ref().filter(|kept| kept.is_fresh()) {
            return Ok(kept.numbered.clone());
        }
        let turn = lock(&self.turns).entry(campaign.id).or_default().clone();
        match known {
            Some(old) if old.cost > SHORT => {
                if let Ok(turn) = turn.try_lock_owned() {
                    let (all, store, campaign) = (self.clone(), store.clone(), campaign.clone());
                    tokio::spawn(async move {
                        if let Err(error) = all.take(&store, &campaign, changed).await {
                            tracing::warn!(campaign = %campaign.slug, %error, "the picture of a map could not be taken");
                        }
                        drop(turn);
                    });
                }
                Ok(old.numbered)
            }
            _ => {
                let _turn = turn.lock_owned().await;
                match self.known(campaign, changed).filter(Kept::is_fresh) {
                    Some(kept) => Ok(kept.numbered),
                    None => self.take(store, campaign, changed).await,
                }
            }
        }
    }

    /// The picture in memory, if it is of this state and not useless; those that nobody used for long are dropped.
    fn known(&self, campaign: &Campaign, changed: i64) -> Option<Kept> {
        let mut kept = lock(&self.kept);
        kept.retain(|_, one| one.used.elapsed() < USELESS && one.taken.elapsed() < USELESS);
        let known = kept.get_mut(&campaign.id).filter(|one| one.of == state(campaign, changed))?;
        known.used = Instant::now();
        Some(known.clone())
    }

    async fn take(&self, store: &Store, campaign: &Campaign, changed: i64) -> Result<Numbered, Error> {
        let began = Instant::now();
        let (store, of_campaign) = (store.clone(), campaign.clone());
        let work = move || store.read_snapshot(|conn| take(conn, &of_campaign, clock::now_ms()));
        let picture = tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::Internal(format!("the picture of a map ended early: {error}")))??;
        let numbered = Numbered { number: NUMBERS.fetch_add(1, Ordering::Relaxed), picture: Arc::new(picture) };
        let (now, cost) = (Instant::now(), began.elapsed());
        let fresh = Kept { numbered: numbered.clone(), of: state(campaign, changed), taken: began, cost, used: now };
        let mut kept = lock(&self.kept);
        kept.insert(campaign.id, fresh);
        while kept.values().map(|one| one.numbered.picture.len()).sum::<usize>() > MOST_TILES && kept.len() > 1 {
            let Some(oldest) = kept.iter().min_by_key(|(_, one)| one.used).map(|(id, _)| *id) else { break };
            kept.remove(&oldest);
        }
        Ok(numbered)
    }
}

impl Kept {
    fn is_fresh(&self) -> bool {
        self.taken.elapsed() <= (self.cost * PATIENCE).min(OLDEST)
    }
}

/// `changed` is when anything last went out of view or came back: that shows at once.
fn state(campaign: &Campaign, changed: i64) -> State {
    (campaign.state, campaign.model, changed)
}

/// Reads all rows of the map. What everybody may see is decided here, for the time of the picture: a tile that opens
/// again while the picture is in use is shown as it was when everybody could see it.
fn take(conn: &mut Conn, campaign: &Campaign, now: i64) -> Result<Picture, Error> {
    let map = read_map::header(conn, campaign, Cuts::default())?;
    let ids: Vec<i64> = map.scenes.iter().map(|scene| scene.id).collect();
    let classes = campaign.scale.classes().len() as u8;
    let mut taking = Taking::new(map);
    let is_timeline = campaign.kind == CampaignKind::Timeline;
    for row in TileRows::new(conn, campaign.id, &ids, classes).bare(is_timeline) {
        let row = row?;
        let outcome = Outcome { state: row.state, closed_at: row.closed_at, gold: row.gold };
        taking.add(&row, outcome.is_public(campaign.state, now));
    }
    Ok(taking.finish(now))
}

/// What is kept is never half written: a thread that panicked beside it spoiled nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
