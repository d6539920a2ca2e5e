//! The shift between two windows by phase correlation.
//!
//! The phase of the cross power spectrum holds the shift and nothing of brightness or contrast (Kuglin and Hines 1975).
//! Its peak is found to a whole pixel by the inverse transform, then to a twentieth by a matrix transform of the
//! neighbourhood alone (Guizar-Sicairos, Thurman and Fienup 2008). High frequencies, which are mostly compression and
//! resampling, weigh less.

use std::f64::consts::TAU;

use super::fft::{Complex, frequency, square};

/// Steps of a pixel to which the peak is refined.
const FINE: f64 = 20.0;
/// Width of the weight of frequencies, turns per pixel.
const SOFT: f64 = 0.2;
/// So far from the peak, in pixels, the surface says how high accidents are.
const APART: i64 = 6;

/// A square window of grey values with its mean taken off, 0 where there is no picture.
pub struct Grey {
    /// Pixels along a side, a power of two.
    pub side: usize,
    /// `side * side` values, row by row.
    pub values: Vec<f64>,
}

/// Where one window lies against another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Pixels to the right by which the content of the second window is moved against the first.
    pub right: f64,
    /// Pixels down.
    pub down: f64,
    /// The peak beside the highest accident elsewhere; 1 means that nothing was found.
    pub strength: f64,
}

/// The shift of the second window against the first.
pub fn correlate(first: &Grey, second: &Grey) -> Shift {
    let side = first.side;
    let spectrum = phases(&transform(first), &transform(second), side);
    let mut surface = spectrum.clone();
    square(&mut surface, side, true);
    let peak = highest(surface.iter().map(|value| value.re).enumerate());
    let (col, row) = (peak.0 % side, peak.0 / side);
    let far = |at: usize| {
        let away = |a: usize, b: usize| {
            let gap = (a as i64 - b as i64).rem_euclid(side as i64);
            gap.min(side as i64 - gap)
        };
        away(at % side, col).max(away(at / side, row)) > APART
    };
    let second_best = highest(surface.iter().map(|value| value.re).enumerate().filter(|(at, _)| far(*at)));
    let whole = |place: usize| frequency(place, side) * side as f64;
    let (right, down) = refine(&spectrum, side, (whole(col), whole(row)));
    Shift { right, down, strength: peak.1 / second_best.1.max(f64::MIN_POSITIVE) }
}

fn highest(values: impl Iterator<Item = (usize, f64)>) -> (usize, f64) {
    values.fold((0, f64::MIN), |best, one| if one.1 > best.1 { one } else { best })
}

/// The transform of a window that fades to nothing at its border, so that the border is no feature.
fn transform(window: &Grey) -> Vec<Complex> {
    let side = window.side;
    let fade: Vec<f64> = (0..side).map(|at| 0.5 - 0.5 * (TAU * (at as f64 + 0.5) / side as f64).cos()).collect();
    let faded = |(at, value): (usize, &f64)| Complex { re: value * fade[at % side] * fade[at / side], im: 0.0 };
    let mut data: Vec<Complex> = window.values.iter().enumerate().map(faded).collect();
    square(&mut data, side, false);
    data
}

/// The weighed phase of the cross power spectrum, second against first.
fn phases(first: &[Complex], second: &[Complex], side: usize) -> Vec<Complex> {
    let weight: Vec<f64> = (0..side).map(|at| (-(frequency(at, side) / SOFT).powi(2)).exp()).collect();
    let phase = |(at, (a, b)): (usize, (&Complex, &Complex))| {
        let product = b.times(a.conjugate());
        let length = product.re.hypot(product.im);
        let share = if length > 1e-9 { weight[at % side] * weight[at / side] / length } else { 0.0 };
        Complex { re: product.re * share, im: product.im * share }
    };
    let mut phases: Vec<Complex> = first.iter().zip(second).enumerate().map(phase).collect();
    // The mean was taken off; what is left of it is no shift.
    phases[0] = Complex::default();
    phases
}

/// The highest place of the surface within a pixel and a half of a peak, `(right, down)`.
fn refine(spectrum: &[Complex], side: usize, (col, row): (f64, f64)) -> (f64, f64) {
    let steps = (1.5 * FINE) as i64;
    let offsets: Vec<f64> = (-steps..=steps).map(|step| step as f64 / FINE).collect();
    let turn = |place: f64, at: usize| Complex::at_angle(TAU * frequency(at, side) * place);
    let lines: Vec<Vec<Complex>> =
        offsets.iter().map(|offset| (0..side).map(|at| turn(col + offset, at)).collect()).collect();
    // Along the rows first: one number for each wanted column and each frequency of the other direction.
    let along =
        |line: &Vec<Complex>| -> Vec<Complex> { spectrum.chunks_exact(side).map(|row| sum(row, line)).collect() };
    let along: Vec<Vec<Complex>> = lines.iter().map(along).collect();
    let mut best = ((col, row), f64::MIN);
    for down in &offsets {
        let line: Vec<Complex> = (0..side).map(|at| turn(row + down, at)).collect();
        for (right, column) in offsets.iter().zip(&along) {
            let height = sum(column, &line).re;
            if height > best.1 {
                best = ((col + right, row + down), height);
            }
        }
    }
    best.0
}

fn sum(values: &[Complex], turns: &[Complex]) -> Complex {
    let add = |sum: Complex, one: Complex| Complex { re: sum.re + one.re, im: sum.im + one.im };
    values.iter().zip(turns).map(|(value, turn)| value.times(*turn)).fold(Complex::default(), add)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Smooth ground with detail at many scales, brighter and with less contrast in `dim` light.
    fn window(right: f64, down: f64, dim: bool) -> Grey {
        const SIDE: usize = 64;
        let corner = |x: f64, y: f64, scale: f64| {
            let mix = (x * 12.9898 + y * 78.233 + scale * 37.719).sin() * 43_758.545_3;
            mix - mix.floor()
        };
        let noise = |x: f64, y: f64, scale: f64| {
            let (x, y) = (x / scale, y / scale);
            let soft = |t: f64| t * t * (3.0 - 2.0 * t);
            let (s, t) = (soft(x - x.floor()), soft(y - y.floor()));
            let at = |dx: f64, dy: f64| corner(x.floor() + dx, y.floor() + dy, scale);
            (at(0.0, 0.0) * (1.0 - s) + at(1.0, 0.0) * s) * (1.0 - t)
                + (at(0.0, 1.0) * (1.0 - s) + at(1.0, 1.0) * s) * t
        };
        let ground = |x: f64, y: f64| -> f64 { [3.0, 5.0, 11.0, 23.0].iter().map(|scale| noise(x, y, *scale)).sum() };
        let value = |at: usize| ground((at % SIDE) as f64 - right, (at / SIDE) as f64 - down);
        let light = if dim { (0.3, 9.0) } else { (1.0, 0.0) };
        let values = (0..SIDE * SIDE).map(|at| value(at) * light.0 + light.1).collect();
        Grey { side: SIDE, values }
    }

    #[test]
    fn a_shift_is_found_to_a_tenth_of_a_pixel_in_any_light() {
        for (right, down) in [(0.0, 0.0), (0.5, -0.25), (3.3, 1.75), (-6.4, 4.1)] {
            let found = correlate(&window(0.0, 0.0, false), &window(right, down, true));
            assert!((found.right - right).abs() < 0.1 && (found.down - down).abs() < 0.1, "{right} {down}: {found:?}");
            assert!(found.strength > 1.3, "{found:?}");
        }
    }

    #[test]
    fn pictures_of_different_places_have_no_peak() {
        let far = correlate(&window(0.0, 0.0, false), &window(4000.0, 777.0, false));
        assert!(far.strength < 1.3, "{far:?}");
    }
}
