//! The Fourier transform of small squares: radix 2 (Cooley and Tukey 1965), in place.

use std::f64::consts::TAU;

/// A complex number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Complex {
    /// Real part.
    pub re: f64,
    /// Imaginary part.
    pub im: f64,
}

impl Complex {
    /// The number of length 1 at this angle.
    pub fn at_angle(angle: f64) -> Complex {
        Complex { re: angle.cos(), im: angle.sin() }
    }

    /// The product with another.
    pub fn times(self, other: Complex) -> Complex {
        Complex { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    /// The same with the imaginary part turned round.
    pub fn conjugate(self) -> Complex {
        Complex { re: self.re, im: -self.im }
    }
}

/// Transforms one line whose length is a power of two; `sign` is -1 forwards, 1 backwards (without the division).
fn line(data: &mut [Complex], sign: f64) {
    let count = data.len();
    let bits = count.trailing_zeros();
    for at in 0..count {
        let other = at.reverse_bits() >> (usize::BITS - bits);
        if other > at {
            data.swap(at, other);
        }
    }
    let mut half = 1;
    while half < count {
        let turns: Vec<Complex> =
            (0..half).map(|k| Complex::at_angle(sign * TAU * k as f64 / (2 * half) as f64)).collect();
        for block in data.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for ((a, b), turn) in low.iter_mut().zip(high).zip(&turns) {
                let (even, odd) = (*a, b.times(*turn));
                *a = Complex { re: even.re + odd.re, im: even.im + odd.im };
                *b = Complex { re: even.re - odd.re, im: even.im - odd.im };
            }
        }
        half *= 2;
    }
}

fn turn_over(data: &mut [Complex], side: usize) {
    for row in 0..side {
        for col in row + 1..side {
            data.swap(row * side + col, col * side + row);
        }
    }
}

/// Transforms a square of `side * side` numbers, row by row; `side` must be a power of two of at least 2.
pub fn square(data: &mut [Complex], side: usize, backwards: bool) {
    let sign = if backwards { 1.0 } else { -1.0 };
    for _ in 0..2 {
        data.chunks_exact_mut(side).for_each(|row| line(row, sign));
        turn_over(data, side);
    }
}

/// The frequency of a place in a transform of this length, turns per sample: -1/2 to 1/2.
pub fn frequency(place: usize, side: usize) -> f64 {
    let place = if place < side.div_ceil(2) { place as f64 } else { place as f64 - side as f64 };
    place / side as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_one_number_and_comes_back() {
        const SIDE: usize = 16;
        let wave = |col: usize, row: usize| Complex::at_angle(TAU * (3.0 * col as f64 - 2.0 * row as f64) / 16.0);
        let picture: Vec<Complex> = (0..SIDE * SIDE).map(|at| wave(at % SIDE, at / SIDE)).collect();
        let mut data = picture.clone();
        square(&mut data, SIDE, false);
        for (at, value) in data.iter().enumerate() {
            // 3 turns along a row, and -2 turns along a column.
            let wanted = if at == 14 * SIDE + 3 { 256.0 } else { 0.0 };
            assert!((value.re - wanted).abs() < 1e-9 && value.im.abs() < 1e-9, "{at}: {value:?}");
        }
        square(&mut data, SIDE, true);
        assert!(data.iter().zip(&picture).all(|(a, b)| (a.re / 256.0 - b.re).abs() < 1e-12));
        assert_eq!((frequency(3, SIDE), frequency(14, SIDE)), (3.0 / 16.0, -2.0 / 16.0));
    }
}
