//! How far two graders agree beyond chance.

use serde::Serialize;
use utoipa::ToSchema;

use super::estimate::Z;

/// Agreement of the first and the second grade over all tiles that have both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct GradersAgreement {
    /// Tiles with two grades.
    pub tiles: u64,
    /// Share on which both are the same.
    pub share: f64,
    /// Fleiss' kappa; `null` where all grades are the same, so that chance alone would agree always.
    #[schema(required)]
    pub kappa: Option<f64>,
    /// Lower end of its 95 % interval (by the jackknife); `null` with fewer than three tiles.
    #[schema(required)]
    pub low: Option<f64>,
    /// Upper end.
    #[schema(required)]
    pub high: Option<f64>,
}

/// Agreement of pairs of grades; `None` without a pair. Not reweighted: it is about the graders, not about the map.
///
/// Who is first and who second differs from tile to tile, so chance is taken from all grades together (Scott, 1955;
/// Fleiss, 1971, with two grades each), not from two persons' habits as in Cohen's kappa.
pub fn agreement(pairs: &[(Option<u8>, Option<u8>)]) -> Option<GradersAgreement> {
    let table = Table::of(pairs);
    let share = table.share()?;
    let kappa = table.kappa();
    let around = kappa.zip(jackknife(&table, pairs)).map(|(kappa, error)| (kappa - Z * error, kappa + Z * error));
    let (low, high) = around.map(|(low, high)| (low.max(-1.0), high.min(1.0))).unzip();
    Some(GradersAgreement { tiles: pairs.len() as u64, share, kappa, low, high })
}

/// What kappa is made of: pairs, equal pairs, and how often each grade was given.
#[derive(Clone)]
struct Table {
    pairs: f64,
    equal: f64,
    given: Vec<f64>,
}

/// Room for every class and for "cannot be graded".
const KINDS: usize = 257;

fn kind(grade: Option<u8>) -> usize {
    grade.map_or(KINDS - 1, usize::from)
}

impl Table {
    fn of(pairs: &[(Option<u8>, Option<u8>)]) -> Table {
        let mut table = Table { pairs: 0.0, equal: 0.0, given: vec![0.0; KINDS] };
        pairs.iter().for_each(|pair| table.add(*pair, 1.0));
        table
    }

    fn add(&mut self, (first, second): (Option<u8>, Option<u8>), times: f64) {
        self.pairs += times;
        self.equal += if first == second { times } else { 0.0 };
        self.given[kind(first)] += times;
        self.given[kind(second)] += times;
    }

    fn share(&self) -> Option<f64> {
        (self.pairs > 0.0).then(|| self.equal / self.pairs)
    }

    fn kappa(&self) -> Option<f64> {
        let chance: f64 = self.given.iter().map(|given| (given / (2.0 * self.pairs)).powi(2)).sum();
        let share = self.share()?;
        (chance < 1.0 - 1e-12).then(|| (share - chance) / (1.0 - chance))
    }
}

/// The standard error of kappa by leaving out one tile at a time (Efron and Stein, 1981).
fn jackknife(table: &Table, pairs: &[(Option<u8>, Option<u8>)]) -> Option<f64> {
    if pairs.len() < 3 {
        return None;
    }
    let mut without = Vec::with_capacity(pairs.len());
    let mut rest = table.clone();
    for pair in pairs {
        rest.add(*pair, -1.0);
        without.push(rest.kappa()?);
        rest.add(*pair, 1.0);
    }
    let many = without.len() as f64;
    let mean = without.iter().sum::<f64>() / many;
    let squares: f64 = without.iter().map(|kappa| (kappa - mean).powi(2)).sum();
    Some((squares * (many - 1.0) / many).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(counts: &[(u8, u8, usize)]) -> Vec<(Option<u8>, Option<u8>)> {
        counts.iter().flat_map(|&(a, b, many)| std::iter::repeat_n((Some(a), Some(b)), many)).collect()
    }

    #[test]
    fn kappa_is_the_agreement_beyond_chance() {
        // 35 of 50 agree; 'yes' is 55 of the 100 grades: chance 0.505, kappa (0.7 - 0.505) / 0.495.
        let found = agreement(&pairs(&[(1, 1, 20), (1, 0, 5), (0, 1, 10), (0, 0, 15)])).unwrap();
        assert_eq!((found.tiles, found.share), (50, 0.7));
        assert!((found.kappa.unwrap() - 0.195 / 0.495).abs() < 1e-12);
        assert!(found.low.unwrap() < 0.2 && found.high.unwrap() > 0.55, "{found:?}");
    }

    #[test]
    fn who_came_first_does_not_matter() {
        let one = agreement(&pairs(&[(1, 1, 20), (1, 0, 15), (0, 0, 15)])).unwrap();
        let other = agreement(&pairs(&[(1, 1, 20), (0, 1, 15), (0, 0, 15)])).unwrap();
        assert!((one.kappa.unwrap() - other.kappa.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn graders_who_always_say_the_same_leave_kappa_open() {
        let found = agreement(&pairs(&[(1, 1, 9)])).unwrap();
        assert_eq!((found.share, found.kappa, found.low), (1.0, None, None));
        assert_eq!(agreement(&[]), None);
    }

    #[test]
    fn what_cannot_be_graded_is_a_grade_of_its_own() {
        let found = agreement(&[(None, None), (Some(0), None), (Some(0), Some(0)), (Some(1), Some(1))]).unwrap();
        assert_eq!(found.share, 0.75);
        assert!(found.kappa.unwrap() > 0.5);
    }
}
