//! What a backup says about itself: one JSON file for each, written last, so that a backup which can be seen is complete.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{self, fault};
use crate::services::Error;

/// The version of this layout.
pub const FORMAT: u32 = 1;
/// What the names of databases and manifests begin with.
const PREFIX: &str = "aftermap-";

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Where it lies below the folder of the backups, with `/`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content, hex.
    pub sha256: String,
}

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this layout.
    pub format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// What it is called: the moment, as `20261122T111500Z`.
    pub name: String,
    /// The moment, milliseconds since 1970.
    pub made_at: i64,
    /// The database as a SQLite file, whatever it is itself.
    pub database: Kept,
    /// Tables with their numbers of rows.
    pub tables: BTreeMap<String, u64>,
    /// Archives of scenes; shared by all backups of the folder.
    pub archives: Vec<Kept>,
    /// Files of releases; shared likewise.
    pub releases: Vec<Kept>,
    /// The signing key, if it was asked for.
    pub key: Option<Kept>,
    /// What the database names and was not there, or not as it should be: it is not in the backup.
    pub missing: Vec<String>,
}

impl Manifest {
    /// All files with their places.
    pub fn files(&self) -> impl Iterator<Item = &Kept> {
        [&self.database].into_iter().chain(&self.archives).chain(&self.releases).chain(&self.key)
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files().map(|file| file.bytes).sum()
    }

    /// Stores it beside the database; from here on the backup is there.
    pub fn write(&self, home: &Path) -> Result<(), Error> {
        let json = serde_json::to_vec_pretty(self).map_err(|error| Error::Internal(error.to_string()))?;
        files::write_whole(&home.join(manifest_name(&self.name)), &json)
    }
}

/// Name of a backup's database file.
pub fn database_name(name: &str) -> String {
    format!("{PREFIX}{name}.sqlite")
}

/// Name of a backup's manifest.
pub fn manifest_name(name: &str) -> String {
    format!("{PREFIX}{name}.json")
}

/// What a file in the folder of backups belongs to: the name of a backup and the rest of the file's name.
pub fn belongs_to(file: &str) -> Option<(&str, &str)> {
    let (name, rest) = file.strip_prefix(PREFIX)?.split_once('.')?;
    let is_moment = name.len() == 16 && name.bytes().all(|b| b.is_ascii_digit() || b == b'T' || b == b'Z');
    is_moment.then_some((name, rest))
}

/// The names of all backups in a folder, oldest first.
pub fn names(home: &Path) -> Result<Vec<String>, Error> {
    let mut found: Vec<String> = entries(home)?
        .iter()
        .filter_map(|path| path.file_name()?.to_str().and_then(belongs_to).filter(|(_, rest)| *rest == "json"))
        .map(|(name, _)| name.to_owned())
        .collect();
    found.sort();
    Ok(found)
}

/// What lies in a folder.
pub fn entries(home: &Path) -> Result<Vec<PathBuf>, Error> {
    let all = fs::read_dir(home).map_err(fault(home, "reading"))?;
    all.map(|entry| entry.map(|entry| entry.path()).map_err(fault(home, "reading"))).collect()
}

/// Reads a backup: the named one, or the newest.
///
/// # Errors
/// Where there is none, or it was written by a program that keeps them otherwise.
pub fn read(home: &Path, name: Option<&str>) -> Result<Manifest, Error> {
    let all = names(home)?;
    let there = all.join(", ");
    let found = match name {
        Some(name) => all.iter().find(|one| *one == name),
        None => all.last(),
    };
    let Some(found) = found else {
        let which = name.map_or_else(String::new, |name| format!(" `{name}`; there are: {there}"));
        return Err(Error::NotFound(format!("{} holds no backup{which}", home.display())));
    };
    let path = home.join(manifest_name(found));
    let unreadable = |reason: String| Error::Internal(format!("{} cannot be read: {reason}", path.display()));
    let text = fs::read(&path).map_err(|error| unreadable(error.to_string()))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
    if manifest.format != FORMAT {
        let reason =
            format!("it has layout {}, this version knows {FORMAT}; use the program that made it", manifest.format);
        return Err(unreadable(reason));
    }
    if let Some(outside) = manifest.files().find(|file| !is_inside(&file.path)) {
        return Err(unreadable(format!("`{}` lies outside the folder", outside.path)));
    }
    Ok(manifest)
}

/// Whether a path stays below the folder: a manifest comes from outside, and is to write nothing elsewhere.
fn is_inside(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !path.is_empty()
        && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.chars().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_taken_for_backups() {
        assert_eq!(belongs_to("aftermap-20261122T111500Z.json"), Some(("20261122T111500Z", "json")));
        assert_eq!(belongs_to("aftermap-20261122T111500Z.sqlite.part"), Some(("20261122T111500Z", "sqlite.part")));
        for other in ["aftermap.sqlite", "aftermap-notes.json", "letter.json", "aftermap-20261122T111500Z"] {
            assert_eq!(belongs_to(other), None, "{other}");
        }
    }

    #[test]
    fn a_manifest_names_no_file_outside_its_folder() {
        assert!(is_inside("tiles/0a.pmtiles") && is_inside("releases/17/CITATION.cff"));
        for bad in ["/etc/passwd", "../key", "tiles/../../key", "tiles//a", "", ".ssh/id", "a\\b", "a b"] {
            assert!(!is_inside(bad), "{bad}");
        }
    }
}
