//! The binary: reads the command line and hands over to `cli`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use aftermap::cli;
use aftermap::cli::user::UserCommand;
use aftermap::config::ServeOptions;

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(ServeOptions),
    /// Make accounts and give roles
    #[command(subcommand)]
    User(UserCommand),
    /// Print the description of the API (OpenAPI 3.1)
    Openapi,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,actix_server=warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let outcome = match Arguments::parse().command {
        Command::Serve(options) => cli::serve::run(options).await,
        Command::User(command) => cli::user::run(command).await,
        Command::Openapi => {
            print!("{}", aftermap::http::document());
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
