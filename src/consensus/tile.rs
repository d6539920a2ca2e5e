//! One tile: its votes in canonical order, what each weighs, and the figures every rule reports.

use std::cmp::Ordering;

use super::model::{Model, Skill};
use crate::domain::consensus::Consensus;
use crate::domain::scale::{Role, Scale, UNSURE};

/// How an answer between two classes counts where its meaning is not fitted: for the milder and the graver class.
/// (On satellite tiles "maybe" leans towards damage; consensus.md, A.)
pub const BETWEEN: [f64; 2] = [0.4, 0.6];

/// The current counted label of one volunteer for a tile.
#[derive(Debug, Clone, Copy)]
pub struct Vote<'a> {
    /// Place of the answer on the scale.
    pub answer: u8,
    /// What the model knows about the volunteer; `None` counts exactly as the crowd's average.
    pub skill: Option<&'a Skill>,
}

/// The sizes of a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Number of classes.
    pub classes: usize,
    /// Number of answers that speak about damage: the classes and the answers between them.
    pub telling: usize,
    /// Number of all answers.
    pub answers: usize,
}

impl Shape {
    /// The sizes of this scale.
    pub fn of(scale: &Scale) -> Shape {
        let telling = scale.answers.iter().take_while(|answer| answer.role != Role::Side).count();
        Shape { classes: scale.classes().len(), telling, answers: scale.answers.len() }
    }
}

/// How much an answer says for each class before anything is known of its author: 1 for the class it names, split
/// for an answer between two, nothing for a side answer.
pub fn spread(scale: &Scale, answer: u8) -> [(usize, f64); 2] {
    match scale.answer(answer).map(|answer| answer.role) {
        Some(Role::Class) => [(usize::from(answer), 1.0), (0, 0.0)],
        Some(Role::Between { low, high }) => [(usize::from(low), BETWEEN[0]), (usize::from(high), BETWEEN[1])],
        Some(Role::Side) | None => [(0, 0.0), (0, 0.0)],
    }
}

/// A vote with the weight it has on this tile.
#[derive(Debug, Clone, Copy)]
pub struct Weighed<'a> {
    /// The vote.
    pub vote: Vote<'a>,
    /// How much of the vote counts here, 0 to 1: nothing in quarantine, less in a ring or above a cap.
    pub share: f64,
    /// The volunteer's weight times `share`.
    pub weight: f64,
}

impl Weighed<'_> {
    fn ring(&self) -> u32 {
        self.vote.skill.map_or(0, |skill| skill.ring)
    }

    fn is_new(&self) -> bool {
        self.vote.skill.is_none_or(|skill| skill.labels < NEW)
    }
}

/// Labels below which a volunteer is new.
const NEW: u32 = 10;
/// Caps hold on tiles with at least this many votes that speak about damage.
const CAPS_FROM: usize = 5;
/// Highest share of a tile's weight from one vote.
const ONE_AT_MOST: f64 = 0.30;
/// Highest share of a tile's weight from new volunteers together, unless all are new.
const NEW_AT_MOST: f64 = 0.50;

/// The votes whose answer the scale has, in an order that depends only on what they say and weigh, with their
/// weights: none in quarantine, a ring's votes together as one, and no single or new voices above the caps.
pub fn weigh<'a>(scale: &Scale, model: &'a Model, votes: &[Vote<'a>]) -> Vec<Weighed<'a>> {
    let mut weighed: Vec<Weighed<'a>> = votes
        .iter()
        .filter(|vote| scale.answer(vote.answer).is_some())
        .map(|&vote| {
            let skill = vote.skill.unwrap_or(&model.average);
            let share = if skill.quarantine.is_some() { 0.0 } else { 1.0 };
            Weighed { vote, share, weight: skill.weight * share }
        })
        .collect();
    weighed.sort_unstable_by(canonical);
    share_within_rings(&mut weighed);
    let telling = Shape::of(scale).telling;
    // Answers ascend, so the votes that speak about damage come first.
    let count = weighed.partition_point(|w| usize::from(w.vote.answer) < telling);
    cap(&mut weighed[..count]);
    weighed
}

/// The same with the models' weights but no guard: quarantine, rings and caps are ours, not the published methods'.
pub fn weigh_plainly<'a>(scale: &Scale, model: &'a Model, votes: &[Vote<'a>]) -> Vec<Weighed<'a>> {
    weigh_with(scale, votes, |vote| vote.skill.unwrap_or(&model.average).weight)
}

/// The same with every vote weighing 1.
pub fn weigh_evenly<'a>(scale: &Scale, votes: &[Vote<'a>]) -> Vec<Weighed<'a>> {
    weigh_with(scale, votes, |_| 1.0)
}

fn weigh_with<'a>(scale: &Scale, votes: &[Vote<'a>], weight: impl Fn(&Vote<'a>) -> f64) -> Vec<Weighed<'a>> {
    let known = votes.iter().filter(|vote| scale.answer(vote.answer).is_some());
    let mut weighed: Vec<Weighed<'a>> =
        known.map(|&vote| Weighed { vote, share: 1.0, weight: weight(&vote) }).collect();
    weighed.sort_unstable_by(canonical);
    weighed
}

/// How much of each vote of one tile counts, by its author's skill; in any order.
pub fn shares_of(skills: &[&Skill], out: &mut [f32]) {
    let plain = |skill: &&Skill| skill.ring == 0 && skill.quarantine.is_none();
    if skills.len() < CAPS_FROM && skills.iter().all(plain) {
        out.fill(1.0);
        return;
    }
    let mut weighed: Vec<Weighed<'_>> = (skills.iter())
        .map(|&skill| {
            let share = if skill.quarantine.is_some() { 0.0 } else { 1.0 };
            Weighed { vote: Vote { answer: 0, skill: Some(skill) }, share, weight: skill.weight * share }
        })
        .collect();
    share_within_rings(&mut weighed);
    cap(&mut weighed);
    out.iter_mut().zip(&weighed).for_each(|(out, w)| *out = w.share as f32);
}

fn share_within_rings(weighed: &mut [Weighed<'_>]) {
    if weighed.iter().all(|w| w.ring() == 0) {
        return;
    }
    let size = |w: &Weighed<'_>| weighed.iter().filter(|other| other.ring() == w.ring()).count();
    let sizes: Vec<usize> = weighed.iter().map(|w| if w.ring() == 0 { 1 } else { size(w) }).collect();
    for (w, size) in weighed.iter_mut().zip(sizes) {
        shrink(w, 1.0 / size as f64);
    }
}

fn shrink(w: &mut Weighed<'_>, by: f64) {
    w.share *= by;
    w.weight *= by;
}

/// Bounds the influence of one vote, and of all newcomers, on one tile.
fn cap(weighed: &mut [Weighed<'_>]) {
    if weighed.len() < CAPS_FROM {
        return;
    }
    let sum = |part: &mut dyn Iterator<Item = &Weighed<'_>>| part.map(|w| w.weight).sum::<f64>();
    let (new, all) = (sum(&mut weighed.iter().filter(|w| w.is_new())), sum(&mut weighed.iter()));
    let old = all - new;
    if old > 1e-9 && new > NEW_AT_MOST * all {
        // new * by = NEW_AT_MOST * (old + new * by)
        let by = NEW_AT_MOST * old / ((1.0 - NEW_AT_MOST) * new);
        weighed.iter_mut().filter(|w| w.is_new()).for_each(|w| shrink(w, by));
    }
    cap_each(weighed);
}

/// Lowers the heaviest votes to one common weight that is the allowed share of what remains.
fn cap_each(weighed: &mut [Weighed<'_>]) {
    let mut weights: Vec<f64> = weighed.iter().map(|w| w.weight).filter(|weight| *weight > 0.0).collect();
    weights.sort_unstable_by(|a, b| b.total_cmp(a));
    let mut rest: f64 = weights.iter().sum();
    for (above, &weight) in weights.iter().enumerate() {
        let free = 1.0 - above as f64 * ONE_AT_MOST;
        if free <= ONE_AT_MOST {
            return; // Too few voices for a cap.
        }
        let limit = ONE_AT_MOST * rest / free;
        if weight <= limit {
            if above > 0 {
                weighed.iter_mut().filter(|w| w.weight > limit).for_each(|w| shrink(w, limit / w.weight));
            }
            return;
        }
        rest -= weight;
    }
}

/// Orders votes by everything that can change a result; equal ones are interchangeable.
fn canonical(a: &Weighed<'_>, b: &Weighed<'_>) -> Ordering {
    let skills = || match (a.vote.skill, b.vote.skill) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => compare_skills(a, b),
    };
    a.vote.answer.cmp(&b.vote.answer).then(a.weight.total_cmp(&b.weight)).then_with(skills)
}

fn compare_skills(a: &Skill, b: &Skill) -> Ordering {
    let tables = || a.table.iter().zip(&b.table).map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne());
    (a.ring.cmp(&b.ring))
        .then(a.labels.cmp(&b.labels))
        .then(a.quarantine.map(|q| q as u8).cmp(&b.quarantine.map(|q| q as u8)))
        .then(a.table.len().cmp(&b.table.len()))
        .then_with(|| tables().unwrap_or(Ordering::Equal))
}

/// The consensus with these class probabilities: every figure that does not depend on the rule.
///
/// `probabilities` must sum to 1. The class is left out where no vote with any weight speaks about damage.
pub fn describe(scale: &Scale, probabilities: Vec<f64>, class: Option<u8>, votes: &[Weighed<'_>]) -> Consensus {
    let shape = Shape::of(scale);
    let mut answers = vec![0u32; shape.answers];
    for w in votes {
        answers[usize::from(w.vote.answer)] += 1;
    }
    Consensus {
        class,
        probability: class.map(|class| probabilities[usize::from(class)]),
        labels: votes.len() as u32,
        agreement: agreement(&answers),
        entropy: entropy(&probabilities),
        evidence: evidence(&probabilities),
        effective_redundancy: effective_redundancy(shape, votes),
        unusable_share: unusable_share(scale, shape, votes),
        answers,
        probabilities,
    }
}

/// Whether a vote that weighs something speaks about damage, so that a class may be named.
pub fn has_voice(scale: &Scale, votes: &[Weighed<'_>]) -> bool {
    let telling = Shape::of(scale).telling;
    votes.iter().any(|w| w.weight > 0.0 && usize::from(w.vote.answer) < telling)
}

/// The class of a tile: the posterior median of ordered classes, else the likeliest (the first of equals).
pub fn call(ordered: bool, probabilities: &[f64]) -> u8 {
    if ordered { median(probabilities) } else { likeliest(probabilities) }
}

fn median(probabilities: &[f64]) -> u8 {
    let mut sum = 0.0;
    for (class, share) in probabilities.iter().enumerate() {
        sum += share;
        if sum >= 0.5 - 1e-12 {
            return class as u8;
        }
    }
    probabilities.len().saturating_sub(1) as u8
}

fn likeliest(probabilities: &[f64]) -> u8 {
    let mut best = 0;
    for (class, share) in probabilities.iter().enumerate() {
        if *share > probabilities[best] {
            best = class;
        }
    }
    best as u8
}

/// Share of agreeing pairs of answers, (sum n_k^2 - n) / (n (n - 1)).
fn agreement(answers: &[u32]) -> Option<f64> {
    let n: f64 = answers.iter().map(|&count| f64::from(count)).sum();
    let squares: f64 = answers.iter().map(|&count| f64::from(count).powi(2)).sum();
    (n > 1.0).then(|| (squares - n) / (n * (n - 1.0)))
}

/// Entropy of a distribution, nats.
pub fn entropy(probabilities: &[f64]) -> f64 {
    let sum: f64 = probabilities.iter().filter(|p| **p > 0.0).map(|p| p * p.ln()).sum();
    // From zero, not turned round: of -0 and 0 either may be the greater, and optimised code chooses another one.
    (0.0 - sum).max(0.0)
}

/// ln p(first) - ln p(second); a probability that rounds to nothing counts as 1e-12, so that this stays finite.
fn evidence(probabilities: &[f64]) -> f64 {
    let mut sorted = probabilities.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    match sorted[..] {
        [first, second, ..] => first.max(1e-12).ln() - second.max(1e-12).ln(),
        _ => 0.0,
    }
}

/// (sum w)^2 / sum w^2 over the votes that speak about damage (Kish, Survey Sampling, 1965), a ring as one vote.
fn effective_redundancy(shape: Shape, votes: &[Weighed<'_>]) -> f64 {
    let telling = || votes.iter().filter(|w| usize::from(w.vote.answer) < shape.telling);
    let (mut sum, mut squares) = (0.0, 0.0);
    for (place, w) in telling().enumerate() {
        let unit = if w.ring() == 0 {
            w.weight
        } else if telling().take(place).any(|earlier| earlier.ring() == w.ring()) {
            continue;
        } else {
            telling().filter(|other| other.ring() == w.ring()).map(|other| other.weight).sum()
        };
        sum += unit;
        squares += unit * unit;
    }
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

/// Weighted share of the votes that call the imagery unusable, with half a vote each way (Jeffreys). `unsure` says
/// nothing about the imagery.
fn unusable_share(scale: &Scale, shape: Shape, votes: &[Weighed<'_>]) -> f64 {
    let (mut unusable, mut all) = (0.5, 1.0);
    for w in votes.iter().filter(|w| scale.answers[usize::from(w.vote.answer)].key != UNSURE) {
        all += w.weight;
        if usize::from(w.vote.answer) >= shape.telling {
            unusable += w.weight;
        }
    }
    unusable / all
}

#[cfg(test)]
#[path = "tile_tests.rs"]
mod tests;
