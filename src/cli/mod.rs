//! The command line: thin verbs over the same services that the server uses.

mod campaign;
mod data;
mod demo;
mod export;
mod gold;
mod ingest;
mod migrate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use data::DataArgs;

/// Why a command was refused: one clear sentence for standard error.
pub type Refused = Box<dyn std::error::Error>;

/// A crowd compares satellite images before and after an attack or a disaster; aftermap makes a damage map of it.
#[derive(Debug, Parser)]
#[command(name = "aftermap", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    #[command(subcommand)]
    Campaign(campaign::CampaignCommand),
    Ingest(ingest::IngestArgs),
    Export(export::Export),
    #[command(subcommand)]
    Gold(gold::GoldCommand),
    Migrate(migrate::MigrateArgs),
}

/// Runs one command. Exit code 0: done; 1: refused, with one sentence on standard error; wrong usage leaves with 2.
pub async fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command {
        Command::Demo(args) => demo::run(args).await,
        Command::Campaign(command) => campaign::run(command).await,
        Command::Ingest(args) => ingest::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Gold(command) => gold::run(command).await,
        Command::Migrate(args) => migrate::run(args).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(refused) => {
            eprintln!("aftermap: {refused}");
            ExitCode::FAILURE
        }
    }
}
