//! `aftermap restore`: a backup in a new place.

use std::path::PathBuf;

use clap::Args;

use super::Refused;
use crate::config::DataOptions;
use crate::services::upkeep::restore::{Request, restore};

/// Restore a backup into a new data folder, or into an empty PostgreSQL database
///
/// Everything is verified before anything is written. What is there already is never touched: name a new folder and a new
/// database. A backup of SQLite can become PostgreSQL and the other way round.
///
/// Example: aftermap restore --from backups --data restored
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Folder of the backups
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Name of the backup, such as 20261122T111500Z [default: the newest]
    #[arg(long, value_name = "NAME")]
    at: Option<String>,
    /// Where the signing key goes, if it is in the backup [default: DIR/key]
    #[arg(long, env = "AFTERMAP_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    place: DataOptions,
}

/// Runs the verb.
pub async fn run(args: RestoreArgs) -> Result<(), Refused> {
    let place = args.place;
    let request = Request {
        home: args.from,
        name: args.at,
        database: place.database()?,
        archives: place.archives()?,
        key: args.key_file.unwrap_or_else(|| place.data.join("key")),
        data: place.data.clone(),
    };
    let restored = tokio::task::spawn_blocking(move || restore(&request, |step| println!("{step}"))).await??;
    let made = &restored.manifest;
    println!("restored {}: {} archives, {} bytes", made.name, made.archives.len(), made.bytes());
    if made.key.is_none() {
        println!("the key was not in the backup: put the old one in its place, or everybody has to sign in again");
    }
    for fault in &restored.faults {
        eprintln!("aftermap: {fault}");
    }
    if restored.faults.is_empty() {
        println!("the check found nothing wrong");
        return Ok(());
    }
    Err(format!("the backup was restored, but the check found {} faults", restored.faults.len()).into())
}
