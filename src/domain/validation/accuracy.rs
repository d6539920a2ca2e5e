//! How right the map is: confusion matrix, overall, user's and producer's accuracy, and how many tiles of each class
//! there really are, all reweighted from the sample to the map.

use serde::Serialize;
use utoipa::ToSchema;

use super::estimate::{Estimate, Score, Scores, ratio};

/// A tile that was drawn and has a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Its stratum, as a place in the list of strata.
    pub stratum: usize,
    /// The class that the map gave it when the sample was drawn.
    pub map: u8,
    /// The class that the graders gave it; `None` where it cannot be graded.
    pub reference: Option<u8>,
}

/// The outcome for one class.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ClassAccuracy {
    /// Key of the class.
    pub class: String,
    /// Of the tiles that the map calls so, the share that is so; `null` where none was checked.
    #[schema(required)]
    pub users: Option<Estimate>,
    /// Of the tiles that are so, the share that the map calls so; `null` where none was found.
    #[schema(required)]
    pub producers: Option<Estimate>,
    /// Share of all tiles of the population that are so by the reference; `null` while nothing is checked.
    #[schema(required)]
    pub share: Option<Estimate>,
    /// Tiles that the map calls so.
    pub map_tiles: u64,
}

/// Everything that the checked tiles say about the map.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Accuracy {
    /// Tiles that the figures speak for.
    pub tiles: u64,
    /// Tiles with a reference, those that cannot be graded included.
    pub checked: u64,
    /// Checked tiles: a row for each class of the map, a column for each class of the reference.
    pub matrix: Vec<Vec<u64>>,
    /// The same as shares of the population, reweighted by the strata; what cannot be graded is left out.
    pub shares: Vec<Vec<f64>>,
    /// Share of the tiles that can be graded on which map and reference agree; `null` while nothing is checked.
    #[schema(required)]
    pub overall: Option<Estimate>,
    /// One for each class, in the order of the scale.
    pub classes: Vec<ClassAccuracy>,
    /// Share of all tiles of the population with any damage: every class but the first.
    #[schema(required)]
    pub damaged: Option<Estimate>,
    /// Share of all tiles of the population that cannot be graded.
    #[schema(required)]
    pub not_gradable: Option<Estimate>,
    /// Tiles of strata of which none is checked yet: the figures do not speak for them.
    pub uncovered: u64,
}

/// Computes all figures. `classes` are the keys of the scale's classes, `strata` the class and the tiles of each
/// stratum.
pub fn assess(classes: &[&str], strata: &[(u8, u64)], checked: &[Checked]) -> Accuracy {
    let of_stratum = |at: usize| checked.iter().filter(move |tile| tile.stratum == at);
    let estimate = |score: &dyn Fn(&Checked) -> Score| {
        let one =
            |(at, &(_, tiles)): (usize, &(u8, u64))| Scores { tiles, checked: of_stratum(at).map(score).collect() };
        ratio(&strata.iter().enumerate().map(one).collect::<Vec<_>>())
    };
    let share_of = |counts: &dyn Fn(&Checked) -> bool, among: &dyn Fn(&Checked) -> bool| {
        estimate(&|tile| Score { y: bit(counts(tile) && among(tile)), x: bit(among(tile)) })
    };
    // Of a map class only strata in which it was found can speak: what is not there at all is not there by the draw, and
    // being cautious about it would drown the rare classes.
    let among_called = |place: u8| {
        let speaks = |at: usize| of_stratum(at).any(|tile| tile.map == place);
        let right = |tile: &Checked| tile.reference == Some(place);
        let score = |tile: &Checked| {
            let called = tile.map == place && tile.reference.is_some();
            Score { y: bit(called && right(tile)), x: bit(called) }
        };
        let one = |(at, &(_, tiles)): (usize, &(u8, u64))| {
            let checked = of_stratum(at).filter(|_| speaks(at)).map(score).collect();
            Scores { tiles, checked }
        };
        ratio(&strata.iter().enumerate().map(one).collect::<Vec<_>>())
    };
    let covered = |at: usize| of_stratum(at).next().is_some();
    let tiles: u64 = strata.iter().enumerate().filter(|(at, _)| covered(*at)).map(|(_, stratum)| stratum.1).sum();
    let class = |(place, key): (usize, &&str)| {
        let place = place as u8;
        ClassAccuracy {
            class: (*key).to_owned(),
            users: among_called(place),
            producers: share_of(&|tile| tile.map == place, &|tile| tile.reference == Some(place)),
            share: share_of(&|tile| tile.reference == Some(place), &|_| true),
            map_tiles: strata.iter().filter(|(class, _)| *class == place).map(|(_, tiles)| tiles).sum(),
        }
    };
    Accuracy {
        tiles,
        checked: checked.len() as u64,
        matrix: matrix(classes.len(), checked),
        shares: shares(classes.len(), strata, checked),
        overall: share_of(&|tile| tile.reference == Some(tile.map), &|tile| tile.reference.is_some()),
        classes: classes.iter().enumerate().map(class).collect(),
        damaged: share_of(&|tile| tile.reference.is_some_and(|class| class > 0), &|_| true),
        not_gradable: share_of(&|tile| tile.reference.is_none(), &|_| true),
        uncovered: strata.iter().map(|stratum| stratum.1).sum::<u64>() - tiles,
    }
}

fn bit(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

fn matrix(classes: usize, checked: &[Checked]) -> Vec<Vec<u64>> {
    let mut matrix = vec![vec![0; classes]; classes];
    for tile in checked {
        if let Some(reference) = tile.reference
            && let Some(cell) =
                matrix.get_mut(usize::from(tile.map)).and_then(|row| row.get_mut(usize::from(reference)))
        {
            *cell += 1;
        }
    }
    matrix
}

fn shares(classes: usize, strata: &[(u8, u64)], checked: &[Checked]) -> Vec<Vec<f64>> {
    let mut shares = vec![vec![0.0; classes]; classes];
    let mut drawn = vec![0u64; strata.len()];
    checked.iter().for_each(|tile| drawn[tile.stratum] += 1);
    let tiles: u64 = strata.iter().zip(&drawn).filter(|(_, drawn)| **drawn > 0).map(|(stratum, _)| stratum.1).sum();
    for tile in checked {
        if let Some(reference) = tile.reference {
            let weight = strata[tile.stratum].1 as f64 / drawn[tile.stratum] as f64 / tiles as f64;
            shares[usize::from(tile.map)][usize::from(reference)] += weight;
        }
    }
    shares
}

#[cfg(test)]
#[path = "accuracy_tests.rs"]
mod tests;
