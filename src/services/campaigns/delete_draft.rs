//! Deletes a campaign that never opened. One that did is closed and archived instead: its labels stay.

use std::path::PathBuf;

use super::change_state;
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::job::JobState;
use crate::services::Error;
use crate::services::scenes::upload::{Intake, remove_file};
use crate::storage::campaigns::drafts;
use crate::storage::oversight::audit_log;
use crate::storage::scenes::uploads;
use crate::storage::{Conn, campaigns, jobs};

/// What a deleted draft leaves on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftovers {
    uploads: Vec<i64>,
    slug: String,
    id: i64,
}

/// Deletes a draft with its texts, scenes, tiles, gold, uploads and roles. The archives of its scenes go when the folder of
/// archives is put in order, where no other campaign has them. What [`Leftovers`] names is removed after the transaction.
///
/// # Errors
/// [`Error::Conflict`] for a campaign that is or was open, that has labels or a release, and while a job works on it.
pub fn delete_draft(conn: &mut Conn, campaign: &Campaign, by: Option<i64>, now: i64) -> Result<Leftovers, Error> {
    campaigns::lock(conn, campaign.id)?;
    let Campaign { id, slug, state, .. } = change_state::find(conn, &campaign.slug)?;
    if state != CampaignState::Draft || drafts::has_history(conn, id)? {
        return Err(Error::Conflict(format!(
            "campaign `{slug}` is no draft that was never opened: what people gave it stays; close and archive it"
        )));
    }
    if jobs::unfinished(conn, id)?.iter().any(|job| job.state == JobState::Running) {
        return Err(Error::Conflict(format!("a job of campaign `{slug}` is under way: stop it, or wait for its end")));
    }
    let uploads = uploads::of_campaign(conn, id)?.into_iter().map(|upload| upload.id).collect();
    drafts::delete(conn, id)?;
    audit_log::note(conn, by, None, ("delete_campaign", &slug), now)?;
    Ok(Leftovers { uploads, slug, id })
}

impl Leftovers {
    /// Removes the files of its uploads. What the operator laid into its inbox is kept, but under another name: a later
    /// campaign of the same slug must not find it. What cannot be done now harms nobody: uploads are tidied later.
    pub fn tidy(&self, intake: &Intake) {
        self.uploads.iter().for_each(|id| remove_file(intake, *id));
        let inbox = intake.inbox_of(&self.slug);
        // No slug has a dot.
        let aside: PathBuf = inbox.with_file_name(format!("{}.deleted-{}", self.slug, self.id));
        if inbox.is_dir()
            && let Err(error) = std::fs::rename(&inbox, aside)
        {
            tracing::warn!(%error, slug = self.slug, "the inbox of a deleted campaign cannot be set aside");
        }
    }
}
