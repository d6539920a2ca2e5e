//! Bilinear samples of a picture that is valid everywhere, in whole numbers: an eighth of what floating point takes.
//!
//! A place has 32 binary digits after the point, a weight 14, and the four weights of a sample add up to exactly one, so
//! that flat colours stay what they are. Beside floating point a level is off by one at most, where it is rounded.

use super::source::Pixels;

/// Binary digits of a weight.
const WEIGHT: u32 = 14;

/// Samples along a straight line: where the first lies, in pixels from the middle of the first pixel, and the steps to
/// the next one.
#[derive(Debug, Clone, Copy)]
pub struct Walk {
    x: u64,
    y: u64,
    right: u64,
    down: u64,
}

impl Walk {
    /// From the first place (column, row) with a step from sample to sample; no place may be negative.
    pub fn new(first: (f64, f64), step: (f64, f64)) -> Walk {
        // Steps may be negative: in two's complement adding one of them wraps around to the right sum.
        let fixed = |value: f64| (value * (1u64 << 32) as f64) as i64 as u64;
        Walk { x: fixed(first.0), y: fixed(first.1), right: fixed(step.0), down: fixed(step.1) }
    }

    #[inline(always)]
    fn go(&mut self) {
        self.x = self.x.wrapping_add(self.right);
        self.y = self.y.wrapping_add(self.down);
    }
}

/// Draws a row of tile pixels (four bytes each). Each is the mean of `across` samples of every walk; all samples must lie
/// between the middles of the outermost pixels. What would lie outside is black.
pub fn draw(pixels: &Pixels, walks: &mut [Walk], across: u32, row: &mut [u8]) {
    match pixels.stride {
        3 => draw_row::<3, 6>(pixels, walks, across, row),
        _ => draw_row::<4, 8>(pixels, walks, across, row),
    }
}

/// `PAIR` bytes are two pixels of `STRIDE` bytes.
fn draw_row<const STRIDE: usize, const PAIR: usize>(pixels: &Pixels, walks: &mut [Walk], across: u32, row: &mut [u8]) {
    let (data, width) = (pixels.data.as_slice(), pixels.width as usize);
    if let ([walk], 1) = (&mut *walks, across) {
        for pixel in row.chunks_exact_mut(4) {
            let half = 1 << (WEIGHT - 1);
            let [r, g, b] =
                sample::<STRIDE, PAIR>(data, width, walk).map(|sum| (sum.wrapping_add(half) >> WEIGHT) as u8);
            pixel.copy_from_slice(&[r, g, b, 255]);
            walk.go();
        }
        return;
    }
    let share = 1.0 / ((across as usize * walks.len()) as f32 * (1 << WEIGHT) as f32);
    for pixel in row.chunks_exact_mut(4) {
        // At most 16 x 16 samples of 22 bits: no sum overflows.
        let mut sums = [0i32; 3];
        for walk in &mut *walks {
            for _ in 0..across {
                for (sum, level) in sums.iter_mut().zip(sample::<STRIDE, PAIR>(data, width, walk)) {
                    *sum = sum.wrapping_add(level);
                }
                walk.go();
            }
        }
        let [r, g, b] = sums.map(|sum| (sum as f32 * share + 0.5) as u8);
        pixel.copy_from_slice(&[r, g, b, 255]);
    }
}

/// Red, green and blue at a place, times `1 << WEIGHT`. Arithmetic is wrapping because checks would double the time; by
/// the size of the numbers nothing wraps, and a place outside gives black.
#[inline(always)]
fn sample<const STRIDE: usize, const PAIR: usize>(data: &[u8], width: usize, walk: &Walk) -> [i32; 3] {
    let (col, row) = ((walk.x >> 32) as usize, (walk.y >> 32) as usize);
    let at = row.wrapping_mul(width).wrapping_add(col).wrapping_mul(STRIDE);
    let below = at.wrapping_add(width.wrapping_mul(STRIDE));
    let pair = |at: usize| data.get(at..).and_then(|rest| rest.first_chunk::<PAIR>());
    let (Some(top), Some(low)) = (pair(at), pair(below)) else { return [0; 3] };
    let (fx, fy) = ((walk.x as u32 >> (32 - WEIGHT)) as i32, (walk.y as u32 >> (32 - WEIGHT)) as i32);
    let both = fx.wrapping_mul(fy) >> WEIGHT;
    let (right, down) = (fx.wrapping_sub(both), fy.wrapping_sub(both));
    let here = (1 << WEIGHT) - fx.wrapping_add(down);
    let times = |level: u8, weight: i32| i32::from(level).wrapping_mul(weight);
    std::array::from_fn(|band| {
        let above = times(top[band], here).wrapping_add(times(top[band + STRIDE], right));
        above.wrapping_add(times(low[band], down)).wrapping_add(times(low[band + STRIDE], both))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(stride: usize, level: impl Fn(usize, usize) -> u8) -> Pixels {
        let data = (0..20 * 10 * stride).map(|at| level(at / stride, at % stride)).collect();
        Pixels { width: 20, height: 10, stride, opaque: true, data }
    }

    #[test]
    fn a_flat_colour_stays_what_it_is_wherever_it_is_sampled() {
        for stride in [3, 4] {
            let flat = picture(stride, |_, band| [255, 254, 1, 77][band]);
            for across in [1, 3, 16] {
                let mut row = [0; 8 * 4];
                let step = (0.123 / f64::from(across), 0.0371 / f64::from(across));
                let mut walks = vec![Walk::new((3.3, 2.7), step); across as usize];
                draw(&flat, &mut walks, across, &mut row);
                assert!(row.chunks(4).all(|pixel| pixel == [255, 254, 1, 255]), "{stride} {across} {row:?}");
            }
        }
    }

    #[test]
    fn a_sample_between_pixels_is_their_mean_by_nearness() {
        let steps = picture(3, |pixel, _| (pixel % 20 * 10 + pixel / 20) as u8);
        let mut row = [0; 4 * 4];
        draw(&steps, &mut [Walk::new((4.0, 2.0), (0.25, 1.0))], 1, &mut row);
        // Ten levels for a column and one for a row: 42, 45.5, 49, 52.5.
        assert_eq!([row[0], row[4], row[8], row[12]], [42, 46, 49, 53]);
        draw(&steps, &mut [Walk::new((4.0, 2.0), (-0.25, 0.0)); 2], 2, &mut row);
        assert_eq!([row[0], row[4]], [41, 36], "the mean of 42 and 39.5; to the left from there");
    }

    #[test]
    fn what_lies_outside_is_black_and_no_crash() {
        let flat = picture(4, |_, _| 200);
        let mut row = [9; 2 * 4];
        draw(&flat, &mut [Walk::new((18.5, 9.5), (1e6, 1e9))], 1, &mut row);
        assert_eq!(row, [0, 0, 0, 255, 0, 0, 0, 255]);
    }
}
