//! The picture being drawn: linear colour values as floats, painted by coverage so that edges are smooth.

use super::noise::unit;

/// A colour, 0 to 255 per channel, fractions allowed.
pub type Colour = [f32; 3];

/// Side of a pixel, metres.
pub const PIXEL_M: f32 = 0.5;

/// Mixes two colours; `t` is the share of the second.
#[inline]
pub fn mix(a: Colour, b: Colour, t: f32) -> Colour {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

/// Brightens or darkens a colour.
#[inline]
pub fn scale(a: Colour, by: f32) -> Colour {
    a.map(|v| v * by)
}

/// How much of a pixel lies inside an edge at a signed distance of `d` metres (negative is inside).
#[inline]
pub fn cover(d: f32) -> f32 {
    (0.5 - d / PIXEL_M).clamp(0.0, 1.0)
}

/// A square picture with its origin in the upper left corner; x grows to the east, y to the south, in metres.
pub struct Canvas {
    /// Pixels along one side.
    pub side: usize,
    /// The pixels, row by row.
    pub pixels: Vec<Colour>,
}

impl Canvas {
    /// Calls `paint(pixel, x, y)` with the middle of every pixel within `reach` metres of a place.
    pub fn around(&mut self, x: f32, y: f32, reach: f32, mut paint: impl FnMut(&mut Colour, f32, f32)) {
        let limit = |v: f32| (v / PIXEL_M).clamp(0.0, self.side as f32) as usize;
        let (left, right) = (limit(x - reach), limit(x + reach + PIXEL_M));
        for row in limit(y - reach)..limit(y + reach + PIXEL_M) {
            let py = (row as f32 + 0.5) * PIXEL_M;
            let line = &mut self.pixels[row * self.side..(row + 1) * self.side];
            for (col, pixel) in line[left..right].iter_mut().enumerate() {
                paint(pixel, ((left + col) as f32 + 0.5) * PIXEL_M, py);
            }
        }
    }

    /// What a sensor makes of it: slightly unsharp, hazy, tinted, noisy; then 8 bits, red, green, blue.
    pub fn develop(&self, look: &Look) -> Vec<u8> {
        let side = self.side;
        let mut bytes = Vec::with_capacity(side * side * 3);
        let row_of = |row: usize| &self.pixels[row * side..(row + 1) * side];
        for row in 0..side {
            let (above, here, below) = (row_of(row.saturating_sub(1)), row_of(row), row_of((row + 1).min(side - 1)));
            for col in 0..side {
                let (left, right) = (col.saturating_sub(1), (col + 1).min(side - 1));
                let grey = (here[col][0] + here[col][1] * 2.0 + here[col][2]) * 0.25;
                for channel in 0..3 {
                    let cross = above[col][channel] + below[col][channel] + here[left][channel] + here[right][channel];
                    let sharp = here[col][channel] * 0.56 + cross * 0.11;
                    let grain = (unit(col as i32, row as i32, look.seed + channel as u32) - 0.5) * look.noise
                        + (unit(col as i32, row as i32, look.seed + 7) - 0.5) * look.noise;
                    let pale = sharp + (grey - sharp) * 0.17;
                    let value = (pale * look.gain[channel] - 110.0) * look.contrast + 110.0;
                    let hazy = value + (look.haze[channel] - value) * look.haze_share;
                    bytes.push((hazy + grain + 0.5).clamp(1.0, 255.0) as u8);
                }
            }
        }
        bytes
    }
}

/// How one acquisition differs from another.
pub struct Look {
    /// Brightness per channel, around 1.
    pub gain: Colour,
    /// Contrast around middle grey, around 1.
    pub contrast: f32,
    /// Colour of the haze.
    pub haze: Colour,
    /// Share of haze, 0 to 1.
    pub haze_share: f32,
    /// Width of the noise, levels.
    pub noise: f32,
    /// Seed of the noise.
    pub seed: u32,
}
