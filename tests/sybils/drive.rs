//! Drives a crowd over HTTP until no tile is open, looks at the map, excludes the dishonest, and looks again.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aftermap::domain::campaign::CampaignState;
use aftermap::domain::cell::Cell;
use aftermap::domain::gold::GoldKind;
use aftermap::domain::tile::Tile;
use aftermap::domain::volunteer::Role;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::clock;
use aftermap::services::upkeep::housekeeping;
use aftermap::storage::scenes::tiles::{self, NewTile};
use aftermap::storage::{Store, new_id};
use rand::RngExt;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::crowd::{CLASSES, World, dice};
use crate::helpers::{Browser, Reply, TestApp, add_scene};
use crate::support::sqlite;

const SLUG: &str = "town";
const ZOOM: u8 = 16;
const CORNER: (u32, u32) = (39_000, 25_000);

/// What became of an attack.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Labels that the server acknowledged.
    pub labels: u64,
    /// Tiles that the sybils wanted undamaged.
    pub targets: usize,
    /// Of these, settled as undamaged: damage hidden silently.
    pub hidden: usize,
    /// Share of the targets that are contested: an expert looks.
    pub targets_contested: f64,
    /// Share of the other settled tiles whose class is the truth.
    pub others_right: f64,
    /// Share of the other tiles that are contested.
    pub others_contested: f64,
    /// Sybils and honest people in a suspected ring, at the end.
    pub ring: (usize, usize),
    /// Labels after which any sybil was in one.
    pub ring_after: Option<u64>,
    /// Targets hidden after all sybils were excluded and the honest went on.
    pub hidden_after: usize,
    /// `others_right` then.
    pub others_right_after: f64,
    /// Whether the map after lifting a further exclusion is the one before it in every figure.
    pub lifted_is_the_same: bool,
}

/// The campaign of a world, with the server's default policy but for `minimum`, and check gold beside its tiles.
async fn build(app: &TestApp, world: &World, gold: usize) {
    let tiles = world.truth.len();
    let policy = world.policy();
    let seed = world.seed;
    app.write(move |conn| {
        let new =
            NewCampaign { synthetic: true, policy: policy.clone(), ..NewCampaign::new(SLUG, "A town under attack") };
        let campaign = create_campaign(conn, &new, None, clock::now_ms())?;
        let seen = [add_scene(conn, &campaign, 1)?, add_scene(conn, &campaign, 2)?];
        for place in 0..tiles + gold {
            let cell = cell_of(place);
            let tile =
                Tile { id: new_id(), tile_id: cell.to_string(), cell: Some(cell), bbox: cell.bbox(), footprint: None };
            let frames = seen.iter().map(|scene| (*scene, 1.0)).collect();
            let shuffle_key = dice(seed, "shuffle", 0, place).random();
            tiles::insert(conn, campaign.id, &NewTile { tile, frames, shuffle_key }, &campaign.policy)?;
        }
        Ok(())
    })
    .await;
    let names: Vec<(String, &str)> =
        (0..gold).map(|place| (cell_of(tiles + place).to_string(), CLASSES[place % 3])).collect();
    let answers: Vec<(&str, &str)> = names.iter().map(|(tile, class)| (tile.as_str(), *class)).collect();
    app.gold(SLUG, GoldKind::Check, &answers).await;
    app.write(|conn| change_state(conn, SLUG, CampaignState::Open, None, clock::now_ms()).map(drop)).await;
}

fn cell_of(place: usize) -> Cell {
    Cell { z: ZOOM, x: CORNER.0 + (place % 100) as u32, y: CORNER.1 + (place / 100) as u32 }
}

fn place_of(tile_id: &str) -> usize {
    let parts: Vec<u32> = tile_id.split('-').map(|part| part.parse().unwrap()).collect();
    ((parts[2] - CORNER.1) * 100 + (parts[1] - CORNER.0)) as usize
}

/// Times that a request is repeated which a busy server turned away.
const PATIENCE: usize = 100;

/// A request as a client sends it: whoever is told that the server is busy asks again a moment later.
async fn post(browser: &Browser, path: &str, body: Value) -> Reply {
    for _ in 0..PATIENCE {
        let reply = browser.post(path, body.clone()).await;
        if !is_busy(&reply) {
            return reply;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    browser.post(path, body).await
}

async fn get(browser: &Browser, path: &str) -> Reply {
    for _ in 0..PATIENCE {
        let reply = browser.get(path).await;
        if !is_busy(&reply) {
            return reply;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    browser.get(path).await
}

fn is_busy(reply: &Reply) -> bool {
    matches!(reply.status.as_u16(), 429 | 503)
}

/// One person at work until told to stop: a guest with a browser of its own.
async fn work(browser: Arc<Browser>, world: Arc<World>, person: u32, labels: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let tiles = world.truth.len();
    let mut hand: Vec<Value> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        if hand.is_empty() {
            let reply = post(&browser, &format!("/api/v1/campaigns/{SLUG}/leases"), json!({"count": 1})).await;
            if reply.status == 403 {
                return; // excluded
            }
            hand = reply.ok()["leases"].as_array().unwrap().clone();
        }
        let Some(lease) = hand.pop() else {
            tokio::time::sleep(Duration::from_millis(40)).await;
            continue;
        };
        let place = place_of(lease["tile"]["id"].as_str().unwrap());
        // On check gold everybody does their honest best: nobody can tell it from other tiles, and none is a target.
        let answer = if place < tiles { world.answer(person, place) } else { on_gold(&world, person, place) };
        let seconds = dice(world.seed, "seconds", person, place).random_range(3.0..15.0);
        let label = json!([{"id": Uuid::now_v7(), "lease_id": lease["lease_id"], "answer": CLASSES[answer], "seconds": seconds}]);
        let reply = post(&browser, "/api/v1/labels", label).await.ok();
        labels.fetch_add(1, Ordering::Relaxed);
        hand = reply["leases"].as_array().unwrap().clone();
    }
}

fn on_gold(world: &World, person: u32, place: usize) -> usize {
    let truth = (place - world.truth.len()) % 3;
    let undamaged = world.attack == crate::crowd::Attack::AlwaysUndamaged && world.is_sybil(person);
    let right = dice(world.seed, "gold", person, place).random_bool(0.88);
    match (undamaged, right) {
        (true, _) => 0,
        (false, true) => truth,
        (false, false) => {
            if truth == 1 {
                0
            } else {
                1
            }
        }
    }
}

/// Lets the server keep house, as `serve` does, but more often.
async fn keep_house(store: Store, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let _ = housekeeping::round(&store).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// The whole story of one attack.
pub async fn attack(world: &World, gold: usize) -> Outcome {
    let app = TestApp::start(sqlite(), None);
    build(&app, world, gold).await;
    let world = Arc::new(world.clone());
    let coordinator = app.signed_in_as(Role::Coordinator, SLUG).await;
    let (mut browsers, mut names) = (Vec::new(), HashMap::new());
    for person in 0..world.people() {
        let browser = app.browser();
        browser.become_guest().await;
        browsers.push(Arc::new(browser));
        let _ = person;
    }
    let labels = Arc::new(AtomicU64::new(0));
    let house = Arc::new(AtomicBool::new(false));
    let keeper = tokio::spawn(keep_house(app.store.clone(), house.clone()));
    let mut outcome = Outcome { targets: world.targets.iter().filter(|one| **one).count(), ..Outcome::default() };
    let everybody: Vec<u32> = (0..world.people()).collect();
    run(&coordinator, &browsers, &world, &everybody, &labels, &mut outcome, &mut names).await;
    outcome.labels = labels.load(Ordering::Relaxed);
    settle(&coordinator).await;
    judge(&coordinator, &world, &mut outcome).await;
    outcome.ring = rings(&coordinator, &world, &names).await;
    let sybils: Vec<&String> =
        names.iter().filter(|(_, person)| world.is_sybil(**person)).map(|(name, _)| name).collect();
    if !sybils.is_empty() {
        exclude(&coordinator, &sybils).await;
        let honest: Vec<u32> = (0..world.honest).collect();
        run(&coordinator, &browsers, &world, &honest, &labels, &mut outcome, &mut names).await;
        settle(&coordinator).await;
    }
    let mut after = outcome.clone();
    judge(&coordinator, &world, &mut after).await;
    (outcome.hidden_after, outcome.others_right_after) = (after.hidden, after.others_right);
    outcome.lifted_is_the_same = there_and_back(&coordinator, &names).await;
    house.store(true, Ordering::Relaxed);
    keeper.await.unwrap();
    outcome
}

/// Lets these people work until no tile is open, or nothing moves for a while.
async fn run(
    coordinator: &Browser,
    browsers: &[Arc<Browser>],
    world: &Arc<World>,
    people: &[u32],
    labels: &Arc<AtomicU64>,
    outcome: &mut Outcome,
    names: &mut HashMap<String, u32>,
) {
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (people.iter())
        .map(|&person| {
            let browser = browsers[person as usize].clone();
            tokio::spawn(work(browser, world.clone(), person, labels.clone(), stop.clone()))
        })
        .collect();
    let (mut last, mut still) = (u64::MAX, 0);
    while still < 25 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = labels.load(Ordering::Relaxed);
        still = if now == last { still + 1 } else { 0 };
        last = now;
        if outcome.ring_after.is_none() && names.len() == browsers.len() && rings(coordinator, world, names).await.0 > 0
        {
            outcome.ring_after = Some(now);
        }
        if names.len() < browsers.len() {
            learn_names(browsers, names).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
}

/// Which pseudonym is whose, as each person may know of themself.
async fn learn_names(browsers: &[Arc<Browser>], names: &mut HashMap<String, u32>) {
    for (person, browser) in browsers.iter().enumerate() {
        let data = get(browser, "/api/v1/me/data").await.ok();
        if let Some(name) = data["campaigns"][0]["pseudonym"].as_str() {
            names.insert(name.to_owned(), person as u32);
        }
    }
}

async fn rings(coordinator: &Browser, world: &World, names: &HashMap<String, u32>) -> (usize, usize) {
    let found = get(coordinator, &format!("/api/v1/campaigns/{SLUG}/rings")).await.ok();
    let members =
        found["rings"].as_array().unwrap().iter().flat_map(|ring| ring["members"].as_array().unwrap().clone());
    let people: Vec<u32> = members.filter_map(|name| names.get(name.as_str().unwrap()).copied()).collect();
    let sybils = people.iter().filter(|person| world.is_sybil(**person)).count();
    (sybils, people.len() - sybils)
}

/// Waits until all that was excluded or brought back is in the maps.
async fn settle(coordinator: &Browser) {
    for _ in 0..600 {
        let page = get(coordinator, &format!("/api/v1/campaigns/{SLUG}/volunteers?limit=1")).await.ok();
        if page["recomputation"]["running"] == false {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the maps never follow");
}

async fn exclude(coordinator: &Browser, names: &[&String]) {
    let act = json!({"volunteers": names, "kind": "excluded", "reason": "sybils"});
    assert_eq!(
        post(coordinator, &format!("/api/v1/campaigns/{SLUG}/exclusions"), act).await.ok()["changed"]
            .as_array()
            .unwrap()
            .len(),
        names.len()
    );
    settle(coordinator).await;
}

/// Excludes somebody and lifts it again; whether the map is the same afterwards.
async fn there_and_back(coordinator: &Browser, names: &HashMap<String, u32>) -> bool {
    let one = names.iter().min_by_key(|(_, person)| **person).map(|(name, _)| name).unwrap();
    // A model of all labels there are, so that the next one is made of the same.
    let before = twice(coordinator, one).await;
    before == twice(coordinator, one).await
}

async fn twice(coordinator: &Browser, one: &String) -> String {
    exclude(coordinator, &[one]).await;
    let lift = json!({"volunteers": [one], "reason": "a mistake"});
    post(coordinator, &format!("/api/v1/campaigns/{SLUG}/exclusions/lift"), lift).await.ok();
    settle(coordinator).await;
    without_closing(&map(coordinator).await)
}

/// The map without the moment at which each tile closed. Where somebody else stays excluded, a tile cannot be put back
/// as it stood before the first of them: it closes again, for the same reason with the same figures, but now.
fn without_closing(map: &str) -> String {
    let mut rows = csv::Reader::from_reader(map.as_bytes());
    let closed_at = rows.headers().unwrap().iter().position(|name| name == "closed_at").unwrap();
    let kept = |row: csv::StringRecord| {
        let cells = row.iter().enumerate().filter(|(place, _)| *place != closed_at).map(|(_, cell)| cell.to_owned());
        cells.collect::<Vec<_>>().join("\u{1f}")
    };
    rows.records().map(|row| kept(row.unwrap())).collect::<Vec<_>>().join("\n")
}

async fn map(coordinator: &Browser) -> String {
    get(coordinator, &format!("/api/v1/campaigns/{SLUG}/exports/tiles.csv")).await.ok_text().to_owned()
}

/// Compares the map with the truth.
async fn judge(coordinator: &Browser, world: &World, outcome: &mut Outcome) {
    let text = map(coordinator).await;
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let at: HashMap<String, usize> =
        rows.headers().unwrap().iter().enumerate().map(|(place, name)| (name.to_owned(), place)).collect();
    let (mut hidden, mut contested, mut others, mut right, mut others_contested) = (0, 0, 0, 0, 0);
    for row in rows.records() {
        let row = row.unwrap();
        let place = place_of(&row[at["tile_id"]]);
        if place >= world.truth.len() {
            continue;
        }
        let (state, class) = (&row[at["state"]], &row[at["class"]]);
        if world.targets[place] {
            hidden += usize::from(state == "settled" && class == CLASSES[0]);
            contested += usize::from(state == "contested");
        } else {
            others += usize::from(state == "settled");
            right += usize::from(state == "settled" && class == CLASSES[world.truth[place]]);
            others_contested += usize::from(state == "contested");
        }
    }
    let rest = world.truth.len() - outcome.targets;
    outcome.hidden = hidden;
    outcome.targets_contested = contested as f64 / outcome.targets.max(1) as f64;
    outcome.others_right = right as f64 / f64::from(others.max(1) as u32);
    outcome.others_contested = others_contested as f64 / rest as f64;
}
