//! Whether the files of releases are still what was released, and opening one of them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::folder::place;
use crate::domain::release::{Release, ReleaseFile};
use crate::services::Error;
use crate::services::maps::export_map::hex;

/// What is wrong with a file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Version of the release.
    pub version: u32,
    /// Name of the file.
    pub file: String,
    /// What is wrong.
    pub reason: String,
}

/// Reads every file of these releases again and reports those that are not what was released. Blocks.
pub fn check(home: &Path, releases: &[Release]) -> Vec<Damage> {
    let mut damaged = Vec::new();
    for release in releases {
        for file in &release.manifest.files {
            if let Err(reason) = verify(home, release.id, file) {
                damaged.push(Damage { version: release.version, file: file.name.clone(), reason });
            }
        }
    }
    damaged
}

/// Compares a file with its checksum. Blocks for as long as it takes to read it.
pub fn verify(home: &Path, release: i64, file: &ReleaseFile) -> Result<(), String> {
    let path = place(home, release).join(&file.name);
    let found = sha256(&path).map_err(|error| format!("cannot be read: {error}"))?;
    match found == file.sha256 {
        true => Ok(()),
        false => Err(format!("has the SHA-256 {found}, released was {}", file.sha256)),
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    let (mut file, mut hash, mut chunk) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&chunk[..read]),
        }
    }
}

/// Opens a file of a release; one of another length is refused.
pub fn open(home: &Path, release: &Release, file: &ReleaseFile) -> Result<File, Error> {
    let path = place(home, release.id).join(&file.name);
    let damaged = |reason: String| {
        Error::Internal(format!(
            "{} of release {} is not what was released: {reason}; restore {} from a backup",
            file.name,
            release.version,
            path.display()
        ))
    };
    let opened = File::open(&path).map_err(|error| damaged(error.to_string()))?;
    let bytes = opened.metadata().map_err(|error| damaged(error.to_string()))?.len();
    match bytes == file.bytes {
        true => Ok(opened),
        false => Err(damaged(format!("it has {bytes} bytes, released were {}", file.bytes))),
    }
}
