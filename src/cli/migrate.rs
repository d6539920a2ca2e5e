//! `aftermap migrate`: brings the database schema up, or takes the newest change back.

use clap::Args;

use super::Refused;
use crate::config::DataOptions;
use crate::storage::upkeep::{grants, migrate};
use crate::storage::{DatabaseUrl, Store, StoreError};

/// Bring the database schema up to date (every command does so by itself), or take the newest change back
///
/// Example: aftermap migrate --data data
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Take the newest migration back: stop the server and make a backup first
    #[arg(long, requires = "lose_data")]
    down: bool,
    /// Say that what the newest migration's tables hold may be lost
    #[arg(long, requires = "down")]
    lose_data: bool,
    /// PostgreSQL: give this role what the server needs, and no right to change tables or the audit log's rows
    #[arg(long, value_name = "ROLE", conflicts_with = "down")]
    grant_to: Option<String>,
    #[command(flatten)]
    data: DataOptions,
}

/// Runs the verb.
pub async fn run(args: MigrateArgs) -> Result<(), Refused> {
    let url = args.data.database()?;
    if args.down {
        let name = tokio::task::spawn_blocking(move || migrate::down_at(&url)).await??;
        println!("migration {name} was taken back");
    } else {
        tokio::task::spawn_blocking(move || bring_up(&url, args.grant_to.as_deref())).await??;
    }
    Ok(())
}

fn bring_up(url: &DatabaseUrl, role: Option<&str>) -> Result<(), StoreError> {
    Store::open(url, 1)?;
    println!("the schema is up to date");
    if let Some(role) = role {
        grants::grant_to(url, role)?;
        println!("{role} may read and write, and change no table");
    }
    Ok(())
}
