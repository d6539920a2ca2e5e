//! Takes a reviewer's decision for a tile: kept once, put in force or not by the rule of [`crate::domain::review`], and
//! never written over.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::campaign::{Campaign, CampaignState};
use crate::domain::consensus::TileState;
use crate::domain::label::{Window, check_note};
use crate::domain::review::{self, Opinion, ReviewStanding};
use crate::domain::validation::may_be_graded;
use crate::services::Error;
use crate::services::labelling::tile_consensus::{self, Rules};
use crate::storage::labelling::notes::{raise_flags, resolve_flags};
use crate::storage::labelling::queue::{self, QueueRow};
use crate::storage::oversight::audit_log;
use crate::storage::oversight::reviews::{self, NewReview, Review};
use crate::storage::scenes::tiles;
use crate::storage::{Conn, scenes};

/// How long a tile is shown to others as being looked at; the page asks again while it is open.
pub const HOLD_MS: i64 = 180_000;

/// A decision on its way in.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDecision {
    /// The client's id: the same id is the same decision.
    pub id: Uuid,
    /// Public id of the tile.
    pub tile_id: String,
    /// Key of the answer.
    pub answer: String,
    /// When it was damaged; timelines only.
    pub window: Option<Window>,
    /// A comment for the other reviewers; may be empty.
    pub note: String,
}

/// What became of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// Whether it is in force.
    pub standing: ReviewStanding,
    /// Where the tile stands now.
    pub tile_state: TileState,
}

/// Keeps a decision and what follows from it, under the lock of the tile.
///
/// The same id again changes nothing. An author's later decision takes the place of their earlier one. Where opinions
/// differ and none prevails, the tile waits for one more reviewer. Flags that volunteers left are seen to.
pub fn decide(
    conn: &mut Conn,
    campaign: &Campaign,
    reviewer: i64,
    new: &NewDecision,
    now: i64,
) -> Result<Decided, Error> {
    let rules = load_reviewable(conn, campaign)?;
    let dated = scenes::ids_by_date(conn, campaign.id)?;
    let opinion = check(campaign, &dated, new)?;
    let tile = find_tile(conn, campaign, &new.tile_id)?;
    let row = queue::lock(conn, tile)?;
    let hash = body_hash(new);
    if let Some(before) = reviews::find(conn, new.id)? {
        if before.reviewer_id != reviewer || before.body_hash != hash {
            return Err(Error::Conflict("this id was used before for another decision: make a new one".into()));
        }
        return Ok(Decided { standing: standing_of(&before, &current(conn, tile)?, &dated), tile_state: row.state });
    }
    if row.gold {
        let reason = format!("tile `{}` is gold: experts fixed its answer; coordinators change it there", new.tile_id);
        return Err(Error::Conflict(reason));
    }
    let note = new.note.trim();
    let (id, campaign_id) = (new.id, campaign.id);
    let review = NewReview { id, body_hash: &hash, tile, campaign_id, reviewer_id: reviewer, opinion, note };
    reviews::add(conn, &review, now)?;
    let row = follow(conn, &rules, row, &dated, now)?;
    resolve_flags(conn, tile, reviewer, now)?;
    reviews::let_go(conn, tile)?;
    let subject = format!("{}: {}", new.tile_id, new.answer);
    audit_log::note(conn, Some(reviewer), Some(campaign.id), ("review", &subject), now)?;
    let opinions = current(conn, tile)?;
    let mine = opinions.iter().find(|one| one.id == new.id).map(|one| standing_of(one, &opinions, &dated));
    Ok(Decided { standing: mine.unwrap_or(ReviewStanding::Revised), tile_state: row.state })
}

/// The rules of a campaign in which is reviewed, as it stands now: whoever archives it is before us, or behind us.
fn load_reviewable(conn: &mut Conn, campaign: &Campaign) -> Result<Rules, Error> {
    let rules = Rules::load(conn, campaign.id)?;
    let state = rules.campaign.state;
    if matches!(state, CampaignState::Draft | CampaignState::Archived) {
        return Err(Error::Conflict(format!("campaign `{}` is {state}: nothing is reviewed in it", campaign.slug)));
    }
    Ok(rules)
}

/// Takes back the reviewer's own decision of that id, under the lock of the tile. The row stays, marked; what the others
/// decided is in force, or what the labels say where nobody else did. The flags it saw to wait again. The same once more
/// changes nothing.
pub fn withdraw(conn: &mut Conn, campaign: &Campaign, reviewer: i64, id: Uuid, now: i64) -> Result<Decided, Error> {
    let rules = load_reviewable(conn, campaign)?;
    let mine = |one: &Review| one.reviewer_id == reviewer;
    let unknown = || Error::NotFound("you made no decision of that id in this campaign".into());
    let tile = reviews::find(conn, id)?.filter(mine).ok_or_else(unknown)?.tile;
    let row = queue::lock(conn, tile)?;
    if row.campaign_id != campaign.id {
        return Err(unknown());
    }
    let review = reviews::find(conn, id)?.ok_or_else(unknown)?;
    let taken_back = |state| Decided { standing: ReviewStanding::Withdrawn, tile_state: state };
    if review.withdrawn {
        return Ok(taken_back(row.state));
    }
    if row.gold {
        let reason = format!("tile `{}` is gold now: retire it there first", review.tile_id);
        return Err(Error::Conflict(reason));
    }
    if !review.is_current {
        let reason = format!("this decision about tile `{}` is no longer your present one", review.tile_id);
        return Err(Error::Conflict(reason));
    }
    reviews::withdraw(conn, &review, now)?;
    raise_flags(conn, tile, reviewer, review.decided_at)?;
    let row = match current(conn, tile)?.is_empty() {
        true => back_to_labels(conn, &rules, row, now)?,
        false => {
            let dated = scenes::ids_by_date(conn, campaign.id)?;
            follow(conn, &rules, row, &dated, now)?
        }
    };
    let subject = format!("{}: withdrawn", review.tile_id);
    audit_log::note(conn, Some(reviewer), Some(campaign.id), ("review", &subject), now)?;
    Ok(taken_back(row.state))
}

/// A tile about which no reviewer speaks any more stands as its labels say. In a campaign that is over nobody is asked for
/// more of them, so what they do not settle waits for another reviewer.
fn back_to_labels(conn: &mut Conn, rules: &Rules, mut row: QueueRow, now: i64) -> Result<QueueRow, Error> {
    tile_consensus::open_anew(rules, &mut row);
    let mut row = tile_consensus::follow(conn, rules, row, None, now)?;
    if row.state == TileState::Open && rules.campaign.state.is_over() {
        (row.state, row.closed_at) = (TileState::Contested, Some(now));
        row = tile_consensus::follow(conn, rules, row, None, now)?;
    }
    Ok(row)
}

/// Puts in force what prevails among the reviewers of a locked tile, and moves the tile on.
pub(in crate::services) fn follow(
    conn: &mut Conn,
    rules: &Rules,
    mut row: QueueRow,
    dated: &[i64],
    now: i64,
) -> Result<QueueRow, Error> {
    let all = current(conn, row.tile)?;
    let prevails = review::in_force(&opinions(&all), dated);
    if let Some(place) = prevails {
        reviews::put_in_force(conn, all[place].id)?;
    }
    let state = if prevails.is_some() { TileState::Reviewed } else { TileState::Contested };
    if row.state != state {
        (row.state, row.closed_at) = (state, Some(now));
    }
    tile_consensus::follow(conn, rules, row, None, now)
}

/// Marks a tile as looked at by a reviewer; whatever they looked at before is free again. Returns whether it was free.
pub fn hold(conn: &mut Conn, campaign: &Campaign, reviewer: i64, tile_id: &str, now: i64) -> Result<bool, Error> {
    let tile = find_tile(conn, campaign, tile_id)?;
    Ok(reviews::hold(conn, (tile, campaign.id, reviewer), (now, now + HOLD_MS))?)
}

/// The present decisions of all reviewers for a tile, in the order in which they came.
pub(in crate::services) fn current(conn: &mut Conn, tile: i64) -> Result<Vec<Review>, Error> {
    Ok(reviews::of_tile(conn, tile)?.into_iter().filter(|one| one.is_current).collect())
}

fn opinions(current: &[Review]) -> Vec<Opinion> {
    current.iter().map(|one| one.opinion).collect()
}

/// What became of a decision, given the present ones of its tile.
pub fn standing_of(one: &Review, current: &[Review], dated: &[i64]) -> ReviewStanding {
    if one.withdrawn {
        return ReviewStanding::Withdrawn;
    }
    let all = opinions(current);
    match current.iter().position(|other| other.id == one.id) {
        Some(place) => review::standing(&all, review::in_force(&all, dated), place),
        None => ReviewStanding::Revised,
    }
}

/// The database id of a tile, or a refusal that names it.
pub(in crate::services) fn find_tile(conn: &mut Conn, campaign: &Campaign, tile_id: &str) -> Result<i64, Error> {
    let missing = || Error::NotFound(format!("there is no tile `{tile_id}` in campaign `{}`", campaign.slug));
    tiles::id_of(conn, campaign.id, tile_id)?.ok_or_else(missing)
}

/// What a decision says, if it can be said in this campaign.
fn check(campaign: &Campaign, dated: &[i64], new: &NewDecision) -> Result<Opinion, Error> {
    let scale = &campaign.scale;
    let answer = scale.place_of(&new.answer).filter(|&place| may_be_graded(scale, place)).ok_or_else(|| {
        let answers = scale.answers.iter().enumerate();
        let keys = answers.filter(|(place, _)| may_be_graded(scale, *place as u8)).map(|(_, one)| &*one.key);
        let keys = keys.collect::<Vec<_>>().join(", ");
        Error::invalid("answer", format!("`{}` is no decision: use one of {keys}", new.answer))
    })?;
    if let Some(window) = &new.window {
        window.check(campaign.kind, dated, (scale, answer)).map_err(|reason| Error::invalid("window", reason))?;
    }
    check_note(&new.note).map_err(|reason| Error::invalid("note", reason))?;
    Ok(Opinion { answer, window: new.window })
}

/// SHA-256 of everything a decision says, its id left out.
fn body_hash(new: &NewDecision) -> Vec<u8> {
    let window = new.window.map(|window| (window.last_intact, window.first_damaged));
    Sha256::digest(serde_json::json!([new.tile_id, new.answer, window, new.note]).to_string()).to_vec()
}
