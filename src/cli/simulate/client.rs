//! The few requests that a simulated volunteer makes, as any script would make them.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::SimulateError;
use crate::domain::scale::{BAD_IMAGERY, UNSURE};

/// How often a request is repeated that the server could not take, and for how long at most between two tries.
const TRIES: u32 = 20;
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A connection to one server.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
}

/// What a volunteer needs to know of a campaign.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// Where it stands, as a word.
    pub state: String,
    /// How many of the answers are classes.
    pub classes: usize,
    /// Whether the classes are grades of one thing.
    pub ordered: bool,
    /// Keys of all answers, classes first.
    pub answers: Vec<String>,
    /// Place of `unsure`, if there is one.
    pub unsure: Option<usize>,
    /// Place of `bad_imagery`, if there is one.
    pub bad_imagery: Option<usize>,
}

/// A tile in a volunteer's hands.
#[derive(Debug, Clone, Deserialize)]
pub struct Lease {
    pub lease_id: String,
    pub tile: Tile,
}

/// The tile of a lease.
#[derive(Debug, Clone, Deserialize)]
pub struct Tile {
    pub id: String,
}

/// A guest and the token that speaks for it.
#[derive(Debug, Clone, Deserialize)]
pub struct Guest {
    pub volunteer_id: String,
    pub token: String,
}

/// What became of one label.
#[derive(Debug, Clone, Deserialize)]
pub struct LabelResult {
    pub id: String,
    pub status: String,
    pub code: Option<String>,
    pub tile_state: Option<String>,
}

/// The reply to a submission.
#[derive(Debug, Deserialize)]
pub struct Receipts {
    pub results: Vec<LabelResult>,
    pub leases: Vec<Lease>,
}

#[derive(Deserialize)]
struct Leases {
    leases: Vec<Lease>,
}

/// How far a campaign is.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Progress {
    pub tiles: u64,
    pub open: u64,
    pub closed: u64,
}

#[derive(Deserialize)]
struct CampaignReply {
    state: String,
    scale: ScaleReply,
    progress: Progress,
}

#[derive(Deserialize)]
struct ScaleReply {
    ordered: bool,
    answers: Vec<AnswerReply>,
}

#[derive(Deserialize)]
struct AnswerReply {
    key: String,
    role: String,
}

impl Client {
    /// A client of the server at this address.
    pub fn new(url: &str) -> Result<Client, SimulateError> {
        let unusable = |error: reqwest::Error| SimulateError(format!("cannot set up a client: {error}"));
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .tcp_nodelay(true)
            .no_proxy()
            .build()
            .map_err(unusable)?;
        let base = url.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(SimulateError(format!(
                "`{url}` is no address of a server: it begins with http:// or https://"
            )));
        }
        Ok(Client { base, http })
    }

    /// A campaign by its name.
    pub async fn campaign(&self, slug: &str) -> Result<Campaign, SimulateError> {
        let CampaignReply { state, scale, .. } = self.look(slug).await?;
        let answers: Vec<String> = scale.answers.iter().map(|answer| answer.key.clone()).collect();
        let place = |key: &str| answers.iter().position(|answer| answer == key);
        let (unsure, bad_imagery) = (place(UNSURE), place(BAD_IMAGERY));
        let classes = scale.answers.iter().filter(|answer| answer.role == "class").count();
        if classes < 2 {
            return Err(SimulateError(format!("campaign `{slug}` has no damage classes to choose from")));
        }
        Ok(Campaign { state, classes, ordered: scale.ordered, answers, unsure, bad_imagery })
    }

    /// How far the campaign is.
    pub async fn progress(&self, slug: &str) -> Result<Progress, SimulateError> {
        Ok(self.look(slug).await?.progress)
    }

    async fn look(&self, slug: &str) -> Result<CampaignReply, SimulateError> {
        let plain = slug.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if slug.is_empty() || !plain {
            return Err(SimulateError(format!("`{slug}` is no campaign's name: it has a-z, 0-9 and - only")));
        }
        match self.send(Method::GET, &format!("/api/v1/campaigns/{slug}"), None, None).await? {
            (StatusCode::NOT_FOUND, _) => {
                Err(SimulateError(format!("the server at {} has no campaign `{slug}` that guests may see", self.base)))
            }
            reply => self.read(reply),
        }
    }

    /// A new guest.
    pub async fn guest(&self) -> Result<Guest, SimulateError> {
        let reply = self.send(Method::POST, "/api/v1/guests", None, Some(json!({"token": true}))).await?;
        self.read(reply)
    }

    /// Tiles to label: first the ones in hand.
    pub async fn leases(&self, token: &str, slug: &str, count: u32) -> Result<Vec<Lease>, SimulateError> {
        let path = format!("/api/v1/campaigns/{slug}/leases");
        let reply = self.send(Method::POST, &path, Some(token), Some(json!({ "count": count }))).await?;
        Ok(self.read::<Leases>(reply)?.leases)
    }

    /// Hands labels in.
    pub async fn submit(&self, token: &str, items: &[Value]) -> Result<Receipts, SimulateError> {
        let reply = self.send(Method::POST, "/api/v1/labels", Some(token), Some(Value::from(items))).await?;
        self.read(reply)
    }

    /// Skips a tile.
    pub async fn skip(&self, token: &str, lease: &str) -> Result<(), SimulateError> {
        let path = format!("/api/v1/leases/{lease}?skip=true");
        let (status, text) = self.send(Method::DELETE, &path, Some(token), None).await?;
        if status.is_success() { Ok(()) } else { Err(self.refused(status, &text)) }
    }

    /// Sends a request, and again while the server is too busy or the connection breaks: ids make repeats harmless.
    async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Result<(StatusCode, Vec<u8>), SimulateError> {
        let mut wait = Duration::from_millis(50);
        let mut last = String::new();
        for _ in 0..TRIES {
            let request = self.request(method.clone(), path, token, body.as_ref());
            match exchange(request).await {
                Ok((status, _)) if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                    last = format!("it answers {status}");
                }
                Ok(reply) => return Ok(reply),
                // Nobody listens there: waiting would not help whoever mistyped the address.
                Err(error) if error.is_connect() && token.is_none() => return Err(self.away(&deepest(&error))),
                Err(error) => last = deepest(&error),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        Err(self.away(&last))
    }

    fn request(&self, method: Method, path: &str, token: Option<&str>, body: Option<&Value>) -> RequestBuilder {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header("X-Aftermap-Client", concat!("simulate/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    fn read<T: DeserializeOwned>(&self, (status, text): (StatusCode, Vec<u8>)) -> Result<T, SimulateError> {
        if !status.is_success() {
            return Err(self.refused(status, &text));
        }
        serde_json::from_slice(&text).map_err(|error| {
            SimulateError(format!("the server at {} answers what is not expected: {error}", self.base))
        })
    }

    fn refused(&self, status: StatusCode, text: &[u8]) -> SimulateError {
        let problem: Value = serde_json::from_slice(text).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("without a reason");
        SimulateError(format!("the server at {} refuses ({status}): {detail}", self.base))
    }

    fn away(&self, reason: &str) -> SimulateError {
        SimulateError(format!("cannot reach the server at {}: {reason}; is it running?", self.base))
    }
}

async fn exchange(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), reqwest::Error> {
    let reply = request.send().await?;
    let status = reply.status();
    Ok((status, reply.bytes().await?.to_vec()))
}

/// The innermost cause, which names what is wrong ("connection refused").
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
