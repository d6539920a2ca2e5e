//! How well a volunteer does, from tiles of which everybody may see the outcome: agreement with an honest interval, and
//! whether they judge milder or graver than the others.

use super::scale::{Role, Scale};
use super::words::words;

/// Below so many closed tiles a share says more about chance than about a person.
const LEAST_TILES: u32 = 10;
/// Below so many a leaning is not told: nobody should correct what is no habit.
const LEAST_FOR_LEANING: u32 = 20;
/// The standard normal quantile of a two-sided 90 % interval.
const Z: f64 = 1.644_853_626_951_472_2;

words! {
    /// How somebody judges where they disagree with the others.
    Leaning {
        /// Less damage than the others see.
        Milder = "milder",
        /// More damage than the others see.
        Graver = "graver",
    }
}

/// A share with its interval, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// The share itself.
    pub share: f64,
    /// Lower end of the 90 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What a volunteer may read of themselves.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Standing {
    /// Tiles with an outcome in a class, which they answered with a class too.
    pub closed_tiles: u32,
    /// Those on which they agree with it.
    pub agreed: u32,
    milder: u32,
    graver: u32,
}

/// How an answer compares with the outcome of its tile; `None` where there is nothing to compare: a side answer says
/// nothing about damage, and some tiles have no outcome.
pub fn agrees(scale: &Scale, answer: u8, outcome: Option<u8>) -> Option<bool> {
    let class = outcome.filter(|class| usize::from(*class) < scale.classes().len())?;
    match scale.answer(answer)?.role {
        Role::Class => Some(answer == class),
        Role::Between { low, high } => Some(low == class || high == class),
        Role::Side => None,
    }
}

impl Standing {
    /// Takes in one tile whose outcome everybody may see.
    pub fn add(&mut self, scale: &Scale, answer: u8, outcome: Option<u8>) {
        let (Some(agreed), Some(class)) = (agrees(scale, answer, outcome), outcome) else { return };
        self.closed_tiles += 1;
        self.agreed += u32::from(agreed);
        if !agreed && scale.ordered {
            let (low, high) = match scale.answer(answer).map(|one| one.role) {
                Some(Role::Between { low, high }) => (low, high),
                _ => (answer, answer),
            };
            self.milder += u32::from(high < class);
            self.graver += u32::from(low > class);
        }
    }

    /// The share of agreement; `None` while too few tiles are closed.
    pub fn agreement(&self) -> Option<Share> {
        (self.closed_tiles >= LEAST_TILES).then(|| wilson(self.agreed, self.closed_tiles))
    }

    /// Whether they lean to one side; `None` where too little is known, or where they do not.
    pub fn leaning(&self) -> Option<Leaning> {
        let apart = self.milder + self.graver;
        if self.closed_tiles < LEAST_FOR_LEANING || apart == 0 {
            return None;
        }
        let graver = wilson(self.graver, apart);
        match () {
            () if graver.low > 0.5 => Some(Leaning::Graver),
            () if graver.high < 0.5 => Some(Leaning::Milder),
            () => None,
        }
    }
}

/// Wilson's interval for a share (E. B. Wilson, Journal of the American Statistical Association 22, 1927), 90 %.
fn wilson(hits: u32, of: u32) -> Share {
    let (n, share) = (f64::from(of), f64::from(hits) / f64::from(of));
    let z2 = Z * Z;
    let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    Share { share, low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(tiles: &[(u8, Option<u8>, u32)]) -> Standing {
        let scale = Scale::built_in("conflict3").unwrap();
        let mut standing = Standing::default();
        for (answer, outcome, times) in tiles {
            (0..*times).for_each(|_| standing.add(&scale, *answer, *outcome));
        }
        standing
    }

    #[test]
    fn the_interval_is_wilsons() {
        // 16 of 20 at z = 1.644854, computed by hand from the formula: (0.8 + 0.067639) / 1.135277 ± 0.138…
        let share = wilson(16, 20);
        assert!((share.share - 0.8).abs() < 1e-12);
        assert!((share.low - 0.620_7).abs() < 1e-3 && (share.high - 0.907_8).abs() < 1e-3, "{share:?}");
        let all = wilson(10, 10);
        assert!(all.high <= 1.0 && (all.low - 0.787_1).abs() < 1e-3, "{all:?}");
    }

    #[test]
    fn agreement_is_told_from_ten_closed_tiles_on() {
        assert_eq!(standing(&[(2, Some(2), 9)]).agreement(), None);
        assert_eq!(standing(&[(2, Some(2), 8), (1, Some(2), 2)]).agreement().unwrap().share, 0.8);
    }

    #[test]
    fn side_answers_and_tiles_without_a_class_compare_with_nothing() {
        let standing = standing(&[(3, Some(2), 5), (2, None, 5), (2, Some(4), 5), (9, Some(1), 5)]);
        assert_eq!((standing.closed_tiles, standing.agreed), (0, 0));
    }

    #[test]
    fn a_leaning_is_told_only_when_it_is_more_than_chance() {
        assert_eq!(standing(&[(1, Some(1), 14), (2, Some(1), 6)]).leaning(), Some(Leaning::Graver));
        assert_eq!(standing(&[(1, Some(1), 14), (0, Some(1), 6)]).leaning(), Some(Leaning::Milder));
        assert_eq!(standing(&[(1, Some(1), 14), (0, Some(1), 3), (2, Some(1), 3)]).leaning(), None);
        assert_eq!(standing(&[(1, Some(1), 10), (2, Some(1), 6)]).leaning(), None, "too few tiles");
        assert_eq!(standing(&[(1, Some(1), 40), (2, Some(1), 1)]).leaning(), None, "one slip is no habit");
    }
}
