//! `aftermap gold`: tiles whose answers experts fixed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Refused;
use crate::config::DataOptions;
use crate::domain::gold::GoldKind;
use crate::services::clock;
use crate::services::import_gold::{GoldAnswer, import_gold};

/// Tiles whose answers experts fixed: to practise on, or to measure volunteers unrecognisably
#[derive(Debug, Subcommand)]
pub enum GoldCommand {
    Import(ImportArgs),
}

/// Mark tiles as gold from a CSV with the columns tile_id, answer and, if you like, explanation
///
/// In a timeline campaign also last_intact and first_damaged: days of scenes, as 2025-06-15. Example: aftermap gold
/// import --campaign madre-fire --kind practice practice.csv
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The CSV
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
    let answers = read(&args.file)?;
    let store = args.data.open()?;
    let (slug, kind, many) = (args.campaign.clone(), args.kind, answers.len());
    let added = store.write(move |conn| import_gold(conn, &slug, kind, &answers, clock::now_ms())).await?;
    println!("{added} of {many} tiles of campaign {} are new {kind} gold", args.campaign);
    Ok(())
}

fn read(path: &PathBuf) -> Result<Vec<GoldAnswer>, Refused> {
    let wrong = |error: csv::Error| format!("{} cannot be read as CSV: {error}", path.display());
    let mut reader = csv::Reader::from_path(path).map_err(wrong)?;
    let headers = reader.headers().map_err(wrong)?.clone();
    let column = |name: &str| headers.iter().position(|header| header.trim() == name);
    let (Some(tile), Some(answer)) = (column("tile_id"), column("answer").or(column("label"))) else {
        let has = headers.iter().collect::<Vec<_>>().join(", ");
        let wanted =
            "it needs the columns tile_id (ids as in `aftermap export --what tiles`, not locations) and answer";
        return Err(format!("{} has the columns {has}; {wanted}", path.display()).into());
    };
    let (explanation, intact, damaged) = (column("explanation"), column("last_intact"), column("first_damaged"));
    let mut answers = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let cell = |at: usize| record.get(at).unwrap_or_default().trim().to_owned();
        let filled = |at: Option<usize>| at.map(cell).filter(|text| !text.is_empty());
        answers.push(GoldAnswer {
            tile_id: cell(tile),
            answer: cell(answer),
            explanation: filled(explanation).unwrap_or_default(),
            last_intact: filled(intact),
            first_damaged: filled(damaged),
        });
    }
    Ok(answers)
}
