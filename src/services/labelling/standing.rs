//! How a volunteer does in a campaign: counters, agreement with closed tiles, and the tiles they saw otherwise.

use super::training::{PracticeSet, SeenTile, see, state};
use crate::domain::campaign::Campaign;
use crate::domain::standing::{Standing, agrees};
use crate::services::Error;
use crate::services::campaigns::texts;
use crate::storage::Conn;
use crate::storage::labelling::practice;
use crate::storage::maps::standing::{self as stored, MyTile, Verdict};

const DAY_MS: i64 = 86_400_000;
/// Places on the leaderboard.
const PLACES: i64 = 20;

/// What a volunteer reads of themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct MyStanding {
    /// Tiles labelled.
    pub labels: u32,
    /// Of these, since midnight UTC.
    pub today: u32,
    /// Tiles skipped.
    pub skips: u32,
    /// Agreement with the tiles whose outcome everybody may see.
    pub standing: Standing,
    /// Practice tiles answered in the round under way, and right.
    pub practice: (usize, usize),
    /// What the work led to, in Markdown.
    pub news: String,
}

/// A tile on which somebody did not agree with the outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Miss {
    /// The tile.
    pub seen: SeenTile,
    /// What they said, and how it stands.
    pub mine: MyTile,
    /// What became of it.
    pub verdict: Verdict,
}

/// Where a page of misses begins: after the tile that closed then, of that public id.
pub type Cursor = (i64, String);

/// One place of the leaderboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// 1 for the most labels; the same for equal numbers.
    pub place: u64,
    /// Whose it is.
    pub volunteer: i64,
    /// Labels given.
    pub labels: u32,
}

/// How a volunteer does.
pub fn my_standing(
    conn: &mut Conn,
    campaign: &Campaign,
    volunteer: i64,
    (wanted, shows_outcomes): (&[String], bool),
    now: i64,
) -> Result<MyStanding, Error> {
    let (labels, skips) = stored::counters(conn, campaign.id, volunteer)?;
    let today = stored::labels_since(conn, campaign.id, volunteer, now - now.rem_euclid(DAY_MS))?;
    let mut standing = Standing::default();
    // Where somebody may not see the map, counts that move with each tile would tell them what became of it.
    let tiles = if shows_outcomes { public_tiles(conn, campaign, volunteer, now)? } else { Vec::new() };
    for tile in tiles {
        standing.add(&campaign.scale, tile.answer, tile.class);
    }
    let answers = practice::answers_of(conn, campaign.id, volunteer)?;
    let asked = PracticeSet::load(conn, campaign.id)?.asked;
    let practice = state(conn, campaign, Some(volunteer), &asked, &answers)?;
    Ok(MyStanding {
        labels,
        today: u32::try_from(today).unwrap_or(u32::MAX),
        skips,
        standing,
        practice: (practice.answered, practice.right),
        news: texts::read(conn, campaign, wanted)?.texts.news,
    })
}

/// A page of the tiles that a volunteer saw otherwise, the one that closed last first.
pub fn misses(
    conn: &mut Conn,
    campaign: &Campaign,
    volunteer: i64,
    after: Option<Cursor>,
    (limit, now): (usize, i64),
) -> Result<(Vec<Miss>, Option<Cursor>), Error> {
    let key = |tile: &MyTile| (tile.outcome.closed_at.unwrap_or(i64::MIN), tile.tile_id.clone());
    let mut missed: Vec<MyTile> = public_tiles(conn, campaign, volunteer, now)?
        .into_iter()
        .filter(|tile| agrees(&campaign.scale, tile.answer, tile.class) == Some(false))
        .filter(|tile| after.as_ref().is_none_or(|after| key(tile) < *after))
        .collect();
    missed.sort_by_cached_key(|tile| std::cmp::Reverse(key(tile)));
    let more = missed.len() > limit;
    missed.truncate(limit);
    let next = missed.last().filter(|_| more).map(key);
    let ids: Vec<i64> = missed.iter().map(|tile| tile.tile).collect();
    let mut seen = see(conn, &ids)?;
    let mut page = Vec::with_capacity(missed.len());
    for mine in missed {
        let verdict = stored::verdict(conn, mine.tile)?;
        let Some(seen) = seen.remove(&mine.tile) else { continue };
        page.push(Miss { seen, mine, verdict });
    }
    Ok((page, next))
}

/// The tiles of a volunteer of which everybody may see what became, by the rule of the damage map.
fn public_tiles(conn: &mut Conn, campaign: &Campaign, volunteer: i64, now: i64) -> Result<Vec<MyTile>, Error> {
    let closed = stored::closed_of(conn, campaign.id, volunteer)?;
    Ok(closed.into_iter().filter(|tile| tile.outcome.is_public(campaign.state, now)).collect())
}

/// The leaderboard and a volunteer's own place on it; not found where the campaign has none.
pub fn leaderboard(
    conn: &mut Conn,
    campaign: &Campaign,
    volunteer: Option<i64>,
) -> Result<(Vec<Place>, Option<Place>), Error> {
    if !campaign.policy.leaderboard {
        return Err(Error::NotFound(format!("campaign `{}` has no leaderboard", campaign.slug)));
    }
    let mut places: Vec<Place> = Vec::new();
    for (rank, (volunteer, labels)) in (1u64..).zip(stored::leaders(conn, campaign.id, PLACES)?) {
        let tie = places.last().filter(|last| last.labels == labels).map(|last| last.place);
        places.push(Place { place: tie.unwrap_or(rank), volunteer, labels });
    }
    let Some(volunteer) = volunteer else { return Ok((places, None)) };
    let (labels, _) = stored::counters(conn, campaign.id, volunteer)?;
    let mine = match places.iter().find(|place| place.volunteer == volunteer) {
        Some(place) => Some(*place),
        None if labels == 0 => None,
        None => {
            let ahead = stored::ahead_of(conn, campaign.id, labels)?;
            Some(Place { place: ahead.unsigned_abs() + 1, volunteer, labels })
        }
    };
    Ok((places, mine))
}
