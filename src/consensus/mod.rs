//! The voting core: labels in, a probability per class out, with the reason for it.
//!
//! Pure: no clock, no file, no database, and no result that depends on threads or on the order of arrival. One rule,
//! one file, all behind [`VotingRule`]:
//!
//! 1. `fit` turns [`Columns`] of labels into the next numbered [`Model`] and one [`Skill`] a volunteer (a refit);
//! 2. `consensus` turns the labels of one tile, with that frozen model, into a [`Consensus`] (at each submit);
//! 3. [`policy::decide`] turns a consensus into the state of the tile.

pub mod columns;
pub mod model;
pub mod policy;
pub mod tile;
pub mod weighted_share;

mod bytes;

pub use bytes::Unreadable;
pub use columns::Columns;
pub use model::{Model, Skill};
pub use tile::{Shape, Vote};
pub use weighted_share::WeightedShare;

use crate::domain::consensus::Consensus;
use crate::domain::scale::Scale;

/// The outcome of a refit.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The model, frozen from now on.
    pub model: Model,
    /// One skill per volunteer of the columns, at the volunteer's place.
    pub skills: Vec<Skill>,
}

/// A way to turn labels into a consensus.
pub trait VotingRule: Send + Sync {
    /// The word used on the command line, in consensus rows and in exports.
    fn method(&self) -> &'static str;

    /// Rises whenever the same labels may give another result.
    fn version(&self) -> u32;

    /// Fits volunteers and crowd to all counted labels. `number` becomes the model's; it must be above 0, which is
    /// [`Model::zero`]. Labels whose answer the scale does not have are ignored.
    fn fit(&self, scale: &Scale, columns: &Columns, number: u32) -> Fitted;

    /// The consensus of one tile from its counted labels. The order of the votes never matters, to the bit.
    fn consensus(&self, scale: &Scale, model: &Model, votes: &[Vote<'_>]) -> Consensus;
}

/// The rule that the server uses.
pub fn default_rule() -> &'static dyn VotingRule {
    &WeightedShare
}
