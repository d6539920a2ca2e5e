//! Vector tiles (Mapbox Vector Tile 2.1): polygons on the grid of one XYZ cell, as a protocol buffer.
//!
//! Written by hand: the format is six messages, and a library brings a compiler of protocol buffers along.

use std::collections::HashMap;

use super::Geometry;
use crate::domain::cell::{Cell, to_mercator};

/// Grid steps along a side of a tile.
pub const EXTENT: i32 = 4096;
/// Grid steps beyond each edge that a polygon may reach, so that no edge of the tile is drawn as its outline.
const BUFFER: i32 = 64;

/// A point of the grid: to the right and down.
type Point = (i32, i32);

/// One value of a feature.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Words.
    Text(String),
    /// Any number.
    Number(f64),
    /// A whole number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
}

/// One layer of a tile: features under a name, with shared keys and values.
pub struct Layer {
    name: &'static str,
    cell: Cell,
    keys: Vec<String>,
    values: Vec<Vec<u8>>,
    known: HashMap<Vec<u8>, u32>,
    features: Vec<Vec<u8>>,
}

impl Layer {
    /// An empty layer of the tile at `cell`.
    pub fn new(name: &'static str, cell: Cell) -> Layer {
        Layer { name, cell, keys: Vec::new(), values: Vec::new(), known: HashMap::new(), features: Vec::new() }
    }

    /// Features so far.
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether it has no feature.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Adds polygons in degrees with what is known of them. What lies beyond the tile is cut off; a feature of which
    /// nothing is left is not added. One that is smaller than a step of the grid becomes a square of one step.
    pub fn push(&mut self, geometry: &Geometry, attributes: impl IntoIterator<Item = (String, Value)>) {
        let grid = Grid::of(self.cell);
        let mut rings = Vec::new();
        for polygon in geometry.polygons() {
            let mut placed = polygon.iter().map(|ring| grid.ring(ring));
            let Some(outer) = placed.next() else { continue };
            let outer = match visible(outer) {
                Visible::Nothing => continue,
                Visible::Speck((x, y)) => vec![(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)],
                Visible::Ring(ring) => ring,
            };
            rings.push(turned(outer, true));
            rings.extend(placed.filter_map(|hole| match visible(hole) {
                Visible::Ring(hole) => Some(turned(hole, false)),
                _ => None,
            }));
        }
        if rings.is_empty() {
            return;
        }
        let mut tags = Vec::new();
        for (key, value) in attributes {
            push_varint(&mut tags, u64::from(self.key(key)));
            push_varint(&mut tags, u64::from(self.value(&value)));
        }
        let mut feature = Vec::new();
        push_bytes(&mut feature, 2, &tags);
        push_number(&mut feature, 3, POLYGON);
        push_bytes(&mut feature, 4, &commands(&rings));
        self.features.push(feature);
    }

    fn key(&mut self, key: String) -> u32 {
        let at = self.keys.iter().position(|known| *known == key).unwrap_or_else(|| {
            self.keys.push(key);
            self.keys.len() - 1
        });
        at as u32
    }

    fn value(&mut self, value: &Value) -> u32 {
        let bytes = encoded(value);
        if let Some(at) = self.known.get(&bytes) {
            return *at;
        }
        let at = self.values.len() as u32;
        self.values.push(bytes.clone());
        self.known.insert(bytes, at);
        at
    }

    fn into_bytes(self) -> Vec<u8> {
        let mut layer = Vec::new();
        push_number(&mut layer, 15, 2); // version of the format
        push_bytes(&mut layer, 1, self.name.as_bytes());
        self.features.iter().for_each(|feature| push_bytes(&mut layer, 2, feature));
        self.keys.iter().for_each(|key| push_bytes(&mut layer, 3, key.as_bytes()));
        self.values.iter().for_each(|value| push_bytes(&mut layer, 4, value));
        push_number(&mut layer, 5, EXTENT as u64);
        layer
    }
}

/// A tile of these layers; the empty ones are left out. No bytes at all where nothing is left.
pub fn encode(layers: impl IntoIterator<Item = Layer>) -> Vec<u8> {
    let mut tile = Vec::new();
    for layer in layers.into_iter().filter(|layer| !layer.is_empty()) {
        push_bytes(&mut tile, 3, &layer.into_bytes());
    }
    tile
}

/// From degrees to the grid of one tile.
struct Grid {
    left: f64,
    top: f64,
    step: f64,
}

impl Grid {
    fn of(cell: Cell) -> Grid {
        let area = cell.mercator();
        Grid { left: area.left, top: area.top, step: Cell::side(cell.z) / f64::from(EXTENT) }
    }

    /// The ring in steps of the grid, without the point at the end that repeats the first.
    fn ring(&self, ring: &[[f64; 2]]) -> Vec<[f64; 2]> {
        let open = ring.split_last().map_or(ring, |(_, open)| open);
        let place = |&[lon, lat]: &[f64; 2]| {
            let (x, y) = to_mercator(lon, lat);
            [(x - self.left) / self.step, (self.top - y) / self.step]
        };
        open.iter().map(place).collect()
    }
}

enum Visible {
    Nothing,
    /// It is there, but smaller than the grid can show.
    Speck(Point),
    Ring(Vec<Point>),
}

/// A ring cut to the tile and its buffer (Sutherland and Hodgman, 1974), on whole steps of the grid.
fn visible(mut ring: Vec<[f64; 2]>) -> Visible {
    let (low, high) = (f64::from(-BUFFER), f64::from(EXTENT + BUFFER));
    for (axis, sign, limit) in [(0, 1.0, low), (0, -1.0, high), (1, 1.0, low), (1, -1.0, high)] {
        ring = cut(&ring, |point| sign * (point[axis] - limit));
    }
    let Some(&[x, y]) = ring.first() else { return Visible::Nothing };
    let mut points: Vec<Point> = ring.iter().map(|[x, y]| (x.round() as i32, y.round() as i32)).collect();
    points.dedup();
    if points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    match points.len() > 2 && doubled_area(&points) != 0 {
        true => Visible::Ring(points),
        false => Visible::Speck((x.floor() as i32, y.floor() as i32)),
    }
}

/// The part of a ring where `inside` is not negative.
fn cut(ring: &[[f64; 2]], inside: impl Fn(&[f64; 2]) -> f64) -> Vec<[f64; 2]> {
    let mut kept = Vec::with_capacity(ring.len() + 4);
    for (at, to) in ring.iter().enumerate() {
        let from = &ring[(at + ring.len() - 1) % ring.len()];
        let (before, after) = (inside(from), inside(to));
        if (before < 0.0) != (after < 0.0) {
            let share = before / (before - after);
            kept.push([from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]);
        }
        if after >= 0.0 {
            kept.push(*to);
        }
    }
    kept
}

/// Outer rings have a positive area on a grid whose rows run down, holes a negative one.
fn turned(mut ring: Vec<Point>, outer: bool) -> Vec<Point> {
    if (doubled_area(&ring) > 0) != outer {
        ring.reverse();
    }
    ring
}

/// Twice the signed area (shoelace formula), steps squared.
fn doubled_area(ring: &[Point]) -> i64 {
    let next = ring.iter().cycle().skip(1);
    let cross = |(&(x, y), &(u, v)): (&Point, &Point)| i64::from(x) * i64::from(v) - i64::from(u) * i64::from(y);
    ring.iter().zip(next).map(cross).sum()
}

const POLYGON: u64 = 3;
const MOVE_TO: u32 = 1;
const LINE_TO: u32 = 2;
const CLOSE_PATH: u32 = 7;

/// Rings as drawing commands with steps from point to point.
fn commands(rings: &[Vec<Point>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let command = |bytes: &mut Vec<u8>, id: u32, count: usize| push_varint(bytes, u64::from(id) | (count as u64) << 3);
    let (mut x, mut y) = (0, 0);
    let mut step = |bytes: &mut Vec<u8>, point: &Point| {
        push_varint(bytes, zigzag(point.0 - x));
        push_varint(bytes, zigzag(point.1 - y));
        (x, y) = *point;
    };
    for ring in rings {
        let Some((first, rest)) = ring.split_first() else { continue };
        command(&mut bytes, MOVE_TO, 1);
        step(&mut bytes, first);
        command(&mut bytes, LINE_TO, rest.len());
        rest.iter().for_each(|point| step(&mut bytes, point));
        command(&mut bytes, CLOSE_PATH, 1);
    }
    bytes
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    match value {
        Value::Text(text) => push_bytes(&mut bytes, 1, text.as_bytes()),
        Value::Number(number) => {
            push_varint(&mut bytes, 3 << 3 | 1);
            bytes.extend(number.to_le_bytes());
        }
        Value::Int(number) => push_number(&mut bytes, 4, *number as u64),
        Value::Bool(yes) => push_number(&mut bytes, 7, u64::from(*yes)),
    }
    bytes
}

fn zigzag(value: i32) -> u64 {
    u64::from(((value << 1) ^ (value >> 31)) as u32)
}

fn push_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn push_number(to: &mut Vec<u8>, field: u64, value: u64) {
    push_varint(to, field << 3);
    push_varint(to, value);
}

fn push_bytes(to: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    push_varint(to, field << 3 | 2);
    push_varint(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::bbox::Bbox;

    const CELL: Cell = Cell { z: 12, x: 2491, y: 1604 };

    fn square(shift: f64, size: f64) -> Geometry {
        let Bbox { west, north, east, .. } = CELL.bbox();
        let step = (east - west) / f64::from(EXTENT);
        let west = west + shift * step;
        Geometry::rectangle(Bbox { west, east: west + size * step, north, south: north - size * step })
    }

    #[test]
    fn the_example_of_the_specification_is_encoded_to_its_numbers() {
        // Section 4.3.5.6: two polygons, the second with a hole.
        let rings = [
            vec![(0, 0), (10, 0), (10, 10), (0, 10)],
            vec![(11, 11), (20, 11), (20, 20), (11, 20)],
            vec![(13, 13), (13, 17), (17, 17), (17, 13)],
        ];
        let expected = [
            9u64, 0, 0, 26, 20, 0, 0, 20, 19, 0, 15, 9, 22, 2, 26, 18, 0, 0, 18, 17, 0, 15, 9, 4, 13, 26, 0, 8, 8, 0,
            0, 7, 15,
        ];
        let mut bytes = Vec::new();
        expected.iter().for_each(|number| push_varint(&mut bytes, *number));
        assert_eq!(commands(&rings), bytes);
        assert!(doubled_area(&rings[1]) > 0 && doubled_area(&rings[2]) < 0);
    }

    #[test]
    fn what_reaches_beyond_the_tile_is_cut_at_its_buffer_and_what_lies_outside_is_left_out() {
        let Visible::Ring(ring) = visible(vec![[-1e6, -1e6], [1e6, -1e6], [1e6, 1e6], [-1e6, 1e6]]) else { panic!() };
        let (low, high) = (-BUFFER, EXTENT + BUFFER);
        assert!(ring.iter().all(|(x, y)| [low, high].contains(x) && [low, high].contains(y)), "{ring:?}");
        let mut layer = Layer::new("tiles", CELL);
        layer.push(&square(5000.0, 100.0), []);
        assert!(layer.is_empty() && encode([layer]).is_empty());
    }

    #[test]
    fn what_is_smaller_than_a_step_is_shown_all_the_same() {
        let mut layer = Layer::new("tiles", CELL);
        layer.push(&square(7.3, 0.01), [("tile_id".into(), Value::Text("a".into()))]);
        assert_eq!(layer.len(), 1);
    }

    #[test]
    fn equal_values_stand_in_a_layer_once() {
        let mut layer = Layer::new("tiles", CELL);
        for shift in [0.0, 100.0] {
            let pair = |key: &str| (key.to_owned(), Value::Text("destroyed".into()));
            layer.push(&square(shift, 50.0), [pair("class"), pair("state")]);
        }
        assert_eq!((layer.keys.len(), layer.values.len(), layer.features.len()), (2, 1, 2));
    }
}
