//! The folder of a release while it is made: each file is hashed as it is written and synced; the folder gets its real
//! name when all are there. Whatever happens before that leaves nothing that could be taken for a release.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::domain::release::{Audience, ReleaseFile};
use crate::services::Error;
use crate::services::maps::export_map::Hashing;

/// A folder under a working name.
pub struct Folder {
    home: PathBuf,
    part: PathBuf,
    id: i64,
    /// The files written so far.
    pub files: Vec<ReleaseFile>,
}

/// Where the files of a finished release are.
pub fn place(home: &Path, release: i64) -> PathBuf {
    home.join(release.to_string())
}

impl Folder {
    /// An empty folder for the release of this database id.
    pub fn new(home: &Path, id: i64) -> Result<Folder, Error> {
        let part = home.join(format!(".{id}.part"));
        fs::create_dir_all(&part).map_err(|error| fault(&part, &error))?;
        Ok(Folder { home: home.to_owned(), part, id, files: Vec::new() })
    }

    /// The database id of the release to be.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Where a file that was written already lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.part.join(name)
    }

    /// Writes a file; `run` returns its number of rows, if it has rows.
    pub fn write(
        &mut self,
        (name, media_type): (&str, &str),
        audience: Audience,
        run: impl FnOnce(&mut (dyn Write + Send)) -> Result<Option<u64>, Error>,
    ) -> Result<(), Error> {
        let path = self.path(name);
        let wrong = |error: io::Error| fault(&path, &error);
        let file = File::create_new(&path).map_err(wrong)?;
        let mut out = Hashing::new(file);
        let rows = run(&mut out)?;
        let (file, bytes, sha256) = out.finish().map_err(wrong)?;
        file.sync_all().map_err(wrong)?;
        let (name, media_type) = (name.to_owned(), media_type.to_owned());
        self.files.push(ReleaseFile { name, media_type, bytes, rows, sha256, audience });
        Ok(())
    }

    /// Writes a file of text.
    pub fn text(&mut self, what: (&str, &str), audience: Audience, text: &str) -> Result<(), Error> {
        let path = self.path(what.0);
        self.write(what, audience, |out| {
            out.write_all(text.as_bytes()).map_err(|error| fault(&path, &error))?;
            Ok(None)
        })
    }

    /// Gives the folder its name; from here on nothing in it changes.
    pub fn finish(&self) -> Result<(), Error> {
        let sync = |path: &Path| File::open(path).and_then(|folder| folder.sync_all());
        let to = place(&self.home, self.id);
        let done = sync(&self.part).and_then(|()| fs::rename(&self.part, &to)).and_then(|()| sync(&self.home));
        done.map_err(|error| fault(&to, &error))
    }

    /// Takes the folder away, under either name.
    pub fn discard(&self) {
        // Gone already, or the sweep of a later release finds it.
        let _ = fs::remove_dir_all(&self.part);
        let _ = fs::remove_dir_all(place(&self.home, self.id));
    }
}

/// Folders whose release is not in the database, by their ids: left behind by a process that was killed.
pub fn leftovers(home: &Path, known: &mut dyn FnMut(i64) -> Result<bool, Error>) -> Result<Vec<PathBuf>, Error> {
    let Ok(entries) = fs::read_dir(home) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let bare = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part")).unwrap_or(&name);
        if let Ok(id) = bare.parse::<i64>()
            && !known(id)?
        {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn fault(path: &Path, error: &io::Error) -> Error {
    Error::Internal(format!("a release cannot be written to {}: {error}", path.display()))
}
