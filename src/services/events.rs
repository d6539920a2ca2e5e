//! Live news of campaigns for whoever listens: a fresh picture of a campaign, at most once a second.
//!
//! Whoever changes a campaign only leaves a mark. Once a second marked campaigns that somebody listens to are counted,
//! once for all listeners, and the other processes are told of the marks in one word.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::domain::campaign::CampaignState;
use crate::services::oversight::statistics::{Progress, progress};
use crate::services::{Error, clock};
use crate::storage::jobs::{self, Pulse};
use crate::storage::oversight::statistics;
use crate::storage::{Conn, Store, campaigns, notify};

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(1);
/// A campaign that somebody listens to is counted this often even if nobody left a mark: leases run out, and the command
/// line works beside us.
const WITHOUT_MARK: Duration = Duration::from_secs(5);
/// After counting took some time, as many times that time passes before the next count: at most a twentieth of a core.
const REST: u32 = 20;
/// Between two looks at what other processes tell.
const LOOK: Duration = Duration::from_millis(200);
/// Before a lost connection is opened anew.
const AGAIN: Duration = Duration::from_secs(1);
/// Listeners at a time.
const LISTENERS: usize = 512;

/// What listeners learn of a campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Its state.
    pub state: CampaignState,
    /// The number of the model in use.
    pub model: u32,
    /// As everybody sees it.
    pub progress: Progress,
    /// As reviewers see it, who may see open tiles and know which are gold.
    pub progress_with_gold: Progress,
    /// When somebody last answered, for those who watch the campaign; milliseconds since 1970, UTC.
    pub last_label_at: Option<i64>,
    /// How work in the background stands, likewise.
    pub jobs: Pulse,
}

/// One listener's line: the newest picture, `None` before the first.
pub type Line = watch::Receiver<Option<Picture>>;

struct Feed {
    line: watch::Sender<Option<Picture>>,
    next: Instant,
    counted: Instant,
}

#[derive(Default)]
struct Board {
    feeds: BTreeMap<i64, Feed>,
    /// Left by this process, to be told to the others.
    mine: BTreeSet<i64>,
    /// Left by any process, not yet counted.
    marked: BTreeSet<i64>,
    closed: bool,
}

/// Where news comes together. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    store: Store,
    board: Arc<Mutex<Board>>,
}

impl Events {
    /// Nobody listens yet.
    pub fn new(store: Store) -> Events {
        Events { store, board: Arc::default() }
    }

    /// Something happened in these campaigns, and is committed.
    pub fn mark(&self, campaigns: &[i64]) {
        let mut board = self.board();
        board.mine.extend(campaigns);
        board.marked.extend(campaigns);
    }

    /// A line with the news of a campaign; `None` where too many listen already, or the server is about to end. It ends
    /// with the server.
    pub fn listen(&self, campaign: i64) -> Option<Line> {
        let mut board = self.board();
        let listeners: usize = board.feeds.values().map(|feed| feed.line.receiver_count()).sum();
        if board.closed || listeners >= LISTENERS {
            return None;
        }
        let now = Instant::now();
        let feed = || Feed { line: watch::channel(None).0, next: now, counted: now };
        let line = board.feeds.entry(campaign).or_insert_with(feed).line.subscribe();
        board.marked.insert(campaign);
        Some(line)
    }

    /// Ends all lines.
    pub fn close(&self) {
        let mut board = self.board();
        board.closed = true;
        board.feeds.clear();
    }

    /// Brings the news for ever; stops when it is dropped.
    pub async fn run(self) {
        let (ears, mouth) = (Arc::downgrade(&self.board), self.store.clone());
        if self.store.is_shared() {
            std::thread::spawn(move || hear(&mouth, &ears));
        }
        loop {
            tokio::time::sleep(ROUND).await;
            if let Err(error) = self.round().await {
                tracing::debug!(%error, "no news this time");
            }
        }
    }

    async fn round(&self) -> Result<(), Error> {
        let mine: Vec<i64> = std::mem::take(&mut self.board().mine).into_iter().collect();
        if !mine.is_empty() && self.store.is_shared() {
            self.store.write(move |conn| Ok::<_, Error>(notify::tell(conn, &mine)?)).await?;
        }
        for campaign in self.due() {
            let start = Instant::now();
            let picture = self.store.read(move |conn| picture(conn, campaign)).await?;
            let mut board = self.board();
            let Some(feed) = board.feeds.get_mut(&campaign) else { continue };
            (feed.counted, feed.next) = (Instant::now(), Instant::now() + start.elapsed() * REST);
            feed.line.send_if_modified(|before| {
                let is_news = *before != picture;
                *before = picture;
                is_news
            });
        }
        Ok(())
    }

    /// The campaigns to count now; whoever has no listeners any more is forgotten.
    fn due(&self) -> Vec<i64> {
        let mut board = self.board();
        let Board { feeds, marked, .. } = &mut *board;
        feeds.retain(|_, feed| feed.line.receiver_count() > 0);
        let now = Instant::now();
        let is_due = |id: &i64, feed: &Feed| {
            now >= feed.next && (marked.contains(id) || now.duration_since(feed.counted) >= WITHOUT_MARK)
        };
        let due: Vec<i64> = feeds.iter().filter(|(id, feed)| is_due(id, feed)).map(|(id, _)| *id).collect();
        // A mark that nobody listens to is of no use; one that has to wait is kept.
        marked.retain(|id| feeds.contains_key(id) && !due.contains(id));
        due
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        lock(&self.board)
    }
}

fn lock(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts a campaign; `None` where there is none any more.
fn picture(conn: &mut Conn, campaign: i64) -> Result<Option<Picture>, Error> {
    let Some(campaign) = campaigns::by_id(conn, campaign)? else { return Ok(None) };
    let now = clock::now_ms();
    Ok(Some(Picture {
        state: campaign.state,
        model: campaign.model,
        progress: progress(conn, &campaign, false, now)?,
        progress_with_gold: progress(conn, &campaign, true, now)?,
        last_label_at: statistics::last_label_at(conn, campaign.id)?,
        jobs: jobs::pulse(conn, campaign.id)?,
    }))
}

/// Hears what other processes tell, until nobody wants to know; opens the connection anew when it is lost.
fn hear(store: &Store, ears: &Weak<Mutex<Board>>) {
    let mut listener = None;
    while let Some(board) = ears.upgrade() {
        if lock(&board).closed {
            return;
        }
        let heard = match &mut listener {
            Some(listener) => notify::Listener::heard(listener),
            None => store.listener().map(|fresh| {
                listener = fresh;
                // What was told meanwhile is lost: every campaign may have changed.
                lock(&board).feeds.keys().copied().collect()
            }),
        };
        drop_lost(&heard, &mut listener);
        let pause = if heard.is_err() { AGAIN } else { LOOK };
        lock(&board).marked.extend(heard.unwrap_or_default());
        drop(board);
        std::thread::sleep(pause);
    }
}

fn drop_lost<T, E: std::fmt::Display>(heard: &Result<T, E>, listener: &mut Option<notify::Listener>) {
    if let Err(error) = heard {
        tracing::warn!(%error, "other servers are not heard; trying again");
        *listener = None;
    }
}
