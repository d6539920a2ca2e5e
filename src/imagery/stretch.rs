//! One stretch for a whole scene: robust percentiles of numbers taken from places spread over the picture.

use super::samples::Levels;

/// Share of the numbers that become black, and that become white.
pub const PERCENTILES: (f64, f64) = (0.02, 0.98);
/// First places looked at: so many along each axis, of so many pixels each side.
const COARSE: (u32, u32) = (8, 64);
/// Further tries, where the first found hardly any picture.
const FINE: (u32, u32) = (32, 32);
const FINEST: (u32, u32) = (96, 16);
/// So many numbers are enough.
const ENOUGH: usize = 4096;

use super::source::Window;

/// Numbers of the shown bands from places that depend on nothing but the size of the picture.
///
/// `read` adds the valid numbers of one window to the lists of the bands.
pub fn sample<E>(
    (width, height): (u32, u32),
    bands: usize,
    mut read: impl FnMut(Window, &mut [Vec<f32>]) -> Result<(), E>,
) -> Result<Vec<Vec<f32>>, E> {
    let mut numbers = vec![Vec::new(); bands];
    for (places, side) in [COARSE, FINE, FINEST] {
        numbers.iter_mut().for_each(Vec::clear);
        for window in windows(width, height, places, side) {
            read(window, &mut numbers)?;
        }
        if numbers.iter().all(|list| list.len() >= ENOUGH) {
            break;
        }
    }
    Ok(numbers)
}

/// Squares in the middles of a grid of `places` x `places`; the whole picture where it is small.
fn windows(width: u32, height: u32, places: u32, side: u32) -> Vec<Window> {
    let along = |length: u32| -> Vec<(u32, u32)> {
        if length <= places * side {
            return (0..length.div_ceil(512)).map(|i| (i * 512, 512.min(length - i * 512))).collect();
        }
        let middle = |i: u32| (u64::from(length) * u64::from(2 * i + 1) / u64::from(2 * places)) as u32;
        (0..places).map(|i| ((middle(i) - side / 2).min(length - side), side)).collect()
    };
    let columns = along(width);
    let square = |(row, height): (u32, u32)| {
        columns.iter().map(move |(col, width)| Window { col: *col, row, width: *width, height })
    };
    along(height).into_iter().flat_map(square).collect()
}

/// The numbers below which 2 % and 98 % of these lie. Without a difference between them their whole range; without
/// any number 0 to 1.
pub fn levels(mut numbers: Vec<f32>) -> Levels {
    numbers.sort_by(f32::total_cmp);
    let at = |share: f64| {
        let place = (numbers.len().saturating_sub(1)) as f64 * share;
        numbers.get(place.round() as usize).copied()
    };
    let (Some(low), Some(high)) = (at(PERCENTILES.0), at(PERCENTILES.1)) else { return Levels { low: 0.0, high: 1.0 } };
    if low < high {
        return Levels { low, high };
    }
    let (first, last) = (at(0.0).unwrap_or(low), at(1.0).unwrap_or(high));
    // A picture of one number becomes grey.
    let (first, last) = if first < last { (first, last) } else { (first - 1.0, first + 1.0) };
    Levels { low: first, high: last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stretch_is_robust_against_a_few_wild_numbers() {
        let mut numbers: Vec<f32> = (0..1000).map(|v| v as f32).collect();
        numbers.extend([1e30, -1e30, 65_535.0]);
        let found = levels(numbers);
        assert!((found.low - 20.0).abs() < 2.0 && (found.high - 980.0).abs() < 2.0, "{found:?}");
    }

    #[test]
    fn a_picture_of_few_numbers_still_has_a_stretch() {
        assert_eq!(levels(vec![]), Levels { low: 0.0, high: 1.0 });
        assert_eq!(levels(vec![7.0; 100]), Levels { low: 6.0, high: 8.0 });
        let mut rare = vec![0.0; 1000];
        rare.push(50.0);
        assert_eq!(levels(rare), Levels { low: 0.0, high: 50.0 });
    }

    #[test]
    fn places_lie_inside_and_spread_over_the_picture() {
        for (width, height) in [(1, 1), (700, 20), (513, 511), (50_000, 40_000), (2_000_000, 3)] {
            let found = windows(width, height, 8, 64);
            assert!(!found.is_empty() && found.iter().all(|w| w.width > 0 && w.height > 0));
            assert!(found.iter().all(|w| w.col + w.width <= width && w.row + w.height <= height), "{width} x {height}");
        }
        assert_eq!(windows(512, 512, 8, 64), [Window { col: 0, row: 0, width: 512, height: 512 }]);
        let large = windows(50_000, 40_000, 8, 64);
        assert!(large.len() == 64 && large[63].col > 45_000 && large[63].row > 37_000);
    }
}
