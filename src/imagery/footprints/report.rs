//! What a coordinator should know about footprints before people look at them: duplicates, slivers, neighbours.

use std::collections::HashMap;
use std::fmt;

use super::{Footprint, Polygons};
use crate::domain::cell::to_mercator;
use crate::imagery::georef::Georef;

/// An outline whose mean width is less is a sliver, metres on the ground.
const SLIVER_M: f64 = 1.0;
/// Outlines that come nearer than this touch, web mercator metres.
const TOUCH_M: f64 = 0.05;
/// Looks at pairs of outlines and of their borders that a report may take: some seconds. A city needs a tenth.
const MOST_LOOKS: u64 = 3_000_000_000;
/// Ids that are named for each finding.
const NAMED: usize = 5;

/// Findings of one kind: how many, and the first ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finding {
    /// How many.
    pub count: usize,
    /// The first of them; pairs are written `a = b`.
    pub ids: Vec<String>,
}

impl Finding {
    fn add(&mut self, id: impl FnOnce() -> String) {
        self.count += 1;
        if self.ids.len() < NAMED {
            self.ids.push(id());
        }
    }
}

/// All findings. None of these outlines is left out because of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FootprintReport {
    /// Outlines that are the same as an earlier one.
    pub duplicates: Finding,
    /// Outlines so thin that nothing can be seen of them.
    pub slivers: Finding,
    /// Pairs that touch or overlap: terraced houses, or parts of one building.
    pub touching: Finding,
    /// Whether so many outlines lie over each other that not all pairs were compared.
    pub cut_short: bool,
}

impl fmt::Display for FootprintReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [
            (&self.duplicates, "are the same as another"),
            (&self.slivers, "are slivers (less than 1 m wide)"),
            (&self.touching, "pairs touch or overlap"),
        ];
        for (finding, what) in lines.into_iter().filter(|(finding, _)| finding.count > 0) {
            let more = if finding.count > finding.ids.len() { ", …" } else { "" };
            writeln!(f, "{} footprints {what}: {}{more}", finding.count, finding.ids.join(", "))?;
        }
        if self.cut_short {
            writeln!(f, "so many footprints lie over each other that not all pairs were compared")?;
        }
        Ok(())
    }
}

/// An outline in web mercator, with the box around it.
struct Shape {
    rings: Vec<Vec<(f64, f64)>>,
    corners: u64,
    low: (f64, f64),
    high: (f64, f64),
}

/// Looks at all footprints. Neighbours are found by a sweep from west to east, so that 100,000 take about a second.
pub fn report(footprints: &[Footprint]) -> FootprintReport {
    report_within(footprints, MOST_LOOKS)
}

fn report_within(footprints: &[Footprint], most_looks: u64) -> FootprintReport {
    let mut found = FootprintReport::default();
    let mut first: HashMap<&str, &str> = HashMap::with_capacity(footprints.len());
    let mut shapes = Vec::with_capacity(footprints.len());
    for (place, footprint) in footprints.iter().enumerate() {
        if let Some(earlier) = first.insert(&footprint.geometry, &footprint.id) {
            found.duplicates.add(|| format!("{} = {earlier}", footprint.id));
            continue;
        }
        let shape = shape(&footprint.polygons);
        if width(&shape, footprint) < SLIVER_M {
            found.slivers.add(|| footprint.id.clone());
        }
        shapes.push((place, shape));
    }
    shapes.sort_by(|a, b| a.1.low.0.total_cmp(&b.1.low.0));
    let name = |place: usize| &footprints[place].id;
    let pair = |a: usize, b: usize| found.touching.add(|| format!("{} = {}", name(a), name(b)));
    found.cut_short = !neighbours(&shapes, most_looks, pair);
    found
}

/// Tells of every pair that touches, out of shapes from west to east; whether there was time to compare all.
fn neighbours(shapes: &[(usize, Shape)], most_looks: u64, mut pair: impl FnMut(usize, usize)) -> bool {
    let mut open: Vec<usize> = Vec::new();
    let mut left = most_looks;
    for (at, (place, shape)) in shapes.iter().enumerate() {
        open.retain(|other| shapes[*other].1.high.0 + TOUCH_M >= shape.low.0);
        for other in &open {
            let (neighbour, other) = &shapes[*other];
            let near = other.low.1 <= shape.high.1 + TOUCH_M && shape.low.1 <= other.high.1 + TOUCH_M;
            let looks = if near { shape.corners * other.corners } else { 1 };
            match left.checked_sub(looks) {
                Some(rest) => left = rest,
                None => return false,
            }
            if near && touch(shape, other) {
                pair(*neighbour, *place);
            }
        }
        open.push(at);
    }
    true
}

fn shape(polygons: &Polygons) -> Shape {
    let ring = |ring: &Vec<[f64; 2]>| ring.iter().map(|[lon, lat]| to_mercator(*lon, *lat)).collect::<Vec<_>>();
    let rings: Vec<Vec<(f64, f64)>> = polygons.iter().flatten().map(ring).collect();
    let corners = rings.iter().map(|ring| ring.len() as u64).sum();
    let mut shape = Shape { rings, corners, low: (f64::MAX, f64::MAX), high: (f64::MIN, f64::MIN) };
    for (x, y) in shape.rings.iter().flatten() {
        shape.low = (shape.low.0.min(*x), shape.low.1.min(*y));
        shape.high = (shape.high.0.max(*x), shape.high.1.max(*y));
    }
    shape
}

/// Twice the area over half the length of the border: the width of a long rectangle. Metres on the ground.
fn width(shape: &Shape, footprint: &Footprint) -> f64 {
    let (mut area, mut length) = (0.0, 0.0);
    for ring in &shape.rings {
        let mut doubled = 0.0;
        for pair in ring.windows(2) {
            let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
            doubled += (ax - shape.low.0) * (by - shape.low.1) - (bx - shape.low.0) * (ay - shape.low.1);
            length += (bx - ax).hypot(by - ay);
        }
        area += doubled.abs() / 2.0;
    }
    let (_, lat) = footprint.bbox.centre();
    2.0 * area / length.max(f64::MIN_POSITIVE) * Georef::ground_scale(to_mercator(0.0, lat).1)
}

/// Whether borders come near each other, or one outline lies inside the other.
fn touch(a: &Shape, b: &Shape) -> bool {
    let near = |a: &Shape, b: &Shape| a.rings.iter().flatten().any(|point| distance(*point, b) <= TOUCH_M);
    near(a, b) || near(b, a) || crossing(a, b) || inside(a, b) || inside(b, a)
}

fn segments(shape: &Shape) -> impl Iterator<Item = ((f64, f64), (f64, f64))> + '_ {
    shape.rings.iter().flat_map(|ring| ring.windows(2).map(|pair| (pair[0], pair[1])))
}

fn distance(point: (f64, f64), shape: &Shape) -> f64 {
    let to = |(a, b): ((f64, f64), (f64, f64))| {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let along = ((point.0 - a.0) * dx + (point.1 - a.1) * dy) / (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
        let t = along.clamp(0.0, 1.0);
        (a.0 + t * dx - point.0).hypot(a.1 + t * dy - point.1)
    };
    segments(shape).map(to).fold(f64::MAX, f64::min)
}

fn crossing(a: &Shape, b: &Shape) -> bool {
    let side = |p: (f64, f64), q: (f64, f64), r: (f64, f64)| (q.0 - p.0) * (r.1 - p.1) - (q.1 - p.1) * (r.0 - p.0);
    segments(a).any(|(p, q)| {
        segments(b).any(|(r, s)| side(p, q, r) * side(p, q, s) < 0.0 && side(r, s, p) * side(r, s, q) < 0.0)
    })
}

/// Whether the first corner of `a` lies inside `b`: an odd number of borders to its east.
fn inside(a: &Shape, b: &Shape) -> bool {
    let Some(&(x, y)) = a.rings.first().and_then(|ring| ring.first()) else { return false };
    let crossed =
        segments(b).filter(|&((ax, ay), (bx, by))| (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax));
    crossed.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imagery::footprints::parse_footprints;

    /// A rectangle in units of about a metre near the equator.
    fn house(id: usize, x: f64, y: f64, width: f64, height: f64) -> String {
        let metre = 1.0 / 111_319.5;
        let place = |x: f64, y: f64| format!("[{},{}]", 10.0 + x * metre, y * metre);
        let ring = [place(x, y), place(x + width, y), place(x + width, y + height), place(x, y + height), place(x, y)];
        format!(
            r#"{{"type":"Feature","id":"{id}","properties":{{}},"geometry":{{"type":"Polygon","coordinates":[[{}]]}}}}"#,
            ring.join(",")
        )
    }

    fn parsed(houses: &[String]) -> Vec<Footprint> {
        parse_footprints(&format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, houses.join(","))).unwrap()
    }

    #[test]
    fn duplicates_slivers_and_neighbours_are_named_and_none_is_dropped() {
        let houses = [
            house(1, 0.0, 0.0, 10.0, 8.0),
            house(2, 10.0, 0.0, 10.0, 8.0),
            house(3, 40.0, 0.0, 30.0, 0.4),
            house(4, 0.0, 0.0, 10.0, 8.0),
            house(5, 13.0, 2.0, 3.0, 3.0),
            house(6, 100.0, 0.0, 10.0, 8.0),
            house(7, 111.0, 0.0, 10.0, 8.0),
        ];
        let found = report(&parsed(&houses));
        assert_eq!((found.duplicates.count, found.duplicates.ids.as_slice()), (1, &["4 = 1".to_owned()][..]));
        assert_eq!((found.slivers.count, found.slivers.ids.as_slice()), (1, &["3".to_owned()][..]));
        assert_eq!(found.touching.ids, ["1 = 2", "2 = 5"]);
        assert!(found.to_string().contains("1 footprints are slivers (less than 1 m wide): 3\n"), "{found}");
        assert_eq!(report(&parsed(&houses[5..])).to_string(), "");
    }

    #[test]
    fn a_whole_town_is_looked_at_quickly_because_only_neighbours_are_compared() {
        let houses: Vec<String> =
            (0..4_000).map(|i| house(i, (i % 64) as f64 * 14.0, (i / 64) as f64 * 14.0, 12.0, 12.0)).collect();
        assert_eq!(report(&parsed(&houses)), FootprintReport::default());
    }

    #[test]
    fn outlines_over_each_other_are_not_compared_for_ever() {
        let houses: Vec<String> = (0..200).map(|i| house(i, f64::from(i as u32), 0.0, 500.0, 12.0)).collect();
        let whole = report(&parsed(&houses));
        assert_eq!((whole.touching.count, whole.cut_short), (199 * 200 / 2, false));
        let short = report_within(&parsed(&houses), 10_000);
        assert!(short.cut_short && short.touching.count == 10_000 / 25, "{short}");
        assert!(short.to_string().ends_with("not all pairs were compared\n"));
    }
}
