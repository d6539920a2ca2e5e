//! First answers over time, minute by minute: read from the log once, then only what is new.

use std::collections::BTreeMap;

use crate::domain::campaign::{Campaign, CampaignState};
use crate::storage::oversight::statistics::labels_by_minute;
use crate::storage::{Conn, QueryError};

const MINUTE_MS: i64 = 60_000;
/// A label stands in the log at the time at which it arrived; for so long it may not be committed yet.
const UNSETTLED_MS: i64 = 600_000;

/// Labels by the minute in which they arrived. One for each campaign.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    minutes: BTreeMap<i64, u64>,
    /// Everything that arrived before this is known for good; milliseconds since 1970, UTC.
    known_until: Option<i64>,
}

impl Tally {
    /// Reads what is new. The log is only ever added to, so what is old is read again only where it may still be
    /// filled: labels brought in from elsewhere carry times of long ago, and a clock may be set back.
    pub(super) fn bring_up(&mut self, conn: &mut Conn, campaign: &Campaign, now: i64) -> Result<(), QueryError> {
        let is_running = matches!(campaign.state, CampaignState::Open | CampaignState::Paused);
        let known = self.known_until.filter(|&until| is_running && until <= now);
        let since = known.unwrap_or(i64::MIN / 2);
        self.minutes.split_off(&since.div_euclid(MINUTE_MS));
        for count in labels_by_minute(conn, campaign.id, since)? {
            self.minutes.insert(count.minute, count.number.unsigned_abs());
        }
        self.known_until = Some((now - UNSETTLED_MS).div_euclid(MINUTE_MS) * MINUTE_MS);
        Ok(())
    }

    /// All labels.
    pub(super) fn total(&self) -> u64 {
        self.minutes.values().sum()
    }

    /// Labels of so many minutes of the clock, the one under way included, that ended `before` minutes ago.
    pub(super) fn last_minutes(&self, now: i64, minutes: i64, before: i64) -> u64 {
        let end = now.div_euclid(MINUTE_MS) - before;
        self.minutes.range(end - minutes + 1..=end).map(|(_, labels)| labels).sum()
    }

    /// Labels since so many milliseconds ago, to the minute.
    pub(super) fn since(&self, now: i64, ms: i64) -> u64 {
        self.minutes.range((now - ms).div_euclid(MINUTE_MS) + 1..).map(|(_, labels)| labels).sum()
    }

    /// When the first and the last label arrived, to the minute; milliseconds since 1970, UTC.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        let (first, last) = (self.minutes.first_key_value()?.0, self.minutes.last_key_value()?.0);
        Some((first * MINUTE_MS, last * MINUTE_MS))
    }

    /// Minutes since 1970, and the labels of each that has any.
    pub(super) fn minutes(&self) -> impl Iterator<Item = (i64, u64)> {
        self.minutes.iter().map(|(minute, labels)| (*minute, *labels))
    }
}
