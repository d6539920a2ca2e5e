//! One building: its outline, its roof, and what a hit leaves of it.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::canvas::{Canvas, Colour, cover, mix, scale};
use super::noise::{fractal, step, unit, value};

/// The shape of a roof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roof {
    /// Two slopes.
    Gable,
    /// Four slopes.
    Hip,
    /// Concrete with a parapet and small things on top.
    Flat,
    /// Ribbed metal over a large hall.
    Hall,
}

/// What happens to a building; the number is the place of the first date that shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing.
    Intact,
    /// Part of the roof is gone.
    Damaged(usize),
    /// Rubble.
    Destroyed(usize),
}

/// How a building stands at one date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Whole.
    Whole,
    /// Part of the roof is gone.
    Holed,
    /// Rubble.
    Rubble,
}

impl Fate {
    /// The condition at a date, by the date's place.
    pub fn at(self, date: usize) -> Condition {
        match self {
            Fate::Damaged(from) if date >= from => Condition::Holed,
            Fate::Destroyed(from) if date >= from => Condition::Rubble,
            _ => Condition::Whole,
        }
    }
}

/// Where the sun stands: a unit vector to it (x east, y south, z up).
pub type Sun = [f32; 3];

/// A rectangle, perhaps with a wing; lengths in metres.
pub struct Building {
    /// Middle of the main part, to the east.
    pub x: f32,
    /// Middle of the main part, to the south.
    pub y: f32,
    pub(super) turn: (f32, f32),
    pub(super) half: (f32, f32),
    pub(super) wing: Option<(f32, f32)>,
    /// Height of the eaves.
    pub height: f32,
    roof: Roof,
    pub(super) colour: Colour,
    pub(super) seed: u32,
    /// What happens to it.
    pub fate: Fate,
}

const TILES: [Colour; 5] =
    [[172.0, 98.0, 72.0], [156.0, 82.0, 62.0], [186.0, 118.0, 88.0], [128.0, 86.0, 70.0], [118.0, 112.0, 110.0]];
const CONCRETE: [Colour; 4] =
    [[206.0, 198.0, 184.0], [188.0, 182.0, 172.0], [224.0, 219.0, 209.0], [172.0, 160.0, 144.0]];
const METAL: [Colour; 4] = [[128.0, 146.0, 166.0], [182.0, 187.0, 190.0], [148.0, 156.0, 150.0], [150.0, 112.0, 94.0]];

impl Building {
    /// A building with a roof of some colour, and a wing where it is a house with room for one.
    pub fn new(rng: &mut ChaCha8Rng, at: (f32, f32), turn: (f32, f32), half: (f32, f32), roof: Roof) -> Building {
        let palette: &[Colour] = match roof {
            Roof::Gable | Roof::Hip => &TILES,
            Roof::Flat => &CONCRETE,
            Roof::Hall => &METAL,
        };
        let colour = scale(palette[rng.random_range(0..palette.len())], rng.random_range(0.92..1.08));
        let house = matches!(roof, Roof::Flat | Roof::Hip) && half.0 > 6.0 && half.1 < 8.0;
        let wing = (house && rng.random_range(0..100) < 40)
            .then(|| (half.0 * rng.random_range(0.7..1.0), rng.random_range(3.0..5.5)));
        let height = match roof {
            Roof::Hall => rng.random_range(7.0..9.0),
            Roof::Flat if half.1 > 9.0 => rng.random_range(11.0..16.0),
            _ => rng.random_range(3.6..7.0),
        };
        Building { x: at.0, y: at.1, turn, half, wing, height, roof, colour, seed: rng.random(), fate: Fate::Intact }
    }

    pub(super) fn local(&self, x: f32, y: f32) -> (f32, f32) {
        let (dx, dy) = (x - self.x, y - self.y);
        (dx * self.turn.0 + dy * self.turn.1, dy * self.turn.0 - dx * self.turn.1)
    }

    pub(super) fn local_distance(&self, u: f32, v: f32) -> f32 {
        let main = box_distance(u, v, self.half);
        let Some((width, depth)) = self.wing else { return main };
        // The wing reaches into the main part, so that the seam leaves no gap.
        let (half_u, half_v) = (width / 2.0, (depth + self.half.1) / 2.0);
        main.min(box_distance(u - (self.half.0 - half_u), v - half_v, (half_u, half_v)))
    }

    /// Distance to the outline, negative inside.
    pub fn distance(&self, x: f32, y: f32) -> f32 {
        let (u, v) = self.local(x, y);
        self.local_distance(u, v)
    }

    /// The corners of the outline, in order, not closed.
    pub fn outline(&self) -> Vec<(f32, f32)> {
        let (a, b) = self.half;
        let corners = match self.wing {
            None => vec![(-a, -b), (a, -b), (a, b), (-a, b)],
            Some((w, d)) => {
                let far = b + d;
                vec![(-a, -b), (a, -b), (a, far), (a - w, far), (a - w, b), (-a, b)]
            }
        };
        let place = |(u, v): (f32, f32)| {
            (self.x + u * self.turn.0 - v * self.turn.1, self.y + u * self.turn.1 + v * self.turn.0)
        };
        corners.into_iter().map(place).collect()
    }

    pub(super) fn reach(&self) -> f32 {
        self.half.0 + self.half.1 + self.wing.map_or(0.0, |wing| wing.1)
    }

    /// Marks where the building keeps the sun off the ground: `shadow` gets 1 in full shade.
    pub fn cast_shadow(&self, shadow: &mut Canvas, sun: Sun, condition: Condition) {
        let height = match condition {
            Condition::Whole => {
                self.height + if self.roof == Roof::Gable || self.roof == Roof::Hip { 1.2 } else { 0.0 }
            }
            Condition::Holed => self.height * 0.8,
            Condition::Rubble => return,
        };
        let length = height * sun[0].hypot(sun[1]) / sun[2];
        let (dx, dy) = (sun[0] / sun[2] * height, sun[1] / sun[2] * height);
        let steps = (length / 0.6).ceil().max(1.0);
        shadow.around(self.x - dx / 2.0, self.y - dy / 2.0, self.reach() + length / 2.0, |pixel, x, y| {
            let mut nearest = f32::MAX;
            for at in 0..=steps as usize {
                let t = at as f32 / steps;
                nearest = nearest.min(self.distance(x + dx * t, y + dy * t));
            }
            pixel[0] = pixel[0].max(cover(nearest));
        });
    }

    /// Draws what is left of the building.
    pub fn draw(&self, canvas: &mut Canvas, sun: Sun, condition: Condition) {
        canvas.around(self.x, self.y, self.reach() + 5.0, |pixel, x, y| {
            let (u, v) = self.local(x, y);
            let distance = self.local_distance(u, v);
            match condition {
                Condition::Whole => {
                    let covered = cover(distance);
                    if covered > 0.0 {
                        *pixel = mix(*pixel, self.roof_colour(u, v, sun), covered);
                    }
                }
                Condition::Holed => {
                    let covered = cover(distance);
                    if covered > 0.0 {
                        *pixel = mix(*pixel, self.broken_roof(u, v, (x, y), sun), covered);
                    }
                }
                Condition::Rubble => {
                    let ragged = distance + (fractal(x / 2.6, y / 2.6, 3, self.seed ^ 4) - 0.5) * 7.0 - 1.2;
                    let covered = 1.0 - step(-0.6, 0.8, ragged);
                    if covered > 0.0 {
                        *pixel = mix(*pixel, self.rubble(x, y, distance, sun), covered);
                    }
                }
            }
        });
    }

    pub(super) fn roof_colour(&self, u: f32, v: f32, sun: Sun) -> Colour {
        let light = (sun[0] * self.turn.0 + sun[1] * self.turn.1, sun[1] * self.turn.0 - sun[0] * self.turn.1);
        let grain =
            0.93 + 0.14 * value(u / 1.3, v / 1.3, self.seed) * (0.6 + 0.4 * value(u / 5.0, v / 5.0, self.seed ^ 1));
        let colour = scale(self.colour, grain);
        match self.roof {
            Roof::Gable => {
                let along_u = self.half.0 >= self.half.1;
                let across = if along_u { v } else { u };
                let towards = if along_u { light.1 } else { light.0 } * across.signum();
                let ridge = (1.0 - (across.abs() / 0.5)).clamp(0.0, 1.0) * 0.12;
                scale(colour, slope(towards, sun[2]) + ridge)
            }
            Roof::Hip => {
                let (du, dv) = (self.half.0 - u.abs(), self.half.1 - v.abs());
                let on_wing = v > self.half.1;
                let towards = if on_wing || du < dv { light.0 * u.signum() } else { light.1 * v.signum() };
                let seam = (1.0 - ((du - dv).abs() / 0.5)).clamp(0.0, 1.0) * 0.08;
                scale(colour, slope(towards, sun[2]) + if on_wing { 0.0 } else { seam })
            }
            Roof::Flat => self.flat_roof(u, v, light, colour),
            Roof::Hall => {
                let along_u = self.half.0 >= self.half.1;
                let (across, along) = if along_u { (v, u) } else { (u, v) };
                let rib = if (along / 3.0).rem_euclid(1.0) < 0.16 { 0.9 } else { 1.0 };
                let towards = if along_u { light.1 } else { light.0 } * across.signum();
                let skylight =
                    (along / 9.0).rem_euclid(1.0) < 0.12 && across.abs() < self.half.1.min(self.half.0) * 0.6;
                let base = if skylight { [212.0, 220.0, 222.0] } else { colour };
                scale(base, rib * (0.5 * slope(towards, sun[2]) + 0.5))
            }
        }
    }

    fn flat_roof(&self, u: f32, v: f32, light: (f32, f32), colour: Colour) -> Colour {
        let distance = self.local_distance(u, v);
        if distance > -0.55 {
            return scale(colour, 1.1);
        }
        let (lu, lv) = (u + light.0 * 1.3, v + light.1 * 1.3);
        let stain = 0.86 + 0.2 * fractal(u / 4.0, v / 4.0, 2, self.seed ^ 2);
        let mut shade = if self.local_distance(lu, lv) > -0.55 { 0.68 } else { 1.0 } * stain;
        for thing in 0..3u32 {
            let own = |k: i32| unit(k, thing as i32, self.seed ^ 77);
            let middle = ((own(0) - 0.5) * self.half.0 * 1.3, (own(1) - 0.5) * self.half.1 * 1.2);
            let half = (0.6 + own(2) * 1.1, 0.6 + own(3) * 0.8);
            if box_distance(u - middle.0, v - middle.1, half) < 0.0 {
                return scale(mix(colour, [222.0, 224.0, 226.0], own(4)), 1.04);
            }
            if box_distance(lu - middle.0, lv - middle.1, half) < 0.0 {
                shade = shade.min(0.6);
            }
        }
        scale(colour, shade)
    }
}

fn box_distance(u: f32, v: f32, half: (f32, f32)) -> f32 {
    let (du, dv) = (u.abs() - half.0, v.abs() - half.1);
    du.max(0.0).hypot(dv.max(0.0)) + du.max(dv).min(0.0)
}

/// Brightness of a slope of 30 degrees that leans towards the sun by `towards` (-1 to 1), against flat ground.
fn slope(towards: f32, up: f32) -> f32 {
    let lit = (towards * 0.5 + up * 0.866).max(0.0) / up.max(0.2);
    0.38 + 0.62 * lit.min(1.7)
}
