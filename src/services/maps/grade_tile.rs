//! Blind grading of a validation sample: who gets which tile, and what is kept of a grade.

use crate::domain::campaign::Campaign;
use crate::domain::validation::draw::{Purpose, lot};
use crate::domain::validation::{Verdict, may_be_graded, verdict};
use crate::services::Error;
use crate::services::labelling::training::{SeenTile, see};
use crate::storage::Conn;
use crate::storage::maps::validation::{self, GradeRow, SampleRow};
use crate::storage::oversight::audit_log;
use crate::storage::scenes::tiles;

/// A grader gets one of so many tiles that are next, so that several at work at once seldom meet.
const WINDOW: usize = 12;
/// For this long a grader may change a grade, if nobody graded the tile after it. Milliseconds.
const CHANGE_MS: i64 = 600_000;

/// What a grader has in hand and before them.
#[derive(Debug, Clone, PartialEq)]
pub struct Desk {
    /// Tiles to grade next.
    pub tiles: Vec<SeenTile>,
    /// Tiles of the sample that this person graded.
    pub mine: usize,
    /// Tiles that they may grade still.
    pub left: usize,
    /// Tiles that they labelled as a volunteer, so that others must grade them.
    pub barred: usize,
}

/// A grade on its way in.
#[derive(Debug, Clone, PartialEq)]
pub struct Grade {
    /// Public id of the tile.
    pub tile_id: String,
    /// Key of the answer: a class, or that it cannot be graded.
    pub answer: String,
    /// Time spent, by the client's clock.
    pub seconds: Option<f64>,
}

/// The sample of that number, or a refusal that names it.
pub fn find_sample(conn: &mut Conn, campaign: &Campaign, number: u32) -> Result<SampleRow, Error> {
    let found = i32::try_from(number).ok().map(|number| validation::find(conn, campaign.id, number)).transpose()?;
    found.flatten().ok_or_else(|| Error::NotFound(format!("campaign `{}` has no sample {number}", campaign.slug)))
}

/// The next tiles for a grader: not decided, not graded by them, never labelled by them. They learn no more about a
/// tile than where it is.
pub fn desk(conn: &mut Conn, campaign: &Campaign, number: u32, grader: i64, count: usize) -> Result<Desk, Error> {
    let sample = find_sample(conn, campaign, number)?;
    let drawn = validation::tiles_of(conn, sample.id)?;
    let grades = validation::grades_of(conn, sample.id)?;
    let barred = validation::labelled_by(conn, sample.id, grader)?;
    let mine = |tile: i64| grades.get(&tile).is_some_and(|all| all.iter().any(|grade| grade.volunteer_id == grader));
    let waits = |tile: i64| {
        let answers: Vec<u8> = grades.get(&tile).map(|all| counting(all)).unwrap_or_default();
        matches!(verdict(&campaign.scale, &answers), Verdict::Waiting(_))
    };
    let graded = drawn.iter().filter(|one| mine(one.tile)).count();
    let left: Vec<i64> = drawn
        .iter()
        .map(|one| one.tile)
        .filter(|&tile| waits(tile) && !mine(tile) && !barred.contains(&tile))
        .collect();
    let mut next: Vec<i64> = left.iter().copied().take(WINDOW).collect();
    next.sort_by_key(|tile| lot(&grader.to_string(), Purpose::Order, &tile.to_string()));
    let mut seen = see(conn, &next)?;
    let tiles = next.iter().filter_map(|tile| seen.remove(tile)).take(count).collect();
    Ok(Desk { tiles, mine: graded, left: left.len(), barred: barred.len() })
}

/// The answers that count, in the order in which they were given.
pub fn counting(grades: &[GradeRow]) -> Vec<u8> {
    grades.iter().filter(|grade| grade.turn.is_some()).filter_map(|grade| u8::try_from(grade.answer).ok()).collect()
}

/// Keeps a grade. Returns whether it counts: one that comes when the tile is decided is kept and not used.
///
/// The same grade again changes nothing. Another answer replaces the grader's own for ten minutes, as long as nobody
/// else graded the tile.
pub fn grade(
    conn: &mut Conn,
    campaign: &Campaign,
    number: u32,
    grader: i64,
    grade: &Grade,
    now: i64,
) -> Result<bool, Error> {
    let sample = find_sample(conn, campaign, number)?;
    let answer = campaign.scale.place_of(&grade.answer).filter(|&place| may_be_graded(&campaign.scale, place));
    let answer = answer.ok_or_else(|| {
        let answers = campaign.scale.answers.iter().enumerate();
        let keys = answers.filter(|(place, _)| may_be_graded(&campaign.scale, *place as u8)).map(|(_, one)| &*one.key);
        let keys = keys.collect::<Vec<_>>().join(", ");
        Error::invalid("answer", format!("`{}` is no grade: use one of {keys}", grade.answer))
    })?;
    if grade.seconds.is_some_and(|seconds| !(0.0..=86_400.0).contains(&seconds)) {
        return Err(Error::invalid("seconds", "must lie between 0 and 86400"));
    }
    let no_tile = || Error::NotFound(format!("sample {number} has no tile `{}`", grade.tile_id));
    let tile = tiles::id_of(conn, campaign.id, &grade.tile_id)?.ok_or_else(no_tile)?;
    if !validation::hold_tile(conn, sample.id, tile)? {
        return Err(no_tile());
    }
    if validation::has_labelled(conn, tile, grader)? {
        return Err(Error::Forbidden("you labelled this tile as a volunteer: somebody else must grade it".into()));
    }
    let before = validation::grades_of_tile(conn, sample.id, tile)?;
    let answers = counting(&before);
    if let Some(own) = before.iter().find(|one| one.volunteer_id == grader) {
        if own.answer != i16::from(answer) {
            // Whoever could try one answer after another beside somebody else's would learn that one.
            let alone = before.len() == 1;
            if !alone || now.saturating_sub(own.graded_at) > CHANGE_MS {
                return Err(Error::Conflict("your grade of this tile stands: it can no longer be changed".into()));
            }
            validation::change_grade(conn, sample.id, (tile, grader), answer)?;
            note(conn, campaign, ("change_grade", number, &grade.tile_id), grader, now)?;
        }
        return Ok(own.turn.is_some());
    }
    let waits = matches!(verdict(&campaign.scale, &answers), Verdict::Waiting(_));
    let turn = waits.then_some(answers.len() as i16 + 1);
    let row = GradeRow { tile, volunteer_id: grader, turn, answer: i16::from(answer), graded_at: now };
    validation::add_grade(conn, sample.id, &row, grade.seconds)?;
    note(conn, campaign, ("grade_tile", number, &grade.tile_id), grader, now)?;
    Ok(waits)
}

/// Notes that a tile was graded, and not how: whoever reads the log may be the next to grade it, blind.
fn note(
    conn: &mut Conn,
    campaign: &Campaign,
    (act, sample, tile_id): (&str, u32, &str),
    grader: i64,
    now: i64,
) -> Result<(), Error> {
    let subject = format!("sample {sample}: {tile_id}");
    Ok(audit_log::note(conn, Some(grader), Some(campaign.id), (act, &subject), now)?)
}
