//! `aftermap serve`: the server.

use std::io::IsTerminal;
use std::path::Path;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{DataArgs, Refused};
use crate::config::ServerSettings;
use crate::http::{App, Server, ServerOptions};
use crate::imagery::Archives;
use crate::services::access_token::Keys;
use crate::services::sign_in::SignIn;
use crate::storage::Store;

/// Run the server
///
/// Example: aftermap serve --listen 127.0.0.1:8080 --data data
#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    settings: ServerSettings,
}

/// Serves until it is told to stop (SIGTERM or Ctrl-C); then finishes what is under way.
pub async fn run(args: ServeArgs) -> Result<(), Refused> {
    let store = args.data.store().await?;
    let app = application(store, args.data.archives(), args.data.folder(), &args.settings)?;
    serve(app, &args.settings).await
}

/// Puts the application together: the database, the images, and the key, which is made at the first start.
pub fn application(store: Store, archives: Archives, data: &Path, settings: &ServerSettings) -> Result<App, Refused> {
    let keys = Keys::from_file(&settings.key_file(data))?;
    let public_url = settings.public_url()?;
    Ok(App::new(store.clone(), SignIn::new(store, keys), archives, public_url))
}

/// Listens, says where, and answers until SIGTERM or Ctrl-C.
pub async fn serve(app: App, settings: &ServerSettings) -> Result<(), Refused> {
    start_log();
    let options = ServerOptions { listen: settings.listen, workers: settings.workers() };
    let server = Server::start(app, &options, told_to_stop())
        .map_err(|error| format!("cannot listen on {}: {error}", settings.listen))?;
    println!("aftermap listens on http://{}", server.address);
    Ok(server.run().await?)
}

/// Log lines go to standard error: for people on a terminal, JSON otherwise. `RUST_LOG` chooses what is logged.
fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Somebody who set up a log before keeps it.
    let _ = match std::io::stderr().is_terminal() {
        true => log.try_init(),
        false => log.json().try_init(),
    };
}

async fn told_to_stop() {
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        }
        // Without handlers the system's own behaviour remains: it ends the process.
        _ => std::future::pending().await,
    }
}
