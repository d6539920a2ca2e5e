//! Archives as wholes: brought in, sent to the storage, fetched, compared with their checksums, set aside.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::archive::{Temporary, archive_name, hash_file};
use super::archives::{Archives, checked, missing};
use super::bands::Look;
use super::error::ImageryError;
use super::scene::{CutRequest, cut_scene};
use super::serve::SceneArchive;
use super::upkeep::{StoredArchive, local_archives, touch};

/// Bytes of archives that stay on this machine as copies of those in S3-compatible storage.
const COPIES: u64 = 4 << 30;
/// Folder of what doctor takes out of the way, below that of the archives.
pub const QUARANTINE: &str = "quarantine";

impl Archives {
    /// Brings an archive in: beside its place, synced, renamed; or sends it to the storage. Blocks.
    ///
    /// # Errors
    /// [`ImageryError::ArchiveName`] for anything but an archive's name; [`ImageryError::Io`] where the disk fails;
    /// [`ImageryError::Away`] where the storage does not take it.
    pub fn put(&self, from: &Path, archive: &str) -> Result<(), ImageryError> {
        let name = checked(archive)?;
        if let Some(bucket) = self.bucket() {
            return bucket.wait(bucket.send(from, name, &hash_file(from)?));
        }
        let folder = self.tiles_dir();
        let to = folder.join(name);
        fs::create_dir_all(folder).map_err(ImageryError::io(folder, "making"))?;
        let mut part = Temporary::create(folder, archive, "-put")?;
        let mut source = File::open(from).map_err(ImageryError::io(from, "opening"))?;
        io::copy(&mut source, &mut part.file).map_err(ImageryError::io(&to, "writing"))?;
        part.file.sync_all().map_err(ImageryError::io(&to, "writing"))?;
        part.rename(&to)?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(ImageryError::io(folder, "writing"))
    }

    /// Sees to it that an archive which was cut in [`Archives::tiles_dir`] is where all archives are: sends it to the
    /// storage if there is one, and then takes the oldest copies away where there are too many. In a local folder there
    /// is nothing to do.
    ///
    /// # Errors
    /// [`ImageryError::Away`] where the storage does not take it: cutting the scene again goes on from here.
    pub async fn keep(&self, archive: &str, sha256: &str) -> Result<(), ImageryError> {
        let Some(bucket) = self.bucket() else { return Ok(()) };
        bucket.send(&self.tiles_dir().join(checked(archive)?), archive, sha256).await?;
        self.drop_copies(COPIES)
    }

    /// Takes copies away, the oldest first, until so many bytes are left.
    fn drop_copies(&self, most: u64) -> Result<(), ImageryError> {
        let mut copies = local_archives(self.tiles_dir())?;
        copies.sort_by_key(|copy| copy.age);
        let mut bytes = 0;
        for copy in copies {
            bytes += copy.bytes;
            if bytes > most {
                // Gone already, or it stays: it is merely a copy.
                let _ = fs::remove_file(self.tiles_dir().join(copy.name));
            }
        }
        Ok(())
    }

    /// Copies an archive into a file. Blocks.
    ///
    /// # Errors
    /// [`ImageryError::Archive`] where it is missing; [`ImageryError::Io`] where the disk fails; [`ImageryError::Away`].
    pub fn fetch(&self, archive: &str, to: &Path) -> Result<(), ImageryError> {
        match (self.local_file(checked(archive)?), self.bucket()) {
            (Some(from), _) => fs::copy(&from, to).map(drop).map_err(ImageryError::io(to, "writing")),
            (None, Some(bucket)) => bucket.wait(bucket.fetch(archive, to)),
            (None, None) => Err(missing(archive)),
        }
    }

    /// What is wrong with an archive of that SHA-256, if anything is. In a folder all of it is read; of the storage we ask
    /// for length and checksum, which it has compared when the archive came. Blocks.
    ///
    /// # Errors
    /// [`ImageryError::ArchiveName`] for anything but an archive's name; [`ImageryError::Away`].
    pub fn fault(&self, archive: &str, sha256: &str) -> Result<Option<String>, ImageryError> {
        checked(archive)?;
        let Some(bucket) = self.bucket() else { return Ok(self.fault_of_file(archive, sha256)) };
        Ok(match bucket.wait(bucket.look(archive))? {
            None => Some("is missing".into()),
            Some(there) if there.sha256.as_deref().is_none_or(|sent| sent == sha256) => None,
            Some(_) => Some("has other bytes than when it was cut".into()),
        })
    }

    fn fault_of_file(&self, archive: &str, sha256: &str) -> Option<String> {
        let Some(path) = self.local_file(archive) else { return Some("is missing".into()) };
        match hash_file(&path) {
            Err(error) => Some(format!("cannot be read ({error})")),
            Ok(found) if found == sha256 => None,
            Ok(_) => Some(match SceneArchive::open(&path) {
                Ok(_) => "has other bytes than when it was cut".into(),
                Err(_) => "is damaged".into(),
            }),
        }
    }

    /// All archives, by name. Blocks.
    ///
    /// # Errors
    /// [`ImageryError::Io`] where the folder cannot be read; [`ImageryError::Away`].
    pub fn all(&self) -> Result<Vec<StoredArchive>, ImageryError> {
        let Some(bucket) = self.bucket() else { return local_archives(self.tiles_dir()) };
        let found = bucket.wait(bucket.list())?;
        let ours = found.into_iter().filter(|(name, ..)| checked(name).is_ok());
        let mut all: Vec<_> = ours.map(|(name, bytes, age)| StoredArchive { name, bytes, age }).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// Moves an archive out of the way, below `quarantine/`; from there an operator can take it back. Blocks.
    ///
    /// # Errors
    /// [`ImageryError::ArchiveName`]; [`ImageryError::Io`] where the disk fails; [`ImageryError::Away`].
    pub fn set_aside(&self, archive: &str) -> Result<(), ImageryError> {
        checked(archive)?;
        if let Some(bucket) = self.bucket() {
            return bucket.wait(bucket.set_aside(archive));
        }
        let folder = self.tiles_dir().join(QUARANTINE);
        fs::create_dir_all(&folder).map_err(ImageryError::io(&folder, "making"))?;
        let from = self.tiles_dir().join(archive);
        // From now on its age is the time since it was set aside.
        touch(&from);
        fs::rename(&from, folder.join(archive)).map_err(ImageryError::io(&from, "moving"))
    }

    /// Cuts an archive again from its source, as it comes without any choice of how it is shown. Blocks.
    ///
    /// # Errors
    /// Where the file is another one or the scene was cut in another way: then its ingest has to be repeated.
    pub fn cut_again(&self, source: &Path, archive: &str, sha256: &str) -> Result<(), ImageryError> {
        let refuse = |reason: &str| Err(ImageryError::unusable(source, reason));
        if archive_name(&hash_file(source)?, None, &Look::default()) != archive {
            return refuse("it is not the file that this scene was cut from, or bands and stretch were chosen by hand");
        }
        let cut = cut_scene(&CutRequest::new(source, self.tiles_dir()), &())?;
        if cut.archive_sha256 != sha256 {
            return refuse("this version of aftermap cuts it to other bytes: use the version that cut it first");
        }
        self.bucket().map_or(Ok(()), |bucket| bucket.wait(self.keep(archive, sha256)))
    }
}
