//! What dashboards show, counted once for all who look: at most a second old where counting is cheap, and never more than
//! a twentieth of a core in a large campaign.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{PublicProgress, Statistics, Tally, count, public_progress};
use crate::domain::campaign::{Campaign, CampaignState};
use crate::services::{Error, clock};
use crate::storage::Store;

/// What is this young is not counted anew.
const YOUNG: Duration = Duration::from_secs(1);
/// The same of what everybody may know.
const YOUNG_PUBLIC: Duration = Duration::from_secs(15);
/// Figures may be so many times older than it took to count them.
const PATIENCE: u32 = 20;
/// Whoever would wait longer than this for new figures gets the old ones while they are counted.
const SHORT: Duration = Duration::from_millis(250);
/// Older than this nobody gets them.
const USELESS: Duration = Duration::from_secs(600);

/// The dashboards of a server. Cheap to clone.
#[derive(Clone)]
pub struct Boards {
    counted: Cache<Statistics>,
    public: Cache<PublicProgress>,
    tallies: Arc<Mutex<BTreeMap<i64, Tally>>>,
}

impl Default for Boards {
    fn default() -> Boards {
        Boards { counted: Cache::new(YOUNG), public: Cache::new(YOUNG_PUBLIC), tallies: Arc::default() }
    }
}

impl Boards {
    /// How a campaign stands, for its coordinator.
    ///
    /// # Errors
    /// Where it cannot be counted.
    pub async fn of(&self, store: &Store, campaign: &Campaign) -> Result<Arc<Statistics>, Error> {
        let (store, of, tallies) = (store.clone(), campaign.clone(), self.tallies.clone());
        let count = move || async move {
            let mut tally = lock(&tallies).remove(&of.id).unwrap_or_default();
            let id = of.id;
            let (counted, tally) = store
                .read(move |conn| {
                    let counted = count(conn, &of, &mut tally, clock::now_ms())?;
                    Ok::<_, Error>((counted, tally))
                })
                .await?;
            lock(&tallies).insert(id, tally);
            Ok(counted)
        };
        self.counted.of(campaign, count).await
    }

    /// What everybody may know of it.
    ///
    /// # Errors
    /// Where it cannot be counted.
    pub async fn public_of(&self, store: &Store, campaign: &Campaign) -> Result<Arc<PublicProgress>, Error> {
        let (store, of) = (store.clone(), campaign.clone());
        let count = move || async move { store.read(move |conn| public_progress(conn, &of, clock::now_ms())).await };
        self.public.of(campaign, count).await
    }
}

/// Figures of campaigns, each counted by one request at a time.
struct Cache<T> {
    young: Duration,
    kept: Arc<Mutex<BTreeMap<i64, Kept<T>>>>,
    turns: Arc<Mutex<BTreeMap<i64, Arc<tokio::sync::Mutex<()>>>>>,
}

struct Kept<T> {
    counted: Arc<T>,
    of: Of,
    begun: Instant,
    cost: Duration,
}

/// What figures are of; for another one they are never used.
type Of = (CampaignState, u32);

impl<T> Clone for Cache<T> {
    fn clone(&self) -> Cache<T> {
        Cache { young: self.young, kept: self.kept.clone(), turns: self.turns.clone() }
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Kept<T> {
        Kept { counted: self.counted.clone(), ..*self }
    }
}

impl<T: Send + Sync + 'static> Cache<T> {
    fn new(young: Duration) -> Cache<T> {
        Cache { young, kept: Arc::default(), turns: Arc::default() }
    }

    async fn of<F, R>(&self, campaign: &Campaign, count: F) -> Result<Arc<T>, Error>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let (id, of) = (campaign.id, (campaign.state, campaign.model));
        let known = self.known(id, of);
        if let Some(kept) = known.as_ref().filter(|kept| self.is_fresh(kept)) {
            return Ok(kept.counted.clone());
        }
        let turn = lock(&self.turns).entry(id).or_default().clone();
        if let Some(old) = known.filter(|old| old.cost > SHORT) {
            if let Ok(turn) = turn.try_lock_owned() {
                let all = self.clone();
                tokio::spawn(async move {
                    if let Err(error) = all.count(id, of, count).await {
                        tracing::warn!(campaign = id, %error, "the figures of a campaign could not be counted");
                    }
                    drop(turn);
                });
            }
            return Ok(old.counted);
        }
        let _turn = turn.lock_owned().await;
        match self.known(id, of).filter(|kept| self.is_fresh(kept)) {
            Some(kept) => Ok(kept.counted),
            None => self.count(id, of, count).await,
        }
    }

    async fn count<F, R>(&self, id: i64, of: Of, count: F) -> Result<Arc<T>, Error>
    where
        F: FnOnce() -> R,
        R: Future<Output = Result<T, Error>>,
    {
        let begun = Instant::now();
        let counted = Arc::new(count().await?);
        let mut all = lock(&self.kept);
        all.retain(|_, kept| kept.begun.elapsed() < USELESS);
        all.insert(id, Kept { counted: counted.clone(), of, begun, cost: begun.elapsed() });
        Ok(counted)
    }

    fn known(&self, id: i64, of: Of) -> Option<Kept<T>> {
        let kept = lock(&self.kept).get(&id).cloned()?;
        (kept.of == of && kept.begun.elapsed() < USELESS).then_some(kept)
    }

    fn is_fresh(&self, kept: &Kept<T>) -> bool {
        kept.begun.elapsed() <= self.young.max(kept.cost * PATIENCE)
    }
}

/// What is kept is never half written: a thread that panicked beside it spoiled nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
