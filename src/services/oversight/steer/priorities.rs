//! Areas whose tiles are handed out before others. A share of hand-outs is random whatever the areas say, so that no other
//! place waits for ever.

use std::collections::HashMap;

use crate::domain::bbox::Bbox;
use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::geometry::Geometry;
use crate::services::Error;
use crate::storage::campaigns::priority_areas::{self as stored, Place, PriorityArea};
use crate::storage::oversight::audit_log::{self, Act};
use crate::storage::scenes::tiles;
use crate::storage::{Conn, campaigns};

/// Most areas of one campaign.
const MAX_AREAS: usize = 20;
/// Most places of all outlines of one area together.
const MAX_PLACES: usize = 5_000;
/// Levels of areas; where no area is, the level is 0.
const LEVELS: std::ops::RangeInclusive<u8> = 1..=3;

/// An area with how many tiles have its level because of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// The area.
    pub area: PriorityArea,
    /// Tiles in it, those left out that an area of a higher level holds too.
    pub tiles: usize,
    /// How many of them are open.
    pub open: usize,
}

/// The areas of a campaign with their tiles.
pub fn list(conn: &mut Conn, campaign: &Campaign) -> Result<Vec<Counted>, Error> {
    let areas = stored::of_campaign(conn, campaign.id)?;
    Ok(counted(conn, campaign, areas)?.0)
}

/// What these areas would hold; nothing is changed.
pub fn preview(conn: &mut Conn, campaign: &Campaign, areas: Vec<PriorityArea>) -> Result<Vec<Counted>, Error> {
    check(&areas)?;
    Ok(counted(conn, campaign, areas)?.0)
}

/// Puts these areas in the place of all that the campaign had; the next hand-out follows them.
pub fn set(
    conn: &mut Conn,
    campaign: &Campaign,
    areas: Vec<PriorityArea>,
    actor: Option<i64>,
    now: i64,
) -> Result<Vec<Counted>, Error> {
    check(&areas)?;
    campaigns::lock(conn, campaign.id)?;
    if campaigns::hold_state(conn, campaign.id)? == CampaignState::Archived {
        let reason = "nothing is handed out any more";
        return Err(Error::Conflict(format!("campaign `{}` is archived: {reason}", campaign.slug)));
    }
    let (counted, levels) = counted(conn, campaign, areas)?;
    let areas: Vec<PriorityArea> = counted.iter().map(|one| one.area.clone()).collect();
    stored::replace(conn, campaign.id, &areas, (actor, now))?;
    follow(conn, campaign.id, &levels)?;
    let named: Vec<_> = counted
        .iter()
        .map(|one| serde_json::json!({"name": one.area.name, "level": one.area.level, "tiles": one.tiles}))
        .collect();
    let detail = serde_json::json!({ "areas": named }).to_string();
    let subject = format!("{} areas", areas.len());
    let act = Act { act: "set_priorities", subject: &subject, reason: "", detail: &detail };
    audit_log::note_in_full(conn, actor, Some(campaign.id), &act, now)?;
    Ok(counted)
}

/// The level that a campaign's areas give to a place that was not there before.
pub fn level_of(areas: &[PriorityArea], bbox: Bbox) -> i16 {
    let holds = |area: &&PriorityArea| Geometry::from_geojson(&area.geometry).is_some_and(|one| one.meets(bbox));
    areas.iter().filter(holds).map(|area| i16::from(area.level)).max().unwrap_or(0)
}

/// Gives one tile the level that the areas give it. The caller holds the campaign.
pub(super) fn follow_one(conn: &mut Conn, campaign_id: i64, tile: i64) -> Result<(), Error> {
    let areas = stored::of_campaign(conn, campaign_id)?;
    for found in tiles::by_ids(conn, &[tile])? {
        stored::set(conn, &[tile], level_of(&areas, found.bbox))?;
    }
    Ok(())
}

fn check(areas: &[PriorityArea]) -> Result<(), Error> {
    if areas.len() > MAX_AREAS {
        return Err(Error::invalid("areas", format!("a campaign has at most {MAX_AREAS} areas")));
    }
    for (place, area) in areas.iter().enumerate() {
        let wrong = |field: &str, reason: String| Err(Error::invalid(&format!("areas.{place}.{field}"), reason));
        if !LEVELS.contains(&area.level) {
            return wrong("level", "a level is 1, 2 or 3; 3 comes first".into());
        }
        if area.name.trim().is_empty() || area.name.chars().count() > 100 || area.name.contains('\0') {
            return wrong("name", "a name has 1 to 100 characters".into());
        }
        if let Err(reason) = outline(&area.geometry) {
            return wrong("geometry", reason);
        }
    }
    Ok(())
}

/// Reads an outline that encloses something on the earth.
pub(super) fn outline(text: &str) -> Result<Geometry, String> {
    let shape = "must be a GeoJSON Polygon or MultiPolygon in degrees, each ring closed".to_owned();
    let geometry = Geometry::from_geojson(text).ok_or(shape)?;
    let places = || geometry.polygons().iter().flatten().flatten();
    if places().count() > MAX_PLACES {
        return Err(format!("an area has at most {MAX_PLACES} corners: simplify it"));
    }
    let on_earth = |[lon, lat]: &[f64; 2]| lon.abs() <= 360.0 && lat.abs() <= 90.0;
    match places().all(on_earth) && geometry.bbox().west < geometry.bbox().east {
        true => Ok(geometry),
        false => Err("lies outside the earth, or encloses nothing: longitude comes first, in degrees".into()),
    }
}

type Levels = HashMap<i64, i16>;

/// Areas in the order in which they have their say, with their tiles, and the level of each tile.
fn counted(
    conn: &mut Conn,
    campaign: &Campaign,
    mut areas: Vec<PriorityArea>,
) -> Result<(Vec<Counted>, Levels), Error> {
    areas.sort_by_key(|area| std::cmp::Reverse(area.level));
    let mut levels = Levels::new();
    let mut counted = Vec::with_capacity(areas.len());
    for area in areas {
        let geometry = outline(&area.geometry).map_err(|reason| Error::invalid("geometry", reason))?;
        let inside = stored::places(conn, campaign.id, geometry.bbox())?;
        let fresh: Vec<Place> = inside
            .into_iter()
            .filter(|place| !levels.contains_key(&place.tile) && geometry.meets(place.bbox))
            .collect();
        levels.extend(fresh.iter().map(|place| (place.tile, i16::from(area.level))));
        let open = fresh.iter().filter(|place| place.open).count();
        counted.push(Counted { area, tiles: fresh.len(), open });
    }
    Ok((counted, levels))
}

/// Writes what differs, in the order of tiles.
fn follow(conn: &mut Conn, campaign_id: i64, levels: &Levels) -> Result<(), Error> {
    let before: HashMap<i64, i16> = stored::raised(conn, campaign_id)?.into_iter().collect();
    for level in [0, 1, 2, 3] {
        let wanted = |tile: &i64| levels.get(tile).copied().unwrap_or(0) == level;
        let differs = |tile: &&i64| before.get(*tile).copied().unwrap_or(0) != level;
        let mut tiles: Vec<i64> =
            levels.keys().chain(before.keys()).filter(|tile| wanted(tile)).filter(differs).copied().collect();
        tiles.sort_unstable();
        tiles.dedup();
        stored::set(conn, &tiles, level)?;
    }
    Ok(())
}
