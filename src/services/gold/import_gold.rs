//! Marks many tiles of a draft or open campaign as gold at once: their answers were fixed by experts.

use std::collections::HashSet;

use chrono::DateTime;

use super::{make, may_become_check};
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::geometry::Geometry;
use crate::domain::gold::GoldKind;
use crate::domain::label::Window;
use crate::domain::markdown::MAX_TEXT;
use crate::domain::scene::Scene;
use crate::services::Error;
use crate::services::campaigns::change_state::find;
use crate::storage::gold::NewGold;
use crate::storage::labelling::queue;
use crate::storage::oversight::audit_log;
use crate::storage::scenes::tiles;
use crate::storage::{Conn, campaigns, gold, scenes};

/// One tile and its right answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GoldAnswer {
    /// Public id of the tile; may be empty where a location is given.
    pub tile_id: String,
    /// A place inside the tile: longitude and latitude in degrees, as they are written.
    pub location: Option<(String, String)>,
    /// Key of the answer.
    pub answer: String,
    /// Why it is right, for the volunteer who reads it later. Markdown.
    pub explanation: String,
    /// The last scene in which it stands, in a timeline campaign: its id, or the day it was taken (`2025-06-15`).
    pub last_intact: Option<String>,
    /// The first scene in which it is damaged, likewise.
    pub first_damaged: Option<String>,
}

/// What would become, or became, of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The tile becomes gold.
    Added,
    /// It is gold with this answer already: its explanation and its window are replaced.
    Explained,
    /// Why not.
    Refused(String),
}

/// One line of a file, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineReport {
    /// Public id of the tile; empty where none was found.
    pub tile_id: String,
    /// What becomes of it.
    pub fate: Fate,
}

/// A line whose tile, answer and window were found.
struct Found<'a> {
    tile: i64,
    tile_id: String,
    answer: u8,
    window: Option<Window>,
    explanation: &'a str,
}

/// Marks these tiles as gold of one kind; all of them or, where one is wrong, none. Returns how many were new.
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
    let lines = import_lines(conn, &campaign, (kind, answers), actor, (now, false))?;
    for (line, answer) in lines.iter().zip(answers) {
        if let Fate::Refused(reason) = &line.fate {
            return Err(Error::invalid("gold", format!("tile `{}`: {reason}", answer.tile_id)));
        }
    }
    Ok(lines.iter().filter(|line| line.fate == Fate::Added).count())
}

/// The same line by line: nothing is stored in a dry run, or where one line is refused.
///
/// The same answer again replaces its explanation and its window, and nothing else.
pub fn import_lines(
    conn: &mut Conn,
    campaign: &Campaign,
    (kind, answers): (GoldKind, &[GoldAnswer]),
    actor: Option<i64>,
    (now, dry_run): (i64, bool),
) -> Result<Vec<LineReport>, Error> {
    is_not_over(campaign, campaign.state)?;
    let scenes = scenes::of_campaign(conn, campaign.id)?;
    let mut twice = HashSet::new();
    let (mut found, mut reports) = (Vec::new(), Vec::new());
    for one in answers {
        let line = match read(conn, campaign, &scenes, one)? {
            Ok(line) if !twice.insert(line.tile) => Err((line.tile_id, "an earlier line names this tile".to_owned())),
            Ok(line) => match judge(conn, campaign, kind, &line, now)? {
                Ok(fate) => {
                    reports.push(LineReport { tile_id: line.tile_id.clone(), fate });
                    found.push(line);
                    continue;
                }
                Err(reason) => Err((line.tile_id, reason)),
            },
            Err(reason) => Err((one.tile_id.clone(), reason)),
        };
        if let Err::<(), _>((tile_id, reason)) = line {
            reports.push(LineReport { tile_id, fate: Fate::Refused(reason) });
        }
    }
    let refused = reports.iter().any(|report| matches!(report.fate, Fate::Refused(_)));
    if !dry_run && !refused {
        found.sort_by_key(|line| line.tile);
        store(conn, campaign, kind, &found, (actor, now))?;
    }
    Ok(reports)
}

fn is_not_over(campaign: &Campaign, state: CampaignState) -> Result<(), Error> {
    match state.is_over() {
        true => Err(Error::Conflict(format!("campaign `{}` is {state}: its answers are in", campaign.slug))),
        false => Ok(()),
    }
}

/// Stores lines that may be stored, in the order in which everybody locks tiles.
fn store(
    conn: &mut Conn,
    campaign: &Campaign,
    kind: GoldKind,
    lines: &[Found<'_>],
    (actor, now): (Option<i64>, i64),
) -> Result<(), Error> {
    is_not_over(campaign, campaigns::hold_state(conn, campaign.id)?)?;
    let mut added = 0;
    for line in lines {
        let &Found { tile, answer, window, explanation, .. } = line;
        let new = NewGold { tile, campaign_id: campaign.id, kind, answer, window, explanation, created_by: actor };
        queue::lock(conn, tile)?;
        match judge(conn, campaign, kind, line, now)? {
            Ok(Fate::Added) => {
                make(conn, campaign, &new, now)?;
                added += 1;
            }
            Ok(_) => gold::explain(conn, &new)?,
            Err(reason) => return Err(Error::Conflict(format!("tile `{}`: {reason}", line.tile_id))),
        }
    }
    let subject = format!("{added} tiles as {kind} gold");
    Ok(audit_log::note(conn, actor, Some(campaign.id), ("import_gold", &subject), now)?)
}

/// Whether a tile may become gold as it stands.
fn judge(
    conn: &mut Conn,
    campaign: &Campaign,
    kind: GoldKind,
    line: &Found<'_>,
    now: i64,
) -> Result<Result<Fate, String>, Error> {
    Ok(match gold::of_tile(conn, line.tile)? {
        Some((before, _)) if before != kind.key() => Err(format!("it is {before} gold already")),
        Some((_, before)) if before != line.answer => Err("it is gold already, with another answer".into()),
        Some(_) => Ok(Fate::Explained),
        None => {
            let row = queue::look(conn, line.tile)?;
            match kind == GoldKind::Check && !may_become_check(campaign, &row, now) {
                true => Err("everybody can see that it is closed, so it would be known for check gold".into()),
                false => Ok(Fate::Added),
            }
        }
    })
}

/// The tile, the answer's place on the scale, and the window; where one is wrong, the reason.
fn read<'a>(
    conn: &mut Conn,
    campaign: &Campaign,
    scenes: &[Scene],
    one: &'a GoldAnswer,
) -> Result<Result<Found<'a>, String>, Error> {
    let (tile, tile_id) = match tile_of(conn, campaign, one)? {
        Ok(found) => found,
        Err(reason) => return Ok(Err(reason)),
    };
    let found = |(answer, window)| Found { tile, tile_id, answer, window, explanation: &one.explanation };
    Ok(said(campaign, scenes, one).map(found))
}

fn said(campaign: &Campaign, scenes: &[Scene], one: &GoldAnswer) -> Result<(u8, Option<Window>), String> {
    let keys = || campaign.scale.answers.iter().map(|answer| answer.key.as_str()).collect::<Vec<_>>().join(", ");
    let answer = campaign
        .scale
        .place_of(&one.answer)
        .ok_or_else(|| format!("`{}` is not an answer of this campaign: use one of {}", one.answer, keys()))?;
    if one.explanation.chars().count() > MAX_TEXT || one.explanation.contains('\0') {
        return Err(format!("its explanation is longer than {MAX_TEXT} characters, or holds U+0000"));
    }
    let scene = |name: &Option<String>| name.as_deref().map(|name| named(scenes, name)).transpose();
    let window = Window { last_intact: scene(&one.last_intact)?, first_damaged: scene(&one.first_damaged)? };
    if window.last_intact.is_none() && window.first_damaged.is_none() {
        return Ok((answer, None));
    }
    let ids: Vec<i64> = scenes.iter().map(|scene| scene.id).collect();
    window.check(campaign.kind, &ids, (&campaign.scale, answer))?;
    Ok((answer, Some(window)))
}

/// The tile that a line is about: database id and public id.
fn tile_of(conn: &mut Conn, campaign: &Campaign, one: &GoldAnswer) -> Result<Result<(i64, String), String>, Error> {
    if !one.tile_id.is_empty() {
        let tile = tiles::id_of(conn, campaign.id, &one.tile_id)?;
        return Ok(tile.map(|tile| (tile, one.tile_id.clone())).ok_or_else(|| no_such_tile(&one.tile_id)));
    }
    let Some((lon, lat)) = &one.location else {
        return Ok(Err("it names no tile: give a tile_id, or a place by lon and lat".into()));
    };
    let number = |text: &str, most: f64| text.trim().parse::<f64>().ok().filter(|value| value.abs() <= most);
    let (Some(x), Some(y)) = (number(lon, 180.0), number(lat, 90.0)) else {
        return Ok(Err(format!("`{lon}, {lat}` is no place: longitude and latitude in degrees, as 39.01 and 35.95")));
    };
    let around = tiles::at_place(conn, campaign.id, (x, y))?;
    let inside: Vec<_> = around.iter().filter(|tile| Geometry::of_tile(tile).contains((x, y))).collect();
    Ok(match (inside.as_slice(), around.as_slice()) {
        ([tile], _) => Ok((tile.id, tile.tile_id.clone())),
        ([], [tile]) => Ok((tile.id, tile.tile_id.clone())),
        ([], []) => Err(format!("no tile of this campaign lies at {lon}, {lat}")),
        _ => Err(format!("several tiles lie at {lon}, {lat}: name one by its id")),
    })
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
