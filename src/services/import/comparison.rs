//! A map held against what is known of the ground: right and wrong calls at thresholds of a share or a probability.

use serde::Serialize;

use crate::consensus::measures::bootstrap;

/// Above so many tiles no interval is drawn: it would be narrower than anybody asks for.
const MOST_REDRAWN: usize = 50_000;

/// Calls at one threshold: a tile is called damaged where its value is at least that.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct At {
    /// The threshold.
    pub threshold: f64,
    /// Damaged tiles called damaged.
    pub tp: u64,
    /// Undamaged tiles called damaged.
    pub fp: u64,
    /// Damaged tiles called undamaged.
    #[serde(rename = "fn")]
    pub missed: u64,
    /// Undamaged tiles called undamaged.
    pub tn: u64,
    /// Share of the calls that are right; 0 where nothing is called.
    pub precision: f64,
    /// Share of the damaged tiles that are called.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Cohen's kappa (1960).
    pub kappa: f64,
}

impl At {
    fn new(threshold: f64, [tp, fp, missed, tn]: [u64; 4]) -> At {
        let share = |part: u64, of: u64| if of > 0 { part as f64 / of as f64 } else { 0.0 };
        let all = (tp + fp + missed + tn).max(1) as f64;
        let by_chance =
            ((tp + fp) as f64 * (tp + missed) as f64 + (missed + tn) as f64 * (fp + tn) as f64) / (all * all);
        let observed = (tp + tn) as f64 / all;
        let kappa = if by_chance < 1.0 { (observed - by_chance) / (1.0 - by_chance) } else { 0.0 };
        let (precision, recall) = (share(tp, tp + fp), share(tp, tp + missed));
        At { threshold, tp, fp, missed, tn, precision, recall, f1: share(2 * tp, 2 * tp + fp + missed), kappa }
    }
}

/// One way of calling tiles, at several thresholds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Method {
    /// At the thresholds that were asked for.
    pub at: Vec<At>,
    /// At the threshold with the highest F1 on these very tiles: the most that could be had, not what to expect.
    pub best: At,
    /// 95 % bootstrap interval of the F1 at that threshold, over tiles.
    pub best_f1_interval: Option<(f64, f64)>,
}

impl Method {
    /// Scores values (share or probability of damage) with the truth beside each.
    pub fn new(values: &[(f64, bool)], thresholds: &[f64]) -> Method {
        let at = thresholds.iter().map(|&threshold| score(values.iter().copied(), threshold)).collect();
        let best = best(values);
        let redrawn = |places: &[usize]| score(places.iter().map(|&place| values[place]), best.threshold).f1;
        let best_f1_interval = (values.len() <= MOST_REDRAWN).then(|| bootstrap(values.len(), redrawn));
        Method { at, best, best_f1_interval }
    }
}

/// A reference and both ways of calling.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Name of the reference file.
    pub file: String,
    /// Its column of the truth.
    pub column: String,
    /// Tiles with a truth and a label: those that are compared.
    pub tiles: u64,
    /// Those of them that are damaged.
    pub damaged: u64,
    /// Tiles of the reference that the campaign does not have, or that nobody labelled.
    pub left_out: u64,
    /// Tiles called by their share of answers that name damage.
    pub share: Method,
    /// Tiles called by our probability of damage.
    pub probability: Method,
}

fn score(values: impl Iterator<Item = (f64, bool)>, threshold: f64) -> At {
    let mut counts = [0; 4];
    for (value, damaged) in values {
        counts[match (value >= threshold, damaged) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        }] += 1;
    }
    At::new(threshold, counts)
}

/// The threshold with the highest F1 among the values themselves; of equals the highest.
fn best(values: &[(f64, bool)]) -> At {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let damaged = values.iter().filter(|(_, damaged)| *damaged).count() as u64;
    let undamaged = values.len() as u64 - damaged;
    let (mut tp, mut fp) = (0, 0);
    let mut found = At::new(1.0, [0, 0, damaged, undamaged]);
    for of_value in sorted.chunk_by(|a, b| a.0 == b.0) {
        let right = of_value.iter().filter(|(_, damaged)| *damaged).count() as u64;
        (tp, fp) = (tp + right, fp + of_value.len() as u64 - right);
        let at = At::new(of_value[0].0, [tp, fp, damaged - tp, undamaged - fp]);
        if at.f1 > found.f1 {
            found = at;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_become_the_figures_that_textbooks_give() {
        // Cohen's kappa of this table is worked out in many places: observed .70, by chance .50.
        let at = At::new(0.5, [20, 10, 5, 15]);
        assert!((at.kappa - 0.4).abs() < 1e-12, "{at:?}");
        assert!((at.precision - 2.0 / 3.0).abs() < 1e-12 && at.recall == 0.8 && (at.f1 - 40.0 / 55.0).abs() < 1e-12);
        assert_eq!(At::new(0.5, [0; 4]).kappa, 0.0);
    }

    #[test]
    fn the_best_threshold_is_found_among_the_values() {
        let values = [(0.9, true), (0.6, true), (0.6, false), (0.2, false), (0.1, false)];
        let method = Method::new(&values, &[0.5, 1.0]);
        assert_eq!((method.best.threshold, method.best.tp, method.best.fp), (0.6, 2, 1));
        assert_eq!((method.at[0].f1, method.at[1].tp), (method.best.f1, 0));
        let (low, high) = method.best_f1_interval.unwrap();
        assert!(low <= method.best.f1 && method.best.f1 <= high);
    }
}
