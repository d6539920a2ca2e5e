//! The land without buildings: fields with furrows, yards, streets, the river; and what stands on it loosely.

use super::building::Sun;
use super::canvas::{Canvas, Colour, PIXEL_M, cover, mix, scale};
use super::noise::{fractal, hash, step, unit, value};
use super::plan::{Plan, Strike, Tree};

/// Paints the ground. `season` is 0 in spring and 1 in autumn.
pub fn draw_ground(plan: &Plan, season: f32) -> Canvas {
    let side = (plan.size / PIXEL_M).round() as usize;
    let mut pixels = Vec::with_capacity(side * side);
    for row in 0..side {
        for col in 0..side {
            pixels.push(ground(plan, (col as f32 + 0.5) * PIXEL_M, (row as f32 + 0.5) * PIXEL_M, season));
        }
    }
    Canvas { side, pixels }
}

fn ground(plan: &Plan, x: f32, y: f32, season: f32) -> Colour {
    let seed = plan.seed;
    let river = plan.river(x, y);
    if river < -PIXEL_M {
        return water(plan, x, y, river);
    }
    let border = plan.border(x, y) + (value(x / 9.0, y / 9.0, seed ^ 21) - 0.5) * 16.0;
    let town = 1.0 - step(-5.0, 5.0, border);
    let mut colour = match town {
        0.0 => field(plan, x, y, season),
        1.0 => yard(plan, x, y, season),
        _ => mix(field(plan, x, y, season), yard(plan, x, y, season), town),
    };
    let bank = 1.0 - step(1.0, 13.0, river + (value(x / 6.0, y / 6.0, seed ^ 22) - 0.5) * 8.0);
    colour =
        mix(colour, mix([104.0, 112.0, 70.0], [150.0, 138.0, 110.0], value(x / 5.0, y / 5.0, seed ^ 23)), bank * 0.85);
    colour = streets(plan, x, y, colour);
    let grain = 0.9 + 0.2 * fractal(x / 1.6, y / 1.6, 2, seed ^ 24);
    mix(scale(colour, grain), water(plan, x, y, river), cover(river))
}

fn water(plan: &Plan, x: f32, y: f32, river: f32) -> Colour {
    let (_, road) = plan.ways(x, y);
    if road < 0.5 {
        // The bridge: a light deck with darker rails.
        return if road > -0.6 { [196.0, 192.0, 184.0] } else { [132.0, 129.0, 125.0] };
    }
    let ripple = 0.94 + 0.12 * fractal(x / 5.0, y / 2.2, 2, plan.seed ^ 31);
    scale(mix([84.0, 96.0, 84.0], [48.0, 68.0, 72.0], step(0.0, 7.0, -river)), ripple)
}

fn streets(plan: &Plan, x: f32, y: f32, ground: Colour) -> Colour {
    let (street, road) = plan.ways(x, y);
    let mut colour = ground;
    if street < 2.0 {
        let dirt = step(0.5, 0.68, value(x / 60.0, y / 60.0, plan.seed ^ 41));
        let surface = mix([126.0, 124.0, 121.0], [158.0, 145.0, 122.0], dirt);
        let patched = scale(surface, 0.93 + 0.14 * fractal(x / 6.0, y / 6.0, 2, plan.seed ^ 42));
        colour = mix(colour, [182.0, 174.0, 160.0], cover(street - 1.3) * (0.75 - 0.5 * dirt));
        colour = mix(colour, patched, cover(street));
    }
    if road < 3.0 {
        colour = mix(colour, [180.0, 167.0, 144.0], (1.0 - step(0.2, 2.6, road)) * 0.8);
        colour = mix(
            colour,
            scale([108.0, 107.0, 106.0], 0.95 + 0.1 * value(x / 3.0, y / 3.0, plan.seed ^ 43)),
            cover(road),
        );
        let (u, v) = plan.frame(x, y);
        let (off, along) = if u.abs() < v.abs() { (u + (v / 120.0).sin() * 1.5, v) } else { (v, u) };
        let crossing = u.abs() < 7.0 && v.abs() < 7.0;
        if !crossing && (along / 9.0).rem_euclid(1.0) < 0.45 {
            colour = mix(colour, [214.0, 212.0, 204.0], cover(off.abs() - 0.18) * 0.8);
        }
    }
    colour
}

fn yard(plan: &Plan, x: f32, y: f32, season: f32) -> Colour {
    let seed = plan.seed;
    let (u, v) = plan.frame(x, y);
    let plot = (unit((u / 19.0).floor() as i32, (v / 22.0).floor() as i32, seed ^ 51) - 0.5) * 0.22;
    let green = step(0.42, 0.66, fractal(x / 13.0, y / 13.0, 3, seed ^ 52) + plot);
    let grass = mix([112.0, 122.0, 74.0], [150.0, 140.0, 98.0], season);
    scale(mix([181.0, 166.0, 140.0], grass, green), 1.0 + plot * 0.5)
}

/// One parcel of the land around the town.
fn field(plan: &Plan, x: f32, y: f32, season: f32) -> Colour {
    let seed = plan.seed;
    let (u, v) = (x * 0.94 - y * 0.34, x * 0.34 + y * 0.94);
    let row = (v / 88.0).floor();
    let width = 74.0 + 60.0 * unit(row as i32, 9, seed);
    let shifted = u + unit(row as i32, 1, seed) * 300.0;
    let col = (shifted / width).floor();
    let own = hash(row as i32, col as i32, seed ^ 61);
    let (pu, pv) = (shifted - col * width, v - row * 88.0);
    let edge = pu.min(width - pu).min(pv).min(88.0 - pv);
    let (along, across) = if own & 1 == 0 { (pu, pv) } else { (pv, pu) };
    let soil = crop(own, season, fractal(x / 26.0, y / 26.0, 3, seed ^ 62));
    let period = 2.6 + (own >> 9 & 3) as f32 * 0.7;
    let wobble = value(along / 30.0, across / 12.0, own) * 2.0;
    let furrow = ((across + wobble) / period * std::f32::consts::TAU).sin() * soil.1;
    let mut colour = scale(soil.0, 1.0 + furrow + 0.16 * (fractal(x / 8.0, y / 8.0, 2, own) - 0.5));
    if own >> 4 & 7 == 0 {
        colour = orchard(colour, pu, pv, own);
    }
    let hedge = own >> 12 & 3 == 0;
    let margin = if hedge { [74.0, 88.0, 52.0] } else { [168.0, 154.0, 124.0] };
    mix(colour, scale(margin, 0.85 + 0.3 * value(x / 2.5, y / 2.5, seed ^ 63)), 1.0 - step(0.8, 2.2, edge))
}

/// Colour of a crop and depth of its furrows.
fn crop(own: u32, season: f32, patch: f32) -> (Colour, f32) {
    let (spring, autumn, depth): (Colour, Colour, f32) = match own >> 16 & 7 {
        0 | 1 => ([118.0, 132.0, 72.0], [178.0, 160.0, 112.0], 0.05),
        2 => ([142.0, 116.0, 88.0], [122.0, 128.0, 76.0], 0.10),
        3 => ([156.0, 132.0, 102.0], [164.0, 142.0, 110.0], 0.12),
        4 => ([96.0, 122.0, 66.0], [104.0, 118.0, 66.0], 0.05),
        5 => ([150.0, 148.0, 96.0], [190.0, 172.0, 124.0], 0.04),
        _ => ([134.0, 128.0, 90.0], [160.0, 146.0, 108.0], 0.03),
    };
    (scale(mix(spring, autumn, season), 0.88 + 0.24 * patch), depth)
}

fn orchard(ground: Colour, u: f32, v: f32, own: u32) -> Colour {
    let (cu, cv) = ((u / 6.0).floor(), (v / 6.0).floor());
    let jitter = |k: u32| (unit(cu as i32, cv as i32, own ^ k) - 0.5) * 1.2;
    let (du, dv) = (u - (cu + 0.5) * 6.0 - jitter(1), v - (cv + 0.5) * 6.0 - jitter(2));
    let shaded = mix(ground, scale(ground, 0.6), cover((du + 1.0).hypot(dv + 1.0) - 1.9));
    mix(shaded, scale([74.0, 90.0, 50.0], 1.0 + (du + dv) * 0.07), cover(du.hypot(dv) - 1.9))
}

/// Marks the shade of a tree: from under the crown to where its top throws it.
pub fn shade_tree(shadow: &mut Canvas, tree: &Tree, sun: Sun) {
    let height = tree.radius * 1.1;
    let (dx, dy) = (-sun[0] / sun[2] * height, -sun[1] / sun[2] * height);
    shadow.around(tree.x + dx / 2.0, tree.y + dy / 2.0, tree.radius * 2.2, |pixel, x, y| {
        let (px, py) = (x - tree.x, y - tree.y);
        let along = ((px * dx + py * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
        let ragged = (value(x / 1.2, y / 1.2, 17) - 0.5) * tree.radius * 0.5;
        let distance = (px - dx * along).hypot(py - dy * along) - tree.radius * 0.85 + ragged;
        pixel[0] = pixel[0].max(cover(distance * 0.6) * 0.8);
    });
}

/// Draws the crown of a tree: clumps, bright towards the sun.
pub fn draw_tree(canvas: &mut Canvas, tree: &Tree, sun: Sun, season: f32, seed: u32) {
    let own = hash((tree.x * 8.0) as i32, (tree.y * 8.0) as i32, seed);
    let tone = (own & 255) as f32 / 255.0;
    let leaf = mix(mix([66.0, 84.0, 46.0], [92.0, 104.0, 60.0], tone), [104.0, 104.0, 62.0], season * 0.35);
    canvas.around(tree.x, tree.y, tree.radius * 1.3 + 1.0, |pixel, x, y| {
        let (dx, dy) = ((x - tree.x) / tree.radius, (y - tree.y) / tree.radius);
        let clump = fractal(x / 1.7, y / 1.7, 2, own);
        let covered = cover((dx.hypot(dy) - 0.72 - 0.5 * (clump - 0.3)) * tree.radius);
        let light = 0.86 + (dx * sun[0] + dy * sun[1]) * 0.34 + (clump - 0.5) * 0.6;
        *pixel = mix(*pixel, scale(leaf, light), covered);
    });
}

/// Draws the crater of a hit: a dark bowl, a bright rim, thrown-out earth.
pub fn draw_crater(canvas: &mut Canvas, strike: &Strike, seed: u32) {
    let radius = 2.4 + 2.2 * unit(strike.x as i32, strike.y as i32, seed);
    canvas.around(strike.x, strike.y, radius * 4.5, |pixel, x, y| {
        let angle = (y - strike.y).atan2(x - strike.x);
        let rays = value(angle * 2.4 + 9.0, 1.0, seed ^ strike.x as u32);
        let distance = (x - strike.x).hypot(y - strike.y) + (fractal(x / 2.0, y / 2.0, 2, seed) - 0.5) * 2.0;
        *pixel = mix(*pixel, [150.0, 132.0, 108.0], (1.0 - step(radius, radius * (2.2 + 2.0 * rays), distance)) * 0.7);
        *pixel = mix(*pixel, [70.0, 60.0, 50.0], 1.0 - step(radius * 0.5, radius, distance));
    });
}

/// Parks and drives cars on the streets, others at each date.
pub fn draw_cars(canvas: &mut Canvas, plan: &Plan, date: usize) {
    const PAINT: [Colour; 6] = [
        [226.0, 226.0, 224.0],
        [60.0, 62.0, 66.0],
        [150.0, 44.0, 40.0],
        [72.0, 92.0, 128.0],
        [190.0, 188.0, 182.0],
        [120.0, 112.0, 96.0],
    ];
    let seed = plan.seed ^ (date as u32 + 1).wrapping_mul(977);
    for number in 0..(plan.size * 0.5) as i32 {
        let pick = |k: i32| unit(number, k, seed);
        let along_u = pick(0) < 0.5;
        let lines = if along_u { &plan.lanes } else { &plan.avenues };
        let line = lines[(pick(1) * lines.len() as f32) as usize % lines.len()];
        let at = (pick(2) - 0.5) * plan.size;
        let side = if pick(3) < 0.5 { -1.9 } else { 1.9 };
        let (x, y) = if along_u { plan.place(at, line + side) } else { plan.place(line + side, at) };
        if plan.ways(x, y).0.min(plan.ways(x, y).1) > -0.4 || plan.river(x, y) < 3.0 {
            continue;
        }
        let (cu, cv) = plan.frame(x, y);
        let paint = PAINT[(pick(4) * 6.0) as usize % 6];
        canvas.around(x, y, 3.4, |pixel, px, py| {
            let (u, v) = plan.frame(px, py);
            let (du, dv) = if along_u { (u - cu, v - cv) } else { (v - cv, u - cu) };
            let distance = |du: f32, dv: f32| (du.abs() - 2.1).max(dv.abs() - 0.85);
            *pixel = mix(*pixel, scale(*pixel, 0.5), cover(distance(du + 0.5, dv + 0.6)) * 0.8);
            *pixel = mix(*pixel, paint, cover(distance(du, dv)));
            *pixel = mix(*pixel, [52.0, 58.0, 64.0], cover((du - 0.5).abs().max(dv.abs()) - 0.55) * 0.7);
        });
    }
}
