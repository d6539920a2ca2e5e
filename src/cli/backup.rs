//! `aftermap backup`: a backup beside a running server.

use std::path::PathBuf;

use clap::Args;

use super::Refused;
use crate::config::DataOptions;
use crate::services::upkeep::backup::manifest::Manifest;
use crate::services::upkeep::backup::{Request, backup};

/// How much the backup gives way to a server on the same machine: as much as can be asked for.
const NICE: i32 = 19;

/// Back up database, scene archives and releases into a folder, beside a running server
///
/// Every label acknowledged before the start is in it. Archives and releases never change and are copied once; of the
/// database the folder keeps the newest states. Restore with `aftermap restore`. Keep the folder on another machine.
///
/// Example: aftermap backup --data data --out backups
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// Folder of the backups; made if need be
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How many states of the database to keep
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    keep: u16,
    /// Put the signing key into the backup: whoever reads it can then sign in as anybody
    #[arg(long)]
    with_key: bool,
    /// File of the signing key [default: DIR/key]
    #[arg(long, env = "AFTERMAP_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Leave out the scene archives: somebody else keeps them safe
    #[arg(long)]
    without_archives: bool,
    /// Share archives and releases with the originals by hard links, where both are on one disk: no extra space, but also no
    /// second copy
    #[arg(long)]
    link: bool,
    /// Read again what earlier backups copied, and copy anew what is damaged
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    place: DataOptions,
}

/// Runs the verb.
pub async fn run(args: BackupArgs) -> Result<(), Refused> {
    let place = &args.place;
    let key = args.key_file.clone().unwrap_or_else(|| place.data.join("key"));
    let request = Request {
        database: place.database()?,
        archives: if args.without_archives { None } else { Some(place.archives()?) },
        releases: place.releases_dir(),
        key: args.with_key.then_some(key),
        home: args.out.clone(),
        keep: args.keep.into(),
        link: args.link,
        verify: args.verify,
    };
    if args.with_key {
        eprintln!("aftermap: the signing key is in the backup: whoever reads it can sign in as anybody; encrypt it");
    }
    // A backup may take its time; answers may not. Where the system refuses, it merely is not as polite.
    let _ = rustix::process::nice(NICE);
    let made = tokio::task::spawn_blocking(move || backup(&request)).await??;
    report(&made);
    Ok(())
}

fn report(made: &Manifest) {
    println!("backup       {}", made.name);
    println!("database     {:>12} bytes, {} labels", made.database.bytes, made.tables.get("labels").unwrap_or(&0));
    println!("archives     {:>12}", made.archives.len());
    println!("releases     {:>12} files", made.releases.len());
    println!("altogether   {:>12} bytes", made.bytes());
    if made.key.is_none() {
        println!("the signing key is not in it: keep a copy elsewhere, else everybody has to sign in again");
    }
    for what in &made.missing {
        eprintln!("aftermap: not in the backup: {what}");
    }
}
