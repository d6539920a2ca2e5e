//! `aftermap migrate`: brings the database schema up, or takes the newest change back.

use clap::Args;

use super::{DataArgs, Refused};
use crate::storage::{DatabaseUrl, Store, migrate};

/// Bring the database schema up to date (every command does so by itself), or take the newest change back
///
/// Example: aftermap migrate --data data
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Take the newest migration back. Its tables are lost: make a backup first
    #[arg(long)]
    down: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// Runs the verb.
pub async fn run(args: MigrateArgs) -> Result<(), Refused> {
    let url = match &args.data.database_url {
        Some(text) => DatabaseUrl::parse(text)?,
        None => DatabaseUrl::in_folder(args.data.folder()),
    };
    if args.down {
        let name = tokio::task::spawn_blocking(move || migrate::down_at(&url)).await??;
        println!("migration {name} was taken back");
    } else {
        tokio::task::spawn_blocking(move || Store::open(&url, 1).map(|_| ())).await??;
        println!("the schema is up to date");
    }
    Ok(())
}
