//! Copying files that must arrive whole: beside their place, hashed on the way, synced, renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::manifest::Kept;
use crate::services::Error;
use crate::services::maps::export_map::hex;

/// What unfinished files end in.
pub const PART: &str = "part";
/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// Turns a system error into one that names the file; for `map_err`.
pub fn fault<'a>(path: &'a Path, doing: &'static str) -> impl Fn(io::Error) -> Error + 'a {
    move |error| Error::Internal(format!("{doing} {} failed: {error}", path.display()))
}

/// Length and SHA-256 (hex) of a file. Blocks for as long as it takes to read it.
pub fn sum(path: &Path) -> io::Result<(u64, String)> {
    pour(&mut File::open(path)?, &mut io::sink())
}

fn pour(from: &mut File, to: &mut dyn Write) -> io::Result<(u64, String)> {
    let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        match from.read(&mut chunk) {
            Ok(0) => return Ok((bytes, hex(&hash.finalize()))),
            Ok(count) => {
                hash.update(&chunk[..count]);
                to.write_all(&chunk[..count])?;
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The name under which a file is written before it gets its own.
pub fn part_of(to: &Path) -> PathBuf {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(PART);
    to.with_file_name(name)
}

/// A new file that its owner alone may read; one of that name from a killed run is replaced.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Copies a file; returns its length and SHA-256. With `link` the copy shares the bytes where the file system can.
pub fn copy(from: &Path, to: &Path, link: bool) -> Result<(u64, String), Error> {
    let part = part_of(to);
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(fault(folder, "making"))?;
    }
    let _ = fs::remove_file(&part);
    let sums = if link && fs::hard_link(from, &part).is_ok() {
        sum(&part).map_err(fault(from, "reading"))?
    } else {
        let mut source = File::open(from).map_err(fault(from, "opening"))?;
        let mut copy = create(&part).map_err(fault(&part, "making"))?;
        let sums = pour(&mut source, &mut copy).map_err(fault(&part, "writing"))?;
        copy.sync_all().map_err(fault(&part, "writing"))?;
        sums
    };
    put(&part, to)?;
    Ok(sums)
}

/// Writes a small file.
pub fn write_whole(to: &Path, bytes: &[u8]) -> Result<(), Error> {
    let part = part_of(to);
    let mut file = create(&part).map_err(fault(&part, "making"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fault(&part, "writing"))?;
    put(&part, to)
}

/// Syncs a file, gives it its name and syncs the folder.
pub fn put(part: &Path, to: &Path) -> Result<(), Error> {
    File::open(part).and_then(|file| file.sync_all()).map_err(fault(part, "writing"))?;
    fs::rename(part, to).map_err(fault(to, "renaming"))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault(folder, "writing"))
}

/// What is wrong with a file of a backup, if anything is.
pub fn look(home: &Path, file: &Kept) -> Option<String> {
    match sum(&home.join(&file.path)) {
        Err(error) => Some(format!("{} cannot be read: {error}", file.path)),
        Ok((bytes, sha256)) => (bytes != file.bytes || sha256 != file.sha256)
            .then(|| format!("{} has other bytes than when it was backed up", file.path)),
    }
}
