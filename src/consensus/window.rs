//! When a place was damaged: from volunteers' windows to a probability per interval between scenes.
//!
//! With `S` scenes there are `S + 1` bins: 0 "before the first scene", `k` "between scene k-1 and scene k", `S` "never
//! so far". A label says "still intact in scene i, damaged in scene j" and covers the bins `i+1..=j`; an open start
//! covers from bin 0, an open end up to "never", so a label given before a later scene arrived is right-censored by
//! itself. Class and window are fitted apart.
//!
//! A volunteer has two parameters, not a table of windows: the chance `e` that the window misses the truth, and the
//! share `l` of misses that are too late. Given the true bin `t`, a window has the likelihood `1 - e` if it covers
//! `t`, else `e l 2^-d` (too late) or `e (1 - l) 2^-d` (too early), `d` bins away. Both are smoothed towards the crowd
//! and fitted by ten passes of EM from the crowd's start values `e = .25`, `l = .5`; evidence is flattened like the
//! pool's ([`super::pool`]).

use super::bytes::{Reader, Unreadable, Writer};
use super::pool::worth;

/// Pseudo-windows behind a volunteer's parameters and the crowd's.
const SMOOTHING: f64 = 6.0;
/// The crowd's parameters before any label.
const START: (f64, f64) = (0.25, 0.5);
const PASSES: usize = 10;
/// How alike the errors of different volunteers on one tile are (clouds and shadows mislead all).
const CORRELATION: f64 = 0.1;
/// Mass of the credible window.
const CREDIBLE: f64 = 0.9;

/// What a volunteer saw: the last scene in which the place stands and the first in which it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    last_intact: Option<u16>,
    first_damaged: Option<u16>,
}

impl Window {
    /// A window; `None` where the damage lies further than the scenes seen, or where nothing can be said of the start.
    /// Both `None` would say nothing, and damage cannot be seen before the last intact scene: no such window exists.
    pub fn new(last_intact: Option<u16>, first_damaged: Option<u16>) -> Option<Window> {
        let valid = match (last_intact, first_damaged) {
            (Some(intact), Some(damaged)) => intact < damaged,
            (None, None) => false,
            _ => true,
        };
        valid.then_some(Window { last_intact, first_damaged })
    }

    /// Number of the last scene in which the place stands.
    pub fn last_intact(self) -> Option<u16> {
        self.last_intact
    }

    /// Number of the first scene in which it does not.
    pub fn first_damaged(self) -> Option<u16> {
        self.first_damaged
    }

    /// First and last bin covered, among `scenes + 1`; scenes beyond the last count as the last.
    fn bins(self, scenes: usize) -> (usize, usize) {
        let start = self.last_intact.map_or(0, |scene| (usize::from(scene) + 1).min(scenes));
        let end = self.first_damaged.map_or(scenes, |scene| usize::from(scene).min(scenes.saturating_sub(1)));
        (start.min(end), end.max(start.min(end)))
    }
}

/// A volunteer's two parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowSkill {
    /// Chance that a window misses the truth.
    pub wrong: f64,
    /// Share of misses that are too late.
    pub late: f64,
}

impl WindowSkill {
    /// The skill as one database cell.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut out = Writer::default();
        out.f64(self.wrong);
        out.f64(self.late);
        out.0
    }

    /// Reads [`WindowSkill::to_bytes`].
    ///
    /// # Errors
    /// When the bytes are cut or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<WindowSkill, Unreadable> {
        let mut reader = Reader(bytes);
        let skill = WindowSkill { wrong: reader.f64()?, late: reader.f64()? };
        reader.end()?;
        Ok(skill)
    }
}

/// One label of a fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowLabel {
    /// Number of the tile.
    pub tile: u32,
    /// Number of the volunteer.
    pub volunteer: u32,
    /// The window.
    pub window: Window,
}

/// The crowd's date model. Frozen once made.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowModel {
    /// Share of tiles per bin, `scenes + 1` of them.
    pub prior: Vec<f64>,
    /// The average volunteer, and whoever is unknown.
    pub average: WindowSkill,
}

impl WindowModel {
    /// The model before any fit.
    pub fn zero(scenes: usize) -> WindowModel {
        let average = WindowSkill { wrong: START.0, late: START.1 };
        WindowModel { prior: vec![1.0 / (scenes + 1) as f64; scenes + 1], average }
    }

    /// The model as one database cell.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.list(&self.prior, |out, &share| out.f64(share));
        out.0.extend(self.average.to_bytes());
        out.0
    }

    /// Reads [`WindowModel::to_bytes`].
    ///
    /// # Errors
    /// When the bytes are cut or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<WindowModel, Unreadable> {
        let mut reader = Reader(bytes);
        let prior = reader.list(Reader::f64)?;
        if prior.is_empty() {
            return Err(Unreadable);
        }
        Ok(WindowModel { prior, average: WindowSkill::from_bytes(reader.0)? })
    }

    fn scenes(&self) -> usize {
        self.prior.len() - 1
    }
}

/// When a place was damaged.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowConsensus {
    /// Probability of each bin; they sum to 1.
    pub bins: Vec<f64>,
    /// The interval that holds the posterior median; `None` without any window.
    pub median: Option<Interval>,
    /// The shortest run of bins that holds 90 %; `None` without any window.
    pub credible: Option<Interval>,
    /// Labels with a window.
    pub labels: u32,
}

/// A run of bins in scenes: intact in the one, damaged in the other, and how probable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Last scene in which the place stands; `None`: damage may lie before the first.
    pub last_intact: Option<u16>,
    /// First scene in which it does not; `None`: not damaged so far, or not yet seen.
    pub first_damaged: Option<u16>,
    /// Its mass.
    pub probability: f64,
}

/// The consensus of one tile from its windows; in any order, to the bit. `None` as skill counts as the average.
pub fn consensus(model: &WindowModel, votes: &[(Window, Option<WindowSkill>)]) -> WindowConsensus {
    let mut votes: Vec<(Window, WindowSkill)> =
        votes.iter().map(|&(window, skill)| (window, skill.unwrap_or(model.average))).collect();
    let key = |(w, s): &(Window, WindowSkill)| (w.last_intact, w.first_damaged, s.wrong.to_bits(), s.late.to_bits());
    votes.sort_unstable_by_key(key);
    let bins = posterior(model, &votes);
    let known = !votes.is_empty();
    WindowConsensus {
        median: known.then(|| median(&bins)),
        credible: known.then(|| shortest(&bins)),
        labels: votes.len() as u32,
        bins,
    }
}

fn posterior(model: &WindowModel, votes: &[(Window, WindowSkill)]) -> Vec<f64> {
    let kept = worth(votes.len() as f64, CORRELATION);
    let mut logs: Vec<f64> = model.prior.iter().map(|p| p.max(1e-9).ln()).collect();
    for (window, skill) in votes {
        let covered = window.bins(model.scenes());
        logs.iter_mut().enumerate().for_each(|(bin, log)| *log += kept * likelihood(covered, bin, *skill).ln());
    }
    super::em::softmax(&mut logs);
    logs
}

fn likelihood((start, end): (usize, usize), bin: usize, skill: WindowSkill) -> f64 {
    let miss = |share: f64, distance: usize| skill.wrong * share * 0.5f64.powi(distance.min(60) as i32);
    let p = if bin < start {
        miss(skill.late, start - bin)
    } else if bin > end {
        miss(1.0 - skill.late, bin - end)
    } else {
        1.0 - skill.wrong
    };
    p.max(1e-12)
}

fn interval(bins: &[f64], start: usize, end: usize) -> Interval {
    Interval {
        last_intact: start.checked_sub(1).map(|scene| scene as u16),
        first_damaged: (end + 1 < bins.len()).then_some(end as u16),
        probability: bins[start..=end].iter().sum(),
    }
}

fn median(bins: &[f64]) -> Interval {
    let mut sum = 0.0;
    let at = bins.iter().position(|p| {
        sum += p;
        sum >= 0.5 - 1e-12
    });
    let at = at.unwrap_or(bins.len() - 1);
    interval(bins, at, at)
}

fn shortest(bins: &[f64]) -> Interval {
    let mut best = (0, bins.len() - 1, 1.0f64);
    for start in 0..bins.len() {
        let mut mass = 0.0;
        for (end, p) in bins.iter().enumerate().skip(start) {
            mass += p;
            if mass >= CREDIBLE - 1e-12 {
                let shorter = end - start < best.1 - best.0;
                if shorter || (end - start == best.1 - best.0 && mass > best.2) {
                    best = (start, end, mass);
                }
                break;
            }
        }
    }
    interval(bins, best.0, best.1)
}

/// Fits the crowd and the volunteers to all windows of a campaign with this many scenes. Labels of tiles or
/// volunteers beyond the counts are left out.
pub fn fit(scenes: usize, labels: &[WindowLabel], tiles: usize, volunteers: usize) -> (WindowModel, Vec<WindowSkill>) {
    let mut labels: Vec<WindowLabel> = (labels.iter().copied())
        .filter(|label| (label.tile as usize) < tiles && (label.volunteer as usize) < volunteers)
        .collect();
    labels.sort_by_key(|label| (label.tile, label.volunteer));
    let mut model = WindowModel::zero(scenes);
    let mut skills = vec![model.average; volunteers];
    for _ in 0..PASSES {
        let mut sums = Sums::new(scenes, volunteers);
        for of_tile in labels.chunk_by(|a, b| a.tile == b.tile) {
            let votes: Vec<(Window, WindowSkill)> =
                of_tile.iter().map(|label| (label.window, skills[label.volunteer as usize])).collect();
            sums.add(scenes, of_tile, &posterior(&model, &votes));
        }
        (model, skills) = sums.finish();
    }
    (model, skills)
}

/// Expected counts of one pass.
struct Sums {
    bins: Vec<f64>,
    /// Windows, misses, late misses per volunteer.
    of: Vec<[f64; 3]>,
}

impl Sums {
    fn new(scenes: usize, volunteers: usize) -> Sums {
        Sums { bins: vec![1.0; scenes + 1], of: vec![[0.0; 3]; volunteers] }
    }

    fn add(&mut self, scenes: usize, labels: &[WindowLabel], q: &[f64]) {
        self.bins.iter_mut().zip(q).for_each(|(sum, p)| *sum += p);
        for label in labels {
            let (start, end) = label.window.bins(scenes);
            let late: f64 = q[..start].iter().sum();
            let early: f64 = q[end + 1..].iter().sum();
            let own = &mut self.of[label.volunteer as usize];
            *own = [own[0] + 1.0, own[1] + late + early, own[2] + late];
        }
    }

    fn finish(self) -> (WindowModel, Vec<WindowSkill>) {
        let all = self.of.iter().fold([0.0; 3], |sum, own| [sum[0] + own[0], sum[1] + own[1], sum[2] + own[2]]);
        let smooth = |own: [f64; 3], base: WindowSkill| WindowSkill {
            wrong: ((own[1] + SMOOTHING * base.wrong) / (own[0] + SMOOTHING)).clamp(0.01, 0.9),
            late: ((own[2] + SMOOTHING * base.late) / (own[1] + SMOOTHING)).clamp(0.05, 0.95),
        };
        let average = smooth(all, WindowSkill { wrong: START.0, late: START.1 });
        let count: f64 = self.bins.iter().sum();
        let prior = self.bins.iter().map(|sum| sum / count).collect();
        (WindowModel { prior, average }, self.of.into_iter().map(|own| smooth(own, average)).collect())
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
