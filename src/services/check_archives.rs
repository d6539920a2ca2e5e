//! Looks after the folder of scene archives: what is missing, what changed, what nobody needs any more.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use super::Error;
use super::ingest::blocking;
use crate::imagery::upkeep::{remove_unfinished, stored_archives};
use crate::imagery::{Archives, SceneArchive, hash_file};
use crate::storage::{Store, scenes};

/// An archive without a scene is left alone for a day: an ingest may still be deriving tiles from it.
const SPARED: Duration = Duration::from_secs(86_400);

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
    /// Scenes whose archive has other bytes than when it was cut. Repair sets these aside (`.damaged`).
    pub changed: Vec<Ailing>,
    /// Archives of no scene. Repair removes them when they are older than a day.
    pub orphaned: Vec<String>,
    /// What repair removed: orphans, and what killed cuts left.
    pub removed: Vec<String>,
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

/// Compares the folder with the database. Reads every archive once; takes about as long as reading the files.
/// With `repair`, sets changed archives aside so that ingesting their source again cuts them anew (to the same bytes),
/// and removes orphans and leftovers older than a day.
pub async fn check_archives(store: &Store, archives: &Archives, repair: bool) -> Result<ArchiveCheck, Error> {
    // The folder first: an archive that comes meanwhile is then in the database, or too young to be an orphan.
    let folder = archives.tiles_dir().to_owned();
    let stored = blocking({
        let folder = folder.clone();
        move || Ok(stored_archives(&folder)?)
    })
    .await?;
    let wanted = store.read(|conn| Ok::<_, Error>(scenes::archives(conn)?)).await?;
    blocking(move || {
        let mut check = ArchiveCheck::default();
        look_at_wanted(&folder, &wanted, repair, &mut check);
        let known: HashMap<&str, ()> = wanted.iter().map(|one| (one.archive.as_str(), ())).collect();
        for orphan in stored.iter().filter(|one| !known.contains_key(one.name.as_str())) {
            check.orphaned.push(orphan.name.clone());
            if repair && orphan.age > SPARED && std::fs::remove_file(folder.join(&orphan.name)).is_ok() {
                check.removed.push(orphan.name.clone());
            }
        }
        if repair {
            check.removed.extend(remove_unfinished(&folder, SPARED));
        }
        Ok(check)
    })
    .await
}

fn look_at_wanted(folder: &Path, wanted: &[scenes::Wanted], repair: bool, check: &mut ArchiveCheck) {
    let mut seen: HashMap<&str, Option<String>> = HashMap::new();
    for one in wanted {
        let path = folder.join(&one.archive);
        let ailing = |reason: String| Ailing {
            archive: one.archive.clone(),
            scene: one.title.clone(),
            source_name: one.source_name.clone(),
            reason,
        };
        if !seen.contains_key(one.archive.as_str()) && !path.is_file() {
            check.missing.push(ailing("is missing".into()));
            continue;
        }
        let fault = seen.entry(&one.archive).or_insert_with(|| fault(&path, &one.archive_sha256));
        match fault {
            None => check.sound += 1,
            Some(reason) => {
                check.changed.push(ailing(reason.clone()));
                if repair && path.is_file() {
                    let aside = path.with_extension("pmtiles.damaged");
                    if std::fs::rename(&path, &aside).is_ok() {
                        check.removed.push(one.archive.clone());
                    }
                }
            }
        }
    }
}

/// What is wrong with an archive that is there.
fn fault(path: &Path, sha256: &str) -> Option<String> {
    match hash_file(path) {
        Err(error) => Some(format!("cannot be read ({error})")),
        Ok(found) if found != sha256 => match SceneArchive::open(path) {
            Ok(_) => Some("has other bytes than when it was cut".into()),
            Err(_) => Some("is damaged".into()),
        },
        Ok(_) => None,
    }
}
