//! The evidence behind suspected rings: who errs together with whom, on which tiles, and what chance would explain.

use std::collections::BTreeMap;

use super::watch_volunteers::Crowd;
use crate::consensus::Skill;
use crate::consensus::shared_errors::{Account, Shared, compare};
use crate::consensus::tile::Shape;
use crate::domain::campaign::Campaign;
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::oversight::volunteer_quality::{self as counts, OnTile};

/// Members of a ring whose pairs are compared; of a larger one the first.
const MEMBERS: usize = 60;
/// Pairs and tiles that are shown, the weightiest first.
const PAIRS: usize = 40;
const TILES: usize = 60;

/// Two accounts of a ring.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Pseudonyms.
    pub names: [String; 2],
    /// What they have in common.
    pub shared: Shared,
}

/// A tile on which members of a ring gave the same answer against its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedTile {
    /// Public id.
    pub tile_id: String,
    /// Key of the class.
    pub class: String,
    /// Key of what they said.
    pub answer: String,
    /// Pseudonyms of those who said so.
    pub names: Vec<String>,
    /// Where the tile stands.
    pub state: String,
}

/// A suspected ring with the evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Ring {
    /// Its number in the model in use.
    pub number: u32,
    /// Pseudonyms.
    pub members: Vec<String>,
    /// Over all pairs of members together.
    pub shared: Shared,
    /// Pairs, those with most shared errors first.
    pub pairs: Vec<Pair>,
    /// Tiles, those with most of them first.
    pub tiles: Vec<SharedTile>,
}

/// The rings that the model in use suspects, largest first.
pub fn rings(conn: &mut Conn, campaign: &Campaign, crowd: &Crowd) -> Result<Vec<Ring>, Error> {
    let mut members: BTreeMap<u32, Vec<(i64, &str)>> = BTreeMap::new();
    for (name, person) in crowd.people.iter().filter(|(_, person)| person.ring() > 0) {
        members.entry(person.ring()).or_default().push((person.volunteer_id, name));
    }
    let mut found = Vec::new();
    for (number, members) in members {
        found.push(ring(conn, campaign, number, &members)?);
    }
    found.sort_by_key(|ring| std::cmp::Reverse(ring.members.len()));
    Ok(found)
}

fn ring(conn: &mut Conn, campaign: &Campaign, number: u32, members: &[(i64, &str)]) -> Result<Ring, Error> {
    let looked_at = &members[..members.len().min(MEMBERS)];
    let ids: Vec<i64> = looked_at.iter().map(|(id, _)| *id).collect();
    let answers = counts::answers_of(conn, campaign.id, &ids)?;
    let tables = tables(conn, campaign, &ids)?;
    let names: BTreeMap<i64, &str> = looked_at.iter().copied().collect();
    let (shared, pairs) = pairs(campaign, looked_at, &answers, &tables);
    Ok(Ring {
        number,
        members: members.iter().map(|(_, name)| (*name).to_owned()).collect(),
        shared,
        pairs,
        tiles: tiles(campaign, &answers, &names),
    })
}

fn tables(conn: &mut Conn, campaign: &Campaign, ids: &[i64]) -> Result<BTreeMap<i64, Vec<f32>>, Error> {
    let mut tables = BTreeMap::new();
    for (volunteer, bytes, ..) in crate::storage::labelling::labels::skills_of(conn, campaign.id, campaign.model, ids)?
    {
        let unreadable = |_| Error::Internal(format!("the skill of volunteer {volunteer} cannot be read"));
        tables.insert(volunteer, Skill::from_bytes(&bytes).map_err(unreadable)?.table);
    }
    Ok(tables)
}

fn pairs(
    campaign: &Campaign,
    members: &[(i64, &str)],
    answers: &[OnTile],
    tables: &BTreeMap<i64, Vec<f32>>,
) -> (Shared, Vec<Pair>) {
    let shape = Shape::of(&campaign.scale);
    let classes: BTreeMap<i64, u8> = answers.iter().map(|one| (one.tile, one.class as u8)).collect();
    let mut of: BTreeMap<i64, Vec<(i64, u8)>> = BTreeMap::new();
    for one in answers {
        of.entry(one.volunteer_id).or_default().push((one.tile, one.answer as u8));
    }
    let account = |id: &i64| {
        let answers = of.get(id).map_or(&[][..], Vec::as_slice);
        Account { answers, table: tables.get(id).map_or(&[][..], Vec::as_slice) }
    };
    let (mut all, mut found) = (Shared { tiles: 0, errors: 0, expected: 0.0, log_chance: 0.0 }, Vec::new());
    for (place, (a, name)) in members.iter().enumerate() {
        for (b, other) in &members[place + 1..] {
            let shared = compare(shape, account(a), account(b), |tile| classes.get(&tile).copied());
            all = all.and(&shared);
            found.push(Pair { names: [(*name).to_owned(), (*other).to_owned()], shared });
        }
    }
    found.retain(|pair| pair.shared.errors > 0);
    found.sort_by(|a, b| {
        (b.shared.errors.cmp(&a.shared.errors)).then(a.shared.log_chance.total_cmp(&b.shared.log_chance))
    });
    found.truncate(PAIRS);
    (all, found)
}

fn tiles(campaign: &Campaign, answers: &[OnTile], names: &BTreeMap<i64, &str>) -> Vec<SharedTile> {
    let key = |place: i16| campaign.scale.answers.get(place as usize).map(|one| one.key.clone()).unwrap_or_default();
    let telling = Shape::of(&campaign.scale).telling as i16;
    let mut found = Vec::new();
    for on_tile in answers.chunk_by(|a, b| a.tile == b.tile) {
        let mut by_answer: BTreeMap<i16, Vec<&OnTile>> = BTreeMap::new();
        for one in on_tile.iter().filter(|one| one.answer != one.class && one.answer < telling) {
            by_answer.entry(one.answer).or_default().push(one);
        }
        for (answer, same) in by_answer.into_iter().filter(|(_, same)| same.len() > 1) {
            found.push(SharedTile {
                tile_id: same[0].tile_id.clone(),
                class: key(same[0].class),
                answer: key(answer),
                names: same
                    .iter()
                    .filter_map(|one| names.get(&one.volunteer_id))
                    .map(|name| (*name).to_owned())
                    .collect(),
                state: same[0].state.clone(),
            });
        }
    }
    found.sort_by(|a, b| b.names.len().cmp(&a.names.len()).then(a.tile_id.cmp(&b.tile_id)));
    found.truncate(TILES);
    found
}
