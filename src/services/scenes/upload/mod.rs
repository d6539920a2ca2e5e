//! Files on their way to the server: begun, received in parts, checked, used by jobs, removed.

mod inbox;
mod receive;
mod space;

use std::path::{Path, PathBuf};

pub use inbox::{InboxFile, files, find_file};
pub use receive::Receiver;

use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::remote_tiles::AllowedHosts;
use crate::services::{Error, clock};
use crate::storage::oversight::audit_log;
use crate::storage::scenes::uploads::{self, NewUpload, Upload};
use crate::storage::{Conn, Store, jobs};

/// Longest name of a file, bytes.
const LONGEST_NAME: usize = 200;
/// Uploads to which nothing is added for so long are removed.
const ABANDONED_MS: i64 = 7 * 86_400_000;
/// Bytes that stay free for the database, whatever is uploaded.
const KEPT_FREE: u64 = 256 << 20;

/// Where files arrive, and how many bytes they may take.
#[derive(Debug, Clone)]
pub struct Intake {
    /// Folder of uploads.
    pub uploads: PathBuf,
    /// Folder in which the operator lays files, in a folder of its own for each campaign.
    inbox: PathBuf,
    /// Bytes that all uploads may take.
    pub total_bytes: u64,
    /// Bytes that the uploads of one campaign may take.
    pub campaign_bytes: u64,
    /// Hosts from which tiles may be fetched.
    pub remote_hosts: AllowedHosts,
}

impl Intake {
    /// The folders below a data folder, with the usual budgets: 200 GB, of which one campaign may take 50 GB.
    pub fn new(data: &Path) -> Intake {
        Intake {
            uploads: data.join("uploads"),
            inbox: data.join("inbox"),
            total_bytes: 200_000_000_000,
            campaign_bytes: 50_000_000_000,
            remote_hosts: AllowedHosts::default(),
        }
    }

    /// Where the operator lays files for the campaign of that slug. No campaign reads what lies there for another.
    pub fn inbox_of(&self, slug: &str) -> PathBuf {
        self.inbox.join(slug)
    }

    /// The file of an upload. Its name is a number of ours, never what its owner calls it.
    pub fn path_of(&self, upload: i64) -> PathBuf {
        self.uploads.join(upload.to_string())
    }
}

/// What is said of a file before it arrives.
#[derive(Debug, Clone)]
pub struct Announced {
    /// Its name.
    pub file_name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 that it must have, hex.
    pub sha256: Option<String>,
}

/// Begins an upload, if there is room for it.
///
/// # Errors
/// [`Error::NoSpace`] where the disk or a budget does not hold it; an invalid name, length or checksum.
pub fn begin(
    conn: &mut Conn,
    intake: &Intake,
    campaign: &Campaign,
    announced: &Announced,
    by: i64,
    now: i64,
) -> Result<Upload, Error> {
    check_takes_files(campaign)?;
    let file_name = check_file_name(&announced.file_name)?;
    let sha256 = announced.sha256.as_deref().map(check_sha256).transpose()?;
    let bytes_total = i64::try_from(announced.bytes).ok().filter(|bytes| *bytes > 0);
    let bytes_total = bytes_total.ok_or_else(|| Error::invalid("bytes", "a file has at least one byte"))?;
    space::check_budgets(conn, intake, campaign.id, announced.bytes)?;
    space::check_disk(intake, announced.bytes.saturating_add(uploads::outstanding(conn)?.unsigned_abs()))?;
    let sha256 = sha256.as_deref();
    let new = NewUpload { campaign_id: campaign.id, volunteer_id: by, file_name, bytes_total, sha256 };
    let upload = uploads::add(conn, &new, now)?;
    // By number: a file's name may name its author, and the log is only ever added to.
    audit_log::note(conn, Some(by), Some(campaign.id), ("begin_upload", &upload.id.to_string()), now)?;
    Ok(upload)
}

/// An upload of a campaign, or an error that names it.
pub fn find(conn: &mut Conn, campaign: &Campaign, id: i64) -> Result<Upload, Error> {
    let unknown = || Error::NotFound(format!("campaign `{}` has no upload `{id}`", campaign.slug));
    uploads::find(conn, campaign.id, id)?.ok_or_else(unknown)
}

/// What an upload is called; `None` where the campaign has no such upload.
pub fn name_of(conn: &mut Conn, campaign: i64, id: i64) -> Result<Option<String>, Error> {
    Ok(uploads::find(conn, campaign, id)?.map(|upload| upload.file_name))
}

/// Forgets an upload; its file is removed after that, with [`remove_file`]. Refused while a job needs it.
pub fn forget(conn: &mut Conn, campaign: &Campaign, id: i64, by: i64, now: i64) -> Result<(), Error> {
    let upload = find(conn, campaign, id)?;
    let needed = format!("\"upload\":\"{id}\"");
    if jobs::unfinished(conn, campaign.id)?.iter().any(|job| job.input.contains(&needed)) {
        return Err(Error::Conflict(format!("`{}` is being read: cancel the job first", upload.file_name)));
    }
    uploads::remove(conn, id)?;
    Ok(audit_log::note(conn, Some(by), Some(campaign.id), ("remove_upload", &upload.id.to_string()), now)?)
}

/// Removes the file of an upload that was forgotten. What cannot be removed now is removed by [`tidy`].
pub fn remove_file(intake: &Intake, id: i64) {
    let _ = std::fs::remove_file(intake.path_of(id));
}

/// Forgets uploads that nobody went on with for a week, and removes files that belong to none.
pub async fn tidy(store: &Store, intake: &Intake) -> Result<(), Error> {
    let before = clock::now_ms() - ABANDONED_MS;
    let known = store.write(move |conn| {
        for upload in uploads::untouched(conn, before)? {
            let needed = format!("\"upload\":\"{}\"", upload.id);
            if !jobs::unfinished(conn, upload.campaign_id)?.iter().any(|job| job.input.contains(&needed)) {
                uploads::remove(conn, upload.id)?;
            }
        }
        Ok::<_, Error>(uploads::ids(conn)?)
    });
    let known = known.await?;
    for entry in std::fs::read_dir(&intake.uploads).into_iter().flatten().flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse::<i64>().ok());
        if id.is_some_and(|id| !known.contains(&id)) && is_old(&entry.path()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// Older than an hour: not one that is just being begun.
fn is_old(path: &Path) -> bool {
    let changed = std::fs::metadata(path).and_then(|about| about.modified()).ok();
    changed.and_then(|at| at.elapsed().ok()).is_some_and(|age| age.as_secs() > 3_600)
}

fn check_takes_files(campaign: &Campaign) -> Result<(), Error> {
    match campaign.state {
        CampaignState::Draft | CampaignState::Paused => Ok(()),
        state => Err(Error::Conflict(format!(
            "campaign `{}` is {state}: files are taken while it is a draft or paused",
            campaign.slug
        ))),
    }
}

/// A name without any folder. It never becomes a path here, but people will see it.
fn check_file_name(name: &str) -> Result<&str, Error> {
    let folders = name.contains(['/', '\\']) || name == "." || name == "..";
    let fits = (1..=LONGEST_NAME).contains(&name.len()) && !name.trim().is_empty();
    match fits && !folders && !name.chars().any(char::is_control) {
        true => Ok(name.trim()),
        false => Err(Error::invalid("file_name", "name the file without folders, with 1 to 200 bytes")),
    }
}

fn check_sha256(text: &str) -> Result<String, Error> {
    match text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(Error::invalid("sha256", "a SHA-256 has 64 hexadecimal digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_has_no_folders() {
        assert_eq!(check_file_name("before 2025.tif").unwrap(), "before 2025.tif");
        let long = "x".repeat(201);
        for bad in ["", " ", ".", "..", "../a.tif", "a/b.tif", "a\\b.tif", "C:\\a.tif", "a\0b", "a\nb", &long] {
            assert!(check_file_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_checksum_has_64_digits() {
        assert_eq!(check_sha256(&"AB".repeat(32)).unwrap(), "ab".repeat(32));
        assert!(check_sha256("abc").is_err() && check_sha256(&"zz".repeat(32)).is_err());
    }
}
