//! `aftermap gold`: tiles whose answers experts fixed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Refused;
use crate::config::DataOptions;
use crate::services::clock;
use crate::services::import_gold::{GoldAnswer, import_gold};

/// Tiles whose answers experts fixed: they measure volunteers, unrecognisably
#[derive(Debug, Subcommand)]
pub enum GoldCommand {
    Import(ImportArgs),
}

/// Mark tiles as check gold from a CSV with the columns tile_id, answer and, if you like, explanation
///
/// Example: aftermap gold import --campaign madre-fire gold.csv
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The CSV
    file: PathBuf,
    /// Name of the campaign
    #[arg(long, value_name = "SLUG")]
    campaign: String,
    #[command(flatten)]
    data: DataOptions,
}

/// Runs the verb.
pub async fn run(command: GoldCommand) -> Result<(), Refused> {
    let GoldCommand::Import(args) = command;
    let answers = read(&args.file)?;
    let store = args.data.open()?;
    let (slug, many) = (args.campaign.clone(), answers.len());
    let added = store.write(move |conn| import_gold(conn, &slug, &answers, clock::now_ms())).await?;
    println!("{added} of {many} tiles of campaign {} are new check gold", args.campaign);
    Ok(())
}

fn read(path: &PathBuf) -> Result<Vec<GoldAnswer>, Refused> {
    let wrong = |error: csv::Error| format!("{} cannot be read as CSV: {error}", path.display());
    let mut reader = csv::Reader::from_path(path).map_err(wrong)?;
    let headers = reader.headers().map_err(wrong)?.clone();
    let column = |name: &str| headers.iter().position(|header| header.trim() == name);
    let (Some(tile), Some(answer)) = (column("tile_id"), column("answer").or(column("label"))) else {
        return Err(format!("{} needs the columns tile_id and answer", path.display()).into());
    };
    let explanation = column("explanation");
    let mut answers = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let cell = |at: usize| record.get(at).unwrap_or_default().trim().to_owned();
        answers.push(GoldAnswer {
            tile_id: cell(tile),
            answer: cell(answer),
            explanation: explanation.map(cell).unwrap_or_default(),
        });
    }
    Ok(answers)
}
