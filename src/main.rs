//! The binary: reads the command line and runs one command.

use std::io::IsTerminal;
use std::process::ExitCode;

use aftermap::cli::{Cli, run};
use clap::Parser;
use tracing_subscriber::EnvFilter;

/// What a shell tells of a program that SIGPIPE ended.
const CLOSED_PIPE: i32 = 141;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Who reads our output may stop reading (`| head`): that ends a command quietly, as it ends every other program.
fn end_quietly_on_a_closed_pipe() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        if text.starts_with("failed printing to stdout") && text.contains("Broken pipe") {
            std::process::exit(CLOSED_PIPE);
        }
        usual(panic);
    }));
}

#[tokio::main]
async fn main() -> ExitCode {
    // What actix_http calls errors are requests that nobody can read: not worth a line each.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,actix_server=warn,actix_http=off".into());
    // Colours are for people at a terminal; in a file they are noise.
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    end_quietly_on_a_closed_pipe();
    run(Cli::parse()).await
}
