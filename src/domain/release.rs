//! A release: a frozen, numbered, checksummed state of a campaign's map.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Invalid;
use super::campaign::ReleaseLevel;
use super::citation::Citation;
use super::words::words;

words! {
    /// For whom a file of a release is.
    Audience {
        /// Whoever may see the campaign.
        Everybody = "everybody",
        /// Researchers of the campaign and those above.
        Researchers = "researchers",
    }
}

/// One file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseFile {
    /// Its name.
    pub name: String,
    /// What it is called in HTTP.
    pub media_type: String,
    /// Its length.
    pub bytes: u64,
    /// Rows in it; `null` where it has none.
    #[schema(required)]
    pub rows: Option<u64>,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// For whom it is.
    pub audience: Audience,
}

/// What a release says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name of the campaign in addresses.
    pub campaign: String,
    /// Its title.
    pub title: String,
    /// 1 for the first release.
    pub version: u32,
    /// The moment whose state it holds, RFC 3339.
    pub as_of: String,
    /// For whom the tiles are.
    pub level: ReleaseLevel,
    /// Version of the program that made it.
    pub program: String,
    /// Number of the model in use; 0 before the first refit.
    pub model: u32,
    /// Name and version of its method.
    pub method: Option<String>,
    /// Licence of the map.
    pub licence: Option<String>,
    /// Credit lines of the images.
    pub imagery: Vec<String>,
    /// The files, without the manifest itself.
    pub files: Vec<ReleaseFile>,
}

/// What changed since the release before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReleaseChanges)]
pub struct Changes {
    /// The release before; `null` for the first.
    #[schema(required)]
    pub since: Option<u32>,
    /// Tiles that were not there.
    pub added: u64,
    /// Tiles that are no longer there.
    pub removed: u64,
    /// Tiles in another state.
    pub state: u64,
    /// Tiles of another class.
    pub class: u64,
    /// Tiles with another date window.
    pub window: u64,
    /// Tiles of which any of these changed; rows of changes.csv.
    pub tiles: u64,
}

/// A release as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Database id; names the folder of its files too.
    pub id: i64,
    /// 1 for the first.
    pub version: u32,
    /// For whom its tiles were made.
    pub level: ReleaseLevel,
    /// What it holds.
    pub manifest: Manifest,
    /// How it is cited.
    pub citation: Citation,
    /// What changed since the one before.
    pub changes: Changes,
    /// What its maker has to say about it.
    pub notes: String,
    /// The moment whose state it holds; milliseconds since 1970, UTC.
    pub as_of: i64,
}

/// Checks the notes of a release.
pub fn check_notes(notes: &str) -> Result<(), Invalid> {
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if notes.chars().count() > 10_000 || notes.chars().any(odd) {
        return Err(Invalid::new("notes", "notes are text of at most 10,000 characters"));
    }
    Ok(())
}

impl ReleaseLevel {
    /// Whether a campaign of this level lets people below researcher have what was released for everybody at `made`.
    /// A campaign that became stricter takes back what it released before.
    pub fn gives_out(self, made: ReleaseLevel) -> bool {
        match self {
            ReleaseLevel::Public => made != ReleaseLevel::Private,
            ReleaseLevel::Coarsened => made == ReleaseLevel::Coarsened,
            ReleaseLevel::Private => false,
        }
    }
}
