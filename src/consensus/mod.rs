//! The voting core: labels in, a probability per class out, with the reason for it.
//!
//! Pure: no clock, no file, no database, and no result that depends on threads or on the order of arrival. One rule,
//! one file, all behind [`VotingRule`]:
//!
//! 1. `fit` turns [`Columns`] of labels into the next numbered [`Model`] and one [`Skill`] a volunteer (a refit);
//! 2. `consensus` turns the labels of one tile, with that frozen model, into a [`Consensus`] (at each submit);
//! 3. [`policy::decide`] turns a consensus into the state of the tile.

pub mod batch;
pub mod calibration;
pub mod columns;
pub mod confusion;
pub mod dawid_skene;
pub mod em;
pub mod evidence;
pub mod explain;
pub mod gold;
pub mod hds;
pub mod majority;
pub mod measures;
pub mod model;
pub mod policy;
pub mod pool;
pub mod pool_fit;
pub mod rings;
pub mod score;
pub mod tile;
pub mod votes;
pub mod wawa;
pub mod weighted_share;
pub mod window;

mod bytes;
#[cfg(test)]
mod properties;

pub use bytes::Unreadable;
pub use columns::Columns;
pub use dawid_skene::DawidSkene;
pub use hds::Hds;
pub use majority::Majority;
pub use model::{Model, Skill};
pub use pool::Pool;
pub use tile::{Shape, Vote};
pub use wawa::Wawa;
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

    /// Whether every row of a repeated label counts, as in the published methods; else the latest does.
    fn counts_repeats(&self) -> bool {
        false
    }

    /// Whether the method knows nothing of answers between two classes, so that they are merged into a class first.
    fn merges_between(&self) -> bool {
        self.counts_repeats()
    }

    /// Fits volunteers and crowd to all counted labels. `number` becomes the model's; it must be above 0, which is
    /// [`Model::zero`]. Labels whose answer the scale does not have are ignored.
    fn fit(&self, scale: &Scale, columns: &Columns, number: u32) -> Fitted;

    /// The consensus of one tile from its counted labels. The order of the votes never matters, to the bit.
    fn consensus(&self, scale: &Scale, model: &Model, votes: &[Vote<'_>]) -> Consensus;
}

/// Every method, by the name it has on the command line.
pub static METHODS: [&dyn VotingRule; 6] = [&Pool, &Majority, &Wawa, &DawidSkene, &Hds, &WeightedShare];

/// The method of this name.
pub fn method(name: &str) -> Option<&'static dyn VotingRule> {
    METHODS.into_iter().find(|rule| rule.method() == name)
}

/// The rule that the server uses.
pub fn default_rule() -> &'static dyn VotingRule {
    &Pool
}
