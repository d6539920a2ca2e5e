//! The command line: thin verbs over the same services that the server uses.

mod campaign;
mod data;
mod demo;
mod gold;
mod ingest;
mod migrate;
mod serve;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use data::DataArgs;
pub use serve::{application, serve};
pub use user::add_account;

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
    Serve(serve::ServeArgs),
    Demo(demo::DemoArgs),
    #[command(subcommand)]
    Campaign(campaign::CampaignCommand),
    Ingest(ingest::IngestArgs),
    #[command(subcommand)]
    Gold(gold::GoldCommand),
    #[command(subcommand)]
    User(user::UserCommand),
    Migrate(migrate::MigrateArgs),
    /// Print the description of the HTTP API (OpenAPI 3.1): aftermap openapi > openapi.json
    Openapi,
}

/// Runs one command. Exit code 0: done; 1: refused, with one sentence on standard error; wrong usage leaves with 2.
pub async fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command {
        Command::Serve(args) => serve::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Campaign(command) => campaign::run(command).await,
        Command::Ingest(args) => ingest::run(args).await,
        Command::Gold(command) => gold::run(command).await,
        Command::User(command) => user::run(command).await,
        Command::Migrate(args) => migrate::run(args).await,
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
