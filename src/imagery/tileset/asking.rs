//! Asks another server for one tile: only that host, only addresses that are allowed, never more bytes than a tile has.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode, Url};

use crate::domain::cell::Cell;
use crate::domain::remote_tiles::{AllowedHost, TileAddress};

use super::MOST_BYTES;

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(10);
/// Redirects within the host that are followed.
const MOST_REDIRECTS: usize = 3;
/// Longest wait that a host may ask for.
const LONGEST_WAIT: u64 = 60;

/// What came of one question.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// Bytes that may be a tile.
    Bytes(Vec<u8>),
    /// The host has no tile there.
    Nothing,
    /// It may be there later: the reason, and the wait that was asked for.
    Later(String, Option<Duration>),
    /// No repeat will help.
    Never(String),
}

/// A connection to one host.
pub struct Asking<'a> {
    client: Client,
    address: &'a TileAddress,
    key: Option<&'a str>,
}

impl<'a> Asking<'a> {
    /// Finds out where the host is, once: what is checked here is where all requests go, whatever its name means later.
    ///
    /// # Errors
    /// Where the host has no address that may be reached.
    pub async fn new(address: &'a TileAddress, host: &'a AllowedHost) -> Result<Asking<'a>, String> {
        let url = Url::parse(&address.of(Cell { z: 0, x: 0, y: 0 }, None)).map_err(|error| error.to_string())?;
        let (Some(name), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err("it names no host".into());
        };
        let places = places(name, port).await?;
        let allowed: Vec<SocketAddr> = places.into_iter().filter(|place| host.may_reach(place.ip())).collect();
        if allowed.is_empty() {
            return Err(format!(
                "{name} leads to no public address: the operator can list its network in the file of --remote-hosts"
            ));
        }
        let client = Client::builder()
            .user_agent(concat!("aftermap/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::custom(within_the_host))
            .resolve_to_addrs(name, &allowed)
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(Duration::from_secs_f64(host.timeout_seconds))
            .build();
        let client = client.map_err(|error| format!("no connection can be set up: {}", error.without_url()))?;
        Ok(Asking { client, address, key: host.key.as_deref() })
    }

    /// Asks once.
    pub async fn ask(&self, cell: Cell) -> Answer {
        match self.client.get(self.address.of(cell, self.key)).send().await {
            Ok(response) => read(response).await,
            Err(error) => later(error),
        }
    }
}

/// All addresses of a host; of one that is written in numbers, that one.
async fn places(name: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    if let Ok(address) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = tokio::time::timeout(CONNECT, tokio::net::lookup_host((name, port))).await;
    match found {
        Ok(Ok(places)) => Ok(places.collect()),
        Ok(Err(error)) => Err(format!("{name} is not known: {error}")),
        Err(_) => Err(format!("nobody says where {name} is")),
    }
}

/// Redirects are followed within scheme, host and port.
fn within_the_host(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let same = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    match same && attempt.previous().len() <= MOST_REDIRECTS {
        true => attempt.follow(),
        false => attempt.stop(),
    }
}

/// In words without the address: the key may stand in it.
fn later(error: reqwest::Error) -> Answer {
    let error = error.without_url();
    let reason = match (error.is_timeout(), error.is_connect()) {
        (true, _) => "did not answer in time".to_owned(),
        (_, true) => "cannot be reached".to_owned(),
        _ => format!("broke off ({error})"),
    };
    Answer::Later(reason, None)
}

async fn read(mut response: Response) -> Answer {
    let status = response.status();
    match status {
        StatusCode::OK => {}
        StatusCode::NO_CONTENT | StatusCode::NOT_FOUND | StatusCode::GONE => return Answer::Nothing,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Answer::Never(format!(
                "is refused by its host ({status}): is the key right, and allowed to fetch it?"
            ));
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => return wait(&response, status),
        status if status.is_server_error() => return wait(&response, status),
        status if status.is_redirection() => {
            return Answer::Never("is said to be somewhere else; redirects to other hosts are not followed".into());
        }
        status => return Answer::Never(format!("is refused by its host ({status})")),
    }
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("image/");
    if !kind.starts_with("image/") && !kind.starts_with("application/octet-stream") {
        let shown: String = kind.chars().take(60).collect();
        return Answer::Never(format!("is no picture but `{shown}`"));
    }
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(part)) if (bytes.len() + part.len()) as u64 <= MOST_BYTES => bytes.extend_from_slice(&part),
            Ok(Some(_)) => {
                return Answer::Never("is larger than 1 MB; no tile of at most 1024 pixels needs that".into());
            }
            Ok(None) if bytes.is_empty() => return Answer::Nothing,
            Ok(None) => return Answer::Bytes(bytes),
            Err(error) => return later(error),
        }
    }
}

fn wait(response: &Response, status: StatusCode) -> Answer {
    let asked = response.headers().get(RETRY_AFTER).and_then(|text| text.to_str().ok()?.trim().parse::<u64>().ok());
    Answer::Later(format!("was answered with {status}"), asked.map(|s| Duration::from_secs(s.min(LONGEST_WAIT))))
}
