//! One volunteer's answers on closed tiles, with what is needed to say who may see the outcome and what it is.

use diesel::prelude::*;

use crate::domain::consensus::TileState;
use crate::domain::damage_map::{Gold, Outcome};
use crate::domain::label::Window;
use crate::storage::Conn;
use crate::storage::campaigns::word;
use crate::storage::oversight::reviews::in_force_on;
use crate::storage::schema::{consensus, current_labels, exclusions, gold, participations, queue, tiles, volunteers};

/// A closed tile that a volunteer answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MyTile {
    /// Database id.
    pub tile: i64,
    /// Public id.
    pub tile_id: String,
    /// The volunteer's answer, as a place on the scale.
    pub answer: u8,
    /// The volunteer's window.
    pub window: Option<Window>,
    /// How it stands: decides whether the volunteer may see the rest.
    pub outcome: Outcome,
    /// The class that it was given: by experts on gold and where a reviewer decided, by the crowd elsewhere; `None` where there is none.
    pub class: Option<u8>,
}

/// What became of a tile, in full.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// Probability of the class; 1 on gold and where a reviewer decided.
    pub probability: Option<f64>,
    /// Labels in it.
    pub labels: u32,
    /// Share of the labels that agree with it.
    pub agreement: Option<f64>,
    /// When it was damaged.
    pub window: Option<Window>,
    /// Why, in the experts' words; on gold only.
    pub explanation: Option<String>,
}

/// The closed tiles that a volunteer answered in a campaign, gold among them, in no particular order.
pub fn closed_of(conn: &mut Conn, campaign_id: i64, volunteer_id: i64) -> QueryResult<Vec<MyTile>> {
    type Mine = (i64, String, i16, bool, Option<i64>, Option<i64>);
    type How = (String, Option<i64>, Option<String>, Option<i64>, Option<i16>, Option<i16>);
    let rows = current_labels::table
        .inner_join(queue::table.on(queue::tile.eq(current_labels::tile)))
        .inner_join(tiles::table.on(tiles::id.eq(current_labels::tile)))
        .left_join(gold::table.on(gold::tile.eq(current_labels::tile)))
        .left_join(consensus::table.on(consensus::tile.eq(current_labels::tile)))
        .filter(current_labels::volunteer_id.eq(volunteer_id))
        .filter(current_labels::campaign_id.eq(campaign_id))
        .filter(queue::state.ne("open"))
        .filter(diesel::dsl::not(queue::withdrawn))
        .select((
            (
                current_labels::tile,
                tiles::tile_id,
                current_labels::answer,
                current_labels::window_given,
                current_labels::last_intact,
                current_labels::first_damaged,
            ),
            (
                queue::state,
                queue::closed_at,
                queue::gold,
                gold::worn_out_at.nullable(),
                gold::answer.nullable(),
                consensus::class.nullable(),
            ),
        ))
        .load::<(Mine, How)>(conn)?;
    let tile = |(mine, how): (Mine, How)| {
        let (tile, tile_id, answer, window_given, last_intact, first_damaged) = mine;
        let (state, closed_at, kind, worn_out_at, expert, crowd) = how;
        let state: TileState = word(&state)?;
        let decided = matches!(state, TileState::Settled | TileState::Reviewed);
        let class = if kind.is_some() { expert } else { crowd.filter(|_| decided) };
        let gold = Gold::of(kind.as_deref(), worn_out_at.is_some());
        Ok(MyTile {
            tile,
            tile_id,
            answer: answer as u8,
            window: window_given.then_some(Window { last_intact, first_damaged }),
            outcome: Outcome { state, closed_at, gold },
            class: class.and_then(|class| u8::try_from(class).ok()),
        })
    };
    let mut mine: Vec<MyTile> = rows.into_iter().map(tile).collect::<QueryResult<_>>()?;
    let reviewed = mine.iter().filter(|one| one.outcome.state == TileState::Reviewed && one.outcome.gold.is_none());
    let opinions = in_force_on(conn, &reviewed.map(|one| one.tile).collect::<Vec<_>>())?;
    for one in &mut mine {
        if let Some(opinion) = opinions.get(&one.tile) {
            one.class = Some(opinion.answer);
        }
    }
    Ok(mine)
}

/// What became of a closed tile.
pub fn verdict(conn: &mut Conn, tile: i64) -> QueryResult<Verdict> {
    type Expert = (Option<i64>, Option<i64>, String);
    let expert = gold::table
        .find(tile)
        .select((gold::last_intact, gold::first_damaged, gold::explanation))
        .first::<Expert>(conn)
        .optional()?;
    let window = |last_intact: Option<i64>, first_damaged: Option<i64>| {
        (last_intact.is_some() || first_damaged.is_some()).then_some(Window { last_intact, first_damaged })
    };
    if let Some((intact, damaged, explanation)) = expert {
        let explanation = Some(explanation).filter(|text| !text.is_empty());
        let window = window(intact, damaged);
        return Ok(Verdict { probability: Some(1.0), window, explanation, ..Verdict::default() });
    }
    let decided = in_force_on(conn, &[tile])?.remove(&tile);
    type Crowd = (Option<f64>, i16, Option<f64>, Option<i64>, Option<i64>);
    let crowd = consensus::table
        .find(tile)
        .select((
            consensus::probability,
            consensus::labels,
            consensus::agreement,
            consensus::date_before,
            consensus::date_after,
        ))
        .first::<Crowd>(conn)
        .optional()?;
    let crowd = crowd.map_or_else(Verdict::default, |(probability, labels, agreement, intact, damaged)| Verdict {
        probability,
        labels: u32::from(labels.unsigned_abs()),
        agreement,
        window: window(intact, damaged),
        explanation: None,
    });
    Ok(match decided {
        Some(opinion) => Verdict { probability: Some(1.0), window: opinion.window, ..crowd },
        None => crowd,
    })
}

/// Tiles that a volunteer answered for the first time since then.
pub fn labels_since(conn: &mut Conn, campaign_id: i64, volunteer_id: i64, since: i64) -> QueryResult<i64> {
    current_labels::table
        .filter(current_labels::volunteer_id.eq(volunteer_id))
        .filter(current_labels::campaign_id.eq(campaign_id))
        .filter(current_labels::first_received_at.ge(since))
        .count()
        .get_result(conn)
}

/// Labels and skips of a volunteer in a campaign.
pub fn counters(conn: &mut Conn, campaign_id: i64, volunteer_id: i64) -> QueryResult<(u32, u32)> {
    let row = participations::table
        .find((campaign_id, volunteer_id))
        .select((participations::labels, participations::skips))
        .first::<(i32, i32)>(conn)
        .optional()?;
    Ok(row.map_or((0, 0), |(labels, skips)| (labels.unsigned_abs(), skips.unsigned_abs())))
}

/// Those who gave the most labels: (volunteer, labels), most first, then who came first. People who are excluded or
/// left are left out.
pub fn leaders(conn: &mut Conn, campaign_id: i64, limit: i64) -> QueryResult<Vec<(i64, u32)>> {
    let excluded = exclusions::table
        .filter(exclusions::campaign_id.eq(campaign_id))
        .filter(exclusions::lifted_at.is_null())
        .select(exclusions::volunteer_id);
    let rows = participations::table
        .inner_join(volunteers::table.on(volunteers::id.eq(participations::volunteer_id)))
        .filter(participations::campaign_id.eq(campaign_id))
        .filter(participations::labels.gt(0))
        .filter(volunteers::deleted_at.is_null())
        .filter(participations::volunteer_id.ne_all(excluded))
        .order((participations::labels.desc(), participations::first_at, participations::volunteer_id))
        .limit(limit)
        .select((participations::volunteer_id, participations::labels))
        .load::<(i64, i32)>(conn)?;
    Ok(rows.into_iter().map(|(volunteer, labels)| (volunteer, labels.unsigned_abs())).collect())
}

/// How many gave more labels than so many, of those who are on the leaderboard.
pub fn ahead_of(conn: &mut Conn, campaign_id: i64, labels: u32) -> QueryResult<i64> {
    let excluded = exclusions::table
        .filter(exclusions::campaign_id.eq(campaign_id))
        .filter(exclusions::lifted_at.is_null())
        .select(exclusions::volunteer_id);
    participations::table
        .inner_join(volunteers::table.on(volunteers::id.eq(participations::volunteer_id)))
        .filter(participations::campaign_id.eq(campaign_id))
        .filter(participations::labels.gt(i32::try_from(labels).unwrap_or(i32::MAX)))
        .filter(volunteers::deleted_at.is_null())
        .filter(participations::volunteer_id.ne_all(excluded))
        .count()
        .get_result(conn)
}
