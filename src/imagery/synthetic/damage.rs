//! What a hit leaves of a building: debris around it, a broken roof, a heap of rubble.

use super::building::{Building, Condition, Sun};
use super::canvas::{Canvas, Colour, mix, scale};
use super::noise::{fractal, step, stone, unit, value};

impl Building {
    /// Dust and debris on the ground around a hit building, drawn before shadows.
    pub fn draw_debris(&self, canvas: &mut Canvas, condition: Condition) {
        let (reach, strength) = match condition {
            Condition::Whole => return,
            Condition::Holed => (7.0, 0.35),
            Condition::Rubble => (13.0, 0.75),
        };
        canvas.around(self.x, self.y, self.reach() + reach, |pixel, x, y| {
            let (u, v) = self.local(x, y);
            let distance = self.local_distance(u, v);
            let lee = if condition == Condition::Holed { step(-0.5, 0.5, self.towards_hit(u, v)) } else { 1.0 };
            let ragged = distance + (fractal(x / 5.0, y / 5.0, 3, self.seed) - 0.5) * reach * 0.9;
            let dust = (1.0 - step(0.0, reach, ragged)) * strength * lee;
            *pixel = mix(*pixel, [178.0, 168.0, 152.0], dust);
            let (far, own) = stone(x / 0.9, y / 0.9, self.seed ^ 9);
            let chance = (1.0 - step(0.0, reach * 0.9, distance)) * 0.55 * lee;
            if own < chance && distance > -1.0 {
                let shade = 0.62 + 0.75 * unit((own * 9e4) as i32, 1, self.seed);
                *pixel = mix(*pixel, scale([168.0, 160.0, 148.0], shade), 1.0 - step(0.25, 0.6, far));
            }
        });
    }

    /// How far a place lies towards the corner that was hit, about -1 to 1.
    fn towards_hit(&self, u: f32, v: f32) -> f32 {
        let side = |k: i32| if unit(k, 3, self.seed) < 0.5 { -1.0 } else { 1.0 };
        // With a wing, the corner opposite to it: the hole then always lies over the main part.
        let (su, sv) = if self.wing.is_some() { (side(0), -1.0) } else { (side(0), side(1)) };
        (su * u / self.half.0 + sv * v / self.half.1 * 0.8) / 1.8
    }

    /// A roof of which the hit corner is gone: soot, a ragged rim, rooms and debris below.
    pub(super) fn broken_roof(&self, u: f32, v: f32, (x, y): (f32, f32), sun: Sun) -> Colour {
        let ragged = self.towards_hit(u, v) + (fractal(x / 3.2, y / 3.2, 3, self.seed ^ 5) - 0.5) * 0.95;
        let threshold = 0.02 + 0.14 * unit(8, 8, self.seed);
        let roof = self.roof_colour(u, v, sun);
        let sooty = scale(roof, 0.72 + 0.28 * step(0.0, 0.35, threshold - ragged));
        if ragged < threshold - 0.03 {
            return sooty;
        }
        let rim = step(threshold - 0.03, threshold + 0.05, ragged);
        let room = ((u / 4.2).rem_euclid(1.0) - 0.5).abs().max(((v / 3.6).rem_euclid(1.0) - 0.5).abs());
        let (far, own) = stone(x / 1.1, y / 1.1, self.seed ^ 6);
        let floor = scale([74.0, 67.0, 60.0], 0.6 + 0.6 * value(x / 2.0, y / 2.0, self.seed ^ 7));
        let bits = if own > 0.55 {
            mix(floor, scale([166.0, 157.0, 143.0], 0.6 + 0.5 * own), 1.0 - step(0.2, 0.55, far))
        } else {
            floor
        };
        let outer = self.local_distance(u, v) > -0.7;
        let inside = if room > 0.45 || outer { mix(bits, [176.0, 168.0, 156.0], 0.7) } else { bits };
        mix(scale(sooty, 0.5), inside, rim)
    }

    /// A heap of broken concrete with pieces of the roof and stumps of the walls.
    pub(super) fn rubble(&self, x: f32, y: f32, distance: f32, sun: Sun) -> Colour {
        let height = |x: f32, y: f32| {
            let (far, own) = stone(x / 1.25, y / 1.25, self.seed ^ 8);
            own * 0.7 + (0.6 - far).max(0.0) * 0.8 + fractal(x / 4.5, y / 4.5, 2, self.seed ^ 9) * 1.7
        };
        // Light from the sun's side: each lump is bright towards it and dark behind.
        let across = sun[0].hypot(sun[1]).max(1e-3);
        let (dx, dy) = (sun[0] / across * 0.7, sun[1] / across * 0.7);
        let relief = height(x, y) - height(x + dx, y + dy);
        let (_, own) = stone(x / 1.25, y / 1.25, self.seed ^ 8);
        let dust = [170.0, 160.0, 145.0];
        let piece = match own {
            own if own < 0.16 => mix(self.colour, dust, 0.35),
            own if own < 0.34 => [104.0, 96.0, 88.0],
            own if own > 0.86 => [212.0, 205.0, 194.0],
            _ => dust,
        };
        let wall = distance.abs() < 0.45 && value(x / 4.0, y / 4.0, self.seed ^ 10) > 0.62;
        let base = if wall { [205.0, 198.0, 187.0] } else { piece };
        let crater = 0.72 + 0.28 * step(0.15, 0.5, fractal(x / 6.0, y / 6.0, 2, self.seed ^ 12));
        scale(base, (1.0 + relief * 0.42).clamp(0.35, 1.4) * crater)
    }
}
