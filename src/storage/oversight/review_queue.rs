//! The tiles that may want a reviewer, narrow enough that all of a campaign's can be sorted at once.

use std::collections::BTreeMap;

use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::domain::consensus::TileState;
use crate::storage::Conn;
use crate::storage::campaigns::{broken, word};
use crate::storage::labelling::notes::by_excluded;
use crate::storage::schema::{consensus, exclusions, notes, queue, reviews, tiles};

/// Most tiles that are looked at for one reason; far more than reviewers can see in a month.
const MOST: i64 = 20_000;

/// A tile that may want a reviewer.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Database id.
    pub tile: i64,
    /// Public id.
    pub tile_id: String,
    /// Where it stands.
    pub state: TileState,
    /// Whether somebody reviewed it.
    pub reviewed: bool,
    /// Whether a volunteer asks for attention and nobody saw to it yet.
    pub flagged: bool,
    /// Entropy of its class probabilities, nats, and the agreement of its labels; `None` without labels.
    pub crowd: Option<(f64, Option<f64>)>,
    /// Counted labels for each answer of the scale.
    pub answers: Vec<u32>,
}

type Columns = (i64, String, String, bool, bool, Option<(f64, Option<f64>, String)>);

macro_rules! rows {
    ($campaign:expr) => {{
        let decided = reviews::table.filter(reviews::tile.eq(queue::tile)).filter(reviews::is_current);
        let flags = notes::table
            .filter(notes::tile.eq(queue::tile))
            .filter(notes::flagged)
            .filter(notes::resolved_at.is_null())
            .filter(not(exists(by_excluded!())));
        queue::table
            .inner_join(tiles::table)
            .left_join(consensus::table.on(consensus::tile.eq(queue::tile)))
            .filter(queue::campaign_id.eq($campaign))
            .filter(queue::gold.is_null())
            .filter(tiles::withdrawn_at.is_null())
            .limit(MOST)
            .select((
                queue::tile,
                tiles::tile_id,
                queue::state,
                exists(decided),
                exists(flags),
                (consensus::entropy, consensus::agreement, consensus::answers).nullable(),
            ))
    }};
}

/// Contested tiles, tiles with a flag that nobody saw to (excluded people's left out), and tiles still undecided or settled whose imagery many called
/// unusable; each once, in the order of their ids. Gold is left out.
pub fn candidates(conn: &mut Conn, campaign_id: i64) -> QueryResult<Vec<Candidate>> {
    let contested = rows!(campaign_id).filter(queue::state.eq("contested"));
    let mut found: Vec<Columns> = contested.load(conn)?;
    let flagged = notes::table
        .filter(notes::campaign_id.eq(campaign_id))
        .filter(notes::flagged)
        .filter(notes::resolved_at.is_null())
        .filter(not(exists(by_excluded!())))
        .select(notes::tile);
    found.extend(rows!(campaign_id).filter(queue::tile.eq_any(flagged)).load::<Columns>(conn)?);
    let doubtful = rows!(campaign_id)
        .filter(consensus::campaign_id.assume_not_null().eq(campaign_id))
        // Word for word that of the partial index.
        .filter(sql::<Bool>("unusable_share >= 0.4"))
        .filter(consensus::labels.assume_not_null().ge(3))
        .filter(not(queue::state.eq_any(["unusable", "reviewed"])));
    found.extend(doubtful.load::<Columns>(conn)?);
    let mut each_once = BTreeMap::new();
    for row in found {
        let one = candidate(row)?;
        each_once.insert(one.tile, one);
    }
    Ok(each_once.into_values().collect())
}

fn candidate((tile, tile_id, state, reviewed, flagged, crowd): Columns) -> QueryResult<Candidate> {
    let answers = match &crowd {
        Some((_, _, answers)) => serde_json::from_str(answers).map_err(|error| broken(error.to_string()))?,
        None => Vec::new(),
    };
    let crowd = crowd.map(|(entropy, agreement, _)| (entropy, agreement));
    Ok(Candidate { tile, tile_id, state: word(&state)?, reviewed, flagged, crowd, answers })
}
