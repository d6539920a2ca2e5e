//! How well probabilities meet the truth: accuracy, F1, kappa and calibration.

/// Bins of the top probability in the calibration error.
const BINS: usize = 15;
/// Lowest probability in the log-likelihood, so that one sure error stays finite.
const FLOOR: f64 = 1e-6;

/// One task with known truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The true class.
    pub truth: usize,
    /// The class called; `None` where the method says nothing, which counts as wrong.
    pub call: Option<usize>,
    /// Probability of each class.
    pub probabilities: Vec<f64>,
}

/// The scores of one method on one set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// Share of right calls.
    pub accuracy: f64,
    /// Mean F1 over the classes that occur in the truth.
    pub macro_f1: f64,
    /// Quadratic-weighted kappa (Cohen, 1968).
    pub qwk: f64,
    /// Expected calibration error of the called class's probability, 15 equal bins (Naeini et al., 2015).
    pub ece: f64,
    /// Mean squared distance of the probabilities from the truth, summed over classes (Brier, 1950).
    pub brier: f64,
    /// Mean negative log-likelihood of the truth, nats.
    pub nll: f64,
    /// Share of tasks called with a probability of at least .9, and how many of these are right.
    pub sure: (f64, f64),
}

/// Scores all tasks; zeros for none.
pub fn score(judged: &[Judged], classes: usize) -> Scores {
    let count = judged.len().max(1) as f64;
    let right = |j: &Judged| j.call == Some(j.truth);
    let sure: Vec<&Judged> = judged.iter().filter(|j| called(j) >= 0.9).collect();
    let brier = |j: &Judged| {
        (j.probabilities.iter().enumerate())
            .map(|(class, p)| (p - f64::from(u8::from(class == j.truth))).powi(2))
            .sum::<f64>()
    };
    Scores {
        accuracy: judged.iter().filter(|j| right(j)).count() as f64 / count,
        macro_f1: macro_f1(judged, classes),
        qwk: quadratic_kappa(judged, classes),
        ece: calibration_error(judged.iter().map(|j| (called(j), right(j)))),
        brier: judged.iter().map(brier).sum::<f64>() / count,
        nll: judged.iter().map(|j| -j.probabilities[j.truth].clamp(FLOOR, 1.0).ln()).sum::<f64>() / count,
        sure: (sure.len() as f64 / count, sure.iter().filter(|j| right(j)).count() as f64 / sure.len().max(1) as f64),
    }
}

fn called(judged: &Judged) -> f64 {
    judged.call.map_or(0.0, |class| judged.probabilities[class])
}

fn macro_f1(judged: &[Judged], classes: usize) -> f64 {
    let f1 = |class: usize| {
        let (mut both, mut called, mut true_) = (0.0, 0.0, 0.0);
        for j in judged {
            let (c, t) = (j.call == Some(class), j.truth == class);
            both += f64::from(u8::from(c && t));
            called += f64::from(u8::from(c));
            true_ += f64::from(u8::from(t));
        }
        (true_ > 0.0).then(|| 2.0 * both / (called + true_))
    };
    mean((0..classes).filter_map(f1))
}

/// F1 of one class.
pub fn f1_of(judged: impl Iterator<Item = (bool, bool)>) -> f64 {
    let (mut both, mut sum) = (0.0, 0.0);
    for (called, truth) in judged {
        both += f64::from(u8::from(called && truth));
        sum += f64::from(u8::from(called)) + f64::from(u8::from(truth));
    }
    if sum > 0.0 { 2.0 * both / sum } else { 0.0 }
}

fn quadratic_kappa(judged: &[Judged], classes: usize) -> f64 {
    let mut table = vec![0.0; classes * classes];
    judged.iter().filter_map(|j| Some(j.truth * classes + j.call?)).for_each(|cell| table[cell] += 1.0);
    let all: f64 = table.iter().sum();
    let row = |t: usize| (0..classes).map(|c| table[t * classes + c]).sum::<f64>();
    let column = |c: usize| (0..classes).map(|t| table[t * classes + c]).sum::<f64>();
    let (mut observed, mut expected) = (0.0, 0.0);
    for t in 0..classes {
        for c in 0..classes {
            let weight = (t as f64 - c as f64).powi(2);
            observed += weight * table[t * classes + c];
            expected += weight * row(t) * column(c) / all.max(1.0);
        }
    }
    1.0 - observed / expected.max(1e-9)
}

/// Expected calibration error of (probability, right) pairs.
pub fn calibration_error(calls: impl Iterator<Item = (f64, bool)>) -> f64 {
    let mut bins = [(0.0, 0.0, 0.0); BINS];
    for (p, right) in calls {
        let bin = &mut bins[((p * BINS as f64) as usize).min(BINS - 1)];
        *bin = (bin.0 + 1.0, bin.1 + p, bin.2 + f64::from(u8::from(right)));
    }
    let all: f64 = bins.iter().map(|bin| bin.0).sum();
    bins.iter().map(|(_, p, right)| (p - right).abs()).sum::<f64>() / all.max(1.0)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(truth: usize, call: usize, p: f64) -> Judged {
        let mut probabilities = vec![(1.0 - p) / 2.0; 3];
        probabilities[call] = p;
        Judged { truth, call: Some(call), probabilities }
    }

    #[test]
    fn perfect_and_sure_calls_score_perfectly() {
        let all = [judged(0, 0, 1.0), judged(1, 1, 1.0), judged(2, 2, 1.0)];
        let s = score(&all, 3);
        assert_eq!((s.accuracy, s.macro_f1, s.qwk, s.ece, s.brier, s.nll), (1.0, 1.0, 1.0, 0.0, 0.0, 0.0));
        assert_eq!(s.sure, (1.0, 1.0));
    }

    #[test]
    fn a_missing_call_counts_as_wrong() {
        let none = Judged { truth: 1, call: None, probabilities: vec![1.0 / 3.0; 3] };
        let s = score(&[judged(0, 0, 0.9), none], 3);
        assert_eq!((s.accuracy, s.macro_f1), (0.5, 0.5));
        assert!((s.ece - 0.05).abs() < 1e-12);
    }

    #[test]
    fn distant_errors_cost_more_kappa() {
        let base =
            |call| score(&[judged(0, 0, 0.8), judged(2, 2, 0.8), judged(1, 1, 0.8), judged(0, call, 0.8)], 3).qwk;
        assert!(base(1) > base(2));
    }
}
