//! Freezes the state of a campaign as its next version: files first, then the row that makes them a release.
//!
//! All files come from one snapshot. They are written into a folder of their own, synced and renamed; only then the row
//! is stored. A process that is killed in between leaves a folder that nobody refers to and that a later release sweeps
//! away; a release that can be seen is complete.

mod cells;
mod changes;
pub mod check;
mod files;
pub mod folder;

use std::path::Path;

use self::files::{Making, Written};
use self::folder::{Folder, leftovers};
use crate::domain::campaign::{Campaign, CampaignState, ReleaseLevel};
use crate::domain::citation::{Citation, check_authors};
use crate::domain::coarse::CoarseCell;
use crate::domain::damage_map::QUIET_MS;
use crate::domain::release::{Audience, Manifest, Release, check_notes};
use crate::services::clock::rfc3339;
use crate::services::oversight::statistics::{Progress, progress};
use crate::services::{Error, clock};
use crate::storage::maps::releases;
use crate::storage::oversight::{audit_log, statistics};
use crate::storage::{Conn, Store, campaigns, new_id};

/// A folder without a row is swept away when it is this old; younger, it may be a release in the making. Milliseconds.
const LEFTOVER_MS: i64 = 86_400_000;
/// Ids grow by so much in a millisecond.
const IDS_IN_A_MS: i64 = 1 << 21;

/// What a new release is to say.
#[derive(Debug, Clone, Default)]
pub struct NewRelease {
    /// Words about it; may be empty.
    pub notes: String,
    /// Who is named as its authors; those of the release before if nobody is given.
    pub authors: Vec<String>,
    /// The version that it must become: asked again, nothing is made twice.
    pub version: Option<u32>,
    /// Make it though tiles that closed in the last ten minutes read as open in what everybody gets.
    pub incomplete: bool,
    /// Address by which browsers reach the server, without a path.
    pub public_url: Option<String>,
}

/// Makes the next release of a campaign and returns it. Takes as long as writing all files does.
pub async fn release(
    store: &Store,
    home: &Path,
    campaign_id: i64,
    new: NewRelease,
    by: Option<i64>,
) -> Result<Release, Error> {
    check_notes(&new.notes)?;
    if !new.authors.is_empty() {
        check_authors(&new.authors)?;
    }
    let (reading, home) = (store.clone(), home.to_owned());
    let work = move || {
        sweep(&reading, &home)?;
        let mut folder = Folder::new(&home, new_id())?;
        let made = make(&reading, &home, campaign_id, &new, &mut folder);
        if made.is_err() {
            folder.discard();
        }
        made.map(|made| (made, folder))
    };
    let ended = |error| Error::Internal(format!("a release ended early: {error}"));
    let ((release, cells), folder) = tokio::task::spawn_blocking(work).await.map_err(ended)??;
    let row = release.clone();
    let kept = store.write(move |conn| keep(conn, campaign_id, &row, &cells, by)).await;
    match kept {
        Ok(()) => Ok(release),
        // Whether a lost commit was kept is not known: then the folder stays, and the sweep decides.
        Err(error) => {
            if matches!(error, Error::Conflict(_)) {
                folder.discard();
            }
            Err(error)
        }
    }
}

fn make(
    store: &Store,
    home: &Path,
    campaign_id: i64,
    new: &NewRelease,
    folder: &mut Folder,
) -> Result<(Release, Vec<CoarseCell>), Error> {
    let id = folder.id();
    store.read_snapshot(|conn| {
        let now = clock::now_ms();
        let gone = || Error::NotFound("the campaign is gone".into());
        let campaign = campaigns::by_id(conn, campaign_id)?.ok_or_else(gone)?;
        if campaign.state == CampaignState::Draft {
            let reason = format!("campaign `{}` is a draft: there is nothing to release", campaign.slug);
            return Err(Error::Conflict(reason));
        }
        if !new.incomplete {
            refuse_early(conn, &campaign, now)?;
        }
        let before = releases::of_campaign(conn, campaign_id)?;
        let version = before.first().map_or(0, |newest| newest.version) + 1;
        if new.version.is_some_and(|wanted| wanted != version) {
            return Err(taken(&campaign, version));
        }
        if new.authors.is_empty() && before.is_empty() {
            let reason = "a first release names its authors: give at least one person or organisation";
            return Err(Error::invalid("authors", reason));
        }
        let citation = cite(&campaign, new, before.first(), version, now);
        let making =
            Making { campaign: &campaign, before: &before, home, version, now, citation: &citation, notes: &new.notes };
        let Written { changes, cells, map } = making.write(conn, folder)?;
        let manifest = Manifest {
            campaign: campaign.slug.clone(),
            title: campaign.texts.title.clone(),
            version,
            as_of: rfc3339(now),
            level: campaign.release_level,
            program: env!("CARGO_PKG_VERSION").into(),
            model: campaign.model,
            method: map.method.as_ref().map(|(name, version)| format!("{name} {version}")),
            licence: campaign.licence.clone(),
            imagery: map.attributions().into_iter().map(str::to_owned).collect(),
            files: folder.files.clone(),
        };
        let manifest = write_manifests(folder, manifest)?;
        folder.finish()?;
        let level = campaign.release_level;
        let notes = new.notes.trim().to_owned();
        Ok((Release { id, version, level, manifest, citation, changes, notes, as_of: now }, cells))
    })
}

/// Writes the manifest twice: for everybody without the files that are not theirs, and whole. Returns it with both.
fn write_manifests(folder: &mut Folder, manifest: Manifest) -> Result<Manifest, Error> {
    let text = |manifest: &Manifest| {
        let text = serde_json::to_string_pretty(manifest).map_err(|error| Error::Internal(error.to_string()))?;
        Ok::<_, Error>(text + "\n")
    };
    let open = manifest.files.iter().filter(|file| file.audience == Audience::Everybody).cloned().collect();
    let open = Manifest { files: open, ..manifest.clone() };
    if !open.files.is_empty() {
        folder.text(("manifest.json", "application/json"), Audience::Everybody, &text(&open)?)?;
    }
    folder.text(("manifest-researchers.json", "application/json"), Audience::Researchers, &text(&manifest)?)?;
    Ok(Manifest { files: folder.files.clone(), ..manifest })
}

fn cite(campaign: &Campaign, new: &NewRelease, before: Option<&Release>, version: u32, now: i64) -> Citation {
    let authors = match (&new.authors[..], before) {
        ([], Some(before)) => before.citation.authors.clone(),
        (named, _) => named.iter().map(|author| author.trim().to_owned()).collect(),
    };
    let url = new.public_url.as_ref().map(|base| format!("{base}/#/c/{}/releases?version={version}", campaign.slug));
    Citation {
        authors,
        title: campaign.texts.title.clone(),
        version,
        date: rfc3339(now).split('T').next().unwrap_or_default().to_owned(),
        licence: campaign.licence.clone(),
        url,
    }
}

fn keep(
    conn: &mut Conn,
    campaign_id: i64,
    release: &Release,
    cells: &[CoarseCell],
    by: Option<i64>,
) -> Result<(), Error> {
    campaigns::lock(conn, campaign_id)?;
    let gone = || Error::NotFound("the campaign is gone".into());
    let campaign = campaigns::by_id(conn, campaign_id)?.ok_or_else(gone)?;
    let next = releases::of_campaign(conn, campaign_id)?.first().map_or(0, |newest| newest.version) + 1;
    if release.version != next {
        return Err(taken(&campaign, next));
    }
    if campaign.release_level != release.level {
        let reason = "the campaign's release level changed while the release was made: make it again";
        return Err(Error::Conflict(reason.into()));
    }
    releases::insert(conn, campaign_id, release, cells, by)?;
    let subject = format!("version {}", release.version);
    Ok(audit_log::note(conn, by, Some(campaign_id), ("release", &subject), release.as_of)?)
}

fn taken(campaign: &Campaign, next: u32) -> Error {
    let made = next.saturating_sub(1);
    Error::Conflict(format!(
        "campaign `{}` has version {made} already: look at it before you make {next}",
        campaign.slug
    ))
}

/// Removes folders of releases that never came to be.
fn sweep(store: &Store, home: &Path) -> Result<(), Error> {
    let oldest = clock::now_ms().saturating_sub(LEFTOVER_MS).saturating_mul(IDS_IN_A_MS);
    let found =
        store.read_snapshot(|conn| leftovers(home, &mut |id| Ok(id >= oldest || releases::exists(conn, id)?)))?;
    for path in found {
        tracing::info!(path = %path.display(), "what a release that was never finished left behind is removed");
        let removed = std::fs::remove_dir_all(&path);
        removed.map_err(|error| Error::Internal(format!("cannot remove {}: {error}", path.display())))?;
    }
    Ok(())
}

/// What a release made now would and would not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// Closed tiles that everybody's files would show as open, because they closed only lately; 0 where everybody gets no
    /// map.
    pub not_yet_shown: u64,
    /// When the last of them would be shown; milliseconds since 1970, UTC.
    pub complete_at: Option<i64>,
    /// Tiles that the crowd could not decide and no expert has.
    pub contested: u64,
    /// Tiles that ask for labels.
    pub open: u64,
}

/// What a release made at `now` would and would not hold.
pub fn outlook(conn: &mut Conn, campaign: &Campaign, now: i64) -> Result<Outlook, Error> {
    let late = match campaign.release_level {
        ReleaseLevel::Private => 0,
        _ => statistics::closed_since(conn, campaign.id, now - QUIET_MS)?.unsigned_abs(),
    };
    let last = if late > 0 { statistics::last_closed_at(conn, campaign.id)? } else { None };
    let Progress { open, contested, .. } = progress(conn, campaign, true, now)?;
    Ok(Outlook { not_yet_shown: late, complete_at: last.map(|at| at + QUIET_MS), contested, open })
}

/// Refuses a release that would leave out what was decided only lately.
fn refuse_early(conn: &mut Conn, campaign: &Campaign, now: i64) -> Result<(), Error> {
    let Outlook { not_yet_shown, complete_at, .. } = outlook(conn, campaign, now)?;
    let Some(at) = complete_at else { return Ok(()) };
    Err(Error::Conflict(format!(
        "{not_yet_shown} tiles closed less than ten minutes ago and would read as open in what everybody gets: make the \
         release after {}, or say `incomplete` to make it without them",
        rfc3339(at)
    )))
}

/// The newest cells that everybody may see of a coarsened campaign, with the version of their release. `None` before
/// the first such release.
pub fn published_cells(conn: &mut Conn, campaign: &Campaign) -> Result<Option<(u32, Vec<CoarseCell>)>, Error> {
    let all = releases::of_campaign(conn, campaign.id)?;
    let newest = all.into_iter().find(|release| release.level == ReleaseLevel::Coarsened);
    let Some(release) = newest else { return Ok(None) };
    Ok(Some((release.version, releases::cells_of(conn, release.id)?)))
}
