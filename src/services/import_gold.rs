//! Marks tiles of a draft or open campaign as gold: their answers were fixed by experts.

use chrono::DateTime;

use super::Error;
use super::change_state::find;
use crate::domain::campaign::Campaign;
use crate::domain::consensus::TileState;
use crate::domain::gold::GoldKind;
use crate::domain::label::Window;
use crate::domain::scene::Scene;
use crate::storage::gold::NewGold;
use crate::storage::{Conn, audit_log, gold, queue, scenes, tiles};

/// One tile and its right answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GoldAnswer {
    /// Public id of the tile.
    pub tile_id: String,
    /// Key of the answer.
    pub answer: String,
    /// Why it is right, for the volunteer who reads it later. Markdown.
    pub explanation: String,
    /// The last scene in which it stands, in a timeline campaign: its id, or the day it was taken (`2025-06-15`).
    pub last_intact: Option<String>,
    /// The first scene in which it is damaged, likewise.
    pub first_damaged: Option<String>,
}

/// Marks these tiles as gold of one kind; all of them or, where one is wrong, none. Returns how many were new.
///
/// A tile with labels cannot become gold here, since its labels were given without knowing. The same answer again
/// replaces its explanation and its window, and nothing else.
pub fn import_gold(
    conn: &mut Conn,
    slug: &str,
    kind: GoldKind,
    answers: &[GoldAnswer],
    now: i64,
) -> Result<usize, Error> {
    import_gold_by(conn, slug, kind, answers, None, now)
}

/// The same in somebody's name; without one it was the operator, at the command line.
pub fn import_gold_by(
    conn: &mut Conn,
    slug: &str,
    kind: GoldKind,
    answers: &[GoldAnswer],
    actor: Option<i64>,
    now: i64,
) -> Result<usize, Error> {
    let campaign = find(conn, slug)?;
    if campaign.state.is_over() {
        return Err(Error::Conflict(format!("campaign `{slug}` is {}: its answers are in", campaign.state)));
    }
    let scenes = scenes::of_campaign(conn, campaign.id)?;
    let mut added = 0;
    for one in answers {
        let wrong = |reason: String| Error::invalid("gold", format!("tile `{}`: {reason}", one.tile_id));
        let (answer, window) = read(&campaign, &scenes, one).map_err(wrong)?;
        let tile = tiles::id_of(conn, campaign.id, &one.tile_id)?.ok_or_else(|| wrong(no_such_tile(&one.tile_id)))?;
        let new = NewGold { tile, campaign_id: campaign.id, kind, answer, window, explanation: &one.explanation };
        let row = queue::lock(conn, tile)?;
        match gold::of_tile(conn, tile)? {
            Some((before, _)) if before != kind.key() => return Err(wrong(format!("it is {before} gold already"))),
            Some((_, before)) if before != answer => {
                return Err(wrong("it is gold already, with another answer".into()));
            }
            Some(_) => {
                gold::explain(conn, &new)?;
                continue;
            }
            None if row.counted > 0 || row.leased > 0 || row.state != TileState::Open => {
                return Err(wrong("volunteers are at work on it already".into()));
            }
            None => {}
        }
        queue::make_gold(conn, tile, kind.key(), now)?;
        gold::insert(conn, &new, now)?;
        added += 1;
    }
    let subject = format!("{added} tiles as {kind} gold");
    audit_log::note(conn, actor, Some(campaign.id), ("import_gold", &subject), now)?;
    Ok(added)
}

/// The answer's place on the scale, and its window; where one is wrong, the reason.
fn read(campaign: &Campaign, scenes: &[Scene], one: &GoldAnswer) -> Result<(u8, Option<Window>), String> {
    let keys = || campaign.scale.answers.iter().map(|answer| answer.key.as_str()).collect::<Vec<_>>().join(", ");
    let answer = campaign
        .scale
        .place_of(&one.answer)
        .ok_or_else(|| format!("`{}` is not an answer of this campaign: use one of {}", one.answer, keys()))?;
    let scene = |name: &Option<String>| name.as_deref().map(|name| named(scenes, name)).transpose();
    let window = Window { last_intact: scene(&one.last_intact)?, first_damaged: scene(&one.first_damaged)? };
    if window.last_intact.is_none() && window.first_damaged.is_none() {
        return Ok((answer, None));
    }
    let ids: Vec<i64> = scenes.iter().map(|scene| scene.id).collect();
    window.check(campaign.kind, &ids)?;
    Ok((answer, Some(window)))
}

/// A location in place of an id is the likeliest mistake.
fn no_such_tile(tile_id: &str) -> String {
    let numbers = tile_id.split([',', ';', ' ']).filter(|part| part.parse::<f64>().is_ok()).count();
    let what = if numbers > 1 { "this is a location, not a tile" } else { "this campaign has no such tile" };
    format!("{what}: tiles are named by the ids in `aftermap export --what tiles`")
}

/// The scene of that id, or the one taken on that day.
fn named(scenes: &[Scene], name: &str) -> Result<i64, String> {
    let day = |scene: &Scene| {
        DateTime::from_timestamp_millis(scene.captured_from).map(|at| at.date_naive().to_string()).unwrap_or_default()
    };
    let mut found = scenes.iter().filter(|scene| scene.id.to_string() == name || day(scene) == name);
    match (found.next(), found.next()) {
        (Some(scene), None) => Ok(scene.id),
        (Some(_), Some(_)) => Err(format!("two scenes were taken on {name}: name one by its id")),
        (None, _) => Err(format!("this campaign has no scene `{name}`: name it by its id or its day, as 2025-06-15")),
    }
}
