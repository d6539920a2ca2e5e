//! Receives the next bytes of an upload. What is acknowledged is on the disk: file synced first, then the row.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Intake, space};
use crate::imagery::{HEAD_BYTES, KIND_BYTES, hash_file, unwanted};
use crate::services::scenes::ingest::blocking;
use crate::services::{Error, clock};
use crate::storage::Store;
use crate::storage::scenes::uploads::{self, Upload};

/// After so many bytes what arrived is synced and noted, so that a crash costs little.
const SYNC_EVERY: i64 = 8 << 20;

/// One request that brings bytes. While it lives no other can bring any: the system frees its lock even if we are killed.
pub struct Receiver {
    store: Store,
    intake: Intake,
    upload: Upload,
    file: Option<File>,
    /// Bytes written since the last sync.
    pending: i64,
    /// The first bytes of the file, until they were looked at.
    head: Option<Vec<u8>>,
}

impl Receiver {
    /// Takes the upload's turn. `offset` is where the bytes will begin, `length` how many there are, if that is known.
    ///
    /// # Errors
    /// [`Error::WrongOffset`]; a conflict while another request is sending; [`Error::TooLarge`].
    pub async fn begin(
        store: Store,
        intake: Intake,
        upload: Upload,
        (offset, length): (i64, Option<u64>),
    ) -> Result<Receiver, Error> {
        let path = intake.path_of(upload.id);
        let file = blocking(move || open(path)).await?;
        // Read again under the lock: another request may have brought some meanwhile.
        let (campaign, id) = (upload.campaign_id, upload.id);
        let upload = store.read(move |conn| Ok::<_, Error>(uploads::find(conn, campaign, id)?)).await?;
        let gone = || Error::NotFound(format!("there is no upload `{id}` any more"));
        let upload = upload.ok_or_else(gone)?;
        if offset != upload.bytes_received {
            return Err(Error::WrongOffset(upload.bytes_received));
        }
        let left = (upload.bytes_total - offset).unsigned_abs();
        if let Some(length) = length {
            check_length(length, left)?;
            space::check_disk(&intake, length)?;
        }
        Ok(Receiver { store, intake, upload, file: Some(file), pending: 0, head: (offset == 0).then(Vec::new) })
    }

    /// Looks at what the file begins with, once so much of it is there.
    fn look_at_head(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(head) = &mut self.head else { return Ok(()) };
        let before = head.len();
        head.extend_from_slice(&bytes[..bytes.len().min(HEAD_BYTES - before)]);
        let looks = [KIND_BYTES, HEAD_BYTES];
        if looks.iter().any(|enough| before < *enough && head.len() >= *enough) {
            check_head(&self.upload.file_name, head)?;
        }
        Ok(())
    }

    /// Writes bytes; now and then they are synced and noted.
    pub async fn take(&mut self, bytes: bytes::Bytes) -> Result<(), Error> {
        let count = bytes.len() as i64;
        let at = self.upload.bytes_received + self.pending;
        check_length(bytes.len() as u64, (self.upload.bytes_total - at).unsigned_abs())?;
        self.look_at_head(&bytes)?;
        let mut file = self.file.take().ok_or_else(|| Error::Internal("an upload lost its file".into()))?;
        let written = blocking(move || {
            // What lies beyond was never acknowledged, and is overwritten.
            let done = file.seek(SeekFrom::Start(at.unsigned_abs())).and_then(|_| file.write_all(&bytes));
            Ok((done, file))
        });
        let (done, file) = written.await?;
        self.file = Some(file);
        done.map_err(disk_error)?;
        self.pending += count;
        match self.pending >= SYNC_EVERY {
            true => self.sync().await,
            false => Ok(()),
        }
    }

    /// Makes sure that all that was written is there for good.
    pub async fn sync(&mut self) -> Result<(), Error> {
        if self.pending == 0 {
            return Ok(());
        }
        let file = self.file.take().ok_or_else(|| Error::Internal("an upload lost its file".into()))?;
        let (done, file) = blocking(move || Ok((file.sync_data(), file))).await?;
        self.file = Some(file);
        done.map_err(disk_error)?;
        let (id, before) = (self.upload.id, self.upload.bytes_received);
        let after = before + self.pending;
        let noted =
            self.store.write(move |conn| Ok::<_, Error>(uploads::advance(conn, id, (before, after), clock::now_ms())?));
        if !noted.await? {
            return Err(Error::Conflict("this upload was removed, or is sent by another server".into()));
        }
        (self.upload.bytes_received, self.pending) = (after, 0);
        space::check_disk(&self.intake, 0)
    }

    /// Syncs; where the file is whole now, compares its checksum. Returns the upload as it stands.
    pub async fn finish(mut self) -> Result<Upload, Error> {
        self.sync().await?;
        if self.upload.bytes_received == self.upload.bytes_total && !self.upload.is_complete() {
            self.complete().await?;
        }
        Ok(self.upload)
    }

    /// What arrived is worth nothing: the upload is at its beginning again.
    async fn begin_anew(&self) -> Result<(), Error> {
        let (id, all) = (self.upload.id, self.upload.bytes_total);
        let again = move |conn: &mut crate::storage::Conn| {
            Ok::<_, Error>(uploads::advance(conn, id, (all, 0), clock::now_ms())?)
        };
        self.store.write(again).await.map(drop)
    }

    async fn complete(&mut self) -> Result<(), Error> {
        let (path, wanted) = (self.intake.path_of(self.upload.id), self.upload.sha256.clone());
        let right = blocking(move || match wanted {
            Some(wanted) => Ok(hash_file(&path)? == wanted),
            None => Ok(true),
        });
        if !right.await? {
            self.begin_anew().await?;
            let reason = "the file that arrived has another checksum: it was damaged on its way, send it again from 0";
            return Err(Error::invalid("sha256", reason));
        }
        // A head that came in several requests was not looked at as a whole.
        let (place, name) = (self.intake.path_of(self.upload.id), self.upload.file_name.clone());
        let looked = blocking(move || check_head(&name, &head_of(&place).map_err(disk_error)?)).await;
        if looked.is_err() {
            self.begin_anew().await?;
            return looked;
        }
        let id = self.upload.id;
        self.store.write(move |conn| Ok::<_, Error>(uploads::complete(conn, id, clock::now_ms())?)).await?;
        self.upload.state = "complete".into();
        Ok(())
    }
}

/// The first bytes of a file.
fn head_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

fn check_head(name: &str, head: &[u8]) -> Result<(), Error> {
    unwanted(name, head).map_or(Ok(()), |reason| Err(Error::WrongFile(reason)))
}

/// Opens the file, made if need be, and takes its lock.
fn open(path: PathBuf) -> Result<File, Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(disk_error)?;
    let is_new = !path.exists();
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(disk_error)?;
    if is_new {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(disk_error)?;
    }
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::Conflict("another request is sending this file at the moment: try again".into()))
        }
        Err(TryLockError::Error(error)) => Err(disk_error(error)),
    }
}

fn check_length(length: u64, left: u64) -> Result<(), Error> {
    match length > left {
        true => Err(Error::TooLarge(format!("{length} bytes were sent, and only {left} are left of this upload"))),
        false => Ok(()),
    }
}

fn disk_error(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Error::NoSpace { missing: 1, what: " at least, on the server's disk" }
        }
        _ => Error::Internal(format!("an upload cannot be written: {error}")),
    }
}
