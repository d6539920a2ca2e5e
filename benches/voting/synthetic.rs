//! Generated crowds with known truth: what free constants are chosen on, because nothing is scored there.
//!
//! Each seed draws one crowd: 2 to 8 classes, ordered or not, skewed or not; 300 to 2,000 tiles with 2 to 10 labels;
//! 15 to 150 volunteers of whom few give most labels. A volunteer's chance to be right is a logit: ability, less the
//! tile's difficulty; errors follow habits of the crowd and the volunteer's own, and on hard tiles often one wrong
//! answer that misleads everybody. A crowd may hold people who guess, people who always answer the same, and a ring
//! that copies one answer sheet (right as often as an average volunteer, or by chance).

use aftermap::consensus::score::{self, Judged, Scores};
use aftermap::consensus::{Columns, METHODS, VotingRule, batch};
use aftermap::domain::scale::{Answer, Role, Scale};

use crate::dice::Dice;

/// A generated crowd.
pub struct Crowd {
    pub scale: Scale,
    pub columns: Columns,
    pub truth: Vec<usize>,
}

enum Kind {
    /// Ability, and how often each wrong answer is given where each class is, `[class][answer]`.
    Honest(f64, Vec<f64>),
    Guesser,
    Constant(usize),
    Ring,
}

struct Tile {
    truth: usize,
    difficulty: f64,
    /// The wrong answer that this tile suggests, and how strongly.
    lure: (usize, f64),
    /// The ring's answer.
    sheet: usize,
}

/// The crowd of this seed.
pub fn crowd(seed: u64) -> Crowd {
    let mut dice = Dice(seed.wrapping_mul(0xD134_2543_DE82_EF95));
    let classes = [2, 2, 3, 4, 5, 8][dice.below(6)];
    let ordered = classes > 2 && dice.next() < 0.5;
    let tiles = tiles(&mut dice, classes);
    let people = people(&mut dice, classes, ordered);
    let (few, tail) = (dice.between(2.0, 10.0), dice.between(0.3, 1.3));
    let activity: Vec<f64> = (0..people.len()).map(|at| 1.0 / (at as f64 + 1.0).powf(tail)).collect();
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for (at, tile) in tiles.iter().enumerate() {
        let mut left = activity.clone();
        let labels = (few + dice.normal()).round().clamp(1.0, people.len() as f64 / 2.0) as usize;
        for _ in 0..labels {
            let volunteer = dice.pick(&left);
            left[volunteer] = 0.0;
            columns.0.push(at as u32);
            columns.1.push(volunteer as u32);
            columns.2.push(say(&mut dice, &people[volunteer], tile, classes) as u8);
        }
    }
    let columns = Columns::new(columns.0, columns.1, columns.2, vec![None; tiles.len()], people.len() as u32);
    Crowd {
        scale: scale(classes, ordered),
        columns: columns.expect("numbers in range"),
        truth: tiles.iter().map(|tile| tile.truth).collect(),
    }
}

fn scale(classes: usize, ordered: bool) -> Scale {
    let answer = |at: usize| Answer::new(&at.to_string(), Role::Class, 0);
    Scale { key: "generated".into(), ordered, heavy_from: 1, answers: (0..classes).map(answer).collect() }
}

fn tiles(dice: &mut Dice, classes: usize) -> Vec<Tile> {
    let skew = dice.between(0.0, 2.0);
    let shares: Vec<f64> = (0..classes).map(|_| (skew * dice.normal()).exp()).collect();
    let (spread, lured) = (dice.between(0.0, 1.5), dice.between(0.0, 0.3));
    let average = dice.between(0.3, 0.8);
    let knows = dice.next() < 0.5;
    let count = 300 + dice.below(1700);
    (0..count)
        .map(|_| {
            let truth = dice.pick(&shares);
            let other = (truth + 1 + dice.below(classes - 1)) % classes;
            let strength = if dice.next() < lured { dice.between(0.3, 0.9) } else { 0.0 };
            let right = knows && dice.next() < average;
            let sheet = if right { truth } else { dice.below(classes) };
            Tile { truth, difficulty: spread * dice.normal(), lure: (other, strength), sheet }
        })
        .collect()
}

fn people(dice: &mut Dice, classes: usize, ordered: bool) -> Vec<Kind> {
    let count = 15 + dice.below(135);
    let (mean, spread) = (dice.between(0.3, 2.2), dice.between(0.3, 1.2));
    let some = |dice: &mut Dice, most: f64| if dice.next() < 0.5 { 0.0 } else { dice.between(0.0, most) };
    let (guess, constant, ring) = (some(dice, 0.2), some(dice, 0.15), some(dice, 0.2));
    let habit = habit(dice, classes, ordered, None);
    (0..count)
        .map(|_| {
            let u = dice.next();
            if u < guess {
                Kind::Guesser
            } else if u < guess + constant {
                Kind::Constant(dice.below(classes))
            } else if u < guess + constant + ring {
                Kind::Ring
            } else {
                let own = self::habit(dice, classes, ordered, Some(&habit));
                Kind::Honest(mean + spread * dice.normal(), own)
            }
        })
        .collect()
}

/// Weights of the wrong answers, `[class][answer]`; a volunteer's are the crowd's, bent.
fn habit(dice: &mut Dice, classes: usize, ordered: bool, crowd: Option<&[f64]>) -> Vec<f64> {
    let mut weights = vec![0.0; classes * classes];
    for class in 0..classes {
        for answer in (0..classes).filter(|&answer| answer != class) {
            let far = if ordered { (class.abs_diff(answer) as f64 - 1.0) * 1.5 } else { 0.0 };
            let base = crowd.map_or((-far).exp(), |crowd| crowd[class * classes + answer]);
            weights[class * classes + answer] = base * (0.7 * dice.normal()).exp();
        }
    }
    weights
}

fn say(dice: &mut Dice, who: &Kind, tile: &Tile, classes: usize) -> usize {
    match who {
        Kind::Guesser => dice.below(classes),
        Kind::Constant(answer) => *answer,
        Kind::Ring if dice.next() < 0.05 => dice.below(classes),
        Kind::Ring => tile.sheet,
        Kind::Honest(ability, habit) => {
            if dice.next() < tile.lure.1 {
                return tile.lure.0;
            }
            let logit = ability - tile.difficulty - ((classes - 1) as f64).ln() / 2.0;
            if dice.next() < 1.0 / (1.0 + (-logit).exp()) {
                tile.truth
            } else {
                dice.pick(&habit[tile.truth * classes..][..classes])
            }
        }
    }
}

/// Prints the mean scores of every method over this many crowds, and the Brier score's standard error: what a free
/// constant is chosen by, accuracy where that decides nothing.
pub fn run(count: u64) {
    println!("\nGenerated crowds (mean of {count})");
    let crowds: Vec<Crowd> = (0..count).map(crowd).collect();
    for rule in METHODS {
        let all: Vec<Scores> = crowds.iter().map(|crowd| scores(rule, crowd)).collect();
        let mean = |f: fn(&Scores) -> f64| all.iter().map(f).sum::<f64>() / count as f64;
        let brier = mean(|s| s.brier);
        let spread = all.iter().map(|s| (s.brier - brier).powi(2)).sum::<f64>().sqrt() / count as f64;
        println!(
            "{:<15} Brier {brier:.4} ({spread:.4}) accuracy {:.4} F1 {:.4} ECE {:.4}",
            rule.method(),
            mean(|s| s.accuracy),
            mean(|s| s.macro_f1),
            mean(|s| s.ece)
        );
    }
}

/// The scores of a method on a crowd.
fn scores(rule: &dyn VotingRule, crowd: &Crowd) -> Scores {
    let consensus = batch::run(rule, &crowd.scale, &crowd.columns).consensus;
    let judged: Vec<Judged> = (consensus.into_iter().zip(&crowd.truth))
        .map(|(c, &truth)| Judged { truth, call: c.class.map(usize::from), probabilities: c.probabilities })
        .collect();
    score::score(&judged, crowd.scale.classes().len())
}
