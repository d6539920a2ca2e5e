//! What an answer is worth on a tile that a later scene may have joined since its author was handed it.

use crate::domain::label::Censored;
use crate::services::Error;
use crate::services::labelling::rules::Rules;
use crate::storage::Conn;
use crate::storage::labelling::labels::{CurrentLabel, Stands};
use crate::storage::labelling::leases::LeaseRow;
use crate::storage::scenes::later_scenes::{self, Shown};

/// What the holder of a lease was shown of its tile. A pair never changes while it is labelled.
pub fn shown(conn: &mut Conn, rules: &Rules, lease: &LeaseRow) -> Result<Shown, Error> {
    match rules.timeline {
        Some(_) => Ok(later_scenes::shown(conn, lease.tile, lease.granted_at)?),
        None => Ok(Shown { last: None, is_outdated: false }),
    }
}

/// How an answer stands that would count, or not; `before` is its author's earlier one.
pub fn stands(before: Option<&CurrentLabel>, (counted, excluded): (bool, bool), shown: Shown, now: i64) -> Stands {
    let same_view = before.filter(|label| label.censored.is_none() || shown.is_outdated);
    let first_received_at = same_view.map_or(now, |label| label.first_received_at);
    if !shown.is_outdated {
        return Stands { counted, excluded, censored: None, first_received_at };
    }
    let was = before.and_then(|label| label.censored);
    let would = if counted { Censored::Counted } else { Censored::Surplus };
    Stands { counted: false, excluded, censored: Some(was.unwrap_or(would)), first_received_at }
}
