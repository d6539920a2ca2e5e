//! The command line: thin verbs over the same services that the server uses.

mod backup;
mod campaign;
mod campaign_apply;
pub mod consensus;
mod consensus_report;
mod copy;
mod demo;
mod doctor;
pub mod evaluate;
mod export;
mod gold;
mod import;
mod ingest;
pub mod label_file;
pub mod logs;
mod migrate;
mod release;
mod restore;
pub mod serve;
pub mod simulate;
pub mod user;
mod user_token;
mod validation;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{LogFormat, ServeOptions};

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
    /// Run the server
    ///
    /// Example: aftermap serve --listen 127.0.0.1:8080 --data data
    Serve(ServeOptions),
    Demo(demo::DemoArgs),
    #[command(subcommand)]
    Campaign(campaign::CampaignCommand),
    Ingest(ingest::IngestArgs),
    Export(export::Export),
    #[command(subcommand)]
    Gold(gold::GoldCommand),
    #[command(subcommand)]
    Import(import::ImportCommand),
    Consensus(Box<consensus::ConsensusArgs>),
    Evaluate(evaluate::EvaluateArgs),
    /// Make accounts and give roles
    #[command(subcommand)]
    User(user::UserCommand),
    Release(release::ReleaseArgs),
    #[command(subcommand)]
    Validation(validation::ValidationCommand),
    Migrate(migrate::MigrateArgs),
    Copy(copy::CopyArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    Doctor(doctor::DoctorArgs),
    Simulate(simulate::SimulateArgs),
    /// Print the description of the API (OpenAPI 3.1)
    Openapi,
}

impl Cli {
    /// How the process is to tell of itself. Commands that end tell it in words.
    pub fn log_format(&self) -> LogFormat {
        match &self.command {
            Command::Serve(options) => options.log_format,
            _ => LogFormat::Text,
        }
    }
}

/// Runs what computes for long on a thread of its own.
async fn in_background(work: impl FnOnce() -> Result<(), String> + Send + 'static) -> Result<(), Refused> {
    Ok(tokio::task::spawn_blocking(work).await??)
}

/// Runs one command. Exit code 0: done; 1: refused, with one sentence on standard error; wrong usage leaves with 2.
pub async fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command {
        Command::Serve(options) => serve::run(options).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Campaign(command) => campaign::run(command).await,
        Command::Ingest(args) => ingest::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Gold(command) => gold::run(command).await,
        Command::Import(command) => import::run(command).await,
        Command::User(command) => user::run(command).await.map_err(Refused::from),
        Command::Release(args) => release::run(args).await,
        Command::Validation(command) => validation::run(command).await,
        Command::Consensus(args) => in_background(move || consensus::run(&args)).await,
        Command::Evaluate(args) => in_background(move || evaluate::run(&args)).await,
        Command::Migrate(args) => migrate::run(args).await,
        Command::Copy(args) => copy::run(args).await,
        Command::Backup(args) => backup::run(args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Simulate(args) => simulate::run(args).await,
        Command::Openapi => {
            print!("{}", crate::http::document());
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(refused) => {
            eprintln!("aftermap: {refused}");
            ExitCode::FAILURE
        }
    }
}
