//! The voting core: labels in, a probability per class out, with the reason for it.
//!
//! Pure: no clock, no file, no database, and no result that depends on threads or on the order of arrival. One rule,
//! one file, all behind [`VotingRule`]:
//!
//! 1. `fit` turns [`Columns`] of labels into the next numbered [`Model`] and one [`Skill`] a volunteer (a refit);
//! 2. `consensus` turns the labels of one tile, with that frozen model, into a [`Consensus`] (at each submit);
//! 3. [`policy::decide`] turns a consensus into the state of the tile.

pub mod accomplices;
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
pub mod later_scene;
pub mod majority;
pub mod measures;
pub mod model;
pub mod policy;
pub mod pool;
pub mod pool_fit;
pub mod rings;
pub mod score;
pub mod shared_errors;
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
pub use em::Problem;
pub use hds::Hds;
pub use majority::Majority;
pub use model::{Model, Skill};
pub use pool::Pool;
pub use tile::{Shape, Vote, Weighed};
pub use wawa::Wawa;
pub use weighted_share::WeightedShare;

use self::votes::Votes;
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

/// What a method is called, and how it reads labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The word used on the command line, in consensus rows and in exports.
    pub method: &'static str,
    /// Rises whenever the same labels may give another result.
    pub version: u32,
    /// Whether it is a method of others, kept as they publish it: every row of a repeated label counts, else the
    /// latest; and answers between two classes, which it does not know, are merged into a class first.
    pub published: bool,
}

/// A way to turn labels into a consensus. A rule says how it learns and what it makes of one tile's votes; the frame
/// around both is the same for all.
pub trait VotingRule: Send + Sync {
    /// Name and habits.
    fn about(&self) -> About;

    /// Learns volunteers and crowd from all counted labels, sorted in `problem`; [`VotingRule::fit`] numbers the model.
    fn learn(&self, scale: &Scale, columns: &Columns, problem: &Problem<'_>) -> Fitted;

    /// Probability of each class from one tile's weighed votes.
    fn probabilities(&self, scale: &Scale, model: &Model, votes: &[Weighed<'_>]) -> Vec<f64>;

    /// The votes of one tile in canonical order, with their weights.
    fn weigh<'a>(&self, scale: &Scale, model: &'a Model, votes: &[Vote<'a>]) -> Vec<Weighed<'a>> {
        tile::weigh(scale, model, votes)
    }

    /// The class of these probabilities.
    fn call(&self, scale: &Scale, _model: &Model, probabilities: &[f64]) -> u8 {
        tile::call(scale.ordered, probabilities)
    }

    /// Corrects the probabilities of a called tile by what gold says of such calls.
    fn calibrate(&self, _model: &Model, _class: u8, _probabilities: &mut [f64]) {}

    /// The word used on the command line, in consensus rows and in exports.
    fn method(&self) -> &'static str {
        self.about().method
    }

    /// Rises whenever the same labels may give another result.
    fn version(&self) -> u32 {
        self.about().version
    }

    /// Fits volunteers and crowd to all counted labels. `number` becomes the model's; it must be above 0, which is
    /// [`Model::zero`]. Labels whose answer the scale does not have are ignored.
    fn fit(&self, scale: &Scale, columns: &Columns, number: u32) -> Fitted {
        let shape = Shape::of(scale);
        let votes = Votes::new(columns, shape.telling, self.about().published);
        let problem = Problem { shape, votes: &votes, gold: columns.gold(), shares: &[], influence: &[] };
        let mut fitted = self.learn(scale, columns, &problem);
        (fitted.model.number, fitted.model.version) = (number, self.version());
        fitted
    }

    /// The consensus of one tile from its counted labels. The order of the votes never matters, to the bit.
    fn consensus(&self, scale: &Scale, model: &Model, votes: &[Vote<'_>]) -> Consensus {
        let votes = self.weigh(scale, model, votes);
        let mut probabilities = self.probabilities(scale, model, &votes);
        let class = tile::has_voice(scale, &votes).then(|| self.call(scale, model, &probabilities));
        if let Some(class) = class {
            self.calibrate(model, class, &mut probabilities);
        }
        tile::describe(scale, probabilities, class, &votes)
    }
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
