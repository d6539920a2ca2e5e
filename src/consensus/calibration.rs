//! Calibration on gold: what a probability has meant, so that .9 is right nine times in ten.
//!
//! Isotonic regression by pooling adjacent violators (Ayer et al., 1955; Zadrozny and Elkan, KDD 2002), of "the call
//! was right" on the probability of the call.

/// The rising steps through (probability of the call, right): their mean probability and share of right calls.
pub fn fit(mut calls: Vec<(f64, bool)>) -> Vec<(f64, f64)> {
    // Of equal probabilities the right calls first, so that they pool into one block.
    calls.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    // Sum of probabilities, of right calls, and count, per block.
    let mut blocks: Vec<(f64, f64, f64)> = Vec::new();
    for (p, right) in calls {
        let mut block = (p, f64::from(u8::from(right)), 1.0);
        while let Some(&last) = blocks.last()
            && last.1 * block.2 >= block.1 * last.2
        {
            block = (last.0 + block.0, last.1 + block.1, last.2 + block.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    // One more right and one more wrong answer per block keep a lucky block from claiming certainty.
    blocks.into_iter().map(|(p, right, n)| (p / n, (right + 1.0) / (n + 2.0))).fold(Vec::new(), rising)
}

/// Smoothing may bend the steps; what falls is levelled.
fn rising(mut steps: Vec<(f64, f64)>, step: (f64, f64)) -> Vec<(f64, f64)> {
    let floor = steps.last().map_or(0.0, |last| last.1);
    steps.push((step.0, step.1.max(floor)));
    steps
}

/// Moves the probability of the called class to what it has meant, the others in proportion. The call stays: where
/// another class would overtake it, nothing is moved.
pub fn apply(steps: &[(f64, f64)], class: usize, probabilities: &mut [f64]) {
    let p = probabilities[class];
    if steps.is_empty() || p >= 1.0 {
        return;
    }
    let to = at(steps, p);
    let others = (1.0 - to) / (1.0 - p);
    let top =
        probabilities.iter().enumerate().filter(|(z, _)| *z != class).map(|(_, p)| p * others).fold(0.0, f64::max);
    if top > to && probabilities.iter().all(|&other| other <= p) {
        return;
    }
    probabilities.iter_mut().for_each(|other| *other *= others);
    probabilities[class] = to;
}

fn at(steps: &[(f64, f64)], p: f64) -> f64 {
    let next = steps.partition_point(|step| step.0 < p);
    match (next.checked_sub(1).map(|last| steps[last]), steps.get(next)) {
        (None, Some(first)) => first.1.min(p),
        (Some(last), None) => last.1,
        (Some(last), Some(next)) => last.1 + (next.1 - last.1) * (p - last.0) / (next.0 - last.0).max(1e-12),
        (None, None) => p,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overconfident_calls_are_lowered() {
        // Called with .95, right in 60 of 100; called with .6, right in 50 of 100.
        let calls = (0..100).flat_map(|i| [(0.95, i < 60), (0.6, i < 50)]).collect();
        let steps = fit(calls);
        let mut p = vec![0.03, 0.95, 0.02];
        apply(&steps, 1, &mut p);
        assert!((p[1] - 0.6).abs() < 0.02 && (p.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{p:?}");
    }

    #[test]
    fn steps_rise_and_no_gold_moves_nothing() {
        let steps = fit(vec![(0.5, true), (0.6, false), (0.7, true), (0.8, false), (0.9, true)]);
        assert!(steps.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1), "{steps:?}");
        let mut p = vec![0.7, 0.3];
        apply(&[], 0, &mut p);
        assert_eq!(p, [0.7, 0.3]);
    }

    #[test]
    fn the_call_is_never_overtaken() {
        let steps = vec![(0.4, 0.1)];
        let mut p = vec![0.4, 0.35, 0.25];
        apply(&steps, 0, &mut p);
        assert_eq!(p[0], 0.4);
    }
}
