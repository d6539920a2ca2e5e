//! The plan of the town: streets, river, buildings, trees, and which building is hit when. Nothing is drawn here.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::building::{Building, Fate, Roof};
use super::noise::{fractal, unit};

/// The layout; lengths in metres, x to the east and y to the south from the upper left corner.
pub struct Plan {
    /// Side of the square.
    pub size: f32,
    /// Seed of every noise.
    pub seed: u32,
    /// Direction of the streets: cosine and sine.
    pub turn: (f32, f32),
    /// Streets along v, by their u in the town's own frame.
    pub avenues: Vec<f32>,
    /// Streets along u, by their v.
    pub lanes: Vec<f32>,
    /// All buildings.
    pub buildings: Vec<Building>,
    /// All trees.
    pub trees: Vec<Tree>,
    /// Where bombs fell, and at which date they are first seen.
    pub strikes: Vec<Strike>,
}

/// A tree seen from above.
pub struct Tree {
    /// Middle.
    pub x: f32,
    /// Middle.
    pub y: f32,
    /// Radius of the crown.
    pub radius: f32,
}

/// One hit.
pub struct Strike {
    /// Middle.
    pub x: f32,
    /// Middle.
    pub y: f32,
    /// Place of the first date that shows it.
    pub date: usize,
}

/// Half the width of a small street.
pub const STREET_HALF: f32 = 3.0;
/// Half the width of the two main roads.
pub const ROAD_HALF: f32 = 5.0;

impl Plan {
    /// Lays out a town of a size, with a share of buildings damaged and destroyed over a number of dates.
    pub fn new(seed: u64, size: f32, dates: usize, damaged: f64, destroyed: f64) -> Plan {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let angle: f32 = rng.random_range(0.12..0.34);
        let mut plan = Plan {
            size,
            seed: rng.random(),
            turn: (angle.cos(), angle.sin()),
            avenues: streets(&mut rng, size, 62.0..84.0),
            lanes: streets(&mut rng, size, 46.0..56.0),
            buildings: Vec::new(),
            trees: Vec::new(),
            strikes: Vec::new(),
        };
        plan.build(&mut rng);
        plan.plant(&mut rng);
        plan.strike(&mut rng, dates, damaged, destroyed);
        plan
    }

    /// The town's own frame: u along the lanes, v along the avenues, from the town's middle.
    pub fn frame(&self, x: f32, y: f32) -> (f32, f32) {
        let (dx, dy) = (x - self.size * 0.5, y - self.size * 0.56);
        (dx * self.turn.0 + dy * self.turn.1, dy * self.turn.0 - dx * self.turn.1)
    }

    /// The place of a point of the town's frame.
    pub fn place(&self, u: f32, v: f32) -> (f32, f32) {
        let (dx, dy) = (u * self.turn.0 - v * self.turn.1, u * self.turn.1 + v * self.turn.0);
        (dx + self.size * 0.5, dy + self.size * 0.56)
    }

    /// Distance to the town's ragged border, negative inside.
    pub fn border(&self, x: f32, y: f32) -> f32 {
        let (dx, dy) = (x - self.size * 0.5, y - self.size * 0.56);
        let reach = self.size * 0.36 * (0.82 + 0.36 * fractal(x / 90.0, y / 90.0, 2, self.seed ^ 11));
        dx.hypot(dy) - reach
    }

    /// Distance to the river's water, negative inside.
    pub fn river(&self, x: f32, y: f32) -> f32 {
        let bend = (x / 95.0).sin() * 9.0 + (x / 41.0 + 1.3).sin() * 3.5;
        let middle = self.size * 0.13 + bend + x * 0.05;
        (y - middle).abs() - 10.0 - 2.5 * (x / 67.0).sin()
    }

    /// Distance to the nearest street's edge inside the town and to the main roads anywhere: `(streets, roads)`.
    pub fn ways(&self, x: f32, y: f32) -> (f32, f32) {
        let (u, v) = self.frame(x, y);
        let nearest = |lines: &[f32], at: f32| lines.iter().map(|line| (at - line).abs()).fold(f32::MAX, f32::min);
        let street = nearest(&self.avenues, u).min(nearest(&self.lanes, v)) - STREET_HALF;
        let road = (u + (v / 120.0).sin() * 1.5).abs().min(v.abs()) - ROAD_HALF;
        (street.max(self.border(x, y) - 4.0), road)
    }

    fn build(&mut self, rng: &mut ChaCha8Rng) {
        let (avenues, lanes) = (self.avenues.clone(), self.lanes.clone());
        for rows in lanes.windows(2) {
            for cols in avenues.windows(2) {
                let block = (cols[0], cols[1], rows[0], rows[1]);
                let (x, y) = self.place((block.0 + block.1) / 2.0, (block.2 + block.3) / 2.0);
                let margin = self.size * 0.05;
                let inside = x > margin && y > margin && x < self.size - margin && y < self.size - margin;
                if inside && self.border(x, y) < -12.0 && self.river(x, y) > 30.0 {
                    self.fill_block(rng, block);
                }
            }
        }
    }

    fn fill_block(&mut self, rng: &mut ChaCha8Rng, (u0, u1, v0, v1): (f32, f32, f32, f32)) {
        let wide = |line: f32| if line == 0.0 { ROAD_HALF + 4.0 } else { STREET_HALF + 3.0 };
        let (left, right, top, bottom) = (u0 + wide(u0), u1 - wide(u1), v0 + wide(v0), v1 - wide(v1));
        let (mid_u, mid_v) = ((left + right) / 2.0, (top + bottom) / 2.0);
        match rng.random_range(0..100) {
            0..7 => self.grove(rng, (left, right, top, bottom)),
            7..13 => self.add(rng, (mid_u, mid_v), 1.0, ((right - left) * 0.36, (bottom - top) * 0.34), Roof::Hall),
            13..22 => {
                for at in [left + 9.0, mid_u, right - 9.0] {
                    self.add(rng, (at, mid_v), 1.0, (6.0, (bottom - top) * 0.46), Roof::Flat);
                }
            }
            _ => {
                self.row_of_houses(rng, left, right, top, 1.0);
                self.row_of_houses(rng, left, right, bottom, -1.0);
            }
        }
    }

    fn row_of_houses(&mut self, rng: &mut ChaCha8Rng, left: f32, right: f32, front: f32, inward: f32) {
        let mut at = left;
        while at < right - 13.0 {
            let plot: f32 = rng.random_range(17.0..25.0f32).min(right - at);
            let (half_u, half_v) = (plot / 2.0 - rng.random_range(1.6..3.4), rng.random_range(4.2..6.6));
            if rng.random_range(0..100) < 88 {
                let roof = match rng.random_range(0..100) {
                    0..38 => Roof::Gable,
                    38..66 => Roof::Hip,
                    _ => Roof::Flat,
                };
                self.add(rng, (at + plot / 2.0, front + inward * half_v), inward, (half_u, half_v), roof);
            }
            at += plot;
        }
    }

    /// Adds a building whose yard (and wing) lies towards +v (`facing` 1) or -v (-1).
    fn add(&mut self, rng: &mut ChaCha8Rng, (u, v): (f32, f32), facing: f32, half: (f32, f32), roof: Roof) {
        let (x, y) = self.place(u, v);
        let lean: f32 = rng.random_range(-0.035..0.035);
        let (sin, cos) = (self.turn.1.atan2(self.turn.0) + lean).sin_cos();
        let building = Building::new(rng, (x, y), (cos * facing, sin * facing), half, roof);
        let reach = half.0.max(half.1) + 4.0;
        let inside = x > reach && y > reach && x < self.size - reach && y < self.size - reach;
        if inside && self.river(x, y) > reach {
            self.buildings.push(building);
        }
    }

    fn grove(&mut self, rng: &mut ChaCha8Rng, (left, right, top, bottom): (f32, f32, f32, f32)) {
        for _ in 0..((right - left) * (bottom - top) / 45.0) as usize {
            let (x, y) = self.place(rng.random_range(left..right), rng.random_range(top..bottom));
            self.trees.push(Tree { x, y, radius: rng.random_range(1.8..4.2) });
        }
    }

    /// Trees in yards, along the river and scattered over the land.
    fn plant(&mut self, rng: &mut ChaCha8Rng) {
        for _ in 0..(self.size * self.size / 320.0) as usize {
            let (x, y) = (rng.random_range(0.0..self.size), rng.random_range(0.0..self.size));
            let (street, road) = self.ways(x, y);
            let river = self.river(x, y);
            let town = self.border(x, y) < 0.0;
            let wanted = match (town, river) {
                (_, ..1.5) => 0.0,
                (_, ..12.0) => 0.85,
                (true, _) => 0.75,
                _ => {
                    if fractal(x / 70.0, y / 70.0, 2, self.seed ^ 3) > 0.6 {
                        0.35
                    } else {
                        0.03
                    }
                }
            };
            let radius = rng.random_range(1.3..3.6);
            let free =
                street.min(road) > radius * 0.6 && self.buildings.iter().all(|b| b.distance(x, y) > radius * 0.5);
            if rng.random::<f32>() < wanted && free {
                self.trees.push(Tree { x, y, radius });
            }
        }
    }

    /// Chooses where it is hit and when; the buildings nearest to a hit suffer most.
    fn strike(&mut self, rng: &mut ChaCha8Rng, dates: usize, damaged: f64, destroyed: f64) {
        // One for each later date at least.
        let count = (self.buildings.len() / 9).max(dates - 1);
        for number in 0..count {
            if self.buildings.is_empty() {
                return;
            }
            let target = &self.buildings[rng.random_range(0..self.buildings.len())];
            let (x, y) = (target.x + rng.random_range(-9.0..9.0), target.y + rng.random_range(-9.0..9.0));
            // Every later date gets its share, in turn; the first date shows the town as it was.
            self.strikes.push(Strike { x, y, date: 1 + number % (dates - 1) });
        }
        let mut order: Vec<(f32, usize, usize)> = Vec::new();
        for (place, building) in self.buildings.iter().enumerate() {
            let nearest = self.strikes.iter().map(|hit| (building.distance(hit.x, hit.y).max(0.0), hit.date));
            let (distance, date) = nearest.fold((f32::MAX, 1), |a, b| if b.0 < a.0 { b } else { a });
            order.push((distance + 9.0 * unit(place as i32, 5, self.seed), place, date));
        }
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let all = order.len() as f64;
        let (gone, hit) = ((all * destroyed).round() as usize, (all * (destroyed + damaged)).round() as usize);
        for (rank, (_, place, date)) in order.into_iter().enumerate() {
            self.buildings[place].fate = match rank {
                _ if rank < gone => Fate::Destroyed(date),
                _ if rank < hit => Fate::Damaged(date),
                _ => Fate::Intact,
            };
        }
    }
}

/// Street lines through the town's middle (a main road) and at irregular distances on both sides.
fn streets(rng: &mut ChaCha8Rng, size: f32, gap: std::ops::Range<f32>) -> Vec<f32> {
    let mut lines = vec![0.0];
    for side in [-1.0, 1.0] {
        let mut at = 0.0;
        while at < size * 0.75 {
            at += rng.random_range(gap.clone());
            lines.push(side * at);
        }
    }
    lines.sort_by(f32::total_cmp);
    lines
}
