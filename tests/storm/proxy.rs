//! A small TCP proxy of our own: one fixed door in front of a server that comes and goes, which cuts connections when the
//! plan says so, at a chosen moment of an exchange.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// When a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The server hears nothing of the request.
    BeforeRequest,
    /// It hears half of it.
    DuringRequest,
    /// It has all of it and works on it.
    AfterRequest,
    /// It has answered; the client sees nothing of the reply.
    BeforeReply,
    /// The client sees half of the reply.
    DuringReply,
    /// The client has the reply; its next request meets a dead connection.
    AfterReply,
}

const MOMENTS: [Moment; 6] = [
    Moment::BeforeRequest,
    Moment::DuringRequest,
    Moment::AfterRequest,
    Moment::BeforeReply,
    Moment::DuringReply,
    Moment::AfterReply,
];

/// What all connections of a proxy share.
struct Shared {
    upstream: Mutex<Option<SocketAddr>>,
    /// Share of the exchanges that are cut.
    share: Mutex<f64>,
    dice: Mutex<ChaCha8Rng>,
    cuts: [AtomicU64; MOMENTS.len()],
}

/// A door that stays open as long as the value lives.
pub struct Proxy {
    pub door: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

impl Proxy {
    /// Opens a door that leads nowhere yet.
    pub async fn open(dice: ChaCha8Rng) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let door = listener.local_addr().expect("its address");
        let (upstream, share) = (Mutex::new(None), Mutex::new(0.0));
        let shared = Arc::new(Shared { upstream, share, dice: Mutex::new(dice), cuts: Default::default() });
        let accepting = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Proxy { door, shared, accepting }
    }

    /// Says where the door leads.
    pub fn lead_to(&self, server: Option<SocketAddr>) {
        *self.shared.upstream.lock().expect("no panic") = server;
    }

    /// Cuts this share of the exchanges from now on.
    pub fn cut(&self, share: f64) {
        *self.shared.share.lock().expect("no panic") = share;
    }

    /// Cuts so far, for each of the moments from before the request to after the reply.
    pub fn cuts(&self) -> [u64; MOMENTS.len()] {
        std::array::from_fn(|place| self.shared.cuts[place].load(Ordering::Relaxed))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    /// Whether and when this exchange is cut.
    fn draw(&self) -> Option<Moment> {
        let share = *self.share.lock().expect("no panic");
        let mut dice = self.dice.lock().expect("no panic");
        (share > 0.0 && dice.random_bool(share)).then(|| MOMENTS[dice.random_range(0..MOMENTS.len())])
    }

    fn count(&self, moment: Moment) {
        self.cuts[moment as usize].fetch_add(1, Ordering::Relaxed);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let upstream = *shared.upstream.lock().expect("no panic");
            let Some(upstream) = upstream else { return };
            let Ok(server) = TcpStream::connect(upstream).await else { return };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            // An error here is a connection that one side closed: nothing to do but to close the other.
            let _ = relay(client, server, &shared).await;
        });
    }
}

/// Carries bytes both ways, exchange by exchange, until one side closes or the exchange is cut.
///
/// Requests of the storm are small and each client waits for its reply, so one reading is one request or one reply;
/// where it is not, the cut falls at another moment, which is as good.
async fn relay(mut client: TcpStream, mut server: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (mut up, mut down) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut planned = None;
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let request = &up[..read?];
                if request.is_empty() {
                    return Ok(());
                }
                planned = shared.draw();
                if ask(&mut server, request, planned, shared).await? {
                    return sever(client, server);
                }
            }
            read = server.read(&mut down) => {
                let reply = &down[..read?];
                if reply.is_empty() {
                    return Ok(());
                }
                if answer(&mut client, reply, planned, shared).await? {
                    return sever(client, server);
                }
            }
        }
    }
}

/// Passes a request on as far as it shall go. Returns whether the connection ends here.
async fn ask(server: &mut TcpStream, request: &[u8], cut: Option<Moment>, shared: &Shared) -> std::io::Result<bool> {
    let cut = cut.filter(|moment| (*moment as usize) <= Moment::AfterRequest as usize);
    let part = match cut {
        Some(Moment::BeforeRequest) => 0,
        Some(Moment::DuringRequest) => request.len() / 2,
        _ => request.len(),
    };
    server.write_all(&request[..part]).await?;
    let Some(moment) = cut else { return Ok(false) };
    shared.count(moment);
    // The server shall have read what was sent before it finds the connection gone.
    let pause = shared.dice.lock().expect("no panic").random_range(0..5);
    tokio::time::sleep(Duration::from_millis(pause)).await;
    Ok(true)
}

/// Passes a reply on as far as it shall go. Returns whether the connection ends here.
async fn answer(client: &mut TcpStream, reply: &[u8], cut: Option<Moment>, shared: &Shared) -> std::io::Result<bool> {
    let cut = cut.filter(|moment| (*moment as usize) > Moment::AfterRequest as usize);
    let part = match cut {
        Some(Moment::BeforeReply) => 0,
        Some(Moment::DuringReply) => reply.len() / 2,
        _ => reply.len(),
    };
    client.write_all(&reply[..part]).await?;
    let Some(moment) = cut else { return Ok(false) };
    shared.count(moment);
    Ok(true)
}

/// Ends both connections the hard way (RST), as a dying network does.
fn sever(client: TcpStream, server: TcpStream) -> std::io::Result<()> {
    client.set_zero_linger()?;
    server.set_zero_linger()
}
