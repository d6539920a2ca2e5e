//! `aftermap serve`: the server.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::signal::unix::{SignalKind, signal};

use super::Refused;
use crate::config::ServeOptions;
use crate::http::{App, Server, ServerOptions};
use crate::imagery::Archives;
use crate::services::Error;
use crate::services::access_token::Keys;
use crate::services::housekeeping::keep_house;
use crate::services::sign_in::SignIn;
use crate::storage::Store;

/// Serves until it is told to stop (SIGTERM or Ctrl-C); then finishes what is under way.
pub async fn run(options: ServeOptions) -> Result<(), Refused> {
    let store = options.place.open_for(options.connections)?;
    serve(store, &options, |_| ()).await
}

/// Serves an open database; `listening` is told the address as soon as there is one.
pub async fn serve(store: Store, options: &ServeOptions, listening: impl FnOnce(SocketAddr)) -> Result<(), Refused> {
    let app = prepare(store.clone(), options)?;
    let server = start(app, options)?;
    println!("aftermap listens on http://{}", server.address);
    listening(server.address);
    let house = tokio::spawn(keep_house(store));
    let ended = server.run().await;
    house.abort();
    Ok(ended.map_err(|error| format!("the server ended: {error}"))?)
}

/// Opens the signing key and puts the application together. Blocks.
pub fn prepare(store: Store, options: &ServeOptions) -> Result<App, Error> {
    let sign_in = SignIn::new(store.clone(), Keys::from_file(&options.key_file())?);
    let archives = Archives::new(options.place.tiles_dir());
    let spool = options.place.data.join("spool");
    Ok(App::new(store, sign_in, archives, spool, options.public_url()?))
}

/// Starts to listen; the server ends with SIGTERM or Ctrl-C.
pub fn start(app: App, options: &ServeOptions) -> Result<Server, Error> {
    let settings = ServerOptions { listen: options.listen, workers: options.workers() };
    Server::start(app, &settings, told_to_stop()).map_err(|error| {
        let way_out = match error.kind() {
            ErrorKind::AddrInUse => {
                "; another program does: stop it, or choose another port with --listen 127.0.0.1:8090"
            }
            _ => "",
        };
        Error::Internal(format!("cannot listen on {}: {error}{way_out}", options.listen))
    })
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
