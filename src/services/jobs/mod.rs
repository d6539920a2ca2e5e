//! Jobs: work on a draft that takes minutes. Asked for here, done by [`worker`], what each does is in `work`.

mod input;
mod work;
pub mod worker;

pub use input::{
    FileRef, FootprintsInput, GoldInput, IngestInput, JobInput, RemoteInput, TilesInput, captured, check_words,
    scene_crs,
};

use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::job::JobState;
use crate::domain::scene::Scene;
use crate::services::Error;
use crate::services::scenes::later_scene;
use crate::services::scenes::retile::no_draft;
use crate::services::scenes::upload::{self, Intake, find_file};
use crate::storage::jobs::{self, Job};
use crate::storage::oversight::audit_log;
use crate::storage::{Conn, scenes};

/// Most jobs of a campaign that may wait or run.
const MOST_WAITING: usize = 100;
/// Most jobs that are listed.
const MOST_LISTED: i64 = 100;

/// Asks for a job.
///
/// # Errors
/// Invalid words, a file that is not there, an upload that is not complete, a campaign that is no draft.
pub fn ask(
    conn: &mut Conn,
    intake: &Intake,
    campaign: &Campaign,
    input: &JobInput,
    by: Option<i64>,
    now: i64,
) -> Result<Job, Error> {
    input.check(&intake.remote_hosts)?;
    check_may_be_done(conn, campaign, input)?;
    if let Some(file) = input.file() {
        check_file(conn, intake, campaign, file)?;
    }
    if jobs::unfinished(conn, campaign.id)?.len() >= MOST_WAITING {
        return Err(Error::Conflict("100 jobs of this campaign wait already: let some of them end".into()));
    }
    let words = serde_json::to_string(input).map_err(|error| Error::Internal(error.to_string()))?;
    let id = jobs::add(conn, campaign.id, (input.kind(), &words), by, now)?;
    audit_log::note(conn, by, Some(campaign.id), ("ask_for_job", input.kind().key()), now)?;
    find(conn, campaign, id)
}

/// Gold may come until a campaign is over, a later scene while a timeline is paused; all else is for drafts.
fn check_may_be_done(conn: &mut Conn, campaign: &Campaign, input: &JobInput) -> Result<(), Error> {
    match input {
        JobInput::Ingest(input) if input.replaces.is_some() => check_may_replace(conn, campaign, input.replaced()?),
        _ if campaign.state == CampaignState::Draft => Ok(()),
        JobInput::Gold(_) if !campaign.state.is_over() => Ok(()),
        JobInput::Ingest(input) => {
            let known = scenes::of_campaign(conn, campaign.id)?;
            let captured = input.captured()?;
            // Brought again to go on where a job failed: what it is, only its bytes can say.
            let same_date = |scene: &Scene| (scene.captured_from, scene.captured_to) == (captured.from, captured.to);
            match campaign.state == CampaignState::Paused && known.iter().any(same_date) {
                true => Ok(()),
                false => later_scene::check(campaign, &known, captured),
            }
        }
        _ => Err(no_draft(campaign)),
    }
}

/// A scene gives way to another one in a draft only.
fn check_may_replace(conn: &mut Conn, campaign: &Campaign, scene: Option<i64>) -> Result<(), Error> {
    if campaign.state != CampaignState::Draft {
        return Err(no_draft(campaign));
    }
    match scenes::of_campaign(conn, campaign.id)?.iter().any(|there| Some(there.id) == scene) {
        true => Ok(()),
        false => Err(Error::invalid("replaces", format!("campaign `{}` has no such scene", campaign.slug))),
    }
}

/// A job of a campaign, or an error that names it.
pub fn find(conn: &mut Conn, campaign: &Campaign, id: i64) -> Result<Job, Error> {
    let unknown = || Error::NotFound(format!("campaign `{}` has no job `{id}`", campaign.slug));
    jobs::find(conn, id)?.filter(|job| job.campaign_id == Some(campaign.id)).ok_or_else(unknown)
}

/// The newest jobs of a campaign, newest first.
pub fn list(conn: &mut Conn, campaign: &Campaign) -> Result<Vec<Job>, Error> {
    Ok(jobs::of_campaign(conn, campaign.id, MOST_LISTED)?)
}

/// Cancels a job, or asks it to stop. One that is over cannot be cancelled.
pub fn cancel(conn: &mut Conn, campaign: &Campaign, id: i64, by: Option<i64>, now: i64) -> Result<Job, Error> {
    let job = find(conn, campaign, id)?;
    if !jobs::cancel(conn, id, now)? {
        return Err(Error::Conflict(format!("this job is {} already", job.state)));
    }
    audit_log::note(conn, by, Some(campaign.id), ("cancel_job", job.kind.key()), now)?;
    // It is gone at once where whoever asked for it was deleted.
    Ok(jobs::find(conn, id)?.unwrap_or(Job { state: JobState::Cancelled, ..job }))
}

/// What a job is about, in a few words: mostly the name of its file.
pub fn about(job: &Job) -> String {
    JobInput::read(&job.input).map(|input| input.about()).unwrap_or_default()
}

fn check_file(conn: &mut Conn, intake: &Intake, campaign: &Campaign, file: &FileRef) -> Result<(), Error> {
    match file {
        FileRef { upload: Some(id), file: None, .. } => {
            let id = id.parse().map_err(|_| Error::invalid("upload", format!("`{id}` is no upload's id")))?;
            let upload = upload::find(conn, campaign, id)?;
            match upload.is_complete() {
                true => Ok(()),
                false => Err(Error::Conflict(format!(
                    "{} of {} bytes of `{}` are there: send the rest first",
                    upload.bytes_received, upload.bytes_total, upload.file_name
                ))),
            }
        }
        FileRef { upload: None, file: Some(name), .. } => find_file(&intake.inbox_of(&campaign.slug), name).map(drop),
        _ => Err(Error::invalid("upload", "name either an upload or a file of the inbox")),
    }
}
