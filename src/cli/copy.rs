//! `aftermap copy`: moves a whole database to another one.

use clap::Args;

use super::Refused;
use crate::storage::DatabaseUrl;
use crate::storage::upkeep::copy::{Copied, copy};

/// Move the whole database, from the SQLite file to PostgreSQL or back: stop the server first
///
/// The source stays as it is. The target must be new, and is filled as a whole or not at all: every table is read again on
/// both sides and compared. Keys and scene archives are files, and stay where they are.
///
/// Example: aftermap copy --from sqlite:data/aftermap.sqlite --to postgres://user@host/aftermap
#[derive(Debug, Args)]
pub struct CopyArgs {
    /// Database to read: sqlite:FILE or postgres://…
    #[arg(long, env = "AFTERMAP_COPY_FROM", value_name = "URL", hide_env_values = true)]
    from: String,
    /// New database to fill: postgres://… or sqlite:FILE
    #[arg(long, env = "AFTERMAP_COPY_TO", value_name = "URL", hide_env_values = true)]
    to: String,
}

/// Runs the verb.
pub async fn run(args: CopyArgs) -> Result<(), Refused> {
    let (from, to) = (DatabaseUrl::parse(&args.from)?, DatabaseUrl::parse(&args.to)?);
    println!("{:<20} {:>12}  checksum on both sides", "table", "rows");
    let line = |copied: &Copied| println!("{:<20} {:>12}  {}", copied.table, copied.rows, copied.checksum);
    tokio::task::spawn_blocking(move || copy(&from, &to, line)).await??;
    println!("copied: the target is complete");
    Ok(())
}
