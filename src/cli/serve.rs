//! `aftermap serve`: the server.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::Refused;
use crate::config::ServeOptions;
use crate::http::{App, Limits, Server, ServerOptions, Shares, TlsFiles};
use crate::services::Error;
use crate::services::jobs::worker::Worker;
use crate::services::people::access_token::Keys;
use crate::services::people::sign_in::SignIn;
use crate::services::scenes::change_hints::keep_hints;
use crate::services::upkeep::housekeeping::keep_house;
use crate::storage::Store;

/// How long a proxy has to notice that the server is not ready, before it stops to accept.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves until it is told to stop (SIGTERM or Ctrl-C); then finishes what is under way.
pub async fn run(options: ServeOptions) -> Result<(), Refused> {
    // Whatever the server writes is for its owner alone.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let store = options.place.open_for(options.connections)?;
    serve(store, &options, |_| ()).await
}

/// Serves an open database; `listening` is told the address as soon as there is one.
pub async fn serve(store: Store, options: &ServeOptions, listening: impl FnOnce(SocketAddr)) -> Result<(), Refused> {
    for warning in warnings(options) {
        tracing::warn!("{warning}");
    }
    let app = prepare(store.clone(), options)?;
    let worker = Worker::new(store.clone(), app.archives.clone(), app.intake.clone()).telling(app.events.clone());
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
    let keys = Keys::from_file(&options.key_file())?;
    let sign_in = SignIn::new(store.clone(), keys).under(options.second_factor_rule());
    let archives = options.place.archives()?;
    let spool = options.place.data.join("spool");
    let shares = Shares { guests: options.guests_per_minute, proofs: options.sign_ins_per_minute };
    let mut app = App::new(store, sign_in, archives, spool, options.public_url()?).with_shares(shares);
    app.intake.total_bytes = options.uploads_gb.saturating_mul(1_000_000_000);
    app.intake.campaign_bytes = options.campaign_uploads_gb.saturating_mul(1_000_000_000);
    app.intake.remote_hosts = options.remote.hosts()?;
    Ok(app)
}

/// What an operator should know about these settings before people come.
fn warnings(options: &ServeOptions) -> Vec<&'static str> {
    let behind_a_proxy = options.public_url.is_some() && options.tls_cert.is_none();
    let mut found = Vec::new();
    if behind_a_proxy && options.trusted_proxy.is_empty() {
        found.push(
            "a public address is set, TLS is not ours, and no proxy is trusted: if a proxy stands before this server, all \
             people share its address and so one share of guests and sign-ins; name it with --trusted-proxy",
        );
    }
    if options.place.database_url.as_deref().is_some_and(crosses_a_network_in_the_clear) {
        found.push(
            "the database is on another machine and its address does not say sslmode=verify-full: what travels there may \
             be read and changed on the way",
        );
    }
    found
}

/// Whether an address of PostgreSQL names another machine, and neither asks for encryption that knows that machine nor
/// says that none is wanted.
fn crosses_a_network_in_the_clear(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://")) else {
        return false;
    };
    let (place, asked) = rest.split_once('?').unwrap_or((rest, ""));
    let host = place.split('/').next().unwrap_or_default().rsplit('@').next().unwrap_or_default();
    let host = asked.split('&').find_map(|one| one.strip_prefix("host=")).unwrap_or(host);
    let near = ["localhost", "127.", "[::1]", "/", "%2F", "%2f"];
    let local = host.is_empty() || host.starts_with(':') || near.iter().any(|start| host.starts_with(start));
    !local
        && !asked.split('&').any(|one| matches!(one, "sslmode=verify-full" | "sslmode=verify-ca" | "sslmode=disable"))
}

/// Starts to listen; the server ends with SIGTERM or Ctrl-C.
pub fn start(app: App, options: &ServeOptions) -> Result<Server, Error> {
    let settings = ServerOptions {
        listen: options.listen,
        workers: options.workers(),
        clients: options.clients,
        clients_per_address: options.clients_per_address,
        listeners_per_address: options.listeners_per_address,
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        serve: ServeOptions,
    }

    fn told(line: &[&str]) -> usize {
        warnings(&Line::parse_from([&["serve"], line].concat()).serve).len()
    }

    #[test]
    fn a_proxy_that_nobody_trusts_is_told_of_at_the_start() {
        let behind = ["--public-url", "https://map.example.org"];
        assert_eq!((told(&[]), told(&behind)), (0, 1));
        assert_eq!(told(&[&behind[..], &["--trusted-proxy", "127.0.0.1"]].concat()), 0);
        assert_eq!(told(&[&behind[..], &["--tls-cert", "a", "--tls-key", "b"]].concat()), 0);
    }

    #[test]
    fn a_database_far_away_wants_an_encrypted_line() {
        for (url, warned) in [
            ("postgres://me:secret@db.example.org/aftermap", true),
            ("postgres://me@db.example.org:5432/aftermap?sslmode=require", true),
            ("postgres://me@db.example.org/aftermap?application_name=a&sslmode=verify-full", false),
            ("postgres://me@database/aftermap?sslmode=disable", false),
            ("postgres:///aftermap?host=/run/postgresql", false),
            ("postgres:///aftermap?host=db.example.org", true),
            ("postgres://127.0.0.1:5432/aftermap", false),
            ("postgresql://localhost/aftermap", false),
            ("sqlite:data/aftermap.db", false),
        ] {
            assert_eq!(crosses_a_network_in_the_clear(url), warned, "{url}");
        }
    }
}
