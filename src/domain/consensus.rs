//! What the crowd says about one tile, with the certainty it says it with.

use serde::{Deserialize, Serialize};

use super::words::words;

words! {
    /// Where a tile stands.
    TileState {
        /// Still asks for labels.
        Open = "open",
        /// Closed by the crowd.
        Settled = "settled",
        /// Closed undecided: waits for a reviewer.
        Contested = "contested",
        /// Closed by an expert.
        Reviewed = "reviewed",
        /// Closed: the imagery shows nothing usable here.
        Unusable = "unusable",
    }
}

impl TileState {
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
