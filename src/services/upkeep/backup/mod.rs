//! A backup beside a running server: the database as it is now, and the files it names, which never change once written
//! and are therefore copied once.
//!
//! ```text
//! FOLDER/aftermap-20261122T111500Z.sqlite   the database, whatever it is itself (storage::backups::snapshot)
//! FOLDER/aftermap-20261122T111500Z.json     the manifest: written last, so that what can be seen is complete
//! FOLDER/tiles/…  FOLDER/releases/…         shared by all backups of the folder
//! ```
//!
//! The snapshot is taken first and the files that it names afterwards: what comes later belongs to the next backup.

pub mod files;
pub mod manifest;

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::files::fault;
use self::manifest::{FORMAT, Kept, Manifest, belongs_to, database_name, entries, manifest_name, names};
use crate::imagery::Archives;
use crate::services::maps::release::folder;
use crate::services::{Error, clock};
use crate::storage::maps::releases;
use crate::storage::upkeep::backups;
use crate::storage::{Conn, DatabaseUrl, scenes};

/// Who holds this file works in the folder.
const LOCK: &str = ".lock";

/// What is to be backed up, and how.
pub struct Request {
    /// The database.
    pub database: DatabaseUrl,
    /// The archives of scenes; without them where somebody else keeps them safe.
    pub archives: Option<Archives>,
    /// Folder of the releases.
    pub releases: PathBuf,
    /// The signing key, if it is to be in the backup.
    pub key: Option<PathBuf>,
    /// Folder of the backups; made if need be.
    pub home: PathBuf,
    /// How many backups to keep; older ones are taken away.
    pub keep: usize,
    /// Share the bytes of archives and releases with the originals (hard links) where both lie on one file system.
    pub link: bool,
    /// Read again what earlier backups copied.
    pub verify: bool,
}

/// Makes a backup and returns what is in it. Blocks; takes as long as reading all that is new.
///
/// # Errors
/// Where the database or the folder cannot be used. Archives and releases that are missing or changed do not stop it:
/// they are named in [`Manifest::missing`].
pub fn backup(request: &Request) -> Result<Manifest, Error> {
    let home = &request.home;
    let _lock = enter(home)?;
    // One that cannot be read only costs time: all is copied anew.
    let before = manifest::read(home, None).ok();
    sweep(home)?;
    let (made_at, name) = free_name(home)?;
    let (database, tables) = take_database(request, &name)?;
    let mut conn = backups::open_file(&home.join(&database.path))?;
    let mut copying = Copying { request, known: known(before.as_ref()), missing: Vec::new() };
    let archives = copying.archives(&mut conn)?;
    let releases = copying.releases(&mut conn)?;
    let key = request.key.as_ref().map(|key| copy_key(key, home, &name)).transpose()?;
    let missing = copying.missing;
    let program = env!("CARGO_PKG_VERSION").into();
    let made = Manifest { format: FORMAT, program, name, made_at, database, tables, archives, releases, key, missing };
    made.write(home)?;
    forget_old(home, request.keep)?;
    if let Err(error) = backups::note(&request.database, made_at, clock::now_ms(), made.bytes()) {
        tracing::warn!(%error, "the backup is complete, but could not be noted in the database");
    }
    Ok(made)
}

/// Makes the folder and sees to it that nobody else works in it. A folder that holds other things is refused.
fn enter(home: &Path) -> Result<File, Error> {
    // What is in it is private.
    DirBuilder::new().recursive(true).mode(0o700).create(home).map_err(fault(home, "making"))?;
    let lock = home.join(LOCK);
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        matches!(name, LOCK | "tiles" | "releases" | "lost+found") || belongs_to(name).is_some()
    };
    if let Some(other) = entries(home)?.iter().find(|path| !is_ours(path)) {
        let reason = format!("{} is not of a backup: name an empty folder, or one of backups", other.display());
        return Err(Error::Conflict(reason));
    }
    let file = File::create(&lock).map_err(fault(&lock, "making"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(Error::Conflict(format!("another backup is being written to {}", home.display()))),
    }
}

/// A moment that no backup is called by; they are counted in seconds.
fn free_name(home: &Path) -> Result<(i64, String), Error> {
    for _ in 0..30 {
        let now = clock::now_ms();
        let name = name_of(now);
        if !home.join(manifest_name(&name)).exists() {
            return Ok((now, name));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(Error::Conflict("the clock stands still: a backup of this second is there".into()))
}

fn name_of(ms: i64) -> String {
    let text = clock::rfc3339(ms - ms.rem_euclid(1_000));
    text.chars().filter(|c| !"-:".contains(*c)).collect()
}

fn take_database(request: &Request, name: &str) -> Result<(Kept, BTreeMap<String, u64>), Error> {
    let path = database_name(name);
    let to = request.home.join(&path);
    let part = files::part_of(&to);
    backups::snapshot(&request.database, &part)?;
    backups::settle(&part)?;
    set_private(&part)?;
    files::put(&part, &to)?;
    let tables = backups::tables(&mut backups::open_file(&to)?)?;
    let (bytes, sha256) = files::sum(&to).map_err(fault(&to, "reading"))?;
    Ok((Kept { path, bytes, sha256 }, tables))
}

/// A file that its owner alone may read.
pub(super) fn set_private(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(fault(path, "changing"))
}

fn copy_key(key: &Path, home: &Path, name: &str) -> Result<Kept, Error> {
    let path = format!("{}.key", manifest_name(name).trim_end_matches(".json"));
    let (bytes, sha256) = files::copy(key, &home.join(&path), false)?;
    Ok(Kept { path, bytes, sha256 })
}

fn known(before: Option<&Manifest>) -> BTreeMap<String, Kept> {
    let files = before.into_iter().flat_map(|before| before.archives.iter().chain(&before.releases));
    files.map(|file| (file.path.clone(), file.clone())).collect()
}

/// The files that a database names, on their way into the backup.
struct Copying<'a> {
    request: &'a Request,
    known: BTreeMap<String, Kept>,
    missing: Vec<String>,
}

impl Copying<'_> {
    fn archives(&mut self, conn: &mut Conn) -> Result<Vec<Kept>, Error> {
        let Some(archives) = &self.request.archives else { return Ok(Vec::new()) };
        let mut kept: Vec<Kept> = Vec::new();
        for one in scenes::archives(conn)? {
            let path = format!("tiles/{}", one.archive);
            if kept.last().is_some_and(|last| last.path == path) {
                continue;
            }
            let copied = match self.is_there(&path, Some(&one.archive_sha256)) {
                Some(file) => Ok(file),
                None => self.copy_archive(archives, &one, path),
            };
            match copied {
                Ok(file) => kept.push(file),
                Err(error) => self.missing.push(format!("{} of scene `{}`: {error}", one.archive, one.title)),
            }
        }
        Ok(kept)
    }

    /// Copies an archive from the disk or the storage; what has other bytes than when it was cut is no backup of it.
    fn copy_archive(&self, archives: &Archives, one: &scenes::Wanted, path: String) -> Result<Kept, Error> {
        let to = self.request.home.join(&path);
        let (bytes, sha256) = match archives.local_file(&one.archive) {
            Some(from) => files::copy(&from, &to, self.request.link)?,
            None => {
                let part = files::part_of(&to);
                let folder = self.request.home.join("tiles");
                fs::create_dir_all(&folder).map_err(fault(&folder, "making"))?;
                archives.fetch(&one.archive, &part)?;
                set_private(&part)?;
                files::put(&part, &to)?;
                files::sum(&to).map_err(fault(&to, "reading"))?
            }
        };
        if sha256 == one.archive_sha256 {
            return Ok(Kept { path, bytes, sha256 });
        }
        // It would be taken for a good one by nobody, but it is of no use.
        let _ = fs::remove_file(&to);
        Err(Error::Conflict("it has other bytes than when it was cut".into()))
    }

    /// All files of all releases, those that the manifest of a release does not list among them.
    fn releases(&mut self, conn: &mut Conn) -> Result<Vec<Kept>, Error> {
        let mut kept = Vec::new();
        for release in releases::all(conn)? {
            let place = folder::place(&self.request.releases, release.id);
            let Ok(found) = entries(&place) else {
                self.missing.push(format!("the folder {} of release {}", release.id, release.version));
                continue;
            };
            let mut found: Vec<_> = found.into_iter().filter(|path| path.is_file()).collect();
            found.sort();
            for from in found {
                let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let path = format!("releases/{}/{name}", release.id);
                let listed = release.manifest.files.iter().find(|file| file.name == name);
                let wanted = listed.map(|file| file.sha256.as_str());
                if let Some(file) = self.is_there(&path, wanted) {
                    kept.push(file);
                    continue;
                }
                let (bytes, sha256) = files::copy(&from, &self.request.home.join(&path), self.request.link)?;
                if wanted.is_some_and(|wanted| wanted != sha256) {
                    self.missing.push(format!("{path} has other bytes than what was released; kept as it is"));
                }
                kept.push(Kept { path, bytes, sha256 });
            }
        }
        Ok(kept)
    }

    /// A file that an earlier backup copied and that is still the one that is wanted.
    fn is_there(&self, path: &str, sha256: Option<&str>) -> Option<Kept> {
        let file = self.known.get(path).filter(|file| sha256.is_none_or(|sha256| sha256 == file.sha256))?;
        let there = fs::metadata(self.request.home.join(path)).is_ok_and(|about| about.len() == file.bytes);
        let sound = there && (!self.request.verify || files::look(&self.request.home, file).is_none());
        sound.then(|| file.clone())
    }
}

/// Takes away what killed backups left: databases without a manifest, and unfinished files.
fn sweep(home: &Path) -> Result<(), Error> {
    let complete: HashSet<String> = names(home)?.into_iter().collect();
    for path in entries(home)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if belongs_to(name).is_some_and(|(name, rest)| !complete.contains(name) || rest.ends_with(files::PART)) {
            fs::remove_file(&path).map_err(fault(&path, "removing"))?;
        }
    }
    Ok(())
}

/// Keeps the newest backups, and of the shared files those that one of them names.
fn forget_old(home: &Path, keep: usize) -> Result<(), Error> {
    let all = names(home)?;
    let (old, kept) = all.split_at(all.len().saturating_sub(keep.max(1)));
    if old.is_empty() {
        return Ok(());
    }
    let mut wanted = HashSet::new();
    for name in kept {
        match manifest::read(home, Some(name)) {
            Ok(one) => wanted.extend(one.files().map(|file| home.join(&file.path))),
            Err(error) => {
                tracing::warn!(%error, "a backup cannot be read, so nobody knows what it needs: old ones are kept");
                return Ok(());
            }
        }
    }
    for name in old {
        let Ok(gone) = manifest::read(home, Some(name)) else { continue };
        // The manifest first: what is left without one is swept away by the next backup.
        let path = home.join(manifest_name(name));
        fs::remove_file(&path).map_err(fault(&path, "removing"))?;
        for path in gone.files().map(|file| home.join(&file.path)).filter(|path| !wanted.contains(path)) {
            // Gone already where an operator tidied up by hand.
            let _ = fs::remove_file(path);
        }
    }
    Ok(())
}
