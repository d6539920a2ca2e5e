//! Seeded value noise and cell noise: the grain of fields, rubble and clouds. Pure, and the same on every run.

/// A well mixed number from a place on a grid and a seed (multiply-xorshift, after Wang's integer hash, 1997).
#[inline]
pub fn hash(x: i32, y: i32, seed: u32) -> u32 {
    let mut h =
        (x as u32).wrapping_mul(0x85eb_ca6b) ^ (y as u32).wrapping_mul(0xc2b2_ae35) ^ seed.wrapping_mul(0x27d4_eb2f);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    h ^ (h >> 15)
}

/// The same as a number from 0 to 1.
#[inline]
pub fn unit(x: i32, y: i32, seed: u32) -> f32 {
    (hash(x, y, seed) >> 8) as f32 / 16_777_216.0
}

/// Smooth noise from 0 to 1 with features of size 1 (value noise; Perlin's fade curve of 1985).
#[inline]
pub fn value(x: f32, y: f32, seed: u32) -> f32 {
    let (fx, fy) = (x.floor(), y.floor());
    let (ix, iy) = (fx as i32, fy as i32);
    let fade = |t: f32| t * t * (3.0 - 2.0 * t);
    let (sx, sy) = (fade(x - fx), fade(y - fy));
    let top = unit(ix, iy, seed) * (1.0 - sx) + unit(ix + 1, iy, seed) * sx;
    let bottom = unit(ix, iy + 1, seed) * (1.0 - sx) + unit(ix + 1, iy + 1, seed) * sx;
    top * (1.0 - sy) + bottom * sy
}

/// Noise with detail from 0 to 1: octaves of halving size and strength (fractional Brownian motion).
#[inline]
pub fn fractal(x: f32, y: f32, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut weight, mut total, mut scale) = (0.0, 1.0, 0.0, 1.0);
    for octave in 0..octaves {
        sum += weight * value(x * scale, y * scale, seed.wrapping_add(octave * 101));
        total += weight;
        weight *= 0.5;
        scale *= 2.03;
    }
    sum / total
}

/// The stone that a place belongs to in a field of stones of size 1: `(distance to its middle, a number of its own)`
/// (cellular noise, Worley 1996).
#[inline]
pub fn stone(x: f32, y: f32, seed: u32) -> (f32, f32) {
    let (ix, iy) = (x.floor() as i32, y.floor() as i32);
    let mut nearest = (f32::MAX, 0.0);
    for (cx, cy) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (ix + dx, iy + dy))) {
        let (px, py) = (cx as f32 + unit(cx, cy, seed), cy as f32 + unit(cx, cy, seed ^ 0x55));
        let distance = (px - x) * (px - x) + (py - y) * (py - y);
        if distance < nearest.0 {
            nearest = (distance, unit(cx, cy, seed ^ 0xaa));
        }
    }
    (nearest.0.sqrt(), nearest.1)
}

/// 0 below `low`, 1 above `high`, smooth between.
#[inline]
pub fn step(low: f32, high: f32, v: f32) -> f32 {
    let t = ((v - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
