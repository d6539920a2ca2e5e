//! Retirement: what a consensus means for the state of its tile, and how much the next label there is worth.

use super::model::Model;
use super::tile::{Shape, Vote};
use crate::domain::consensus::{Consensus, TileState};
use crate::domain::policy::{DISSENT_LEAD, Policy, PolicyKind};
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
    /// Independent voices among them; see [`voices`]. `None`: as many as labels.
    pub voices: Option<u32>,
    /// Of these, the voices that saw no damage, and those that saw some; see [`sides`]. `None`: as many as labels.
    pub sides: Option<(u32, u32)>,
    /// Whether the tile gets a second look; see [`second_look`].
    pub second_look: bool,
    /// Counted labels when it would first have settled; kept by the caller from [`Verdict::first_settled_at`].
    pub first_settled_at: Option<u32>,
    /// Different volunteers who skipped it.
    pub skips: u32,
    /// Active volunteers who neither labelled nor skipped it; `None` where not counted: nobody then closes it by skips.
    pub unseen: Option<u32>,
    /// Whether reviewers hold different opinions of it and none prevails: it waits for one more of them.
    pub disputed: bool,
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
    /// Experts decided differently.
    Disputed,
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
            Reason::Disputed => "disputed",
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
    if facts.disputed {
        return close(TileState::Contested, Reason::Disputed, facts.first_settled_at);
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
                let leads = self.lead() >= self.policy.lead_without_model;
                let enough = self.telling >= self.minimum(class) && leads && (stays || self.outvotes_dissent(class));
                enough.then_some(Reason::Lead)
            }
            PolicyKind::Adaptive => {
                let sure = match stays {
                    true => self.is_still_sure(),
                    false => self.model.identifiable && self.is_sure(class) && self.outvotes_dissent(class),
                };
                // What a ring said together, or accounts set aside, settles nothing alone, and settled nothing.
                let voices = self.telling.min(self.facts.voices.unwrap_or(self.telling));
                (voices >= self.minimum(class) && sure).then_some(Reason::Sure)
            }
        }
    }

    /// Labels by which the first class leads the second.
    fn lead(&self) -> u32 {
        let mut counts = self.consensus.answers[..Shape::of(self.scale).classes].to_vec();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        counts[0] - counts[1]
    }

    /// Two labels are enough when both volunteers are proven on check gold, and never for heavy damage; nor for none, which
    /// takes more than the minimum, because nobody would look again.
    fn minimum(&self, class: u8) -> u32 {
        let both_proven = self.facts.proven >= 2 && self.facts.proven == self.telling;
        if class == 0 {
            self.policy.minimum_undamaged()
        } else if both_proven && self.model.number > 0 && !self.scale.is_heavy(class) {
            self.policy.minimum.min(2)
        } else {
            self.policy.minimum
        }
    }

    fn is_sure(&self, class: u8) -> bool {
        let damage = 1.0 - self.consensus.probabilities[0];
        self.top() >= self.policy.settle_at && (class > 0 || damage <= self.policy.undamaged_at_most)
    }

    /// Whether nobody saw damage on a tile that is to be called undamaged, or few enough did. Accounts that err as others do
    /// and lie on few tiles weigh as much as anybody: what the model makes of one dissent would hide what they aim at.
    fn outvotes_dissent(&self, class: u8) -> bool {
        let answers = &self.consensus.answers[..Shape::of(self.scale).telling];
        let (undamaged, damaged) = self.facts.sides.unwrap_or((answers[0], answers[1..].iter().sum()));
        class > 0 || !self.policy.missed_damage_costs_more() || damaged == 0 || undamaged >= damaged + DISSENT_LEAD
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

/// How many independent voices speak about damage: a ring is one, who is set aside is none.
pub fn voices(scale: &Scale, votes: &[Vote<'_>]) -> u32 {
    heard(votes, |answer| answer < Shape::of(scale).telling)
}

/// The independent voices that saw no damage, and those that saw some, or may have.
pub fn sides(scale: &Scale, votes: &[Vote<'_>]) -> (u32, u32) {
    let telling = Shape::of(scale).telling;
    (heard(votes, |answer| answer == 0), heard(votes, |answer| (1..telling).contains(&answer)))
}

fn heard(votes: &[Vote<'_>], speaks: impl Fn(usize) -> bool) -> u32 {
    let heard = votes.iter().filter(|vote| speaks(usize::from(vote.answer)));
    let (mut alone, mut rings) = (0, Vec::new());
    for vote in heard.filter(|vote| vote.skill.is_none_or(|skill| skill.quarantine.is_none())) {
        match vote.skill.map_or(0, |skill| skill.ring) {
            0 => alone += 1,
            ring => rings.push(ring),
        }
    }
    rings.sort_unstable();
    rings.dedup();
    alone + rings.len() as u32
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
#[path = "policy_tests.rs"]
mod tests;
