//! A volunteer's device: sends each request until it knows the outcome, and writes down everything it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::campaign::SLUG;
use crate::record::{Granted, Record, Sent, Told};

/// A device gives up on one try after this.
const TRY: Duration = Duration::from_secs(4);
/// A volunteer who does not know the outcome after this has lost trust: the storm failed.
const PATIENCE: Duration = Duration::from_secs(90);

/// The way to the servers, and the common memory.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    doors: Vec<SocketAddr>,
    record: Arc<Mutex<Record>>,
}

/// A guest with the token that speaks for it.
#[derive(Debug, Clone)]
pub struct Guest {
    pub id: i64,
    pub token: String,
}

/// A tile to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub id: i64,
    pub tile: String,
}

#[derive(Deserialize)]
struct GuestReply {
    volunteer_id: String,
    token: String,
}

#[derive(Deserialize)]
struct LeasesReply {
    leases: Vec<LeaseReply>,
}

#[derive(Deserialize)]
struct LeaseReply {
    lease_id: String,
    tile: TileReply,
}

#[derive(Deserialize)]
struct TileReply {
    id: String,
}

#[derive(Deserialize)]
struct Receipts {
    results: Vec<Receipt>,
    leases: Vec<LeaseReply>,
}

#[derive(Deserialize)]
struct Receipt {
    id: String,
    status: String,
    code: Option<String>,
    tile_state: Option<String>,
}

impl Client {
    pub fn new(doors: Vec<SocketAddr>, record: Arc<Mutex<Record>>) -> Client {
        let http = reqwest::Client::builder().timeout(TRY).tcp_nodelay(true).no_proxy().build();
        Client { http: http.expect("a client"), doors, record }
    }

    /// The common memory.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("no volunteer panicked")
    }

    /// A new guest; `None` where nobody let us in.
    pub async fn guest(&self, dice: &mut ChaCha8Rng) -> Option<Guest> {
        let reply = self.insist(dice, Method::POST, "/api/v1/guests", None, Some(&json!({"token": true}))).await?;
        let guest: GuestReply = self.read(&reply)?;
        Some(Guest { id: guest.volunteer_id.parse().ok()?, token: guest.token })
    }

    /// Tiles to label; those in hand first.
    pub async fn leases(&self, dice: &mut ChaCha8Rng, guest: &Guest, count: u32) -> Vec<Lease> {
        let (path, body) = (format!("/api/v1/campaigns/{SLUG}/leases"), json!({ "count": count }));
        let Some(reply) = self.insist(dice, Method::POST, &path, Some(guest), Some(&body)).await else {
            return Vec::new();
        };
        self.read::<LeasesReply>(&reply).map_or(Vec::new(), |reply| self.take(guest, reply.leases))
    }

    /// Hands labels in and learns what became of each. Returns the next leases.
    pub async fn submit(&self, dice: &mut ChaCha8Rng, guest: &Guest, labels: &[Sent]) -> Vec<Lease> {
        for label in labels {
            self.record().send(label.clone());
        }
        let Some(receipts) = self.post_labels(dice, guest, labels).await else { return Vec::new() };
        let sent: Vec<Uuid> = labels.iter().map(|label| label.id).collect();
        let told: Vec<Option<Uuid>> = receipts.results.iter().map(|result| result.id.parse().ok()).collect();
        if told != sent.iter().map(|id| Some(*id)).collect::<Vec<_>>() {
            self.record().complaints.push(format!("sent {sent:?}, told about {told:?}"));
            return Vec::new();
        }
        for (id, result) in sent.into_iter().zip(receipts.results) {
            self.record().learn(id, result.into());
        }
        self.take(guest, receipts.leases)
    }

    /// Uses the id of a label that is known to be stored for something else.
    pub async fn reuse(&self, dice: &mut ChaCha8Rng, guest: &Guest, label: &Sent) {
        let Some(receipts) = self.post_labels(dice, guest, std::slice::from_ref(label)).await else { return };
        for result in receipts.results {
            self.record().learn_of_reuse(label.id, result.into());
        }
    }

    async fn post_labels(&self, dice: &mut ChaCha8Rng, guest: &Guest, labels: &[Sent]) -> Option<Receipts> {
        let item = |label: &Sent| json!({"id": label.id, "lease_id": label.lease.to_string(), "answer": label.answer});
        let body = Value::from(labels.iter().map(item).collect::<Vec<_>>());
        let reply = self.insist(dice, Method::POST, "/api/v1/labels", Some(guest), Some(&body)).await?;
        self.read(&reply)
    }

    /// Gives a tile back.
    pub async fn give_back(&self, dice: &mut ChaCha8Rng, guest: &Guest, lease: i64, skip: bool) {
        let path = format!("/api/v1/leases/{lease}?skip={skip}");
        if self.insist(dice, Method::DELETE, &path, Some(guest), None).await.is_some() {
            self.record().given_back.insert(lease);
        }
    }

    fn take(&self, guest: &Guest, leases: Vec<LeaseReply>) -> Vec<Lease> {
        let mut record = self.record();
        let taken = leases.into_iter().filter_map(|lease| {
            let lease = Lease { id: lease.lease_id.parse().ok()?, tile: lease.tile.id };
            record.grant(Granted { lease: lease.id, tile: lease.tile.clone(), volunteer: guest.id });
            Some(lease)
        });
        taken.collect()
    }

    /// Sends a request until it is answered. `None` (and a complaint) where it never was, or was refused outright.
    async fn insist(
        &self,
        dice: &mut ChaCha8Rng,
        method: Method,
        path: &str,
        guest: Option<&Guest>,
        body: Option<&Value>,
    ) -> Option<Vec<u8>> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let door = self.doors[dice.random_range(0..self.doors.len())];
            match self.attempt(door, &method, path, guest, body).await {
                Some((status, body)) if status.is_success() => {
                    let mut record = self.record();
                    record.longest = record.longest.max(begun.elapsed());
                    return Some(body);
                }
                Some((status, body)) if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
                    let said = String::from_utf8_lossy(&body).into_owned();
                    self.record().complaints.push(format!("{method} {path}: {status} {said}"));
                    return None;
                }
                _ => tokio::time::sleep(Duration::from_millis(dice.random_range(20..200))).await,
            }
        }
        self.record().complaints.push(format!("{method} {path}: never learnt the outcome in {PATIENCE:?}"));
        None
    }

    /// One try. `None` where the connection broke or the time ran out.
    async fn attempt(
        &self,
        door: SocketAddr,
        method: &Method,
        path: &str,
        guest: Option<&Guest>,
        body: Option<&Value>,
    ) -> Option<(StatusCode, Vec<u8>)> {
        let mut request = self.http.request(method.clone(), format!("http://{door}{path}"));
        if let Some(guest) = guest {
            request = request.bearer_auth(&guest.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let exchange = async {
            let reply = request.send().await?;
            let (status, waits) = (reply.status(), reply.headers().contains_key("retry-after"));
            Ok::<_, reqwest::Error>((status, waits, reply.bytes().await?.to_vec()))
        };
        let Ok((status, waits, body)) = exchange.await else {
            self.record().reply(0);
            return None;
        };
        let mut record = self.record();
        record.reply(status.as_u16());
        let said = String::from_utf8_lossy(&body);
        if status.as_u16() == 500 || (status.is_server_error() && !waits) {
            record.complaints.push(format!("{method} {path}: {status}, retry-after {waits}: {said}"));
        }
        Some((status, body))
    }

    fn read<T: for<'a> Deserialize<'a>>(&self, body: &[u8]) -> Option<T> {
        let read = serde_json::from_slice(body);
        if let Err(error) = &read {
            let said = String::from_utf8_lossy(body);
            self.record().complaints.push(format!("a reply that cannot be read ({error}): {said}"));
        }
        read.ok()
    }
}

impl From<Receipt> for Told {
    fn from(receipt: Receipt) -> Told {
        Told { status: receipt.status, code: receipt.code, tile_state: receipt.tile_state }
    }
}
