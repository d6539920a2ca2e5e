//! The server: sockets, workers, limits, and an orderly end.

pub mod admission;
pub mod deadlines;
pub mod entrance;
pub mod envelope;
pub mod health;
pub mod line;
pub mod metrics;
pub mod origin;
pub mod presence;
pub mod refusals;
pub mod stream;
pub mod tls;
pub mod visitors;

pub use admission::Limits;
pub use deadlines::Deadlines;
pub use origin::Origin;
pub use tls::TlsFiles;
pub use visitors::Shares;

use std::convert::Infallible;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Request};
use actix_rt::net::TcpStream;
use actix_server::ServerBuilder;
use actix_service::{ServiceFactoryExt, fn_service, map_config};
use actix_web::App as ActixApp;
use actix_web::dev::AppConfig;
use actix_web::middleware::from_fn;
use actix_web::web::Data;

use crate::domain::network::Network;
use crate::http::gate::{App, LISTENERS_EACH};
use crate::http::scenes::images::Lookups;
use entrance::{Entrance, guard};
use envelope::envelope;
use health::Readiness;
use line::Line;
use origin::trusts;
use presence::{Place, Presence};
use stream::Stream;
use tls::Tls;
use visitors::subscriber;

/// How long a client may take to close a connection that we are done with, or to send what we do not want to read.
const GOODBYE: Duration = Duration::from_secs(5);
/// How long requests that are under way may take once the server was told to stop, seconds.
const SHUTDOWN_SECONDS: u64 = 24;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 2_048;
/// Files that the process needs beside its connections: databases, archives, exports.
const OTHER_FILES: u64 = 256;

/// Settings of the server.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Threads that answer requests.
    pub workers: usize,
    /// Connections at a time; fewer where the system does not allow so many open files.
    pub clients: usize,
    /// Of these, those that one address may have; a trusted proxy may have all.
    pub clients_per_address: u32,
    /// Lines of live news that one address may have.
    pub listeners_per_address: u32,
    /// What may be under way at a time.
    pub limits: Limits,
    /// Certificate and key, where the server itself speaks TLS.
    pub tls: Option<TlsFiles>,
    /// Proxies whose word about a request is believed.
    pub proxies: Vec<Network>,
    /// Where Prometheus may ask for metrics; nowhere unless it is said.
    pub metrics: Option<SocketAddr>,
    /// How long clients may take.
    pub deadlines: Deadlines,
    /// How long the server goes on answering after it said that it is not ready, so that a proxy can notice.
    pub farewell: Duration,
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions {
            listen: ([127, 0, 0, 1], 0).into(),
            workers: 2,
            clients: 8_000,
            clients_per_address: 1_000,
            listeners_per_address: LISTENERS_EACH,
            limits: Limits::default(),
            tls: None,
            proxies: Vec::new(),
            metrics: None,
            deadlines: Deadlines::default(),
            farewell: Duration::ZERO,
        }
    }
}

/// A server that listens.
pub struct Server {
    /// Where it listens; the port is the real one where 0 was asked for.
    pub address: SocketAddr,
    /// Where it tells its metrics.
    pub metrics: Option<SocketAddr>,
    app: App,
    tls: Option<Tls>,
    running: actix_server::Server,
}

impl Server {
    /// Starts to listen. When `stop` ends, the server says that it is not ready, finishes what is under way and ends.
    ///
    /// # Errors
    /// Where the address cannot be used, for instance because another program does.
    pub fn start(
        mut app: App,
        options: &ServerOptions,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<Server> {
        let tls = options.tls.clone().map(Tls::open).transpose()?;
        (app.encrypted, app.proxies) = (tls.is_some(), options.proxies.as_slice().into());
        app.listeners = Presence::new(options.listeners_per_address);
        let listener = TcpListener::bind(options.listen)?;
        let address = listener.local_addr()?;
        let (leaving, farewell) = (app.clone(), options.farewell);
        let stop = async move {
            stop.await;
            leaving.set_ready(false);
            leaving.events.close();
            tokio::time::sleep(farewell).await;
        };
        let entrance = Arc::new(Entrance::new(options.limits, options.deadlines));
        let clients = open_files_for(options.clients).div_ceil(options.workers.max(1));
        let builder = ServerBuilder::new()
            .workers(options.workers)
            .backlog(BACKLOG)
            .max_concurrent_connections(clients)
            .shutdown_timeout(SHUTDOWN_SECONDS)
            .shutdown_signal(stop);
        let doors = Doors { places: Presence::new(options.clients_per_address), proxies: app.proxies.clone() };
        let line = (options.deadlines, tls.clone(), doors);
        let builder = serve(builder, listener, app.clone(), entrance.clone(), line)?;
        let (builder, metrics) = match options.metrics {
            Some(address) => tell_metrics(builder, TcpListener::bind(address)?, entrance)?,
            None => (builder, None),
        };
        Ok(Server { address, metrics, app, tls, running: builder.run() })
    }

    /// Answers requests until the server was told to stop and is done: all that was begun is stored.
    pub async fn run(self) -> std::io::Result<()> {
        let news = tokio::spawn(self.app.events.clone().run());
        let certificate = self.tls.map(|tls| tokio::spawn(tls.watch()));
        let ended = self.running.await;
        news.abort();
        certificate.iter().for_each(|watch| watch.abort());
        self.app.drain().await;
        ended
    }
}

/// How many connections each address may have.
#[derive(Clone)]
struct Doors {
    places: Presence,
    proxies: Arc<[Network]>,
}

impl Doors {
    /// Room for one more connection of an address, or an error that closes it. A trusted proxy brings everybody.
    fn enter(&self, address: Option<SocketAddr>) -> std::io::Result<Option<Place>> {
        match address.map(|address| address.ip().to_canonical()) {
            Some(address) if !trusts(&self.proxies, address) => {
                let place = self.places.enter(subscriber(address));
                place.map(Some).ok_or_else(|| std::io::ErrorKind::ConnectionRefused.into())
            }
            _ => Ok(None),
        }
    }
}

/// Puts socket, deadlines, entrance and routes together.
fn serve(
    builder: ServerBuilder,
    listener: TcpListener,
    app: App,
    entrance: Arc<Entrance>,
    (deadlines, tls, doors): (Deadlines, Option<Tls>, Doors),
) -> std::io::Result<ServerBuilder> {
    let (app, lookups, readiness) = (Data::new(app), Data::new(Lookups::default()), Data::new(Readiness::default()));
    let goodbye = builder.graceful_shutdown_signal();
    builder.listen("http", listener, move || {
        let routes = ActixApp::new()
            .app_data(app.clone())
            .app_data(lookups.clone())
            .app_data(readiness.clone())
            .configure(crate::http::routes)
            .wrap(from_fn(envelope));
        let goodbye = goodbye.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let goodbye = goodbye.clone();
                async move { goodbye.notified().await }
            })
            .keep_alive(deadlines.idle)
            // Heads are timed by our stream, the first one like all others.
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(GOODBYE)
            .on_connect_ext(|stream: &Stream, data| drop(data.insert(stream.watch())))
            .h1(map_config(guard(entrance.clone(), routes), |()| AppConfig::default()));
        let (tls, doors) = (tls.clone(), doors.clone());
        fn_service(move |tcp: TcpStream| {
            let (tls, doors) = (tls.clone(), doors.clone());
            async move {
                let address = tcp.peer_addr().ok();
                let place = doors.enter(address).map_err(DispatchError::Io)?;
                let line = match tls {
                    None => Line::Plain(tcp),
                    Some(tls) => shake_hands(&tls, tcp, deadlines).await.map_err(DispatchError::Io)?,
                };
                Ok::<_, DispatchError>((Stream::new(line, deadlines, place), address))
            }
        })
        .and_then(http)
    })
}

/// The handshake, in the time that a head may take: who dribbles it is sent away like who dribbles a head.
async fn shake_hands(tls: &Tls, tcp: TcpStream, deadlines: Deadlines) -> std::io::Result<Line> {
    let shaken = tokio::time::timeout(deadlines.head, tls.acceptor().accept(tcp)).await;
    Ok(Line::Secure(Box::new(shaken.map_err(|_| std::io::ErrorKind::TimedOut)??)))
}

/// The second address, for metrics alone.
fn tell_metrics(
    builder: ServerBuilder,
    listener: TcpListener,
    entrance: Arc<Entrance>,
) -> std::io::Result<(ServerBuilder, Option<SocketAddr>)> {
    let address = listener.local_addr()?;
    let builder = builder.listen("metrics", listener, move || {
        let entrance = entrance.clone();
        let answer = move |request: Request| {
            let reply = metrics::answer(&request, &entrance);
            async move { Ok::<_, Infallible>(reply) }
        };
        HttpService::build().client_request_timeout(GOODBYE).h1(fn_service(answer)).tcp()
    })?;
    Ok((builder, Some(address)))
}

/// Asks the system for as many open files as so many connections need; how many it allows.
fn open_files_for(clients: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = clients as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current.filter(|current| *current < wanted) else { return clients };
    let possible = limit.maximum.map_or(wanted, |most| most.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(possible), ..limit });
    let files = if raised.is_ok() { possible } else { current };
    let clients = files.saturating_sub(OTHER_FILES).max(64);
    tracing::warn!(clients, "the system allows fewer open files than connections were asked for");
    clients as usize
}
