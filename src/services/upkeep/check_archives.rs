//! Looks after the folder of scene archives: what is missing, what changed, what nobody needs any more.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use crate::imagery::upkeep::{empty_quarantine, remove_unfinished};
use crate::imagery::{Archives, ImageryError};
use crate::services::Error;
use crate::services::scenes::ingest::blocking;
use crate::storage::{Store, scenes};

/// An archive without a scene is left alone for a day: an ingest may still be deriving tiles from it.
const SPARED: Duration = Duration::from_secs(86_400);
/// What was taken out of the way is gone for good after 30 days.
const QUARANTINED: Duration = Duration::from_secs(30 * 86_400);

/// What is said of an archive that is not there.
const MISSING: &str = "is missing";

/// An archive that a scene needs and that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ailing {
    /// File name of the archive.
    pub archive: String,
    /// Title of the scene, and the source file from which it can be cut again.
    pub scene: String,
    /// Name of the source file.
    pub source_name: String,
    /// What is wrong.
    pub reason: String,
}

/// What a check found, and with `repair` what it did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArchiveCheck {
    /// Archives that are as they should be.
    pub sound: usize,
    /// Scenes whose archive is not there.
    pub missing: Vec<Ailing>,
    /// Scenes whose archive has other bytes than when it was cut. Repair sets these aside.
    pub changed: Vec<Ailing>,
    /// Archives of no scene. Repair sets them aside when they are older than a day.
    pub orphaned: Vec<String>,
    /// What repair took away: what it set aside, what killed cuts left, and what was set aside a month ago.
    pub removed: Vec<String>,
    /// Archives that repair cut again from their source.
    pub cut_again: Vec<String>,
}

impl ArchiveCheck {
    /// Whether every scene has its archive, unchanged.
    pub fn is_sound(&self) -> bool {
        self.missing.is_empty() && self.changed.is_empty()
    }

    /// What a person has to do, one sentence each.
    pub fn advice(&self) -> Vec<String> {
        let again = |ailing: &Ailing| {
            format!(
                "scene `{}`: {} {}; run `aftermap ingest` with {} again, as it was done the first time",
                ailing.scene, ailing.archive, ailing.reason, ailing.source_name
            )
        };
        self.missing.iter().chain(&self.changed).map(again).collect()
    }
}

/// What a repair may do.
#[derive(Debug, Clone, Default)]
pub struct Repair {
    /// Folder in which the sources of scenes may lie, under their own names: what is missing is cut again from them.
    pub sources: Option<PathBuf>,
}

/// Compares the archives with the database. Reads every archive of a folder once; takes about as long as reading the
/// files. With a repair, sets changed archives and old orphans aside (`quarantine/`), from where an operator can take them
/// back, and removes leftovers older than a day. Safe beside a running ingest: what it is cutting is locked, what it has
/// cut is young.
///
/// # Errors
/// Where the database or the storage does not answer.
pub async fn check_archives(
    store: &Store,
    archives: &Archives,
    repair: Option<&Repair>,
) -> Result<ArchiveCheck, Error> {
    // The archives first: one that comes meanwhile is then in the database, or too young to be an orphan.
    let stored = blocking({
        let archives = archives.clone();
        move || Ok(archives.all()?)
    })
    .await?;
    let wanted = store.read(|conn| Ok::<_, Error>(scenes::archives(conn)?)).await?;
    let (archives, repair) = (archives.clone(), repair.cloned());
    blocking(move || {
        let mut check = ArchiveCheck::default();
        look_at_wanted(&archives, &wanted, repair.as_ref(), &mut check)?;
        let known: HashSet<&str> = wanted.iter().map(|one| one.archive.as_str()).collect();
        for orphan in stored.iter().filter(|one| !known.contains(one.name.as_str())) {
            check.orphaned.push(orphan.name.clone());
            if repair.is_some() && orphan.age > SPARED && archives.set_aside(&orphan.name).is_ok() {
                check.removed.push(orphan.name.clone());
            }
        }
        if repair.is_some() {
            check.removed.extend(remove_unfinished(archives.tiles_dir(), SPARED));
            check.removed.extend(empty_quarantine(archives.tiles_dir(), QUARANTINED));
        }
        Ok(check)
    })
    .await
}

fn look_at_wanted(
    archives: &Archives,
    wanted: &[scenes::Wanted],
    repair: Option<&Repair>,
    check: &mut ArchiveCheck,
) -> Result<(), Error> {
    let mut seen: HashMap<&str, Option<String>> = HashMap::new();
    for one in wanted {
        let fault = match seen.get(one.archive.as_str()) {
            Some(fault) => fault.clone(),
            None => {
                let found = look(archives, one)?;
                let fault = mend(archives, one, found, repair, check);
                seen.insert(&one.archive, fault.clone());
                fault
            }
        };
        let Some(reason) = fault else {
            check.sound += 1;
            continue;
        };
        let list = if reason == MISSING { &mut check.missing } else { &mut check.changed };
        list.push(Ailing {
            archive: one.archive.clone(),
            scene: one.title.clone(),
            source_name: one.source_name.clone(),
            reason,
        });
    }
    Ok(())
}

/// What is wrong with an archive; one under a name that is none cannot be there.
fn look(archives: &Archives, one: &scenes::Wanted) -> Result<Option<String>, Error> {
    match archives.fault(&one.archive, &one.archive_sha256) {
        Err(ImageryError::ArchiveName(_)) => Ok(Some(MISSING.into())),
        found => Ok(found?),
    }
}

/// Sets a changed archive aside and cuts it again where its source is at hand; returns what is still wrong.
fn mend(
    archives: &Archives,
    one: &scenes::Wanted,
    fault: Option<String>,
    repair: Option<&Repair>,
    check: &mut ArchiveCheck,
) -> Option<String> {
    let reason = fault?;
    let Some(repair) = repair else { return Some(reason) };
    if reason != MISSING && archives.set_aside(&one.archive).is_ok() {
        check.removed.push(one.archive.clone());
    }
    let source = repair.sources.as_ref().map(|folder| folder.join(&one.source_name)).filter(|path| path.is_file());
    match source.map(|source| archives.cut_again(&source, &one.archive, &one.archive_sha256)) {
        Some(Ok(())) => {
            check.cut_again.push(one.archive.clone());
            None
        }
        Some(Err(error)) => Some(format!("{reason}, and cannot be cut again: {error}")),
        None => Some(reason),
    }
}
