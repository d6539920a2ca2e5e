//! The server: sockets, workers, time limits, and an orderly end.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App as ActixApp, HttpServer, dev};

use super::envelope::envelope;
use super::gate::App;
use super::health::Readiness;
use super::images::Lookups;

/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a client may take to send the head of its first request, and to close.
const HEAD: Duration = Duration::from_secs(10);
/// How long requests that are under way may take once the server was told to stop, seconds.
const SHUTDOWN_SECONDS: u64 = 25;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 2_048;

/// Settings of the server.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Threads that answer requests.
    pub workers: usize,
}

/// A server that listens.
pub struct Server {
    /// Where it listens; the port is the real one where 0 was asked for.
    pub address: SocketAddr,
    running: dev::Server,
}

impl Server {
    /// Starts to listen. When `stop` ends, the server says that it is not ready, finishes what is under way and ends.
    ///
    /// # Errors
    /// Where the address cannot be used, for instance because another program does.
    pub fn start(
        app: App,
        options: &ServerOptions,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<Server> {
        let listener = TcpListener::bind(options.listen)?;
        let address = listener.local_addr()?;
        let leaving = app.clone();
        let stop = async move {
            stop.await;
            leaving.set_ready(false);
        };
        let (app, lookups, readiness) =
            (Data::new(app), Data::new(Lookups::default()), Data::new(Readiness::default()));
        let build = move || {
            ActixApp::new()
                .app_data(app.clone())
                .app_data(lookups.clone())
                .app_data(readiness.clone())
                .configure(super::routes)
                .wrap(from_fn(envelope))
        };
        let running = HttpServer::new(build)
            .workers(options.workers)
            .backlog(BACKLOG)
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD)
            .client_disconnect_timeout(HEAD)
            .tcp_nodelay(true)
            .shutdown_timeout(SHUTDOWN_SECONDS)
            .shutdown_signal(stop)
            .listen(listener)?
            .run();
        Ok(Server { address, running })
    }

    /// Answers requests until the server was told to stop and is done.
    pub async fn run(self) -> std::io::Result<()> {
        self.running.await
    }
}
