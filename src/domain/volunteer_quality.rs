//! How well a volunteer does, as those see it who run the campaign: figures under a pseudonym, and how they are sorted.

use std::cmp::Ordering;

use super::words::words;

words! {
    /// What is imposed on a volunteer in one campaign.
    ExclusionKind {
        /// No tiles for now; labels count as before.
        Paused = "paused",
        /// No tiles, and all labels are left out.
        Excluded = "excluded",
    }
}

words! {
    /// What a list of volunteers is sorted by.
    SortBy {
        /// Tiles labelled.
        Labels = "labels",
        /// Days on which they labelled.
        Days = "days",
        /// Median seconds for an answer.
        Seconds = "seconds",
        /// Share of answers faster than is possible.
        TooFast = "too_fast",
        /// Share right on check gold.
        Accuracy = "accuracy",
        /// Weight in the model in use.
        Weight = "weight",
        /// Towards less or more damage.
        Bias = "bias",
        /// Share of agreement with the outcome of closed tiles.
        Agreement = "agreement",
        /// When they last asked or answered.
        Last = "last",
        /// Whether they deserve a look, the most reasons first; then by labels.
        Flags = "flags",
    }
}

words! {
    /// Why a volunteer deserves a look; several may hold.
    Flag {
        /// In a ring of accounts that share their errors.
        Ring = "ring",
        /// No better than guessing on check gold.
        Gold = "gold",
        /// Nearly always the same answer where others differ.
        Constant = "constant",
        /// Far faster than the crowd.
        Hasty = "hasty",
        /// More than a tenth of the answers came faster than is possible.
        TooFast = "too_fast",
    }
}

/// Answers faster than this, in seconds, were given without looking: two pictures have to be seen.
pub const POSSIBLE_SECONDS: f64 = 1.0;
/// Share of such answers from which it is flagged.
const TOO_FAST: f64 = 0.1;
/// Timed answers below which nothing is said about speed.
const TIMED: u32 = 10;
/// The standard normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// A share with its 95 % interval (Wilson, 1927), 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The share itself.
    pub share: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The 95 % interval of a share of `n` trials; `None` for no trials.
pub fn wilson(hits: f64, n: f64) -> Option<Interval> {
    let middle = (hits + Z * Z / 2.0) / (n + Z * Z);
    let half = Z / (n + Z * Z) * (hits * (n - hits) / n + Z * Z / 4.0).max(0.0).sqrt();
    (n > 0.0).then(|| Interval { share: hits / n, low: (middle - half).max(0.0), high: (middle + half).min(1.0) })
}

/// How a volunteer stands in the model in use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InModel {
    /// Weight of a label.
    pub weight: f64,
    /// Smoothed share of agreement with the consensus, as the model sees it.
    pub accuracy: f64,
    /// Labels behind it.
    pub labels: u32,
    /// Ring of accounts whose labels together weigh as one; 0 for none.
    pub ring: u32,
    /// Why the labels weigh nothing for now.
    pub quarantine: Option<Flag>,
}

impl InModel {
    /// The 95 % interval of the weight: that of the accuracy (Wilson, with the four labels of smoothing counted in), put
    /// through `(K a - 1) / (K - 1)`. Ends at 0.02 and 1, as weights do.
    pub fn weight_interval(&self, classes: usize) -> (f64, f64) {
        let n = f64::from(self.labels) + 4.0;
        let k = classes.max(2) as f64;
        let weight = |a: f64| ((k * a - 1.0) / (k - 1.0)).clamp(0.02, 1.0);
        wilson(self.accuracy.clamp(0.0, 1.0) * n, n).map_or((0.02, 1.0), |i| (weight(i.low), weight(i.high)))
    }
}

/// The figures of one volunteer in one campaign.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Quality {
    /// Database id; shown as a pseudonym only.
    pub volunteer_id: i64,
    /// Tiles labelled.
    pub labels: u32,
    /// Tiles skipped.
    pub skips: u32,
    /// Days, UTC, on which they answered.
    pub days_active: u32,
    /// When they first asked; milliseconds since 1970, UTC.
    pub first_at: i64,
    /// When they last asked or answered.
    pub last_at: i64,
    /// Answers whose duration is known.
    pub timed: u32,
    /// Of these, faster than [`POSSIBLE_SECONDS`].
    pub too_fast: u32,
    /// Median duration.
    pub median_seconds: Option<f64>,
    /// Answers on check gold.
    pub gold_labels: u32,
    /// Of these, as the experts answered.
    pub gold_correct: u32,
    /// Answers with a class on closed tiles that have one, check gold among them.
    pub closed: u32,
    /// Of these, the same class.
    pub agreed: u32,
    /// Of these, a graver class.
    pub graver: u32,
    /// Of these, a milder class.
    pub milder: u32,
    /// What the model in use says; `None` where it does not know them.
    pub model: Option<InModel>,
}

impl Quality {
    /// (graver - milder) / closed: above 0 sees more damage than the outcome, below 0 less. `None` without a closed tile.
    pub fn bias(&self) -> Option<f64> {
        (self.closed > 0).then(|| (f64::from(self.graver) - f64::from(self.milder)) / f64::from(self.closed))
    }

    /// Share of answers with a class on closed tiles that name the tile's class.
    pub fn agreement(&self) -> Option<Interval> {
        wilson(f64::from(self.agreed), f64::from(self.closed))
    }

    /// Share right on check gold.
    pub fn accuracy(&self) -> Option<Interval> {
        wilson(f64::from(self.gold_correct), f64::from(self.gold_labels))
    }

    /// Share of timed answers faster than is possible.
    pub fn too_fast_share(&self) -> Option<f64> {
        (self.timed > 0).then(|| f64::from(self.too_fast) / f64::from(self.timed))
    }

    /// Ring in the model in use; 0 for none.
    pub fn ring(&self) -> u32 {
        self.model.map_or(0, |model| model.ring)
    }

    /// Why this volunteer deserves a look.
    pub fn flags(&self) -> Vec<Flag> {
        let hurried = self.timed >= TIMED && self.too_fast_share().is_some_and(|share| share > TOO_FAST);
        let ring = (self.ring() > 0).then_some(Flag::Ring);
        let quarantine = self.model.and_then(|model| model.quarantine);
        ring.into_iter().chain(quarantine).chain(hurried.then_some(Flag::TooFast)).collect()
    }

    fn figure(&self, by: SortBy) -> Option<f64> {
        match by {
            SortBy::Labels => Some(f64::from(self.labels)),
            SortBy::Days => Some(f64::from(self.days_active)),
            SortBy::Seconds => self.median_seconds,
            SortBy::TooFast => self.too_fast_share(),
            SortBy::Accuracy => self.accuracy().map(|accuracy| accuracy.share),
            SortBy::Weight => self.model.map(|model| model.weight),
            SortBy::Bias => self.bias(),
            SortBy::Agreement => self.agreement().map(|agreement| agreement.share),
            SortBy::Last => Some(self.last_at as f64),
            // No volunteer has as many labels as this.
            SortBy::Flags => Some(self.flags().len() as f64 * 1e12 + f64::from(self.labels)),
        }
    }

    /// The order of a sorted list: by the figure, those without it last whichever way round, equals by id.
    pub fn compare(&self, other: &Quality, by: SortBy, descending: bool) -> Ordering {
        let order = match (self.figure(by), other.figure(by)) {
            (Some(a), Some(b)) if descending => b.total_cmp(&a),
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        order.then(self.volunteer_id.cmp(&other.volunteer_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quality(closed: u32, graver: u32, milder: u32) -> Quality {
        Quality { closed, agreed: closed - graver - milder, graver, milder, ..Quality::default() }
    }

    #[test]
    fn bias_says_which_way_somebody_errs() {
        assert_eq!(quality(10, 3, 1).bias(), Some(0.2));
        assert_eq!(quality(10, 0, 5).bias(), Some(-0.5));
        assert_eq!(quality(0, 0, 0).bias(), None);
    }

    #[test]
    fn those_without_a_figure_come_last_both_ways() {
        let (some, none) = (quality(10, 3, 1), quality(0, 0, 0));
        for descending in [false, true] {
            assert_eq!(some.compare(&none, SortBy::Bias, descending), Ordering::Less);
            assert_eq!(none.compare(&some, SortBy::Bias, descending), Ordering::Greater);
        }
        let graver = quality(10, 5, 0);
        assert_eq!(graver.compare(&some, SortBy::Bias, true), Ordering::Less);
        assert_eq!(graver.compare(&some, SortBy::Bias, false), Ordering::Greater);
    }

    #[test]
    fn a_weight_has_the_interval_of_its_accuracy() {
        let model = InModel { weight: 0.85, accuracy: 0.9, labels: 96, ring: 0, quarantine: None };
        let (low, high) = model.weight_interval(3);
        // Wilson at 90 of 100: .8256 to .9448.
        assert!((low - 0.7384).abs() < 1e-3 && (high - 0.9172).abs() < 1e-3, "{low} {high}");
    }

    #[test]
    fn few_timed_answers_raise_no_flag() {
        let hurried = |timed| Quality { timed, too_fast: timed, ..Quality::default() };
        assert_eq!(hurried(9).flags(), []);
        assert_eq!(hurried(10).flags(), [Flag::TooFast]);
    }
}
