//! When a tile is done, how tiles are lent out and when skills are fitted anew: the settings of one campaign.

use serde::{Deserialize, Serialize};

use super::Invalid;

/// Where anybody saw damage, an undamaged call must lead by so many voices. With a fifth of the accounts lying together,
/// and an honest crowd that is right on four of five labels, a lead of 1, 2, 3, 4, 5 hides 18.9, 6.9, 2.9, 2.0 and 1.6 % of
/// their targets, and leaves .7, 1.9, 4.9, 6.8 and 12 % of the honest tiles contested (docs/security-sybils.md).
pub const DISSENT_LEAD: u32 = 4;
/// Labels beyond the minimum that an undamaged call takes. With a fifth of the accounts lying together, the first three
/// labels are all theirs on .67 % of their targets, the first four on .11 % (docs/security-sybils.md).
const UNDAMAGED_EXTRA: u32 = 1;

/// How many labels a tile gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PolicyKind {
    /// Few where the crowd is sure, more where it is not.
    Adaptive,
    /// The same number for every tile.
    Fixed {
        /// Labels that name a class, per tile.
        redundancy: u32,
    },
}

/// The policy of a campaign. Every field has a default, so that a campaign file names only what differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Adaptive or fixed redundancy.
    pub kind: PolicyKind,
    /// Labels that speak about damage before a tile may settle; for an undamaged call see [`Policy::minimum_undamaged`].
    pub minimum: u32,
    /// Counted labels, side answers included, after which a tile is contested.
    pub maximum: u32,
    /// Probability of the class at which a tile settles; chosen on real crowds (docs/consensus.md).
    pub settle_at: f64,
    /// Highest probability of any damage with which an undamaged call may settle: half of what `settle_at` leaves,
    /// because most tiles are undamaged and easy, and few labels must not be paid for with missed damage.
    pub undamaged_at_most: f64,
    /// Probability of the class below which a settled tile opens again.
    pub reopen_below: f64,
    /// Lead, in labels, at which a tile settles while no model exists.
    pub lead_without_model: u32,
    /// Share of the tiles that need one more label when they would first settle.
    pub second_look_share: f64,
    /// Time for which a tile is lent, seconds.
    pub lease_seconds: u32,
    /// Most tiles handed out in one request.
    pub leases_at_once: u32,
    /// Most tiles one volunteer may hold.
    pub leases_open: u32,
    /// Share of hand-outs drawn at random instead of by value.
    pub random_share: f64,
    /// Whether tiles that look changed come first, among those whose next label is worth the same.
    pub change_hints: bool,
    /// Share of unlikely tiles among those that come first; more than none, or what comes first is known for damaged.
    pub change_hints_mix: f64,
    /// Share of hand-outs that are check gold.
    pub gold_share: f64,
    /// The same for a volunteer's first tiles.
    pub gold_share_first: f64,
    /// How many tiles count as a volunteer's first.
    pub gold_first_tiles: u32,
    /// Hand-outs after which a check gold tile is worn out.
    pub gold_uses: u32,
    /// New labels after which skills are fitted anew, at least.
    pub refit_after: u32,
    /// The same as a share of the labels that took part in the last model; the larger of the two holds.
    pub refit_share: f64,
    /// Whether tiles are handed out only to those who passed the practice.
    pub practice_required: bool,
    /// Share of the practice tiles that passes.
    pub practice_pass_share: f64,
    /// Whether volunteers may compare the number of their labels.
    pub leaderboard: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            kind: PolicyKind::Adaptive,
            minimum: 3,
            maximum: 10,
            settle_at: 0.85,
            undamaged_at_most: 0.075,
            reopen_below: 0.65,
            lead_without_model: 3,
            second_look_share: 0.05,
            lease_seconds: 1800,
            leases_at_once: 5,
            leases_open: 20,
            random_share: 0.15,
            change_hints: false,
            change_hints_mix: 0.3,
            gold_share: 0.05,
            gold_share_first: 0.10,
            gold_first_tiles: 40,
            gold_uses: 50,
            refit_after: 2000,
            refit_share: 0.05,
            practice_required: false,
            practice_pass_share: 0.7,
            leaderboard: false,
        }
    }
}

impl Policy {
    /// The same number of labels for every tile, one more in a tie up to twice as many.
    pub fn fixed(redundancy: u32) -> Policy {
        let maximum = redundancy.saturating_mul(2).max(1);
        Policy { kind: PolicyKind::Fixed { redundancy }, minimum: redundancy, maximum, ..Policy::default() }
    }

    /// Labels that a fresh tile asks for.
    pub fn first_needed(&self) -> u32 {
        match self.kind {
            PolicyKind::Adaptive => self.minimum,
            PolicyKind::Fixed { redundancy } => redundancy,
        }
    }

    /// Whether the campaign bears less doubt in an undamaged call than in any other: missed damage costs it more.
    pub fn missed_damage_costs_more(&self) -> bool {
        self.undamaged_at_most < 1.0 - self.settle_at - 1e-9
    }

    /// Labels that speak about damage before a tile may settle as undamaged: one more than the minimum where missed damage
    /// costs more, because nobody looks at such a tile again. Never more than the maximum: a tile that may have no more
    /// labels, as an imported one, is decided by those it has.
    pub fn minimum_undamaged(&self) -> u32 {
        let extra = if self.missed_damage_costs_more() { UNDAMAGED_EXTRA } else { 0 };
        self.minimum.saturating_add(extra).min(self.maximum)
    }

    /// New labels after which the next model is due, given the labels that took part in the last one.
    pub fn refit_due(&self, labels: u64) -> u64 {
        let share = (self.refit_share * labels as f64).ceil() as u64;
        share.max(u64::from(self.refit_after))
    }

    /// Whether tiles would be decided in another way: what may not change while labels are gathered. How tiles are lent,
    /// gold, refits, practice and the leaderboard may.
    pub fn decides_otherwise_than(&self, other: &Policy) -> bool {
        let decides = |policy: &Policy| {
            (
                (policy.kind, policy.minimum, policy.maximum, policy.lead_without_model),
                [policy.settle_at, policy.undamaged_at_most, policy.reopen_below, policy.second_look_share],
            )
        };
        decides(self) != decides(other)
    }

    /// Checks that every setting lies in its range and that they fit together.
    pub fn check(&self) -> Result<(), Invalid> {
        self.check_counts()?;
        self.check_shares()?;
        if self.reopen_below > self.settle_at {
            return Err(Invalid::new(
                "policy.reopen_below",
                "must not exceed settle_at, or settled tiles open at once",
            ));
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), Invalid> {
        let counts = [
            ("maximum", self.maximum, 1, 1000),
            ("minimum", self.minimum, 1, self.maximum),
            ("lead_without_model", self.lead_without_model, 1, self.maximum),
            ("lease_seconds", self.lease_seconds, 30, 86_400),
            ("leases_open", self.leases_open, 1, 200),
            ("leases_at_once", self.leases_at_once, 1, self.leases_open),
            ("gold_first_tiles", self.gold_first_tiles, 0, 10_000),
            ("gold_uses", self.gold_uses, 1, 1_000_000),
            ("refit_after", self.refit_after, 1, 100_000_000),
        ];
        if let Some((name, value, low, high)) = counts.into_iter().find(|(_, v, low, high)| !(low..=high).contains(&v))
        {
            return Err(Invalid::new(format!("policy.{name}"), format!("{value} is not between {low} and {high}")));
        }
        match self.kind {
            PolicyKind::Fixed { redundancy } if !(1..=self.maximum).contains(&redundancy) => Err(Invalid::new(
                "policy.kind.fixed.redundancy",
                format!("{redundancy} is not between 1 and the maximum, {}", self.maximum),
            )),
            _ => Ok(()),
        }
    }

    fn check_shares(&self) -> Result<(), Invalid> {
        let shares = [
            ("settle_at", self.settle_at, 0.5, 1.0),
            ("undamaged_at_most", self.undamaged_at_most, 0.0, 1.0),
            ("reopen_below", self.reopen_below, 0.0, 1.0),
            ("second_look_share", self.second_look_share, 0.0, 1.0),
            ("random_share", self.random_share, 0.0, 1.0),
            ("change_hints_mix", self.change_hints_mix, 0.1, 0.9),
            ("gold_share", self.gold_share, 0.0, 0.5),
            ("gold_share_first", self.gold_share_first, 0.0, 0.5),
            ("refit_share", self.refit_share, 0.0, 1.0),
            ("practice_pass_share", self.practice_pass_share, 0.0, 1.0),
        ];
        // Written so that NaN fails too.
        match shares.into_iter().find(|(_, value, low, high)| !(low..=high).contains(&value)) {
            Some((name, value, low, high)) => {
                Err(Invalid::new(format!("policy.{name}"), format!("{value} is not between {low} and {high}")))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_policy_is_the_default_and_passes() {
        let policy: Policy = serde_json::from_str("{}").unwrap();
        assert_eq!(policy, Policy::default());
        assert_eq!(policy.check(), Ok(()));
    }

    #[test]
    fn a_fixed_policy_is_read_and_checked() {
        let policy: Policy = serde_json::from_str(r#"{"kind":{"fixed":{"redundancy":5}}}"#).unwrap();
        assert_eq!((policy.first_needed(), policy.check()), (5, Ok(())));
        assert_eq!(Policy::fixed(4).check(), Ok(()));
        let none = Policy { kind: PolicyKind::Fixed { redundancy: 0 }, ..Policy::default() };
        assert_eq!(none.check().unwrap_err().field, "policy.kind.fixed.redundancy");
    }

    #[test]
    fn unknown_and_impossible_settings_are_named() {
        assert!(serde_json::from_str::<Policy>(r#"{"minimun":3}"#).is_err());
        let field = |policy: Policy| policy.check().unwrap_err().field;
        assert_eq!(field(Policy { minimum: 11, ..Policy::default() }), "policy.minimum");
        assert_eq!(field(Policy { settle_at: f64::NAN, ..Policy::default() }), "policy.settle_at");
        assert_eq!(field(Policy { reopen_below: 0.9, ..Policy::default() }), "policy.reopen_below");
    }

    #[test]
    fn a_refit_is_due_after_the_larger_of_both_limits() {
        let policy = Policy::default();
        assert_eq!((policy.refit_due(0), policy.refit_due(40_000), policy.refit_due(1_000_000)), (2000, 2000, 50_000));
    }
}
