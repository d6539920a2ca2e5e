//! `aftermap serve`: the server.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::Refused;
use crate::config::ServeOptions;
use crate::http::{App, Limits, Server, ServerOptions, Shares, TlsFiles};
use crate::services::Error;
use crate::services::access_token::Keys;
use crate::services::change_hints::keep_hints;
use crate::services::housekeeping::keep_house;
use crate::services::jobs::worker::Worker;
use crate::services::sign_in::SignIn;
use crate::storage::Store;

/// How long a proxy has to notice that the server is not ready, before it stops to accept.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves until it is told to stop (SIGTERM or Ctrl-C); then finishes what is under way.
pub async fn run(options: ServeOptions) -> Result<(), Refused> {
    let store = options.place.open_for(options.connections)?;
    serve(store, &options, |_| ()).await
}

/// Serves an open database; `listening` is told the address as soon as there is one.
pub async fn serve(store: Store, options: &ServeOptions, listening: impl FnOnce(SocketAddr)) -> Result<(), Refused> {
    let app = prepare(store.clone(), options)?;
    let worker = Worker::new(store.clone(), app.archives.clone(), app.intake.clone());
    let archives = app.archives.clone();
    let server = start(app, options)?;
    let scheme = if options.tls_cert.is_some() { "https" } else { "http" };
    println!("aftermap listens on {scheme}://{}", server.address);
    if let Some(metrics) = server.metrics {
        println!("metrics are at http://{metrics}/metrics");
    }
    listening(server.address);
    let house = tokio::spawn(keep_house(store.clone()));
    let work = tokio::spawn(worker.run());
    let hints = tokio::spawn(keep_hints(store, archives));
    let ended = server.run().await;
    house.abort();
    hints.abort();
    // A job that is under way is taken up again by the next server, where it stood.
    work.abort();
    Ok(ended.map_err(|error| format!("the server ended: {error}"))?)
}

/// Opens the signing key and puts the application together. Blocks.
pub fn prepare(store: Store, options: &ServeOptions) -> Result<App, Error> {
    let sign_in = SignIn::new(store.clone(), Keys::from_file(&options.key_file())?);
    let archives = options.place.archives()?;
    let spool = options.place.data.join("spool");
    let shares = Shares { guests: options.guests_per_minute, proofs: options.sign_ins_per_minute };
    let mut app = App::new(store, sign_in, archives, spool, options.public_url()?).with_shares(shares);
    app.intake.total_bytes = options.uploads_gb.saturating_mul(1_000_000_000);
    app.intake.campaign_bytes = options.campaign_uploads_gb.saturating_mul(1_000_000_000);
    app.intake.remote_hosts = options.remote.hosts()?;
    Ok(app)
}

/// Starts to listen; the server ends with SIGTERM or Ctrl-C.
pub fn start(app: App, options: &ServeOptions) -> Result<Server, Error> {
    let settings = ServerOptions {
        listen: options.listen,
        workers: options.workers(),
        clients: options.clients,
        limits: Limits { requests: options.requests.max(1), ..Limits::default() },
        tls: tls_files(options),
        proxies: options.trusted_proxy.clone(),
        metrics: options.metrics_listen,
        farewell: FAREWELL,
        ..ServerOptions::default()
    };
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

fn tls_files(options: &ServeOptions) -> Option<TlsFiles> {
    let (cert, key) = (options.tls_cert.clone()?, options.tls_key.clone()?);
    Some(TlsFiles { cert, key })
}

/// Ends with the first signal; the second one ends the process.
async fn told_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without handlers the system's own behaviour remains: it ends the process.
        return std::future::pending().await;
    };
    let mut told = async move || {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    };
    told().await;
    tracing::info!("told to stop: finishing what is under way; once more ends at once");
    tokio::spawn(async move {
        told().await;
        std::process::exit(1);
    });
}
