//! The binary: reads the command line and runs one command.

use std::process::ExitCode;

use aftermap::cli::{Cli, logs, run};
use clap::Parser;

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
    let cli = Cli::parse();
    logs::start(cli.log_format());
    end_quietly_on_a_closed_pipe();
    run(cli).await
}
