//! What reviewers look at: the tiles that wait for them, hardest first, each with everything that was said about it.

use super::review::{current, standing_of};
use crate::domain::campaign::Campaign;
use crate::domain::consensus::TileState;
use crate::domain::damage_map::{Outcome, Sight};
use crate::domain::gold::GoldKind;
use crate::domain::review::{Difficulty, ReviewStanding, WhyReview, hardness};
use crate::services::Error;
use crate::services::maps::explain_tile::{TileInFull, explain_tile};
use crate::storage::labelling::notes::{self, Note};
use crate::storage::oversight::reviews::{self, Candidate, Review};
use crate::storage::{Conn, gold, scenes};

/// A tile with all that a reviewer should know.
pub struct Case {
    /// The tile, what the crowd says of it and why.
    pub full: TileInFull,
    /// Why it waits; empty where it does not.
    pub why: Vec<WhyReview>,
    /// How hard it is, 0 to 1; `None` where it does not wait.
    pub hardness: Option<f64>,
    /// Volunteers' remarks, oldest first.
    pub notes: Vec<Note>,
    /// Decisions of reviewers, in the order in which they came, each with what became of it.
    pub reviews: Vec<(Review, ReviewStanding)>,
    /// Whether another reviewer has it before them.
    pub held: bool,
    /// What it is gold for, if it is.
    pub gold: Option<GoldKind>,
    /// Whether it may still become check gold: not once everybody could see that it closed.
    pub may_be_check: bool,
}

/// The queue of one reviewer.
pub struct ReviewQueue {
    /// Tiles that this reviewer may do now.
    pub waiting: usize,
    /// Of these, the ones that another reviewer has before them.
    pub held: usize,
    /// Tiles about which this reviewer spoke and that wait for somebody else.
    pub for_others: usize,
    /// The first of them.
    pub cases: Vec<Case>,
}

/// The tiles that wait for a reviewer: free ones before those that others look at, then the hardest first, then by public
/// id. Those that wait for a third are left out for the two who differ.
pub fn queue(
    conn: &mut Conn,
    campaign: &Campaign,
    reviewer: i64,
    limit: usize,
    now: i64,
) -> Result<ReviewQueue, Error> {
    let mine: Vec<i64> = reviews::disputed_of(conn, campaign.id, reviewer)?;
    let held = reviews::holds(conn, campaign.id, now)?;
    let (for_others, mut waiting): (Vec<_>, Vec<_>) =
        reviews::candidates(conn, campaign.id)?.into_iter().partition(|one| mine.contains(&one.tile));
    let is_held = |tile: i64| held.get(&tile).is_some_and(|holder| *holder != reviewer);
    waiting.sort_by(|a, b| {
        let (hard, harder) = (hardness_of(campaign, a), hardness_of(campaign, b));
        let held = is_held(a.tile).cmp(&is_held(b.tile));
        held.then(harder.total_cmp(&hard)).then_with(|| a.tile_id.cmp(&b.tile_id))
    });
    let mut cases = Vec::new();
    for one in waiting.iter().take(limit) {
        let case = open(conn, campaign, &one.tile_id, reviewer, now)?;
        let hardness = Some(hardness_of(campaign, one));
        cases.push(Case { why: why(one), hardness, held: is_held(one.tile), ..case });
    }
    let held = waiting.iter().filter(|one| is_held(one.tile)).count();
    Ok(ReviewQueue { waiting: waiting.len(), held, for_others: for_others.len(), cases })
}

/// One tile, whether it waits or not: a reviewer may look at any and object.
pub fn case(conn: &mut Conn, campaign: &Campaign, tile_id: &str, reviewer: i64, now: i64) -> Result<Case, Error> {
    let case = open(conn, campaign, tile_id, reviewer, now)?;
    let tile = case.full.row.tile.id;
    let waits = reviews::candidates(conn, campaign.id)?.into_iter().find(|one| one.tile == tile);
    let (hardness, why) = match &waits {
        Some(one) => (Some(hardness_of(campaign, one)), why(one)),
        None => (None, Vec::new()),
    };
    Ok(Case { hardness, why, ..case })
}

/// The decisions that stand in a campaign, newest first, of one reviewer or of all, each with what became of it.
pub fn newest(
    conn: &mut Conn,
    campaign: &Campaign,
    of: Option<i64>,
    limit: i64,
) -> Result<Vec<(Review, ReviewStanding)>, Error> {
    let dated = scenes::ids_by_date(conn, campaign.id)?;
    let found = reviews::newest(conn, campaign.id, of, limit)?;
    let mut all = Vec::with_capacity(found.len());
    for one in found {
        let present = current(conn, one.tile)?;
        let standing = standing_of(&one, &present, &dated);
        all.push((one, standing));
    }
    Ok(all)
}

fn open(conn: &mut Conn, campaign: &Campaign, tile_id: &str, reviewer: i64, now: i64) -> Result<Case, Error> {
    let full = explain_tile(conn, campaign, tile_id, (Sight::Researcher, now))?;
    let tile = full.row.tile.id;
    let dated = scenes::ids_by_date(conn, campaign.id)?;
    let present = current(conn, tile)?;
    let all = reviews::of_tile(conn, tile)?;
    let reviews = all.into_iter().map(|one| (one.clone(), standing_of(&one, &present, &dated))).collect();
    let kind = gold::of_tile(conn, tile)?.and_then(|(kind, _)| GoldKind::from_key(&kind));
    let held = reviews::holds(conn, campaign.id, now)?.get(&tile).is_some_and(|holder| *holder != reviewer);
    let outcome = Outcome { state: full.row.state, closed_at: full.row.closed_at, gold: full.row.gold };
    let may_be_check = kind.is_none() && may_be_check(campaign, outcome, now);
    let notes = notes::of_tile(conn, tile)?;
    Ok(Case { full, why: Vec::new(), hardness: None, notes, reviews, held, gold: kind, may_be_check })
}

/// Whether a tile may become check gold: once everybody could see that it closed they would know it for gold when they
/// are given it.
pub fn may_be_check(campaign: &Campaign, outcome: Outcome, now: i64) -> bool {
    use crate::domain::campaign::ReleaseLevel;
    !campaign.state.is_over()
        && (campaign.release_level != ReleaseLevel::Public || !outcome.is_public(campaign.state, now))
}

fn hardness_of(campaign: &Campaign, one: &Candidate) -> f64 {
    let (entropy, agreement) = one.crowd.unwrap_or((0.0, None));
    let classes = campaign.scale.classes().len();
    let disputed = is_disputed(one);
    hardness(&campaign.scale, Difficulty { entropy, classes, agreement, answers: &one.answers, disputed })
}

fn is_disputed(one: &Candidate) -> bool {
    one.state == TileState::Contested && one.reviewed
}

fn why(one: &Candidate) -> Vec<WhyReview> {
    let mut why = Vec::new();
    match one.state {
        TileState::Contested if one.reviewed => why.push(WhyReview::Disputed),
        TileState::Contested => why.push(WhyReview::Contested),
        _ => {}
    }
    if one.flagged {
        why.push(WhyReview::Flagged);
    }
    if why.is_empty() {
        why.push(WhyReview::Doubtful);
    }
    why
}
