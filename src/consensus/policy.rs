//! Retirement: what a consensus means for the state of its tile, and how much the next label there is worth.

use super::model::Model;
use super::tile::{Shape, Vote};
use crate::domain::consensus::{Consensus, TileState};
use crate::domain::policy::{Policy, PolicyKind};
use crate::domain::scale::{Scale, UNSURE};

/// Check gold answers that make a volunteer proven, so that two of them may settle a tile.
const PROVEN: u32 = 5;
/// Weighted share of "unusable" at which a tile is, and the votes it takes.
const UNUSABLE: (f64, u32) = (0.6, 3);
/// Skips, by different people, that can close a tile which nobody labelled. One person is not everybody.
const SKIPS: u32 = 2;
/// Lowest share of the greatest possible entropy in each value bucket, from bucket 0 on; the rest is bucket 3.
const BUCKETS: [f64; 3] = [0.9, 0.6, 0.3];

/// Default screening threshold: rare damage is called from this probability on.
pub const SCREEN: f64 = 0.35;

/// Whether a tile is screened as "this class or worse": where that has at least the threshold's probability.
pub fn screen(probabilities: &[f64], class: usize, threshold: f64) -> bool {
    probabilities.iter().skip(class).sum::<f64>() >= threshold
}

/// What is known of a tile beside its consensus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TileFacts {
    /// Its state so far; `None` for a new tile, which is open.
    pub state: Option<TileState>,
    /// Proven volunteers among those whose counted labels speak about damage; see [`proven`].
    pub proven: u32,
    /// Whether the tile gets a second look; see [`second_look`].
    pub second_look: bool,
    /// Counted labels when it would first have settled; kept by the caller from [`Verdict::first_settled_at`].
    pub first_settled_at: Option<u32>,
    /// Different volunteers who skipped it.
    pub skips: u32,
    /// Active volunteers who neither labelled nor skipped it; `None` where not counted: nobody then closes it by skips.
    pub unseen: Option<u32>,
}

/// Why a tile has its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The class is sure enough.
    Sure,
    /// Without a model: the class leads by enough labels.
    Lead,
    /// Fixed redundancy: all labels are in.
    Complete,
    /// Undecided with the most labels it may have.
    Maximum,
    /// Gold says that this crowd cannot be read; no class is published.
    NotIdentifiable,
    /// The imagery shows nothing usable.
    Unusable,
    /// Everybody skipped it.
    Skipped,
    /// An expert decided.
    Reviewed,
}

impl Reason {
    /// The word in `closed_reason`.
    pub fn key(self) -> &'static str {
        match self {
            Reason::Sure => "sure",
            Reason::Lead => "lead",
            Reason::Complete => "complete",
            Reason::Maximum => "maximum",
            Reason::NotIdentifiable => "not_identifiable",
            Reason::Unusable => "unusable",
            Reason::Skipped => "skipped",
            Reason::Reviewed => "reviewed",
        }
    }
}

/// What becomes of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Its state now.
    pub state: TileState,
    /// Labels up to which leases may be granted (`leased + counted < needed`), never above the policy's maximum.
    pub needed: u32,
    /// Why it is closed; `None` while open.
    pub reason: Option<Reason>,
    /// To be kept with the tile and given back as [`TileFacts::first_settled_at`].
    pub first_settled_at: Option<u32>,
}

/// Decides what becomes of a tile. A pure function: the same consensus, model and facts give the same verdict.
pub fn decide(scale: &Scale, policy: &Policy, model: &Model, consensus: &Consensus, facts: &TileFacts) -> Verdict {
    let tile = Tile { scale, policy, model, consensus, facts, telling: telling(scale, consensus) };
    let counted = consensus.labels;
    let close = |state, reason, first_settled_at| Verdict {
        state,
        needed: counted.min(policy.maximum),
        reason: Some(reason),
        first_settled_at,
    };
    if facts.state == Some(TileState::Reviewed) {
        return close(TileState::Reviewed, Reason::Reviewed, facts.first_settled_at);
    }
    if tile.is_unusable() {
        return close(TileState::Unusable, Reason::Unusable, facts.first_settled_at);
    }
    let mut first_settled_at = facts.first_settled_at;
    if let Some(reason) = tile.settles() {
        let first = *first_settled_at.get_or_insert(counted);
        if !facts.second_look || counted > first || counted >= policy.maximum || facts.state == Some(TileState::Settled)
        {
            return close(TileState::Settled, reason, first_settled_at);
        }
    } else if counted >= policy.maximum {
        return close(TileState::Contested, tile.why_contested(), first_settled_at);
    } else if tile.everybody_skipped() {
        return close(TileState::Contested, Reason::Skipped, first_settled_at);
    }
    let needed = (counted + 1).max(policy.first_needed()).min(policy.maximum);
    Verdict { state: TileState::Open, needed, reason: None, first_settled_at }
}

struct Tile<'a> {
    scale: &'a Scale,
    policy: &'a Policy,
    model: &'a Model,
    consensus: &'a Consensus,
    facts: &'a TileFacts,
    /// Counted labels that speak about damage.
    telling: u32,
}

impl Tile<'_> {
    fn is_unusable(&self) -> bool {
        let unsure = self.scale.place_of(UNSURE).map_or(0, |place| self.consensus.answers[usize::from(place)]);
        self.consensus.labels - unsure >= UNUSABLE.1 && self.consensus.unusable_share >= UNUSABLE.0
    }

    fn everybody_skipped(&self) -> bool {
        let already = self.facts.state == Some(TileState::Contested);
        self.consensus.labels == 0 && self.facts.skips >= SKIPS && (self.facts.unseen == Some(0) || already)
    }

    fn why_contested(&self) -> Reason {
        if self.model.identifiable { Reason::Maximum } else { Reason::NotIdentifiable }
    }

    /// Why the tile may be settled, or stay so: a settled tile stays until the class is clearly in doubt, so that
    /// tiles do not flicker at the bar.
    fn settles(&self) -> Option<Reason> {
        let class = self.consensus.class?;
        let stays = self.facts.state == Some(TileState::Settled);
        match self.policy.kind {
            PolicyKind::Fixed { redundancy } => {
                (self.telling >= redundancy && self.lead() > 0).then_some(Reason::Complete)
            }
            PolicyKind::Adaptive if self.model.number == 0 => {
                let enough = self.telling >= self.minimum(class) && self.lead() >= self.policy.lead_without_model;
                enough.then_some(Reason::Lead)
            }
            PolicyKind::Adaptive => {
                let sure = if stays { self.is_still_sure() } else { self.model.identifiable && self.is_sure(class) };
                (self.telling >= self.minimum(class) && sure).then_some(Reason::Sure)
            }
        }
    }

    /// Labels by which the first class leads the second.
    fn lead(&self) -> u32 {
        let mut counts = self.consensus.answers[..Shape::of(self.scale).classes].to_vec();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        counts[0] - counts[1]
    }

    /// Two labels are enough when both volunteers are proven on check gold, and never for heavy damage.
    fn minimum(&self, class: u8) -> u32 {
        let both_proven = self.facts.proven >= 2 && self.facts.proven == self.telling;
        if both_proven && self.model.number > 0 && !self.scale.is_heavy(class) {
            self.policy.minimum.min(2)
        } else {
            self.policy.minimum
        }
    }

    fn is_sure(&self, class: u8) -> bool {
        let damage = 1.0 - self.consensus.probabilities[0];
        self.top() >= self.policy.settle_at && (class > 0 || damage <= self.policy.undamaged_at_most)
    }

    fn is_still_sure(&self) -> bool {
        self.top() >= self.policy.reopen_below
    }

    fn top(&self) -> f64 {
        self.consensus.probabilities.iter().copied().fold(0.0, f64::max)
    }
}

fn telling(scale: &Scale, consensus: &Consensus) -> u32 {
    consensus.answers[..Shape::of(scale).telling].iter().sum()
}

/// How many of the votes that speak about damage come from volunteers with at least 5 check gold answers.
pub fn proven(scale: &Scale, votes: &[Vote<'_>]) -> u32 {
    let telling = Shape::of(scale).telling;
    let is_proven = |vote: &&Vote<'_>| {
        usize::from(vote.answer) < telling && vote.skill.is_some_and(|skill| skill.gold_labels >= PROVEN)
    };
    votes.iter().filter(is_proven).count() as u32
}

/// Whether a tile gets a second look: a fixed share of all tiles, by a hash of their id.
pub fn second_look(tile: u64, share: f64) -> bool {
    // SplitMix64's finaliser (Steele, Lea and Flood, 2014): neighbouring ids fall far apart.
    let mut mixed = tile.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    ((mixed >> 11) as f64) < share * (1u64 << 53) as f64
}

/// The value bucket of a tile's next label, 0 (hand out first) to 3: by the entropy of its probabilities as a share
/// of the greatest possible, from .9, .6, .3 and 0 on. It does not depend on who labels.
pub fn bucket(consensus: &Consensus) -> u8 {
    let most = (consensus.probabilities.len().max(2) as f64).ln();
    let share = consensus.entropy / most;
    BUCKETS.iter().position(|&low| share >= low).unwrap_or(BUCKETS.len()) as u8
}

#[cfg(test)]
mod tests {
    use super::super::{Skill, VotingRule, WeightedShare};
    use super::*;
    use proptest::prelude::*;

    const SCALE: &str = "conflict3";

    fn model(number: u32) -> Model {
        Model { number, ..Model::zero(&Scale::built_in(SCALE).unwrap()) }
    }

    fn verdict_of(policy: &Policy, model: &Model, answers: &str, facts: TileFacts) -> Verdict {
        let scale = Scale::built_in(SCALE).unwrap();
        // n: no visible damage, d: damaged, x: destroyed, u: unsure, b: bad imagery.
        let votes: Vec<Vote<'_>> =
            answers.chars().map(|c| Vote { answer: "ndxub".find(c).unwrap() as u8, skill: None }).collect();
        let consensus = WeightedShare.consensus(&scale, model, &votes);
        decide(&scale, policy, model, &consensus, &facts)
    }

    /// The verdict over these answers as `state needed reason`.
    fn check(policy: &Policy, number: u32, answers: &str, facts: TileFacts, expected: &str) {
        let verdict = verdict_of(policy, &model(number), answers, facts);
        let reason = verdict.reason.map_or("-", Reason::key);
        assert_eq!(format!("{} {} {reason}", verdict.state.key(), verdict.needed), expected, "{answers}");
    }

    fn settled() -> TileFacts {
        TileFacts { state: Some(TileState::Settled), ..TileFacts::default() }
    }

    #[test]
    fn without_a_model_a_lead_of_three_settles() {
        let (policy, none) = (Policy::default(), TileFacts::default());
        check(&policy, 0, "", none, "open 3 -");
        check(&policy, 0, "nn", none, "open 3 -");
        check(&policy, 0, "nnn", none, "settled 3 lead");
        check(&policy, 0, "nnd", none, "open 4 -");
        check(&policy, 0, "nndnn", none, "settled 5 lead");
        check(&policy, 0, "nndxdnndxd", none, "contested 10 maximum");
    }

    #[test]
    fn side_answers_count_towards_the_maximum_only() {
        let (policy, none) = (Policy::default(), TileFacts::default());
        check(&policy, 0, "nnu", none, "open 4 -");
        check(&policy, 0, "uuuuuuuuuu", none, "contested 10 maximum");
        check(&policy, 0, "bbb", none, "unusable 3 unusable");
        check(&policy, 0, "bbnn", none, "open 5 -");
        check(&policy, 0, "uuu", none, "open 4 -");
    }

    #[test]
    fn with_a_model_certainty_settles_and_missed_damage_costs_more() {
        let (policy, none) = (Policy::default(), TileFacts::default());
        check(&policy, 1, "xxx", none, "settled 3 sure");
        // Three of three undamaged leave P(damage) = .095 in plain shares, five .061, nine of ten again too much.
        check(&policy, 1, "nnn", none, "open 4 -");
        check(&policy, 1, "nnnnn", none, "settled 5 sure");
        check(&policy, 1, "nnnnnnnnnd", none, "contested 10 maximum");
        check(&policy, 1, "xxxxxxxxxd", none, "settled 10 sure");
    }

    #[test]
    fn two_proven_volunteers_may_settle_but_never_heavy_damage() {
        let policy = Policy { settle_at: 0.8, undamaged_at_most: 0.2, ..Policy::default() };
        let proven = TileFacts { proven: 2, ..TileFacts::default() };
        check(&policy, 1, "nn", proven, "settled 2 sure");
        check(&policy, 1, "xx", proven, "open 3 -");
        check(&policy, 1, "nn", TileFacts { proven: 1, ..TileFacts::default() }, "open 3 -");
        check(&policy, 0, "nn", proven, "open 3 -");
    }

    #[test]
    fn gold_answers_make_a_volunteer_proven() {
        let scale = Scale::built_in(SCALE).unwrap();
        let old = Skill { gold_labels: 5, ..Skill::blank(1.0, 1.0) };
        let new = Skill { gold_labels: 4, ..old.clone() };
        let votes = [(0, &old), (3, &old), (1, &new)].map(|(answer, skill)| Vote { answer, skill: Some(skill) });
        assert_eq!(proven(&scale, &votes), 1);
    }

    #[test]
    fn a_settled_tile_stays_until_it_is_clearly_in_doubt() {
        let policy = Policy::default();
        check(&policy, 2, "nnnd", settled(), "settled 4 sure");
        check(&policy, 2, "nndd", settled(), "open 5 -");
        check(&policy, 2, "nnnnnddddd", settled(), "contested 10 maximum");
        check(&policy, 0, "nnd", settled(), "open 4 -");
    }

    #[test]
    fn a_second_look_asks_for_one_more_label_once() {
        let policy = Policy::default();
        let chosen = TileFacts { second_look: true, ..TileFacts::default() };
        let first = verdict_of(&policy, &model(0), "nnn", chosen);
        assert_eq!((first.state, first.needed, first.first_settled_at), (TileState::Open, 4, Some(3)));
        let waiting = TileFacts { first_settled_at: first.first_settled_at, ..chosen };
        check(&policy, 0, "nnnn", waiting, "settled 4 lead");
        check(&policy, 0, "nnnd", waiting, "open 5 -");
    }

    #[test]
    fn fixed_redundancy_takes_exactly_that_many_and_one_more_in_a_tie() {
        let (policy, none) = (Policy::fixed(4), TileFacts::default());
        check(&policy, 0, "nnn", none, "open 4 -");
        check(&policy, 0, "nnnu", none, "open 5 -");
        check(&policy, 3, "nnnd", none, "settled 4 complete");
        check(&policy, 3, "nndd", none, "open 5 -");
        check(&policy, 3, "nndddnnd", none, "contested 8 maximum");
    }

    #[test]
    fn a_tile_that_everybody_skips_is_contested() {
        let policy = Policy::default();
        let skipped = |skips, unseen| TileFacts { skips, unseen, ..TileFacts::default() };
        check(&policy, 0, "", skipped(2, Some(0)), "contested 0 skipped");
        check(&policy, 0, "", skipped(1, Some(0)), "open 3 -");
        check(&policy, 0, "", skipped(5, Some(1)), "open 3 -");
        check(&policy, 0, "n", skipped(5, Some(0)), "open 3 -");
    }

    #[test]
    fn nothing_settles_where_gold_says_the_crowd_cannot_be_read() {
        let lost = Model { identifiable: false, ..model(4) };
        let policy = Policy::default();
        assert_eq!(verdict_of(&policy, &lost, "xxx", TileFacts::default()).state, TileState::Open);
        let full = verdict_of(&policy, &lost, "xxxxxxxxxx", TileFacts::default());
        assert_eq!((full.state, full.reason), (TileState::Contested, Some(Reason::NotIdentifiable)));
    }

    #[test]
    fn an_expert_has_the_last_word() {
        let facts = TileFacts { state: Some(TileState::Reviewed), ..TileFacts::default() };
        check(&Policy::default(), 2, "nndd", facts, "reviewed 4 reviewed");
    }

    #[test]
    fn about_one_tile_in_twenty_gets_a_second_look() {
        let chosen = (0..20_000).filter(|&tile| second_look(tile, 0.05)).count();
        assert!((900..1100).contains(&chosen), "{chosen}");
        assert!(!second_look(7, 0.0) && second_look(7, 1.0));
    }

    #[test]
    fn the_less_is_known_the_earlier_a_tile_is_handed_out() {
        let scale = Scale::built_in(SCALE).unwrap();
        let bucket_of = |answers: &[u8]| {
            let votes: Vec<Vote<'_>> = answers.iter().map(|&answer| Vote { answer, skill: None }).collect();
            bucket(&WeightedShare.consensus(&scale, &model(0), &votes))
        };
        assert_eq!((bucket_of(&[]), bucket_of(&[0, 1]), bucket_of(&[0, 0, 0])), (0, 1, 2));
        assert_eq!(bucket_of(&[0; 10]), 3);
    }

    proptest! {
        #[test]
        fn needed_never_passes_the_maximum_and_an_open_tile_always_has_room(
            answers in "[ndxub]{0,14}", number in 0u32..2, state in 0usize..6, second_look: bool, skips in 0u32..4,
        ) {
            let policy = Policy::default();
            let facts = TileFacts { state: TileState::ALL.get(state).copied(), second_look, skips, ..TileFacts::default() };
            let verdict = verdict_of(&policy, &model(number), &answers, facts);
            prop_assert!(verdict.needed <= policy.maximum);
            if verdict.state == TileState::Open {
                prop_assert!(verdict.needed > answers.len() as u32 && verdict.reason.is_none());
            } else {
                prop_assert!(verdict.reason.is_some());
            }
        }
    }
}
