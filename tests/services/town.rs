//! A small made-up campaign on one database, and short words for what volunteers do in it at a given time.

use aftermap::domain::campaign::{Campaign, CampaignState};
use aftermap::domain::consensus::TileState;
use aftermap::domain::label::{LabelStatus, NewLabel, RefusalCode};
use aftermap::domain::policy::Policy;
use aftermap::domain::tile::{Lease, Tile};
use aftermap::services::Error;
use aftermap::services::campaigns::change_state;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::labelling::hand_out::{Request, Search, give};
use aftermap::services::labelling::release_lease;
use aftermap::services::labelling::submit_label::{ItemResult, Sender, Submission, submit_all};
use aftermap::storage::labelling::labels::CurrentLabel;
use aftermap::storage::labelling::queue::QueueRow;
use aftermap::storage::labelling::{labels, queue};
use aftermap::storage::scenes::tiles::{self, NewTile};
use aftermap::storage::{Conn, Store, new_id, scenes, schema};
use diesel::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

pub use crate::support::made_up::scene;
use crate::support::made_up::square;
use crate::support::{self, TestDatabase};

/// Noon of some day: tests bring their own time.
pub const NOON: i64 = 1_750_000_000_000;
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;

/// An open campaign with its database.
pub struct Town {
    pub store: Store,
    pub campaign: Campaign,
    pub tiles: Vec<i64>,
    pub name: &'static str,
    pub database: TestDatabase,
}

/// The defaults, but for the second look that chance gives to some tiles.
pub fn policy() -> Policy {
    Policy { second_look_share: 0.0, ..Policy::default() }
}

/// The same campaign on every database there is.
pub async fn towns(tiles: usize, policy: Policy) -> Vec<Town> {
    let mut all = Vec::new();
    for database in support::databases() {
        all.push(Town::build(database, tiles, policy.clone()).await);
    }
    all
}

impl Town {
    pub async fn build(database: TestDatabase, tiles: usize, policy: Policy) -> Town {
        let store = database.store();
        let made = store.write(move |conn| build(conn, tiles, &policy)).await;
        let (campaign, tiles) = made.expect("a campaign");
        Town { store, campaign, tiles, name: database.name, database }
    }

    /// Runs a transaction that must work.
    pub async fn run<T: Send + 'static>(&self, work: impl Fn(&mut Conn) -> Result<T, Error> + Send + 'static) -> T {
        self.store.write(work).await.unwrap_or_else(|error| panic!("on {}: {error}", self.name))
    }

    /// A new guest.
    pub async fn volunteer(&self) -> i64 {
        self.run(|conn| {
            let id = new_id();
            let row = (schema::volunteers::id.eq(id), schema::volunteers::created_at.eq(NOON));
            diesel::insert_into(schema::volunteers::table).values(row).execute(conn)?;
            Ok(id)
        })
        .await
    }

    pub async fn volunteers(&self, count: usize) -> Vec<i64> {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(self.volunteer().await);
        }
        all
    }

    /// What a volunteer gets who asks for tiles: first the ones already in hand.
    pub async fn ask(&self, volunteer: i64, count: usize, now: i64) -> Vec<Lease> {
        self.request(Request { volunteer, count, again: true, seed: rand::random() }, now).await
    }

    /// What a volunteer gets on top of the ones in hand.
    pub async fn more(&self, volunteer: i64, count: usize, now: i64) -> Vec<Lease> {
        self.request(Request { volunteer, count, again: false, seed: rand::random() }, now).await
    }

    async fn request(&self, request: Request, now: i64) -> Vec<Lease> {
        let mut search = Search::default();
        for _ in 0..1000 {
            let campaign = self.campaign.clone();
            let (given, next) = self.run(move |conn| give(conn, &campaign, request, search, now)).await;
            if !given.is_empty() || next.has_ended() {
                return given;
            }
            search = next;
        }
        panic!("the search never ends");
    }

    /// The one tile that a volunteer gets.
    pub async fn one(&self, volunteer: i64, now: i64) -> Lease {
        let mut given = self.ask(volunteer, 1, now).await;
        assert_eq!(given.len(), 1, "a tile on {}", self.name);
        given.remove(0)
    }

    /// Sends labels and returns the whole reply.
    pub async fn send(&self, volunteer: i64, items: Vec<NewLabel>, now: i64) -> Submission {
        self.run(move |conn| {
            let sender = Sender { volunteer, client: None, may_label: &|_| true };
            submit_all(conn, &sender, &items, rand::random(), now)
        })
        .await
    }

    /// Sends one label and returns what became of it.
    pub async fn submit(&self, volunteer: i64, label: NewLabel, now: i64) -> ItemResult {
        self.send(volunteer, vec![label], now).await.results.remove(0)
    }

    /// Answers a lease with a new id.
    pub async fn answer(&self, volunteer: i64, lease: i64, answer: &str, now: i64) -> Outcome {
        outcome(&self.submit(volunteer, label(lease, answer), now).await)
    }

    /// A new volunteer asks for a tile, answers it and wants no other.
    pub async fn another_says(&self, answer: &str, now: i64) -> Outcome {
        let volunteer = self.volunteer().await;
        let lease = self.one(volunteer, now).await;
        self.answer_only(volunteer, lease.id, answer, now).await
    }

    /// Answers a lease and gives back the tiles that the reply brings.
    pub async fn answer_only(&self, volunteer: i64, lease: i64, answer: &str, now: i64) -> Outcome {
        let reply = self.send(volunteer, vec![label(lease, answer)], now).await;
        for next in reply.leases {
            self.run(move |conn| release_lease::release(conn, volunteer, next.id, false, now)).await;
        }
        outcome(&reply.results[0])
    }

    pub async fn skip(&self, volunteer: i64, lease: i64, now: i64) {
        self.run(move |conn| release_lease::release(conn, volunteer, lease, true, now)).await;
    }

    pub async fn row(&self, tile: i64) -> QueueRow {
        self.run(move |conn| Ok(queue::lock(conn, tile)?)).await
    }

    pub async fn current(&self, tile: i64) -> Vec<CurrentLabel> {
        self.run(move |conn| Ok(labels::current_of_tile(conn, tile)?)).await
    }

    /// Rows in the label log.
    pub async fn logged(&self) -> i64 {
        self.run(|conn| Ok(schema::labels::table.count().get_result(conn)?)).await
    }

    /// Checks on every tile what must hold at any moment.
    pub async fn check(&self) {
        for tile in &self.tiles {
            let (row, current) = (self.row(*tile).await, self.current(*tile).await);
            let counted = current.iter().filter(|label| label.counted).count() as u32;
            assert_eq!(row.counted, counted, "counter and labels of a tile on {}", self.name);
            assert!(row.counted <= row.maximum, "too many counted on {}: {row:?}", self.name);
            let id = *tile;
            let open = self
                .run(move |conn| {
                    let open = schema::leases::table
                        .filter(schema::leases::tile.eq(id))
                        .filter(schema::leases::ended_at.is_null());
                    Ok(open.count().get_result::<i64>(conn)?)
                })
                .await;
            if !row.gold {
                assert_eq!(i64::from(row.leased), open, "counter and leases of a tile on {}", self.name);
            }
        }
    }
}

/// What became of a label, in a form that is easy to compare.
pub type Outcome = Result<(LabelStatus, TileState), RefusalCode>;

pub fn outcome(result: &ItemResult) -> Outcome {
    match &result.outcome {
        Ok(done) => Ok((done.status, done.tile_state)),
        Err(refusal) => Err(refusal.code),
    }
}

pub fn label(lease_id: i64, answer: &str) -> NewLabel {
    NewLabel {
        id: Uuid::now_v7(),
        lease_id,
        answer: answer.into(),
        window: None,
        note: None,
        flagged: false,
        seconds: Some(4.5),
    }
}

fn build(conn: &mut Conn, count: usize, policy: &Policy) -> Result<(Campaign, Vec<i64>), Error> {
    let new = NewCampaign { policy: policy.clone(), synthetic: true, ..NewCampaign::new("town", "A made-up town") };
    let campaign = create_campaign(conn, &new, None, NOON)?;
    let dated = [scene("before", NOON - 90 * 24 * HOUR), scene("after", NOON - 24 * HOUR)];
    for scene in &dated {
        scenes::insert(conn, campaign.id, scene, NOON)?;
    }
    let mut keys = ChaCha8Rng::seed_from_u64(count as u64);
    let mut ids = Vec::new();
    for place in 0..count {
        let id = new_id();
        let tile = NewTile {
            tile: Tile { id, tile_id: format!("b{place}"), cell: None, bbox: square(place), footprint: None },
            frames: dated.iter().map(|scene| (scene.id, 1.0)).collect(),
            shuffle_key: keys.random(),
        };
        tiles::insert(conn, campaign.id, &tile, policy)?;
        ids.push(id);
    }
    let campaign = change_state::change_state(conn, "town", CampaignState::Open, None, NOON)?;
    Ok((campaign, ids))
}
