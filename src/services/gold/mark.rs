//! Makes a tile gold, changes its answer, and makes an ordinary tile of it again.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::domain::campaign::Campaign;
use crate::domain::damage_map::{Gold, Outcome};
use crate::domain::gold::{GoldKind, Retired};
use crate::domain::label::Window;
use crate::domain::language::check_language;
use crate::domain::markdown::MAX_TEXT;
use crate::domain::review::Opinion;
use crate::services::Error;
use crate::services::labelling::tile_consensus::{self, Rules};
use crate::services::oversight::review::{self, find_tile};
use crate::services::oversight::review_queue::may_be_check;
use crate::storage::gold::{GoldRow, NewGold};
use crate::storage::labelling::queue::QueueRow;
use crate::storage::labelling::{consensus, labels, queue};
use crate::storage::oversight::reviews::NewReview;
use crate::storage::oversight::{audit_log, exclusions, reviews};
use crate::storage::{Conn, campaigns, gold, scenes};

/// What experts say of a tile.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMark {
    /// Public id of the tile.
    pub tile_id: String,
    /// Practice or check.
    pub kind: GoldKind,
    /// Key of the right answer.
    pub answer: String,
    /// When it was damaged; timelines only.
    pub window: Option<Window>,
    /// Why it is right, in Markdown, by language.
    pub explanations: BTreeMap<String, String>,
}

/// A mark whose parts were found to be right.
struct Checked {
    tile: i64,
    answer: u8,
    own: String,
    others: BTreeMap<String, String>,
}

/// Marks a tile as gold. Whoever only reviews (`may_any` is false) may mark what reviewers decided.
///
/// Labels that it has leave its consensus: on check gold they measure their authors, who gave them unknowing.
pub fn mark(
    conn: &mut Conn,
    campaign: &Campaign,
    new: &NewMark,
    (actor, may_any): (i64, bool),
    now: i64,
) -> Result<(), Error> {
    hold_running(conn, campaign)?;
    let checked = check(conn, campaign, new)?;
    let row = queue::lock(conn, checked.tile)?;
    if row.gold {
        return Err(Error::Conflict(format!("tile `{}` is gold already: change it or retire it", new.tile_id)));
    }
    if !may_any {
        is_what_reviewers_decided(conn, campaign, &checked)?;
    }
    if new.kind == GoldKind::Check && !may_become_check(campaign, &row, now) {
        return Err(Error::Conflict(closed_in_public(&new.tile_id)));
    }
    make(conn, campaign, &gold_of(campaign, new, &checked, actor), now)?;
    gold::set_texts(conn, checked.tile, &checked.others)?;
    reviews::let_go(conn, checked.tile)?;
    let subject = format!("{}: {} as {}", new.tile_id, new.answer, new.kind);
    Ok(audit_log::note(conn, Some(actor), Some(campaign.id), ("mark_gold", &subject), now)?)
}

/// Whoever only reviews fixes what is in force on a tile, and nothing else: gold overrules every later review.
fn is_what_reviewers_decided(conn: &mut Conn, campaign: &Campaign, checked: &Checked) -> Result<(), Error> {
    let Some(decided) = reviews::in_force_on(conn, &[checked.tile])?.remove(&checked.tile) else {
        let reason = "reviewers make gold of tiles about which a review is in force; coordinators of any tile";
        return Err(Error::Forbidden(reason.into()));
    };
    if decided.answer != checked.answer {
        let key = campaign.scale.answer(decided.answer).map_or("", |answer| answer.key.as_str());
        let reason = format!("reviewers decided `{key}`: only a coordinator makes gold that says otherwise");
        return Err(Error::Forbidden(reason));
    }
    Ok(())
}

/// Holds the campaign's state, before any tile is locked, and refuses where it is over.
fn hold_running(conn: &mut Conn, campaign: &Campaign) -> Result<(), Error> {
    let state = campaigns::hold_state(conn, campaign.id)?;
    match state.is_over() {
        true => Err(Error::Conflict(format!("campaign `{}` is {state}: its answers are in", campaign.slug))),
        false => Ok(()),
    }
}

/// Whether nobody below reviewer could tell that the tile of this row is gold when they are given it.
pub fn may_become_check(campaign: &Campaign, row: &QueueRow, now: i64) -> bool {
    may_be_check(campaign, Outcome { state: row.state, closed_at: row.closed_at, gold: None }, now)
}

fn closed_in_public(tile_id: &str) -> String {
    format!(
        "everybody can see that tile `{tile_id}` is closed, so whoever is given it would know it for check gold: make it \
         practice gold"
    )
}

/// Turns a locked tile into gold.
pub fn make(conn: &mut Conn, campaign: &Campaign, new: &NewGold<'_>, now: i64) -> Result<(), Error> {
    debug_assert_eq!(campaign.id, new.campaign_id);
    queue::make_gold(conn, new.tile, new.kind.key(), now)?;
    labels::uncount(conn, new.tile)?;
    consensus::remove(conn, new.tile)?;
    // How it stood as an ordinary tile is over: an exclusion that is lifted later must not bring that back.
    exclusions::forget(conn, new.tile)?;
    Ok(gold::insert(conn, new, now)?)
}

/// Changes what a gold tile is for, its answer, its window and its explanations.
///
/// Practice never becomes check gold: everybody has seen it.
pub fn change(conn: &mut Conn, campaign: &Campaign, new: &NewMark, actor: i64, now: i64) -> Result<(), Error> {
    hold_running(conn, campaign)?;
    let checked = check(conn, campaign, new)?;
    queue::lock(conn, checked.tile)?;
    let before = find(conn, campaign, checked.tile, &new.tile_id)?;
    if before.kind == GoldKind::Practice.key() && new.kind == GoldKind::Check {
        let reason = "everybody has seen what is practised on: it can never be check gold";
        return Err(Error::invalid("kind", reason));
    }
    queue::set_gold_kind(conn, checked.tile, new.kind.key())?;
    gold::change(conn, &gold_of(campaign, new, &checked, actor))?;
    gold::set_texts(conn, checked.tile, &checked.others)?;
    let old = campaign.scale.answer(before.answer).map_or("", |answer| answer.key.as_str());
    let subject = format!("{}: {old} as {} to {} as {}", new.tile_id, before.kind, new.answer, new.kind);
    Ok(audit_log::note(conn, Some(actor), Some(campaign.id), ("change_gold", &subject), now)?)
}

/// Retires a gold tile. Labels that it has fill its places, in the order in which they came; where its answer is to stay,
/// it stays as a decision of whoever retires it.
pub fn retire(
    conn: &mut Conn,
    campaign: &Campaign,
    tile_id: &str,
    becomes: Retired,
    (actor, now): (i64, i64),
) -> Result<(), Error> {
    hold_running(conn, campaign)?;
    let tile = find_tile(conn, campaign, tile_id)?;
    let rules = Rules::load(conn, campaign.id)?;
    queue::lock(conn, tile)?;
    let before = find(conn, campaign, tile, tile_id)?;
    gold::remove(conn, tile)?;
    let row = queue::unmake_gold(conn, tile, &campaign.policy)?;
    if becomes == Retired::Reviewed {
        let opinion = Opinion { answer: before.answer, window: before.window };
        let review = NewReview {
            id: Uuid::now_v7(),
            body_hash: &[],
            tile,
            campaign_id: campaign.id,
            reviewer_id: actor,
            opinion,
            note: "",
        };
        reviews::add(conn, &review, now)?;
    }
    let dated = scenes::ids_by_date(conn, campaign.id)?;
    match review::current(conn, tile)?.is_empty() {
        true => tile_consensus::follow(conn, &rules, row, None, now)?,
        false => review::follow(conn, &rules, row, &dated, now)?,
    };
    let subject = format!("{tile_id}: {becomes}");
    Ok(audit_log::note(conn, Some(actor), Some(campaign.id), ("retire_gold", &subject), now)?)
}

fn find(conn: &mut Conn, campaign: &Campaign, tile: i64, tile_id: &str) -> Result<GoldRow, Error> {
    let found = gold::of_campaign(conn, campaign.id, Some(tile))?.pop();
    found.ok_or_else(|| Error::NotFound(format!("tile `{tile_id}` is no gold of campaign `{}`", campaign.slug)))
}

fn gold_of<'a>(campaign: &Campaign, new: &'a NewMark, checked: &'a Checked, actor: i64) -> NewGold<'a> {
    NewGold {
        tile: checked.tile,
        campaign_id: campaign.id,
        kind: new.kind,
        answer: checked.answer,
        window: new.window,
        explanation: &checked.own,
        created_by: Some(actor),
    }
}

/// Checks all that does not depend on how the tile stands.
fn check(conn: &mut Conn, campaign: &Campaign, new: &NewMark) -> Result<Checked, Error> {
    let answer = campaign.scale.place_of(&new.answer).ok_or_else(|| {
        let keys: Vec<&str> = campaign.scale.answers.iter().map(|answer| answer.key.as_str()).collect();
        Error::invalid("answer", format!("`{}` is not an answer here: use one of {}", new.answer, keys.join(", ")))
    })?;
    if let Some(window) = &new.window {
        let dated = scenes::ids_by_date(conn, campaign.id)?;
        window
            .check(campaign.kind, &dated, (&campaign.scale, answer))
            .map_err(|reason| Error::invalid("window", reason))?;
    }
    let mut others = BTreeMap::new();
    for (language, text) in &new.explanations {
        let language = check_language(language)?;
        if text.chars().count() > MAX_TEXT || text.contains('\0') {
            let reason = format!("the one in `{language}` is longer than {MAX_TEXT} characters, or holds U+0000");
            return Err(Error::invalid("explanations", reason));
        }
        if !text.trim().is_empty() {
            others.insert(language, text.clone());
        }
    }
    let own = others.remove(&campaign.language).unwrap_or_default();
    Ok(Checked { tile: find_tile(conn, campaign, &new.tile_id)?, answer, own, others })
}

impl GoldRow {
    /// What it is used for.
    pub fn used_as(&self) -> Gold {
        match self.kind.as_str() {
            "practice" => Gold::Practice,
            _ if self.worn_out_at.is_some() => Gold::WornOut,
            _ => Gold::Check,
        }
    }
}
