//! Looks a whole installation over: schema, rows, archives, releases, key, space, clocks; says what is wrong and what
//! mends it, and mends what follows from something else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::check_archives::{Repair, check_archives};
use crate::imagery::Archives;
use crate::imagery::upkeep::count_unfinished;
use crate::services::maps::release::check;
use crate::services::{Error, clock};
use crate::storage::maps::releases;
use crate::storage::upkeep::backups;
use crate::storage::upkeep::invariants::{self, Fault};
use crate::storage::upkeep::migrate::{self, Found};
use crate::storage::{Conn, DatabaseUrl, Store, StoreError};

/// With less free space than this it is time to act, bytes.
const LITTLE_SPACE: u64 = 1 << 30;
/// A backup older than this deserves a word, milliseconds.
const OLD_BACKUP_MS: i64 = 2 * 86_400_000;
/// Clocks may differ by so much, milliseconds; access tokens bear five seconds.
const CLOCKS_APART_MS: i64 = 5_000;
/// A signing key has at least so many bytes.
const LEAST_KEY: u64 = 32;

/// Where to look.
pub struct Place {
    /// The database.
    pub database: DatabaseUrl,
    /// The archives of scenes.
    pub archives: Archives,
    /// The data folder.
    pub data: PathBuf,
    /// Folder of the releases.
    pub releases: PathBuf,
    /// The signing key.
    pub key: PathBuf,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Something is broken.
    Fault,
    /// Something will break, or is not as it should be.
    Warning,
    /// It was broken and is mended now.
    Mended,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub weight: Weight,
    /// Where: `schema`, `database`, `archives`, `releases`, `key`, `space`, `clock`, `backup`.
    pub area: &'static str,
    /// What is wrong.
    pub what: String,
    /// What to do; empty where nothing has to be done.
    pub advice: String,
}

/// What was looked at and found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// What is, in plain sentences.
    pub sound: Vec<String>,
}

impl Report {
    /// Whether nothing is broken any more.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.weight != Weight::Fault)
    }

    fn add(&mut self, weight: Weight, area: &'static str, what: impl Into<String>, advice: impl Into<String>) {
        self.findings.push(Finding { weight, area, what: what.into(), advice: advice.into() });
    }

    fn fault(&mut self, area: &'static str, what: impl Into<String>, advice: impl Into<String>) {
        self.add(Weight::Fault, area, what, advice);
    }

    fn warn(&mut self, area: &'static str, what: impl Into<String>, advice: impl Into<String>) {
        self.add(Weight::Warning, area, what, advice);
    }
}

/// Examines an installation beside a running server. With a repair, mends what can be mended: counters that follow from
/// rows, files in the way (set aside, never removed at once), archives whose source is at hand, the key's mode.
///
/// # Errors
/// Where the database cannot be reached at all.
pub async fn examine(place: &Place, repair: Option<&Repair>) -> Result<Report, Error> {
    let mut report = Report::default();
    look_at_key(&place.key, repair.is_some(), &mut report);
    look_at_modes(place, repair.is_some(), &mut report);
    look_at_space(place, &mut report);
    let url = place.database.clone();
    let store = match opened(url, &mut report).await? {
        Some(store) => store,
        None => return Ok(report),
    };
    look_at_rows(&store, repair.is_some(), &mut report).await?;
    look_at_clocks(&store, &mut report).await?;
    look_at_backups(&store, &mut report).await?;
    look_at_archives(&store, place, repair, &mut report).await;
    look_at_releases(&store, place, &mut report).await?;
    Ok(report)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Error> {
    let ended = tokio::task::spawn_blocking(work).await;
    Ok(ended.map_err(|error| Error::Internal(error.to_string()))??)
}

/// The database, if it has our schema: a look changes nothing, so nothing is migrated.
async fn opened(url: DatabaseUrl, report: &mut Report) -> Result<Option<Store>, Error> {
    let look = url.clone();
    match blocking(move || migrate::look_at(&look)).await? {
        Found::Current => report.sound.push("the schema is the one of this version".into()),
        Found::Nothing => report.fault(
            "schema",
            "there is no database of aftermap",
            "check --data and --database-url, or restore a backup",
        ),
        Found::Older => report.fault("schema", "the schema is older than this version", "run `aftermap migrate`"),
        Found::Newer(version) => {
            let what = format!("the schema is newer than this version (migration {version})");
            report.fault("schema", what, "use the version that made it");
        }
    }
    match report.findings.iter().any(|finding| finding.area == "schema") {
        true => Ok(None),
        false => Ok(Some(blocking(move || Store::open(&url, 2)).await?)),
    }
}

async fn look_at_rows(store: &Store, repair: bool, report: &mut Report) -> Result<(), Error> {
    let mut faults = rows(store).await?;
    if repair && faults.iter().any(|fault| fault.mendable) {
        let mended = store.write(|conn: &mut Conn| Ok::<_, Error>(invariants::mend(conn)?)).await?;
        report.add(
            Weight::Mended,
            "database",
            format!("counters of {mended} tiles were set to what their rows say"),
            "",
        );
        faults = rows(store).await?;
    }
    if faults.is_empty() {
        report.sound.push("counters, keys and consensus agree with the rows".into());
    }
    for fault in faults {
        let advice = match fault.mendable {
            true => "run `aftermap doctor --repair`",
            false => "keep a copy of the database as it is, restore the newest backup beside it, and compare",
        };
        report.fault("database", fault.to_string(), advice);
    }
    Ok(())
}

async fn rows(store: &Store) -> Result<Vec<Fault>, Error> {
    let store = store.clone();
    blocking(move || store.read_snapshot(invariants::look)).await
}

async fn look_at_clocks(store: &Store, report: &mut Report) -> Result<(), Error> {
    let (newest, database) = store.read(|conn| Ok::<_, Error>(invariants::clocks(conn)?)).await?;
    let now = clock::now_ms();
    if let Some(ahead) = newest.map(|newest| newest - now).filter(|ahead| *ahead > CLOCKS_APART_MS) {
        let what = format!("the newest label came {} s after this machine's time", ahead / 1_000);
        report.fault("clock", what, "set the clock right (chrony, systemd-timesyncd)");
    }
    if let Some(apart) = database.map(|other| (other - now).abs()).filter(|apart| *apart > CLOCKS_APART_MS) {
        let what = format!("this machine's clock and that of the database differ by {} s", apart / 1_000);
        report.warn("clock", what, "set both right (chrony, systemd-timesyncd)");
    }
    Ok(())
}

async fn look_at_backups(store: &Store, report: &mut Report) -> Result<(), Error> {
    match store.read(|conn| Ok::<_, Error>(backups::last(conn)?)).await? {
        Some(last) if clock::now_ms() - last <= OLD_BACKUP_MS => {
            report.sound.push(format!("the newest backup is of {}", clock::rfc3339(last)));
        }
        Some(last) => {
            let what = format!("the newest backup is of {}", clock::rfc3339(last));
            report.warn("backup", what, "let `aftermap backup` run every night");
        }
        None => report.warn("backup", "no backup was ever made", "let `aftermap backup --out FOLDER` run every night"),
    }
    Ok(())
}

async fn look_at_archives(store: &Store, place: &Place, repair: Option<&Repair>, report: &mut Report) {
    let check = match check_archives(store, &place.archives, repair).await {
        Ok(check) => check,
        Err(error) => return report.fault("archives", error.to_string(), "see to it that they can be reached"),
    };
    report.sound.push(format!("{} scenes have their archive", check.sound));
    for name in &check.cut_again {
        report.add(Weight::Mended, "archives", format!("{name} was cut again from its source"), "");
    }
    for ailing in check.missing.iter().chain(&check.changed) {
        let what = format!("{} of scene `{}` {}", ailing.archive, ailing.scene, ailing.reason);
        let advice = format!(
            "put {} into a folder and run `aftermap doctor --repair --sources FOLDER`, or ingest it again as the first time",
            ailing.source_name
        );
        report.fault("archives", what, advice);
    }
    for name in &check.removed {
        report.add(Weight::Mended, "archives", format!("{name} was taken out of the way"), "");
    }
    for orphan in check.orphaned.iter().filter(|orphan| !check.removed.contains(orphan)) {
        let advice = "an ingest may be under way; when it is older than a day `--repair` sets it aside";
        report.warn("archives", format!("{orphan} belongs to no scene"), advice);
    }
    let unfinished = count_unfinished(place.archives.tiles_dir());
    if unfinished > 0 {
        let what = format!("{unfinished} unfinished files of cuts that are under way or were killed");
        report.warn("archives", what, "when they are older than a day `--repair` removes them");
    }
}

async fn look_at_releases(store: &Store, place: &Place, report: &mut Report) -> Result<(), Error> {
    let all = store.read(|conn| Ok::<_, Error>(releases::all(conn)?)).await?;
    let (count, home) = (all.len(), place.releases.clone());
    let damaged = tokio::task::spawn_blocking(move || check::check(&home, &all)).await;
    let damaged = damaged.map_err(|error| Error::Internal(error.to_string()))?;
    for one in &damaged {
        let what = format!("{} of release {} {}", one.file, one.version, one.reason);
        report.fault("releases", what, "take the file from a backup");
    }
    if damaged.is_empty() {
        report.sound.push(format!("{count} releases are what was released"));
    }
    Ok(())
}

fn look_at_key(key: &Path, repair: bool, report: &mut Report) {
    let Ok(about) = fs::metadata(key) else {
        let what = format!("there is no signing key {}", key.display());
        return report.warn("key", what, "the server makes one when it starts; everybody has to sign in again then");
    };
    if about.len() < LEAST_KEY {
        let what = format!("the key {} is too short", key.display());
        report.fault("key", what, "take it from a backup, or remove it: the server makes a new one");
    }
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return report.sound.push("the signing key is private".into());
    }
    let what = format!("others on this machine can read or change the key {} (mode {mode:o})", key.display());
    match repair && fs::set_permissions(key, fs::Permissions::from_mode(0o600)).is_ok() {
        true => report.add(Weight::Mended, "key", what, "it is private now; make a new one if others have seen it"),
        false => report.fault("key", what, "chmod 600, and make a new one if others have seen it"),
    }
}

/// Passwords' hashes, pseudonym keys and private pictures lie below the data folder.
fn look_at_modes(place: &Place, repair: bool, report: &mut Report) {
    let file = match &place.database {
        DatabaseUrl::Sqlite(path) => Some((path.clone(), 0o600)),
        DatabaseUrl::Postgres(_) => None,
    };
    let mut open = Vec::new();
    for (path, wanted) in std::iter::once((place.data.clone(), 0o700)).chain(file) {
        let Ok(about) = fs::metadata(&path) else { continue };
        if about.permissions().mode() & 0o077 != 0 {
            let mended = repair && fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).is_ok();
            open.push((path, wanted, about.permissions().mode() & 0o777, mended));
        }
    }
    if open.is_empty() {
        report.sound.push("the data folder is private".into());
    }
    for (path, wanted, mode, mended) in open {
        let what = format!("others on this machine can look into {} (mode {mode:o})", path.display());
        match mended {
            true => report.add(Weight::Mended, "modes", what, "it is private now"),
            false => report.warn("modes", what, format!("chmod {wanted:o} {}, or doctor --repair", path.display())),
        }
    }
}

fn look_at_space(place: &Place, report: &mut Report) {
    for folder in [place.data.as_path(), place.archives.tiles_dir()].iter().filter(|folder| folder.is_dir()) {
        let Ok(room) = rustix::fs::statvfs(*folder) else { continue };
        let free = room.f_bavail.saturating_mul(room.f_frsize);
        if free < LITTLE_SPACE {
            let what = format!("{} has {} MB left", folder.display(), free >> 20);
            report.warn("space", what, "make room: a full disk refuses labels, and loses none");
        }
    }
}
