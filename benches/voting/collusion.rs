//! Collusion: accounts that share one wrong answer sheet, and 5 or 10 % gold, by the reference procedure.

use std::collections::HashSet;
use std::path::Path;

use aftermap::consensus::{Columns, Pool, batch};

use crate::numpy::Rng;
use crate::sets::{self, Set};

const SETS: [(&str, bool); 4] = [("dog", false), ("web", true), ("rte", false), ("haiti_a", false)];

pub fn run(root: &Path) -> Result<(), String> {
    println!("\nCollusion (mean of 3 gold draws; accuracy on the other tasks)");
    for (name, ordered) in SETS {
        let set = sets::read(root, name, ordered, true, true)?;
        for (kind, share) in [("honest", 0.0), ("30 % ring", 0.3), ("50 % ring", 0.5)] {
            let (labels, workers) = inject(&set, share);
            for gold_share in [0.05, 0.1] {
                println!(
                    "{name:<10} {kind:<10} gold {:>2.0} %: {}",
                    100.0 * gold_share,
                    judge(&set, &labels, workers, gold_share)
                );
            }
        }
    }
    Ok(())
}

/// The set's labels with this share of all labels from the ring.
fn inject(set: &Set, share: f64) -> (Vec<(u32, u32, u8)>, u32) {
    let mut labels = set.labels.clone();
    if share == 0.0 {
        return (labels, set.workers);
    }
    let mut rng = Rng::new(1);
    let tasks = set.truth.len();
    let honest = labels.iter().map(|label| label.1).collect::<HashSet<_>>().len();
    let add = (labels.len() as f64 * share / (1.0 - share)) as usize;
    let accounts = (add / (labels.len() / honest).max(20)).max(3);
    let at: Vec<usize> = (0..add).map(|_| rng.below(tasks)).collect();
    let by: Vec<usize> = (0..add).map(|_| rng.below(accounts)).collect();
    let mut seen = HashSet::new();
    let pairs: Vec<(usize, usize)> = at.into_iter().zip(by).filter(|pair| seen.insert(*pair)).collect();
    let sheet: Vec<usize> = (0..tasks).map(|_| rng.below(set.classes())).collect();
    let slips: Vec<bool> = pairs.iter().map(|_| rng.float() < 0.05).collect();
    for ((task, account), slip) in pairs.into_iter().zip(slips) {
        let answer = if slip { rng.below(set.classes()) } else { sheet[task] };
        labels.push((task as u32, set.workers + account as u32, answer as u8));
    }
    (labels, set.workers + accounts as u32)
}

fn judge(set: &Set, labels: &[(u32, u32, u8)], workers: u32, gold_share: f64) -> String {
    let known: Vec<usize> = (0..set.truth.len()).filter(|&task| set.truth[task].is_some()).collect();
    let (mut sum, mut published) = (0.0, 0);
    for seed in 0..3 {
        let size = ((gold_share * known.len() as f64) as usize).max(3);
        let chosen: HashSet<usize> = Rng::new(seed).choice(known.len(), size).into_iter().map(|at| known[at]).collect();
        let gold = (0..set.truth.len()).map(|task| set.truth[task].filter(|_| chosen.contains(&task))).collect();
        let columns = Columns::new(
            labels.iter().map(|l| l.0).collect(),
            labels.iter().map(|l| l.1).collect(),
            labels.iter().map(|l| l.2).collect(),
            gold,
            workers,
        );
        let outcome = batch::run(&Pool, &set.coding.scale, &columns.expect("the set's own numbers"));
        if outcome.fitted.model.identifiable {
            let others: Vec<usize> = known.iter().copied().filter(|task| !chosen.contains(task)).collect();
            let right = others.iter().filter(|&&task| outcome.consensus[task].class == set.truth[task]).count();
            sum += right as f64 / others.len() as f64;
            published += 1;
        }
    }
    match published {
        0 => "not identifiable, nothing published".into(),
        3 => format!("{:.3}", sum / 3.0),
        some => format!("{:.3} in {some} of 3 draws, the others not identifiable", sum / f64::from(some)),
    }
}
