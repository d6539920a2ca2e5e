//! A database with a campaign of so many open tiles, and so many labels on others: made through the services where that
//! decides anything, and by plain SQL where there are millions of rows.

use std::time::Instant;

use aftermap::domain::campaign::{Campaign, CampaignState};
use aftermap::domain::policy::Policy;
use aftermap::services::campaigns::change_state;
use aftermap::services::campaigns::create_campaign::{NewCampaign, create_campaign};
use aftermap::services::{Error, clock};
use aftermap::storage::{Conn, DatabaseUrl, Store, new_id, scenes};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::made_up::scene;
use super::server::{Setting, postgres};

/// Labels on each closed tile.
const LABELS_A_TILE: u64 = 10;
/// Check gold among the tiles.
const GOLD: u64 = 200;
/// Days over which the labels were given that are stored beforehand.
const DAYS: i64 = 20;
/// Rows in one statement.
const STEP: u64 = 500_000;

/// Makes the database, or finds the one of an earlier run.
pub fn fill(setting: &Setting) -> Result<DatabaseUrl, String> {
    let refit = if setting.refit { "-refit" } else { "" };
    let name = format!("town-{}-{}-{}{refit}", setting.tiles, setting.labels, setting.people);
    let url = match setting.database.as_str() {
        "postgres" => new_postgres(&name.replace('-', "_"))?,
        "sqlite" => DatabaseUrl::Sqlite(setting.folder.join(format!("{name}.sqlite"))),
        other => return Err(format!("there is no database `{other}`: sqlite or postgres")),
    };
    if let DatabaseUrl::Sqlite(path) = &url
        && path.exists()
    {
        return Ok(url);
    }
    let start = Instant::now();
    let policy = match setting.refit {
        true => Policy::default(),
        false => Policy { refit_after: 100_000_000, ..Policy::default() },
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    let store = Store::open(&url, 1).map_err(|error| error.to_string())?;
    let write = |run: fn(&mut Conn, &Policy) -> Result<Town, Error>| {
        let policy = policy.clone();
        runtime.block_on(store.write(move |conn| run(conn, &policy))).map_err(|error| error.to_string())
    };
    let town = write(begin)?;
    match &url {
        DatabaseUrl::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(&path.to_string_lossy()).map_err(|error| error.to_string())?;
            let quick = "PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA wal_autocheckpoint = 100000";
            bulk(&mut conn, quick, &SQLITE, &town, &policy, setting).map_err(|error| error.to_string())?;
            conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").map_err(|error| error.to_string())?;
        }
        DatabaseUrl::Postgres(url) => {
            let mut conn = PgConnection::establish(url).map_err(|error| error.to_string())?;
            let quick = "SET synchronous_commit = off; SET session_replication_role = replica";
            bulk(&mut conn, quick, &POSTGRES, &town, &policy, setting).map_err(|error| error.to_string())?;
            conn.batch_execute("VACUUM ANALYZE").map_err(|error| error.to_string())?;
        }
    }
    let open =
        move |conn: &mut Conn| change_state::change_state(conn, "load", CampaignState::Open, None, clock::now_ms());
    runtime.block_on(store.write(open)).map_err(|error| error.to_string())?;
    drop(store);
    eprintln!("filled {name} on {} in {:.0} s", setting.database, start.elapsed().as_secs_f64());
    Ok(url)
}

/// A fresh database beside the one that the tests use.
fn new_postgres(name: &str) -> Result<DatabaseUrl, String> {
    let server = postgres().ok_or("AFTERMAP_TEST_POSTGRES is not set")?;
    let mut conn = PgConnection::establish(&server).map_err(|error| error.to_string())?;
    for statement in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
        conn.batch_execute(&statement).map_err(|error| error.to_string())?;
    }
    DatabaseUrl::parse(&server.replace("/postgres?", &format!("/{name}?"))).map_err(|error| error.to_string())
}

struct Town {
    campaign: i64,
    scenes: [i64; 2],
    /// Ids of the stored leases rise from here, as they would in real life.
    first_lease: i64,
    now: i64,
}

fn begin(conn: &mut Conn, policy: &Policy) -> Result<Town, Error> {
    let now = clock::now_ms();
    let new = NewCampaign { policy: policy.clone(), synthetic: true, ..NewCampaign::new("load", "A town under load") };
    let Campaign { id: campaign, .. } = create_campaign(conn, &new, None, now)?;
    let dated = [scene("before", now - 90 * 86_400_000), scene("after", now - 86_400_000)];
    for scene in &dated {
        scenes::insert(conn, campaign, scene, now)?;
    }
    Ok(Town { campaign, scenes: dated.map(|scene| scene.id), first_lease: new_id(), now })
}

/// What the two databases write differently.
struct Dialect {
    numbers: fn(u64, u64) -> String,
    random: &'static str,
    label_id: &'static str,
    hash: &'static str,
}

const SQLITE: Dialect = Dialect {
    numbers: |from, to| {
        format!(
            "(WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {to}) SELECT i FROM n) AS n"
        )
    },
    random: "random()",
    label_id: "CAST(printf('%016d', i) AS BLOB)",
    hash: "zeroblob(32)",
};

const POSTGRES: Dialect = Dialect {
    numbers: |from, to| format!("generate_series({from}::bigint, {to}::bigint - 1) AS n(i)"),
    random: "('x' || substr(md5('key' || i), 1, 16))::bit(64)::bigint",
    label_id: "convert_to(lpad(i::text, 16, '0'), 'UTF8')",
    hash: "decode(repeat('00', 32), 'hex')",
};

/// Fills all tables: open tiles first, then gold, then closed tiles with their labels.
fn bulk<C: Connection>(
    conn: &mut C,
    quick: &str,
    dialect: &Dialect,
    town: &Town,
    policy: &Policy,
    setting: &Setting,
) -> QueryResult<()> {
    conn.batch_execute(quick)?;
    let (open, closed) = (setting.tiles, setting.labels.div_ceil(LABELS_A_TILE));
    let Town { campaign, scenes: [before, after], first_lease, now } = *town;
    let (needed, maximum) = (policy.first_needed(), policy.maximum);
    let Dialect { random, label_id, hash, .. } = dialect;
    let mut add = |from: u64, to: u64, statements: &[String]| -> QueryResult<()> {
        for statement in statements {
            for start in (from..to).step_by(STEP as usize) {
                let numbers = (dialect.numbers)(start, to.min(start + STEP));
                conn.batch_execute(&format!("INSERT INTO {statement} FROM {numbers} WHERE true ORDER BY i"))?;
            }
        }
        Ok(())
    };
    let tiles = open + GOLD + closed;
    add(
        0,
        tiles,
        &[
            format!(
                "tiles (id, campaign_id, tile_id, z, x, y, spatial_key, west, south, east, north) SELECT i + 1, {campaign}, '20-' || (i % 4096) || '-' || (i / 4096), 20, i % 4096, i / 4096, 1441151880758558720 + i, 39 + 0.0001 * (i % 4096), 35 + 0.0001 * (i / 4096), 39.0001 + 0.0001 * (i % 4096), 35.0001 + 0.0001 * (i / 4096)"
            ),
            format!("frames (tile, scene_id, valid_share) SELECT i + 1, {before}, 1"),
            format!("frames (tile, scene_id, valid_share) SELECT i + 1, {after}, 1"),
        ],
    )?;
    let queue = "queue (tile, campaign_id, state, gold, counted, needed, maximum, shuffle_key, available, closed_at) SELECT i + 1";
    add(
        0,
        open,
        &[format!("{queue}, {campaign}, 'open', NULL, 0, {needed}, {maximum}, {random}, TRUE, CAST(NULL AS BIGINT)")],
    )?;
    add(
        open,
        open + GOLD,
        &[
            format!("{queue}, {campaign}, 'reviewed', 'check', 0, {needed}, {maximum}, {random}, FALSE, {now}"),
            format!(
                "gold (tile, campaign_id, kind, answer, created_at) SELECT i + 1, {campaign}, 'check', i % 3, {now}"
            ),
        ],
    )?;
    add(
        open + GOLD,
        tiles,
        &[
            format!(
                "{queue}, {campaign}, 'settled', NULL, {LABELS_A_TILE}, {maximum}, {maximum}, {random}, FALSE, {now}"
            ),
            format!(
                "consensus (tile, campaign_id, model, method, method_version, class, probability, probabilities, labels, answers, agreement, entropy, evidence, effective_redundancy, unusable_share, closed_reason, changed_at) SELECT i + 1, {campaign}, 0, 'pool', '1', 2, 0.9, '[0.05,0.05,0.9]', {LABELS_A_TILE}, '[1,0,9,0,0]', 0.8, 0.4, 3, 10, 0, 'lead', {now}"
            ),
        ],
    )?;
    if setting.labels == 0 {
        return Ok(());
    }
    let (first, people) = (open + GOLD + 1, setting.people);
    // One in ten sees it otherwise; answers take 2 to 32 seconds and come in one after the other.
    let (answer, seconds) = ("CASE WHEN i % 10 = 9 THEN 0 ELSE 2 END", "2 + (i * 7919 % 301) / 10.0");
    let span = DAYS * 86_400_000;
    let at = format!("{now} - {span} + i * {span} / {}", setting.labels);
    let (tile, person) = (
        format!("{first} + i / {LABELS_A_TILE}"),
        format!("1 + ((i / {LABELS_A_TILE}) * 7 + (i % {LABELS_A_TILE}) * 211) % {people}"),
    );
    let each = setting.labels / people;
    add(
        1,
        people + 1,
        &[
            format!("volunteers (id, admin, created_at) SELECT i, FALSE, {now}"),
            format!(
                "participations (campaign_id, volunteer_id, labels, tiles_served, first_at, last_at) SELECT {campaign}, i, {each}, {each}, {now} - {span}, {now} - {span} / 100 * (i % 100)"
            ),
        ],
    )?;
    add(
        0,
        setting.labels,
        &[
            format!(
                "leases (id, tile, campaign_id, volunteer_id, granted_at, expires_at, ended_at, outcome) SELECT {first_lease} + i, {tile}, {campaign}, {person}, {now}, {now}, {now}, 'labelled'"
            ),
            format!(
                "labels (id, body_hash, tile, campaign_id, volunteer_id, lease_id, revision, answer, seconds, leased_at, received_at, status, tile_state) SELECT {label_id}, {hash}, {tile}, {campaign}, {person}, {first_lease} + i, 1, {answer}, {seconds}, {at}, {at}, 'stored', 'open'"
            ),
            format!(
                "current_labels (tile, volunteer_id, campaign_id, label_id, answer, counted, first_received_at) SELECT {tile}, {person}, {campaign}, {label_id}, {answer}, TRUE, {at}"
            ),
        ],
    )
}
