//! What can go wrong with imagery, in words for the person who brought the file.

use std::io;
use std::path::Path;

/// Why a picture could not be read, cut or served.
#[derive(Debug, thiserror::Error)]
pub enum ImageryError {
    /// The file cannot be used as it is; the text says why and what mends it.
    #[error("{file}: {reason}")]
    Unusable {
        /// Name of the file as it was given.
        file: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Reading or writing failed.
    #[error("{file}: {doing} failed: {source}")]
    Io {
        /// The file or folder.
        file: String,
        /// What was being done, e.g. `reading`.
        doing: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// Whoever watches the cut wanted it no more.
    #[error("the cut was stopped")]
    Stopped,
    /// An option has a value that makes no sense.
    #[error("{0}")]
    Invalid(#[from] crate::domain::Invalid),
    /// A text that is no archive name was used as one.
    #[error("`{0}` is not the name of a scene archive (64 hexadecimal digits and .pmtiles)")]
    ArchiveName(String),
    /// A scene archive is missing or damaged.
    #[error("scene archive {archive}: {reason}")]
    Archive {
        /// File name of the archive.
        archive: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ImageryError {
    /// The file cannot be used, for this reason.
    pub(crate) fn unusable(file: &Path, reason: impl Into<String>) -> ImageryError {
        ImageryError::Unusable { file: file.display().to_string(), reason: reason.into() }
    }

    /// Turns a system error into one that names the file; for `map_err`.
    pub(crate) fn io<'a>(file: &'a Path, doing: &'static str) -> impl FnOnce(io::Error) -> ImageryError + 'a {
        move |source| ImageryError::Io { file: file.display().to_string(), doing, source }
    }

    /// The archive cannot be read, for this reason.
    pub(crate) fn archive(archive: &Path, reason: impl ToString) -> ImageryError {
        let name = archive.file_name().map_or_else(|| archive.display().to_string(), |n| n.display().to_string());
        ImageryError::Archive { archive: name, reason: reason.to_string() }
    }
}
