//! Where the data is: the flags that every verb shares which touches a campaign.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Refused;
use crate::imagery::Archives;
use crate::storage::{DatabaseUrl, Store};

/// Connections for reading, and on PostgreSQL for writing too.
const CONNECTIONS: u32 = 8;

/// Where the database and the scene archives are.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// Folder of the SQLite file, the keys and, unless --tiles says otherwise, the scene archives
    #[arg(long, env = "AFTERMAP_DATA_DIR", default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
    /// Database to use instead of the SQLite file in the data folder: sqlite:PATH or postgres://…
    #[arg(long, env = "AFTERMAP_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Folder of the scene archives, if not DIR/tiles
    #[arg(long, env = "AFTERMAP_TILES_DIR", value_name = "DIR")]
    pub tiles: Option<PathBuf>,
}

impl DataArgs {
    /// Opens the database, made and migrated if need be.
    pub async fn store(&self) -> Result<Store, Refused> {
        let url = match &self.database_url {
            Some(text) => DatabaseUrl::parse(text)?,
            None => DatabaseUrl::in_folder(&self.data),
        };
        Ok(tokio::task::spawn_blocking(move || Store::open(&url, CONNECTIONS)).await??)
    }

    /// The scene archives; their folder is made when the first one is cut.
    pub fn archives(&self) -> Archives {
        Archives::new(self.tiles_dir())
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.data
    }

    fn tiles_dir(&self) -> PathBuf {
        self.tiles.clone().unwrap_or_else(|| self.data.join("tiles"))
    }
}
