//! The evidence against two accounts: on how many tiles both gave the same wrong answer, against what chance explains.

use super::rings::log_tail;
use super::tile::Shape;

/// What two accounts have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shared {
    /// Tiles with a class that both answered about damage.
    pub tiles: u32,
    /// Of these, with the same answer against the class.
    pub errors: u32,
    /// Equal wrong answers to expect if they erred independently, each as their own table says.
    pub expected: f64,
    /// ln of the chance of so many or more (Poisson).
    pub log_chance: f64,
}

impl Shared {
    /// Both together: the evidence of several pairs.
    pub fn and(&self, other: &Shared) -> Shared {
        let (tiles, errors) = (self.tiles + other.tiles, self.errors + other.errors);
        let expected = self.expected + other.expected;
        Shared { tiles, errors, expected, log_chance: log_tail(errors, expected.max(1e-3)) }
    }
}

/// One account: its answers (tile, answer) in the order of tiles, and its table, ln P(answer | class) as
/// `[answer][class]`.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// Answers, by tile.
    pub answers: &'a [(i64, u8)],
    /// The table that the model has of it.
    pub table: &'a [f32],
}

/// Compares two accounts; `class` is that of a tile that both answered.
pub fn compare(shape: Shape, a: Account<'_>, b: Account<'_>, class: impl Fn(i64) -> Option<u8>) -> Shared {
    let mut shared = Shared { tiles: 0, errors: 0, expected: 0.0, log_chance: 0.0 };
    for &(tile, answer) in a.answers {
        let Ok(place) = b.answers.binary_search_by_key(&tile, |&(tile, _)| tile) else { continue };
        let other = b.answers[place].1;
        let Some(class) = class(tile).map(usize::from).filter(|class| *class < shape.classes) else { continue };
        if usize::from(answer) >= shape.telling || usize::from(other) >= shape.telling {
            continue;
        }
        shared.tiles += 1;
        shared.errors += u32::from(answer == other && usize::from(answer) != class);
        shared.expected += same_error(shape, a.table, b.table, class);
    }
    shared.log_chance = log_tail(shared.errors, shared.expected.max(1e-3));
    shared
}

fn same_error(shape: Shape, a: &[f32], b: &[f32], class: usize) -> f64 {
    let log = |table: &[f32], answer: usize| table.get(answer * shape.classes + class).copied().map(f64::from);
    let chance = |answer| Some((log(a, answer)? + log(b, answer)?).exp());
    (0..shape.telling).filter(|&answer| answer != class).filter_map(chance).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_errors_are_set_against_chance() {
        let shape = Shape { classes: 2, telling: 2, answers: 2 };
        // Right nine times of ten, whatever the class.
        let (right, wrong) = (0.9f32.ln(), 0.1f32.ln());
        let table = [right, wrong, wrong, right];
        // Tiles 0 to 99 are of class 1; both say 0 on the first ten, and each on five others.
        let answers = |from: i64| -> Vec<(i64, u8)> {
            (0..100).map(|tile| (tile, u8::from(!(tile < 10 || (from..from + 5).contains(&tile))))).collect()
        };
        let (a, b) = (answers(20), answers(40));
        let account = |answers| Account { answers, table: &table };
        let found = compare(shape, account(&a), account(&b), |_| Some(1));
        assert_eq!((found.tiles, found.errors), (100, 10));
        assert!((found.expected - 1.0).abs() < 1e-4, "{}", found.expected);
        // P(X >= 10 | 1) = 1.1143e-7.
        assert!((found.log_chance - 1.114_3e-7f64.ln()).abs() < 1e-3, "{}", found.log_chance);
        let none = compare(shape, account(&a), account(&b), |_| None);
        assert_eq!((none.tiles, none.errors, none.log_chance), (0, 0, 0.0));
    }
}
