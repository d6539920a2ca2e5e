//! Adaptive redundancy: how many labels the retirement policy saves, by the procedure of the reference simulation.
//!
//! The labels of each task are shuffled (seeds 0, 1, 2) and handed out one per open task and round; after each round
//! the default method is fitted to what was handed out and the policy decides. At most min(25, median labels of a task).

use aftermap::consensus::policy::{self, TileFacts};
use aftermap::consensus::{Columns, Pool, batch};
use aftermap::domain::consensus::{Consensus, TileState};
use aftermap::domain::policy::Policy;

use crate::numpy::Rng;
use crate::sets::{self, Set};

const SETS: [&str; 6] = ["sp_amt", "cf_amt", "dog", "rte", "bluebird", "haiti_a"];

struct Outcome {
    votes: f64,
    accuracy: f64,
    recall: f64,
}

pub fn run(root: &std::path::Path) -> Result<(), String> {
    println!("\nAdaptive redundancy (mean of 3 seeds): accuracy with labels a task, against majority with all");
    let (mut sums, mut count) = ([0.0; 3], 0.0);
    for name in SETS {
        let set = sets::read(root, name, false, true, false)?;
        let (mut all, mut ours) = (Vec::new(), Vec::new());
        for seed in 0..3 {
            let dealt = deal(&set, seed);
            all.push(majority(&set, &dealt));
            ours.push(adaptive(&set, &dealt, name == "haiti_a"));
        }
        let mean = |of: &[Outcome], f: fn(&Outcome) -> f64| of.iter().map(f).sum::<f64>() / 3.0;
        let share = mean(&ours, |o| o.votes) / mean(&all, |o| o.votes);
        let (a, m) = (mean(&ours, |o| o.accuracy), mean(&all, |o| o.accuracy));
        println!(
            "{name:<10} all {:>5.2} labels {m:.3} recall {:.3} | adaptive {:>5.2} labels ({:>4.1} %) {a:.3} recall {:.3}",
            mean(&all, |o| o.votes),
            mean(&all, |o| o.recall),
            mean(&ours, |o| o.votes),
            100.0 * share,
            mean(&ours, |o| o.recall)
        );
        sums = [sums[0] + a, sums[1] + m, sums[2] + share];
        count += 1.0;
    }
    let [a, m, share] = sums.map(|sum| sum / count);
    println!("mean       all {m:.4} | adaptive {a:.4} with {:.1} % of the labels", 100.0 * share);
    Ok(())
}

/// Labels with their rank inside the task, capped.
struct Dealt {
    labels: Vec<(u32, u32, u8)>,
    ranks: Vec<usize>,
    most: usize,
}

fn deal(set: &Set, seed: u32) -> Dealt {
    let order = Rng::new(seed).permutation(set.labels.len());
    let mut labels: Vec<(u32, u32, u8)> = order.into_iter().map(|at| set.labels[at]).collect();
    labels.sort_by_key(|label| label.0);
    let mut ranks = Vec::with_capacity(labels.len());
    for of_task in labels.chunk_by(|a, b| a.0 == b.0) {
        ranks.extend(0..of_task.len());
    }
    let mut counts: Vec<usize> = labels.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len).collect();
    counts.sort_unstable();
    let middle = counts.len() / 2;
    let median =
        if counts.len() % 2 == 1 { counts[middle] as f64 } else { (counts[middle - 1] + counts[middle]) as f64 / 2.0 };
    let most = (median as usize).min(25);
    let kept: Vec<bool> = ranks.iter().map(|&rank| rank < most).collect();
    let mut keep = kept.iter();
    labels.retain(|_| *keep.next().unwrap_or(&false));
    ranks.retain(|&rank| rank < most);
    Dealt { labels, ranks, most }
}

/// Majority over all dealt labels, ties counted by their chance.
fn majority(set: &Set, dealt: &Dealt) -> Outcome {
    let classes = set.classes();
    let mut counts = vec![0u32; set.truth.len() * classes];
    dealt.labels.iter().for_each(|&(task, _, answer)| counts[task as usize * classes + usize::from(answer)] += 1);
    let right = |(row, truth): (&[u32], &Option<u8>)| {
        let most = row.iter().max().copied().unwrap_or(0);
        let ties = row.iter().filter(|&&count| count == most).count() as f64;
        let truth = usize::from((*truth)?);
        Some((truth, if row[truth] == most && most > 0 { 1.0 / ties } else { 0.0 }))
    };
    let judged: Vec<(usize, f64)> = counts.chunks(classes).zip(&set.truth).filter_map(right).collect();
    outcome(dealt.labels.len(), &judged)
}

fn outcome(votes: usize, judged: &[(usize, f64)]) -> Outcome {
    let count = judged.len() as f64;
    let damaged: Vec<f64> = judged.iter().filter(|j| j.0 > 0).map(|j| j.1).collect();
    Outcome {
        votes: votes as f64 / count,
        accuracy: judged.iter().map(|j| j.1).sum::<f64>() / count,
        recall: damaged.iter().sum::<f64>() / damaged.len().max(1) as f64,
    }
}

fn adaptive(set: &Set, dealt: &Dealt, is_damage: bool) -> Outcome {
    let scale = &set.coding.scale;
    let base = Policy { maximum: dealt.most as u32, ..Policy::default() };
    let policy = if is_damage { base } else { Policy { undamaged_at_most: 1.0 - base.settle_at, ..base } };
    let mut open = vec![true; set.truth.len()];
    let mut taken = vec![false; dealt.labels.len()];
    for round in 0..dealt.most {
        for (at, label) in dealt.labels.iter().enumerate() {
            taken[at] |= dealt.ranks[at] == round && open[label.0 as usize];
        }
        let (consensus, model) = fit(set, dealt, &taken);
        for (task, consensus) in consensus.iter().enumerate() {
            let verdict = policy::decide(scale, &policy, &model, consensus, &TileFacts::default());
            open[task] &= verdict.state == TileState::Open;
        }
        if !open.contains(&true) {
            break;
        }
    }
    let (consensus, _) = fit(set, dealt, &taken);
    let right = |(c, truth): (&Consensus, &Option<u8>)| {
        let truth = (*truth)?;
        Some((usize::from(truth), if c.class == Some(truth) { 1.0 } else { 0.0 }))
    };
    let judged: Vec<(usize, f64)> = consensus.iter().zip(&set.truth).filter_map(right).collect();
    outcome(taken.iter().filter(|&&t| t).count(), &judged)
}

fn fit(set: &Set, dealt: &Dealt, taken: &[bool]) -> (Vec<Consensus>, aftermap::consensus::Model) {
    let kept: Vec<(u32, u32, u8)> = dealt.labels.iter().zip(taken).filter(|(_, t)| **t).map(|(l, _)| *l).collect();
    let columns = Columns::new(
        kept.iter().map(|l| l.0).collect(),
        kept.iter().map(|l| l.1).collect(),
        kept.iter().map(|l| l.2).collect(),
        vec![None; set.truth.len()],
        set.workers,
    );
    let columns = columns.expect("the set's own numbers");
    let outcome = batch::run(&Pool, &set.coding.scale, &columns);
    (outcome.consensus, outcome.fitted.model)
}
