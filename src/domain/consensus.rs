//! What the crowd says about one tile, with the certainty it says it with.

use serde::{Deserialize, Serialize};

/// Where a tile stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TileState {
    /// Still asks for labels.
    Open,
    /// Closed by the crowd.
    Settled,
    /// Closed undecided: waits for a reviewer.
    Contested,
    /// Closed by an expert.
    Reviewed,
    /// Closed: the imagery shows nothing usable here.
    Unusable,
}

impl TileState {
    /// All states, in the order in which progress pages list them.
    pub const ALL: [TileState; 5] =
        [TileState::Open, TileState::Settled, TileState::Contested, TileState::Reviewed, TileState::Unusable];

    /// The word used in SQL, JSON and files.
    pub fn key(self) -> &'static str {
        match self {
            TileState::Open => "open",
            TileState::Settled => "settled",
            TileState::Contested => "contested",
            TileState::Reviewed => "reviewed",
            TileState::Unusable => "unusable",
        }
    }

    /// The state of that word.
    pub fn from_key(key: &str) -> Option<TileState> {
        TileState::ALL.into_iter().find(|state| state.key() == key)
    }

    /// Whether the tile asks for no more labels.
    pub fn is_closed(self) -> bool {
        self != TileState::Open
    }
}

/// The consensus of one tile: a pure function of its counted labels and one numbered model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consensus {
    /// Probability of each class of the scale, undamaged first; they sum to 1. Uniform where nothing is known.
    pub probabilities: Vec<f64>,
    /// Place of the class; `None` where no label names a class.
    pub class: Option<u8>,
    /// Probability of `class`; `None` without one.
    pub probability: Option<f64>,
    /// Counted labels, side answers included.
    pub labels: u32,
    /// Counted labels per answer of the scale, in the scale's order.
    pub answers: Vec<u32>,
    /// Share of agreeing pairs of counted answers, (sum n_k^2 - n) / (n (n - 1)); `None` with fewer than two.
    pub agreement: Option<f64>,
    /// Entropy of `probabilities`, nats.
    pub entropy: f64,
    /// ln p(first) - ln p(second), nats: how much speaks for the class against the next one.
    pub evidence: f64,
    /// How many independent, equally good volunteers the labels are worth: (sum w)^2 / sum w^2 (Kish, 1965).
    pub effective_redundancy: f64,
    /// Weighted share of labels that call the imagery unusable, smoothed.
    pub unusable_share: f64,
}
