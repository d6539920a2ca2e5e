//! Estimates from a stratified random sample without replacement, and their intervals.
//!
//! Every figure is a ratio of two totals: of the tiles counted by `x`, the share counted by `y`. Strata may be anything
//! that was known before the sample was drawn (Stehman, 2014, International Journal of Remote Sensing 35, 4923); where
//! they are the map's classes, the figures are those of Olofsson et al. (2014, Remote Sensing of Environment 148, 42).

use serde::Serialize;
use utoipa::ToSchema;

/// The two-sided 95 % point of the normal distribution.
pub const Z: f64 = 1.959_963_984_540_054;

/// A share with its uncertainty. All numbers are 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Estimate {
    /// The share.
    pub value: f64,
    /// Its standard error; `null` where a stratum has one checked tile only.
    #[schema(required)]
    pub standard_error: Option<f64>,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What one checked tile adds to the two totals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// 1 if it has what is asked for.
    pub y: f64,
    /// 1 if it is among those that are asked about.
    pub x: f64,
}

/// The checked tiles of one stratum.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Tiles of the map in the stratum.
    pub tiles: u64,
    /// The scores of those that were checked.
    pub checked: Vec<Score>,
}

/// The ratio of the totals of `y` and `x`; `None` where no checked tile counts for `x`. Strata without a checked tile
/// are left out.
///
/// The standard error is that of the ratio estimator with the finite population correction. The interval is Wilson's
/// (1927) for the sample size that this standard error is worth (as Korn and Graubard, 1998, use it): it stays between
/// 0 and 1 and does not shrink to nothing when no error was seen. For the interval alone, a stratum in which all
/// checked tiles are alike is taken as if half a tile more had been checked and found to be the other way.
pub fn ratio(strata: &[Scores]) -> Option<Estimate> {
    let seen = || strata.iter().filter(|stratum| !stratum.checked.is_empty());
    let total = |of: fn(&Score) -> f64| -> f64 {
        seen().map(|stratum| stratum.tiles as f64 * mean(&stratum.checked, of)).sum()
    };
    let (y, x) = (total(|score| score.y), total(|score| score.x));
    if x <= 0.0 {
        return None;
    }
    let value = y / x;
    let (mut variance, mut cautious, mut known) = (0.0, 0.0, true);
    for stratum in seen() {
        let (checked, tiles) = (stratum.checked.len() as f64, stratum.tiles as f64);
        let scale = tiles * tiles * (1.0 - checked / tiles).max(0.0) / checked;
        let spread = spread(&stratum.checked, value);
        known &= spread.is_some() || scale == 0.0;
        variance += scale * spread.unwrap_or(0.0);
        cautious += scale * spread.filter(|&spread| spread > 0.0).unwrap_or_else(|| unseen(checked, value));
    }
    let (low, high) = interval(value, cautious.sqrt() / x, weight_size(strata));
    let standard_error = known.then(|| variance.sqrt() / x);
    Some(Estimate { value, standard_error, low, high })
}

fn mean(scores: &[Score], of: fn(&Score) -> f64) -> f64 {
    scores.iter().map(of).sum::<f64>() / scores.len() as f64
}

/// Sample variance of y - value * x; `None` for a single tile.
fn spread(scores: &[Score], value: f64) -> Option<f64> {
    let rest = |score: &Score| score.y - value * score.x;
    let middle = scores.iter().map(rest).sum::<f64>() / scores.len() as f64;
    let squares: f64 = scores.iter().map(|score| (rest(score) - middle).powi(2)).sum();
    let spread = squares / (scores.len() as f64 - 1.0);
    // All alike up to rounding is all alike.
    (scores.len() > 1).then_some(if spread < 1e-18 { 0.0 } else { spread })
}

/// The variance of a stratum in which nothing differs, as if half a tile more had been found the other way.
fn unseen(checked: f64, value: f64) -> f64 {
    let share = 0.5 / (checked + 1.0);
    share * (1.0 - share) * value.max(1.0 - value).powi(2)
}

/// How many equally weighted tiles the checked ones that count for `x` are worth (Kish, 1965).
fn weight_size(strata: &[Scores]) -> f64 {
    let (mut sum, mut squares) = (0.0, 0.0);
    for stratum in strata.iter().filter(|stratum| !stratum.checked.is_empty()) {
        let weight = stratum.tiles as f64 / stratum.checked.len() as f64;
        let counting: f64 = stratum.checked.iter().map(|score| score.x).sum();
        sum += counting * weight;
        squares += counting * weight * weight;
    }
    if squares > 0.0 { sum * sum / squares } else { 1.0 }
}

/// Wilson's interval for a share with this standard error; `otherwise` is the sample size where it is 0 or 1.
fn interval(value: f64, error: f64, otherwise: f64) -> (f64, f64) {
    let binomial = value * (1.0 - value);
    if error == 0.0 {
        return (value, value); // every tile was checked
    }
    let size = if binomial > 1e-12 { binomial / (error * error) } else { otherwise };
    let z2 = Z * Z / size;
    let centre = (value + z2 / 2.0) / (1.0 + z2);
    let half = Z / (1.0 + z2) * (binomial / size + z2 / (4.0 * size)).sqrt();
    ((centre - half).clamp(0.0, value), (centre + half).clamp(value, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(tiles: u64, right: usize, wrong: usize) -> Scores {
        let score = |y| Score { y, x: 1.0 };
        let checked = std::iter::repeat_n(score(1.0), right).chain(std::iter::repeat_n(score(0.0), wrong)).collect();
        Scores { tiles, checked }
    }

    #[test]
    fn one_stratum_is_a_simple_random_sample() {
        let found = ratio(&[scores(1_000_000_000, 80, 20)]).unwrap();
        assert_eq!(found.value, 0.8);
        assert!((found.standard_error.unwrap() - (0.8f64 * 0.2 / 99.0).sqrt()).abs() < 1e-6);
        // Wilson's interval for 80 of 100 is 0.7112 to 0.8666 (Brown, Cai and DasGupta 2001, formula 4); here with n - 1.
        assert!((found.low - 0.7107).abs() < 1e-3 && (found.high - 0.8670).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn a_map_that_was_checked_whole_has_no_uncertainty() {
        let found = ratio(&[scores(10, 8, 2), scores(4, 4, 0)]).unwrap();
        assert_eq!((found.value, found.low, found.high), (12.0 / 14.0, 12.0 / 14.0, 12.0 / 14.0));
        assert_eq!(found.standard_error, Some(0.0));
    }

    #[test]
    fn no_error_seen_is_not_no_error() {
        let found = ratio(&[scores(5_000, 50, 0)]).unwrap();
        assert_eq!((found.value, found.high), (1.0, 1.0));
        assert!(found.low > 0.9 && found.low < 0.97, "{found:?}");
    }

    #[test]
    fn one_checked_tile_gives_no_standard_error_and_a_wide_interval() {
        let found = ratio(&[scores(100, 1, 0), scores(100, 20, 2)]).unwrap();
        assert_eq!(found.standard_error, None);
        assert!(found.high - found.low > 0.3, "{found:?}");
    }

    #[test]
    fn nothing_to_ask_about_gives_nothing() {
        assert_eq!(ratio(&[]), None);
        assert_eq!(ratio(&[Scores { tiles: 5, checked: vec![Score { y: 0.0, x: 0.0 }; 3] }]), None);
    }
}
