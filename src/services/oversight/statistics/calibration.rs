//! What the probabilities of the model in use have meant: calls formed from a few answers each on check gold, whose right
//! answer is known, compared with it.

use std::collections::BTreeMap;

use super::Saved;
use crate::consensus::score::calibration_error;
use crate::consensus::{self, Model, Skill, Vote};
use crate::domain::campaign::Campaign;
use crate::services::Error;
use crate::storage::Conn;
use crate::storage::labelling::{labels, models};
use crate::storage::oversight::quality::{GoldLabel, gold_labels};

/// Gold tiles that are looked at, at most.
const MOST_TILES: i64 = 1_000;
/// Calls from which something can be said.
pub(super) const LEAST_CALLS: usize = 30;
/// Where the bins of the table begin.
const EDGES: [f64; 6] = [0.0, 0.5, 0.7, 0.8, 0.9, 0.95];
/// Volunteers asked for in one statement.
const AT_ONCE: usize = 500;

/// What probabilities have meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Gold tiles that calls were formed of.
    pub tiles: u64,
    /// Calls.
    pub calls: u64,
    /// Answers that each call was formed from: as many as a closed tile has.
    pub answers: usize,
    /// Expected calibration error in 15 equal bins (Naeini et al., 2015), 0 to 1.
    pub error: f64,
    /// Calls by their probability; empty bins are left out.
    pub bins: Vec<Bin>,
}

/// Calls of about the same probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// The least probability of the bin.
    pub from: f64,
    /// Calls in it.
    pub calls: u64,
    /// Their mean probability.
    pub mean: f64,
    /// How many of them name the right class.
    pub right: u64,
}

/// Forms calls on check gold with the model in use, and how many; `None` while there are too few, or no model.
pub(super) fn calibration(
    conn: &mut Conn,
    campaign: &Campaign,
    saved: Option<Saved>,
) -> Result<(Option<Calibration>, u64), Error> {
    if campaign.model == 0 {
        return Ok((None, 0));
    }
    let given = gold_labels(conn, campaign.id, MOST_TILES)?;
    let answers = answers_of_a_call(campaign, saved);
    let (model, skills) = model(conn, campaign, &given)?;
    let (mut calls, mut tiles) = (Vec::new(), 0);
    for of_tile in given.chunk_by(|a, b| a.0 == b.0) {
        let Ok(truth) = u8::try_from(of_tile[0].1) else { continue };
        if usize::from(truth) >= campaign.scale.classes().len() {
            continue;
        }
        let before = calls.len();
        for some in of_tile.chunks_exact(answers) {
            let vote =
                |label: &GoldLabel| Some(Vote { answer: u8::try_from(label.3).ok()?, skill: skills.get(&label.2) });
            let votes: Vec<Vote<'_>> = some.iter().filter_map(vote).collect();
            let formed = consensus::default_rule().consensus(&campaign.scale, &model, &votes);
            calls.extend(formed.class.zip(formed.probability).map(|(class, sure)| (sure, class == truth)));
        }
        tiles += u64::from(calls.len() > before);
    }
    let number = calls.len() as u64;
    let found = (calls.len() >= LEAST_CALLS).then(|| Calibration {
        tiles,
        calls: number,
        answers,
        error: calibration_error(calls.iter().copied()),
        bins: bins(&calls),
    });
    Ok((found, number))
}

/// As many answers as a closed tile has, or as a fresh one asks for while none is closed.
fn answers_of_a_call(campaign: &Campaign, saved: Option<Saved>) -> usize {
    let mean = saved.map(|saved| (saved.labels as f64 / saved.tiles as f64).round() as usize);
    mean.unwrap_or(campaign.policy.first_needed() as usize).max(1)
}

fn bins(calls: &[(f64, bool)]) -> Vec<Bin> {
    let bin = |(place, &from): (usize, &f64)| {
        let to = EDGES.get(place + 1).copied().unwrap_or(f64::INFINITY);
        let within: Vec<&(f64, bool)> = calls.iter().filter(|(sure, _)| (from..to).contains(sure)).collect();
        let right = within.iter().filter(|(_, right)| *right).count() as u64;
        let mean = within.iter().map(|(sure, _)| sure).sum::<f64>() / within.len().max(1) as f64;
        Bin { from, calls: within.len() as u64, mean, right }
    };
    EDGES.iter().enumerate().map(bin).filter(|bin| bin.calls > 0).collect()
}

/// The model in use, and what it knows of those who answered.
fn model(conn: &mut Conn, campaign: &Campaign, given: &[GoldLabel]) -> Result<(Model, BTreeMap<i64, Skill>), Error> {
    let unreadable = |_| Error::Internal(format!("model {} of `{}` cannot be read", campaign.model, campaign.slug));
    let (tables, _) = models::tables(conn, campaign.id, campaign.model)?;
    let model = Model::from_bytes(&tables).map_err(unreadable)?;
    let mut authors: Vec<i64> = given.iter().map(|label| label.2).collect();
    authors.sort_unstable();
    authors.dedup();
    let mut skills = BTreeMap::new();
    for some in authors.chunks(AT_ONCE) {
        for (volunteer, bytes, ..) in labels::skills_of(conn, campaign.id, campaign.model, some)? {
            skills.insert(volunteer, Skill::from_bytes(&bytes).map_err(unreadable)?);
        }
    }
    Ok((model, skills))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_stand_in_the_bin_of_their_probability() {
        let calls = [(0.4, false), (0.92, true), (0.94, false), (0.95, true), (1.0, true)];
        let counts: Vec<_> = bins(&calls).iter().map(|bin| (bin.from, bin.calls, bin.right)).collect();
        assert_eq!(counts, [(0.0, 1, 0), (0.9, 2, 1), (0.95, 2, 2)]);
        assert!((bins(&calls)[1].mean - 0.93).abs() < 1e-12);
    }
}
