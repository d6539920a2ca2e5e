//! The worker: one for each server process. It claims a job, does it in a thread of its own, and shows by a heartbeat
//! that it lives, so that another one takes over what it leaves behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::oneshot;

use super::input::JobInput;
use super::work::{Desk, Outcome, perform};
use crate::domain::job::JobState;
use crate::imagery::{Archives, ImageryError, Progress};
use crate::services::events::Events;
use crate::services::people::secrets;
use crate::services::scenes::upload::{Intake, tidy};
use crate::services::{Error, clock};
use crate::storage::jobs::{self, Job};
use crate::storage::{Conn, Store, StoreError, campaigns};

/// Pause between two looks for work.
const PAUSE: Duration = Duration::from_millis(500);
/// Time between two signs of life.
const BEAT: Duration = Duration::from_secs(1);
/// A run that gave no sign for so long is dead.
const SILENT_MS: i64 = 20_000;
/// A job that was begun so often without an end is not begun again: it may be what ends the server.
const MOST_ATTEMPTS: i32 = 5;
/// How often uploads that nobody goes on with are looked for.
const TIDY: Duration = Duration::from_secs(600);

/// Works for ever, one job after the other; stops when it is dropped, and gives its job back when `house` is told to.
pub struct Worker {
    desk: Desk,
    /// Where those who watch a campaign hear how its jobs go on.
    events: Option<Events>,
    holder: String,
    silent_ms: i64,
}

impl Worker {
    /// A worker with a name of its own.
    pub fn new(store: Store, archives: Archives, intake: Intake) -> Worker {
        let desk = Desk { store, archives, intake };
        Worker { desk, events: None, holder: secrets::token(), silent_ms: SILENT_MS }
    }

    /// The same, which takes a run for dead after another time. For tests of what happens after a crash.
    pub fn patient_for(self, silent_ms: i64) -> Worker {
        Worker { silent_ms, ..self }
    }

    /// The same, which tells those who watch a campaign when a job of it begins, goes on and ends.
    pub fn telling(self, events: Events) -> Worker {
        Worker { events: Some(events), ..self }
    }

    fn tell(&self, job: &Job) {
        if let (Some(events), Some(campaign)) = (&self.events, job.campaign_id) {
            events.mark(&[campaign]);
        }
    }

    /// Works for ever. What fails is logged and tried again.
    pub async fn run(self) {
        let mut tidied = tokio::time::Instant::now();
        loop {
            match self.turn().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "looking for jobs failed; trying again"),
            }
            if tidied.elapsed() >= TIDY {
                tidied = tokio::time::Instant::now();
                if let Err(error) = tidy(&self.desk.store, &self.desk.intake).await {
                    tracing::warn!(%error, "tidying uploads failed; trying again");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Does one job, if there is one; whether there was.
    pub async fn turn(&self) -> Result<bool, Error> {
        let Some((job, slug)) = self.claim().await? else { return Ok(false) };
        self.tell(&job);
        let (state, outcome) = if job.attempts > MOST_ATTEMPTS {
            let reason = "was begun five times and never ended: the server's log may say why";
            (JobState::Failed, Outcome { message: reason.into(), report: String::new() })
        } else {
            match self.work(&job, &slug).await {
                Some(ended) => ended,
                // Somebody else has it, or the database was away for long: it is not ours to end.
                None => return Ok(true),
            }
        };
        self.end(&job, state, outcome).await?;
        Ok(true)
    }

    /// Takes the oldest job that may be begun. Jobs of one campaign take turns.
    async fn claim(&self) -> Result<Option<(Job, String)>, Error> {
        let silent_since = clock::now_ms() - self.silent_ms;
        let to_do = self.desk.store.read(move |conn| Ok::<_, Error>(jobs::to_do(conn, silent_since)?)).await?;
        for (id, campaign) in to_do {
            let holder = self.holder.clone();
            let claimed = self.desk.store.write(move |conn| claim(conn, (id, campaign), &holder, silent_since)).await?;
            if claimed.is_some() {
                return Ok(claimed);
            }
        }
        Ok(None)
    }

    /// Runs the job beside its heartbeat. `None` where the job was lost to somebody else.
    async fn work(&self, job: &Job, slug: &str) -> Option<(JobState, Outcome)> {
        let watch = Arc::new(Watch::default());
        let mut ended = start(self.desk.clone(), slug.to_owned(), job.clone(), watch.clone());
        let mut silent = 0;
        loop {
            tokio::select! {
                done = &mut ended => return Some(judge(job.id, done.unwrap_or_else(|_| Err(panicked())), &watch)),
                () = tokio::time::sleep(BEAT) => {}
            }
            match self.beat(job.id, &watch).await {
                Ok(Some(stop)) => {
                    silent = 0;
                    self.tell(job);
                    watch.stop.fetch_or(stop, Relaxed);
                }
                Ok(None) => {
                    watch.stop.store(true, Relaxed);
                    return None;
                }
                Err(error) => {
                    silent += 1;
                    tracing::warn!(%error, silent, "a job could not show that it lives");
                }
            }
        }
    }

    async fn beat(&self, id: i64, watch: &Watch) -> Result<Option<bool>, Error> {
        let (holder, reached) = (self.holder.clone(), watch.reached());
        self.desk.store.write(move |conn| Ok(jobs::beat(conn, id, &holder, reached, clock::now_ms())?)).await
    }

    /// Writes down how it ended; an upload that was read is not needed any more.
    async fn end(&self, job: &Job, state: JobState, outcome: Outcome) -> Result<(), Error> {
        let (id, kind, campaign) = (job.id, job.kind, job.campaign_id.unwrap_or_default());
        // Not its words: they may quote names and contents of files, and who asked for it reads them on the page.
        tracing::info!(job = id, kind = kind.key(), state = state.key(), "a job ended");
        let holder = self.holder.clone();
        let upload =
            JobInput::read(&job.input).ok().and_then(|input| input.file()?.upload.as_ref()?.parse::<i64>().ok());
        let used = upload.filter(|_| state == JobState::Done);
        let write = move |conn: &mut Conn| {
            let over = (state, outcome.message.as_str(), outcome.report.as_str());
            jobs::finish(conn, id, &holder, over, clock::now_ms())?;
            used.map(|upload| crate::storage::scenes::uploads::remove(conn, upload)).transpose()?;
            crate::storage::notify::tell(conn, &[campaign])?;
            Ok::<_, Error>(())
        };
        self.desk.store.write(write).await?;
        self.tell(job);
        if let Some(upload) = used {
            crate::services::scenes::upload::remove_file(&self.desk.intake, upload);
        }
        Ok(())
    }
}

fn claim(
    conn: &mut Conn,
    (id, campaign): (i64, Option<i64>),
    holder: &str,
    silent_since: i64,
) -> Result<Option<(Job, String)>, Error> {
    let Some(campaign) = campaign else { return Ok(None) };
    // Two servers that look at the same campaign take turns.
    campaigns::lock(conn, campaign)?;
    if jobs::must_wait(conn, id, campaign)? || !jobs::claim(conn, id, holder, silent_since, clock::now_ms())? {
        return Ok(None);
    }
    let slug = campaigns::by_id(conn, campaign)?.map(|campaign| campaign.slug);
    Ok(jobs::find(conn, id)?.zip(slug))
}

type Ended = Result<Outcome, Error>;

/// Does the work in a thread with a small runtime of its own: nothing waits for it when the server ends, and what it does
/// to itself happens to nobody else.
fn start(desk: Desk, slug: String, job: Job, watch: Arc<Watch>) -> oneshot::Receiver<Ended> {
    let (tell, told) = oneshot::channel();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let ended = match runtime {
            Ok(runtime) => runtime
                .block_on(async { perform(&desk, &slug, JobInput::read(&job.input)?, job.created_by, watch).await }),
            Err(error) => Err(Error::Internal(format!("no thread for a job: {error}"))),
        };
        // Nobody listens where the job was lost.
        let _ = tell.send(ended);
    };
    // Where no thread can be had, the channel closes and the job fails.
    let _ = std::thread::Builder::new().name("job".into()).spawn(work);
    told
}

fn panicked() -> Error {
    Error::Conflict("the job broke down on this file: the server's log says where".into())
}

/// How a job ended, in words for whoever asked for it.
fn judge(job: i64, ended: Ended, watch: &Watch) -> (JobState, Outcome) {
    let words = |message: String| Outcome { message, report: String::new() };
    match ended {
        Ok(outcome) => (JobState::Done, outcome),
        Err(Error::Imagery(ImageryError::Stopped)) => (JobState::Cancelled, words("cancelled".into())),
        Err(_) if watch.stop.load(Relaxed) => (JobState::Cancelled, words("cancelled".into())),
        Err(error) => (JobState::Failed, words(in_words(job, &error))),
    }
}

/// What a coordinator is told: what is wrong with their file or wish, and of ours that something is. The log has the rest.
fn in_words(job: i64, error: &Error) -> String {
    match error {
        Error::Invalid(_) | Error::Conflict(_) | Error::NotFound(_) | Error::NotReady(..) | Error::NoSpace { .. } => {
            error.to_string()
        }
        Error::Imagery(ImageryError::Unusable { .. } | ImageryError::Invalid(_)) => error.to_string(),
        ours => {
            tracing::error!(job, cause = %ours, "a job failed through a fault of ours");
            let away = matches!(ours, Error::Store(StoreError::Unavailable(_) | StoreError::Busy));
            let what = if away { "the database went away" } else { "something went wrong on the server" };
            format!("{what}: ask for it again, or show the operator this number, under which its log says more: {job}")
        }
    }
}

/// What a job shows of itself, and whether it is to stop.
#[derive(Default)]
struct Watch {
    done: AtomicU64,
    total: AtomicU64,
    stop: AtomicBool,
}

impl Watch {
    fn reached(&self) -> (i64, i64) {
        let total = self.total.load(Relaxed) as i64;
        ((self.done.load(Relaxed) as i64).min(total), total)
    }
}

impl Progress for Watch {
    fn total(&self, tiles: u64) {
        self.total.store(tiles, Relaxed);
    }

    fn advance(&self, tiles: u64) {
        self.done.fetch_add(tiles, Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinator_hears_what_is_wrong_with_a_file_and_nothing_of_our_insides() {
        let away = StoreError::Unavailable("connection to server at \"10.1.2.3\", user \"aftermap\" failed".into());
        let file = ImageryError::Unusable { file: "a.tif".into(), reason: "has no place".into() };
        for (error, told) in [
            (Error::Imagery(file), "a.tif: has no place"),
            (Error::Conflict("the campaign is open".into()), "the campaign is open"),
            (Error::Store(away), "the database went away"),
            (Error::Internal("/srv/data/tiles: permission denied".into()), "something went wrong on the server"),
        ] {
            let words = judge(17, Err(error), &Watch::default()).1.message;
            assert!(words.starts_with(told) && !words.contains("10.1.2.3") && !words.contains("/srv"), "{words}");
        }
    }
}
