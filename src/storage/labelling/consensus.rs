//! The consensus of each tile that has labels: replaced whenever its counted labels or the model change.

use diesel::prelude::*;

use crate::domain::consensus::Consensus;
use crate::domain::label::Window;
use crate::storage::campaigns::broken;
use crate::storage::schema::consensus;
use crate::storage::{Conn, each_backend};

/// Where a stored consensus comes from, and why its tile closed.
pub struct Provenance<'a> {
    /// Number of the model.
    pub model: u32,
    /// Name of the rule.
    pub method: &'a str,
    /// Its version.
    pub method_version: u32,
    /// Why the tile closed; `None` while it is open.
    pub closed_reason: Option<&'a str>,
    /// Milliseconds since 1970, UTC.
    pub changed_at: i64,
}

/// When a place was damaged, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Dates {
    /// The interval that holds the median: the last scene before it and the first after it.
    pub median: Window,
    /// Probability of that interval.
    pub probability: f64,
    /// Probability of each interval between scenes, the open ends included.
    pub intervals: Vec<f64>,
}

/// Number of the model with which the consensus of a tile was formed, and its class probabilities; `None` where it has
/// none.
pub fn formed_by(conn: &mut Conn, tile: i64) -> QueryResult<Option<(u32, Vec<f64>)>> {
    let columns = (consensus::model, consensus::probabilities);
    let found = consensus::table.find(tile).select(columns).first::<(i32, String)>(conn).optional()?;
    found.map(|(model, probabilities)| Ok((model.unsigned_abs(), list(&probabilities)?))).transpose()
}

/// The class of a tile's consensus; `None` where it has none.
pub fn class_of(conn: &mut Conn, tile: i64) -> QueryResult<Option<u8>> {
    let found = consensus::table.find(tile).select(consensus::class).first::<Option<i16>>(conn).optional()?;
    Ok(found.flatten().and_then(|class| u8::try_from(class).ok()))
}

/// Removes the consensus of a tile: one that became gold, whose experts speak for themselves, or one without a label.
pub fn remove(conn: &mut Conn, tile: i64) -> QueryResult<()> {
    diesel::delete(consensus::table.find(tile)).execute(conn).map(drop)
}

/// Writes the consensus of a tile in place of an earlier one. The tile's queue row must be locked.
pub fn replace(
    conn: &mut Conn,
    (tile, campaign_id): (i64, i64),
    result: &Consensus,
    dates: Option<&Dates>,
    from: &Provenance<'_>,
) -> QueryResult<()> {
    let json = |list: serde_json::Result<String>| list.map_err(|error| broken(error.to_string()));
    let intervals = dates.map(|dates| json(serde_json::to_string(&dates.intervals))).transpose()?;
    let values = (
        consensus::model.eq(from.model as i32),
        consensus::method.eq(from.method),
        consensus::method_version.eq(from.method_version.to_string()),
        consensus::class.eq(result.class.map(i16::from)),
        consensus::probability.eq(result.probability),
        consensus::probabilities.eq(json(serde_json::to_string(&result.probabilities))?),
        consensus::labels.eq(result.labels as i16),
        consensus::answers.eq(json(serde_json::to_string(&result.answers))?),
        consensus::agreement.eq(result.agreement),
        consensus::entropy.eq(result.entropy),
        consensus::evidence.eq(result.evidence),
        consensus::effective_redundancy.eq(result.effective_redundancy),
        consensus::unusable_share.eq(result.unusable_share),
        consensus::date_before.eq(dates.and_then(|dates| dates.median.last_intact)),
        consensus::date_after.eq(dates.and_then(|dates| dates.median.first_damaged)),
        consensus::window_probability.eq(dates.map(|dates| dates.probability)),
        consensus::window_probabilities.eq(intervals),
        consensus::closed_reason.eq(from.closed_reason),
        consensus::changed_at.eq(from.changed_at),
    );
    let update = diesel::update(consensus::table.find(tile)).set(values.clone());
    if each_backend!(conn, inner => update.execute(inner))? == 0 {
        let key = (consensus::tile.eq(tile), consensus::campaign_id.eq(campaign_id));
        each_backend!(conn, inner => diesel::insert_into(consensus::table).values((key, values)).execute(inner))?;
    }
    Ok(())
}

/// Reads a JSON list of numbers. Not by serde_json, which may miss a number by its last digit: what is printed for a
/// class must be the number that is stored for it.
pub(crate) fn list<T: std::str::FromStr>(json: &str) -> QueryResult<Vec<T>> {
    let inner = json.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let numbers = inner.map(|inner| match inner.trim() {
        "" => Some(Vec::new()),
        inner => inner.split(',').map(|number| number.trim().parse().ok()).collect(),
    });
    numbers.flatten().ok_or_else(|| broken(format!("a stored consensus holds `{json}`, which is no list of numbers")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_list_is_read_to_the_last_digit() {
        assert_eq!(list::<f64>("[0.15384615384615385, 1e-3,1]").unwrap(), [0.153_846_153_846_153_85, 0.001, 1.0]);
        assert_eq!(list::<u32>("[]").unwrap(), [0u32; 0]);
        assert!(list::<u32>("[1,]").is_err() && list::<u32>("1,2").is_err() && list::<f64>("[null]").is_err());
    }
}
