//! Puts a backup into a new place: everything is verified before anything is written, and looked at again in the end.

use std::fs;
use std::path::{Path, PathBuf};

use super::backup::files::{self, fault};
use super::backup::manifest::{self, Kept, Manifest, entries};
use super::backup::set_private;
use crate::imagery::Archives;
use crate::services::Error;
use crate::storage::upkeep::{backups, copy, invariants, migrate};
use crate::storage::{DatabaseUrl, Store};

/// What may lie in an empty folder.
const NOTHING: [&str; 1] = ["lost+found"];

/// Where a backup is, and where it is to go.
pub struct Request {
    /// Folder of the backups.
    pub home: PathBuf,
    /// Which one; the newest without a name.
    pub name: Option<String>,
    /// The new data folder: releases and key go there. Must be empty or not there.
    pub data: PathBuf,
    /// The new database. Must be empty or not there.
    pub database: DatabaseUrl,
    /// Where archives of scenes go.
    pub archives: Archives,
    /// Where the key goes.
    pub key: PathBuf,
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// The backup.
    pub manifest: Manifest,
    /// What is wrong with what now stands there; empty where all is well.
    pub faults: Vec<String>,
}

/// Restores a backup. Blocks; reads every file twice.
///
/// # Errors
/// Where the backup is damaged or the target is not empty: then nothing was written. Where the target cannot be
/// written: then it has to be emptied before the next attempt.
pub fn restore(request: &Request, mut say: impl FnMut(&str)) -> Result<Restored, Error> {
    let manifest = manifest::read(&request.home, request.name.as_deref())?;
    refuse_what_is_there(request)?;
    say("verifying the backup");
    let damaged: Vec<String> = manifest.files().filter_map(|file| files::look(&request.home, file)).collect();
    if let Some(first) = damaged.first() {
        let count = damaged.len();
        return Err(Error::Conflict(format!(
            "the backup is damaged ({count} files): {first}; restore an older one with --at"
        )));
    }
    fs::create_dir_all(&request.data).map_err(fault(&request.data, "making"))?;
    say("copying archives and releases");
    for file in &manifest.archives {
        request.archives.put(&request.home.join(&file.path), file.path.trim_start_matches("tiles/"))?;
    }
    for file in &manifest.releases {
        put(request, file, &request.data.join(&file.path))?;
    }
    if let Some(key) = &manifest.key {
        put(request, key, &request.key)?;
        set_private(&request.key)?;
    }
    say("filling the database");
    fill(request, &manifest)?;
    say("checking");
    let faults = check(request, &manifest)?;
    Ok(Restored { manifest, faults })
}

fn refuse_what_is_there(request: &Request) -> Result<(), Error> {
    let refuse = |what: String| Err(Error::Conflict(format!("{what}; name a new place, or move that away")));
    if let DatabaseUrl::Sqlite(path) = &request.database
        && path.exists()
    {
        return refuse(format!("there is a database {}", path.display()));
    }
    if request.key.exists() {
        return refuse(format!("there is a key {}", request.key.display()));
    }
    if !request.data.exists() {
        return Ok(());
    }
    let is_content = |path: &&PathBuf| !NOTHING.iter().any(|name| path.ends_with(name));
    match entries(&request.data)?.iter().find(is_content) {
        Some(found) => refuse(format!("the data folder is not empty: there is {}", found.display())),
        None => Ok(()),
    }
}

/// Copies a file of the backup and compares what arrived.
fn put(request: &Request, file: &Kept, to: &Path) -> Result<(), Error> {
    let (_, sha256) = files::copy(&request.home.join(&file.path), to, false)?;
    match sha256 == file.sha256 {
        true => Ok(()),
        false => Err(Error::Internal(format!("{} changed while it was restored: try again", file.path))),
    }
}

/// The database comes last: as long as it is not there, nobody takes the folder for a complete one.
fn fill(request: &Request, manifest: &Manifest) -> Result<(), Error> {
    let to = match &request.database {
        DatabaseUrl::Sqlite(path) => path.clone(),
        DatabaseUrl::Postgres(_) => request.data.join("restore.sqlite"),
    };
    let part = files::part_of(&to);
    put(request, &manifest.database, &part)?;
    // A backup of an older version is brought up to date here.
    let working = DatabaseUrl::Sqlite(part.clone());
    migrate::up_at(&working)?;
    backups::settle(&part)?;
    match &request.database {
        DatabaseUrl::Sqlite(_) => files::put(&part, &to),
        DatabaseUrl::Postgres(_) => {
            let copied = copy::copy(&working, &request.database, |_| ());
            // Gone with the folder where it will not go.
            let _ = fs::remove_file(&part);
            Ok(copied?)
        }
    }
}

/// Looks at what now stands there as `aftermap doctor` does, and compares the tables with those of the backup.
fn check(request: &Request, manifest: &Manifest) -> Result<Vec<String>, Error> {
    let store = Store::open(&request.database, 2)?;
    let mut faults = manifest.missing.iter().map(|what| format!("the backup lacks {what}")).collect::<Vec<_>>();
    let (tables, wrong) =
        store.read_snapshot(|conn| Ok::<_, Error>((backups::tables(conn)?, invariants::look(conn)?)))?;
    for (name, rows) in &manifest.tables {
        match tables.get(name) {
            Some(found) if found == rows => {}
            Some(found) => faults.push(format!("table `{name}` has {found} rows, the backup has {rows}")),
            None => faults.push(format!("table `{name}` is not there")),
        }
    }
    faults.extend(wrong.iter().map(ToString::to_string));
    for file in &manifest.archives {
        let name = file.path.trim_start_matches("tiles/");
        faults.extend(request.archives.fault(name, &file.sha256)?.map(|reason| format!("archive {name} {reason}")));
    }
    Ok(faults)
}
