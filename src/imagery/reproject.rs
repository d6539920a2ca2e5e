//! From source pixels to one 256 px web mercator tile: exact coordinates on a coarse grid, bilinear between.

use crate::domain::cell::{CELL_PIXELS, Cell, MercatorBox};

use super::bilinear::{self, Walk};
use super::georef::Georef;
use super::source::{Pixels, Window};

/// Bytes of one tile in memory: 256 x 256 pixels of red, green, blue and straight alpha.
pub const TILE_BYTES: usize = (CELL_PIXELS * CELL_PIXELS * 4) as usize;
/// The widest accepted gap between points whose coordinates are computed exactly, tile pixels.
const WIDEST_STEP: u32 = 32;
/// How far an interpolated coordinate may lie from the exact one, source pixels.
const TOLERANCE: f64 = 0.05;
/// Pixels read beyond the computed window, so that neighbours for interpolation are there.
const MARGIN: f64 = 3.0;

/// Source coordinates (column and row, from the corner) of a regular grid of points over a square of web mercator.
pub struct CoordGrid {
    nodes: u32,
    points: Vec<(f64, f64)>,
}

impl CoordGrid {
    /// Computes `(steps + 1)^2` points over an area; places the projection cannot reach become NaN.
    pub fn new(georef: &Georef, area: MercatorBox, steps: u32) -> CoordGrid {
        let nodes = steps + 1;
        let mut points = Vec::with_capacity((nodes * nodes) as usize);
        for j in 0..nodes {
            let y = area.top - (area.top - area.bottom) * f64::from(j) / f64::from(steps);
            for i in 0..nodes {
                let x = area.left + (area.right - area.left) * f64::from(i) / f64::from(steps);
                points.push(georef.to_pixel(x, y).unwrap_or((f64::NAN, f64::NAN)));
            }
        }
        CoordGrid { nodes, points }
    }

    /// The grid of a tile, as coarse as the tolerance allows.
    pub fn of_tile(georef: &Georef, cell: Cell) -> CoordGrid {
        let mut step = WIDEST_STEP;
        loop {
            let grid = CoordGrid::new(georef, cell.mercator(), CELL_PIXELS / step);
            if step <= 2 || grid.worst_middle(georef, cell.mercator()) <= TOLERANCE {
                return grid;
            }
            step /= 2;
        }
    }

    /// The largest error of interpolation in the middles of the grid's diagonal squares, source pixels.
    fn worst_middle(&self, georef: &Georef, area: MercatorBox) -> f64 {
        let steps = self.nodes - 1;
        let error_at = |i: u32| {
            let t = (f64::from(i) + 0.5) / f64::from(steps);
            let x = area.left + (area.right - area.left) * t;
            let y = area.top - (area.top - area.bottom) * t;
            let exact = georef.to_pixel(x, y).unwrap_or((f64::NAN, f64::NAN));
            let [a, b, c, d] = self.corners(i, i);
            let near = between(between(a, b, 0.5), between(c, d, 0.5), 0.5);
            (exact.0 - near.0).abs().max((exact.1 - near.1).abs())
        };
        (0..steps).map(error_at).filter(|error| error.is_finite()).fold(0.0, f64::max)
    }

    /// The coordinates at the corners of a square of the grid: upper left, upper right, lower left, lower right.
    fn corners(&self, i: u32, j: u32) -> [Place; 4] {
        let node = |i: u32, j: u32| self.points[(j * self.nodes + i) as usize];
        [node(i, j), node(i + 1, j), node(i, j + 1), node(i + 1, j + 1)]
    }

    /// The window of the source that the grid needs, clipped to the picture; `None` where they do not meet.
    pub fn window(&self, width: u32, height: u32) -> Option<Window> {
        let mut low = (f64::INFINITY, f64::INFINITY);
        let mut high = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        for &(col, row) in self.points.iter().filter(|p| p.0.is_finite() && p.1.is_finite()) {
            low = (low.0.min(col), low.1.min(row));
            high = (high.0.max(col), high.1.max(row));
        }
        // Coordinates between the nodes may bulge a little beyond them where the projection is curved.
        let bulge = |low: f64, high: f64| MARGIN + (high - low) * 0.01;
        let (bulge_x, bulge_y) = (bulge(low.0, high.0), bulge(low.1, high.1));
        let clip = |v: f64, most: u32| v.clamp(0.0, f64::from(most)) as u32;
        let (col, row) = (clip((low.0 - bulge_x).floor(), width), clip((low.1 - bulge_y).floor(), height));
        let (right, bottom) = (clip((high.0 + bulge_x).ceil(), width), clip((high.1 + bulge_y).ceil(), height));
        (right > col && bottom > row).then(|| Window { col, row, width: right - col, height: bottom - row })
    }
}

/// A window of the source in memory, with the size of the whole picture.
pub struct Patch {
    /// Where the window lies.
    pub window: Window,
    /// Its pixels.
    pub pixels: Pixels,
    /// Columns and rows of the whole picture.
    pub full: (u32, u32),
}

impl Patch {
    /// Whether bilinear samples at these places need no look at the border: all four neighbours are in memory.
    fn holds(&self, places: [Place; 4]) -> bool {
        let (left, top) = (f64::from(self.window.col) + 0.5, f64::from(self.window.row) + 0.5);
        let (right, bottom) = (left + f64::from(self.pixels.width) - 1.0, top + f64::from(self.pixels.height) - 1.0);
        places.iter().all(|&(col, row)| col >= left && row >= top && col < right && row < bottom)
    }
}

/// Draws one tile from a patch; `None` where the tile has no valid pixel.
pub fn render(georef: &Georef, patch: &Patch, cell: Cell) -> Option<Vec<u8>> {
    let grid = CoordGrid::of_tile(georef, cell);
    let step = CELL_PIXELS / (grid.nodes - 1);
    let mut tile = vec![0u8; TILE_BYTES];
    let mut any = 0u8;
    for j in 0..grid.nodes - 1 {
        for i in 0..grid.nodes - 1 {
            any |= render_square(&grid, patch, (i, j), step, &mut tile);
        }
    }
    (any > 0).then_some(tile)
}

/// Column and row in the source, counted from its upper left corner.
type Place = (f64, f64);

/// Samples across one row of a square: where the row begins, how far it reaches.
type Line = (Place, (f64, f64));

fn render_square(grid: &CoordGrid, patch: &Patch, (i, j): (u32, u32), step: u32, tile: &mut [u8]) -> u8 {
    let share = 1.0 / f64::from(step);
    let [start, right, down, far] = grid.corners(i, j);
    // A source that is finer than the tile is averaged over several samples, or it would flicker.
    let samples = |a: f64, b: f64| ((a.hypot(b) * share / 1.5).ceil()).clamp(1.0, 16.0) as u32;
    let across = samples(right.0 - start.0, right.1 - start.1);
    let along = samples(down.0 - start.0, down.1 - start.1);
    let simple = patch.pixels.opaque && patch.holds([start, right, down, far]);
    // Within a square the coordinates are linear along a row, and along its two sides.
    let line = |py: u32, v: u32| -> Line {
        let t = (f64::from(py) + (f64::from(v) + 0.5) / f64::from(along)) * share;
        let (left, right) = (between(start, down, t), between(right, far, t));
        (left, (right.0 - left.0, right.1 - left.1))
    };
    let mut any = 0;
    let (mut lines, mut walks) = (Vec::with_capacity(along as usize), Vec::with_capacity(along as usize));
    for py in 0..step {
        let first = ((j * step + py) * CELL_PIXELS + i * step) as usize * 4;
        let row = &mut tile[first..first + step as usize * 4];
        if simple {
            walks.clear();
            walks.extend((0..along).map(|v| walk(patch.window, line(py, v), share / f64::from(across))));
            bilinear::draw(&patch.pixels, &mut walks, across, row);
            any = 255;
        } else {
            lines.clear();
            lines.extend((0..along).map(|v| line(py, v)));
            any |= draw_with_borders(patch, &lines, across, share, row);
        }
    }
    any
}

fn between(a: Place, b: Place, t: f64) -> Place {
    (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
}

/// The samples of a line, which divide it into parts of size `part`; each lies in the middle of its part.
fn walk(window: Window, (start, run): Line, part: f64) -> Walk {
    let step = (run.0 * part, run.1 * part);
    let (col, row) = (f64::from(window.col) + 0.5, f64::from(window.row) + 0.5);
    Walk::new((start.0 + step.0 / 2.0 - col, start.1 + step.1 / 2.0 - row), step)
}

/// A row of pixels where alpha or the border of the picture counts. Returns whether any of them is visible.
fn draw_with_borders(patch: &Patch, lines: &[Line], across: u32, share: f64, row: &mut [u8]) -> u8 {
    let mut any = 0;
    for (px, pixel) in row.chunks_exact_mut(4).enumerate() {
        let mut sum = [0.0f32; 4];
        for &(left, run) in lines {
            for u in 0..across {
                let s = (px as f64 + (f64::from(u) + 0.5) / f64::from(across)) * share;
                add_sample(patch, (left.0 + run.0 * s, left.1 + run.1 * s), &mut sum);
            }
        }
        pixel.copy_from_slice(&straight(sum, (across as usize * lines.len()) as f32));
        any |= pixel[3];
    }
    any
}

/// Adds one bilinear sample, premultiplied by alpha; nothing outside the picture.
#[inline]
fn add_sample(patch: &Patch, (col, row): (f64, f64), sum: &mut [f32; 4]) {
    let (width, height) = patch.full;
    // NaN fails these comparisons too.
    let inside = col >= 0.0 && row >= 0.0 && col <= f64::from(width) && row <= f64::from(height);
    if !inside {
        return;
    }
    let (x, y) = (col - 0.5 - f64::from(patch.window.col), row - 0.5 - f64::from(patch.window.row));
    let (x0, y0) = (x.floor(), y.floor());
    let (fx, fy) = ((x - x0) as f32, (y - y0) as f32);
    let image = &patch.pixels;
    let clamp = |v: f64, count: u32| (v.max(0.0) as usize).min(count as usize - 1);
    let (left, right) = (clamp(x0, image.width), clamp(x0 + 1.0, image.width));
    let (top, bottom) =
        (clamp(y0, image.height) * image.width as usize, clamp(y0 + 1.0, image.height) * image.width as usize);
    let pixel = |at: usize| match image.data[at * image.stride..(at + 1) * image.stride] {
        [r, g, b, alpha] if !image.opaque => [r, g, b, alpha],
        [r, g, b, ..] => [r, g, b, 255],
        _ => [0; 4],
    };
    let pixels = [pixel(top + left), pixel(top + right), pixel(bottom + left), pixel(bottom + right)];
    let mut weights = [(1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy];
    for (weight, pixel) in weights.iter_mut().zip(&pixels) {
        *weight *= f32::from(pixel[3]);
    }
    for channel in 0..3 {
        sum[channel] += weights[0] * f32::from(pixels[0][channel])
            + weights[1] * f32::from(pixels[1][channel])
            + weights[2] * f32::from(pixels[2][channel])
            + weights[3] * f32::from(pixels[3][channel]);
    }
    sum[3] += weights[0] + weights[1] + weights[2] + weights[3];
}

fn straight(sum: [f32; 4], samples: f32) -> [u8; 4] {
    let alpha = sum[3] / samples;
    if alpha < 0.5 {
        return [0; 4];
    }
    let colour = |v: f32| (v / sum[3] + 0.5) as u8;
    [colour(sum[0]), colour(sum[1]), colour(sum[2]), (alpha + 0.5) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cell::Cell;
    use crate::imagery::{Crs, RgbaImage};

    fn on_grid(cell: Cell) -> Georef {
        let area = cell.mercator();
        let pixel = Cell::side(cell.z) / 256.0;
        Georef::new(Crs::Mercator, [area.left, pixel, 0.0, area.top, 0.0, -pixel]).unwrap()
    }

    fn patch(pixels: impl Fn(u32, u32) -> [u8; 4]) -> Patch {
        let window = Window { col: 0, row: 0, width: 256, height: 256 };
        let data =
            (0..256u32).flat_map(|row| (0..256u32).flat_map(move |col| [(col, row)])).flat_map(|(c, r)| pixels(c, r));
        let image = RgbaImage { width: 256, height: 256, data: data.collect() };
        Patch { window, pixels: image.into(), full: (256, 256) }
    }

    #[test]
    fn a_picture_that_lies_on_the_grid_is_copied_unchanged() {
        let cell = Cell { z: 15, x: 18_000, y: 13_000 };
        let patch = patch(|c, r| [c as u8, r as u8, (c * r % 251) as u8, 255]);
        assert_eq!(render(&on_grid(cell), &patch, cell).unwrap(), patch.pixels.data);
    }

    #[test]
    fn a_transparent_neighbour_lends_no_colour() {
        let cell = Cell { z: 15, x: 18_000, y: 13_000 };
        let half = Georef::new(Crs::Mercator, {
            let (area, pixel) = (cell.mercator(), Cell::side(15) / 256.0);
            [area.left + pixel / 2.0, pixel, 0.0, area.top, 0.0, -pixel]
        })
        .unwrap();
        let patch = patch(|c, _| if c < 100 { [200, 100, 50, 255] } else { [0, 0, 0, 0] });
        let tile = render(&half, &patch, cell).unwrap();
        // Column 100 lies between the last valid and the first empty column: half alpha, full colour.
        assert_eq!(tile[100 * 4..100 * 4 + 4], [200, 100, 50, 128]);
        assert_eq!(tile[101 * 4 + 3], 0);
    }

    #[test]
    fn the_simple_way_draws_what_the_general_way_draws() {
        let cell = Cell { z: 15, x: 18_000, y: 13_000 };
        let (area, pixel) = (cell.mercator(), Cell::side(15) / 256.0);
        for scale in [0.7, 1.3, 2.4] {
            let size = pixel / scale;
            let affine = [area.left - 3.3 * size, size, 0.1 * size, area.top + 4.7 * size, -0.1 * size, -size];
            let georef = Georef::new(Crs::Mercator, affine).unwrap();
            let simple = patch(|c, r| [(c * 7) as u8, (r * 3) as u8, (c * r % 251) as u8, 255]);
            let bytes = simple.pixels.data.chunks(4).flat_map(|pixel| pixel[..3].to_vec()).collect();
            let three = Pixels { stride: 3, data: bytes, ..simple.pixels.clone() };
            let slow = Pixels { opaque: false, ..simple.pixels.clone() };
            let drawn = |pixels: Pixels| render(&georef, &Patch { pixels, ..simple }, cell).unwrap();
            let (fast, three, general) = (drawn(simple.pixels.clone()), drawn(three), drawn(slow));
            assert_eq!(fast, three, "three bytes a pixel at {scale}");
            let far = fast.iter().zip(&general).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(far <= 1, "{far} levels at {scale}");
        }
    }

    #[test]
    fn a_tile_without_picture_is_none() {
        let cell = Cell { z: 15, x: 18_000, y: 13_000 };
        assert!(render(&on_grid(cell), &patch(|_, _| [9, 9, 9, 0]), cell).is_none());
        let far = Cell { x: 18_002, ..cell };
        assert!(render(&on_grid(cell), &patch(|_, _| [9, 9, 9, 255]), far).is_none());
    }
}
