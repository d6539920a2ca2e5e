//! How much work a campaign will be: pure arithmetic, and where each of its numbers comes from.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::policy::{Policy, PolicyKind};
use super::words::words;

words! {
    /// A number of an estimate.
    Figure {
        /// How many tiles there are.
        Tiles = "tiles",
        /// How many labels a tile takes, in the mean.
        LabelsPerTile = "labels_per_tile",
        /// Labels that measure volunteers.
        Gold = "gold",
        /// How long a label takes.
        SecondsPerLabel = "seconds_per_label",
        /// Tiles that a reviewer settles.
        ContestedTiles = "contested_tiles",
    }
}

words! {
    /// Where a number comes from, as a word by which pages say it in the reader's language.
    Origin {
        /// The tiles of the campaign were counted.
        Counted = "counted",
        /// The number of tiles was asked for.
        AskedFor = "asked_for",
        /// The redundancy and a little more.
        FixedLabels = "fixed_labels",
        /// Measured under the same policy.
        AdaptiveMeasured = "adaptive_measured",
        /// The minimum and what was measured under another policy.
        AdaptiveGuessed = "adaptive_guessed",
        /// The share of check gold, `percent`.
        GoldShare = "gold_share",
        /// The median of `labels` on this server.
        SecondsMeasured = "seconds_measured",
        /// Nobody measured how long a label takes.
        SecondsAssumed = "seconds_assumed",
        /// Fixed redundancy leaves no tile contested.
        NoneContested = "none_contested",
        /// The share that was contested elsewhere.
        SomeContested = "some_contested",
    }
}

/// Labels beyond the minimum that a tile took in the mean under the adaptive policy with minimum 3: 5.67 labels, measured
/// with simulated volunteers on the synthetic town (docs/consensus.md).
const ADAPTIVE_BEYOND: f64 = 2.67;
/// Labels beyond the redundancy that a tile took under fixed redundancy 3, 5, 7 and 9, in the mean: the same measurement.
const FIXED_BEYOND: f64 = 0.2725;
/// Share of tiles that the adaptive policy handed to a reviewer in the same measurement: 16 of 181.
const CONTESTED_SHARE: f64 = 16.0 / 181.0;
/// Seconds for a label while nobody has measured any: an assumption.
const ASSUMED_SECONDS: f64 = 12.0;

/// Where a number comes from.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Basis {
    /// Which number.
    pub figure: Figure,
    /// Whether it was counted or measured here (`measured`), measured elsewhere (`elsewhere`) or assumed (`assumed`).
    pub source: Source,
    /// Where it comes from, as a word.
    pub origin: Origin,
    /// The numbers in the text.
    #[schema(value_type = Object)]
    pub figures: BTreeMap<&'static str, f64>,
    /// The same in English.
    pub text: String,
}

words! {
    /// How a number came about.
    Source {
        /// Counted or measured on this server.
        Measured = "measured",
        /// Measured elsewhere, on something similar.
        Elsewhere = "elsewhere",
        /// Nobody measured it.
        Assumed = "assumed",
    }
}

/// How much work it will be.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = WorkEstimate)]
pub struct Estimate {
    /// Tiles to label.
    pub tiles: u64,
    /// Labels that a tile takes, in the mean.
    pub labels_per_tile: f64,
    /// All labels, those on check gold too.
    pub labels: u64,
    /// Tiles that a reviewer will settle.
    pub contested_tiles: u64,
    /// Seconds for a label.
    pub seconds_per_label: f64,
    /// Hours of all volunteers together.
    pub hours: f64,
    /// Where the numbers come from.
    pub basis: Vec<Basis>,
}

/// Estimates the work. `seconds` is the median of labels given on this server and how many they are, if there are any.
pub fn estimate(policy: &Policy, tiles: u64, counted: bool, seconds: Option<(f64, usize)>) -> Estimate {
    let (labels_per_tile, per_tile) = labels_per_tile(policy);
    let of_tiles = tiles as f64 * labels_per_tile;
    let with_gold = of_tiles / (1.0 - policy.gold_share);
    let (contested_tiles, contested) = contested(policy, tiles);
    let (seconds_per_label, per_label) = seconds_per_label(seconds);
    let percent = policy.gold_share * 100.0;
    let share = format!("{percent} % of what is handed out is check gold, a little more at first");
    let gold = basis(Figure::Gold, Source::Assumed, Origin::GoldShare, share);
    Estimate {
        tiles,
        labels_per_tile,
        labels: with_gold.ceil() as u64,
        contested_tiles,
        seconds_per_label,
        hours: with_gold * seconds_per_label / 3600.0,
        basis: vec![
            match counted {
                true => basis(Figure::Tiles, Source::Measured, Origin::Counted, "the tiles of this campaign, counted"),
                false => basis(Figure::Tiles, Source::Assumed, Origin::AskedFor, "as asked for, not counted"),
            },
            per_tile,
            with(gold, "percent", percent),
            per_label,
            contested,
        ],
    }
}

fn basis(figure: Figure, source: Source, origin: Origin, text: impl Into<String>) -> Basis {
    Basis { figure, source, origin, figures: BTreeMap::new(), text: text.into() }
}

fn with(mut basis: Basis, name: &'static str, figure: f64) -> Basis {
    basis.figures.insert(name, figure);
    basis
}

fn labels_per_tile(policy: &Policy) -> (f64, Basis) {
    let at = |mean: f64, source, origin, text| (mean, basis(Figure::LabelsPerTile, source, origin, text));
    match policy.kind {
        PolicyKind::Fixed { redundancy } => {
            let mean = (f64::from(redundancy) + FIXED_BEYOND).min(f64::from(policy.maximum));
            let text = "the redundancy and 0.27 labels more, for ties and \"unsure\": measured with simulated volunteers \
                        on the synthetic town";
            at(mean, Source::Elsewhere, Origin::FixedLabels, text)
        }
        PolicyKind::Adaptive if policy.minimum == 3 && policy.maximum == 10 && policy.missed_damage_costs_more() => {
            let text = "5.67: measured with simulated volunteers on the synthetic town; a crowd that errs more, or harder \
                        pictures, takes more, up to the maximum";
            at(3.0 + ADAPTIVE_BEYOND, Source::Elsewhere, Origin::AdaptiveMeasured, text)
        }
        PolicyKind::Adaptive => {
            let mean = (f64::from(policy.minimum) + ADAPTIVE_BEYOND).min(f64::from(policy.maximum));
            let text = "the minimum and 2.67 labels more: measured with a minimum of 3 only, so this is a guess";
            at(mean, Source::Assumed, Origin::AdaptiveGuessed, text)
        }
    }
}

fn contested(policy: &Policy, tiles: u64) -> (u64, Basis) {
    let at = |count, origin, text| (count, basis(Figure::ContestedTiles, Source::Elsewhere, origin, text));
    match policy.kind {
        PolicyKind::Fixed { .. } => {
            at(0, Origin::NoneContested, "fixed redundancy left no tile contested in the same measurement")
        }
        PolicyKind::Adaptive => {
            let count = (tiles as f64 * CONTESTED_SHARE).round() as u64;
            let text = "9 %: 16 of 181 tiles in the same measurement; where the crowd errs often it is far more";
            at(count, Origin::SomeContested, text)
        }
    }
}

fn seconds_per_label(measured: Option<(f64, usize)>) -> (f64, Basis) {
    match measured {
        Some((median, labels)) => {
            let text = format!("the median of {labels} labels given on this server");
            let made = basis(Figure::SecondsPerLabel, Source::Measured, Origin::SecondsMeasured, text);
            (median, with(made, "labels", labels as f64))
        }
        None => {
            let text = "an assumption: too few labels were given on this server to measure it";
            (ASSUMED_SECONDS, basis(Figure::SecondsPerLabel, Source::Assumed, Origin::SecondsAssumed, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_takes_what_was_measured() {
        let policy = Policy { gold_share: 0.0, ..Policy::default() };
        let made = estimate(&policy, 181, true, Some((10.0, 500)));
        assert_eq!((made.labels_per_tile, made.labels, made.contested_tiles), (5.67, 1_027, 16));
        assert!((made.hours - 181.0 * 5.67 * 10.0 / 3600.0).abs() < 1e-9);
        let sources: Vec<Source> = made.basis.iter().map(|basis| basis.source).collect();
        use Source::{Assumed, Elsewhere, Measured};
        assert_eq!(sources, [Measured, Elsewhere, Assumed, Measured, Elsewhere]);
    }

    #[test]
    fn fixed_redundancy_takes_its_number_and_a_little_more() {
        let made = estimate(&Policy { gold_share: 0.0, ..Policy::fixed(5) }, 1_000, false, None);
        assert_eq!((made.labels, made.contested_tiles, made.seconds_per_label), (5_273, 0, 12.0));
    }

    #[test]
    fn check_gold_is_work_too_and_no_tile_takes_more_than_the_maximum() {
        let made = estimate(&Policy { gold_share: 0.5, ..Policy::fixed(1) }, 100, true, None);
        assert_eq!(made.labels, 255);
        let tight = Policy { minimum: 2, maximum: 3, ..Policy::default() };
        assert_eq!(estimate(&tight, 1, true, None).labels_per_tile, 3.0);
        assert_eq!(estimate(&Policy::default(), 0, true, None).hours, 0.0);
    }

    #[test]
    fn a_policy_under_which_it_was_not_measured_is_a_guess() {
        let alike = Policy { undamaged_at_most: 0.15, ..Policy::default() };
        let origin = |policy| estimate(policy, 1, true, None).basis[1].origin.key();
        assert_eq!((origin(&Policy::default()), origin(&alike)), ("adaptive_measured", "adaptive_guessed"));
    }
}
