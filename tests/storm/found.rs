//! What the database holds after a storm, row by row, as plain data for the checker.

use std::collections::{BTreeMap, BTreeSet};

use aftermap::consensus::{Model, Skill};
use aftermap::domain::scale::Scale;
use aftermap::storage::labelling::models;
use aftermap::storage::schema::{consensus, current_labels, labels, leases, queue, skills, tiles};
use aftermap::storage::{Conn, QueryError, campaigns};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use crate::campaign::SLUG;

/// All rows of the storm's campaign.
#[derive(Debug, Clone)]
pub struct Found {
    pub scale: Scale,
    pub tiles: BTreeMap<i64, Tile>,
    pub leases: BTreeMap<i64, Lease>,
    pub labels: BTreeMap<Uuid, Label>,
    pub current: Vec<Current>,
    pub consensus: BTreeMap<i64, Stored>,
    pub grants: Vec<Grant>,
    /// Every model that a consensus stands on, and the skills of its volunteers.
    pub models: BTreeMap<u32, Model>,
    pub skills: BTreeMap<(u32, i64), Skill>,
    /// What the database's own checks complain of.
    pub damage: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    pub name: String,
    pub state: String,
    pub counted: i64,
    pub leased: i64,
    pub needed: i64,
    pub maximum: i64,
    pub available: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    pub tile: i64,
    pub volunteer: i64,
    pub outcome: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    pub tile: i64,
    pub volunteer: i64,
    pub lease: i64,
    pub revision: i64,
    pub answer: String,
    pub status: String,
    pub tile_state: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    pub tile: i64,
    pub volunteer: i64,
    pub label: Uuid,
    pub answer: u8,
    pub counted: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub model: u32,
    pub class: Option<u8>,
    pub probabilities: String,
    pub answers: String,
    pub labels: i64,
    pub evidence: f64,
}

/// What the witness saw as a lease was granted, that lease included.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Grant {
    #[diesel(sql_type = BigInt)]
    pub lease: i64,
    #[diesel(sql_type = BigInt)]
    pub held: i64,
    #[diesel(sql_type = BigInt)]
    pub counted: i64,
    #[diesel(sql_type = BigInt)]
    pub needed: i64,
    #[diesel(sql_type = Text)]
    pub state: String,
}

/// Reads everything. Nobody may write meanwhile.
pub fn read(conn: &mut Conn) -> Result<Found, QueryError> {
    let campaign = campaigns::find(conn, SLUG)?.expect("the storm's campaign");
    let mut found = Found {
        tiles: read_tiles(conn)?,
        leases: read_leases(conn)?,
        labels: read_labels(conn, &campaign.scale)?,
        current: read_current(conn)?,
        consensus: read_consensus(conn)?,
        grants: diesel::sql_query("SELECT lease, held, counted, needed, state FROM storm_grants").load(conn)?,
        models: BTreeMap::from([(0, Model::zero(&campaign.scale))]),
        skills: read_skills(conn)?,
        damage: own_checks(conn)?,
        scale: campaign.scale,
    };
    let numbers: BTreeSet<u32> = found.consensus.values().map(|row| row.model).filter(|number| *number > 0).collect();
    for number in numbers {
        let (tables, _) = models::tables(conn, campaign.id, number)?;
        found.models.insert(number, Model::from_bytes(&tables).expect("a model that can be read"));
    }
    Ok(found)
}

fn read_tiles(conn: &mut Conn) -> QueryResult<BTreeMap<i64, Tile>> {
    let rows = queue::table
        .inner_join(tiles::table)
        .select((
            queue::tile,
            tiles::tile_id,
            queue::state,
            queue::counted,
            queue::leased,
            queue::needed,
            queue::maximum,
            queue::available,
        ))
        .load::<(i64, String, String, i16, i16, i16, i16, bool)>(conn)?;
    let tile = |(id, name, state, counted, leased, needed, maximum, available)| {
        let wide = |number: i16| i64::from(number);
        let (counted, leased, needed, maximum) = (wide(counted), wide(leased), wide(needed), wide(maximum));
        (id, Tile { name, state, counted, leased, needed, maximum, available })
    };
    Ok(rows.into_iter().map(tile).collect())
}

fn read_leases(conn: &mut Conn) -> QueryResult<BTreeMap<i64, Lease>> {
    let rows = leases::table.select((leases::id, leases::tile, leases::volunteer_id, leases::outcome)).load::<(
        i64,
        i64,
        i64,
        Option<String>,
    )>(conn)?;
    let lease = |(id, tile, volunteer, outcome)| (id, Lease { tile, volunteer, outcome });
    Ok(rows.into_iter().map(lease).collect())
}

type LabelRow = (Vec<u8>, i64, i64, i64, i16, i16, String, String);

fn read_labels(conn: &mut Conn, scale: &Scale) -> QueryResult<BTreeMap<Uuid, Label>> {
    let rows = labels::table
        .select((
            labels::id,
            labels::tile,
            labels::volunteer_id,
            labels::lease_id,
            labels::revision,
            labels::answer,
            labels::status,
            labels::tile_state,
        ))
        .load::<LabelRow>(conn)?;
    let label = |(id, tile, volunteer, lease, revision, answer, status, tile_state): LabelRow| {
        let answer = scale.answer(answer as u8).map_or_else(|| format!("{answer}"), |answer| answer.key.clone());
        (uuid(&id), Label { tile, volunteer, lease, revision: revision.into(), answer, status, tile_state })
    };
    Ok(rows.into_iter().map(label).collect())
}

fn read_current(conn: &mut Conn) -> QueryResult<Vec<Current>> {
    let rows = current_labels::table
        .order((current_labels::tile, current_labels::volunteer_id))
        .select((
            current_labels::tile,
            current_labels::volunteer_id,
            current_labels::label_id,
            current_labels::answer,
            current_labels::counted,
        ))
        .load::<(i64, i64, Vec<u8>, i16, bool)>(conn)?;
    let current = |(tile, volunteer, label, answer, counted): (i64, i64, Vec<u8>, i16, bool)| Current {
        tile,
        volunteer,
        label: uuid(&label),
        answer: answer as u8,
        counted,
    };
    Ok(rows.into_iter().map(current).collect())
}

type ConsensusRow = (i64, i32, Option<i16>, String, String, i16, f64);

fn read_consensus(conn: &mut Conn) -> QueryResult<BTreeMap<i64, Stored>> {
    let rows = consensus::table
        .select((
            consensus::tile,
            consensus::model,
            consensus::class,
            consensus::probabilities,
            consensus::answers,
            consensus::labels,
            consensus::evidence,
        ))
        .load::<ConsensusRow>(conn)?;
    let stored = |(tile, model, class, probabilities, answers, labels, evidence): ConsensusRow| {
        let (model, class) = (model.unsigned_abs(), class.map(|class| class as u8));
        (tile, Stored { model, class, probabilities, answers, labels: labels.into(), evidence })
    };
    Ok(rows.into_iter().map(stored).collect())
}

fn read_skills(conn: &mut Conn) -> QueryResult<BTreeMap<(u32, i64), Skill>> {
    let rows = skills::table
        .select((skills::model, skills::volunteer_id, skills::tables))
        .load::<(i32, i64, Vec<u8>)>(conn)?;
    let skill = |(model, volunteer, tables): (i32, i64, Vec<u8>)| {
        ((model.unsigned_abs(), volunteer), Skill::from_bytes(&tables).expect("a skill that can be read"))
    };
    Ok(rows.into_iter().map(skill).collect())
}

#[derive(QueryableByName)]
struct Verdict {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

/// SQLite looks over all its pages and references; PostgreSQL has no such check of its own.
fn own_checks(conn: &mut Conn) -> QueryResult<Vec<String>> {
    if matches!(conn, Conn::Postgres(_)) {
        return Ok(Vec::new());
    }
    let said: Vec<Verdict> = diesel::sql_query("PRAGMA integrity_check").load(conn)?;
    let mut damage: Vec<String> = said.into_iter().map(|row| row.integrity_check).collect();
    damage.retain(|line| line != "ok");
    let orphans = "SELECT \"table\" AS integrity_check FROM pragma_foreign_key_check";
    let orphans: Vec<Verdict> = diesel::sql_query(orphans).load(conn)?;
    damage.extend(orphans.into_iter().map(|row| format!("a row of {} points nowhere", row.integrity_check)));
    Ok(damage)
}

fn uuid(bytes: &[u8]) -> Uuid {
    Uuid::from_slice(bytes).expect("16 bytes")
}
