//! The binary: reads the command line and runs one command.

use std::process::ExitCode;

use aftermap::cli::{Cli, run};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[actix_web::main]
async fn main() -> ExitCode {
    run(Cli::parse()).await
}
