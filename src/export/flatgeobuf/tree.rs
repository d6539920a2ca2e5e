//! The packed Hilbert R-tree of FlatGeobuf: boxes of all features along a Hilbert curve, and over every sixteen of them a
//! box around them, up to one. Boxes wait in a scratch file; in memory are the order and the boxes of the upper floors.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::super::Geometry;
use super::super::geometry::round;

/// Children of a node.
pub const NODE_SIZE: usize = 16;
/// Bytes of a node in the scratch file: four edges, offset and length.
const SCRATCH_NODE: usize = 48;

/// The box around a feature, and where its bytes are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Node {
    /// West, south, east, north, degrees.
    pub edges: [f64; 4],
    /// Where its bytes begin in the scratch file of features.
    pub offset: u64,
    /// How many there are.
    pub bytes: u64,
}

impl Node {
    /// The node of a feature; one without an outline lies nowhere.
    pub fn around(geometry: Option<&Geometry>, offset: u64, bytes: u64) -> Node {
        let edges = geometry.map_or(NOWHERE, |geometry| geometry.bbox().to_array().map(round));
        Node { edges, offset, bytes }
    }

    fn to_bytes(self) -> [u8; SCRATCH_NODE] {
        let mut bytes = [0; SCRATCH_NODE];
        let numbers =
            self.edges.map(f64::to_le_bytes).into_iter().chain([self.offset, self.bytes].map(u64::to_le_bytes));
        for (place, number) in numbers.enumerate() {
            bytes[8 * place..8 * place + 8].copy_from_slice(&number);
        }
        bytes
    }

    fn from_bytes(bytes: &[u8; SCRATCH_NODE]) -> Node {
        let number = |place: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[8 * place..8 * place + 8]);
            number
        };
        Node {
            edges: [0, 1, 2, 3].map(|place| f64::from_le_bytes(number(place))),
            offset: u64::from_le_bytes(number(4)),
            bytes: u64::from_le_bytes(number(5)),
        }
    }
}

const NOWHERE: [f64; 4] = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];

fn union(a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]
}

/// The tree while it is made.
pub struct Tree {
    nodes: BufWriter<File>,
    count: usize,
    extent: [f64; 4],
    /// Once sorted: the places of the features along the curve.
    order: Vec<u32>,
}

impl Tree {
    /// An empty one.
    pub fn new(scratch: &Path) -> io::Result<Tree> {
        let nodes = BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(scratch)?);
        Ok(Tree { nodes, count: 0, extent: NOWHERE, order: Vec::new() })
    }

    /// Adds a feature.
    pub fn push(&mut self, node: Node) -> io::Result<()> {
        self.extent = union(self.extent, node.edges);
        self.count += 1;
        self.nodes.write_all(&node.to_bytes())
    }

    /// How many features there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// The box around all; `None` without a feature.
    pub fn extent(&self) -> Option<[f64; 4]> {
        self.extent[0].is_finite().then_some(self.extent)
    }

    /// Finds the order along the curve. Features at the same place keep theirs.
    pub fn sorted(mut self) -> io::Result<Tree> {
        if u32::try_from(self.count).is_err() {
            return Err(io::Error::other("more than four thousand million features do not fit into one FlatGeobuf"));
        }
        self.nodes.flush()?;
        let mut keys = Vec::with_capacity(self.count);
        let [west, south, east, north] = self.extent;
        for place in 0..self.count {
            let [w, s, e, n] = self.node(place as u32)?.edges;
            let share = |low: f64, high: f64, from: f64, to: f64| ((low + high) / 2.0 - from) / (to - from);
            keys.push((hilbert(share(w, e, west, east), share(s, n, south, north)), place as u32));
        }
        keys.sort_unstable();
        self.order = keys.into_iter().map(|(_, place)| place).collect();
        Ok(self)
    }

    /// The feature that stands at this place along the curve.
    pub fn leaf(&mut self, place: usize) -> io::Result<Node> {
        self.node(self.order[place])
    }

    fn node(&mut self, number: u32) -> io::Result<Node> {
        let file = self.nodes.get_mut();
        let mut bytes = [0; SCRATCH_NODE];
        file.seek(SeekFrom::Start(u64::from(number) * SCRATCH_NODE as u64))?;
        file.read_exact(&mut bytes)?;
        Ok(Node::from_bytes(&bytes))
    }

    /// Writes the tree from the root down. Nodes say which node is their first child, leaves where their feature will begin
    /// behind the tree, in bytes.
    pub fn write(&mut self, out: &mut (dyn Write + Send)) -> io::Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let floors = self.upper_floors()?;
        // Where each floor begins, from the root down to the leaves.
        let sizes: Vec<usize> = floors.iter().rev().map(Vec::len).chain([self.count]).collect();
        let mut out = BufWriter::with_capacity(1 << 16, out);
        let mut begins = 0;
        for (floor, size) in floors.iter().rev().zip(&sizes) {
            begins += size;
            for (place, edges) in floor.iter().enumerate() {
                let first_child = (begins + place * NODE_SIZE) as u64;
                put(&mut out, *edges, first_child)?;
            }
        }
        let mut offset = 0;
        for place in 0..self.count {
            let leaf = self.leaf(place)?;
            put(&mut out, leaf.edges, offset)?;
            offset += leaf.bytes;
        }
        out.flush()
    }

    /// The boxes above the leaves, floor by floor from the lowest to the root.
    fn upper_floors(&mut self) -> io::Result<Vec<Vec<[f64; 4]>>> {
        let mut lowest = Vec::with_capacity(self.count.div_ceil(NODE_SIZE));
        for first in (0..self.count).step_by(NODE_SIZE) {
            let mut edges = NOWHERE;
            for place in first..(first + NODE_SIZE).min(self.count) {
                edges = union(edges, self.leaf(place)?.edges);
            }
            lowest.push(edges);
        }
        let mut floors = vec![lowest];
        while let Some(below) = floors.last().filter(|floor| floor.len() > 1) {
            let above = below.chunks(NODE_SIZE).map(|nodes| nodes.iter().copied().fold(NOWHERE, union)).collect();
            floors.push(above);
        }
        Ok(floors)
    }
}

fn put(out: &mut impl Write, edges: [f64; 4], offset: u64) -> io::Result<()> {
    for edge in edges {
        out.write_all(&edge.to_le_bytes())?;
    }
    out.write_all(&offset.to_le_bytes())
}

/// The place of a point on the Hilbert curve through a grid of 2^16 by 2^16 (Hilbert, 1891; by quadrants from the largest
/// down). `x` and `y` are shares of the whole, 0 to 1; what is no number counts as 0.
fn hilbert(x: f64, y: f64) -> u32 {
    const LAST: u32 = (1 << 16) - 1;
    let cell = |share: f64| (share * f64::from(LAST)) as u32;
    let (mut x, mut y) = (cell(x).min(LAST), cell(y).min(LAST));
    let mut place = 0;
    let mut half = 1 << 15;
    while half > 0 {
        let (right, upper) = (u32::from(x & half > 0), u32::from(y & half > 0));
        place += half * half * ((3 * right) ^ upper);
        if upper == 0 {
            if right == 1 {
                (x, y) = (LAST - x, LAST - y);
            }
            (x, y) = (y, x);
        }
        half /= 2;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_on_the_curve_are_neighbours_on_the_grid() {
        let at = |x: u32, y: u32| hilbert(f64::from(x) / 65_535.0, f64::from(y) / 65_535.0);
        let mut cells: Vec<(u32, (u32, u32))> = Vec::new();
        for x in 0..32 {
            cells.extend((0..32).map(|y| (at(x, y), (x, y))));
        }
        cells.sort_unstable();
        assert_eq!(cells.last().unwrap().0, 1_023, "the curve fills a quarter before it leaves it");
        for pair in cells.windows(2) {
            let ((a, (ax, ay)), (b, (bx, by))) = (pair[0], pair[1]);
            assert_eq!((b - a, ax.abs_diff(bx) + ay.abs_diff(by)), (1, 1));
        }
    }

    #[test]
    fn what_has_no_extent_lies_at_the_beginning() {
        assert_eq!(hilbert(f64::NAN, f64::NAN), 0);
    }
}
