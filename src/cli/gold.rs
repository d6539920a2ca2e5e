//! `aftermap gold`: tiles whose answers experts fixed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Refused;
use crate::config::DataOptions;
use crate::domain::gold::GoldKind;
use crate::services::clock;
use crate::services::gold::import_gold::import_gold;
use crate::services::gold::read_file;

/// Tiles whose answers experts fixed: to practise on, or to measure volunteers unrecognisably
#[derive(Debug, Subcommand)]
pub enum GoldCommand {
    Import(ImportArgs),
}

/// Mark tiles as gold from a CSV with the columns tile_id (or lon and lat), answer and, if you like, explanation
///
/// GeoJSON works too: points with these as properties. In a timeline campaign also last_intact and first_damaged: days of scenes, as 2025-06-15. Example: aftermap
/// gold import --campaign madre-fire --kind practice practice.csv
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The CSV, or GeoJSON by its ending
    file: PathBuf,
    /// Name of the campaign
    #[arg(long, value_name = "SLUG")]
    campaign: String,
    /// check: mixed in unrecognisably, measures volunteers; practice: visibly practice, with feedback
    #[arg(long, default_value = "check")]
    kind: GoldKind,
    #[command(flatten)]
    data: DataOptions,
}

/// Runs the verb.
pub async fn run(command: GoldCommand) -> Result<(), Refused> {
    let GoldCommand::Import(args) = command;
    let answers = read_file(&args.file)?;
    let store = args.data.open()?;
    let (slug, kind, many) = (args.campaign.clone(), args.kind, answers.len());
    let added = store.write(move |conn| import_gold(conn, &slug, kind, &answers, clock::now_ms())).await?;
    println!("{added} of {many} tiles of campaign {} are new {kind} gold", args.campaign);
    Ok(())
}
