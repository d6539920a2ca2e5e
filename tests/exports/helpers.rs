//! A small campaign with every kind of tile in it, on either database, and a reader for what was exported.

use std::collections::BTreeMap;

use aftermap::domain::bbox::Bbox;
use aftermap::domain::campaign::{
    Campaign, CampaignKind, CampaignState, CampaignTexts, ReleaseLevel, TileSource, Visibility,
};
use aftermap::domain::cell::Cell;
use aftermap::domain::consensus::{Consensus, TileState};
use aftermap::domain::damage_map::{Cuts, Sight, What};
use aftermap::domain::gold::GoldKind;
use aftermap::domain::label::{LabelStatus, Window};
use aftermap::domain::policy::Policy;
use aftermap::domain::scale::Scale;
use aftermap::domain::scene::Scene;
use aftermap::domain::tile::Tile;
use aftermap::services::Error;
use aftermap::services::maps::export_map;
use aftermap::storage::labelling::consensus::Provenance;
use aftermap::storage::labelling::labels::{LogEntry, Stands};
use aftermap::storage::labelling::participations::Done;
use aftermap::storage::labelling::{consensus, labels, participations, queue};
use aftermap::storage::scenes::tiles::{self, NewTile};
use aftermap::storage::{Conn, QueryError, Store, campaigns, gold, scenes, schema};
use diesel::prelude::*;
use uuid::Uuid;

use crate::support::{self, TestDatabase};

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;
/// The campaign opens at midnight.
pub const OPENED: i64 = 20_000 * DAY;
/// The moment at which the exports are asked for.
pub const NOW: i64 = OPENED + 3 * DAY;
pub const SLUG: &str = "town-2025";
pub const CAMPAIGN: i64 = 77;

/// Public ids of the tiles, by what they are.
pub const SETTLED: &str = "10-5-9";
pub const OPEN: &str = "10-5-10";
pub const FRESH: &str = "10-50-1";
pub const SECRET: &str = "10-6-1";
pub const UNTOUCHED: &str = "10-7-1";
pub const WORN_OUT: &str = "10-8-1";
pub const FOOTPRINT: &str = "-f \"1\",\nحي";
/// All of them in the order of their bytes.
pub const ALL: [&str; 7] = [FOOTPRINT, OPEN, SETTLED, FRESH, SECRET, UNTOUCHED, WORN_OUT];

/// One database to test on.
pub struct Database {
    pub store: Store,
    pub name: &'static str,
    pub own: TestDatabase,
}

/// An empty database on each engine there is.
pub fn databases() -> Vec<Database> {
    let open = |own: TestDatabase| Database { store: own.store(), name: own.name, own };
    support::databases().into_iter().map(open).collect()
}

impl Database {
    pub fn write<T: Send + 'static>(&self, run: impl Fn(&mut Conn) -> Result<T, QueryError> + Send + 'static) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.store.write(move |conn| run(conn).map_err(Error::from))).unwrap()
    }

    pub fn campaign(&self) -> Campaign {
        self.store.read_snapshot(|conn| Ok::<_, Error>(campaigns::find(conn, SLUG)?)).unwrap().unwrap()
    }

    pub fn export(&self, what: What, format: &str, cuts: Cuts, sight: Sight) -> String {
        let request = export_map::Request::new(what, format, cuts, sight).unwrap();
        let mut bytes = Vec::new();
        export_map::write(&self.store, &self.campaign(), &request, NOW, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The rows of a CSV export as the `csv` crate reads them back.
    pub fn rows(&self, what: What, cuts: Cuts, sight: Sight) -> Vec<BTreeMap<String, String>> {
        let text = self.export(what, "csv", cuts, sight);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        reader.deserialize().map(Result::unwrap).collect()
    }

    /// The tile of that public id.
    pub fn tile(&self, tile_id: &str, cuts: Cuts, sight: Sight) -> BTreeMap<String, String> {
        let guarded = format!("'{tile_id}");
        let mut rows = self.rows(What::Tiles, cuts, sight).into_iter();
        rows.find(|row| row["tile_id"] == tile_id || row["tile_id"] == guarded).unwrap()
    }
}

pub fn campaign() -> Campaign {
    Campaign {
        id: CAMPAIGN,
        slug: SLUG.into(),
        state: CampaignState::Draft,
        visibility: Visibility::Public,
        release_level: ReleaseLevel::Public,
        kind: CampaignKind::Pair,
        tile_source: TileSource::Cells,
        labelling_zoom: Some(10),
        surroundings: aftermap::domain::campaign::Surroundings::default(),
        area: None,
        scale: Scale::built_in("conflict3").unwrap(),
        policy: Policy::default(),
        language: "ar".into(),
        texts: CampaignTexts { title: "حلب, \"Aleppo\"\n2025".into(), ..CampaignTexts::default() },
        licence: Some("CC-BY-4.0".into()),
        synthetic: true,
        model: 0,
        pseudonym_key: vec![7; 32],
        created_at: OPENED - DAY,
        opened_at: None,
        closed_at: None,
        bounds: None,
    }
}

pub fn scene(id: i64, day: i64) -> Scene {
    Scene {
        id,
        title: format!("scene {id}"),
        captured_from: OPENED + day * DAY,
        captured_to: OPENED + (day + 1) * DAY - 1,
        sensor: Some("@drone".into()),
        licence: None,
        attribution: Some("=1+1, \"credit\"\r\nمصدر".into()),
        source_name: "[before].tif".into(),
        source_sha256: "ab".repeat(32),
        archive: format!("{id}.pmtiles"),
        archive_sha256: "cd".repeat(32),
        crs: "EPSG:32637".into(),
        pixel_size_m: 0.5,
        min_zoom: 8,
        max_zoom: 16,
        bounds: Bbox { west: 36.0, south: 35.0, east: 37.0, north: 36.0 },
    }
}

pub fn cell_tile(id: i64, cell: Cell) -> Tile {
    Tile { id, tile_id: cell.to_string(), cell: Some(cell), bbox: cell.bbox(), footprint: None }
}

pub fn add_tile(conn: &mut Conn, tile: Tile, scenes: &[i64]) -> Result<(), QueryError> {
    let frames = scenes.iter().map(|&scene| (scene, 1.0)).collect();
    let shuffle_key = tile.id;
    tiles::insert(conn, CAMPAIGN, &NewTile { tile, frames, shuffle_key }, &Policy::default())
}

pub fn add_volunteer(conn: &mut Conn, id: i64, name: Option<&str>) -> Result<(), QueryError> {
    use schema::volunteers as v;
    diesel::insert_into(v::table)
        .values((
            v::id.eq(id),
            v::name.eq(name),
            v::name_key.eq(name),
            v::had_account.eq(name.is_some()),
            v::admin.eq(false),
            v::created_at.eq(OPENED),
        ))
        .execute(conn)?;
    Ok(())
}

/// What one label is, in a test.
#[derive(Clone, Copy)]
pub struct Given {
    pub number: u128,
    pub tile: i64,
    pub volunteer: i64,
    pub revision: u32,
    pub answer: u8,
    pub window: Option<Window>,
    pub at: i64,
    pub counted: bool,
}

pub fn add_label(conn: &mut Conn, given: Given) -> Result<(), QueryError> {
    let status = if given.counted { LabelStatus::Stored } else { LabelStatus::Surplus };
    let entry = LogEntry {
        id: Uuid::from_u128(given.number),
        body_hash: &[1; 32],
        tile: given.tile,
        campaign_id: CAMPAIGN,
        volunteer_id: given.volunteer,
        lease_id: 1,
        revision: given.revision,
        answer: given.answer,
        window: given.window,
        seconds: Some(4.5),
        client: Some("=web/1.2"),
        leased_at: given.at - 60_000,
        received_at: given.at,
        status,
        tile_state: TileState::Open,
        last_scene: None,
    };
    labels::append(conn, &entry)?;
    let first_received_at = given.at;
    let stands = Stands { counted: given.counted, excluded: false, censored: None, first_received_at };
    labels::make_current(conn, &entry, stands)?;
    let done = Done { labels: i32::from(given.revision == 1), ..Done::default() };
    participations::add(conn, CAMPAIGN, given.volunteer, done, given.at)
}

/// A consensus with these counted labels for no damage, damaged, destroyed, unsure and bad imagery.
pub fn opinion(answers: [u32; 5]) -> Consensus {
    let labels: u32 = answers.iter().sum();
    let classes: u32 = answers[..3].iter().sum();
    let probabilities: Vec<f64> =
        answers[..3].iter().map(|&n| (f64::from(n) + 0.1) / (f64::from(classes) + 0.3)).collect();
    let class = (0..3u8).max_by_key(|&place| answers[usize::from(place)]).filter(|_| classes > 0);
    let pairs = labels * labels.saturating_sub(1);
    let agreeing: u32 = answers.iter().map(|n| n * n.saturating_sub(1)).sum();
    Consensus {
        probability: class.map(|class| probabilities[usize::from(class)]),
        class,
        labels,
        answers: answers.to_vec(),
        agreement: (pairs > 0).then(|| f64::from(agreeing) / f64::from(pairs)),
        entropy: -probabilities.iter().map(|p| p * p.ln()).sum::<f64>(),
        evidence: 1.0,
        effective_redundancy: f64::from(labels),
        unusable_share: 0.0,
        probabilities,
    }
}

/// Gives a tile a consensus and a state.
pub fn set_consensus(
    conn: &mut Conn,
    tile: i64,
    answers: [u32; 5],
    (state, closed_at): (TileState, Option<i64>),
) -> Result<(), QueryError> {
    let result = opinion(answers);
    let from = Provenance {
        model: 0,
        method: "weighted_share",
        method_version: 1,
        closed_reason: state.is_closed().then_some("lead"),
        changed_at: closed_at.unwrap_or(OPENED),
    };
    consensus::replace(conn, (tile, CAMPAIGN), &result, None, &from)?;
    let mut row = queue::lock(conn, tile)?;
    (row.state, row.closed_at, row.counted) = (state, closed_at, result.labels);
    row.needed = row.needed.max(row.counted);
    queue::save(conn, &row)
}

/// The campaign, in the order in which rows were inserted or the other way round: exports must not tell them apart.
pub fn fill(conn: &mut Conn, backwards: bool) -> Result<(), QueryError> {
    let mut ids = [1, 2, 3, 4, 5, 6, 7];
    let mut people = [(501, None), (502, Some("layla")), (503, Some("omar"))];
    if backwards {
        ids.reverse();
        people.reverse();
    }
    campaigns::insert(conn, &campaign())?;
    let bounds = Some(Bbox { west: -178.5, south: 35.4, east: 36.7, north: 85.0 });
    campaigns::set_tiling(conn, &Campaign { bounds, ..campaign() })?;
    campaigns::set_state(conn, &campaign(), CampaignState::Open, OPENED)?;
    scenes::insert(conn, CAMPAIGN, &scene(11, -30), OPENED)?;
    scenes::insert(conn, CAMPAIGN, &scene(12, -2), OPENED)?;
    for id in ids {
        add_tile(conn, tile(id), &[11, 12])?;
    }
    for (id, name) in people {
        add_volunteer(conn, id, name)?;
    }
    fill_labels(conn)?;
    for (tile, answer) in [(5, 2), (7, 1)] {
        let kind = GoldKind::Check;
        let new = gold::NewGold {
            tile,
            campaign_id: CAMPAIGN,
            kind,
            answer,
            window: None,
            explanation: "",
            created_by: None,
        };
        gold::insert(conn, &new, OPENED)?;
        queue::make_gold(conn, tile, GoldKind::Check.key(), OPENED)?;
    }
    gold::count_use(conn, 7, 1, OPENED).map(drop)
}

fn tile(id: i64) -> Tile {
    let cell = |x, y| cell_tile(id, Cell::new(10, x, y).unwrap());
    let footprint = r#"{"type":"Polygon","coordinates":[[[36.5,35.5],[36.5,35.6],[36.6,35.6],[36.5,35.5]]]}"#;
    match id {
        1 => cell(5, 9),
        2 => cell(5, 10),
        3 => cell(50, 1),
        5 => cell(6, 1),
        6 => cell(7, 1),
        7 => cell(8, 1),
        _ => Tile {
            id,
            tile_id: FOOTPRINT.into(),
            cell: None,
            bbox: Bbox { west: 36.4, south: 35.4, east: 36.7, north: 35.7 },
            footprint: Some(footprint.into()),
        },
    }
}

/// Tile 1: destroyed twice and damaged once, one label too many. 2: open, one label. 3: closed a minute ago. 4 (the
/// footprint): contested. 5: check gold with a label. 6: nothing. 7: gold that is worn out.
fn fill_labels(conn: &mut Conn) -> Result<(), QueryError> {
    let given = |number, tile, volunteer, answer, at| Given {
        number,
        tile,
        volunteer,
        revision: 1,
        answer,
        window: None,
        at: OPENED + at,
        counted: true,
    };
    add_label(conn, given(1, 1, 501, 2, HOUR))?;
    add_label(conn, given(2, 1, 502, 0, 2 * HOUR))?;
    add_label(conn, Given { revision: 2, ..given(3, 1, 502, 2, 3 * HOUR) })?;
    add_label(conn, given(4, 1, 503, 1, DAY))?;
    add_label(conn, given(5, 2, 501, 0, DAY + HOUR))?;
    add_label(conn, given(6, 3, 501, 0, 2 * DAY))?;
    add_label(conn, given(7, 3, 502, 0, 2 * DAY))?;
    add_label(conn, given(9, 4, 501, 4, 2 * DAY + HOUR))?;
    add_label(conn, Given { counted: false, ..given(10, 4, 502, 1, 2 * DAY + HOUR) })?;
    add_label(conn, Given { counted: false, ..given(11, 5, 503, 2, 2 * DAY + HOUR) })?;
    add_label(conn, given(8, 3, 503, 0, 3 * DAY - 60_000))?;
    set_consensus(conn, 1, [0, 1, 2, 0, 0], (TileState::Settled, Some(OPENED + DAY)))?;
    set_consensus(conn, 2, [1, 0, 0, 0, 0], (TileState::Open, None))?;
    set_consensus(conn, 3, [3, 0, 0, 0, 0], (TileState::Settled, Some(NOW - 60_000)))?;
    set_consensus(conn, 4, [0, 0, 0, 0, 1], (TileState::Contested, Some(OPENED + 2 * DAY + HOUR)))
}

/// Databases that hold the campaign.
pub fn towns() -> Vec<Database> {
    let all = databases();
    for database in &all {
        let backwards = database.name == "postgres";
        database.write(move |conn| fill(conn, backwards));
    }
    all
}
