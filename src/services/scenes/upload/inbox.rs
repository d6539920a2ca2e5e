//! The inbox of a campaign: files that the operator laid into the data folder for it. Nothing outside of it is ever
//! named or read.

use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::services::Error;

/// Most files that are listed.
const MOST_FILES: usize = 1_000;
/// How deep folders are looked into.
const DEEPEST: usize = 4;

/// A file in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxFile {
    /// Its path below the inbox, with `/`.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// When it changed, milliseconds since 1970.
    pub modified_at: i64,
}

/// The files of the inbox, by name. Symbolic links, hidden files and names that are no text are left out.
pub fn files(inbox: &Path) -> Vec<InboxFile> {
    let mut found = Vec::new();
    look(inbox, "", 0, &mut found);
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn look(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<InboxFile>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        // The kind of the entry itself: a link is neither a file nor a folder here.
        let (Ok(kind), Some(name)) = (entry.file_type(), entry.file_name().to_str().map(str::to_owned)) else {
            continue;
        };
        if found.len() >= MOST_FILES || name.starts_with('.') || name.chars().any(char::is_control) {
            continue;
        }
        let name = format!("{prefix}{name}");
        if kind.is_dir() && depth < DEEPEST {
            look(&entry.path(), &format!("{name}/"), depth + 1, found);
        } else if let (true, Ok(about)) = (kind.is_file(), entry.metadata()) {
            let since = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let modified_at = since.map_or(0, |since| since.as_millis() as i64);
            found.push(InboxFile { name, bytes: about.len(), modified_at });
        }
    }
}

/// The path of a file in the inbox.
///
/// # Errors
/// For a name that leads elsewhere, also through a link, and for one that is not there.
pub fn find_file(inbox: &Path, name: &str) -> Result<PathBuf, Error> {
    let unknown = || Error::NotFound(format!("there is no file `{name}` in the inbox"));
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.is_empty() || name.contains('\0') {
        return Err(Error::invalid("file", "name a file of the inbox, as it is listed"));
    }
    let home = inbox.canonicalize().map_err(|_| unknown())?;
    let path = home.join(name).canonicalize().map_err(|_| unknown())?;
    match path.starts_with(&home) && path.is_file() {
        true => Ok(path),
        false => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_the_inbox_is_listed_and_found() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = folder.path().join("inbox");
        std::fs::create_dir_all(inbox.join("2025")).unwrap();
        std::fs::write(folder.path().join("key"), "secret").unwrap();
        std::fs::write(inbox.join("2025/a.tif"), "abc").unwrap();
        std::fs::write(inbox.join(".hidden"), "abc").unwrap();
        std::os::unix::fs::symlink(folder.path().join("key"), inbox.join("link")).unwrap();
        std::os::unix::fs::symlink(folder.path(), inbox.join("up")).unwrap();
        let names: Vec<String> = files(&inbox).into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["2025/a.tif"]);
        assert!(find_file(&inbox, "2025/a.tif").is_ok());
        for bad in ["", ".", "..", "../key", "/etc/passwd", "link", "up/key", "2025", "2025/../../key", "b.tif", "a\0"]
        {
            assert!(find_file(&inbox, bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn without_an_inbox_there_is_nothing() {
        assert!(files(Path::new("no such folder")).is_empty());
        assert!(find_file(Path::new("no such folder"), "a").is_err());
    }
}
